//! Sums over the blocks of a file: XXH3 of every 4 MiB, computed while the file is written, or from a stored file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use crate::error::{Error, Result};

/// Bytes summed together.
pub(crate) const BLOCK: u64 = 4 << 20;

/// The sum of every block of a file, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checksums(pub(crate) Vec<u64>);

/// Sums a file from its first byte to its last as its bytes are written.
pub(crate) struct Summing {
    sums: Checksums,
    open: Box<Xxh3Default>,
    /// Bytes missing in the open block.
    left: u64,
}

impl Summing {
    pub(crate) fn new() -> Self {
        Summing { sums: Checksums::default(), open: Box::new(Xxh3Default::new()), left: BLOCK }
    }

    /// Adds the next bytes of the file.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let now;
            (now, bytes) = bytes.split_at(bytes.len().min(self.left as usize));
            self.open.update(now);
            self.left -= now.len() as u64;
            if self.left == 0 {
                self.close();
            }
        }
    }

    pub(crate) fn finish(mut self) -> Checksums {
        if self.left < BLOCK {
            self.close();
        }
        self.sums
    }

    fn close(&mut self) {
        self.sums.0.push(self.open.digest());
        self.open.reset();
        self.left = BLOCK;
    }
}

/// Bytes of a block that are read at a time.
const STEP: usize = 256 << 10;

/// The sum of one block of a file of `length` bytes, and the number of its bytes.
pub(crate) fn sum_block(file: &File, path: &Path, block: u64, length: u64) -> Result<(u64, u64)> {
    let (start, end) = (block * BLOCK, length.min((block + 1) * BLOCK));
    let (mut sum, mut bytes, mut at) = (Xxh3Default::new(), vec![0; STEP], start);
    while at < end {
        let now = &mut bytes[..STEP.min((end - at) as usize)];
        file.read_exact_at(now, at).map_err(|e| Error::io("reading", path, e).at_byte(at))?;
        sum.update(now);
        at += now.len() as u64;
    }
    Ok((sum.digest(), end - start))
}
