//! Compares every accumulator with the reference, bit for bit, and tests invalid input.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;
use crate::linalg::algebra::{AnyPair, PlusTimes, Semiring};
use crate::linalg::kernels::Panel;
use crate::linalg::kernels::reference;
use crate::storage::Index;

/// A matrix: rows of (column, value) and the number of columns.
#[derive(Clone, Debug)]
struct Sample {
    columns: usize,
    rows: Vec<Vec<(usize, i8)>>,
}

struct Arrays<T, I> {
    indptr: Vec<u32>,
    indices: Vec<I>,
    values: Vec<T>,
    columns: usize,
}

impl<T, I: Index> Arrays<T, I> {
    fn new(sample: &Sample, value: impl Fn(i8) -> T) -> Self {
        let mut indptr = vec![0];
        indptr.extend(sample.rows.iter().scan(0, |end, row| {
            *end += row.len() as u32;
            Some(*end)
        }));
        let entries = || sample.rows.iter().flatten();
        Arrays {
            indptr,
            indices: entries().map(|entry| I::from_usize(entry.0)).collect(),
            values: entries().map(|entry| value(entry.1)).collect(),
            columns: sample.columns,
        }
    }

    fn panel(&self) -> Panel<'_, T, I> {
        Panel::new(&self.indptr, &self.indices, &self.values, self.columns, 0).unwrap()
    }
}

/// Rows of a few entries or many; random, in a band, or all alike except for a shift; in any order, with repeats.
fn matrix(rows: usize, columns: usize) -> impl Strategy<Value = Sample> {
    let most: usize = if columns == 0 { 0 } else { 30 };
    let length = prop_oneof![8 => 0..=most.min(6), 1 => 0..=most];
    let row = length.prop_flat_map(|n| prop::collection::vec((0usize..1 << 20, -9i8..=9), n));
    (prop::collection::vec(row, rows), 0..3).prop_map(move |(mut drawn, kind)| {
        let first = drawn.first().cloned();
        for (i, row) in drawn.iter_mut().enumerate() {
            if let (2, Some(first)) = (kind, &first) {
                *row = first.iter().map(|&(column, value)| (column % 8, value)).collect();
            }
            for entry in row {
                let spread = if kind == 0 { entry.0 } else { i + entry.0 % 8 };
                entry.0 = spread % columns.max(1);
            }
        }
        Sample { columns, rows: drawn }
    })
}

fn pairs() -> impl Strategy<Value = (Sample, Sample)> {
    (0usize..60, 0usize..40, prop_oneof![0usize..50, 3_000usize..200_000])
        .prop_flat_map(|(n, k, m)| (matrix(n, k), matrix(k, m)))
}

/// The terms of every row; one if they cannot be counted.
fn counts<S, T, I: Index>(a: &Arrays<S, I>, b: &Arrays<T, I>) -> Vec<usize> {
    let (a, b) = (a.panel(), b.panel());
    let terms = |k: &I| (k.to_usize() < b.nrows()).then(|| b.row(k.to_usize()).ok()).flatten();
    let row = |i| {
        let mut all = a.indices[a.row(i).ok()?].iter().map(|k| Some(terms(k)?.len()));
        all.try_fold(0, |sum, terms| Some(sum + terms?))
    };
    (0..a.nrows()).map(|i| row(i).unwrap_or(1)).collect()
}

/// The product by rows with different limits, so that every accumulator is used.
fn agrees<S: Semiring, I: Index>(
    semiring: S,
    a: &Arrays<S::Left, I>,
    b: &Arrays<S::Right, I>,
    bits: impl Fn(S::Sum) -> u128,
) -> Result<(), TestCaseError> {
    let expected = reference::spgemm(semiring, a.panel(), b.panel()).unwrap();
    let rising = (0..b.panel().nrows()).all(|k| {
        let row = b.panel().row(k).unwrap();
        b.indices[row].is_sorted()
    });
    let size = size_of::<S::Sum>();
    for (bytes, hint) in [(1 << 30, false), (1 << 30, rising), (2000, rising), (0, rising)] {
        let limits = Limits::new::<I>(bytes, (usize::MAX, b.columns), size);
        let mut multiplier = RowMultiplier::new(semiring, limits);
        let (whole, mut out) = (WholeMatrix { panel: b.panel(), rising: hint }, ProductRows::new());
        multiplier.rows(a.panel(), &counts(a, b), whole, b.columns, None, &mut out).unwrap();
        prop_assert_eq!(&out.lens, &expected.iter().map(|row| row.len()).collect::<Vec<_>>());
        let entries = out.indices.iter().zip(&out.data).map(|(j, &sum)| (j.to_usize(), bits(sum)));
        let wanted = expected.iter().flatten().map(|(&j, &sum)| (j, bits(sum)));
        prop_assert!(entries.eq(wanted));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn accumulators_have_the_bits_of_the_twin((left, right) in pairs()) {
        let tenth = |v: i8| 0.1 * f64::from(v);
        let number = |x: f64| u128::from(x.to_bits());
        let (a, b) = (Arrays::<_, u32>::new(&left, tenth), Arrays::new(&right, tenth));
        agrees(PlusTimes::<f64>::new(), &a, &b, number)?;
        let (a, b) = (Arrays::<_, u64>::new(&left, f32::from), Arrays::new(&right, f32::from));
        agrees(PlusTimes::<f32>::new(), &a, &b, |x| u128::from(x.to_bits()))?;
        let both = |v: i8| num_complex::Complex::new(tenth(v), f64::from(v % 3));
        let (a, b) = (Arrays::<_, u32>::new(&left, both), Arrays::new(&right, both));
        agrees(PlusTimes::new(), &a, &b, |x| number(x.re) << 64 | number(x.im))?;
        let (a, b) = (Arrays::<_, u32>::new(&left, |_| ()), Arrays::new(&right, |_| ()));
        agrees(AnyPair::<(), ()>::new(), &a, &b, |()| 0)?;
    }

    #[test]
    fn hostile_arrays_are_errors_and_never_panics(
        (left, right) in pairs(),
        wrong in prop::collection::vec((any::<bool>(), any::<bool>(), any::<usize>(), any::<u32>()), 0..3),
        rising in any::<bool>(),
    ) {
        let (mut a, mut b) = (Arrays::<f64, u32>::new(&left, f64::from), Arrays::<f64, u32>::new(&right, f64::from));
        for (of_left, of_pointers, at, value) in wrong {
            let arrays = if of_left { &mut a } else { &mut b };
            let array = if of_pointers { &mut arrays.indptr } else { &mut arrays.indices };
            let len = array.len().max(1);
            if let Some(element) = array.get_mut(at % len) {
                *element = if at % 2 == 0 { value } else { value % 64 };
            }
        }
        let expected = reference::spgemm(PlusTimes::<f64>::new(), a.panel(), b.panel());
        for bytes in [1 << 30, 0] {
            let limits = Limits::new::<u32>(bytes, (usize::MAX, b.columns), 8);
            let mut multiplier = RowMultiplier::new(PlusTimes::<f64>::new(), limits);
            let (whole, mut out) = (WholeMatrix { panel: b.panel(), rising }, ProductRows::new());
            let outcome = multiplier.rows(a.panel(), &counts(&a, &b), whole, b.columns, None, &mut out);
            prop_assert!(out.indices.iter().all(|j| (*j as usize) < b.columns));
            match &expected {
                Err(_) => prop_assert!(outcome.is_err()),
                // Only a wrong hint may cause an error without reason.
                Ok(_) => prop_assert!(outcome.is_ok() || rising),
            }
        }
    }
}

#[test]
fn one_column_more_than_a_window_is_an_error() {
    // Declared rising, the row of B hides its largest column, which is in the last word of the window.
    let a = Arrays::<f64, u32>::new(&Sample { columns: 1, rows: vec![vec![(0, 1)]] }, f64::from);
    let row = vec![(3, 1), (70, 1), (9, 1)];
    let b = Arrays::<f64, u32>::new(&Sample { columns: 10, rows: vec![row] }, f64::from);
    let limits = Limits::new::<u32>(1 << 20, (100, 10), 8);
    let mut multiplier = RowMultiplier::new(PlusTimes::<f64>::new(), limits);
    let (whole, mut out) = (WholeMatrix { panel: b.panel(), rising: true }, ProductRows::new());
    assert!(multiplier.rows(a.panel(), &[3], whole, 10, None, &mut out).is_err());
}
