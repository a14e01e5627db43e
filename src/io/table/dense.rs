//! A table as a dense matrix: its rows counted first, then parsed into their places.
//!
//! The first pass counts rows and sees whether all values are whole; once one is not, it only looks for line ends. So
//! the type and the shape are known before anything is allocated or written, and the second pass writes every element
//! once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::any::AnyMatrix;
use crate::dense::AnyDenseWriter;
use crate::error::{Error, Result};
use crate::io::table::field::{Fields, Kind, count, is_skipped, kind_of, missing, ragged, real};
use crate::io::table::layout::Layout;
use crate::io::table::numbers::{EACH, Numbers, PHASE, whole};
use crate::io::text::batches::{Batches, LineFault, Piece, numbered};
use crate::io::text::text_file::TextFile;
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, DType, Element, Order, Place, Plan};

/// What the first pass found out.
struct Scan {
    rows: u64,
    numbers: Numbers,
}

/// Counts rows, and sees of which type the values are.
fn scan(text: &TextFile, layout: &Layout, missing: Option<f64>, ctx: &Context) -> Result<Scan> {
    ctx.meter().pass();
    ctx.meter().read(text.length());
    let mut all = Scan { rows: 0, numbers: Numbers::NONE };
    // Once a value is not whole, the others need not be looked at.
    let real = AtomicBool::new(false);
    let mut lines = Batches::new(text, layout.start, 0, PHASE, ctx);
    let parse = |piece: Piece<'_>| {
        let mut scan = Scan { rows: 0, numbers: Numbers::NONE };
        for (_, line) in numbered(piece) {
            if is_skipped(line, layout.separator) {
                continue;
            }
            scan.rows += 1;
            if real.load(Ordering::Relaxed) {
                continue;
            }
            let mut fields = Fields::new(line, layout.separator);
            // A wrong line is reported when it is parsed.
            while let Ok(Some(field)) = fields.next() {
                scan.numbers.see(field, missing);
            }
            if !scan.numbers.whole {
                real.store(true, Ordering::Relaxed);
            }
        }
        Ok::<_, LineFault>(scan)
    };
    while lines.next(u64::MAX, ctx, &parse, &mut |scan| {
        all.rows += scan.rows;
        all.numbers = all.numbers.and(scan.numbers);
        Ok(())
    })? {}
    Ok(all)
}

/// The matrix of a table, in C order.
pub(super) fn dense(
    text: &TextFile,
    layout: &Layout,
    missing: Option<f64>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let memory = Batches::memory(text, EACH, ctx);
    let less = ctx.less(memory);
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
        Ok(plan.throughout(memory))
    })?;
    let _held = ctx.hold(memory);
    let Scan { rows, numbers } = scan(text, layout, missing, ctx)?;
    let in_file = |error: Error| error.in_file(text.path());
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let dtype = numbers.dtype(rows as u64);
    let shape = [rows, layout.ncols];
    let mut writer =
        AnyDenseWriter::new(place, (dtype, &shape, Order::C), &less).map_err(in_file)?;
    ctx.meter().pass();
    ctx.meter().read(text.length());
    let filled = Rows { text, layout, ctx };
    match dtype {
        DType::Int64 => {
            filled.fill::<i64>(&mut writer, missing.map(|value| value as i64), &whole)?
        }
        DType::UInt64 => {
            filled.fill::<u64>(&mut writer, missing.map(|value| value as u64), &whole)?
        }
        _ => filled.fill::<f64>(&mut writer, missing, &real)?,
    }
    AnyMatrix::try_from(writer.finish().map_err(in_file)?)
}

/// The rows of a table, to be parsed.
struct Rows<'a> {
    text: &'a TextFile,
    layout: &'a Layout,
    ctx: &'a Context,
}

impl Rows<'_> {
    /// Parses all rows, and writes their elements.
    fn fill<T: Element>(
        &self,
        writer: &mut AnyDenseWriter,
        instead: Option<T>,
        number: &(dyn Fn(&[u8]) -> Result<T> + Sync),
    ) -> Result<()> {
        let mut lines = Batches::new(self.text, self.layout.start, EACH, PHASE, self.ctx);
        let parse = |piece: Piece<'_>| {
            let mut values = Vec::new();
            for (line, bytes) in numbered(piece) {
                if !is_skipped(bytes, self.layout.separator) {
                    let row = self.row(bytes, instead, number, &mut values);
                    row.map_err(|error| LineFault { line, error })?;
                }
            }
            Ok(values)
        };
        let mut take = |values: Vec<T>| writer.push(Raw::of(&values[..]));
        while lines.next(u64::MAX, self.ctx, &parse, &mut take)? {}
        Ok(())
    }

    fn row<T: Element>(
        &self,
        line: &[u8],
        instead: Option<T>,
        number: &(dyn Fn(&[u8]) -> Result<T> + Sync),
        values: &mut Vec<T>,
    ) -> Result<()> {
        let Layout { separator, ncols, .. } = *self.layout;
        let (mut fields, mut k) = (Fields::new(line, separator), 0);
        while let Some(field) = fields.next()? {
            if k == ncols {
                return Err(ragged(ncols, count(line, separator)));
            }
            let value = match number(field) {
                Ok(value) if !is_nan(value) => value,
                _ if kind_of(field) == Kind::Missing => {
                    instead.ok_or_else(|| self.layout.in_column(missing(field), k))?
                }
                Ok(value) => value,
                Err(error) => return Err(self.layout.in_column(error, k)),
            };
            values.push(value);
            k += 1;
        }
        if k == ncols { Ok(()) } else { Err(ragged(ncols, k)) }
    }
}

/// Whether a number is none: spelled so, it is missing.
#[inline]
#[expect(clippy::eq_op, reason = "a NaN differs from itself")]
fn is_nan<T: Element>(value: T) -> bool {
    value != value
}
