//! Searches a graph breadth first and counts what hangs together, in a file of any kind that is read or made up on the
//! spot.
//!
//! `cargo run --release --example bfs -- --help`

mod support;

use std::error::Error;
use std::time::Instant;

use outcore::graph::{
    bfs, bfs_with_incoming, check_bfs, check_components, check_strong_components,
    connected_components, strong_components,
};
use outcore::{Context, Place};
use support::graphs::{load, take_number};

const HELP: &str = "\
usage: bfs [PATH | rmat SCALE] [--source VERTEX] [--threads N]

PATH is a Matrix Market file, an edge list `u v`, or a stored matrix (a folder).
rmat SCALE makes a random graph of 2^SCALE vertices and 16 edges for each; SCALE is 14 if nothing is given.
VERTEX is where the search starts; 0 if nothing is given.";

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
    let source = take_number(&mut words, "--source")?.unwrap_or(0);

    let graph = timed("load", || load(&words, HELP, &ctx))?;
    println!("graph: {} vertices, {} edges\n", graph.nrows(), graph.nnz());

    let search = timed("search", || bfs(&graph, source, &ctx))?;
    let incoming = timed("turn edges round", || graph.to_csc(Place::Memory, &ctx))?;
    let both = timed("search both ways", || bfs_with_incoming(&graph, &incoming, source, &ctx))?;
    timed("check search", || check_bfs(&graph, source, &search))?;
    println!("level  vertices");
    for (level, vertices) in search.level_histogram().iter().enumerate() {
        println!("{level:>5}  {vertices}");
    }
    println!("{} of {} vertices reached from {source}\n", search.reached, graph.nrows());

    let weak = timed("components", || connected_components(&graph, &ctx))?;
    timed("check components", || check_components(&graph, &weak))?;
    println!("{} components, the largest of {} vertices\n", weak.count, weak.largest);

    let strong = timed("strong components", || strong_components(&graph, &ctx))?;
    timed("check strong ones", || check_strong_components(&graph, &incoming, &strong))?;
    println!("{} strong components, the largest of {} vertices\n", strong.count, strong.largest);

    if search != both {
        return Err("the two searches differ".into());
    }
    println!("check: everything is right");
    Ok(())
}

/// Runs `work` and says how long it took.
fn timed<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = work();
    println!("{what:<18} {:>9.3} s", start.elapsed().as_secs_f64());
    result
}
