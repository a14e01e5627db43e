//! Products of every element type, format, order and place against a triple loop, and the same bits whatever the
//! number of threads and the storage.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use ndarray::{Array2, s};
use num_complex::Complex;
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::{
    Axis, ByCols, ByRows, Compressed, Context, Coo, Csc, Csr, Dense, Duplicates, Element, Entry,
    ErrorKind, Order, Place, Result,
};
use proptest::prelude::*;
use tempfile::tempdir;

static CONTEXTS: LazyLock<Vec<Context>> =
    LazyLock::new(|| [1, 2, 3, 8].map(|n| Context::new().threads(n).unwrap()).into());

/// A complex integer: what entries and vectors are made from, small enough that every sum is exact in every type.
type Small = (i8, i8);

#[derive(Clone, Debug)]
struct Case {
    shape: (usize, usize),
    /// Columns of the block products.
    k: usize,
    entries: BTreeMap<(usize, usize), Small>,
    numbers: Vec<Small>,
}

fn cases() -> impl Strategy<Value = Case> {
    let small = || (-9i8..10, -9i8..10);
    (0usize..14, 0usize..14, 0usize..20).prop_flat_map(move |(nrows, ncols, k)| {
        let entry = ((0..nrows.max(1), 0..ncols.max(1)), small());
        let most = if nrows * ncols == 0 { 0 } else { 80 };
        let numbers = prop::collection::vec(small(), 40);
        (prop::collection::btree_map(entry.0, entry.1, 0..=most), numbers)
            .prop_map(move |(entries, numbers)| Case { shape: (nrows, ncols), k, entries, numbers })
    })
}

/// Where a matrix lies; each file under a name of its own.
fn places(folder: &Path, name: &str) -> [Place; 3] {
    [Place::Memory, Place::Scratch, Place::File(folder.join(name))]
}

/// A matrix written out, and how a small number becomes one of its vectors' numbers.
struct Truth<'a, X: Scalar> {
    case: &'a Case,
    a: Array2<X>,
    number: fn(Small) -> X,
}

impl<'a, X: Scalar> Truth<'a, X> {
    fn new<T: Multiplies<X>>(
        case: &'a Case,
        entry: fn(Small) -> T,
        number: fn(Small) -> X,
    ) -> Self {
        let mut a = Array2::zeros(case.shape);
        for (&position, &small) in &case.entries {
            a[position] = entry(small).times(X::from_f64(1.0));
        }
        Truth { case, a, number }
    }

    fn block(&self, shape: (usize, usize)) -> Array2<X> {
        let numbers = &self.case.numbers;
        Array2::from_shape_fn(shape, |(i, j)| (self.number)(numbers[(i * 7 + j) % numbers.len()]))
    }

    /// Every product of the trait against the triple loop.
    fn check(&self, operator: &dyn LinearOperator<X>) {
        let ((nrows, ncols), ctx) = (self.case.shape, &CONTEXTS[1]);
        assert_eq!(operator.shape(), (nrows, ncols));
        let adjoint = Array2::from_shape_fn((ncols, nrows), |(j, i)| self.a[(i, j)].conj());
        let x = self.block((ncols, 1)).into_raw_vec_and_offset().0;
        let z = self.block((nrows, 1)).into_raw_vec_and_offset().0;
        let (ax, az) = (triple_loop(&self.a, &x, 1), triple_loop(&adjoint, &z, 1));
        assert_eq!(apply(operator, &x, ctx).unwrap(), ax);
        assert_eq!(apply_adjoint(operator, &z, ctx).unwrap(), az);
        assert_eq!(operator.matvec(&x).unwrap(), ax);
        assert_eq!(operator.rmatvec(&z).unwrap(), az);
        self.check_blocks(operator);
    }

    fn check_blocks(&self, operator: &dyn LinearOperator<X>) {
        let ((nrows, ncols), k) = (self.case.shape, self.case.k);
        let x = self.block((ncols, k));
        let flat: Vec<X> = x.iter().copied().collect();
        let product = triple_loop(&self.a, &flat, k);
        assert_eq!(apply_block(operator, k, &flat, &CONTEXTS[0]).unwrap(), product);
        let product = Array2::from_shape_vec((nrows, k), product).unwrap();
        assert_eq!(operator.matmat(x.view()).unwrap(), product);
        // The same through views that lie backwards, with gaps, and transposed, in larger arrays.
        let mut wide = Array2::from_elem((2 * ncols, k), X::from_f64(7.0));
        wide.slice_mut(s![..;-2, ..]).assign(&x);
        let mut result = Array2::from_elem((k, 3 * nrows + 2), X::from_f64(7.0));
        let ours = s![.., 1..3 * nrows + 1;3];
        let view = result.slice_mut(ours).reversed_axes();
        operator.matmat_into(wide.slice(s![..;-2, ..]), view).unwrap();
        assert_eq!(result.slice(ours).t(), product);
        for gap in [0, 2] {
            assert!(result.slice(s![.., gap..;3]).iter().all(|&y| y == X::from_f64(7.0)));
        }
    }
}

fn triple_loop<X: Scalar>(a: &Array2<X>, x: &[X], k: usize) -> Vec<X> {
    let (nrows, ncols) = a.dim();
    let mut y = vec![X::zero(); nrows * k];
    for i in 0..nrows {
        for j in 0..ncols {
            for column in 0..k {
                y[i * k + column] += a[(i, j)] * x[j * k + column];
            }
        }
    }
    y
}

/// `A x` into a vector of NaN: what stood there must not matter.
fn apply<X: Scalar>(a: &dyn LinearOperator<X>, x: &[X], ctx: &Context) -> Result<Vec<X>> {
    let mut y = vec![X::from_f64(f64::NAN); a.shape().0];
    a.apply(x, &mut y, ctx).map(|()| y)
}

fn apply_adjoint<X: Scalar>(a: &dyn LinearOperator<X>, x: &[X], ctx: &Context) -> Result<Vec<X>> {
    let mut y = vec![X::from_f64(f64::NAN); a.shape().1];
    a.apply_adjoint(x, &mut y, ctx).map(|()| y)
}

fn apply_block<X: Scalar>(
    a: &dyn LinearOperator<X>,
    k: usize,
    x: &[X],
    ctx: &Context,
) -> Result<Vec<X>> {
    let mut y = vec![X::from_f64(f64::NAN); a.shape().0 * k];
    a.apply_block(k, x, &mut y, ctx).map(|()| y)
}

/// A type in both compressed formats, in memory, in a scratch file and mapped.
fn check_sparse<T: Entry + Multiplies<X>, X: Scalar>(
    case: &Case,
    entry: fn(Small) -> T,
    number: fn(Small) -> X,
) {
    fn stored<T: Entry, A: Axis>(case: &Case, entry: fn(Small) -> T) -> Compressed<T, u32, u32, A> {
        let triplets = case.entries.iter().map(|(&(i, j), &small)| (i, j, entry(small)));
        Compressed::from_triplets(case.shape, triplets, Duplicates::Refuse).unwrap()
    }
    let (truth, folder) = (Truth::new(case, entry, number), tempdir().unwrap());
    let csr = stored::<T, ByRows>(case, entry);
    for place in places(folder.path(), "csr.bspnpy") {
        truth.check(&csr.copy_to(place, &CONTEXTS[0]).unwrap());
    }
    truth.check(&Csr::<T>::open(folder.path().join("csr.bspnpy")).unwrap());
    let csc = stored::<T, ByCols>(case, entry);
    truth.check(&csc);
    truth.check(&csc.copy_to(Place::Scratch, &CONTEXTS[0]).unwrap());
}

/// The same matrix, its columns contiguous.
fn fortran<T: Element>(a: &Array2<T>) -> Dense<T> {
    let elements: Vec<T> = a.t().iter().copied().collect();
    Dense::from_parts(a.dim(), Order::Fortran, elements.into()).unwrap()
}

/// As [`check_sparse`], and dense in both orders.
fn check_all<T: Element + Multiplies<X>, X: Scalar>(
    case: &Case,
    entry: fn(Small) -> T,
    number: fn(Small) -> X,
) {
    check_sparse(case, entry, number);
    let (truth, folder) = (Truth::new(case, entry, number), tempdir().unwrap());
    let mut a = Array2::from_elem(case.shape, T::default());
    case.entries.iter().for_each(|(&position, &small)| a[position] = entry(small));
    let fortran = fortran(&a);
    for (name, dense, order) in
        [("c.npy", Dense::from(a), Order::C), ("f.npy", fortran, Order::Fortran)]
    {
        assert_eq!(dense.order(), order);
        for place in places(folder.path(), name) {
            truth.check(&dense.copy_to(place, &CONTEXTS[0]).unwrap());
        }
        truth.check(&Dense::<T>::open(folder.path().join(name)).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(6) })]
    #[test]
    fn every_type_in_every_format(case in cases()) {
        let re = |(re, _): Small| f64::from(re);
        let re32 = |(re, _): Small| f32::from(re);
        let c = |(re, im): Small| Complex::new(f64::from(re), f64::from(im));
        let c32 = |(re, im): Small| Complex::new(f32::from(re), f32::from(im));
        check_all(&case, re, re);
        check_all(&case, re32, re32);
        check_all(&case, re32, re);
        check_all(&case, re, c);
        check_all(&case, c, c);
        check_all(&case, c32, c32);
        check_all(&case, c32, c);
        check_all(&case, |(re, _)| re, re32);
        check_all(&case, |(re, _)| i16::from(re), re);
        check_all(&case, |(re, _)| i32::from(re), re);
        check_all(&case, |(re, _)| i64::from(re), c);
        check_all(&case, |(re, _)| re.unsigned_abs(), re32);
        check_all(&case, |(re, _)| re > 0, re);
        check_sparse(&case, drop, re);
        check_sparse(&case, drop, c32);
    }
}

/// Numbers without a short binary form, the same for the same seed.
fn uneven(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * 0.7 + seed).sin()).collect()
}

/// A grid and a graph, both beyond the size from which products are spread over threads.
fn large() -> [(&'static str, Csr<f64>); 2] {
    let ctx = &CONTEXTS[1];
    let poisson = Csr::<f64>::poisson(&[40; 3], Place::Memory, ctx).unwrap();
    let rmat: Csr<()> = Coo::<()>::rmat(12, 24, 5, Place::Memory, &Context::new())
        .unwrap()
        .to_csr(Duplicates::Sum, Place::Memory, ctx)
        .unwrap();
    assert!(poisson.nnz() > 400_000 && rmat.nnz() > 60_000);
    let with_values = |values: Csr<()>| values.with_data(uneven(values.nnz(), 0.3)).unwrap();
    [("poisson", with_values(poisson.pattern())), ("rmat", with_values(rmat))]
}

/// The bits of all products with one context.
fn bits(a: &dyn LinearOperator<f64>, ctx: &Context) -> Vec<u64> {
    let (nrows, ncols) = a.shape();
    let block = uneven(ncols * 5, 0.9);
    let products = [
        apply(a, &uneven(ncols, 0.1), ctx),
        apply_adjoint(a, &uneven(nrows, 0.2), ctx),
        apply_block(a, 5, &block, ctx),
    ];
    products.into_iter().flat_map(|y| y.unwrap()).map(f64::to_bits).collect()
}

/// The same bits for every number of threads in each of several copies of one matrix; gives them.
fn one_set_of_bits<'a, A: LinearOperator<f64> + 'a>(copies: &[A]) -> Vec<u64> {
    let expected = bits(&copies[0], &CONTEXTS[0]);
    for (copy, a) in copies.iter().enumerate() {
        for ctx in CONTEXTS.iter() {
            let same = bits(a, ctx) == expected;
            assert!(same, "copy {copy} with {} threads", ctx.thread_count());
        }
    }
    expected
}

/// Sums of a few dozen terms in another order may differ in the last bits.
fn assert_near(found: &[u64], expected: &[u64]) {
    let near = |(&a, &b): (&u64, &u64)| (f64::from_bits(a) - f64::from_bits(b)).abs() < 1e-10;
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(near));
}

#[test]
fn threads_and_storage_do_not_change_a_bit() {
    let (folder, ctx) = (tempdir().unwrap(), &CONTEXTS[1]);
    for (name, heap) in large() {
        let path = folder.path().join(name);
        heap.copy_to(&path, ctx).unwrap();
        let scratch = heap.copy_to(Place::Scratch, ctx).unwrap();
        let by_rows = one_set_of_bits(&[heap.clone(), scratch, Csr::open(&path).unwrap()]);
        let heap_cols = heap.to_csc(Place::Memory, ctx).unwrap();
        let path = path.with_extension("csc");
        heap_cols.copy_to(&path, ctx).unwrap();
        let by_cols = one_set_of_bits(&[heap_cols, Csc::open(&path).unwrap()]);
        assert_near(&by_rows, &by_cols);
        let mut sums = vec![0.0; heap.nrows()];
        let x = uneven(heap.ncols(), 0.1);
        for (sum, row) in sums.iter_mut().zip(heap.rows()) {
            *sum = row.indices.iter().zip(row.data).map(|(&j, a)| a * x[j as usize]).sum();
        }
        let sums: Vec<u64> = sums.into_iter().map(f64::to_bits).collect();
        assert_near(&by_rows[..sums.len()], &sums);
    }
}

#[test]
fn threads_and_storage_do_not_change_a_bit_of_dense_products() {
    let (folder, ctx) = (tempdir().unwrap(), &CONTEXTS[1]);
    for shape in [(700, 300), (40, 9000), (9000, 40)] {
        let array = Array2::from_shape_vec(shape, uneven(shape.0 * shape.1, 0.4)).unwrap();
        let fortran = fortran(&array);
        for (name, heap) in [("c", Dense::from(array)), ("f", fortran)] {
            let path = folder.path().join(format!("{name}{}.npy", shape.0));
            heap.copy_to(&path, ctx).unwrap();
            one_set_of_bits(&[heap, Dense::open(&path).unwrap()]);
        }
    }
}

#[test]
fn slices_are_operators() {
    let (folder, ctx) = (tempdir().unwrap(), &CONTEXTS[2]);
    for (name, heap) in large() {
        let path = folder.path().join(name);
        heap.copy_to(&path, ctx).unwrap();
        let (x, whole) = (uneven(heap.ncols(), 0.1), heap.nrows());
        let mapped = Csr::<f64>::open(&path).unwrap();
        let y = apply(&heap, &x, ctx).unwrap();
        let mut adjoint = vec![0.0; heap.ncols()];
        for range in [0..1, 1..1, 1..whole / 3, whole / 3..whole] {
            let part = mapped.row_range(range.clone()).unwrap();
            assert_eq!(apply(&part, &x, ctx).unwrap(), y[range.clone()]);
            let own = heap.row_range(range.clone()).unwrap().copy_to(Place::Memory, ctx).unwrap();
            assert_eq!(bits(&part, ctx), bits(&own, ctx));
            let z = apply_adjoint(&part, &y[range], ctx).unwrap();
            adjoint.iter_mut().zip(z).for_each(|(sum, z)| *sum += z);
        }
        let whole = apply_adjoint(&heap, &y, ctx).unwrap();
        assert!(whole.iter().zip(adjoint).all(|(a, b)| (a - b).abs() < 1e-10));
    }
}

#[test]
fn vectors_of_other_lengths_are_refused() {
    fn refuses(a: &dyn LinearOperator<f64>) {
        let ((nrows, ncols), ctx) = (a.shape(), &CONTEXTS[1]);
        let refused = |outcome: Result<()>| {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Shape);
        };
        for (more, less) in [(1, 0), (0, 1)] {
            let (long, wide) = (nrows + more - less, ncols + more - less);
            refused(a.apply(&vec![1.0; wide], &mut vec![0.0; nrows], ctx));
            refused(a.apply(&vec![1.0; ncols], &mut vec![0.0; long], ctx));
            refused(a.apply_adjoint(&vec![1.0; long], &mut vec![0.0; ncols], ctx));
            refused(a.apply_adjoint(&vec![1.0; nrows], &mut vec![0.0; wide], ctx));
            refused(a.apply_block(2, &vec![1.0; 2 * wide], &mut vec![0.0; 2 * nrows], ctx));
            refused(a.apply_block(2, &vec![1.0; 2 * ncols], &mut vec![0.0; 2 * nrows + 1], ctx));
            refused(a.matvec(&vec![1.0; wide]).map(drop));
            refused(a.rmatvec(&vec![1.0; long]).map(drop));
            refused(a.matmat(Array2::zeros((wide, 2)).view()).map(drop));
            let x = Array2::zeros((ncols, 2));
            refused(a.matmat_into(x.view(), Array2::zeros((long, 2)).view_mut()));
            refused(a.matmat_into(x.view(), Array2::zeros((nrows, 3)).view_mut()));
        }
        let huge = a.apply_block(usize::MAX, &vec![1.0; ncols], &mut vec![0.0; nrows], ctx);
        refused(huge);
    }
    let csr = Csr::<f64>::random((5, 7), 0.5, 1, Place::Memory, &CONTEXTS[0]).unwrap();
    refuses(&csr);
    refuses(&csr.to_csc(Place::Memory, &CONTEXTS[0]).unwrap());
    for order in [Order::C, Order::Fortran] {
        refuses(&csr.to_dense(order, Place::Memory, &CONTEXTS[0]).unwrap());
    }
}
