//! Entries, rows, columns and diagonals that are selected, canonical forms, blocks and exchanges, against obvious
//! twins: triplets moved one by one.

use num_complex::Complex;
use outcore::linalg::LinearOperator;
use outcore::{
    AnyMatrix, CancelToken, Context, Coo, Csc, Csr, DType, Dense, Duplicates, Entry, ErrorKind,
    Index, Order, Place, Result,
};

use crate::folders::Folders;
use crate::numbers::random;
use crate::plans::{compare, measured};
use crate::reshape::{SHAPES, from_triplets, hostile, matrix, triplets};

type Triplets<T> = Vec<(usize, usize, T)>;

/// A number now and then zero.
fn some(k: usize) -> f64 {
    if k.is_multiple_of(3) { 0.0 } else { 1.0 / (k + 1) as f64 }
}

fn kept<T: Entry>(a: &Csr<T>, keep: impl Fn(usize, usize, T) -> bool) -> Csr<T> {
    let mut entries = triplets(a);
    entries.retain(|&(i, j, value)| keep(i, j, value));
    from_triplets(a.shape(), &entries)
}

/// Entries sorted by position, those at one merged.
fn canonical<T: Entry>(a: &Csr<T>) -> Csr<T> {
    let mut entries = triplets(a);
    entries.sort_by_key(|&(i, j, _)| (i, j));
    let mut merged: Triplets<T> = Vec::new();
    for (i, j, value) in entries {
        match merged.last_mut() {
            Some(last) if (last.0, last.1) == (i, j) => last.2 = last.2.merge(value).unwrap(),
            _ => merged.push((i, j, value)),
        }
    }
    from_triplets(a.shape(), &merged)
}

/// Rows by a list.
fn rows_of<T: Entry>(a: &Csr<T>, list: &[usize]) -> Csr<T> {
    let mut entries = Vec::new();
    for (to, &from) in list.iter().enumerate() {
        let row = a.row(from).unwrap();
        let each = row.indices.iter().zip(row.data);
        entries.extend(each.map(|(&j, &value)| (to, j as usize, value)));
    }
    from_triplets((list.len(), a.ncols()), &entries)
}

/// Columns by a list; sorted within rows, unless the list rises, when entries stay in order.
fn cols_of<T: Entry>(a: &Csr<T>, list: &[usize]) -> Csr<T> {
    let (mut entries, mut places) = (Vec::new(), vec![Vec::new(); a.ncols()]);
    list.iter().enumerate().for_each(|(k, &j)| places[j].push(k));
    for (i, j, value) in triplets(a) {
        entries.extend(places[j].iter().map(|&k| (i, k, value)));
    }
    if !list.windows(2).all(|pair| pair[0] < pair[1]) {
        entries.sort_by_key(|&(i, j, _)| (i, j));
    }
    from_triplets((a.nrows(), list.len()), &entries)
}

/// What an operation makes of a matrix and of its transpose, in memory: the same as expected, with any index types.
fn agrees<T: Entry>(
    a: &Csr<T>,
    expected: &Csr<T>,
    of_rows: impl Fn(&AnyMatrix, &Context) -> Result<AnyMatrix>,
    of_cols: impl Fn(&AnyMatrix, &Context) -> Result<AnyMatrix>,
) {
    let ctx = Context::new().threads(3).unwrap();
    fn one<T: Entry, I: Index, P: Index>(
        a: &Csr<T>,
        expected: &Csr<T>,
        ctx: &Context,
        (of_rows, of_cols): (
            &dyn Fn(&AnyMatrix, &Context) -> Result<AnyMatrix>,
            &dyn Fn(&AnyMatrix, &Context) -> Result<AnyMatrix>,
        ),
    ) {
        let (a, expected): (Csr<T, I, P>, Csr<T, I, P>) = (
            a.with_index_types(Place::Memory, ctx).unwrap(),
            expected.with_index_types(Place::Memory, ctx).unwrap(),
        );
        let made = of_rows(&AnyMatrix::from(a.clone()), ctx).unwrap();
        let made: Csr<T, I, P> = made.try_into().unwrap();
        assert_eq!(made.check().unwrap(), expected.check().unwrap());
        assert!(made == expected, "{made:?} {expected:?}");
        let across: Csc<T, I, P> = a.transpose();
        let made: Csc<T, I, P> =
            of_cols(&AnyMatrix::from(across), ctx).unwrap().try_into().unwrap();
        assert!(made.transpose() == expected);
    }
    one::<T, u32, u32>(a, expected, &ctx, (&of_rows, &of_cols));
    one::<T, u64, u64>(a, expected, &ctx, (&of_rows, &of_cols));
    one::<T, u32, u64>(a, expected, &ctx, (&of_rows, &of_cols));
    one::<T, u64, u32>(a, expected, &ctx, (&of_rows, &of_cols));
}

#[test]
fn entries_are_those_of_the_triplets() {
    let ctx = Context::new();
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, some);
        let keep = |i: usize, j: usize, x: f64| !(i + 2 * j).is_multiple_of(3) && x < 0.3;
        let made = a.filter(Place::Memory, &ctx, keep).unwrap();
        assert!(made == kept(&a, keep), "{shape:?}");
        let across: Csc<f64> = a.transpose();
        let made = across.filter(Place::Memory, &ctx, |i, j, x| keep(j, i, x)).unwrap();
        assert!(made.transpose() == kept(&a, keep));
        let pruned = kept(&a, |_, _, x| x != 0.0);
        let prune = |a: &AnyMatrix, ctx: &Context| a.prune(Place::Memory, ctx);
        agrees(&a, &pruned, prune, prune);
        for k in [isize::MIN, -7, -1, 0, 2, 600, isize::MAX] {
            let offset = |i: usize, j: usize| j as i128 - i as i128;
            let lower = kept(&a, |i, j, _| offset(i, j) <= k as i128);
            let upper = kept(&a, |i, j, _| offset(i, j) >= k as i128);
            let turned = k.checked_neg().unwrap_or(isize::MAX);
            let tril = |a: &AnyMatrix, k, ctx: &Context| a.tril(k, Place::Memory, ctx);
            let triu = |a: &AnyMatrix, k, ctx: &Context| a.triu(k, Place::Memory, ctx);
            agrees(&a, &lower, |a, ctx| tril(a, k, ctx), |a, ctx| triu(a, turned, ctx));
            agrees(&a, &upper, |a, ctx| triu(a, k, ctx), |a, ctx| tril(a, turned, ctx));
            let mut diagonal = vec![0.0; a.nrows().max(a.ncols())];
            for (i, j, value) in triplets(&canonical(&a)) {
                if offset(i, j) == k as i128 {
                    diagonal[i.min(j)] = value;
                }
            }
            let found = a.diagonal(k, &ctx).unwrap();
            let (nrows, ncols) = (shape.0 as i128, shape.1 as i128);
            let length = (nrows.min(ncols - k as i128) + (k as i128).min(0)).max(0);
            let length = if k >= 0 { length } else { ncols.min(nrows + k as i128).max(0) };
            assert_eq!(found, diagonal[..length as usize], "{shape:?} {k}");
            assert_eq!(across.diagonal(turned, &ctx).unwrap(), found);
            if k == 0 {
                let sum: f64 = found.iter().sum();
                assert!((a.trace::<f64>(&ctx).unwrap() - sum).abs() < 1e-12);
            }
        }
    }
    let a = matrix((40, 30), 200, |k| k % 2 == 0);
    assert!(a.prune(Place::Memory, &ctx).unwrap() == kept(&a, |_, _, x| x));
    assert!(a.pattern().prune(Place::Memory, &ctx).unwrap() == a.pattern());
    let a = a.with_data([f64::NAN, -0.0].repeat(100)).unwrap();
    assert_eq!(a.prune(Place::Memory, &ctx).unwrap().nnz(), 100);
}

#[test]
fn canonical_forms_of_every_type() {
    fn of<T: Entry>(value: impl Fn(usize) -> T) {
        for (shape, nnz) in SHAPES {
            let a = matrix(shape, nnz, &value);
            let sum =
                |a: &AnyMatrix, ctx: &Context| a.canonicalize(Duplicates::Sum, Place::Memory, ctx);
            agrees(&a, &canonical(&a), sum, sum);
            let keep = a.canonicalize(Duplicates::Keep, Place::Memory, &Context::new()).unwrap();
            let mut sorted = triplets(&a);
            sorted.sort_by_key(|&(i, j, _)| (i, j));
            assert!(keep == from_triplets(shape, &sorted));
            let refused = a.canonicalize(Duplicates::Refuse, Place::Memory, &Context::new());
            match canonical(&a).nnz() == a.nnz() {
                true => assert!(refused.unwrap() == canonical(&a)),
                false => assert_eq!(refused.unwrap_err().kind(), ErrorKind::Duplicate),
            }
        }
    }
    of(some);
    of(|k| k as f32 / 3.0);
    of(|k| k as i32);
    of(|_| 0u8);
    of(|k| k as u16 % 7);
    of(|k| k % 2 == 0);
    of(|_| ());
    of(|k| Complex::new(1.0 / (k + 1) as f64, k as f64));
    let ctx = Context::new();
    let a = from_triplets((1, 2), &[(0, 1, 100i8), (0, 0, 1), (0, 1, 100)]);
    let error = a.canonicalize(Duplicates::Sum, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(error.to_string().contains("row 0, column 1"), "{error}");
    assert_eq!(a.diagonal(1, &ctx).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(a.trace::<f64>(&ctx).unwrap(), 1.0);
    let known = Csr::<f64>::eye(3);
    let same = known.canonicalize(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    assert_eq!(same.data().as_ptr(), known.data().as_ptr());
}

/// Lists of `count` numbers below `n`: none, all, rising, turned, and any.
fn lists(n: usize, count: usize) -> Vec<Vec<usize>> {
    let mut state = n as u64;
    let any = (0..if n == 0 { 0 } else { count }).map(|_| random(&mut state) % n).collect();
    let every_third = (0..n).filter(|k| k % 3 == 1).collect();
    vec![Vec::new(), (0..n).collect(), every_third, (0..n).rev().collect(), any]
}

#[test]
fn rows_and_columns_by_lists_and_masks() {
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, some);
        for list in lists(shape.0, 50) {
            let take = |a: &AnyMatrix, ctx: &Context| a.take_rows(&list, Place::Memory, ctx);
            let across = |a: &AnyMatrix, ctx: &Context| a.take_cols(&list, Place::Memory, ctx);
            agrees(&a, &rows_of(&a, &list), take, across);
        }
        for list in lists(shape.1, 50) {
            let take = |a: &AnyMatrix, ctx: &Context| a.take_cols(&list, Place::Memory, ctx);
            let across = |a: &AnyMatrix, ctx: &Context| a.take_rows(&list, Place::Memory, ctx);
            agrees(&a, &cols_of(&a, &list), take, across);
        }
        let mask = |n: usize| (0..n).map(|k| k % 5 < 2).collect::<Vec<_>>();
        let list = |n: usize| (0..n).filter(|k| k % 5 < 2).collect::<Vec<_>>();
        let (rows, cols) = (mask(shape.0), mask(shape.1));
        agrees(
            &a,
            &rows_of(&a, &list(shape.0)),
            |a, ctx| a.take_rows_where(&rows, Place::Memory, ctx),
            |a, ctx| a.take_cols_where(&rows, Place::Memory, ctx),
        );
        agrees(
            &a,
            &cols_of(&a, &list(shape.1)),
            |a, ctx| a.take_cols_where(&cols, Place::Memory, ctx),
            |a, ctx| a.take_rows_where(&cols, Place::Memory, ctx),
        );
    }
    let (a, ctx) = (matrix((4, 6), 10, |k| k as i32), Context::new());
    for list in [vec![0, 4], vec![1, 1, usize::MAX]] {
        let error = a.take_rows(&list, Place::Memory, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(error.to_string().contains(&format!("position {}", list.len() - 1)), "{error}");
    }
    assert_eq!(a.take_cols(&[6], Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Index);
    for length in [0, 3, 5] {
        let error = a.take_rows_where(&vec![true; length], Place::Memory, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        let error = a.take_cols_where(&vec![true; length], Place::Memory, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }
}

/// Checks an operation on a matrix in a file, under limits smaller than the matrix.
fn in_files(
    name: &str,
    a: &Csr<f64>,
    expected: &Csr<f64>,
    operation: impl Fn(&Csr<f64>, Place, &Context) -> Result<Csr<f64>>,
) {
    let folders = Folders::new();
    let stored = a.copy_to(folders.result("a"), &Context::new()).unwrap();
    for (threads, limit) in [(1, 2 << 20), (2, 5 << 20), (3, 1 << 30)] {
        let ctx = folders.context(limit).threads(threads).unwrap();
        for (from, place) in [(a, Place::Scratch), (&stored, folders.replaced("b"))] {
            let run = |ctx: &Context| operation(from, place.clone(), ctx);
            ctx.plan(run).unwrap();
            let (made, report) = ctx.measure(run).unwrap();
            assert!(made == *expected, "{name}, {threads} threads, {limit} bytes");
            compare(&report);
            assert!(report.plan.cost.peak_memory <= limit, "{name}\n{report}");
            assert_eq!(report.plan.cost.passes, report.actual.passes, "{name}\n{report}");
            assert!(report.actual.peak_memory <= limit, "{name}\n{report}");
        }
        folders.verify("b");
    }
    let (made, report) =
        Context::new().measure(|ctx| operation(&stored, Place::Memory, ctx)).unwrap();
    assert!(made == *expected, "{name} in memory");
    compare(&report);
    let token = CancelToken::new();
    token.cancel();
    let ctx = folders.context(2 << 20).cancel(token);
    let error = operation(&stored, folders.result("never"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    folders.assert_only(&["a", "b"]);
}

#[test]
fn matrices_larger_than_the_limit() {
    let shape = (30_000, 20_000);
    let a = matrix(shape, 700_000, some);
    let keep = |i: usize, j: usize, x: f64| !(i + j).is_multiple_of(3) && x < 0.3;
    in_files("filter", &a, &kept(&a, keep), |a, place, ctx| a.filter(place, ctx, keep));
    let pruned = kept(&a, |_, _, x| x != 0.0);
    in_files("prune", &a, &pruned, |a, place, ctx| a.prune(place, ctx));
    let lower = kept(&a, |i, j, _| j <= i + 100);
    in_files("tril", &a, &lower, |a, place, ctx| a.tril(100, place, ctx));
    in_files("canonicalize", &a, &canonical(&a), |a, place, ctx| {
        a.canonicalize(Duplicates::Sum, place, ctx)
    });
    let folders = Folders::new();
    let stored = a.copy_to(folders.result("a"), &Context::new()).unwrap();
    let ctx = folders.context(1 << 20);
    for k in [-10_000, 0, 5] {
        let (made, report) = measured(&ctx, |ctx| stored.diagonal(k, ctx));
        assert_eq!(made, a.diagonal(k, &Context::new()).unwrap());
        assert!(report.actual.peak_memory <= 1 << 20, "{report}");
    }
    let (trace, _) = measured(&ctx, |ctx| AnyMatrix::from(stored.clone()).trace::<f64>(ctx));
    assert_eq!(trace, a.trace::<f64>(&Context::new()).unwrap());
    let error = stored.diagonal(0, &folders.context(1 << 17)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let twice = a.take_rows(&[0, 29_999, 1, 1], Place::Memory, &Context::new()).unwrap();
    assert!(twice == rows_of(&a, &[0, 29_999, 1, 1]));
}

#[test]
fn rows_and_columns_larger_than_the_limit() {
    let shape = (30_000, 2_000);
    let a = matrix(shape, 700_000, some);
    let mut state = 5;
    let any: Vec<_> = (0..30_000).map(|_| random(&mut state) % shape.0).collect();
    let runs: Vec<_> = (9_000..29_000).chain([3, 3, 8]).chain(0..10_000).collect();
    for (name, list) in [("any rows", &any), ("runs of rows", &runs)] {
        let expected = rows_of(&a, list);
        in_files(name, &a, &expected, |a, place, ctx| a.take_rows(list, place, ctx));
    }
    let rising: Vec<_> = (0..shape.1).filter(|j| j % 3 != 1).collect();
    let mut turned: Vec<_> = rising.clone();
    turned.reverse();
    let repeated: Vec<_> = (0..500).map(|_| random(&mut state) % shape.1).collect();
    let all: Vec<_> = (0..shape.1).rev().collect();
    let lists = [("rising", &rising), ("turned", &turned), ("repeated", &repeated), ("all", &all)];
    for (name, list) in lists {
        let expected = cols_of(&a, list);
        in_files(name, &a, &expected, |a, place, ctx| a.take_cols(list, place, ctx));
    }
    let mask: Vec<_> = (0..shape.1).map(|j| j % 3 != 1).collect();
    let expected = cols_of(&a, &rising);
    in_files("mask", &a, &expected, |a, place, ctx| a.take_cols_where(&mask, place, ctx));
}

#[test]
fn a_long_line_goes_through_the_sort() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((3, 900_000), 600_000, |k| k as u8 % 3);
    let a = a.map_values(Place::Memory, &free, |x| f64::from(x) / 3.0).unwrap();
    let expected = canonical(&a);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let ctx = folders.context(2 << 20);
    let (made, report) =
        ctx.measure(|ctx| stored.canonicalize(Duplicates::Sum, folders.result("b"), ctx)).unwrap();
    assert!(made == expected && report.actual.scratch > 0, "{report}");
    assert!(made.check().unwrap());
    let made =
        stored.canonicalize(Duplicates::Sum, Place::Memory, &folders.context(12 << 20)).unwrap();
    assert!(made == expected);
    let list = [2, 0, 0];
    let made = stored.take_rows(&list, folders.result("c"), &ctx).unwrap();
    assert!(made == rows_of(&a, &list));
    folders.verify("b");
    folders.verify("c");
    folders.assert_only(&["a", "b", "c"]);
}

#[test]
fn bad_indices_are_named_and_nothing_appears() {
    let folders = Folders::new();
    let a = matrix((200, 300), 20_000, some);
    let bad = hostile(&folders, &a, 11_111);
    let place = || folders.result("never");
    for ctx in [Context::new(), folders.context(1 << 20)] {
        let refused: Vec<(&str, Result<Csr<f64>>)> = vec![
            ("filter", bad.filter(place(), &ctx, |_, _, _| true)),
            ("prune", bad.prune(place(), &ctx)),
            ("tril", bad.tril(0, place(), &ctx)),
            ("canonicalize", bad.canonicalize(Duplicates::Sum, place(), &ctx)),
            ("rows", bad.take_rows(&(0..200).rev().collect::<Vec<_>>(), place(), &ctx)),
            ("rising", bad.take_cols(&[1, 5], place(), &ctx)),
            ("any", bad.take_cols(&[5, 1, 5], place(), &ctx)),
            ("all", bad.take_cols(&(0..300).rev().collect::<Vec<_>>(), place(), &ctx)),
            ("blocks", Csr::block_diag(&[&a, &bad], place(), &ctx)),
        ];
        for (name, refused) in refused {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Index, "{name}: {error}");
            assert!(error.to_string().contains("position 11111"), "{name}: {error}");
        }
        let error = bad.diagonal(0, &ctx).unwrap_err();
        assert!(error.to_string().contains("position 11111"), "{error}");
        let good = bad.take_rows(&[0, 1], Place::Memory, &ctx).unwrap();
        assert!(good == rows_of(&a, &[0, 1]));
    }
    folders.assert_no_scratch();
    assert!(!folders.path("never").exists());
}

#[test]
fn blocks_are_where_they_belong() {
    let (folders, free) = (Folders::new(), Context::new());
    let [a, b, c, d] = [((300, 200), 900), ((300, 100), 50), ((70, 200), 700), ((70, 100), 0)]
        .map(|(shape, nnz)| matrix(shape, nnz, some));
    let mut all = triplets(&a);
    all.extend(triplets(&d).into_iter().map(|(i, j, x)| (i + 300, j + 200, x)));
    all.extend(triplets(&c).into_iter().map(|(i, j, x)| (i + 370, j + 300, x)));
    let expected = from_triplets((440, 500), &all);
    let made = Csr::block_diag(&[&a, &d, &c], Place::Memory, &free).unwrap();
    assert!(made == expected);
    let mut all = triplets(&a);
    all.extend(triplets(&b).into_iter().map(|(i, j, x)| (i, j + 200, x)));
    all.extend(triplets(&c).into_iter().map(|(i, j, x)| (i + 300, j, x)));
    all.extend(triplets(&c).into_iter().map(|(i, j, x)| (i + 370, j, x)));
    all.sort_by_key(|&(i, j, _)| (i, j >= 200));
    let expected = from_triplets((440, 300), &all);
    let [ta, tb, tc, td] = [&a, &b, &c, &d].map(|a| -> Csc<f64> { a.transpose() });
    for place in [Place::Memory, Place::Scratch, folders.replaced("m")] {
        let grid: &[&[Option<&Csr<f64>>]] =
            &[&[Some(&a), Some(&b)], &[Some(&c), None], &[Some(&c), Some(&d)]];
        let block = |ctx: &Context| Csr::block(grid, place.clone(), ctx);
        let (made, report) = folders.context(1 << 20).measure(block).unwrap();
        assert!(made == expected);
        compare(&report);
        let grid: &[&[Option<&Csc<f64>>]] =
            &[&[Some(&ta), Some(&tc), Some(&tc)], &[Some(&tb), None, Some(&td)]];
        let made = Csc::block(grid, place.clone(), &free).unwrap();
        assert!(made.transpose() == expected);
    }
    let any = [&a, &b, &c].map(|a| AnyMatrix::from(a.clone()));
    let made = AnyMatrix::block(
        &[&[Some(&any[0]), Some(&any[1])], &[Some(&any[2]), None]],
        Place::Memory,
        &free,
    );
    assert_eq!(made.unwrap().shape(), (370, 300));
    let dense = AnyMatrix::from(Dense::try_from(&a).unwrap());
    let error = AnyMatrix::block_diag(&[&dense], Place::Memory, &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let bad: [&[&[Option<&Csr<f64>>]]; 6] = [
        &[],
        &[&[]],
        &[&[None]],
        &[&[Some(&a), None]],
        &[&[Some(&a)], &[Some(&b)]],
        &[&[Some(&a), Some(&c)]],
    ];
    for grid in bad {
        let error = Csr::block(grid, Place::Memory, &free).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    }
    let ragged: &[&[Option<&Csr<f64>>]] = &[&[Some(&a)], &[Some(&a), Some(&a)]];
    assert_eq!(Csr::block(ragged, Place::Memory, &free).unwrap_err().kind(), ErrorKind::Shape);
    let none: &[&Csr<f64>] = &[];
    let error = Csr::block_diag(none, Place::Memory, &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}

#[test]
fn zeros_of_every_kind() {
    let (folders, ctx) = (Folders::new(), Context::new());
    for shape in [(0, 0), (0, 5), (5, 0), (1000, 3)] {
        for place in [Place::Memory, Place::Scratch, folders.replaced("z")] {
            let a = Csr::<f64>::zeros(shape, place.clone(), &ctx).unwrap();
            assert_eq!((a.shape(), a.nnz(), a.check().unwrap()), (shape, 0, true));
            let a = Csc::<(), u64, u32>::zeros(shape, place.clone(), &ctx).unwrap();
            assert_eq!((a.shape(), a.nnz(), a.major()), (shape, 0, shape.1));
            let a = Coo::<i8>::zeros(shape, place.clone(), &ctx).unwrap();
            assert_eq!((a.shape(), a.nnz()), (shape, 0));
            let place = if place == Place::Memory { place } else { folders.replaced("y") };
            let a: Dense<u16> = Dense::zeros(shape, Order::Fortran, place, &ctx).unwrap();
            assert_eq!((a.shape(), a.order()), (shape, Order::Fortran));
            assert!(a.as_slice().iter().all(|&x| x == 0));
        }
    }
    let place = folders.result("d");
    let zeros = |ctx: &Context| Dense::<f64, _>::zeros((300, 40, 50), Order::C, place.clone(), ctx);
    let (a, report) = folders.context(1 << 20).measure(zeros).unwrap();
    compare(&report);
    assert!(a.as_slice().iter().all(|&x| x == 0.0) && a.len() == 600_000);
    folders.verify("d");
    let huge = (usize::MAX / 16, 2);
    let small = folders.context(1 << 20);
    assert_eq!(Csr::<f64>::zeros(huge, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Type);
    let error = Csr::<f64>::zeros((1 << 20, 1), Place::Memory, &small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let error = Dense::<f64, _>::zeros(huge, Order::C, Place::Memory, &small).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory | ErrorKind::Shape), "{error}");
    folders.assert_only(&["d", "d.xxh3", "y", "y.xxh3", "z"]);
}

#[test]
fn entries_one_by_one() {
    let folders = Folders::new();
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, some);
        let expected = triplets(&a);
        assert!(a.iter().eq(expected.iter().copied()));
        assert!((&a).into_iter().clone().eq(expected.iter().copied()));
        let across: Csc<f64> = a.transpose();
        assert!(across.iter().map(|(i, j, x)| (j, i, x)).eq(expected.iter().copied()));
        let coo = a.to_coo(Place::Memory, &Context::new()).unwrap();
        assert!(coo.iter().eq(expected.iter().copied()));
        assert!((&coo).into_iter().rev().eq(expected.iter().rev().copied()));
        let mut entries = a.iter();
        for k in 0..=nnz {
            let (least, most) = entries.size_hint();
            assert!(least <= nnz - k && nnz - k <= most.unwrap());
            assert_eq!(entries.next(), expected.get(k).copied());
        }
        assert_eq!((entries.next(), entries.size_hint()), (None, (0, Some(0))));
    }
    let a = matrix((500, 700), 9000, some);
    let stored = a.copy_to(folders.result("a"), &Context::new()).unwrap();
    assert!(stored.iter().eq(triplets(&a)));
    let part = stored.row_range(100..300).unwrap();
    assert!(part.iter().eq(triplets(&rows_of(&a, &(100..300).collect::<Vec<_>>()))));
}

#[test]
fn formats_from_each_other() {
    for (shape, nnz) in SHAPES {
        let a = canonical(&matrix(shape, nnz, |k| (k + 1) as f64));
        let csc = Csc::try_from(&a).unwrap();
        assert!(Csr::try_from(&csc).unwrap() == a);
        let coo = Coo::try_from(&csc).unwrap();
        assert!(Csr::try_from(&coo).unwrap() == a);
        let csc_again: Csc<f64> = Csc::try_from(&coo).unwrap();
        assert!(csc_again == csc);
        let dense = Dense::try_from(&a).unwrap();
        assert_eq!(dense.as_slice(), Dense::try_from(&coo).unwrap().as_slice());
        let back: Csr<f64> = Csr::try_from(&dense).unwrap();
        assert!(back == a);
        let back: Csc<f64> = Csc::try_from(&dense).unwrap();
        assert!(back == csc);
        let back: Coo<f64> = Coo::try_from(&dense).unwrap();
        assert_eq!(back.nnz(), a.nnz());
    }
}

#[test]
fn types_of_values_and_indices() {
    let (folders, free) = (Folders::new(), Context::new());
    let a = matrix((3000, 2000), 100_000, |k| (k % 100) as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let small = folders.context(1 << 20);
    for (from, place) in [(&a, Place::Memory), (&stored, folders.result("b"))] {
        let ctx = if place == Place::Memory { &free } else { &small };
        let narrow = from.astype::<u8>(place, ctx).unwrap();
        assert!(narrow.data().iter().zip(a.data().iter()).all(|(&x, &y)| f64::from(x) == y));
        assert!(narrow.astype::<f64>(Place::Memory, &free).unwrap() == a);
        assert!(narrow.with_data(a.data().to_vec()).unwrap() == a);
    }
    let b = a.with_data(vec![0.5; 100_000]).unwrap();
    assert_eq!(b.astype::<i64>(Place::Memory, &free).unwrap_err().kind(), ErrorKind::Value);
    let ones = a.pattern().astype::<f32>(Place::Memory, &free).unwrap();
    assert!(ones.data().iter().all(|&x| x == 1.0));
    let wide: Csr<f64, u64, u64> = stored.with_index_types(folders.result("wide"), &small).unwrap();
    assert_eq!(AnyMatrix::from(wide.clone()).index_dtype(), Some(DType::Int64));
    let back: Csr<f64, u32, u32> = wide.with_index_types(Place::Memory, &free).unwrap();
    assert!(back == a);
    let payload = f32::from_bits(0x7fa0_0001);
    let odd = Csr::<f32>::eye(1).with_data(vec![payload]).unwrap();
    let odd: Csr<f32, u64> = odd.with_index_types(Place::Memory, &free).unwrap();
    assert_eq!(odd.data()[0].to_bits(), payload.to_bits());
    let long = Csr::<f64, u64, u64>::zeros((1, 1 << 40), Place::Memory, &free).unwrap();
    let error = long.with_index_types::<u32, u64>(Place::Memory, &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
    let coo = a.to_coo(Place::Memory, &free).unwrap();
    assert_eq!(coo.astype::<i16>(Place::Memory, &free).unwrap().nnz(), 100_000);
    let dense: Dense<f64> = Dense::zeros((3, 4), Order::C, Place::Memory, &free).unwrap();
    assert_eq!(dense.astype::<bool>(Place::Memory, &free).unwrap().as_slice(), [false; 12]);
    let x = vec![1.0; 2000];
    assert_eq!(back.matvec(&x).unwrap(), a.matvec(&x).unwrap());
    folders.assert_only(&["a", "b", "wide"]);
}
