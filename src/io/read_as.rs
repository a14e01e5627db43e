//! How a matrix came out of its file.

/// Whether the matrix that was read lies in its file, or is a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadAs {
    /// Its arrays are mapped where they lie: nothing was copied, and the file must stay.
    Mapped,
    /// It was read into memory, or to the place that was asked for; the file is no longer needed.
    Copied,
}
