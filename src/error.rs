//! One error type for every floor: plain data that says what happened, where, and what was expected.
//!
//! An error names the file and the place in it (a byte, a line, a field, a row) and, where the input was wrong,
//! what was expected and what was found. Nothing here knows matrices; every floor builds its errors from these parts.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong and where, what was expected and what was found.
///
/// The kind is for programs, the text of [`Display`](fmt::Display) for users.
///
/// ```
/// use outcore::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Format, "the header ends too early")
///     .in_file("a.npy")
///     .at_byte(8)
///     .expected("118 bytes of header")
///     .found("62");
/// assert_eq!(error.kind(), ErrorKind::Format);
/// assert_eq!(
///     error.to_string(),
///     "a.npy, byte 8: the header ends too early: expected 118 bytes of header, found 62"
/// );
/// ```
pub struct Error(Box<Parts>);

struct Parts {
    kind: ErrorKind,
    what: String,
    path: Option<PathBuf>,
    place: Option<Location>,
    expected: Option<String>,
    found: Option<String>,
    remedy: Option<String>,
    source: Option<io::Error>,
}

/// The classes of failure a program may want to distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused: not found, no permission, a failing device.
    Io,
    /// A file does not follow its format, or an argument is invalid.
    Format,
    /// The requested element or index type is not the stored one, or would need a copy.
    Type,
    /// Shapes do not fit each other.
    Shape,
    /// An index or a pointer of a sparse matrix is out of range or out of order.
    Index,
    /// A number cannot be read, or does not fit the requested type.
    Value,
    /// A duplicate entry where duplicates were refused.
    Duplicate,
    /// The work needs more memory than the limit allows.
    Memory,
    /// The file is in use: a process, perhaps this one, holds it for writing, or for reading where it is to be written.
    Locked,
    /// A file exists at the place of a result, or must not be replaced.
    Exists,
    /// The device has not enough space.
    Space,
    /// What was opened is no longer there: its name leads to something else now, or nowhere.
    Replaced,
    /// The last writer of the file did not close it: its contents are partly old and partly new.
    Unfinished,
    /// A result is complete and in its place, but the device did not confirm the write: a power loss may bring back the
    /// old state.
    NotDurable,
    /// Stored bytes no longer match their checksum.
    Checksum,
    /// The caller's cancel token was set.
    Cancelled,
    /// A valid file of a kind that this library does not read, or an operation that is not available.
    Unsupported,
    /// No failure: under [`Context::plan`](crate::Context::plan) an operation stops once it has reported its cost.
    Planned,
}

/// The place inside a file or a matrix that an error refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// Byte offset from the start of the file.
    Byte(u64),
    /// Line of a text file, the first being 1.
    Line(u64),
    /// A named field of a header or descriptor.
    Field(String),
    /// A row (or column, for CSC) of a compressed matrix, the first being 0.
    Row(u64),
    /// An entry of an index or value array, the first being 0.
    Position(u64),
    /// An entry of a compressed matrix: its row (column, for CSC) and its position in the index array.
    Entry {
        /// Row for CSR, column for CSC; the first is 0.
        major: u64,
        /// Position in the index and value arrays; the first is 0.
        position: u64,
    },
}

/// Fails if an operand or a destination does not have the required length or extents.
pub(crate) fn check_shape<S: PartialEq + fmt::Debug>(
    operand: &str,
    expected: S,
    found: S,
) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::shape(operand, format!("{expected:?}"), format!("{found:?}"))),
    }
}

impl Error {
    /// An error with a kind and one clause that describes what happened.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            what: what.into(),
            path: None,
            place: None,
            expected: None,
            found: None,
            remedy: None,
            source: None,
        }))
    }

    /// A refusal by the operating system while `doing` something ("creating", "reading") to `path`.
    ///
    /// It is of kind [`ErrorKind::Space`] where the device is full, else of kind [`ErrorKind::Io`].
    pub fn io(doing: &str, path: impl AsRef<Path>, source: io::Error) -> Self {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let kind = match source.kind() {
            StorageFull | QuotaExceeded => ErrorKind::Space,
            _ => ErrorKind::Io,
        };
        let mut error = Error::new(kind, doing.to_owned()).in_file(path);
        error.0.source = Some(source);
        error
    }

    /// An operand whose shape does not fit: the `operand`'s name, the expected shape and the actual one.
    pub fn shape(operand: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Shape, format!("{operand} has the wrong shape"))
            .expected(expected)
            .found(found)
    }

    /// Names the file the error is about. A file named earlier is kept.
    pub fn in_file(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path.get_or_insert_with(|| path.as_ref().to_owned());
        self
    }

    /// Names `path` where the error names `other`, which is the same file by a name that the caller does not know.
    pub(crate) fn in_file_instead(mut self, other: &Path, path: &Path) -> Self {
        if self.0.path.as_deref() == Some(other) {
            self.0.path = Some(path.to_owned());
        }
        self
    }

    /// Names a byte of the file.
    pub fn at_byte(self, offset: u64) -> Self {
        self.at(Location::Byte(offset))
    }

    /// Names a line of the file, the first being 1.
    pub fn at_line(self, line: u64) -> Self {
        self.at(Location::Line(line))
    }

    /// Names a field of a header.
    pub fn at_field(self, field: impl Into<String>) -> Self {
        self.at(Location::Field(field.into()))
    }

    /// Names the place.
    pub fn at(mut self, place: Location) -> Self {
        self.0.place = Some(place);
        self
    }

    /// What was expected.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.0.expected = Some(expected.to_string());
        self
    }

    /// What was found instead.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.0.found = Some(found.to_string());
        self
    }

    /// What the caller can do about it.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// A copy of the error. An operating system error keeps its number or its text.
    pub(crate) fn again(&self) -> Self {
        let Parts { kind, what, path, place, expected, found, remedy, source } = &*self.0;
        let source = source.as_ref().map(|source| match source.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(source.kind(), source.to_string()),
        });
        Error(Box::new(Parts {
            kind: *kind,
            what: what.clone(),
            path: path.clone(),
            place: place.clone(),
            expected: expected.clone(),
            found: found.clone(),
            remedy: remedy.clone(),
            source,
        }))
    }

    /// Whether a file or directory was not found.
    pub(crate) fn is_not_found(&self) -> bool {
        self.0.source.as_ref().is_some_and(|source| source.kind() == io::ErrorKind::NotFound)
    }

    /// The class of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The file, if the error is about one.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The place in the file or matrix.
    pub fn location(&self) -> Option<&Location> {
        self.0.place.as_ref()
    }

    /// What was expected.
    pub fn expectation(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What was found instead.
    pub fn finding(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// What the caller can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        match (&parts.path, &parts.place) {
            (Some(path), Some(place)) => write!(f, "{}, {place}: ", path.display())?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(place)) => write!(f, "{place}: ")?,
            (None, None) => {}
        }
        f.write_str(&parts.what)?;
        if let Some(source) = &parts.source {
            write!(f, ": {source}")?;
        }
        match (&parts.expected, &parts.found) {
            (Some(expected), Some(found)) => write!(f, ": expected {expected}, found {found}")?,
            (Some(expected), None) => write!(f, ": expected {expected}")?,
            (None, Some(found)) => write!(f, ": found {found}")?,
            (None, None) => {}
        }
        if let Some(remedy) = &parts.remedy {
            write!(f, " ({remedy})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Byte(offset) => write!(f, "byte {offset}"),
            Location::Line(line) => write!(f, "line {line}"),
            Location::Field(field) => write!(f, "field {field:?}"),
            Location::Row(row) => write!(f, "row {row}"),
            Location::Position(position) => write!(f, "position {position}"),
            Location::Entry { major, position } => write!(f, "row {major}, position {position}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
