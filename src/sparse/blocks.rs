//! Matrices put together from blocks.

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::Axis;
use crate::sparse::compressed::Compressed;
use crate::sparse::join::{JoinGroup, join};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, SparseFormat};

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Places matrices along the diagonal of one, without other entries, as SciPy's `block_diag`.
    ///
    /// Cost: one read of each and one sequential write, within the memory limit whatever the matrices; the indices are
    /// checked on the way. Fails if there is no matrix, or if there are more rows or columns than the index type can
    /// count.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::block_diag(&[&a, &a], Place::Memory, &Context::new())?;
    /// assert_eq!(b, Csr::eye(4));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn block_diag(blocks: &[&Self], place: impl Into<Place>, ctx: &Context) -> Result<Self> {
        let blocks: Vec<_> = blocks.iter().map(|block| block.to_any()).collect();
        block_diag(&blocks, &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    /// A matrix from a grid of blocks, row by row, as SciPy's `block_array`: `None` is a block without entries, as high
    /// as the others of its row and as wide as those of its column.
    ///
    /// Cost: one read of each block and one sequential write, within the memory limit whatever the blocks; the indices
    /// are checked on the way. Fails with kind [`Shape`](ErrorKind::Shape) if a row or a column of the grid has no
    /// block, if the heights in a row or the widths in a column differ, or if there are more rows or columns than the
    /// index type can count.
    ///
    /// ```
    /// use outcore::{Context, Csr, Place};
    /// let a = Csr::<f64>::eye(2);
    /// let b = Csr::block(&[&[Some(&a), Some(&a)], &[None, Some(&a)]], Place::Memory, &Context::new())?;
    /// assert_eq!((b.shape(), b.nnz(), b.get(1, 3)?, b.get(3, 1)?), ((4, 4), 6, Some(1.0), None));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "block_array")]
    #[doc(alias = "bmat")]
    #[doc(alias = "MatCreateNest")]
    pub fn block(
        grid: &[&[Option<&Self>]],
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Self> {
        let block = |block: &Option<&Self>| block.map(Self::to_any);
        let grid: Vec<Vec<_>> = grid.iter().map(|row| row.iter().map(block).collect()).collect();
        self::block(&grid, &place.into(), ctx).map(AnyCompressed::into_typed)
    }
}

fn nothing() -> Error {
    Error::new(ErrorKind::Shape, "there are no matrices to stack")
}

/// Places matrices of one format and the same types along the diagonal of one.
pub(crate) fn block_diag(
    blocks: &[AnyCompressed],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let first = blocks.first().ok_or_else(nothing)?;
    let (mut groups, mut end) = (Vec::new(), 0usize);
    for block in blocks {
        let mut group = JoinGroup::new(block.major());
        group.push(end, block.clone());
        groups.push(group);
        end = end.saturating_add(block.minor());
    }
    join(
        ("stacking along the diagonal", work::STACK),
        (first.format(), first.types()),
        &groups,
        end,
        place,
        ctx,
    )
}

/// A matrix from a grid of blocks of one format and the same types, row by row.
pub(crate) fn block(
    grid: &[Vec<Option<AnyCompressed>>],
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let first = grid.iter().flatten().flatten().next().ok_or_else(nothing)?;
    let (kind, width) = ((first.format(), first.types()), grid[0].len());
    if let Some(r) = grid.iter().position(|row| row.len() != width) {
        let what = format!("row {r} of the grid");
        return Err(Error::shape(&what, format!("{width} blocks"), grid[r].len()));
    }
    let block = |r: usize, c: usize| grid[r][c].as_ref();
    let rows = (0..grid.len()).map(|r| {
        let blocks = (0..width).map(|c| block(r, c).map(|block| block.shape().0));
        extent(&format!("row {r} of the grid"), blocks)
    });
    let cols = (0..width).map(|c| {
        let blocks = (0..grid.len()).map(|r| block(r, c).map(|block| block.shape().1));
        extent(&format!("column {c} of the grid"), blocks)
    });
    let (rows, cols) = (rows.collect::<Result<Vec<_>>>()?, cols.collect::<Result<Vec<_>>>()?);
    let (majors, minors) = kind.0.swap_if_cols((rows, cols));
    let (mut groups, mut end) = (Vec::new(), 0usize);
    for (k, major) in majors.into_iter().enumerate() {
        let mut group = JoinGroup::new(major);
        end = 0;
        for (m, minor) in minors.iter().enumerate() {
            let (r, c) = if kind.0 == SparseFormat::Csc { (m, k) } else { (k, m) };
            if let Some(matrix) = block(r, c) {
                group.push(end, matrix.clone());
            }
            end = end.saturating_add(*minor);
        }
        groups.push(group);
    }
    join(("stacking blocks", work::STACK), kind, &groups, end, place, ctx)
}

/// The common extent of the blocks of a row or a column of a grid.
fn extent(what: &str, blocks: impl Iterator<Item = Option<usize>>) -> Result<usize> {
    let mut known = None;
    for found in blocks.flatten() {
        match *known.get_or_insert(found) {
            extent if extent != found => {
                return Err(Error::shape(&format!("a block in {what}"), extent, found));
            }
            _ => {}
        }
    }
    known.ok_or_else(|| Error::new(ErrorKind::Shape, format!("there is no block in {what}")))
}
