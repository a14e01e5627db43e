//! Dense to sparse: what is not zero, or what the caller wants kept.

use std::ops::Deref;

use ndarray::Ix2;
use rayon::prelude::*;

use crate::dense::DenseBase;
use crate::error::{Error, ErrorKind, Result};
use crate::sparse::{Axis, ByCols, ByRows, Compressed, CompressedDraft, Coo, Csc, Csr};
use crate::storage::{Context, Element, Index, Order, Place};

impl<T: Element, B: Deref<Target = [T]> + Sync> DenseBase<B, Ix2> {
    /// Compressed rows of the elements that are not zero. Cost: two reads of the array and one write of the entries.
    ///
    /// ```
    /// use outcore::{Context, Csr, Dense, Place};
    /// let a = Dense::from(ndarray::arr2(&[[0.0, 1.0], [2.0, 0.0]]));
    /// let csr: Csr<f64> = a.to_csr(Place::Memory, &Context::new())?;
    /// assert_eq!(csr.nnz(), 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_csr<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        self.to_csr_if(|value| value != T::default(), place, ctx)
    }

    /// Compressed rows of the elements that `keep` wants, such as those above a threshold. `keep` is asked twice
    /// about each element and must answer the same.
    pub fn to_csr_if<I: Index, P: Index>(
        &self,
        keep: impl Fn(T) -> bool + Sync,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<T, I, P>> {
        sparsify::<T, I, P, ByRows>(
            &Grid::new(self, Order::C),
            self.dim(),
            keep,
            &place.into(),
            ctx,
        )
    }

    /// Compressed columns of the elements that are not zero; cost as [`to_csr`](Self::to_csr).
    pub fn to_csc<I: Index, P: Index>(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        self.to_csc_if(|value| value != T::default(), place, ctx)
    }

    /// Compressed columns of the elements that `keep` wants; otherwise as [`to_csr_if`](Self::to_csr_if).
    pub fn to_csc_if<I: Index, P: Index>(
        &self,
        keep: impl Fn(T) -> bool + Sync,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<T, I, P>> {
        let grid = Grid::new(self, Order::Fortran);
        sparsify::<T, I, P, ByCols>(&grid, self.dim(), keep, &place.into(), ctx)
    }

    /// Coordinates of the elements that are not zero, row by row. Through CSR in the scratch folder.
    pub fn to_coo<I: Index>(&self, place: impl Into<Place>, ctx: &Context) -> Result<Coo<T, I>> {
        self.to_csr::<I, u64>(Place::Scratch, ctx)?.to_coo(place, ctx)
    }
}

/// A dense matrix as lines of the axis that the result is compressed along.
struct Grid<'a, T> {
    elements: &'a [T],
    lines: usize,
    length: usize,
    /// Whether the elements of a line are contiguous; otherwise the lines' elements alternate.
    along: bool,
}

/// Lines counted or filled by one task: when they lie across the file, a task reads whole cache lines.
const BUNDLE: usize = 64;

impl<'a, T: Element> Grid<'a, T> {
    /// Rows for `Order::C`, columns for `Order::Fortran`.
    fn new<B: Deref<Target = [T]>>(dense: &'a DenseBase<B, Ix2>, wanted: Order) -> Self {
        let (nrows, ncols) = dense.dim();
        let (lines, length) = if wanted == Order::C { (nrows, ncols) } else { (ncols, nrows) };
        Grid { elements: dense.as_slice(), lines, length, along: dense.order() == wanted }
    }

    /// Calls `visit(line, position, element)` for every element of some lines, positions rising within each line.
    fn visit(&self, lines: std::ops::Range<usize>, mut visit: impl FnMut(usize, usize, T)) {
        if self.along {
            for line in lines {
                let elements = &self.elements[line * self.length..][..self.length];
                elements.iter().enumerate().for_each(|(k, &element)| visit(line, k, element));
            }
        } else {
            for position in 0..self.length {
                let row = &self.elements[position * self.lines..][..self.lines];
                for line in lines.clone() {
                    visit(line, position, row[line]);
                }
            }
        }
    }
}

fn sparsify<T: Element, I: Index, P: Index, A: Axis>(
    grid: &Grid<'_, T>,
    shape: (usize, usize),
    keep: impl Fn(T) -> bool + Sync,
    place: &Place,
    ctx: &Context,
) -> Result<Compressed<T, I, P, A>> {
    let bundles = grid.lines.div_ceil(BUNDLE);
    let lines_of = |bundle: usize| bundle * BUNDLE..grid.lines.min((bundle + 1) * BUNDLE);
    let counts: Vec<[u64; BUNDLE]> = ctx.run(|| {
        (0..bundles)
            .into_par_iter()
            .map(|bundle| {
                let mut counts = [0; BUNDLE];
                grid.visit(lines_of(bundle), |line, _, element| {
                    counts[line % BUNDLE] += u64::from(keep(element));
                });
                counts
            })
            .collect()
    });
    ctx.check_cancelled()?;
    let nnz = counts.iter().flatten().sum::<u64>() as usize;
    let mut draft = CompressedDraft::<T, I, P>::new::<A>(shape, nnz, place, ctx)?;
    let mut end = 0;
    for (pointer, count) in draft.indptr[1..].iter_mut().zip(counts.iter().flatten()) {
        end += *count as usize;
        *pointer = P::from_usize(end);
    }
    let mut tasks = Vec::with_capacity(bundles);
    let (mut indices, mut data) = (&mut draft.indices[..], &mut draft.data[..]);
    for counts in &counts {
        let room = counts.iter().sum::<u64>() as usize;
        let (these_indices, these_data);
        (these_indices, indices) = indices.split_at_mut(room);
        (these_data, data) = data.split_at_mut(room);
        tasks.push((counts, these_indices, these_data));
    }
    let consistent = ctx.run(|| {
        tasks
            .into_par_iter()
            .enumerate()
            .map(|(bundle, (counts, indices, data))| {
                let mut next = [0; BUNDLE];
                let mut start = 0;
                for (next, &count) in next.iter_mut().zip(counts) {
                    *next = start;
                    start += count as usize;
                }
                let mut room = true;
                grid.visit(lines_of(bundle), |line, position, element| {
                    if keep(element) {
                        let at = next[line % BUNDLE];
                        room &= at < indices.len();
                        if let (Some(index), Some(value)) = (indices.get_mut(at), data.get_mut(at))
                        {
                            (*index, *value) = (I::from_usize(position), element);
                        }
                        next[line % BUNDLE] = at + 1;
                    }
                });
                room && next.last() == Some(&start)
            })
            .reduce(|| true, |a, b| a & b)
    });
    if !consistent {
        return Err(Error::new(
            ErrorKind::Value,
            "the choice of elements changed between two reads",
        )
        .expected("the same answer for the same element"));
    }
    draft.finish(shape, false)
}
