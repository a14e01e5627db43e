//! How the values of a matrix are distributed: their extremes, and how many fall between given edges.

use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::{Stored, f64s, magnitudes};
use crate::storage::Context;

/// The least and the largest value that is a number; `None` if there is none.
pub(crate) fn extremes(values: Stored<'_>, ctx: &Context) -> Result<Option<(f64, f64)>> {
    let decode = f64s(values.dtype())?;
    let wider =
        |(low, high): (f64, f64), (least, most): (f64, f64)| (low.min(least), high.max(most));
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut all, mut numbers) = (none, 0);
    let of_run = |run: &[f64]| {
        let of = run.iter().copied().filter(|x| !x.is_nan());
        of.fold((none, 0u64), |(found, count), x| (wider(found, (x, x)), count + 1))
    };
    values.each_run(("extremes", decode), ctx, (none, 0), &of_run, &mut |(found, count)| {
        all = wider(all, found);
        numbers += count;
    })?;
    Ok((numbers > 0).then_some(all))
}

/// The number of values from each edge up to the next, the last interval with its end.
pub(crate) fn histogram(values: Stored<'_>, edges: &[f64], ctx: &Context) -> Result<Vec<u64>> {
    if edges.len() < 2 || !edges.is_sorted_by(|a, b| a < b) {
        return Err(Error::new(ErrorKind::Format, "the histogram edges are invalid")
            .expected("at least two numbers, each larger than the one before"));
    }
    let decode = f64s(values.dtype())?;
    let (bins, last) = (edges.len() - 1, edges[edges.len() - 1]);
    let mut counts = vec![0u64; bins];
    let of_run = |run: &[f64]| {
        let mut counts = vec![0u32; bins];
        for &x in run {
            // NaN is not below any edge.
            let below = edges.partition_point(|edge| *edge <= x);
            match below {
                0 => {}
                _ if x == last => counts[bins - 1] += 1,
                k if k <= bins => counts[k - 1] += 1,
                _ => {}
            }
        }
        counts
    };
    values.each_run(("histogram", decode), ctx, Vec::new(), &of_run, &mut |run: Vec<u32>| {
        counts.iter_mut().zip(run).for_each(|(sum, count)| *sum += u64::from(count));
    })?;
    Ok(counts)
}

/// The position of the first value whose magnitude is more than `bound`, or NaN.
pub(crate) fn first_above(values: Stored<'_>, bound: f64, ctx: &Context) -> Result<Option<usize>> {
    let decode = magnitudes(values.dtype())?;
    let (mut first, mut start) = (None, 0);
    let is_above = |x: &f64| x.is_nan() || x.abs() > bound;
    let of_run = |run: &[f64]| (run.iter().position(is_above), run.len());
    values.each_run(("comparing", decode), ctx, (None, 0), &of_run, &mut |(found, count)| {
        first = first.or(found.map(|k| start + k));
        start += count;
    })?;
    Ok(first)
}
