//! The writer: entries appended to a file that gets its name only when it is complete.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::array_positions::ArrayPositions;
use crate::io::matrix_market::header::{Field, Format, Header, Symmetry};
use crate::io::matrix_market::number::{Number, check_type};
use crate::io::output::Target;
use crate::io::text::digits::push_unsigned;
use crate::io::text::text_output::TextOutput;

/// Bytes collected before they are written.
const BUFFER: usize = 1 << 20;

/// Writes a Matrix Market file entry by entry.
///
/// Until [`finish`](Self::finish) the bytes go to a file in a hidden sibling folder, and dropping the writer removes
/// it: readers of the path see the old file, or the complete new one. Floats are written in the fewest
/// digits that read back as the same number. Memory: 1 MiB.
///
/// ```
/// use outcore::io::matrix_market::{Field, Header, Symmetry, Writer};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.mtx");
/// let header = Header::coordinate(Field::Real, Symmetry::General, 2, 3, 2);
/// let mut writer = Writer::create(&path, header, "made by hand")?;
/// writer.push(0, 0, 0.1)?;
/// writer.push(1, 2, 1e300)?;
/// writer.finish()?;
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert_eq!(text, "%%MatrixMarket matrix coordinate real general\n%made by hand\n2 3 2\n1 1 0.1\n2 3 1e300\n");
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    output: TextOutput,
    buffer: Vec<u8>,
    header: Header,
    walk: Option<ArrayPositions>,
    pushed: u64,
    /// Set once bytes may be missing from the file, which can then only be dropped.
    torn: bool,
}

impl Writer {
    /// Starts a file with this header and these lines of comment (none if empty).
    ///
    /// Fails if the header contradicts itself, if no file can be created in the folder, and if `path` is a folder, a
    /// pipe or a device. An existing file stays until `finish`.
    pub fn create(path: impl AsRef<Path>, header: Header, comment: &str) -> Result<Self> {
        let path = path.as_ref();
        let head = head(path, &header, comment)?;
        let output = TextOutput::create(Target::replacing(path))?;
        // With space for the line that fills it, so that it does not grow to twice the size.
        let mut buffer = Vec::with_capacity(BUFFER + (1 << 10));
        buffer.extend_from_slice(&head);
        let walk = (header.format == Format::Array).then(|| ArrayPositions::new(&header, false));
        Ok(Writer { output, buffer, header, walk, pushed: 0, torn: false })
    }

    /// Appends an entry, its row and column counted from 0.
    ///
    /// A coordinate file accepts them in any order, an array file column by column. With a symmetry only the
    /// lower triangle is accepted, without the diagonal if skew-symmetric. An entry that is refused is not written:
    /// outside the matrix, in the wrong place, one too many, or of a type that the field cannot hold ([`Number`]).
    pub fn push<T: Number>(&mut self, row: usize, col: usize, value: T) -> Result<()> {
        self.check_entry(row, col, value).map_err(|error| error.in_file(self.output.path()))?;
        if self.header.format == Format::Coordinate {
            push_unsigned(&mut self.buffer, row as u64 + 1);
            self.buffer.push(b' ');
            push_unsigned(&mut self.buffer, col as u64 + 1);
            if self.header.field != Field::Pattern {
                self.buffer.push(b' ');
            }
        }
        value.write(self.header.field, &mut self.buffer);
        self.buffer.push(b'\n');
        self.pushed += 1;
        if let Some(walk) = &mut self.walk {
            walk.step();
        }
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Writes the rest, syncs the file and gives it its name, replacing an existing one.
    ///
    /// Fails if fewer entries were pushed than the header announces, and on a system error; the path is then unchanged.
    pub fn finish(mut self) -> Result<()> {
        if self.pushed != self.header.stored {
            return Err(Error::new(ErrorKind::Format, "entries are missing")
                .in_file(self.output.path())
                .expected(format!("{} entries, according to the header", self.header.stored))
                .found(self.pushed));
        }
        if self.torn {
            return Err(
                Error::new(ErrorKind::Io, "an earlier write failed").in_file(self.output.path())
            );
        }
        self.flush()?;
        self.output.publish().map(drop)
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.output.append(&self.buffer).inspect_err(|_| self.torn = true);
        self.buffer.clear();
        written
    }

    fn check_entry<T: Number>(&self, row: usize, col: usize, value: T) -> Result<()> {
        let Header { field, symmetry, nrows, ncols, stored, unsigned, .. } = self.header;
        check_type::<T>(field, false)?;
        let refuse = |kind, what: &str, expected: String| {
            Err(Error::new(kind, what).expected(expected).found(format!("row {row}, column {col}")))
        };
        if row >= nrows || col >= ncols {
            return refuse(
                ErrorKind::Index,
                "the entry lies outside the matrix",
                format!("a position in {nrows} x {ncols}"),
            );
        }
        if self.pushed == stored {
            return refuse(
                ErrorKind::Format,
                "there is an extra entry",
                format!("{stored} entries, according to the header"),
            );
        }
        if let Some(walk) = &self.walk
            && walk.position() != Some((row, col))
        {
            let next = walk
                .position()
                .map_or("no entry".to_owned(), |(row, col)| format!("row {row}, column {col}"));
            return refuse(ErrorKind::Format, "an array file is written column by column", next);
        }
        if symmetry != Symmetry::General
            && (row < col || (row == col && symmetry == Symmetry::SkewSymmetric))
        {
            let what = format!("a {symmetry} file stores the lower triangle");
            return refuse(ErrorKind::Format, &what, "a row below the diagonal".to_owned());
        }
        if unsigned && value.is_negative_integer() {
            return Err(Error::new(ErrorKind::Value, "a negative value in a file without signs")
                .expected("an integer from 0")
                .found(format!("{value:?}")));
        }
        if symmetry == Symmetry::Hermitian && row == col && !value.is_real() {
            let what = format!("{value:?} on the diagonal of a hermitian matrix");
            return refuse(ErrorKind::Value, &what, "a real number".to_owned());
        }
        Ok(())
    }
}

/// The lines before the first entry: banner, comment and sizes. Fails if the header contradicts itself.
pub(super) fn head(path: &Path, header: &Header, comment: &str) -> Result<Vec<u8>> {
    header.check().map_err(|error| error.in_file(path))?;
    if header.format == Format::Array && header.positions() > u128::from(u64::MAX) {
        return Err(Error::new(ErrorKind::Unsupported, "more values than a file can hold")
            .in_file(path)
            .expected(format!("at most {} values", u64::MAX))
            .found(header.positions()));
    }
    let comment: String = comment.lines().map(|line| format!("%{line}\n")).collect();
    Ok([header.banner(), comment, header.sizes()].concat().into_bytes())
}
