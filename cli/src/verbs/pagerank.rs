//! Ranks of the vertices of a graph.

use std::path::PathBuf;

use outcore::Result;
use outcore::graph::{PageRankOptions, pagerank};

use crate::plan::unknown_rest;
use crate::report::Report;
use crate::session::Session;
use crate::vertices::{self, Values};

pub(crate) const ABOUT: &str = "Rank the vertices of a graph by PageRank";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// The rank of every vertex: a .npy array, or lines of id and rank in a .csv or .tsv file
    output: Option<PathBuf>,
    /// How many to print
    #[arg(long, default_value_t = 10)]
    top: usize,
    #[arg(long, default_value_t = 0.85)]
    damping: f64,
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    let output = arguments.output.as_deref();
    let read = session.graph(&arguments.input, output)?;
    let (graph, ids) = (read.graph, read.vertices.as_ref());
    let options = PageRankOptions { damping: arguments.damping, ..Default::default() };
    let ranks = session.try_step(|ctx| pagerank(&graph, &options, ctx))?;
    let ranks = ranks.ok_or_else(unknown_rest)?;
    let top = ranks.top(arguments.top);
    let ranks = ranks.ranks;
    let values = Values { numbers: &|| ranks.clone(), text: &|vertex| ranks[vertex].to_string() };
    let mut report = vertices::write(output, ids, (graph.nrows(), values), session)?;
    report.fact("vertices", graph.nrows());
    report.fact("edges", graph.nnz());
    let pair = |&(vertex, rank): &(usize, f64)| serde_json::json!([vertices::value(ids, vertex), rank]);
    report.value("top", top.iter().map(pair).collect::<Vec<_>>());
    for (vertex, rank) in top {
        report.line(format!("{:>12}  {rank:.6e}", vertices::name(ids, vertex)));
    }
    Ok(report)
}
