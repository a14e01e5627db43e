//! `Aᴴ A` of a tall dense matrix in one pass: products of blocks of rows, tile by tile, added up in order.
//!
//! ```text
//! for each block of rows B:  pack its columns in panels  ->  for each tile (I, J) with I <= J:  G[I, J] += B[:, I]ᴴ B[:, J]
//! ```
//!
//! Both factors of a tile are the same panels, so that a block is packed once, and centred meanwhile. Only tiles on and
//! above the diagonal are computed, and of those on it hardly more than the triangle. The product of a block is in the type of the elements (for `f32`
//! that is an `f32` product of at most 512 rows); blocks are added in order with Kahan's compensation, so the error
//! does not grow with the number of rows. Blocks and tiles depend on the shape alone: the same bits for any number of
//! threads, any limit and any place, on one kind of processor (the matrix product uses the vector units it finds).

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;

use crate::dense::{BandPanels, Dense, LinePanel, LinePanels};
use crate::error::Result;
use crate::linalg::kernels::{
    ROWS, multiplies_packed, multiply_packed, pack, pack_lines, panel_width,
};
use crate::linalg::operator::check_length;
use crate::linalg::scalar::Scalar;
use crate::storage::{Context, Order, Plan};

/// Rows and columns of a tile where there is no kernel for packed panels. One thread took 0.87 GB/s of 250 columns of `f32`
/// with tiles of 64, 0.84 with 48, and 0.52 with 128, for which more of the square below the diagonal is computed in vain.
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
        let bytes = memory_for::<T>(k);
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
        let mut gram = Gram::new(k, center, height);
        match &mut panels {
            Panels::Rows(panels) => {
                panels.sweep(ctx, |LinePanel { lines, elements, .. }| {
                    let rows = ArrayView2::from_shape((lines, k), elements)
                        .expect("a panel holds whole lines");
                    ctx.run(|| gram.add_rows(rows));
                    Ok(())
                })?
            }
            Panels::Columns(panels) => panels.sweep(ctx, |band| {
                ctx.run(|| gram.add_columns(&band.lines));
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

/// Tiles with their carries and products on the way, the result, and packed blocks.
fn memory_for<T: Scalar>(k: usize) -> u64 {
    let padded = k.next_multiple_of(edge::<T>()) as u64;
    let blocks = padded.saturating_mul((AT_ONCE * block_height(k)) as u64);
    let matrices = 5u64.saturating_mul(padded.saturating_mul(padded));
    matrices.saturating_add(blocks).saturating_mul(size_of::<T>() as u64)
}

/// Columns of a panel; rows and columns of a tile.
fn edge<T: Scalar>() -> usize {
    if multiplies_packed::<T>() { panel_width::<T>() } else { EDGE }
}

/// The sums so far.
struct Gram<'a, T> {
    k: usize,
    center: Option<&'a [T]>,
    height: usize,
    tiles: Vec<Tile<T>>,
    /// Blocks of a round, each panel by panel.
    packed: Vec<T>,
}

/// A part of the matrix on or above its diagonal, with rows of [`edge`] numbers.
struct Tile<T> {
    /// The panels of its rows and of its columns.
    panels: (usize, usize),
    rows: Range<usize>,
    cols: Range<usize>,
    sum: Vec<T>,
    /// What the sum has lost to rounding.
    lost: Vec<T>,
}

impl<'a, T: Scalar> Gram<'a, T> {
    fn new(k: usize, center: Option<&'a [T]>, height: usize) -> Self {
        let (edge, per_side) = (edge::<T>(), k.div_ceil(edge::<T>()));
        let range = |tile: usize| tile * edge..((tile + 1) * edge).min(k);
        let tiles = (0..per_side)
            .flat_map(|i| (i..per_side).map(move |j| (i, j)))
            .map(|(i, j)| {
                let zeros = vec![T::zero(); range(i).len() * edge];
                Tile {
                    panels: (i, j),
                    rows: range(i),
                    cols: range(j),
                    sum: zeros.clone(),
                    lost: zeros,
                }
            })
            .collect();
        Gram { k, center, height, tiles, packed: Vec::new() }
    }

    /// Adds rows that lie one after the other.
    fn add_rows(&mut self, rows: ArrayView2<'_, T>) {
        let edge = edge::<T>();
        self.add(rows.nrows(), |here, cols, to| {
            pack(rows.slice(s![here, cols]).reversed_axes(), edge, to);
        });
    }

    /// Adds a run of each column.
    fn add_columns(&mut self, columns: &[&[T]]) {
        let rows = columns.first().map_or(0, |column| column.len());
        self.add(rows, |here, cols, to| {
            let lines: Vec<&[T]> =
                columns[cols].iter().map(|column| &column[here.clone()]).collect();
            pack_lines(&lines, edge::<T>(), to);
        });
    }

    /// Adds some rows, of which `pack` packs the columns of a panel.
    fn add(&mut self, rows: usize, pack: impl Fn(Range<usize>, Range<usize>, &mut [T]) + Sync) {
        let (k, height, edge, center) = (self.k, self.height, edge::<T>(), self.center);
        let panels = k.div_ceil(edge);
        if panels == 0 {
            return;
        }
        for first in (0..rows).step_by(AT_ONCE * height) {
            let last = rows.min(first + AT_ONCE * height);
            self.packed.resize((last - first).div_ceil(height) * panels * height * edge, T::zero());
            let packed = self.packed.par_chunks_mut(height * edge).enumerate();
            packed.for_each(|(at, to)| {
                let start = first + at / panels * height;
                let here = start..last.min(start + height);
                let cols = at % panels * edge..k.min((at % panels + 1) * edge);
                let to = &mut to[..here.len() * edge];
                pack(here, cols.clone(), to);
                if let Some(center) = center {
                    let rows = to.chunks_exact_mut(edge);
                    rows.for_each(|row| {
                        row.iter_mut().zip(&center[cols.clone()]).for_each(|(x, &c)| *x = *x - c)
                    });
                }
            });
            let blocks = self.packed.chunks_exact(panels * height * edge).enumerate();
            let blocks: Vec<Block<'_, T>> = blocks
                .map(|(block, packed)| {
                    let start = first + block * height;
                    Block { packed, stride: height * edge, rows: height.min(last - start) }
                })
                .collect();
            self.tiles.par_iter_mut().for_each(|tile| {
                let products: Vec<_> = blocks.par_iter().map(|block| tile.product(block)).collect();
                products.iter().for_each(|product| tile.add(product));
            });
        }
    }

    fn into_matrix(self) -> Array2<T> {
        let mut matrix = Array2::zeros((self.k, self.k));
        for Tile { rows, cols, sum, .. } in self.tiles {
            for (i, sums) in rows.zip(sum.chunks_exact(edge::<T>())) {
                for (j, &sum) in cols.clone().zip(sums) {
                    if i < j {
                        (matrix[[i, j]], matrix[[j, i]]) = (sum, sum.conj());
                    } else if i == j {
                        matrix[[i, i]] = T::from_real(sum.real());
                    }
                }
            }
        }
        matrix
    }
}

/// A packed block of rows.
struct Block<'a, T> {
    packed: &'a [T],
    /// Numbers from a panel to the next.
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Block<'_, T> {
    fn panel(&self, panel: usize) -> &[T] {
        &self.packed[panel * self.stride..][..self.rows * edge::<T>()]
    }
}

impl<T: Scalar> Tile<T> {
    fn product(&self, block: &Block<'_, T>) -> Vec<T> {
        let (left, right) = (block.panel(self.panels.0), block.panel(self.panels.1));
        if !multiplies_packed::<T>() {
            return product_of_panels(left, right, (block.rows, self.rows.len()));
        }
        let edge = edge::<T>();
        let mut product = vec![T::zero(); self.rows.len().next_multiple_of(ROWS) * edge];
        for (row, product) in (0..).step_by(ROWS).zip(product.chunks_exact_mut(ROWS * edge)) {
            // On the diagonal only what is right of it.
            let from = if self.panels.0 == self.panels.1 { row } else { 0 };
            multiply_packed((&left[row..], edge), right, (from, self.cols.len()), product);
        }
        product
    }

    fn add(&mut self, product: &[T]) {
        for ((sum, lost), &product) in self.sum.iter_mut().zip(&mut self.lost).zip(product) {
            let term = product - *lost;
            let new = *sum + term;
            *lost = (new - *sum) - term;
            *sum = new;
        }
    }
}

/// The product by ndarray, of the first columns of the left panel.
fn product_of_panels<T: Scalar>(left: &[T], right: &[T], (rows, cols): (usize, usize)) -> Vec<T> {
    let panel = |panel| ArrayView2::from_shape((rows, EDGE), panel).expect("a panel is packed");
    let mut product = Array2::zeros((cols, EDGE));
    let left = panel(left).slice_move(s![.., ..cols]).mapv(T::conj);
    general_mat_mul(T::one(), &left.t(), &panel(right), T::zero(), &mut product);
    product.into_raw_vec_and_offset().0
}
