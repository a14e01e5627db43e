//! IDR(s): induced dimension reduction, for any square operator, in constant memory; preconditioned from the right.
//!
//! Source: van Gijzen and Sonneveld, "Algorithm 913: an elegant IDR(s) variant that efficiently exploits biorthogonality
//! properties" (2011). `s` shadow vectors make `s + 1` products reduce the space of residuals by `s` dimensions.

use num_traits::{Float, One, Zero};

use crate::error::{Error, Result};
use crate::linalg::{Scalar, axpby, combine, divide};
use crate::solve::solved::{Solved, StopReason};
use crate::solve::solver::{Callback, Cycle, Solver};
use crate::solve::space::{Basis, Space};

/// The least cosine of the angle between `A r` and `r` for which `ω` minimises the residual; below it, `ω` is longer
/// (Sleijpen and van der Vorst).
const ANGLE: f64 = 0.7;

/// The vectors of a solve: `s` of each.
struct IdrsBases<X: Scalar> {
    shadow: Basis<X>,
    g: Basis<X>,
    u: Basis<X>,
}

pub(super) fn idrs<X: Scalar>(
    solver: Solver<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    if solver.options.shadow == 0 {
        return Err(Error::shape("shadow", "at least 1", 0));
    }
    let s = solver.options.shadow.min(solver.order);
    let mut bases =
        IdrsBases { shadow: solver.basis(s)?, g: solver.basis(s)?, u: solver.basis(s)? };
    fill(&mut bases.shadow, s, solver.space)?;
    solver.repeat(&mut |solver, r, _| cycle(solver, r, (&mut bases, s), callback))
}

fn cycle<X: Scalar>(
    solver: &mut Solver<'_, X>,
    r: &mut [X],
    (bases, s): (&mut IdrsBases<X>, usize),
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (ctx, space, one) = (solver.ctx, solver.space, X::one());
    let IdrsBases { shadow, g, u } = bases;
    g.all_mut().chain(u.all_mut()).for_each(|vector| vector.fill(X::zero()));
    let (mut v, mut t, mut made) = (solver.zeros()?, solver.zeros()?, solver.zeros()?);
    // Columns of the matrix of shadow vectors times g.
    let mut m: Vec<Vec<X>> =
        (0..s).map(|k| (0..s).map(|i| if i == k { one } else { X::zero() }).collect()).collect();
    let mut omega = one;
    // Rounds of this cycle.
    let mut done = X::Real::zero();
    let broken = |done: X::Real| match done > X::Real::zero() {
        true => Cycle::Again,
        false => Cycle::Ended(StopReason::Breakdown),
    };
    loop {
        let mut scalars: Vec<&mut X> = m.iter_mut().flatten().collect();
        scalars.push(&mut omega);
        let mut vectors: Vec<&mut [X]> = g.all_mut().chain(u.all_mut()).collect();
        vectors.push(r);
        solver.checkpoint(&mut [&mut done], &mut scalars, &mut vectors)?;
        let mut f = space.dots(&shadow.vectors(0..s), r)?;
        shadow.count_read(s);
        for k in 0..s {
            let c = solve_lower(&m, &f, k);
            v.copy_from_slice(r);
            let minus: Vec<X> = c.iter().map(|&c| -c).collect();
            combine(&minus, &g.vectors(k..s), &mut v, ctx)?;
            solver.precondition(&v, &mut t)?;
            made.fill(X::zero());
            combine(&c, &u.vectors(k..s), &mut made, ctx)?;
            axpby(omega, &t, one, &mut made, ctx)?;
            u.vector_mut(k).copy_from_slice(&made);
            let (before, rest) = g.split(k);
            solver.multiply(u.vector(k), rest)?;
            for (i, g_before) in before.into_iter().enumerate() {
                let alpha = space.dot(shadow.vector(i), rest)? / m[i][i];
                axpby(-alpha, g_before, one, rest, ctx)?;
                let (u_before, u_rest) = u.split(k);
                axpby(-alpha, u_before[i], one, u_rest, ctx)?;
            }
            let column = space.dots(&shadow.vectors(k..s), rest)?;
            let size = space.norm(rest)?;
            g.count_read(s + 1);
            u.count_read(s + 1);
            shadow.count_read(s);
            m[k][k..].copy_from_slice(&column);
            if column[0].abs() <= X::Real::epsilon() * X::Real::epsilon() * size || size.is_zero() {
                return Ok(broken(done));
            }
            let beta = f[k] / column[0];
            axpby(-beta, g.vector(k), one, r, ctx)?;
            axpby(beta, u.vector(k), one, &mut solver.x, ctx)?;
            if let Some(reason) = solver.after(space.norm(r)?, None, callback)? {
                return Ok(Cycle::Ended(reason));
            }
            f[k + 1..].iter_mut().zip(&column[1..]).for_each(|(f, &m)| *f -= beta * m);
        }
        solver.precondition(r, &mut v)?;
        solver.multiply(&v, &mut t)?;
        let (t_size, r_size) = (space.norm(&t)?, space.norm(r)?);
        if t_size.is_zero() {
            return Ok(Cycle::Ended(StopReason::Singular));
        }
        let along = space.dot(&t, r)?;
        omega = along / X::from_real(t_size * t_size);
        let cosine = (along.abs() / (t_size * r_size)).max(X::Real::epsilon());
        let angle = X::from_f64(ANGLE).real();
        if cosine < angle {
            omega = omega * X::from_real(angle / cosine);
        }
        axpby(omega, &v, one, &mut solver.x, ctx)?;
        axpby(-omega, &t, one, r, ctx)?;
        let size = space.norm(r)?;
        if let Some(reason) = solver.after(size, None, callback)? {
            return Ok(Cycle::Ended(reason));
        }
        solver.keep(size)?;
        if omega.is_zero() {
            return Ok(broken(done));
        }
        done += X::Real::one();
    }
}

/// Solves the lower triangular system of the columns from `k` on.
fn solve_lower<X: Scalar>(m: &[Vec<X>], f: &[X], k: usize) -> Vec<X> {
    let mut c = f[k..].to_vec();
    for j in 0..c.len() {
        c[j] = c[j] / m[k + j][k + j];
        let (solved, rest) = c.split_at_mut(j + 1);
        let column = &m[k + j][k + j + 1..];
        rest.iter_mut().zip(column).for_each(|(c, &m)| *c -= solved[j] * m);
    }
    c
}

/// Makes the vectors orthonormal, the same in every solve.
fn fill<X: Scalar>(vectors: &mut Basis<X>, count: usize, space: Space<'_, X>) -> Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for at in 0..count {
        let (before, vector) = vectors.split(at);
        for x in vector.iter_mut() {
            // xorshift, by Marsaglia.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *x = X::from_f64((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5);
        }
        space.orthogonalize(&before, vector)?;
        let size = space.norm(vector)?;
        divide(vector, size, space.ctx);
        vectors.count_read(4 * at);
    }
    Ok(())
}
