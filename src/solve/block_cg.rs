//! Conjugate gradients for several right-hand sides at once: one product with all directions in each iteration, and
//! every solution from the directions of all.
//!
//! Source: O'Leary, "The block conjugate gradient algorithm and related methods" (1980), as BCGrQ of Dubrulle,
//! "Retooling the method of block conjugate gradients" (2001). Residuals are kept as `Q C` with orthonormal `Q`, so that
//! nothing is lost where they become dependent; with a preconditioner `M` orthonormal means `QᴴMQ = 1`.
//!
//! ```text
//! Q C = R;  P = M Q
//! W = A P;  α = (Pᴴ W)⁻¹;  X += P α C;  Q S = Q − W α;  C = S C;  P = M Q + P Sᴴ
//! ```
//!
//! 1. What is dependent up to rounding is left out of `Q`, and the block gets narrower. What that loses is found by the
//!    residual of `X` itself, before the end is accepted, and the iteration starts again from there.
//! 2. `PᴴM⁻¹P` follows from `S`. Each direction's `pᴴAp / pᴴM⁻¹p` lies between the extreme eigenvalues of `M A`, as in
//!    conjugate gradients for one vector.

use num_traits::{Float, One, Zero};

use crate::error::{ErrorKind, Result};
use crate::linalg::{
    LinearOperator, Scalar, block_add, block_times, is_finite, is_safe, power_of_two,
};
use crate::solve::block_system::{BlockSystem, apply};
use crate::solve::method::NAME_OF_BLOCK;
use crate::solve::options::SolveOptions;
use crate::solve::progress::ProgressOf;
use crate::solve::small_cholesky::{SmallCholesky, adjoint, times};
use crate::solve::solved::StopReason;
use crate::solve::solved_block::{BlockIterate, SolvedBlock};
use crate::storage::Context;

/// Called after every iteration.
pub(super) type BlockCallback<'c, X> =
    dyn FnMut(&BlockIterate<'_, X>) -> std::ops::ControlFlow<()> + 'c;

/// A curvature that rounding errors alone can make, in units of these.
const NO_CURVATURE: f64 = 2.0;

/// The smallest pivot after which a block that was made orthonormal once is so.
const ONCE: f64 = 1e-2;

/// A solve of `k` systems.
pub(super) struct BlockCg<'r, X: Scalar> {
    system: BlockSystem<'r, X>,
    maxiter: usize,
    /// The solutions, scaled.
    x: Vec<X>,
    /// The residuals, or an orthonormal block of them, and the directions: `rank` vectors.
    q: Vec<X>,
    p: Vec<X>,
    /// `A P`, then `M Q`.
    w: Vec<X>,
    rank: usize,
    /// `C`, and `PᴴM⁻¹P`.
    c: Vec<X>,
    lengths: Vec<X>,
    /// The largest `pᴴAp / pᴴM⁻¹p` so far.
    steepest: X::Real,
    norms: Vec<X::Real>,
    progress: ProgressOf<X::Real>,
    iterations: usize,
    products: usize,
    history: Vec<Vec<X::Real>>,
}

/// How a block became orthonormal.
enum Orthonormal<X> {
    /// By this factor.
    By(Vec<X>),
    Not(StopReason),
}

/// Ones on the diagonal.
fn identity<X: Scalar>(k: usize) -> Vec<X> {
    (0..k * k).map(|at| if at / k == at % k { X::one() } else { X::zero() }).collect()
}

impl<'r, X: Scalar> BlockCg<'r, X> {
    /// A solve with checked arguments, under a context that counts nothing else.
    pub(super) fn new(
        (a, k, b): (&'r dyn LinearOperator<X>, usize, &'r [X]),
        options: &'r SolveOptions<'r, X>,
        maxiter: usize,
        ctx: &'r Context,
    ) -> Result<Self> {
        let n = a.shape().1;
        let block = |what| ctx.filled(what, n * k, X::zero());
        let mut q = block("the residuals")?;
        let system = BlockSystem::new((a, k, b), options, &mut q, ctx)?;
        Ok(BlockCg {
            x: system.guess()?,
            q,
            p: block("the directions")?,
            w: block("the products")?,
            rank: k,
            c: Vec::new(),
            lengths: Vec::new(),
            steepest: X::Real::zero(),
            norms: vec![X::Real::nan(); k],
            progress: ProgressOf::new(system.space.len(n)?, X::Real::infinity()),
            iterations: 0,
            products: 0,
            history: Vec::new(),
            system,
            maxiter,
        })
    }

    pub(super) fn run(mut self, callback: &mut BlockCallback<'_, X>) -> Result<SolvedBlock<X>> {
        let reason = match self.iterate(callback) {
            Err(error) if error.kind() == ErrorKind::Cancelled => StopReason::Cancelled,
            reason => reason?,
        };
        if self.history.is_empty() && self.x.iter().all(X::is_zero) {
            // Cancelled before the first residual.
            self.norms.clone_from(&self.system.sizes);
        }
        self.system.nullspace.remove_from_block(self.system.k, &mut self.x, self.system.space)?;
        Ok(self.solved(reason))
    }

    /// Iterates until there is a reason to stop: convergence is accepted if the residual of `x` itself confirms it.
    fn iterate(&mut self, callback: &mut BlockCallback<'_, X>) -> Result<StopReason> {
        self.true_residual()?;
        self.history.push(self.norms.clone());
        self.progress = ProgressOf::new(
            self.system.space.len(self.system.a.shape().1)?,
            self.system.worst(&self.norms),
        );
        loop {
            if let Some(reason) = self.system.ended(&self.norms) {
                return Ok(reason);
            }
            if self.iterations > 0 && self.progress.is_stuck(self.system.worst(&self.norms)) {
                return Ok(StopReason::Stagnated);
            }
            if self.iterations >= self.maxiter {
                return Ok(StopReason::MaxIterations);
            }
            let reason = self.cycle(callback)?;
            self.true_residual()?;
            match reason {
                Some(StopReason::Converged) | None => {}
                Some(reason) => return Ok(self.system.ended(&self.norms).unwrap_or(reason)),
            }
        }
    }

    /// Iterations from the true residual until there is a reason to stop; none to start again.
    fn cycle(&mut self, callback: &mut BlockCallback<'_, X>) -> Result<Option<StopReason>> {
        if let Some(reason) = self.start()? {
            return Ok(Some(reason));
        }
        if self.rank == 0 {
            // The preconditioner maps the residuals, which are not zero, to zero.
            return Ok(Some(StopReason::NotPositiveDefinite));
        }
        let first = self.iterations;
        while self.rank > 0 {
            match self.step()? {
                // With other directions it may go on.
                Some(StopReason::Singular) if self.iterations > first => return Ok(None),
                Some(reason) => return Ok(Some(reason)),
                None => {}
            }
            let (iteration, residual_norms) = (self.iterations, self.system.unscaled(&self.norms));
            let (x, scales) = (&self.x, &self.system.scales);
            let state = BlockIterate { iteration, residual_norms: &residual_norms, x, scales };
            let stopped = callback(&state).is_break();
            let idle = self.progress.is_idle(iteration, self.system.worst(&self.norms));
            self.system.ctx.report(NAME_OF_BLOCK, iteration as u64, self.maxiter as u64)?;
            if let Some(reason) = self.system.ended(&self.norms) {
                return Ok(Some(reason));
            }
            let limits = [
                (stopped, StopReason::Stopped),
                (idle, StopReason::Stagnated),
                (self.iterations >= self.maxiter, StopReason::MaxIterations),
            ];
            if let Some((_, reason)) = limits.into_iter().find(|(holds, _)| *holds) {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// `Q C = R` and `P = M Q` from the residuals in `q`.
    fn start(&mut self) -> Result<Option<StopReason>> {
        let k = self.system.k;
        self.rank = k;
        // Scaled so that squares are safe.
        let one = (X::Real::one(), X::Real::one());
        let of = |&norm: &X::Real| match norm.is_zero() || is_safe(norm * norm) {
            true => one,
            false => power_of_two(norm),
        };
        let scales: Vec<_> = self.norms.iter().map(of).collect();
        if scales.iter().any(|scale| scale.0 != one.0) {
            for row in self.q.chunks_exact_mut(k) {
                row.iter_mut().zip(&scales).for_each(|(q, s)| *q = *q * X::from_real(s.0));
            }
        }
        self.precondition()?;
        let mut s = match self.orthonormalize()? {
            Orthonormal::By(s) => s,
            Orthonormal::Not(reason) => return Ok(Some(reason)),
        };
        for row in s.chunks_exact_mut(k) {
            row.iter_mut().zip(&scales).for_each(|(s, scale)| *s = *s * X::from_real(scale.1));
        }
        self.c = s;
        let (rank, len) = (self.rank, self.system.a.shape().1 * self.rank);
        let z = if self.system.options.precond.is_some() { &self.w } else { &self.q };
        self.p[..len].copy_from_slice(&z[..len]);
        self.lengths = identity(rank);
        Ok(None)
    }

    /// One iteration; returns the reason to stop, if there is one.
    fn step(&mut self) -> Result<Option<StopReason>> {
        let (rank, k, ctx) = (self.rank, self.system.k, self.system.ctx);
        let len = self.system.a.shape().1 * rank;
        apply(self.system.a, rank, &self.p[..len], &mut self.w[..len], ctx)?;
        self.products += 1;
        self.system.nullspace.remove_from_block(rank, &mut self.w[..len], self.system.space)?;
        let curvature =
            self.system.space.block_dots((rank, &self.p[..len]), (rank, &self.w[..len]))?;
        let factors = SmallCholesky::new(&curvature, rank);
        if !factors.is_finite {
            return Ok(Some(StopReason::NotFinite));
        }
        if let Some(reason) = self.look_at(&curvature, &factors)? {
            return Ok(Some(reason));
        }
        let t = factors.inverse();
        let alpha = times(&t, &adjoint(&t, (rank, rank)), (rank, rank, rank));
        let steps = times(&alpha, &self.c, (rank, rank, k));
        if steps.iter().any(|&step| !is_finite(step)) {
            return Ok(Some(StopReason::NotFinite));
        }
        block_add((rank, &self.p[..len]), &steps, (k, &mut self.x), ctx);
        let minus: Vec<X> = alpha.into_iter().map(|alpha| -alpha).collect();
        block_add((rank, &self.w[..len]), &minus, (rank, &mut self.q[..len]), ctx);
        self.iterations += 1;
        self.precondition()?;
        let s = match self.orthonormalize()? {
            Orthonormal::By(s) => s,
            Orthonormal::Not(reason) => {
                self.history.push(self.system.unscaled(&self.norms));
                return Ok(Some(reason));
            }
        };
        let after = self.rank;
        self.c = times(&s, &self.c, (after, rank, k));
        self.measure()?;
        self.history.push(self.system.unscaled(&self.norms));
        let back = adjoint(&s, (after, rank));
        let z = if self.system.options.precond.is_some() { &self.w } else { &self.q };
        let z = Some(&z[..self.system.a.shape().1 * after]);
        block_times((rank, &mut self.p[..len]), (after, &back), z, ctx);
        let lengths = times(&s, &self.lengths, (after, rank, rank));
        let lengths = times(&lengths, &back, (after, rank, after));
        self.lengths = identity::<X>(after).into_iter().zip(lengths).map(|(a, b)| a + b).collect();
        Ok(None)
    }

    /// Checks the curvature `PᴴAP` of the operator.
    fn look_at(
        &mut self,
        curvature: &[X],
        factors: &SmallCholesky<X>,
    ) -> Result<Option<StopReason>> {
        let (rank, epsilon) = (self.rank, X::Real::epsilon());
        let diagonal = |matrix: &[X], i: usize| matrix[i * rank + i].real();
        let steepness = (0..rank).map(|i| diagonal(curvature, i) / diagonal(&self.lengths, i));
        let steepness: Vec<X::Real> = steepness.collect();
        self.steepest = steepness.iter().fold(self.steepest, |most, &steep| most.max(steep));
        let order =
            X::from_f64(self.system.space.len(self.system.a.shape().1)?.max(1) as f64).real();
        let nothing = X::from_f64(NO_CURVATURE).real() * epsilon * self.steepest / order.sqrt();
        let least = steepness.into_iter().fold(X::Real::infinity(), X::Real::min);
        if least < -nothing || (factors.is_indefinite && least > nothing) {
            return Ok(Some(StopReason::NotPositiveDefinite));
        }
        Ok((factors.rank < rank || least <= nothing).then_some(StopReason::Singular))
    }

    /// `M Q`, in `w`; nothing without a preconditioner, where it is `Q`.
    fn precondition(&mut self) -> Result<()> {
        let Some(precond) = self.system.options.precond else { return Ok(()) };
        let len = self.system.a.shape().1 * self.rank;
        apply(precond, self.rank, &self.q[..len], &mut self.w[..len], self.system.ctx)?;
        self.system.nullspace.remove_from_block(self.rank, &mut self.w[..len], self.system.space)
    }

    /// Makes `Q` orthonormal, with as many vectors as are independent, and `M Q` of it.
    fn orthonormalize(&mut self) -> Result<Orthonormal<X>> {
        let (n, before, ctx) = (self.system.a.shape().1, self.rank, self.system.ctx);
        let is_preconditioned = self.system.options.precond.is_some();
        let mut whole = identity(before);
        for _ in 0..2 {
            let rank = self.rank;
            let q = &self.q[..n * rank];
            let z = if is_preconditioned { &self.w[..n * rank] } else { q };
            let gram = self.system.space.block_dots((rank, q), (rank, z))?;
            let factors = SmallCholesky::new(&gram, rank);
            if !factors.is_finite {
                return Ok(Orthonormal::Not(StopReason::NotFinite));
            }
            if factors.is_indefinite && is_preconditioned {
                return Ok(Orthonormal::Not(StopReason::NotPositiveDefinite));
            }
            self.rank = factors.rank;
            let t = (factors.rank, &factors.inverse()[..]);
            block_times((rank, &mut self.q[..n * rank]), t, None, ctx);
            if is_preconditioned {
                block_times((rank, &mut self.w[..n * rank]), t, None, ctx);
            }
            whole = times(&factors.factor(), &whole, (factors.rank, rank, before));
            if factors.least >= X::from_f64(ONCE).real() {
                break;
            }
        }
        Ok(Orthonormal::By(whole))
    }

    /// Sets the norms of the residuals `Q C`.
    fn measure(&mut self) -> Result<()> {
        let (rank, k) = (self.rank, self.system.k);
        let q = (rank, &self.q[..self.system.a.shape().1 * rank]);
        let sized;
        let c = match self.system.options.precond {
            None => &self.c,
            // Orthonormal is something else here.
            Some(_) => {
                let factors = SmallCholesky::new(&self.system.space.block_dots(q, q)?, rank);
                sized = times(&factors.factor(), &self.c, (factors.rank, rank, k));
                &sized
            }
        };
        for (j, norm) in self.norms.iter_mut().enumerate() {
            let column = c.iter().skip(j).step_by(k);
            *norm = column.fold(X::Real::zero(), |norm, c| norm.hypot(c.abs()));
        }
        Ok(())
    }

    /// Sets `q` and the norms to the residuals of `x` itself.
    fn true_residual(&mut self) -> Result<()> {
        let at_zero = self.products == 0 && self.system.space.is_zero(&self.x)?;
        self.norms = self.system.residuals(&self.x, at_zero, &mut self.q)?;
        self.products += usize::from(!at_zero);
        Ok(())
    }

    fn solved(mut self, reason: StopReason) -> SolvedBlock<X> {
        let cancelled = reason == StopReason::Cancelled;
        let of = |j: usize| match self.norms[j] <= self.system.tolerances[j] && !cancelled {
            true => StopReason::Converged,
            false => reason,
        };
        let mut reasons: Vec<StopReason> = (0..self.system.k).map(of).collect();
        let residual_norms = self.system.unscaled(&self.norms);
        self.system.unscale(&mut self.x, &mut reasons);
        SolvedBlock {
            converged: reasons.iter().all(|&reason| reason == StopReason::Converged),
            x: self.x,
            reasons,
            iterations: self.iterations,
            residual_norms,
            history: self.history,
            products: self.products,
            passes: usize::try_from(self.system.ctx.meter().passes()).unwrap_or(usize::MAX),
            bytes_read: self.system.ctx.meter().bytes_read(),
            seconds_waiting: self.system.ctx.meter().seconds_waiting(),
        }
    }
}
