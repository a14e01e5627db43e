//! Matrices made from a formula.

use std::path::PathBuf;

use outcore::{AnyMatrix, Coo, Csr, DenseMut, Duplicates, Order, Place, Result};

use crate::plan::unknown_rest;
use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Make a matrix: zeros, ones, identity, random, Poisson, R-MAT";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// A dense array of zeros
    Zeros { output: PathBuf, rows: usize, columns: usize },
    /// A dense array of ones
    Ones { output: PathBuf, rows: usize, columns: usize },
    /// The identity
    Eye { output: PathBuf, order: usize },
    /// Entries at random positions
    Random {
        output: PathBuf,
        rows: usize,
        columns: usize,
        /// Part of the positions that have an entry
        #[arg(long, default_value_t = 0.01)]
        density: f64,
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// The Laplacian on a grid of one to three dimensions
    Poisson {
        output: PathBuf,
        #[arg(required = true)]
        grid: Vec<usize>,
    },
    /// A graph with the skewed degrees of real ones, of 2^SCALE vertices
    Rmat {
        output: PathBuf,
        scale: u32,
        /// Edges for each vertex
        #[arg(long, default_value_t = 16)]
        edges: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let ctx = session.ctx();
    Ok(match &arguments.what {
        What::Zeros { output, rows, columns } => {
            let shape = (*rows, *columns);
            let a = DenseMut::<f64>::create(shape, Order::C, session.place(output), ctx)?;
            done(output, &AnyMatrix::from(a.freeze()?))
        }
        What::Ones { output, rows, columns } => {
            let shape = (*rows, *columns);
            let mut a = DenseMut::<f64>::create(shape, Order::C, session.place(output), ctx)?;
            for part in a.as_mut_slice().chunks_mut(1 << 20) {
                ctx.check_cancelled()?;
                part.fill(1.0);
            }
            done(output, &AnyMatrix::from(a.freeze()?))
        }
        What::Eye { output, order } => {
            let a = Csr::<f64>::identity(*order, session.place(output), ctx)?;
            done(output, &AnyMatrix::from(a))
        }
        What::Random { output, rows, columns, density, seed } => {
            let (shape, place) = ((*rows, *columns), session.place(output));
            let a = Csr::<f64>::random(shape, *density, *seed, place, ctx)?;
            done(output, &AnyMatrix::from(a))
        }
        What::Poisson { output, grid } => {
            let a = Csr::<f64>::poisson(grid, session.place(output), ctx)?;
            done(output, &AnyMatrix::from(a))
        }
        What::Rmat { output, scale, edges, seed } => {
            session.check_free(output)?;
            let edges = |ctx: &_| Coo::<()>::rmat(*scale, *edges, *seed, Place::Scratch, ctx);
            let all = session.try_step(edges)?.ok_or_else(unknown_rest)?;
            let rows = |ctx: &_| all.to_csr(Duplicates::Sum, session.place(output), ctx);
            let rows: Option<Csr<()>> = session.last_step(rows)?;
            rows.map_or_else(Report::new, |a| done(output, &AnyMatrix::from(a)))
        }
    })
}
