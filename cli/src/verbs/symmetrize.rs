//! A symmetric matrix made of a square one.

use std::path::PathBuf;

use outcore::io::Imported;
use outcore::{AnyMatrix, Context, Error, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Make a square matrix symmetric";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
    /// What the result is made of
    #[arg(long, value_enum, default_value_t = How::Mean)]
    how: How,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum How {
    /// (A + Aᵀ) / 2; of a pattern, both directions of every edge
    Mean,
    /// A + Aᵀ
    Sum,
    /// The lower triangle, and above the diagonal its mirror image
    Lower,
    /// The upper triangle, and below the diagonal its mirror image
    Upper,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let Imported { matrix: a, vertices, .. } = session.import(&arguments.input)?;
    let ids = vertices.as_ref();
    if a.nrows() != a.ncols() {
        return Err(Error::shape("the matrix", "as many rows as columns", format!("{} x {}", a.nrows(), a.ncols()))
            .in_file(&arguments.input));
    }
    let symmetric = match arguments.how {
        How::Mean if a.dtype().is_some() => {
            let sum = session.step(&a, |ctx| a.add(&a.transpose(), Place::Scratch, ctx))?;
            let half = |place, ctx: &_| halved(&sum, place, ctx);
            session.make_with_ids(&arguments.output, ids, &sum, sum.format().is_none(), half)?
        }
        How::Mean | How::Sum => {
            let sum = |place, ctx: &_| a.add(&a.transpose(), place, ctx);
            session.make_with_ids(&arguments.output, ids, &a, a.format().is_none(), sum)?
        }
        How::Lower | How::Upper => {
            let a = session.compressed(a)?;
            let is_lower = arguments.how == How::Lower;
            let half = |beyond: isize| {
                session.step(&a, |ctx| match is_lower {
                    true => a.tril(-beyond, Place::Scratch, ctx),
                    false => a.triu(beyond, Place::Scratch, ctx),
                })
            };
            let (kept, mirrored) = (half(0)?, half(1)?);
            let sum = |place, ctx: &_| kept.add(&mirrored.transpose(), place, ctx);
            session.make_with_ids(&arguments.output, ids, &a, false, sum)?
        }
    };
    Ok(done(&arguments.output, &symmetric))
}

/// A matrix of half the numbers, in the type of its numbers if they have fractions.
fn halved(a: &AnyMatrix, place: Place, ctx: &Context) -> Result<AnyMatrix> {
    use outcore::DType;
    use outcore::num_complex::Complex;
    match a.dtype() {
        Some(DType::Float32) => a.scale(0.5f32, place, ctx),
        Some(DType::Complex64) => a.scale(Complex::new(0.5f32, 0.0), place, ctx),
        Some(DType::Complex128) => a.scale(Complex::new(0.5f64, 0.0), place, ctx),
        _ => a.scale(0.5f64, place, ctx),
    }
}
