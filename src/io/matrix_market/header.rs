//! What the first lines of a Matrix Market file say: the banner and the sizes.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::io::cursor::{Cursor, quoted};
use crate::io::lines::skip_if_empty;
use crate::io::text_file::{Position, TextFile};

/// The largest number of rows or columns: the largest index that any matrix of this library can store.
const LARGEST_DIMENSION: u64 = i64::MAX as u64;

/// How the entries stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line `row column value` for each stored entry: a sparse matrix.
    Coordinate,
    /// One line with a value for each position, column by column: a dense matrix.
    Array,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// A decimal number.
    Real,
    /// An integer.
    Integer,
    /// Two decimal numbers, the real part first.
    Complex,
    /// Nothing: the position alone counts.
    Pattern,
}

/// What the stored entries say about those on the other side of the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symmetry {
    /// Nothing.
    General,
    /// They are the same.
    Symmetric,
    /// They are the negative ones, and the diagonal is zero and not stored.
    SkewSymmetric,
    /// They are the complex conjugates, and the diagonal is real.
    Hermitian,
}

/// The banner and the sizes of a Matrix Market file.
///
/// ```
/// use outcore::io::matrix_market::{Field, Header, Symmetry};
/// let header = Header::array(Field::Real, Symmetry::Symmetric, 3, 3);
/// assert_eq!(header.stored, 6);
/// assert_eq!(header.expanded_upper_bound(), 9);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the entries stand in the file.
    pub format: Format,
    /// What a value is.
    pub field: Field,
    /// What a stored entry says about its mirror image.
    pub symmetry: Symmetry,
    /// Rows of the whole matrix.
    pub nrows: usize,
    /// Columns of the whole matrix.
    pub ncols: usize,
    /// Entry lines in the file, before a symmetry is expanded.
    pub stored: u64,
}

impl Header {
    /// The header of a coordinate file with `stored` entry lines.
    pub fn coordinate(
        field: Field,
        symmetry: Symmetry,
        nrows: usize,
        ncols: usize,
        stored: u64,
    ) -> Self {
        Header { format: Format::Coordinate, field, symmetry, nrows, ncols, stored }
    }

    /// The header of an array file; the number of its entries follows from the shape and the symmetry.
    pub fn array(field: Field, symmetry: Symmetry, nrows: usize, ncols: usize) -> Self {
        let stored = array_positions(symmetry, nrows, ncols);
        let stored = u64::try_from(stored).unwrap_or(u64::MAX);
        Header { format: Format::Array, field, symmetry, nrows, ncols, stored }
    }

    /// The most entries there can be once the symmetry is expanded: exact but for entries on the diagonal.
    pub fn expanded_upper_bound(&self) -> u64 {
        let n = self.nrows as u128;
        let bound = match (self.symmetry, self.format) {
            (Symmetry::General, _) => u128::from(self.stored),
            (Symmetry::SkewSymmetric, Format::Array) => n * n.saturating_sub(1),
            (_, Format::Array) => n * n,
            (_, Format::Coordinate) => 2 * u128::from(self.stored),
        };
        u64::try_from(bound).unwrap_or(u64::MAX)
    }

    /// Refuses what the format does not allow: the words that exclude each other and the shapes that do not fit them.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |expected: &str, found: String| {
            Err(Error::new(ErrorKind::Format, "the header contradicts itself")
                .expected(expected)
                .found(found))
        };
        if self.field == Field::Pattern && self.format == Format::Array {
            return refuse("coordinate with field pattern", "array".to_owned());
        }
        if self.field == Field::Pattern
            && !matches!(self.symmetry, Symmetry::General | Symmetry::Symmetric)
        {
            return refuse("general or symmetric with field pattern", self.symmetry.to_string());
        }
        if self.symmetry == Symmetry::Hermitian && self.field != Field::Complex {
            return refuse("field complex with hermitian", self.field.to_string());
        }
        if self.symmetry != Symmetry::General && self.nrows != self.ncols {
            let expected = format!("as many rows as columns, being {}", self.symmetry);
            return refuse(&expected, format!("{} x {}", self.nrows, self.ncols));
        }
        let positions = array_positions(self.symmetry, self.nrows, self.ncols);
        if self.format == Format::Array && u128::from(self.stored) != positions {
            return refuse(&format!("{positions} values for the shape"), self.stored.to_string());
        }
        Ok(())
    }

    /// The first line of the file.
    pub(super) fn banner(&self) -> String {
        format!("%%MatrixMarket matrix {} {} {}\n", self.format, self.field, self.symmetry)
    }

    /// The line behind the comments.
    pub(super) fn sizes(&self) -> String {
        match self.format {
            Format::Coordinate => format!("{} {} {}\n", self.nrows, self.ncols, self.stored),
            Format::Array => format!("{} {}\n", self.nrows, self.ncols),
        }
    }

    /// Reads the header and returns it with the place where the entries begin.
    pub(super) fn read(text: &TextFile) -> Result<(Header, Position)> {
        let mut words = None;
        let (header, place) = text.visit_first_lines(|line, bytes| {
            let mut cursor = Cursor::new(bytes);
            let read = match words {
                None => banner_words(&mut cursor).map(|found| {
                    words = Some(found);
                    None
                }),
                Some(_) if skip_if_empty(&mut cursor, b"%") => Ok(None),
                Some(words) => size_line(words, &mut cursor).map(Some),
            };
            read.map_err(|error| text.fault(line, error))
        })?;
        if let Some(header) = header {
            check_length(text, &header, place)?;
            return Ok((header, place));
        }
        let expected =
            if words.is_some() { "a line with the sizes" } else { "the banner %%MatrixMarket" };
        let error = Error::new(ErrorKind::Format, "the file ends inside its header");
        Err(text.fault(place.line, error.expected(expected).found("the end of the file")))
    }
}

/// The places an array file stores: all, or one triangle with or without its diagonal.
fn array_positions(symmetry: Symmetry, nrows: usize, ncols: usize) -> u128 {
    let (nrows, ncols) = (nrows as u128, ncols as u128);
    match symmetry {
        Symmetry::General => nrows * ncols,
        Symmetry::Symmetric | Symmetry::Hermitian => nrows * (nrows + 1) / 2,
        Symmetry::SkewSymmetric => nrows * nrows.saturating_sub(1) / 2,
    }
}

type Words = (Format, Field, Symmetry);

fn banner_words(cursor: &mut Cursor<'_>) -> Result<Words> {
    cursor.skip_blanks();
    let start = *cursor;
    if !cursor.take_token().eq_ignore_ascii_case(b"%%MatrixMarket") {
        let expected = "the banner \"%%MatrixMarket matrix …\"";
        return Err(start.unexpected(ErrorKind::Format, "not a Matrix Market file", expected));
    }
    match cursor.take_token() {
        word if word.eq_ignore_ascii_case(b"matrix") => {}
        word if word.eq_ignore_ascii_case(b"vector") => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "vectors are not part of the format of 1996",
            )
            .expected("\"matrix\"")
            .found("\"vector\"")
            .remedy("write it as a matrix of one column"));
        }
        word => return Err(unknown_word("\"matrix\"", word)),
    }
    let format = one_of(cursor, &[("coordinate", Format::Coordinate), ("array", Format::Array)])?;
    let field = one_of(
        cursor,
        &[
            ("real", Field::Real),
            ("integer", Field::Integer),
            ("complex", Field::Complex),
            ("pattern", Field::Pattern),
            ("double", Field::Real),
            ("unsigned-integer", Field::Integer),
        ],
    )?;
    let symmetry = one_of(
        cursor,
        &[
            ("general", Symmetry::General),
            ("symmetric", Symmetry::Symmetric),
            ("skew-symmetric", Symmetry::SkewSymmetric),
            ("hermitian", Symmetry::Hermitian),
        ],
    )?;
    cursor.end_line()?;
    // The words must agree with each other before the shape is known.
    Header { format, field, symmetry, nrows: 0, ncols: 0, stored: 0 }.check()?;
    Ok((format, field, symmetry))
}

fn one_of<W: Copy>(cursor: &mut Cursor<'_>, words: &[(&str, W)]) -> Result<W> {
    let token = cursor.take_token();
    if let Some((_, word)) =
        words.iter().find(|(name, _)| token.eq_ignore_ascii_case(name.as_bytes()))
    {
        return Ok(*word);
    }
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    Err(unknown_word(&format!("one of: {}", names.join(", ")), token))
}

fn unknown_word(expected: &str, token: &[u8]) -> Error {
    let found = if token.is_empty() { "the end of the line".to_owned() } else { quoted(token) };
    Error::new(ErrorKind::Format, "a word of the banner is unknown or missing")
        .expected(expected)
        .found(found)
}

fn size_line((format, field, symmetry): Words, cursor: &mut Cursor<'_>) -> Result<Header> {
    let nrows = size(cursor, "a number of rows", LARGEST_DIMENSION)?;
    let ncols = size(cursor, "a number of columns", LARGEST_DIMENSION)?;
    let (nrows, ncols) = (dimension(nrows)?, dimension(ncols)?);
    let header = match format {
        Format::Coordinate => {
            let stored = size(cursor, "a number of entries", u64::MAX)?;
            Header::coordinate(field, symmetry, nrows, ncols, stored)
        }
        Format::Array => Header::array(field, symmetry, nrows, ncols),
    };
    cursor.end_line()?;
    header.check()?;
    Ok(header)
}

fn size(cursor: &mut Cursor<'_>, name: &str, largest: u64) -> Result<u64> {
    cursor.skip_blanks();
    let here = *cursor;
    cursor.digits().filter(|&number| number <= largest).ok_or_else(|| {
        here.unexpected(
            ErrorKind::Format,
            "the line with the sizes is wrong",
            &format!("{name} from 0 to {largest}"),
        )
    })
}

fn dimension(size: u64) -> Result<usize> {
    usize::try_from(size).map_err(|_| {
        Error::new(ErrorKind::Unsupported, "the matrix is too large for this machine")
            .expected(format!("at most {} rows and columns", usize::MAX))
            .found(size)
    })
}

/// Refuses a count of entries that the rest of the file has no room for, so that nobody reserves memory for it.
fn check_length(text: &TextFile, header: &Header, entries: Position) -> Result<()> {
    // Values are left out of the reckoning: where one is missing, the error shall name its line. The last line may lack
    // its line feed.
    let shortest_line = match header.format {
        Format::Coordinate => 4,
        Format::Array => 2,
    };
    let bytes = text.length().saturating_sub(entries.offset);
    let room = (bytes + 1) / shortest_line;
    if header.stored <= room {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Format, "the file is too short for the entries it announces")
        .expected(format!("{} entries", header.stored))
        .found(format!("{bytes} bytes, room for {room} at most"));
    Err(text.fault(entries.line - 1, error))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Coordinate => "coordinate",
            Format::Array => "array",
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Real => "real",
            Field::Integer => "integer",
            Field::Complex => "complex",
            Field::Pattern => "pattern",
        })
    }
}

impl fmt::Display for Symmetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Symmetry::General => "general",
            Symmetry::Symmetric => "symmetric",
            Symmetry::SkewSymmetric => "skew-symmetric",
            Symmetry::Hermitian => "hermitian",
        })
    }
}
