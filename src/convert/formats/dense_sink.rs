//! A sink that turns lines of entries into a dense matrix: zeros are filled in, duplicates summed.
//!
//! Whole lines are made in parallel, several at a time, in a buffer called the band. A line that is longer than the
//! band, or whose entries come in parts, is made part by part: the band is a window that moves along the line.

use crate::convert::formats::dense_rows::{
    LineClash, LineEntries, LineRun, fill_rows, overflow, put_part,
};
use crate::convert::sort::AnySink;
use crate::dense::{AnyDense, AnyDenseWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Indices, by_index};
use crate::storage::parallel::Tasks;
use crate::storage::raw::{Merge, Raw, put};
use crate::storage::{Context, DType, Order, RawBufferMut};

/// Lines of a panel that are processed together.
const LINES: usize = 1 << 14;

/// Elements of a task.
const TASK: usize = 1 << 16;

/// Makes the lines of a dense matrix.
pub(super) struct LinesSink {
    writer: AnyDenseWriter,
    /// Elements of a line.
    length: usize,
    position: fn((usize, usize)) -> (usize, usize),
    /// Lines that are complete.
    lines: usize,
    /// Elements not yet passed to the writer.
    band: RawBufferMut,
    /// For a line made part by part: where the window starts, and whether it is zeroed.
    start: usize,
    open: bool,
    /// How an entry is combined with an element.
    put: Merge,
    ctx: Context,
}

impl LinesSink {
    pub(super) fn new(
        writer: AnyDenseWriter,
        dtype: DType,
        (nrows, ncols): (usize, usize),
        order: Order,
        ctx: &Context,
    ) -> Result<Self> {
        let band = ctx.raw_work("lines of the result", (Some(dtype), band(dtype, ctx)))?;
        let (length, position): (_, fn(_) -> _) = match order {
            Order::C => (ncols, |(line, index)| (line, index)),
            Order::Fortran => (nrows, |(line, index)| (index, line)),
        };
        Ok(LinesSink {
            writer,
            length,
            position,
            lines: 0,
            band: band.counted(ctx.meter()),
            start: 0,
            open: false,
            put: put(dtype),
            ctx: ctx.clone(),
        })
    }

    /// Memory in addition to the writer.
    pub(super) fn memory(dtype: DType, ctx: &Context) -> u64 {
        dtype.bytes_of(band(dtype, ctx)) + (LINES * size_of::<usize>()) as u64
    }

    /// Takes the lines of a panel of a compressed matrix, whose pointers may change while they are read.
    pub(super) fn take_panel(
        &mut self,
        indptr: Indices<'_>,
        (indices, data): LineEntries<'_>,
        ctx: &Context,
    ) -> Result<()> {
        if indptr.len() == 0 {
            return Ok(());
        }
        let mut lens = Vec::with_capacity(LINES);
        let base = indptr.at(0);
        let (mut start, mut end) = (0, base);
        for first in (1..indptr.len()).step_by(LINES) {
            ctx.check_cancelled()?;
            lens.resize(LINES.min(indptr.len() - first), 0);
            indptr.positions(first, &mut lens);
            for len in &mut lens {
                let next = *len;
                *len = next.checked_sub(end).ok_or_else(outside)?;
                end = next;
            }
            let stop = end - base;
            let data = data.get(start..stop).ok_or_else(outside)?;
            if stop > indices.len() {
                return Err(outside());
            }
            self.lines(&lens, indices.slice(start..stop), data, false)?;
            start = stop;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<AnyDense> {
        self.writer.finish()
    }

    /// Makes as many lines as fit in the band.
    fn make(&mut self, starts: &[usize], entries: LineEntries<'_>) -> Result<()> {
        let (length, count, put) = (self.length, starts.len() - 1, self.put);
        let step = (TASK / length.max(1)).max(1);
        let mut band = self.band.as_mut();
        let mut band = band.slice_mut(0..count * length);
        let rows = band.reborrow().par_chunks_mut((step * length).max(1));
        let clash = self.ctx.with_threads(|| {
            rows.enumerate().find_map_first(|(task, mut rows)| {
                let last = count.min(task * step + step);
                rows.clear();
                fill_rows(rows, length, &starts[task * step..=last], entries, put)
                    .map(|clash| clash.below(task * step))
            })
        });
        match clash {
            Some(LineClash::Outside) => return Err(outside()),
            Some(LineClash::Overflow(line, index)) => {
                return Err(overflow((self.position)((self.lines + line, index))));
            }
            None => {}
        }
        self.writer.push(band.as_raw())?;
        self.lines += count;
        Ok(())
    }

    /// Makes a line from entries in any order: for each window, the matching entries are selected from all.
    fn pick(&mut self, (indices, data): LineEntries<'_>) -> Result<()> {
        while self.start < self.length {
            self.open_window();
            let mut window = self.band.as_mut();
            for k in 0..indices.len() {
                let index = indices.at(k);
                if index >= self.length {
                    return Err(outside());
                }
                let at = index.wrapping_sub(self.start);
                if at < window.len() && window.merge(at, data, k, self.put).is_none() {
                    return Err(overflow((self.position)((self.lines, index))));
                }
            }
            self.write_window()?;
        }
        Ok(())
    }

    /// Elements of the line in the window.
    fn window(&self) -> usize {
        self.band.len().min(self.length - self.start)
    }

    fn open_window(&mut self) {
        if !self.open {
            let window = self.window();
            self.band.as_mut().slice_mut(0..window).clear();
            self.open = true;
        }
    }

    /// Writes the window, and advances it.
    fn write_window(&mut self) -> Result<()> {
        self.ctx.check_cancelled()?;
        self.open_window();
        let window = self.window();
        self.writer.push(self.band.as_raw().slice(0..window))?;
        self.start += window;
        self.open = false;
        Ok(())
    }
}

impl AnySink for LinesSink {
    fn lines(
        &mut self,
        lens: &[usize],
        indices: Indices<'_>,
        data: Raw<'_>,
        _: bool,
    ) -> Result<()> {
        let ends = lens.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        });
        let starts: Vec<usize> = std::iter::once(0).chain(ends).collect();
        let fit = self.band.len() / self.length.max(1);
        if fit > 0 {
            for first in (0..lens.len()).step_by(fit) {
                let last = lens.len().min(first + fit);
                self.make(&starts[first..=last], (indices, data))?;
            }
            return Ok(());
        }
        for here in starts.windows(2) {
            let here = here[0]..here[1];
            let (indices, data) = (indices.slice(here.clone()), data.slice(here));
            if by_index!(indices, indices => indices.is_sorted()) {
                self.part(indices, data, false)?;
            } else {
                self.pick((indices, data))?;
            }
            self.end_line()?;
        }
        Ok(())
    }

    /// From one part to the next, indices do not fall by more than the window.
    fn part(&mut self, indices: Indices<'_>, data: Raw<'_>, _: bool) -> Result<()> {
        let mut done = 0;
        while done < indices.len() {
            let next = indices.at(done);
            if next >= self.length || next < self.start {
                return Err(outside());
            }
            // The last element of the window may receive further entries.
            while next - self.start >= self.band.len() {
                self.write_window()?;
            }
            self.open_window();
            let (window, all) = (self.window(), done..indices.len());
            let mut band = self.band.as_mut();
            let rest = (indices.slice(all.clone()), data.slice(all));
            match put_part(band.slice_mut(0..window), self.start, rest, self.put) {
                LineRun::All => break,
                LineRun::Beyond(k) => done += k,
                LineRun::Overflow(k) => {
                    let place = (self.lines, indices.at(done + k));
                    return Err(overflow((self.position)(place)));
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<()> {
        while self.start < self.length {
            self.write_window()?;
        }
        self.start = 0;
        self.lines += 1;
        Ok(())
    }

    fn position(&self) -> fn((usize, usize)) -> (usize, usize) {
        self.position
    }
}

/// Elements of the band.
fn band(dtype: DType, ctx: &Context) -> usize {
    (ctx.memory_left() / 16).clamp(16 << 10, 32 << 20) as usize / dtype.size()
}

fn outside() -> Error {
    Error::new(ErrorKind::Index, "the matrix changed while it was read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Place;

    /// A matrix of one row, made in windows of 2048 elements.
    fn row(length: usize, parts: &[(&[u32], &[i64])]) -> Result<Vec<i64>> {
        let ctx = Context::new().memory_limit(1 << 10);
        let shape = (1, length);
        let writer =
            AnyDenseWriter::new(&Place::Scratch, (DType::Int64, &[1, length], Order::C), &ctx)?;
        let mut sink = LinesSink::new(writer, DType::Int64, shape, Order::C, &ctx)?;
        if let [(indices, data)] = parts {
            sink.lines(&[indices.len()], Indices::Narrow(indices), Raw::of(data), false)?;
        } else {
            for (indices, data) in parts {
                sink.part(Indices::Narrow(indices), Raw::of(data), false)?;
            }
            sink.end_line()?;
        }
        Ok(sink.finish()?.elements().as_typed::<i64>().to_vec())
    }

    fn expected(length: usize, entries: &[(u32, i64)]) -> Vec<i64> {
        let mut row = vec![0; length];
        entries.iter().for_each(|&(index, value)| row[index as usize] += value);
        row
    }

    #[test]
    fn a_line_longer_than_the_band_is_made_window_by_window() {
        let all = [(0, 1), (2047, 2), (2047, 3), (2048, 4), (6000, 5), (6143, 6), (6143, 7)];
        let (indices, data): (Vec<u32>, Vec<i64>) = all.into_iter().unzip();
        for length in [6144, 6145, 9000] {
            let expected = expected(length, &all);
            assert_eq!(row(length, &[(&indices, &data)]).unwrap(), expected);
            // A sum may be split between parts, also at the last element of a window.
            for cut in 0..all.len() {
                let parts = [(&indices[..cut], &data[..cut]), (&indices[cut..], &data[cut..])];
                assert_eq!(row(length, &parts).unwrap(), expected);
            }
            let (mut fallen, mut values) = (indices.clone(), data.clone());
            fallen.reverse();
            values.reverse();
            assert_eq!(row(length, &[(&fallen, &values)]).unwrap(), expected);
        }
    }

    #[test]
    fn what_a_long_line_cannot_hold_is_an_error() {
        let kind = |outcome: Result<Vec<i64>>| outcome.unwrap_err().kind();
        let most: &[i64] = &[i64::MAX, 1];
        assert_eq!(kind(row(5000, &[(&[4999, 4999], most)])), ErrorKind::Value);
        assert_eq!(kind(row(5000, &[(&[4999, 1, 4999], &[1, 1, i64::MAX])])), ErrorKind::Value);
        assert_eq!(kind(row(5000, &[(&[5000], &[1])])), ErrorKind::Index);
        assert_eq!(kind(row(5000, &[(&[5000, 1], &[1, 1])])), ErrorKind::Index);
        assert_eq!(kind(row(5000, &[(&[4999], &[1]), (&[1], &[1])])), ErrorKind::Index);
    }
}
