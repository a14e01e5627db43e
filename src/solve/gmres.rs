//! GMRES and FGMRES, for any square operator, preconditioned from the right: the residual that is minimised is that of
//! the system itself.
//!
//! Source: Saad and Schultz, "GMRES: a generalized minimal residual algorithm" (1986); Saad, "Iterative methods for
//! sparse linear systems", algorithms 6.9 and 9.6. The basis is orthogonalised by two passes of classical
//! Gram–Schmidt, which read it four times for each new vector, whatever their number.
//!
//! ```text
//! v₁ = r / β
//! w = A M vⱼ;  h = Vᴴ w;  w −= V h, twice;  vⱼ₊₁ = w / ‖w‖      Arnoldi
//! rotations make the Hessenberg matrix triangular;  x += M V y    (FGMRES: Z y, with zⱼ = Mⱼ vⱼ)
//! ```

use num_traits::{Float, One, Zero};

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::{LinearOperator, Scalar, axpby, combine, divide};
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};
use crate::solve::space::Basis;
use crate::storage::Context;

/// The vectors of a cycle.
struct GmresBases<X: Scalar> {
    arnoldi: Basis<X>,
    /// The preconditioned vectors of the basis, for FGMRES.
    preconditioned: Basis<X>,
    flexible: bool,
}

/// The triangular system of the coefficients of a basis.
struct HessenbergFactor<X: Scalar> {
    /// Columns of the triangular matrix.
    columns: Vec<Vec<X>>,
    /// Cosines and sines of the rotations.
    rotations: Vec<(X::Real, X)>,
    /// The rotated right-hand side.
    rhs: Vec<X>,
}

pub(super) fn gmres<X: Scalar>(
    solver: Solver<'_, X>,
    flexible: bool,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    if solver.options.restart == 0 {
        return Err(Error::shape("restart", "at least 1", 0));
    }
    let restart = solver.options.restart.min(solver.order);
    let flexible = flexible && solver.options.precond.is_some();
    let mut bases = GmresBases {
        arnoldi: solver.basis(restart + 1)?,
        preconditioned: solver.basis(if flexible { restart } else { 0 })?,
        flexible,
    };
    solver.repeat(&mut |solver, r, norm| cycle(solver, (r, norm), (&mut bases, restart), callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    (r, mut beta): (&mut [X], X::Real),
    (bases, restart): (&mut GmresBases<X>, usize),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let ctx = solver.ctx;
    solver.checkpoint(&mut [&mut beta], &mut [], &mut [r])?;
    let first = bases.arnoldi.vector_mut(0);
    first.iter_mut().zip(r.iter()).for_each(|(v, &r)| *v = r / X::from_real(beta));
    let mut triangle = HessenbergFactor {
        columns: Vec::new(),
        rotations: Vec::new(),
        rhs: vec![X::from_real(beta)],
    };
    let precond = solver.options.precond;
    let mut z = if precond.is_some() && !bases.flexible { solver.zeros()? } else { Vec::new() };
    solver.before_cycle = Some(beta);
    let ended = steps(solver, bases, (&mut triangle, &mut z), restart, callback);
    let is_cancelled = |error: &Error| error.kind() == ErrorKind::Cancelled;
    if ended.as_ref().err().is_none_or(is_cancelled) {
        // What was found before a cancellation belongs to the answer; a preconditioner may refuse then.
        let added = triangle.add_to(&mut solver.x, bases, precond, ctx);
        if added.is_ok() {
            solver.before_cycle = None;
        }
        return ended.and_then(|ended| added.map(|()| ended));
    }
    ended
}

/// The iterations of a cycle.
fn steps<X: Scalar>(
    solver: &mut Solver<'_, X>,
    bases: &mut GmresBases<X>,
    (triangle, z): (&mut HessenbergFactor<X>, &mut [X]),
    restart: usize,
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, space, precond) = (solver.ctx, solver.space, solver.options.precond);
    let mut ended = Cycle::Again;
    for j in 0..restart {
        // V and w of the pseudocode above.
        let (v, w) = bases.arnoldi.split(j + 1);
        match precond {
            Some(precond) => {
                let z = if bases.flexible { bases.preconditioned.vector_mut(j) } else { &mut *z };
                precond.apply(v[j], z, ctx)?;
                solver.multiply(z, w)?;
            }
            None => solver.multiply(v[j], w)?,
        }
        let before = space.norm(w)?;
        let mut column = space.orthogonalize(&v, w)?;
        let length = space.norm(w)?;
        // What is left of a vector in the span of the basis are rounding errors.
        let is_spanned = length <= X::Real::epsilon() * before;
        if !is_spanned {
            divide(w, length, ctx);
        }
        // Twice each for the products and the combinations, and once for the product with the operator.
        bases.arnoldi.count_read(4 * (j + 1) + 1);
        let residual =
            triangle.rotate(&mut column, if is_spanned { X::Real::zero() } else { length });
        let is_singular = column[j].abs() <= X::Real::epsilon() * before;
        triangle.columns.push(column);
        if is_singular && is_spanned {
            // The last direction adds nothing: leave it out.
            triangle.drop_last();
            ended = Cycle::Ended(StopReason::Singular);
            break;
        }
        // If the preconditioner fails here, the iterate of the last cycle.
        let make = |x: &[X]| {
            let mut made = x.to_vec();
            match triangle.add_to(&mut made, bases, precond, ctx) {
                Ok(()) => made,
                Err(_) => x.to_vec(),
            }
        };
        let reason = solver.after(residual, Some(&make), callback)?;
        if let Some(reason) = reason {
            ended = Cycle::Ended(reason);
            break;
        }
        if is_spanned {
            break;
        }
    }
    Ok(ended)
}

impl<X: Scalar> HessenbergFactor<X> {
    /// Rotates a column of the Hessenberg matrix, whose entry below the diagonal is `below`, and the right-hand side;
    /// returns the norm of the residual.
    fn rotate(&mut self, column: &mut [X], below: X::Real) -> X::Real {
        let last = column.len() - 1;
        for (k, &(c, s)) in self.rotations.iter().enumerate() {
            let (upper, lower) = (column[k], column[k + 1]);
            column[k] = upper * X::from_real(c) + s.conj() * lower;
            column[k + 1] = lower * X::from_real(c) - s * upper;
        }
        let size = column[last].abs().hypot(below);
        // The phase of the diagonal entry is kept, so that the cosine is real.
        let (c, s) = match size.is_zero() || column[last].is_zero() {
            true if size.is_zero() => (X::Real::one(), X::zero()),
            true => (X::Real::zero(), X::one()),
            false => {
                let phase = column[last] / X::from_real(column[last].abs());
                (column[last].abs() / size, phase.conj() * X::from_real(below / size))
            }
        };
        column[last] = column[last] * X::from_real(c) + s.conj() * X::from_real(below);
        let rhs = self.rhs[last];
        self.rhs[last] = rhs * X::from_real(c);
        self.rhs.push(-s * rhs);
        self.rotations.push((c, s));
        self.rhs[last + 1].abs()
    }

    fn drop_last(&mut self) {
        self.columns.pop();
        self.rotations.pop();
        self.rhs.pop();
    }

    /// Adds the combination of the basis that minimises the residual.
    fn add_to(
        &self,
        x: &mut [X],
        bases: &GmresBases<X>,
        precond: Option<&(dyn LinearOperator<X> + Sync)>,
        ctx: &Context,
    ) -> Result<()> {
        let count = self.columns.len();
        let mut y = self.rhs[..count].to_vec();
        for j in (0..count).rev() {
            y[j] = y[j] / self.columns[j][j];
            let (above, rest) = y.split_at_mut(j);
            above.iter_mut().zip(&self.columns[j]).for_each(|(y, &entry)| *y -= entry * rest[0]);
        }
        let basis = if bases.flexible { &bases.preconditioned } else { &bases.arnoldi };
        let vectors = basis.vectors(0..count);
        basis.count_read(count);
        match precond {
            Some(precond) if !bases.flexible => {
                let mut sum = ctx.filled("a vector", x.len(), X::zero())?;
                combine(&y, &vectors, &mut sum, ctx)?;
                let mut z = ctx.filled("a vector", x.len(), X::zero())?;
                precond.apply(&sum, &mut z, ctx)?;
                axpby(X::one(), &z, X::one(), x, ctx)
            }
            _ => combine(&y, &vectors, x, ctx),
        }
    }
}
