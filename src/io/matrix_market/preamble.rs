//! Reading the first lines of a Matrix Market file: the banner, the comments and the sizes.
//!
//! A banner is anything that can mean nothing else: `%%MatrixMarket` in any letter case, after blanks and blank lines,
//! and also with one percent sign, which some programs write. Other spellings are refused, and so is a banner after
//! other lines; but they are recognised, so that such a file is never read as an edge list whose first line is a
//! comment.

use crate::error::{Error, ErrorKind, Result};
use crate::io::matrix_market::header::{Field, Format, Header, Symmetry};
use crate::io::text::cursor::{Cursor, quoted};
use crate::io::text::records::skip_if_empty;
use crate::io::text::text_file::{Position, TextFile};
use crate::io::text::unsupported_formats::wrong_text;

/// The largest number of rows or columns: the largest index that any matrix of this library can store.
const LARGEST_DIMENSION: u64 = i64::MAX as u64;

/// Whether a line, from its first byte after the blanks on, is meant as a banner, right or wrong.
///
/// Percent signs are needed; the word `MatrixMarket` directly after them is enough, and after a blank if `matrix` or
/// `vector` follows, which no comment has by chance.
pub(in crate::io) fn is_banner(line: &[u8]) -> bool {
    let signs = line.iter().take_while(|&&byte| byte == b'%').count();
    let mut cursor = Cursor::new(&line[signs..]);
    let spaced = cursor.at_any(b" \t");
    cursor.skip_blanks();
    let begins = |text: &[u8], word: &[u8]| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let name = cursor.take_token();
    cursor.skip_blanks();
    let object = begins(cursor.rest(), b"matrix") || begins(cursor.rest(), b"vector");
    signs > 0 && begins(name, b"MatrixMarket") && (!spaced || object)
}

/// Reads the header and returns it with the place where the entries begin.
pub(crate) fn read_header(text: &TextFile) -> Result<(Header, Position)> {
    let mut words = None;
    let (header, place) = text.visit_first_lines(|line, bytes| {
        let mut cursor = Cursor::new(bytes);
        let read = match &words {
            None if skip_if_empty(&mut cursor, b"") => Ok(None),
            None => banner_words(&mut cursor).map(|found| {
                words = Some(found);
                None
            }),
            Some(_) if skip_if_empty(&mut cursor, b"%") => Ok(None),
            Some(words) => size_line(words, &mut cursor).map(Some),
        };
        read.map_err(|error| text.error_at(line, error))
    })?;
    if let Some(header) = header {
        check_length(text, &header, place)?;
        return Ok((header, place));
    }
    let expected =
        if words.is_some() { "a line with the sizes" } else { "the banner %%MatrixMarket" };
    let error = Error::new(ErrorKind::Format, "the file ends inside its header");
    Err(text.error_at(place.line, error.expected(expected).found("the end of the file")))
}

/// Reads the words of the banner into a header without sizes.
fn banner_words(cursor: &mut Cursor<'_>) -> Result<Header> {
    cursor.skip_blanks();
    let start = *cursor;
    let name = cursor.take_token();
    if ![&b"%%MatrixMarket"[..], b"%MatrixMarket"].iter().any(|n| name.eq_ignore_ascii_case(n)) {
        let expected = "the banner \"%%MatrixMarket matrix …\"";
        let error = start.unexpected(ErrorKind::Format, "not a Matrix Market file", expected);
        return Err(match wrong_text(name) {
            Some((guess, _)) => error.remedy(guess),
            None if name.first().is_some_and(u8::is_ascii_digit) => error
                .remedy("if it is an edge list, read it as EdgeList, or set that in ReadOptions"),
            None => error,
        });
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
    let (field, unsigned) = one_of(
        cursor,
        &[
            ("real", (Field::Real, false)),
            ("integer", (Field::Integer, false)),
            ("complex", (Field::Complex, false)),
            ("pattern", (Field::Pattern, false)),
            ("double", (Field::Real, false)),
            ("unsigned-integer", (Field::Integer, true)),
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
    // Without an imaginary part to conjugate the two are the same.
    let symmetry = match (symmetry, field) {
        (Symmetry::Hermitian, Field::Real | Field::Integer) => Symmetry::Symmetric,
        _ => symmetry,
    };
    // The words must be consistent before the shape is known.
    let words = Header { format, field, symmetry, nrows: 0, ncols: 0, stored: 0, unsigned };
    words.check()?;
    Ok(words)
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

fn size_line(words: &Header, cursor: &mut Cursor<'_>) -> Result<Header> {
    let nrows = size(cursor, "a number of rows", LARGEST_DIMENSION)?;
    let ncols = size(cursor, "a number of columns", LARGEST_DIMENSION)?;
    let (nrows, ncols) = (dimension(nrows)?, dimension(ncols)?);
    let Header { format, field, symmetry, unsigned, .. } = *words;
    let header = match format {
        Format::Coordinate => {
            let stored = size(cursor, "a number of entries", u64::MAX)?;
            Header::coordinate(field, symmetry, nrows, ncols, stored)
        }
        Format::Array => Header::array(field, symmetry, nrows, ncols),
    };
    let header = Header { unsigned, ..header };
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

/// Refuses a count of entries that cannot fit in the rest of the file, so that no memory is reserved for it.
fn check_length(text: &TextFile, header: &Header, entries: Position) -> Result<()> {
    // Values are not counted here: if one is missing, the error should name its line. The last line may lack its line
    // feed.
    let (announced, shortest_line) = match header.format {
        Format::Coordinate => (u128::from(header.stored), 4),
        Format::Array => (header.positions(), 2),
    };
    let bytes = text.most_text().saturating_sub(entries.offset);
    let most = bytes.saturating_add(1) / shortest_line;
    if announced <= u128::from(most) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Format, "the file is too short for the declared entries")
        .expected(format!("{announced} entries"))
        .found(format!("{bytes} bytes, space for {most} at most"));
    Err(text.error_at(entries.line - 1, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_as_a_banner_is_seen() {
        for line in [
            "%%MatrixMarket matrix coordinate real general",
            "%%matrixmarket",
            "%MATRIXMARKET matrix array real general",
            "%%%MatrixMarket",
            "%%MatrixMarketmatrix",
            "%% MatrixMarket matrix coordinate pattern general",
            "% MatrixMarket\tVector array real general",
        ] {
            assert!(is_banner(line.as_bytes()), "{line}");
        }
        for line in [
            "",
            "%",
            "% MatrixMarket files of the year",
            "# %%MatrixMarket matrix",
            "MatrixMarket matrix",
            "%%Matrix",
            "1 2",
        ] {
            assert!(!is_banner(line.as_bytes()), "{line}");
        }
    }
}
