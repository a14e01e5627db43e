//! Products of real entries with complex vectors, computed as products with real ones: no kernel is compiled for such
//! pairs.
//!
//! Several interleaved complex vectors are twice as many interleaved real ones in the same memory. A single one would
//! become two, whose sums have another order than a single vector's, so its parts are separated, and both are
//! multiplied in one pass over the matrix.

use std::ops::Range;

use bytemuck::Pod;
use num_complex::Complex;

use crate::error::Result;
use crate::linalg::algebra::Scalar;
use crate::linalg::kernels::Vectors;
use crate::linalg::product::powers::Between;
use crate::storage::Context;

/// Calls `work` with the real vectors of which complex ones consist, and with the buffers of their products, which
/// become the products of the complex ones.
pub(crate) fn in_parts<R: Scalar + Pod>(
    Vectors { k, x, y }: Vectors<'_, '_, Complex<R>>,
    ctx: &Context,
    work: &mut dyn FnMut(&mut [Vectors<'_, '_, R>]) -> Result<()>,
) -> Result<()>
where
    Complex<R>: Scalar,
{
    if k != 1 {
        let (x, y) = (bytemuck::cast_slice(x), bytemuck::cast_slice_mut(y));
        return work(&mut [Vectors { k: 2 * k, x, y }]);
    }
    let _held = ctx.hold(bytes_apart(k, x, y));
    let zeros = |len: usize| ctx.filled("the parts of a vector", len, R::zero());
    let (mut of_x, mut of_y) =
        ([zeros(x.len())?, zeros(x.len())?], [zeros(y.len())?, zeros(y.len())?]);
    for (k, x) in x.iter().enumerate() {
        (of_x[0][k], of_x[1][k]) = (x.re, x.im);
    }
    let [re, im] = &mut of_y;
    let [x_re, x_im] = &of_x;
    work(&mut [Vectors { k: 1, x: x_re, y: re }, Vectors { k: 1, x: x_im, y: im }])?;
    let parts = re.iter().zip(im.iter());
    y.iter_mut().zip(parts).for_each(|(y, (&re, &im))| *y = Complex::new(re, im));
    Ok(())
}

/// What is done between both products of `Aᴴ f(A X)`, for several blocks of vectors: with those rows of each.
pub(crate) type BetweenEach<'a, X> = dyn FnMut(Range<usize>, &mut [Vec<X>]) + 'a;

/// `between` for one block of vectors.
pub(crate) fn of_one<X>(between: &mut Between<'_, X>) -> impl FnMut(Range<usize>, &mut [Vec<X>]) {
    move |lines, rows| between(lines, &mut rows[0])
}

/// `between` for the parts that [`in_parts`] makes.
pub(crate) fn of_parts<R: Scalar + Pod>(
    between: &mut Between<'_, Complex<R>>,
) -> impl FnMut(Range<usize>, &mut [Vec<R>])
where
    Complex<R>: Scalar,
{
    let mut whole = Vec::new();
    move |lines, rows| match rows {
        [re, im] => {
            whole.clear();
            whole.extend(re.iter().zip(im.iter()).map(|(&re, &im)| Complex::new(re, im)));
            between(lines, &mut whole);
            let parts = re.iter_mut().zip(im);
            parts.zip(&whole).for_each(|((re, im), whole)| (*re, *im) = (whole.re, whole.im));
        }
        _ => between(lines, bytemuck::cast_slice_mut(&mut rows[0])),
    }
}

/// Memory for the separated parts of a vector and of its product.
pub(crate) fn bytes_apart<X: Scalar>(k: usize, x: &[X], y: &[X]) -> u64 {
    if k == 1 { (size_of_val(x) + size_of_val(y)) as u64 } else { 0 }
}
