//! Where sparse overtakes dense: bytes and seconds of `y = A x` for growing density, in memory, mapped
//! from disk, and read from disk because memory is short.

mod support;

use support::chart::{self, Curve};
use support::{Outcome, arguments, comparison, context};

const HELP: &str = "\
dense_vs_sparse [ORDER] [--svg FILE]

Compares a square float64 matrix of this order (4000) stored dense and as CSR with 32-bit indices, at densities from
0.1 % to 100 %, in memory, mapped from disk, and read from disk where a quarter of the dense one fits in memory. Says at
which density sparse stops being smaller, and stops being faster. With --svg also a chart.";

fn main() -> Outcome {
    let (flags, mut arguments) = arguments(HELP, &["--svg"])?;
    let svg = if flags.is_empty() { None } else { Some(arguments.pop().ok_or(HELP)?) };
    let order = match arguments.as_slice() {
        [] => 4000,
        [order] => order.parse()?,
        _ => return Err(HELP.into()),
    };
    let ctx = context();
    // A quarter of the dense matrix, and what the work itself needs.
    let short = ctx.clone().memory_limit(2 * (order * order) as u64 + (8 << 20));
    let mut curves = Vec::new();
    for (place, is_stored, ctx) in [
        ("in memory", false, &ctx),
        ("mapped from disk", true, &ctx),
        ("read from disk", true, &short),
    ] {
        println!("y = A x, order {order}, {place}");
        let folder = tempfile::tempdir()?;
        let rows = comparison::compare(order, is_stored.then_some(folder.path()), ctx)?;
        comparison::print(&rows);
        curves.extend(["dense", "sparse"].map(|kind| {
            Curve {
                label: format!("{kind}, {place}"),
                points: rows
                    .iter()
                    .map(|row| {
                        let cost = if kind == "dense" { &row.dense } else { &row.sparse };
                        (row.density, cost.seconds * 1e3)
                    })
                    .collect(),
            }
        }));
        let percent = |density: Option<f64>| match density {
            Some(density) => format!("below a density of {:.0} %", 100.0 * density),
            None => "at no density, or at all of them".to_owned(),
        };
        println!(
            "    sparse is smaller {}",
            percent(comparison::crossing(&rows, |cost| cost.bytes))
        );
        println!(
            "    sparse is faster  {}\n",
            percent(comparison::crossing(&rows, |cost| cost.seconds))
        );
    }
    if let Some(path) = svg {
        let title = format!("y = A x, order {order}, milliseconds by density");
        std::fs::write(path, chart::curves(&title, ("density", "ms"), &curves))?;
    }
    Ok(())
}
