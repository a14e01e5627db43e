//! Products over semirings, with and without a mask: the bits of the obvious loop, in memory and for matrices larger
//! than the limit, for any number of threads, at the cost that was planned.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;

use outcore::linalg::{
    AnyPair, Mask, MaxMin, MaxPlus, MinFirst, MinPlus, MinSecond, OrAnd, PlusPair, PlusSecond,
    PlusTimes, Semiring,
};
use outcore::{Context, Coo, Csc, Csr, Duplicates, Entry, ErrorKind, Index, Place, Report};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::folders::Folders;
use crate::numbers::random;

fn threads(count: usize) -> Context {
    Context::new().threads(count).unwrap()
}

/// The obvious loop: the sums of every row, of the columns that `keeps` lets stand.
pub(crate) fn twin<S: Semiring, I: Index>(
    semiring: S,
    a: &Csr<S::Left, I>,
    b: &Csr<S::Right, I>,
    keeps: impl Fn(usize, I) -> bool,
) -> Csr<S::Sum, I> {
    let (mut indptr, mut indices, mut data) = (vec![I::from_usize(0)], Vec::new(), Vec::new());
    for (i, row) in a.rows().enumerate() {
        let mut sums = BTreeMap::new();
        for (k, &x) in row.indices.iter().zip(row.data) {
            let row = b.row(k.to_usize()).unwrap();
            for (j, &y) in row.indices.iter().zip(row.data) {
                let sum = sums.entry(*j).or_insert(semiring.zero());
                *sum = semiring.add(*sum, semiring.multiply(x, y));
            }
        }
        sums.retain(|j, _| keeps(i, *j));
        indices.extend(sums.keys());
        data.extend(sums.values());
        indptr.push(I::from_usize(indices.len()));
    }
    Csr::from_parts((a.nrows(), b.ncols()), indptr, indices, data).unwrap()
}

/// Equal in every bit: 0 and -0 differ.
fn same<T: Entry, I: Index>(one: &Csr<T, I>, other: &Csr<T, I>) -> bool {
    let bytes = |matrix: &Csr<T, I>| bytemuck::cast_slice::<T, u8>(matrix.data()).to_vec();
    one.pattern() == other.pattern() && (size_of::<T>() == 0 || bytes(one) == bytes(other))
}

fn is_stored<I: Index>(mask: &Csr<u8, I>, i: usize, j: I) -> bool {
    mask.row(i).unwrap().indices.contains(&j)
}

/// Every product of small matrices against the twin.
fn agrees<S: Semiring, I: Index>(
    semiring: S,
    a: &Csr<S::Left, I>,
    b: &Csr<S::Right, I>,
    mask: &Csr<u8, I>,
) -> Result<(), TestCaseError> {
    let all = twin(semiring, a, b, |_, _| true);
    let kept = twin(semiring, a, b, |i, j| is_stored(mask, i, j));
    let others = twin(semiring, a, b, |i, j| !is_stored(mask, i, j));
    let (in_mask, beside) = (Mask::new(mask), Mask::complement(mask));
    for count in [1, 2, 3, 8] {
        let ctx = threads(count);
        prop_assert!(same(&a.matmul_with(semiring, b, Place::Memory, &ctx).unwrap(), &all));
        let product = a.matmul_masked(semiring, b, &in_mask, Place::Memory, &ctx).unwrap();
        prop_assert!(same(&product, &kept));
        let product = a.matmul_masked(semiring, b, &beside, Place::Scratch, &ctx).unwrap();
        prop_assert!(same(&product, &others));
    }
    Ok(())
}

type Sample = (usize, usize, Vec<Vec<(usize, i32)>>);

fn sample(rows: usize, columns: usize) -> impl Strategy<Value = Sample> {
    let most: usize = if columns == 0 { 0 } else { 25 };
    let length = prop_oneof![6 => 0..=most.min(5), 1 => 0..=most];
    let row = length.prop_flat_map(|n| prop::collection::vec((0usize..1 << 20, -9..=9), n));
    prop::collection::vec(row, rows).prop_map(move |rows| (rows.len(), columns, rows))
}

/// A matrix of a sample; columns in any order, repeats among them.
fn made<T: Entry, I: Index>((nrows, ncols, rows): &Sample, value: impl Fn(i32) -> T) -> Csr<T, I> {
    let mut end = 0;
    let mut indptr = vec![I::from_usize(0)];
    indptr.extend(rows.iter().map(|row| {
        end += row.len();
        I::from_usize(end)
    }));
    let entries = || rows.iter().flatten();
    let indices: Vec<I> = entries().map(|entry| I::from_usize(entry.0 % ncols)).collect();
    let data: Vec<T> = entries().map(|entry| value(entry.1)).collect();
    Csr::from_parts((*nrows, *ncols), indptr, indices, data).unwrap()
}

fn triples() -> impl Strategy<Value = (Sample, Sample, Sample)> {
    (0usize..20, 0usize..15, prop_oneof![0usize..30, 300usize..90_000])
        .prop_flat_map(|(n, k, m)| (sample(n, k), sample(k, m), sample(n, m)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn products_are_those_of_the_twin((a, b, mask) in triples()) {
        let tenth = |v: i32| 0.1 * f64::from(v);
        let mask32 = &made::<u8, u32>(&mask, |_| 0);
        let (x, y) = (&made::<f64, u32>(&a, tenth), &made::<f64, u32>(&b, tenth));
        agrees(PlusTimes::new(), x, y, mask32)?;
        agrees(MinPlus::new(), x, y, mask32)?;
        agrees(PlusPair::new(), x, y, mask32)?;
        agrees(AnyPair::new(), x, y, mask32)?;
        agrees(PlusSecond::new(), &x.pattern(), y, mask32)?;
        let mask64 = &made::<u8, u64>(&mask, |_| 0);
        let (x, y) = (&made::<i32, u64>(&a, |v| v), &made::<i32, u64>(&b, |v| v));
        agrees(MaxPlus::new(), x, y, mask64)?;
        agrees(MaxMin::new(), x, y, mask64)?;
        agrees(MinFirst::new(), x, &y.pattern(), mask64)?;
        let (x, y) = (&made::<bool, u32>(&a, |v| v > 0), &made::<bool, u32>(&b, |v| v > 0));
        agrees(OrAnd, x, y, mask32)?;
    }

    #[test]
    fn columns_are_the_rows_of_the_transposes((a, b, mask) in triples()) {
        let number = |v: i32| 0.1 * f64::from(v);
        let (a, b) = (made::<f64, u32>(&a, number), made::<f64, u32>(&b, number));
        let (mask, ctx) = (made::<u8, u32>(&mask, |_| 0), threads(2));
        let (at, bt) = (a.transpose(), b.transpose());
        // A term is the entry of A whichever way: left stays left.
        let expected = twin(MinFirst::new(), &a, &b, |_, _| true);
        let product = bt.matmul_with(MinSecond::new(), &at, Place::Memory, &ctx).unwrap();
        prop_assert!(same(&product.transpose(), &expected));
        let expected = twin(MinFirst::new(), &a, &b, |i, j| !is_stored(&mask, i, j));
        let others = Mask::complement(&mask.transpose());
        let product = bt.matmul_masked(MinSecond::new(), &at, &others, Place::Memory, &ctx);
        prop_assert!(same(&product.unwrap().transpose(), &expected));
    }

    #[test]
    fn vectors_are_matrices_of_one_column((a, _, _) in triples(), (b, _, _) in triples()) {
        for a in [&a, &b] {
            let a = made::<f64, u32>(a, |v| 0.1 * f64::from(v));
            let x: Vec<f64> = (0..a.ncols()).map(|j| 1.0 / (j + 1) as f64).collect();
            vector(PlusTimes::new(), &a, &x)?;
            vector(MinPlus::new(), &a, &x)?;
            vector(PlusPair::new(), &a, &x)?;
        }
    }
}

/// Rows that rise and their columns give the same sums, those of the twin.
fn vector<S: Semiring<Left = f64>>(
    semiring: S,
    a: &Csr<f64>,
    x: &[S::Right],
) -> Result<(), TestCaseError> {
    let expected: Vec<S::Sum> = a
        .rows()
        .map(|row| {
            let mut sum = semiring.zero();
            for (j, &value) in row.indices.iter().zip(row.data) {
                sum = semiring.add(sum, semiring.multiply(value, x[*j as usize]));
            }
            sum
        })
        .collect();
    for count in [1, 2, 3, 8] {
        let (ctx, mut y) = (threads(count), vec![semiring.zero(); a.nrows()]);
        a.matvec_with_into(semiring, x, &mut y, &ctx).unwrap();
        prop_assert_eq!(&y, &expected);
    }
    Ok(())
}

/// Rows of the given lengths, columns in any order.
fn matrix(ncols: usize, lens: impl Iterator<Item = usize>) -> Csr<f64> {
    let (mut state, mut indptr, mut indices) = (1, vec![0], Vec::new());
    for len in lens {
        indices.extend((0..len).map(|_| (random(&mut state) % ncols) as u32));
        indptr.push(indices.len() as u32);
    }
    let data: Vec<f64> = (0..indices.len()).map(|k| 1.0 / (k + 1) as f64 - 0.01).collect();
    Csr::from_parts((indptr.len() - 1, ncols), indptr, indices, data).unwrap()
}

/// The edges of an R-MAT graph below the diagonal, each once.
fn below(scale: u32) -> Csr<f64> {
    let graph: Csr<()> = Coo::<()>::rmat(scale, 8, 1, Place::Memory, &Context::new())
        .unwrap()
        .to_csr(Duplicates::Sum, Place::Memory, &threads(2))
        .unwrap();
    let (mut indptr, mut indices) = (vec![0], Vec::new());
    for (i, row) in graph.rows().enumerate() {
        indices.extend(row.indices.iter().filter(|&&j| (j as usize) < i));
        indptr.push(indices.len() as u32);
    }
    let data: Vec<f64> = (0..indices.len()).map(|k| 1.0 / (k + 1) as f64).collect();
    Csr::from_parts(graph.shape(), indptr, indices, data).unwrap()
}

#[test]
fn triangles_of_a_complete_graph() {
    for n in [0usize, 1, 2, 3, 7, 100] {
        let indptr = (0..=n).map(|i| (i * i.saturating_sub(1) / 2) as u32).collect::<Vec<_>>();
        let indices: Vec<u32> = (0..n as u32).flat_map(|i| 0..i).collect();
        let values = vec![(); indices.len()];
        let l = Csr::<()>::from_parts((n, n), indptr, indices, values).unwrap();
        let ctx = threads(2);
        let closed =
            l.matmul_masked(PlusPair::new(), &l, &Mask::new(&l), Place::Memory, &ctx).unwrap();
        let triangles = (n * n.saturating_sub(1) * n.saturating_sub(2) / 6) as u64;
        assert_eq!(closed.data().iter().sum::<u64>(), triangles);
    }
}

/// What was planned against what was counted.
fn check_costs(what: &str, report: &Report, limit: u64) {
    let Report { plan, actual } = report;
    let (cost, moved) = (plan.cost, actual.bytes_read + actual.bytes_written);
    let off = (cost.bytes_read + cost.bytes_written).abs_diff(moved);
    assert!(off <= moved / 20, "{what}: {report}");
    assert_eq!(cost.passes, actual.passes, "{what}: {report}");
    assert!(actual.peak_memory <= cost.peak_memory, "{what}: {report}");
    assert!(actual.peak_memory <= limit, "{what}: {report}");
}

#[test]
fn larger_than_the_limit_with_the_same_bits_at_the_cost_that_was_planned() {
    let (folders, free) = (Folders::new(), threads(2));
    let l = below(14);
    let stored = l.copy_to(folders.result("l"), &free).unwrap();
    let dense_row = matrix(30_000, (0..30_000).map(|i| if i == 77 { 12_000 } else { i % 7 }));
    let dense = dense_row.copy_to(folders.result("dense"), &free).unwrap();
    for (name, a, stored) in [("rmat", &l, &stored), ("dense", &dense_row, &dense)] {
        let some = matrix(a.ncols(), (0..a.nrows()).map(|i| i * 7 % 5));
        let some = some.copy_to(folders.result(&format!("{name} mask")), &free).unwrap();
        let masks = [Mask::new(&some), Mask::complement(&some)];
        let all = a.matmul_with(MinPlus::new(), a, Place::Memory, &free).unwrap();
        let free_of = |mask| a.matmul_masked(MinPlus::new(), a, mask, Place::Memory, &free);
        let expected = masks.each_ref().map(|mask| free_of(mask).unwrap());
        assert_eq!(expected[0].nnz() + expected[1].nnz(), all.nnz());
        for (limit, count) in [(16 << 20, 1), (1_600_000, 2), (2 << 20, 3), (64 << 20, 8)] {
            let ctx = folders.context(limit).threads(count).unwrap();
            let what = format!("{name}, {limit}, {count} threads");
            let whole = stored.matmul_with(MinPlus::new(), stored, Place::Scratch, &ctx).unwrap();
            assert!(same(&whole, &all), "{what}");
            for (mask, expected) in masks.iter().zip(&expected) {
                let masked = |ctx: &Context| {
                    stored.matmul_masked(MinPlus::new(), stored, mask, Place::Scratch, ctx)
                };
                let (product, report) = ctx.measure(masked).unwrap();
                assert!(same(&product, expected), "{what}");
                check_costs(&what, &report, limit);
            }
        }
    }
    folders.assert_no_scratch();
}

#[test]
fn vectors_larger_matrices_and_their_costs() {
    let (folders, free) = (Folders::new(), threads(2));
    let a = matrix(20_000, (0..30_000).map(|i| i % 30));
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let csc: Csc<f64> = a.to_csc(folders.result("csc"), &free).unwrap();
    let (x, z) = (vec![0.25; a.ncols()], vec![0.5; a.nrows()]);
    let (mut expected, mut y) = (vec![0.0; a.nrows()], vec![0.0; a.nrows()]);
    let (mut adjoint, mut w) = (vec![0.0; a.ncols()], vec![0.0; a.ncols()]);
    let semiring = PlusTimes::<f64>::new();
    a.matvec_with_into(semiring, &x, &mut expected, &free).unwrap();
    a.transpose().matvec_with_into(semiring, &z, &mut adjoint, &free).unwrap();
    // Several tasks of either, against the obvious loop.
    vector(semiring, &a, &x).unwrap();
    let across = a.transpose().to_csr(Place::Memory, &free).unwrap();
    vector(semiring, &across, &z).unwrap();
    assert_eq!(across.matvec_with(semiring, &z, &free).unwrap(), adjoint);
    for (limit, count) in [(3 << 20, 1), (3 << 20, 3), (64 << 20, 8)] {
        let ctx = folders.context(limit).threads(count).unwrap();
        let what = format!("{limit}, {count} threads");
        let gather = |ctx: &Context| stored.matvec_with_into(semiring, &x, &mut y, ctx);
        let ((), report) = ctx.measure(gather).unwrap();
        check_costs(&format!("gather, {what}"), &report, limit);
        assert_eq!(y, expected, "{what}");
        let transposed = stored.transpose();
        let scatter = |ctx: &Context| transposed.matvec_with_into(semiring, &z, &mut w, ctx);
        let ((), report) = ctx.measure(scatter).unwrap();
        check_costs(&format!("scatter, {what}"), &report, limit);
        assert_eq!(w, adjoint, "{what}");
        csc.matvec_with_into(MinPlus::new(), &x, &mut y, &ctx).unwrap();
        let mut least = vec![0.0; a.nrows()];
        a.matvec_with_into(MinPlus::new(), &x, &mut least, &free).unwrap();
        assert_eq!(y, least, "{what}");
    }
}

#[test]
fn shapes_masks_and_limits_that_do_not_fit_are_errors() {
    let (folders, ctx) = (Folders::new(), threads(2));
    let a = matrix(50, (0..40).map(|i| i % 4));
    let product = a.matmul_with(MinPlus::new(), &a, Place::Memory, &ctx);
    assert_eq!(product.unwrap_err().kind(), ErrorKind::Shape);
    let square = matrix(40, (0..40).map(|i| i % 4));
    let mask = Mask::new(&a);
    let masked = |mask: &Mask<u32, u32>, ctx: &Context| {
        square.matmul_masked(MinPlus::new(), &square, mask, folders.result("c"), ctx)
    };
    assert_eq!(masked(&mask, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    let (mut y, x) = (vec![0.0; 40], vec![0.0; 49]);
    let vector = a.matvec_with_into(MinPlus::new(), &x, &mut y, &ctx);
    assert_eq!(vector.unwrap_err().kind(), ErrorKind::Shape);
    let large = matrix(40, (0..40).map(|_| 5_000)).copy_to(folders.result("m"), &ctx).unwrap();
    let error = masked(&Mask::new(&large), &folders.context(2 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    assert!(error.to_string().contains("mask"), "{error}");
    folders.assert_only(&["m"]);
}

#[test]
fn a_bad_index_is_an_error_wherever_it_stands() {
    let (folders, free) = (Folders::new(), threads(2));
    let good = matrix(3_000, (0..3_000).map(|i| 20 + i % 60));
    for name in ["bad", "good"] {
        good.copy_to(folders.result(name), &free).unwrap();
    }
    let file = folders.path("bad").join("indices_1.npy");
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&3_000i32.to_le_bytes(), 4096 + 4 * 70_000).unwrap();
    let open = |name| Csr::<f64>::open(folders.path(name)).unwrap();
    let (bad, good) = (open("bad"), open("good"));
    let few = matrix(3_000, (0..3_000).map(|_| 2));
    let (mask, bad_mask) = (Mask::new(&few), Mask::new(&bad));
    let (x, mut y) = (vec![0.0; 3_000], vec![0.0; 3_000]);
    for limit in [1 << 20, 1 << 30] {
        let ctx = folders.context(limit).threads(2).unwrap();
        let masked = |a: &Csr<f64>, b: &Csr<f64>, mask: &Mask<u32, u32>| {
            a.matmul_masked(PlusTimes::new(), b, mask, folders.result("c"), &ctx).unwrap_err()
        };
        for error in [
            masked(&bad, &good, &mask),
            masked(&good, &bad, &mask),
            bad.matvec_with_into(MinPlus::new(), &x, &mut y, &ctx).unwrap_err(),
            bad.transpose().matvec_with_into(MinPlus::new(), &x, &mut y, &ctx).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Index, "{limit}: {error}");
            assert!(error.to_string().contains("indices_1.npy"), "{limit}: {error}");
        }
        if limit > 1 << 20 {
            assert_eq!(masked(&good, &good, &bad_mask).kind(), ErrorKind::Index);
        }
    }
    folders.assert_only(&["bad", "good"]);
}
