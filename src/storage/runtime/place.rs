//! Where a result goes.

use std::path::{Path, PathBuf};

/// Where the result of a routine goes: the one argument that decides between memory and disk.
///
/// A result in a file appears there when it is complete, never in part, and nothing is left behind if the routine
/// fails. Files left by a killed process keep a hidden name until the next result of the same name is made.
///
/// ```
/// use outcore::Place;
/// assert_eq!(Place::from("a.npy"), Place::File("a.npy".into()));
/// assert_eq!(Place::from(format!("{}.npy", 7)), Place::File("7.npy".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// Memory, within the context's memory limit.
    #[default]
    Memory,
    /// A file without a name in the context's scratch folder, which disappears with its last user.
    Scratch,
    /// This path, which must not exist yet.
    File(PathBuf),
    /// This path; an existing file stays until the result is complete, and is then replaced in one step.
    Replace(PathBuf),
}

impl From<&str> for Place {
    fn from(path: &str) -> Self {
        Place::File(path.into())
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Place::File(path.into())
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Place::File(path)
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Place::File(path.into())
    }
}

impl From<String> for Place {
    fn from(path: String) -> Self {
        Place::File(path.into())
    }
}

impl From<&String> for Place {
    fn from(path: &String) -> Self {
        Place::File(path.into())
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}
