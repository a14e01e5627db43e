//! Graphs from files of every format: the structure of the matrix in it, wherever it goes.

use std::path::{Path, PathBuf};

use outcore::io::{
    EdgeOptions, FileFormat, RawLayout, ReadOptions, Vertices, read_graph, read_graph_with,
    read_matrix, write_matrix,
};
use outcore::{AnyMatrix, Context, Csr, DType, Dense, Duplicates, ErrorKind, Order, Place, Result};
use tempfile::tempdir;

use crate::shared_data;

/// Vertex 4 has no edge; an edge has the weight 0, and one is there twice.
const EDGES: [(usize, usize); 7] = [(0, 1), (0, 5), (1, 0), (2, 3), (3, 2), (5, 0), (5, 5)];

fn expected() -> Csr<()> {
    Csr::from_triplets((6, 6), EDGES.map(|(i, j)| (i, j, ())), Duplicates::Refuse).unwrap()
}

/// The graph with weights, its rows out of order.
fn weighted() -> AnyMatrix {
    let a = Csr::<f64>::from_parts(
        (6, 6),
        vec![0u32, 3, 4, 5, 6, 6, 8],
        vec![5u32, 1, 1, 0, 3, 2, 5, 0],
        vec![0.0, 2.5, 1.0, 1.0, -1.0, 1.0, 3.0, 4.0],
    );
    a.unwrap().into()
}

/// Files with the graph, by their formats.
fn files(folder: &Path) -> Result<Vec<(PathBuf, ReadOptions)>> {
    let (ctx, default) = (Context::new(), ReadOptions::default());
    let (a, ones) = (weighted(), AnyMatrix::from(expected()));
    let mut made = Vec::new();
    let mut write = |name: &str, a: &AnyMatrix| -> Result<()> {
        let path = folder.join(name);
        write_matrix(&path, a, &ctx)?;
        made.push((path, default.clone()));
        Ok(())
    };
    let dense = |a: &AnyMatrix, order| -> Result<AnyMatrix> {
        AnyMatrix::try_from(a.to_dense(order, Place::Memory, &ctx)?)
    };
    for (k, a) in [&a, &ones].into_iter().enumerate() {
        write(&format!("csr-{k}.npz"), a)?;
        write(&format!("csc-{k}.npz"), &a.to_csc(Place::Memory, &ctx)?.into())?;
        write(&format!("coo-{k}.npz"), &a.to_coo(Place::Memory, &ctx)?.into())?;
        write(&format!("a-{k}.petsc"), a)?;
        write(&format!("a-{k}.mtx"), a)?;
        for index in [DType::Int32, DType::Int64] {
            let wide = a.to_indices(index, Place::Memory, &ctx)?;
            write(&format!("{index}-{k}.bspnpy"), &wide)?;
            let csc = AnyMatrix::from(wide.to_csc(Place::Memory, &ctx)?);
            write(&format!("csc-{index}-{k}.bspnpy"), &csc)?;
        }
    }
    for (k, order) in [Order::C, Order::Fortran].into_iter().enumerate() {
        write(&format!("dense-{k}.npz"), &dense(&ones, order)?)?;
        write(&format!("dense-{k}.npy"), &dense(&ones, order)?)?;
        write(&format!("dense-{k}.petsc"), &dense(&ones, order)?)?;
    }
    // A list of entries is one of edges, but for the vertices that have none.
    write("a.csv", &a)?;
    write("table.csv", &dense(&ones, Order::C)?)?;
    let format = Some(FileFormat::Csv);
    made.last_mut().unwrap().1 = ReadOptions { format, ..default.clone() };
    let bytes: Vec<u8> = dense_bytes(&ones, &ctx)?;
    let path = folder.join("a.bin");
    std::fs::write(&path, bytes).unwrap();
    let raw = Some(RawLayout::new(DType::Bool, (6, 6)));
    made.push((path, ReadOptions { raw, ..default.clone() }));
    let path = folder.join("a.rua");
    std::fs::write(&path, harwell_boeing()).unwrap();
    made.push((path, default.clone()));
    #[cfg(feature = "hdf5")]
    for packed in [false, true] {
        let path = folder.join(format!("{packed}.h5ad"));
        std::fs::write(&path, hdf5(packed)).unwrap();
        made.push((path, default.clone()));
    }
    Ok(made)
}

fn dense_bytes(a: &AnyMatrix, ctx: &Context) -> Result<Vec<u8>> {
    let dense = Dense::<bool>::try_from(a.to_dense(Order::C, Place::Memory, ctx)?)?;
    Ok(dense.as_slice().iter().map(|&one| u8::from(one)).collect())
}

/// Columns of the graph, in fields of three characters.
fn harwell_boeing() -> String {
    let columns: Vec<Vec<usize>> = (0..6)
        .map(|j| EDGES.iter().filter(|edge| edge.1 == j).map(|edge| edge.0 + 1).collect())
        .collect();
    let pointers = columns.iter().scan(1, |next, rows| {
        *next += rows.len();
        Some(*next)
    });
    let field = |number: usize| format!("{number:3}");
    let pointers: String = std::iter::once(1).chain(pointers).map(field).collect();
    let rows: String = columns.iter().flatten().copied().map(field).collect();
    format!(
        "title\n 3 1 1 1\nrua 6 6 7 0\n(7I3) (7I3) (7F4.1)\n{pointers}\n{rows}\n{}\n",
        " 1.0".repeat(7)
    )
}

/// As AnnData writes a sparse matrix, chunked and packed if `packed`.
#[cfg(feature = "hdf5")]
fn hdf5(packed: bool) -> Vec<u8> {
    use hdf5_pure::{AttrValue, FileBuilder};
    let mut builder = FileBuilder::new();
    let mut group = builder.create_group("X");
    group.set_attr("encoding-type", AttrValue::VarLenString("csr_matrix".to_owned()));
    group.set_attr("shape", AttrValue::I64Array(vec![6, 6]));
    group.create_dataset("indptr").with_i32_data(&[0, 3, 4, 5, 6, 6, 8]);
    group.create_dataset("indices").with_i32_data(&[5, 1, 1, 0, 3, 2, 5, 0]);
    let data =
        group.create_dataset("data").with_f32_data(&[0.0, 2.5, 1.0, 1.0, -1.0, 1.0, 3.0, 4.0]);
    if packed {
        data.with_chunks(&[4]).with_shuffle().with_deflate(6);
    }
    builder.add_group(group.finish());
    builder.finish().unwrap()
}

#[test]
fn a_graph_is_the_same_in_every_format_and_place() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let files = files(folder.path()).unwrap();
    assert!(files.len() > 25);
    for (path, options) in files {
        let name = path.display();
        let in_memory = read_graph_with::<u32, u32>(&path, &options, Place::Memory, &ctx);
        let in_memory = in_memory.unwrap_or_else(|error| panic!("{error}"));
        // In canonical format, unless it is mapped as it is stored.
        let rows = in_memory.graph;
        let is_stored = path.extension().unwrap() == "bspnpy";
        assert!(is_stored || rows.check().unwrap(), "{name}");
        let canonical =
            |a: Csr<(), u32, u32>| a.canonicalize(Duplicates::Sum, Place::Memory, &ctx).unwrap();
        assert!(canonical(rows) == expected(), "{name}");
        assert!(in_memory.vertices.is_none(), "{name}");
        let goal = folder.path().join("goal.bspnpy");
        for place in [Place::Scratch, Place::Replace(goal.clone())] {
            let wide = read_graph_with::<u64, u64>(&path, &options, place, &ctx).unwrap().graph;
            let narrow = wide.with_index_types::<u32, u32>(Place::Memory, &ctx).unwrap();
            assert!(canonical(narrow) == expected(), "{name}");
        }
        let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
        let compact = ReadOptions { edges, ..options.clone() };
        let compact = read_graph_with::<u32, u32>(&path, &compact, Place::Memory, &ctx).unwrap();
        assert_eq!(compact.graph.nnz(), EDGES.len(), "{name}");
        assert_eq!(compact.vertices.unwrap().numbers().unwrap(), [0, 1, 2, 3, 5], "{name}");
    }
}

#[test]
fn what_lies_in_an_archive_is_mapped() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new());
    let path = folder.path().join("a.npz");
    write_matrix(&path, &expected().into(), &ctx).unwrap();
    let graph: Csr<()> = read_graph(&path, Place::Memory, &ctx).unwrap();
    assert!(AnyMatrix::from(graph).stored_bytes() > 0);
    let plan = ctx.plan(|ctx| read_graph::<u32, u32>(&path, Place::Scratch, ctx));
    assert!(plan.is_err() || plan.unwrap().cost.bytes_read > 0);
}

#[test]
fn extents_that_dwarf_the_entries_are_refused() {
    let (folder, ctx) = (tempdir().unwrap(), Context::new().memory_limit(256 << 20));
    let path = folder.path().join("a.npz");
    let n = 2_000_000_000;
    let a = outcore::Coo::<i8>::from_triplets((n, n), [(5, n - 1, 1)]).unwrap();
    write_matrix(&path, &a.into(), &ctx).unwrap();
    let error = read_graph::<u32, u32>(&path, Place::Memory, &ctx).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Memory, Some(&*path)), "{error}");
    let edges = EdgeOptions { vertices: Vertices::Compact, ..EdgeOptions::default() };
    let options = ReadOptions { edges, ..ReadOptions::default() };
    let read = read_graph_with::<u32, u32>(&path, &options, Place::Memory, &ctx).unwrap();
    assert_eq!(read.vertices.unwrap().numbers().unwrap(), [5, n as u64 - 1]);
}

#[test]
fn collected_files_of_all_formats_are_graphs() {
    let Some(shared) = shared_data::folder() else { return };
    let (ctx, mut read) = (Context::new(), 0);
    let files = ["interop", "matrices"].map(|folder| shared.join(folder).read_dir().unwrap());
    for path in files.into_iter().flatten().map(|file| file.unwrap().path()) {
        let Ok(matrix) = read_matrix(&path, Place::Memory, &ctx) else { continue };
        // What is text and no matrix of its own kind is an edge list, whose extents are those of its vertices.
        if path.extension().is_some_and(|extension| extension == "tri") {
            continue;
        }
        let graph: Csr<()> =
            read_graph(&path, Place::Memory, &ctx).unwrap_or_else(|error| panic!("{error}"));
        let csr = AnyMatrix::from(matrix.to_csr(Place::Memory, &ctx).unwrap()).pattern().unwrap();
        let csr = csr.to_csr_with(Duplicates::Sum, Place::Memory, &ctx).unwrap();
        let csr = AnyMatrix::from(csr);
        let csr = csr.with_index_types(DType::Int32, DType::Int32, Place::Memory, &ctx).unwrap();
        assert!(graph == Csr::<()>::try_from(csr).unwrap(), "{}", path.display());
        read += 1;
    }
    let least = if cfg!(feature = "hdf5") { 130 } else { 110 };
    assert!(read >= least, "{read}");
    println!("{read} files");
}
