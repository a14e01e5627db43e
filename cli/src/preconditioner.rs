//! Preconditioners by name.

use std::num::NonZeroUsize;

use outcore::linalg::LinearOperator;
use outcore::solve::{
    BlockJacobi, Chebyshev, Ic0, Ic0Options, Ilu0, Jacobi, Ssor, spectral_bounds,
};
use outcore::{AnyMatrix, Context, Csr, DType, Index, Place, Result};

use crate::plan::unknown_rest;
use crate::rows::by_width;
use crate::session::Session;

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Kind {
    None,
    /// The inverse of the diagonal
    Jacobi,
    /// The inverses of blocks of 32 rows on the diagonal
    BlockJacobi,
    /// Symmetric successive over-relaxation
    Ssor,
    /// An incomplete factorisation, of any matrix
    Ilu0,
    /// An incomplete factorisation of a symmetric positive definite matrix
    Ic0,
    /// A polynomial of such a matrix: products alone, several in each pass over a file
    Chebyshev,
}

#[derive(clap::Args)]
pub(crate) struct Flags {
    /// An approximate inverse of the matrix
    #[arg(long, value_enum, default_value = "none")]
    precond: Kind,
    /// The degree of the polynomial of `--precond chebyshev`
    #[arg(long, default_value = "8", value_name = "N")]
    degree: NonZeroUsize,
}

/// Rows of a block of block Jacobi.
const BLOCK: usize = 32;

/// Lanczos steps for the bounds of a spectrum.
const STEPS: usize = 12;

type Preconditioner<'a> = Box<dyn LinearOperator<f64> + Sync + 'a>;

impl Flags {
    pub(crate) fn is_none(&self) -> bool {
        self.precond == Kind::None
    }

    /// The preconditioner of a matrix, which `operator` multiplies with.
    pub(crate) fn make<'a>(
        &self,
        a: &AnyMatrix,
        operator: &'a (impl LinearOperator<f64> + Sync),
        session: &Session,
    ) -> Result<Option<Preconditioner<'a>>> {
        Ok(Some(match self.precond {
            Kind::None => return Ok(None),
            Kind::Chebyshev => {
                let bounds =
                    session.try_step(|ctx| spectral_bounds::<f64>(operator, STEPS, ctx))?;
                let bounds = bounds.ok_or_else(unknown_rest)?;
                Box::new(Chebyshev::new(operator, self.degree.get(), (bounds.lo, bounds.hi))?)
            }
            kind => {
                let mut rows = match a {
                    AnyMatrix::Csr(_) => a.clone(),
                    _ => {
                        session.step(a, |ctx| a.to_csr(Place::Scratch, ctx).map(AnyMatrix::from))?
                    }
                };
                if rows.dtype() != Some(DType::Float64) {
                    let wide = |ctx: &_| rows.to_dtype(DType::Float64, Place::Scratch, ctx);
                    rows = session.step(&rows, wide)?;
                }
                let made =
                    by_width!(rows, rows => session.try_step(|ctx| of_rows(kind, &rows, ctx))?);
                made.ok_or_else(unknown_rest)?
            }
        }))
    }
}

fn of_rows<'a, I: Index, P: Index>(
    kind: Kind,
    a: &Csr<f64, I, P>,
    ctx: &Context,
) -> Result<Preconditioner<'a>> {
    Ok(match kind {
        Kind::Jacobi => Box::new(Jacobi::<f64>::new(a, Default::default(), ctx)?),
        Kind::BlockJacobi => Box::new(BlockJacobi::<f64>::new(a, BLOCK, ctx)?),
        Kind::Ssor => Box::new(Ssor::<f64>::new(a, 1.0, None, ctx)?),
        Kind::Ilu0 => Box::new(Ilu0::<f64>::new(a, None, ctx)?),
        _ => Box::new(Ic0::<f64>::new(a, &Ic0Options::default(), ctx)?),
    })
}
