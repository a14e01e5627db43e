//! What the tool draws and converts with: grids of entries, histograms, sums of two kinds, other indices, leftovers.

use outcore::num_complex::Complex;
use outcore::{
    AnyMatrix, Context, Coo, Csr, DType, Dense, Duplicates, ErrorKind, Order, Place, leftovers,
};
use tempfile::tempdir;

/// A matrix with rows of very different lengths, in every kind; in memory.
fn kinds(shape: (usize, usize), ctx: &Context) -> Vec<AnyMatrix> {
    let a = Csr::<f64>::random(shape, 0.05, 7, Place::Memory, ctx).unwrap();
    let longer = |row: usize, col: usize| {
        row.is_multiple_of(7) || col.is_multiple_of(3) || row > shape.0 / 2
    };
    let a = a.filter(Place::Memory, ctx, |row, col, _| longer(row, col)).unwrap();
    let a = AnyMatrix::from(a);
    let mut all = vec![
        AnyMatrix::from(a.to_csc(Place::Memory, ctx).unwrap()),
        AnyMatrix::from(a.to_coo(Place::Memory, ctx).unwrap()),
        a.to_indices(DType::Int64, Place::Memory, ctx).unwrap(),
    ];
    for order in [Order::C, Order::Fortran] {
        all.push(AnyMatrix::try_from(a.to_dense(order, Place::Memory, ctx).unwrap()).unwrap());
    }
    all.push(a);
    all
}

/// Entries of a matrix, one by one.
fn entries(a: &AnyMatrix, ctx: &Context) -> Vec<(usize, usize)> {
    let coo = AnyMatrix::from(a.to_coo(Place::Memory, ctx).unwrap());
    let coo = coo.to_indices(DType::Int64, Place::Memory, ctx).unwrap();
    let coo = Coo::<f64, u64>::try_from(coo).unwrap();
    let places = coo.row_indices().iter().zip(coo.col_indices().iter());
    places.map(|(&i, &j)| (i as usize, j as usize)).collect()
}

#[test]
fn cells_of_a_grid_count_their_entries() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    for shape in [(300, 217), (1, 90), (90, 1), (64, 64)] {
        for (k, a) in kinds(shape, &ctx).into_iter().enumerate() {
            let name = if a.format().is_none() { "npy" } else { "bspnpy" };
            let path = folder.path().join(format!("{}-{k}.{name}", shape.0));
            let stored = a.copy_to(&path, &ctx).unwrap();
            let all = entries(&a, &ctx);
            for cells in [(1, 1), (7, 5), (shape.0, shape.1), (shape.0, 1), (13, 64)] {
                let cells = (cells.0.min(shape.0), cells.1.min(shape.1));
                let mut expected = vec![0u64; cells.0 * cells.1];
                for (i, j) in &all {
                    expected[i * cells.0 / shape.0 * cells.1 + j * cells.1 / shape.1] += 1;
                }
                for threads in [1, 3] {
                    let ctx = Context::new().threads(threads).unwrap().memory_limit(4 << 20);
                    assert_eq!(a.nnz_grid(cells, &ctx).unwrap(), expected, "{a} {cells:?}");
                    assert_eq!(stored.nnz_grid(cells, &ctx).unwrap(), expected, "{stored}");
                }
            }
            for wrong in [(0, 1), (shape.0 + 1, 1), (1, shape.1 + 1)] {
                assert_eq!(a.nnz_grid(wrong, &ctx).unwrap_err().kind(), ErrorKind::Shape);
            }
        }
    }
}

#[test]
fn many_entries_are_counted_in_panels_within_a_limit() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let a = Coo::<()>::rmat(14, 64, 5, Place::Memory, &ctx).unwrap();
    let a = AnyMatrix::from(a);
    let path = folder.path().join("a.bspnpy");
    let coo = a.copy_to(folder.path().join("c.bspnpy"), &ctx).unwrap();
    let csr = AnyMatrix::from(a.to_csr_with(Duplicates::Keep, &path, &ctx).unwrap());
    let small = Context::new().memory_limit(3 << 20).threads(2).unwrap();
    let ((found, report), whole) = (
        small.measure(|ctx| csr.nnz_grid((200, 200), ctx)).unwrap(),
        coo.nnz_grid((200, 200), &small).unwrap(),
    );
    assert_eq!(found, whole);
    assert_eq!(found.iter().sum::<u64>(), a.nnz() as u64);
    assert!(report.actual.peak_memory <= 3 << 20, "{report}");
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    assert_eq!(report.actual.bytes_read, report.plan.cost.bytes_read, "{report}");
    assert_eq!(report.actual.passes, 1);
    // A grid that does not fit is refused before any of it is made.
    let error = csr.nnz_grid((16_384, 16_384), &small).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

#[test]
fn a_grid_of_no_entries_and_of_bad_indices() {
    let ctx = Context::new();
    let none = AnyMatrix::from(Csr::<f32>::from_triplets((5, 5), [], Duplicates::Sum).unwrap());
    assert_eq!(none.nnz_grid((2, 2), &ctx).unwrap(), [0; 4]);
    let nothing = AnyMatrix::from(Csr::<f32>::from_triplets((0, 3), [], Duplicates::Sum).unwrap());
    assert_eq!(nothing.nnz_grid((1, 3), &ctx).unwrap(), [0; 3]);
    let bad = Csr::<f32>::from_parts((2, 2), vec![0, 1, 2], vec![0, 1], vec![1.0; 2]).unwrap();
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.bspnpy");
    bad.copy_to(&path, &ctx).unwrap();
    let indices = path.join("indices_1.npy");
    let mut bytes = std::fs::read(&indices).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&9u32.to_le_bytes());
    std::fs::write(&indices, bytes).unwrap();
    let error = outcore::open(&path).unwrap().nnz_grid((1, 1), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
    assert!(error.to_string().contains("indices_1.npy"), "{error}");
}

#[test]
fn values_are_distributed_over_intervals() {
    let ctx = Context::new();
    let values = vec![-2.0, -1.0, 0.0, 1.0, 1.0, f64::NAN, 3.0, f64::INFINITY];
    let a = AnyMatrix::from(Csr::<f64>::eye(8).with_data(values).unwrap());
    assert_eq!(a.extremes(&ctx).unwrap(), Some((-2.0, f64::INFINITY)));
    assert_eq!(a.histogram(&[-2.0, 0.0, 1.0, 3.0], &ctx).unwrap(), [2, 1, 3]);
    assert_eq!(a.histogram(&[5.0, 6.0], &ctx).unwrap(), [0]);
    assert_eq!(a.histogram(&[5.0, 5.0], &ctx).unwrap_err().kind(), ErrorKind::Format);
    assert_eq!(a.pattern().unwrap().histogram(&[0.5, 1.5], &ctx).unwrap(), [8]);
    let complex = AnyMatrix::from(Csr::<Complex<f32>>::eye(2));
    assert_eq!(complex.extremes(&ctx).unwrap_err().kind(), ErrorKind::Type);
    let none = AnyMatrix::from(Csr::<f64>::from_triplets((5, 5), [], Duplicates::Sum).unwrap());
    assert_eq!(none.extremes(&ctx).unwrap(), None);
    // Many values, over several panels.
    let many = Dense::from(ndarray::Array1::from_iter((0..100_000).map(|k| (k % 10) as f32)));
    let many = AnyMatrix::try_from(outcore::AnyDense::from(many)).unwrap();
    let counts = many.histogram(&[0.0, 4.5, 9.0], &ctx.memory_limit(1 << 20)).unwrap();
    assert_eq!(counts, [50_000, 50_000]);
}

#[test]
fn matrices_of_two_kinds_are_added() {
    let ctx = Context::new();
    let all = kinds((40, 30), &ctx);
    let dense = |a: &AnyMatrix| {
        Dense::<f64>::try_from(
            AnyMatrix::try_from(a.to_dense(Order::C, Place::Memory, &ctx).unwrap()).unwrap(),
        )
        .unwrap()
    };
    let one = dense(&all[0]);
    for a in &all {
        for b in &all {
            let sum = a.add(b, Place::Memory, &ctx).unwrap();
            let either_is_dense = a.format().is_none() || b.format().is_none();
            assert_eq!(sum.format().is_none(), either_is_dense, "{a} and {b}");
            let twice: Vec<f64> = one.as_slice().iter().map(|x| x + x).collect();
            assert_eq!(dense(&sum).as_slice(), twice);
            let none = a.sub(b, Place::Memory, &ctx).unwrap();
            assert_eq!(none.norm_fro::<f64>(&ctx).unwrap(), 0.0);
            let squares = a.multiply(b, Place::Memory, &ctx).unwrap();
            let expected: Vec<f64> = one.as_slice().iter().map(|x| x * x).collect();
            assert_eq!(dense(&squares).as_slice(), expected);
        }
    }
}

#[test]
fn dense_matrices_are_sliced() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    for (k, a) in kinds((80, 70), &ctx).into_iter().enumerate() {
        if let AnyMatrix::Coo(_) = a {
            let error = a.slice(0..1, 0..1, Place::Memory, &ctx).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            continue;
        }
        let ending = if a.format().is_none() { "npy" } else { "bspnpy" };
        let stored = a.copy_to(folder.path().join(format!("{k}.{ending}")), &ctx).unwrap();
        for (rows, cols) in [(3..40, 5..70), (0..80, 0..70), (7..7, 1..2), (79..80, 0..3)] {
            let expected = kinds((80, 70), &ctx)[5]
                .slice(rows.clone(), cols.clone(), Place::Memory, &ctx)
                .unwrap();
            let part = stored.slice(rows.clone(), cols.clone(), Place::Memory, &ctx).unwrap();
            assert_eq!((part.shape(), part.format()), ((rows.len(), cols.len()), a.format()));
            let apart = part.sub(&expected, Place::Memory, &ctx).unwrap();
            assert_eq!(apart.norm_fro::<f64>(&ctx).unwrap(), 0.0, "{a} {rows:?} {cols:?}");
        }
        let error = stored.slice(0..81, 0..1, Place::Memory, &ctx).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Shape, "{error}");
    }
}

#[test]
fn indices_of_either_width_hold_the_same_matrix() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    for (k, a) in kinds((50, 60), &ctx).into_iter().enumerate() {
        if a.format().is_none() {
            let error = a.to_indices(DType::Int64, Place::Memory, &ctx).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            continue;
        }
        let path = folder.path().join(format!("{k}.bspnpy"));
        let wide = a.to_indices(DType::Int64, &path, &ctx).unwrap();
        let narrow = wide.to_indices(DType::Int32, Place::Memory, &ctx).unwrap();
        assert_eq!(wide.index_dtype(), Some(DType::Int64));
        assert_eq!((narrow.index_dtype(), narrow.format()), (Some(DType::Int32), a.format()));
        assert_eq!(entries(&narrow, &ctx), entries(&a, &ctx));
        assert_eq!(entries(&wide, &ctx), entries(&a, &ctx));
        assert_eq!(
            a.to_indices(DType::Int8, Place::Memory, &ctx).unwrap_err().kind(),
            ErrorKind::Type
        );
    }
    let long =
        AnyMatrix::from(Coo::<(), u64>::from_triplets((1, 1 << 33), [(0, 1 << 32, ())]).unwrap());
    let error = long.to_indices(DType::Int32, Place::Memory, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Type);
}

#[test]
fn duplicates_are_treated_as_asked() {
    let ctx = Context::new();
    let list = [(1, 0, 1i32), (0, 1, 2), (1, 0, 3)];
    let coo = AnyMatrix::from(Coo::<i32>::from_triplets((2, 2), list).unwrap());
    let kept = AnyMatrix::from(coo.to_csr_with(Duplicates::Keep, Place::Memory, &ctx).unwrap());
    for a in [&coo, &kept] {
        let csr = a.to_csr_with(Duplicates::Sum, Place::Memory, &ctx).unwrap();
        assert_eq!(Csr::<i32>::try_from(csr).unwrap().get(1, 0).unwrap(), Some(4));
        assert_eq!(a.to_csc_with(Duplicates::Keep, Place::Memory, &ctx).unwrap().nnz(), 3);
        let refused = a.to_csc_with(Duplicates::Refuse, Place::Memory, &ctx).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Duplicate);
    }
}

#[test]
fn what_a_dead_process_left_is_listed_and_removed() {
    let folder = tempdir().unwrap();
    let mut made = Vec::new();
    for (name, mark) in [(".a.npy.tmp-x1Y2z3", true), (".b.tmp-other", false)] {
        let hidden = folder.path().join(name);
        std::fs::create_dir(&hidden).unwrap();
        std::fs::write(hidden.join("array.npy"), [0; 100]).unwrap();
        if mark {
            std::fs::write(hidden.join("outcore-stage"), []).unwrap();
        }
        made.push(hidden);
    }
    // The folder of a living maker stays.
    let living = std::fs::File::create(made[0].join("outcore-stage")).unwrap();
    living.lock().unwrap();
    assert_eq!(leftovers(&folder).unwrap(), []);
    drop(living);
    let found = leftovers(&folder).unwrap();
    assert_eq!(
        found.iter().map(|left| (left.path(), left.bytes())).collect::<Vec<_>>(),
        [(made[0].as_path(), 100)]
    );
    assert!(found[0].remove().unwrap() && !made[0].exists() && made[1].exists());
    assert!(found[0].remove().unwrap(), "it is gone");
    assert!(leftovers(folder.path().join("none")).is_err());
}
