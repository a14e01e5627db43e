//! Results written to memory of the caller: the same bits as those that are returned, whatever stood there before.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder, s};
use num_complex::Complex;
use outcore::linalg::{LinearOperator, MinPlus, NormOrder, Operator, PlusTimes, Scalar};
use outcore::{Context, Csr, Dense, ErrorKind, Order, Place, Result};

use crate::folders::Folders;
use crate::plans::measured;

/// An operator that multiplies one vector at a time.
struct OneByOne<'a, A>(&'a A);

impl<X: Scalar, A: LinearOperator<X>> LinearOperator<X> for OneByOne<'_, A> {
    fn shape(&self) -> (usize, usize) {
        self.0.shape()
    }
    fn apply(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.0.apply(x, y, ctx)
    }
    fn apply_adjoint(&self, x: &[X], y: &mut [X], ctx: &Context) -> Result<()> {
        self.0.apply_adjoint(x, y, ctx)
    }
}

fn block<X: Scalar>(rows: usize, k: usize) -> Array2<X> {
    Array2::from_shape_fn((rows, k), |(i, j)| X::from_f64(1.0 / (i * 7 + j + 1) as f64 - 0.2))
}

/// Products with several vectors, returned and written to rows, columns and every second column.
fn blocks<X: Scalar>(a: &impl LinearOperator<X>) {
    let ((nrows, ncols), k) = (a.shape(), 3);
    for adjoint in [false, true] {
        let (from, to) = if adjoint { (nrows, ncols) } else { (ncols, nrows) };
        let x = block::<X>(from, k);
        let into = |x: ArrayView2<'_, X>, y: ArrayViewMut2<'_, X>| match adjoint {
            true => a.rmatmat_into(x, y),
            false => a.matmat_into(x, y),
        };
        let mut expected = Array2::zeros((to, k));
        let rows = (x.as_slice().unwrap(), expected.as_slice_mut().unwrap(), &Context::new());
        match adjoint {
            true => a.apply_adjoint_block(k, rows.0, rows.1, rows.2).unwrap(),
            false => a.apply_block(k, rows.0, rows.1, rows.2).unwrap(),
        }
        let returned = if adjoint { a.rmatmat(x.view()) } else { a.matmat(x.view()) };
        assert_eq!(returned.unwrap(), expected);
        let mut columns = Array2::from_elem((from, k).f(), X::zero());
        columns.assign(&x);
        for x in [&x, &columns] {
            let nothing = X::from_f64(f64::NAN);
            for mut y in
                [Array2::from_elem((to, k), nothing), Array2::from_elem((to, k).f(), nothing)]
            {
                into(x.view(), y.view_mut()).unwrap();
                assert_eq!(y, expected);
            }
            let mut wide = Array2::from_elem((to, 2 * k), nothing);
            into(x.view(), wide.slice_mut(s![.., ..;2])).unwrap();
            assert_eq!(wide.slice(s![.., ..;2]), expected);
        }
        let (mut y, mut other) = (Array2::zeros((to, k)), Array2::zeros((to + 1, k)));
        let error = into(block(from + 1, k).view(), y.view_mut()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        assert_eq!(into(x.view(), other.view_mut()).unwrap_err().kind(), ErrorKind::Shape);
    }
}

#[test]
fn products_with_several_vectors() {
    let ctx = Context::new();
    let a = Csr::<f64>::random((60, 40), 0.2, 3, Place::Memory, &ctx).unwrap();
    blocks::<f64>(&a);
    blocks::<f64>(&a.to_csc(Place::Memory, &ctx).unwrap());
    blocks::<f64>(&OneByOne(&a));
    blocks::<f64>(&&a);
    blocks::<f64>(&Operator::new(&a, &ctx).unwrap());
    blocks::<f64>(&Operator::with_adjoint(&a, &ctx).unwrap());
    blocks::<f64>(&a.to_dense(Order::C, Place::Memory, &ctx).unwrap());
    blocks::<f64>(&a.to_dense(Order::Fortran, Place::Memory, &ctx).unwrap());
    let values: Vec<_> = a.data().iter().map(|&x| Complex::new(x, 1.0 - x)).collect();
    blocks::<Complex<f64>>(&a.with_data(values).unwrap());
    blocks::<f64>(&Csr::<f64>::from_parts((0, 4), vec![0], vec![], vec![]).unwrap());
}

#[test]
fn vectors_over_semirings_and_norms() {
    let ctx = Context::new();
    let a = Csr::<f64>::random((300, 200), 0.05, 3, Place::Memory, &ctx).unwrap();
    let x: Vec<f64> = (0..200).map(|k| k as f64 / 7.0).collect();
    let mut y = vec![f64::NAN; 300];
    a.matvec_with_into(MinPlus::new(), &x, &mut y, &ctx).unwrap();
    assert_eq!(a.matvec_with(MinPlus::new(), &x, &ctx).unwrap(), y);
    let csc = a.to_csc(Place::Memory, &ctx).unwrap();
    csc.matvec_with_into(PlusTimes::new(), &x, &mut y, &ctx).unwrap();
    assert_eq!(a.matvec_with(PlusTimes::new(), &x, &ctx).unwrap(), y);
    let error = a.matvec_with(MinPlus::new(), &x[1..], &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    for (axis, len) in [(0, 200), (1, 300)] {
        for order in [NormOrder::L1, NormOrder::L2, NormOrder::Max] {
            let mut norms = vec![f64::NAN; len];
            a.norms_into(axis, order, &mut norms, &ctx).unwrap();
            assert_eq!(a.norms(axis, order, &ctx).unwrap(), norms);
        }
        let error = a.norms_into(axis, NormOrder::L1, &mut [0.0; 3], &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
    }
}

#[test]
fn dense_products_and_gram_matrices() {
    let (folders, free) = (Folders::new(), Context::new());
    let dense = |shape: (usize, usize), order| {
        let values = block::<f64>(shape.0, shape.1);
        let a = Dense::from(values);
        a.to_order(order, Place::Memory, &free).unwrap()
    };
    for ((m, k, n), order) in [
        ((700, 300, 500), Order::C),
        ((500, 700, 300), Order::Fortran),
        ((1, 3, 1), Order::C),
        ((3, 0, 4), Order::C),
        ((0, 3, 4), Order::C),
        ((4, 3, 0), Order::C),
    ] {
        let (a, b) = (dense((m, k), order), dense((k, n), order));
        let name = format!("{m}x{k}x{n}");
        let stored = a.copy_to(folders.result(&name), &free).unwrap();
        let product = a.matmul(&b, Place::Memory, &free).unwrap();
        let gram = a.gram(&free).unwrap();
        for (a, limit) in [(&a, 1 << 30), (&stored, 1 << 30), (&stored, 5 << 20)] {
            let ctx = folders.context(limit).threads(2).unwrap();
            let (mut c, mut columns, mut part) = (
                Array2::from_elem((m, n), f64::NAN),
                Array2::from_elem((m, n).f(), f64::NAN),
                Array2::from_elem((m + 2, n + 3), f64::NAN),
            );
            a.matmul_into(&b, c.view_mut(), &ctx).unwrap();
            a.matmul_into(&b, columns.view_mut(), &ctx).unwrap();
            a.matmul_into(&b, part.slice_mut(s![1..m + 1, 2..n + 2]), &ctx).unwrap();
            assert_eq!(c, product.as_ndarray());
            assert_eq!(columns, product.as_ndarray());
            assert_eq!(part.slice(s![1..m + 1, 2..n + 2]), product.as_ndarray());
            let mut c = Array2::from_elem((m, n), f64::NAN);
            let view = std::cell::RefCell::new(c.view_mut());
            measured(&ctx, |ctx| a.matmul_into(&b, view.borrow_mut().view_mut(), ctx));
            let ctx = ctx.memory_limit(1 << 30);
            for mut g in [Array2::from_elem((k, k), f64::NAN), Array2::zeros((k, k).f())] {
                a.gram_into(g.view_mut(), &ctx).unwrap();
                assert_eq!(g, gram);
            }
        }
        let mut other = Array2::zeros((m + 1, n));
        let error = a.matmul_into(&b, other.view_mut(), &free).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape);
        let mut other = Array2::zeros((k + 1, k));
        assert_eq!(a.gram_into(other.view_mut(), &free).unwrap_err().kind(), ErrorKind::Shape);
    }
}

#[test]
fn zeros_are_written_out_in_any_order() {
    let folders = Folders::new();
    for (shape, nnz) in crate::reshape::SHAPES {
        let a = crate::reshape::matrix(shape, nnz, |k| 1.0 / (k + 1) as f64);
        let across = a.to_csc(Place::Memory, &Context::new()).unwrap();
        let expected = a.to_dense(Order::C, Place::Memory, &Context::new()).unwrap();
        let stored = a.copy_to(Place::Scratch, &folders.context(1 << 20)).unwrap();
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let mut wide = Array2::from_elem((shape.0, 2 * shape.1), 7.0);
            for mut out in [Array2::from_elem(shape, 7.0), Array2::from_elem(shape.f(), 7.0)] {
                a.to_dense_into(out.view_mut(), &ctx).unwrap();
                assert_eq!(out, expected.as_ndarray());
                out.fill(7.0);
                across.to_dense_into(out.view_mut(), &ctx).unwrap();
                assert_eq!(out, expected.as_ndarray());
                out.fill(7.0);
                stored.to_dense_into(out.view_mut(), &ctx).unwrap();
                assert_eq!(out, expected.as_ndarray());
            }
            a.to_dense_into(wide.slice_mut(s![.., ..;2]), &ctx).unwrap();
            assert_eq!(wide.slice(s![.., ..;2]), expected.as_ndarray());
            assert!(shape.1 == 0 || wide.slice(s![.., 1..;2]).iter().all(|&kept| kept == 7.0));
        }
    }
    let a = crate::reshape::matrix((3_000, 2_000), 90_000, |k| k as f64);
    let mut out = Array2::zeros((3_000, 2_000));
    let bad = crate::reshape::hostile(&folders, &a, 50_000);
    let error = bad.to_dense_into(out.view_mut(), &Context::new()).unwrap_err();
    assert!(error.to_string().contains("position 50000"), "{error}");
    let error = a.to_dense_into(out.slice_mut(s![1.., ..]), &Context::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let twice = Csr::<i8>::from_parts((1, 1), vec![0, 2], vec![0, 0], vec![100, 100]).unwrap();
    let error = twice.to_dense_into(Array2::zeros((1, 1)).view_mut(), &Context::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}

#[test]
fn elements_are_copied_in_any_order() {
    let (folders, free) = (Folders::new(), Context::new());
    for shape in [(0, 3), (3, 0), (1, 1), (1, 70), (70, 1), (333, 517)] {
        let from = Array2::from_shape_fn(shape, |(i, j)| (i * 1_000 + j) as i32);
        let a = Dense::from(from.clone());
        let other = a.to_order(Order::Fortran, Place::Memory, &free).unwrap();
        let stored = a.copy_to(Place::Scratch, &free).unwrap();
        for threads in [1, 2, 3, 8] {
            for a in [&a, &other, &stored] {
                for limit in [1 << 20, 1 << 30] {
                    let ctx = folders.context(limit).threads(threads).unwrap();
                    let mut wide = Array2::from_elem((shape.0, 2 * shape.1), -1);
                    for mut out in [Array2::from_elem(shape, -1), Array2::from_elem(shape.f(), -1)]
                    {
                        a.copy_into(out.view_mut(), &ctx).unwrap();
                        assert_eq!(out, from);
                    }
                    a.copy_into(wide.slice_mut(s![.., ..;2]), &ctx).unwrap();
                    assert_eq!(wide.slice(s![.., ..;2]), from);
                }
            }
        }
    }
    let a = Dense::from(Array2::<f64>::zeros((2, 3)));
    let error = a.copy_into(Array2::zeros((3, 2)).view_mut(), &free).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let a = Dense::from(Array2::from_shape_fn((300, 400), |(i, j)| (i * j) as f64));
    let stored = a.copy_to(Place::Scratch, &free).unwrap();
    for limit in [1 << 20, 1 << 30] {
        let out = std::cell::RefCell::new(Array2::zeros((300, 400)));
        measured(&folders.context(limit), |ctx| stored.copy_into(out.borrow_mut().view_mut(), ctx));
        assert_eq!(out.into_inner(), a.as_ndarray());
    }
}
