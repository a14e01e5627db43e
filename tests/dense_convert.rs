//! Dense matrices made, turned and converted under a limit far below their size: the elements of the same in memory,
//! costs as planned, nothing left behind.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::folders::Folders;
use crate::plans::{compare, measured};
use outcore::{
    CancelToken, ColumnWriter, Context, Coo, Csc, Csr, Dense, DenseBuilder, DenseMut, Duplicates,
    Element, ErrorKind, Order, Place, Report, verify,
};

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
    let place = folders.replaced("a.npy");
    let ctx = folders.context(limit).threads(3).unwrap();
    let ((), report) = ctx
        .measure(|ctx| {
            let mut a = DenseMut::<T>::create((nrows, ncols), order, &place, ctx)?;
            if by_rows {
                a.fill_rows(|i, row| {
                    row.iter_mut().enumerate().for_each(|(j, x)| *x = element(i, j));
                })?;
            } else {
                a.fill_columns(|j, column| {
                    column.iter_mut().enumerate().for_each(|(i, x)| *x = element(i, j));
                })?;
            }
            assert_eq!(a.as_ndarray()[[nrows - 1, ncols - 1]], element(nrows - 1, ncols - 1));
            a.close()
        })
        .unwrap();
    compare(&report);
    let free = Context::new();
    let bytes = verify(&path, &free).unwrap().bytes;
    assert_eq!(bytes, 4096 + (nrows * ncols * size_of::<T>()) as u64);
    let a = Dense::<T>::open(&path).unwrap();
    for (i, row) in a.as_ndarray().rows().into_iter().enumerate() {
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
    let ctx = folders.context(1 << 20).threads(3).unwrap();
    let mut a =
        DenseMut::<f64>::create((200_000, 10), Order::C, folders.path("a.npy"), &ctx).unwrap();
    let error = a.fill_columns(|_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(error.to_string().contains("1600000"), "{error}");
    drop(a);
    // Along the order a line that does not fit is made in the map.
    let mut a =
        DenseMut::<f64>::create((200_000, 2), Order::Fortran, folders.path("a.npy"), &ctx).unwrap();
    a.fill_columns(|j, column| column.fill(j as f64)).unwrap();
    assert_eq!(a.as_ndarray()[[199_999, 1]], 1.0);
    drop(a);
    folders.assert_only(&[]);
}

#[test]
fn what_is_pushed_and_what_is_given_up() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 20).threads(3).unwrap();
    for order in [Order::C, Order::Fortran] {
        let path = folders.path("a.npy");
        let mut a = DenseMut::<f64>::create((10_000, 100), order, &path, &ctx).unwrap();
        let column = |j: usize| (0..10_000).map(move |i| number(i, j)).collect::<Vec<_>>();
        let mut columns = ColumnWriter::new(&mut a).unwrap();
        // Given up in the middle, with blocks on their way to the file.
        for j in 0..80 {
            columns.push(&column(j)).unwrap();
        }
        drop(columns);
        a.as_ndarray_mut().fill(-1.0);
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
        assert_eq!(a.col(99).unwrap().to_vec(), column(99));
        // The sums taken on the way are not those of what is stored afterwards.
        a.as_ndarray_mut()[[5000, 50]] = 3.0;
        a.close().unwrap();
        verify(&path, &Context::new()).unwrap();

        // Stored arrays are written over where they lie.
        let mut a = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
        assert_eq!(a.as_ndarray()[[5000, 50]], 3.0);
        a.fill_rows(|i, row| row.iter_mut().enumerate().for_each(|(j, x)| *x = number(j, i)))
            .unwrap();
        a.close().unwrap();
        verify(&path, &Context::new()).unwrap();
        let a = Dense::<f64>::open(&path).unwrap();
        assert_eq!(a.as_ndarray()[[5000, 50]], number(50, 5000));
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
        let ctx = folders.context(1 << 20).threads(3).unwrap();
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
        assert!(a.as_ndarray().indexed_iter().all(|((i, j), &x)| x == number(i, j)));
        verify(&path, &ctx).unwrap();
    }
}

#[test]
fn cancelled_fills_leave_nothing() {
    let folders = Folders::new();
    for order in [Order::C, Order::Fortran] {
        let token = CancelToken::new();
        let ctx = folders.context(1 << 20).threads(3).unwrap().cancel(token.clone());
        let mut a =
            DenseMut::<f64>::create((10_000, 100), order, folders.path("a.npy"), &ctx).unwrap();
        let outcome = a.fill_columns(|j, _| {
            if j == 70 {
                token.cancel();
            }
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Cancelled);
        drop(a);
        folders.assert_only(&[]);
    }
    let plan = folders.context(1 << 20).threads(3).unwrap().plan(|ctx| {
        let mut a = DenseMut::<f64>::create((10_000, 100), Order::C, folders.path("a.npy"), ctx)?;
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
        assert!(turned.as_ndarray() == memory.as_ndarray());
        let ctx = folders.context(limit).threads(3).unwrap();
        for a in [&memory, &stored] {
            let (result, report) =
                measured(&ctx, |ctx| a.to_order(other, folders.replaced("b.npy"), ctx));
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
        let ctx = folders
            .context((shape.0 * shape.1 * size_of::<T>()) as u64 + (4 << 20))
            .threads(3)
            .unwrap();
        let (result, _) = measured(&ctx, |ctx| stored.to_order(other, Place::Memory, ctx));
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
    assert_eq!(scratch(reorder((4, 300_000), 4 << 20, bits)), [false, false, false, true]);
    // Many lines in C order, through a scratch file; once lines of three elements.
    for (shape, limit) in
        [((1100, 1150), 2), ((300_000, 3), 2), ((10_000, 100), 2), ((900, 800), 1)]
    {
        assert!(scratch(reorder(shape, limit << 20, bits))[1]);
    }
    reorder((2000, 1500), 2 << 20, |k| k % 7 == 0);
    reorder((2000, 1000), 2 << 20, |k| k as u16);
    reorder((500, 600), 2 << 20, |k| num_complex::Complex::new(k as f64, -1.0));
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
    let error = a
        .to_order(Order::Fortran, Place::Memory, &folders.context(1 << 20).threads(3).unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    for after in [3, 200] {
        let token = CancelToken::new();
        let (late, ctx) =
            (token.clone(), folders.context(2 << 20).threads(3).unwrap().cancel(token));
        let count = AtomicU64::new(0);
        let ctx = ctx.progress(move |_| {
            if count.fetch_add(1, Ordering::Relaxed) == after {
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
    let ctx = folders.context(2 << 20).threads(3).unwrap();
    let (b, report) = measured(&ctx, |ctx| a.copy_to(folders.replaced("b.npy"), ctx));
    assert!(report.actual.peak_memory <= 2 << 20, "{report}");
    assert_eq!((b.order(), b.shape(), b.as_slice()), (a.order(), a.shape(), a.as_slice()));
    verify(folders.path("b.npy"), &ctx).unwrap();
    assert_eq!(a.copy_to(Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(a.copy_to(Place::Scratch, &ctx).unwrap().as_slice(), a.as_slice());
    drop(b);
    let (b, report) = measured(&folders.context(6 << 20).threads(3).unwrap(), |ctx| {
        Dense::<f64, ndarray::Ix3>::read(folders.path("a.npy"), folders.replaced("b.npy"), ctx)
    });
    assert!(report.actual.peak_memory <= 6 << 20, "{report}");
    assert_eq!((b.order(), b.shape(), b.as_slice()), (a.order(), a.shape(), a.as_slice()));
}

/// A dense matrix of which about `percent` of a hundred elements are not zero, the same in both orders.
fn thin(shape: (usize, usize), order: Order, percent: usize) -> Dense<f64> {
    let element = |i: usize, j: usize| {
        let hash = (i * 1_000_003 + j).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        if hash % 100 < percent { hash as f64 - 7e6 } else { 0.0 }
    };
    let (lines, length) = if order == Order::C { shape } else { (shape.1, shape.0) };
    let elements: Vec<f64> = (0..lines * length)
        .map(|k| match order {
            Order::C => element(k / length, k % length),
            Order::Fortran => element(k % length, k / length),
        })
        .collect();
    Dense::from_parts(shape, order, elements.into()).unwrap()
}

fn same_entries(a: &Coo<f64>, b: &Coo<f64>) -> bool {
    a.shape() == b.shape()
        && a.row_indices() == b.row_indices()
        && a.col_indices() == b.col_indices()
        && a.data() == b.data()
}

/// Compares what becomes of a dense matrix under a limit with what becomes of it in memory, element by element.
fn sparsify(shape: (usize, usize), percent: usize, limit: u64) {
    let (folders, free) = (Folders::new(), Context::new());
    for order in [Order::C, Order::Fortran] {
        let memory = thin(shape, order, percent);
        let csr: Csr<f64> = memory.to_csr(Place::Memory, &free).unwrap();
        for ((i, j), &x) in memory.as_ndarray().indexed_iter() {
            assert!(x == 0.0 || csr.get(i, j).unwrap() == Some(x));
        }
        assert_eq!(csr.nnz(), memory.as_slice().iter().filter(|&&x| x != 0.0).count());
        let coo = csr.to_coo(Place::Memory, &free).unwrap();
        let csc: Csc<f64> = memory.to_csc(Place::Memory, &free).unwrap();
        assert!(csc == csr.to_csc(Place::Memory, &free).unwrap());
        let stored = memory.copy_to(folders.path("a.npy"), &free).unwrap();
        let ctx = folders.context(limit).threads(3).unwrap();
        for a in [&memory, &stored] {
            let place = || folders.replaced("s");
            let (found, report) = measured(&ctx, |ctx| a.to_csr::<u32, u32>(place(), ctx));
            assert!(found == csr, "{shape:?} {order:?} to CSR");
            assert!(found.check().unwrap(), "in order");
            assert!(report.plan.entries.is_some());
            assert!(report.actual.peak_memory <= limit, "{report}");
            verify(folders.path("s"), &free).unwrap();
            let (found, _) = measured(&ctx, |ctx| a.to_csc::<u32, u32>(place(), ctx));
            assert!(found == csc, "{shape:?} {order:?} to CSC");
            assert!(found.check().unwrap(), "in order");
            let (found, _) = measured(&ctx, |ctx| a.to_coo::<u32>(place(), ctx));
            assert!(same_entries(&found, &coo));
            let (found, _) = measured(&free, |ctx| a.to_coo::<u32>(Place::Memory, ctx));
            assert!(same_entries(&found, &coo));
        }
        let (found, _) = measured(&free, |ctx| stored.to_csc::<u32, u32>(Place::Memory, ctx));
        assert!(found == csc);
        // The result fits and the matrix does not.
        let room = folders.context(csr.bytes() * 4 + (4 << 20)).threads(3).unwrap();
        let (found, _) = measured(&room, |ctx| stored.to_csr::<u32, u32>(Place::Memory, ctx));
        assert!(found == csr);
        drop((found, stored));
        std::fs::remove_dir_all(folders.path("s")).unwrap();
        std::fs::remove_file(folders.path("a.npy")).unwrap();
        std::fs::remove_file(folders.path("a.npy.xxh3")).unwrap();
    }
    folders.assert_only(&[]);
}

#[test]
fn thin_matrices_become_sparse() {
    sparsify((1500, 1000), 5, 4 << 20);
    sparsify((3, 400_000), 10, 4 << 20);
    sparsify((250_000, 4), 30, 4 << 20);
    for shape in [(0, 0), (0, 7), (7, 0), (1, 1)] {
        sparsify(shape, 100, 4 << 20);
    }
}

#[test]
fn elements_are_looked_at_once_on_their_way_to_a_file() {
    let folders = Folders::new();
    let a = thin((2000, 1000), Order::C, 20);
    let a = a.copy_to(folders.path("a.npy"), &Context::new()).unwrap();
    let looks = AtomicU64::new(0);
    let keep = |x: f64| {
        looks.fetch_add(1, Ordering::Relaxed);
        x > 5e6
    };
    let ctx = folders.context(4 << 20).threads(3).unwrap();
    let csr: Csr<f64> = a.to_csr_if(folders.path("csr"), &ctx, keep).unwrap();
    assert_eq!(looks.swap(0, Ordering::Relaxed), 2_000_000);
    let csc: Csc<f64> = a.to_csc_if(folders.path("csc"), &ctx, keep).unwrap();
    assert_eq!(looks.load(Ordering::Relaxed), 2_000_000);
    assert!(csr.data().iter().all(|&x| x > 5e6) && csr.nnz() > 10_000);
    assert!(csc == csr.to_csc(Place::Memory, &Context::new()).unwrap());
    // Half of the rows are there when it is cancelled.
    let token = CancelToken::new();
    let late = token.clone();
    let ctx = folders.context(4 << 20).threads(3).unwrap().cancel(token);
    let stop = |x: f64| {
        if looks.fetch_add(1, Ordering::Relaxed) == 3_000_000 {
            late.cancel();
        }
        x > 5e6
    };
    let error = a.to_csr_if::<u32, u32>(folders.path("none"), &ctx, stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    folders.assert_only(&["a.npy", "a.npy.xxh3", "csc", "csr"]);
}

/// Entries in any order, some positions several times.
fn entries(shape: (usize, usize), nnz: usize) -> Coo<f64> {
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below.max(1)
    };
    let mut triplet = |k: usize| {
        (
            random(shape.0),
            random(shape.1),
            if k.is_multiple_of(50) { -0.0 } else { 1.0 / (k + 1) as f64 },
        )
    };
    let triplets: Vec<_> = (0..nnz).flat_map(|k| [triplet(k); 2]).collect();
    Coo::from_triplets(shape, triplets).unwrap()
}

/// The dense twin of some entries; an entry alone keeps the sign of its zero.
fn written_out(coo: &Coo<f64>) -> ndarray::Array2<f64> {
    let mut a = ndarray::Array2::zeros(coo.shape());
    for ((&i, &j), &x) in
        coo.row_indices().iter().zip(coo.col_indices().iter()).zip(coo.data().iter())
    {
        let element = &mut a[[i as usize, j as usize]];
        *element = if *element == 0.0 { x } else { *element + x };
    }
    a
}

fn bits(a: &Dense<f64>) -> Vec<u64> {
    a.as_ndarray().iter().map(|x| x.to_bits()).collect()
}

fn densify(shape: (usize, usize), nnz: usize, limit: u64, planned: bool) {
    let (folders, free) = (Folders::new(), Context::new());
    let coo = entries(shape, nnz);
    let expected: Vec<u64> = written_out(&coo).iter().map(|x| x.to_bits()).collect();
    let csr: Csr<f64> = coo.to_csr(Duplicates::Keep, Place::Memory, &free).unwrap();
    // Entries of a line in the order in which they came.
    let csc: Csc<f64> = coo.to_csc(Duplicates::Keep, Place::Memory, &free).unwrap();
    let csr_file = csr.copy_to(folders.path("csr"), &free).unwrap();
    let csc_file = csc.copy_to(folders.path("csc"), &free).unwrap();
    let coo_file = coo.copy_to(folders.path("coo"), &free).unwrap();
    let ctx = folders.context(limit).threads(3).unwrap();
    // A line that does not fit is sorted twice, which nobody knows beforehand.
    type Operation<'a> = &'a dyn Fn(&Context) -> outcore::Result<Dense<f64>>;
    let run = |planned: bool, ctx: &Context, operation: Operation<'_>| {
        if planned { measured(ctx, operation) } else { ctx.measure(operation).unwrap() }
    };
    for order in [Order::C, Order::Fortran] {
        let place = || folders.replaced("d.npy");
        let check = |(found, report): (Dense<f64>, Report), what: &str| {
            assert_eq!((found.order(), found.shape()), (order, shape));
            assert!(bits(&found) == expected, "{what} {shape:?} to {order:?} order");
            assert!(report.actual.peak_memory <= limit.max(2 << 20), "{report}");
            verify(folders.path("d.npy"), &free).unwrap();
        };
        check(run(planned, &ctx, &|ctx| csr_file.to_dense(order, place(), ctx)), "CSR");
        check(run(planned, &ctx, &|ctx| csc_file.to_dense(order, place(), ctx)), "CSC");
        check(run(planned, &ctx, &|ctx| coo_file.to_dense(order, place(), ctx)), "COO");
        check(run(planned, &ctx, &|ctx| csr.to_dense(order, place(), ctx)), "CSR in memory");
        for ctx in
            [&free, &folders.context(limit + (shape.0 * shape.1 * 8) as u64).threads(3).unwrap()]
        {
            let dense = |found: (Dense<f64>, Report)| bits(&found.0);
            assert!(
                dense(run(planned, ctx, &|ctx| csr_file.to_dense(order, Place::Memory, ctx)))
                    == expected
            );
            assert!(
                dense(run(planned, ctx, &|ctx| csc_file.to_dense(order, Place::Memory, ctx)))
                    == expected
            );
            assert!(
                dense(run(planned, ctx, &|ctx| coo_file.to_dense(order, Place::Memory, ctx)))
                    == expected
            );
            assert!(
                dense(run(planned, ctx, &|ctx| csc.to_dense(order, Place::Memory, ctx)))
                    == expected
            );
        }
    }
}

#[test]
fn zeros_are_written_out() {
    densify((1500, 1000), 200_000, 4 << 20, true);
    // Dense lines of more than a band, and a sparse line of more than a panel.
    densify((4, 300_000), 100_000, 2 << 20, false);
    densify((300_000, 3), 100_000, 2 << 20, false);
    densify((1, 400_000), 300_000, 1 << 20, false);
    for shape in [(0, 0), (0, 5), (5, 0), (1, 1)] {
        densify(shape, usize::from(shape == (1, 1)), 1 << 20, true);
    }
}

#[test]
fn entries_that_cannot_be_written_out_are_named() {
    let (folders, free) = (Folders::new(), Context::new());
    let ctx = folders.context(2 << 20).threads(3).unwrap();
    let triplets = (0..200_000).map(|k| (k % 500, k % 1999, 3i8));
    let clash = [(123, 456, 100i8), (123, 456, 100)];
    let coo = Coo::<i8>::from_triplets((500, 2000), triplets.chain(clash)).unwrap();
    let csr: Csr<i8> = coo.to_csr(Duplicates::Keep, Place::Memory, &free).unwrap();
    for order in [Order::C, Order::Fortran] {
        for place in [Place::Memory, Place::Scratch] {
            for ctx in [&free, &ctx] {
                let errors = [
                    csr.to_dense(order, &place, ctx).unwrap_err(),
                    coo.to_dense(order, &place, ctx).unwrap_err(),
                ];
                for error in errors {
                    assert_eq!(error.kind(), ErrorKind::Value, "{error}");
                    assert!(error.to_string().contains("row 123, column 456"), "{error}");
                }
            }
        }
    }
    // A stored index beyond the matrix.
    let csr: Csr<f64> = Csr::random((600, 500), 0.5, 3, folders.path("a"), &free).unwrap();
    drop(csr);
    let file = folders.path("a").join("indices_1.npy");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4096 + 4 * 77_777..][..4].copy_from_slice(&500i32.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    let csr = Csr::<f64>::open(folders.path("a")).unwrap();
    for order in [Order::C, Order::Fortran] {
        for (place, ctx) in
            [(Place::Memory, &free), (Place::Scratch, &free), (Place::Scratch, &ctx)]
        {
            let error = csr.to_dense(order, place, ctx).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Index, "{error}");
            assert!(error.to_string().contains("77777"), "{error}");
        }
    }
    folders.assert_only(&["a"]);
}

/// Stacks matrices of these shapes, some stored and some in memory, under a limit, and compares with ndarray.
fn stack(axis: usize, shapes: &[(usize, usize)], order: Order, limit: u64) {
    let (folders, free) = (Folders::new(), Context::new());
    let mut matrices = Vec::new();
    for (k, &(nrows, ncols)) in shapes.iter().enumerate() {
        let a = ndarray::Array2::from_shape_fn((nrows, ncols), |(i, j)| number(i + 31 * k, j));
        let a = Dense::from(a).to_order(order, Place::Memory, &free).unwrap();
        let place = folders.path(&format!("{k}.npy"));
        matrices.push(if k % 3 == 1 { a } else { a.copy_to(place, &free).unwrap() });
    }
    let views: Vec<_> = matrices.iter().map(|a| a.as_ndarray()).collect();
    let expected = ndarray::concatenate(ndarray::Axis(axis), &views).unwrap();
    let matrices: Vec<&Dense<f64>> = matrices.iter().collect();
    let ctx = folders.context(limit).threads(3).unwrap();
    let (found, report) =
        measured(&ctx, |ctx| Dense::concatenate(axis, &matrices, folders.replaced("all.npy"), ctx));
    assert!(found.as_ndarray() == expected, "{axis} {shapes:?} {order:?}");
    assert_eq!(found.order(), order);
    assert!(report.actual.peak_memory <= limit.max(2 << 20), "{report}");
    verify(folders.path("all.npy"), &free).unwrap();
    let (found, _) = measured(&free, |ctx| Dense::concatenate(axis, &matrices, Place::Memory, ctx));
    assert!(found.as_ndarray() == expected);
}

#[test]
fn matrices_below_each_other_and_side_by_side() {
    let tall = [(40_000, 20), (1, 20), (9000, 20), (0, 20), (30_000, 20)];
    let wide = [(900, 700), (900, 1), (900, 0), (900, 1400), (900, 33)];
    let long = [(3, 300_000), (3, 7), (3, 500_000)];
    for order in [Order::C, Order::Fortran] {
        stack(0, &tall, order, 2 << 20);
        stack(1, &wide, order, 2 << 20);
        stack(1, &long, order, 2 << 20);
        stack(0, &long.map(|(a, b)| (b, a)), order, 2 << 20);
        stack(1, &[(0, 3), (0, 4)], order, 2 << 20);
        stack(0, &[(5, 0), (7, 0)], order, 2 << 20);
    }
    let ctx = Context::new();
    let a = Dense::from(ndarray::Array2::<f64>::zeros((2, 3)));
    let refused = |axis, matrices: &[&Dense<f64>]| {
        Dense::concatenate(axis, matrices, Place::Memory, &ctx).unwrap_err().kind()
    };
    assert_eq!(refused(0, &[]), ErrorKind::Shape);
    assert_eq!(refused(2, &[&a]), ErrorKind::Shape);
    assert_eq!(refused(0, &[&a, &a.transpose()]), ErrorKind::Shape);
    let turned = a.to_order(Order::Fortran, Place::Memory, &ctx).unwrap();
    assert_eq!(refused(0, &[&a, &turned]), ErrorKind::Unsupported);
    // A single row lies the same in both orders.
    let row = Dense::from(ndarray::Array2::<f64>::ones((1, 3)));
    let row = row.to_order(Order::Fortran, Place::Memory, &ctx).unwrap();
    let stacked = Dense::vstack(&[&row, &a, &row], Place::Memory, &ctx).unwrap();
    assert_eq!((stacked.order(), stacked.as_ndarray().sum()), (Order::C, 6.0));
}

#[test]
fn built_line_by_line() {
    let folders = Folders::new();
    let ctx = folders.context(1 << 20).threads(3).unwrap();
    let line = |k: usize| (0..100).map(move |j| number(k, j)).collect::<Vec<_>>();
    for order in [Order::C, Order::Fortran] {
        for place in [Place::Memory, Place::Scratch, folders.replaced("a.npy")] {
            let large = if place == Place::Memory { &Context::new() } else { &ctx };
            let mut builder = DenseBuilder::<f64>::new(100, order, &place, large).unwrap();
            for k in 0..3000 {
                builder.push(&line(k)).unwrap();
            }
            assert_eq!(builder.push(&[1.0; 150]).unwrap_err().kind(), ErrorKind::Shape);
            builder.push(&[line(3000), line(3001)].concat()).unwrap();
            assert_eq!(builder.lines(), 3002);
            let a = builder.finish().unwrap();
            let shape = if order == Order::C { [3002, 100] } else { [100, 3002] };
            assert_eq!((a.order(), a.extents()), (order, &shape[..]));
            assert!(a.as_slice().chunks(100).enumerate().all(|(k, found)| found == line(k)));
        }
        verify(folders.path("a.npy"), &ctx).unwrap();
        assert_eq!(Dense::<f64>::open(folders.path("a.npy")).unwrap().order(), order);
    }
    let mut builder = DenseBuilder::<f64>::new(100, Order::C, Place::Memory, &ctx).unwrap();
    let error = (0..3000).find_map(|k| builder.push(&line(k)).err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let mut builder =
        DenseBuilder::<f64>::with_capacity(10_000, 3, Order::C, folders.path("b.npy"), &ctx)
            .unwrap();
    builder.push(&[1.0; 3]).unwrap();
    drop(builder);
    let none = DenseBuilder::<f64>::new(3, Order::C, folders.path("b.npy"), &ctx).unwrap();
    assert_eq!(none.finish().unwrap().shape(), (0, 3));
    assert_eq!(Dense::<f64>::open(folders.path("b.npy")).unwrap().shape(), (0, 3));
    folders.assert_only(&["a.npy", "a.npy.xxh3", "b.npy", "b.npy.xxh3"]);
}
