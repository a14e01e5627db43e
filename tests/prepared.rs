//! Products of matrices larger than the memory limit: the bits of the product in memory, one pass, pinned panels.

use num_complex::Complex;
use outcore::linalg::{LinearOperator, Matrix, Operator};
use outcore::{Context, Csr, Dense, DenseMut, ErrorKind, Order, Place};
use tempfile::tempdir;

/// Numbers that make every rounding visible.
fn vector(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 / (i % 997 + 1) as f64 - 0.3).collect()
}

/// Compares the streamed operator of a stored matrix with the same matrix in memory, bit for bit.
fn same_bits<M>(stored: &M, resident: &dyn LinearOperator<f64>, limit: u64)
where
    M: Matrix + LinearOperator<f64>,
    Operator<M>: LinearOperator<f64>,
{
    let free = Context::new();
    let (nrows, ncols) = LinearOperator::shape(stored);
    let (x, z, block) = (vector(ncols), vector(nrows), vector(3 * ncols));
    let (mut y, mut w, mut rows) = (vec![0.0; nrows], vec![0.0; ncols], vec![0.0; 3 * nrows]);
    resident.apply(&x, &mut y, &free).unwrap();
    resident.apply_adjoint(&z, &mut w, &free).unwrap();
    resident.apply_block(3, &block, &mut rows, &free).unwrap();
    for threads in [1, 2, 3] {
        let ctx = Context::new().memory_limit(limit).threads(threads).unwrap();
        let operator = Operator::with_vectors(stored, 0, &ctx).unwrap();
        for sweep in 1..4 {
            let (mut y2, mut w2) = (vec![f64::NAN; nrows], vec![f64::NAN; ncols]);
            let mut rows2 = vec![f64::NAN; 3 * nrows];
            operator.apply(&x, &mut y2, &ctx).unwrap();
            operator.apply_adjoint(&z, &mut w2, &ctx).unwrap();
            operator.apply_block(3, &block, &mut rows2, &ctx).unwrap();
            assert!(y == y2 && w == w2 && rows == rows2, "{threads} threads, round {sweep}");
        }
        assert_eq!(operator.traffic().sweeps, 9);
        let (mut y2, mut w2) = (vec![f64::NAN; nrows], vec![f64::NAN; ncols]);
        stored.apply(&x, &mut y2, &ctx).unwrap();
        stored.apply_adjoint(&z, &mut w2, &ctx).unwrap();
        assert!(y == y2 && w == w2, "without preparing");
    }
}

#[test]
fn sparse_matrices_larger_than_the_limit() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let a = Csr::<f64>::random((30_000, 20_000), 0.005, 3, folder.path().join("a"), &ctx).unwrap();
    let resident = a.copy_to(Place::Memory, &ctx).unwrap();
    same_bits(&a, &resident, 16 << 20);
    let csc = resident.to_csc(folder.path().join("c"), &ctx).unwrap();
    let resident = csc.copy_to(Place::Memory, &ctx).unwrap();
    same_bits(&csc, &resident, 16 << 20);
    // A slice of a stored matrix starts in the middle of its files.
    let slice = a.row_range(7_000..29_001).unwrap();
    same_bits(&slice, &slice.copy_to(Place::Memory, &ctx).unwrap(), 16 << 20);
}

/// Bytes that a product reads when panels are pinned, and the bits of products.
fn read_by(stored: &Csr<f64>, limit: u64) -> u64 {
    let resident = stored.copy_to(Place::Memory, &Context::new()).unwrap();
    same_bits(stored, &resident, limit);
    let ctx = Context::new().memory_limit(limit);
    let operator = Operator::with_vectors(stored, 0, &ctx).unwrap();
    let (x, mut y) = (vector(stored.ncols()), vec![0.0; stored.nrows()]);
    for _ in 0..3 {
        let plan = ctx.plan(|ctx| operator.apply(&x, &mut y, ctx)).unwrap();
        let before = operator.traffic().bytes_read;
        let ((), report) = ctx.measure(|ctx| operator.apply(&x, &mut y, ctx)).unwrap();
        let read = operator.traffic().bytes_read - before;
        assert_eq!((plan.cost.bytes_read, report.actual.bytes_read), (read, read));
        assert!(report.actual.peak_memory <= limit, "{report}");
    }
    ctx.plan(|ctx| operator.apply(&x, &mut y, ctx)).unwrap().cost.bytes_read
}

#[test]
fn what_is_encoded_is_not_read_again() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    // Lines that differ only by their number, and values that repeat.
    let path = folder.path().join("grid");
    let grid = Csr::<f64>::poisson(&[60; 3], &path, &ctx).unwrap();
    assert_eq!(read_by(&grid, grid.bytes() / 4), 0);
    // Of few values, in columns near each other: numbers of the values.
    let few = Csr::<f64>::random((60_000, 60_000), 3e-4, 3, Place::Memory, &ctx).unwrap();
    let values: Vec<f64> = (0..few.nnz()).map(|i| (i * i % 251) as f64 - 0.7).collect();
    let few = few.with_data(values).unwrap().copy_to(folder.path().join("few"), &ctx).unwrap();
    assert_eq!(read_by(&few, few.bytes() / 2), 0);
    // Of many values: all of them, unless they are pinned.
    let values = vector(grid.nnz());
    let many = grid.pattern().with_data(values).unwrap();
    let many = many.copy_to(folder.path().join("many"), &ctx).unwrap();
    let (all, limit) = (8 * many.nnz() as u64, many.bytes() / 4);
    let read = read_by(&many, limit);
    assert!(read < all && read > all - limit, "{read} of {all}");
    // Far columns and many values: nothing is gained.
    let far = Csr::<f64>::random((2_000, 200_000), 1.2e-3, 3, folder.path().join("far"), &ctx);
    let far = far.unwrap();
    let limit = 4 << 20;
    let read = read_by(&far, limit);
    assert!(read < far.bytes() && read > far.bytes() - limit, "{read}");
}

#[test]
fn entries_of_every_type_are_encoded() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let grid = Csr::<f64>::poisson(&[50; 3], Place::Memory, &ctx).unwrap();
    let limit = |bytes: u64| (bytes / 3).max(3_300_000);
    let a = grid.map_values(folder.path().join("f32"), &ctx, |v| v as f32 / 3.0).unwrap();
    same_bits(&a, &a.copy_to(Place::Memory, &ctx).unwrap(), limit(a.bytes()));
    let a = grid.map_values(folder.path().join("i8"), &ctx, |v| v as i8).unwrap();
    same_bits(&a, &a.copy_to(Place::Memory, &ctx).unwrap(), limit(a.bytes()));
    let a = grid.map_values(folder.path().join("bool"), &ctx, |v| v > 0.0).unwrap();
    same_bits(&a, &a.copy_to(Place::Memory, &ctx).unwrap(), limit(a.bytes()));
    let a = grid.pattern().copy_to(folder.path().join("pattern"), &ctx).unwrap();
    same_bits(&a, &a.copy_to(Place::Memory, &ctx).unwrap(), limit(a.bytes()));
    let data: Vec<i64> = (0..grid.nnz() as i64).collect();
    let a = grid.pattern().with_data(data).unwrap();
    let a = a.copy_to(folder.path().join("i64"), &ctx).unwrap();
    same_bits(&a, &a.copy_to(Place::Memory, &ctx).unwrap(), limit(a.bytes()));
}

#[test]
fn pointers_that_do_not_fit_are_read_too() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let a = Csr::<f64, u32, u64>::poisson(&[1_500_000], folder.path().join("a"), &ctx).unwrap();
    let resident = a.copy_to(Place::Memory, &ctx).unwrap();
    same_bits(&a, &resident, 34 << 20);
    let pattern = a.pattern().copy_to(folder.path().join("p"), &ctx).unwrap();
    same_bits(&pattern, &resident.pattern(), 28 << 20);
}

#[test]
fn dense_matrices_larger_than_the_limit() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for (name, order) in [("c", Order::C), ("f", Order::Fortran)] {
        let path = folder.path().join(name);
        let mut a = DenseMut::<f64>::create((30_001, 150), order, &path, &ctx).unwrap();
        a.as_mut_slice().copy_from_slice(&vector(30_001 * 150));
        let a = a.freeze().unwrap();
        let resident = a.copy_to(Place::Memory, &ctx).unwrap();
        // Two panels of the lines that are summed together, and the vectors of a product without preparing.
        same_bits(&a, &resident, 18 << 20);
    }
    let raw = folder.path().join("raw");
    let bytes: Vec<u8> = (0..12_000_000u32).flat_map(|i| (i as f32).to_le_bytes()).collect();
    std::fs::write(&raw, &bytes).unwrap();
    let a = Dense::<f32>::from_raw(&raw, 4, (109_000, 110), Order::C).unwrap();
    let resident = a.copy_to(Place::Memory, &ctx).unwrap();
    same_bits(&a, &resident, 16 << 20);
}

#[test]
fn both_ways_give_the_bits_of_the_matrix() {
    fn check<M: Matrix + LinearOperator<f64>>(a: &M)
    where
        Operator<M>: LinearOperator<f64>,
    {
        let (nrows, ncols) = LinearOperator::shape(a);
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let operator = Operator::with_adjoint(a, &ctx).unwrap();
            for k in [1, 3] {
                let (x, z) = (vector(k * ncols), vector(k * nrows));
                let (mut y, mut y2) = (vec![0.0; k * nrows], vec![f64::NAN; k * nrows]);
                let (mut w, mut w2) = (vec![0.0; k * ncols], vec![f64::NAN; k * ncols]);
                a.apply_block(k, &x, &mut y, &ctx).unwrap();
                operator.apply_block(k, &x, &mut y2, &ctx).unwrap();
                a.apply_adjoint_block(k, &z, &mut w, &ctx).unwrap();
                operator.apply_adjoint_block(k, &z, &mut w2, &ctx).unwrap();
                assert!(y == y2 && w == w2, "{threads} threads, {k} vectors");
            }
        }
    }
    let ctx = Context::new();
    // A grid, rows that repeat nothing, and columns far apart.
    let grid = Csr::<f64>::poisson(&[30; 3], Place::Memory, &ctx).unwrap();
    let dense = Csr::<f64>::random((700, 900), 0.2, 5, Place::Memory, &ctx).unwrap();
    let wide = Csr::<f64>::random((5_000, 600_000), 0.00002, 5, Place::Memory, &ctx).unwrap();
    for a in [grid, dense, wide] {
        check(&a);
        check(&a.to_csc(Place::Memory, &ctx).unwrap());
    }
}

/// A matrix of one value stores none when it is prepared: on a grid, on a graph without locality, complex and
/// conjugated.
#[test]
fn matrices_of_one_value_keep_their_bits() {
    let ctx = Context::new();
    let grid = Csr::<f64>::poisson(&[30; 3], Place::Memory, &ctx).unwrap().pattern();
    let graph = Csr::<f64>::random((4000, 600_000), 1e-4, 3, Place::Memory, &ctx).unwrap();
    for (pattern, scattered) in [(grid, false), (graph.pattern(), true)] {
        let a = pattern.with_data(vec![0.3; pattern.nnz()]).unwrap();
        let value = Complex::new(0.3, -0.7);
        let complex = pattern.with_data(vec![value; pattern.nnz()]).unwrap();
        let (x, z) = (vector(3 * a.ncols()), vector(a.nrows()));
        let turned: Vec<_> = z.iter().map(|&z| Complex::new(z, 1.0 - z)).collect();
        for threads in [1, 2, 3, 8] {
            let ctx = Context::new().threads(threads).unwrap();
            let operator = Operator::with_adjoint(&a, &ctx).unwrap();
            let single = &x[..a.ncols()];
            assert!(operator.matvec(single).unwrap() == a.matvec(single).unwrap());
            assert!(operator.rmatvec(&z).unwrap() == a.rmatvec(&z).unwrap());
            let (mut y, mut expected) = (vec![0.0; 3 * a.nrows()], vec![0.0; 3 * a.nrows()]);
            operator.apply_block(3, &x, &mut y, &ctx).unwrap();
            a.apply_block(3, &x, &mut expected, &ctx).unwrap();
            assert!(y == expected);
            let operator = Operator::with_adjoint(&complex, &ctx).unwrap();
            assert!(operator.rmatvec(&turned).unwrap() == complex.rmatvec(&turned).unwrap());
        }
        let operator = Operator::new(&a, &ctx).unwrap();
        let mut y = vec![0.0; a.nrows()];
        let ((), cost) = ctx.measure(|ctx| operator.apply(&x[..a.ncols()], &mut y, ctx)).unwrap();
        assert!(cost.actual.peak_memory <= cost.plan.cost.peak_memory, "{scattered}");
        let operator = Operator::new(&complex, &ctx).unwrap();
        let (x, mut y) = (vec![value; a.ncols()], vec![value; a.nrows()]);
        let ((), cost) = ctx.measure(|ctx| operator.apply(&x, &mut y, ctx)).unwrap();
        assert!(cost.actual.peak_memory <= cost.plan.cost.peak_memory, "complex, {scattered}");
    }
}

#[test]
fn what_is_pinned_is_not_read_again() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let a = Csr::<f64>::random((50_000, 5_000), 0.02, 3, folder.path().join("a"), &ctx).unwrap();
    let bytes = a.bytes();
    let ctx = Context::new().memory_limit(bytes * 3 / 4);
    let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
    let x = vector(5_000);
    let mut y = vec![0.0; 50_000];
    operator.apply(&x, &mut y, &ctx).unwrap();
    let first = operator.traffic().bytes_read;
    operator.apply(&x, &mut y, &ctx).unwrap();
    let second = operator.traffic().bytes_read - first;
    // The structure was kept when it was encoded, so only values are read.
    let values = 8 * a.nnz() as u64;
    assert_eq!(first, values);
    assert!(second < values * 7 / 10, "{second} of {values}");
}

#[test]
fn limits_that_are_too_small_say_what_is_needed() {
    let folder = tempdir().unwrap();
    let a = Csr::<f64>::poisson(&[400, 400], folder.path().join("a"), &Context::new()).unwrap();
    let little = Context::new().memory_limit(5_000_000);
    let error = Operator::with_vectors(&a, 5_120_000, &little).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(error.to_string().contains("more than 5120000 bytes"), "{error}");
    let error =
        Operator::with_vectors(&a, 0, &Context::new().memory_limit(300 << 10)).err().unwrap();
    assert!(error.to_string().contains("for reading"), "{error}");
}

#[test]
fn a_bad_index_in_a_panel_is_named() {
    use std::os::unix::fs::FileExt;
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let ctx = Context::new().memory_limit(16 << 20);
    let n = Csr::<f64>::random((30_000, 20_000), 0.005, 3, &path, &Context::new()).unwrap().nnz();
    let file = std::fs::OpenOptions::new().write(true).open(path.join("indices_1.npy")).unwrap();
    file.write_all_at(&20_000u32.to_le_bytes(), 4096 + 4 * (n as u64 - 5)).unwrap();
    let a = Csr::<f64>::open(&path).unwrap();
    let operator = Operator::with_vectors(&a, 0, &ctx).unwrap();
    let (x, mut y) = (vector(20_000), vec![0.0; 30_000]);
    for _ in 0..2 {
        let error = operator.apply(&x, &mut y, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index);
        assert!(error.to_string().contains("indices_1.npy"), "{error}");
    }
    let (x, mut y) = (vector(30_000), vec![0.0; 20_000]);
    assert_eq!(operator.apply_adjoint(&x, &mut y, &ctx).unwrap_err().kind(), ErrorKind::Index);
}
