//! The four or five lines before the numbers.

use crate::error::{Error, ErrorKind, Result};
use crate::io::harwell_boeing::fortran::FortranFormat;
use crate::io::text::cursor::quoted;
use crate::io::text::records::without_end;
use crate::io::text::text_file::{Position, TextFile};

/// Lines of a header, at most.
const MOST_LINES: usize = 5;

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueField {
    Real,
    Complex,
    Integer,
    Pattern,
}

/// What the stored triangle says of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherTriangle {
    General,
    Symmetric,
    Skew,
    Hermitian,
}

/// Numbers of one kind: their format, and how many lines they take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) fields: FortranFormat,
    pub(super) count: u64,
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileHeader {
    pub(super) field: ValueField,
    pub(super) symmetry: OtherTriangle,
    pub(super) nrows: usize,
    pub(super) ncols: usize,
    pub(super) nnz: u64,
    pub(super) pointers: Section,
    pub(super) indices: Section,
    /// None of a pattern.
    pub(super) values: Option<Section>,
}

impl FileHeader {
    /// Reads the lines of the header, and returns also where the numbers begin.
    pub(super) fn read(text: &TextFile) -> Result<(Self, Position)> {
        let (lines, ends) = first_lines(text)?;
        let (mut lines, mut ends) = (lines.into_iter(), ends.into_iter());
        let mut start = Position::START;
        let mut next = |what: &'static str| -> Result<(u64, Vec<u8>)> {
            let line = lines.next().map(|line| (start.line, line));
            start = ends.next().unwrap_or(start);
            line.ok_or_else(|| {
                Error::new(ErrorKind::Format, "the file ends within its header")
                    .in_file(text.path())
                    .expected(what)
                    .found("the end of the file")
            })
        };
        next("a title")?;
        let (second, line) = next("the counts of lines")?;
        let at = |number: u64, error: Error| text.error_at(number, error);
        let counts = numbers(&line, 3, "the counts of lines").map_err(|e| at(second, e))?;
        let right_hand_sides = counts.get(4).copied().unwrap_or(0) > 0;
        let (third, line) = next("the type and the extents")?;
        let (kind, rest) = split_word(&line);
        let (field, symmetry) = kind_of(kind).map_err(|e| at(third, e))?;
        let extents = numbers(rest, 3, "rows, columns and entries").map_err(|e| at(third, e))?;
        let extent = |k: usize| {
            usize::try_from(extents[k]).map_err(|_| {
                let error =
                    Error::new(ErrorKind::Format, "an extent beyond the memory of this machine");
                at(third, error.found(extents[k]))
            })
        };
        let (nrows, ncols, nnz) = (extent(0)?, extent(1)?, extents[2]);
        if symmetry != OtherTriangle::General && nrows != ncols {
            let error = Error::new(ErrorKind::Format, "a matrix with a symmetry must be square");
            return Err(at(
                third,
                error.expected("as many rows as columns").found(format!("{nrows} x {ncols}")),
            ));
        }
        let (fourth, line) = next("the formats of the numbers")?;
        let mut formats = formats(&line).map(FortranFormat::parse);
        let mut format = |what: &'static str| match formats.next() {
            Some(fields) => fields.map_err(|error| at(fourth, error)),
            None => {
                Err(at(fourth, Error::new(ErrorKind::Format, "a format is missing").expected(what)))
            }
        };
        if right_hand_sides {
            next("the type of the right-hand sides")?;
        }
        let integers = |fields: FortranFormat| match fields.is_integer() {
            true => Ok(fields),
            false => Err(at(
                fourth,
                Error::new(ErrorKind::Format, "an integer format is needed")
                    .expected("a format such as (16I5)"),
            )),
        };
        let section = |fields: FortranFormat, count: u64, (lines, what): (u64, &str)| {
            let needed = count.div_ceil(fields.per_line as u64);
            match lines == needed {
                true => Ok(Section { fields, count }),
                false => Err(at(
                    second,
                    Error::new(
                        ErrorKind::Format,
                        format!("the count of lines of {what} contradicts their format"),
                    )
                    .expected(format!(
                        "{needed} lines for {count} numbers, {} a line",
                        fields.per_line
                    ))
                    .found(lines),
                )),
            }
        };
        let all = (ncols as u64).saturating_add(1);
        let pointers = section(
            integers(format("the format of the pointers")?)?,
            all,
            (counts[1], "the pointers"),
        )?;
        let indices = section(
            integers(format("the format of the row indices")?)?,
            nnz,
            (counts[2], "the row indices"),
        )?;
        let values = match field {
            ValueField::Pattern => None,
            ValueField::Complex => Some(nnz.saturating_mul(2)),
            ValueField::Real | ValueField::Integer => Some(nnz),
        };
        let values = match values {
            None => None,
            Some(count) => {
                let fields = format("the format of the values")?;
                let fields = if field == ValueField::Integer { integers(fields)? } else { fields };
                Some(section(fields, count, (counts.get(3).copied().unwrap_or(0), "the values"))?)
            }
        };
        let header = FileHeader { field, symmetry, nrows, ncols, nnz, pointers, indices, values };
        header.check_length(text)?;
        Ok((header, start))
    }

    /// Fails if the file has fewer characters than numbers.
    fn check_length(&self, text: &TextFile) -> Result<()> {
        let numbers = [Some(self.pointers), Some(self.indices), self.values].into_iter().flatten();
        let least = numbers.fold(0u64, |sum, section| sum.saturating_add(section.count));
        if least <= text.most_text() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Format, "the file is too short for its numbers")
            .in_file(text.path())
            .at_line(3)
            .expected(format!("at least {least} characters"))
            .found(text.most_text()))
    }

    /// Entries of the matrix, at most.
    pub(super) fn expanded_upper_bound(&self) -> u64 {
        match self.symmetry {
            OtherTriangle::General => self.nnz,
            _ => self.nnz.saturating_mul(2),
        }
    }
}

/// The first lines of a file, as many as a header may have, and where each ends.
fn first_lines(text: &TextFile) -> Result<(Vec<Vec<u8>>, Vec<Position>)> {
    let (mut lines, mut ends, mut offset) = (Vec::new(), Vec::new(), 0);
    text.visit_first_lines(|number, line| {
        offset += line.len() as u64;
        ends.push(Position { offset, line: number + 1 });
        lines.push(without_end(line).to_vec());
        Ok((lines.len() == MOST_LINES).then_some(()))
    })?;
    Ok((lines, ends))
}

/// Whether lines look like the first four of a file: counts, a type with extents, formats.
pub(in crate::io) fn is_harwell_boeing(lines: &[&[u8]]) -> bool {
    let [_, counts, kind, formats, ..] = lines else { return false };
    let (word, extents) = split_word(kind);
    let is_type = matches!(
        word.to_ascii_lowercase()[..],
        [b'r' | b'c' | b'i' | b'p' | b'q', b'u' | b's' | b'h' | b'z' | b'r', b'a' | b'e']
    );
    is_type
        && numbers(counts, 3, "").is_ok()
        && numbers(extents, 3, "").is_ok()
        && formats.trim_ascii_start().starts_with(b"(")
}

/// The first word of a line, and the rest.
fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii();
    line.split_at(line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len()))
}

/// Numbers between blanks, at least `least` of them.
fn numbers(line: &[u8], least: usize, what: &str) -> Result<Vec<u64>> {
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
    let read: Vec<u64> = words().map_while(number).collect();
    let wrong = words().nth(read.len()).filter(|_| read.len() < least);
    if read.len() >= least {
        return Ok(read);
    }
    Err(Error::new(ErrorKind::Format, "a number is missing from the header")
        .expected(format!("{what}: at least {least} integers of at least 0"))
        .found(wrong.map_or(format!("{} numbers", read.len()), quoted)))
}

/// The formats of a line: what stands between parentheses.
fn formats(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split_inclusive(|&byte| byte == b')').filter_map(|part| {
        let start = part.iter().position(|&byte| byte == b'(')?;
        Some(&part[start..])
    })
}

fn kind_of(word: &[u8]) -> Result<(ValueField, OtherTriangle)> {
    let refused = |kind, what: &str, expected: &str| {
        Err(Error::new(kind, what).expected(expected.to_owned()).found(quoted(word)))
    };
    let [field, symmetry, form] = word.to_ascii_lowercase()[..] else {
        return refused(
            ErrorKind::Format,
            "unknown matrix type",
            "three letters, such as RUA or psa",
        );
    };
    let field = match field {
        b'r' => ValueField::Real,
        b'c' => ValueField::Complex,
        b'i' => ValueField::Integer,
        b'p' => ValueField::Pattern,
        b'q' => {
            let what = "the values of this pattern are in a separate file";
            return refused(ErrorKind::Unsupported, what, "R, C, I or P");
        }
        _ => return refused(ErrorKind::Format, "unknown kind of values", "R, C, I or P, first"),
    };
    let symmetry = match symmetry {
        b'u' | b'r' => OtherTriangle::General,
        b's' => OtherTriangle::Symmetric,
        b'z' => OtherTriangle::Skew,
        b'h' if field == ValueField::Complex => OtherTriangle::Hermitian,
        b'h' => OtherTriangle::Symmetric,
        _ => return refused(ErrorKind::Format, "unknown symmetry", "U, R, S, Z or H, second"),
    };
    match form {
        b'a' => Ok((field, symmetry)),
        b'e' => refused(
            ErrorKind::Unsupported,
            "the matrix is not assembled: it is stored as finite elements",
            "an assembled matrix (A, third)",
        ),
        _ => refused(ErrorKind::Format, "unknown matrix form", "A, third"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_second_to_fourth_lines() {
        let lines = |third: &'static str| -> Vec<&'static [u8]> {
            vec![
                b"a title",
                b"  3  1  1  1",
                third.as_bytes(),
                b"(26I3)          (40I2)          (26I3)",
            ]
        };
        for third in ["rua      4   4  16   0", "PSA 4 4 16 0", "cse 4 4 16"] {
            assert!(is_harwell_boeing(&lines(third)), "{third}");
        }
        for third in ["ixa 4 4 16 0", "rua 4 4", "1 2 3", "rua", "rux 4 4 16 0"] {
            assert!(!is_harwell_boeing(&lines(third)), "{third}");
        }
        assert!(!is_harwell_boeing(&lines("rua 4 4 16")[..3]));
    }
}
