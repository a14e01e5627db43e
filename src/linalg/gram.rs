//! `Aᴴ A` of a tall dense matrix in one pass: products of blocks of rows, tile by tile, added up in order.
//!
//! ```text
//! for each block of rows B:  for each tile (I, J) with I <= J:  G[I, J] += B[:, I]ᴴ B[:, J]
//! ```
//!
//! Only tiles on and above the diagonal are computed. The product of a block is in the type of the elements (for `f32`
//! that is an `f32` product of at most 512 rows); blocks are added in order with Kahan's compensation, so the error
//! does not grow with the number of rows. Blocks and tiles depend on the shape alone: the same bits for any number of
//! threads, any limit and any place, on one kind of processor (the matrix product uses the vector units it finds).

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ShapeBuilder, s};
use rayon::prelude::*;

use crate::dense::{BandPanels, Dense, LinePanel, LinePanels};
use crate::error::Result;
use crate::linalg::operator::check_length;
use crate::linalg::scalar::Scalar;
use crate::storage::{Context, DType, Order, Plan};

/// Rows and columns of a tile at most. One thread took 0.87 GB/s of 250 columns of `f32` with tiles of 64, 0.84 with 48,
/// and 0.52 with 128, for which more of the square below the diagonal is computed in vain.
const EDGE: usize = 64;

/// Numbers of a block of rows, about.
const BLOCK: usize = 1 << 17;

/// Nanoseconds that an element and a column take one thread: half of the products are made.
const WORK: f64 = 0.02;

/// Blocks multiplied side by side before they are added.
const AT_ONCE: usize = 4;

impl<T: Scalar> Dense<T> {
    /// The Gram matrix `Aᴴ A`, `ncols x ncols`, in the type of the elements.
    ///
    /// Cost: one pass over the matrix, and `nrows · ncols²` multiplications and additions. Memory: five times the result
    /// and a few blocks of rows; for a file larger than the limit four panels of at most 12 MiB (64 MiB in Fortran order)
    /// besides. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory), saying how much is needed, if it does not fit.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [0.0, 3.0]]));
    /// assert_eq!(a.gram(&Context::new())?, ndarray::arr2(&[[1.0, 2.0], [2.0, 13.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn gram(&self, ctx: &Context) -> Result<Array2<T>> {
        self.gram_around(None, ctx)
    }

    /// The Gram matrix of the rows less `center`.
    pub(crate) fn gram_around(&self, center: Option<&[T]>, ctx: &Context) -> Result<Array2<T>> {
        let k = self.ncols();
        if let Some(center) = center {
            check_length("the center", k, center.len())?;
        }
        let bytes = memory_for(k, size_of::<T>());
        ctx.check_memory("the Gram matrix", bytes)?;
        let budget = ctx.memory_limit_bytes() - bytes;
        let height = block_height(k);
        let mut panels = match self.order() {
            Order::C => Panels::Rows(LinePanels::once(self, (height, 1), budget, ctx)?),
            Order::Fortran => Panels::Columns(BandPanels::new(self, height, budget, ctx)?),
        };
        let _running = ctx.begin(|| {
            let plan = Plan::new("Gram matrix").on_device_of(self.buffer().file());
            let plan = plan.reads(1, self.buffer().stored_bytes()).holds(panels.memory());
            Ok(plan.beside(bytes).works(self.len() as u64, WORK * k as f64))
        })?;
        let _held = ctx.hold(bytes);
        let mut gram = Gram::new(k);
        match &mut panels {
            Panels::Rows(panels) => {
                panels.sweep(ctx, |LinePanel { lines, elements, .. }| {
                    let rows = ArrayView2::from_shape((lines, k), elements)
                        .expect("a panel holds whole lines");
                    ctx.run(|| gram.add_rows(rows, center, height));
                    Ok(())
                })?
            }
            Panels::Columns(panels) => panels.sweep(ctx, |band| {
                ctx.run(|| gram.add_columns(&band.lines, center, height));
                Ok(())
            })?,
        }
        Ok(gram.into_matrix())
    }
}

/// Blocks of rows, as they lie or across the columns.
enum Panels<T: Scalar> {
    Rows(LinePanels<T>),
    Columns(BandPanels<T>),
}

impl<T: Scalar> Panels<T> {
    fn memory(&self) -> u64 {
        match self {
            Panels::Rows(panels) => panels.memory(),
            Panels::Columns(panels) => panels.memory(),
        }
    }
}

/// Rows in a block.
fn block_height(k: usize) -> usize {
    (BLOCK / k.max(1)).next_power_of_two().clamp(128, 512)
}

/// Tiles with their carries and products on the way, the result, and copies of blocks.
fn memory_for(k: usize, size: usize) -> u64 {
    let matrices = 5u64.saturating_mul((k as u64).saturating_mul(k as u64));
    matrices.saturating_add((AT_ONCE * block_height(k) * k) as u64).saturating_mul(size as u64)
}

/// The sums so far.
struct Gram<T> {
    k: usize,
    tiles: Vec<Tile<T>>,
}

/// A part of the matrix on or above its diagonal.
struct Tile<T> {
    rows: Range<usize>,
    cols: Range<usize>,
    sum: Vec<T>,
    /// What the sum has lost to rounding.
    lost: Vec<T>,
}

impl<T: Scalar> Gram<T> {
    fn new(k: usize) -> Self {
        let per_side = k.div_ceil(EDGE);
        let edge = k.div_ceil(per_side.max(1)).next_multiple_of(8);
        let range = |tile: usize| (tile * edge).min(k)..((tile + 1) * edge).min(k);
        let tiles = (0..per_side)
            .flat_map(|i| (i..per_side).map(move |j| (range(i), range(j))))
            .map(|(rows, cols)| {
                let zeros = vec![T::zero(); rows.len() * cols.len()];
                Tile { rows, cols, sum: zeros.clone(), lost: zeros }
            })
            .collect();
        Gram { k, tiles }
    }

    /// Adds rows that lie one after the other.
    fn add_rows(&mut self, rows: ArrayView2<'_, T>, center: Option<&[T]>, height: usize) {
        for round in rows.axis_chunks_iter(ndarray::Axis(0), AT_ONCE * height) {
            let blocks: Vec<_> = round.axis_chunks_iter(ndarray::Axis(0), height).collect();
            let Some(center) = center else {
                self.add_blocks(&blocks);
                continue;
            };
            let centred: Vec<Array2<T>> = blocks
                .par_iter()
                .map(|block| block - &ArrayView2::from_shape((1, self.k), center).expect("k"))
                .collect();
            self.add_blocks(&centred.iter().map(|block| block.view()).collect::<Vec<_>>());
        }
    }

    /// Adds a run of each column, which are copied together for the product.
    fn add_columns(&mut self, columns: &[&[T]], center: Option<&[T]>, height: usize) {
        let rows = columns.first().map_or(0, |column| column.len());
        let starts: Vec<usize> = (0..rows).step_by(height).collect();
        for round in starts.chunks(AT_ONCE) {
            let blocks: Vec<Vec<T>> = round
                .par_iter()
                .map(|&start| copy_block(columns, center, start..rows.min(start + height)))
                .collect();
            let views: Vec<_> = blocks
                .iter()
                .map(|block| {
                    let shape = (block.len() / self.k, self.k);
                    ArrayView2::from_shape(shape.f(), block).expect("a block holds whole columns")
                })
                .collect();
            self.add_blocks(&views);
        }
    }

    fn add_blocks(&mut self, blocks: &[ArrayView2<'_, T>]) {
        self.tiles.par_iter_mut().for_each(|tile| {
            let products: Vec<_> = blocks.par_iter().map(|block| tile.product(block)).collect();
            products.iter().for_each(|product| tile.add(product));
        });
    }

    fn into_matrix(self) -> Array2<T> {
        let mut matrix = Array2::zeros((self.k, self.k));
        for Tile { rows, cols, sum, .. } in self.tiles {
            let sums = Array2::from_shape_vec((rows.len(), cols.len()), sum);
            let sums = sums.expect("a tile has its shape");
            for ((i, j), &sum) in sums.indexed_iter() {
                let (i, j) = (rows.start + i, cols.start + j);
                if i < j {
                    (matrix[[i, j]], matrix[[j, i]]) = (sum, sum.conj());
                } else if i == j {
                    matrix[[i, i]] = T::from_real(sum.real());
                }
            }
        }
        matrix
    }
}

/// Some rows of all columns, column by column, less the center.
fn copy_block<T: Scalar>(columns: &[&[T]], center: Option<&[T]>, rows: Range<usize>) -> Vec<T> {
    let mut block = Vec::with_capacity(columns.len() * rows.len());
    for (j, column) in columns.iter().enumerate() {
        match center {
            Some(center) => block.extend(column[rows.clone()].iter().map(|&x| x - center[j])),
            None => block.extend_from_slice(&column[rows.clone()]),
        }
    }
    block
}

impl<T: Scalar> Tile<T> {
    fn product(&self, block: &ArrayView2<'_, T>) -> Array2<T> {
        let left = block.slice(s![.., self.rows.clone()]);
        let right = block.slice(s![.., self.cols.clone()]);
        let mut product = Array2::zeros((self.rows.len(), self.cols.len()));
        if matches!(T::DTYPE, DType::Complex64 | DType::Complex128) {
            let left = left.mapv(T::conj);
            general_mat_mul(T::one(), &left.t(), &right, T::zero(), &mut product);
        } else {
            general_mat_mul(T::one(), &left.t(), &right, T::zero(), &mut product);
        }
        product
    }

    fn add(&mut self, product: &Array2<T>) {
        for ((sum, lost), &product) in self.sum.iter_mut().zip(&mut self.lost).zip(product) {
            let term = product - *lost;
            let new = *sum + term;
            *lost = (new - *sum) - term;
            *sum = new;
        }
    }
}
