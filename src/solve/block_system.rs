//! Several systems with one operator: scaled where squares overflow, with the stop test and the residual of each.

use num_traits::{Float, One, Zero};

use crate::error::Result;
use crate::linalg::{LinearOperator, Scalar, is_finite};
use crate::solve::nullspace::NullSpace;
use crate::solve::options::SolveOptions;
use crate::solve::solved::StopReason;
use crate::solve::space::Space;
use crate::storage::Context;

/// The power of two by which a system is scaled down if the norm of its right-hand side overflows.
pub(super) const SMALLER: i32 = 64;

/// `k` systems. Blocks of vectors, norms and tolerances are scaled, unless it says otherwise.
pub(super) struct BlockSystem<'r, X: Scalar> {
    pub(super) a: &'r dyn LinearOperator<X>,
    b: &'r [X],
    pub(super) k: usize,
    pub(super) options: &'r SolveOptions<'r, X>,
    pub(super) ctx: &'r Context,
    pub(super) space: Space<'r, X>,
    pub(super) nullspace: NullSpace<X>,
    /// What each right-hand side is multiplied by, a power of two: less than 1 if its norm overflows.
    pub(super) scales: Vec<X::Real>,
    /// The norm of each right-hand side.
    pub(super) sizes: Vec<X::Real>,
    pub(super) tolerances: Vec<X::Real>,
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
pub(super) fn apply<X: Scalar>(
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

impl<'r, X: Scalar> BlockSystem<'r, X> {
    /// Systems with checked arguments; `buffer` has the size of a block.
    pub(super) fn new(
        (a, k, b): (&'r dyn LinearOperator<X>, usize, &'r [X]),
        options: &'r SolveOptions<'r, X>,
        buffer: &mut [X],
        ctx: &'r Context,
    ) -> Result<Self> {
        let space = Space::new(options.ranks, ctx);
        let one = X::Real::one();
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
        let nullspace = NullSpace::spanned_by(options.nullspace, a.shape().1, space)?;
        let mut tolerances: Vec<X::Real> = Vec::with_capacity(k);
        if nullspace.is_empty() {
            let tolerance = |(&size, &scale)| (options.rtol * size).max(options.atol * scale);
            tolerances.extend(sizes.iter().zip(&scales).map(tolerance));
        } else {
            // The stop test is that of the projected systems.
            buffer.iter_mut().zip(scaled(k, b, &scales)).for_each(|(to, b)| *to = b);
            nullspace.remove_from_block(k, buffer, space)?;
            let within = space.block_norms((k, buffer))?;
            for ((&size, &whole), &scale) in within.iter().zip(&sizes).zip(&scales) {
                let options = SolveOptions { atol: options.atol * scale, ..*options };
                tolerances.push(options.tolerance_within(size, whole));
            }
        }
        Ok(BlockSystem { a, b, k, options, ctx, space, nullspace, scales, sizes, tolerances })
    }

    /// The solutions to start from.
    pub(super) fn guess(&self) -> Result<Vec<X>> {
        let k = self.k;
        let mut x = self.ctx.filled("the solutions", self.a.shape().1 * k, X::zero())?;
        if let Some(x0) = self.options.x0 {
            // The solution of zeros is zero, whatever the guess.
            x.iter_mut().zip(scaled(k, x0, &self.scales)).for_each(|(to, x0)| *to = x0);
            for (j, _) in self.sizes.iter().enumerate().filter(|(_, size)| size.is_zero()) {
                x.iter_mut().skip(j).step_by(k).for_each(|x| *x = X::zero());
            }
        }
        Ok(x)
    }

    /// Sets `r` to the residuals of `x`, of zeros without a product if `at_zero`; returns their norms.
    pub(super) fn residuals(&self, x: &[X], at_zero: bool, r: &mut [X]) -> Result<Vec<X::Real>> {
        let k = self.k;
        match at_zero {
            true => r.fill(X::zero()),
            false => apply(self.a, k, x, r, self.ctx)?,
        }
        let b = scaled(k, self.b, &self.scales);
        r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
        self.nullspace.remove_from_block(k, r, self.space)?;
        let norms = self.space.block_norms((k, r))?;
        Ok(match self.space.is_finite(x)? {
            true => norms,
            false => vec![X::Real::nan(); k],
        })
    }

    /// The reason to stop that these norms of the residuals are.
    pub(super) fn ended(&self, norms: &[X::Real]) -> Option<StopReason> {
        if norms.iter().any(|norm| !norm.is_finite()) {
            return Some(StopReason::NotFinite);
        }
        (0..self.k).all(|j| norms[j] <= self.tolerances[j]).then_some(StopReason::Converged)
    }

    /// The largest residual, relative to the right-hand side, of a system that has not converged.
    pub(super) fn worst(&self, norms: &[X::Real]) -> X::Real {
        let open = (0..self.k).filter(|&j| norms[j] > self.tolerances[j]);
        let relative = open.map(|j| match self.sizes[j] > X::Real::zero() {
            true => norms[j] / self.sizes[j],
            false => norms[j],
        });
        relative.fold(X::Real::zero(), X::Real::max)
    }

    /// Norms as those of the systems of the caller.
    pub(super) fn unscaled(&self, norms: &[X::Real]) -> Vec<X::Real> {
        norms.iter().zip(&self.scales).map(|(&norm, &scale)| norm / scale).collect()
    }

    /// Makes the solutions those of the systems of the caller; a reason says so where one overflows.
    pub(super) fn unscale(&self, x: &mut [X], reasons: &mut [StopReason]) {
        for (j, &scale) in self.scales.iter().enumerate().filter(|(_, scale)| !scale.is_one()) {
            let mut finite = true;
            for x in x.iter_mut().skip(j).step_by(self.k) {
                *x = *x / X::from_real(scale);
                finite &= is_finite(*x);
            }
            if !finite {
                reasons[j] = StopReason::NotFinite;
            }
        }
    }
}
