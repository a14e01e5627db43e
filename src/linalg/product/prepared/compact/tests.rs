//! Compares encoded matrices with the plain kernel, bit for bit, for structures of every kind.

use num_complex::Complex;
use proptest::prelude::*;

use crate::linalg::algebra::{Factor, Scalar};
use crate::linalg::kernels::{CHUNK, Conjugation, Panel, SumShape, Update, gather, scatter};
use crate::linalg::product::prepared::compact::encoding::Compact;
use crate::linalg::product::prepared::compact::scattered::{Scattered, TileCut};
use crate::sparse::{Csr, Duplicates};
use crate::storage::raw::Raw;
use crate::storage::{Context, Entry, Place};

/// So small that few entries span many bins and ranges.
const SMALL: TileCut = TileCut { slots: 1 << 8, range: 1 << 11 };

/// The numbers of runs, narrow and wide blocks of an encoding.
fn kinds(compact: &Compact) -> (usize, usize, usize) {
    use crate::linalg::product::prepared::compact::encoding::Structure;
    compact.blocks.iter().fold((0, 0, 0), |(runs, narrow, wide), block| match block.structure {
        Structure::Runs(_) => (runs + 1, narrow, wide),
        Structure::Narrow { .. } => (runs, narrow + 1, wide),
        Structure::Wide { .. } => (runs, narrow, wide + 1),
    })
}

/// Lines as input of the encoding: their structure, and their values.
fn coded<'a, T: Entry>(panel: Panel<'a, T, u32>) -> (Panel<'a, (), u32>, Raw<'a>) {
    // Values without bytes, as many as there are indices.
    let none: &[()] = Box::leak(vec![(); panel.indices.len()].into());
    let lines = Panel::over(panel.indptr, panel.indices, none, panel.ncols(), 0).unwrap();
    (lines, Raw::of(panel.values))
}

fn check<T: Entry + Factor<X>, X: Scalar>(
    a: &Csr<T>,
    x: impl Fn(usize) -> X,
) -> Option<(usize, usize, usize)> {
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), a.ncols(), 0).unwrap();
    let lines = coded(panel);
    let compact =
        Compact::encode(lines, SumShape::Interleaved, u64::MAX, &Context::new()).unwrap()?;
    for k in [1, 2, 4, 7, 8, 19] {
        let x: Vec<X> = (0..a.ncols() * k).map(&x).collect();
        let mut expected = vec![X::from_f64(0.5); a.nrows() * k];
        let mut found = expected.clone();
        let update = if k == 2 { Update::Add } else { Update::Set };
        for entries in [Conjugation::AsStored, Conjugation::Conjugated] {
            gather(panel, entries, update, &x, &mut expected, k).unwrap();
            for threads in [1, 3] {
                let ctx = Context::new().threads(threads).unwrap();
                let mut again = found.clone();
                compact.gather::<T, X>(None, entries, update, &x, &mut again, k, &ctx).unwrap();
                if threads == 3 {
                    found = again;
                }
            }
            assert!(expected == found, "{k} vectors, {entries:?}");
        }
    }
    check_in_order(a, x);
    Some(kinds(&compact))
}

/// Lines added sequentially give the bits of a scatter over the lines across.
fn check_in_order<T: Entry + Factor<X>, X: Scalar>(a: &Csr<T>, x: impl Fn(usize) -> X) {
    let ctx = Context::new();
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), a.ncols(), 0).unwrap();
    let lines = coded(panel);
    let across = a.to_csc(Place::Memory, &ctx).unwrap();
    let arrays = (across.indptr(), across.indices(), across.data());
    let across = Panel::new(arrays.0, arrays.1, arrays.2, a.nrows(), 0).unwrap();
    let compact = Compact::encode(lines, SumShape::InOrder, u64::MAX, &ctx).unwrap();
    let scattered = Scattered::encode_cut(lines, SumShape::InOrder, u64::MAX, SMALL, &ctx).unwrap();
    for k in [1, 3] {
        let x: Vec<X> = (0..a.ncols() * k).map(&x).collect();
        let mut expected = vec![X::zero(); a.nrows() * k];
        scatter(across, Conjugation::Conjugated, Update::Set, &x, &mut expected, k).unwrap();
        if let Some(compact) = &compact {
            let mut found = vec![X::from_f64(0.5); a.nrows() * k];
            compact
                .gather::<T, X>(None, Conjugation::Conjugated, Update::Set, &x, &mut found, k, &ctx)
                .unwrap();
            assert!(expected == found, "{k} vectors, in order");
        }
        if let (Some(scattered), 1) = (&scattered, k) {
            let (mut found, mut buffer) = (expected.clone(), vec![X::zero(); scattered.terms()]);
            let set = Update::Set;
            scattered
                .gather::<T, X>(
                    None,
                    Conjugation::Conjugated,
                    set,
                    &x,
                    &mut found,
                    &mut buffer,
                    &ctx,
                )
                .unwrap();
            assert!(expected == found, "scattered, in order");
        }
    }
}

fn number(k: usize) -> f64 {
    1.0 / (k % 1013 + 1) as f64 - 0.3
}

/// The structure of a grid with different values everywhere.
fn grid(extents: &[usize]) -> Csr<f64> {
    let a = Csr::<f64>::poisson(extents, Place::Memory, &Context::new()).unwrap();
    let values: Vec<f64> = (0..a.nnz()).map(number).collect();
    a.with_data(values).unwrap()
}

#[test]
fn grids_are_runs() {
    let a = grid(&[30, 31, 32]);
    let (runs, narrow, wide) = check(&a, number).unwrap();
    assert!(runs > 0 && narrow == 0 && wide == 0);
    assert!(check(&grid(&[5000]), number).is_some());
    assert!(check(&grid(&[90, 70]), number).is_some());
    let complex: Vec<_> = a.data().iter().map(|&x| Complex::new(x, x * x)).collect();
    check(&a.with_data(complex).unwrap(), |k| Complex::new(number(k), -number(k + 1))).unwrap();
    let narrow: Vec<f32> = a.data().iter().map(|&x| x as f32).collect();
    check(&a.with_data(narrow.clone()).unwrap(), number).unwrap();
    check(&a.with_data(narrow).unwrap(), |k| number(k) as f32).unwrap();
    check(&a.pattern(), number).unwrap();
}

#[test]
fn lines_with_the_same_values_store_them_once() {
    let a = Csr::<f64>::poisson(&[40; 3], Place::Memory, &Context::new()).unwrap();
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), a.ncols(), 0).unwrap();
    let lines = coded(panel);
    let compact =
        Compact::encode(lines, SumShape::Interleaved, u64::MAX, &Context::new()).unwrap().unwrap();
    assert!(compact.bytes() * 8 < a.bytes(), "{} of {}", compact.bytes(), a.bytes());
    check(&a, number).unwrap();
}

#[test]
fn bands_have_long_lines() {
    for (n, half) in [(3000, 16), (200, 40), (40, 7)] {
        let values: Vec<f64> = (0..n).map(number).collect();
        let diagonals: Vec<(isize, &[f64])> =
            (-half..=half).map(|d: isize| (d, &values[d.unsigned_abs()..])).collect();
        let a = Csr::<f64>::diags((n, n), &diagonals, Place::Memory, &Context::new()).unwrap();
        check(&a, number).unwrap();
    }
}

#[test]
fn the_rest_is_narrow_or_wide() {
    let ctx = Context::new();
    let a = Csr::<f64>::random((3000, 50_000), 0.001, 1, Place::Memory, &ctx).unwrap();
    assert_eq!(check(&a, number).map(|(runs, _, wide)| (runs, wide)), Some((0, 0)));
    let a = Csr::<f64>::random((3000, 90_000), 0.001, 1, Place::Memory, &ctx).unwrap();
    assert_eq!(check(&a, number), None);
    // One half is a grid, the other half random.
    let scattered = Csr::<f64>::random((27_000, 100_000), 0.0001, 1, Place::Memory, &ctx).unwrap();
    let mixed = Csr::hstack(
        &[&grid(&[30; 3]), &Csr::from_triplets((27_000, 73_000), [], Duplicates::Sum).unwrap()],
        Place::Memory,
        &ctx,
    )
    .unwrap();
    let mixed = Csr::vstack(&[&mixed, &scattered], Place::Memory, &ctx).unwrap();
    let (runs, _, wide) = check(&mixed, number).unwrap();
    assert!(runs > 0 && wide > 0);
}

/// Compares products in two passes with the plain kernel, bit for bit.
fn check_scattered(a: &Csr<f64>, cut: TileCut) {
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), a.ncols(), 0).unwrap();
    let lines = coded(panel);
    let encoded =
        Scattered::encode_cut(lines, SumShape::Interleaved, u64::MAX, cut, &Context::new())
            .unwrap();
    let Some(scattered) = encoded else { return };
    let x: Vec<f64> = (0..a.ncols()).map(number).collect();
    for update in [Update::Set, Update::Add] {
        let mut expected = vec![0.5; a.nrows()];
        gather(panel, Conjugation::AsStored, update, &x, &mut expected, 1).unwrap();
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let (mut y, mut buffer) = (vec![0.5; a.nrows()], vec![0.0; scattered.terms()]);
            scattered
                .gather::<f64, f64>(
                    None,
                    Conjugation::AsStored,
                    update,
                    &x,
                    &mut y,
                    &mut buffer,
                    &ctx,
                )
                .unwrap();
            assert!(y == expected);
        }
    }
}

#[test]
fn scattered_columns_in_two_passes() {
    let ctx = Context::new();
    // Short lines, long ones with every length of tail, empty ones, more bins than one.
    let lens = |i: usize| match i % 97 {
        0 => 0,
        1..90 => i % 16,
        long => 16 + long * 3 % 50,
    };
    let (nrows, ncols) = (70_000, 120_000);
    let triplets = (0..nrows).flat_map(|i| {
        (0..lens(i)).map(move |k| (i, (i * 7919 + k * 104_729) % ncols, number(i * 31 + k)))
    });
    let a = Csr::<f64>::from_triplets((nrows, ncols), triplets, Duplicates::Sum).unwrap();
    check_scattered(&a, TileCut::USUAL);
    check_scattered(&a, SMALL);
    // Out of order, or too large: not encoded.
    let unsorted = [0u32, 100_000, 5];
    let panel = Panel::new(&[0u32, 3], &unsorted, &[1.0; 3], ncols, 0).unwrap();
    let lines = coded(panel);
    assert!(Scattered::encode(lines, SumShape::Interleaved, u64::MAX, &ctx).unwrap().is_none());
    let panel = Panel::new(a.indptr(), a.indices(), a.data(), ncols, 0).unwrap();
    let lines = coded(panel);
    assert!(Scattered::encode(lines, SumShape::Interleaved, 1000, &ctx).unwrap().is_none());
    // A line of more slots than a bin.
    let cut = TileCut { slots: 8, ..SMALL };
    let most = u64::MAX;
    assert!(
        Scattered::encode_cut(lines, SumShape::Interleaved, most, cut, &ctx).unwrap().is_none()
    );
}

#[test]
fn empty_shapes() {
    for shape in [(0, 0), (0, 5), (5, 0), (7, 7)] {
        let a = Csr::<f64>::from_triplets(shape, [], Duplicates::Sum).unwrap();
        check(&a, number);
    }
}

#[test]
fn bad_indices_are_refused() {
    let indices: Vec<u32> = (0..4000u32).map(|i| if i == 3000 { 70_000 } else { i }).collect();
    let indptr: Vec<u32> = (0..=4000).collect();
    let values = vec![1.0; 4000];
    let panel = Panel::new(&indptr, &indices, &values, 4000, 0).unwrap();
    let lines = coded(panel);
    let error =
        Compact::encode(lines, SumShape::Interleaved, u64::MAX, &Context::new()).err().unwrap();
    assert_eq!(error.kind(), crate::error::ErrorKind::Index);
}

#[test]
fn lines_in_chunks_keep_their_bits() {
    for len in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 15, 2 * CHUNK + 21] {
        let line = |i: usize, len: usize| (0..len).map(move |j| (i, j * (i + 1), number(i + j)));
        let triplets = line(0, 70).chain(line(1, len)).chain(line(2, len)).chain(line(4, 9));
        let a = Csr::<f64>::from_triplets((6, 400_000), triplets, Duplicates::Sum).unwrap();
        check(&a, number);
        check_scattered(&a, SMALL);
    }
    // Columns so close together that they have one more than once.
    let len = 2 * CHUNK + 21;
    let indices: Vec<u32> = (0..len).map(|j| (j * 60_000 / len) as u32).collect();
    let (indptr, values) = (vec![0, 5, 5 + len as u32 - 10, len as u32], (0..len).map(number));
    let a = Csr::from_parts((3, 60_000), indptr, indices, values.collect::<Vec<_>>()).unwrap();
    assert_eq!(check(&a, number).map(|(_, narrow, wide)| (narrow > 0, wide)), Some((true, 0)));
}

proptest! {
    #[test]
    fn any_mixture_of_lines(
        lines in prop::collection::vec((0usize..5, 1usize..40, 0usize..60), 1..40),
    ) {
        // Runs of lines of a few kinds: a stencil with a given number of entries, or random entries.
        let ncols = 4000;
        let (mut triplets, mut i) = (Vec::new(), 0);
        for (kind, length, width) in lines {
            for _ in 0..length {
                for k in 0..width {
                    let j = if kind == 0 { (i * 7919 + k * k * 31) % ncols } else { i + k * kind };
                    triplets.push((i, j, number(i * 61 + k)));
                }
                i += 1;
            }
        }
        let a = Csr::<f64>::from_triplets((i, ncols), triplets, Duplicates::Sum).unwrap();
        check(&a, number);
    }

    #[test]
    fn any_scattered_lines(
        lens in prop::collection::vec(prop_oneof![Just(0usize), 1usize..20, Just(3000)], 1..60),
        ncols in 1usize..60_000,
    ) {
        let line = |(i, len): (usize, &usize)| {
            (0..*len.min(&ncols)).map(move |k| (i, (i * 7919 + k * 31) % ncols, number(i * 61 + k)))
        };
        let triplets = lens.iter().enumerate().flat_map(line);
        let a = Csr::<f64>::from_triplets((lens.len(), ncols), triplets, Duplicates::Sum).unwrap();
        check_scattered(&a, SMALL);
        check_in_order(&a, number);
    }
}
