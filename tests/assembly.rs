//! Assembly into a fixed structure, structures from elements, Dirichlet conditions, symmetry.

use std::collections::BTreeSet;

use num_complex::Complex;
use outcore::linalg::LinearOperator;
use outcore::solve::{Dirichlet, SolveOptions, cg};
use outcore::{CancelToken, Context, Csc, Csr, CsrMut, ErrorKind, Location, Place};
use tempfile::tempdir;

use crate::numbers::{random, uneven};

fn two() -> Context {
    Context::new().threads(2).unwrap()
}

/// The elements of a square of `n` by `n` cells with two triangles each.
fn triangles(n: usize) -> Vec<[usize; 3]> {
    let node = |i: usize, j: usize| i * (n + 1) + j;
    (0..n * n)
        .flat_map(|cell| {
            let (i, j) = (cell / n, cell % n);
            let corners = [node(i, j), node(i, j + 1), node(i + 1, j), node(i + 1, j + 1)];
            [[corners[0], corners[1], corners[2]], [corners[3], corners[2], corners[1]]]
        })
        .collect()
}

/// The stiffness of the Laplacian on a triangle with a right angle at its first node.
const STIFFNESS: [f64; 9] = [1.0, -0.5, -0.5, -0.5, 0.5, 0.0, -0.5, 0.0, 0.5];

#[test]
fn a_structure_has_what_elements_couple() {
    let mut state = 7;
    for (nodes, count) in [(1, 0), (10, 4), (500, 900), (9000, 3000)] {
        let elements: Vec<Vec<usize>> = (0..count)
            .map(|_| (0..random(&mut state) % 6).map(|_| random(&mut state) % nodes).collect())
            .collect();
        let mut expected: Vec<BTreeSet<u32>> =
            (0..nodes).map(|i| BTreeSet::from([i as u32])).collect();
        for element in &elements {
            for &i in element {
                expected[i].extend(element.iter().map(|&j| j as u32));
            }
        }
        for threads in [1, 3] {
            let ctx = Context::new().threads(threads).unwrap();
            let found = Csr::<()>::from_elements(nodes, &elements, &ctx).unwrap();
            assert_eq!(found.shape(), (nodes, nodes));
            assert!(found.check().unwrap());
            for (row, expected) in found.rows().zip(&expected) {
                assert!(row.indices.iter().eq(expected));
            }
        }
        let wide = Csr::<(), u64>::from_elements(nodes, &elements, &two()).unwrap();
        assert_eq!(wide.nnz(), expected.iter().map(BTreeSet::len).sum::<usize>());
    }
    let error = Csr::<()>::from_elements(3, &[vec![0, 1], vec![2, 3]], &two()).unwrap_err();
    assert_eq!((error.kind(), error.location()), (ErrorKind::Index, Some(&Location::Position(1))));
    let tight = Context::new().memory_limit(20_000);
    let error = Csr::<()>::from_elements(36 * 36, &triangles(35), &tight).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    // One element of many nodes couples all of them, and one that lists a node many times couples no more.
    let many: Vec<usize> = (0..20_000).collect();
    let limited = two().memory_limit(16 << 20);
    let error = Csr::<()>::from_elements(20_000, &[many], &limited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    let same = vec![3; 20_000];
    assert_eq!(Csr::<()>::from_elements(5, &[same], &limited).unwrap().nnz(), 5);
    let none: [[usize; 3]; 0] = [];
    assert_eq!(Csr::<()>::from_elements(0, &none, &two()).unwrap().nnz(), 0);
    let plan = two().plan(|ctx| Csr::<()>::from_elements(36 * 36, &triangles(35), ctx)).unwrap();
    assert!(plan.cost.peak_memory > 0);
}

/// Assembles the Laplacian of a square.
fn fill(a: &mut CsrMut<f64, u32, u32>, n: usize) {
    for nodes in &triangles(n) {
        a.add_block(nodes, nodes, &STIFFNESS).unwrap();
    }
}

#[test]
fn values_are_those_of_triplets_in_memory_and_on_a_map() {
    let (n, ctx) = (12, two());
    let nodes = (n + 1) * (n + 1);
    let triplets = triangles(n)
        .into_iter()
        .flat_map(|nodes| (0..9).map(move |k| (nodes[k / 3], nodes[k % 3], STIFFNESS[k])));
    let exact = Csr::<f64>::from_triplets((nodes, nodes), triplets, Default::default()).unwrap();
    let pattern = Csr::<()>::from_elements(nodes, &triangles(n), &ctx).unwrap();
    let mut a = pattern.assemble::<f64>(&ctx).unwrap();
    fill(&mut a, n);
    let once = a.data().to_vec();
    a.set_zero();
    assert!(a.data().iter().all(|&x| x == 0.0));
    fill(&mut a, n);
    assert_eq!(a.data(), once);
    let a = a.freeze().unwrap();
    assert_eq!(a, exact);

    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    pattern.with_data(vec![7.0; pattern.nnz()]).unwrap().copy_to(&path, &ctx).unwrap();
    let mut mapped = Csr::<f64, u32, u32>::open_mut(&path, &ctx).unwrap();
    mapped.set_zero();
    fill(&mut mapped, n);
    mapped.close().unwrap();
    assert_eq!(Csr::<f64>::open(&path).unwrap(), exact);
    outcore::verify(&path, &ctx).unwrap();

    // Columns, and a structure whose indices do not rise.
    let by_cols: Csc<f64> = exact.to_csc(Place::Memory, &ctx).unwrap();
    let mut by_cols = by_cols.assemble::<f64>(&ctx).unwrap();
    for nodes in &triangles(n) {
        by_cols.add_block(nodes, nodes, &STIFFNESS).unwrap();
    }
    assert_eq!(by_cols.freeze().unwrap().to_csr(Place::Memory, &ctx).unwrap(), exact);
    let backwards =
        Csr::<f64>::from_parts((1, 3), vec![0, 3], vec![2, 0, 1], vec![0.0; 3]).unwrap();
    let mut backwards = backwards.to_mut(&ctx).unwrap();
    backwards.add(0, 0, 5.0).unwrap();
    backwards.add(0, 2, 6.0).unwrap();
    assert_eq!(backwards.data(), [6.0, 5.0, 0.0]);
}

#[test]
fn what_is_not_in_the_structure_changes_nothing() {
    let ctx = two();
    let mut a = Csr::<f64>::eye(3).to_mut(&ctx).unwrap();
    let error = a.add(0, 2, 1.0).unwrap_err();
    assert_eq!((error.kind(), error.location()), (ErrorKind::Index, Some(&Location::Row(0))));
    assert_eq!(a.add(3, 0, 1.0).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(a.add(0, usize::MAX, 1.0).unwrap_err().kind(), ErrorKind::Index);
    let error = a.add_block(&[0, 1], &[0, 1], &[1.0; 4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
    assert_eq!(a.add_block(&[0], &[0], &[1.0; 2]).unwrap_err().kind(), ErrorKind::Shape);
    a.add_block(&[], &[0], &[]).unwrap();
    assert_eq!(a.data(), [1.0; 3]);
    let mut small = Csr::<i8>::eye(2).to_mut(&ctx).unwrap();
    assert_eq!(small.add(1, 1, 127).unwrap_err().kind(), ErrorKind::Value);
    small.add(1, 1, 126).unwrap();
    assert_eq!(small.data(), [1, 127]);
    let tight = Context::new().memory_limit(100);
    let error = Csr::<f64>::eye(100).assemble::<f64>(&tight).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

#[test]
fn a_stored_matrix_with_a_bad_index_is_found_at_the_row_that_has_it() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    Csr::<f64>::eye(4).copy_to(&path, &two()).unwrap();
    let file = path.join("indices_1.npy");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() - 4;
    bytes[at] = 77;
    std::fs::write(&file, bytes).unwrap();
    let mut a = Csr::<f64, u32, u32>::open_mut(&path, &two()).unwrap();
    a.add(0, 0, 1.0).unwrap();
    let error = a.add(3, 3, 1.0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
    assert!(error.path().is_some(), "{error}");
    let known = Dirichlet::new(4, [(0, 1.0)]).unwrap();
    let error = known.impose(&mut a, &mut [0.0; 4], &two()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
    assert_eq!(a.data(), [2.0, 1.0, 1.0, 1.0]);
}

#[test]
fn known_values_removed_and_left_give_the_same_solution() {
    // On the square u = x + 2 y is a solution, which linear elements have exactly.
    let (n, ctx) = (10, two());
    let nodes = (n + 1) * (n + 1);
    let exact: Vec<f64> =
        (0..nodes).map(|k| (k % (n + 1)) as f64 + 2.0 * (k / (n + 1)) as f64).collect();
    let at_edge = |k: &usize| [0, n].contains(&(k % (n + 1))) || [0, n].contains(&(k / (n + 1)));
    let known =
        Dirichlet::new(nodes, (0..nodes).filter(at_edge).map(|k| (k, exact[k])).rev()).unwrap();
    let mut a = Csr::<()>::from_elements(nodes, &triangles(n), &ctx)
        .unwrap()
        .assemble::<f64>(&ctx)
        .unwrap();
    fill(&mut a, n);
    let a = a.freeze().unwrap();
    let b = vec![0.0; nodes];
    let options = SolveOptions { rtol: 1e-13, ..Default::default() };

    let reduced = known.eliminate(&a, Place::Memory, &ctx).unwrap();
    assert_eq!(reduced.nrows(), (n - 1) * (n - 1));
    assert_eq!(known.free().unwrap().len() + known.known().len(), nodes);
    let right = known.right_hand_side(&a, &b, &ctx).unwrap();
    let solved = cg(&reduced, &right, &options, &ctx).unwrap();
    let x = known.expand(&solved.x).unwrap();
    assert!(x.iter().zip(&exact).all(|(x, y)| (x - y).abs() < 1e-10));
    assert_eq!(known.restrict(&x).unwrap(), solved.x);

    let (mut whole, mut left) = (a.to_mut(&ctx).unwrap(), b.clone());
    known.impose(&mut whole, &mut left, &ctx).unwrap();
    let whole = whole.freeze().unwrap();
    assert!(whole.is_symmetric(0.0, &ctx).unwrap());
    // The structure stays; what remains of it are the reduced matrix and ones.
    assert_eq!(whole.indices(), a.indices());
    assert_eq!(known.eliminate(&whole, Place::Memory, &ctx).unwrap(), reduced);
    assert_eq!(known.restrict(&left).unwrap(), right);
    let solved = cg(&whole, &left, &options, &ctx).unwrap();
    assert!(solved.x.iter().zip(&exact).all(|(x, y)| (x - y).abs() < 1e-10));

    // The same bits by columns, and a result in a file.
    let by_cols: Csc<f64> = a.to_csc(Place::Memory, &ctx).unwrap();
    let (mut cols, mut b_cols) = (by_cols.to_mut(&ctx).unwrap(), b);
    known.impose(&mut cols, &mut b_cols, &ctx).unwrap();
    assert_eq!(b_cols, left);
    assert_eq!(cols.freeze().unwrap().to_csr(Place::Memory, &ctx).unwrap(), whole);
    let folder = tempdir().unwrap();
    let path = folder.path().join("free.bspnpy");
    known.eliminate(&by_cols, &path, &ctx).unwrap();
    let free = Csc::<f64>::open(&path).unwrap();
    assert_eq!(free.to_csr(Place::Memory, &ctx).unwrap(), reduced);
    let plan = ctx.plan(|ctx| known.eliminate(&free_of(&a), Place::Memory, ctx)).unwrap();
    assert!(plan.cost.passes >= 2);
}

/// The matrix itself: a plan reads nothing of it.
fn free_of(a: &Csr<f64>) -> Csr<f64> {
    a.clone()
}

#[test]
fn known_values_that_cannot_be() {
    let kind = |found: outcore::Result<Dirichlet<f64>>| found.unwrap_err().kind();
    assert_eq!(kind(Dirichlet::new(3, [(3, 0.0)])), ErrorKind::Index);
    assert_eq!(kind(Dirichlet::new(3, [(1, f64::NAN)])), ErrorKind::Value);
    assert_eq!(kind(Dirichlet::new(3, [(1, 1.0), (1, 2.0)])), ErrorKind::Duplicate);
    let known = Dirichlet::new(3, [(1, 1.0), (1, 1.0)]).unwrap();
    assert_eq!((known.known(), known.free().unwrap()), (&[(1, 1.0)][..], vec![0, 2]));
    let ctx = two();
    let kind = |error: outcore::Error| error.kind();
    assert_eq!(
        kind(known.eliminate(&Csr::<f64>::eye(4), Place::Memory, &ctx).unwrap_err()),
        ErrorKind::Shape
    );
    assert_eq!(kind(known.restrict(&[0.0; 4]).unwrap_err()), ErrorKind::Shape);
    assert_eq!(kind(known.expand(&[0.0; 3]).unwrap_err()), ErrorKind::Shape);
    let hole =
        Csr::<f64>::from_parts((3, 3), vec![0, 1, 2, 3], vec![0, 0, 2], vec![1.0; 3]).unwrap();
    let mut hole = hole.to_mut(&ctx).unwrap();
    let error = known.impose(&mut hole, &mut [0.0; 3], &ctx).unwrap_err();
    assert_eq!((error.kind(), error.location()), (ErrorKind::Index, Some(&Location::Row(1))));
    let mut eye = Csr::<f64>::eye(3).to_mut(&ctx).unwrap();
    assert_eq!(kind(known.impose(&mut eye, &mut [0.0; 2], &ctx).unwrap_err()), ErrorKind::Shape);
    let endless = Dirichlet::<f64>::new(usize::MAX, []).unwrap();
    assert_eq!(kind(endless.free().unwrap_err()), ErrorKind::Memory);
    let all = Dirichlet::new(2, [(0, 1.0), (1, 2.0)]).unwrap();
    assert_eq!(all.expand(&[]).unwrap(), [1.0, 2.0]);
    assert_eq!(all.eliminate(&Csr::<f64>::eye(2), Place::Memory, &ctx).unwrap().shape(), (0, 0));
}

#[test]
fn symmetry_is_seen_in_any_matrix() {
    let ctx = two();
    let a = Csr::<f64>::poisson(&[30, 20], Place::Memory, &ctx).unwrap();
    assert!(a.is_symmetric(0.0, &ctx).unwrap() && a.is_hermitian(0.0, &ctx).unwrap());
    let by_cols: Csc<f64> = a.to_csc(Place::Memory, &ctx).unwrap();
    assert!(by_cols.is_symmetric(0.0, &ctx).unwrap());
    assert!(a.pattern().is_symmetric(0.0, &ctx).unwrap());
    let changed = |change: &dyn Fn(usize, f64) -> f64| {
        let data: Vec<f64> = a.data().iter().enumerate().map(|(k, &x)| change(k, x)).collect();
        a.with_data(data).unwrap()
    };
    // The last entry of the first row.
    let last = a.row(0).unwrap().indices.len() - 1;
    let off = changed(&|k, x| if k == last { x + 0.004 } else { x });
    assert!(!off.is_symmetric(0.0, &ctx).unwrap());
    assert!(!off.is_symmetric(0.0009, &ctx).unwrap() && off.is_symmetric(0.0011, &ctx).unwrap());
    for bad in [f64::NAN, f64::INFINITY] {
        let bad = changed(&|k, x| if k == 7 { bad } else { x });
        assert!(!bad.is_symmetric(1e300, &ctx).unwrap());
    }
    // A zero needs no image; a number does.
    let corner = |value: f64| {
        Csr::<f64>::from_parts((2, 2), vec![0, 2, 3], vec![0, 1, 1], vec![1.0, value, 1.0]).unwrap()
    };
    assert!(corner(0.0).is_symmetric(0.0, &ctx).unwrap());
    assert!(!corner(1.0).is_symmetric(0.5, &ctx).unwrap());
    assert!(!corner(1.0).transpose().is_symmetric(0.5, &ctx).unwrap());
    // Rows in any order, with entries in parts.
    let untidy =
        Csr::<f64>::from_parts((2, 2), vec![0, 3, 4], vec![1, 0, 1, 0], vec![1.0, 5.0, 2.0, 3.0]);
    assert!(untidy.unwrap().is_symmetric(0.0, &ctx).unwrap());
    let wide = Csr::<f64>::zeros((2, 3), Place::Memory, &ctx).unwrap();
    assert!(!wide.is_symmetric(0.0, &ctx).unwrap());
    let i = Complex::new(0.0, 1.0);
    let hermitian = Csr::<Complex<f64>>::from_parts(
        (2, 2),
        vec![0, 2, 4],
        vec![0, 1, 0, 1],
        vec![i * i, i, -i, i * i],
    )
    .unwrap();
    assert!(
        hermitian.is_hermitian(0.0, &ctx).unwrap() && !hermitian.is_symmetric(0.0, &ctx).unwrap()
    );
    let diagonal = Csr::<Complex<f64>>::eye(2).with_data(vec![i, i]).unwrap();
    assert!(
        !diagonal.is_hermitian(0.0, &ctx).unwrap() && diagonal.is_symmetric(0.0, &ctx).unwrap()
    );
    for tolerance in [-1.0, f64::NAN] {
        assert_eq!(a.is_symmetric(tolerance, &ctx).unwrap_err().kind(), ErrorKind::Value);
    }
    let token = CancelToken::new();
    token.cancel();
    assert_eq!(a.is_symmetric(0.0, &ctx.cancel(token)).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn symmetry_of_a_matrix_larger_than_the_limit() {
    let (folder, ctx) = (tempdir().unwrap(), two().memory_limit(4 << 20));
    let paths = ["a.bspnpy", "b.bspnpy", "c.bspnpy"].map(|name| folder.path().join(name));
    let a = Csr::<f64>::poisson(&[50, 50, 40], &paths[0], &two()).unwrap();
    assert!(a.bytes() > 2 * (4 << 20));
    let mut data = a.data().to_vec();
    data[200_000] += 0.006;
    let off = a.with_data(data).unwrap().copy_to(&paths[1], &two()).unwrap();
    let stored = Csr::<f64>::open(&paths[0]).unwrap();
    assert!(stored.is_symmetric(0.0, &ctx).unwrap());
    assert!(!off.is_symmetric(0.0, &ctx).unwrap());
    let diagonal = off.get(0, 0).unwrap().unwrap();
    assert_eq!(diagonal, 6.0);
    assert!(off.is_symmetric(0.00101, &ctx).unwrap() && !off.is_symmetric(0.00099, &ctx).unwrap());
    // Indices that do not rise.
    let (indptr, mut indices, data) = stored.clone().into_parts_copied();
    indices[0..2].swap(0, 1);
    let mut values = data;
    values[0..2].swap(0, 1);
    let untidy = Csr::<f64>::from_parts(stored.shape(), indptr, indices, values).unwrap();
    let untidy = untidy.copy_to(&paths[2], &two()).unwrap();
    assert!(untidy.is_symmetric(0.0, &ctx).unwrap());
    let plan = ctx.plan(|ctx| stored.is_symmetric(0.0, ctx)).unwrap();
    assert!(plan.cost.scratch > 0 && plan.cost.peak_memory <= 4 << 20, "{plan}");
    let x = uneven(stored.ncols());
    assert_eq!(stored.matvec(&x).unwrap(), stored.rmatvec(&x).unwrap());
}

/// The arrays of a matrix as vectors.
trait Copied {
    fn into_parts_copied(self) -> (Vec<u32>, Vec<u32>, Vec<f64>);
}

impl Copied for Csr<f64> {
    fn into_parts_copied(self) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
        let (indptr, indices, data) = self.into_parts();
        (indptr.to_vec(), indices.to_vec(), data.to_vec())
    }
}
