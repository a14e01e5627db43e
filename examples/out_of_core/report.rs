//! Measurements for people: a table, a chart in letters, a chart as SVG.

use std::fmt::Write;

use crate::line::Line;

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
    const ROW: usize = 22;
    const BAR: f64 = 380.0;
    let fastest = lines.iter().map(rate).fold(0.0, f64::max);
    let height = ROW * (lines.len() + 2);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"18\">GB/s of the work, medians</text>\n"
    );
    for (k, line) in lines.iter().enumerate() {
        let (y, width) = (ROW * (k + 1) + 8, rate(line) / fastest * BAR);
        let fill = if line.implementation.starts_with("disk") { "#9aa5b1" } else { "#2f6f9f" };
        let fill = if line.implementation == "plain map" { "#c98b3a" } else { fill };
        let middle = y + 14;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<text x=\"10\" y=\"{middle}\">{} · {}</text>\n\
             <rect x=\"400\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" fill=\"{fill}\"/>\n\
             <text x=\"{:.1}\" y=\"{middle}\">{:.2}</text>",
            line.case,
            line.implementation,
            406.0 + width,
            rate(line)
        );
    }
    text + "</svg>\n"
}
