//! A file of text that is written, packed by gzip if its name ends in `.gz`.
//!
//! What is appended at a time becomes a member of the gzip file of its own, so that several threads can pack members,
//! which are appended in order. Programs that read gzip read members one after the other.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::error::{Error, Result};
use crate::io::output::{Output, Target};
use crate::io::text::gzip::is_packed_name;

/// Memory in which a thread packs, in addition to the text and what becomes of it.
pub(super) const PACKING: u64 = 1 << 19;

/// A file of text.
#[derive(Debug)]
pub(in crate::io) struct TextOutput {
    output: Output,
    is_packed: bool,
}

impl TextOutput {
    /// Starts a file; fails as [`Output::create`] does.
    pub(in crate::io) fn create(target: Target<'_>) -> Result<Self> {
        let output = Output::create(target)?;
        Ok(TextOutput { output, is_packed: is_packed_name(target.path) })
    }

    /// The path that the file will have.
    pub(in crate::io) fn path(&self) -> &std::path::Path {
        self.output.path()
    }

    /// Whether texts are packed before they are appended.
    pub(super) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Appends a text.
    pub(in crate::io) fn append(&mut self, text: &[u8]) -> Result<()> {
        if !self.is_packed {
            return self.output.append(text);
        }
        let mut packed = Vec::new();
        pack(text, &mut packed).map_err(|error| Error::io("packing", self.output.path(), error))?;
        self.output.append(&packed)
    }

    /// Appends a text that was [packed](pack), if texts are.
    pub(super) fn append_packed(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.append(bytes)
    }

    /// Writes the file to the device, and gives it its name; returns its length.
    pub(in crate::io) fn publish(self) -> Result<u64> {
        self.output.publish()
    }
}

/// Packs a text as a member of a gzip file.
pub(super) fn pack(text: &[u8], packed: &mut Vec<u8>) -> std::io::Result<()> {
    packed.clear();
    if text.is_empty() {
        return Ok(());
    }
    let mut encoder = GzEncoder::new(packed, Compression::default());
    encoder.write_all(text)?;
    encoder.finish().map(drop)
}
