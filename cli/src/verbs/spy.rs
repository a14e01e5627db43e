//! A picture of where the entries of a matrix are.
//!
//! One pass over the entries counts how many fall on each dot; the logarithm of the count is its shade. So a matrix of
//! any size makes a picture of one size, in bounded memory.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use outcore::{AnyMatrix, Error, Place, Result};

use crate::report::Report;
use crate::session::Session;
use crate::verbs::head::entries;

pub(crate) const ABOUT: &str = "Draw where the entries of a matrix are, as a PNG";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    input: PathBuf,
    /// A .png file
    output: PathBuf,
    /// Dots of the longer side
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(16..=8192))]
    size: u32,
}

/// Entries of a matrix in files that are looked at together.
const SLAB: usize = 1 << 22;

/// Dots around the picture.
const MARGIN: usize = 24;

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Report> {
    session.check_free(&arguments.output)?;
    let a = session.read(&arguments.input)?;
    let (nrows, ncols) = a.shape();
    let longest = nrows.max(ncols).max(1) as f64;
    let most = f64::from(arguments.size).min(longest).max(1.0);
    let dots = |extent: usize| ((extent as f64 / longest * most).ceil() as usize).max(1);
    let mut raster = Raster::new((nrows, ncols), (dots(nrows), dots(ncols)));
    count(&a, &mut raster, session)?;
    raster.write(&arguments.output)?;
    let mut report = Report::new();
    report.fact("written", arguments.output.display().to_string());
    report.row("shape", format!("{nrows} x {ncols}"), vec![nrows, ncols]);
    report.fact("entries", a.nnz());
    report.row("dots", format!("{} x {}", raster.height, raster.width), vec![raster.height, raster.width]);
    report.fact("most on a dot", raster.counts.iter().copied().max().unwrap_or(0));
    Ok(report)
}

/// Counts the entries, some rows at a time where there are many.
fn count(a: &AnyMatrix, raster: &mut Raster, session: &Session) -> Result<()> {
    let ctx = session.ctx();
    let (nrows, ncols) = a.shape();
    let sparse = match a.format() {
        None => AnyMatrix::from(a.to_csr(Place::Scratch, ctx)?),
        Some(_) => a.clone(),
    };
    let pattern = sparse.pattern()?;
    let (extent, across) = match &pattern {
        AnyMatrix::Csr(_) => (nrows, false),
        AnyMatrix::Csc(_) => (ncols, true),
        _ => {
            let all = entries::<()>(pattern, session)?;
            all.into_iter().for_each(|(i, j, ())| raster.add(i, j));
            return Ok(());
        }
    };
    let step = (extent as u128 * SLAB as u128 / pattern.nnz().max(1) as u128).max(1);
    let step = usize::try_from(step).unwrap_or(extent).min(extent.max(1));
    for start in (0..extent).step_by(step) {
        let here = start..extent.min(start + step);
        let (rows, cols) = if across { (0..nrows, here) } else { (here, 0..ncols) };
        let part = pattern.slice(rows, cols, Place::Memory, ctx)?;
        for (i, j, ()) in entries::<()>(part, session)? {
            let (i, j) = if across { (i, start + j) } else { (start + i, j) };
            raster.add(i, j);
        }
        ctx.report("drawing", start as u64, extent as u64)?;
    }
    Ok(())
}

/// Dots, and how many entries fall on each.
struct Raster {
    shape: (usize, usize),
    height: usize,
    width: usize,
    counts: Vec<u64>,
}

impl Raster {
    fn new(shape: (usize, usize), (height, width): (usize, usize)) -> Self {
        Raster { shape, height, width, counts: vec![0; height * width] }
    }

    fn add(&mut self, row: usize, col: usize) {
        let y = (row as u128 * self.height as u128 / self.shape.0.max(1) as u128) as usize;
        let x = (col as u128 * self.width as u128 / self.shape.1.max(1) as u128) as usize;
        self.counts[y * self.width + x] += 1;
    }

    /// White where there is nothing, darker with the logarithm of the count; a frame around it.
    fn write(&self, path: &Path) -> Result<()> {
        let (width, height) = (self.width + 2 * MARGIN, self.height + 2 * MARGIN);
        let most = (self.counts.iter().copied().max().unwrap_or(0) as f64).ln_1p();
        let mut pixels = vec![255u8; 3 * width * height];
        let mut set = |x: usize, y: usize, color: [u8; 3]| {
            let at = 3 * (y * width + x);
            pixels[at..at + 3].copy_from_slice(&color);
        };
        for (k, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let depth = (count as f64).ln_1p() / most.max(f64::MIN_POSITIVE);
            set(MARGIN + k % self.width, MARGIN + k / self.width, shade(depth));
        }
        let frame = [120, 120, 120];
        for x in MARGIN - 1..=MARGIN + self.width {
            set(x, MARGIN - 1, frame);
            set(x, MARGIN + self.height, frame);
        }
        for y in MARGIN - 1..=MARGIN + self.height {
            set(MARGIN - 1, y, frame);
            set(MARGIN + self.width, y, frame);
        }
        let failed = |error: std::io::Error| Error::io("writing", path, error);
        let hidden = path.with_extension("png.part");
        let file = File::create(&hidden).map_err(failed)?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder
            .write_header()
            .and_then(|mut writer| {
                writer.write_image_data(&pixels)?;
                writer.finish()
            })
            .map_err(|error| failed(std::io::Error::other(error)))
            .and_then(|()| std::fs::rename(&hidden, path).map_err(failed));
        if written.is_err() {
            let _ = std::fs::remove_file(&hidden);
        }
        written
    }
}

/// From light blue to black.
fn shade(depth: f64) -> [u8; 3] {
    let mix = |light: f64, dark: f64| (light + (dark - light) * depth).round() as u8;
    [mix(150.0, 10.0), mix(190.0, 20.0), mix(230.0, 60.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_fall_on_their_dots() {
        let mut raster = Raster::new((100, 50), (10, 5));
        raster.add(0, 0);
        raster.add(99, 49);
        raster.add(95, 41);
        assert_eq!((raster.counts[0], raster.counts[49]), (1, 2));
        assert!(shade(1.0)[0] < shade(0.1)[0]);
    }
}
