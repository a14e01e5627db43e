//! The numbers of a file: pointers and row indices are kept, values are parsed and put at their places.

use std::path::Path;

use num_complex::Complex;

use crate::any::AnyMatrix;
use crate::convert::CooBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::harwell_boeing::fortran::FortranFormat;
use crate::io::harwell_boeing::header::{FileHeader, OtherTriangle, Section, ValueField};
use crate::io::harwell_boeing::structure::KeptNumbers;
use crate::io::harwell_boeing::value::FortranValue;
use crate::io::options::ReadOptions;
use crate::io::text::lines::LineReader;
use crate::io::text::records::TextLines;
use crate::io::text::records::{Parsed, without_end};
use crate::io::text::text_file::{Position, TextFile};
use crate::sparse::{ByRows, Csr, Duplicates, check_widths};
use crate::storage::raw::Raw;
use crate::storage::{Context, DType, Index, Place, Plan, RawBuffer};

const PHASE: &str = "reading Harwell-Boeing";

/// Bytes made of a byte of text, at most: numbers of 8 bytes that have two characters each.
const EACH: usize = 4;

/// The matrix of a file, as CSR at `place`.
///
/// Cost: one pass over the file; entries that do not fit in a quarter of the memory limit take one write and one read
/// in the scratch folder, and so do pointers and indices that take more than an eighth of it each.
pub(in crate::io) fn read(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let (text, _) = TextFile::open_any(path, options.member.as_deref())?;
    let (header, start) = FileHeader::read(&text)?;
    let file = File { text: &text, header, start, hypersparse: options.hypersparse, place, ctx };
    match header.field {
        ValueField::Pattern => file.read::<()>(),
        ValueField::Integer => file.read::<i64>(),
        ValueField::Real => file.read::<f64>(),
        ValueField::Complex => file.read::<Complex<f64>>(),
    }
}

/// A file behind its header.
struct File<'a> {
    text: &'a TextFile,
    header: FileHeader,
    /// Where the numbers begin.
    start: Position,
    hypersparse: bool,
    place: &'a Place,
    ctx: &'a Context,
}

impl File<'_> {
    fn read<T: FortranValue>(&self) -> Result<AnyMatrix> {
        let FileHeader { nrows, ncols, .. } = self.header;
        let most = (nrows.max(ncols) as u64).max(self.header.expanded_upper_bound());
        match most <= u32::LARGEST as u64 {
            true => self.assemble::<T, u32>().map(AnyMatrix::from),
            false => self.assemble::<T, u64>().map(AnyMatrix::from),
        }
    }

    fn assemble<T: FortranValue, I: Index>(&self) -> Result<Csr<T, I, I>> {
        let FileHeader { nrows, ncols, nnz, pointers, indices, values, .. } = self.header;
        let (shape, most) = ((nrows, ncols), self.header.expanded_upper_bound());
        let in_file = |error: Error| error.in_file(self.text.path());
        check_widths::<I, I>(nrows, ncols, 0).map_err(in_file)?;
        let extent = JustifiedExtent {
            path: self.text.path(),
            lines: "rows",
            count: nrows,
            entries: most,
            wanted: self.hypersparse,
            remedy: "`hypersparse` keeps all of them",
        };
        extent.check::<I>(self.place, self.ctx)?;
        let memory = self.lines(self.start).memory(self.ctx, EACH);
        let kept = [
            KeptNumbers::new(DType::UInt64, pointers, self.ctx),
            KeptNumbers::new(I::DTYPE, indices, self.ctx),
        ];
        let with_window = memory.saturating_add(self.lines(self.start).window(self.ctx));
        let held =
            kept.iter().fold(with_window, |sum, kept| sum.saturating_add(kept.memory(self.ctx)));
        let less = self.ctx.less(held);
        let _running = self.ctx.begin_pass(self.text.length(), || {
            let plan = Plan::new(PHASE).on_device_of(Some((self.text.path(), 0)));
            let plan =
                kept.iter().fold(plan.reads(1, self.text.length()), |plan, kept| kept.plan(plan));
            let plan = CooBuilder::<T, I, ByRows>::plan::<I>(plan, shape, most, self.place, &less);
            Ok(plan.throughout(held))
        })?;
        let _held = self.ctx.hold(memory);
        let (starts, behind_pointers) = self.pointers(&kept[0])?;
        let mut builder = CooBuilder::<T, I, ByRows>::with_types(shape, &less).map_err(in_file)?;
        let mut column = ColumnOfEntry::new(starts.as_raw().as_typed());
        let first = behind_pointers.line;
        let index = |fields: &FortranFormat, line: &[u8], k: usize| self.row::<I>(fields, line, k);
        let mut entry = 0;
        let place = |column: &mut ColumnOfEntry<'_>, entry: u64, row: usize| {
            let col = column.of(entry);
            self.check_triangle(row, col).map_err(|error| {
                self.text.error_at(first + entry / indices.fields.per_line as u64, error)
            })?;
            Ok((row, col))
        };
        match values {
            None => {
                let none = T::of(&[]);
                self.section(behind_pointers, indices, &index, &mut |rows| {
                    for row in rows {
                        let (row, col) = place(&mut column, entry, row.to_usize())?;
                        self.push(&mut builder, (row, col), none)?;
                        entry += 1;
                    }
                    Ok(())
                })?;
            }
            Some(values) => {
                let mut rows = kept[1].writer(self.ctx)?;
                let behind_rows = self.section(behind_pointers, indices, &index, &mut |run| {
                    rows.push(Raw::of(run))
                })?;
                let rows = rows.finish()?;
                let rows: &[I] = rows.buffer().as_raw().as_typed();
                // A complex number may be cut by the end of a block.
                let mut pending = Vec::new();
                self.section(behind_rows, values, &T::parse, &mut |numbers| {
                    pending.extend_from_slice(numbers);
                    let whole = pending.len() / T::NUMBERS * T::NUMBERS;
                    for numbers in pending[..whole].chunks_exact(T::NUMBERS) {
                        let row = rows[entry as usize].to_usize();
                        let (row, col) = place(&mut column, entry, row)?;
                        self.push(&mut builder, (row, col), T::of(numbers))?;
                        entry += 1;
                    }
                    pending.drain(..whole);
                    Ok(())
                })?;
            }
        }
        debug_assert_eq!(entry, nnz);
        builder.finish(Duplicates::Sum, self.place, &less).map_err(in_file)
    }

    /// Adds an entry and its image.
    fn push<T: FortranValue, I: Index>(
        &self,
        builder: &mut CooBuilder<T, I, ByRows>,
        (row, col): (usize, usize),
        value: T,
    ) -> Result<()> {
        builder.push(row, col, value)?;
        if self.header.symmetry == OtherTriangle::General || row == col {
            return Ok(());
        }
        let image = value.image(self.header.symmetry).ok_or_else(|| {
            Error::new(ErrorKind::Value, "the negative of an integer does not fit 64 bits")
                .in_file(self.text.path())
                .found(format!("{value:?}"))
        })?;
        builder.push(col, row, image)
    }

    /// The row of an entry, counted from 0.
    fn row<I: Index>(&self, fields: &FortranFormat, line: &[u8], k: usize) -> Result<I> {
        let found = fields.integer(line, k)?;
        let row = usize::try_from(found).ok().filter(|&row| row >= 1 && row <= self.header.nrows);
        row.map(|row| I::from_usize(row - 1)).ok_or_else(|| {
            Error::new(ErrorKind::Index, "the row index is out of range")
                .expected(format!("a row from 1 to {}", self.header.nrows))
                .found(found)
        })
    }

    fn check_triangle(&self, row: usize, col: usize) -> Result<()> {
        let wrong = match self.header.symmetry {
            OtherTriangle::General => false,
            OtherTriangle::Symmetric | OtherTriangle::Hermitian => row < col,
            OtherTriangle::Skew => row <= col,
        };
        match wrong {
            false => Ok(()),
            true => Err(Error::new(
                ErrorKind::Format,
                "only the lower triangle of a matrix with a symmetry is stored",
            )
            .expected("a row below the diagonal")
            .found(format!("row {}, column {}", row + 1, col + 1))),
        }
    }

    /// Where the entries of each column begin, counted from 0, and the number of all; and what comes after the pointers.
    fn pointers(&self, kept: &KeptNumbers) -> Result<(RawBuffer, Position)> {
        let FileHeader { pointers: section, nnz, .. } = self.header;
        let first = self.start.line;
        let (mut writer, mut before, mut count) = (kept.writer(self.ctx)?, 1, 0u64);
        let parse = |fields: &FortranFormat, line: &[u8], k: usize| fields.integer(line, k);
        let mut run = Vec::new();
        let behind = self.section(self.start, section, &parse, &mut |pointers| {
            run.clear();
            for &pointer in pointers {
                let found = u64::try_from(pointer).unwrap_or(0);
                let most = nnz.saturating_add(1);
                let least = if count + 1 == section.count { most } else { before };
                let most = if count == 0 { 1 } else { most };
                if found < least || found > most {
                    let expected = match least.max(1) >= most {
                        true => format!("{least}, according to the number of entries"),
                        false => format!("a pointer from {least} to {most}"),
                    };
                    let error = Error::new(ErrorKind::Index, "a wrong pointer")
                        .expected(expected)
                        .found(pointer);
                    return Err(self
                        .text
                        .error_at(first + count / section.fields.per_line as u64, error));
                }
                run.push(found - 1);
                before = found;
                count += 1;
            }
            writer.push(Raw::of(&run[..]))
        })?;
        Ok((writer.finish()?.buffer().clone(), behind))
    }

    fn lines(&self, from: Position) -> LineReader<'_> {
        LineReader::new(self.text, from, PHASE).of_any_width(self.ctx)
    }

    /// Parses the numbers of a section, passes them on in order, and returns where the next section begins.
    fn section<N: Send + Copy>(
        &self,
        from: Position,
        Section { fields, count }: Section,
        parse: &(dyn Fn(&FortranFormat, &[u8], usize) -> Result<N> + Sync),
        take: &mut (dyn FnMut(&[N]) -> Result<()> + Send),
    ) -> Result<Position> {
        let each = fields.per_line as u64;
        let wanted = count.div_ceil(each);
        let parse = |block: TextLines<'_>, first: u64, numbers: &mut Vec<N>| {
            numbers.clear();
            let mut left = count - ((first - from.line) * each).min(count);
            let mut lines = 0;
            for line in block.bytes.split_inclusive(|&byte| byte == b'\n').map(without_end) {
                lines += 1;
                for k in 0..left.min(each) as usize {
                    match parse(&fields, line, k) {
                        Ok(number) => numbers.push(number),
                        Err(error) => return Parsed { lines, error: Some(error) },
                    }
                }
                left = left.saturating_sub(each);
            }
            Parsed { lines, error: None }
        };
        let end = self.lines(from).for_some(
            wanted,
            self.ctx,
            EACH,
            &|| Vec::new(),
            &parse,
            &mut |numbers| take(numbers),
        )?;
        if end.line - from.line < wanted {
            let error = Error::new(ErrorKind::Format, "the file ends too early");
            let error = error
                .expected(format!("{} more lines of numbers", wanted - (end.line - from.line)))
                .found("the end of the file");
            return Err(self.text.error_at(end.line, error));
        }
        Ok(end)
    }
}

/// The column of entries that come in order.
struct ColumnOfEntry<'a> {
    starts: &'a [u64],
    col: usize,
}

impl<'a> ColumnOfEntry<'a> {
    fn new(starts: &'a [u64]) -> Self {
        ColumnOfEntry { starts, col: 0 }
    }

    /// The column of an entry, not before that of the last call. There is one for every entry.
    fn of(&mut self, entry: u64) -> usize {
        while self.starts.get(self.col + 1).is_some_and(|&end| end <= entry) {
            self.col += 1;
        }
        self.col
    }
}
