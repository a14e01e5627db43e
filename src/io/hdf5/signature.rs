//! Whether a file is HDF5.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The first bytes of the superblock.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Whether a file has the signature at its start, or behind a block of the user's: at 512 bytes, 1024, and so on.
///
/// Cost: eight bytes at each of these places.
pub(in crate::io) fn is_hdf5(file: &File) -> bool {
    let mut found = [0; 8];
    let mut at = 0u64;
    while file.read_exact_at(&mut found, at).is_ok() {
        if found == SIGNATURE {
            return true;
        }
        at = if at == 0 { 512 } else { at * 2 };
    }
    false
}
