//! The functions of this folder for a type of numbers.

use std::any::Any;
use std::ops::Range;

use num_complex::Complex;

use crate::error::Result;
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::{BlockRows, DiagonalBlock};
use crate::solve::precond::kernels::level_schedule::{Triangle, TriangleLevels};
use crate::solve::precond::kernels::read::{BlockSource, read};
use crate::solve::precond::kernels::read_dense::{DenseSource, read_dense};
use crate::solve::precond::kernels::spill::Spill;
use crate::solve::precond::kernels::sweeps::{Factors, apply};
use crate::solve::precond::kernels::{dense_lu, incomplete_cholesky, incomplete_lu};
use crate::storage::{Context, Held};

/// What is computed with numbers of `X`.
pub(crate) struct Kernels<X: Scalar> {
    pub(crate) read: ReadBlocks<X>,
    pub(crate) read_dense: ReadDense<X>,
    pub(crate) lu: fn(&mut BlockRows<'_, &mut [X]>) -> Result<()>,
    /// Bytes of work space for the LU factors of a block of this many rows.
    pub(crate) lu_memory: fn(usize) -> u64,
    pub(crate) cholesky: fn(&mut BlockRows<'_, &mut [X]>, f64, usize) -> Result<(f64, usize)>,
    pub(crate) apply: fn(&BlockRows<'_, &[X]>, Factors<X::Real>, bool, usize, &mut [X]),
    pub(crate) dense_lu: fn(&mut [X], usize, &mut [u32]) -> Option<usize>,
    pub(crate) dense_solve: fn((&[X], usize), &[u32], bool, usize, &mut [X]),
    pub(crate) levels: fn(&BlockRows<'_, &[X]>, Triangle, bool) -> Result<TriangleLevels<X>>,
    pub(crate) substitute: Substitute<X>,
}

type ReadBlocks<X> = fn(
    &'static str,
    &BlockSource<'_, X>,
    &[Range<usize>],
    (u64, &mut Spill<X>),
    &Context,
) -> Result<(Vec<DiagonalBlock<X>>, Held)>;

type ReadDense<X> = fn(&'static str, &DenseSource<'_, X>, u64, &Context) -> Result<(Vec<X>, Held)>;

type Substitute<X> =
    fn(&TriangleLevels<X>, (bool, usize), &[X], (&mut [X], &mut [X]), &Context) -> Result<()>;

impl<X: Scalar> Kernels<X> {
    const fn new() -> Self {
        Kernels {
            read: read::<X>,
            read_dense: read_dense::<X>,
            lu: incomplete_lu::factor::<X>,
            lu_memory: incomplete_lu::memory,
            cholesky: incomplete_cholesky::factor::<X>,
            apply: apply::<X>,
            dense_lu: dense_lu::factor::<X>,
            dense_solve: dense_lu::solve::<X>,
            levels: TriangleLevels::<X>::new,
            substitute: TriangleLevels::<X>::solve,
        }
    }
}

static F32: Kernels<f32> = Kernels::new();
static F64: Kernels<f64> = Kernels::new();
static C32: Kernels<Complex<f32>> = Kernels::new();
static C64: Kernels<Complex<f64>> = Kernels::new();

/// The functions for numbers of `X`.
pub(crate) fn kernels<X: Scalar>() -> &'static Kernels<X> {
    let tables: [&'static dyn Any; 4] = [&F32, &F64, &C32, &C64];
    let table = tables.into_iter().find_map(|table| table.downcast_ref());
    table.expect("every type of numbers is in the table")
}
