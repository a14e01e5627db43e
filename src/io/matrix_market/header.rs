//! The header of a Matrix Market file, that is the banner and the sizes, and how it is written.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The layout of the entries in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line `row column value` for each stored entry: a sparse matrix.
    Coordinate,
    /// One line with a value for each position, column by column: a dense matrix.
    Array,
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// A decimal number.
    Real,
    /// An integer.
    Integer,
    /// Two decimal numbers, the real part first.
    Complex,
    /// No value: only the position counts.
    Pattern,
}

/// What the stored entries imply about those on the other side of the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Symmetry {
    /// Nothing.
    General,
    /// They are equal.
    Symmetric,
    /// They are the negatives, and the diagonal is zero and not stored.
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
    /// The layout of the entries in the file.
    pub format: Format,
    /// The kind of a value.
    pub field: Field,
    /// What a stored entry implies about its mirror image.
    pub symmetry: Symmetry,
    /// Rows of the whole matrix.
    pub nrows: usize,
    /// Columns of the whole matrix.
    pub ncols: usize,
    /// Entry lines in the file, before a symmetry is expanded. If a skew-symmetric array file includes its zero
    /// diagonal, those lines are not counted.
    pub stored: u64,
    /// Whether the banner has `unsigned-integer`, as in SciPy, instead of `integer`, so that other programs can read
    /// unsigned 64-bit integers. `false` unless the caller sets it.
    pub unsigned: bool,
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
        let format = Format::Coordinate;
        Header { format, field, symmetry, nrows, ncols, stored, unsigned: false }
    }

    /// The header of an array file; the number of its entries follows from the shape and the symmetry.
    pub fn array(field: Field, symmetry: Symmetry, nrows: usize, ncols: usize) -> Self {
        let stored = saturated(array_positions(symmetry, nrows, ncols));
        Header { format: Format::Array, field, symmetry, nrows, ncols, stored, unsigned: false }
    }

    /// An upper bound for the entries once the symmetry is expanded: exact except for entries on the diagonal.
    pub fn expanded_upper_bound(&self) -> u64 {
        let n = self.nrows as u128;
        let bound = match (self.symmetry, self.format) {
            (Symmetry::General, _) => u128::from(self.stored),
            (Symmetry::SkewSymmetric, Format::Array) => n * n.saturating_sub(1),
            (_, Format::Array) => n * n,
            (_, Format::Coordinate) => 2 * u128::from(self.stored),
        };
        saturated(bound)
    }

    /// Refuses what the format does not allow: words that exclude each other and shapes that do not fit them.
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
        if self.unsigned && self.field != Field::Integer {
            return refuse("field integer, being unsigned", self.field.to_string());
        }
        if self.symmetry != Symmetry::General && self.nrows != self.ncols {
            let expected = format!("as many rows as columns, being {}", self.symmetry);
            return refuse(&expected, format!("{} x {}", self.nrows, self.ncols));
        }
        let positions = self.positions();
        if self.format == Format::Array && self.stored != saturated(positions) {
            return refuse(&format!("{positions} values for the shape"), self.stored.to_string());
        }
        Ok(())
    }

    /// Values of an array file of this shape.
    pub(super) fn positions(&self) -> u128 {
        array_positions(self.symmetry, self.nrows, self.ncols)
    }

    /// The first line of the file.
    pub(super) fn banner(&self) -> String {
        let unsigned = if self.unsigned { "unsigned-" } else { "" };
        let Header { format, field, symmetry, .. } = self;
        format!("%%MatrixMarket matrix {format} {unsigned}{field} {symmetry}\n")
    }

    /// The line after the comments.
    pub(super) fn sizes(&self) -> String {
        match self.format {
            Format::Coordinate => format!("{} {} {}\n", self.nrows, self.ncols, self.stored),
            Format::Array => format!("{} {}\n", self.nrows, self.ncols),
        }
    }
}

fn saturated(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The number of positions that an array file stores: all, or one triangle with or without its diagonal.
fn array_positions(symmetry: Symmetry, nrows: usize, ncols: usize) -> u128 {
    let (nrows, ncols) = (nrows as u128, ncols as u128);
    match symmetry {
        Symmetry::General => nrows * ncols,
        Symmetry::Symmetric | Symmetry::Hermitian => nrows * (nrows + 1) / 2,
        Symmetry::SkewSymmetric => nrows * nrows.saturating_sub(1) / 2,
    }
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
