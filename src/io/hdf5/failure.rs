//! What the parser says is wrong, as an error of this library.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hdf5_pure::FormatError;

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::ForeignFile;

/// Calls the parser.
///
/// Its authors mean it to answer every damaged file with an error. Should it panic all the same, that is an error of the
/// file here, and nothing that it was in the middle of is used again.
pub(super) fn parsed<T>(
    file: &ForeignFile,
    call: impl FnOnce() -> std::result::Result<T, hdf5_pure::Error>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(file, error)),
        Err(_) => Err(Error::new(ErrorKind::Format, "the file is damaged").in_file(file.path())),
    }
}

fn failure(file: &ForeignFile, error: hdf5_pure::Error) -> Error {
    use hdf5_pure::Error as Hdf5;
    let about = |kind, what: &str| Error::new(kind, what).in_file(file.path());
    match error {
        Hdf5::Io(source) => Error::io("reading", file.path(), source),
        Hdf5::Format(FormatError::InvalidLayoutVersion(version)) if version > 4 => {
            about(ErrorKind::Unsupported, "the dataset has the layout of a later version of HDF5")
                .expected("at most version 4 of the layout, as HDF5 1.8 to 1.14 write it")
                .found(version)
                .remedy("rewrite the file with h5repack, or without libver=\"latest\" in h5py")
        }
        Hdf5::FileMarkedInUse(_) | Hdf5::FileLocked(_) => {
            about(ErrorKind::Locked, "the file is marked as open for writing")
                .remedy("close its writer, or remove the mark with h5clear -s")
        }
        other => {
            let found = other.to_string();
            let is_unsupported = found.to_ascii_lowercase().contains("unsupported");
            match is_unsupported {
                true => about(
                    ErrorKind::Unsupported,
                    "the file uses a part of HDF5 that is not supported",
                )
                .found(found)
                .remedy("rewrite the file with h5repack -f GZIP=4"),
                false => {
                    about(ErrorKind::Format, "the HDF5 file is damaged, or cut off").found(found)
                }
            }
        }
    }
}
