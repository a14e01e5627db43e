//! Axes, and series of numbers along them.

use crate::picture::colors::SERIES;
use crate::picture::font::drawn;
use crate::picture::scene::{Anchor, Color, FAINT, INK, Mark, Point, Scene};
use crate::picture::ticks::{Tick, between, linear, logarithmic};

/// Extents of a chart and sizes of its text.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 460.0;
const TITLE: f64 = 17.0;
const TEXT: f64 = 14.0;

/// An axis: its name, and whether it is logarithmic.
#[derive(Clone)]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) is_log: bool,
}

/// Axes and series.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
}

/// Numbers of one kind.
pub(crate) struct Series {
    /// What the legend calls it, if there are several.
    pub(crate) name: String,
    pub(crate) marks: Marks,
}

/// How they are drawn.
pub(crate) enum Marks {
    /// Connected points.
    Line(Vec<Point>),
    /// Points alone.
    Dots(Vec<Point>),
    /// A box from each edge to the next, of a height.
    Boxes { edges: Vec<f64>, heights: Vec<f64> },
}

impl Marks {
    /// All places that a range must hold.
    pub(super) fn points(&self) -> Vec<Point> {
        match self {
            Marks::Line(points) | Marks::Dots(points) => points.clone(),
            Marks::Boxes { edges, heights } => {
                let left = edges.iter().copied().zip(heights.iter().copied());
                left.chain(edges.last().map(|&x| (x, 0.0))).collect()
            }
        }
    }
}

/// An axis with its range: numbers become places from 0 to 1.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) is_log: bool,
}

impl Range {
    /// The range of numbers that an axis shows.
    fn of(axis: &Axis, numbers: impl Iterator<Item = f64>, from_zero: bool) -> Self {
        let shown = numbers.filter(|x| x.is_finite() && (!axis.is_log || *x > 0.0));
        let none = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = shown.fold(none, |(low, high), x| (low.min(x), high.max(x)));
        let is_log = axis.is_log;
        if low > high {
            return Range { low: if is_log { 1.0 } else { 0.0 }, high: 10.0, is_log };
        }
        if is_log {
            // Some space below the least, so that it is seen.
            let (low, high) = (low / 1.25, high * 1.25);
            let high = if high < low * 4.0 { low * 4.0 } else { high };
            return Range { low, high, is_log };
        }
        // An axis that nearly reaches zero begins there.
        let low = if from_zero || low > 0.0 && low < 0.05 * high { low.min(0.0) } else { low };
        let span = if high > low { high - low } else { low.abs().max(1.0) };
        Range {
            low,
            high: high.max(low + span) + if from_zero { 0.05 * span } else { 0.0 },
            is_log,
        }
    }

    /// Where a number is; `None` if an axis does not have it.
    pub(super) fn place(self, x: f64) -> Option<f64> {
        let at = |x: f64| if self.is_log { x.ln() } else { x };
        let (low, high) = (at(self.low), at(self.high));
        let place = (at(x) - low) / (high - low);
        (place.is_finite()).then(|| place.clamp(0.0, 1.0))
    }
}

impl Chart {
    /// The ranges of both axes.
    pub(super) fn ranges(&self) -> (Range, Range) {
        let all: Vec<Point> = self.series.iter().flat_map(|one| one.marks.points()).collect();
        let x = Range::of(&self.x, all.iter().map(|(x, _)| *x), false);
        (x, Range::of(&self.y, all.iter().map(|(_, y)| *y), true))
    }

    /// The chart as a picture.
    pub(crate) fn scene(&self) -> Scene {
        let (x, y) = self.ranges();
        let (across, x_power) = labels(x, 8);
        let (up, y_power) = labels(y, 6);
        let widest = up.iter().map(|tick| drawn(&tick.label, TEXT).1).fold(0.0, f64::max);
        let (left, top) = ((3.2 * TEXT + widest).ceil(), 2.6 * TITLE);
        let (width, height) = (WIDTH - left - 28.0, HEIGHT - top - 3.6 * TEXT);
        let mut scene = Scene { width: WIDTH, height: HEIGHT, marks: Vec::new() };
        let place = |(px, py): Point| {
            Some((left + x.place(px)? * width, top + (1.0 - y.place(py)?) * height))
        };
        scene.text((left, 1.5 * TITLE), &self.title, TITLE, Anchor::Start);
        let bottom = top + height;
        for Tick { value, .. } in &across {
            if let Some((at, _)) = place((*value, y.high)) {
                scene.line(vec![(at, top), (at, bottom)], FAINT, 1.0);
            }
        }
        for Tick { value, .. } in &up {
            if let Some((_, at)) = place((x.low, *value)) {
                scene.line(vec![(left, at), (left + width, at)], FAINT, 1.0);
            }
        }
        for (k, one) in self.series.iter().enumerate() {
            draw(&mut scene, &one.marks, SERIES[k % SERIES.len()], bottom, &place);
        }
        scene.frame((left, top), (width, height));
        for Tick { value, label } in &across {
            if let Some((at, _)) = place((*value, y.low)) {
                scene.line(vec![(at, bottom), (at, bottom + 5.0)], INK, 1.0);
                scene.text((at, bottom + 8.0 + TEXT), label, TEXT, Anchor::Middle);
            }
        }
        for Tick { value, label } in &up {
            if let Some((_, at)) = place((x.low, *value)) {
                scene.line(vec![(left - 5.0, at), (left, at)], INK, 1.0);
                scene.text((left - 10.0, at + 0.36 * TEXT), label, TEXT, Anchor::End);
            }
        }
        for (range, is_x) in [(x, true), (y, false)] {
            for value in if range.is_log { between(range.low, range.high) } else { Vec::new() } {
                let Some(part) = range.place(value) else { continue };
                let (at, level) = (left + part * width, bottom - part * height);
                let ends = match is_x {
                    true => vec![(at, bottom), (at, bottom + 2.5)],
                    false => vec![(left - 2.5, level), (left, level)],
                };
                scene.line(ends, INK, 0.7);
            }
        }
        let below = (left + width / 2.0, HEIGHT - 0.6 * TEXT);
        scene.text(below, named(&self.x.name, x_power), TEXT, Anchor::Middle);
        scene.text_upwards((1.2 * TEXT, top + height / 2.0), named(&self.y.name, y_power), TEXT);
        self.legend(&mut scene, (left + width, top));
        scene
    }

    /// The names of the series, if there are several, in the upper right corner.
    fn legend(&self, scene: &mut Scene, (right, top): Point) {
        if self.series.len() < 2 {
            return;
        }
        let widest = self.series.iter().map(|one| drawn(&one.name, TEXT).1).fold(0.0, f64::max);
        let (width, line) = (widest + 52.0, 1.5 * TEXT);
        let at = (right - width - 10.0, top + 10.0);
        let size = (width, line * self.series.len() as f64 + 10.0);
        scene.marks.push(Mark::Box { at, size, color: [255; 3] });
        scene.frame(at, size);
        for (k, one) in self.series.iter().enumerate() {
            let (y, color) = (at.1 + 5.0 + line * (k as f64 + 0.5), SERIES[k % SERIES.len()]);
            match &one.marks {
                Marks::Dots(_) => {
                    let at = (at.0 + 22.0, y);
                    scene.marks.push(Mark::Dot { at, radius: 3.5, color });
                }
                _ => scene.line(vec![(at.0 + 10.0, y), (at.0 + 34.0, y)], color, 2.0),
            }
            scene.text((at.0 + 42.0, y + 0.36 * TEXT), &one.name, TEXT, Anchor::Start);
        }
    }
}

fn draw(
    scene: &mut Scene,
    marks: &Marks,
    color: Color,
    bottom: f64,
    place: &dyn Fn(Point) -> Option<Point>,
) {
    match marks {
        Marks::Line(points) => {
            let points: Vec<Point> = points.iter().filter_map(|&point| place(point)).collect();
            scene.line(points, color, 2.0);
        }
        Marks::Dots(points) => {
            let dots = points.iter().filter_map(|&point| place(point));
            scene.marks.extend(dots.map(|at| Mark::Dot { at, radius: 2.6, color }));
        }
        Marks::Boxes { edges, heights } => {
            for (ends, &height) in
                edges.windows(2).zip(heights).filter(|(_, height)| **height > 0.0)
            {
                if let (Some(from), Some(to)) = (place((ends[0], height)), place((ends[1], height)))
                {
                    let size = ((to.0 - from.0 - 1.0).max(0.5), bottom - from.1);
                    scene.marks.push(Mark::Box { at: (from.0 + 0.5, from.1), size, color });
                }
            }
        }
    }
}

/// The labels of an axis, and the power of ten that all are multiplied by.
fn labels(range: Range, count: usize) -> (Vec<Tick>, i32) {
    match range.is_log {
        true => (logarithmic(range.low, range.high, count), 0),
        false => linear(range.low, range.high, count),
    }
}

fn named(name: &str, power: i32) -> String {
    match power {
        0 => name.to_owned(),
        _ => format!("{name} / 10^{power}"),
    }
}
