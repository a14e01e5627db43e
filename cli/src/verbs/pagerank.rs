//! Ranks of the vertices of a graph.

use std::path::PathBuf;

use outcore::graph::{PageRankOptions, pagerank};
use outcore::Result;

use crate::report::Report;
use crate::session::Session;
use crate::verbs::matvec::write_if_asked;

pub(crate) const ABOUT: &str = "Rank the vertices of a graph by PageRank";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// A .npy array for the rank of every vertex
    output: Option<PathBuf>,
    /// How many to print
    #[arg(long, default_value_t = 10)]
    top: usize,
    #[arg(long, default_value_t = 0.85)]
    damping: f64,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let graph = session.graph(&arguments.input, output)?;
    let options = PageRankOptions { damping: arguments.damping, ..Default::default() };
    let ranks = pagerank(&graph, &options, session.ctx())?;
    let top = ranks.top(arguments.top);
    let mut report = write_if_asked(output, || ranks.ranks, session)?;
    report.fact("vertices", graph.nrows());
    report.fact("edges", graph.nnz());
    report.value("top", top.iter().map(|&(v, r)| serde_json::json!([v, r])).collect::<Vec<_>>());
    for (vertex, rank) in top {
        report.line(format!("{vertex:>12}  {rank:.6e}"));
    }
    Ok(report)
}
