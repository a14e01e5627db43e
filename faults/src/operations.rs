//! What is disturbed: every operation that makes, changes or reads what is stored, on small matrices made by formula.
//!
//! An operation works in three folders: `in` with what it reads, `out` with its result, `scratch`. Sizes follow from one
//! number, [`Job::n`]. What stands at the place of the result before, if anything, is version 1; the result is version 2.

use std::fs;
use std::path::{Path, PathBuf};

use outcore::io::{matrix_market, read_graph, read_matrix};
use outcore::linalg::LinearOperator;
use outcore::{
    ColumnWriter, Context, Coo, CooBuilder, Csr, CsrBuilder, Dense, DenseBuilder, DenseMut,
    Duplicates, Order, Place, Result, verify,
};

use crate::state::digest;

/// The folders of one run.
#[derive(Clone, Debug)]
pub struct Folders(pub PathBuf);

impl Folders {
    /// A file or folder that is read.
    pub fn input(&self, name: &str) -> PathBuf {
        self.0.join("in").join(name)
    }

    /// Where results appear.
    pub fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    /// Where scratch files are made.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }
}

/// What an operation is given.
pub struct Job<'a> {
    /// Where it works.
    pub folders: &'a Folders,
    /// The number that sizes follow from.
    pub n: usize,
    /// Threads, limit, scratch folder.
    pub ctx: &'a Context,
    /// Where its result shall be.
    place: Place,
}

/// What becomes of what stands at the place of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing may be there.
    New,
    /// It is replaced by the result.
    Replaced,
    /// It is changed where it lies.
    Changed,
    /// Nothing is made.
    Read,
}

/// Something the library does.
pub struct Operation {
    /// Its name on the command line.
    pub name: &'static str,
    /// The name of its result.
    pub target: &'static str,
    /// What becomes of what is there.
    pub fate: Fate,
    run: fn(&Job<'_>) -> Result<String>,
}

const fn operation(
    name: &'static str,
    target: &'static str,
    fate: Fate,
    run: fn(&Job<'_>) -> Result<String>,
) -> Operation {
    Operation { name, target, fate, run }
}

/// The operation that begins where sums lie about whose array is gone.
const BESIDE_SUMS: &str = "dense-create-beside-sums";

/// All of them.
pub const OPERATIONS: &[Operation] = &[
    operation("dense-create", "x.npy", Fate::New, dense_create),
    operation(BESIDE_SUMS, "x.npy", Fate::New, dense_create),
    operation("dense-replace", "x.npy", Fate::Replaced, dense_create),
    operation("dense-change", "x.npy", Fate::Changed, dense_change),
    operation("dense-change-rows", "x.npy", Fate::Changed, dense_change_rows),
    operation("dense-columns", "x.npy", Fate::New, dense_columns),
    operation("dense-builder", "x.npy", Fate::Replaced, dense_builder),
    operation("dense-map", "x.npy", Fate::Replaced, dense_map),
    operation("dense-from-csr", "x.npy", Fate::New, dense_from_csr),
    operation("csr-copy", "x.bspnpy", Fate::New, csr_copy),
    operation("csr-replace", "x.bspnpy", Fate::Replaced, csr_copy),
    operation("csr-builder", "x.bspnpy", Fate::Replaced, csr_builder),
    operation("csr-to-csc", "x.bspnpy", Fate::New, csr_to_csc),
    operation("csr-refill", "x.bspnpy", Fate::Changed, csr_refill),
    operation("csr-product", "x.bspnpy", Fate::New, csr_product),
    operation("csr-from-dense", "x.bspnpy", Fate::Replaced, csr_from_dense),
    operation("coo-copy", "x.bspnpy", Fate::Replaced, coo_copy),
    operation("coo-builder", "x.bspnpy", Fate::Replaced, coo_builder),
    operation("mtx-read", "x.bspnpy", Fate::New, mtx_read),
    operation("mtx-write", "x.mtx", Fate::Replaced, mtx_write),
    operation("graph-with-names", "x.bspnpy", Fate::Replaced, graph_with_names),
    operation("graph-read", "", Fate::Read, graph),
    operation("matvec", "", Fate::Read, matvec),
    operation("verify", "", Fate::Read, verify_inputs),
];

impl Operation {
    /// The operation of this name.
    pub fn named(name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Whether sums whose array is gone lie at its place.
    pub fn beside_sums(&self) -> bool {
        self.name == BESIDE_SUMS
    }

    /// The path of its result.
    pub fn result(&self, folders: &Folders) -> PathBuf {
        folders.out().join(self.target)
    }

    /// The limit under which what is larger than memory goes its own way, on matrices as small as these.
    pub fn limit(n: usize) -> u64 {
        (64 * n as u64).max(700 << 10)
    }

    /// Runs it, and tells what it found if its result is not a file.
    pub fn run(&self, folders: &Folders, n: usize, ctx: &Context) -> Result<String> {
        let path = self.result(folders);
        let place = if self.fate == Fate::New { Place::File(path) } else { Place::Replace(path) };
        (self.run)(&Job { folders, n, ctx, place })
    }

    /// Makes the folders, what is read, and version 1 of the result if it is to be there.
    pub fn prepare(&self, folders: &Folders, n: usize) -> Result<()> {
        let ctx = Context::new();
        for folder in [folders.0.join("in"), folders.out(), folders.scratch()] {
            fs::create_dir_all(&folder).map_err(|e| outcore::Error::io("making", &folder, e))?;
        }
        write_csr(folders.input("a.bspnpy"), n, 2, &ctx)?;
        write_dense(folders.input("d.npy"), n, 2, &ctx)?;
        let a = Csr::<f64>::open(folders.input("a.bspnpy"))?;
        matrix_market::write_sparse(folders.input("a.mtx"), &a, "", &ctx)?;
        let edges: String = (0..n).map(|i| format!("{i} {}\n", (i * 7 + 1) % n)).collect();
        let list = folders.input("edges.txt");
        fs::write(&list, edges).map_err(|e| outcore::Error::io("writing", &list, e))?;
        let edges: String = (0..n).map(|i| format!("v{i} v{} {i}.5\n", (i * 7 + 1) % n)).collect();
        let list = folders.input("names.txt");
        fs::write(&list, edges).map_err(|e| outcore::Error::io("writing", &list, e))?;
        let path = self.result(folders);
        if self.beside_sums() {
            write_dense(&path, n, 1, &ctx)?;
            fs::remove_file(&path).map_err(|e| outcore::Error::io("removing", &path, e))?;
        }
        match (self.fate, self.target) {
            (Fate::Replaced | Fate::Changed, "x.npy") => write_dense(path, n, 1, &ctx),
            (Fate::Replaced | Fate::Changed, "x.bspnpy") => write_csr(path, n, 1, &ctx),
            (Fate::Replaced, _) => matrix_market::write_sparse(path, &a.row_range(0..2)?, "", &ctx),
            _ => Ok(()),
        }
    }
}

/// Element `(i, j)` of version `v` of the dense matrix.
fn element(v: usize, i: usize, j: usize) -> f64 {
    (v * 1_000_000 + i * 100 + j) as f64
}

/// The shape of the dense matrix, the same in all versions, for some of them are changed in place.
fn shape(n: usize) -> (usize, usize) {
    (n, 40)
}

/// Entries of row `i` of the sparse matrix of order `n`.
fn row(n: usize, i: usize, v: usize) -> (Vec<u32>, Vec<f64>) {
    let mut columns: Vec<u32> = (0..10).map(|k| ((i * 31 + k * k * 17) % n) as u32).collect();
    columns.sort_unstable();
    columns.dedup();
    let values = columns.iter().map(|&j| element(v, i, j as usize)).collect();
    (columns, values)
}

fn write_dense(place: impl Into<Place>, n: usize, v: usize, ctx: &Context) -> Result<()> {
    let mut a = DenseMut::<f64>::create(shape(n), Order::C, place, ctx)?;
    a.fill_rows(|i, row| row.iter_mut().enumerate().for_each(|(j, x)| *x = element(v, i, j)))?;
    a.close()
}

fn write_csr(place: impl Into<Place>, n: usize, v: usize, ctx: &Context) -> Result<()> {
    rows(Place::Memory, n, v, ctx)?.copy_to(place, ctx).map(drop)
}

fn rows(place: impl Into<Place>, n: usize, v: usize, ctx: &Context) -> Result<Csr<f64>> {
    let mut rows = CsrBuilder::<f64>::new(n, place, ctx)?;
    for i in 0..n {
        let (columns, values) = row(n, i, v);
        rows.push(&columns, &values)?;
    }
    rows.finish()
}

fn nothing<T>(_: T) -> String {
    String::new()
}

fn dense_create(job: &Job<'_>) -> Result<String> {
    write_dense(&job.place, job.n, 2, job.ctx).map(nothing)
}

/// On the map, elements in no order.
fn dense_change(job: &Job<'_>) -> Result<String> {
    let ((nrows, ncols), ctx) = (shape(job.n), Context::new());
    let mut a = DenseMut::<f64>::open_mut(job.folders.out().join("x.npy"), &ctx)?;
    let elements = a.as_mut_slice();
    (0..ncols).for_each(|j| (0..nrows).for_each(|i| elements[i * ncols + j] = element(2, i, j)));
    a.close().map(nothing)
}

/// Past the map, in blocks.
fn dense_change_rows(job: &Job<'_>) -> Result<String> {
    let mut a = DenseMut::<f64>::open_mut(job.folders.out().join("x.npy"), job.ctx)?;
    a.fill_rows(|i, row| row.iter_mut().enumerate().for_each(|(j, x)| *x = element(2, i, j)))?;
    a.close().map(nothing)
}

/// Across the order of the file.
fn dense_columns(job: &Job<'_>) -> Result<String> {
    let (nrows, ncols) = shape(job.n);
    let mut a = DenseMut::<f64>::create((nrows, ncols), Order::C, &job.place, job.ctx)?;
    let mut columns = ColumnWriter::new(&mut a)?;
    for j in 0..ncols {
        let column: Vec<f64> = (0..nrows).map(|i| element(2, i, j)).collect();
        columns.push(&column)?;
    }
    columns.finish()?;
    a.close().map(nothing)
}

fn dense_builder(job: &Job<'_>) -> Result<String> {
    let (nrows, ncols) = shape(job.n);
    let mut rows = DenseBuilder::<f64>::new(ncols, Order::C, &job.place, job.ctx)?;
    for i in 0..nrows {
        let row: Vec<f64> = (0..ncols).map(|j| element(2, i, j)).collect();
        rows.push(&row)?;
    }
    rows.finish().map(nothing)
}

fn dense_map(job: &Job<'_>) -> Result<String> {
    let d = Dense::<f64>::open(job.folders.input("d.npy"))?;
    d.map(&job.place, job.ctx, |x| x + 1.0).map(nothing)
}

fn dense_from_csr(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    let a = a.row_range(0..job.n.min(100))?;
    a.to_dense(Order::C, &job.place, job.ctx).map(nothing)
}

fn csr_copy(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    a.copy_to(&job.place, job.ctx).map(nothing)
}

fn csr_builder(job: &Job<'_>) -> Result<String> {
    rows(&job.place, job.n, 2, job.ctx).map(nothing)
}

/// By the external sort.
fn csr_to_csc(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    a.to_csc(&job.place, job.ctx).map(nothing)
}

fn csr_refill(job: &Job<'_>) -> Result<String> {
    let mut a = Csr::<f64>::open_mut(job.folders.out().join("x.bspnpy"), job.ctx)?;
    let values: Vec<f64> = (0..job.n).flat_map(|i| row(job.n, i, 2).1).collect();
    a.data_mut().copy_from_slice(&values);
    a.close().map(nothing)
}

fn csr_product(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    a.matmul(&a, &job.place, job.ctx).map(nothing)
}

fn csr_from_dense(job: &Job<'_>) -> Result<String> {
    let d = Dense::<f64>::open(job.folders.input("d.npy"))?;
    let sparse: Csr<f64> = d.to_csr(&job.place, job.ctx)?;
    Ok(nothing(sparse))
}

fn coo_copy(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    let coo: Coo<f64> = a.to_coo(&job.place, job.ctx)?;
    Ok(nothing(coo))
}

/// By the external sort.
fn coo_builder(job: &Job<'_>) -> Result<String> {
    let mut entries = CooBuilder::<f64>::new((job.n, job.n), job.ctx)?;
    for i in (0..job.n).rev() {
        let (columns, values) = row(job.n, i, 2);
        for (&j, &value) in columns.iter().zip(&values) {
            entries.push(j as usize, i, value)?;
        }
    }
    let matrix: Csr<f64> = entries.finish(Duplicates::Sum, &job.place, job.ctx)?;
    Ok(nothing(matrix))
}

fn mtx_read(job: &Job<'_>) -> Result<String> {
    let reader = matrix_market::Reader::open(job.folders.input("a.mtx"))?;
    let matrix: Csr<f64> = reader.read_csr(&job.place, job.ctx)?;
    Ok(nothing(matrix))
}

fn mtx_write(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    matrix_market::write_sparse(job.folders.out().join("x.mtx"), &a, "", job.ctx).map(nothing)
}

/// The matrix and the names of its vertices, which are published together.
fn graph_with_names(job: &Job<'_>) -> Result<String> {
    let list = job.folders.input("names.txt");
    read_matrix(list, job.place.clone(), job.ctx).map(nothing)
}

fn graph(job: &Job<'_>) -> Result<String> {
    let graph: Csr<()> = read_graph(job.folders.input("edges.txt"), Place::Memory, job.ctx)?;
    Ok(digest(|d| {
        d.numbers(graph.indptr());
        d.numbers(graph.indices());
    }))
}

fn matvec(job: &Job<'_>) -> Result<String> {
    let a = Csr::<f64>::open(job.folders.input("a.bspnpy"))?;
    let mut y = vec![0.0; job.n];
    a.apply(&vec![1.0; job.n], &mut y, job.ctx)?;
    Ok(digest(|d| d.floats(&y)))
}

fn verify_inputs(job: &Job<'_>) -> Result<String> {
    let files = verify(job.folders.input("a.bspnpy"), job.ctx)?.files;
    let bytes = verify(job.folders.input("d.npy"), job.ctx)?.bytes;
    Ok(format!("{files} files, {bytes} bytes"))
}

/// A context as operations are given it: a small limit, the scratch folder of the run.
pub fn context(folders: &Folders, n: usize) -> Context {
    Context::new().memory_limit(Operation::limit(n)).scratch(folders.scratch())
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}
