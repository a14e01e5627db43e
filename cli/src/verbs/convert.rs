//! From one format to another.

use std::path::{Path, PathBuf};

use outcore::{AnyMatrix, Context, DType, Duplicates, Order, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::size::count;
pub(crate) use crate::table_flags::parse_dtype;
use crate::vertices::kept;

pub(crate) const ABOUT: &str = "Convert to another format, element type, index type or order";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// .npy for a dense array, .bspnpy for a sparse matrix, .mtx, .npz, .csv or .tsv for either; a text format with .gz
    /// appended is compressed
    output: PathBuf,
    /// Format of a sparse result
    #[arg(long, value_enum, default_value_t = To::Same)]
    to: To,
    /// Type of the elements, such as float32 or int64
    #[arg(long, value_name = "TYPE", value_parser = parse_dtype)]
    dtype: Option<DType>,
    /// Type of the indices of a sparse result
    #[arg(long, value_enum, value_name = "TYPE")]
    index: Option<Width>,
    /// Order of a dense result
    #[arg(long, value_enum, default_value_t = Layout::C)]
    order: Layout,
    /// Sort the entries of every row
    #[arg(long)]
    sort: bool,
    /// How to treat duplicates; also sorts the entries
    #[arg(long, value_enum, value_name = "HOW")]
    dup: Option<Dup>,
    /// Leave out stored zeros
    #[arg(long)]
    drop_zeros: bool,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum To {
    /// The format of the input, or CSR
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

#[derive(Clone, Copy, clap::ValueEnum)]
enum Width {
    Int32,
    Int64,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Dup {
    /// They are added up
    Sum,
    /// They are an error, which gives the position
    Error,
    /// They are kept
    Keep,
}

/// A step on the way, which makes a matrix at a place.
type Step = Box<dyn Fn(&AnyMatrix, Place, &Context) -> Result<AnyMatrix>>;

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_path();
    session.check_free(output)?;
    if goes_straight(arguments, session) {
        let place = session.place(output);
        let read = |ctx: &_| session.read_to(&arguments.input, place, ctx);
        return Ok(session.last_step(read)?.map_or_else(Report::new, |a| done(output, &a)));
    }
    let read = session.import(&arguments.input)?;
    let (mut a, ids) = (read.matrix, read.vertices);
    let named = |name: &str| output.extension().is_some_and(|it| it.eq_ignore_ascii_case(name));
    let is_stored = named("npy") || named("bspnpy");
    let steps = steps(arguments, &a, (named("npy"), named("bspnpy")));
    let count = steps.len();
    // Other formats have no place for ids.
    let ids = ids.filter(|ids| kept(Some(ids), output).is_some());
    for (k, step) in steps.into_iter().enumerate() {
        // The last stands at its place when it is made; text, and what ids go with, is written from it.
        let is_last = is_stored && ids.is_none() && k + 1 == count;
        a = match is_last {
            true => {
                let made = session.last_step(|ctx| step(&a, session.place(output), ctx))?;
                made.unwrap_or(a)
            }
            false => session.step(&a, |ctx| step(&a, place_like(&a), ctx))?,
        };
    }
    if ids.is_some() || !is_stored || count == 0 {
        session.write_with_ids(output, ids.as_ref(), &a)?;
    }
    Ok(done(output, &a))
}

/// Whether the matrix in a file is read to the output itself: nothing of it is to be changed.
fn goes_straight(arguments: &Arguments, session: &Session) -> bool {
    let Arguments { input, output, to, dtype, index, sort, dup, drop_zeros, .. } = arguments;
    let changes =
        dtype.is_some() || index.is_some() || *sort || dup.is_some() || *drop_zeros;
    let is_stored = output.extension().is_some_and(|it| it.eq_ignore_ascii_case("bspnpy"));
    is_stored && !changes && matches!(to, To::Same | To::Csr) && session.lists_entries(input)
}

/// What is to be done, in order.
fn steps(
    arguments: &Arguments,
    a: &AnyMatrix,
    (to_dense, to_sparse): (bool, bool),
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let Arguments { index, sort, dup, drop_zeros, .. } = *arguments;
    if let Some(dtype) = arguments.dtype.filter(|&dtype| Some(dtype) != a.dtype()) {
        steps.push(Box::new(move |a, place, ctx| a.to_dtype(dtype, place, ctx)));
    }
    let settles = sort || dup.is_some();
    let mut to = match (arguments.to, a) {
        (To::Same, AnyMatrix::Dense(_)) if to_sparse || settles || drop_zeros => Some(To::Csr),
        (To::Same, AnyMatrix::Coo(_)) if settles || drop_zeros => Some(To::Csr),
        (To::Same, _) => None,
        (to, _) => Some(to),
    };
    // Entries are treated in lines; coordinates are made of these afterwards.
    let back = matches!(to, Some(To::Coo)) && (settles || drop_zeros);
    if back {
        to = Some(To::Csr);
    }
    if settles {
        let dup = match dup {
            Some(Dup::Sum) => Duplicates::Sum,
            Some(Dup::Error) => Duplicates::Refuse,
            Some(Dup::Keep) | None => Duplicates::Keep,
        };
        let is_csc = matches!(to, Some(To::Csc)) || to.is_none() && matches!(a, AnyMatrix::Csc(_));
        steps.push(match is_csc {
            true => Box::new(move |a, place, ctx| a.to_csc_with(dup, place, ctx).map(AnyMatrix::from)),
            false => Box::new(move |a, place, ctx| a.to_csr_with(dup, place, ctx).map(AnyMatrix::from)),
        });
    } else {
        match to {
            Some(To::Csr) => {
                steps.push(Box::new(|a, place, ctx| a.to_csr(place, ctx).map(AnyMatrix::from)));
            }
            Some(To::Csc) => {
                steps.push(Box::new(|a, place, ctx| a.to_csc(place, ctx).map(AnyMatrix::from)));
            }
            Some(To::Coo) => {
                steps.push(Box::new(|a, place, ctx| a.to_coo(place, ctx).map(AnyMatrix::from)));
            }
            _ => {}
        }
    }
    if drop_zeros {
        steps.push(Box::new(|a, place, ctx| a.prune(place, ctx)));
    }
    if back {
        steps.push(Box::new(|a, place, ctx| a.to_coo(place, ctx).map(AnyMatrix::from)));
    }
    if let Some(index) = index {
        let index = match index {
            Width::Int32 => DType::Int32,
            Width::Int64 => DType::Int64,
        };
        steps.push(Box::new(move |a, place, ctx| a.to_indices(index, place, ctx)));
    }
    if to_dense {
        let order = match arguments.order {
            Layout::C => Order::C,
            Layout::Fortran => Order::Fortran,
        };
        steps.push(Box::new(move |a, place, ctx| AnyMatrix::try_from(a.to_dense(order, place, ctx)?)));
    }
    steps
}

/// Where a matrix on its way lies: in memory if its source did, or in scratch files.
fn place_like(a: &AnyMatrix) -> Place {
    if a.stored_bytes() > 0 { Place::Scratch } else { Place::Memory }
}

/// The report of a verb that wrote a matrix.
pub(crate) fn done(path: &Path, matrix: &AnyMatrix) -> Report {
    let mut report = Report::new();
    let (nrows, ncols) = matrix.shape();
    report.fact("written", path.display().to_string());
    report.row("shape", format!("{nrows} x {ncols}"), vec![nrows, ncols]);
    report.fact("type", matrix.dtype().map_or("pattern", DType::name));
    report.row("entries", count(matrix.nnz() as u64), matrix.nnz());
    report
}
