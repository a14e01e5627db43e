//! Sparse operations under a limit far below the size of the files: the bits of the same operation in memory, at the
//! cost that was planned, with nothing left behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use num_complex::Complex;
use outcore::linalg::NormOrder;
use outcore::{
    Axis, CancelToken, Compressed, Context, Csc, CscBuilder, Csr, CsrBuilder, Dense, Entry,
    ErrorKind, Index, Location, Order, Place, Result,
};

use crate::dense_larger::bits;
use crate::folders::{Folders, names};
use crate::numbers::{close, random};

/// Runs an operation and compares what it cost with what it said, and with the limit.
fn measured<R>(ctx: &Context, operation: impl Fn(&Context) -> Result<R>) -> R {
    let (result, report) = crate::plans::measured(ctx, operation);
    assert!(report.plan.cost.peak_memory <= ctx.memory_limit_bytes(), "{report}");
    result
}

/// Entries of a row in any order, repeated now and then; rows of very different lengths.
fn ragged<T: Entry, I: Index, P: Index>(
    (nrows, ncols): (usize, usize),
    nnz: usize,
    seed: u64,
    value: impl Fn(usize) -> T,
) -> Csr<T, I, P> {
    let mut state = seed;
    let mut ends: Vec<usize> = (1..nrows).map(|_| random(&mut state) % (nnz + 1)).collect();
    ends.sort_unstable();
    let ends = [0].into_iter().chain(ends).chain([nnz]);
    let indptr: Vec<P> = ends.map(P::from_usize).collect();
    let indices: Vec<I> = (0..nnz).map(|_| I::from_usize(random(&mut state) % ncols)).collect();
    let data: Vec<T> = (0..nnz).map(value).collect();
    Csr::from_parts((nrows, ncols), indptr, indices, data).unwrap()
}

fn number(k: usize) -> f64 {
    1.0 / (k % 997 + 1) as f64 - (k % 13) as f64 / 8.0
}

/// The matrix with rows as columns.
fn as_cols<T: Entry, I: Index, P: Index>(a: &Csr<T, I, P>) -> Csc<T, I, P> {
    a.transpose()
}

fn same<T: Entry, I: Index, P: Index, A: Axis>(
    found: &Compressed<T, I, P, A>,
    expected: &Compressed<T, I, P, A>,
) {
    assert!(found == expected, "{found:?} is not {expected:?}");
    assert_eq!(found.check().unwrap(), expected.check().unwrap());
}

fn copies<T: Entry, I: Index, P: Index>(a: &Csr<T, I, P>, kib: u64) {
    let (folders, free) = (Folders::new(), Context::new());
    let stored = measured(&folders.context(kib << 10).threads(2).unwrap(), |ctx| {
        a.copy_to(folders.replaced("a"), ctx)
    });
    same(&stored, a);
    folders.verify("a");
    for threads in [1, 3] {
        let ctx = folders.context(kib << 10).threads(threads).unwrap();
        let copy = |ctx: &Context| stored.copy_to(folders.replaced("b"), ctx);
        same(&measured(&ctx, copy), a);
        same(&measured(&ctx, |ctx| as_cols(&stored).copy_to(Place::Scratch, ctx)), &as_cols(a));
        let coo = measured(&ctx, |ctx| stored.to_coo(folders.replaced("coo"), ctx));
        let expected = a.to_coo(Place::Memory, &free).unwrap();
        assert!(
            coo.row_indices() == expected.row_indices()
                && coo.col_indices() == expected.col_indices()
        );
        assert!(coo.data() == expected.data());
        folders.verify("coo");
        let again = measured(&ctx, |ctx| coo.copy_to(Place::Scratch, ctx));
        assert!(
            again.row_indices() == coo.row_indices() && again.col_indices() == coo.col_indices()
        );
        assert!(again.data() == coo.data() && again.shape() == coo.shape());
        let coo = measured(&ctx, |ctx| as_cols(&stored).to_coo(Place::Scratch, ctx));
        assert!(
            coo.row_indices() == expected.col_indices()
                && coo.col_indices() == expected.row_indices()
        );
    }
    same(&stored.copy_to(Place::Memory, &free).unwrap(), a);
    let part = stored.row_range(a.nrows() / 3..a.nrows() / 3 * 2).unwrap();
    let copy =
        part.copy_to(Place::Scratch, &folders.context(kib << 10).threads(2).unwrap()).unwrap();
    same(&copy, &a.row_range(a.nrows() / 3..a.nrows() / 3 * 2).unwrap());
    assert_eq!(names(folders.scratch.path()), [""; 0]);
}

#[test]
fn copies_and_coordinates() {
    copies(&ragged::<f64, u32, u32>((20_000, 3_000), 400_000, 1, number), 1 << 10);
    copies(&ragged::<(), u64, u64>((300_000, 10), 200_000, 2, |_| ()), 2 << 10);
    copies(&ragged::<_, u32, u64>((7, 90_000), 300_000, 3, |k| k % 3 == 0), 1 << 10);
    copies(&ragged::<_, u64, u64>((1, 5), 200_000, 4, |k| Complex::new(k as f32, 0.5)), 1 << 10);
    copies(&ragged::<f64, u32, u32>((5, 7), 0, 5, number), 1 << 10);
    copies(
        &Csr::<f64>::random((30_000, 500), 0.02, 6, Place::Memory, &Context::new()).unwrap(),
        1 << 10,
    );
}

#[test]
fn copies_of_empty_matrices() {
    let ctx = Context::new();
    for shape in [(0, 0), (0, 5), (5, 0)] {
        let a = Csr::<f64>::from_parts(shape, vec![0; shape.0 + 1], vec![], vec![]).unwrap();
        let folders = Folders::new();
        same(&a.copy_to(folders.result("a"), &ctx).unwrap(), &a);
        same(&Csr::open(folders.path("a")).unwrap(), &a);
        assert_eq!(a.to_coo(folders.result("coo"), &ctx).unwrap().shape(), shape);
    }
}

fn generated<T: Entry, P: Index>(
    kib: u64,
    make: impl Fn(Place, &Context) -> Result<Csr<T, u32, P>>,
) {
    let folders = Folders::new();
    let expected = make(Place::Memory, &Context::new()).unwrap();
    for threads in [1, 3] {
        let ctx = folders.context(kib << 10).threads(threads).unwrap();
        assert!(expected.bytes() > 2 * ctx.memory_limit_bytes());
        let found = measured(&ctx, |ctx| make(folders.replaced("a"), ctx));
        same(&found, &expected);
        same(&measured(&ctx, |ctx| make(Place::Scratch, ctx)), &expected);
        folders.verify("a");
        same(&make(Place::Memory, &Context::new().threads(threads).unwrap()).unwrap(), &expected);
    }
}

#[test]
fn matrices_from_a_formula() {
    generated(1 << 10, |place, ctx| Csr::<f64>::poisson(&[40, 50, 20], place, ctx));
    generated(1 << 10, |place, ctx| Csr::<f64, u32, u64>::poisson(&[300_000], place, ctx));
    generated(1 << 10, |place, ctx| Csr::<f32>::random((30_000, 2_000), 0.01, 5, place, ctx));
    generated(2 << 10, |place, ctx| Csr::<f64>::random((30, 200_000), 0.2, 5, place, ctx));
    generated(1 << 10, |place, ctx| Csr::<f64>::random((400_000, 20), 0.02, 5, place, ctx));
    let long: Vec<f64> = (0..100_000).map(number).collect();
    generated(1 << 10, |place, ctx| {
        let diagonals =
            [(0, &long[..]), (-3, &long[..99_997]), (70_000, &long[..30_000]), (1, &long[1..])];
        Csr::<f64>::diags((100_000, 100_000), &diagonals, place, ctx)
    });
}

#[test]
fn diagonals_are_where_they_belong() {
    let ctx = Context::new();
    for shape in [(7, 5), (5, 7), (6, 6)] {
        let offsets = [-4isize, 0, 3, -1, 2];
        let length = |offset: isize| {
            (0..shape.0).filter(|&i| (0..shape.1 as isize).contains(&(i as isize + offset))).count()
        };
        let values: Vec<Vec<f64>> = offsets
            .iter()
            .map(|&o| (0..length(o)).map(|k| (10 * k) as f64 + o as f64).collect())
            .collect();
        let diagonals: Vec<(isize, &[f64])> =
            offsets.iter().zip(&values).map(|(&o, v)| (o, &v[..])).collect();
        let a = Csr::<f64>::diags(shape, &diagonals, Place::Scratch, &ctx).unwrap();
        for i in 0..shape.0 {
            for j in 0..shape.1 {
                let offset = j as isize - i as isize;
                let known = offsets.iter().position(|&o| o == offset);
                assert_eq!(a.get(i, j).unwrap(), known.map(|d| values[d][i.min(j)]));
            }
        }
    }
}

#[test]
fn lines_one_by_one() {
    let a = ragged::<f64, u32, u32>((20_000, 3_000), 400_000, 1, number);
    let folders = Folders::new();
    let ctx = folders.context((1 << 10) << 10).threads(2).unwrap();
    let mut builder = CsrBuilder::new(3_000, folders.result("a"), &ctx).unwrap();
    a.rows().for_each(|row| builder.push(row.indices, row.data).unwrap());
    same(&builder.finish().unwrap(), &a);
    folders.verify("a");
    let mut builder = CscBuilder::with_capacity(3_000, 9, Place::Memory, &Context::new()).unwrap();
    let lens: Vec<usize> = a.rows().map(|row| row.data.len()).collect();
    builder.push_lines(&lens, a.indices(), a.data()).unwrap();
    builder.append(&as_cols(&Csr::open(folders.path("a")).unwrap())).unwrap();
    assert_eq!((builder.lines(), builder.nnz()), (40_000, 800_000));
    let twice = builder.finish().unwrap();
    same(&twice.col_range(20_000..40_000).unwrap(), &as_cols(&a));
    // What cannot be added is not added.
    let mut builder = CsrBuilder::<f64>::new(3, Place::Memory, &ctx).unwrap();
    assert_eq!(builder.push(&[1, 3], &[0.0; 2]).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(builder.push(&[1], &[0.0; 2]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(builder.push_lines(&[1], &[1, 2], &[0.0; 2]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(builder.push_lines(&[3], &[1, 2], &[0.0; 2]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(builder.append(&Csr::eye(4)).unwrap_err().kind(), ErrorKind::Shape);
    let much = vec![0; 100_000];
    let error = builder.push(&much, &vec![0.0; much.len()]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    builder.push(&[2, 0], &[1.0, 2.0]).unwrap();
    assert!(!builder.finish().unwrap().check().unwrap());
    let builder = CsrBuilder::<f64>::new(3, folders.result("never"), &ctx).unwrap();
    drop(builder);
    assert_eq!(names(folders.results.path()), ["a"]);
}

#[test]
fn stacked() {
    let (folders, free) = (Folders::new(), Context::new());
    let ctx = folders.context((1 << 11) << 10).threads(2).unwrap();
    let a = ragged::<f64, u32, u32>((9_000, 300), 100_000, 1, number);
    let b = ragged::<f64, u32, u32>((9_000, 300), 150_000, 2, number);
    let c = Csr::<f64>::random((9_000, 300), 0.05, 3, Place::Memory, &free).unwrap();
    let heap = [&a, &b, &c];
    let stored: Vec<Csr<f64>> =
        (0..3).map(|k| heap[k].copy_to(folders.result(&format!("{k}")), &free).unwrap()).collect();
    let stored: Vec<&Csr<f64>> = stored.iter().collect();
    let mut below = BTreeMap::new();
    let mut beside = BTreeMap::new();
    for (k, matrix) in heap.iter().enumerate() {
        for (i, row) in matrix.rows().enumerate() {
            for (n, (j, value)) in row.indices.iter().zip(row.data).enumerate() {
                below.insert((k, i, n), (*j as usize, *value));
                beside.insert((i, k, n), (*j as usize + 300 * k, *value));
            }
        }
    }
    let entries = |a: &Csr<f64>| -> Vec<(usize, f64)> {
        a.indices().iter().map(|&j| j as usize).zip(a.data().iter().copied()).collect()
    };
    let v = Csr::vstack(&heap, Place::Memory, &free).unwrap();
    assert!(v.shape() == (27_000, 300) && entries(&v) == below.into_values().collect::<Vec<_>>());
    let h = Csr::hstack(&heap, Place::Memory, &free).unwrap();
    assert!(h.shape() == (9_000, 900) && entries(&h) == beside.into_values().collect::<Vec<_>>());
    same(&v.row_range(9_000..18_000).unwrap(), &b);
    same(&measured(&ctx, |ctx| Csr::vstack(&stored, folders.replaced("v"), ctx)), &v);
    same(&measured(&ctx, |ctx| Csr::hstack(&stored, folders.replaced("h"), ctx)), &h);
    folders.verify("h");
    let cols: Vec<Csc<f64>> = stored.iter().map(|a| a.transpose()).collect();
    let cols: Vec<&Csc<f64>> = cols.iter().collect();
    same(&measured(&ctx, |ctx| Csc::hstack(&cols, Place::Scratch, ctx)), &as_cols(&v));
    same(&measured(&ctx, |ctx| Csc::vstack(&cols, Place::Scratch, ctx)), &as_cols(&h));
    // Rows appended to a stored matrix.
    let appended = Csr::vstack(&[stored[0], &c], folders.replaced("0"), &ctx).unwrap();
    same(&Csr::open(folders.path("0")).unwrap(), &appended);
    // Lines that are more than a panel, in pieces.
    let long = ragged::<f64, u32, u32>((2, 5_000), 300_000, 4, number);
    let long = long.copy_to(Place::Scratch, &free).unwrap();
    let h = Csr::hstack(&[&long, &long, &long], Place::Memory, &free).unwrap();
    let streamed = Csr::hstack(
        &[&long, &long, &long],
        Place::Scratch,
        &folders.context((2 << 10) << 10).threads(2).unwrap(),
    );
    same(&streamed.unwrap(), &h);
    assert_eq!(Csr::<f64>::vstack(&[], Place::Memory, &free).unwrap_err().kind(), ErrorKind::Shape);
    let error = Csr::hstack(&[&a, &Csr::eye(3)], Place::Memory, &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let wide = Csr::<(), u32>::from_parts((1, 2_000_000_000), vec![0, 0], vec![], vec![]).unwrap();
    let error = Csr::hstack(&[&wide, &wide], Place::Memory, &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

/// The obvious twin of sums, differences and products: rows of entries by column, duplicates summed in order.
fn combined<T: Entry>(
    a: &Csr<T>,
    b: &Csr<T>,
    both: impl Fn(Option<T>, Option<T>) -> Option<T>,
) -> Csr<T> {
    let row_of = |a: &Csr<T>, i: usize| {
        let row = a.row(i).unwrap();
        let mut columns: BTreeMap<u32, T> = BTreeMap::new();
        for (j, &value) in row.indices.iter().zip(row.data) {
            columns.entry(*j).and_modify(|sum| *sum = sum.merge(value).unwrap()).or_insert(value);
        }
        columns
    };
    let (mut indptr, mut indices, mut data) = (vec![0], Vec::new(), Vec::new());
    for i in 0..a.nrows() {
        let (p, q) = (row_of(a, i), row_of(b, i));
        let columns: std::collections::BTreeSet<u32> = p.keys().chain(q.keys()).copied().collect();
        for j in columns {
            if let Some(value) = both(p.get(&j).copied(), q.get(&j).copied()) {
                indices.push(j);
                data.push(value);
            }
        }
        indptr.push(indices.len() as u32);
    }
    Csr::from_parts(a.shape(), indptr, indices, data).unwrap()
}

type Operation<T> = fn(&Csr<T>, &Csr<T>, Place, &Context) -> Result<Csr<T>>;

/// An operation in memory, in files and under limits, against its twin.
fn operated<T: Entry>(
    (a, b): (&Csr<T>, &Csr<T>),
    kib: u64,
    operation: Operation<T>,
    twin: impl Fn(Option<T>, Option<T>) -> Option<T>,
) {
    let (folders, free) = (Folders::new(), Context::new());
    let expected = combined(a, b, twin);
    same(&operation(a, b, Place::Memory, &free).unwrap(), &expected);
    let p = a.copy_to(folders.result("a"), &free).unwrap();
    let q = b.copy_to(folders.result("b"), &free).unwrap();
    for threads in [1, 3] {
        let ctx = folders.context(kib << 10).threads(threads).unwrap();
        let place = || folders.replaced("c");
        same(&measured(&ctx, |ctx| operation(&p, &q, place(), ctx)), &expected);
        folders.verify("c");
        same(&operation(a, &q, Place::Scratch, &ctx).unwrap(), &expected);
    }
    // Just enough memory for the result: its entries are counted first.
    let limit = (expected.bytes() * 5 / 4) >> 10;
    let ctx = folders.context((limit + 1500) << 10).threads(2).unwrap();
    same(&measured(&ctx, |ctx| operation(&p, &q, Place::Memory, ctx)), &expected);
}

#[test]
fn sums_differences_and_products() {
    let (a, b) = (
        ragged::<f64, u32, u32>((8_000, 900), 150_000, 1, number),
        ragged::<f64, u32, u32>((8_000, 900), 200_000, 2, number),
    );
    let free = Context::new();
    let c = Csr::<f64>::random((8_000, 900), 0.03, 3, Place::Memory, &free).unwrap();
    let d = Csr::<f64>::random((8_000, 900), 0.02, 4, Place::Memory, &free).unwrap();
    for pair in [(&a, &b), (&c, &d), (&c, &a), (&c, &c)] {
        operated(
            pair,
            1 << 11,
            |a, b, p, ctx| a.add(b, p, ctx),
            |x, y| match (x, y) {
                (Some(x), Some(y)) => Some(x + y),
                (x, y) => x.or(y),
            },
        );
        operated(
            pair,
            1 << 11,
            |a, b, p, ctx| a.sub(b, p, ctx),
            |x, y| {
                x.or(y)
                    .map(|_| x.unwrap_or(0.0) - y.unwrap_or(0.0))
                    .map(|z| if y.is_none() { x.unwrap() } else { z })
            },
        );
        operated(pair, 1 << 11, |a, b, p, ctx| a.multiply(b, p, ctx), |x, y| Some(x? * y?));
    }
    let (a, b) = (
        ragged::<bool, u32, u32>((80_000, 90), 150_000, 1, |k| k % 2 == 0),
        ragged::<bool, u32, u32>((80_000, 90), 100_000, 2, |k| k % 3 == 0),
    );
    operated(
        (&a, &b),
        1 << 11,
        |a, b, p, ctx| a.add(b, p, ctx),
        |x, y| match (x, y) {
            (Some(x), Some(y)) => Some(x | y),
            (x, y) => x.or(y),
        },
    );
    operated((&a, &b), 1 << 11, |a, b, p, ctx| a.multiply(b, p, ctx), |x, y| Some(x? & y?));
    let (a, b) = (a.pattern(), b.pattern());
    operated((&a, &b), 1 << 11, |a, b, p, ctx| a.add(b, p, ctx), |x, y| x.or(y));
    operated((&a, &b), 1 << 11, |a, b, p, ctx| a.multiply(b, p, ctx), |x, y| x.and(y));
}

#[test]
fn sums_of_lines_larger_than_panels() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = Csr::<f64>::random((3, 400_000), 0.3, 1, Place::Memory, &free).unwrap();
    let b = Csr::<f64>::random((3, 400_000), 0.1, 2, Place::Memory, &free).unwrap();
    let (p, q) =
        (a.copy_to(Place::Scratch, &free).unwrap(), b.copy_to(Place::Scratch, &free).unwrap());
    let ctx = folders.context((1 << 10) << 10).threads(2).unwrap();
    same(&p.add(&q, folders.result("c"), &ctx).unwrap(), &a.add(&b, Place::Memory, &free).unwrap());
    let product = p.multiply(&q, Place::Scratch, &ctx).unwrap();
    same(&product, &a.multiply(&b, Place::Memory, &free).unwrap());
    // A line that does not rise is sorted as long as it fits.
    let c = ragged::<f64, u32, u32>((3, 400_000), 300_000, 3, number);
    let error = c.add(&b, folders.result("d"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    assert!(error.to_string().contains("unsorted indices"), "{error}");
    assert_eq!(names(folders.results.path()), ["c"]);
    c.add(&b, Place::Memory, &free).unwrap();
}

#[test]
fn sums_that_cannot_be() {
    let ctx = Context::new();
    let one =
        |value: i8| Csc::<i8>::from_parts((4, 3), vec![0, 0, 1, 1], vec![2], vec![value]).unwrap();
    let error = one(100).add(&one(100), Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("row 2, column 1"), "{error}");
    assert!(one(100).multiply(&one(2), Place::Memory, &ctx).is_err());
    assert!(one(-100).sub(&one(100), Place::Memory, &ctx).is_err());
    assert_eq!(one(3).sub(&one(-5), Place::Memory, &ctx).unwrap().get(2, 1).unwrap(), Some(8));
    let empty = Csc::<i8>::from_parts((4, 3), vec![0; 4], vec![], vec![]).unwrap();
    assert!(empty.sub(&one(-128), Place::Memory, &ctx).is_err());
    let twice =
        Csc::<i8>::from_parts((4, 3), vec![0, 0, 2, 2], vec![2, 2], vec![100, 100]).unwrap();
    let error = twice.multiply(&empty, Place::Memory, &ctx).unwrap_err();
    assert!(error.to_string().contains("row 2, column 1"), "{error}");
    let error = Csr::<f64>::eye(3).add(&Csr::eye(4), Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn mapped_and_scaled() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = ragged::<f64, u32, u32>((20_000, 3_000), 400_000, 1, number);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let rows: Vec<f64> = (0..20_000).map(|i| 1.0 + i as f64).collect();
    let cols: Vec<f64> = (0..3_000).map(|j| 3.0 / (j + 1) as f64).collect();
    let with = |data: Vec<f64>| a.with_data(data).unwrap();
    let each = |f: &dyn Fn(usize, usize, f64) -> f64| {
        let lines = a.rows().enumerate();
        let entries = lines.flat_map(|(i, row)| {
            row.indices.iter().zip(row.data).map(move |(j, x)| (i, *j as usize, *x))
        });
        with(entries.map(|(i, j, x)| f(i, j, x)).collect())
    };
    let ctx = folders.context((1 << 10) << 10).threads(3).unwrap();
    type Scaled<'a> = (Csr<f64>, Box<dyn Fn(&Csr<f64>, Place, &Context) -> Result<Csr<f64>> + 'a>);
    let cases: [Scaled<'_>; 4] = [
        (each(&|_, _, x| -x), Box::new(|a, p, ctx| a.map_values(p, ctx, |x| -x))),
        (each(&|_, _, x| 0.3 * x), Box::new(|a, p, ctx| a.scale(0.3, p, ctx))),
        (each(&|i, _, x| rows[i] * x), Box::new(|a, p, ctx| a.scale_rows(&rows, p, ctx))),
        (each(&|_, j, x| cols[j] * x), Box::new(|a, p, ctx| a.scale_cols(&cols, p, ctx))),
    ];
    for (expected, scale) in &cases {
        same(&scale(&a, Place::Memory, &free).unwrap(), expected);
        same(&measured(&ctx, |ctx| scale(&stored, folders.replaced("b"), ctx)), expected);
        folders.verify("b");
        let ctx = folders.context((8 << 10) << 10).threads(2).unwrap();
        let shared = measured(&ctx, |ctx| scale(&stored, Place::Memory, ctx));
        assert!(shared.indices().file().is_some() && shared.data().file().is_none());
        same(&shared, expected);
    }
    let csc = as_cols(&stored).scale_cols(&rows, Place::Scratch, &ctx).unwrap();
    same(&csc, &as_cols(&cases[2].0));
    let narrow = stored.map_values(Place::Scratch, &ctx, |x| x > 0.0).unwrap();
    assert!(narrow.data().iter().zip(a.data().iter()).all(|(flag, x)| *flag == (*x > 0.0)));
    assert_eq!(a.scale_rows(&cols, Place::Memory, &free).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(a.scale_cols(&rows, Place::Memory, &free).unwrap_err().kind(), ErrorKind::Shape);
}

/// Statistics, norms and counts along both axes, against those of the dense matrix.
fn described<P: Index>(a: &Csr<f64, u32, P>, kib: u64) {
    let (folders, free) = (Folders::new(), Context::new());
    let dense = a.to_dense(Order::C, Place::Memory, &free).unwrap();
    let view = dense.as_ndarray();
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let one = Context::new().threads(1).unwrap();
    for axis in [0, 1] {
        let stats = a.stats(axis, &one).unwrap();
        let expected = dense.stats(axis, &free).unwrap();
        assert_eq!(stats.count(), expected.count());
        close(&stats.sums(), &expected.sums(), 1e-12);
        close(&stats.means(), &expected.means(), 1e-12);
        close(&stats.variances(1), &expected.variances(1), 1e-11);
        assert_eq!((stats.mins(), stats.maxs()), (expected.mins(), expected.maxs()));
        let along = ndarray::Axis(axis);
        let absolute = view.mapv(f64::abs);
        let norms = [
            (NormOrder::L1, absolute.sum_axis(along).to_vec()),
            (NormOrder::L2, view.mapv(|x| x * x).sum_axis(along).mapv(f64::sqrt).to_vec()),
            (NormOrder::Max, absolute.fold_axis(along, 0.0, |m, x| x.max(*m)).to_vec()),
        ];
        let counts = view.mapv(|x| u64::from(x != 0.0)).sum_axis(along).to_vec();
        assert_eq!(a.nnz_per(axis, &one).unwrap(), counts);
        for threads in [1, 3] {
            let ctx = folders.context(kib << 10).threads(threads).unwrap();
            assert_eq!(bits(&measured(&ctx, |ctx| stored.stats(axis, ctx))), bits(&stats));
            let transposed = measured(&ctx, |ctx| as_cols(&stored).stats(1 - axis, ctx));
            assert_eq!(bits(&transposed), bits(&stats));
            assert_eq!(measured(&ctx, |ctx| stored.nnz_per(axis, ctx)), counts);
            for (order, expected) in &norms {
                let found = measured(&ctx, |ctx| stored.norms(axis, *order, ctx));
                close(&found, expected, 1e-13);
                assert_eq!(found, a.norms(axis, *order, &one).unwrap());
            }
        }
    }
}

/// A random matrix without zeros.
fn scattered<P: Index>(shape: (usize, usize), density: f64) -> Csr<f64, u32, P> {
    let a = Csr::<f64, u32, P>::random(shape, density, 9, Place::Memory, &Context::new()).unwrap();
    a.map_values(Place::Memory, &Context::new(), |x| 100.5 + x).unwrap()
}

#[test]
fn statistics_are_those_of_the_dense_matrix() {
    described(&scattered::<u32>((4_000, 900), 0.1), 1 << 10);
    described(&scattered::<u64>((3, 60_000), 0.9), 8 << 10);
    described(&scattered::<u32>((60_000, 3), 0.5), 8 << 10);
    described(&scattered::<u32>((2_000, 300), 1.0), 1 << 10);
    // Not in order, which does not matter.
    let a = scattered::<u32>((4_000, 900), 0.05);
    let reversed = Csr::from_parts(
        a.shape(),
        a.indptr().clone(),
        a.rows().flat_map(|row| row.indices.iter().rev().copied()).collect::<Vec<_>>(),
        a.rows().flat_map(|row| row.data.iter().rev().copied()).collect::<Vec<_>>(),
    );
    described(&reversed.unwrap(), 1 << 10);
}

#[test]
fn statistics_of_odd_matrices() {
    let ctx = Context::new();
    let entries =
        |data: Vec<f64>| Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], data);
    let stats = entries(vec![f64::NAN, f64::INFINITY, 1.0]).unwrap().column_stats(&ctx).unwrap();
    assert_eq!(stats.nans(), [1, 0]);
    assert!(stats.mins()[0].is_nan() && stats.sums()[0].is_nan() && stats.variances(0)[1].is_nan());
    assert_eq!((stats.mins()[1], stats.maxs()[1]), (1.0, f64::INFINITY));
    let norms = entries(vec![f64::NAN, -2.0, 1.0]).unwrap();
    assert!(norms.norms(1, NormOrder::Max, &ctx).unwrap()[0].is_nan());
    assert_eq!(norms.norms(0, NormOrder::Max, &ctx).unwrap()[1], 2.0);
    let empty = Csr::<f64>::from_parts((0, 3), vec![0], vec![], vec![]).unwrap();
    assert!(empty.column_stats(&ctx).unwrap().mins().iter().all(|x| x.is_nan()));
    assert_eq!(empty.row_stats(&ctx).unwrap().sums(), [0.0; 0]);
    let none = Csc::<f64>::from_parts((3, 2), vec![0; 3], vec![], vec![]).unwrap();
    assert_eq!(
        (none.column_stats(&ctx).unwrap().maxs(), none.nnz_per(1, &ctx).unwrap()),
        (vec![0.0; 2], vec![0; 3])
    );
    let pattern = Csr::<f64>::eye(4).pattern();
    assert_eq!(pattern.row_stats(&ctx).unwrap().variances(0), [0.1875; 4]);
    let complex =
        Csr::<Complex<f32>>::from_parts((1, 1), vec![0, 1], vec![0], vec![Complex::new(3.0, -4.0)]);
    assert_eq!(complex.unwrap().norms(0, NormOrder::L1, &ctx).unwrap(), [5.0]);
    assert_eq!(pattern.stats(2, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    // Several entries at one position have no least one.
    let twice =
        Csc::<f64>::from_parts((9, 2), vec![0, 1, 4], vec![3, 8, 5, 8], vec![1.0; 4]).unwrap();
    for axis in [0, 1] {
        let error = twice.stats(axis, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert!(error.to_string().contains("row 8, column 1"), "{error}");
        assert!(twice.norms(axis, NormOrder::L1, &ctx).is_err());
    }
    assert_eq!(twice.nnz_per(1, &ctx).unwrap()[8], 2);
    let small = Context::new().memory_limit(1 << 10);
    let error = Csr::<f64>::eye(1000).column_stats(&small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

#[test]
fn sums_over_all_entries() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = ragged::<f64, u32, u32>((20_000, 3_000), 400_001, 1, number);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let coo = stored.to_coo(Place::Scratch, &free).unwrap();
    let dense = Dense::from(ndarray::Array1::from(a.data().to_vec()));
    let file = dense.copy_to(folders.result("a.npy"), &free).unwrap();
    let (sum, norm) =
        (a.sum::<f64>(&free).unwrap().to_bits(), a.norm_fro::<f64>(&free).unwrap().to_bits());
    let complex = a.sum::<Complex<f64>>(&free).unwrap();
    for threads in [1, 3] {
        let ctx = folders.context((1 << 10) << 10).threads(threads).unwrap();
        assert_eq!(measured(&ctx, |ctx| stored.sum::<f64>(ctx)).to_bits(), sum);
        assert_eq!(measured(&ctx, |ctx| coo.sum::<f64>(ctx)).to_bits(), sum);
        assert_eq!(measured(&ctx, |ctx| file.sum::<f64>(ctx)).to_bits(), sum);
        assert_eq!(measured(&ctx, |ctx| dense.sum::<f64>(ctx)).to_bits(), sum);
        assert_eq!(measured(&ctx, |ctx| stored.norm_fro::<f64>(ctx)).to_bits(), norm);
        assert_eq!(measured(&ctx, |ctx| file.norm_fro::<f64>(ctx)).to_bits(), norm);
        assert_eq!(measured(&ctx, |ctx| stored.sum::<Complex<f64>>(ctx)), complex);
    }
    let pattern = stored.pattern();
    assert_eq!(
        pattern.sum::<f64>(&folders.context((1 << 10) << 10).threads(2).unwrap()).unwrap(),
        400_001.0
    );
}

/// Everything that makes something of a stored matrix.
type Work<'a> = Box<dyn Fn(&Csr<f64>, &Context) -> Result<()> + 'a>;

fn everything(folders: &Folders) -> Vec<Work<'_>> {
    let place = || folders.result("result");
    vec![
        Box::new(move |a, ctx| a.copy_to(place(), ctx).map(drop)),
        Box::new(move |a, ctx| a.to_coo(place(), ctx).map(drop)),
        Box::new(move |a, ctx| a.add(a, place(), ctx).map(drop)),
        Box::new(move |a, ctx| a.multiply(a, place(), ctx).map(drop)),
        Box::new(move |a, ctx| a.map_values(place(), ctx, |x| x).map(drop)),
        Box::new(move |a, ctx| a.scale_cols(&vec![1.0; a.ncols()], place(), ctx).map(drop)),
        Box::new(move |a, ctx| Csr::vstack(&[a, a], place(), ctx).map(drop)),
        Box::new(move |a, ctx| Csr::hstack(&[a, a], place(), ctx).map(drop)),
        Box::new(|a, ctx| a.stats(0, ctx).map(drop)),
        Box::new(|a, ctx| a.stats(1, ctx).map(drop)),
        Box::new(|a, ctx| a.norms(0, NormOrder::L2, ctx).map(drop)),
        Box::new(|a, ctx| a.nnz_per(0, ctx).map(drop)),
    ]
}

#[test]
fn cancelled_midway() {
    let folders = Folders::new();
    let a = ragged::<f64, u32, u32>((20_000, 3_000), 400_000, 1, number);
    let a = a.map_values(Place::Memory, &Context::new(), |x| x).unwrap();
    let a = a.add(&a, Place::Scratch, &Context::new()).unwrap();
    let cancelled = |reports: u32, work: &dyn Fn(&Context) -> Result<()>| {
        let (token, left) = (CancelToken::new(), AtomicU32::new(reports));
        let flag = token.clone();
        let ctx = folders.context((2 << 10) << 10).threads(2).unwrap().cancel(token).progress(
            move |_| {
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    flag.cancel();
                }
            },
        );
        assert_eq!(work(&ctx).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(names(folders.results.path()), [""; 0]);
        assert_eq!(names(folders.scratch.path()), [""; 0]);
    };
    for reports in [1, 5] {
        for work in everything(&folders) {
            cancelled(reports, &|ctx| work(&a, ctx));
        }
        cancelled(reports, &|ctx| {
            Csr::<f64>::poisson(&[60, 60, 60], folders.result("p"), ctx).map(drop)
        });
    }
}

#[test]
fn bad_indices_are_named() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = Csr::<f64>::random((20_000, 3_000), 0.006, 1, Place::Memory, &free).unwrap();
    let stored = Folders::new();
    a.copy_to(stored.result("a"), &free).unwrap();
    let file = stored.path("a").join("indices_1.npy");
    let bytes = std::fs::read(&file).unwrap();
    for (position, bad) in [(0, 3_000i32), (a.nnz() / 2, -1), (a.nnz() - 1, i32::MAX)] {
        let mut damaged = bytes.clone();
        damaged[4096 + 4 * position..][..4].copy_from_slice(&bad.to_le_bytes());
        std::fs::write(&file, &damaged).unwrap();
        let major = a.indptr().partition_point(|&end| end as usize <= position) as u64 - 1;
        let wanted = Location::Entry { major, position: position as u64 };
        for (k, work) in everything(&folders).into_iter().enumerate() {
            let open = Csr::open(stored.path("a")).unwrap();
            for kib in [2 << 10, 1 << 20] {
                let error =
                    work(&open, &folders.context(kib << 10).threads(2).unwrap()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Index, "{k}: {error}");
                assert_eq!(error.location(), Some(&wanted), "{k}: {error}");
                assert_eq!(error.path(), Some(&*file), "{k}: {error}");
            }
        }
        assert_eq!(names(folders.results.path()), [""; 0]);
    }
}

#[test]
fn planned_and_not_made() {
    let folders = Folders::new();
    let ctx = folders.context((1 << 20) << 10).threads(2).unwrap();
    let plan = ctx.plan(|ctx| Csr::<f64>::poisson(&[330; 3], folders.result("p"), ctx)).unwrap();
    assert!(plan.cost.bytes_written > 3_000_000_000 && plan.cost.peak_memory < 1 << 30, "{plan}");
    let free = Context::new();
    let a = Csr::<f64>::random((20_000, 3_000), 0.006, 1, Place::Scratch, &free).unwrap();
    let b = Csr::<f64>::random((20_000, 3_000), 0.003, 2, Place::Scratch, &free).unwrap();
    let sum = a.add(&b, Place::Memory, &free).unwrap();
    let plan = ctx.plan(|ctx| a.add(&b, folders.result("c"), ctx)).unwrap();
    let entries = plan.entries.unwrap();
    assert!(entries.abs_diff(sum.nnz() as u64) * 100 < sum.nnz() as u64, "{plan}");
    for work in everything(&folders) {
        assert_eq!(ctx.plan(|ctx| work(&a, ctx)).unwrap().cost.passes, 1);
    }
    assert_eq!(names(folders.results.path()), [""; 0]);
}
