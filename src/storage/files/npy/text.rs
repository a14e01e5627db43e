//! A single string in a `.npy` file: archives of arrays describe themselves so.

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::npy::header::{Order, dictionary, header_bytes};
use crate::storage::files::npy::literal::Descr;

/// The string in a whole `.npy` file of one element, bytes (`S`) or Unicode (`U`), without its padding.
///
/// Fails if it is another type, several strings, cut off, or not text.
pub(crate) fn parse_text(file: &[u8]) -> Result<String> {
    let (fields, start) = dictionary(file)?;
    let other = |found: &str| {
        Error::new(ErrorKind::Type, "the array is not a string")
            .at_field("descr")
            .expected("one string, of type S or U")
            .found(format!("\"{}\"", found.escape_debug()))
    };
    let Descr::Simple(descr) = &fields.descr else { return Err(other("[…]")) };
    let (mark, code) = match descr.as_bytes() {
        [mark @ (b'<' | b'>' | b'|' | b'='), code @ ..] => (*mark, code),
        code => (b'=', code),
    };
    let (letter, length) = match code {
        [letter @ (b'S' | b'U'), digits @ ..] => (*letter, std::str::from_utf8(digits).ok()),
        _ => return Err(other(descr)),
    };
    let length = length.and_then(|digits| digits.parse::<usize>().ok());
    let length = length.ok_or_else(|| other(descr))?;
    if fields.shape.iter().any(|&extent| extent != 1) {
        return Err(other(descr).at_field("shape").found(format!("{:?}", fields.shape)));
    }
    let bytes = length.checked_mul(if letter == b'U' { 4 } else { 1 });
    let text = bytes.and_then(|bytes| file[start..].get(..bytes)).ok_or_else(|| {
        Error::new(ErrorKind::Format, "the array is too short").at_byte(file.len() as u64)
    })?;
    let no_text = || Error::new(ErrorKind::Format, "the string is not text").at_byte(start as u64);
    if letter == b'S' {
        let text = std::str::from_utf8(text).map_err(|_| no_text())?;
        return Ok(text.trim_end_matches('\0').to_owned());
    }
    let big = mark == b'>' || (mark == b'=' && cfg!(target_endian = "big"));
    let code = |unit: &[u8]| {
        let unit = [unit[0], unit[1], unit[2], unit[3]];
        char::from_u32(if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) })
    };
    let text: Option<String> = text.chunks_exact(4).map(code).collect();
    Ok(text.ok_or_else(no_text)?.trim_end_matches('\0').to_owned())
}

/// A whole `.npy` file of one string of ASCII, as bytes (`S`), whose header is a multiple of `unit` bytes.
pub(crate) fn text_array(text: &str, unit: usize) -> Vec<u8> {
    let mut bytes = header_bytes(&format!("|S{}", text.len()), Order::C, &[], unit);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn strings_of_both_kinds_are_read() {
        assert_eq!(parse_text(&file("|S3", "()", b"csr")).unwrap(), "csr");
        assert_eq!(parse_text(&text_array("csc", 64)).unwrap(), "csc");
        assert_eq!(parse_text(&file("|S5", "(1,)", b"csr\0\0")).unwrap(), "csr");
        let wide = |text: &str, big: bool| -> Vec<u8> {
            let unit =
                |c: char| if big { (c as u32).to_be_bytes() } else { (c as u32).to_le_bytes() };
            text.chars().flat_map(unit).collect()
        };
        assert_eq!(parse_text(&file("<U3", "()", &wide("cöo", false))).unwrap(), "cöo");
        assert_eq!(parse_text(&file(">U3", "()", &wide("csc", true))).unwrap(), "csc");
    }

    #[test]
    fn what_is_no_string_is_refused() {
        for (descr, shape, data) in [
            ("<f8", "()", &[0; 8][..]),
            ("|S3", "()", b"cs"),
            ("|S3", "(2,)", b"csrcsr"),
            ("|O", "()", b"csr"),
            ("<U1", "()", &[0, 0, 0xff, 0xff]),
            ("|S1", "()", &[0xff]),
            ("<U99999999999999999999", "()", b""),
            ("<U4611686018427387904", "()", b""),
        ] {
            assert!(parse_text(&file(descr, shape, data)).is_err(), "{descr}");
        }
    }
}
