//! Where sparse overtakes dense: bytes and seconds of `y = A x` for growing density, in memory and mapped from disk.

mod support;

use support::{Outcome, arguments, comparison, context};

const HELP: &str = "\
dense_vs_sparse [ORDER]

Compares a square float64 matrix of this order (4000) stored dense and as CSR with 32-bit indices, at densities from
0.1 % to 100 %, and says at which density sparse stops being smaller, and stops being faster.";

fn main() -> Outcome {
    let (_, arguments) = arguments(HELP, &[])?;
    let order = match arguments.as_slice() {
        [] => 4000,
        [order] => order.parse()?,
        _ => return Err(HELP.into()),
    };
    let ctx = context();
    let folder = tempfile::tempdir()?;
    for (place, folder) in [("in memory", None), ("mapped from disk", Some(folder.path()))] {
        println!("y = A x, order {order}, {place}");
        let rows = comparison::compare(order, folder, &ctx)?;
        comparison::print(&rows);
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
    Ok(())
}
