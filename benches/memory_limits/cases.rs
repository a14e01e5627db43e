//! The operations, each with a digest of its result and the report of its cost.

use outcore::io::matrix_market::Reader;
use outcore::linalg::{LinearOperator, Matrix, NormOrder, Operator, Stats};
use outcore::solve::{SolveOptions, cg};
use outcore::spectral::{SvdOptions, pca, randomized_svd};
use outcore::{
    Access, Axis, Compressed, Context, Coo, CooBuilder, Csr, Dense, DenseMut, Duplicates, Element,
    Entry, Error, Index, Order, Permutation, Place, Report, Result,
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
    pub(crate) outside_plan: u64,
}

const CSR: &[&str] = &["csr", "csc", "coo"];
const TALL: &[&str] = &["tall-c.npy", "tall-f.npy"];
const CUBES: &[&str] = &["poisson", "cube.txt", "poisson.mtx"];
const HOLES: &[&str] = &["sparse-dense.npy"];

macro_rules! cases {
    ($($name:literal, $keeps:expr, $run:expr;)*) => {
        &[$(Case { name: $name, run: $run, keeps: $keeps }),*]
    };
}

/// An order in which neighbours lie far apart.
fn strided(n: usize) -> Result<Permutation> {
    let stride = 97;
    Permutation::new((0..stride).flat_map(|first| (first..n).step_by(stride)).collect())
}

pub(crate) const CASES: &[Case] = cases! {
    "product, CSR", CSR, |inputs, ctx| products(&inputs.csr()?, ctx);
    "product, CSC", CSR, |inputs, ctx| products(&inputs.csc()?, ctx);
    "adjoint product, one shot", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let (x, mut y) = (harmonic(a.nrows()), vec![0.0; a.ncols()]);
        let ((), report) = ctx.measure(|ctx| a.apply_adjoint(&x, &mut y, ctx))?;
        Ok(Found { digest: digest(&y), report, outside_plan: 8 * (a.nrows() + a.ncols()) as u64 })
    };
    "CSR to CSC", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        sparse(ctx.measure(|ctx| a.to_csc(AWAY, ctx)))
    };
    "CSC to CSR", CSR, |inputs, ctx| {
        let a = inputs.csc()?;
        sparse(ctx.measure(|ctx| a.to_csr(AWAY, ctx)))
    };
    "rows and columns permuted, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let (rows, cols) = (strided(a.nrows())?, strided(a.ncols())?);
        let outside_plan = 8 * (a.nrows() + a.ncols()) as u64;
        let found = sparse(ctx.measure(|ctx| a.permute(&rows, &cols, AWAY, ctx)))?;
        Ok(Found { outside_plan, ..found })
    };
    "part of rows and columns, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let (rows, cols) = (a.nrows() / 9..a.nrows(), 0..a.ncols() / 2);
        sparse(ctx.measure(|ctx| a.slice(rows.clone(), cols.clone(), AWAY, ctx)))
    };
    "bandwidth, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let ((below, above), report) = ctx.measure(|ctx| a.bandwidth(ctx))?;
        Ok(Found { digest: (below as u64) << 32 | above as u64, report, outside_plan: 0 })
    };
    "Kronecker product, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let b = Csr::from_parts((1, 3), vec![0, 2], vec![0, 2], vec![2.0, -1.0])?;
        sparse(ctx.measure(|ctx| a.kron(&b, AWAY, ctx)))
    };
    "COO to CSR", CSR, |inputs, ctx| {
        let a = inputs.coo()?;
        sparse(ctx.measure(|ctx| a.to_csr::<u32>(Duplicates::Sum, AWAY, ctx)))
    };
    "COO to CSC", CSR, |inputs, ctx| {
        let a = inputs.coo()?;
        sparse(ctx.measure(|ctx| a.to_csc::<u32>(Duplicates::Keep, AWAY, ctx)))
    };
    "CSR to COO", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        coordinates(ctx.measure(|ctx| a.to_coo(AWAY, ctx)))
    };
    "copy of CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        sparse(ctx.measure(|ctx| a.copy_to(AWAY, ctx)))
    };
    "copy of COO", CSR, |inputs, ctx| {
        let a = inputs.coo()?;
        coordinates(ctx.measure(|ctx| a.copy_to(AWAY, ctx)))
    };
    "sum and norm, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let norm = a.norm_fro::<f64>(ctx)?;
        let (sum, report) = ctx.measure(|ctx| a.sum::<f64>(ctx))?;
        Ok(Found { digest: digest(&[sum, norm]), report, outside_plan: 0 })
    };
    "statistics of rows, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        statistics(ctx.measure(|ctx| a.row_stats(ctx)))
    };
    "statistics of columns, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        statistics(ctx.measure(|ctx| a.column_stats(ctx)))
    };
    "statistics of rows, CSC", CSR, |inputs, ctx| {
        let a = inputs.csc()?;
        statistics(ctx.measure(|ctx| a.row_stats(ctx)))
    };
    "norms of columns, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let (norms, report) = ctx.measure(|ctx| a.norms(0, NormOrder::L2, ctx))?;
        Ok(Found { digest: digest(&norms), report, outside_plan: 0 })
    };
    "rows and columns scaled, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        let rows = a.scale_rows(&harmonic(a.nrows()), AWAY, ctx)?;
        let factors = harmonic(a.ncols());
        let found = sparse(ctx.measure(|ctx| rows.scale_cols(&factors, AWAY, ctx)))?;
        Ok(Found { outside_plan: 8 * (a.nrows() + a.ncols()) as u64, ..found })
    };
    "values mapped, CSR", CSR, |inputs, ctx| {
        let a = inputs.csr()?;
        sparse(ctx.measure(|ctx| a.map_values(AWAY, ctx, |x| x as f32)))
    };
    "A + B, CSR", &["csr", "csc", "coo", "other"], |inputs, ctx| {
        let (a, b) = (inputs.csr()?, inputs.other()?);
        sparse(ctx.measure(|ctx| a.add(&b, AWAY, ctx)))
    };
    "A - A, CSR", &["csr", "csc", "coo", "other"], |inputs, ctx| {
        let a = inputs.csr()?;
        sparse(ctx.measure(|ctx| a.sub(&a, AWAY, ctx)))
    };
    "A ∘ B, CSR", &["csr", "csc", "coo", "other"], |inputs, ctx| {
        let (a, b) = (inputs.csr()?, inputs.other()?);
        sparse(ctx.measure(|ctx| a.multiply(&b, AWAY, ctx)))
    };
    "rows appended, CSR", &["csr", "csc", "coo", "other"], |inputs, ctx| {
        let (a, b) = (inputs.csr()?, inputs.other()?);
        sparse(ctx.measure(|ctx| Csr::vstack(&[&a, &b], AWAY, ctx)))
    };
    "columns appended, CSR", &[], |inputs, ctx| {
        let (a, b) = (inputs.csr()?, inputs.other()?);
        sparse(ctx.measure(|ctx| Csr::hstack(&[&a, &b], AWAY, ctx)))
    };
    "Poisson matrix, made", &[], |inputs, ctx| {
        let n = inputs.cube()?;
        sparse(ctx.measure(|ctx| Csr::<f64>::poisson(&[n; 3], AWAY, ctx)))
    };
    "random matrix, made", &[], |inputs, ctx| {
        let n = inputs.cube()?.pow(3);
        let density = 7.0 / n as f64;
        sparse(ctx.measure(|ctx| Csr::<f64>::random((n, n), density, 7, AWAY, ctx)))
    };
    "Matrix Market to CSR", &[], |inputs, ctx| {
        let reader = Reader::open(inputs.matrix_market()?)?;
        sparse(ctx.measure(|ctx| reader.read_csr::<f64, u32, u32>(AWAY, ctx)))
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
        Ok(Found { outside_plan: ctx.memory_limit_bytes() / 2, ..found })
    };
    "A · A sparse, band", CUBES, |inputs, ctx| {
        let a = inputs.band(8)?;
        sparse(ctx.measure(|ctx| a.matmul(&a, AWAY, ctx)))
    };
    "A · A sparse, Poisson", &[], |inputs, ctx| {
        let a = inputs.poisson()?;
        sparse(ctx.measure(|ctx| a.matmul(&a, AWAY, ctx)))
    };
    "A · A sparse, graph", &[], |inputs, ctx| {
        let a = inputs.graph()?;
        sparse(ctx.measure(|ctx| a.matmul(&a, AWAY, ctx)))
    };
    "conjugate gradients", &[], |inputs, ctx| {
        let a = inputs.band(64)?;
        let operator = Operator::with_vectors(&a, 48 * a.nrows() as u64, ctx)?;
        let b = harmonic(a.nrows());
        let options = SolveOptions { rtol: 0.0, maxiter: Some(5), ..Default::default() };
        // How many iterations it takes nobody can plan; the last of them is a product like all.
        let solved = cg(&operator, &b, &options, ctx)?;
        let mut y = vec![0.0; a.nrows()];
        let ((), report) = ctx.measure(|ctx| operator.apply(&solved.x, &mut y, ctx))?;
        let digest = digest(&solved.x) ^ digest(&y).rotate_left(1);
        Ok(Found { digest, report, outside_plan: 56 * a.nrows() as u64 })
    };
    "product, dense", TALL, |inputs, ctx| products(&inputs.tall(Order::C)?, ctx);
    "product, dense Fortran", TALL, |inputs, ctx| products(&inputs.tall(Order::Fortran)?, ctx);
    "statistics of columns, dense", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        statistics(ctx.measure(|ctx| a.column_stats(ctx)))
    };
    "statistics of columns, Fortran", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::Fortran)?;
        statistics(ctx.measure(|ctx| a.column_stats(ctx)))
    };
    "sum and norm, dense", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        let norm = a.norm_fro::<f64>(ctx)?;
        let (sum, report) = ctx.measure(|ctx| a.sum::<f64>(ctx))?;
        Ok(Found { digest: digest(&[sum, norm]), report, outside_plan: 0 })
    };
    "Gram matrix", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        let (gram, report) = ctx.measure(|ctx| a.gram(ctx))?;
        Ok(Found { digest: digest(gram.as_slice().unwrap_or_default()), report, outside_plan: 0 })
    };
    "Gram matrix, Fortran", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::Fortran)?;
        let (gram, report) = ctx.measure(|ctx| a.gram(ctx))?;
        Ok(Found { digest: digest(gram.as_slice().unwrap_or_default()), report, outside_plan: 0 })
    };
    "principal components", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        let (found, report) = ctx.measure(|ctx| pca(&a, 3, Place::Memory, ctx))?;
        let components = found.components.as_slice();
        Ok(Found { digest: digest(components) ^ digest(&found.variances), report, outside_plan: 0 })
    };
    "randomized SVD", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        let options = SvdOptions { oversampling: 1, power_iterations: 1, seed: 0 };
        // The vectors are held in addition to the panels.
        let operator = Operator::with_vectors(&a, 80 * (a.nrows() + a.ncols()) as u64, ctx)?;
        let (svd, report) = ctx.measure(|ctx| randomized_svd::<f64>(&operator, 1, &options, Place::Memory, ctx))?;
        let outside_plan = ctx.memory_limit_bytes();
        Ok(Found { digest: digest(&svd.s) ^ digest(svd.v.as_slice()), report, outside_plan })
    };
    "elements mapped", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| a.map(AWAY, ctx, |x| (x + 1.0) as f32)))
    };
    "two arrays mapped", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| a.zip_map(&a, AWAY, ctx, |x, y| x * y)))
    };
    "elements mapped in place", TALL, |inputs, ctx| {
        let path = inputs.copy_to_change()?;
        let ((), report) = ctx.measure(|ctx| {
            let mut a = DenseMut::<f64>::open_mut(&path, ctx)?;
            a.map_inplace(|x| x + 1.0)?;
            a.close()
        })?;
        let found = dense(Dense::<f64>::open(&path).map(|a| (a, report)));
        // The next process changes a copy of its own.
        std::fs::remove_file(&path).map_err(|error| Error::io("removing", &path, error))?;
        found
    };
    "copy of dense", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| a.copy_to(AWAY, ctx)))
    };
    "C order to Fortran, tall", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| a.to_order(Order::Fortran, AWAY, ctx)))
    };
    "Fortran order to C, tall", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::Fortran)?;
        dense(ctx.measure(|ctx| a.to_order(Order::C, AWAY, ctx)))
    };
    "rows appended, dense", TALL, |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| Dense::vstack(&[&a, &a], AWAY, ctx)))
    };
    "columns appended, dense", &[], |inputs, ctx| {
        let a = inputs.tall(Order::C)?;
        dense(ctx.measure(|ctx| Dense::hstack(&[&a, &a], AWAY, ctx)))
    };
    "C order to Fortran, square", &["square.npy"], |inputs, ctx| {
        let a = inputs.square()?;
        dense(ctx.measure(|ctx| a.to_order(Order::Fortran, AWAY, ctx)))
    };
    "A · B dense", &[], |inputs, ctx| {
        let (a, b) = (inputs.square()?, inputs.slim()?);
        dense(ctx.measure(|ctx| a.matmul(&b, AWAY, ctx)))
    };
    "dense to CSR", HOLES, |inputs, ctx| {
        let a = inputs.sparse_dense()?;
        sparse(ctx.measure(|ctx| a.to_csr::<u32, u32>(AWAY, ctx)))
    };
    "dense to CSC", HOLES, |inputs, ctx| {
        let a = inputs.sparse_dense()?;
        sparse(ctx.measure(|ctx| a.to_csc::<u32, u32>(AWAY, ctx)))
    };
    "dense to COO", HOLES, |inputs, ctx| {
        let a = inputs.sparse_dense()?;
        coordinates(ctx.measure(|ctx| a.to_coo(AWAY, ctx)))
    };
    "CSR to dense", &["short"], |inputs, ctx| {
        let a = inputs.short()?;
        dense(ctx.measure(|ctx| a.to_dense(Order::C, AWAY, ctx)))
    };
    "CSR to dense, Fortran", &[], |inputs, ctx| {
        let a = inputs.short()?;
        dense(ctx.measure(|ctx| a.to_dense(Order::Fortran, AWAY, ctx)))
    };
    "filled by rows", &[], |inputs, ctx| filled(inputs, ctx, Order::C, false);
    "filled by columns", &[], |inputs, ctx| filled(inputs, ctx, Order::C, true);
    "filled by columns, Fortran", &[], |inputs, ctx| filled(inputs, ctx, Order::Fortran, true);
};

/// An array filled line by line.
fn filled(inputs: &Inputs, ctx: &Context, order: Order, by_columns: bool) -> Result<Found> {
    let n = inputs.cube()?.pow(3);
    let shape = (n * 88 / 8 / COLUMNS, COLUMNS);
    let outcome = ctx.measure(|ctx| {
        let mut a = DenseMut::<f64>::create(shape, order, AWAY, ctx)?;
        let fill = |i: usize, line: &mut [f64]| {
            line.iter_mut().enumerate().for_each(|(j, x)| *x = (i ^ j) as f64);
        };
        if by_columns {
            a.fill_columns(fill)?
        } else {
            a.fill_rows(fill)?
        }
        a.freeze()
    });
    dense(outcome)
}

/// Products with one vector, with its transpose and with three vectors, twice each, so that pinned panels are used; the
/// report is that of the last.
fn products<M>(matrix: &M, ctx: &Context) -> Result<Found>
where
    M: Matrix + LinearOperator<f64>,
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
    let outside_plan = 40 * (nrows + ncols) as u64;
    report
        .map(|report| Found { digest, report, outside_plan })
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
    Ok(Found { digest, report, outside_plan: 0 })
}

fn coordinates(outcome: Result<(Coo<f64>, Report)>) -> Result<Found> {
    let (matrix, report) = outcome?;
    let digest = digest(matrix.row_indices())
        ^ digest(matrix.col_indices()).rotate_left(1)
        ^ digest(matrix.data()).rotate_left(2);
    Ok(Found { digest, report, outside_plan: 0 })
}

fn dense<T: Element>(outcome: Result<(Dense<T>, Report)>) -> Result<Found> {
    let (array, report) = outcome?;
    array.advise(Access::Sequential);
    Ok(Found { digest: digest(array.as_slice()), report, outside_plan: 0 })
}

fn statistics(outcome: Result<(Stats, Report)>) -> Result<Found> {
    let (stats, report) = outcome?;
    let all = [stats.sums(), stats.variances(1), stats.mins(), stats.maxs()].concat();
    Ok(Found { digest: digest(&all), outside_plan: size_of_val(&all[..]) as u64 * 2, report })
}

/// A number that changes with any bit of the elements.
fn digest<T: Entry>(elements: &[T]) -> u64 {
    let mut hasher = Xxh3Default::new();
    elements.chunks(1 << 16).for_each(|part| hasher.update(bytemuck::cast_slice(part)));
    hasher.digest()
}
