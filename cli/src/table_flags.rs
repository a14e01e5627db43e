//! Flags for files that do not describe themselves completely: tables, lists of entries, PETSc binary, elements without
//! a header.

use outcore::io::{FileFormat, RawLayout, ReadOptions};
use outcore::{ByteOrder, DType, Order};

/// Flags for reading these files.
#[derive(clap::Args)]
#[command(next_help_heading = "Tables and files without a header")]
pub(crate) struct TableFlags {
    /// Field separator: one character, `tab`, or `blank` for any whitespace; detected if not given
    #[arg(long, global = true, value_name = "CHAR", value_parser = parse_separator)]
    separator: Option<u8>,
    /// Whether the first line of a table or an edge list holds names; detected if not given
    #[arg(long, global = true, value_name = "yes|no", value_parser = parse_yes)]
    header: Option<bool>,
    /// The number to put where a table has none, such as 0 or nan
    #[arg(long, global = true, value_name = "NUMBER", allow_negative_numbers = true)]
    missing: Option<f64>,
    /// The lines of a table are entries: row, column, value
    #[arg(long, global = true)]
    triplets: bool,
    /// Rows and columns of entries are counted from 1
    #[arg(long, global = true)]
    one_based: bool,
    /// Rows and columns of a list of entries, or of a file without a header
    #[arg(long, global = true, value_name = "ROWSxCOLUMNS", value_parser = parse_shape)]
    shape: Option<(usize, usize)>,
    /// Type of the values of a PETSc file, if its length does not tell
    #[arg(long, global = true, value_name = "TYPE", value_parser = parse_dtype)]
    petsc_scalars: Option<DType>,
    /// Read a file without a header, whose elements have this type
    #[arg(long, global = true, value_name = "TYPE", value_parser = parse_dtype, requires = "shape")]
    raw_dtype: Option<DType>,
    /// Columns, not rows, are contiguous in a file without a header
    #[arg(long, global = true, requires = "raw_dtype")]
    raw_fortran: bool,
    /// Bytes before the elements of a file without a header
    #[arg(long, global = true, value_name = "BYTES", requires = "raw_dtype")]
    raw_offset: Option<u64>,
    /// The elements of a file without a header are big-endian
    #[arg(long, global = true, requires = "raw_dtype")]
    raw_big_endian: bool,
}

impl TableFlags {
    /// The field separator, if it was given.
    pub(crate) fn separator(&self) -> Option<u8> {
        self.separator
    }

    /// Whether the first line holds names, if that was given.
    pub(crate) fn header(&self) -> Option<bool> {
        self.header
    }

    /// Applies the flags to the options for reading.
    pub(crate) fn apply(&self, options: &mut ReadOptions) {
        options.table.separator = self.separator;
        options.table.header = self.header;
        options.table.missing = self.missing;
        options.table.triplets = self.triplets.then_some(true);
        options.table.one_based = self.one_based;
        options.table.shape = self.shape;
        options.petsc.scalars = self.petsc_scalars;
        // The one requires the other.
        let (Some(dtype), Some(shape)) = (self.raw_dtype, self.shape) else { return };
        let native = cfg!(target_endian = "big") == self.raw_big_endian;
        options.format = Some(FileFormat::Raw);
        options.raw = Some(RawLayout {
            dtype,
            shape,
            order: if self.raw_fortran { Order::Fortran } else { Order::C },
            offset: self.raw_offset.unwrap_or(0),
            byte_order: if native { ByteOrder::Native } else { ByteOrder::Swapped },
        });
    }
}

/// A type by its name.
pub(crate) fn parse_dtype(name: &str) -> std::result::Result<DType, String> {
    DType::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
        let names: Vec<_> = DType::ALL.into_iter().map(DType::name).collect();
        format!("unknown type; the known ones are {}", names.join(", "))
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
