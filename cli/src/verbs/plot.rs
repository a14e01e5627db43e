//! Charts: lengths of rows, degrees of a graph, values, the convergence of a solve.

use std::path::{Path, PathBuf};

use outcore::{AnyMatrix, Error, ErrorKind, Result};

use crate::picture::{Axis, Chart, Marks, Series, check_name, in_characters, write};
use crate::report::Report;
use crate::session::Session;
use crate::size::count;
use crate::verbs::matvec::numbers;

pub(crate) const ABOUT: &str = "Draw row lengths, degrees, values, or the convergence of a solve";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(value_enum)]
    what: What,
    /// A matrix; for convergence the JSON report of a solve, or its history as .npy or .csv
    input: PathBuf,
    /// A .png or .svg file
    #[arg(required_unless_present = "term")]
    output: Option<PathBuf>,
    /// Draw it in the terminal too, in characters
    #[arg(long)]
    term: bool,
    /// The title; made of the name if not given
    #[arg(long)]
    title: Option<String>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum What {
    /// Entries of each row, from the first row to the last
    Rows,
    /// Entries of each column
    Columns,
    /// How many vertices have each degree, with logarithmic axes
    Degrees,
    /// How many entries have a value
    Values,
    /// The residual after each iteration of a solve
    Convergence,
}

/// Points of a chart across, at most, and intervals of a histogram.
const ACROSS: usize = 320;
const BINS: usize = 60;

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    if let Some(output) = &arguments.output {
        check_name(output)?;
        session.check_free(output)?;
    }
    let name = arguments.input.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut report = Report::new();
    let mut chart = match arguments.what {
        What::Convergence => convergence(&arguments.input, &name, session, &mut report)?,
        what => {
            let a = session.read(&arguments.input)?;
            match what {
                What::Values => values(&a, &name, session, &mut report)?,
                What::Degrees => degrees(&session.compressed(a)?, &name, session, &mut report)?,
                what => lengths(&session.compressed(a)?, what, &name, session, &mut report)?,
            }
        }
    };
    if let Some(title) = &arguments.title {
        chart.title.clone_from(title);
    }
    if arguments.term {
        in_characters(&chart).iter().for_each(|line| report.line(line));
    }
    if let Some(output) = arguments.output.as_ref().filter(|_| !session.is_plan()) {
        write(&chart.scene(), 2.0, session.place(output))?;
        report.fact("written", output.display().to_string());
    }
    Ok(report)
}

fn axis(name: &str, is_log: bool) -> Axis {
    Axis { name: name.to_owned(), is_log }
}

/// The mean and the longest of neighbouring rows, over their position.
fn lengths(
    a: &AnyMatrix,
    what: What,
    name: &str,
    session: &Session,
    report: &mut Report,
) -> Result<Chart> {
    let (which, lines) = if what == What::Rows { (1, "row") } else { (0, "column") };
    let counts = a.nnz_per(which, session.ctx())?;
    let (most, total) = (counts.iter().copied().max().unwrap_or(0), counts.iter().sum::<u64>());
    let mean = total as f64 / counts.len().max(1) as f64;
    let empty = counts.iter().filter(|&&n| n == 0).count();
    report.fact("lines", counts.len());
    report.fact("longest", most);
    report.row("mean", format!("{mean:.3}"), mean);
    report.fact("empty", empty);
    let step = counts.len().div_ceil(ACROSS).max(1);
    let over = |of: &dyn Fn(&[u64]) -> f64| -> Vec<(f64, f64)> {
        let chunks = counts.chunks(step).enumerate();
        let middle = |k: usize, chunk: &[u64]| (k * step) as f64 + (chunk.len() - 1) as f64 / 2.0;
        chunks.map(|(k, chunk)| (middle(k, chunk), of(chunk))).collect()
    };
    let longest = over(&|chunk| chunk.iter().copied().max().unwrap_or(0) as f64);
    let means = over(&|chunk| chunk.iter().sum::<u64>() as f64 / chunk.len() as f64);
    let mut series = vec![Series { name: "longest".to_owned(), marks: Marks::Line(longest) }];
    if step > 1 {
        series.push(Series { name: "mean".to_owned(), marks: Marks::Line(means) });
    }
    let is_log = most as f64 > 200.0 * mean.max(1.0);
    Ok(Chart {
        title: format!("{name}: entries of {} {lines}s", count(counts.len() as u64)),
        x: axis(lines, false),
        y: axis(&format!("entries of a {lines}"), is_log),
        series,
    })
}

/// How many vertices have each degree.
fn degrees(a: &AnyMatrix, name: &str, session: &Session, report: &mut Report) -> Result<Chart> {
    if a.nrows() != a.ncols() {
        return Err(Error::shape("the matrix", "as many rows as columns", format!("{:?}", a.shape()))
            .remedy("outcore plot rows draws the lengths of rows"));
    }
    let mut series = Vec::new();
    let mut alike = None;
    for (side, which) in [("out", 1), ("in", 0)] {
        let mut degrees = a.nnz_per(which, session.ctx())?;
        degrees.sort_unstable();
        let chunks = degrees.chunk_by(|a, b| a == b);
        let points: Vec<(f64, f64)> =
            chunks.map(|chunk| (chunk[0] as f64, chunk.len() as f64)).collect();
        report.fact(&format!("largest {side} degree"), degrees.last().copied().unwrap_or(0));
        let none = points.first().filter(|point| point.0 == 0.0).map_or(0, |point| point.1 as u64);
        report.fact(&format!("{side} degree zero"), none);
        if alike.as_ref() == Some(&points) {
            continue;
        }
        alike = Some(points.clone());
        let marks = Marks::Dots(points);
        series.push(Series { name: format!("{side} degree"), marks });
    }
    Ok(Chart {
        title: format!("{name}: degrees of {} vertices", count(a.nrows() as u64)),
        x: axis("degree", true),
        y: axis("vertices", true),
        series,
    })
}

/// How many stored values lie in each of some intervals.
fn values(a: &AnyMatrix, name: &str, session: &Session, report: &mut Report) -> Result<Chart> {
    let ctx = session.ctx();
    let (least, largest) = a.extremes(ctx)?.unwrap_or((0.0, 0.0));
    if !least.is_finite() || !largest.is_finite() {
        return Err(Error::new(ErrorKind::Value, "an infinite value cannot be drawn on an axis"));
    }
    report.fact("min", least);
    report.fact("max", largest);
    let (low, high) = match largest > least {
        true => (least, largest),
        false => (least - 0.5, least + 0.5),
    };
    let width = (high - low) / BINS as f64;
    let mut edges: Vec<f64> = (0..BINS).map(|k| low + k as f64 * width).collect();
    edges.push(high);
    edges.dedup();
    let counts = a.histogram(&edges, ctx)?;
    let most = counts.iter().copied().max().unwrap_or(0) as f64;
    let fewest = counts.iter().copied().filter(|&n| n > 0).min().unwrap_or(1) as f64;
    let all: u64 = counts.iter().sum();
    report.fact("values", all);
    let heights = counts.iter().map(|&n| n as f64).collect();
    let marks = Marks::Boxes { edges, heights };
    Ok(Chart {
        title: format!("{name}: {} values", count(all)),
        x: axis("value", false),
        y: axis("entries", most > 200.0 * fewest),
        series: vec![Series { name: "values".to_owned(), marks }],
    })
}

/// The residual after each iteration.
fn convergence(path: &Path, name: &str, session: &Session, report: &mut Report) -> Result<Chart> {
    let history = history(path, session)?;
    let iterations = history.len().saturating_sub(1);
    let (first, last) = (history.first().copied(), history.last().copied());
    report.fact("iterations", iterations);
    for (name, norm) in [("first residual", first), ("last residual", last)] {
        let norm = norm.unwrap_or(0.0);
        report.row(name, format!("{norm:.3e}"), norm);
    }
    let points = history.into_iter().enumerate().map(|(k, norm)| (k as f64, norm)).collect();
    Ok(Chart {
        title: format!("{name}: {} iterations", count(iterations as u64)),
        x: axis("iteration", false),
        y: axis("‖b − A x‖", true),
        series: vec![Series { name: "residual".to_owned(), marks: Marks::Line(points) }],
    })
}

/// Numbers from a JSON report with a `history`, an array, or text with a number in the last column of each line.
fn history(path: &Path, session: &Session) -> Result<Vec<f64>> {
    let is = |ending: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending));
    if !is("json") && !is("csv") {
        return numbers(&session.read(path)?, session);
    }
    let failed = |error: std::io::Error| Error::io("reading", path, error);
    let size = path.metadata().map_err(failed)?;
    if !size.is_file() || size.len() > LONGEST {
        return Err(Error::new(ErrorKind::Format, "the file is no history of a solve")
            .in_file(path)
            .expected(format!("an ordinary file of at most {LONGEST} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    if is("json") {
        let wrong = || {
            Error::new(ErrorKind::Format, "no history of a solve")
                .in_file(path)
                .at_field("history")
                .expected("a list of numbers, as in the output of outcore solve --json")
        };
        let report: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| wrong().at_line(error.line() as u64).found(error))?;
        let list = report["history"].as_array().ok_or_else(wrong)?;
        return list.iter().map(|x| x.as_f64().ok_or_else(wrong)).collect();
    }
    let mut history = Vec::new();
    for (k, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let last = line.rsplit([',', ';', '\t']).next().unwrap_or_default().trim();
        match last.parse() {
            Ok(number) => history.push(number),
            // The first line may name the columns.
            Err(_) if k == 0 => {}
            Err(_) => {
                return Err(Error::new(ErrorKind::Value, "no number")
                    .in_file(path)
                    .at_line(k as u64 + 1)
                    .expected("a number in the last column")
                    .found(format!("{last:?}")));
            }
        }
    }
    Ok(history)
}

/// Bytes of a history, at most.
const LONGEST: u64 = 64 << 20;
