//! Conversions of matrices several times larger than the memory limit: the bits of the conversion in memory, nothing
//! left behind.

use num_complex::Complex;
use outcore::{CancelToken, Context, Coo, Csc, Csr, Duplicates, Entry, ErrorKind, Index, Place};

use crate::folders::{Folders, names};
use crate::numbers::random;

/// Rows that rise, columns by `column`, entries of a row in any order and repeated now and then.
fn matrix<T: Entry, I: Index>(
    (nrows, ncols): (usize, usize),
    nnz: usize,
    value: impl Fn(usize) -> T,
    column: impl Fn(usize) -> usize,
) -> Csr<T, I> {
    let mut state = 1;
    let indptr: Vec<I> = (0..=nrows).map(|i| I::from_usize(i * nnz / nrows)).collect();
    let indices: Vec<I> =
        (0..nnz).map(|_| I::from_usize(column(random(&mut state)) % ncols)).collect();
    let data: Vec<T> = (0..nnz).map(value).collect();
    Csr::from_parts((nrows, ncols), indptr, indices, data).unwrap()
}

/// CSR to CSC and back under the limit, against the same in memory.
fn there_and_back<T: Entry, I: Index>(a: &Csr<T, I>, limit: u64) {
    let (folders, free) = (Folders::new(), Context::new());
    let ctx = folders.context(limit);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let expected: Csc<T, I> = a.to_csc(Place::Memory, &free).unwrap();
    let csc = stored.to_csc(folders.result("csc"), &ctx).unwrap();
    assert!(csc == expected, "to CSC");
    assert_eq!(csc.check().unwrap(), expected.check().unwrap());
    let back = csc.to_csr(Place::Scratch, &ctx).unwrap();
    assert!(back == expected.to_csr(Place::Memory, &free).unwrap(), "to CSR");
    outcore::verify(folders.results.path().join("csc"), &free).unwrap();
    folders.assert_no_scratch();
}

#[test]
fn compressed_along_the_other_axis() {
    let real = |k: usize| 1.0 / (k + 1) as f64;
    there_and_back::<f64, u32>(&matrix((50_000, 40_000), 1_200_000, real, |r| r), 2 << 20);
    there_and_back::<f64, u32>(&matrix((50_000, 40_000), 1_000_000, real, |r| r), 1 << 20);
    there_and_back::<(), u64>(&matrix((1_000, 300_000), 900_000, |_| (), |r| r * r), 2 << 20);
    let complex = |k: usize| Complex::new(k as f32, 0.5);
    there_and_back::<_, u64>(&matrix((70_000, 3), 700_000, complex, |r| r), 2 << 20);
    there_and_back::<_, u32>(&matrix((70_000, 1_000), 600_000, |k| k % 3 == 0, |r| r), 1 << 20);
}

#[test]
fn half_of_all_entries_in_one_column() {
    let skewed = |r: usize| if r.is_multiple_of(2) { 777 } else { r / 2 };
    let a = matrix::<f64, u32>((60_000, 20_000), 1_500_000, |k| k as f64, skewed);
    there_and_back(&a, 2 << 20);
    let all = matrix::<i32, u32>((60_000, 5_000), 1_000_000, |k| k as i32, |_| 4_999);
    there_and_back(&all, 1 << 20);
    // A line that does not fit is sorted by its indices, each of which may have too many entries again.
    let (folders, free) = (Folders::new(), Context::new());
    let ctx = folders.context(1 << 20);
    for matrix in
        [&a, &matrix::<f64, u32>((40, 1_000), 900_000, |k| 1.0 / (k + 1) as f64, |r| r / 9)]
    {
        let coo = matrix.to_coo(Place::Memory, &free).unwrap();
        for duplicates in [Duplicates::Sum, Duplicates::Keep] {
            let csc: Csc<f64> = coo.to_csc(duplicates, Place::Scratch, &ctx).unwrap();
            assert!(csc == coo.to_csc(duplicates, Place::Memory, &free).unwrap());
            let csr: Csr<f64> = coo.to_csr(duplicates, Place::Scratch, &ctx).unwrap();
            assert!(csr == coo.to_csr(duplicates, Place::Memory, &free).unwrap());
        }
        let error = coo.to_csc::<u32>(Duplicates::Refuse, folders.result("csc"), &ctx).unwrap_err();
        let same = coo.to_csc::<u32>(Duplicates::Refuse, Place::Memory, &free).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Duplicate, same.to_string()));
    }
    assert_eq!(names(folders.results.path()), [""; 0]);
    folders.assert_no_scratch();
}

#[test]
fn coordinates_with_duplicates() {
    let (folders, free) = (Folders::new(), Context::new());
    let (nrows, ncols, nnz) = (20_000, 300, 1_200_000);
    let mut state = 7;
    // A sum of such numbers depends on their order in its last bits.
    let triplets: Vec<_> = (0..nnz)
        .map(|k| (random(&mut state) % nrows, random(&mut state) % ncols, 1.0 / (k + 3) as f64))
        .collect();
    let coo = Coo::<f64>::from_triplets((nrows, ncols), triplets).unwrap();
    let ctx = folders.context(2 << 20);
    for duplicates in [Duplicates::Sum, Duplicates::Keep] {
        let csr: Csr<f64> = coo.to_csr(duplicates, Place::Scratch, &ctx).unwrap();
        assert!(csr == coo.to_csr(duplicates, Place::Memory, &free).unwrap());
        let csc: Csc<f64> = coo.to_csc(duplicates, Place::Scratch, &ctx).unwrap();
        let expected: Csc<f64> = coo.to_csc(duplicates, Place::Memory, &free).unwrap();
        assert!(csc == expected);
        assert_eq!(csc.check().unwrap(), duplicates == Duplicates::Sum);
    }
    let error = coo.to_csr::<u32>(Duplicates::Refuse, Place::Scratch, &ctx).unwrap_err();
    let expected = coo.to_csr::<u32>(Duplicates::Refuse, Place::Memory, &free).unwrap_err();
    assert_eq!(error.to_string(), expected.to_string());
    // The same from a file.
    let csc: Csc<f64> = coo.to_csc(Duplicates::Keep, Place::Memory, &free).unwrap();
    let stored = csc.to_coo(folders.result("coo"), &free).unwrap();
    let csr: Csr<f64> = stored.to_csr(Duplicates::Sum, folders.result("csr"), &ctx).unwrap();
    assert!(csr == stored.to_csr(Duplicates::Sum, Place::Memory, &free).unwrap());
    folders.assert_no_scratch();
}

#[test]
fn cancelled_midway() {
    let folders = Folders::new();
    let a = matrix::<f64, u32>((50_000, 40_000), 1_000_000, |k| k as f64, |r| r);
    for reports in [3, 20, 60] {
        let (token, left) = (CancelToken::new(), std::sync::atomic::AtomicU32::new(reports));
        let flag = token.clone();
        let ctx = folders.context(1 << 20).cancel(token).progress(move |_| {
            if left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1 {
                flag.cancel();
            }
        });
        let error = a.to_csc(folders.result("csc"), &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(names(folders.results.path()), [""; 0]);
        folders.assert_no_scratch();
    }
}
