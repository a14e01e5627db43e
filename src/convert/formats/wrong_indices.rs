//! Finds out what is wrong with the indices of a matrix, for an error that only reports that something is.

use crate::error::{Error, ErrorKind};
use crate::sparse::{AnyCompressed, AnyCoo};

/// Either an index of a file that was never checked is bad, or the file is changing meanwhile.
pub(crate) fn index_error_of(from: &AnyCompressed) -> Error {
    let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
    from.check().err().unwrap_or_else(changed)
}

/// Replaces an error about an index by one that says what is wrong with the indices of a matrix.
pub(crate) fn index_error_instead(from: &AnyCompressed, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Index => index_error_of(from),
        _ => error,
    }
}

/// Replaces an error about an index by one that says what is wrong with the coordinates. They are checked during the
/// pass, and the check that finds the position reads them again.
pub(crate) fn coo_error_instead(coo: &AnyCoo, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Index => coo.check().err().unwrap_or_else(changed),
        _ => error,
    }
}

pub(crate) fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}
