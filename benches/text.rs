//! Matrix Market files and tables read and written, in MB of text per second.
//!
//! `cargo bench -p outcore-bench --bench text -- [FILE.mtx …] [--only WORD] [--keep FOLDER]` reads the files, or a
//! Poisson matrix (values of one digit, in the order of its rows) and an R-MAT graph (values of 16 digits, in any
//! order) that it writes first, to FOLDER if they are to be kept. `--only` runs the cases whose name contains the word.
//! `OUTCORE_GRID` sets the points along each axis of the Poisson matrix (100), `OUTCORE_SCALE` the scale of the graph
//! (18), `OUTCORE_REPEAT` how often each is timed (5), `OUTCORE_THREADS` the only number of threads (1 and 2). The least
//! time counts; behind it stand the least processor seconds of all threads, which tell more on a busy machine.
//! `OUTCORE_ROWS` sets the rows of the tables (1,000,000; of ten columns). Without files, tables are also made:
//! `table.csv` of 16 digits, `whole.csv` of integers, and the entries of the graph as `entries.csv`.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use outcore::io::matrix_market::{Reader, write_sparse};
use outcore::io::{read_matrix, write_matrix};
use outcore::{AnyMatrix, Context, Coo, Csr, Dense, Duplicates, Place, Result};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn threads() -> Vec<usize> {
    match number("OUTCORE_THREADS", 0) {
        0 => vec![1, 2],
        only => vec![only],
    }
}

/// Processor seconds of this process so far, in steps of a hundredth.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    fields.take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The least seconds of some runs, and the least processor seconds.
fn time<R>(mut work: impl FnMut() -> Result<R>) -> Result<(f64, f64)> {
    let mut least = (f64::INFINITY, f64::INFINITY);
    for _ in 0..number("OUTCORE_REPEAT", 5) {
        let (start, before) = (Instant::now(), processor());
        let result = black_box(work()?);
        least = (least.0.min(start.elapsed().as_secs_f64()), least.1.min(processor() - before));
        drop(result);
    }
    Ok(least)
}

struct Case {
    file: PathBuf,
    only: Option<String>,
}

impl Case {
    fn run<R>(&self, name: &str, mut work: impl FnMut(&Context) -> Result<R>) -> Result<()> {
        if self.only.as_ref().is_some_and(|word| !name.contains(word.as_str())) {
            return Ok(());
        }
        let text = std::fs::metadata(&self.file).map_or(0, |file| file.len()) as f64 / 1e6;
        print!("{:24}", name);
        for count in threads() {
            let ctx = Context::new().threads(count)?;
            let (seconds, processor) = time(|| work(&ctx))?;
            let speed = text / seconds;
            print!("   {count} threads {seconds:7.4} s {speed:6.0} MB/s, {processor:5.2} s");
        }
        println!();
        Ok(())
    }
}

/// The two matrices as files.
fn inputs(folder: &Path) -> Result<Vec<PathBuf>> {
    let ctx = Context::new();
    let paths = [folder.join("poisson.mtx"), folder.join("rmat.mtx")];
    if paths.iter().all(|path| path.exists()) {
        return Ok(paths.to_vec());
    }
    let grid = number("OUTCORE_GRID", 100);
    let a = Csr::<f64>::poisson(&[grid; 3], Place::Memory, &ctx)?;
    write_sparse(&paths[0], &a, "", &ctx)?;
    let edges = Coo::<()>::rmat(number("OUTCORE_SCALE", 18) as u32, 16, 1, Place::Memory, &ctx)?;
    let value = |k: u64| (k.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64;
    let mut text = format!(
        "%%MatrixMarket matrix coordinate real general\n{} {} {}\n",
        edges.nrows(),
        edges.ncols(),
        edges.nnz()
    );
    let ends = edges.row_indices().iter().zip(edges.col_indices().iter());
    for (k, (u, v)) in (1..).zip(ends) {
        use std::fmt::Write as _;
        writeln!(text, "{} {} {}", u + 1, v + 1, value(k)).expect("a string takes everything");
    }
    std::fs::write(&paths[1], text).map_err(|e| outcore::Error::io("writing", &paths[1], e))?;
    Ok(paths.to_vec())
}

/// Three tables as files, the last of them entries in the order of a Matrix Market file.
fn tables(folder: &Path, matrix: &Path) -> Result<Vec<PathBuf>> {
    let ctx = Context::new();
    let paths = ["table.csv", "whole.csv", "entries.csv"].map(|name| folder.join(name));
    if paths.iter().all(|path| path.exists()) {
        return Ok(paths.to_vec());
    }
    let mix = |i: usize, j: usize| ((i * 10 + j + 1) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let shape = (number("OUTCORE_ROWS", 1_000_000), 10);
    let real = |(i, j)| (mix(i, j) >> 11) as f64 / (1u64 << 53) as f64;
    let whole = |(i, j)| (mix(i, j) >> (34 + mix(j, i) % 24)) as i64;
    let real = Dense::from(ndarray::Array2::from_shape_fn(shape, real));
    write_matrix(&paths[0], &AnyMatrix::from(real), &ctx)?;
    let whole = Dense::from(ndarray::Array2::from_shape_fn(shape, whole));
    write_matrix(&paths[1], &AnyMatrix::from(whole), &ctx)?;
    let coo: Coo<f64> = Reader::open(matrix)?.read_coo(&ctx)?;
    write_matrix(&paths[2], &AnyMatrix::from(coo), &ctx)?;
    Ok(paths.to_vec())
}

fn measure_table(file: &Path, only: &Option<String>, out: &Path) -> Result<()> {
    println!("{}", file.display());
    let case = Case { file: file.to_owned(), only: only.clone() };
    let triplets = file.ends_with("entries.csv");
    let names = if triplets {
        ["triplets", "triplets to a file, 256 MiB", "triplets write"]
    } else {
        ["csv", "csv to a file, 256 MiB", "csv write"]
    };
    case.run(names[0], |ctx| read_matrix(file, Place::Memory, ctx))?;
    case.run(names[1], |ctx| {
        let ctx = ctx.clone().memory_limit(256 << 20).scratch(out);
        let name = if triplets { "a.bspnpy" } else { "a.npy" };
        read_matrix(file, Place::Replace(out.join(name)), &ctx)
    })?;
    let a = read_matrix(file, Place::Memory, &Context::new())?;
    case.run(names[2], |ctx| write_matrix(out.join("out.csv"), &a, ctx))
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut files, mut only, mut kept) = (Vec::new(), None, folder.path().to_owned());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--only" => only = words.next(),
            "--keep" => kept = words.next().map_or(kept, PathBuf::from),
            "--bench" => {}
            _ => files.push(PathBuf::from(word)),
        }
    }
    if files.is_empty() {
        files = inputs(&kept)?;
        files.extend(tables(&kept, &files[1])?);
    }
    let (csv, files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.extension().is_some_and(|it| it == "csv"));
    for file in csv {
        measure_table(&file, &only, folder.path())?;
    }
    for file in files {
        println!("{}", file.display());
        let case = Case { file: file.clone(), only: only.clone() };
        let reader = Reader::open(&file)?;
        let packed = file.with_extension("mtx.gz");
        let to = |name: &str| folder.path().join(name);
        case.run("parse only", |ctx| {
            let mut sum = 0.0;
            reader.for_each::<f64>(ctx, |row, col, value| {
                sum += value + (row + col) as f64;
                Ok(())
            })?;
            Ok(sum)
        })?;
        case.run("read_coo", |ctx| reader.read_coo::<f64, u32>(ctx))?;
        case.run("read_csr", |ctx| reader.read_csr::<f64, u32, u32>(Place::Memory, ctx))?;
        case.run("read_csc", |ctx| reader.read_csc::<f64, u32, u32>(Place::Memory, ctx))?;
        if packed.exists() {
            let reader = Reader::open(&packed)?;
            case.run("read_csr gz", |ctx| reader.read_csr::<f64, u32, u32>(Place::Memory, ctx))?;
        }
        case.run("to a file, 256 MiB", |ctx| {
            let ctx = ctx.clone().memory_limit(256 << 20).scratch(folder.path());
            reader.read_csr::<f64, u32, u32>(Place::Replace(to("csr.bspnpy")), &ctx)
        })?;
        let all = Context::new();
        let a: Csr<f64> = reader.read_coo(&all)?.to_csr(Duplicates::Sum, Place::Memory, &all)?;
        case.run("write", |ctx| write_sparse(to("out.mtx"), &a, "", ctx))?;
    }
    Ok(())
}
