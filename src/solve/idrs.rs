//! IDR(s): induced dimension reduction, for any square operator, in constant memory; preconditioned from the right.
//!
//! Source: van Gijzen and Sonneveld, "Algorithm 913: an elegant IDR(s) variant that efficiently exploits biorthogonality
//! properties" (2011). `s` shadow vectors make `s + 1` products reduce the space of residuals by `s` dimensions.

use num_traits::{Float, One, Zero};

use crate::error::{Error, Result};
use crate::linalg::{Scalar, axpby, combine, dot, dots, norm};
use crate::solve::run::{Callback, Cycle, Run};
use crate::solve::solved::{Solved, StopReason};
use crate::storage::Context;

/// The least cosine of the angle between `A r` and `r` for which `ω` minimises the residual; below it, `ω` is longer
/// (Sleijpen and van der Vorst).
const ANGLE: f64 = 0.7;

pub(super) fn idrs<X: Scalar>(
    run: Run<'_, X>,
    callback: &mut Callback<'_, X>,
) -> Result<Solved<X>> {
    if run.options.shadow == 0 {
        return Err(Error::shape("shadow", "at least 1", 0));
    }
    let shadow = shadow_vectors(run.options.shadow.min(run.x.len()), run.x.len(), run.ctx)?;
    run.repeat(&mut |run, r, _| cycle(run, r, &shadow, callback))
}

fn cycle<X: Scalar>(
    run: &mut Run<'_, X>,
    r: &mut [X],
    shadow: &[Vec<X>],
    callback: &mut Callback<'_, X>,
) -> Result<Cycle> {
    let (n, ctx, one, s) = (r.len(), run.ctx, X::one(), shadow.len());
    let zeros = || vec![X::zero(); n];
    let mut g: Vec<Vec<X>> = (0..s).map(|_| zeros()).collect();
    let mut u: Vec<Vec<X>> = (0..s).map(|_| zeros()).collect();
    let (mut v, mut t, mut made) = (zeros(), zeros(), zeros());
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
        let mut vectors: Vec<&mut [X]> = g.iter_mut().chain(&mut u).map(|v| &mut v[..]).collect();
        vectors.push(r);
        run.checkpoint(&mut [&mut done], &mut scalars, &mut vectors)?;
        let mut f = dots(shadow, r, ctx)?;
        for k in 0..s {
            let c = solve_lower(&m, &f, k);
            v.copy_from_slice(r);
            combine(&c.iter().map(|&c| -c).collect::<Vec<X>>(), &g[k..], &mut v, ctx)?;
            run.precondition(&v, &mut t)?;
            made.fill(X::zero());
            combine(&c, &u[k..], &mut made, ctx)?;
            axpby(omega, &t, one, &mut made, ctx)?;
            std::mem::swap(&mut u[k], &mut made);
            let (before, rest) = g.split_at_mut(k);
            run.multiply(&u[k], &mut rest[0])?;
            for (i, g_before) in before.iter().enumerate() {
                let alpha = dot(&shadow[i], &rest[0], ctx)? / m[i][i];
                axpby(-alpha, g_before, one, &mut rest[0], ctx)?;
                let (u_before, u_rest) = u.split_at_mut(k);
                axpby(-alpha, &u_before[i], one, &mut u_rest[0], ctx)?;
            }
            let column = dots(&shadow[k..], &rest[0], ctx)?;
            m[k][k..].copy_from_slice(&column);
            let size = norm(&rest[0], ctx);
            if column[0].abs() <= X::Real::epsilon() * X::Real::epsilon() * size || size.is_zero() {
                return Ok(broken(done));
            }
            let beta = f[k] / column[0];
            axpby(-beta, &rest[0], one, r, ctx)?;
            axpby(beta, &u[k], one, &mut run.x, ctx)?;
            if let Some(reason) = run.after(norm(r, ctx), None, callback)? {
                return Ok(Cycle::Ended(reason));
            }
            f[k + 1..].iter_mut().zip(&column[1..]).for_each(|(f, &m)| *f -= beta * m);
        }
        run.precondition(r, &mut v)?;
        run.multiply(&v, &mut t)?;
        let (t_size, r_size) = (norm(&t, ctx), norm(r, ctx));
        if t_size.is_zero() {
            return Ok(Cycle::Ended(StopReason::Singular));
        }
        let along = dot(&t, r, ctx)?;
        omega = along / X::from_real(t_size * t_size);
        let cosine = (along.abs() / (t_size * r_size)).max(X::Real::epsilon());
        let angle = X::from_f64(ANGLE).real();
        if cosine < angle {
            omega = omega * X::from_real(angle / cosine);
        }
        axpby(omega, &v, one, &mut run.x, ctx)?;
        axpby(-omega, &t, one, r, ctx)?;
        let size = norm(r, ctx);
        if let Some(reason) = run.after(size, None, callback)? {
            return Ok(Cycle::Ended(reason));
        }
        run.keep(size);
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

/// Orthonormal vectors, the same in every solve.
fn shadow_vectors<X: Scalar>(count: usize, n: usize, ctx: &Context) -> Result<Vec<Vec<X>>> {
    let mut vectors: Vec<Vec<X>> = Vec::with_capacity(count);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..count {
        let number = |_| {
            // xorshift, by Marsaglia.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            X::from_f64((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5)
        };
        let mut vector: Vec<X> = (0..n).map(number).collect();
        for _ in 0..2 {
            let parts: Vec<X> =
                dots(&vectors, &vector, ctx)?.into_iter().map(|part| -part).collect();
            combine(&parts, &vectors, &mut vector, ctx)?;
        }
        let size = norm(&vector, ctx);
        if size > X::Real::zero() {
            vector.iter_mut().for_each(|x| *x = *x / X::from_real(size));
        }
        vectors.push(vector);
    }
    Ok(vectors)
}
