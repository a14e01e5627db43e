//! Checks the indices of a matrix during a pass over its lines: that they are in range, and whether they rise.

use crate::error::{Error, Location, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::check_indices;
use crate::sparse::line_panels_of_several::AnyZippedPanel;

/// The state of a check of the indices of a matrix during a pass.
pub(crate) struct IndexCheck {
    minor: usize,
    /// Whether they rise in every line; known beforehand for a checked matrix in memory.
    known: Option<bool>,
    rising: bool,
    last: Option<usize>,
}

impl IndexCheck {
    pub(crate) fn of(matrix: &AnyCompressed) -> Self {
        let (minor, known) = (matrix.minor(), matrix.known_canonical());
        IndexCheck { minor, known, rising: true, last: None }
    }

    /// Checks the next run of one of the matrices, and returns whether the indices rise in each of its lines. Fails if
    /// one is out of range.
    pub(crate) fn take_any(&mut self, panel: &AnyZippedPanel<'_>, matrix: usize) -> Result<bool> {
        let part = &panel.parts[matrix];
        if let Some(known) = self.known {
            return Ok(known);
        }
        let rises = check_indices(part.indptr, part.indices, self.minor)
            .map_err(|error| shifted(error, panel.first, part.start))?;
        let last = part.indices.last();
        let first = last.map(|_| part.indices.at(0));
        let joins = panel.opens || first.is_none() || self.last < first;
        if last.is_some() {
            self.last = last;
        }
        if panel.closes {
            self.last = None;
        }
        self.rising &= rises && joins;
        Ok(rises && joins)
    }

    /// Whether the indices rose in all lines so far.
    pub(crate) fn canonical(&self) -> bool {
        self.known.unwrap_or(self.rising)
    }
}

/// Converts an error in a run into one in the matrix.
fn shifted(error: Error, first: usize, start: usize) -> Error {
    match error.location() {
        Some(&Location::Entry { major, position }) => error
            .at(Location::Entry { major: major + first as u64, position: position + start as u64 }),
        _ => error,
    }
}
