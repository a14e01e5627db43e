//! Any file as a matrix, and any matrix into a file.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use outcore::io::matrix_market::{write_dense, write_sparse};
use outcore::io::{read_graph, read_matrix, write_matrix};
use outcore::{
    AnyMatrix, Context, Csc, Csr, DType, Dense, Duplicates, ErrorKind, Location, Order, Place,
    Report, Result,
};
use tempfile::tempdir;

fn read(path: &Path, text: &str) -> Result<AnyMatrix> {
    fs::write(path, text).unwrap();
    read_matrix(path, Place::Memory, &Context::new())
}

#[test]
fn weights_of_edges_are_values() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("w.txt");
    let a = read(&path, "# weights\n0 1 0.5\n2 0 -3\n0 1 1e2\n").unwrap();
    assert_eq!(
        (a.shape(), a.dtype(), a.index_dtype()),
        ((3, 3), Some(DType::Float64), Some(DType::Int32))
    );
    let expected = [(0, 1, 100.5), (2, 0, -3.0)];
    let expected = Csr::<f64>::from_triplets((3, 3), expected, Duplicates::Refuse).unwrap();
    assert!(Csr::<f64>::try_from(a).unwrap() == expected);
    let a = read(&path, "0 1\n2 0\n0 1\n").unwrap();
    assert_eq!((a.nnz(), a.dtype()), (2, None));
    let a = read(&path, "# nothing\n").unwrap();
    assert_eq!((a.shape(), a.nnz(), a.dtype()), ((0, 0), 0, None));
    // A graph has no weights, so it does not matter which edges have one.
    for (text, line) in [("0 1 0.5\n\n2 0\n", 3), ("0 1\n2 0 1\n", 2)] {
        let error = read(&path, text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Format, "{error}");
        assert_eq!(error.location(), Some(&Location::Line(line)), "{error}");
        assert_eq!(error.path(), Some(&*path), "{error}");
        let graph: Csr<()> = read_graph(&path, Place::Memory, &Context::new()).unwrap();
        assert_eq!(graph.nnz(), 2);
    }
    let error = read(&path, "0 1 0.5\n2 0 x\n").unwrap_err();
    assert_eq!(error.location(), Some(&Location::Line(2)), "{error}");
}

#[test]
fn an_empty_file_is_no_matrix() {
    let folder = tempdir().unwrap();
    for name in ["a.txt", "a"] {
        let path = folder.path().join(name);
        for text in ["", "\n", "  \r\n\n"] {
            let error = read(&path, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Format, "{error}");
            assert!(error.to_string().contains("the file is empty"), "{error}");
            assert_eq!(error.path(), Some(&*path), "{error}");
        }
        let graph: Csr<()> = read_graph(&path, Place::Memory, &Context::new()).unwrap();
        assert_eq!(graph.nrows(), 0);
    }
}

#[test]
fn what_is_written_is_counted() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.mtx");
    let csr = Csr::<f64>::random((2000, 300), 0.1, 3, Place::Memory, &ctx).unwrap();
    let dense: Dense<f64> = csr.to_dense(Order::Fortran, Place::Memory, &ctx).unwrap();
    let coo = csr.to_coo(Place::Memory, &ctx).unwrap();
    let check = |(_, report): ((), Report)| {
        assert_eq!(report.actual.bytes_written, fs::metadata(&path).unwrap().len(), "{report}");
        assert!(report.actual.peak_memory >= 1 << 20, "{report}");
        assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
        assert!(report.plan.cost.bytes_written > 0, "{report}");
    };
    check(ctx.measure(|ctx| write_sparse(&path, &csr, "", ctx)).unwrap());
    check(ctx.measure(|ctx| write_dense(&path, &dense, "", ctx)).unwrap());
    for a in [AnyMatrix::from(csr), AnyMatrix::from(dense), AnyMatrix::from(coo)] {
        check(ctx.measure(|ctx| write_matrix(&path, &a, ctx)).unwrap());
    }
}

#[test]
fn a_bad_index_is_one_of_the_matrix_and_not_of_the_file_written() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let (stored, written) = (folder.path().join("a.bspnpy"), folder.path().join("a.mtx"));
    let a = Csr::<f64>::random((40, 30), 0.2, 3, Place::Memory, &ctx).unwrap();
    let by_cols = a.to_csc(Place::Memory, &ctx).unwrap();
    for rows in [true, false] {
        if rows {
            a.copy_to(Place::Replace(stored.clone()), &ctx).map(drop).unwrap();
        } else {
            by_cols.copy_to(Place::Replace(stored.clone()), &ctx).map(drop).unwrap();
        }
        let indices = stored.join("indices_1.npy");
        let file = fs::OpenOptions::new().write(true).open(&indices).unwrap();
        file.write_all_at(&99i32.to_le_bytes(), 4096 + 4 * 57).unwrap();
        let any = outcore::open(&stored).unwrap();
        let typed = match rows {
            true => write_sparse(&written, &Csr::<f64>::open(&stored).unwrap(), "", &ctx),
            false => write_sparse(&written, &Csc::<f64>::open(&stored).unwrap(), "", &ctx),
        };
        for error in [write_matrix(&written, &any, &ctx), typed].map(Result::unwrap_err) {
            assert_eq!(
                (error.kind(), error.path()),
                (ErrorKind::Index, Some(&*indices)),
                "{error}"
            );
            let at = error.location();
            assert!(matches!(at, Some(Location::Entry { position: 57, .. })), "{error}");
        }
        assert!(!written.exists());
    }
}
