//! A stored matrix, prepared under a memory limit, and a system solved with it: all that a small program needs.
//!
//! Its code is bounded in `.ci/run`: what it does not use must not be linked, and nothing but the calls be compiled here.

use outcore::linalg::Operator;
use outcore::solve::{SolveOptions, cg};
use outcore::{Context, Csr};

fn main() -> outcore::Result<()> {
    let Some(path) = std::env::args().nth(1) else {
        println!(
            "solve MATRIX.bspnpy\n\nSolves A x = b, b being all ones, by conjugate gradients."
        );
        return Ok(());
    };
    let ctx = Context::new();
    let a = Csr::<f64>::open(path)?;
    let operator = Operator::new(&a, &ctx)?;
    let solved = cg(&operator, &vec![1.0; a.nrows()], &SolveOptions::default(), &ctx)?;
    println!("{:?} after {} iterations", solved.reason, solved.iterations);
    println!("residual {:.1e}", solved.residual_norm);
    Ok(())
}
