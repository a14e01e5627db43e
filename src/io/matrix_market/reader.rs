//! The reader: entries in the order of the file, a symmetry expanded, in memory that does not grow with the matrix.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::array_positions::ArrayPositions;
use crate::io::matrix_market::entry::{index, too_many};
use crate::io::matrix_market::header::{Format, Header, Symmetry};
use crate::io::matrix_market::mirror::Mirror;
use crate::io::matrix_market::number::{Number, check_type};
use crate::io::matrix_market::preamble::read_header;
use crate::io::text::cursor::Cursor;
use crate::io::text::lines::{Halt, LineReader};
use crate::io::text::text_file::{Position, TextFile};
use crate::storage::Context;

/// A Matrix Market file whose header was read and checked.
///
/// ```
/// use outcore::Context;
/// use outcore::io::matrix_market::Reader;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.mtx");
/// std::fs::write(&path, "%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n1 1 2.5\n3 2 -1\n").unwrap();
/// let reader = Reader::open(&path)?;
/// assert_eq!((reader.header().nrows, reader.header().ncols), (3, 3));
/// let mut entries = Vec::new();
/// reader.for_each::<f64>(&Context::new(), |row, col, value| {
///     entries.push((row, col, value));
///     Ok(())
/// })?;
/// assert_eq!(entries, [(0, 0, 2.5), (2, 1, -1.0), (1, 2, -1.0)]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    pub(super) text: TextFile,
    header: Header,
    pub(super) entries: Position,
    pub(crate) hypersparse: bool,
}

impl Reader {
    /// Opens a file and reads its header: the banner, the comments and the sizes, nothing after them.
    ///
    /// Fails if the header is wrong, if it announces more entries than the file has bytes for, and in the cases that
    /// the [module](super) lists as refused; the message names the line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::over(TextFile::open(path.as_ref())?)
    }

    /// Reads the header of an open file.
    pub(in crate::io) fn over(text: TextFile) -> Result<Self> {
        let (header, entries) = read_header(&text)?;
        Ok(Reader { text, header, entries, hypersparse: false })
    }

    /// Allows compressed matrices of any shape, even if the rows (columns, for CSC) dwarf the entries, so that
    /// the pointers take far more than the file, which is otherwise [refused](crate::io#extents).
    pub fn hypersparse(mut self) -> Self {
        self.hypersparse = true;
        self
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The path with which the file was opened.
    pub fn path(&self) -> &Path {
        self.text.path()
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.text.length()
    }

    /// The memory in which the file is unpacked while it is read; 0 if it is not a gzip file.
    pub(crate) fn window(&self, ctx: &Context) -> u64 {
        self.records().window(ctx)
    }

    /// The maximum number of entries that [`for_each`](Self::for_each) visits: [`Header::expanded_upper_bound`].
    pub fn expanded_upper_bound(&self) -> u64 {
        self.header.expanded_upper_bound()
    }

    /// Calls `visit(row, column, value)` for every entry, rows and columns counted from 0, in the order of the file.
    ///
    /// The mirror image of an entry follows directly. Duplicates and explicit zeros are visited unchanged. For an array
    /// file all positions are visited, including zeros, column by column; the diagonal of a skew-symmetric one is not,
    /// even if the file has it. Read as `()`, the zeros of an array file cannot be distinguished from its entries:
    /// [`read_csr`](Self::read_csr) and its siblings leave them out.
    ///
    /// Lines are parsed on all threads of `ctx`; `visit` runs only on the calling thread. The file is read once.
    /// Memory: a few MiB per thread, and at most about a quarter of the limit, whatever the header says.
    ///
    /// Fails at the first invalid line, after the entries before it were passed to `visit`; if the number of entries is
    /// not the one announced; if `T` cannot be read from the field ([`Number`]); if cancelled; and with the error of
    /// `visit`, unchanged.
    pub fn for_each<T: Number>(
        &self,
        ctx: &Context,
        visit: impl FnMut(usize, usize, T) -> Result<()>,
    ) -> Result<()> {
        self.check_type::<T>()?;
        match self.header.format {
            Format::Coordinate => self.for_each_coordinate(ctx, visit),
            Format::Array => self.for_each_position(true, ctx, visit),
        }
    }

    /// As [`for_each`](Self::for_each), without the zeros of an array file: the entries that a sparse matrix stores.
    pub(in crate::io) fn for_each_stored<T: Number>(
        &self,
        ctx: &Context,
        visit: impl FnMut(usize, usize, T) -> Result<()>,
    ) -> Result<()> {
        match self.header.format {
            Format::Coordinate => self.for_each(ctx, visit),
            Format::Array => {
                self.check_type::<T>()?;
                self.for_each_position(false, ctx, visit)
            }
        }
    }

    fn check_type<T: Number>(&self) -> Result<()> {
        check_type::<T>(self.header.field, true).map_err(|error| error.in_file(self.path()))
    }

    fn for_each_coordinate<T: Number>(
        &self,
        ctx: &Context,
        mut visit: impl FnMut(usize, usize, T) -> Result<()>,
    ) -> Result<()> {
        let Header { field, nrows, ncols, stored, .. } = self.header;
        let parse = |cursor: &mut Cursor<'_>| {
            let row = index(cursor, "row", nrows)?;
            let col = index(cursor, "column", ncols)?;
            Ok((row, col, T::read(field, cursor)?))
        };
        let mut mirror = Mirror::new(self.header.symmetry);
        let mut seen = 0;
        let end = self.records().for_each(ctx, parse, |(row, col, value)| {
            if seen == stored {
                return Err(Halt::Record(too_many(stored)));
            }
            seen += 1;
            let image = mirror.image(row, col, value).map_err(Halt::Record)?;
            visit(row, col, value).map_err(Halt::Caller)?;
            image.map_or(Ok(()), |image| visit(col, row, image)).map_err(Halt::Caller)
        })?;
        self.check_count(seen, end)
    }

    /// The positions of an array file; zeros are left out unless `zeros` is set.
    fn for_each_position<T: Number>(
        &self,
        zeros: bool,
        ctx: &Context,
        mut visit: impl FnMut(usize, usize, T) -> Result<()>,
    ) -> Result<()> {
        let field = self.header.field;
        let mut mirror = Mirror::new(self.header.symmetry);
        let mut walk = ArrayPositions::new(&self.header, self.has_skew_diagonal(ctx));
        let mut seen = 0;
        let parse = |cursor: &mut Cursor<'_>| T::read_seen(field, cursor);
        let end = self.records().for_each(ctx, parse, |(value, zero)| {
            let Some((row, col)) = walk.position() else {
                return Err(Halt::Record(too_many(self.header.stored)));
            };
            walk.step();
            if zero && row == col && self.header.symmetry == Symmetry::SkewSymmetric {
                return Ok(());
            }
            if row == col && self.header.symmetry == Symmetry::SkewSymmetric {
                return Err(Halt::Record(not_a_zero(value)));
            }
            seen += 1;
            let image = mirror.image(row, col, value).map_err(Halt::Record)?;
            if zero && !zeros {
                return Ok(());
            }
            visit(row, col, value).map_err(Halt::Caller)?;
            image.map_or(Ok(()), |image| visit(col, row, image)).map_err(Halt::Caller)
        })?;
        self.check_count(seen, end)
    }

    /// Whether this is a skew-symmetric array file that includes the zeros of its diagonal, which the format leaves
    /// out and some programs do not: the number of lines shows it. Only such files are read twice.
    fn has_skew_diagonal(&self, ctx: &Context) -> bool {
        if self.header.symmetry != Symmetry::SkewSymmetric || self.header.nrows == 0 {
            return false;
        }
        let mut lines = 0u128;
        let skip = |cursor: &mut Cursor<'_>| {
            while !cursor.take_token().is_empty() {}
            Ok(())
        };
        let counted = self.records().for_each(ctx, skip, |()| {
            lines += 1;
            Ok(())
        });
        // If counting fails, reading will fail too and report the reason.
        counted.is_ok() && lines == self.header.positions() + self.header.nrows as u128
    }

    pub(super) fn records(&self) -> LineReader<'_> {
        LineReader {
            comments: b"%",
            ..LineReader::new(&self.text, self.entries, "reading Matrix Market")
        }
    }

    pub(super) fn check_count(&self, seen: u64, end: Position) -> Result<()> {
        if seen == self.header.stored {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Format, "the file ends too early")
            .expected(format!("{} entries", self.header.stored))
            .found(seen);
        Err(self.text.error_at(end.line, error))
    }
}

#[cold]
fn not_a_zero(value: impl std::fmt::Debug) -> Error {
    Error::new(ErrorKind::Format, "the diagonal of a skew-symmetric matrix is zero")
        .expected("0, or no diagonal")
        .found(format!("{value:?}"))
}
