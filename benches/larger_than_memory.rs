//! Products of a band matrix several times larger than the memory limit, compared with a plain loop over the mapped file.

#[path = "../examples/support/mod.rs"]
mod support;

use outcore::linalg::{LinearOperator, Operator};
use outcore::{Context, Csr, Place, Result};
use support::{Outcome, arguments, harmonic, timed};

const HELP: &str = "\
larger_than_memory [ROWS] [LIMIT_MB] [SWEEPS]

Stores a band matrix of ROWS rows with 33 diagonals (5,423,000 rows: 2.1 GB), then multiplies it SWEEPS times (5) under
a memory limit of LIMIT_MB (1024): as a prepared operator, with 8 vectors at once, and by a plain loop over the mapped
arrays. Run it in a control group with the same limit to see what the system makes of each. With MATRIX.bspnpy as the
first argument, that stored float64 matrix is used instead of ROWS.";

/// Columns of a block of vectors.
const K: usize = 8;

/// Bytes of the limit left to the program itself.
const BESIDES: usize = 32 << 20;

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let number =
        |k: usize, default: usize| arguments.get(k).map_or(Ok(default), |text| text.parse());
    let (limit, sweeps) = (number(1, 1024)? << 20, number(2, 5)?);
    let ctx = Context::new().memory_limit(limit as u64);
    let folder = tempfile::tempdir()?;
    let a = match arguments.first() {
        Some(path) if path.ends_with(".bspnpy") => Csr::<f64>::open(path)?,
        _ => band(number(0, 5_423_000)?, folder.path().join("band.bspnpy").into(), &ctx)?,
    };
    println!(
        "{a:?}: {:.0} MB, limit {} MB, {} threads",
        a.bytes() as f64 / 1e6,
        limit >> 20,
        ctx.thread_count()
    );

    let (x, mut y) = (harmonic(a.ncols()), vec![0.0; a.nrows()]);
    let vectors = size_of_val(&*x) + size_of_val(&*y);
    let operator = Operator::with_vectors(&a, (vectors + BESIDES) as u64, &ctx)?;
    sweep("prepared, A x", sweeps, &operator, || operator.apply(&x, &mut y, &ctx))?;
    let check: f64 = y.iter().sum();
    sweep("prepared, Aᵀ x", sweeps, &operator, || operator.apply_adjoint(&x, &mut y, &ctx))?;
    drop(operator);

    let (block, mut rows) = (vec![0.5; K * a.ncols()], vec![0.0; K * a.nrows()]);
    let vectors = vectors + size_of_val(&*block) + size_of_val(&*rows);
    if vectors + BESIDES < limit / 10 * 9 {
        let operator = Operator::with_vectors(&a, (vectors + BESIDES) as u64, &ctx)?;
        sweep("prepared, A X, 8 columns", sweeps, &operator, || {
            operator.apply_block(K, &block, &mut rows, &ctx)
        })?;
    } else {
        println!("    {K} columns at once would not fit");
    }
    drop((block, rows));

    for sweep in 1..=sweeps {
        let ((), seconds) = timed(|| plain(&a, &x, &mut y));
        println!(
            "    plain loop over the map   sweep {sweep}: {seconds:7.3} s   {:5.2} GB/s",
            a.bytes() as f64 / seconds / 1e9
        );
    }
    let plain_check: f64 = y.iter().sum();
    if (check - plain_check).abs() > 1e-9 * check.abs() {
        return Err(format!("the sums differ: {check} and {plain_check}").into());
    }
    Ok(())
}

/// Times products and says what each of them read.
fn sweep(
    what: &str,
    sweeps: usize,
    operator: &Operator<Csr<f64>>,
    mut product: impl FnMut() -> Result<()>,
) -> Result<()> {
    for sweep in 1..=sweeps {
        let before = operator.traffic();
        let (done, seconds) = timed(&mut product);
        done?;
        let after = operator.traffic();
        let read = (after.bytes_read - before.bytes_read) as f64;
        println!(
            "    {what:25} sweep {sweep}: {seconds:7.3} s   read {:6.0} MB   {:5.2} GB/s   waited {:6.3} s",
            read / 1e6,
            read / seconds / 1e9,
            after.seconds_waiting - before.seconds_waiting
        );
    }
    Ok(())
}

/// What one would write without this library, over the same maps.
fn plain(a: &Csr<f64>, x: &[f64], y: &mut [f64]) {
    for (y, row) in y.iter_mut().zip(a.rows()) {
        *y = row.indices.iter().zip(row.data).map(|(&j, &value)| value * x[j as usize]).sum();
    }
}

/// A band matrix with 33 diagonals, made on disk.
fn band(n: usize, place: Place, ctx: &Context) -> Result<Csr<f64>> {
    let values: Vec<f64> = (0..n).map(|i| 1.0 / (1 + i % 7) as f64).collect();
    let bands: Vec<(isize, &[f64])> =
        (-16isize..=16).map(|offset| (offset, &values[offset.unsigned_abs()..])).collect();
    Csr::diags((n, n), &bands, place, ctx)
}
