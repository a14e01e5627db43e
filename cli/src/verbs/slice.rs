//! Some rows and columns.

use std::ops::Range;
use std::path::PathBuf;

use outcore::io::Imported;
use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Extract a range of rows and columns";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
    /// Rows such as 0:100, :100 or 5:
    #[arg(long, default_value = ":")]
    rows: String,
    /// Columns, likewise
    #[arg(long, default_value = ":")]
    cols: String,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let Imported { matrix, vertices, .. } = session.import(&arguments.input)?;
    let a = session.in_lines(matrix)?;
    let rows = range(&arguments.rows, a.nrows())?;
    let cols = range(&arguments.cols, a.ncols())?;
    // Names stay with their vertices where rows and columns are the same.
    let ids = vertices.filter(|ids| rows == cols && ids.len() == a.nrows());
    let ids = ids.map(|ids| ids.take(&rows.clone().collect::<Vec<_>>())).transpose()?;
    let part = |place, ctx: &_| a.slice(rows.clone(), cols.clone(), place, ctx);
    let is_dense = a.format().is_none();
    let part = session.make_with_ids(&arguments.output, ids.as_ref(), &a, is_dense, part)?;
    Ok(done(&arguments.output, &part))
}

/// A range as Python writes it, without negative numbers.
fn range(text: &str, most: usize) -> Result<Range<usize>> {
    let wrong = || {
        outcore::Error::new(outcore::ErrorKind::Format, "not a range")
            .expected("START:END, either of which may be missing")
            .found(format!("{text:?}"))
    };
    let (start, end) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, missing: usize| match text.trim() {
        "" => Ok(missing),
        text => text.parse().map_err(|_| wrong()),
    };
    Ok(number(start, 0)?..number(end, most)?)
}
