//! `Aᴴ A` of a tall dense matrix in one pass: products of blocks of rows, tile by tile, added up in order.
//!
//! ```text
//! for each block of rows B:  pack its columns in panels  ->  for each tile (I, J) with I <= J:  G[I, J] += B[:, I]ᴴ B[:, J]
//! ```
//!
//! Both factors of a tile are the same panels, so a block is packed once, and centred at the same time. Only tiles on
//! and above the diagonal are computed, and of those on it little more than the triangle. The product of a block is in
//! the type of the elements (for `f32` that is an `f32` product of at most 512 rows); blocks are added in order with
//! Kahan's compensation, so the error does not grow with the number of rows. Blocks and tiles depend only on the shape:
//! the same bits for any number of threads, any limit and any place, on one kind of processor (the matrix product uses
//! the available vector units).

use std::ops::Range;

use crate::dense::{Dense, DensePanel, DensePanels, bands};
use crate::error::{Result, check_shape};
use crate::linalg::algebra::Scalar;
use crate::linalg::gemm::packed::{multiply_packed, pack_lines, panel_widths, take_left};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{ArrayPanels, Context, Order};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

/// Rows and columns of a tile if there is no kernel for packed panels. One thread took 0.87 GB/s of 250 columns of
/// `f32` with tiles of 64, 0.84 with 48, and 0.52 with 128, for which more of the square below the diagonal is wasted.
const EDGE: usize = 64;

/// Approximate bytes of a block of rows: it stays in the cache of a core.
const BLOCK: usize = 1 << 19;

/// Maximum bytes of a column of a block: eight columns stay in the first-level cache.
const COLUMN: usize = 2048;

/// Blocks multiplied in parallel before they are added.
const AT_ONCE: usize = 4;

impl<T: Scalar> Dense<T> {
    /// The Gram matrix `Aᴴ A`, `ncols x ncols`, in the type of the elements.
    ///
    /// Cost: one pass over the matrix, and `nrows · ncols²` multiplications and additions. Memory: five times the
    /// result and a few blocks of rows; for a file larger than the limit four panels of at most 12 MiB (64 MiB in
    /// Fortran order) in addition. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory), reporting the memory
    /// needed, if it does not fit.
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

    /// Writes the Gram matrix to `g`, for which nothing is allocated; otherwise as [`gram`](Self::gram). `g` is not
    /// read.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 2.0], [0.0, 3.0]]));
    /// let mut g = ndarray::Array2::zeros((2, 2));
    /// a.gram_into(g.view_mut(), &Context::new())?;
    /// assert_eq!(g, ndarray::arr2(&[[1.0, 2.0], [2.0, 13.0]]));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn gram_into(&self, g: ArrayViewMut2<'_, T>, ctx: &Context) -> Result<()> {
        check_shape("the Gram matrix", (self.ncols(), self.ncols()), g.dim())?;
        self.gram_sums(None, ctx)?.write_to(g);
        Ok(())
    }

    /// The Gram matrix of the rows less a center, times a number.
    pub(crate) fn gram_around(
        &self,
        center: Option<(&[T], T)>,
        ctx: &Context,
    ) -> Result<Array2<T>> {
        let gram = self.gram_sums(center, ctx)?;
        // Its size was checked against the limit.
        let mut matrix = Array2::zeros((self.ncols(), self.ncols()));
        gram.write_to(matrix.view_mut());
        Ok(matrix)
    }

    fn gram_sums<'a>(&self, center: Option<(&'a [T], T)>, ctx: &Context) -> Result<Gram<'a, T>> {
        let k = self.ncols();
        if let Some((center, _)) = center {
            check_shape("the center", k, center.len())?;
        }
        let bytes = memory_for::<T>(k);
        ctx.check_memory("the Gram matrix", bytes)?;
        let budget = ctx.memory_left().saturating_sub(bytes);
        let height = block_height::<T>(k);
        let mut panels = match self.order() {
            Order::C => GramPanels::Rows(DensePanels::once(&self.to_any(), (height, 1), budget)?),
            Order::Fortran => GramPanels::Columns(bands(&self.to_any(), height, budget)?),
        };
        let _running = ctx.begin(|| {
            let panels = match &panels {
                GramPanels::Rows(panels) => &panels.reading,
                GramPanels::Columns(panels) => panels,
            };
            let plan = panels.plan("Gram matrix").throughout(bytes);
            Ok(plan.works(self.len() as u64, work::GRAM * k as f64))
        })?;
        let _held = ctx.hold(bytes);
        let mut gram = Gram::new(k, center, height);
        match &mut panels {
            GramPanels::Rows(panels) => {
                panels.sweep(ctx, &mut |DensePanel { lines, elements, .. }| {
                    let rows = ArrayView2::from_shape((lines, k), elements.as_typed())
                        .expect("a panel holds whole lines");
                    ctx.with_threads(|| gram.add_rows(rows));
                    Ok(())
                })?
            }
            GramPanels::Columns(panels) => panels.sweep(ctx, &mut |_, band| {
                let band: Vec<&[T]> = band.iter().map(Raw::as_typed).collect();
                ctx.with_threads(|| gram.add_columns(&band));
                Ok(())
            })?,
        }
        Ok(gram)
    }
}

/// Blocks of rows, contiguous or across the columns.
enum GramPanels {
    Rows(DensePanels),
    Columns(ArrayPanels),
}

/// Rows in a block.
fn block_height<T>(k: usize) -> usize {
    let rows = BLOCK / k.max(1).saturating_mul(size_of::<T>());
    (1 << rows.max(1).ilog2()).clamp(128, COLUMN / size_of::<T>())
}

/// Tiles with their compensations and intermediate products, the result, and packed blocks.
fn memory_for<T: Scalar>(k: usize) -> u64 {
    let (k, edge) = (k as u64, edge::<T>() as u64);
    let panels = k.div_ceil(edge);
    let tiles = panels.saturating_mul(panels + 1) / 2;
    let tiles = tiles.saturating_mul((AT_ONCE as u64 + 2) * edge * edge);
    let blocks = (panels * edge).saturating_mul((AT_ONCE * block_height::<T>(k as usize)) as u64);
    let numbers = tiles.saturating_add(k.saturating_mul(k)).saturating_add(blocks);
    numbers.saturating_mul(size_of::<T>() as u64)
}

/// Columns of a panel; rows and columns of a tile.
fn edge<T: Scalar>() -> usize {
    panel_widths::<T>().map_or(EDGE, |(_, width)| width)
}

/// The sums so far.
struct Gram<'a, T> {
    k: usize,
    /// The vector subtracted from every row, and the factor of the difference.
    center: Option<(&'a [T], T)>,
    height: usize,
    tiles: Vec<GramTile<T>>,
    /// Blocks at a time.
    blocks: Vec<RowBlock<T>>,
}

/// A block of rows: its columns panel by panel, and its products tile by tile, which stay in the cache of a core.
struct RowBlock<T> {
    packed: Vec<T>,
    products: Vec<T>,
    rows: usize,
}

/// A part of the matrix on or above its diagonal, with rows of [`edge`] numbers.
struct GramTile<T> {
    rows: Range<usize>,
    cols: Range<usize>,
    sum: Vec<T>,
    /// The rounding error of the sum.
    lost: Vec<T>,
}

impl<'a, T: Scalar> Gram<'a, T> {
    fn new(k: usize, center: Option<(&'a [T], T)>, height: usize) -> Self {
        let (edge, per_side) = (edge::<T>(), k.div_ceil(edge::<T>()));
        let range = |tile: usize| tile * edge..((tile + 1) * edge).min(k);
        let tiles = (0..per_side)
            .flat_map(|i| (i..per_side).map(move |j| (i, j)))
            .map(|(i, j)| {
                let zeros = vec![T::zero(); range(i).len() * edge];
                GramTile { rows: range(i), cols: range(j), sum: zeros.clone(), lost: zeros }
            })
            .collect();
        let blocks = (0..AT_ONCE).map(|_| RowBlock { packed: vec![], products: vec![], rows: 0 });
        Gram { k, center, height, tiles, blocks: blocks.collect() }
    }

    /// Adds consecutive rows.
    fn add_rows(&mut self, rows: ArrayView2<'_, T>) {
        let center = self.center;
        self.add(rows.nrows(), |here, to| {
            let panel = here.len() * edge::<T>();
            for (i, row) in rows.slice(s![here, ..]).outer_iter().enumerate() {
                let row = row.to_slice().expect("a row of a panel of rows");
                pack_row(row, center, (edge::<T>(), panel), &mut to[i * edge::<T>()..]);
            }
        });
    }

    /// Adds a run of each column.
    fn add_columns(&mut self, columns: &[&[T]]) {
        let (edge, center) = (edge::<T>(), self.center);
        let rows = columns.first().map_or(0, |column| column.len());
        self.add(rows, |here, to| {
            let panels = to.chunks_exact_mut(here.len() * edge).zip(columns.chunks(edge));
            for (panel, (to, columns)) in panels.enumerate() {
                let lines: Vec<&[T]> = columns.iter().map(|column| &column[here.clone()]).collect();
                pack_lines(&lines, edge, to);
                if let Some((center, scale)) = center {
                    let center = &center[panel * edge..][..columns.len()];
                    to.chunks_exact_mut(edge).for_each(|row| subtract(row, center, scale));
                }
            }
        });
    }

    /// Adds some rows, packed block by block by `pack`.
    fn add(&mut self, rows: usize, pack: impl Fn(Range<usize>, &mut [T]) + Sync) {
        let (k, height, edge) = (self.k, self.height, edge::<T>());
        let panels = k.div_ceil(edge);
        if panels == 0 {
            return;
        }
        for first in (0..rows).step_by(AT_ONCE * height) {
            let count = (rows - first).div_ceil(height).min(AT_ONCE);
            let blocks = &mut self.blocks[..count];
            blocks.par_iter_mut().enumerate().for_each(|(at, block)| {
                let start = first + at * height;
                let here = start..rows.min(start + height);
                block.rows = here.len();
                block.packed.resize(panels * block.rows * edge, T::zero());
                pack(here, &mut block.packed);
                block.multiply(k);
            });
            let blocks = &*blocks;
            self.tiles.par_iter_mut().enumerate().for_each(|(at, tile)| {
                blocks.iter().for_each(|block| tile.add(&block.products[at * edge * edge..]));
            });
        }
    }

    fn write_to(self, mut matrix: ArrayViewMut2<'_, T>) {
        for GramTile { rows, cols, sum, .. } in self.tiles {
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
    }
}

/// Stores a row, minus the center, in every panel; panels are `panel` numbers apart.
fn pack_row<T: Scalar>(
    row: &[T],
    center: Option<(&[T], T)>,
    (edge, panel): (usize, usize),
    to: &mut [T],
) {
    for (at, part) in row.chunks(edge).enumerate() {
        let to = &mut to[at * panel..][..edge];
        to[..part.len()].copy_from_slice(part);
        to[part.len()..].fill(T::zero());
        if let Some((center, scale)) = center {
            subtract(to, &center[at * edge..][..part.len()], scale);
        }
    }
}

fn subtract<T: Scalar>(row: &mut [T], center: &[T], scale: T) {
    row.iter_mut().zip(center).for_each(|(x, &center)| *x = (*x - center) * scale);
}

impl<T: Scalar> RowBlock<T> {
    /// Computes the products of all tiles, one left panel after the other.
    fn multiply(&mut self, k: usize) {
        let (edge, panels) = (edge::<T>(), k.div_ceil(edge::<T>()));
        self.products.resize(panels * (panels + 1) / 2 * edge * edge, T::zero());
        let (mut rest, mut tasks) = (&mut self.products[..], Vec::with_capacity(panels));
        for left in 0..panels {
            let (mine, others) = rest.split_at_mut((panels - left) * edge * edge);
            tasks.push((left, mine));
            rest = others;
        }
        let (packed, rows) = (&self.packed[..], self.rows);
        tasks.into_par_iter().for_each(|(left, products)| {
            let packed = &packed[left * rows * edge..];
            match panel_widths::<T>() {
                Some(widths) => multiply_tiles(packed, rows, k - left * edge, widths, products),
                None => multiply_panels(packed, rows, products),
            }
        });
    }
}

/// The products of the first panel with all, of which `columns` are not zeros, a left panel of its columns at a time:
/// packed separately they stay in the first-level cache for all the panels.
fn multiply_tiles<T: Scalar>(
    packed: &[T],
    rows: usize,
    columns: usize,
    (height, edge): (usize, usize),
    products: &mut [T],
) {
    let mut left = vec![T::zero(); rows * height];
    for first in (0..edge.min(columns)).step_by(height) {
        take_left(packed, first, &mut left);
        let panels = packed.chunks_exact(rows * edge).zip(products.chunks_exact_mut(edge * edge));
        for (panel, (right, product)) in panels.enumerate() {
            // On the diagonal only the part right of it.
            let from = if panel == 0 { first } else { 0 };
            let part = (from, edge.min(columns - panel * edge));
            multiply_packed(&left, right, part, &mut product[first * edge..]);
        }
    }
}

/// The products of the first panel with all by ndarray.
fn multiply_panels<T: Scalar>(packed: &[T], rows: usize, products: &mut [T]) {
    let panel = |numbers| ArrayView2::from_shape((rows, EDGE), numbers).expect("a packed panel");
    let left = panel(&packed[..rows * EDGE]).mapv(T::conj);
    let tiles = packed.chunks_exact(rows * EDGE).zip(products.chunks_exact_mut(EDGE * EDGE));
    for (right, product) in tiles {
        let mut product = ArrayViewMut2::from_shape((EDGE, EDGE), product).expect("a whole tile");
        general_mat_mul(T::one(), &left.t(), &panel(right), T::zero(), &mut product);
    }
}

impl<T: Scalar> GramTile<T> {
    fn add(&mut self, product: &[T]) {
        for ((sum, lost), &product) in self.sum.iter_mut().zip(&mut self.lost).zip(product) {
            let term = product - *lost;
            let new = *sum + term;
            *lost = (new - *sum) - term;
            *sum = new;
        }
    }
}
