//! Where the entries of a matrix are: dots that are darker the more entries fall on them, with axes and a scale.

use crate::picture::colors::shade;
use crate::picture::font::drawn;
use crate::picture::scene::{Anchor, Color, INK, Scene};
use crate::picture::ticks::{Tick, linear, logarithmic};

/// Sizes of text.
const TITLE: f64 = 17.0;
const TEXT: f64 = 14.0;

/// Space between parts of the picture.
const GAP: f64 = 8.0;

/// Pixels of a narrow matrix across, at least.
const NARROW: f64 = 48.0;

/// The picture of a matrix.
pub(crate) struct Density {
    /// Rows and columns of the matrix.
    pub(crate) shape: (usize, usize),
    /// Rows and columns of cells.
    pub(crate) cells: (usize, usize),
    /// Pixels of a cell.
    zoom: (usize, usize),
}

impl Density {
    /// The picture of a matrix whose longer side has about `size` pixels.
    pub(crate) fn new(shape: (usize, usize), size: usize) -> Self {
        let longest = shape.0.max(shape.1).max(1) as f64;
        let along = |extent: usize| {
            let pixels = (extent as f64 / longest * size as f64).round();
            let pixels = pixels.max(NARROW.min(size as f64)) as usize;
            let cells = extent.clamp(1, pixels);
            (cells, (pixels / cells).max(1))
        };
        let ((rows, down), (columns, across)) = (along(shape.0), along(shape.1));
        // Cells are squares, unless that made one side too thin to be seen.
        let is_narrow = (shape.0.min(shape.1) as f64) < longest * NARROW / size as f64;
        let square = down.min(across);
        let zoom = if is_narrow { (down, across) } else { (square, square) };
        Density { shape, cells: (rows, columns), zoom }
    }

    /// The picture with the number of entries in every cell, row by row.
    pub(crate) fn scene(&self, title: &str, counts: &[u64]) -> Scene {
        let (rows, columns) = self.cells;
        let (height, width) = ((rows * self.zoom.0) as f64, (columns * self.zoom.1) as f64);
        let labels = |extent: usize, pixels: f64, apart: f64| {
            linear(0.0, extent as f64, ((pixels / apart) as usize).clamp(2, 10))
        };
        let (down, power_down) = labels(self.shape.0, height, 60.0);
        let (across, power_across) = labels(self.shape.1, width, 80.0);
        let widest = |ticks: &[Tick]| {
            ticks.iter().map(|tick| drawn(&tick.label, TEXT).1).fold(0.0, f64::max)
        };
        let left = (GAP + TEXT + GAP + widest(&down) + GAP + 6.0).ceil();
        let top = (2.5 * TITLE).ceil();
        let most = counts.iter().copied().max().unwrap_or(0);
        let scale = if most > 1 { 110.0 } else { 24.0 };
        let needed = drawn(title, TITLE).1 + left + GAP;
        let mut scene = Scene {
            width: (left + width + scale).max(needed.ceil()),
            height: top + height + 2.0 * GAP + 2.4 * TEXT,
            marks: Vec::new(),
        };
        scene.text((left, 1.5 * TITLE), title, TITLE, Anchor::Start);
        self.image(&mut scene, (left, top), counts, most);
        scene.frame((left - 0.5, top - 0.5), (width + 1.0, height + 1.0));
        let bottom = top + height;
        for (place, label) in places(across, self.shape.1, columns) {
            let x = left + place * width;
            scene.line(vec![(x, bottom + 0.5), (x, bottom + 5.5)], INK, 1.0);
            scene.text((x, bottom + GAP + TEXT), label, TEXT, Anchor::Middle);
        }
        for (place, label) in places(down, self.shape.0, rows) {
            let y = top + place * height;
            scene.line(vec![(left - 5.5, y), (left - 0.5, y)], INK, 1.0);
            scene.text((left - GAP - 2.0, y + 0.36 * TEXT), label, TEXT, Anchor::End);
        }
        let name = |name: &str, power: i32| match power {
            0 => name.to_owned(),
            _ => format!("{name} / 10^{power}"),
        };
        let below = bottom + 1.5 * GAP + 2.1 * TEXT;
        scene.text((left + width / 2.0, below), name("column", power_across), TEXT, Anchor::Middle);
        let at = (GAP + 0.7 * TEXT, top + height / 2.0);
        scene.text_upwards(at, name("row", power_down), TEXT);
        if most > 1 {
            self.legend(&mut scene, (left + width + 22.0, top), height, most);
        }
        scene
    }

    fn image(&self, scene: &mut Scene, at: (f64, f64), counts: &[u64], most: u64) {
        let color = |&count: &u64| match count {
            0 => [255; 3],
            _ => shade(depth(count as f64, most)),
        };
        let (down, across) = self.zoom;
        // Cells that are not squares are made of squares.
        let cell = if down == across { down } else { 1 };
        let (down, across) = (down / cell, across / cell);
        let columns = self.cells.1 * across;
        let colors: Vec<Color> = counts
            .chunks(self.cells.1.max(1))
            .flat_map(|row| {
                let row: Vec<Color> =
                    row.iter().flat_map(|n| std::iter::repeat_n(color(n), across)).collect();
                std::iter::repeat_n(row, down).flatten()
            })
            .collect();
        scene.marks.push(crate::picture::scene::Mark::Image {
            at,
            cell: cell as f64,
            columns,
            colors,
        });
    }

    /// The scale of colours: how many entries a dot stands for.
    fn legend(&self, scene: &mut Scene, (x, top): (f64, f64), height: f64, most: u64) {
        let (width, height) = (16.0, height.clamp(NARROW, 260.0));
        let steps = height as usize;
        for step in 0..steps {
            let part = 1.0 - (step as f64 + 0.5) / steps as f64;
            let at = (x, top + step as f64 * height / steps as f64);
            let size = (width, height / steps as f64);
            scene.marks.push(crate::picture::scene::Mark::Box { at, size, color: shade(part) });
        }
        scene.frame((x - 0.5, top - 0.5), (width + 1.0, height + 1.0));
        let mut ticks = logarithmic(1.0, most as f64, (height / 30.0) as usize);
        let highest = ticks.last().map_or(0.0, |tick| depth(tick.value, most));
        if most < 10_000 && (1.0 - highest) * height > 1.3 * TEXT {
            ticks.push(Tick { value: most as f64, label: most.to_string() });
        }
        for Tick { value, label } in ticks {
            let y = top + height * (1.0 - depth(value, most));
            scene.line(vec![(x + width + 0.5, y), (x + width + 5.0, y)], INK, 1.0);
            scene.text((x + width + 9.0, y + 0.36 * TEXT), label, TEXT, Anchor::Start);
        }
        // Upwards, next to the widest label.
        let at = (x + width + 56.0, top + height / 2.0);
        if height > 150.0 {
            scene.text_upwards(at, "entries per dot", TEXT);
        }
    }
}

/// Where labels are, as parts of an axis. A row that has cells of its own is labelled in their middle, others where
/// they begin.
fn places(ticks: Vec<Tick>, extent: usize, cells: usize) -> Vec<(f64, String)> {
    let (extent, is_own) = (extent.max(1) as f64, cells == extent);
    let middle = if is_own { 0.5 } else { 0.0 };
    let inside = ticks.into_iter().filter(|tick| !is_own || tick.value < extent);
    inside.map(|tick| ((tick.value + middle) / extent, tick.label)).collect()
}

/// How dark a number of entries is: its logarithm.
fn depth(count: f64, most: u64) -> f64 {
    if most <= 1 { 0.8 } else { count.ln() / (most as f64).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_about_the_size_that_is_asked_for() {
        let of = |shape| {
            let density = Density::new(shape, 600);
            (density.cells, density.zoom)
        };
        assert_eq!(of((1_000_000, 500_000)), ((600, 300), (1, 1)));
        assert_eq!(of((10, 10)), ((10, 10), (60, 60)));
        assert_eq!(of((1, 1000)), ((1, 600), (48, 1)));
        assert_eq!(of((0, 0)), ((1, 1), (48, 48)));
        assert_eq!(of((400, 400)), ((400, 400), (1, 1)));
    }
}
