//! Where a result shall live.

use std::path::{Path, PathBuf};

/// Where the result of a routine shall live: the one argument that decides between memory and disk.
///
/// A result in a file appears there when it is complete, never in part, and nothing is left behind if the routine
/// fails. What a killed process had built stays under a hidden name until the next result of the same name is made.
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
    /// A file without a name in the context's scratch folder, which goes away with its last user.
    Scratch,
    /// This path, at which there must be nothing yet.
    File(PathBuf),
    /// This path; what is there now stays until the result is complete, and is then replaced in one step.
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
