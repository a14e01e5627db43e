//! Preconditioners against dense formulas, for the four types of numbers, any threads, and matrices in files.

use std::sync::LazyLock;

use num_complex::Complex;
use num_traits::Float;
use outcore::linalg::{LinearOperator, Multiplies, Scalar};
use outcore::solve::{
    BlockJacobi, Chebyshev, Ic0, Ic0Options, Ilu0, Jacobi, SolveOptions, Ssor, ZeroDiagonal, cg,
    spectral_bounds,
};
use outcore::{CancelToken, Context, Csc, Csr, Element, ErrorKind, Location, Place, Result};
use tempfile::tempdir;

use crate::numbers::uneven;

/// Contexts with as many threads, started once.
pub(crate) fn ctx(threads: usize) -> Context {
    static CONTEXTS: LazyLock<Vec<Context>> =
        LazyLock::new(|| (1..=8).map(|n| Context::new().threads(n).unwrap()).collect());
    CONTEXTS[threads - 1].clone()
}

/// A context whose limit no other test uses.
pub(crate) fn own(threads: usize, limit: u64) -> Context {
    Context::new().threads(threads).unwrap().memory_limit(limit)
}

pub(crate) fn poisson(grid: &[usize]) -> Csr<f64> {
    Csr::poisson(grid, Place::Memory, &ctx(2)).unwrap()
}

/// A dense matrix, row by row.
type Rows<X> = Vec<Vec<X>>;

fn number<X: Scalar>(re: f64, im: f64) -> X {
    // The imaginary unit, if the type has one.
    let unit = X::imaginary();
    X::from_f64(re) + unit * X::from_f64(im)
}

/// The imaginary unit of the types that have one, and zero of the others.
trait Imaginary: Scalar {
    fn imaginary() -> Self;
}

impl<X: Scalar> Imaginary for X {
    fn imaginary() -> Self {
        let any: &dyn std::any::Any = &Complex::<f64>::new(0.0, 1.0);
        let narrow: &dyn std::any::Any = &Complex::<f32>::new(0.0, 1.0);
        any.downcast_ref().or(narrow.downcast_ref()).copied().unwrap_or(X::zero())
    }
}

/// A sparse matrix with a dominant diagonal and no symmetry, or a Hermitian one.
pub(crate) fn matrix<X: Scalar>(n: usize, hermitian: bool) -> Csr<X> {
    let numbers = uneven(4 * n * n);
    let stored = |i: usize, j: usize| (i * 7 + j * 13 + i * j).is_multiple_of(5);
    let beside = |i: usize, j: usize| {
        let at = 2 * (i * n + j);
        if stored(i, j) { number(numbers[at], numbers[at + 1]) } else { X::zero() }
    };
    let entry = |i: usize, j: usize| -> X {
        match hermitian {
            _ if i == j => {
                number(n as f64 / 3.0 + i as f64 / 10.0, if hermitian { 0.0 } else { 0.5 })
            }
            true if j < i => beside(j, i).conj(),
            _ => beside(i, j),
        }
    };
    let dense: Rows<X> = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
    let entries = dense.iter().enumerate().flat_map(|(i, row)| {
        row.iter().enumerate().filter(|(_, x)| !x.is_zero()).map(move |(j, &x)| (i, j, x))
    });
    Csr::from_triplets((n, n), entries, Default::default()).unwrap()
}

fn dense_of<X: Scalar>(a: &Csr<X>) -> Rows<X> {
    let mut dense = vec![vec![X::zero(); a.ncols()]; a.nrows()];
    for (row, line) in dense.iter_mut().zip(a.rows()) {
        line.indices.iter().zip(line.data).for_each(|(&j, &x)| row[j as usize] += x);
    }
    dense
}

/// The matrix of an operator, column by column, applied as it is or as its adjoint.
fn dense_of_operator<X: Scalar>(m: &impl LinearOperator<X>, adjoint: bool) -> Rows<X> {
    let (n, _) = m.shape();
    let mut dense = vec![vec![X::zero(); n]; n];
    for j in 0..n {
        let mut unit = vec![X::zero(); n];
        unit[j] = X::one();
        let column = if adjoint { m.rmatvec(&unit) } else { m.matvec(&unit) }.unwrap();
        dense.iter_mut().zip(column).for_each(|(row, x)| row[j] = x);
    }
    dense
}

/// Gauss-Jordan elimination with partial pivoting.
fn inverse_of<X: Scalar>(a: &Rows<X>) -> Rows<X> {
    let n = a.len();
    let mut work: Rows<X> = a
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let unit = (0..n).map(|j| if i == j { X::one() } else { X::zero() });
            row.iter().copied().chain(unit).collect()
        })
        .collect();
    for col in 0..n {
        let pivot = (col..n)
            .fold(col, |best, i| if work[i][col].abs() > work[best][col].abs() { i } else { best });
        work.swap(col, pivot);
        let inverse = X::one() / work[col][col];
        work[col].iter_mut().for_each(|x| *x = *x * inverse);
        let above = work[col].clone();
        for (_, row) in work.iter_mut().enumerate().filter(|(i, _)| *i != col) {
            let factor = row[col];
            row.iter_mut().zip(&above).for_each(|(x, &a)| *x -= factor * a);
        }
    }
    work.into_iter().map(|row| row[n..].to_vec()).collect()
}

fn product<X: Scalar>(a: &Rows<X>, b: &Rows<X>) -> Rows<X> {
    let inner = |row: &Vec<X>, j: usize| row.iter().zip(b).map(|(&x, b)| x * b[j]).sum::<X>();
    a.iter().map(|row| (0..b[0].len()).map(|j| inner(row, j)).collect()).collect()
}

fn map<X: Scalar>(a: &Rows<X>, f: impl Fn(usize, usize, X) -> X) -> Rows<X> {
    let row = |(i, row): (usize, &Vec<X>)| {
        row.iter().enumerate().map(|(j, &x)| f(i, j, x)).collect::<Vec<X>>()
    };
    a.iter().enumerate().map(row).collect()
}

fn adjoint_of<X: Scalar>(a: &Rows<X>) -> Rows<X> {
    map(a, |i, j, _| a[j][i].conj())
}

fn assert_near<X: Scalar>(a: &Rows<X>, b: &Rows<X>, what: &str) {
    let entries = || a.iter().flatten().zip(b.iter().flatten());
    let largest = entries().map(|(_, b)| b.abs()).fold(X::zero().real(), Float::max);
    let tolerance = X::from_f64(300.0).real() * X::Real::epsilon() * largest;
    for (k, (&a, &b)) in entries().enumerate() {
        assert!((a - b).abs() <= tolerance, "{what}, entry {k}: {a} and {b}");
    }
}

/// Adjoint, several vectors and any number of threads give what one vector does.
pub(crate) fn check_operator<X: Scalar, M: LinearOperator<X>>(
    make: impl Fn(&Context) -> M,
    what: &str,
) {
    let m = make(&ctx(1));
    assert_near(
        &dense_of_operator(&m, true),
        &adjoint_of(&dense_of_operator(&m, false)),
        &format!("{what}, adjoint"),
    );
    let (n, _) = m.shape();
    for k in [0, 1, 11] {
        let x: Vec<X> = uneven(n * k).into_iter().map(X::from_f64).collect();
        for adjoint in [false, true] {
            let mut y = vec![X::from_f64(f64::NAN); n * k];
            match adjoint {
                true => m.apply_adjoint_block(k, &x, &mut y, &ctx(1)).unwrap(),
                false => m.apply_block(k, &x, &mut y, &ctx(1)).unwrap(),
            }
            for j in 0..k {
                let one: Vec<X> = x.iter().skip(j).step_by(k).copied().collect();
                let one = if adjoint { m.rmatvec(&one) } else { m.matvec(&one) }.unwrap();
                let same = y.iter().skip(j).step_by(k).eq(&one);
                assert!(same, "{what}: vector {j} of {k}, adjoint: {adjoint}");
            }
        }
    }
    let x: Vec<X> = uneven(3 * n).into_iter().map(X::from_f64).collect();
    let of = |m: &M, ctx: &Context| {
        let (mut y, mut z) = (vec![X::zero(); 3 * n], vec![X::zero(); 3 * n]);
        m.apply_block(3, &x, &mut y, ctx).unwrap();
        m.apply_adjoint_block(3, &x, &mut z, ctx).unwrap();
        (y, z)
    };
    for threads in [2, 3, 8] {
        let (ctx, one) = (ctx(threads), ctx(1));
        assert_eq!(of(&make(&ctx), &ctx), of(&m, &one), "{what}: {threads} threads");
    }
    let error = m.apply(&vec![X::zero(); n + 1], &mut vec![X::zero(); n], &ctx(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape, "{what}");
}

/// Whether two rows are in the same of `blocks` blocks of `n` rows.
fn together(n: usize, blocks: usize) -> impl Fn(usize, usize) -> bool {
    move |i, j| {
        (0..blocks).any(|b| {
            let rows = b * n / blocks..(b + 1) * n / blocks;
            rows.contains(&i) && rows.contains(&j)
        })
    }
}

fn each_is_its_formula<X: Multiplies<X> + Element + Scalar>() {
    let n = 30;
    let (general, hermitian) = (matrix::<X>(n, false), matrix::<X>(n, true));
    let (a, h) = (dense_of(&general), dense_of(&hermitian));

    let jacobi = |ctx: &Context| Jacobi::<X>::new(&general, ZeroDiagonal::Fails, ctx).unwrap();
    let diagonal = map(&a, |i, j, x| if i == j { x } else { X::zero() });
    assert_near(&dense_of_operator(&jacobi(&ctx(2)), false), &inverse_of(&diagonal), "Jacobi");
    check_operator(jacobi, "Jacobi");
    let by_cols: Csc<X> = general.to_csc(Place::Memory, &ctx(2)).unwrap();
    let by_cols = Jacobi::<X>::new(&by_cols, ZeroDiagonal::Fails, &ctx(2)).unwrap();
    assert_near(&dense_of_operator(&by_cols, false), &inverse_of(&diagonal), "Jacobi of CSC");

    for size in [1, 7, 1000] {
        let make = |ctx: &Context| BlockJacobi::<X>::new(&general, size, ctx).unwrap();
        let blocks = map(&a, |i, j, x| if i / size == j / size { x } else { X::zero() });
        let found = dense_of_operator(&make(&ctx(2)), false);
        assert_near(&found, &inverse_of(&blocks), &format!("blocks of {size}"));
        check_operator(make, "block Jacobi");
    }

    for blocks in [1, 4, 100] {
        let same = together(n, blocks.min(n));
        let inside = |a: &Rows<X>| map(a, |i, j, x| if same(i, j) { x } else { X::zero() });
        let (a, h) = (inside(&a), inside(&h));
        let stored = |found: &Rows<X>, a: &Rows<X>| {
            map(found, |i, j, x| if a[i][j].is_zero() { X::zero() } else { x })
        };
        let what = format!("{blocks} blocks");

        let make = |ctx: &Context| Ilu0::<X>::new(&general, Some(blocks), ctx).unwrap();
        assert_eq!(make(&ctx(1)).blocks(), blocks.min(n));
        check_operator(make, &format!("ILU(0), {what}"));
        // L U has the entries of the matrix wherever the matrix has one.
        let lu = inverse_of(&dense_of_operator(&make(&ctx(2)), false));
        assert_near(&stored(&lu, &a), &a, &format!("ILU(0), {what}"));

        let options = Ic0Options { blocks: Some(blocks), retries: 0, ..Default::default() };
        let make = |ctx: &Context| Ic0::<X>::new(&hermitian, &options, ctx).unwrap();
        check_operator(make, &format!("IC(0), {what}"));
        let ll = inverse_of(&dense_of_operator(&make(&ctx(2)), false));
        assert_near(&stored(&ll, &h), &h, &format!("IC(0), {what}"));
        assert_near(&ll, &adjoint_of(&ll), "IC(0) is Hermitian");

        for omega in [1.0, 1.6] {
            let make = |ctx: &Context| Ssor::<X>::new(&general, omega, Some(blocks), ctx).unwrap();
            let w = X::from_f64(omega);
            let part = |keep: &dyn Fn(usize, usize) -> bool, scale: X| {
                map(&a, |i, j, x| {
                    if i == j {
                        x
                    } else if keep(i, j) {
                        scale * x
                    } else {
                        X::zero()
                    }
                })
            };
            let (lower, upper) = (part(&|i, j| j < i, w), part(&|i, j| j > i, w));
            let scale = w * (X::from_f64(2.0) - w);
            let diagonal = map(&diagonal, |_, _, x| scale * x);
            let exact = product(&product(&inverse_of(&upper), &diagonal), &inverse_of(&lower));
            assert_near(&dense_of_operator(&make(&ctx(2)), false), &exact, "SSOR");
            check_operator(make, &format!("SSOR, {what}, {omega}"));
        }
    }
}

#[test]
fn each_is_its_formula_for_real_numbers() {
    each_is_its_formula::<f32>();
    each_is_its_formula::<f64>();
}

#[test]
fn each_is_its_formula_for_complex_numbers() {
    each_is_its_formula::<Complex<f32>>();
    each_is_its_formula::<Complex<f64>>();
}

#[test]
fn entries_in_any_order_and_in_parts_are_those_of_the_sum() {
    let tidy = matrix::<f64>(25, true);
    let (mut indices, mut data, mut indptr) = (Vec::new(), Vec::new(), vec![0u32]);
    for row in tidy.rows() {
        // Backwards, each entry as two halves.
        for _ in 0..2 {
            indices.extend(row.indices.iter().rev());
            data.extend(row.data.iter().rev().map(|x| x / 2.0));
        }
        indptr.push(indices.len() as u32);
    }
    let untidy = Csr::<f64>::from_parts((25, 25), indptr, indices, data).unwrap();
    let x = uneven(25);
    let make: [fn(&Csr<f64>) -> Box<dyn LinearOperator<f64>>; 4] = [
        |a| Box::new(Ilu0::<f64>::new(a, Some(3), &ctx(2)).unwrap()),
        |a| Box::new(Ic0::<f64>::new(a, &Default::default(), &ctx(2)).unwrap()),
        |a| Box::new(Ssor::<f64>::new(a, 1.2, Some(3), &ctx(2)).unwrap()),
        |a| Box::new(BlockJacobi::<f64>::new(a, 6, &ctx(2)).unwrap()),
    ];
    for make in make {
        assert_eq!(make(&tidy).matvec(&x).unwrap(), make(&untidy).matvec(&x).unwrap());
    }
}

#[test]
fn entries_of_other_types_are_widened() {
    let a = matrix::<f32>(20, true);
    let wide: Vec<f64> = a.data().iter().map(|&x| f64::from(x)).collect();
    let wide = a.with_data(wide).unwrap();
    let x = uneven(20);
    let (narrow, wide) = (
        Ilu0::<f64>::new(&a, None, &ctx(2)).unwrap(),
        Ilu0::<f64>::new(&wide, None, &ctx(2)).unwrap(),
    );
    assert_eq!(narrow.matvec(&x).unwrap(), wide.matvec(&x).unwrap());
    let whole = poisson(&[6, 6]);
    let integers: Vec<i8> = whole.data().iter().map(|&x| x as i8).collect();
    let integers =
        Ssor::<f64>::new(&whole.with_data(integers).unwrap(), 1.0, None, &ctx(2)).unwrap();
    let plain = Ssor::<f64>::new(&whole, 1.0, None, &ctx(2)).unwrap();
    assert_eq!(integers.matvec(&uneven(36)).unwrap(), plain.matvec(&uneven(36)).unwrap());
}

#[test]
fn a_matrix_in_files_is_read_in_panels_and_gives_the_same_bits() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    let grid = [60, 60, 30];
    Csr::<f64>::poisson(&grid, &path, &ctx(2)).unwrap();
    let (stored, inside) = (Csr::<f64>::open(&path).unwrap(), poisson(&grid));
    // Less than the matrix, and more than the result.
    let tight = own(2, 8 << 20);
    assert!(stored.bytes() > 8 << 20);
    let x = uneven(inside.nrows());
    let jacobi = |a: &Csr<f64>, ctx: &Context| Jacobi::<f64>::new(a, ZeroDiagonal::Fails, ctx);
    let two = |a: &Csr<f64>, ctx: &Context| BlockJacobi::<f64>::new(a, 2, ctx);
    let ic = |a: &Csr<f64>, ctx: &Context| Ic0::<f64>::new(a, &Default::default(), ctx);
    let limits = own(2, 12 << 20);
    assert_eq!(
        jacobi(&stored, &tight).unwrap().matvec(&x).unwrap(),
        jacobi(&inside, &ctx(2)).unwrap().matvec(&x).unwrap()
    );
    assert_eq!(
        two(&stored, &tight).unwrap().matvec(&x).unwrap(),
        two(&inside, &ctx(2)).unwrap().matvec(&x).unwrap()
    );
    assert_eq!(
        ic(&stored, &limits).unwrap().matvec(&x).unwrap(),
        ic(&inside, &ctx(2)).unwrap().matvec(&x).unwrap()
    );
    // Without memory for the rows alone it is refused.
    let error = Ilu0::<f64>::new(&stored, None, &own(2, 1 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    // Plans and counts agree on what is read.
    for threads in [1, 2] {
        let ctx = own(threads, 12 << 20);
        let (made, report) = ctx.measure(|ctx| ic(&stored, ctx)).unwrap();
        drop(made);
        let (planned, actual) = (report.plan.cost, report.actual);
        assert_eq!((planned.passes, actual.passes), (1, 1), "{report}");
        let (planned, actual) = (planned.bytes_read as f64, actual.bytes_read as f64);
        assert!((planned / actual - 1.0).abs() < 0.05, "{report}");
        let (planned, actual) = (report.plan.cost.peak_memory, report.actual.peak_memory);
        assert!(actual <= planned && planned <= 12 << 20, "{report}");
    }
}

#[test]
fn what_factors_hold_is_taken_from_the_limit() {
    let (a, ctx) = (poisson(&[40, 40, 40]), own(2, 16 << 20));
    let first = Ilu0::<f64>::new(&a, None, &ctx).unwrap();
    let second = Ilu0::<f64>::new(&a, None, &ctx).unwrap();
    // A third goes to a scratch file, and in memory there is room for it after that.
    let scratch = |ctx: &Context| {
        let (third, report) = ctx.measure(|ctx| Ilu0::<f64>::new(&a, Some(8), ctx)).unwrap();
        assert_eq!(third.blocks(), 8);
        report.actual.scratch
    };
    assert!(scratch(&ctx) > 0);
    drop((first, second));
    assert_eq!(scratch(&ctx), 0);
}

#[test]
fn factors_that_do_not_fit_lie_in_a_scratch_file_with_the_same_bits() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    let grid = [60, 60, 30];
    Csr::<f64>::poisson(&grid, &path, &ctx(2)).unwrap();
    let (stored, inside) = (Csr::<f64>::open(&path).unwrap(), poisson(&grid));
    let scratch = tempdir().unwrap();
    let (n, k) = (inside.nrows(), 3);
    let x: Vec<f64> = uneven(n * k);
    type Maker = fn(&Csr<f64>, &Context) -> Result<Box<dyn LinearOperator<f64> + Sync>>;
    let makers: [Maker; 3] = [
        |a, ctx| Ok(Box::new(Ilu0::<f64>::new(a, Some(9), ctx)?)),
        |a, ctx| Ok(Box::new(Ssor::<f64>::new(a, 1.5, Some(9), ctx)?)),
        |a, ctx| {
            Ok(Box::new(Ic0::<f64>::new(
                a,
                &Ic0Options { blocks: Some(9), ..Default::default() },
                ctx,
            )?))
        },
    ];
    for (make, limit) in makers.into_iter().zip([8, 8, 5]) {
        let small = own(2, limit << 20).scratch(scratch.path());
        let (found, report) = small.measure(|ctx| make(&stored, ctx)).unwrap();
        let expected = make(&inside, &ctx(2)).unwrap();
        let mut both = [vec![0.0; n * k], vec![0.0; n * k]];
        let wide = ctx(3);
        for (m, y) in [&found, &expected].into_iter().zip(&mut both) {
            m.apply_block(k, &x, y, &wide).unwrap();
        }
        assert!(both[0] == both[1]);
        for (m, y) in [&found, &expected].into_iter().zip(&mut both) {
            m.apply_adjoint(&x[..n], &mut y[..n], &wide).unwrap();
        }
        assert!(both[0] == both[1]);
        assert!(report.actual.scratch > 0 && report.actual.scratch <= report.plan.cost.scratch);
        assert!(report.actual.bytes_written <= report.plan.cost.bytes_written, "{report}");
        assert!(report.actual.peak_memory <= small.memory_limit_bytes(), "{report}");
        // What an application reads is planned and counted.
        let applied = |m: &dyn LinearOperator<f64>| {
            let (x, y) = (&x[..n], std::cell::RefCell::new(vec![0.0; n]));
            small.measure(|ctx| m.apply(x, &mut y.borrow_mut(), ctx)).unwrap().1
        };
        let report = applied(&found);
        assert!(report.actual.bytes_read > 4 << 20, "{report}");
        assert_eq!(report.actual.bytes_read, report.plan.cost.bytes_read);
        assert_eq!(applied(&expected).actual.bytes_read, 0);
        drop(found);
        assert!(std::fs::read_dir(scratch.path()).unwrap().next().is_none());
        // A folder for scratch files that is not there.
        let nowhere = own(2, limit << 20).scratch(scratch.path().join("none"));
        let error = make(&stored, &nowhere).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
}

#[test]
fn what_cannot_be_is_an_error_that_names_its_place() {
    let ctx = ctx(2);
    let wide = Csr::<f64>::zeros((2, 3), Place::Memory, &ctx).unwrap();
    let kind = |error: outcore::Error| error.kind();
    assert_eq!(kind(Ilu0::<f64>::new(&wide, None, &ctx).unwrap_err()), ErrorKind::Shape);
    assert_eq!(kind(BlockJacobi::<f64>::new(&wide, 1, &ctx).unwrap_err()), ErrorKind::Shape);
    let jacobi = Jacobi::<f64>::new(&wide, ZeroDiagonal::IsOne, &ctx);
    assert_eq!(kind(jacobi.unwrap_err()), ErrorKind::Shape);

    let hole = |value: f64| {
        let data = vec![2.0, 1.0, value, 1.0, 3.0];
        Csr::<f64>::from_parts((3, 3), vec![0, 1, 3, 5], vec![0, 0, 1, 0, 2], data).unwrap()
    };
    let row_1 = Some(&Location::Row(1));
    for value in [0.0, f64::NAN, f64::INFINITY] {
        let a = hole(value);
        let errors = [
            Jacobi::<f64>::new(&a, ZeroDiagonal::Fails, &ctx).unwrap_err(),
            BlockJacobi::<f64>::new(&a, 1, &ctx).unwrap_err(),
            Ilu0::<f64>::new(&a, None, &ctx).unwrap_err(),
            Ic0::<f64>::new(&a, &Default::default(), &ctx).unwrap_err(),
            Ssor::<f64>::new(&a, 1.0, None, &ctx).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.kind(), error.location()), (ErrorKind::Value, row_1), "{error}");
        }
    }
    let ones = Jacobi::<f64>::new(&hole(0.0), ZeroDiagonal::IsOne, &ctx).unwrap();
    assert_eq!(ones.matvec(&[2.0, 2.0, 3.0]).unwrap(), [1.0, 2.0, 1.0]);
    let nan = Jacobi::<f64>::new(&hole(f64::NAN), ZeroDiagonal::IsOne, &ctx);
    assert_eq!(kind(nan.unwrap_err()), ErrorKind::Value);
    // A negative diagonal, and one that is not real.
    let negative = Ic0::<f64>::new(&hole(-1.0), &Default::default(), &ctx).unwrap_err();
    assert_eq!((negative.kind(), negative.location()), (ErrorKind::Value, row_1));
    let turned =
        Csr::<Complex<f64>>::from_parts((1, 1), vec![0, 1], vec![0], vec![Complex::new(1.0, 0.5)]);
    let error = Ic0::<Complex<f64>>::new(&turned.unwrap(), &Default::default(), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);

    let a = poisson(&[5]);
    for omega in [0.0, 2.0, -1.0, f64::NAN] {
        assert_eq!(kind(Ssor::<f64>::new(&a, omega, None, &ctx).unwrap_err()), ErrorKind::Value);
    }
    assert_eq!(kind(Ilu0::<f64>::new(&a, Some(0), &ctx).unwrap_err()), ErrorKind::Format);
    assert_eq!(kind(BlockJacobi::<f64>::new(&a, 0, &ctx).unwrap_err()), ErrorKind::Format);
    for shift in [-1.0, f64::NAN, f64::INFINITY] {
        let options = Ic0Options { shift, ..Default::default() };
        assert_eq!(kind(Ic0::<f64>::new(&a, &options, &ctx).unwrap_err()), ErrorKind::Value);
    }
    // A bad index of a file is found on the way.
    let token = CancelToken::new();
    token.cancel();
    let cancelled = ctx.clone().cancel(token);
    assert_eq!(kind(Ilu0::<f64>::new(&a, None, &cancelled).unwrap_err()), ErrorKind::Cancelled);
    let m = Ilu0::<f64>::new(&a, None, &ctx).unwrap();
    let error = m.apply(&[0.0; 5], &mut [0.0; 5], &cancelled).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn a_matrix_without_rows_has_preconditioners() {
    let (a, ctx) = (poisson(&[0]), ctx(2));
    assert!(Ilu0::<f64>::new(&a, None, &ctx).unwrap().matvec(&[]).unwrap().is_empty());
    assert!(
        Ic0::<f64>::new(&a, &Default::default(), &ctx).unwrap().matvec(&[]).unwrap().is_empty()
    );
    assert!(Ssor::<f64>::new(&a, 1.0, Some(4), &ctx).unwrap().matvec(&[]).unwrap().is_empty());
    assert!(BlockJacobi::<f64>::new(&a, 4, &ctx).unwrap().matvec(&[]).unwrap().is_empty());
    let jacobi = Jacobi::<f64>::new(&a, ZeroDiagonal::Fails, &ctx).unwrap();
    assert!(jacobi.matvec(&[]).unwrap().is_empty());
}

#[test]
fn a_block_whose_pivot_fails_is_factored_again() {
    // Kershaw's matrix: positive definite, and its incomplete factor breaks down.
    let rows = [
        [3.0, -2.0, 0.0, 2.0],
        [-2.0, 3.0, -2.0, 0.0],
        [0.0, -2.0, 3.0, -2.0],
        [2.0, 0.0, -2.0, 3.0],
    ];
    let twice = |i: usize, j: usize| if i / 4 == j / 4 { rows[i % 4][j % 4] } else { 0.0 };
    let entries = (0..8).flat_map(|i| (0..8).map(move |j| (i, j)));
    let entries = entries.map(|(i, j)| (i, j, twice(i, j))).filter(|&(_, _, x)| x != 0.0);
    let a = Csr::<f64>::from_triplets((8, 8), entries, Default::default()).unwrap();
    let strict = Ic0Options { retries: 0, ..Default::default() };
    let error = Ic0::<f64>::new(&a, &strict, &ctx(2)).unwrap_err();
    assert_eq!((error.kind(), error.location()), (ErrorKind::Value, Some(&Location::Row(3))));
    let m = Ic0::<f64>::new(&a, &Default::default(), &ctx(2)).unwrap();
    assert!(m.failures() > 0 && m.shift() > 0.0, "{} {}", m.failures(), m.shift());
    let b = a.matvec(&uneven(8)).unwrap();
    let options = SolveOptions { precond: Some(&m), rtol: 1e-12, ..Default::default() };
    assert!(cg(&a, &b, &options, &ctx(2)).unwrap().converged);
    // The shift that was found works at once.
    let again = Ic0Options { shift: m.shift(), retries: 0, blocks: None };
    let again = Ic0::<f64>::new(&a, &again, &ctx(2)).unwrap();
    assert_eq!(again.matvec(&b).unwrap(), m.matvec(&b).unwrap());
}

#[test]
fn fewer_iterations_with_each() {
    let (a, ctx) = (poisson(&[30, 30, 10]), ctx(2));
    let b = a.matvec(&uneven(a.nrows())).unwrap();
    let iterations = |precond: Option<&(dyn LinearOperator<f64> + Sync)>| {
        let options = SolveOptions { precond, rtol: 1e-10, ..Default::default() };
        let solved = cg(&a, &b, &options, &ctx).unwrap();
        assert!(solved.converged, "{:?}", solved.reason);
        solved.iterations
    };
    let plain = iterations(None);
    let ic = Ic0::<f64>::new(&a, &Default::default(), &ctx).unwrap();
    let ilu = Ilu0::<f64>::new(&a, None, &ctx).unwrap();
    let ssor = Ssor::<f64>::new(&a, 1.5, None, &ctx).unwrap();
    let blocks = BlockJacobi::<f64>::new(&a, 30, &ctx).unwrap();
    let bounds = spectral_bounds::<f64>(&a, 10, &ctx).unwrap();
    let chebyshev = Chebyshev::<f64, _>::new(&a, 7, (bounds.lo, bounds.hi)).unwrap();
    let found = [
        iterations(Some(&ic)),
        iterations(Some(&ilu)),
        iterations(Some(&ssor)),
        iterations(Some(&blocks)),
        iterations(Some(&chebyshev)),
    ];
    assert!(found[..3].iter().all(|found| 2 * found < plain), "{plain}: {found:?}");
    assert!(found[3] < plain && 2 * found[4] < plain, "{plain}: {found:?}");
    // The same factors: of a symmetric M-matrix ILU(0) is IC(0).
    assert!(found[0].abs_diff(found[1]) <= 1);
}
