//! What all methods share: products that are counted, the residual from `x` itself, the end of an iteration, and the
//! result.

use std::ops::ControlFlow;

use num_traits::{Float, Zero};

use crate::error::{ErrorKind, Result};
use crate::linalg::{Between, LinearOperator, Scalar, axpby};
use crate::solve::cg_vectors::CgVector;
use crate::solve::checkpoint::{AtCheckpoint, Checkpoint, Saved, SolveIdentity, StateToSave, save};
use crate::solve::options::SolveOptions;
use crate::solve::progress::ProgressOf;
use crate::solve::solved::{Current, Iterate, Solved, StopReason};
use crate::solve::space::{Basis, Space};
use crate::solve::vector_memory::VectorMemory;
use crate::storage::{Context, Held, Place, WorkArray};

/// Called after every iteration.
pub(super) type Callback<'c, X> = dyn FnMut(&Iterate<'_, X>) -> ControlFlow<()> + 'c;

/// How a cycle of a method ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cycle {
    /// The next one starts from the residual of `x`.
    Again,
    Ended(StopReason),
}

/// A solve.
pub(super) struct Solver<'r, X: Scalar> {
    pub(super) a: &'r dyn LinearOperator<X>,
    pub(super) b: &'r [X],
    pub(super) options: &'r SolveOptions<'r, X>,
    pub(super) ctx: &'r Context,
    pub(super) space: Space<'r, X>,
    name: &'static str,
    /// The length of `x`, on all ranks.
    pub(super) order: usize,
    /// The iterate.
    pub(super) x: WorkArray<X>,
    pub(super) tolerance: X::Real,
    pub(super) maxiter: usize,
    pub(super) iterations: usize,
    pub(super) products: usize,
    pub(super) history: Vec<X::Real>,
    pub(super) progress: ProgressOf<X::Real>,
    /// An iterate with its residual norm, at most twice the least so far; made when it is needed.
    best: (X::Real, Option<Basis<X>>),
    /// Whether the method keeps it here.
    pub(super) keeps: bool,
    /// Where vectors lie.
    memory: VectorMemory,
    /// A state to continue from, and the iteration at which the last one was saved.
    saved: (Option<Saved<X>>, usize),
    identity: SolveIdentity,
    /// The residual norm of `x`, while iterates are not made of what a cycle found so far.
    pub(super) before_cycle: Option<X::Real>,
    /// Passes before a state was restored, and those that the meter showed then.
    passes: (usize, u64),
    _held: Held,
}

impl<'r, X: Scalar> Solver<'r, X> {
    /// A solve with checked arguments, under a context that counts nothing else, which holds the memory of its vectors.
    pub(super) fn new(
        (a, b): (&'r dyn LinearOperator<X>, &'r [X]),
        options: &'r SolveOptions<'r, X>,
        (name, maxiter, memory): (&'static str, usize, VectorMemory),
        ctx: &'r Context,
    ) -> Result<Self> {
        let n = a.shape().1;
        ctx.check_memory("the vectors of the iteration", memory.memory)?;
        let identity = SolveIdentity::new(name, a.shape(), b);
        let space = Space::new(options.ranks, ctx);
        let saved = match options.checkpoint {
            Some(Checkpoint { path, .. }) => Saved::open(path, identity, space)?,
            None => None,
        };
        let (size, order) = (space.norm(b)?, space.len(n)?);
        let x0 = options.x0.filter(|_| !size.is_zero());
        let place = memory.place_of(CgVector::X);
        let mut x = match place {
            Place::Memory => WorkArray::from(ctx.filled("the iterate", n, X::zero())?),
            _ => WorkArray::new("the iterate", n, &place, ctx)?,
        };
        if let Some(x0) = x0 {
            x.written().copy_from_slice(x0);
        }
        Ok(Solver {
            a,
            b,
            options,
            ctx,
            name,
            x,
            tolerance: (options.rtol * size).max(options.atol),
            maxiter,
            iterations: 0,
            products: 0,
            history: Vec::new(),
            progress: ProgressOf::new(order, X::Real::infinity()),
            space,
            order,
            best: (X::Real::infinity(), None),
            keeps: true,
            saved: (saved, 0),
            identity,
            before_cycle: None,
            passes: (0, 0),
            _held: ctx.hold(memory.memory),
            memory,
        })
    }

    /// A vector of zeros of the length of `x`.
    pub(super) fn zeros(&self) -> Result<Vec<X>> {
        self.ctx.filled("a vector", self.x.len(), X::zero())
    }

    /// A copy of a vector.
    pub(super) fn copy(&self, x: &[X]) -> Result<Vec<X>> {
        self.ctx.collected("a vector", x.iter().copied())
    }

    /// `count` vectors of the length of `x`, where the basis of the method is.
    pub(super) fn basis(&self, count: usize) -> Result<Basis<X>> {
        Basis::new(count, self.x.len(), &self.memory.place(), self.ctx)
    }

    /// A vector of conjugate gradients, of zeros.
    pub(super) fn vector(&self, vector: CgVector) -> Result<WorkArray<X>> {
        WorkArray::new("a vector", self.x.len(), &self.memory.place_of(vector), self.ctx)
    }

    /// Makes the vector of the kept iterate, if there is none.
    fn make_kept(&mut self) -> Result<()> {
        if self.best.1.is_none() {
            self.best.1 = Some(self.basis(1)?);
        }
        Ok(())
    }

    /// `y = A x`.
    pub(super) fn multiply(&mut self, x: &[X], y: &mut [X]) -> Result<()> {
        self.a.apply(x, y, self.ctx)?;
        self.products += 1;
        Ok(())
    }

    /// `y = Aᴴ f(A x)`, in one pass where the operator can.
    pub(super) fn multiply_normal(
        &mut self,
        x: &[X],
        y: &mut [X],
        between: &mut Between<'_, X>,
    ) -> Result<()> {
        self.a.apply_normal_with(1, x, y, between, self.ctx)?;
        self.products += 2;
        Ok(())
    }

    /// `y = Aᴴ x`.
    pub(super) fn multiply_adjoint(&mut self, x: &[X], y: &mut [X]) -> Result<()> {
        self.a.apply_adjoint(x, y, self.ctx)?;
        self.products += 1;
        Ok(())
    }

    /// `z = M r`; a copy without a preconditioner.
    pub(super) fn precondition(&self, r: &[X], z: &mut [X]) -> Result<()> {
        match self.options.precond {
            Some(precond) => precond.apply(r, z, self.ctx),
            None => {
                z.copy_from_slice(r);
                Ok(())
            }
        }
    }

    /// `r = b − A x` and its norm; NaN if `x` is not finite, which a product does not show where a column is empty.
    pub(super) fn residual(&mut self, r: &mut [X]) -> Result<X::Real> {
        if !self.space.is_finite(&self.x)? {
            return Ok(X::Real::nan());
        }
        if self.products == 0 && self.space.is_zero(&self.x)? {
            r.copy_from_slice(self.b);
        } else {
            self.a.apply(&self.x, r, self.ctx)?;
            self.products += 1;
            axpby(X::one(), self.b, -X::one(), r, self.ctx)?;
        }
        self.space.norm(r)
    }

    /// Called after every iteration; returns the reason to stop, if there is one. `x` makes the iterate from that at
    /// the start of the cycle, if that has not been updated.
    pub(super) fn after(
        &mut self,
        residual_norm: X::Real,
        x: Option<&dyn Fn(&[X]) -> Vec<X>>,
        callback: &mut Callback<'_, X>,
    ) -> Result<Option<StopReason>> {
        self.iterations += 1;
        self.history.push(residual_norm);
        let make = || x.map_or_else(Vec::new, |make| make(&self.x));
        let current = match x {
            Some(_) => Current::Made(&make),
            None => Current::Vector(&self.x),
        };
        let state = Iterate { iteration: self.iterations, residual_norm, x: current };
        let stopped = callback(&state).is_break();
        let idle = self.progress.is_idle(self.iterations, residual_norm);
        self.ctx.report(self.name, self.iterations as u64, self.maxiter as u64)?;
        Ok(if !residual_norm.is_finite() {
            Some(StopReason::NotFinite)
        } else if residual_norm <= self.tolerance {
            Some(StopReason::Converged)
        } else if stopped {
            Some(StopReason::Stopped)
        } else if idle {
            Some(StopReason::Stagnated)
        } else if self.iterations >= self.maxiter {
            Some(StopReason::MaxIterations)
        } else {
            None
        })
    }

    /// Called at the same point of every iteration with the whole state of the method: saves it if that is due; the first
    /// time, in a solve that continues, it is replaced by the saved one.
    pub(super) fn checkpoint(
        &mut self,
        reals: &mut [&mut X::Real],
        scalars: &mut [&mut X],
        vectors: &mut [&mut [X]],
    ) -> Result<AtCheckpoint> {
        let Some(Checkpoint { path, every }) = self.options.checkpoint else {
            return Ok(AtCheckpoint::Nothing);
        };
        let passes = self.passes();
        let saved = self.saved.0.take();
        if saved.is_none() && self.iterations < self.saved.1.saturating_add(every) {
            return Ok(AtCheckpoint::Nothing);
        }
        if self.keeps {
            self.make_kept()?;
        }
        let last = &mut self.saved.1;
        let mut numbers: Vec<X> = self
            .progress
            .to_numbers(self.iterations)
            .into_iter()
            .chain([self.best.0])
            .chain(reals.iter().map(|real| **real))
            .map(X::from_real)
            .chain(scalars.iter().map(|scalar| **scalar))
            .collect();
        let mut all: Vec<&mut [X]> = vec![&mut self.x];
        all.extend(self.best.1.iter_mut().flat_map(Basis::all_mut));
        all.extend(vectors.iter_mut().map(|vector| &mut **vector));
        let Some(saved) = saved else {
            *last = self.iterations;
            let state = StateToSave {
                iterations: self.iterations,
                products: self.products,
                passes,
                numbers,
                history: self.history.iter().map(|&norm| X::from_real(norm)).collect(),
                vectors: all.into_iter().map(|vector| &*vector).collect(),
            };
            save(path, self.identity, &state, self.ctx)?;
            return Ok(AtCheckpoint::Saved);
        };
        let history = saved
            .restore(&mut numbers.iter_mut().collect::<Vec<_>>(), &mut all)
            .map_err(|error| error.in_file(path))?;
        (self.iterations, self.products) = (saved.iterations, saved.products);
        self.passes = (saved.passes, self.ctx.meter().passes());
        *last = self.iterations;
        self.history = history.into_iter().map(Scalar::real).collect();
        let (of_reals, of_scalars) = numbers[5..].split_at(reals.len());
        let progress = [0, 1, 2, 3].map(|k| numbers[k].real());
        self.progress.restore(progress, self.iterations);
        self.best.0 = numbers[4].real();
        reals.iter_mut().zip(of_reals).for_each(|(to, from)| **to = from.real());
        scalars.iter_mut().zip(of_scalars).for_each(|(to, from)| **to = *from);
        Ok(AtCheckpoint::Restored)
    }

    /// Keeps the iterate if its residual is less than half of that of the kept one.
    pub(super) fn keep(&mut self, residual: X::Real) -> Result<()> {
        if residual < self.best.0 * X::from_f64(0.5).real() {
            self.best.0 = residual;
            self.make_kept()?;
            let kept = self.best.1.iter_mut();
            kept.for_each(|kept| kept.vector_mut(0).copy_from_slice(&self.x));
        }
        Ok(())
    }

    /// Exchanges the iterate and the kept one.
    fn swap(&mut self) {
        if let Some(kept) = &mut self.best.1 {
            self.x.swap_with_slice(kept.vector_mut(0));
        }
    }

    /// Repeats `cycle`, which is given the residual and its norm, until there is a reason to stop: convergence is
    /// accepted if the residual of `x` itself confirms it.
    pub(super) fn repeat(
        mut self,
        cycle: &mut dyn FnMut(&mut Self, &mut [X], X::Real) -> Result<Cycle>,
    ) -> Result<Solved<X>> {
        let mut residual = X::Real::nan();
        let reason = match self.cycles(&mut residual, cycle) {
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                let last = self.history.last().copied().unwrap_or(X::Real::nan());
                residual = self.before_cycle.unwrap_or(last);
                StopReason::Cancelled
            }
            reason => reason?,
        };
        self.solved(reason, residual)
    }

    fn cycles(
        &mut self,
        residual: &mut X::Real,
        cycle: &mut dyn FnMut(&mut Self, &mut [X], X::Real) -> Result<Cycle>,
    ) -> Result<StopReason> {
        let mut r = self.ctx.filled("the residual", self.b.len(), X::zero())?;
        *residual = self.residual(&mut r)?;
        self.history.push(*residual);
        self.progress = ProgressOf::new(self.order, *residual);
        let mut ended = Cycle::Again;
        loop {
            if !residual.is_finite() {
                self.choose_best(residual, &mut r)?;
                return Ok(StopReason::NotFinite);
            }
            if *residual <= self.tolerance {
                return Ok(StopReason::Converged);
            }
            match ended {
                Cycle::Ended(StopReason::Converged) if self.progress.is_stuck(*residual) => {
                    self.choose_best(residual, &mut r)?;
                    return Ok(StopReason::Stagnated);
                }
                Cycle::Again | Cycle::Ended(StopReason::Converged) => {}
                Cycle::Ended(reason) => {
                    // Who stops the iteration wants what was last seen.
                    if reason != StopReason::Stopped {
                        self.choose_best(residual, &mut r)?;
                    }
                    return Ok(reason);
                }
            }
            if self.iterations >= self.maxiter {
                self.choose_best(residual, &mut r)?;
                return Ok(StopReason::MaxIterations);
            }
            self.keep(*residual)?;
            ended = cycle(self, &mut r, *residual)?;
            *residual = self.residual(&mut r)?;
        }
    }

    /// Chooses the iterate, or the kept one if that is better, by the residual of each itself.
    fn choose_best(&mut self, residual: &mut X::Real, r: &mut [X]) -> Result<()> {
        if self.best.0.is_infinite() || (residual.is_finite() && *residual <= self.best.0) {
            return Ok(());
        }
        self.swap();
        let kept = self.residual(r)?;
        if kept.is_finite() && (!residual.is_finite() || kept < *residual) {
            *residual = kept;
        } else {
            self.swap();
        }
        Ok(())
    }

    /// Passes so far.
    fn passes(&self) -> usize {
        let (before, shown) = self.passes;
        before + usize::try_from(self.ctx.meter().passes() - shown).unwrap_or(usize::MAX)
    }

    /// The result; `residual` is the norm of the residual of `x`, which is in memory from now on.
    pub(super) fn solved(self, reason: StopReason, residual: X::Real) -> Result<Solved<X>> {
        let passes = self.passes();
        let holds = residual.is_finite() && residual <= self.tolerance;
        Ok(Solved {
            converged: (holds || reason == StopReason::LeastSquares)
                && reason != StopReason::Cancelled,
            x: self.x.into_vec("the result", self.ctx)?,
            reason,
            iterations: self.iterations,
            residual_norm: residual,
            history: self.history,
            products: self.products,
            passes,
            bytes_read: self.ctx.meter().bytes_read(),
            seconds_waiting: self.ctx.meter().seconds_waiting(),
        })
    }
}
