//! A list of entries as CSR: extents, types and order seen first, then the entries sorted into their rows.
//!
//! Entries that are in the order of the result, as this library writes them, go straight to their places; others go
//! through the sort.

use std::sync::atomic::{AtomicBool, Ordering};

use num_complex::Complex;

use crate::any::AnyMatrix;
use crate::convert::AnyEntryBuilder;
use crate::error::{Error, Result};
use crate::io::entries::{Entries, InOrder};
use crate::io::extents::JustifiedExtent;
use crate::io::table::column_type::{NumberType, PHASE};
use crate::io::table::entry_line::EntryLine;
use crate::io::table::layout::TableLayout;
use crate::io::table::options::TableOptions;
use crate::io::table::plain::{PlainLine, split_line};
use crate::io::table::value::EntryValue;
use crate::io::text::lines::{BlockHalt, LineReader};
use crate::io::text::records::TextLines;
use crate::io::text::records::{Parsed, without_end};
use crate::io::text::text_file::TextFile;
use crate::sparse::{AnyCompressed, AnyWriter, Duplicates, Types, check_types};
use crate::storage::{Context, DType, Index, Place, Plan, SparseFormat};

/// Bytes made of a byte of text, at most: a line has at least four bytes, and makes two indices and two numbers.
const GROWTH: usize = 8;

/// The matrix of a list of entries, duplicates summed.
///
/// Cost: the file is read twice; entries in any order that do not fit in a sixth of the memory limit take one write and
/// one read in the scratch folder.
pub(super) fn read(
    text: &TextFile,
    layout: &TableLayout,
    options: &TableOptions,
    hypersparse: bool,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let lines = LineReader::new(text, layout.start, PHASE).of_any_width(ctx);
    let list = List { lines, layout, options, hypersparse, place, ctx };
    let _running = ctx.begin(|| Ok(list.plan()))?;
    let _held = ctx.hold(list.memory());
    let seen = list.see()?;
    match (layout.ncols, seen.numbers.dtype(seen.entries)) {
        (2, _) => list.make::<()>(&seen),
        (3, DType::Int64) => list.make::<i64>(&seen),
        (3, DType::UInt64) => list.make::<u64>(&seen),
        (3, _) => list.make::<f64>(&seen),
        _ => list.make::<Complex<f64>>(&seen),
    }
}

/// What some lines are.
#[derive(Clone, Copy)]
struct SeenEntries {
    entries: u64,
    /// The first and the last position.
    ends: Option<[(u64, u64); 2]>,
    /// Whether positions strictly rise.
    rises: bool,
    /// The least numbers of rows and columns.
    nrows: u64,
    ncols: u64,
    numbers: NumberType,
}

impl SeenEntries {
    fn see(&mut self, (row, col): (u64, u64)) {
        let first = match self.ends {
            None => (row, col),
            Some([first, last]) => {
                self.rises &= last < (row, col);
                first
            }
        };
        self.ends = Some([first, (row, col)]);
        self.entries += 1;
        self.nrows = self.nrows.max(row.saturating_add(1));
        self.ncols = self.ncols.max(col.saturating_add(1));
    }

    fn followed_by(self, next: &SeenEntries) -> SeenEntries {
        let join = |[first, last]: [(u64, u64); 2], [next, end]: [(u64, u64); 2]| {
            ([first, end], last < next)
        };
        let (ends, rises) = match (self.ends, next.ends) {
            (Some(these), Some(those)) => {
                let (ends, rises) = join(these, those);
                (Some(ends), rises)
            }
            (these, those) => (these.or(those), true),
        };
        SeenEntries {
            entries: self.entries + next.entries,
            ends,
            rises: self.rises && next.rises && rises,
            nrows: self.nrows.max(next.nrows),
            ncols: self.ncols.max(next.ncols),
            numbers: self.numbers.and(next.numbers),
        }
    }
}

struct List<'a> {
    lines: LineReader<'a>,
    layout: &'a TableLayout,
    options: &'a TableOptions,
    hypersparse: bool,
    place: &'a Place,
    ctx: &'a Context,
}

impl List<'_> {
    fn memory(&self) -> u64 {
        self.lines.memory(self.ctx, GROWTH)
    }

    /// What is left for the entries.
    fn less(&self) -> Context {
        self.ctx.less(self.memory().saturating_add(self.lines.window(self.ctx)))
    }

    fn plan(&self) -> Plan {
        let text = self.lines.text;
        let plan = Plan::new("reading entries").on_device_of(Some((text.path(), 0)));
        let plan = plan.reads(2, text.length().saturating_mul(2));
        let rows = usize::try_from(self.layout.rows).unwrap_or(usize::MAX);
        let shape = self.options.shape.unwrap_or((rows, rows));
        let less = self.less();
        let types = types_of(Some(DType::Float64), self.layout.rows);
        let kind = (SparseFormat::Csr, types);
        AnyEntryBuilder::plan(plan, kind, shape, self.layout.rows, self.place, &less)
            .throughout(self.memory().saturating_add(self.lines.window(self.ctx)))
    }

    /// Parses all lines.
    fn pass<B: Send>(
        &self,
        growth: usize,
        new: &dyn Fn() -> B,
        parse: &(dyn Fn(&[u8], &mut B) -> Parsed + Sync),
        take: &mut (dyn FnMut(&mut B) -> Result<()> + Send),
    ) -> Result<()> {
        self.ctx.meter().pass_over(self.lines.text.length());
        let parse = |block: TextLines<'_>, made: &mut B| parse(block.bytes, made);
        let mut take = |made: &mut B| take(made).map_err(BlockHalt::Caller);
        self.lines.for_each_block(self.ctx, growth, new, &parse, &mut take).map(drop)
    }

    /// Sees extents, order and the types of all values.
    fn see(&self) -> Result<SeenEntries> {
        let numbers = if self.layout.ncols == 4 { NumberType::REAL } else { NumberType::NONE };
        let none = SeenEntries { entries: 0, ends: None, rises: true, nrows: 0, ncols: 0, numbers };
        let (nrows, ncols) =
            self.options.shape.map_or((u64::MAX, u64::MAX), |(m, n)| (m as u64, n as u64));
        let grammar = self.grammar(nrows, ncols);
        // Once a value is not whole, the others need not be examined.
        let real = AtomicBool::new(!self.layout.numbers.whole);
        let parse = |text: &[u8], seen: &mut SeenEntries| {
            *seen = none;
            let mut looks = seen.numbers.whole && !real.load(Ordering::Relaxed);
            let (mut rest, mut lines, mut fields) = (text, 0, Vec::new());
            while !rest.is_empty() {
                lines += 1;
                if let Some((position, line)) = grammar.position(rest)
                    && let Some(tail) = after_value(line, looks, seen)
                {
                    seen.see(position);
                    rest = tail;
                    continue;
                }
                let (line, tail) = split_line(rest);
                rest = tail;
                match grammar.fields(without_end(line), &mut fields) {
                    Ok(None) => {}
                    Ok(Some(position)) => {
                        seen.see(position);
                        for field in &fields[2..] {
                            seen.numbers.see(field, self.options.missing);
                        }
                    }
                    Err(error) => return Parsed { lines, error: Some(error) },
                }
                if looks && !seen.numbers.whole {
                    real.store(true, Ordering::Relaxed);
                    looks = false;
                }
            }
            Parsed { lines, error: None }
        };
        let mut all = none;
        self.pass(0, &|| none, &parse, &mut |seen| {
            all = all.followed_by(seen);
            Ok(())
        })?;
        all.numbers.whole &= !real.into_inner();
        Ok(all)
    }

    /// How lines are read, with at most `nrows` rows and `ncols` columns.
    fn grammar(&self, nrows: u64, ncols: u64) -> EntryLine<'_> {
        let base = u64::from(self.options.one_based);
        EntryLine { layout: self.layout, base, nrows, ncols }
    }

    /// The matrix of entries with values of a type.
    fn make<T: EntryValue>(&self, seen: &SeenEntries) -> Result<AnyMatrix> {
        let path = self.lines.text.path();
        let in_file = |error: Error| error.in_file(path);
        let found = (seen.nrows, seen.ncols);
        let (nrows, ncols) = self.options.shape.map_or(found, |(m, n)| (m as u64, n as u64));
        let types = types_of(T::ENTRY_DTYPE, nrows.max(ncols).max(seen.entries));
        let position = |extent: u64| usize::try_from(extent).unwrap_or(usize::MAX);
        let (shape, entries) = ((position(nrows), position(ncols)), position(seen.entries));
        check_types((types.indices, types.pointers), shape.0, shape.1, 0).map_err(in_file)?;
        let extent = JustifiedExtent {
            path,
            lines: "rows",
            count: shape.0,
            entries: seen.entries,
            wanted: self.hypersparse || self.options.shape.is_some(),
            remedy: "`hypersparse` keeps all of them",
        };
        match types.pointers {
            DType::UInt32 => extent.check::<u32>(self.place, self.ctx)?,
            _ => extent.check::<u64>(self.place, self.ctx)?,
        }
        let (kind, less) = ((SparseFormat::Csr, types), self.less());
        let matrix = match seen.rises {
            true => self.in_order::<T>(kind, shape, entries, &less),
            false => {
                let mut builder =
                    AnyEntryBuilder::for_matrix(kind, shape, entries, &less).map_err(in_file)?;
                self.each_block::<T>(types, shape, &mut |block| {
                    let places = (block.majors.as_indices(), block.minors.as_indices());
                    builder.extend((places.0, places.1, block.data.as_raw())).map_err(in_file)
                })?;
                let sum = Duplicates::Sum;
                builder.finish(types.pointers, sum, self.place, &less).map_err(in_file)
            }
        };
        matrix.map(AnyMatrix::of_lines)
    }

    fn in_order<T: EntryValue>(
        &self,
        kind: (SparseFormat, Types),
        shape: (usize, usize),
        entries: usize,
        less: &Context,
    ) -> Result<AnyCompressed> {
        let in_file = |error: Error| error.in_file(self.lines.text.path());
        let writer = AnyWriter::new(kind, shape, entries, true, self.place, less);
        let mut taker = InOrder::new(writer.map_err(in_file)?);
        self.each_block::<T>(kind.1, shape, &mut |block| taker.take(block).map_err(in_file))?;
        taker.finish().map_err(in_file)
    }

    /// Passes on all entries, in blocks, in the order of the file.
    fn each_block<T: EntryValue>(
        &self,
        types: Types,
        shape: (usize, usize),
        take: &mut (dyn FnMut(&Entries) -> Result<()> + Send),
    ) -> Result<()> {
        let grammar = self.grammar(shape.0 as u64, shape.1 as u64);
        let new = || Entries::new(types.values, types.indices);
        let parse = |text: &[u8], block: &mut Entries| {
            block.clear();
            // Before the first entry, with 1 added to each.
            let mut last = (0, 0);
            let (mut rest, mut lines, mut fields) = (text, 0, Vec::new());
            while !rest.is_empty() {
                lines += 1;
                let (row, col, value) = match plain_entry::<T>(&grammar, rest) {
                    Some((entry, tail)) => {
                        rest = tail;
                        entry
                    }
                    None => {
                        let (line, tail) = split_line(rest);
                        rest = tail;
                        match grammar.entry::<T>(
                            without_end(line),
                            &mut fields,
                            self.options.missing,
                        ) {
                            Ok(None) => continue,
                            Ok(Some(entry)) => entry,
                            Err(error) => return Parsed { lines, error: Some(error) },
                        }
                    }
                };
                let (row, col) = (row as usize, col as usize);
                block.push(row, col, value);
                let next = (row + 1, col + 1);
                block.rises &= last < next;
                last = next;
            }
            Parsed { lines, error: None }
        };
        self.pass(GROWTH, &new, &parse, &mut |block| take(block))
    }
}

/// What follows a plain line behind row and column, if it is plain to its end or its value need not be examined.
#[inline(always)]
fn after_value<'t>(
    mut line: PlainLine<'t>,
    looks: bool,
    seen: &mut SeenEntries,
) -> Option<&'t [u8]> {
    if !looks {
        return Some(line.skip());
    }
    let Some(()) = line.separator() else { return line.end() };
    let number: i64 = line.number()?;
    let tail = line.end()?;
    seen.numbers.see_whole(number.into());
    Some(tail)
}

#[inline(always)]
fn plain_entry<'t, T: EntryValue>(
    grammar: &EntryLine<'_>,
    text: &'t [u8],
) -> Option<((u64, u64, T), &'t [u8])> {
    let ((row, col), mut line) = grammar.position(text)?;
    let value = T::plain(&mut line)?;
    Some(((row, col, value), line.end()?))
}

/// The types for indices up to `most`, and as many entries.
fn types_of(values: Option<DType>, most: u64) -> Types {
    let indices = if most <= u32::LARGEST as u64 { DType::UInt32 } else { DType::UInt64 };
    Types { values, indices, pointers: indices }
}
