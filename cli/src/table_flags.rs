//! Flags for files that do not say all about themselves: tables, lists of entries, PETSc binary, elements without a header.

use outcore::io::{FileFormat, RawLayout, ReadOptions};
use outcore::{ByteOrder, DType, Error, ErrorKind, Order, Result};

/// Flags for reading these files.
#[derive(clap::Args)]
#[command(next_help_heading = "Tables and files without a header")]
pub(crate) struct TableFlags {
    /// What stands between the fields of a table: one character, tab, or blank for any blanks; found out if not given
    #[arg(long, value_name = "CHAR", value_parser = parse_separator)]
    separator: Option<u8>,
    /// Whether the first line of a table holds names; found out if not given
    #[arg(long, value_name = "yes|no", value_parser = parse_yes)]
    header: Option<bool>,
    /// The number to put where a table has none, such as 0 or nan
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    missing: Option<f64>,
    /// The lines of a table are entries: row, column, value
    #[arg(long)]
    triplets: bool,
    /// Rows and columns of entries are counted from 1
    #[arg(long)]
    one_based: bool,
    /// Rows and columns of a list of entries, or of a file without a header
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = parse_shape)]
    shape: Option<(usize, usize)>,
    /// Type of the values of a PETSc file, if its length does not tell
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype)]
    petsc_scalars: Option<DType>,
    /// Read a file without a header, whose elements have this type
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype, requires = "shape")]
    raw_dtype: Option<DType>,
    /// Columns, not rows, are contiguous in a file without a header
    #[arg(long, requires = "raw_dtype")]
    raw_fortran: bool,
    /// Bytes before the elements of a file without a header
    #[arg(long, value_name = "BYTES", requires = "raw_dtype")]
    raw_offset: Option<u64>,
    /// The elements of a file without a header are big-endian
    #[arg(long, requires = "raw_dtype")]
    raw_big_endian: bool,
}

impl TableFlags {
    /// Puts what was said into the options for reading.
    pub(crate) fn apply(&self, options: &mut ReadOptions) -> Result<()> {
        options.table.separator = self.separator;
        options.table.header = self.header;
        options.table.missing = self.missing;
        options.table.triplets = self.triplets.then_some(true);
        options.table.one_based = self.one_based;
        options.table.shape = self.shape;
        options.petsc.scalars = self.petsc_scalars;
        let Some(dtype) = self.raw_dtype else { return Ok(()) };
        let shape = self.shape.ok_or_else(|| {
            Error::new(ErrorKind::Format, "a file without a header needs --shape")
        })?;
        let native = cfg!(target_endian = "big") == self.raw_big_endian;
        options.format = Some(FileFormat::Raw);
        options.raw = Some(RawLayout {
            dtype,
            shape,
            order: if self.raw_fortran { Order::Fortran } else { Order::C },
            offset: self.raw_offset.unwrap_or(0),
            byte_order: if native { ByteOrder::Native } else { ByteOrder::Swapped },
        });
        Ok(())
    }
}

/// A type by its name.
pub(crate) fn parse_dtype(name: &str) -> std::result::Result<DType, String> {
    DType::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
        let names: Vec<_> = DType::ALL.into_iter().map(DType::name).collect();
        format!("no such type; there are {}", names.join(", "))
    })
}

fn parse_separator(text: &str) -> std::result::Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        ("blank" | "space", _) => Ok(b' '),
        (_, [byte])
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'.' | b'-' | b'+') =>
        {
            Ok(*byte)
        }
        _ => Err("one character that is no part of a number, tab, or blank".to_owned()),
    }
}

fn parse_yes(text: &str) -> std::result::Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("yes or no".to_owned()),
    }
}

fn parse_shape(text: &str) -> std::result::Result<(usize, usize), String> {
    let wrong = || "two numbers with an x between them, such as 300x200".to_owned();
    let (rows, columns) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    Ok((rows.parse().map_err(|_| wrong())?, columns.parse().map_err(|_| wrong())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_flags_say() {
        assert_eq!(parse_separator("tab"), Ok(b'\t'));
        assert_eq!(parse_separator(";"), Ok(b';'));
        assert!(parse_separator("1").is_err() && parse_separator("ab").is_err());
        assert_eq!(parse_shape("3x20"), Ok((3, 20)));
        assert!(parse_shape("3").is_err() && parse_shape("3xa").is_err());
    }
}
