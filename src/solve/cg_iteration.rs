//! The iteration of conjugate gradients, and its end.
//!
//! 1. The residual and what follows from it are scaled by `scale`, a power of two that is 1 unless `rᴴ z` or `pᴴ q`
//!    would overflow or underflow. So the iterates have the same digits for any magnitude of `b` and of the operator.
//! 2. A preconditioner that gives `A z` together with `z`, in one pass over a file, saves the product `q = A p`, which
//!    follows from the recurrence of `p`: `q = A z + β q`. Rounding errors that this adds are found by the residual of `x`
//!    itself, from which the iteration restarts.
//! 3. `pᴴ q / pᴴ M⁻¹ p`, whose denominator follows from ρ and β, lies between the extreme eigenvalues of `M A`. If it
//!    is far below the largest seen, the step may be wrong, and the iterate before it is kept; a good one is kept in
//!    any case.

use num_traits::{Float, One, Zero};

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{LinearOperator, Scalar, axpby, exponent, is_safe, norm, power_of_two};
use crate::solve::cg_vectors::CgVector;
use crate::solve::checkpoint::AtCheckpoint;
use crate::solve::nullspace::NullSpace;
use crate::solve::progress::ProgressOf;
use crate::solve::solved::{Current, Iterate, Solved, StopReason};
use crate::solve::solver::{Callback, Solver};
use crate::solve::space::Basis;
use crate::storage::WorkArray;

/// Rounding errors of `pᴴ A p` that indicate curvature of neither sign.
const NO_CURVATURE: f64 = 2.0;

/// The state between iterations.
pub(super) struct Iteration<'r, X: Scalar> {
    solver: Solver<'r, X>,
    nullspace: NullSpace<X>,
    /// The recursive residual, times `scale`.
    r: WorkArray<X>,
    /// The search direction.
    p: WorkArray<X>,
    /// `A p`, and a buffer for `A x`.
    q: WorkArray<X>,
    /// The preconditioned residual; empty without a preconditioner, where it is `r`.
    z: WorkArray<X>,
    /// `A z`, and a buffer for `A x`, where the preconditioner gives it; otherwise empty.
    w: WorkArray<X>,
    /// `rᴴ z`.
    rho: X,
    /// `pᴴ M⁻¹ p`, as it follows from ρ and β.
    size: X::Real,
    /// A power of two, and its inverse.
    scale: (X::Real, X::Real),
    /// The largest `pᴴ A p / pᴴ M⁻¹ p` so far.
    steepest: X::Real,
    /// An iterate with its residual norm, at most twice the least so far. Seldom used: in a scratch file where memory is
    /// short.
    best: (X::Real, Basis<X>),
    residual: X::Real,
}

impl<'r, X: Scalar> Iteration<'r, X> {
    pub(super) fn new(solver: Solver<'r, X>) -> Result<Self> {
        let (n, one) = (solver.x.len(), X::one().real());
        let given = solver.options.precond.is_some_and(LinearOperator::gives_product);
        let mut kept = solver.basis(1)?;
        if solver.options.x0.is_some() {
            kept.vector_mut(0).copy_from_slice(solver.x.read());
        }
        let made = |vector: CgVector, needed: bool| match needed {
            true => solver.vector(vector),
            false => Ok(WorkArray::from(Vec::new())),
        };
        Ok(Iteration {
            nullspace: NullSpace::spanned_by(solver.options.nullspace, n, solver.space)?,
            r: made(CgVector::R, true)?,
            p: made(CgVector::P, true)?,
            q: made(CgVector::Q, true)?,
            z: made(CgVector::Z, solver.options.precond.is_some())?,
            w: made(CgVector::W, given)?,
            rho: X::zero(),
            size: X::Real::zero(),
            scale: (one, one),
            steepest: X::Real::zero(),
            best: (X::Real::infinity(), kept),
            residual: X::Real::zero(),
            solver,
        })
        .and_then(Self::with_projected_tolerance)
    }

    /// The stop test is that of the projected system: with the norm of the right-hand side without its part in the null
    /// space, of which rounding leaves something.
    fn with_projected_tolerance(mut self) -> Result<Self> {
        self.solver.keeps = false;
        if self.nullspace.is_empty() {
            return Ok(self);
        }
        let space = self.solver.space;
        self.q.written().copy_from_slice(self.solver.b);
        self.nullspace.project(&mut self.q, space)?;
        let (size, whole) = (space.norm(self.q.read())?, space.norm(self.solver.b)?);
        self.solver.tolerance = self.solver.options.tolerance_within(size, whole);
        self.q.written().fill(X::zero());
        Ok(self)
    }

    pub(super) fn run(mut self, callback: &mut Callback<'_, X>) -> Result<Solved<X>> {
        let reason = match self.iterate(callback) {
            Err(error) if error.kind() == ErrorKind::Cancelled => StopReason::Cancelled,
            reason => reason?,
        };
        let chosen = match reason {
            StopReason::Converged | StopReason::Cancelled => Ok(()),
            // The residual is that of `x` itself.
            StopReason::MaxIterations if self.solver.maxiter == 0 => Ok(()),
            // The residual oscillates while the error decreases: the last iterate is the best.
            StopReason::MaxIterations | StopReason::Stopped => self.true_residual(),
            _ => self.choose_best(),
        };
        let reason = match chosen {
            Err(error) if error.kind() == ErrorKind::Cancelled => StopReason::Cancelled,
            chosen => {
                chosen?;
                reason
            }
        };
        if self.solver.history.is_empty() {
            // Cancelled before the first residual.
            let at_zero = self.solver.x.read().iter().all(X::is_zero);
            self.residual =
                if at_zero { norm(self.solver.b, self.solver.ctx) } else { X::Real::nan() };
        }
        let Iteration { mut solver, residual, nullspace, r, p, q, z, w, best, .. } = self;
        // The result takes the memory of one of them.
        drop((r, p, q, z, w, best));
        nullspace.project(&mut solver.x, solver.space)?;
        solver.solved(reason, residual)
    }

    /// Iterates until there is a reason to stop.
    fn iterate(&mut self, callback: &mut Callback<'_, X>) -> Result<StopReason> {
        let (tolerance, maxiter) = (self.solver.tolerance, self.solver.maxiter);
        self.true_residual()?;
        self.solver.history.push(self.residual);
        self.best.0 = self.residual;
        self.solver.progress = ProgressOf::new(self.solver.order, self.residual);
        // Before the preconditioner is asked for anything, which may sweep over the matrix.
        if !self.residual.is_finite() {
            return Ok(StopReason::NotFinite);
        }
        if self.residual <= tolerance {
            return Ok(StopReason::Converged);
        }
        if maxiter == 0 {
            return Ok(StopReason::MaxIterations);
        }
        self.restart()?;
        loop {
            if !self.residual.is_finite() {
                return Ok(StopReason::NotFinite);
            }
            if self.residual <= tolerance {
                if self.solver.iterations > 0 {
                    self.true_residual()?;
                }
                if self.residual <= tolerance {
                    return Ok(StopReason::Converged);
                }
                self.keep(1.0);
                if self.solver.progress.is_stuck(self.residual) {
                    return Ok(StopReason::Stagnated);
                }
                self.restart()?;
            }
            if self.solver.iterations < maxiter {
                self.checkpoint()?;
            }
            // Also if a state was restored that is beyond.
            if self.solver.iterations >= maxiter {
                return Ok(StopReason::MaxIterations);
            }
            if let Some(reason) = self.step()? {
                return Ok(reason);
            }
            let (iteration, residual_norm) = (self.solver.iterations, self.residual);
            let x = Current::Vector(&self.solver.x);
            if callback(&Iterate { iteration, residual_norm, x }).is_break() {
                return Ok(StopReason::Stopped);
            }
            if self.solver.progress.is_idle(iteration, residual_norm) {
                return Ok(StopReason::Stagnated);
            }
            self.solver.ctx.report("conjugate gradients", iteration as u64, maxiter as u64)?;
        }
    }

    /// One iteration; returns the reason to stop, if there is one.
    fn step(&mut self) -> Result<Option<StopReason>> {
        let ctx = self.solver.ctx;
        if self.w.is_empty() {
            self.multiply()?;
        }
        let mut curvature = self.solver.space.dot(self.p.read(), self.q.read())?.real();
        if !(is_safe(curvature) && is_safe(self.rho.real())) && self.rescale()? {
            curvature = self.solver.space.dot(self.p.read(), self.q.read())?.real();
        }
        if !curvature.is_finite() || !self.rho.abs().is_finite() {
            return Ok(Some(StopReason::NotFinite));
        }
        if self.rho.real() <= X::Real::zero() {
            return Ok(Some(StopReason::NotPositiveDefinite));
        }
        if self.solver.iterations == 0 && self.solver.space.is_zero(&self.q)? {
            return self.look_elsewhere().map(Some);
        }
        if let Some(reason) = self.look_at(curvature) {
            return Ok(Some(reason));
        }
        let alpha = self.rho / X::from_real(curvature);
        let one = X::one();
        let length = alpha * X::from_real(self.scale.1);
        axpby(length, self.p.read(), one, self.solver.x.updated(), ctx)?;
        let squares = self.solver.space.axpby(-alpha, self.q.read(), one, self.r.updated())?;
        self.solver.iterations += 1;
        let before = self.rho;
        self.measure(squares)?;
        self.solver.history.push(self.residual);
        // What follows is for the next iteration.
        if self.residual <= self.solver.tolerance || self.solver.iterations >= self.solver.maxiter {
            return Ok(None);
        }
        self.precondition()?;
        let beta = self.rho / before;
        let direction = if self.z.is_empty() { &self.r } else { &self.z };
        axpby(one, direction.read(), beta, self.p.updated(), ctx)?;
        if !self.w.is_empty() {
            axpby(one, self.w.read(), beta, self.q.updated(), ctx)?;
        }
        self.size = self.rho.abs() + beta.abs_squared() * self.size;
        Ok(None)
    }

    fn checkpoint(&mut self) -> Result<()> {
        if self.solver.options.checkpoint.is_none() {
            return Ok(());
        }
        let (scale, back) = &mut self.scale;
        let (best, kept) = &mut self.best;
        // Whether `q` goes with `p`, or is that of the iteration before.
        let of = |given: bool| if given { X::Real::one() } else { X::Real::zero() };
        let mut given = of(!self.w.is_empty());
        let mut vectors = vec![&mut self.r[..], &mut self.p[..], &mut self.q[..], &mut self.z[..]];
        // Written only if a state is restored.
        vectors.extend(kept.all_mut());
        let done = self.solver.checkpoint(
            &mut [
                &mut self.size,
                scale,
                back,
                &mut self.steepest,
                best,
                &mut self.residual,
                &mut given,
            ],
            &mut [&mut self.rho],
            &mut vectors,
        )?;
        for vector in [&self.solver.x, &self.r, &self.p, &self.q, &self.z] {
            match done {
                AtCheckpoint::Saved => vector.count_read(vector.len()),
                AtCheckpoint::Restored => vector.count_written(vector.len()),
                AtCheckpoint::Nothing => {}
            }
        }
        if done == AtCheckpoint::Saved {
            self.best.1.count_read(1);
        }
        match given == of(!self.w.is_empty()) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Format,
                "the checkpoint was made with a different preconditioner",
            )
            .remedy("remove the file to solve from the start, or name another one")),
        }
    }

    /// `q = A p`.
    fn multiply(&mut self) -> Result<()> {
        self.solver.multiply(self.p.read(), self.q.written())?;
        self.nullspace.project(&mut self.q, self.solver.space)
    }

    /// The reason why `A p` is exactly zero for the first direction: if the operator is not zero, it is singular.
    fn look_elsewhere(&mut self) -> Result<StopReason> {
        for (i, p) in self.p.iter_mut().enumerate() {
            *p = X::from_f64((i * i % 7) as f64 - 2.5);
        }
        self.multiply()?;
        Ok(match self.solver.space.is_zero(&self.q)? {
            true => StopReason::NotPositiveDefinite,
            false => StopReason::Singular,
        })
    }

    /// Checks the curvature `pᴴ A p` of the operator; keeps the iterate if necessary.
    fn look_at(&mut self, curvature: X::Real) -> Option<StopReason> {
        let steepness = curvature / self.size;
        self.steepest = self.steepest.max(steepness);
        let epsilon = X::Real::epsilon();
        let order = X::from_f64(self.solver.order.max(1) as f64).real();
        let nothing = X::from_f64(NO_CURVATURE).real() * epsilon * self.steepest / order.sqrt();
        if steepness <= nothing {
            let singular = self.steepest > X::Real::zero() && steepness >= -nothing;
            let reason = StopReason::NotPositiveDefinite;
            return Some(if singular { StopReason::Singular } else { reason });
        }
        // Such a long step may be wrong; before others an occasional copy is enough.
        self.keep(if steepness < epsilon.sqrt() * self.steepest { 1.0 } else { 0.5 });
        None
    }

    /// Keeps the iterate if its residual is less than `part` times that of the kept one.
    fn keep(&mut self, part: f64) {
        let (residual, kept) = &mut self.best;
        if self.residual < *residual * X::from_f64(part).real() {
            *residual = self.residual;
            kept.vector_mut(0).copy_from_slice(self.solver.x.read());
        }
    }

    /// Chooses the iterate, or the kept one if that is better, by the true residual.
    fn choose_best(&mut self) -> Result<()> {
        self.true_residual()?;
        if self.best.0 < self.residual || !self.residual.is_finite() {
            let residual = self.residual;
            self.solver.x.swap_with_slice(self.best.1.vector_mut(0));
            self.true_residual()?;
            let better =
                self.residual.is_finite() && (!residual.is_finite() || self.residual < residual);
            if !better {
                self.solver.x.swap_with_slice(self.best.1.vector_mut(0));
                self.residual = residual;
            }
        }
        Ok(())
    }

    /// Takes the residual, preconditioned if there is a preconditioner, as the new direction.
    fn restart(&mut self) -> Result<()> {
        let squares = self.solver.space.dot(self.r.read(), &self.r)?;
        self.measure(squares)?;
        self.precondition()?;
        let direction = if self.z.is_empty() { &self.r } else { &self.z };
        self.p.written().copy_from_slice(direction.read());
        if !self.w.is_empty() {
            self.q.written().copy_from_slice(self.w.read());
        }
        self.size = self.rho.abs();
        Ok(())
    }

    /// Sets the residual norm from `rᴴ r`, and without a preconditioner `rho`.
    fn measure(&mut self, squares: X) -> Result<()> {
        if self.solver.options.precond.is_none() {
            self.rho = squares;
        }
        let squares = squares.real();
        let norm = match is_safe(squares) {
            true => squares.sqrt(),
            false => self.solver.space.norm(self.r.read())?,
        };
        self.residual = self.scale.1 * norm;
        Ok(())
    }

    /// Sets `z`, and `w` if it is given, and `rho` from `r`.
    fn precondition(&mut self) -> Result<()> {
        let Some(precond) = self.solver.options.precond else { return Ok(()) };
        let (ctx, space) = (self.solver.ctx, self.solver.space);
        if self.w.is_empty() {
            precond.apply(self.r.read(), self.z.written(), ctx)?;
        } else {
            let (both, counted) = ((&mut self.z[..], &mut self.w[..]), ctx.counted());
            precond.apply_with_product(self.solver.a, 1, &self.r, both, &counted)?;
            self.solver.products += 1;
            let sweeps = counted.meter().passes().max(1);
            self.r.count_read(self.r.len().saturating_mul(sweeps as usize));
            for of_sweeps in [&self.z, &self.w] {
                let numbers = of_sweeps.len().saturating_mul(sweeps as usize);
                of_sweeps.count_read(numbers);
                of_sweeps.count_written(numbers);
            }
            self.nullspace.project(&mut self.w, space)?;
        }
        self.nullspace.project(&mut self.z, space)?;
        self.rho = space.dot(self.r.read(), self.z.read())?;
        Ok(())
    }

    /// Scales the residual and its companions so that `rᴴ z` and `pᴴ q` are as far from overflow as from underflow;
    /// returns whether that was necessary.
    fn rescale(&mut self) -> Result<bool> {
        let space = self.solver.space;
        let power = |x: &[X]| -> Result<Option<i32>> {
            let norm = space.norm(x)?;
            Ok((norm > X::Real::zero() && norm.is_finite()).then(|| exponent(norm)))
        };
        let z = if self.z.is_empty() { &self.r } else { &self.z };
        let (Some(r), Some(z), Some(p)) = (power(&self.r)?, power(z)?, power(&self.p)?) else {
            return Ok(false);
        };
        let most = exponent(X::Real::max_value()) - 1;
        // A product that overflowed, or underflowed, only shows that it is large, or small.
        let found = self.solver.space.norm(&self.q)?;
        let q = power(&self.q)?.unwrap_or(if found.is_zero() { -most } else { most });
        let by = (-(r + z + p + q) / 4).clamp(-most / 2, most / 2);
        let scale = exponent(self.scale.0) + by;
        if by == 0 || scale.abs() > most {
            return Ok(false);
        }
        let power = |k: i32| X::from_f64(2f64.powi(k)).real();
        let factor = X::from_real(power(by));
        for vector in [&mut self.r, &mut self.p, &mut self.q, &mut self.z] {
            vector.updated().iter_mut().for_each(|x| *x = *x * factor);
        }
        self.scale = (power(scale), power(-scale));
        self.size = self.size * power(by) * power(by);
        if !is_safe(found) {
            self.multiply()?;
        }
        let z = if self.z.is_empty() { &self.r } else { &self.z };
        self.rho = self.solver.space.dot(&self.r, z)?;
        if !is_safe(self.size) {
            self.size = self.rho.abs();
        }
        Ok(true)
    }

    /// Sets `r` and the residual norm from `x` itself, scaled so that squares are safe.
    fn true_residual(&mut self) -> Result<()> {
        let ctx = self.solver.ctx;
        let at_zero =
            self.solver.products == 0 && self.solver.space.is_zero(self.solver.x.read())?;
        if at_zero {
            self.q.written().fill(X::zero());
        } else {
            self.solver.a.apply(self.solver.x.read(), self.q.written(), ctx)?;
            self.solver.products += 1;
        }
        self.r.written().copy_from_slice(self.solver.b);
        axpby(-X::one(), self.q.read(), X::one(), self.r.updated(), ctx)?;
        self.nullspace.project(&mut self.r, self.solver.space)?;
        self.residual = self.solver.space.norm(self.r.read())?;
        let one = X::Real::one();
        self.scale = (one, one);
        if self.residual.is_finite()
            && self.residual > X::Real::zero()
            && !is_safe(self.residual * self.residual)
        {
            let (scale, back) = power_of_two(self.residual);
            self.r.updated().iter_mut().for_each(|x| *x = *x * X::from_real(scale));
            self.scale = (scale, back);
        }
        Ok(())
    }
}
