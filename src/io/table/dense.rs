//! A table as a dense matrix: its rows counted first, then parsed into their places.
//!
//! ```text
//! count the rows -> guess the type from the first lines -> parse all, written in order while the next are parsed
//! ```
//!
//! So the shape is known before anything is allocated or written, and every element is written once. Where the first
//! lines are whole and a later one is not, what was written is dropped, the types of all values are seen, and the file
//! is parsed again.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::any::AnyMatrix;
use crate::dense::{AnyDense, AnyDenseWriter};
use crate::error::{Error, Result};
use crate::io::table::column_type::{GROWTH, NumberType, PHASE, is_whole};
use crate::io::table::field::{TableFields, count, is_skipped, ragged};
use crate::io::table::layout::TableLayout;
use crate::io::table::plain::{TableNumber, count_rows, filled, plain_row, split_line};
use crate::io::text::lines::{BlockHalt, LineReader};
use crate::io::text::records::TextLines;
use crate::io::text::records::{Parsed, without_end};
use crate::io::text::text_file::TextFile;
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Order, Place, Plan};

/// Elements for which memory is kept from one block to the next.
const KEPT: usize = 1 << 17;

/// The matrix of a table, in C order.
pub(super) fn dense(
    text: &TextFile,
    layout: &TableLayout,
    missing: Option<f64>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let lines = LineReader::new(text, layout.start, PHASE).of_any_width(ctx);
    let memory = lines.memory(ctx, GROWTH);
    let with_window = memory.saturating_add(lines.window(ctx));
    let less = ctx.less(with_window);
    let _running = ctx.begin(|| {
        let len = layout.rows.saturating_mul(layout.ncols as u64);
        let plan = Plan::new(PHASE).on_device_of(Some((text.path(), 0)));
        let plan = plan.reads(2, text.length().saturating_mul(2)).works(len, work::READ_TEXT);
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        // Of a packed file the number of rows is a guess.
        if *place == Place::Memory && text.window(0) == 0 {
            less.check_memory("the table", DType::Float64.bytes_of(len))?;
        }
        let plan = AnyDenseWriter::plan(plan, (DType::Float64, len), place, &less);
        Ok(plan.throughout(with_window))
    })?;
    let _held = ctx.hold(memory);
    let table = Table { lines, layout, missing, place, ctx, less: &less };
    let rows = table.count_rows()?;
    let guess = layout.numbers.dtype(rows);
    if guess == DType::Int64 {
        let refused = AtomicBool::new(false);
        let made = table.parse::<i64>(rows, &refused);
        if !refused.into_inner() {
            return made.and_then(AnyMatrix::try_from);
        }
    }
    let dtype = match guess {
        DType::Float64 => DType::Float64,
        _ => table.see_numbers()?.dtype(rows),
    };
    let refused = AtomicBool::new(false);
    AnyMatrix::try_from(match dtype {
        DType::Int64 => table.parse::<i64>(rows, &refused),
        DType::UInt64 => table.parse::<u64>(rows, &refused),
        _ => table.parse::<f64>(rows, &refused),
    }?)
}

/// A table, to be read several times.
struct Table<'a> {
    lines: LineReader<'a>,
    layout: &'a TableLayout,
    missing: Option<f64>,
    place: &'a Place,
    ctx: &'a Context,
    /// Without the memory of the lines.
    less: &'a Context,
}

impl Table<'_> {
    /// Passes on what `parse` makes of each block, as [`LineReader::for_each_block`] does.
    fn pass<B: Send>(
        &self,
        growth: usize,
        new: &dyn Fn() -> B,
        parse: &(dyn Fn(TextLines<'_>, &mut B) -> Parsed + Sync),
        take: &mut (dyn FnMut(&mut B) -> Result<()> + Send),
    ) -> Result<()> {
        self.ctx.meter().pass_over(self.lines.text.length());
        let mut take = |made: &mut B| take(made).map_err(BlockHalt::Caller);
        self.lines.for_each_block(self.ctx, growth, new, parse, &mut take).map(drop)
    }

    fn count_rows(&self) -> Result<u64> {
        let mut all = 0;
        let parse = |block: TextLines<'_>, rows: &mut u64| {
            let lines;
            (*rows, lines) = count_rows(block.bytes, self.layout.separator);
            Parsed { lines, error: None }
        };
        self.pass(0, &|| 0, &parse, &mut |rows| {
            all += *rows;
            Ok(())
        })?;
        Ok(all)
    }

    /// What all values are. A wrong line is reported when it is parsed.
    fn see_numbers(&self) -> Result<NumberType> {
        let mut all = NumberType::NONE;
        // Once a value is not whole, the others need not be examined.
        let real = AtomicBool::new(false);
        let parse = |block: TextLines<'_>, seen: &mut NumberType| {
            *seen = NumberType::NONE;
            for line in block.bytes.split_inclusive(|&byte| byte == b'\n').map(without_end) {
                if real.load(Ordering::Relaxed) {
                    break;
                }
                if is_skipped(line, self.layout.separator) {
                    continue;
                }
                let mut fields = TableFields::new(line, self.layout.separator);
                while let Ok(Some(field)) = fields.next() {
                    seen.see(field, self.missing);
                }
                if !seen.whole {
                    real.store(true, Ordering::Relaxed);
                }
            }
            Parsed { lines: 0, error: None }
        };
        self.pass(0, &|| NumberType::NONE, &parse, &mut |seen| {
            all = all.and(*seen);
            Ok(())
        })?;
        all.whole &= !real.into_inner();
        Ok(all)
    }

    /// The table with elements of a type. Sets `refused` if the text is wrong.
    fn parse<T: TableNumber>(&self, rows: u64, refused: &AtomicBool) -> Result<AnyDense> {
        let in_file = |error: Error| error.in_file(self.lines.text.path());
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let shape = [rows, self.layout.ncols];
        let what = (T::DTYPE, &shape[..], Order::C);
        let mut writer = AnyDenseWriter::new(self.place, what, self.less).map_err(in_file)?;
        // Only a float can hold a value to put in that is not whole.
        let instead = self.missing.filter(|&value| T::DTYPE == DType::Float64 || is_whole(value));
        let instead = instead.map(T::of_float);
        let parse = |block: TextLines<'_>, values: &mut Vec<T>| {
            values.clear();
            let parsed = self.parse_rows(block.bytes, instead, values);
            if parsed.error.is_some() {
                refused.store(true, Ordering::Relaxed);
            }
            parsed
        };
        self.pass(GROWTH, &|| Vec::new(), &parse, &mut |values| {
            writer.push(Raw::of(&values[..]))?;
            // A wide line is an exception.
            if values.capacity() > KEPT {
                *values = Vec::new();
            }
            Ok(())
        })?;
        writer.finish().map_err(in_file)
    }

    fn parse_rows<T: TableNumber>(
        &self,
        text: &[u8],
        instead: Option<T>,
        values: &mut Vec<T>,
    ) -> Parsed {
        let TableLayout { separator, ncols, .. } = *self.layout;
        let (mut rest, mut lines) = (text, 0);
        while !rest.is_empty() {
            lines += 1;
            let before = values.len();
            if let Some(tail) = plain_row(rest, (separator, ncols), values) {
                rest = tail;
                continue;
            }
            values.truncate(before);
            let (line, tail) = split_line(rest);
            rest = tail;
            if let Err(error) = self.parse_row(without_end(line), instead, values) {
                values.truncate(before);
                return Parsed { lines, error: Some(error) };
            }
        }
        Parsed { lines, error: None }
    }

    /// A line of any kind.
    #[inline(never)]
    fn parse_row<T: TableNumber>(
        &self,
        line: &[u8],
        instead: Option<T>,
        values: &mut Vec<T>,
    ) -> Result<()> {
        let TableLayout { separator, ncols, .. } = *self.layout;
        if is_skipped(line, separator) {
            return Ok(());
        }
        let (mut fields, mut k) = (TableFields::new(line, separator), 0);
        while let Some(field) = fields.next()? {
            if k == ncols {
                return Err(ragged(ncols, count(line, separator)));
            }
            let value = filled(field, instead);
            values.push(value.map_err(|error| self.layout.in_column(error, k))?);
            k += 1;
        }
        if k == ncols { Ok(()) } else { Err(ragged(ncols, k)) }
    }
}
