//! Stated extents compared with the contents of a file: when a compressed matrix is refused because of its pointers.
//!
//! The rule is described [one folder up](super#extents). It costs a comparison, before anything is allocated.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, Index, Place};

/// Bytes of pointers that every file may use.
const ALWAYS: u64 = 128 << 20;

/// Rows (columns) per entry up to which all pointers are made.
const LINES_PER_ENTRY: u64 = 16;

/// An extent and its justification.
pub(super) struct JustifiedExtent<'a> {
    /// The file that states it.
    pub(super) path: &'a Path,
    /// What is counted: "rows".
    pub(super) lines: &'static str,
    pub(super) count: usize,
    pub(super) entries: u64,
    /// Whether the caller requested all of them.
    pub(super) wanted: bool,
    /// What the caller can do instead.
    pub(super) remedy: &'static str,
}

impl JustifiedExtent<'_> {
    /// Fails if the pointers of a matrix at `place` are too many.
    pub(super) fn check<P: Index>(&self, place: &Place, ctx: &Context) -> Result<()> {
        let bytes = (self.count as u64).saturating_add(1).saturating_mul(size_of::<P>() as u64);
        let limit = ctx.memory_left();
        let justified = self.entries.saturating_mul(LINES_PER_ENTRY);
        let dwarfed = bytes > ALWAYS && self.count as u64 > justified && !self.wanted;
        let too_large = *place == Place::Memory && bytes > limit;
        if !dwarfed && !too_large {
            return Ok(());
        }
        let JustifiedExtent { lines, count, entries, .. } = self;
        let what = match dwarfed {
            true => format!("the {lines} dwarf the entries"),
            false => format!("the pointers of all {lines} do not fit in memory"),
        };
        let bound = match dwarfed {
            true => {
                format!("at most {ALWAYS} bytes of pointers for so few entries ({entries}), ")
            }
            false => String::new(),
        };
        Err(Error::new(ErrorKind::Memory, what)
            .in_file(self.path)
            .expected(format!("{bound}at most {limit} bytes in memory (the memory limit)"))
            .found(format!("{bytes} bytes for {count} {lines}"))
            .remedy(match dwarfed {
                true => self.remedy,
                false => "raise the limit, store the result in a file, or leave out vertices without an edge \
                          (compact vertices)",
            }))
    }
}
