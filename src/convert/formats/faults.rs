//! What is wrong with the indices of a matrix, for an error that says only that something is.

use crate::error::{Error, ErrorKind};
use crate::sparse::{AnyCompressed, AnyCoo};

/// Either an index of a file that was never checked is bad, or the file is changing under us.
pub(crate) fn fault_of(from: &AnyCompressed) -> Error {
    let changed = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
    from.check().err().unwrap_or_else(changed)
}

/// What is wrong with the indices of a matrix, in the place of an error about an index.
pub(crate) fn fault_instead(from: &AnyCompressed, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Index => fault_of(from),
        _ => error,
    }
}

/// In the place of an error about an index, what is wrong with the coordinates: they are checked on their way, and the check
/// that names the place reads them once more.
pub(crate) fn coo_fault_instead(coo: &AnyCoo, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Index => coo.check().err().unwrap_or_else(changed),
        _ => error,
    }
}

pub(crate) fn changed() -> Error {
    Error::new(ErrorKind::Index, "the coordinates changed while they were read")
}
