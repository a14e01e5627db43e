//! Checks the indices of a matrix during a pass over its lines: that they are in range, and whether they rise.

use crate::error::{Error, Location, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::check::check_indices;
use crate::sparse::indices::Indices;

/// The state of a check of the indices of a matrix during a pass.
pub(super) struct IndexCheck {
    minor: usize,
    /// Whether they rise in every line; known beforehand for a checked matrix in memory.
    known: Option<bool>,
    rising: bool,
    last: Option<usize>,
}

impl IndexCheck {
    pub(super) fn of(matrix: &AnyCompressed) -> Self {
        let (minor, known) = (matrix.minor(), matrix.known_canonical());
        IndexCheck { minor, known, rising: true, last: None }
    }

    /// Checks the next lines, or a run of one line, and returns whether the indices rise in each. Fails if one is out of
    /// range.
    ///
    /// `opens` and `closes` say whether they start and end with a line; `first` and `start` are the numbers of
    /// the first line and the first entry in the matrix.
    pub(super) fn take(
        &mut self,
        (indptr, indices): (Indices<'_>, Indices<'_>),
        (opens, closes): (bool, bool),
        (first, start): (usize, usize),
    ) -> Result<bool> {
        if let Some(known) = self.known {
            return Ok(known);
        }
        let rises = check_indices(indptr, indices, self.minor)
            .map_err(|error| shifted(error, first, start))?;
        let last = indices.last();
        let joins = opens || last.is_none() || self.last < Some(indices.at(0));
        self.last = last.or(self.last).filter(|_| !closes);
        self.rising &= rises && joins;
        Ok(rises && joins)
    }

    /// Whether the indices rose in all lines so far.
    pub(super) fn canonical(&self) -> bool {
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
