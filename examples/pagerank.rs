//! Ranks the vertices of a graph, in a file of any kind that is read or made up on the spot.
//!
//! `cargo run --release --example pagerank -- --help`

use std::error::Error;
use std::time::Instant;

use outcore::graph::{PageRankOptions, check_pagerank, pagerank};
use outcore::io::read_graph;
use outcore::{Context, Coo, Csr, Duplicates, Place};

const HELP: &str = "\
usage: pagerank [PATH | rmat SCALE] [--threads N]

PATH is a Matrix Market file, a list of edges `u v`, or a stored matrix (a folder).
rmat SCALE makes a random graph of 2^SCALE vertices and 16 edges for each; SCALE is 14 if nothing is given.";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).collect::<Vec<_>>();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("{HELP}");
        return Ok(());
    }
    let mut ctx = Context::new();
    if let Some(at) = words.iter().position(|word| word == "--threads") {
        let number = words.get(at + 1).ok_or(HELP)?.parse()?;
        ctx = ctx.threads(number)?;
        words.drain(at..at + 2);
    }

    let start = Instant::now();
    let graph = load(&words, &ctx)?;
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
    // The check adds in another order; the sums it forms are of numbers that add up to 1.
    let right = residual <= options.tol + 1e-12;
    println!(
        "\ncheck: one more step would change the ranks by {residual:.1e}: {}",
        if right { "right" } else { "WRONG" }
    );
    if right { Ok(()) } else { Err("the ranks are not PageRank".into()) }
}

fn load(words: &[String], ctx: &Context) -> Result<Csr<()>, Box<dyn Error>> {
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    let scale = match words[..] {
        [] => 14,
        ["rmat", scale] => scale.parse()?,
        [path] => return Ok(read_graph(path, Place::Memory, ctx)?),
        _ => return Err(HELP.into()),
    };
    Ok(Coo::<()>::rmat(scale, 16, 1)?.to_csr(Duplicates::Sum, Place::Memory, ctx)?)
}
