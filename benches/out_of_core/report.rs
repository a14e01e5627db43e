//! Measurements for people: a table, a chart in letters, a chart as SVG.

use crate::line::Line;
use crate::support::chart::{self, Bar};

/// Letters of the longest bar.
const WIDTH: f64 = 40.0;

/// Prints a table, and for every case a bar for each contestant: the speed at which the bytes of the work went by.
pub(crate) fn print(lines: &[Line], limit: u64) {
    println!(
        "{:24} {:24} {:>9} {:>9} {:>9} {:>9} {:>7} {:>9}",
        "case", "", "least s", "median s", "work GB", "disk GB", "GB/s", "peak MiB"
    );
    for line in lines {
        println!(
            "{:24} {:24} {:9.3} {:9.3} {:9.2} {:9.2} {:7.2} {:9.0}",
            line.case,
            line.implementation,
            line.least(),
            line.median(),
            line.bytes as f64 / 1e9,
            line.disk_bytes as f64 / 1e9,
            rate(line),
            line.peak_memory as f64 / (1 << 20) as f64,
        );
    }
    println!("\nGB/s of the work, medians; memory limit {} MiB", limit >> 20);
    let fastest = lines.iter().map(rate).fold(0.0, f64::max);
    for line in lines {
        let bar = "█".repeat((rate(line) / fastest * WIDTH).round() as usize);
        println!("{:24} {:24} {bar} {:.2}", line.case, line.implementation, rate(line));
    }
}

/// Bytes of the work a second, in GB/s.
fn rate(line: &Line) -> f64 {
    line.bytes as f64 / line.median() / 1e9
}

/// The chart as an SVG image.
pub(crate) fn svg(lines: &[Line]) -> String {
    let bars: Vec<Bar> = lines
        .iter()
        .map(|line| {
            let colour = match line.implementation.as_str() {
                "plain map" => 1,
                disk if disk.starts_with("disk") => 2,
                _ => 0,
            };
            let label = format!("{} · {}", line.case, line.implementation);
            Bar { label, value: rate(line), colour }
        })
        .collect();
    chart::bars("GB/s of the work, medians", &bars)
}
