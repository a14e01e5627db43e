//! Compares every kernel with its reference, for all types, shapes, cuts and numbers of threads, and tests invalid
//! input.

use std::sync::LazyLock;

use num_complex::Complex;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::error::{ErrorKind, Location, Result};
use crate::linalg::algebra::{Decode, Factor, Scalar, Values, decode};
use crate::linalg::kernels::dense_gather::dense_gather;
use crate::linalg::kernels::dense_scatter::dense_scatter;
use crate::linalg::kernels::gather::gather_from;
use crate::linalg::kernels::scatter::{ScatterSizes, scatter_by};
use crate::sparse::Indices;
use crate::storage::raw::Raw;
use crate::storage::{Context, Index};

static CONTEXTS: LazyLock<Vec<Context>> =
    LazyLock::new(|| [1, 2, 3, 8].map(|n| Context::new().threads(n).unwrap()).into());

/// So small that few entries span many threads, runs and blocks.
const SMALL: ScatterSizes = ScatterSizes { small: 16, run: 16, block: 8 };

/// With runs long enough that the estimate of windows does not sample all of their rows.
const LONG_RUNS: ScatterSizes = ScatterSizes { run: 64, ..SMALL };

/// The gather, cut small.
fn gather<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    gather_from(SMALL.small, a, entries, update, x, y, k)
}

/// The scatter, cut small.
fn scatter<T: Factor<X>, I: Index, X: Scalar>(
    a: Panel<'_, T, I>,
    entries: Conjugation,
    update: Update,
    x: &[X],
    y: &mut [X],
    k: usize,
) -> Result<()> {
    scatter_by(SMALL, a, entries, update, x, y, k)
}

/// Rows of (column, value) and the number of columns; `start` is the first pointer.
#[derive(Clone, Debug)]
struct Sample {
    ncols: usize,
    start: u32,
    rows: Vec<Vec<(usize, i8)>>,
}

struct Arrays<T, I, P> {
    indptr: Vec<P>,
    indices: Vec<I>,
    values: Vec<T>,
    ncols: usize,
}

impl<T, I: Index, P: Index> Arrays<T, I, P> {
    fn new(sample: &Sample, value: impl Fn(i8) -> T) -> Self {
        let mut end = sample.start as usize;
        let mut arrays = Arrays {
            indptr: vec![P::from_usize(end)],
            indices: Vec::new(),
            values: Vec::new(),
            ncols: sample.ncols,
        };
        for row in &sample.rows {
            end += row.len();
            arrays.indptr.push(P::from_usize(end));
            arrays.indices.extend(row.iter().map(|entry| I::from_usize(entry.0)));
            arrays.values.extend(row.iter().map(|entry| value(entry.1)));
        }
        arrays
    }

    fn panel(&self) -> Panel<'_, T, I> {
        Panel::new(&self.indptr, &self.indices, &self.values, self.ncols, 0).unwrap()
    }
}

/// Short rows, long rows, empty rows, duplicates; banded (near the diagonal) or random.
fn samples() -> impl Strategy<Value = Sample> {
    (0usize..70, 0usize..200, any::<bool>(), 0u32..9).prop_flat_map(
        |(nrows, ncols, banded, start)| {
            let most: usize = if ncols == 0 { 0 } else { 60 };
            let length = prop_oneof![6 => 0..=most.min(8), 1 => 0..=most];
            let entry = (0usize..200, -5i8..=5);
            let row = length.prop_flat_map(move |n| prop::collection::vec(entry.clone(), n));
            prop::collection::vec(row, nrows).prop_map(move |mut rows| {
                for (i, row) in rows.iter_mut().enumerate() {
                    for entry in row {
                        entry.0 = if banded { i + entry.0 % 4 } else { entry.0 } % ncols;
                    }
                }
                Sample { ncols, start, rows }
            })
        },
    )
}

fn numbers<X: Scalar>(n: usize) -> Vec<X> {
    (0..n).map(|i| X::from_f64((i * 7 % 11) as f64 - 4.0)).collect()
}

/// All compressed kernels on one sample whose sums are exact, so that any order must give the reference's numbers.
fn agrees<T: Factor<X>, I: Index, P: Index, X: Scalar>(
    sample: &Sample,
    value: impl Fn(i8) -> T,
    k: usize,
    update: Update,
) -> std::result::Result<(), TestCaseError> {
    let arrays = Arrays::<T, I, P>::new(sample, value);
    let a = arrays.panel();
    let (nrows, ncols) = (a.nrows(), a.ncols());
    for entries in [Conjugation::AsStored, Conjugation::Conjugated] {
        let (x, mut expected) = (numbers::<X>(ncols * k), numbers::<X>(nrows * k));
        reference::gather(a, entries, update, &x, &mut expected, k).unwrap();
        for ctx in &*CONTEXTS {
            let mut y = numbers::<X>(nrows * k);
            ctx.with_threads(|| gather(a, entries, update, &x, &mut y, k)).unwrap();
            prop_assert_eq!(&y, &expected);
        }
        let (x, mut expected) = (numbers::<X>(nrows * k), numbers::<X>(ncols * k));
        reference::scatter(a, entries, update, &x, &mut expected, k).unwrap();
        for ctx in &*CONTEXTS {
            let mut y = numbers::<X>(ncols * k);
            ctx.with_threads(|| scatter(a, entries, update, &x, &mut y, k)).unwrap();
            prop_assert_eq!(&y, &expected);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn kernels_agree_with_their_twins(sample in samples(), k in 1usize..20, add in any::<bool>()) {
        let update = if add { Update::Add } else { Update::Set };
        let both = |v: i8| Complex::new(f64::from(v), f64::from(v % 3));
        agrees::<f64, u32, u32, f64>(&sample, f64::from, k, update)?;
        agrees::<f64, u32, u64, f64>(&sample, f64::from, 1, update)?;
        agrees::<f64, u64, u64, f64>(&sample, f64::from, 1, update)?;
        agrees::<f32, u32, u32, f32>(&sample, f32::from, 1, update)?;
        agrees::<f32, u32, u32, f64>(&sample, f32::from, 2, update)?;
        agrees::<i32, u32, u32, f64>(&sample, i32::from, 1, update)?;
        agrees::<bool, u32, u32, f64>(&sample, |v| v > 0, 1, update)?;
        agrees::<(), u32, u32, f64>(&sample, |_| (), 1, update)?;
        agrees::<(), u64, u64, f32>(&sample, |_| (), k, update)?;
        agrees::<Complex<f64>, u32, u32, Complex<f64>>(&sample, both, 1, update)?;
        agrees::<f64, u32, u32, Complex<f64>>(&sample, f64::from, k, update)?;
    }

    #[test]
    fn bits_do_not_depend_on_threads_or_panels(sample in samples(), cut in 0usize..70, k in 1usize..4) {
        let arrays = Arrays::<f64, u32, u32>::new(&sample, |v| 0.1 * f64::from(v));
        let a = arrays.panel();
        let rough = |n: usize| -> Vec<f64> { (0..n).map(|i| 1.0 / (i + 3) as f64).collect() };
        let (set, add, entries) = (Update::Set, Update::Add, Conjugation::AsStored);
        let cut = cut.min(a.nrows());
        let (top, bottom) = (a.rows(0..cut), a.rows(cut..a.nrows()));

        let x = rough(a.nrows() * k);
        let mut sequential = vec![f64::NAN; a.ncols() * k];
        reference::scatter(a, entries, set, &x, &mut sequential, k).unwrap();
        let across = rough(a.ncols() * k);
        let mut alone = vec![f64::NAN; a.nrows() * k];
        CONTEXTS[0].with_threads(|| gather(a, entries, set, &across, &mut alone, k)).unwrap();
        for ctx in &*CONTEXTS {
            let mut y = vec![f64::NAN; a.ncols() * k];
            let (first, second) = x.split_at(cut * k);
            ctx.with_threads(|| scatter(top, entries, set, first, &mut y, k)).unwrap();
            ctx.with_threads(|| scatter(bottom, entries, add, second, &mut y, k)).unwrap();
            prop_assert_eq!(bits(&y), bits(&sequential));
            ctx.with_threads(|| scatter(a, entries, set, &x, &mut y, k)).unwrap();
            prop_assert_eq!(bits(&y), bits(&sequential));

            let mut y = vec![f64::NAN; a.nrows() * k];
            let (first, second) = y.split_at_mut(cut * k);
            ctx.with_threads(|| gather(top, entries, set, &across, first, k)).unwrap();
            ctx.with_threads(|| gather(bottom, entries, set, &across, second, k)).unwrap();
            prop_assert_eq!(bits(&y), bits(&alone));
        }
    }

    #[test]
    fn hostile_arrays_are_errors_and_never_panics(
        indptr in prop::collection::vec(prop_oneof![3 => 0u32..40, 1 => any::<u32>()], 1..40),
        indices in prop::collection::vec(prop_oneof![9 => 0u32..20, 1 => any::<u32>()], 0..40),
        ncols in 0usize..20,
        sorted in any::<bool>(),
        k in 1usize..3,
    ) {
        let mut indptr = indptr;
        if sorted {
            indptr.sort_unstable();
        }
        let values = vec![1.0; indices.len()];
        let a = Panel::new(&indptr, &indices, &values, ncols, 0).unwrap();
        let (rows, columns) = (vec![1.0; a.nrows() * k], vec![1.0; ncols * k]);
        let (set, entries) = (Update::Set, Conjugation::AsStored);
        let good = reference::gather(a, entries, set, &columns, &mut rows.clone(), k).is_ok();
        for ctx in &*CONTEXTS {
            let (mut y, mut z) = (rows.clone(), columns.clone());
            let gathered = ctx.with_threads(|| gather(a, entries, set, &columns, &mut y, k));
            let scattered = ctx.with_threads(|| scatter(a, entries, set, &rows, &mut z, k));
            for outcome in [gathered, scattered] {
                prop_assert_eq!(outcome.is_ok(), good);
                if let Err(error) = outcome {
                    prop_assert_eq!(error.kind(), ErrorKind::Index);
                    prop_assert!(error.location().is_some());
                }
            }
        }
    }

    #[test]
    fn dense_kernels_agree_with_their_twins(
        nrows in 0usize..40, ncols in 0usize..70, gap in 0usize..3, k in 1usize..12, add in any::<bool>(),
    ) {
        dense_agrees((nrows, ncols, gap), k, if add { Update::Add } else { Update::Set });
    }

    #[test]
    fn dense_bits_do_not_depend_on_threads_or_panels(nrows in 1usize..60, ncols in 1usize..90, cut in 0usize..60) {
        dense_bits_agree((nrows, ncols), cut);
    }
}

/// Compares both dense kernels with their references, with numbers whose sums are exact.
fn dense_agrees((nrows, ncols, gap): (usize, usize, usize), k: usize, update: Update) {
    let (stride, entries) = (ncols + gap, Conjugation::AsStored);
    let data: Vec<f64> = numbers(nrows * stride);
    let a = DenseRows::new(&data, nrows, ncols, stride).unwrap();
    let parts = (&data[..], ncols, stride);
    let (rows, columns) = (numbers::<f64>(nrows * k), numbers::<f64>(ncols * k));
    let (mut y, mut z) = (rows.clone(), columns.clone());
    reference::dense_gather(parts, entries, update, &columns, &mut y, k);
    reference::dense_scatter(parts, entries, update, &rows, &mut z, k);
    for ctx in &*CONTEXTS {
        let (mut got, mut got_back) = (rows.clone(), columns.clone());
        ctx.with_threads(|| dense_gather(a, entries, update, &columns, &mut got, k)).unwrap();
        ctx.with_threads(|| dense_scatter(a, entries, update, &rows, &mut got_back, k)).unwrap();
        assert!(got == y, "gather, {nrows} x {ncols}, {k} vectors");
        assert!(got_back == z, "scatter, {nrows} x {ncols}, {k} vectors");
    }
}

/// Both dense kernels give the bits of one thread and of the whole.
fn dense_bits_agree((nrows, ncols): (usize, usize), cut: usize) {
    let data: Vec<f64> = (0..nrows * ncols).map(|i| 1.0 / (i + 1) as f64).collect();
    let a = DenseRows::new(&data, nrows, ncols, ncols).unwrap();
    let (set, add, entries) = (Update::Set, Update::Add, Conjugation::AsStored);
    let (x, across) = (vec![0.1; nrows], vec![0.3; ncols]);
    let cut = cut.min(nrows) / scatter_height(ncols) * scatter_height(ncols);
    let top = DenseRows::new(&data, cut, ncols, ncols).unwrap();
    let bottom = DenseRows::new(&data[cut * ncols..], nrows - cut, ncols, ncols).unwrap();
    let mut expected = None;
    for ctx in &*CONTEXTS {
        let (mut whole, mut cut_up, mut y) =
            (vec![f64::NAN; ncols], vec![f64::NAN; ncols], vec![f64::NAN; nrows]);
        ctx.with_threads(|| dense_scatter(a, entries, set, &x, &mut whole, 1)).unwrap();
        ctx.with_threads(|| dense_scatter(top, entries, set, &x[..cut], &mut cut_up, 1)).unwrap();
        ctx.with_threads(|| dense_scatter(bottom, entries, add, &x[cut..], &mut cut_up, 1))
            .unwrap();
        ctx.with_threads(|| dense_gather(a, entries, set, &across, &mut y, 1)).unwrap();
        let got = (bits(&whole), bits(&y));
        assert!(bits(&cut_up) == bits(&whole), "{nrows} x {ncols}, cut at {cut}");
        assert!(got == *expected.get_or_insert(got.clone()), "{nrows} x {ncols}");
    }
}

/// Several blocks of narrow and of wide rows, more blocks than are processed at once, and several bands of columns.
#[test]
fn large_dense_matrices() {
    for (nrows, ncols, k) in [
        (2500, 70, 1),
        (2500, 70, 3),
        (700, 100, 11),
        (1150, 1030, 1),
        (300, 4200, 1),
        (70, 4200, 3),
        (70, 17_000, 1),
        (40, 17_000, 2),
    ] {
        for update in [Update::Set, Update::Add] {
            dense_agrees((nrows, ncols, 3), k, update);
        }
        dense_bits_agree((nrows, ncols), nrows / 2);
    }
}

/// Rows so long that a block has 4, 2 and 1 of them, and some that remain when eight are added at a time.
#[test]
fn very_long_dense_rows() {
    for (nrows, ncols) in [(19, 140_001), (11, 200_003), (9, 300_000)] {
        dense_agrees((nrows, ncols, 1), 1, Update::Set);
        dense_bits_agree((nrows, ncols), 8);
    }
    dense_agrees((9, 140_001, 0), 2, Update::Add);
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn the_first_bad_index_is_named() {
    let (indptr, indices) = ([10u32, 12, 12, 15], [0u32, 4, 1, 5, 9]);
    let a = Panel::new(&indptr, &indices, &[1.0; 5], 5, 100).unwrap();
    for ctx in &*CONTEXTS {
        let (set, entries) = (Update::Set, Conjugation::AsStored);
        let gathered = ctx.with_threads(|| gather(a, entries, set, &[1.0; 5], &mut [0.0; 3], 1));
        let scattered = ctx.with_threads(|| scatter(a, entries, set, &[1.0; 3], &mut [0.0; 5], 1));
        for error in [gathered.unwrap_err(), scattered.unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Index);
            assert_eq!(error.location(), Some(&Location::Entry { major: 102, position: 13 }));
            assert_eq!(
                (error.expectation(), error.finding()),
                (Some("an index below 5"), Some("5"))
            );
        }
    }
}

/// An index that is not a column, but would be in the last bin.
#[test]
fn the_last_bin_has_no_columns_beyond_the_last() {
    let (ncols, nrows) = (129, 100);
    let mut indices: Vec<u32> = (0..nrows * 4).map(|k| k * 7919 % ncols).collect();
    indices[201] = ncols + 1;
    let indptr: Vec<u32> = (0..=nrows).map(|i| 4 * i).collect();
    let values = vec![1.0; indices.len()];
    let a = Panel::new(&indptr, &indices, &values, ncols as usize, 0).unwrap();
    let x = vec![1.0; nrows as usize];
    for (ctx, update) in CONTEXTS.iter().flat_map(|c| [(c, Update::Set), (c, Update::Add)]) {
        let mut y = vec![0.0; ncols as usize];
        let scattered =
            ctx.with_threads(|| scatter(a, Conjugation::AsStored, update, &x, &mut y, 1));
        let error = scattered.unwrap_err();
        assert_eq!(error.location(), Some(&Location::Entry { major: 50, position: 201 }));
    }
}

/// Between empty rows one with a decreasing pointer, where no sample sees it; and entries of a matrix without columns.
#[test]
fn what_no_thread_would_look_at_is_seen() {
    let mut indptr = [0u32; 101];
    indptr[37] = 2;
    let (indices, values) = ([0u32; 2], [1.0; 2]);
    let back = Panel::new(&indptr, &indices, &values, 3, 0).unwrap();
    let few = Panel::new(&[0u32, 2], &indices, &values, 0, 0).unwrap();
    let many = ([0u32, 40], [0u32; 40], [1.0; 40]);
    let many = Panel::new(&many.0, &many.1, &many.2, 0, 0).unwrap();
    for (ctx, update) in CONTEXTS.iter().flat_map(|c| [(c, Update::Set), (c, Update::Add)]) {
        for a in [back, few, many] {
            let (mut x, mut y) = (vec![1.0; a.nrows()], vec![0.0; a.ncols()]);
            let scattered = ctx.with_threads(|| {
                scatter_by(LONG_RUNS, a, Conjugation::AsStored, update, &x, &mut y, 1)
            });
            assert_eq!(scattered.unwrap_err().kind(), ErrorKind::Index);
            let gathered =
                ctx.with_threads(|| gather(a, Conjugation::AsStored, update, &y, &mut x, 1));
            assert_eq!(gathered.unwrap_err().kind(), ErrorKind::Index);
        }
    }
}

/// Rows of a band, a few of which reach far to the side, where no sample sees them.
#[test]
fn windows_guessed_wrong_are_found_out() {
    let n = 6000;
    for unlucky in (0..n).step_by(23) {
        let rows = (0..n).map(|i| match i == unlucky {
            true => vec![(n - 1 - i, 2), (i, 1)],
            false => vec![(i, 1), ((i + 1) % n, 3)],
        });
        let sample = Sample { ncols: n, start: 3, rows: rows.collect() };
        let arrays = Arrays::<f64, u32, u32>::new(&sample, |v| 0.1 * f64::from(v));
        let (a, set, entries) = (arrays.panel(), Update::Set, Conjugation::AsStored);
        let x: Vec<f64> = (0..n).map(|i| 1.0 / (i + 3) as f64).collect();
        let mut expected = vec![0.0; n];
        reference::scatter(a, entries, set, &x, &mut expected, 1).unwrap();
        for ctx in &*CONTEXTS {
            let mut y = vec![f64::NAN; n];
            ctx.with_threads(|| scatter_by(LONG_RUNS, a, entries, set, &x, &mut y, 1)).unwrap();
            assert_eq!(bits(&y), bits(&expected));
        }
    }
}

/// One dense row among short ones, which is summed in chunks, and both of its ends.
#[test]
fn a_long_row_is_the_sum_of_its_chunks() {
    for len in [CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 5 * CHUNK + 15, 5 * CHUNK + 21] {
        let long = (0..len).map(|j| (j, (j % 7) as i8)).collect();
        let rows = vec![vec![(0, 3)], long, vec![], vec![(len - 1, 2), (0, 1)]];
        let sample = Sample { ncols: len, start: 1, rows };
        let mut arrays = Arrays::<f64, u32, u32>::new(&sample, |v| 0.1 * f64::from(v));
        for k in [1, 3] {
            let x: Vec<f64> = (0..len * k).map(|i| 1.0 / (i + 3) as f64).collect();
            let mut expected = vec![f64::NAN; 4 * k];
            let (a, set, entries) = (arrays.panel(), Update::Set, Conjugation::AsStored);
            reference::gather(a, entries, set, &x, &mut expected, k).unwrap();
            let mut alone = None;
            for ctx in &*CONTEXTS {
                let mut y = vec![f64::NAN; 4 * k];
                ctx.with_threads(|| gather(a, entries, set, &x, &mut y, k)).unwrap();
                for (found, expected) in y.iter().zip(&expected) {
                    assert!((found - expected).abs() <= 1e-12 * expected.abs());
                }
                assert_eq!(bits(&y), *alone.get_or_insert(bits(&y)));
            }
        }
        arrays.indices[len / 2] = len as u32;
        let (a, x) = (arrays.panel(), vec![1.0; len]);
        let outcome = gather(a, Conjugation::AsStored, Update::Set, &x, &mut [0.0; 4], 1);
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Index);
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let a = Panel::new(&[0u32, 1], &[0u32], &[1.0], 2, 0).unwrap();
    let (set, entries) = (Update::Set, Conjugation::AsStored);
    let kind = |outcome: Result<()>| outcome.unwrap_err().kind();
    assert_eq!(kind(gather(a, entries, set, &[1.0], &mut [0.0], 1)), ErrorKind::Shape);
    assert_eq!(kind(gather(a, entries, set, &[1.0; 2], &mut [0.0; 2], 1)), ErrorKind::Shape);
    assert_eq!(kind(scatter(a, entries, set, &[], &mut [0.0; 2], 1)), ErrorKind::Shape);
    assert!(Panel::new(&[0u32, 1], &[0u32], &[1.0, 2.0], 2, 0).is_err());
    assert!(Panel::<f64, u32>::new::<u32>(&[], &[], &[], 2, 0).is_err());
    assert!(DenseRows::new(&[0.0; 5], 2, 3, 3).is_err());
    assert!(DenseRows::new(&[0.0; 5], 2, 3, 2).is_err());
    assert!(DenseRows::new(&[0.0; 5], usize::MAX, 3, usize::MAX).is_err());
}

#[test]
fn no_right_hand_sides_is_no_work() {
    let a = Panel::new(&[0u32, 1], &[7u32], &[1.0], 2, 0).unwrap();
    let (set, entries) = (Update::Set, Conjugation::AsStored);
    gather::<_, _, f64>(a, entries, set, &[], &mut [], 0).unwrap();
    scatter::<_, _, f64>(a, entries, set, &[], &mut [], 0).unwrap();
}

/// Lines that are decoded, and those of very wide matrices, compared with the kernel for their own types, bit for bit.
fn decoded<T: Factor<X>, V: Factor<X>, I: Index, X: Scalar>(
    sample: &Sample,
    value: impl Fn(i8) -> T,
    decode: Option<Decode<V>>,
) {
    let arrays = Arrays::<T, I, u32>::new(sample, value);
    let (a, shape) = (arrays.panel(), (arrays.indptr.len() - 1, arrays.ncols));
    let any = AnyPanel {
        indptr: a.indptr,
        indices: Indices::new(&arrays.indices),
        ncols: arrays.ncols,
        first_row: 0,
    };
    let values = Values::new(Raw::of(&arrays.values), decode);
    let wide: Vec<u64> = arrays.indices.iter().map(|index| index.to_usize() as u64).collect();
    let rough =
        |n: usize| -> Vec<X> { (0..n).map(|i| X::from_f64(1.0 / (i + 3) as f64)).collect() };
    for (k, along, update) in [1, 3]
        .into_iter()
        .flat_map(|k| [(k, true), (k, false)])
        .flat_map(|(k, along)| [(k, along, Update::Set), (k, along, Update::Add)])
    {
        let (from, to) = if along { (shape.1, shape.0) } else { shape };
        let (x, before) = (rough(from * k), rough(to * k));
        let how = How { along, entries: Conjugation::Conjugated, update };
        let (mut own, mut slow) = (before.clone(), before.clone());
        CONTEXTS[1]
            .with_threads(|| match along {
                true => gather(a, how.entries, update, &x, &mut own, k),
                false => scatter(a, how.entries, update, &x, &mut own, k),
            })
            .unwrap();
        let vectors = Vectors { k, x: &x, y: &mut slow };
        multiply::multiply_wide(any, &wide, values, how, vectors).unwrap();
        assert!(own == slow, "wide, {k} vectors, along {along}");
        for ctx in &*CONTEXTS {
            let mut other = before.clone();
            let vectors = Vectors { k, x: &x, y: &mut other };
            ctx.with_threads(|| multiply_lines(any, values, how, vectors)).unwrap();
            assert!(own == other, "decoded, {k} vectors, along {along}");
        }
    }
}

#[test]
fn decoded_lines_have_the_bits_of_their_own_kernel() {
    let long = |len: usize| (0..len).map(move |j| (j * 3 % 80_000, (j % 7) as i8 - 3)).collect();
    let short = (0..5000).map(|i| (0..i % 9).map(|j| ((i * 31 + j) % 80_000, 1)).collect());
    let lens = [15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17, 0, 5];
    let rows = lens.into_iter().map(long).chain(short).collect();
    let sample = Sample { ncols: 80_000, start: 3, rows };
    decoded::<f64, f64, u64, f64>(&sample, |v| 0.1 * f64::from(v), None);
    decoded::<f32, f64, u32, f64>(
        &sample,
        |v| 0.1 * f32::from(v),
        Some(|from, to| decode(from, to, |x: f32| f64::from(x))),
    );
    decoded::<i16, f32, u64, f32>(
        &sample,
        i16::from,
        Some(|from, to| decode(from, to, |x: i16| f32::from(x))),
    );
    decoded::<bool, bool, u64, f64>(&sample, |v| v > 0, None);
    decoded::<(), (), u64, f64>(&sample, |_| (), None);
    decoded::<Complex<f64>, _, u64, Complex<f64>>(
        &sample,
        |v| Complex::new(0.1, f64::from(v)),
        None::<Decode<Complex<f64>>>,
    );
}

#[test]
fn bad_entries_of_decoded_lines_are_named() {
    let indices = [0u64, 4, 1, u64::from(u32::MAX) + 1, 9];
    let a = AnyPanel {
        indptr: Indices::new(&[10u32, 12, 12, 15]),
        indices: Indices::new(&indices),
        ncols: 5,
        first_row: 100,
    };
    for along in [true, false] {
        let (x, mut y) = (vec![1.0; 5], vec![0.0; 5]);
        let (from, to) = if along { (5, 3) } else { (3, 5) };
        let how = How { along, entries: Conjugation::AsStored, update: Update::Set };
        let vectors = Vectors { k: 1, x: &x[..from], y: &mut y[..to] };
        let error = multiply_lines(a, Values::Plain(&[1.0; 5]), how, vectors).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert_eq!(error.location(), Some(&Location::Entry { major: 102, position: 13 }));
    }
}
