//! What a verb found: rows for people, one JSON object for programs.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Map, Value};

/// How a report is printed.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// For people.
    Rows,
    /// One JSON object.
    Json,
    /// Not at all: only the exit code tells.
    Nothing,
}

/// Rows of a name and a value, and lines of text, in order.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<(String, String)>,
    values: Map<String, Value>,
    text: String,
    /// Whether the answer is no: files differ, a check failed, a solve did not converge.
    negative: bool,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a row: `shown` to people, `value` to programs.
    pub(crate) fn row(&mut self, name: &str, shown: impl Into<String>, value: impl Into<Value>) {
        self.rows.push((name.to_owned(), shown.into()));
        self.values.insert(name.replace(' ', "_"), value.into());
    }

    /// Adds a row for people alone.
    pub(crate) fn shown(&mut self, name: &str, shown: impl Into<String>) {
        self.rows.push((name.to_owned(), shown.into()));
    }

    /// Adds a row that looks the same to both.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let shown = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.row(name, shown, value);
    }

    /// Adds a value for programs alone.
    pub(crate) fn value(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Adds a line for people alone.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Makes the exit code 1.
    pub(crate) fn negative(&mut self) {
        self.negative = true;
    }

    /// Writes it to standard output. A pipe that was closed is not an error.
    pub(crate) fn print(&self, form: Form) -> ExitCode {
        let mut out = io::stdout().lock();
        let written = match form {
            Form::Json => writeln!(out, "{}", Value::Object(self.values.clone())),
            Form::Rows => self.print_rows(&mut out),
            Form::Nothing => Ok(()),
        };
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = writeln!(io::stderr(), "error: writing to standard output: {error}");
                ExitCode::from(2)
            }
            _ if self.negative => ExitCode::from(1),
            _ => ExitCode::SUCCESS,
        }
    }

    fn print_rows(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, shown) in &self.rows {
            writeln!(out, "{name:width$}  {shown}")?;
        }
        out.write_all(self.text.as_bytes())
    }
}
