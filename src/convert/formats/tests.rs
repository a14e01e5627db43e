//! Conversions in memory, compared with reference implementations, for every number of threads: with blocks, strips and
//! tasks so small that few entries span many of them, and at full size.

use proptest::prelude::*;

use crate::convert::formats::coo_to_compressed::compressed;
use crate::convert::formats::csr_csc::recompressed;
use crate::convert::in_memory::GrainSizes;
use crate::convert::reshape::permuted;
use crate::error::Result;
use crate::sparse::{
    AnyCompressed, Axis, ByRows, Compressed, Coo, Csc, Csr, Duplicates, Permutation,
};
use crate::storage::{Context, Entry, Index, Order, Place};

type Triplets = Vec<(usize, usize, i64)>;

fn threads() -> impl Iterator<Item = Context> {
    [1, 2, 3, 8].into_iter().map(|threads| Context::new().threads(threads).unwrap())
}

/// Sizes of parts of work, with every number of threads.
fn settings() -> impl Iterator<Item = (GrainSizes, Context)> {
    threads().flat_map(|ctx| [(GrainSizes::SMALL, ctx.clone()), (GrainSizes::USUAL, ctx)])
}

fn across<T: Entry, I: Index, P: Index, A: Axis>(
    from: &Compressed<T, I, P, A>,
    (grain, ctx): &(GrainSizes, Context),
) -> Compressed<T, I, P, A::Other> {
    let made = recompressed(&from.to_any(), "recompressing", &Place::Memory, *grain, ctx);
    made.map(AnyCompressed::into_typed).unwrap()
}

fn to<T: Entry, I: Index, P: Index, A: Axis>(
    coo: &Coo<T, I>,
    duplicates: Duplicates,
    (grain, ctx): &(GrainSizes, Context),
) -> Result<Compressed<T, I, P, A>> {
    let kind = (A::FORMAT, P::DTYPE);
    let made = compressed(&coo.to_any(), kind, duplicates, &Place::Memory, *grain, ctx);
    made.map(AnyCompressed::into_typed)
}

/// Scattered entries, bands, dense lines and columns, and empty matrices.
fn matrices() -> impl Strategy<Value = ((usize, usize), Triplets)> {
    (0usize..90, 0usize..90, 0usize..5, any::<u64>()).prop_flat_map(|(rows, cols, shape, seed)| {
        let count = if rows * cols == 0 { 0 } else { 600 };
        let entry = (0..rows.max(1), 0..cols.max(1), 1i64..9);
        prop::collection::vec(entry, 0..=count).prop_map(move |mut entries| {
            for (k, (row, col, _)) in entries.iter_mut().enumerate() {
                match shape {
                    0 => *col = (*row + k % 3).min(cols - 1),
                    1 => *row = seed as usize % rows,
                    2 => *col = seed as usize % cols,
                    _ => {}
                }
            }
            ((rows, cols), entries)
        })
    })
}

/// Entries sorted by a key, stably.
fn sorted(entries: &Triplets, key: impl Fn(&(usize, usize, i64)) -> usize) -> Triplets {
    let mut sorted = entries.clone();
    sorted.sort_by_key(key);
    sorted
}

fn pointers(lines: usize, of: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut pointers = vec![0; lines + 1];
    of.for_each(|line| pointers[line + 1] += 1);
    (0..lines).for_each(|line| pointers[line + 1] += pointers[line]);
    pointers
}

fn csr(shape: (usize, usize), entries: &Triplets) -> Csr<i64> {
    let rows = sorted(entries, |entry| entry.0);
    let indices: Vec<u32> = rows.iter().map(|entry| entry.1 as u32).collect();
    let data: Vec<i64> = rows.iter().map(|entry| entry.2).collect();
    let indptr = pointers(shape.0, rows.iter().map(|entry| entry.0));
    Csr::from_parts(shape, indptr, indices, data).unwrap()
}

fn csc(shape: (usize, usize), entries: &Triplets) -> Csc<i64> {
    csr((shape.1, shape.0), &entries.iter().map(|&(row, col, x)| (col, row, x)).collect())
        .transpose()
}

/// The same matrix with indices and pointers of 64 bits.
fn wide(a: &Csr<i64>) -> Csr<i64, u64> {
    let longer = |numbers: &[u32]| numbers.iter().map(|&x| x.into()).collect::<Vec<u64>>();
    Csr::from_parts(a.shape(), longer(a.indptr()), longer(a.indices()), a.data().clone()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_become_columns_and_back((shape, entries) in matrices()) {
        // Duplicates keep their order within the row.
        let (a, by_rows) = (csr(shape, &entries), sorted(&entries, |entry| entry.0));
        let expected = csc(shape, &by_rows);
        for setting in &settings().collect::<Vec<_>>() {
            let made = across(&a, setting);
            prop_assert_eq!(&made, &expected);
            prop_assert_eq!(made.check().unwrap(), expected.check().unwrap());
            let back = across(&made, setting);
            prop_assert_eq!(&back, &csr(shape, &sorted(&by_rows, |entry| entry.1)));
            let wide = across(&wide(&a), setting);
            prop_assert_eq!(&wide.indices()[..], &made.indices().iter().map(|&i| i.into()).collect::<Vec<u64>>()[..]);
            prop_assert_eq!(wide.data(), made.data());
        }
    }

    #[test]
    fn lines_and_indices_get_other_places(((rows, cols), entries) in matrices(), seed in any::<usize>()) {
        let shuffled = |n: usize| {
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by_key(|&k| (k + 1).wrapping_mul(seed | 1) >> 3);
            Permutation::new(order).unwrap()
        };
        let (of_rows, of_cols) = (shuffled(rows), shuffled(cols));
        let (to_rows, to_cols) = (of_rows.inverse(), of_cols.inverse());
        let a = csr((rows, cols), &entries);
        let move_to = |row: usize, col: usize, value| (to_rows.order()[row], to_cols.order()[col], value);
        let moved: Triplets = entries.iter().map(|&(i, j, x)| move_to(i, j, x)).collect();
        let sorted_moved = sorted(&moved, |entry| entry.1);
        let moved_rows: Triplets = entries.iter().map(|&(i, j, x)| (to_rows.order()[i], j, x)).collect();
        for (grain, ctx) in settings() {
            let any = a.to_any();
            let both = permuted(&any, (Some(&of_rows), Some(&of_cols)), &Place::Memory, grain, &ctx);
            let both: Csr<i64> = both.unwrap().into_typed();
            prop_assert_eq!(&both, &csr((rows, cols), &sorted_moved));
            let lines = permuted(&any, (Some(&of_rows), None), &Place::Memory, grain, &ctx);
            let lines: Csr<i64> = lines.unwrap().into_typed();
            prop_assert_eq!(&lines, &csr((rows, cols), &moved_rows));
        }
    }

    #[test]
    fn coordinates_are_sorted_and_duplicates_treated((shape, entries) in matrices()) {
        let coo = Coo::<i64>::from_triplets(shape, entries.clone()).unwrap();
        let ordered = sorted(&sorted(&entries, |entry| entry.1), |entry| entry.0);
        let mut summed = Triplets::new();
        for &(row, col, value) in &ordered {
            match summed.last_mut() {
                Some(last) if (last.0, last.1) == (row, col) => last.2 += value,
                _ => summed.push((row, col, value)),
            }
        }
        for setting in &settings().collect::<Vec<_>>() {
            let kept: Csr<i64> = to(&coo, Duplicates::Keep, setting).unwrap();
            prop_assert_eq!(&kept, &csr(shape, &ordered));
            let sum: Csr<i64> = to(&coo, Duplicates::Sum, setting).unwrap();
            prop_assert_eq!(&sum, &csr(shape, &summed));
            prop_assert!(sum.check().unwrap());
            let cols: Csc<i64> = to(&coo, Duplicates::Sum, setting).unwrap();
            prop_assert_eq!(&cols, &csc(shape, &summed));
            let refused: Result<Csr<i64>> = to(&coo, Duplicates::Refuse, setting);
            prop_assert_eq!(refused.is_ok(), summed.len() == entries.len());
            if let Err(error) = refused {
                let first = ordered.windows(2).find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1));
                let (row, col, _) = first.unwrap()[0];
                let place = format!("row {row}, column {col}");
                prop_assert!(error.to_string().contains(&place));
            }
        }
    }

    #[test]
    fn zeros_are_written_out_and_left_out((shape, entries) in matrices()) {
        let (rows, cols) = shape;
        let mut expected = vec![0; rows * cols];
        entries.iter().for_each(|&(row, col, value)| expected[row * cols + col] += value);
        let stored: Triplets = (0..rows * cols)
            .filter(|&at| expected[at] != 0)
            .map(|at| (at / cols, at % cols, expected[at]))
            .collect();
        for ctx in threads() {
            let dense = csr(shape, &entries).to_dense(Order::C, Place::Memory, &ctx).unwrap();
            prop_assert_eq!(dense.as_slice(), &expected[..]);
            let columns = csc(shape, &entries).to_dense(Order::Fortran, Place::Memory, &ctx).unwrap();
            prop_assert_eq!(columns.as_ndarray(), dense.as_ndarray());
            for a in [&dense, &columns] {
                let back: Csr<i64> = a.to_csr(Place::Memory, &ctx).unwrap();
                prop_assert_eq!(&back, &csr(shape, &stored));
                let back: Csc<i64> = a.to_csc(Place::Memory, &ctx).unwrap();
                prop_assert_eq!(&back, &csc(shape, &stored));
            }
        }
    }
}

#[test]
fn a_sum_that_overflows_is_the_first_for_any_number_of_threads() {
    let entries = (0..100).rev().flat_map(|k| [(k, k, i64::MAX), (k, k, 1)]);
    let coo = Coo::<i64>::from_triplets((100, 100), entries).unwrap();
    for (grain, ctx) in settings() {
        let error = to::<i64, u32, u32, ByRows>(&coo, Duplicates::Sum, &(grain, ctx.clone()));
        let error = error.unwrap_err();
        assert!(error.to_string().contains("row 0, column 0"), "{error}");
        let kept: Csr<i64> = coo.to_csr(Duplicates::Keep, Place::Memory, &ctx).unwrap();
        let error = kept.to_dense(Order::C, Place::Memory, &ctx).unwrap_err();
        assert!(error.to_string().contains("row 0, column 0"), "{error}");
    }
}

#[test]
fn what_they_hold_was_planned() {
    let entries = (0..5000usize).map(|k| (k * 7919 % 300, k * 104_729 % 200, k as i64));
    let coo = Coo::<i64>::from_triplets((300, 200), entries).unwrap();
    for (grain, ctx) in settings() {
        let made = ctx.measure(|ctx| to(&coo, Duplicates::Sum, &(grain, ctx.clone())));
        let (a, report): (Csr<i64>, _) = made.unwrap();
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        assert_eq!(report.actual.passes, report.plan.cost.passes);
        let made = ctx
            .measure(|ctx| recompressed(&a.to_any(), "recompressing", &Place::Memory, grain, ctx));
        let (_, report) = made.unwrap();
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        assert_eq!(report.actual.passes, report.plan.cost.passes);
        let (_, report) = ctx.measure(|ctx| a.to_dense(Order::C, Place::Memory, ctx)).unwrap();
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        assert_eq!(report.actual.passes, report.plan.cost.passes);
    }
}
