//! Ranks the vertices of a graph, in a file of any kind that is read or made up on the spot.
//!
//! `cargo run --release --example pagerank -- --help`

mod support;

use std::error::Error;
use std::time::Instant;

use outcore::Context;
use outcore::graph::{PageRankOptions, check_pagerank, pagerank};
use support::graphs::{load, take_number};

const HELP: &str = "\
usage: pagerank [PATH | rmat SCALE] [--threads N]

PATH is a Matrix Market file, an edge list `u v`, or a stored matrix (a folder).
rmat SCALE makes a random graph of 2^SCALE vertices and 16 edges for each; SCALE is 14 if nothing is given.";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).collect::<Vec<_>>();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let mut ctx = Context::new();
    if let Some(threads) = take_number(&mut words, "--threads")? {
        ctx = ctx.threads(threads)?;
    }

    let start = Instant::now();
    let graph = load(&words, HELP, &ctx)?;
    println!(
        "graph: {} vertices, {} edges, {} threads, {:.3} s to load",
        graph.nrows(),
        graph.nnz(),
        ctx.thread_count(),
        start.elapsed().as_secs_f64()
    );

    let options = PageRankOptions::default();
    let start = Instant::now();
    let found = pagerank(&graph, &options, &ctx)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("dangling vertices: {}", found.dangling);
    println!(
        "{} after {} iterations: the ranks last changed by {:.1e}; {seconds:.3} s, {:.1} ms an iteration",
        if found.converged { "converged" } else { "NOT converged" },
        found.iterations,
        found.change,
        1e3 * seconds / found.iterations.max(1) as f64,
    );
    println!("\n     vertex  rank");
    for (vertex, rank) in found.top(10) {
        println!("{vertex:>11}  {rank:.10}");
    }

    let residual = check_pagerank(&graph, &found.ranks, options.damping)?;
    // Ranks are summed over the edges into a vertex one after the other, up to half a rounding error for each.
    let most = graph.nnz_per(0, &ctx)?.into_iter().max().unwrap_or(0);
    let right = residual <= options.tol + 1e-12 + most as f64 * f64::EPSILON / 2.0;
    println!(
        "\ncheck: one more step would change the ranks by {residual:.1e}: {}",
        if right { "right" } else { "WRONG" }
    );
    if right { Ok(()) } else { Err("the ranks are not PageRank".into()) }
}
