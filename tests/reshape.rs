//! Slices, permutations, Kronecker products and orders, against obvious twins: triplets moved one by one.

use outcore::{Context, Csc, Csr, Entry, ErrorKind, Place, Report};

use crate::folders::{Folders, names};
use crate::numbers::random;

/// Entries in any order within their rows, repeated now and then, some rows empty; the last position is taken.
pub(crate) fn matrix<T: Entry>(
    (nrows, ncols): (usize, usize),
    nnz: usize,
    value: impl Fn(usize) -> T,
) -> Csr<T> {
    let mut state = (nrows * 31 + ncols) as u64;
    let mut triplets: Vec<(usize, usize)> = match nrows * ncols {
        0 => Vec::new(),
        _ => (0..nnz).map(|_| (random(&mut state) % nrows, random(&mut state) % ncols)).collect(),
    };
    if let Some(last) = triplets.last_mut() {
        *last = (nrows - 1, ncols - 1);
    }
    triplets.sort_by_key(|&(row, _)| row);
    let mut indptr = vec![0u32; nrows + 1];
    triplets.iter().for_each(|&(row, _)| indptr[row + 1] += 1);
    (0..nrows).for_each(|row| indptr[row + 1] += indptr[row]);
    let indices: Vec<u32> = triplets.iter().map(|&(_, col)| col as u32).collect();
    let data: Vec<T> = (0..triplets.len()).map(value).collect();
    Csr::from_parts((nrows, ncols), indptr, indices, data).unwrap()
}

pub(crate) fn triplets<T: Entry>(a: &Csr<T>) -> Vec<(usize, usize, T)> {
    let rows = a.rows().enumerate();
    rows.flat_map(|(i, row)| {
        row.indices.iter().zip(row.data).map(move |(&j, &value)| (i, j as usize, value))
    })
    .collect()
}

/// A matrix from entries in the order of their rows, which keep it.
pub(crate) fn from_triplets<T: Entry>(
    shape: (usize, usize),
    entries: &[(usize, usize, T)],
) -> Csr<T> {
    let mut indptr = vec![0u32; shape.0 + 1];
    entries.iter().for_each(|&(row, ..)| indptr[row + 1] += 1);
    (0..shape.0).for_each(|row| indptr[row + 1] += indptr[row]);
    let indices: Vec<u32> = entries.iter().map(|entry| entry.1 as u32).collect();
    let data: Vec<T> = entries.iter().map(|entry| entry.2).collect();
    Csr::from_parts(shape, indptr, indices, data).unwrap()
}

pub(crate) const SHAPES: [((usize, usize), usize); 7] = [
    ((0, 5), 0),
    ((5, 0), 0),
    ((1, 1), 1),
    ((7, 9), 0),
    ((40, 30), 200),
    ((300, 1), 100),
    ((500, 700), 9000),
];

/// Fails unless a plan was kept.
fn assert_kept(report: &Report) {
    let (plan, actual) = (report.plan.cost, report.actual);
    let near = |a: u64, b: u64| a.abs_diff(b) as f64 <= 0.05 * b as f64 + 4096.0;
    assert_eq!(plan.passes, actual.passes, "{report}");
    assert!(near(plan.bytes_read, actual.bytes_read), "{report}");
    assert!(near(plan.bytes_written, actual.bytes_written), "{report}");
    assert!(plan.peak_memory >= actual.peak_memory, "{report}");
}

#[test]
fn slices_are_those_of_the_triplets() {
    let ctx = Context::new();
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, |k| 1.0 / (k + 1) as f64);
        let (n, m) = shape;
        let ranges = [
            (0..n, 0..m),
            (0..n, m / 3..m),
            (n / 4..n / 2, 0..m / 2),
            (n..n, m..m),
            (n / 2..n, 0..m),
        ];
        for (rows, cols) in ranges {
            let within: Vec<_> = triplets(&a)
                .into_iter()
                .filter(|(i, j, _)| rows.contains(i) && cols.contains(j))
                .map(|(i, j, value)| (i - rows.start, j - cols.start, value))
                .collect();
            let expected = from_triplets((rows.len(), cols.len()), &within);
            let sliced = a.slice(rows.clone(), cols.clone(), Place::Memory, &ctx).unwrap();
            assert!(sliced == expected, "{shape:?} {rows:?} {cols:?}");
            assert_eq!(sliced.check().unwrap(), expected.check().unwrap());
            let across: Csc<f64> = a.transpose();
            let across = across.slice(cols, rows, Place::Memory, &ctx).unwrap();
            assert!(across.transpose() == expected);
        }
    }
    let a = matrix((4, 6), 10, |k| k as i32);
    for (rows, cols) in [(0..5, 0..6), (0..4, 0..7)] {
        let error = a.slice(rows, cols, Place::Memory, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }
    #[expect(clippy::reversed_empty_ranges)]
    let error = a.slice(3..2, 0..6, Place::Memory, &ctx).unwrap_err();
    assert!(error.to_string().contains("0..4"), "{error}");
}

#[test]
fn slices_of_any_place_by_any_threads() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((30_000, 20_000), 700_000, |k| 1.0 / (k + 1) as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let (rows, cols) = (7_001..29_000, 13..15_000);
    let expected = a.slice(rows.clone(), cols.clone(), Place::Memory, &free).unwrap();
    for (threads, limit) in [(1, 1 << 20), (2, 4 << 20), (3, 1 << 30), (8, 2 << 20)] {
        let ctx = folders.context(limit).threads(threads).unwrap();
        let name = format!("s{threads}");
        for (from, place) in [(&a, folders.result(&name)), (&stored, Place::Scratch)] {
            let slice = |ctx: &Context| from.slice(rows.clone(), cols.clone(), place.clone(), ctx);
            let (made, report) = ctx.measure(slice).unwrap();
            assert!(made == expected, "{threads} threads, {limit} bytes");
            assert_kept(&report);
        }
        folders.verify(&name);
    }
    let to_memory = folders.context(12 << 20);
    let slice = |ctx: &Context| stored.slice(rows.clone(), cols.clone(), Place::Memory, ctx);
    let (made, report) = to_memory.measure(slice).unwrap();
    assert!(made == expected);
    assert_kept(&report);
    let error = folders.context(1 << 20).measure(slice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    folders.assert_only(&["a", "s1", "s2", "s3", "s8"]);
}

#[test]
fn one_long_line_is_sliced_in_pieces() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((3, 900_000), 600_000, |k| k as u8);
    let expected = a.slice(0..3, 5..800_000, Place::Memory, &free).unwrap();
    let made = a.slice(0..3, 5..800_000, folders.result("s"), &folders.context(1 << 20)).unwrap();
    assert!(made == expected);
    assert_eq!(made.check().unwrap(), expected.check().unwrap());
}

/// A stored matrix whose index at a position is bad.
pub(crate) fn hostile(folders: &Folders, a: &Csr<f64>, position: usize) -> Csr<f64> {
    use std::os::unix::fs::FileExt;
    let stored = a.copy_to(folders.result("hostile"), &Context::new()).unwrap();
    drop(stored);
    let path = folders.path("hostile");
    let indices = names(&path).into_iter().find(|name| name.contains("indices")).unwrap();
    let file = std::fs::File::options().write(true).open(path.join(indices)).unwrap();
    let start = file.metadata().unwrap().len() - 4 * a.nnz() as u64;
    file.write_all_at(&u32::MAX.to_le_bytes(), start + 4 * position as u64).unwrap();
    Csr::open(path).unwrap()
}

#[test]
fn a_bad_index_is_named_and_nothing_appears() {
    let folders = Folders::new();
    let a = matrix((3_000, 2_000), 90_000, |k| k as f64);
    let bad = hostile(&folders, &a, 50_000);
    for limit in [1 << 20, 1 << 30] {
        let ctx = folders.context(limit);
        let error = bad.slice(1_000..3_000, 1..9, folders.result("s"), &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(error.to_string().contains("position 50000"), "{error}");
        // Lines that are not wanted are not looked at.
        assert_eq!(bad.slice(0..1_000, 1..9, Place::Memory, &ctx).unwrap().nrows(), 1_000);
    }
    folders.assert_only(&["hostile"]);
}

/// All pairs of entries, row by row.
fn kron_of_triplets<T: Entry>(a: &Csr<T>, b: &Csr<T>, times: impl Fn(T, T) -> T) -> Csr<T> {
    let (of_a, of_b, mut entries) = (triplets(a), triplets(b), Vec::new());
    for &(i, j, x) in &of_a {
        for &(k, l, y) in &of_b {
            entries.push((i * b.nrows() + k, j * b.ncols() + l, times(x, y)));
        }
    }
    entries.sort_by_key(|&(row, ..)| row);
    from_triplets((a.nrows() * b.nrows(), a.ncols() * b.ncols()), &entries)
}

#[test]
fn kronecker_products_are_those_of_the_triplets() {
    let ctx = Context::new();
    let small = [((0, 3), 0), ((3, 0), 0), ((1, 1), 1), ((4, 4), 16), ((7, 9), 30), ((3, 40), 100)];
    for (shape, nnz) in SHAPES.into_iter().take(6) {
        let a = matrix(shape, nnz, |k| 1.0 / (k + 1) as f64);
        for (shape, nnz) in small {
            let b = matrix(shape, nnz, |k| (k + 3) as f64 / 7.0);
            for (a, b) in [(&a, &b), (&b, &a)] {
                let expected = kron_of_triplets(a, b, |x, y| x * y);
                let made = a.kron(b, Place::Memory, &ctx).unwrap();
                assert!(made == expected, "{:?} {:?}", a.shape(), b.shape());
                assert_eq!(made.check().unwrap(), expected.check().unwrap());
                let (at, bt): (Csc<f64>, Csc<f64>) = (a.transpose(), b.transpose());
                assert!(at.kron(&bt, Place::Scratch, &ctx).unwrap().transpose() == expected);
            }
        }
    }
    let (a, b) = (matrix((20, 30), 90, |k| k as i32), matrix((5, 5), 9, |k| 2 - k as i32));
    let made = a.kron(&b, Place::Memory, &ctx).unwrap();
    assert!(made == kron_of_triplets(&a, &b, |x, y| x * y));
    let made = a.pattern().kron(&b.pattern(), Place::Scratch, &ctx).unwrap();
    assert!(made == kron_of_triplets(&a.pattern(), &b.pattern(), |(), ()| ()));
    let part = a.row_range(3..17).unwrap().kron(&b.row_range(1..4).unwrap(), Place::Memory, &ctx);
    let (of_a, of_b) = (a.row_range(3..17).unwrap(), b.row_range(1..4).unwrap());
    assert!(part.unwrap() == kron_of_triplets(&of_a, &of_b, |x, y| x * y));
}

#[test]
fn kronecker_products_of_any_place_by_any_threads() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((4_500, 8_000), 30_000, |k| 1.0 / (k + 1) as f64);
    let b = matrix((20, 30), 50, |k| (k + 1) as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let stored_b = b.copy_to(folders.result("b"), &free).unwrap();
    let expected = kron_of_triplets(&a, &b, |x, y| x * y);
    for (threads, limit) in [(1, 1 << 19), (2, 2 << 20), (3, 1 << 30), (8, 1 << 20)] {
        let ctx = folders.context(limit).threads(threads).unwrap();
        let name = format!("k{threads}");
        let sides = [(&a, &stored_b, folders.result(&name)), (&stored, &b, Place::Scratch)];
        for (a, b, place) in sides.into_iter().chain([(&stored, &stored_b, Place::Scratch)]) {
            let kron = |ctx: &Context| a.kron(b, place.clone(), ctx);
            let (made, report) = ctx.measure(kron).unwrap();
            assert!(made == expected, "{threads} threads, {limit} bytes");
            assert_kept(&report);
        }
        folders.verify(&name);
        for (a, b) in [(&a, &b), (&stored, &stored_b)] {
            let kron = |ctx: &Context| a.kron(b, Place::Memory, ctx);
            let (made, report) = ctx.clone().memory_limit(32 << 20).measure(kron).unwrap();
            assert!(made == expected);
            assert_kept(&report);
        }
    }
    folders.assert_only(&["a", "b", "k1", "k2", "k3", "k8"]);
}

#[test]
fn one_long_line_is_multiplied_in_parts() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((3, 900), 2_000, |k| k as f64);
    let b = matrix((2, 500), 800, |k| k as f64);
    let expected = kron_of_triplets(&a, &b, |x, y| x * y);
    let ctx = folders.context(1 << 20);
    assert!(a.kron(&b, folders.result("k"), &ctx).unwrap() == expected);
    // A line of A in pieces is multiplied piece by piece, if it is needed once.
    let a = matrix((3, 900_000), 400_000, |k| k as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let b = matrix((1, 5), 3, |k| k as f64);
    let expected = kron_of_triplets(&a, &b, |x, y| x * y);
    let kron = |ctx: &Context| stored.kron(&b, Place::Scratch, ctx);
    let (made, report) = ctx.measure(kron).unwrap();
    assert!(made == expected && made.check().unwrap() == expected.check().unwrap());
    assert_kept(&report);
    let made = stored.kron(&b, Place::Memory, &ctx.clone().memory_limit(32 << 20)).unwrap();
    assert!(made == expected);
    // Needed twice it must be at hand.
    let error = stored.kron(&matrix((2, 5), 3, |k| k as f64), Place::Scratch, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(a.kron(&matrix((2, 5), 3, |k| k as f64), Place::Scratch, &ctx).is_ok());
}

#[test]
fn kronecker_products_are_refused_with_their_reason() {
    let (folders, ctx) = (Folders::new(), Context::new());
    // Too many columns, then too many entries, for the index type.
    let wide = from_triplets((1, 1 << 20), &[(0, 7, 1.0)]);
    let error = wide.kron(&wide, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    let full = matrix((10, 10), 50_000, |k| k as f64);
    let error = full.kron(&full, folders.result("k"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    let huge = Csr::<(), u64>::from_parts((0, 1 << 62), vec![0], vec![], vec![]).unwrap();
    let error = huge.kron(&huge, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    // A result or a right matrix that does not fit.
    let a = matrix((300, 300), 3_000, |k| k as f64);
    let stored = a.copy_to(folders.result("a"), &ctx).unwrap();
    let tight = folders.context(100 << 10);
    let error = a.kron(&a, Place::Memory, &tight).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let error = a.kron(&stored, Place::Scratch, &tight).unwrap_err();
    assert!(error.to_string().contains("right matrix"), "{error}");
    // An overflow is named by its place in the result.
    let of = |entries: &[(usize, usize, i8)]| from_triplets((3, 3), entries);
    let (a, b) = (of(&[(0, 1, 1), (2, 0, 100)]), of(&[(1, 2, 2)]));
    for place in [Place::Memory, folders.result("k")] {
        let error = a.kron(&b, place, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert!(error.to_string().contains("row 7, column 2"), "{error}");
    }
    folders.assert_only(&["a"]);
}

#[test]
fn a_bad_index_of_a_factor_is_named_and_nothing_appears() {
    let folders = Folders::new();
    let (a, eye) = (matrix((3_000, 2_000), 9_000, |k| k as f64), Csr::<f64>::eye(2));
    let bad = hostile(&folders, &a, 5_000);
    for limit in [1 << 20, 1 << 30] {
        let ctx = folders.context(limit);
        for (a, b) in [(&bad, &eye), (&eye, &bad)] {
            for place in [folders.result("k"), Place::Scratch] {
                let error = a.kron(b, place, &ctx).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Index);
                assert!(error.to_string().contains("position 5000"), "{error}");
                assert!(error.to_string().contains("indices"), "{error}");
            }
        }
    }
    folders.assert_only(&["hostile"]);
}
