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
use crate::solve::method::NAME_OF_BLOCK;
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::solve::progress::ProgressOf;
use crate::solve::small_cholesky::{SmallCholesky, adjoint, times};
use crate::solve::solved::StopReason;
use crate::solve::solved_block::{BlockIterate, SolvedBlock};
use crate::solve::space::Space;
use crate::storage::Context;

/// Called after every iteration.
pub(super) type BlockCallback<'c, X> =
    dyn FnMut(&BlockIterate<'_, X>) -> std::ops::ControlFlow<()> + 'c;

/// The power of two by which a system is scaled down if the norm of its right-hand side overflows.
const SMALLER: i32 = 64;

/// A curvature that rounding errors alone can make: so many of them.
const NO_CURVATURE: f64 = 2.0;

/// The smallest pivot after which a block that was made orthonormal once is so.
const ONCE: f64 = 1e-2;

/// A solve of `k` systems.
pub(super) struct BlockCg<'r, X: Scalar> {
    a: &'r dyn LinearOperator<X>,
    b: &'r [X],
    k: usize,
    options: &'r SolveOptions<'r, X>,
    ctx: &'r Context,
    space: Space<'r, X>,
    nullspace: NullSpace<X>,
    maxiter: usize,
    /// What each right-hand side is multiplied by, a power of two: less than 1 if its norm overflows.
    scales: Vec<X::Real>,
    /// The norm of each right-hand side and its tolerance, both scaled.
    sizes: Vec<X::Real>,
    tolerances: Vec<X::Real>,
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
    passes: u64,
    history: Vec<Vec<X::Real>>,
    /// Bytes read, and seconds waited, at the start.
    before: (u64, f64),
}

/// How a block became orthonormal.
enum Orthonormal<X> {
    /// By this factor.
    By(Vec<X>),
    Not(StopReason),
}

/// The columns of a block times a scale each.
fn scaled<'b, X: Scalar>(
    k: usize,
    block: &'b [X],
    scales: &'b [X::Real],
) -> impl Iterator<Item = X> + 'b {
    block.iter().enumerate().map(move |(at, &x)| x * X::from_real(scales[at % k]))
}

/// The product with a block of `k` vectors.
fn apply<X: Scalar>(
    a: &dyn LinearOperator<X>,
    k: usize,
    x: &[X],
    y: &mut [X],
    ctx: &Context,
) -> Result<()> {
    match k {
        1 => a.apply(x, y, ctx),
        _ => a.apply_block(k, x, y, ctx),
    }
}

/// Ones on the diagonal.
fn identity<X: Scalar>(k: usize) -> Vec<X> {
    (0..k * k).map(|at| if at / k == at % k { X::one() } else { X::zero() }).collect()
}

impl<'r, X: Scalar> BlockCg<'r, X> {
    /// A solve with checked arguments.
    pub(super) fn new(
        (a, k, b): (&'r dyn LinearOperator<X>, usize, &'r [X]),
        options: &'r SolveOptions<'r, X>,
        maxiter: usize,
        ctx: &'r Context,
    ) -> Result<Self> {
        let (n, space) = (a.shape().1, Space::new(options.ranks, ctx));
        let (zero, one) = (X::Real::zero(), X::Real::one());
        let mut sizes = space.block_norms((k, b))?;
        let mut scales = vec![one; k];
        if sizes.iter().any(|size| size.is_infinite()) {
            let down = X::from_f64(0.5f64.powi(SMALLER)).real();
            for (scale, size) in scales.iter_mut().zip(&sizes) {
                *scale = if size.is_infinite() { down } else { one };
            }
            let smaller: Vec<X> = scaled(k, b, &scales).collect();
            sizes = space.block_norms((k, &smaller))?;
        }
        let nullspace = NullSpace::spanned_by(options.nullspace, n, space)?;
        let block = |what| ctx.filled(what, n * k, X::zero());
        let (mut x, mut q) = (block("the solutions")?, block("the residuals")?);
        let mut tolerances: Vec<X::Real> = Vec::with_capacity(k);
        if nullspace.is_empty() {
            let tolerance = |(&size, &scale)| (options.rtol * size).max(options.atol * scale);
            tolerances.extend(sizes.iter().zip(&scales).map(tolerance));
        } else {
            // The stop test is that of the projected systems.
            q.iter_mut().zip(scaled(k, b, &scales)).for_each(|(q, b)| *q = b);
            nullspace.remove_from_block(k, &mut q, space)?;
            let within = space.block_norms((k, &q))?;
            for ((&size, &whole), &scale) in within.iter().zip(&sizes).zip(&scales) {
                let options = SolveOptions { atol: options.atol * scale, ..*options };
                tolerances.push(options.tolerance_within(size, whole));
            }
        }
        if let Some(x0) = options.x0 {
            // The solution of zeros is zero, whatever the guess.
            x.iter_mut().zip(scaled(k, x0, &scales)).for_each(|(to, x0)| *to = x0);
            for (j, _) in sizes.iter().enumerate().filter(|(_, size)| size.is_zero()) {
                x.iter_mut().skip(j).step_by(k).for_each(|x| *x = X::zero());
            }
        }
        Ok(BlockCg {
            nullspace,
            x,
            q,
            p: block("the directions")?,
            w: block("the products")?,
            rank: k,
            c: Vec::new(),
            lengths: Vec::new(),
            steepest: zero,
            norms: vec![X::Real::nan(); k],
            progress: ProgressOf::new(space.len(n)?, X::Real::infinity()),
            before: (ctx.meter().bytes_read(), ctx.meter().seconds_waiting()),
            iterations: 0,
            products: 0,
            passes: ctx.meter().passes(),
            history: Vec::new(),
            a,
            b,
            k,
            options,
            ctx,
            space,
            maxiter,
            scales,
            sizes,
            tolerances,
        })
    }

    pub(super) fn run(mut self, callback: &mut BlockCallback<'_, X>) -> Result<SolvedBlock<X>> {
        let reason = match self.iterate(callback) {
            Err(error) if error.kind() == ErrorKind::Cancelled => StopReason::Cancelled,
            reason => reason?,
        };
        if self.history.is_empty() && self.x.iter().all(X::is_zero) {
            // Cancelled before the first residual.
            self.norms.clone_from(&self.sizes);
        }
        self.nullspace.remove_from_block(self.k, &mut self.x, self.space)?;
        Ok(self.solved(reason))
    }

    /// Iterates until there is a reason to stop: convergence is accepted if the residual of `x` itself confirms it.
    fn iterate(&mut self, callback: &mut BlockCallback<'_, X>) -> Result<StopReason> {
        self.true_residual()?;
        self.history.push(self.norms.clone());
        self.progress = ProgressOf::new(self.space.len(self.a.shape().1)?, self.worst());
        loop {
            if let Some(reason) = self.ended() {
                return Ok(reason);
            }
            if self.iterations > 0 && self.progress.is_stuck(self.worst()) {
                return Ok(StopReason::Stagnated);
            }
            if self.iterations >= self.maxiter {
                return Ok(StopReason::MaxIterations);
            }
            let reason = self.cycle(callback)?;
            self.true_residual()?;
            match reason {
                Some(StopReason::Converged) | None => {}
                Some(reason) => return Ok(self.ended().unwrap_or(reason)),
            }
        }
    }

    /// The reason that the norms of the residuals are.
    fn ended(&self) -> Option<StopReason> {
        if self.norms.iter().any(|norm| !norm.is_finite()) {
            return Some(StopReason::NotFinite);
        }
        (0..self.k).all(|j| self.norms[j] <= self.tolerances[j]).then_some(StopReason::Converged)
    }

    /// The largest residual, relative to the right-hand side, of a system that has not converged.
    fn worst(&self) -> X::Real {
        let open = (0..self.k).filter(|&j| self.norms[j] > self.tolerances[j]);
        let relative = open.map(|j| match self.sizes[j] > X::Real::zero() {
            true => self.norms[j] / self.sizes[j],
            false => self.norms[j],
        });
        relative.fold(X::Real::zero(), X::Real::max)
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
            let (iteration, residual_norms) = (self.iterations, self.unscaled(&self.norms));
            let (x, scales) = (&self.x, &self.scales);
            let state = BlockIterate { iteration, residual_norms: &residual_norms, x, scales };
            let stopped = callback(&state).is_break();
            let idle = self.progress.is_idle(iteration, self.worst());
            self.ctx.report(NAME_OF_BLOCK, iteration as u64, self.maxiter as u64)?;
            if let Some(reason) = self.ended() {
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
        let k = self.k;
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
        let mut s = match self.orthonormalise()? {
            Orthonormal::By(s) => s,
            Orthonormal::Not(reason) => return Ok(Some(reason)),
        };
        for row in s.chunks_exact_mut(k) {
            row.iter_mut().zip(&scales).for_each(|(s, scale)| *s = *s * X::from_real(scale.1));
        }
        self.c = s;
        let (rank, len) = (self.rank, self.a.shape().1 * self.rank);
        let z = if self.options.precond.is_some() { &self.w } else { &self.q };
        self.p[..len].copy_from_slice(&z[..len]);
        self.lengths = identity(rank);
        Ok(None)
    }

    /// One iteration; returns the reason to stop, if there is one.
    fn step(&mut self) -> Result<Option<StopReason>> {
        let (rank, k, ctx) = (self.rank, self.k, self.ctx);
        let len = self.a.shape().1 * rank;
        apply(self.a, rank, &self.p[..len], &mut self.w[..len], ctx)?;
        self.products += 1;
        self.nullspace.remove_from_block(rank, &mut self.w[..len], self.space)?;
        let curvature = self.space.block_dots((rank, &self.p[..len]), (rank, &self.w[..len]))?;
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
        let s = match self.orthonormalise()? {
            Orthonormal::By(s) => s,
            Orthonormal::Not(reason) => {
                self.history.push(self.unscaled(&self.norms));
                return Ok(Some(reason));
            }
        };
        let after = self.rank;
        self.c = times(&s, &self.c, (after, rank, k));
        self.measure()?;
        self.history.push(self.unscaled(&self.norms));
        let back = adjoint(&s, (after, rank));
        let z = if self.options.precond.is_some() { &self.w } else { &self.q };
        let z = Some(&z[..self.a.shape().1 * after]);
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
        let order = X::from_f64(self.space.len(self.a.shape().1)?.max(1) as f64).real();
        let nothing = X::from_f64(NO_CURVATURE).real() * epsilon * self.steepest / order.sqrt();
        let least = steepness.into_iter().fold(X::Real::infinity(), X::Real::min);
        if least < -nothing || (factors.is_indefinite && least > nothing) {
            return Ok(Some(StopReason::NotPositiveDefinite));
        }
        Ok((factors.rank < rank || least <= nothing).then_some(StopReason::Singular))
    }

    /// `M Q`, in `w`; nothing without a preconditioner, where it is `Q`.
    fn precondition(&mut self) -> Result<()> {
        let Some(precond) = self.options.precond else { return Ok(()) };
        let len = self.a.shape().1 * self.rank;
        apply(precond, self.rank, &self.q[..len], &mut self.w[..len], self.ctx)?;
        self.nullspace.remove_from_block(self.rank, &mut self.w[..len], self.space)
    }

    /// Makes `Q` orthonormal, with as many vectors as are independent, and `M Q` of it.
    fn orthonormalise(&mut self) -> Result<Orthonormal<X>> {
        let (n, before, ctx) = (self.a.shape().1, self.rank, self.ctx);
        let is_preconditioned = self.options.precond.is_some();
        let mut whole = identity(before);
        for _ in 0..2 {
            let rank = self.rank;
            let q = &self.q[..n * rank];
            let z = if is_preconditioned { &self.w[..n * rank] } else { q };
            let gram = self.space.block_dots((rank, q), (rank, z))?;
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
        let (rank, k) = (self.rank, self.k);
        let q = (rank, &self.q[..self.a.shape().1 * rank]);
        let sized;
        let c = match self.options.precond {
            None => &self.c,
            // Orthonormal is something else here.
            Some(_) => {
                let factors = SmallCholesky::new(&self.space.block_dots(q, q)?, rank);
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
        let (k, ctx) = (self.k, self.ctx);
        if self.products == 0 && self.space.is_zero(&self.x)? {
            self.q.fill(X::zero());
        } else {
            apply(self.a, k, &self.x, &mut self.q, ctx)?;
            self.products += 1;
        }
        let b = scaled(k, self.b, &self.scales);
        self.q.iter_mut().zip(b).for_each(|(q, b)| *q = b - *q);
        self.nullspace.remove_from_block(k, &mut self.q, self.space)?;
        self.norms = self.space.block_norms((k, &self.q))?;
        if !self.space.is_finite(&self.x)? {
            self.norms.fill(X::Real::nan());
        }
        Ok(())
    }

    /// Norms as those of the systems of the caller.
    fn unscaled(&self, norms: &[X::Real]) -> Vec<X::Real> {
        norms.iter().zip(&self.scales).map(|(&norm, &scale)| norm / scale).collect()
    }

    fn solved(mut self, reason: StopReason) -> SolvedBlock<X> {
        let cancelled = reason == StopReason::Cancelled;
        let of = |j: usize| match self.norms[j] <= self.tolerances[j] && !cancelled {
            true => StopReason::Converged,
            false => reason,
        };
        let mut reasons: Vec<StopReason> = (0..self.k).map(of).collect();
        let residual_norms = self.unscaled(&self.norms);
        for (j, &scale) in self.scales.iter().enumerate().filter(|(_, scale)| !scale.is_one()) {
            let mut finite = true;
            for x in self.x.iter_mut().skip(j).step_by(self.k) {
                *x = *x / X::from_real(scale);
                finite &= is_finite(*x);
            }
            if !finite {
                reasons[j] = StopReason::NotFinite;
            }
        }
        SolvedBlock {
            converged: reasons.iter().all(|&reason| reason == StopReason::Converged),
            x: self.x,
            reasons,
            iterations: self.iterations,
            residual_norms,
            history: self.history,
            products: self.products,
            passes: usize::try_from(self.ctx.meter().passes() - self.passes).unwrap_or(usize::MAX),
            bytes_read: self.ctx.meter().bytes_read() - self.before.0,
            seconds_waiting: self.ctx.meter().seconds_waiting() - self.before.1,
        }
    }
}
