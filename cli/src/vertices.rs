//! Vertices of a graph by the ids that they have in its file, and a value of each as a table.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use outcore::io::{FileFormat, VertexIds};
use outcore::{Dense, Error, ErrorKind, Result};

use crate::report::Report;
use crate::session::Session;

/// Lines between two looks at the token of the user's interrupt.
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
        Error::new(ErrorKind::Unsupported, "the name says no format")
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
        Dense::from(numbers).copy_to(session.place(path), session.ctx())?;
        let mut report = Report::new();
        report.fact("written", path.display().to_string());
        report.fact("numbers", vertices);
        return Ok(report);
    };
    let failed = |error: std::io::Error| Error::io("writing", path, error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let stem = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden =
        parent.unwrap_or(Path::new(".")).join(format!(".{stem}.part-{}", std::process::id()));
    let file = File::options().write(true).create_new(true).open(&hidden).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let lines = (0..vertices).try_for_each(|vertex| {
        if vertex % STEP == 0 {
            session.ctx().report("writing", vertex as u64, vertices as u64)?;
        }
        let (id, value) = (name(ids, vertex), (values.text)(vertex));
        let (id, value) = (cell(&id, separator), cell(&value, separator));
        writeln!(out, "{id}{separator}{value}").map_err(failed)
    });
    let written = lines
        .and_then(|()| out.into_inner().map_err(|error| failed(error.into_error())))
        .and_then(|file| file.sync_all().map_err(failed))
        .and_then(|()| session.check_free(path))
        .and_then(|()| std::fs::rename(&hidden, path).map_err(failed));
    if written.is_err() {
        let _ = std::fs::remove_file(&hidden);
    }
    written?;
    let mut report = Report::new();
    report.fact("written", path.display().to_string());
    report.fact("lines", vertices);
    Ok(report)
}
