//! The table of `docs/design.md`: what every operation makes of an explicit zero, and of 3 and −3 stored at one
//! position.

use outcore::graph::{
    PageRankOptions, bfs, check_components, check_pagerank, connected_components, pagerank,
    pagerank_over, strong_components,
};
use outcore::io::matrix_market;
use outcore::linalg::{LinearOperator, NormOrder, Operator, PlusTimes};
use outcore::{Context, Coo, CooBuilder, Csr, Dense, Duplicates, ErrorKind, Order, Place};
use tempfile::tempdir;

/// ```text
/// row 0:  3 and −3 in column 0, 0 in column 1;   row 1:  1 in column 2;   row 2:  2 in column 0
/// ```
fn matrix() -> Csr<f64> {
    let (indices, data) = (vec![0, 0, 1, 2, 0], vec![3.0, -3.0, 0.0, 1.0, 2.0]);
    Csr::from_parts((3, 3), vec![0, 3, 4, 5], indices, data).unwrap()
}

/// The same, every position once: the sum stays as a zero.
fn summed() -> (Vec<u32>, Vec<u32>, Vec<f64>) {
    (vec![0, 2, 3, 4], vec![0, 1, 2, 0], vec![0.0, 0.0, 1.0, 2.0])
}

fn parts(a: &Csr<f64>) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
    (a.indptr().to_vec(), a.indices().to_vec(), a.data().to_vec())
}

#[test]
fn what_is_stored_stays_stored() {
    let ctx = Context::new();
    let a = matrix();
    assert_eq!((a.nnz(), a.transpose().nnz()), (5, 5));
    assert_eq!(a.nnz_per(1, &ctx).unwrap(), [3, 1, 1]);
    assert_eq!(a.nnz_per(0, &ctx).unwrap(), [3, 1, 1]);
    assert_eq!(a.to_csc(Place::Memory, &ctx).unwrap().nnz(), 5);
    assert_eq!(a.to_coo(Place::Memory, &ctx).unwrap().nnz(), 5);
    assert_eq!(a.copy_to(Place::Memory, &ctx).unwrap().nnz(), 5);
    assert_eq!(a.row_range(0..1).unwrap().nnz(), 3);
    assert_eq!(a.bandwidth(&ctx).unwrap(), (2, 1));
    let more = a.map_values(Place::Memory, &ctx, |x| x + 1.0).unwrap();
    assert_eq!(more.data()[..], [4.0, -2.0, 1.0, 2.0, 3.0]);
    assert_eq!(a.get(0, 1).unwrap(), Some(0.0));
    assert_eq!(a.get(2, 2).unwrap(), None);
    assert_eq!(a.get(0, 0).unwrap_err().kind(), ErrorKind::Duplicate);
}

#[test]
fn conversions_with_duplicates_do_as_they_are_told() {
    let ctx = Context::new();
    let coo = matrix().to_coo(Place::Memory, &ctx).unwrap();
    let to_csr = |duplicates| coo.to_csr::<u32>(duplicates, Place::Memory, &ctx);
    assert_eq!(parts(&to_csr(Duplicates::Sum).unwrap()), summed());
    assert_eq!(parts(&to_csr(Duplicates::Keep).unwrap()), parts(&matrix()));
    assert_eq!(to_csr(Duplicates::Refuse).unwrap_err().kind(), ErrorKind::Duplicate);
    let triplets = [(0, 0, 3.0), (0, 0, -3.0), (0, 1, 0.0), (1, 2, 1.0), (2, 0, 2.0)];
    let a = Csr::<f64>::from_triplets((3, 3), triplets, Duplicates::Sum).unwrap();
    assert_eq!(parts(&a), summed());
    assert_eq!(Coo::<f64>::from_triplets((3, 3), triplets).unwrap().nnz(), 5);
    let mut builder = CooBuilder::<f64, u32>::with_types((3, 3), &ctx).unwrap();
    triplets.iter().for_each(|&(i, j, x)| builder.push(i, j, x).unwrap());
    let built: Csr<f64> = builder.finish(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    assert_eq!(parts(&built), summed());
}

#[test]
fn sums_and_norms_take_entries_one_by_one_and_lines_refuse_duplicates() {
    let ctx = Context::new();
    let a = matrix();
    let coo = a.to_coo(Place::Memory, &ctx).unwrap();
    assert_eq!((a.sum::<f64>(&ctx).unwrap(), coo.sum::<f64>(&ctx).unwrap()), (3.0, 3.0));
    let norm = 23f64.sqrt();
    assert_eq!(a.norm_fro::<f64>(&ctx).unwrap(), norm);
    assert_eq!(coo.norm_fro::<f64>(&ctx).unwrap(), norm);
    for axis in [0, 1] {
        assert_eq!(a.stats(axis, &ctx).unwrap_err().kind(), ErrorKind::Duplicate);
        let norms = a.norms(axis, NormOrder::L2, &ctx);
        assert_eq!(norms.unwrap_err().kind(), ErrorKind::Duplicate);
    }
    let clean: Csr<f64> = coo.to_csr(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    assert_eq!(clean.norm_fro::<f64>(&ctx).unwrap(), 5f64.sqrt());
    assert_eq!(clean.norms(1, NormOrder::L2, &ctx).unwrap(), [0.0, 1.0, 2.0]);
    assert_eq!(clean.row_stats(&ctx).unwrap().mins(), [0.0, 0.0, 0.0]);
}

#[test]
fn products_and_dense_arrays_take_the_sum() {
    let ctx = Context::new();
    let a = matrix();
    assert_eq!(a.matvec(&[1.0; 3]).unwrap(), [0.0, 1.0, 2.0]);
    assert_eq!(a.rmatvec(&[1.0; 3]).unwrap(), [2.0, 0.0, 1.0]);
    assert_eq!(Operator::new(&a, &ctx).unwrap().matvec(&[1.0; 3]).unwrap(), [0.0, 1.0, 2.0]);
    assert_eq!(a.matvec_with(PlusTimes::new(), &[1.0; 3], &ctx).unwrap(), [0.0, 1.0, 2.0]);
    let dense = a.to_dense(Order::C, Place::Memory, &ctx).unwrap();
    assert_eq!(dense.as_slice(), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
    let identity = Csr::<f64>::eye(3);
    assert_eq!(parts(&a.matmul(&identity, Place::Memory, &ctx).unwrap()), summed());
    assert_eq!(parts(&identity.matmul(&a, Place::Memory, &ctx).unwrap()), summed());
    let added =
        a.add(&Csr::from_triplets((3, 3), [], Duplicates::Sum).unwrap(), Place::Memory, &ctx);
    assert_eq!(parts(&added.unwrap()), summed());
    let product = a.multiply(&identity, Place::Memory, &ctx).unwrap();
    assert_eq!(parts(&product), (vec![0, 1, 1, 1], vec![0], vec![0.0]));
    // Zeros of a dense array are no entries; those of a sparse matrix are.
    assert_eq!(dense.to_csr::<u32, u32>(Place::Memory, &ctx).unwrap().nnz(), 2);
}

#[test]
fn graphs_see_an_edge_where_something_is_stored_and_count_it_once() {
    let ctx = Context::new();
    let a = matrix();
    let edges =
        Csr::<()>::from_parts((3, 3), vec![0, 2, 3, 4], vec![0, 1, 2, 0], vec![(); 4]).unwrap();
    let components = connected_components(&a, &ctx).unwrap();
    check_components(&edges, &components).unwrap();
    assert_eq!(components.count, 1);
    assert_eq!(strong_components(&a, &ctx).unwrap().labels, [0, 0, 0]);
    assert_eq!(bfs(&a, 0, &ctx).unwrap().levels, [0, 1, 2]);
    let options = PageRankOptions::default();
    let ranks = pagerank(&a, &options, &ctx).unwrap().ranks;
    assert_eq!(ranks, pagerank(&edges, &options, &ctx).unwrap().ranks);
    assert!(check_pagerank(&a, &ranks, options.damping).unwrap() < 1e-9);
    // As weights the entries count: 3 − 3 and 0 lead nowhere.
    let weighted = pagerank_over(&a, &[0.0, 1.0, 2.0], &options, &ctx).unwrap();
    assert_eq!(weighted.dangling, 1);
}

#[test]
fn files_keep_what_is_stored_and_reading_sums() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.mtx");
    let a = matrix();
    a.copy_to(folder.path().join("a.bspnpy"), &ctx).unwrap();
    assert_eq!(parts(&Csr::open(folder.path().join("a.bspnpy")).unwrap()), parts(&a));
    matrix_market::write_sparse(&path, &a, "", &ctx).unwrap();
    let reader = matrix_market::Reader::open(&path).unwrap();
    assert_eq!(reader.header().stored, 5);
    let read: Csr<f64> = reader.read_csr(Place::Memory, &ctx).unwrap();
    assert_eq!(parts(&read), summed());
}

fn negative_zeros_survive(a: &Csr<f64>) {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let csc = a.to_csc(Place::Memory, &ctx).unwrap();
    let coo = a.to_coo(Place::Memory, &ctx).unwrap();
    let tight = Context::new().memory_limit(200 << 10).scratch(folder.path());
    let stored = a.copy_to(folder.path().join("a"), &ctx).unwrap();
    let expected = |i: usize, j: usize| a.get(i, j).unwrap().unwrap_or(0.0).to_bits();
    let check = |dense: Dense<f64>| {
        for ((i, j), x) in dense.as_ndarray().indexed_iter() {
            assert_eq!(x.to_bits(), expected(i, j), "{i} {j}");
        }
    };
    for order in [Order::C, Order::Fortran] {
        check(a.to_dense(order, Place::Memory, &ctx).unwrap());
        check(csc.to_dense(order, Place::Memory, &ctx).unwrap());
        check(coo.to_dense(order, Place::Memory, &ctx).unwrap());
        for (k, ctx) in [&ctx, &tight].into_iter().enumerate() {
            let place = |name: &str| folder.path().join(format!("{name}{k}{order:?}.npy"));
            check(stored.to_dense(order, place("csr"), ctx).unwrap());
            check(csc.to_dense(order, place("csc"), ctx).unwrap());
            check(coo.to_dense(order, place("coo"), ctx).unwrap());
        }
    }
    let mut out = ndarray::Array2::from_elem(a.shape(), 7.0);
    a.to_dense_into(out.view_mut(), &ctx).unwrap();
    check(Dense::from(out));
}

#[test]
fn a_negative_zero_stays_one_in_a_dense_array() {
    let a = Csr::from_parts((2, 3), vec![0, 2, 3], vec![0, 2, 1], vec![-0.0, 1.0, -0.0]).unwrap();
    negative_zeros_survive(&a);
    let large = Csr::<f64>::random((600, 300), 0.05, 3, Place::Memory, &Context::new()).unwrap();
    let zeros = large.data().iter().enumerate().map(|(k, &x)| if k % 3 == 0 { -0.0 } else { x });
    negative_zeros_survive(&large.with_data(zeros.collect::<Vec<_>>()).unwrap());
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.mtx");
    std::fs::write(
        &path,
        "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 -0.0\n2 1 1\n",
    )
    .unwrap();
    let dense: Dense<f64> =
        matrix_market::Reader::open(&path).unwrap().read_dense(Place::Memory, &ctx).unwrap();
    assert!(
        dense.as_ndarray()[[0, 0]].is_sign_negative()
            && dense.as_ndarray()[[0, 1]].is_sign_positive()
    );
}
