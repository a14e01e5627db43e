//! Permutations, orders and reordered matrices, against obvious twins.

use std::collections::VecDeque;

use outcore::graph::{check_cuthill_mckee, degree_order, reverse_cuthill_mckee};
use outcore::linalg::{LinearOperator, Operator};
use outcore::{Context, Csc, Csr, Duplicates, ErrorKind, Permutation, Place};

use crate::folders::Folders;
use crate::numbers::random;
use crate::plans::compare;
use crate::reshape::{SHAPES, from_triplets, hostile, matrix, triplets};

/// A random order.
fn shuffled(n: usize, seed: u64) -> Permutation {
    let (mut order, mut state) = ((0..n).collect::<Vec<_>>(), seed);
    (1..n).for_each(|k| order.swap(k, random(&mut state) % (k + 1)));
    Permutation::new(order).unwrap()
}

/// Every triplet moved by itself; sorted within rows if columns move, duplicates as they came.
fn twin(a: &Csr<f64>, rows: Option<&Permutation>, cols: Option<&Permutation>) -> Csr<f64> {
    let way = |order: Option<&Permutation>| order.map(Permutation::inverse);
    let (to_row, to_col) = (way(rows), way(cols));
    let to = |way: &Option<Permutation>, k: usize| way.as_ref().map_or(k, |way| way.order()[k]);
    let mut moved: Vec<_> = triplets(a)
        .into_iter()
        .map(|(i, j, value)| (to(&to_row, i), to(&to_col, j), value))
        .collect();
    match cols {
        Some(_) => moved.sort_by_key(|&(i, j, _)| (i, j)),
        None => moved.sort_by_key(|&(i, ..)| i),
    }
    from_triplets(a.shape(), &moved)
}

#[test]
fn what_is_no_permutation_is_refused() {
    for (order, place) in [(vec![0, 3, 1], "position 1"), (vec![2, 0, 2], "position 2")] {
        let error = Permutation::new(order).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(error.to_string().contains(place), "{error}");
    }
    assert!(Permutation::new(Vec::new()).unwrap().is_empty());
    let (p, ctx) = (shuffled(5, 1), Context::new());
    assert_eq!(p.permute(&[1; 4], &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(p.permute_into(&[1; 5], &mut [1; 4], &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(p.restore_into(&[1; 5], &mut [1; 6]).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(p.then(&shuffled(4, 1)).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn vectors_come_back() {
    for n in [0, 1, 77, 40_000] {
        let (p, q, ctx) = (shuffled(n, 7), shuffled(n, 8), Context::new());
        let x: Vec<usize> = (0..n).collect();
        let moved = p.permute(&x, &ctx).unwrap();
        assert_eq!(moved, p.order());
        let (mut into, mut back) = (vec![0; n], vec![0; n]);
        p.permute_into(&x, &mut into, &ctx).unwrap();
        p.restore_into(&into, &mut back).unwrap();
        assert_eq!((into, back), (moved.clone(), x));
        let twice = q.permute(&moved, &ctx).unwrap();
        assert_eq!(p.then(&q).unwrap().into_order(), twice);
        assert_eq!(p.inverse().inverse(), p);
        assert_eq!(p.then(&p.inverse()).unwrap(), Permutation::identity(n));
    }
}

#[test]
fn permuted_as_triplets_are() {
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, |k| 1.0 / (k + 1) as f64);
        let (p, q) = (shuffled(shape.0, 3), shuffled(shape.1, 4));
        for (rows, cols) in [(Some(&p), Some(&q)), (Some(&p), None), (None, Some(&q)), (None, None)]
        {
            let expected = twin(&a, rows, cols);
            for threads in [1, 2, 3, 8] {
                let ctx = Context::new().threads(threads).unwrap();
                let made = a.permute(rows, cols, Place::Memory, &ctx).unwrap();
                assert!(made == expected, "{shape:?}, {threads} threads");
                assert_eq!(made.check().unwrap(), expected.check().unwrap());
                let across: Csc<f64> = a.transpose();
                let across = across.permute(cols, rows, Place::Memory, &ctx).unwrap();
                assert!(across.transpose() == expected);
            }
            let pattern = a.pattern().permute(rows, cols, Place::Memory, &Context::new()).unwrap();
            assert_eq!(pattern.indices(), expected.indices());
        }
    }
    let a = matrix((4, 6), 10, |k| k as i32);
    let (p, ctx) = (shuffled(5, 1), Context::new());
    assert_eq!(a.permute(&p, None, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(a.permute(None, &p, Place::Memory, &ctx).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn permuted_at_any_place_by_any_threads() {
    let (folders, free) = (Folders::new(), Context::new());
    let shape = (30_000, 20_000);
    let a = matrix(shape, 700_000, |k| 1.0 / (k + 1) as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let (p, q) = (shuffled(shape.0, 5), shuffled(shape.1, 6));
    for (k, (rows, cols)) in
        [(Some(&p), Some(&q)), (Some(&p), None), (None, Some(&q))].into_iter().enumerate()
    {
        let expected = twin(&a, rows, cols);
        for (threads, limit) in [(1, 2 << 20), (2, 4 << 20), (3, 1 << 30), (8, 3 << 20)] {
            let ctx = folders.context(limit).threads(threads).unwrap();
            let name = format!("p{k}{threads}");
            for (from, place) in [(&a, folders.result(&name)), (&stored, Place::Scratch)] {
                let permute = |ctx: &Context| from.permute(rows, cols, place.clone(), ctx);
                let (made, report) = ctx.measure(permute).unwrap();
                assert!(made == expected, "{threads} threads, {limit} bytes");
                compare(&report);
                if limit < 1 << 30 {
                    assert!(report.actual.peak_memory <= limit, "{report}");
                }
            }
            folders.verify(&name);
            std::fs::remove_dir_all(folders.path(&name)).unwrap();
        }
    }
    let permute = |ctx: &Context| stored.permute(&p, &q, Place::Memory, ctx);
    let (made, report) = free.measure(permute).unwrap();
    assert!(made == twin(&a, Some(&p), Some(&q)));
    compare(&report);
    let error = folders.context(300_000).plan(permute).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    folders.assert_only(&["a"]);
}

#[test]
fn a_bad_index_is_named_wherever_it_goes() {
    let folders = Folders::new();
    let a = matrix((3_000, 2_000), 90_000, |k| k as f64);
    let bad = hostile(&folders, &a, 50_000);
    let (p, q) = (shuffled(3_000, 1), shuffled(2_000, 2));
    for (rows, cols) in [(Some(&p), Some(&q)), (Some(&p), None)] {
        for limit in [1 << 20, 1 << 30] {
            let ctx = folders.context(limit);
            let error = bad.permute(rows, cols, folders.result("s"), &ctx).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Index);
            assert!(error.to_string().contains("position 50000"), "{error}");
        }
    }
    folders.assert_only(&["hostile"]);
}

/// A symmetric structure without loops, some vertices alone.
fn graph(n: usize, edges: usize, reach: usize) -> Csr<f64> {
    let mut state = n as u64;
    let pairs = (0..edges).flat_map(|_| {
        let u = random(&mut state) % n;
        let v = (u + 1 + random(&mut state) % reach) % n;
        [(u, v, 1.0), (v, u, 1.0)]
    });
    Csr::from_triplets((n, n), pairs, Duplicates::Sum).unwrap()
}

/// The queue of Cuthill and McKee from a start; levels, and the vertices of the last.
fn queue(a: &Csr<f64>, start: usize, seen: &mut [bool]) -> (usize, Vec<usize>, Vec<usize>) {
    let degree = |v: usize| a.row(v).unwrap().indices.len();
    let (mut order, mut waiting) = (Vec::new(), VecDeque::from([(start, 0)]));
    let mut levels = Vec::new();
    seen[start] = true;
    while let Some((v, level)) = waiting.pop_front() {
        order.push(v);
        levels.push(level);
        let row = a.row(v).unwrap();
        let mut next: Vec<usize> =
            row.indices.iter().map(|&w| w as usize).filter(|&w| !seen[w]).collect();
        next.sort_by_key(|&w| (degree(w), w));
        next.dedup();
        for w in next {
            seen[w] = true;
            waiting.push_back((w, level + 1));
        }
    }
    let last = levels.last().copied().unwrap();
    let ends = order.iter().zip(&levels).filter(|(_, level)| **level == last);
    (last + 1, ends.map(|(&v, _)| v).collect(), order.clone())
}

/// Reverse Cuthill–McKee as it is described: a queue, and starts further and further out.
fn one_by_one(a: &Csr<f64>) -> Vec<usize> {
    let degree = |v: usize| a.row(v).unwrap().indices.len();
    let (mut order, mut seen) = (Vec::new(), vec![false; a.nrows()]);
    let mut starts: Vec<usize> = (0..a.nrows()).collect();
    starts.sort_by_key(|&v| (degree(v), v));
    for start in starts {
        if seen[start] {
            continue;
        }
        let before = seen.clone();
        let (mut count, mut last, mut found) = queue(a, start, &mut seen);
        for _ in 0..5 {
            if count <= 2 {
                break;
            }
            seen = before.clone();
            let start = *last.iter().min_by_key(|&&v| (degree(v), v)).unwrap();
            let more = queue(a, start, &mut seen);
            found = more.2;
            if more.0 <= count {
                break;
            }
            (count, last) = (more.0, more.1);
        }
        order.extend(found);
    }
    order.reverse();
    order
}

#[test]
fn the_order_is_that_of_the_queue() {
    for (n, edges, reach) in
        [(1, 0, 1), (10, 3, 9), (300, 280, 299), (2_000, 9_000, 40), (5_000, 40_000, 4_999)]
    {
        let a = graph(n, edges, reach);
        let expected = one_by_one(&a);
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let order = reverse_cuthill_mckee(&a, &ctx).unwrap();
            assert_eq!(order.order(), expected, "{n} vertices, {threads} threads");
        }
        let (stored, ctx) = (a.copy_to(Place::Scratch, &Context::new()).unwrap(), Context::new());
        let order = reverse_cuthill_mckee(&stored, &ctx).unwrap();
        assert_eq!(order.order(), expected);
        check_cuthill_mckee(&stored, &order, &ctx).unwrap();
    }
    let none = Csr::<()>::from_parts((0, 0), vec![0], vec![], vec![]).unwrap();
    assert!(reverse_cuthill_mckee(&none, &Context::new()).unwrap().is_empty());
    let wide = Csr::<()>::from_parts((1, 2), vec![0, 0], vec![], vec![]).unwrap();
    assert_eq!(reverse_cuthill_mckee(&wide, &Context::new()).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn other_orders_are_told() {
    let (a, ctx) = (graph(400, 900, 60), Context::new());
    let order = reverse_cuthill_mckee(&a, &ctx).unwrap().into_order();
    let degree = |v: usize| a.row(v).unwrap().indices.len();
    // Two vertices alone may stand in any order; there are few.
    let linked = (0..399).filter(|&k| degree(order[k]) > 0 && degree(order[k + 1]) > 0);
    let told = linked.clone().filter(|&k| {
        let mut swapped = order.clone();
        swapped.swap(k, k + 1);
        let error = check_cuthill_mckee(&a, &Permutation::new(swapped).unwrap(), &ctx);
        error.is_err_and(|error| error.kind() == ErrorKind::Value)
    });
    // Some swaps start from another vertex of a component, and are right.
    assert!(told.count() + 12 > linked.count());
    let short = Permutation::identity(399);
    assert_eq!(check_cuthill_mckee(&a, &short, &ctx).unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn one_direction_of_an_edge_is_enough() {
    let a = graph(700, 1_500, 60);
    let upper = triplets(&a).into_iter().filter(|&(i, j, _)| i < j);
    let upper = from_triplets(a.shape(), &upper.collect::<Vec<_>>());
    let ctx = Context::new();
    assert_eq!(
        reverse_cuthill_mckee(&upper, &ctx).unwrap(),
        reverse_cuthill_mckee(&a, &ctx).unwrap()
    );
}

#[test]
fn a_shuffled_grid_becomes_a_band_again() {
    let ctx = Context::new();
    let a = Csr::<f64>::poisson(&[30, 40], Place::Memory, &ctx).unwrap();
    assert_eq!(a.bandwidth(&ctx).unwrap(), (40, 40));
    let shuffled = a.reorder(&shuffled(1_200, 9), Place::Memory, &ctx).unwrap().into_parts().0;
    assert!(shuffled.bandwidth(&ctx).unwrap().0 > 1_000);
    let order = reverse_cuthill_mckee(&shuffled, &ctx).unwrap();
    let band = shuffled.reorder(&order, Place::Memory, &ctx).unwrap();
    assert!(band.matrix().bandwidth(&ctx).unwrap().0 <= 31);
}

#[test]
fn bandwidths_are_those_of_the_triplets() {
    let (folders, free) = (Folders::new(), Context::new());
    for (shape, nnz) in SHAPES {
        let a = matrix(shape, nnz, |k| k as f64);
        let wide = |far: fn(usize, usize) -> usize| {
            triplets(&a).into_iter().map(|(i, j, _)| far(i, j)).max().unwrap_or(0)
        };
        let expected = (wide(|i, j| i.saturating_sub(j)), wide(|i, j| j.saturating_sub(i)));
        assert_eq!(a.bandwidth(&free).unwrap(), expected);
        let across: Csc<f64> = a.transpose();
        assert_eq!(across.bandwidth(&free).unwrap(), (expected.1, expected.0));
    }
    let a = matrix((5_000, 60_000), 400_000, |k| k as f64);
    let stored = a.copy_to(folders.result("a"), &free).unwrap();
    let measure = |ctx: &Context| stored.bandwidth(ctx);
    let (found, report) = folders.context(1 << 20).measure(measure).unwrap();
    assert_eq!(found, a.bandwidth(&free).unwrap());
    compare(&report);
    let bad = hostile(&folders, &a, 300_000);
    let error = bad.bandwidth(&folders.context(1 << 20)).unwrap_err();
    assert!(error.to_string().contains("position 300000"), "{error}");
}

#[test]
fn degrees_fall() {
    let (a, ctx) = (graph(3_000, 10_000, 2_999), Context::new());
    let degree = |v: usize| a.row(v).unwrap().indices.len();
    let mut expected: Vec<usize> = (0..3_000).collect();
    expected.sort_by_key(|&v| std::cmp::Reverse(degree(v)));
    assert_eq!(degree_order(&a, &ctx).unwrap().order(), expected);
}

#[test]
fn reordered_products_are_those_of_before() {
    let ctx = Context::new();
    let a = matrix((700, 700), 9_000, |k| (k % 64) as f64);
    let x: Vec<f64> = (0..700).map(|k| (k % 17) as f64).collect();
    let reordered = a.reorder(&shuffled(700, 2), Place::Memory, &ctx).unwrap();
    // Small integers: the order of a sum does not show.
    assert_eq!(reordered.matvec(&x).unwrap(), a.matvec(&x).unwrap());
    assert_eq!(reordered.rmatvec(&x).unwrap(), a.rmatvec(&x).unwrap());
    let block = ndarray::Array2::from_shape_fn((700, 3), |(i, j)| (i % 5 + j) as f64);
    assert_eq!(reordered.matmat(block.view()).unwrap(), a.matmat(block.view()).unwrap());
    let (mut found, mut expected) = (vec![0.0; 2_100], vec![0.0; 2_100]);
    let block = block.as_slice().unwrap();
    reordered.apply_adjoint_block(3, block, &mut found, &ctx).unwrap();
    a.apply_adjoint_block(3, block, &mut expected, &ctx).unwrap();
    assert_eq!(found, expected);
    assert_eq!(
        reordered.apply(&x[1..], &mut [0.0; 700], &ctx).unwrap_err().kind(),
        ErrorKind::Shape
    );
    let error = reordered.apply_block(2, &x, &mut [0.0; 1_400], &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let prepared = reordered.try_map(|a| Operator::new(&a, &ctx)).unwrap();
    assert_eq!(prepared.matvec(&x).unwrap(), a.matvec(&x).unwrap());
    let wide = matrix((3, 4), 5, |k| k as f64);
    let error = wide.reorder(&shuffled(3, 1), Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
}
