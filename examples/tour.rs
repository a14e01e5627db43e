//! The main job from end to end: the memmap recipe, a sparse matrix on disk, products, a solver, dense against sparse.

mod support;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Reader};
use outcore::linalg::{LinearOperator, Multiplies, Scalar, norm};
use outcore::solve::{SolveOptions, cg};
use outcore::{ColumnWriter, Context, Csc, Csr, Dense, DenseMut, Entry, Order, verify};
use support::{Outcome, arguments, best_of, comparison, context, harmonic, timed};

const HELP: &str = "\
tour [MATRIX.mtx] [--json] [--small]

Without a file: fills a dense array on disk column by column, builds a 3-D Poisson matrix on disk, reopens it mapped,
converts it, multiplies, solves, and compares dense with sparse. With a Matrix Market file: stores that matrix, reopens
it mapped, converts and multiplies it. Works in a temporary folder that goes away.

  --json   ends with one line of JSON: nrows ncols nnz sum frobenius ax_norm atx_norm (with x_i = 1/(i+1))
  --small  small sizes, for a quick check";

fn main() -> Outcome {
    let (flags, files) = arguments(HELP, &["--json", "--small"])?;
    let ctx = context();
    let folder = tempfile::tempdir()?;
    let summary = match files.as_slice() {
        [] => whole_tour(folder.path(), flags.iter().any(|flag| flag == "--small"), &ctx)?,
        [file] => matrix_tour(Path::new(file), folder.path(), &ctx)?,
        _ => return Err(HELP.into()),
    };
    if flags.iter().any(|flag| flag == "--json") {
        println!("{summary}");
    }
    Ok(())
}

fn whole_tour(
    folder: &Path,
    small: bool,
    ctx: &Context,
) -> Result<String, Box<dyn std::error::Error>> {
    let (rows, grid, order) = if small { (20_000, 20, 400) } else { (1_000_000, 120, 4_000) };
    recipe(folder, rows, ctx)?;

    println!("\nA sparse matrix on disk: the Laplacian on a grid of {grid}³ points");
    let path = folder.join("poisson.bspnpy");
    let (built, seconds) = timed(|| Csr::<f64>::poisson(&[grid; 3], &path, ctx));
    built.map(drop)?;
    let a = Csr::<f64>::open(&path)?;
    line("built on disk", seconds, Some(a.bytes()));
    let summary = products(&a, folder, ctx)?;

    let n = a.nrows();
    let b = a.matvec(&vec![1.0; n])?;
    let options = SolveOptions { rtol: 1e-8, ..Default::default() };
    let (solved, seconds) = timed(|| cg(&a, &b, &options, ctx));
    let solved = solved?;
    line("conjugate gradients", seconds, None);
    let error = solved.x.iter().map(|x| (x - 1.0).abs()).fold(0.0, f64::max);
    println!(
        "    {:?} after {} iterations, residual {:.1e}, largest error {error:.1e}",
        solved.reason, solved.iterations, solved.residual_norm
    );

    println!("\nDense against sparse: y = A x, order {order}, float64, mapped from disk");
    comparison::print(&comparison::compare(order, Some(folder), ctx)?);
    Ok(summary)
}

/// The NumPy memmap recipe: fill column by column, close, reopen without naming type or shape, compare.
fn recipe(folder: &Path, nrows: usize, ctx: &Context) -> outcore::Result<()> {
    let ncols = 100;
    println!("The recipe: {nrows} x {ncols} float32 filled one column at a time");
    let path = folder.join("recipe.npy");
    let column = |j: usize, column: &mut Vec<f32>| {
        column.clear();
        column.extend((0..nrows).map(|i| (i % 1000 + j) as f32));
    };
    let (filled, seconds) = timed(|| -> outcore::Result<()> {
        let mut array = DenseMut::<f32>::create((nrows, ncols), Order::C, &path, ctx)?;
        let mut columns = ColumnWriter::new(&mut array)?;
        let mut values = Vec::with_capacity(nrows);
        for j in 0..ncols {
            column(j, &mut values);
            columns.push(&values)?;
        }
        columns.finish()?;
        array.close()
    });
    filled?;
    let array = Dense::<f32, _>::open(&path)?;
    let mut last = Vec::new();
    column(ncols - 1, &mut last);
    assert!(array.col(ncols - 1)?.iter().eq(&last), "the last column is not what was written");
    let bytes = (array.len() * 4) as u64;
    line("filled, closed, reopened, last column compared", seconds, Some(bytes));

    let plain = plain_write(&folder.join("plain"), array.as_slice())?;
    line("the same bytes written in one go, for comparison", plain, Some(bytes));
    println!("    ratio {:.2}", seconds / plain);
    verify(&path, ctx).map(drop)
}

/// Seconds to write the bytes of an array from first to last, up to the device.
fn plain_write(path: &Path, elements: &[f32]) -> outcore::Result<f64> {
    let write = || -> std::io::Result<()> {
        let mut file = File::create(path)?;
        for block in elements.chunks(1 << 18) {
            file.write_all(bytemuck::cast_slice(block))?;
        }
        file.sync_all()
    };
    let (written, seconds) = timed(write);
    written.map_err(|e| outcore::Error::io("writing", path, e))?;
    Ok(seconds)
}

/// The sparse part for a file: read, store, reopen mapped, convert, multiply.
fn matrix_tour(
    file: &Path,
    folder: &Path,
    ctx: &Context,
) -> Result<String, Box<dyn std::error::Error>> {
    let reader = Reader::open(file)?;
    println!("{}: {:?}", file.display(), reader.header());
    let path = folder.join("matrix.bspnpy");
    match reader.header().field {
        Field::Real => {
            reader.read_csr::<f64, u32, u32>(&path, ctx)?;
            products(&Csr::<f64>::open(&path)?, folder, ctx)
        }
        Field::Integer => {
            reader.read_csr::<i64, u32, u32>(&path, ctx)?;
            products(&Csr::<i64>::open(&path)?, folder, ctx)
        }
        Field::Pattern => {
            reader.read_csr::<(), u32, u32>(&path, ctx)?;
            products(&Csr::<()>::open(&path)?, folder, ctx)
        }
        Field::Complex => {
            reader.read_csr::<Complex<f64>, u32, u32>(&path, ctx)?;
            complex_products(&Csr::<Complex<f64>>::open(&path)?, folder, ctx)
        }
    }
}

fn products<T: Multiplies<f64>>(
    a: &Csr<T>,
    folder: &Path,
    ctx: &Context,
) -> Result<String, Box<dyn std::error::Error>> {
    let (ax, atx) = convert_and_multiply::<T, f64>(a, folder, harmonic, ctx)?;
    summary(
        a,
        &a.sum::<f64>(ctx)?.to_string(),
        a.norm_fro::<f64>(ctx)?,
        norm(&ax, ctx),
        norm(&atx, ctx),
    )
}

fn complex_products(
    a: &Csr<Complex<f64>>,
    folder: &Path,
    ctx: &Context,
) -> Result<String, Box<dyn std::error::Error>> {
    let vector = |n| harmonic(n).into_iter().map(Complex::from).collect();
    let (ax, atx) = convert_and_multiply::<_, Complex<f64>>(a, folder, vector, ctx)?;
    let sum = a.sum::<Complex<f64>>(ctx)?;
    let sum = format!("[{}, {}]", sum.re, sum.im);
    summary(a, &sum, a.norm_fro::<Complex<f64>>(ctx)?, norm(&ax, ctx), norm(&atx, ctx))
}

/// Converts to CSC on disk, reopens that too, multiplies with both, and checks that they agree. Gives `A x` and `Aᴴ x`.
fn convert_and_multiply<T: Multiplies<X>, X: Scalar>(
    a: &Csr<T>,
    folder: &Path,
    vector: impl Fn(usize) -> Vec<X>,
    ctx: &Context,
) -> outcore::Result<(Vec<X>, Vec<X>)> {
    println!("    {a:?}");
    let path = folder.join("matrix.csc.bspnpy");
    let (converted, seconds) = timed(|| a.to_csc(&path, ctx));
    converted.map(drop)?;
    line("CSR to CSC on disk", seconds, Some(2 * a.bytes()));
    let csc = Csc::<T>::open(&path)?;

    let (x, z) = (vector(a.ncols()), vector(a.nrows()));
    let (mut ax, mut atx) = (vec![X::zero(); a.nrows()], vec![X::zero(); a.ncols()]);
    let (mut ax_csc, mut atx_csc) = (ax.clone(), atx.clone());
    let bytes = a.bytes() + size_of_val(&*ax) as u64 + size_of_val(&*atx) as u64;
    line("A x, CSR mapped", best_of(3, || a.apply(&x, &mut ax, ctx))?, Some(bytes));
    line("Aᴴ x, CSR mapped", best_of(3, || a.apply_adjoint(&z, &mut atx, ctx))?, Some(bytes));
    line("A x, CSC mapped", best_of(3, || csc.apply(&x, &mut ax_csc, ctx))?, Some(bytes));
    line("Aᴴ x, CSC mapped", best_of(3, || csc.apply_adjoint(&z, &mut atx_csc, ctx))?, Some(bytes));
    for (csr, csc) in [(&ax, &ax_csc), (&atx, &atx_csc)] {
        let (mine, other) = (norm(csr, ctx), norm(csc, ctx));
        let differ = (mine - other).abs() > X::from_f64(1e-5).real() * mine;
        assert!(!differ, "CSR and CSC differ: {mine} and {other}");
    }
    Ok((ax, atx))
}

fn summary<T: Entry>(
    a: &Csr<T>,
    sum: &str,
    frobenius: f64,
    ax: f64,
    atx: f64,
) -> Result<String, Box<dyn std::error::Error>> {
    // JSON has no word for what is not finite.
    let number = |x: f64| if x.is_finite() { format!("{x:e}") } else { format!("\"{x}\"") };
    let sum = match sum.parse::<f64>() {
        Ok(real) => number(real),
        Err(_) => sum.to_owned(),
    };
    Ok(format!(
        "{{\"nrows\": {}, \"ncols\": {}, \"nnz\": {}, \"sum\": {sum}, \"frobenius\": {}, \"ax_norm\": {}, \"atx_norm\": {}}}",
        a.nrows(),
        a.ncols(),
        a.nnz(),
        number(frobenius),
        number(ax),
        number(atx)
    ))
}

fn line(what: &str, seconds: f64, bytes: Option<u64>) {
    match bytes {
        Some(bytes) => {
            println!("    {what:50} {seconds:8.3} s   {:6.2} GB/s", bytes as f64 / seconds / 1e9)
        }
        None => println!("    {what:50} {seconds:8.3} s"),
    }
}
