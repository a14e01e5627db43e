//! What is in a file.

use std::path::PathBuf;

use num::Complex;
use outcore::num_complex as num;
use outcore::io::ReadAs;
use outcore::{AnyMatrix, DType, ErrorKind, Result, has_checksums, verify};

use crate::report::Report;
use crate::session::Session;
use crate::size::{bytes, count};

pub(crate) const ABOUT: &str = "Show what is in a file: kind, shape, types, entries, size";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A .npy array, .bspnpy folder, .npz archive, HDF5 or Matrix Market file, or edge list
    input: PathBuf,
    /// Also compute the sum, the norm, the minimum and the maximum of the stored values; reads all values
    #[arg(long)]
    stats: bool,
    /// Verify the checksums and check the indices; reads the whole file
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let read = session.import(&arguments.input)?;
    let a = read.matrix;
    let mut report = Report::new();
    report.fact("file", arguments.input.display().to_string());
    let kind = match a.format() {
        None => "dense",
        Some(format) => format.name(),
    };
    report.fact("kind", kind);
    let (nrows, ncols) = a.shape();
    let shape = format!("{} x {}", count(nrows as u64), count(ncols as u64));
    report.row("shape", shape, vec![nrows, ncols]);
    report.fact("type", a.dtype().map_or("pattern", DType::name));
    report.row("entries", count(a.nnz() as u64), a.nnz());
    if a.format().is_some() && nrows > 0 && ncols > 0 {
        let density = a.nnz() as f64 / nrows as f64 / ncols as f64;
        report.row("density", format!("{:.3e}", density), density);
    }
    if let Some(index) = a.index_dtype() {
        report.fact("indices", index.name());
    }
    if let Some(pointer) = a.pointer_dtype() {
        report.fact("pointers", pointer.name());
    }
    if let AnyMatrix::Dense(dense) = &a {
        report.fact("order", format!("{:?}", dense.order()));
    }
    report.row("stored", bytes(a.stored_bytes()), a.stored_bytes());
    if let Some(stored) = a.path() {
        let has = has_checksums(stored)?;
        if !arguments.check {
            let state = if has { "present; --check verifies them" } else { "none" };
            report.row("checksums", state, has);
        }
    }
    // The indices of a matrix in files would have to be read.
    if a.format().is_some() && (arguments.check || a.stored_bytes() == 0) {
        let canonical = a.check()?;
        let state = match (canonical, &a) {
            (true, _) => "sorted, no duplicates",
            (false, AnyMatrix::Coo(_)) => "coordinates in any order",
            (false, _) => "unsorted, or with duplicates",
        };
        report.row("order of entries", state, canonical);
    }
    let access = match read.read_as {
        ReadAs::Mapped => "memory-mapped",
        ReadAs::Copied if a.stored_bytes() > 0 => "read into scratch files",
        ReadAs::Copied => "read into memory",
    };
    report.fact("access", access);
    if arguments.check && a.path().is_some() {
        let state = match verify(&arguments.input, session.ctx()) {
            Ok(_) => "as they were written",
            Err(error) if error.kind() == ErrorKind::Checksum => "differ, or are missing",
            Err(error) => return Err(error),
        };
        report.fact("checksums", state);
    }
    if arguments.stats {
        numbers(&a, session, &mut report)?;
    }
    Ok(report)
}

fn numbers(a: &AnyMatrix, session: &Session, report: &mut Report) -> Result<()> {
    if matches!(a.dtype(), Some(DType::Complex64 | DType::Complex128)) {
        let sum = session.try_step(|ctx| a.sum::<Complex<f64>>(ctx))?.unwrap_or_default();
        report.row("sum", sum.to_string(), vec![sum.re, sum.im]);
        let norm = session.try_step(|ctx| a.norm_fro::<Complex<f64>>(ctx))?;
        report.fact("frobenius norm", norm);
        return Ok(());
    }
    report.fact("sum", session.try_step(|ctx| a.sum::<f64>(ctx))?);
    report.fact("frobenius norm", session.try_step(|ctx| a.norm_fro::<f64>(ctx))?);
    if let Some((least, largest)) = session.try_step(|ctx| a.extremes(ctx))?.flatten() {
        report.fact("min", least);
        report.fact("max", largest);
    }
    Ok(())
}
