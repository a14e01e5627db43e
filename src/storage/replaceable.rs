//! What may be replaced: an array, or the folder of a matrix, and nothing that somebody else keeps there.

use rustix::fs::FileType;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::checksum::SIDE;
use crate::storage::descriptor::{
    DESCRIPTOR, Descriptor, INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE,
};
use crate::storage::folder::StoredFile;
use crate::storage::npy::read_header;
use crate::storage::rewrite::MARK;

/// Files of a stored matrix, each perhaps with its side file.
const OWN: [&str; 5] = [DESCRIPTOR, INDICES_FILE, POINTERS_FILE, ROWS_FILE, VALUES_FILE];

/// Fails if something stands there that is not an array with a NumPy header, or if `is_folder` not the folder of a matrix
/// with its own files alone; tells whether anything does.
pub(crate) fn check_replaceable(target: &StoredFile, is_folder: bool) -> Result<bool> {
    let found = match target.kind()? {
        None => return Ok(false),
        Some(FileType::Directory) if is_folder => return check_matrix(target).map(|()| true),
        Some(FileType::RegularFile) if !is_folder => return check_array(target).map(|()| true),
        Some(FileType::Directory) => "a folder",
        Some(FileType::RegularFile) => "a file",
        Some(FileType::Symlink) => "a link that leads nowhere",
        Some(_) => "neither a file nor a folder",
    };
    Err(kept(target, is_folder).found(found))
}

fn kept(target: &StoredFile, is_folder: bool) -> Error {
    let expected = match is_folder {
        true => "the folder of a stored matrix, or nothing",
        false => "an array file, or nothing",
    };
    Error::new(ErrorKind::Exists, "what stands there is not replaced")
        .in_file(target.path())
        .expected(expected)
        .remedy("choose another name, or move it away")
}

fn check_array(target: &StoredFile) -> Result<()> {
    let header = target.open().and_then(|file| read_header(&file, &target.path()));
    header.map(drop).map_err(|e| kept(target, false).found(format!("another file ({e})")))
}

fn check_matrix(target: &StoredFile) -> Result<()> {
    let folder = target.open_folder()?;
    let names = folder.names()?;
    for name in &names {
        let name = name.to_string_lossy();
        let own = name.strip_suffix(SIDE).or(name.strip_suffix(MARK)).unwrap_or(&name);
        if !OWN.contains(&own) || folder.file(&*name).kind()? != Some(FileType::RegularFile) {
            return Err(kept(target, true).found(format!("a folder with {name:?} in it")));
        }
    }
    if names.is_empty() {
        return Err(kept(target, true).found("an empty folder"));
    }
    let described = Descriptor::read_in(&folder);
    described.map(drop).map_err(|e| kept(target, true).found(format!("another folder ({e})")))
}
