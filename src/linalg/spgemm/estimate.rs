//! Estimates the entries of a product by multiplying a sample of its rows.
//!
//! The sample is a separate matrix, multiplied like any other but without values, and its entries are only counted.

use crate::error::Result;
use crate::linalg::algebra::{AnyPair, Semiring};
use crate::linalg::spgemm::budget::Budget;
use crate::linalg::spgemm::load::{LoadedPanels, StepArrays, StepItem};
use crate::linalg::spgemm::mask::Masking;
use crate::linalg::spgemm::multiply::RowCounts;
use crate::linalg::spgemm::multiply::run;
use crate::linalg::spgemm::product::SparseProduct;
use crate::linalg::spgemm::right_matrix::RightMatrix;
use crate::linalg::spgemm::schedule::LeftPanel;
use crate::linalg::spgemm::schedule::{Candidate, Classes};
use crate::sparse::Csr;
use crate::storage::{Context, Index};

/// Entries of the product; exact if every row is in the sample, as for a small matrix.
pub(super) fn entries<S: Semiring, I: Index, P: Index>(
    product: &SparseProduct<'_, S, I, P>,
    classes: &Classes,
    ctx: &Context,
) -> Result<u64> {
    let budget = &product.budget;
    let chosen = chosen::<I>(classes, budget.sample());
    let sample = sample(product, &chosen, ctx)?;
    let _held = ctx.hold(sample.bytes());
    let right = product.right.pattern();
    let rows = || chosen.iter().map(|candidate| candidate.row).collect();
    let mask = product.mask.map(|mask| mask.of_rows(rows()));
    let counts = multiply(&sample, &right, mask.as_ref(), budget.for_other::<AnyPair, I>(), ctx)?;
    let entries = classes.entries(&chosen, &counts, right.matrix.ncols());
    Ok(product.mask.map_or(entries, |mask| mask.most_entries(entries)))
}

/// The rows to multiply, whose columns take at most `bytes` bytes.
fn chosen<I>(classes: &Classes, bytes: u64) -> Vec<Candidate> {
    let mut longest = usize::MAX;
    loop {
        let chosen = classes.chosen(longest);
        let most = chosen.iter().map(|candidate| candidate.len).max().unwrap_or(0);
        let all: usize = chosen.iter().map(|candidate| candidate.len).sum();
        if all as u64 * size_of::<I>() as u64 <= bytes {
            return chosen;
        }
        longest = most / 2;
    }
}

/// The columns of some rows of A.
fn sample<S: Semiring, I: Index, P: Index>(
    product: &SparseProduct<'_, S, I, P>,
    chosen: &[Candidate],
    ctx: &Context,
) -> Result<Csr<(), I, P>> {
    let left = product.left.pattern();
    let (mut indptr, mut indices) = (vec![P::from_usize(0)], Vec::<I>::new());
    let entries = |candidate: &Candidate| candidate.start..candidate.start + candidate.len;
    if product.left_is_read {
        let parts: Vec<LeftPanel> =
            chosen.iter().map(|row| LeftPanel::of_row(entries(row))).collect();
        let reading = LoadedPanels::new(Some(&left.to_any()), None, &parts, &product.budget)?;
        if let Some(LoadedPanels { mut panels, steps }) = reading {
            panels.sweep_part(ctx, &mut |step, parts| {
                let mut read = StepArrays::new(parts);
                for item in &steps[step].items {
                    if let StepItem::Entries = item {
                        indices.extend_from_slice(read.entries().0.typed());
                    }
                }
                Ok(())
            })?;
        }
    } else {
        // If one no longer exists, there are too few, which is detected below.
        let rows = chosen.iter().filter_map(|row| left.indices().get(entries(row)));
        rows.for_each(|row| indices.extend_from_slice(row));
    }
    let mut end = 0;
    indptr.extend(chosen.iter().map(|row| {
        end += row.len;
        P::from_usize(end)
    }));
    let values = vec![(); indices.len()];
    Csr::from_buffers((chosen.len(), left.ncols()), indptr.into(), indices.into(), values.into())
}

/// The number of entries of every row of a product of patterns.
fn multiply<I: Index, P: Index>(
    sample: &Csr<(), I, P>,
    right: &RightMatrix<(), I, P>,
    mask: Option<&Masking<I, P>>,
    budget: Budget,
    ctx: &Context,
) -> Result<Vec<usize>> {
    let (semiring, phase) = (AnyPair::<(), ()>::new(), "multiplying a sample");
    let left_is_read = false;
    let product =
        SparseProduct { semiring, left: sample, right, mask, left_is_read, budget, phase };
    let seen = product.inspect(ctx)?;
    let _work = ctx.hold(product.memory(&seen));
    let mut counts = RowCounts::default();
    let most_terms = seen.classes.most_terms();
    run(&product, seen.cuts, most_terms, &mut counts, ctx)?;
    Ok(counts.lens)
}
