//! Part of a file as a stream. Several may read one file, because none moves its position.

use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::os::unix::fs::FileExt;

/// The bytes of a file from `at` up to `end`, or to the end of the file.
pub(in crate::io) struct FileRange<F> {
    pub(in crate::io) file: F,
    pub(in crate::io) at: u64,
    pub(in crate::io) end: u64,
}

impl<F: Deref<Target = File>> Read for FileRange<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..left], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
