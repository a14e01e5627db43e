//! What may be replaced: an array, or the folder of a matrix, and no other file.

use std::sync::Arc;

use rustix::fs::FileType;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::checksum::{self, SIDE};
use crate::storage::files::descriptor::{
    DESCRIPTOR, Descriptor, INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE, VERTEX_IDS_FILE,
    VERTEX_NAMES_FILE,
};
use crate::storage::files::folder::Folder;
use crate::storage::files::npy::read_header;
use crate::storage::files::rewrite::MARK;
use crate::storage::files::stored_file::StoredFile;

/// Files of a stored matrix, each possibly with a side file.
const OWN: [&str; 7] = [
    DESCRIPTOR,
    INDICES_FILE,
    POINTERS_FILE,
    ROWS_FILE,
    VALUES_FILE,
    VERTEX_IDS_FILE,
    VERTEX_NAMES_FILE,
];

/// The kind of result that gets the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A folder of arrays.
    Matrix,
    /// An array file, and its sums.
    Array,
    /// A file of text, alone.
    Text,
}

/// Fails if a file of another kind exists there: an array must have a NumPy header, a matrix must be a folder that
/// holds only its own files, a text may replace any file. Returns whether anything exists.
pub(crate) fn check_replaceable(target: &StoredFile, what: What) -> Result<bool> {
    let found = match (target.kind()?, what) {
        (None, _) => return Ok(false),
        (Some(FileType::RegularFile), What::Text) => match checksum::has_sums(target)? {
            false => return Ok(true),
            // They would stay next to a file that they do not belong to.
            true => "an array with checksums",
        },
        (Some(FileType::Directory), What::Matrix) => return check_matrix(target).map(|()| true),
        (Some(FileType::RegularFile), What::Array) => return check_array(target).map(|()| true),
        (Some(FileType::Directory), _) => "a folder",
        (Some(FileType::RegularFile), _) => "a file",
        (Some(FileType::Symlink), _) => "a dangling link",
        (Some(_), _) => "neither a file nor a folder",
    };
    Err(kept(target, what).found(found))
}

fn kept(target: &StoredFile, what: What) -> Error {
    let expected = match what {
        What::Matrix => "the folder of a stored matrix, or nothing",
        What::Array => "an array file, or nothing",
        What::Text => "an ordinary file without checksums, or nothing",
    };
    Error::new(ErrorKind::Exists, "the existing file is of another kind and will not be replaced")
        .in_file(target.path())
        .expected(expected)
        .remedy("choose another name, or move it away")
}

fn check_array(target: &StoredFile) -> Result<()> {
    let header = target.open().and_then(|file| read_header(&file, &target.path()));
    header.map(drop).map_err(|e| kept(target, What::Array).found(format!("another file ({e})")))
}

fn check_matrix(target: &StoredFile) -> Result<()> {
    loop {
        let folder = target.open_folder()?;
        match check_own_files(target, &folder) {
            // It was replaced meanwhile, and its files are being removed.
            Err(_) if !folder.is_there() && target.kind()? == Some(FileType::Directory) => {}
            outcome => return outcome,
        }
    }
}

fn check_own_files(target: &StoredFile, folder: &Arc<Folder>) -> Result<()> {
    let names = folder.names()?;
    for name in &names {
        let name = name.to_string_lossy();
        let own = name.strip_suffix(SIDE).or(name.strip_suffix(MARK)).unwrap_or(&name);
        // A file that is gone by now does not count.
        let is_file = matches!(folder.file(&*name).kind()?, Some(FileType::RegularFile) | None);
        if !OWN.contains(&own) || !is_file {
            return Err(kept(target, What::Matrix).found(format!("a folder with {name:?} in it")));
        }
    }
    if names.is_empty() {
        return Err(kept(target, What::Matrix).found("an empty folder"));
    }
    let described = Descriptor::read_in(folder);
    described
        .map(drop)
        .map_err(|e| kept(target, What::Matrix).found(format!("another folder ({e})")))
}
