//! The operations, each with a digest of its result and the report of its cost.

use outcore::linalg::{LinearOperator, Operator, Panelled};
use outcore::solve::{CgOptions, cg};
use outcore::{
    Access, Axis, Buffer, Compressed, Context, Coo, CooBuilder, Csr, Dense, DenseMut, Duplicates,
    Element, Entry, Index, Order, Place, Report, Result,
};
use xxhash_rust::xxh3::Xxh3Default;

use crate::inputs::{COLUMNS, Inputs};
use crate::support::harmonic;

/// Where results go.
const AWAY: Place = Place::Scratch;

/// An operation.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Inputs, &Context) -> Result<Found>,
    /// Inputs that later cases use as well.
    pub(crate) keeps: &'static [&'static str],
}

/// What an operation gave and what it cost.
pub(crate) struct Found {
    /// A number that changes with any bit of the result.
    pub(crate) digest: u64,
    pub(crate) report: Report,
    /// Bytes of memory that the case itself holds: vectors, and what was there before the operation.
    pub(crate) beside: u64,
}

const CSR: &[&str] = &["csr", "csc", "coo"];
const TALL: &[&str] = &["tall-c.npy", "tall-f.npy"];

macro_rules! cases {
    ($($name:literal, $keeps:expr, $run:expr;)*) => {
        &[$(Case { name: $name, run: $run, keeps: $keeps }),*]
    };
}

pub(crate) const CASES: &[Case] = cases! {
    "product, CSR", CSR, |inputs, ctx| products(&inputs.csr()?, ctx);
    "product, CSC", CSR, |inputs, ctx| products(&inputs.csc()?, ctx);
    "adjoint product, one shot", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let (x, mut y) = (harmonic(a.nrows()), vec![0.0; a.ncols()]);
        let ((), report) = ctx.measure(|ctx| a.apply_adjoint(&x, &mut y, ctx))?;
        Ok(Found { digest: digest(&y), report, beside: 8 * (a.nrows() + a.ncols()) as u64 })
    };
    "CSR to CSC", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        sparse(ctx.measure(|ctx| a.to_csc(AWAY, ctx)))
    };
    "CSC to CSR", CSR, |inputs, ctx| {
        let a = inputs.csc()?;
        sparse(ctx.measure(|ctx| a.to_csr(AWAY, ctx)))
    };
    "COO to CSR", CSR, |inputs, ctx| {
        let a = inputs.coo()?;
        sparse(ctx.measure(|ctx| a.to_csr::<u32>(Duplicates::Sum, AWAY, ctx)))
    };
    "COO to CSC", CSR, |inputs, ctx| {
        let a = inputs.coo()?;
        sparse(ctx.measure(|ctx| a.to_csc::<u32>(Duplicates::Keep, AWAY, ctx)))
    };
    "CooBuilder to CSR", &[], |inputs, ctx| {
        let a = inputs.csr()?;
        let mut builder = CooBuilder::<f64>::new(a.shape(), ctx)?;
        // Columns backwards, so that every row has to be sorted.
        for (i, row) in a.rows().enumerate() {
            for (&j, &value) in row.indices.iter().zip(row.data).rev() {
                builder.push(i, j as usize, value)?;
            }
        }
        let found =
            sparse(ctx.measure(|ctx| builder.finish::<u32>(Duplicates::Refuse, AWAY, ctx)))?;
        // What waits in memory before a run is sorted, and two runs that are sorted and written.
        Ok(Found { beside: ctx.memory_limit_bytes() / 2, ..found })
    };
    "conjugate gradients", &[], |inputs, ctx| {
        let a = inputs.band()?;
        let operator = Operator::with_vectors(&a, 48 * a.nrows() as u64, ctx)?;
        let b = harmonic(a.nrows());
        let options = CgOptions { rtol: 0.0, maxiter: Some(5), ..Default::default() };
        // How many iterations it takes nobody can plan; the last of them is a product like all.
        let solved = cg(&operator, &b, &options, ctx)?;
        let mut y = vec![0.0; a.nrows()];
        let ((), report) = ctx.measure(|ctx| operator.apply(&solved.x, &mut y, ctx))?;
        let digest = digest(&solved.x) ^ digest(&y).rotate_left(1);
        Ok(Found { digest, report, beside: 56 * a.nrows() as u64 })
    };
    "product, dense", TALL, |inputs, ctx| products(&inputs.tall(Order::C)?, ctx);
    "product, dense Fortran", TALL, |inputs, ctx| products(&inputs.tall(Order::Fortran)?, ctx);
};

/// Products with one vector, with its transpose and with three vectors, twice each, so that pinned panels are used; the
/// report is that of the last.
fn products<M>(matrix: &M, ctx: &Context) -> Result<Found>
where
    M: Panelled + LinearOperator<f64>,
    Operator<M>: LinearOperator<f64>,
{
    let (nrows, ncols) = LinearOperator::shape(matrix);
    let operator = Operator::with_vectors(matrix, 64 * (nrows + ncols) as u64, ctx)?;
    let (mut y, mut z, mut block) = (vec![0.0; nrows], vec![0.0; ncols], vec![0.0; 3 * nrows]);
    let mut report = None;
    for _ in 0..2 {
        operator.apply(&harmonic(ncols), &mut y, ctx)?;
        operator.apply_adjoint(&harmonic(nrows), &mut z, ctx)?;
        let x = harmonic(3 * ncols);
        report = Some(ctx.measure(|ctx| operator.apply_block(3, &x, &mut block, ctx))?.1);
    }
    let digest = digest(&y) ^ digest(&z).rotate_left(1) ^ digest(&block).rotate_left(2);
    let beside = 40 * (nrows + ncols) as u64;
    report
        .map(|report| Found { digest, report, beside })
        .ok_or_else(|| outcore::Error::new(outcore::ErrorKind::Value, "nothing was measured"))
}

/// A sparse result.
fn sparse<T: Entry, I: Index, P: Index, A: Axis>(
    outcome: Result<(Compressed<T, I, P, A>, Report)>,
) -> Result<Found> {
    let (matrix, report) = outcome?;
    matrix.advise(Access::Sequential);
    let digest = digest(matrix.indptr())
        ^ digest(matrix.indices()).rotate_left(1)
        ^ digest(matrix.data()).rotate_left(2);
    Ok(Found { digest, report, beside: 0 })
}

/// A number that changes with any bit of the elements.
fn digest<T: Entry>(elements: &[T]) -> u64 {
    let mut hasher = Xxh3Default::new();
    elements.chunks(1 << 16).for_each(|part| hasher.update(bytemuck::cast_slice(part)));
    hasher.digest()
}
