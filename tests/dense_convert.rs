//! Dense matrices made, turned and converted under a limit far below their size: the elements of the same in memory,
//! costs as planned, nothing left behind.

use std::path::Path;

use outcore::{
    CancelToken, ColumnWriter, Context, Dense, DenseMut, Element, ErrorKind, Order, Place, Report,
    verify,
};
use tempfile::{TempDir, tempdir};

/// A folder for results and one for scratch files, which must be empty in the end.
struct Folders {
    results: TempDir,
    scratch: TempDir,
}

impl Folders {
    fn new() -> Self {
        Folders { results: tempdir().unwrap(), scratch: tempdir().unwrap() }
    }

    fn context(&self, limit: u64) -> Context {
        Context::new().memory_limit(limit).scratch(self.scratch.path()).threads(3).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.results.path().join(name)
    }

    fn assert_only(&self, expected: &[&str]) {
        let names = names(self.results.path());
        assert_eq!(names, expected, "left in the folder of results");
        assert_eq!(names_of(self.scratch.path()), 0, "left in the folder for scratch files");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn names_of(folder: &Path) -> usize {
    names(folder).len()
}

/// Compares what an operation was to cost with what it did.
fn check_costs(report: &Report) {
    let (plan, actual) = (report.plan.cost, report.actual);
    assert_eq!(plan.passes, actual.passes, "{report}");
    let (planned, moved) =
        (plan.bytes_read + plan.bytes_written, actual.bytes_read + actual.bytes_written);
    assert!(planned.abs_diff(moved) as f64 <= 0.05 * moved as f64 + 16384.0, "{report}");
    assert!(actual.peak_memory <= plan.peak_memory, "{report}");
}

/// Element `(i, j)` of a matrix in which all are different, as far as the type goes.
fn number(i: usize, j: usize) -> f64 {
    (i * 7919 + j * 104_729) as f64 * 0.5 + j as f64
}

/// Fills a stored matrix by rows or by columns, pushing or being called, under a limit, and compares every element.
fn fill<T: Element>(
    (nrows, ncols): (usize, usize),
    order: Order,
    by_rows: bool,
    limit: u64,
    element: impl Fn(usize, usize) -> T,
) -> Report {
    let folders = Folders::new();
    let path = folders.path("a.npy");
    let ctx = folders.context(limit);
    let ((), report) = ctx
        .measure(|ctx| {
            let mut a = DenseMut::<T>::create(&path, (nrows, ncols), order, ctx)?;
            if by_rows {
                a.fill_rows(|i, row| {
                    row.iter_mut().enumerate().for_each(|(j, x)| *x = element(i, j));
                })?;
            } else {
                a.fill_columns(|j, column| {
                    column.iter_mut().enumerate().for_each(|(i, x)| *x = element(i, j));
                })?;
            }
            assert_eq!(a.view()[[nrows - 1, ncols - 1]], element(nrows - 1, ncols - 1));
            a.close()
        })
        .unwrap();
    check_costs(&report);
    let free = Context::new();
    let bytes = verify(&path, &free).unwrap().bytes;
    assert_eq!(bytes, 4096 + (nrows * ncols * size_of::<T>()) as u64);
    let a = Dense::<T>::open(&path).unwrap();
    for (i, row) in a.view().rows().into_iter().enumerate() {
        for (j, &found) in row.iter().enumerate() {
            assert_eq!(found, element(i, j), "row {i}, column {j}");
        }
    }
    drop(a);
    folders.assert_only(&["a.npy", "a.npy.xxh3"]);
    report
}

#[test]
fn filled_by_lines_every_element_is_where_it_belongs() {
    let shapes = [(40_000, 60), (60, 40_000), (200_000, 10), (5, 230_000), (1500, 1600)];
    for shape in shapes {
        for order in [Order::C, Order::Fortran] {
            for by_rows in [false, true] {
                let report = fill(shape, order, by_rows, 3 << 20, number);
                let written = (shape.0 * shape.1 * 8) as u64;
                let along = by_rows == (order == Order::C);
                let most = if along { written + 8192 } else { written * 21 / 10 };
                assert!(report.actual.bytes_written <= most, "{report}");
                assert!(report.actual.peak_memory <= 3 << 20, "{report}");
            }
        }
    }
    fill((3000, 2000), Order::C, false, 1 << 20, |i, j| (i * 31 + j * 7) as u8);
    fill((3000, 2000), Order::C, false, 2 << 20, |i, j| (i * 31 + j * 7) % 3 == 0);
    fill((2000, 999), Order::C, false, 4 << 20, |i, j| {
        num_complex::Complex::new(number(i, j), -number(j, i))
    });
    // Larger than half the limit, and yet nothing goes to scratch; and so small that it is filled through its map.
    let report = fill((1000, 500), Order::C, false, 7 << 20, number);
    assert_eq!((report.actual.scratch, report.actual.bytes_written), (0, 4_000_000 + 4096));
    fill((1000, 500), Order::C, false, 16 << 20, number);
    // Lines that are more than a quarter of the limit: a group has one.
    fill((70_000, 30), Order::C, false, 1 << 20, number);
}

#[test]
fn lines_that_do_not_fit_are_an_error() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 20);
    let mut a =
        DenseMut::<f64>::create(folders.path("a.npy"), (200_000, 10), Order::C, &ctx).unwrap();
    let error = a.fill_columns(|_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(error.to_string().contains("1600000"), "{error}");
    drop(a);
    // Along the order a line that does not fit is made in the map.
    let mut a =
        DenseMut::<f64>::create(folders.path("a.npy"), (200_000, 2), Order::Fortran, &ctx).unwrap();
    a.fill_columns(|j, column| column.fill(j as f64)).unwrap();
    assert_eq!(a.view()[[199_999, 1]], 1.0);
    drop(a);
    folders.assert_only(&[]);
}

#[test]
fn what_is_pushed_and_what_is_given_up() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 20);
    for order in [Order::C, Order::Fortran] {
        let path = folders.path("a.npy");
        let mut a = DenseMut::<f64>::create(&path, (10_000, 100), order, &ctx).unwrap();
        let column = |j: usize| (0..10_000).map(move |i| number(i, j)).collect::<Vec<_>>();
        let mut columns = ColumnWriter::new(&mut a).unwrap();
        // Given up in the middle, with blocks on their way to the file.
        for j in 0..80 {
            columns.push(&column(j)).unwrap();
        }
        drop(columns);
        a.view_mut().fill(-1.0);
        let mut columns = ColumnWriter::new(&mut a).unwrap();
        assert_eq!(columns.push(&[1.0]).unwrap_err().kind(), ErrorKind::Shape);
        for j in 0..99 {
            columns.push(&column(j)).unwrap();
        }
        assert!(columns.finish().unwrap_err().to_string().contains("expected 100, found 99"));
        let mut columns = ColumnWriter::new(&mut a).unwrap();
        for j in 0..100 {
            columns.push(&column(j)).unwrap();
        }
        assert_eq!(columns.push(&column(100)).unwrap_err().kind(), ErrorKind::Shape);
        columns.finish().unwrap();
        assert_eq!(a.column(99).unwrap().to_vec(), column(99));
        // The sums taken on the way are not those of what is stored afterwards.
        a.view_mut()[[5000, 50]] = 3.0;
        a.close().unwrap();
        verify(&path, &Context::new()).unwrap();

        // Stored arrays are written over where they lie.
        let mut a = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
        assert_eq!(a.view()[[5000, 50]], 3.0);
        a.fill_rows(|i, row| row.iter_mut().enumerate().for_each(|(j, x)| *x = number(j, i)))
            .unwrap();
        a.close().unwrap();
        verify(&path, &Context::new()).unwrap();
        let a = Dense::<f64>::open(&path).unwrap();
        assert_eq!(a.view()[[5000, 50]], number(50, 5000));
        drop(a);
        for name in ["a.npy", "a.npy.xxh3"] {
            std::fs::remove_file(folders.path(name)).unwrap();
        }
    }
    folders.assert_only(&[]);
}

#[test]
fn foreign_files_are_filled_too() {
    let folders = Folders::new();
    let path = folders.path("numpy.npy");
    // As NumPy writes it: data from byte 128 on; and once with something behind the elements.
    for behind in [0, 5] {
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(b"{'descr': '<f8', 'fortran_order': False, 'shape': (5000, 100), }");
        bytes.resize(127, b' ');
        bytes.push(b'\n');
        bytes.resize(128 + 8 * 500_000 + behind, 7);
        std::fs::write(&path, &bytes).unwrap();
        let ctx = folders.context(1 << 20);
        let mut a = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
        a.fill_columns(|j, column| {
            column.iter_mut().enumerate().for_each(|(i, x)| *x = number(i, j));
        })
        .unwrap();
        a.close().unwrap();
        let found = std::fs::read(&path).unwrap();
        assert_eq!(
            (&found[..128], &found[128 + 4_000_000..]),
            (&bytes[..128], &bytes[128 + 4_000_000..])
        );
        let a = Dense::<f64>::open(&path).unwrap();
        assert!(a.view().indexed_iter().all(|((i, j), &x)| x == number(i, j)));
        verify(&path, &ctx).unwrap();
    }
}

#[test]
fn cancelled_fills_leave_nothing() {
    let folders = Folders::new();
    for order in [Order::C, Order::Fortran] {
        let token = CancelToken::new();
        let ctx = folders.context(1 << 20).cancel(token.clone());
        let mut a =
            DenseMut::<f64>::create(folders.path("a.npy"), (10_000, 100), order, &ctx).unwrap();
        let outcome = a.fill_columns(|j, _| {
            if j == 70 {
                token.cancel();
            }
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
        drop(a);
        folders.assert_only(&[]);
    }
    let plan = folders.context(1 << 20).plan(|ctx| {
        let mut a = DenseMut::<f64>::create(folders.path("a.npy"), (10_000, 100), Order::C, ctx)?;
        a.fill_columns(|_, _| unreachable!())
    });
    assert!(plan.unwrap().cost.scratch > 6_000_000);
    folders.assert_only(&[]);
}

/// Brings a matrix to the other order, from memory and from a file, to memory and to a file, and compares the elements.
/// Reports of C to Fortran order from memory and from a file, and of the way back.
fn reorder<T: Element>(
    shape: (usize, usize),
    limit: u64,
    element: impl Fn(usize) -> T,
) -> Vec<Report> {
    let (folders, free) = (Folders::new(), Context::new());
    let mut reports = Vec::new();
    for order in [Order::C, Order::Fortran] {
        let other = if order == Order::C { Order::Fortran } else { Order::C };
        let elements: Vec<T> = (0..shape.0 * shape.1).map(&element).collect();
        let memory = Dense::from_parts(shape, order, elements.into()).unwrap();
        let stored = memory.copy_to(folders.path("a.npy"), &free).unwrap();
        let turned = memory.to_order(other, Place::Memory, &free).unwrap();
        assert_eq!((turned.order(), turned.shape()), (other, memory.shape()));
        assert!(turned.view() == memory.view());
        let ctx = folders.context(limit);
        for a in [&memory, &stored] {
            let (result, report) =
                ctx.measure(|ctx| a.to_order(other, folders.path("b.npy"), ctx)).unwrap();
            check_costs(&report);
            // Of less than 2 MiB the least that reads and writes take is too much.
            assert!(report.actual.peak_memory <= limit.max(2 << 20), "{report}");
            assert_eq!(result.order(), other);
            assert!(result.as_slice() == turned.as_slice(), "{shape:?} {order:?}");
            verify(folders.path("b.npy"), &free).unwrap();
            drop(result);
            std::fs::remove_file(folders.path("b.npy")).unwrap();
            std::fs::remove_file(folders.path("b.npy.xxh3")).unwrap();
            reports.push(report);
        }
        // Memory for the result, and little more.
        let ctx = folders.context((shape.0 * shape.1 * size_of::<T>()) as u64 + (4 << 20));
        let (result, report) =
            ctx.measure(|ctx| stored.to_order(other, Place::Memory, ctx)).unwrap();
        check_costs(&report);
        assert!(result.as_slice() == turned.as_slice());
        drop(stored);
        std::fs::remove_file(folders.path("a.npy")).unwrap();
        std::fs::remove_file(folders.path("a.npy.xxh3")).unwrap();
    }
    folders.assert_only(&[]);
    reports
}

#[test]
fn the_other_order_has_the_same_elements() {
    let bits = |k: usize| (k.wrapping_mul(2_654_435_761) % 1_000_003) as f64;
    // Few long lines, read in bands.
    let scratch = |reports: Vec<Report>| -> Vec<bool> {
        reports.iter().map(|report| report.actual.scratch > 0).collect()
    };
    assert_eq!(scratch(reorder((4, 600_000), 8 << 20, bits)), [false, false, false, true]);
    // Many lines in C order, through a scratch file; once lines of three elements.
    for (shape, limit) in
        [((1500, 1600), 4), ((400_000, 3), 2), ((20_000, 100), 2), ((1200, 1100), 1)]
    {
        assert!(scratch(reorder(shape, limit << 20, bits))[1]);
    }
    reorder((2000, 3000), 2 << 20, |k| k % 7 == 0);
    reorder((2000, 1000), 2 << 20, |k| k as u16);
    reorder((800, 900), 2 << 20, |k| num_complex::Complex::new(k as f64, -1.0));
    // Fits, and shapes whose elements lie the same in both orders.
    for shape in [(300, 400), (1, 1000), (1000, 1), (0, 5), (5, 0), (1, 1)] {
        reorder(shape, 4 << 20, bits);
    }
}

#[test]
fn orders_are_changed_completely_or_not_at_all() {
    let folders = Folders::new();
    let a = Dense::from(ndarray::Array2::from_shape_fn((1500, 1600), |(i, j)| number(i, j)));
    let a = a.copy_to(folders.path("a.npy"), &Context::new()).unwrap();
    let error = a.to_order(Order::Fortran, Place::Memory, &folders.context(1 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    for after in [3, 200] {
        let token = CancelToken::new();
        let (late, ctx) = (token.clone(), folders.context(2 << 20).cancel(token));
        let count = std::sync::atomic::AtomicU64::new(0);
        let ctx = ctx.progress(move |_| {
            if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == after {
                late.cancel();
            }
        });
        let error = a.to_order(Order::Fortran, folders.path("b.npy"), &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        folders.assert_only(&["a.npy", "a.npy.xxh3"]);
    }
}

#[test]
fn copies_larger_than_memory() {
    let folders = Folders::new();
    let a = ndarray::Array3::from_shape_fn((100, 50, 120), |(i, j, k)| number(i * 50 + j, k));
    let a = Dense::from(a.reversed_axes()).copy_to(folders.path("a.npy"), &Context::new()).unwrap();
    let ctx = folders.context(2 << 20);
    let (b, report) = ctx.measure(|ctx| a.copy_to(folders.path("b.npy"), ctx)).unwrap();
    check_costs(&report);
    assert!(report.actual.peak_memory <= 2 << 20, "{report}");
    assert_eq!((b.order(), b.shape(), b.as_slice()), (a.order(), a.shape(), a.as_slice()));
    verify(folders.path("b.npy"), &ctx).unwrap();
    assert_eq!(a.copy_to(Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(a.copy_to(Place::Scratch, &ctx).unwrap().as_slice(), a.as_slice());
}
