//! The positions of the largest and the smallest element of a dense matrix.

use std::ops::Range;

use crate::dense::{AnyDense, Dense, DensePanel, DensePanels};
use crate::error::{Error, Result};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Element, Order};

/// Elements that are compared together.
const BLOCK: usize = 1 << 14;

impl<T: Element + PartialOrd> Dense<T> {
    /// Row and column of the largest element, the first in row-major order if there are several; of the first NaN
    /// if there is one, as in NumPy.
    ///
    /// Fails if there are no elements. Cost: one pass over the matrix; memory: panels of a file larger than the limit.
    ///
    /// ```
    /// use outcore::{Context, Dense};
    /// let a = Dense::from(ndarray::arr2(&[[1.0, 5.0], [5.0, -7.0]]));
    /// assert_eq!(a.argmax(&Context::new())?, (0, 1));
    /// assert_eq!(a.argmin(&Context::new())?, (1, 1));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn argmax(&self, ctx: &Context) -> Result<(usize, usize)> {
        self.arg_best(ctx, |new, best| new > best)
    }

    /// Row and column of the smallest element, otherwise as [`argmax`](Self::argmax).
    pub fn argmin(&self, ctx: &Context) -> Result<(usize, usize)> {
        self.arg_best(ctx, |new, best| new < best)
    }

    fn arg_best(
        &self,
        ctx: &Context,
        is_better: impl Fn(&T, &T) -> bool,
    ) -> Result<(usize, usize)> {
        let is_number = |x: &T| x.partial_cmp(x).is_some();
        let mut best: Option<((usize, usize), T)> = None;
        let mut compare = |elements: Raw<'_>, at: &dyn Fn(usize) -> (usize, usize)| {
            for (k, x) in elements.as_typed::<T>().iter().enumerate() {
                let takes = match &best {
                    None => true,
                    Some((_, found)) if !is_number(found) => {
                        !is_number(x) && at(k) < best_at(&best)
                    }
                    Some((_, found)) => {
                        is_better(x, found)
                            || !is_number(x)
                            || (x == found && at(k) < best_at(&best))
                    }
                };
                if takes {
                    best = Some((at(k), *x));
                }
            }
        };
        each_block(&self.to_any(), ctx, &mut compare)?;
        best.map(|(at, _)| at).ok_or_else(|| Error::shape("the matrix", "at least one element", 0))
    }
}

fn best_at<T>(best: &Option<((usize, usize), T)>) -> (usize, usize) {
    best.as_ref().map_or((0, 0), |(at, _)| *at)
}

/// Yields all elements, part of a line at a time, with a function for the row and the column of each.
fn each_block(
    a: &AnyDense,
    ctx: &Context,
    take: &mut dyn FnMut(Raw<'_>, &dyn Fn(usize) -> (usize, usize)),
) -> Result<()> {
    let (order, (_, length)) = (a.order(), a.lines());
    let mut panels = DensePanels::once(a, (1, 1), ctx.memory_left() / 2)?;
    let _running = ctx.begin(|| {
        Ok(panels.reading.plan("position of an extreme").works(a.len() as u64, work::EXTREMES))
    })?;
    panels.sweep(ctx, &mut |DensePanel { first, lines, offset, elements }| {
        let width = elements.len() / lines.max(1);
        debug_assert!(offset + width <= length || lines == 0);
        for line in 0..lines {
            for start in (0..width).step_by(BLOCK) {
                let here: Range<usize> = start..width.min(start + BLOCK);
                let block = elements.slice(line * width + here.start..line * width + here.end);
                take(block, &|k| {
                    let at = (first + line, offset + start + k);
                    if order == Order::C { at } else { (at.1, at.0) }
                });
            }
        }
        Ok(())
    })
}
