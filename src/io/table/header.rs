//! The first line of a table that is written: names of columns, by which a list of entries is known again.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::quoted;
use crate::storage::DType;

/// The first line, or nothing.
pub(super) fn header(
    matrix: &AnyMatrix,
    columns: Option<&[&str]>,
    separator: u8,
) -> Result<Vec<u8>> {
    let complex = matches!(matrix.dtype(), Some(DType::Complex64 | DType::Complex128));
    let (nrows, ncols) = matrix.shape();
    let refused = |what: &str| Error::new(ErrorKind::Unsupported, what);
    let names: Vec<&str> = match (matrix.format(), matrix.dtype(), columns) {
        (Some(_), _, Some(_)) => {
            return Err(refused("a list of entries has fixed column names")
                .remedy("convert it with to_dense"));
        }
        (Some(_), None, None) => vec!["row", "column"],
        (Some(_), Some(_), None) if complex => vec!["row", "column", "real", "imaginary"],
        (Some(_), Some(_), None) => vec!["row", "column", "value"],
        (None, ..) if complex => {
            return Err(refused("a table has no complex numbers")
                .remedy("name the file .npy or .mtx, or convert the matrix with to_csr"));
        }
        (None, ..) if ncols == 0 || nrows == 0 && columns.is_none() => {
            return Err(refused("an empty table would not reveal its shape")
                .found(format!("{nrows} x {ncols}"))
                .remedy("name the file .npy or .mtx"));
        }
        (None, _, None) => return Ok(Vec::new()),
        (None, _, Some(names)) if names.len() != ncols => {
            return Err(Error::shape("the list of names", format!("{ncols} names"), names.len()));
        }
        (None, _, Some(names)) => names.to_vec(),
    };
    let mut line = Vec::new();
    for (k, name) in names.into_iter().enumerate() {
        if k > 0 {
            line.push(separator);
        }
        push_name(&mut line, name, separator)?;
    }
    line.push(b'\n');
    Ok(line)
}

fn push_name(line: &mut Vec<u8>, name: &str, separator: u8) -> Result<()> {
    let has = |wanted: &[u8]| name.bytes().any(|byte| wanted.contains(&byte));
    if has(b"\n\r") {
        return Err(
            Error::new(ErrorKind::Value, "a name with a line end").found(quoted(name.as_bytes()))
        );
    }
    let plain =
        !has(&[separator, b'"', b',', b';', b'|', b'\t', b'#', b'%']) && name.trim() == name;
    if plain && !name.is_empty() {
        line.extend_from_slice(name.as_bytes());
        return Ok(());
    }
    line.push(b'"');
    line.extend_from_slice(name.replace('"', "\"\"").as_bytes());
    line.push(b'"');
    Ok(())
}
