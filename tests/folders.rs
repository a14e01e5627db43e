//! Folders for tests of results and scratch files.

use std::path::{Path, PathBuf};

use outcore::{Context, Place};
use tempfile::{TempDir, tempdir};

/// A folder for results and one for scratch files, which must be empty in the end.
pub(crate) struct Folders {
    pub(crate) results: TempDir,
    pub(crate) scratch: TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        Folders { results: tempdir().unwrap(), scratch: tempdir().unwrap() }
    }

    /// A context with a memory limit in bytes, whose scratch files lie here.
    pub(crate) fn context(&self, limit: u64) -> Context {
        Context::new().memory_limit(limit).scratch(self.scratch.path())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.results.path().join(name)
    }

    pub(crate) fn result(&self, name: &str) -> Place {
        Place::File(self.path(name))
    }

    /// A place for a result that takes that of an earlier one.
    pub(crate) fn replaced(&self, name: &str) -> Place {
        Place::Replace(self.path(name))
    }

    /// Fails unless the checksums of a result are right.
    pub(crate) fn verify(&self, name: &str) {
        outcore::verify(self.path(name), &Context::new()).unwrap();
    }

    /// Fails unless the results have these names and nothing is left in the folder for scratch files.
    pub(crate) fn assert_only(&self, expected: &[&str]) {
        assert_eq!(names(self.results.path()), expected, "left in the folder of results");
        self.assert_no_scratch();
    }

    pub(crate) fn assert_no_scratch(&self) {
        let left = names(self.scratch.path());
        assert_eq!(left, [""; 0], "left in the folder for scratch files");
    }
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
