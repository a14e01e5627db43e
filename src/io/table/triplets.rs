//! A list of entries as CSR: extents and type seen first, then the entries brought to their rows.

use num_complex::Complex;

use crate::any::AnyMatrix;
use crate::convert::CooBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::table::field::{Fields, Kind, count, is_skipped, kind_of, missing, ragged, real};
use crate::io::table::layout::Layout;
use crate::io::table::numbers::{EACH, Numbers, PHASE, whole};
use crate::io::table::options::TableOptions;
use crate::io::text::batches::{Batches, LineFault, Piece, numbered};
use crate::io::text::cursor::quoted;
use crate::io::text::text_file::TextFile;
use crate::sparse::{ByRows, Csr, Duplicates, check_widths};
use crate::storage::{Context, DType, Entry, Index, Place, Plan};

/// The matrix of a list of entries, duplicates summed.
///
/// Cost: the file is read twice; entries that do not fit in a quarter of the memory limit take one write and one read in
/// the scratch folder.
pub(super) fn read(
    text: &TextFile,
    layout: &Layout,
    options: &TableOptions,
    hypersparse: bool,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let list = List { text, layout, options, hypersparse, place, ctx };
    let _running = ctx.begin(|| list.plan())?;
    let _held = ctx.hold(list.memory());
    let seen = list.scan()?;
    let fill = options.missing;
    let first = |error: Error| (0, error);
    match (layout.ncols, seen.numbers.dtype(seen.entries)) {
        (2, _) => list.of::<()>(seen, &|_| Ok(())),
        (3, DType::Int64) => {
            list.of(seen, &|fields| match filled(fields[0], fill).map_err(first)? {
                Some(value) => Ok(value as i64),
                None => whole(fields[0]).map_err(first),
            })
        }
        (3, DType::UInt64) => {
            list.of(seen, &|fields| match filled(fields[0], fill).map_err(first)? {
                Some(value) => Ok(value as u64),
                None => whole(fields[0]).map_err(first),
            })
        }
        (3, _) => list.of(seen, &|fields| number(fields[0], fill).map_err(first)),
        _ => list.of(seen, &|fields| {
            let part = |k: usize| number(fields[k], fill).map_err(|error| (k, error));
            Ok(Complex::new(part(0)?, part(1)?))
        }),
    }
}

/// The value to put where one is missing; `None` if there is one.
fn filled(field: &[u8], fill: Option<f64>) -> Result<Option<f64>> {
    match kind_of(field) == Kind::Missing {
        true => fill.map(Some).ok_or_else(|| missing(field)),
        false => Ok(None),
    }
}

fn number(field: &[u8], fill: Option<f64>) -> Result<f64> {
    match filled(field, fill)? {
        Some(value) => Ok(value),
        None => real(field),
    }
}

/// What the first pass found out.
#[derive(Clone, Copy)]
struct Seen {
    entries: u64,
    /// The least numbers of rows and columns.
    nrows: u64,
    ncols: u64,
    numbers: Numbers,
}

/// Makes the value of an entry of the fields after its row and column. An error comes with the number of its field.
type Value<'a, T> = &'a (dyn Fn(&[&[u8]]) -> std::result::Result<T, (usize, Error)> + Sync);

struct List<'a> {
    text: &'a TextFile,
    layout: &'a Layout,
    options: &'a TableOptions,
    hypersparse: bool,
    place: &'a Place,
    ctx: &'a Context,
}

impl List<'_> {
    fn memory(&self) -> u64 {
        Batches::memory(self.text, 2 * EACH, self.ctx)
    }

    fn plan(&self) -> Result<Plan> {
        let plan = Plan::new("reading entries").on_device_of(Some((self.text.path(), 0)));
        let plan = plan.reads(2, self.text.length().saturating_mul(2));
        let rows = usize::try_from(self.layout.rows).unwrap_or(usize::MAX);
        let shape = self.options.shape.unwrap_or((rows, rows));
        let less = self.ctx.less(self.memory());
        let plan = CooBuilder::<f64, u32, ByRows>::plan::<u32>(
            plan,
            shape,
            self.layout.rows,
            self.place,
            &less,
        );
        Ok(plan.throughout(self.memory()))
    }

    /// Splits a line into row, column, counted from 0, and the other fields.
    fn entry<'t>(&self, line: &'t [u8], values: &mut Vec<&'t [u8]>) -> Result<(u64, u64)> {
        let Layout { separator, ncols, .. } = *self.layout;
        values.clear();
        let mut fields = Fields::new(line, separator);
        while let Some(field) = fields.next()? {
            values.push(field);
            if values.len() > ncols {
                return Err(ragged(ncols, count(line, separator)));
            }
        }
        if values.len() < ncols {
            return Err(ragged(ncols, values.len()));
        }
        let extents =
            self.options.shape.map_or((u64::MAX, u64::MAX), |(m, n)| (m as u64, n as u64));
        let row =
            self.index(values[0], "row", extents.0).map_err(|e| self.layout.in_column(e, 0))?;
        let col =
            self.index(values[1], "column", extents.1).map_err(|e| self.layout.in_column(e, 1))?;
        values.drain(..2);
        Ok((row, col))
    }

    fn index(&self, field: &[u8], name: &str, extent: u64) -> Result<u64> {
        let base = u64::from(self.options.one_based);
        if let Kind::Whole(number) = kind_of(field)
            && let Ok(number) = u64::try_from(number)
            && let Some(index) = number.checked_sub(base)
            && index < extent
        {
            return Ok(index);
        }
        Err(wrong_index(field, name, base, extent))
    }

    /// Sees the extents and the types of all values.
    fn scan(&self) -> Result<Seen> {
        self.ctx.meter().pass();
        self.ctx.meter().read(self.text.length());
        let numbers = if self.layout.ncols == 4 { Numbers::REAL } else { Numbers::NONE };
        let none = Seen { entries: 0, nrows: 0, ncols: 0, numbers };
        let parse = |piece: Piece<'_>| {
            let (mut seen, mut values) = (none, Vec::new());
            for (line, bytes) in numbered(piece) {
                if is_skipped(bytes, self.layout.separator) {
                    continue;
                }
                let entry = self.entry(bytes, &mut values);
                let (row, col) = entry.map_err(|error| LineFault { line, error })?;
                seen.entries += 1;
                seen.nrows = seen.nrows.max(row.saturating_add(1));
                seen.ncols = seen.ncols.max(col.saturating_add(1));
                values.iter().for_each(|field| seen.numbers.see(field, self.options.missing));
            }
            Ok(seen)
        };
        let mut all = none;
        let mut lines = Batches::new(self.text, self.layout.start, 0, PHASE, self.ctx);
        while lines.next(u64::MAX, self.ctx, &parse, &mut |seen| {
            all.entries += seen.entries;
            all.nrows = all.nrows.max(seen.nrows);
            all.ncols = all.ncols.max(seen.ncols);
            all.numbers = all.numbers.and(seen.numbers);
            Ok(())
        })? {}
        Ok(all)
    }

    fn of<T: Entry>(&self, seen: Seen, value: Value<'_, T>) -> Result<AnyMatrix> {
        let found = (seen.nrows, seen.ncols);
        let shape = self.options.shape.map_or(found, |(nrows, ncols)| (nrows as u64, ncols as u64));
        let most = shape.0.max(shape.1).max(seen.entries);
        let position = |extent: u64| usize::try_from(extent).unwrap_or(usize::MAX);
        let shape = (position(shape.0), position(shape.1));
        match most <= u32::LARGEST as u64 {
            true => self.assemble::<T, u32>(shape, seen.entries, value).map(AnyMatrix::from),
            false => self.assemble::<T, u64>(shape, seen.entries, value).map(AnyMatrix::from),
        }
    }

    fn assemble<T: Entry, I: Index>(
        &self,
        shape: (usize, usize),
        entries: u64,
        value: Value<'_, T>,
    ) -> Result<Csr<T, I, I>> {
        let in_file = |error: Error| error.in_file(self.text.path());
        check_widths::<I, I>(shape.0, shape.1, 0).map_err(in_file)?;
        let extent = JustifiedExtent {
            path: self.text.path(),
            lines: "rows",
            count: shape.0,
            entries,
            wanted: self.hypersparse || self.options.shape.is_some(),
            remedy: "`hypersparse` asks for all of them",
        };
        extent.check::<I>(self.place, self.ctx)?;
        let less = self.ctx.less(self.memory());
        let mut builder = CooBuilder::<T, I, ByRows>::with_types(shape, &less).map_err(in_file)?;
        self.ctx.meter().pass();
        self.ctx.meter().read(self.text.length());
        let mut lines = Batches::new(self.text, self.layout.start, 2 * EACH, PHASE, self.ctx);
        let parse = |piece: Piece<'_>| {
            let (mut entries, mut values) = (Vec::new(), Vec::new());
            for (line, bytes) in numbered(piece) {
                if is_skipped(bytes, self.layout.separator) {
                    continue;
                }
                let fault = |error: Error| LineFault { line, error };
                let (row, col) = self.entry(bytes, &mut values).map_err(fault)?;
                let value = value(&values)
                    .map_err(|(k, error)| fault(self.layout.in_column(error, 2 + k)))?;
                entries.push((row as usize, col as usize, value));
            }
            Ok(entries)
        };
        let mut take = |entries: Vec<(usize, usize, T)>| {
            entries.into_iter().try_for_each(|(row, col, value)| builder.push(row, col, value))
        };
        while lines.next(u64::MAX, self.ctx, &parse, &mut take)? {}
        builder.finish(Duplicates::Sum, self.place, &less).map_err(in_file)
    }
}

#[cold]
fn wrong_index(field: &[u8], name: &str, base: u64, extent: u64) -> Error {
    let (what, kind) = match kind_of(field) {
        Kind::Whole(_) | Kind::TooLarge => ("is out of range", ErrorKind::Index),
        _ => ("is no whole number", ErrorKind::Format),
    };
    let error = Error::new(kind, format!("the {name} {what}"));
    let error = match extent {
        u64::MAX => error.expected(format!("a {name} from {base}")),
        _ => {
            error.expected(format!("a {name} from {base} to {}", (extent + base).saturating_sub(1)))
        }
    };
    match (base, field) {
        (1, b"0") => {
            error.found(quoted(field)).remedy("they are counted from 1; say so only if it is true")
        }
        _ => error.found(quoted(field)),
    }
}
