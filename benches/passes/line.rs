//! One solve: what a run prints, as JSON or as a line of a table.

use serde_json::{Value, json};

/// What a solve cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) case: String,
    pub(crate) method: String,
    pub(crate) order: u64,
    pub(crate) file_bytes: u64,
    /// The memory limit of the context, the user's own vectors not counted.
    pub(crate) limit: u64,
    pub(crate) iterations: u64,
    /// Products with the matrix and with its adjoint, of the bounds of the spectrum too.
    pub(crate) products: u64,
    /// Sweeps over the matrix, that of its preparation too, and what was planned for as many iterations.
    pub(crate) sweeps: u64,
    pub(crate) planned_sweeps: u64,
    pub(crate) bytes_read: u64,
    pub(crate) planned_bytes: u64,
    /// Those of `bytes_read` before the solve: preparation and bounds of the spectrum.
    pub(crate) bytes_before: u64,
    pub(crate) seconds: f64,
    pub(crate) seconds_waiting: f64,
    /// `‖b − A x‖ / ‖b‖`, or `‖Aᴴ r‖ / (‖A‖ ‖r‖)`-like for least squares, from `x` itself.
    pub(crate) residual: f64,
    pub(crate) reason: String,
    pub(crate) peak_memory: u64,
}

impl Line {
    /// Bytes read for each byte of the file.
    fn passes(&self) -> f64 {
        self.bytes_read as f64 / self.file_bytes.max(1) as f64
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "bench": "passes",
            "case": self.case,
            "method": self.method,
            "order": self.order,
            "file_bytes": self.file_bytes,
            "limit": self.limit,
            "iterations": self.iterations,
            "products": self.products,
            "passes": self.passes(),
            "planned_passes": self.planned_bytes as f64 / self.file_bytes.max(1) as f64,
            "sweeps": self.sweeps,
            "planned_sweeps": self.planned_sweeps,
            "bytes_read": self.bytes_read,
            "planned_bytes": self.planned_bytes,
            "bytes_before": self.bytes_before,
            "seconds": self.seconds,
            "seconds_waiting": self.seconds_waiting,
            "residual": self.residual,
            "reason": self.reason,
            "peak_memory": self.peak_memory,
        })
    }

    /// A line that a run printed. What it leaves out is zero.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("not a line of measurements: {text}");
        let value: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let count = |field: &str| value[field].as_u64().unwrap_or(0);
        let number = |field: &str| value[field].as_f64().ok_or_else(wrong);
        Ok(Line {
            case: text("case"),
            method: text("method"),
            order: count("order"),
            file_bytes: count("file_bytes"),
            limit: count("limit"),
            iterations: count("iterations"),
            products: count("products"),
            sweeps: count("sweeps"),
            planned_sweeps: count("planned_sweeps"),
            bytes_read: count("bytes_read"),
            planned_bytes: count("planned_bytes"),
            bytes_before: count("bytes_before"),
            seconds: number("seconds")?,
            seconds_waiting: number("seconds_waiting").unwrap_or(0.0),
            residual: number("residual")?,
            reason: text("reason"),
            peak_memory: count("peak_memory"),
        })
    }

    pub(crate) fn print_header() {
        println!(
            "{:12} {:26} {:>6} {:>8} {:>7} {:>8} {:>7} {:>8} {:>8} {:>6} {:>9} {:>9} {:>8}  reason",
            "case",
            "method",
            "iter.",
            "products",
            "sweeps",
            "planned",
            "passes",
            "GB read",
            "planned",
            "times",
            "seconds",
            "residual",
            "peak MiB"
        );
    }

    pub(crate) fn print(&self) {
        let most = (self.sweeps as f64).max(1.0);
        println!(
            "{:12} {:26} {:6} {:8} {:7} {:8} {:7.2} {:8.3} {:8.3} {:6.1} {:9.3} {:9.1e} {:8.0}  {}",
            self.case,
            self.method,
            self.iterations,
            self.products,
            self.sweeps,
            self.planned_sweeps,
            self.passes(),
            self.bytes_read as f64 / 1e9,
            self.planned_bytes as f64 / 1e9,
            self.products as f64 / most,
            self.seconds,
            self.residual,
            self.peak_memory as f64 / f64::from(1 << 20),
            self.reason,
        );
    }
}
