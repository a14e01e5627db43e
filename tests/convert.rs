//! Every pair of formats, every place, against the same matrix written out.

use ndarray::Array2;
use outcore::{Context, Coo, Csc, Csr, Dense, Duplicates, ErrorKind, Order, Place};
use proptest::prelude::*;
use tempfile::tempdir;

/// The places a result can live at; a new path at each call.
fn places(folder: &std::path::Path) -> [Place; 3] {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("result-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    [Place::Memory, Place::Scratch, Place::File(folder.join(name))]
}

fn triplets() -> impl Strategy<Value = ((usize, usize), Vec<(usize, usize, i64)>)> {
    (1usize..12, 1usize..12).prop_flat_map(|(nrows, ncols)| {
        let entry = (0..nrows, 0..ncols, -9i64..10);
        (Just((nrows, ncols)), prop::collection::vec(entry, 0..60))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn every_pair((shape, triplets) in triplets()) {
        let folder = tempdir().unwrap();
        let ctx = Context::new();
        let mut expected = Array2::<i64>::zeros(shape);
        triplets.iter().for_each(|&(i, j, value)| expected[(i, j)] += value);
        let dense = |a: Dense<i64>| a.as_ndarray().to_owned();
        let coo = Coo::<i64>::from_triplets(shape, triplets.clone()).unwrap();
        for place in places(folder.path()) {
            let file = |extra: &str| match &place {
                Place::File(path) => Place::File(path.with_extension(extra)),
                other => other.clone(),
            };
            let csr: Csr<i64> = coo.to_csr(Duplicates::Sum, file("csr"), &ctx).unwrap();
            let csc: Csc<i64> = coo.to_csc(Duplicates::Sum, file("csc"), &ctx).unwrap();
            prop_assert!(csr.check().unwrap() && csc.check().unwrap());
            prop_assert_eq!(&csr.to_csc(file("csr_csc"), &ctx).unwrap(), &csc);
            prop_assert_eq!(&csc.to_csr(file("csc_csr"), &ctx).unwrap(), &csr);
            for (name, order) in [("c", Order::C), ("f", Order::Fortran)] {
                prop_assert_eq!(&dense(coo.to_dense(order, file(&format!("coo{name}")), &ctx).unwrap()), &expected);
                prop_assert_eq!(&dense(csc.to_dense(order, file(&format!("csc{name}")), &ctx).unwrap()), &expected);
                let a = csr.to_dense(order, file(&format!("csr{name}")), &ctx).unwrap();
                prop_assert_eq!(&dense(a.clone()), &expected);
                let back: Csr<i64> = a.to_csr(file(&format!("{name}_csr")), &ctx).unwrap();
                let back_cols: Csc<i64> = a.to_csc(file(&format!("{name}_csc")), &ctx).unwrap();
                let back_coo: Coo<i64> = a.to_coo(file(&format!("{name}_coo")), &ctx).unwrap();
                prop_assert!(back.data().iter().all(|&value| value != 0));
                prop_assert!(back.check().unwrap() && back_cols.check().unwrap());
                prop_assert_eq!(dense(back.to_dense(order, Place::Memory, &ctx).unwrap()), expected.clone());
                prop_assert_eq!(dense(back_cols.to_dense(order, Place::Memory, &ctx).unwrap()), expected.clone());
                prop_assert_eq!(dense(back_coo.to_dense(order, Place::Memory, &ctx).unwrap()), expected.clone());
            }
            let again = csr.to_coo(file("csr_coo"), &ctx).unwrap();
            prop_assert_eq!(&again.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap(), &csr);
            let again = csc.to_coo(file("csc_coo"), &ctx).unwrap();
            prop_assert_eq!(&again.to_csc::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap(), &csc);
        }
    }
}

#[test]
fn duplicates_are_summed_kept_or_refused() {
    let ctx = Context::new();
    let coo =
        Coo::<f64>::from_triplets((2, 3), [(1, 2, 1.0), (0, 0, 5.0), (1, 0, 7.0), (1, 2, 2.0)])
            .unwrap();
    let sum: Csr<f64> = coo.to_csr(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    assert_eq!((&**sum.indices(), &**sum.data()), (&[0, 0, 2][..], &[5.0, 7.0, 3.0][..]));
    let kept: Csr<f64> = coo.to_csr(Duplicates::Keep, Place::Memory, &ctx).unwrap();
    assert_eq!((&**kept.indices(), &**kept.data()), (&[0, 0, 2, 2][..], &[5.0, 7.0, 1.0, 2.0][..]));
    assert!(!kept.check().unwrap());
    assert_eq!(kept.to_csc(Place::Memory, &ctx).unwrap().nnz(), 4);
    let error = coo.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.to_string().contains("row 1, column 2"), "{error}");
    let error = coo.to_csc::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    assert!(error.to_string().contains("row 1, column 2"), "{error}");
}

#[test]
fn sums_that_overflow_are_errors() {
    let ctx = Context::new();
    let coo = Coo::<i8>::from_triplets((1, 1), [(0, 0, 100), (0, 0, 100)]).unwrap();
    let error = coo.to_csr::<u32>(Duplicates::Sum, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert_eq!(coo.to_dense(Order::C, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Value);
}

#[test]
fn a_threshold_chooses_what_is_stored() {
    let ctx = Context::new();
    let a = Dense::from(ndarray::arr2(&[[0.1, 2.0], [-3.0, 0.0]]));
    let csr: Csr<f64> = a.to_csr_if(Place::Memory, &ctx, |x: f64| x.abs() > 1.0).unwrap();
    assert_eq!(**csr.data(), [2.0, -3.0]);
    let csc: Csc<f64> = a.to_csc_if(Place::Memory, &ctx, |x: f64| x.abs() > 1.0).unwrap();
    assert_eq!(**csc.data(), [-3.0, 2.0]);
    let zeros: Csr<f64> = a.to_csr_if(Place::Memory, &ctx, |_| true).unwrap();
    assert_eq!(zeros.nnz(), 4);
}

#[test]
fn shapes_without_elements() {
    let ctx = Context::new();
    for shape in [(0, 0), (0, 5), (5, 0)] {
        let coo = Coo::<f64>::from_triplets(shape, []).unwrap();
        let csr: Csr<f64> = coo.to_csr(Duplicates::Sum, Place::Memory, &ctx).unwrap();
        assert_eq!(csr.to_csc(Place::Memory, &ctx).unwrap().shape(), shape);
        for order in [Order::C, Order::Fortran] {
            let dense = csr.to_dense(order, Place::Scratch, &ctx).unwrap();
            assert_eq!(dense.shape(), shape);
            assert_eq!(dense.to_csr::<u32, u32>(Place::Scratch, &ctx).unwrap().shape(), shape);
            assert_eq!(dense.to_csc::<u32, u32>(Place::Memory, &ctx).unwrap().nnz(), 0);
        }
    }
}

/// A symmetric structure near the diagonal with values that are not.
fn lattice(n: usize, reach: usize, values: impl Fn(usize, (usize, usize)) -> f64) -> Csr<f64> {
    let near = |i: usize| i.saturating_sub(reach)..n.min(i + reach + 1);
    let cells = (0..n).flat_map(|i| near(i).filter(move |j| (i + j) % 3 != 1).map(move |j| (i, j)));
    let cells = cells.enumerate().map(|(k, (i, j))| (i, j, values(k, (i, j))));
    Csr::from_triplets((n, n), cells, Duplicates::Refuse).unwrap()
}

#[test]
fn symmetric_structures_are_shared_and_values_move() {
    let value = |k: usize, _| 1.0 / (k + 1) as f64;
    for (n, reach) in [(1, 1), (2, 0), (7, 9), (3_000, 40), (60_000, 5)] {
        let a = lattice(n, reach, value);
        let coo = a.to_coo(Place::Memory, &Context::new()).unwrap();
        let expected = coo.to_csc::<u32>(Duplicates::Keep, Place::Memory, &Context::new()).unwrap();
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let (across, report) = ctx.measure(|ctx| a.to_csc(Place::Memory, ctx)).unwrap();
            crate::plans::compare(&report);
            assert!(across == expected, "{n}, {threads} threads");
            assert!(across.check().unwrap());
            if n > 1_000 {
                assert_eq!(across.indices().as_ptr(), a.indices().as_ptr());
            }
            assert!(across.to_csr(Place::Memory, &ctx).unwrap() == a);
        }
    }
}

#[test]
fn symmetric_matrices_are_shared_whole_and_to_the_bit() {
    let value = |(i, j)| if i == j { f64::NAN } else { 0.1 * (i * j) as f64 };
    // In the first, lines reach but a little beyond their run of lines.
    for (n, reach) in [(5_000, 30), (1_200, 40)] {
        let ends = (0..n - 50).step_by(n / 5 - 3).chain([n - 3]);
        let pairs = ends.map(|i| (i, i + if (2 * i + 1) % 3 == 1 { 2 } else { 1 }));
        let pairs: Vec<_> = pairs.flat_map(|(i, j)| [(i, j), (j, i)]).collect();
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let a = lattice(n, reach, |_, at| value(at));
            let (across, report) = ctx.measure(|ctx| a.to_csc(Place::Memory, ctx)).unwrap();
            crate::plans::compare(&report);
            assert_eq!(across.data().as_ptr(), a.data().as_ptr());
            assert_eq!(across.indices().as_ptr(), a.indices().as_ptr());
            assert!(across.check().unwrap());
            // One sign of a zero, or one number, above the diagonal or below it.
            for &other in &pairs {
                let a = lattice(n, reach, |_, at| if at == other { -value(at) } else { value(at) });
                let across = a.to_csc(Place::Memory, &ctx).unwrap();
                assert_ne!(across.data().as_ptr(), a.data().as_ptr(), "{other:?}");
                let found = across.col(other.1).unwrap();
                let at = found.indices.binary_search(&(other.0 as u32)).unwrap();
                let expected: f64 = -value(other);
                assert_eq!(found.data[at].to_bits(), expected.to_bits());
            }
        }
    }
}

#[test]
fn structures_that_only_seem_symmetric_are_converted_all_the_same() {
    let a = lattice(20_000, 6, |k, _| k as f64);
    let cells: Vec<_> = a
        .rows()
        .enumerate()
        .flat_map(|(i, row)| {
            row.indices.iter().zip(row.data).map(move |(&j, &value)| (i, j as usize, value))
        })
        .collect();
    // One entry less, or one at another place: early, late, the last one.
    for k in [3, cells.len() / 2 + 1, cells.len() - 2, cells.len() - 1] {
        let (mut less, mut moved) = (cells.clone(), cells.clone());
        less.remove(k);
        moved[k].1 = (moved[k].0 + 1_000) % 20_000;
        for cells in [less, moved] {
            let a = Csr::<f64>::from_triplets(a.shape(), cells, Duplicates::Keep).unwrap();
            let coo = a.to_coo(Place::Memory, &Context::new()).unwrap();
            let to =
                |ctx: &Context| coo.to_csc::<u32>(Duplicates::Keep, Place::Memory, ctx).unwrap();
            for threads in [1, 2, 8] {
                let ctx = Context::new().threads(threads).unwrap();
                assert!(a.to_csc(Place::Memory, &ctx).unwrap() == to(&ctx), "{k}");
            }
        }
    }
}
