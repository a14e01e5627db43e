//! Several products in one pass: the bits of single products, and what they cost.

use std::sync::OnceLock;

use num_complex::Complex;
use outcore::linalg::{Level, LinearOperator, Operator, Scalar};
use outcore::{CancelToken, Context, Csr, DenseMut, ErrorKind, Order, Place};
use tempfile::{TempDir, tempdir};

use crate::plans::compare;

/// Numbers that make every rounding visible.
pub(crate) fn number(i: usize) -> f64 {
    1.0 / (i * 7919 % 997 + 1) as f64 - 0.3
}

pub(crate) fn vector(n: usize) -> Vec<f64> {
    (0..n).map(number).collect()
}

/// A square matrix with these diagonals, whose values repeat nowhere.
fn diagonals(n: usize, offsets: &[isize]) -> Csr<f64> {
    let values = vector(n + 1000);
    let of = |offset: isize| (offset, &values[offset.unsigned_abs() % 500..]);
    let bands: Vec<_> = offsets.iter().map(|&offset| of(offset)).collect();
    let bands: Vec<_> = bands
        .iter()
        .map(|(offset, values)| (*offset, &values[..n - offset.unsigned_abs()]))
        .collect();
    Csr::diags((n, n), &bands, Place::Memory, &Context::new()).unwrap()
}

/// A recurrence that uses everything it is given, and a vector of the caller's.
fn step<X: Scalar>(k: usize, constant: &[X], level: Level<'_, X>) {
    assert_eq!(level.next.len(), level.rows.len() * k);
    let (j, rows) = (level.level, level.rows.clone());
    let number = |x: f64| X::from_f64(x);
    let own = &constant[rows.start * k..rows.end * k];
    let Level { next, current, previous, .. } = level;
    assert_eq!(previous.len(), if j == 0 { 0 } else { next.len() });
    for (i, next) in next.iter_mut().enumerate() {
        let before = previous.get(i).copied().unwrap_or(X::zero());
        let shifted = *next - number(0.1 * j as f64) * current[i];
        *next = shifted + number(0.25) * before + own[i];
    }
}

/// The same with single products.
fn expected<X: Scalar>(
    a: &dyn LinearOperator<X>,
    (k, levels): (usize, usize),
    start: &[X],
    constant: &[X],
) -> Vec<Vec<X>> {
    let mut all = vec![start.to_vec()];
    for j in 0..levels {
        let mut next = vec![X::zero(); start.len()];
        a.apply_block(k, &all[j], &mut next, &Context::new()).unwrap();
        let previous = if j == 0 { &[][..] } else { &all[j - 1] };
        let rows = 0..start.len() / k;
        let level = Level { level: j, rows, next: &mut next, current: &all[j], previous };
        step(k, constant, level);
        all.push(next);
    }
    all
}

/// Powers with `buffers` buffers, those that are not read full of NaN.
fn powers<X: Scalar>(
    a: &dyn LinearOperator<X>,
    (k, levels): (usize, usize),
    (start, constant): (&[X], &[X]),
    buffers: usize,
    ctx: &Context,
) -> outcore::Result<Vec<Vec<X>>> {
    let mut all = vec![vec![X::from_f64(f64::NAN); start.len()]; buffers];
    all[0].copy_from_slice(start);
    let mut vectors: Vec<&mut [X]> = all.iter_mut().map(|vector| &mut vector[..]).collect();
    a.apply_powers(k, levels, &mut vectors, &|level| step(k, constant, level), ctx)?;
    Ok(all)
}

/// Compares powers of an operator with single products, for several numbers of levels and buffers.
fn same_powers<X: Scalar>(
    a: &dyn LinearOperator<X>,
    reference: &[Vec<X>],
    k: usize,
    constant: &[X],
    ctx: &Context,
    what: &str,
) {
    for levels in [1, reference.len() - 1] {
        for buffers in if levels == 1 { vec![2] } else { vec![2, 3, levels + 1] } {
            let operands = (&reference[0][..], constant);
            let made = powers(a, (k, levels), operands, buffers, ctx).unwrap();
            for (j, expected) in reference.iter().enumerate().take(levels + 1) {
                if j + buffers > levels {
                    let same = made[j % buffers] == *expected;
                    assert!(same, "{what}: level {j} of {levels}, {k} vectors, {buffers} buffers");
                }
            }
        }
    }
}

/// Matrices with near and far columns, whose structure is encoded in every way.
pub(crate) fn matrices() -> &'static [(&'static str, Csr<f64>)] {
    static MATRICES: OnceLock<Vec<(&'static str, Csr<f64>)>> = OnceLock::new();
    MATRICES.get_or_init(|| {
        let ctx = Context::new();
        let near: Vec<isize> = (-9..=9).collect();
        let grid = Csr::<f64>::poisson(&[300, 100], Place::Memory, &ctx).unwrap();
        let values = vector(grid.nnz());
        let n = 12_000;
        // Every row has its own columns, near the diagonal.
        let scattered = (0..20 * n).map(|e| {
            let (i, hash): (usize, usize) = (e / 20, e * 2_654_435_761 % 4093);
            (i, (i + hash).saturating_sub(2046).min(n - 1), number(e))
        });
        let sum = outcore::Duplicates::Sum;
        let scattered =
            Csr::from_triplets_with((n, n), scattered, sum, Place::Memory, &ctx).unwrap();
        vec![
            ("near", diagonals(24_000, &near)),
            ("lower", diagonals(30_000, &[-700, -41, -8, -7, -6, -5, -4, -3, -2, 0])),
            ("upper", diagonals(30_000, &[0, 1, 2, 3, 4, 5, 6, 7, 900])),
            ("varied grid", grid.pattern().with_data(values).unwrap()),
            ("scattered", scattered),
        ]
    })
}

/// A limit under which a matrix is read, and as much more for the vectors as an operator leaves for them.
fn small(a: &Csr<f64>) -> u64 {
    (a.bytes() / 3).max(5 << 19)
}

#[test]
fn levels_in_a_sweep_have_the_bits_of_single_products() {
    let folder = tempdir().unwrap();
    for (name, a) in matrices() {
        let stored = a.copy_to(folder.path().join(name), &Context::new()).unwrap();
        for k in [1, 3] {
            let (start, constant) = (vector(k * a.nrows()), vector(k * a.nrows()));
            let reference = expected(a, (k, 6), &start, &constant);
            for threads in if k == 1 { &[1, 2, 3, 8][..] } else { &[2] }.iter().copied() {
                let ctx = Context::new().threads(threads).unwrap();
                let operator = Operator::new(a, &ctx).unwrap();
                let what = format!("{name} in memory, {threads} threads");
                same_powers(&operator, &reference, k, &constant, &ctx, &what);
                let ctx = Context::new().threads(threads).unwrap().memory_limit(small(a));
                let operator = Operator::with_vectors(&stored, 0, &ctx).unwrap();
                let what = format!("{name} from its file, {threads} threads");
                same_powers(&operator, &reference, k, &constant, &ctx, &what);
            }
            same_powers(a, &reference, k, &constant, &Context::new(), "without preparing");
        }
    }
}

#[test]
fn compressed_columns_use_their_transpose_in_memory() {
    let folder = tempdir().unwrap();
    for (name, a) in &matrices()[..4] {
        let a = a.to_csc(folder.path().join(name), &Context::new()).unwrap();
        let (start, constant) = (vector(a.nrows()), vector(a.nrows()));
        let reference = expected(&a, (1, 5), &start, &constant);
        let ctx = Context::new().threads(2).unwrap();
        let both = Operator::with_adjoint(&a, &ctx).unwrap();
        same_powers(&both, &reference, 1, &constant, &ctx, name);
        let ctx = Context::new().memory_limit(a.bytes() * 3 / 4);
        let streamed = Operator::with_vectors(&a, 0, &ctx).unwrap();
        same_powers(&streamed, &reference, 1, &constant, &ctx, name);
        let plan = ctx.plan(|ctx| powers(&streamed, (1, 5), (&start, &constant), 2, ctx)).unwrap();
        assert_eq!(plan.cost.passes, 5);
    }
}

/// A band matrix in a file, several times the limit of the context.
fn band(folder: &TempDir) -> (Csr<f64>, Context) {
    let offsets: Vec<isize> = (-16..=16).collect();
    let a = diagonals(60_000, &offsets).copy_to(folder.path().join("a"), &Context::new()).unwrap();
    let ctx = Context::new().memory_limit(a.bytes() / 4).scratch(folder.path());
    (a, ctx)
}

#[test]
fn a_sweep_reads_the_file_once_for_several_levels() {
    let folder = tempdir().unwrap();
    let (a, ctx) = band(&folder);
    let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
    let (start, constant) = (vector(a.nrows()), vector(a.nrows()));
    let operands = (&start[..], &constant[..]);
    let values = 8 * a.nnz() as u64;
    for (levels, sweeps) in [(1, 1), (8, 1), (20, 2), (8, 1)] {
        let plan = ctx.plan(|ctx| powers(&operator, (1, levels), operands, 2, ctx)).unwrap();
        let before = operator.traffic();
        let (_, report) =
            ctx.measure(|ctx| powers(&operator, (1, levels), operands, 2, ctx)).unwrap();
        compare(&report);
        assert_eq!(plan.cost.bytes_read, report.actual.bytes_read);
        assert!(report.actual.passes <= sweeps, "{levels} levels\n{report}");
        assert!(report.actual.bytes_read <= sweeps * values, "{report}");
        assert_eq!(operator.traffic().bytes_read - before.bytes_read, report.actual.bytes_read);
        assert!(report.actual.peak_memory <= ctx.memory_limit_bytes(), "{report}");
    }
}

#[test]
fn levels_that_do_not_fit_are_made_in_several_sweeps() {
    let folder = tempdir().unwrap();
    // A level needs a sixth of the matrix.
    let a = diagonals(120_000, &[-20_000, -3, -2, -1, 0, 1, 2, 3, 20_000]);
    let a = a.copy_to(folder.path().join("a"), &Context::new()).unwrap();
    let (start, constant) = (vector(a.nrows()), vector(a.nrows()));
    let operands = (&start[..], &constant[..]);
    let reference = expected(&a, (1, 12), &start, &constant);
    let mut cost = Vec::new();
    for limit in [4, 6, 9] {
        let ctx = Context::new().memory_limit(limit << 20);
        let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
        for _ in 0..2 {
            let (made, report) =
                ctx.measure(|ctx| powers(&operator, (1, 12), operands, 2, ctx)).unwrap();
            compare(&report);
            assert!(made[0] == reference[12] && made[1] == reference[11]);
            assert!(report.actual.peak_memory <= limit << 20, "{report}");
            cost.push((report.actual.bytes_read, report.actual.passes));
        }
    }
    // Where nearly all is pinned, more sweeps read less than larger windows.
    assert!(cost.is_sorted_by(|a, b| a.0 >= b.0) && cost[0].0 > 3 * cost[5].0, "{cost:?}");
    assert!((2..12).contains(&cost[0].1), "{cost:?}");
}

#[test]
fn graphs_and_dense_matrices_make_one_level_a_sweep() {
    let folder = tempdir().unwrap();
    let n = 4000;
    let path = folder.path().join("graph");
    let graph = Csr::<f64>::random((n, n), 0.05, 3, path, &Context::new()).unwrap();
    let mut dense =
        DenseMut::<f64>::create((700, 700), Order::C, folder.path().join("d"), &Context::new())
            .unwrap();
    dense.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = number(i) / 100.0);
    let dense = dense.freeze().unwrap();
    let ctx = Context::new().memory_limit(3 << 20);
    let graph = (&Operator::with_vectors(&graph, 0, &ctx).unwrap() as _, &graph as _, n);
    let dense = (&Operator::with_vectors(&dense, 0, &ctx).unwrap() as _, &dense as _, 700);
    let cases: [(&dyn LinearOperator<f64>, &dyn LinearOperator<f64>, usize); 2] = [graph, dense];
    for (operator, reference, n) in cases {
        let (start, constant) = (vector(n), vector(n));
        let reference = expected(reference, (1, 4), &start, &constant);
        let operands = (&start[..], &constant[..]);
        let (made, report) = ctx.measure(|ctx| powers(operator, (1, 4), operands, 5, ctx)).unwrap();
        compare(&report);
        assert!(made == reference);
        assert_eq!(report.actual.passes, 4);
    }
}

#[test]
fn complex_vectors_and_integers() {
    let ctx = Context::new().threads(2).unwrap();
    let a = &matrices()[0].1;
    let (n, i) = (a.nrows(), Complex::new(0.0, 1.0));
    let turned = |x: &[f64]| x.iter().map(|&x| i * x + 0.5).collect::<Vec<_>>();
    let (start, constant) = (turned(&vector(n)), turned(&vector(n)));
    let complex = a.map_values(Place::Memory, &ctx, |v| i * v + 1.0).unwrap();
    let folder = tempdir().unwrap();
    let stored = complex.copy_to(folder.path().join("a"), &ctx).unwrap();
    let little = Context::new().memory_limit(stored.bytes() / 2);
    let reference = expected(a, (1, 4), &start, &constant);
    same_powers(&Operator::new(a, &ctx).unwrap(), &reference, 1, &constant, &ctx, "real");
    let reference = expected(&complex, (1, 4), &start, &constant);
    let operator = Operator::new(&complex, &ctx).unwrap();
    same_powers(&operator, &reference, 1, &constant, &ctx, "complex");
    let operator = Operator::with_vectors(&stored, 0, &little).unwrap();
    same_powers(&operator, &reference, 1, &constant, &little, "complex, read");
    let plan = little.plan(|ctx| powers(&operator, (1, 4), (&start, &constant), 2, ctx)).unwrap();
    assert_eq!(plan.cost.passes, 1);
    // Integers beyond 2⁵³ are summed exactly, also here.
    let integers =
        a.pattern().with_data((0..a.nnz() as i64).map(|k| k << 40).collect::<Vec<_>>()).unwrap();
    let operator = Operator::new(&integers, &ctx).unwrap();
    let ones = vec![1.0; n];
    let reference = expected(&integers, (1, 1), &ones, &vec![0.0; n]);
    let made = powers(&operator, (1, 1), (&ones, &vec![0.0; n]), 2, &ctx).unwrap();
    assert!(made[1] == reference[1]);
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let ctx = Context::new();
    let wide = Csr::<f64>::random((30, 40), 0.1, 3, Place::Memory, &ctx).unwrap();
    let square = Csr::<f64>::eye(30);
    let combine = |level: Level<'_, f64>| level.recur(1.0, 0.0, 0.0);
    let refused = |a: &dyn LinearOperator<f64>, levels: usize, lengths: &[usize]| {
        let mut all: Vec<Vec<f64>> = lengths.iter().map(|&n| vec![0.0; n]).collect();
        let mut vectors: Vec<&mut [f64]> = all.iter_mut().map(|v| &mut v[..]).collect();
        let error = a.apply_powers(1, levels, &mut vectors, &combine, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    };
    let prepared = Operator::new(&square, &ctx).unwrap();
    for a in [&square as &dyn LinearOperator<f64>, &prepared] {
        refused(a, 2, &[30]);
        refused(a, 2, &[30, 31]);
        refused(a, 0, &[]);
        refused(a, 1, &[29, 29]);
    }
    refused(&wide, 1, &[40, 30]);
    refused(&Operator::new(&wide, &ctx).unwrap(), 1, &[40, 40]);
    let mut y = [0.0; 40];
    let error = wide.apply_normal(1, &[0.0; 30], &mut y, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    // No levels, no vectors, no rows.
    square.apply_powers(1, 0, &mut [&mut [0.0; 30]], &combine, &ctx).unwrap();
    prepared.apply_powers(0, 3, &mut [&mut [], &mut []], &combine, &ctx).unwrap();
    let nothing = Csr::<f64>::eye(0);
    nothing.apply_powers(1, 3, &mut [&mut [], &mut []], &combine, &ctx).unwrap();
    let nothing = Operator::new(&nothing, &ctx).unwrap();
    nothing.apply_powers(1, 3, &mut [&mut [], &mut []], &combine, &ctx).unwrap();
}

#[test]
fn a_sweep_is_cancelled_from_within_and_another_goes_on() {
    let folder = tempdir().unwrap();
    let (a, ctx) = band(&folder);
    let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
    let (start, constant) = (vector(a.nrows()), vector(a.nrows()));
    let reference = expected(&a, (1, 5), &start, &constant);
    let token = CancelToken::new();
    let (mut v, mut w) = (start.clone(), vec![0.0; a.nrows()]);
    let stop = |level: Level<'_, f64>| {
        if level.level == 3 {
            token.cancel();
        }
    };
    let cancelled = ctx.clone().cancel(token.clone());
    let error = operator.apply_powers(1, 5, &mut [&mut v, &mut w], &stop, &cancelled).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let made = powers(&operator, (1, 5), (&start, &constant), 6, &ctx).unwrap();
    assert!(made == reference);
}

#[test]
fn a_bad_index_in_a_sweep_is_named() {
    use std::os::unix::fs::FileExt;
    let folder = tempdir().unwrap();
    let (a, ctx) = band(&folder);
    let n = a.nnz() as u64;
    drop(a);
    let path = folder.path().join("a");
    let file = std::fs::OpenOptions::new().write(true).open(path.join("indices_1.npy")).unwrap();
    file.write_all_at(&60_000u32.to_le_bytes(), 4096 + 4 * (n - 5)).unwrap();
    let a = Csr::<f64>::open(&path).unwrap();
    let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
    let (start, constant) = (vector(60_000), vector(60_000));
    for _ in 0..2 {
        let error = powers(&operator, (1, 4), (&start, &constant), 2, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(error.to_string().contains("indices_1.npy"), "{error}");
    }
}
