//! The inverse of an operator, by a solver.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result, check_shape};
use crate::linalg::LinearOperator;
use crate::solve::instances::Solves;
use crate::solve::method::Method;
use crate::solve::options::SolveOptions;
use crate::storage::Context;

/// The inverse of a square operator as an operator: each product is a solve.
///
/// A solve that does not converge is an error of kind [`Value`](ErrorKind::Value), unless the inverse may be
/// [`inexact`](Self::inexact). Products with the adjoint exist for the methods for Hermitian operators. Products have no
/// plan, as the number of iterations is not known.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{Inverse, Method, SolveOptions};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[10, 10], Place::Memory, &ctx)?;
/// let inverse = Inverse::new(&a, Method::Cg, SolveOptions { rtol: 1e-12, ..Default::default() });
/// let x = inverse.matvec(&a.matvec(&[1.0; 100])?)?;
/// assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-10));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Inverse<'a, A, X: Solves> {
    a: A,
    method: Method,
    options: SolveOptions<'a, X>,
    inexact: bool,
}

impl<'a, A, X: Solves> Inverse<'a, A, X> {
    /// The inverse by a method, with the options of each solve.
    pub fn new(a: A, method: Method, options: SolveOptions<'a, X>) -> Self {
        Inverse { a, method, options, inexact: false }
    }

    /// Allows solves that end for another reason than convergence, as for the preconditioner of
    /// [`fgmres`](crate::solve::fgmres) with a few iterations.
    pub fn inexact(self) -> Self {
        Inverse { inexact: true, ..self }
    }
}

impl<A: LinearOperator<X>, X: Solves> LinearOperator<X> for Inverse<'_, A, X> {
    fn shape(&self) -> (usize, usize) {
        let (nrows, ncols) = self.a.shape();
        (ncols, nrows)
    }

    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        let solved = X::solve(self.method, &self.a, x, &self.options, ctx, &mut |_| {
            ControlFlow::Continue(())
        })?;
        ctx.check_cancelled()?;
        if !solved.converged && !self.inexact {
            return Err(Error::new(ErrorKind::Value, "an inner solve did not converge")
                .expected(format!("a residual of at most {} times the norm", self.options.rtol))
                .found(format!("{:?} after {} iterations", solved.reason, solved.iterations)));
        }
        check_shape("y", solved.x.len(), y.len())?;
        y.copy_from_slice(&solved.x);
        Ok(())
    }

    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        match self.method {
            Method::Cg | Method::Minres | Method::Chebyshev => self.apply(x, y, ctx),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "the inverse has no products with its adjoint",
            )
            .expected("a method for Hermitian operators")
            .found(self.method.name())),
        }
    }

    fn context(&self) -> Context {
        self.a.context()
    }
}
