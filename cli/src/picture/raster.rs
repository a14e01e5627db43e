//! A scene as pixels, with smooth edges.

use crate::picture::font::{drawn, weight};
use crate::picture::scene::{Anchor, Color, Mark, Point, Scene};

/// Pixels, row by row.
pub(super) struct Pixels {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    /// Pixels for each of the scene's.
    scale: f64,
    /// How much of each pixel of a row the line being drawn covers; kept for the next line.
    cover: Vec<f64>,
}

/// A PNG of a scene with `scale` pixels for each of the scene's.
pub(super) fn png(scene: &Scene, scale: f64) -> Result<Vec<u8>, png::EncodingError> {
    let extent = |length: f64| (length * scale).round().max(1.0) as usize;
    let (width, height) = (extent(scene.width), extent(scene.height));
    let rgb = vec![255; 3 * width * height];
    let mut pixels = Pixels { width, height, rgb, scale, cover: Vec::new() };
    scene.marks.iter().for_each(|mark| pixels.mark(mark));
    png_of((width, height), &pixels.rgb)
}

/// A PNG of pixels.
pub(super) fn png_of(
    (width, height): (usize, usize),
    rgb: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width.max(1) as u32, height.max(1) as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Few colours, and sharp edges: differences of neighbours would be more.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

impl Pixels {
    fn mark(&mut self, mark: &Mark) {
        let s = self.scale;
        match mark {
            Mark::Line { points, color, width } => {
                let points: Vec<Point> = points.iter().map(|(x, y)| (x * s, y * s)).collect();
                self.line(&points, width * s, *color);
            }
            Mark::Box { at: (x, y), size: (w, h), color } => {
                self.rectangle((x * s, y * s), ((x + w) * s, (y + h) * s), *color);
            }
            Mark::Dot { at: (x, y), radius, color } => {
                self.line(&[(x * s, y * s)], 2.0 * radius * s, *color);
            }
            Mark::Text { at, text, size, color, anchor, upwards } => {
                let (lines, width) = drawn(text, size * s);
                let back = match anchor {
                    Anchor::Start => 0.0,
                    Anchor::Middle => width / 2.0,
                    Anchor::End => width,
                };
                let (x, y) = (at.0 * s, at.1 * s);
                for line in lines {
                    let place = |(along, down): Point| match upwards {
                        true => (x + down, y - along + back),
                        false => (x + along - back, y + down),
                    };
                    let line: Vec<Point> = line.into_iter().map(place).collect();
                    self.line(&line, weight(size * s), *color);
                }
            }
            Mark::Image { at: (x, y), cell, columns, colors } => {
                for (k, color) in colors.iter().enumerate().filter(|(_, c)| **c != [255; 3]) {
                    let (row, column) = (k / columns, k % columns);
                    let at = |start: f64, n: usize| ((start + n as f64 * cell) * s).round();
                    let from = (at(*x, column), at(*y, row));
                    self.rectangle(from, (at(*x, column + 1), at(*y, row + 1)), *color);
                }
            }
        }
    }

    /// Mixes a colour into a pixel.
    fn blend(&mut self, x: usize, y: usize, color: Color, part: f64) {
        let at = 3 * (y * self.width + x);
        for (pixel, color) in self.rgb[at..at + 3].iter_mut().zip(color) {
            let mixed = f64::from(*pixel) + (f64::from(color) - f64::from(*pixel)) * part;
            *pixel = mixed.round() as u8;
        }
    }

    fn rectangle(&mut self, (left, top): Point, (right, bottom): Point, color: Color) {
        let covered = |k: usize, from: f64, to: f64| {
            ((k as f64 + 1.0).min(to) - (k as f64).max(from)).clamp(0.0, 1.0)
        };
        let last = |end: f64, most: usize| (end.ceil().max(0.0) as usize).min(most);
        for y in (top.max(0.0) as usize)..last(bottom, self.height) {
            for x in (left.max(0.0) as usize)..last(right, self.width) {
                let part = covered(x, left, right) * covered(y, top, bottom);
                self.blend(x, y, color, part);
            }
        }
    }

    /// A line of a width with round ends. Where sections of it overlap, it is not darker.
    fn line(&mut self, points: &[Point], width: f64, color: Color) {
        let ends = |pair: &[Point]| (pair[0], pair[pair.len() - 1]);
        let sections: Vec<(Point, Point)> = match points.len() {
            0 => return,
            1 => vec![ends(points)],
            _ => points.windows(2).map(ends).collect(),
        };
        let (half, reach) = (width / 2.0, width / 2.0 + 1.0);
        let bounds = |of: fn(&Point) -> f64, most: usize| {
            let least = points.iter().map(of).fold(f64::INFINITY, f64::min) - reach;
            let largest = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + reach;
            (least.max(0.0) as usize, (largest.max(0.0) as usize + 1).min(most))
        };
        let ((left, right), (top, bottom)) =
            (bounds(|p| p.0, self.width), bounds(|p| p.1, self.height));
        let mut cover = std::mem::take(&mut self.cover);
        for y in top..bottom {
            cover.clear();
            cover.resize(right.saturating_sub(left), 0.0);
            let center = y as f64 + 0.5;
            let near = |(a, b): &&(Point, Point)| {
                a.1.min(b.1) - reach <= center && a.1.max(b.1) + reach >= center
            };
            for (a, b) in sections.iter().filter(near) {
                let from = ((a.0.min(b.0) - reach).max(left as f64) as usize).min(right);
                let to = ((a.0.max(b.0) + reach).max(0.0) as usize + 1).min(right);
                for x in from..to {
                    let distance = distance((x as f64 + 0.5, center), *a, *b);
                    let part = (half - distance + 0.5).clamp(0.0, 1.0).min(width);
                    cover[x - left] = cover[x - left].max(part);
                }
            }
            for (k, &part) in cover.iter().enumerate().filter(|(_, part)| **part > 0.0) {
                self.blend(left + k, y, color, part);
            }
        }
        self.cover = cover;
    }
}

/// The distance of a point from a section of a line.
fn distance(p: Point, a: Point, b: Point) -> f64 {
    let (along, to) = ((b.0 - a.0, b.1 - a.1), (p.0 - a.0, p.1 - a.1));
    let length = along.0 * along.0 + along.1 * along.1;
    let part = match length > 0.0 {
        true => ((to.0 * along.0 + to.1 * along.1) / length).clamp(0.0, 1.0),
        false => 0.0,
    };
    (to.0 - part * along.0).hypot(to.1 - part * along.1)
}
