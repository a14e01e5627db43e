//! From one format to another.

use std::path::{Path, PathBuf};

use outcore::{AnyMatrix, DType, Order, Place, Result};

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Convert to another format, element type or order";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// .npy for a dense array, .bspnpy for a sparse matrix, .mtx for either
    output: PathBuf,
    /// What a sparse result is
    #[arg(long, value_enum, default_value_t = To::Same)]
    to: To,
    /// Type of the elements, such as float32 or int64
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype)]
    dtype: Option<DType>,
    /// Order of a dense result
    #[arg(long, value_enum, default_value_t = Layout::C)]
    order: Layout,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum To {
    /// The format that it has, or CSR
    Same,
    Csr,
    Csc,
    Coo,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Layout {
    C,
    Fortran,
}

/// A type by its name.
pub(crate) fn parse_dtype(name: &str) -> std::result::Result<DType, String> {
    DType::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
        let names: Vec<_> = DType::ALL.into_iter().map(DType::name).collect();
        format!("no such type; there are {}", names.join(", "))
    })
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let (ctx, output) = (session.ctx(), arguments.output.as_path());
    session.check_free(output)?;
    let read = session.import(&arguments.input)?;
    let (mut a, ids) = (read.matrix, read.vertices);
    if let Some(dtype) = arguments.dtype.filter(|&dtype| Some(dtype) != a.dtype()) {
        a = a.to_dtype(dtype, beside(&a), ctx)?;
    }
    let named = |name: &str| output.extension().is_some_and(|it| it.eq_ignore_ascii_case(name));
    let order = match arguments.order {
        Layout::C => Order::C,
        Layout::Fortran => Order::Fortran,
    };
    // What is asked for stands at its place when it is made; text is written from it.
    let place = |path: &Path| session.place(path);
    if named("npy") {
        let dense = a.to_dense(order, place(output), ctx)?;
        return Ok(done(output, &AnyMatrix::try_from(dense)?));
    }
    let to = match (arguments.to, a.format()) {
        (To::Same, None) if named("mtx") => None,
        (To::Same, None) => Some(To::Csr),
        (To::Same, Some(_)) => None,
        (to, _) => Some(to),
    };
    let target = if named("bspnpy") { place(output) } else { beside(&a) };
    let result = match to {
        Some(To::Csr) => AnyMatrix::from(a.to_csr(target, ctx)?),
        Some(To::Csc) => AnyMatrix::from(a.to_csc(target, ctx)?),
        Some(To::Coo) => AnyMatrix::from(a.to_coo(target, ctx)?),
        Some(To::Same) | None => {
            session.write(output, &a)?;
            a
        }
    };
    if to.is_some() && !matches!(to, Some(To::Same)) && !named("bspnpy") {
        session.write(output, &result)?;
    }
    // Other formats have no place for them.
    if let Some(ids) = ids.filter(|_| named("bspnpy")) {
        ids.store(output, ctx)?;
    }
    Ok(done(output, &result))
}

/// Where a matrix on its way lies: in memory if its source did, or in scratch files.
fn beside(a: &AnyMatrix) -> Place {
    if a.stored_bytes() > 0 { Place::Scratch } else { Place::Memory }
}

/// The report of a verb that wrote a matrix.
pub(crate) fn done(path: &Path, matrix: &AnyMatrix) -> Report {
    let mut report = Report::new();
    let (nrows, ncols) = matrix.shape();
    report.fact("written", path.display().to_string());
    report.row("shape", format!("{nrows} x {ncols}"), vec![nrows, ncols]);
    report.fact("type", matrix.dtype().map_or("pattern", DType::name));
    report.fact("entries", matrix.nnz());
    report
}
