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

use crate::error::{Error, Result};
use crate::linalg::{LinearOperator, Scalar, axpby, combine, dots, norm};
use crate::solve::run::{Callback, Cycle, Run};
use crate::solve::solved::{Solved, StopReason};
use crate::storage::Context;

/// A cycle: a basis and the triangular system of its coefficients.
struct Arnoldi<X: Scalar> {
    basis: Vec<Vec<X>>,
    /// The preconditioned vectors of the basis, for FGMRES.
    preconditioned: Vec<Vec<X>>,
    /// Columns of the triangular matrix.
    triangle: Vec<Vec<X>>,
    /// Cosines and sines of the rotations.
    rotations: Vec<(X::Real, X)>,
    /// The rotated right-hand side.
    rhs: Vec<X>,
}

pub(super) fn gmres<X: Scalar>(
    run: Run<'_, X>,
    flexible: bool,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    if run.options.restart == 0 {
        return Err(Error::shape("restart", "at least 1", 0));
    }
    run.repeat(&mut |run, r, norm| cycle(run, (r, norm), flexible, callback))
}

fn cycle<X: Scalar>(
    run: &mut Run<'_, X>,
    (r, mut beta): (&mut [X], X::Real),
    flexible: bool,
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (n, ctx) = (r.len(), run.ctx);
    run.checkpoint(&mut [&mut beta], &mut [], &mut [r])?;
    let mut arnoldi = Arnoldi {
        basis: vec![r.iter().map(|&r| r / X::from_real(beta)).collect()],
        preconditioned: Vec::new(),
        triangle: Vec::new(),
        rotations: Vec::new(),
        rhs: vec![X::from_real(beta)],
    };
    let flexible = flexible && run.options.precond.is_some();
    let mut z = vec![X::zero(); n];
    let mut ended = Cycle::Again;
    for j in 0..run.options.restart.min(n) {
        let mut w = vec![X::zero(); n];
        match run.options.precond {
            Some(precond) => {
                precond.apply(&arnoldi.basis[j], &mut z, ctx)?;
                run.multiply(&z, &mut w)?;
            }
            None => run.multiply(&arnoldi.basis[j], &mut w)?,
        }
        if flexible {
            arnoldi.preconditioned.push(z.clone());
        }
        let before = norm(&w, ctx);
        let mut column = arnoldi.orthogonalise(&mut w, ctx)?;
        let length = norm(&w, ctx);
        // What is left of a vector in the span of the basis are rounding errors.
        let is_spanned = length <= X::Real::epsilon() * before;
        let residual =
            arnoldi.rotate(&mut column, if is_spanned { X::Real::zero() } else { length });
        let is_singular = column[j].abs() <= X::Real::epsilon() * before;
        arnoldi.triangle.push(column);
        if is_singular && is_spanned {
            // The last direction adds nothing: leave it out.
            arnoldi.drop_last();
            ended = Cycle::Ended(StopReason::Singular);
            break;
        }
        let precond = run.options.precond;
        // If the preconditioner fails here, the iterate of the last cycle.
        let make = |x: &[X]| {
            let mut made = x.to_vec();
            match arnoldi.add_to(&mut made, precond, ctx) {
                Ok(()) => made,
                Err(_) => x.to_vec(),
            }
        };
        let reason = run.after(residual, Some(&make), callback)?;
        if let Some(reason) = reason {
            ended = Cycle::Ended(reason);
            break;
        }
        if is_spanned {
            break;
        }
        w.iter_mut().for_each(|w| *w = *w / X::from_real(length));
        arnoldi.basis.push(w);
    }
    arnoldi.add_to(&mut run.x, run.options.precond, ctx)?;
    Ok(ended)
}

impl<X: Scalar> Arnoldi<X> {
    /// Subtracts the part of `w` in the span of the basis; returns its coefficients.
    fn orthogonalise(&self, w: &mut [X], ctx: &Context) -> Result<Vec<X>> {
        let mut coefficients = vec![X::zero(); self.basis.len()];
        for _ in 0..2 {
            let found = dots(&self.basis, w, ctx)?;
            let subtracted: Vec<X> = found.iter().map(|&h| -h).collect();
            combine(&subtracted, &self.basis, w, ctx)?;
            coefficients.iter_mut().zip(found).for_each(|(sum, h)| *sum += h);
        }
        Ok(coefficients)
    }

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
        self.triangle.pop();
        self.rotations.pop();
        self.rhs.pop();
    }

    /// Adds the combination of the basis that minimises the residual.
    fn add_to(
        &self,
        x: &mut [X],
        precond: Option<&(dyn LinearOperator<X> + Sync)>,
        ctx: &Context,
    ) -> Result<()> {
        let mut y = self.rhs[..self.triangle.len()].to_vec();
        for j in (0..y.len()).rev() {
            y[j] = y[j] / self.triangle[j][j];
            let (above, rest) = y.split_at_mut(j);
            above.iter_mut().zip(&self.triangle[j]).for_each(|(y, &entry)| *y -= entry * rest[0]);
        }
        let one = X::one();
        match precond {
            None => combine(&y, &self.basis, x, ctx),
            Some(_) if !self.preconditioned.is_empty() => combine(&y, &self.preconditioned, x, ctx),
            Some(precond) => {
                let mut sum = vec![X::zero(); x.len()];
                combine(&y, &self.basis, &mut sum, ctx)?;
                let mut z = vec![X::zero(); x.len()];
                precond.apply(&sum, &mut z, ctx)?;
                axpby(one, &z, one, x, ctx)
            }
        }
    }
}
