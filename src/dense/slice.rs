//! Some rows and columns of a dense matrix, copied in order.

use std::ops::Range;

use crate::dense::any_dense::AnyDense;
use crate::dense::panels::{DensePanel, DensePanels};
use crate::dense::writer::AnyDenseWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::work;
use crate::storage::{Context, Order, Pass, Place};

impl AnyDense {
    /// The elements in these rows and columns of a matrix, in the same order. Lines outside are not read.
    pub(crate) fn slice(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (nrows, ncols) = self.dim();
        check("rows", &rows, nrows)?;
        check("columns", &cols, ncols)?;
        let shape = [rows.len(), cols.len()];
        let (lines, band) = if self.order == Order::C { (rows, cols) } else { (cols, rows) };
        let (_, length) = self.lines();
        let whole = match self.order {
            Order::C => vec![lines.len(), length],
            Order::Fortran => vec![length, lines.len()],
        };
        let buffer = self.buffer.slice(lines.start * length..lines.end * length);
        let from = AnyDense { buffer, shape: whole, order: self.order };
        if band.len() == length {
            return from.copied(place, ctx);
        }
        let len = lines.len() * band.len();
        let left = AnyDenseWriter::memory_left((self.dtype(), len), place, ctx)?;
        let budget = left.min(ctx.memory_left() / 2);
        let mut panels = DensePanels::once(&from, (1, 1), budget)?;
        let plan = panels.reading.plan("slicing a dense array").works(len as u64, work::COPY_DENSE);
        let what = (self.dtype(), &shape[..], self.order);
        Pass::new(plan).make(what, place, ctx, &mut |writer: &mut AnyDenseWriter| {
            panels.sweep_part(ctx, &mut |DensePanel { lines, offset, elements, .. }| {
                let width = elements.len() / lines.max(1);
                let start = band.start.max(offset) - offset;
                let end = band.end.min(offset + width).saturating_sub(offset);
                if start >= end {
                    return Ok(());
                }
                (0..lines).try_for_each(|line| {
                    let first = line * width;
                    writer.push(elements.slice(first + start..first + end))
                })
            })
        })
    }
}

fn check(what: &str, range: &Range<usize>, extent: usize) -> Result<()> {
    match range.start <= range.end && range.end <= extent {
        true => Ok(()),
        false => {
            let what = format!("there are no such {what}");
            Err(Error::new(ErrorKind::Shape, what)
                .expected(format!("a range within 0..{extent}"))
                .found(format!("{range:?}")))
        }
    }
}
