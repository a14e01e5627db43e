//! Conjugate gradients, for Hermitian positive definite operators.
//!
//! Source: Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems" (1952); with a
//! preconditioner as in Saad, "Iterative methods for sparse linear systems", algorithm 9.1.

use num_traits::{Float, Zero};

use crate::error::{Error, Result, check_shape};
use crate::linalg::{LinearOperator, Scalar, axpby, dot, norm};
use crate::solve::plan::begin;
use crate::solve::solved::{Solved, StopReason};
use crate::storage::{Context, Held};

/// What [`cg`] may be told; the defaults are SciPy's.
pub struct CgOptions<'a, X: Scalar> {
    /// Where to start; zero if `None`. Not looked at where `b` is zero, as in SciPy: the answer is zero.
    pub x0: Option<&'a [X]>,
    /// Relative tolerance, 1e-5 by default.
    pub rtol: X::Real,
    /// Absolute tolerance, 0 by default.
    pub atol: X::Real,
    /// Most iterations; ten times the order if `None`.
    pub maxiter: Option<usize>,
    /// An approximate inverse, Hermitian and positive definite.
    pub precond: Option<&'a (dyn LinearOperator<X> + Sync)>,
    /// Called after every iteration with its number, the first being 1, and the residual norm.
    pub callback: Option<&'a dyn Fn(usize, X::Real)>,
}

impl<X: Scalar> Default for CgOptions<'_, X> {
    fn default() -> Self {
        CgOptions {
            x0: None,
            rtol: X::from_f64(1e-5).real(),
            atol: X::from_f64(0.0).real(),
            maxiter: None,
            precond: None,
            callback: None,
        }
    }
}

/// Solves `A x = b` for a Hermitian positive definite operator by conjugate gradients.
///
/// Stops when `‖b − A x‖ ≤ max(rtol ‖b‖, atol)`, a test that is repeated on the true residual before it is believed;
/// where the iteration's own residual had drifted below it, the iteration starts afresh from the true one. Not
/// converging is reported in the answer and is not an error; an operator that shows itself not positive definite ends
/// the iteration. Cost: one product an iteration and four vectors of memory (five with a preconditioner).
///
/// ```
/// use outcore::{Context, Csr, Place, linalg::LinearOperator, solve::{CgOptions, cg}};
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let b = a.matvec(&[1.0; 400])?;
/// let solved = cg(&a, &b, &CgOptions { rtol: 1e-10, ..Default::default() }, &ctx)?;
/// assert!(solved.converged);
/// assert!(solved.x.iter().all(|x| (x - 1.0f64).abs() < 1e-8));
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn cg<X: Scalar>(
    a: &impl LinearOperator<X>,
    b: &[X],
    options: &CgOptions<'_, X>,
    ctx: &Context,
) -> Result<Solved<X>> {
    let (nrows, n) = a.shape();
    if nrows != n {
        return Err(Error::shape("the operator", "a square one", format!("{:?}", (nrows, n))));
    }
    check_shape("b", n, b.len())?;
    if let Some(x0) = options.x0 {
        check_shape("x0", n, x0.len())?;
    }
    let _running = begin("conjugate gradients", a, options, ctx)?;
    let tolerance = (options.rtol * norm(b, ctx)).max(options.atol);
    let maxiter = options.maxiter.unwrap_or(n.saturating_mul(10));
    Iteration::start(a, b, options, ctx)?.run(tolerance, maxiter)
}

/// The state between iterations.
struct Iteration<'a, X: Scalar, A> {
    a: &'a A,
    b: &'a [X],
    options: &'a CgOptions<'a, X>,
    ctx: &'a Context,
    x: Vec<X>,
    /// The residual carried along.
    r: Vec<X>,
    /// The search direction.
    p: Vec<X>,
    /// `A p`, and room for `A x`.
    q: Vec<X>,
    /// The preconditioned residual; empty without a preconditioner, where it is `r`.
    z: Vec<X>,
    /// `rᴴ z`.
    rho: X,
    residual: X::Real,
    iterations: usize,
    passes: usize,
    history: Vec<X::Real>,
    /// What had been read, and waited for, at the start.
    before: (u64, f64),
    _held: Held,
}

impl<'a, X: Scalar, A: LinearOperator<X>> Iteration<'a, X, A> {
    fn start(
        a: &'a A,
        b: &'a [X],
        options: &'a CgOptions<'a, X>,
        ctx: &'a Context,
    ) -> Result<Self> {
        let n = b.len();
        let vectors = if options.precond.is_some() { 5 } else { 4 };
        let bytes = vectors * (n as u64).saturating_mul(size_of::<X>() as u64);
        ctx.check_memory("the vectors of the iteration", bytes)?;
        let zeros = || vec![X::zero(); n];
        let x0 = options.x0.filter(|_| b.iter().any(|b| !b.is_zero()));
        let mut this = Iteration {
            a,
            b,
            options,
            ctx,
            x: x0.map_or_else(zeros, <[X]>::to_vec),
            r: b.to_vec(),
            p: zeros(),
            q: zeros(),
            z: if options.precond.is_some() { zeros() } else { Vec::new() },
            rho: X::zero(),
            residual: norm(b, ctx),
            iterations: 0,
            passes: 0,
            history: Vec::new(),
            before: (ctx.meter().bytes_read(), ctx.meter().seconds_waiting()),
            _held: ctx.hold(bytes),
        };
        if x0.is_some() {
            this.true_residual()?;
        }
        this.history.push(this.residual);
        Ok(this)
    }

    fn run(mut self, tolerance: X::Real, maxiter: usize) -> Result<Solved<X>> {
        self.restart()?;
        let reason = loop {
            if !self.residual.is_finite() {
                break StopReason::NotFinite;
            }
            if self.residual <= tolerance {
                if self.iterations == 0 {
                    break StopReason::Converged;
                }
                self.true_residual()?;
                if self.residual <= tolerance {
                    break StopReason::Converged;
                }
                self.restart()?;
            }
            if self.iterations == maxiter {
                break StopReason::MaxIterations;
            }
            if let Some(reason) = self.step()? {
                break reason;
            }
            self.ctx.report("conjugate gradients", self.iterations as u64, maxiter as u64)?;
        };
        if reason != StopReason::Converged {
            self.true_residual()?;
        }
        Ok(Solved {
            // With an infinite b the tolerance is infinite as well, and reached by nothing.
            converged: self.residual.is_finite() && self.residual <= tolerance,
            x: self.x,
            reason,
            iterations: self.iterations,
            residual_norm: self.residual,
            history: self.history,
            passes: self.passes,
            bytes_read: self.ctx.meter().bytes_read() - self.before.0,
            seconds_waiting: self.ctx.meter().seconds_waiting() - self.before.1,
        })
    }

    /// One iteration; gives the reason to stop, if there is one.
    fn step(&mut self) -> Result<Option<StopReason>> {
        let ctx = self.ctx;
        self.a.apply(&self.p, &mut self.q, ctx)?;
        self.passes += 1;
        let curvature = dot(&self.p, &self.q, ctx)?.real();
        if !curvature.is_finite() {
            return Ok(Some(StopReason::NotFinite));
        }
        if curvature <= X::Real::zero() {
            return Ok(Some(StopReason::NotPositiveDefinite));
        }
        let alpha = self.rho / X::from_real(curvature);
        let one = X::from_f64(1.0);
        axpby(alpha, &self.p, one, &mut self.x, ctx)?;
        axpby(-alpha, &self.q, one, &mut self.r, ctx)?;
        let before = self.rho;
        self.precondition()?;
        let beta = self.rho / before;
        let direction = if self.z.is_empty() { &self.r } else { &self.z };
        axpby(one, direction, beta, &mut self.p, ctx)?;
        self.iterations += 1;
        self.history.push(self.residual);
        if let Some(callback) = self.options.callback {
            callback(self.iterations, self.residual);
        }
        Ok(None)
    }

    /// Takes the residual, or what the preconditioner makes of it, as the new direction.
    fn restart(&mut self) -> Result<()> {
        self.precondition()?;
        self.p.copy_from_slice(if self.z.is_empty() { &self.r } else { &self.z });
        Ok(())
    }

    /// Sets `z`, `rho` and the residual norm from `r`.
    fn precondition(&mut self) -> Result<()> {
        match self.options.precond {
            None => self.rho = dot(&self.r, &self.r, self.ctx)?,
            Some(precond) => {
                precond.apply(&self.r, &mut self.z, self.ctx)?;
                self.rho = dot(&self.r, &self.z, self.ctx)?;
                self.residual = norm(&self.r, self.ctx);
                return Ok(());
            }
        }
        self.residual = self.rho.real().sqrt();
        Ok(())
    }

    /// Sets `r` and the residual norm from `x` itself.
    fn true_residual(&mut self) -> Result<()> {
        self.a.apply(&self.x, &mut self.q, self.ctx)?;
        self.passes += 1;
        self.r.copy_from_slice(self.b);
        axpby(-X::from_f64(1.0), &self.q, X::from_f64(1.0), &mut self.r, self.ctx)?;
        self.residual = norm(&self.r, self.ctx);
        Ok(())
    }
}
