//! Rows and columns in another order.

use std::path::PathBuf;

use outcore::graph::{degree_order, reverse_cuthill_mckee};
use outcore::io::Imported;
use outcore::ndarray::Array1;
use outcore::{
    AnyMatrix, Context, Csr, DType, Dense, Error, ErrorKind, Permutation, Place, Result,
};

use crate::plan::unknown_rest;
use crate::report::Report;
use crate::session::Session;
use crate::verbs::convert::done;

pub(crate) const ABOUT: &str = "Permute rows and columns: by an array, or by reverse Cuthill–McKee or degree";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    output: PathBuf,
    /// A .npy array of the old number of each new row (and column): position k receives row ORDER[k]
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    /// Compute the order
    #[arg(long, value_enum, conflicts_with = "order", required_unless_present = "order")]
    by: Option<By>,
    /// What is moved
    #[arg(long, value_enum, default_value_t = Axes::Both)]
    axes: Axes,
    /// Write the order to a .npy array
    #[arg(long, value_name = "FILE")]
    save_order: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum By {
    /// Reverse Cuthill–McKee: neighbours close together
    Rcm,
    /// Rows with many entries first
    Degree,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Axes {
    Both,
    Rows,
    Columns,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    arguments.save_order.as_deref().map_or(Ok(()), |path| session.check_free(path))?;
    let Imported { matrix: a, vertices, .. } = session.import(&arguments.input)?;
    let a = session.compressed(a)?;
    let order = match (&arguments.order, arguments.by) {
        (Some(path), _) => from_file(path, session)?,
        (None, by) => session.try_step(|ctx| computed(&a, by, ctx))?.ok_or_else(unknown_rest)?,
    };
    let (rows, columns) = match arguments.axes {
        Axes::Both => (Some(&order), Some(&order)),
        Axes::Rows => (Some(&order), None),
        Axes::Columns => (None, Some(&order)),
    };
    let moved = |place, ctx: &_| a.permute(rows, columns, place, ctx);
    // Names stay with their vertices where rows and columns move alike.
    let both = arguments.axes == Axes::Both;
    let ids = vertices.filter(|ids| both && ids.len() == order.len());
    let ids = ids.map(|ids| ids.take(order.order())).transpose()?;
    let moved = session.make_with_ids(&arguments.output, ids.as_ref(), &a, false, moved)?;
    let mut report = done(&arguments.output, &moved);
    if let Some(path) = &arguments.save_order {
        let order: Vec<i64> = order.order().iter().map(|&k| k as i64).collect();
        let order = Dense::from(Array1::from(order));
        session.last_step(|ctx| order.copy_to(session.place(path), ctx))?;
        report.fact("order", path.display().to_string());
    }
    Ok(report)
}

/// The order in a file of integers.
fn from_file(path: &std::path::Path, session: &Session) -> Result<Permutation> {
    let a = session.read_second(path)?.to_dtype(DType::Int64, Place::Memory, session.ctx())?;
    let a = Dense::<i64>::try_from(a).map_err(|error| error.in_file(path))?;
    let wrong = |k: &i64| {
        Error::new(ErrorKind::Value, "a row has no negative number").in_file(path).found(k)
    };
    let order = a.as_slice().iter().map(|k| usize::try_from(*k).map_err(|_| wrong(k)));
    Permutation::new(order.collect::<Result<_>>()?).map_err(|error| error.in_file(path))
}

fn computed(a: &AnyMatrix, by: Option<By>, ctx: &Context) -> Result<Permutation> {
    // The order follows from the pattern alone, and the entries of a column are as good as those of a row.
    let rows = match a {
        AnyMatrix::Csc(_) => a.transpose().pattern()?,
        _ => a.pattern()?,
    };
    let graph: Csr<(), u64, u64> = match Csr::<(), u64, u64>::try_from(rows.clone()) {
        Ok(graph) => graph,
        Err(_) => Csr::try_from(rows.to_indices(DType::Int64, Place::Scratch, ctx)?)?,
    };
    match by {
        Some(By::Degree) => degree_order(&graph, ctx),
        _ => reverse_cuthill_mckee(&graph, ctx),
    }
}
