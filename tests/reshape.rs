//! Slices, permutations, Kronecker products and orders, against obvious twins: triplets moved one by one.

use outcore::{Context, Csc, Csr, Entry, ErrorKind, Place, Report};

use crate::folders::{Folders, names};

/// A small generator, the same numbers every time.
pub(crate) fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize
}

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
