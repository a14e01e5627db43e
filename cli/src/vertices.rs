//! Vertices of a graph by the ids that they have in its file, and a value of each as a table.

use std::borrow::Cow;
use std::path::Path;

use outcore::io::{FileFormat, VertexIds, write_file};
use outcore::{Dense, Error, ErrorKind, Result};

use crate::report::Report;
use crate::session::Session;

/// Lines between two checks of the token of the user's interrupt.
const STEP: usize = 1 << 16;

/// The ids of the vertices of a matrix that goes to a path, if that can keep them: a stored matrix can.
pub(crate) fn kept<'i>(ids: Option<&'i VertexIds>, output: &Path) -> Option<&'i VertexIds> {
    ids.filter(|_| FileFormat::of_name(output) == Some(FileFormat::Stored))
}

/// The name of a vertex: its id, or its number if it has none.
pub(crate) fn name(ids: Option<&VertexIds>, vertex: usize) -> Cow<'_, str> {
    match ids {
        Some(ids) => ids.id(vertex),
        None => vertex.to_string().into(),
    }
}

/// The name of a vertex for programs: a number unless it is a name.
pub(crate) fn value(ids: Option<&VertexIds>, vertex: usize) -> serde_json::Value {
    match ids.map(|ids| ids.numbers().map(|numbers| numbers[vertex])) {
        None => vertex.into(),
        Some(Some(number)) => number.into(),
        Some(None) => name(ids, vertex).into(),
    }
}

/// The vertex with a name.
pub(crate) fn find(ids: Option<&VertexIds>, name: &str, vertices: usize) -> Result<usize> {
    let found = match ids {
        Some(ids) => ids.vertex(name),
        None => name.parse().ok().filter(|&vertex| vertex < vertices),
    };
    found.ok_or_else(|| {
        Error::new(ErrorKind::Index, "there is no such vertex")
            .expected(match ids {
                Some(_) => "the id of a vertex in the file".to_owned(),
                None => format!("a vertex below {vertices}"),
            })
            .found(name)
    })
}

/// Values of all vertices, as numbers and as text.
pub(crate) struct Values<'a> {
    pub(crate) numbers: &'a dyn Fn() -> Vec<f64>,
    pub(crate) text: &'a dyn Fn(usize) -> String,
}

/// What stands between the columns of a table of this name; `None` for an array.
pub(crate) fn separator_of(path: &Path) -> Result<Option<char>> {
    let extension = path.extension().unwrap_or_default();
    let known = [("npy", None), ("csv", Some(',')), ("tsv", Some('\t'))];
    let found = known.iter().find(|(name, _)| extension.eq_ignore_ascii_case(name));
    found.map(|&(_, separator)| separator).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "the file name has no known extension")
            .in_file(path)
            .expected("a name that ends in .npy, .csv or .tsv")
    })
}

/// A cell of a table, in quotes if it needs them.
fn cell(text: &str, separator: char) -> Cow<'_, str> {
    match text.contains([separator, '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")).into(),
        false => text.into(),
    }
}

/// Writes the values of all vertices, if a path is given: numbers alone into a `.npy` array, lines with the id and the
/// value of each vertex into a `.csv` or `.tsv` file.
pub(crate) fn write(
    path: Option<&Path>,
    ids: Option<&VertexIds>,
    (vertices, values): (usize, Values<'_>),
    session: &Session,
) -> Result<Report> {
    let Some(path) = path else { return Ok(Report::new()) };
    let Some(separator) = separator_of(path)? else {
        let numbers = outcore::ndarray::Array1::from((values.numbers)());
        let numbers = Dense::from(numbers);
        session.last_step(|ctx| numbers.copy_to(session.place(path), ctx))?;
        let mut report = Report::new();
        report.fact("written", path.display().to_string());
        report.fact("numbers", vertices);
        return Ok(report);
    };
    if session.is_plan() {
        return Ok(Report::new());
    }
    let mut stopped = None;
    let written = write_file(session.place(path), |out| {
        (0..vertices).try_for_each(|vertex| {
            if vertex % STEP == 0
                && let Err(error) = session.ctx().report("writing", vertex as u64, vertices as u64)
            {
                stopped = Some(error);
                return Err(std::io::Error::other("interrupted"));
            }
            let (id, value) = (name(ids, vertex), (values.text)(vertex));
            let (id, value) = (cell(&id, separator), cell(&value, separator));
            writeln!(out, "{id}{separator}{value}")
        })
    });
    stopped.map_or(written, Err)?;
    let mut report = Report::new();
    report.fact("written", path.display().to_string());
    report.fact("lines", vertices);
    Ok(report)
}
