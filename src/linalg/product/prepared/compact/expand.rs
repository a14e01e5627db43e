//! An encoded panel as plain lines again, for products across the lines and for entries without kernels.

use crate::error::Result;
use crate::linalg::kernels::SIDE;
use crate::linalg::product::prepared::compact::encoding::{Compact, EncodedBlock, Structure};
use crate::sparse::Indices;
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::{Carrier, Raw, RawMut, by_width, carriers_mut};
use crate::storage::{Context, DType, RawBufferMut};

/// Buffers for the plain lines of a panel. Whoever makes them counts their memory.
pub(crate) struct Expanded {
    indptr: Vec<u64>,
    indices: Vec<u32>,
    /// In the order of the entries, as they are kept.
    kept: RawBufferMut,
    values: RawBufferMut,
}

/// Plain lines: pointers, indices, values.
pub(crate) type PlainLines<'a> = (Indices<'a>, Indices<'a>, Raw<'a>);

impl Expanded {
    pub(crate) fn new() -> Result<Self> {
        let (kept, values) = (RawBufferMut::fresh(None, 0)?, RawBufferMut::fresh(None, 0)?);
        let (indptr, indices) = (Vec::new(), Vec::new());
        Ok(Expanded { indptr, indices, kept, values })
    }

    /// Bytes for a panel with `lines` lines and `entries` entries.
    pub(crate) fn memory(lines: usize, entries: usize, dtype: Option<DType>) -> u64 {
        let each = size_of::<u32>() + dtype.map_or(0, |dtype| dtype.size() + 1);
        (lines + 1).saturating_mul(size_of::<u64>()).saturating_add(entries.saturating_mul(each))
            as u64
    }
}

impl Compact {
    /// The lines as they were before they were encoded; `streamed` are their values, where they are not kept.
    pub(crate) fn expand<'r>(
        &self,
        streamed: Option<Raw<'r>>,
        buffer: &'r mut Expanded,
        ctx: &Context,
    ) -> Result<PlainLines<'r>> {
        let entries = self.blocks.last().map_or(0, |block| block.entries.end);
        buffer.indptr.clear();
        buffer.indptr.push(0);
        self.blocks.iter().for_each(|block| self.push_ends(block, &mut buffer.indptr));
        buffer.indices.resize(entries, 0);
        let is_kept = streamed.is_none();
        make(&mut buffer.kept, self.values.dtype(), if is_kept { entries } else { 0 })?;
        let (mut indices, mut values) = (&mut buffer.indices[..], buffer.kept.as_mut());
        let mut tasks = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let these;
            (these, indices) = indices.split_at_mut(block.entries.len());
            let values = values.take_front(if is_kept { block.entries.len() } else { 0 });
            tasks.push((block, these, values));
        }
        ctx.with_threads(|| {
            tasks.into_par_iter().for_each(|(block, indices, values)| {
                self.fill_indices(block, indices);
                if is_kept {
                    by_width!(self.values.as_raw().width(), W => {
                        self.fill_values::<W>(block, carriers_mut(values));
                    });
                }
            });
        });
        let (indptr, indices) = (Indices::Wide(&buffer.indptr), Indices::Narrow(&buffer.indices));
        let values = match (streamed, &self.dictionary) {
            (Some(values), _) => values,
            (None, None) => buffer.kept.as_raw().slice(0..entries),
            (None, Some(dictionary)) => {
                make(&mut buffer.values, dictionary.dtype(), entries)?;
                let codes = buffer.kept.as_raw().slice(0..entries);
                look_up(codes, dictionary.as_raw(), buffer.values.as_mut().slice_mut(0..entries));
                buffer.values.as_raw().slice(0..entries)
            }
        };
        Ok((indptr, indices, values))
    }

    /// Appends the end of every line of a block.
    fn push_ends(&self, block: &EncodedBlock, ends: &mut Vec<u64>) {
        let start = block.entries.start as u64;
        match &block.structure {
            Structure::Runs(range) => {
                let mut end = start;
                for run in &self.runs[range.clone()] {
                    let width = self.pattern(run.pattern).len() as u64;
                    for _ in 0..run.lines {
                        end += width;
                        ends.push(end);
                    }
                }
            }
            Structure::Narrow { ends: own, .. } | Structure::Wide { ends: own, .. } => {
                ends.extend(
                    self.ends[own.clone()].iter().skip(1).map(|&end| start + u64::from(end)),
                );
            }
        }
    }

    fn fill_indices(&self, block: &EncodedBlock, indices: &mut [u32]) {
        match &block.structure {
            Structure::Runs(range) => {
                let (mut line, mut rest) = (block.lines.start as i64, indices);
                for run in &self.runs[range.clone()] {
                    let offsets = self.pattern(run.pattern);
                    let these;
                    (these, rest) = rest.split_at_mut(offsets.len() * run.lines as usize);
                    for (i, indices) in (line..).zip(these.chunks_mut(offsets.len().max(1))) {
                        let columns = indices.iter_mut().zip(offsets);
                        columns.for_each(|(to, offset)| *to = (i + offset) as u32);
                    }
                    line += i64::from(run.lines);
                }
            }
            Structure::Narrow { columns, least, .. } => {
                let columns = indices.iter_mut().zip(&self.narrow[columns.clone()]);
                columns.for_each(|(to, &column)| *to = (least + column as usize) as u32);
            }
            Structure::Wide { columns, .. } => indices.copy_from_slice(&self.wide[columns.clone()]),
        }
    }

    /// Kept values in the order of the entries.
    fn fill_values<const W: usize>(&self, block: &EncodedBlock, mut to: &mut [Carrier<W>]) {
        let values = self.values.as_raw().slice(block.values.clone());
        let mut values = values.carriers::<W>();
        let Structure::Runs(range) = &block.structure else { return to.copy_from_slice(values) };
        let repeated = self.repeated.as_raw();
        for run in &self.runs[range.clone()] {
            let (lines, width) = (run.lines as usize, self.pattern(run.pattern).len());
            let these;
            (these, to) = std::mem::take(&mut to).split_at_mut(lines * width);
            if width == 0 {
                continue;
            }
            match run.repeated.map(|start| start as usize) {
                Some(start) => {
                    let line = repeated.slice(start..start + width);
                    these.chunks_mut(width).for_each(|to| to.copy_from_slice(line.carriers::<W>()));
                }
                None => {
                    let own;
                    (own, values) = values.split_at(lines * width);
                    put_line_by_line(own, width, these);
                }
            }
        }
    }
}

/// Makes a buffer of at least `len` values, unless it is one.
fn make(buffer: &mut RawBufferMut, dtype: Option<DType>, len: usize) -> Result<()> {
    if buffer.dtype() != dtype || buffer.len() < len {
        *buffer = RawBufferMut::fresh(dtype, len)?;
    }
    Ok(())
}

/// The inverse of `interleave`.
fn put_line_by_line<const W: usize>(values: &[Carrier<W>], width: usize, to: &mut [Carrier<W>]) {
    for (values, to) in values.chunks(SIDE * width).zip(to.chunks_mut(SIDE * width)) {
        let side = values.len() / width;
        for (lane, line) in to.chunks_exact_mut(width).enumerate() {
            for (k, to) in line.iter_mut().enumerate() {
                *to = values[k * side + lane];
            }
        }
    }
}

/// The values of a dictionary for their numbers.
fn look_up(codes: Raw<'_>, dictionary: Raw<'_>, to: RawMut<'_>) {
    let codes = codes.typed::<u8>().unwrap_or_default();
    by_width!(dictionary.width(), W => {
        let (dictionary, to) = (dictionary.carriers::<W>(), carriers_mut::<W>(to));
        to.iter_mut().zip(codes).for_each(|(to, &code)| *to = dictionary[code as usize]);
    });
}
