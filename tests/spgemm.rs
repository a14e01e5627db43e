//! Products of sparse matrices: the bits of the obvious loop, in memory and for matrices many times larger than the
//! limit, at the cost that was planned, and nothing left behind.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};

use num_complex::Complex;
use outcore::linalg::{PlusTimes, Scalar};
use outcore::{
    CancelToken, Context, Coo, Csc, Csr, Duplicates, Entry, Error, ErrorKind, Index, Location,
    Place, Report,
};
use proptest::prelude::*;

use crate::folders::Folders;
use crate::numbers::random;
use crate::semiring;

fn in_memory() -> Context {
    Context::new().threads(2).unwrap()
}

/// The obvious loop over the ordinary numbers.
fn twin<T: Scalar, I: Index>(a: &Csr<T, I>, b: &Csr<T, I>) -> Csr<T, I> {
    semiring::twin(PlusTimes::new(), a, b, |_, _| true)
}

/// Equal in every bit: 0 and -0 differ.
fn same<T: Entry, I: Index>(one: &Csr<T, I>, other: &Csr<T, I>) -> bool {
    let bytes = |matrix: &Csr<T, I>| bytemuck::cast_slice::<T, u8>(matrix.data()).to_vec();
    one.pattern() == other.pattern()
        && (size_of::<T>() == 0 || bytes(one) == bytes(other))
        && one.check().unwrap()
}

/// Rows of the given lengths, columns by `column(row, draw)`, values that make sums depend on their order.
fn matrix<I: Index>(
    ncols: usize,
    lens: impl Iterator<Item = usize>,
    column: impl Fn(usize, usize) -> usize,
) -> Csr<f64, I> {
    let (mut state, mut indptr, mut indices) = (1, vec![I::from_usize(0)], Vec::new());
    for (row, len) in lens.enumerate() {
        indices.extend((0..len).map(|_| I::from_usize(column(row, random(&mut state)) % ncols)));
        indptr.push(I::from_usize(indices.len()));
    }
    let data: Vec<f64> = (0..indices.len()).map(|k| 1.0 / (k + 1) as f64 - 0.01).collect();
    Csr::from_parts((indptr.len() - 1, ncols), indptr, indices, data).unwrap()
}

fn rmat(scale: u32) -> Csr<f64> {
    let edges = Coo::<()>::rmat(scale, 8, 1, Place::Memory, &Context::new()).unwrap();
    let a: Csr<()> = edges.to_csr(Duplicates::Sum, Place::Memory, &in_memory()).unwrap();
    let values: Vec<f64> = (0..a.nnz()).map(|k| 1.0 / (k + 1) as f64).collect();
    a.with_data(values).unwrap()
}

fn poisson(grid: &[usize]) -> Csr<f64> {
    Csr::poisson(grid, Place::Memory, &in_memory()).unwrap()
}

/// A band of random columns with rows of different lengths.
fn band(n: usize) -> Csr<f64> {
    matrix(n, (0..n).map(|row| row % 13), move |row, draw| {
        (row + draw % 200).saturating_sub(100).min(n - 1)
    })
}

/// Columns anywhere, in any order and repeated.
fn anywhere(nrows: usize, ncols: usize) -> Csr<f64> {
    matrix(ncols, (0..nrows).map(|row| row % 9), |_, draw| draw)
}

#[test]
fn small_ones() {
    let ctx = in_memory();
    let zero = Csr::<f64>::from_parts((0, 3), vec![0], vec![], vec![]).unwrap();
    let three = Csr::<f64>::from_parts((3, 0), vec![0; 4], vec![], vec![]).unwrap();
    let eye = Csr::<f64>::eye(3);
    for (a, b, shape) in [
        (&zero, &eye, (0, 3)),
        (&eye, &three, (3, 0)),
        (&zero, &three, (0, 0)),
        (&three, &zero, (3, 3)),
        (&eye, &eye, (3, 3)),
    ] {
        let c = a.matmul(b, Place::Memory, &ctx).unwrap();
        assert_eq!(c.shape(), shape);
        assert!(same(&c, &twin(a, b)));
    }
    let error = eye.matmul(&zero, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    // What cancels stays, and a negative zero is a sum that began with zero.
    let a = Csr::<f64>::from_parts((1, 2), vec![0, 2], vec![0, 1], vec![1.0, -1.0]).unwrap();
    let b =
        Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 0], vec![2.0, -0.0, 2.0]).unwrap();
    let c = a.matmul(&b, Place::Memory, &ctx).unwrap();
    assert_eq!((c.nnz(), c.data()[0].to_bits(), c.data()[1].to_bits()), (2, 0, 0));
}

fn small_matrix(nrows: usize, ncols: usize) -> impl Strategy<Value = Csr<f64>> {
    let most: usize = if ncols == 0 { 0 } else { 12 };
    let row = prop::collection::vec((0usize..1 << 16, -9i8..9), 0..=most);
    prop::collection::vec(row, nrows).prop_map(move |rows| {
        let mut indptr = vec![0u32];
        indptr.extend(rows.iter().scan(0, |end, row| {
            *end += row.len() as u32;
            Some(*end)
        }));
        let entries = || rows.iter().flatten();
        let indices: Vec<u32> = entries().map(|(j, _)| (j % ncols.max(1)) as u32).collect();
        let data: Vec<f64> = entries().map(|(_, v)| 0.1 * f64::from(*v)).collect();
        Csr::from_parts((nrows, ncols), indptr, indices, data).unwrap()
    })
}

fn small_pairs() -> impl Strategy<Value = (Csr<f64>, Csr<f64>)> {
    (0usize..40, 0usize..40, prop_oneof![0usize..40, 1000usize..20_000])
        .prop_flat_map(|(n, k, m)| (small_matrix(n, k), small_matrix(k, m)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_kind_of_numbers((a, b) in small_pairs()) {
        let ctx = in_memory();
        let c = a.matmul(&b, Place::Memory, &ctx).unwrap();
        prop_assert!(same(&c, &twin(&a, &b)));
        // Columns: the same sums, of entries in the order of the columns of B.
        let (bt, at) = (b.transpose(), a.transpose());
        let ct: Csc<f64> = bt.matmul(&at, Place::Memory, &ctx).unwrap();
        prop_assert!(same(&ct.transpose(), &c));
        let pattern = a.pattern().matmul(&b.pattern(), Place::Memory, &ctx).unwrap();
        prop_assert!(same(&pattern, &c.pattern()));
        fn as_type<T: Scalar>(a: &Csr<f64>, of: impl Fn(f64) -> T) -> Csr<T, u64> {
            let wide = |indices: &[u32]| indices.iter().map(|&i| u64::from(i)).collect::<Vec<_>>();
            let data: Vec<T> = a.data().iter().map(|&x| of(x)).collect();
            Csr::from_parts(a.shape(), wide(a.indptr()), wide(a.indices()), data).unwrap()
        }
        let complex = |x: f64| Complex::new(x, 1.0 - x);
        let (a2, b2) = (as_type(&a, complex), as_type(&b, complex));
        prop_assert!(same(&a2.matmul(&b2, Place::Memory, &ctx).unwrap(), &twin(&a2, &b2)));
        let single = |x: f64| x as f32;
        let (a3, b3) = (as_type(&a, single), as_type(&b, single));
        prop_assert!(same(&a3.matmul(&b3, Place::Memory, &ctx).unwrap(), &twin(&a3, &b3)));
    }
}

/// The product under limits and with threads, of matrices in memory and in files, into memory, a file and scratch. The
/// passes over files under each limit.
fn everywhere(a: &Csr<f64>, b: &Csr<f64>, limits: &[u64]) -> Vec<u64> {
    let mut passes = Vec::new();
    let (folders, free) = (Folders::new(), in_memory());
    let expected = a.matmul(b, Place::Memory, &free).unwrap();
    assert!(same(&expected, &twin(a, b)), "in memory");
    let stored_a = a.copy_to(folders.replaced("a"), &free).unwrap();
    let stored_b = b.copy_to(folders.replaced("b"), &free).unwrap();
    assert!(same(&stored_a.matmul(&stored_b, Place::Memory, &free).unwrap(), &expected));
    for &limit in limits {
        for threads in [1, 2, 3, 8] {
            let ctx = folders.context(limit).threads(threads).unwrap();
            let c = stored_a.matmul(&stored_b, folders.replaced("c"), &ctx).unwrap();
            assert!(same(&c, &expected), "limit {limit}, {threads} threads");
            outcore::verify(folders.path("c"), &free).unwrap();
        }
        let ctx = folders.context(limit).threads(2).unwrap();
        let product = |ctx: &Context| stored_a.matmul(&stored_b, Place::Scratch, ctx);
        passes.push(ctx.plan(product).unwrap().cost.passes);
        let c = a.matmul(&stored_b, Place::Scratch, &ctx).unwrap();
        assert!(same(&c, &expected), "A in memory, limit {limit}");
        let c = stored_a.matmul(b, Place::Scratch, &ctx).unwrap();
        assert!(same(&c, &expected), "B in memory, limit {limit}");
        let pattern = stored_a.pattern().matmul(&stored_b.pattern(), Place::Scratch, &ctx).unwrap();
        assert!(same(&pattern, &expected.pattern()), "pattern, limit {limit}");
    }
    folders.assert_only(&["a", "b", "c"]);
    passes
}

#[test]
fn grids() {
    let a = poisson(&[24, 24, 24]);
    assert_eq!(everywhere(&a, &a, &[1 << 20]), [2]);
}

#[test]
fn bands() {
    let a = band(20_000);
    assert_eq!(everywhere(&a, &a, &[1 << 20]), [2]);
}

#[test]
fn skewed_graphs() {
    let a = rmat(12);
    // Cut into many parts, and not.
    let passes = everywhere(&a, &a, &[600_000, 2 << 20]);
    assert!(passes[0] > 100 && passes[1] <= 3, "{passes:?}");
}

#[test]
fn rectangles_anywhere() {
    everywhere(&anywhere(9_000, 30_000), &anywhere(30_000, 5_000), &[1 << 20, 2 << 20]);
}

#[test]
fn a_full_row_a_full_column_and_many_empty_rows() {
    let n = 20_000;
    let lens =
        |row: usize| if row == 77 { 40_000 } else { usize::from(row.is_multiple_of(50)) * 30 };
    let a = matrix(n, (0..n).map(lens), |_, draw| draw);
    let b =
        matrix(n, (0..n).map(|row| 1 + row % 5), |row, draw| if row % 2 == 0 { 7 } else { draw });
    everywhere(&a, &b, &[1 << 20, 2 << 20]);
}

#[test]
fn a_long_row_in_many_parts() {
    // Its columns lie in no order, so that each part needs rows from all over, and not all cuts fit in memory.
    let lens = |row: usize| if row == 40 { 24_000 } else { row % 3 };
    let a = matrix(20_000, (0..2_000).map(lens), |_, draw| draw);
    let b = matrix(3_000, (0..20_000).map(|row| 4 + row % 5), |_, draw| draw);
    everywhere(&a, &b, &[700_000, 900_000]);
}

/// What was planned against what was counted.
fn check_costs<R>(what: &str, (_, report): (R, Report), entries: usize) {
    let Report { plan, actual } = &report;
    let planned = plan.entries.unwrap() as f64;
    assert!((planned / entries as f64 - 1.0).abs() < 0.05, "{what}: {planned} of {entries}");
    let (cost, moved) = (plan.cost, actual.bytes_read + actual.bytes_written);
    let off = (cost.bytes_read + cost.bytes_written).abs_diff(moved);
    assert!(off <= moved / 20, "{what}: {report}");
    assert_eq!(cost.passes, actual.passes, "{what}: {report}");
    assert!(actual.peak_memory <= cost.peak_memory, "{what}: {report}");
}

#[test]
fn costs_are_as_planned() {
    let (folders, free) = (Folders::new(), in_memory());
    let inputs = [
        ("poisson", poisson(&[30, 30, 30])),
        ("band", band(40_000)),
        ("rmat", rmat(13)),
        ("anywhere", anywhere(30_000, 30_000)),
    ];
    for (name, a) in &inputs {
        let stored = a.copy_to(folders.replaced(name), &free).unwrap();
        for limit in [1 << 20, 2 << 20, 4 << 20, 1 << 30] {
            let ctx = folders.context(limit).threads(2).unwrap();
            let what = format!("{name}, limit {limit}");
            let report =
                ctx.measure(|ctx| stored.matmul(&stored, folders.replaced("c"), ctx)).unwrap();
            let entries = report.0.nnz();
            assert!(report.1.actual.peak_memory <= limit, "{what}: {}", report.1);
            let written = report.1.actual.bytes_written;
            assert!(written > 12 * entries as u64, "{what}: {written}");
            check_costs(&what, report, entries);
            let plan = ctx.plan(|ctx| stored.matmul(&stored, folders.replaced("d"), ctx)).unwrap();
            assert!(plan.to_string().starts_with("CSR times CSR: "), "{plan}");
            check_costs(
                &what,
                ctx.measure(|ctx| a.matmul(a, Place::Scratch, ctx)).unwrap(),
                entries,
            );
        }
        let report = free.measure(|ctx| a.matmul(a, Place::Memory, ctx)).unwrap();
        let entries = report.0.nnz();
        assert_eq!(report.1.actual.bytes_read + report.1.actual.bytes_written, 0);
        check_costs(name, report, entries);
    }
    folders.assert_only(&["anywhere", "band", "c", "poisson", "rmat"]);
}

#[test]
fn grids_and_bands_are_read_about_once() {
    let (folders, free) = (Folders::new(), in_memory());
    for (name, a) in [("poisson", poisson(&[250, 300])), ("band", band(60_000))] {
        let stored = a.copy_to(folders.replaced(name), &free).unwrap();
        let ctx = folders.context(2 << 20).threads(2).unwrap();
        let (_, report) = ctx.measure(|ctx| stored.matmul(&stored, Place::Scratch, ctx)).unwrap();
        assert!(a.bytes() > 2 * (2 << 20), "larger than the limit");
        // The columns of A, then A, then B, pointers and a sample among them.
        let once = (2.8 * a.bytes() as f64) as u64;
        assert!(report.actual.bytes_read < once, "{name}, {} bytes: {report}", a.bytes());
        // The columns once more where not all cuts fit in memory.
        assert!(report.actual.passes <= 3, "{name}: {report}");
    }
}

#[test]
fn a_limit_that_is_too_small_is_an_error_that_says_so() {
    let (folders, free) = (Folders::new(), in_memory());
    let tall = matrix::<u32>(40, (0..400_000).map(|row| row % 2), |_, draw| draw);
    let wide = matrix::<u32>(400_000, (0..40).map(|_| 100), |_, draw| draw);
    let stored = tall.copy_to(folders.replaced("b"), &free).unwrap();
    // The pointers take 1.6 MB.
    let ctx = folders.context(2 << 20).threads(2).unwrap();
    let error = wide.matmul(&stored, folders.replaced("c"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    assert!(error.to_string().contains("pointers"), "{error}");
    // In memory there is nothing to read.
    let c = wide.matmul(&tall, folders.replaced("c"), &ctx).unwrap();
    assert!(same(&c, &twin(&wide, &tall)));
    let error = wide
        .matmul(&tall, folders.replaced("d"), &folders.context(100_000).threads(2).unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let error =
        wide.matmul(&tall, Place::Memory, &folders.context(600_000).threads(2).unwrap()).err();
    assert!(error.is_none_or(|error| error.kind() == ErrorKind::Memory));
    folders.assert_only(&["b", "c"]);
}

#[test]
fn a_cancelled_product_leaves_nothing() {
    let (folders, free) = (Folders::new(), in_memory());
    let a = anywhere(40_000, 40_000).copy_to(folders.replaced("a"), &free).unwrap();
    for limit in [1 << 20, 1 << 30] {
        for reports in [1, 3, 10, 20] {
            let (token, left) = (CancelToken::new(), AtomicU32::new(reports));
            let flag = token.clone();
            let ctx =
                folders.context(limit).threads(2).unwrap().cancel(token).progress(move |_| {
                    if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                        flag.cancel();
                    }
                });
            match a.matmul(&a, folders.replaced("c"), &ctx) {
                Ok(_) => assert!(limit > 1 << 20, "cancelled after {reports} reports"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Cancelled);
                    folders.assert_only(&["a"]);
                }
            }
        }
    }
}

/// The error of a product in which one index of a stored matrix is another.
fn with_other_index(is_left: bool, at: usize, value: u32, limit: u64) -> Error {
    let (folders, free) = (Folders::new(), in_memory());
    let (good, bad) = (anywhere(20_000, 20_000), anywhere(20_000, 20_000));
    let bad = bad.copy_to(folders.replaced("bad"), &free).unwrap();
    let file = folders.path("bad/indices_1.npy");
    drop(bad);
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&value.to_le_bytes(), 4096 + 4 * at as u64).unwrap();
    let bad = Csr::<f64>::open(folders.path("bad")).unwrap();
    let ctx = folders.context(limit).threads(2).unwrap();
    let (a, b) = if is_left { (&bad, &good) } else { (&good, &bad) };
    let error = a.matmul(b, folders.replaced("c"), &ctx).unwrap_err();
    folders.assert_only(&["bad"]);
    error
}

#[test]
fn a_bad_index_is_named() {
    for limit in [1 << 20, 1 << 30] {
        for is_left in [true, false] {
            for (at, value) in [(0, 20_000), (40_000, u32::MAX), (79_000, 1 << 31)] {
                let error = with_other_index(is_left, at, value, limit);
                assert_eq!(error.kind(), ErrorKind::Index, "{error}");
                let position = match error.location() {
                    Some(Location::Entry { position, .. }) => *position,
                    other => panic!("{other:?} of {error}"),
                };
                assert_eq!(position, at as u64, "{error}");
                assert!(
                    error.path().is_some_and(|path| path.ends_with("indices_1.npy")),
                    "{error}"
                );
            }
        }
    }
}

/// Integers that `f64` rounds are multiplied exactly; an overflow leaves nothing behind, in memory or in files, for
/// rows multiplied alone or by the general method.
#[test]
fn integers_are_multiplied_as_integers_or_refused() {
    let folders = Folders::new();
    let n = 3000;
    let entries = |i: usize| [i, (i * 7 + 1) % n, (i * i + 5) % n].map(|j| (i, j));
    let value = |i: usize, j: usize| (1i64 << 30) + (i * 31 + j) as i64;
    let a = Csr::<i64>::from_triplets(
        (n, n),
        (0..n).flat_map(entries).map(|(i, j)| (i, j, value(i, j))),
        Duplicates::Sum,
    )
    .unwrap();
    let twin = |a: &Csr<i64>, i: usize| {
        let mut sums = std::collections::BTreeMap::<usize, i128>::new();
        let row = a.row(i).unwrap();
        for (&k, &left) in row.indices.iter().zip(row.data) {
            let other = a.row(k as usize).unwrap();
            for (&j, &right) in other.indices.iter().zip(other.data) {
                *sums.entry(j as usize).or_default() += left as i128 * right as i128;
            }
        }
        sums.into_iter().collect::<Vec<_>>()
    };
    for (rows, ctx) in [(n, in_memory()), (n, in_memory().memory_limit(1 << 20)), (20, in_memory())]
    {
        let a = if rows == n {
            a.clone()
        } else {
            a.slice(0..rows, 0..rows, Place::Memory, &ctx).unwrap()
        };
        for place in [Place::Memory, folders.replaced("c.bspnpy")] {
            let c = a.exact_matmul(&a, place, &ctx).unwrap();
            let by_cols = a.transpose().exact_matmul(&a.transpose(), Place::Memory, &ctx).unwrap();
            assert!(same(&c, &by_cols.transpose()));
            for i in 0..rows {
                let row = c.row(i).unwrap();
                let found =
                    row.indices.iter().zip(row.data).map(|(&j, &x)| (j as usize, x as i128));
                assert_eq!(found.collect::<Vec<_>>(), twin(&a, i), "row {i}");
            }
        }
        let large = a.map_values(Place::Memory, &ctx, |x| x << 20).unwrap();
        for place in [Place::Memory, folders.result("never.bspnpy")] {
            let error = large.exact_matmul(&large, place, &ctx).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value, "{error}");
        }
    }
    folders.assert_only(&["c.bspnpy"]);
}
