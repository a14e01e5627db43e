//! What is in a file that nobody knows: kind, shape, type, sums, and statistics of the columns of a dense matrix.
//!
//! A program of typed matrices would have to name format, element type and index types before it has seen the file; this one
//! takes whatever there is.

mod support;

use outcore::{AnyMatrix, Context, Csr, Dense, Order, Place};
use support::{Outcome, arguments, context};

const HELP: &str = "\
inspect [PATH...]

Says what the .npy files and stored sparse matrices at these paths are, with their sums and norms, and of dense ones the
range of the column means. Without a path it makes up some and looks at those.";

fn main() -> Outcome {
    let (_, paths) = arguments(HELP, &[])?;
    let ctx = context();
    if !paths.is_empty() {
        return paths.iter().try_for_each(|path| inspect(&outcore::open(path)?, &ctx));
    }
    let folder = tempfile::tempdir()?;
    let grid = Csr::<f64>::poisson(&[30, 30], folder.path().join("grid.bspnpy"), &ctx)?;
    grid.pattern().copy_to(folder.path().join("pattern.bspnpy"), &ctx)?;
    let few = AnyMatrix::from(grid).to_dtype(outcore::DType::Int8, Place::Memory, &ctx)?;
    few.to_csc(folder.path().join("few.bspnpy"), &ctx)?;
    few.to_dense(Order::Fortran, folder.path().join("dense.npy"), &ctx)?;
    Dense::from(ndarray::arr1(&[0.5f32, 1.5])).copy_to(folder.path().join("column.npy"), &ctx)?;
    for name in ["grid.bspnpy", "pattern.bspnpy", "few.bspnpy", "dense.npy", "column.npy"] {
        let a = outcore::open(folder.path().join(name))?;
        inspect(&a, &ctx)?;
        assert!(a.nnz() == 2 || name == "pattern.bspnpy" || a.sum::<f64>(&ctx)? == 120.0);
    }
    Ok(())
}

fn inspect(a: &AnyMatrix, ctx: &Context) -> Outcome {
    println!("{a}");
    let is_complex = a.dtype().is_some_and(|dtype| dtype.name().starts_with("complex"));
    if is_complex {
        let sum = a.sum::<num_complex::Complex<f64>>(ctx)?;
        println!("  sum {sum}, Frobenius norm {}", a.norm_fro::<num_complex::Complex<f64>>(ctx)?);
        return Ok(());
    }
    println!("  sum {}, Frobenius norm {}", a.sum::<f64>(ctx)?, a.norm_fro::<f64>(ctx)?);
    if a.format().is_none() {
        let means = a.stats(0, ctx)?.means();
        let least = means.iter().copied().fold(f64::INFINITY, f64::min);
        let most = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        println!("  means of the columns from {least} to {most}");
    }
    Ok(())
}
