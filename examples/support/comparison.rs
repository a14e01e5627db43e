//! The same matrix dense and sparse at growing density: bytes, seconds of a product, memory.

use std::path::Path;

use outcore::linalg::LinearOperator;
use outcore::{Context, Csr, Order, Place, Result};

use super::{best_of, harmonic, peak_memory, reset_peak_memory};

const DENSITIES: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 1.0];

/// One density: what the product `y = A x` costs either way.
pub(crate) struct Row {
    pub(crate) density: f64,
    pub(crate) dense: Cost,
    pub(crate) sparse: Cost,
    /// MiB held at most during the products.
    pub(crate) peak: f64,
}

pub(crate) struct Cost {
    pub(crate) bytes: f64,
    pub(crate) seconds: f64,
}

impl Cost {
    fn gbps(&self) -> f64 {
        self.bytes / self.seconds / 1e9
    }
}

/// Measures square float64 matrices of order `n`, mapped from `folder`, or in memory without one.
pub(crate) fn compare(n: usize, folder: Option<&Path>, ctx: &Context) -> Result<Vec<Row>> {
    DENSITIES.iter().map(|&density| compare_one(n, density, folder, ctx)).collect()
}

fn compare_one(n: usize, density: f64, folder: Option<&Path>, ctx: &Context) -> Result<Row> {
    let place = |ending: &str| match folder {
        Some(folder) => Place::File(folder.join(format!("random-{density}.{ending}"))),
        None => Place::Memory,
    };
    let sparse = Csr::<f64>::random((n, n), density, 1, place("bspnpy"), ctx)?;
    let dense = sparse.to_dense(Order::C, place("npy"), ctx)?;
    let (x, mut y) = (harmonic(n), vec![0.0; n]);
    reset_peak_memory();
    let mut cost = |bytes: u64, operator: &dyn LinearOperator<f64>| -> Result<Cost> {
        let seconds = best_of(5, || operator.apply(&x, &mut y, ctx))?;
        Ok(Cost { bytes: bytes as f64, seconds })
    };
    Ok(Row {
        density,
        dense: cost(8 * dense.len() as u64, &dense)?,
        sparse: cost(sparse.bytes(), &sparse)?,
        peak: peak_memory(),
    })
}

/// Prints a table.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "    density   dense MB   sparse MB   dense ms   sparse ms   dense GB/s   sparse GB/s   peak MiB"
    );
    for Row { density, dense, sparse, peak } in rows {
        println!(
            "    {density:7.3}   {:8.1}   {:9.1}   {:8.2}   {:9.2}   {:10.1}   {:11.1}   {peak:8.0}",
            dense.bytes / 1e6,
            sparse.bytes / 1e6,
            dense.seconds * 1e3,
            sparse.seconds * 1e3,
            dense.gbps(),
            sparse.gbps(),
        );
    }
}

/// The density at which sparse stops costing less, between two measured ones, by linear interpolation of the logarithms.
pub(crate) fn crossing(rows: &[Row], quantity: impl Fn(&Cost) -> f64) -> Option<f64> {
    let advantage = |row: &Row| (quantity(&row.dense) / quantity(&row.sparse)).ln();
    rows.windows(2).find_map(|pair| {
        let (before, after) = (advantage(&pair[0]), advantage(&pair[1]));
        let (from, to) = (pair[0].density.ln(), pair[1].density.ln());
        (before > 0.0 && after <= 0.0)
            .then(|| (from + (to - from) * before / (before - after)).exp())
    })
}
