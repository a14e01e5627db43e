//! Charts as SVG images.

use std::fmt::Write;

/// Pixels of a row, of the longest bar, and of the text before it.
const ROW: usize = 22;
const BAR: f64 = 380.0;
const TEXT: usize = 400;

/// Pixels of the area of a line chart, and of what is around it.
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 70.0;

const COLOURS: [&str; 4] = ["#2f6f9f", "#c98b3a", "#3d8f5f", "#9a5fa8"];

/// A bar with what stands before it.
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) value: f64,
    /// Which of a few colours it has.
    pub(crate) colour: usize,
}

/// Some bars, one below the other, the longest as long as there is room.
pub(crate) fn bars(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let mut text = start(860.0, (ROW * (bars.len() + 2)) as f64, title);
    for (k, Bar { label, value, colour }) in bars.iter().enumerate() {
        let (y, width) = (ROW * (k + 1) + 8, value / longest * BAR);
        let (middle, end) = (y + 14, TEXT as f64 + 6.0 + width);
        let fill = COLOURS[colour % COLOURS.len()];
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<text x=\"10\" y=\"{middle}\">{label}</text>\n\
             <rect x=\"{TEXT}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" fill=\"{fill}\"/>\n\
             <text x=\"{end:.1}\" y=\"{middle}\">{value:.2}</text>"
        );
    }
    text + "</svg>\n"
}

/// Points of a line with its name.
pub(crate) struct Curve {
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Some curves over logarithmic axes, positive numbers all.
pub(crate) fn curves(title: &str, names: (&str, &str), curves: &[Curve]) -> String {
    drawn(title, names, curves, true)
}

/// The same over an even axis from zero: what decays, in time.
pub(crate) fn decay(title: &str, names: (&str, &str), curves: &[Curve]) -> String {
    drawn(title, names, curves, false)
}

fn drawn(title: &str, (x_name, y_name): (&str, &str), curves: &[Curve], is_log: bool) -> String {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let (x, y) = (Axis::over(is_log, all().map(|p| p.0)), Axis::over(true, all().map(|p| p.1)));
    // What grows leaves the upper left corner free, what decays the upper right one.
    let legend = if is_log { MARGIN + 10.0 } else { MARGIN + 0.62 * WIDTH };
    let at = |&(px, py): &(f64, f64)| {
        (MARGIN + x.share(px) * WIDTH, MARGIN / 2.0 + (1.0 - y.share(py)) * HEIGHT)
    };
    let mut text = start(WIDTH + 2.5 * MARGIN, HEIGHT + 1.5 * MARGIN, title);
    for power in x.ticks() {
        let (px, _) = at(&(power, y.least));
        let bottom = MARGIN / 2.0 + HEIGHT;
        let _ = writeln!(
            text,
            "<path d=\"M{px:.1} {:.1}V{bottom:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            MARGIN / 2.0,
            bottom + 18.0,
            number(power)
        );
    }
    for power in y.ticks() {
        let (_, py) = at(&(x.least, power));
        let _ = writeln!(
            text,
            "<path d=\"M{MARGIN} {py:.1}h{WIDTH}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            MARGIN - 6.0,
            py + 4.0,
            number(power)
        );
    }
    for (k, Curve { label, points }) in curves.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let path: Vec<String> =
            points.iter().map(at).map(|(px, py)| format!("{px:.1},{py:.1}")).collect();
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{label}</text>",
            path.join(" "),
            legend,
            MARGIN / 2.0 + 20.0 + 18.0 * k as f64
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{x_name}</text>\
         <text x=\"10\" y=\"{:.1}\">{y_name}</text>",
        MARGIN + WIDTH / 2.0,
        HEIGHT + 1.2 * MARGIN,
        HEIGHT + 1.2 * MARGIN
    );
    text + "</svg>\n"
}

/// An axis, logarithmic or even from zero.
struct Axis {
    is_log: bool,
    least: f64,
    largest: f64,
}

impl Axis {
    fn over(is_log: bool, numbers: impl Iterator<Item = f64>) -> Self {
        let (least, largest) =
            numbers.fold((f64::INFINITY, 0.0f64), |(a, b), x| (a.min(x), b.max(x)));
        match is_log {
            true => Axis { is_log, least, largest: largest.max(least * 1.01) },
            false => Axis { is_log, least: 0.0, largest: largest.max(1.0) },
        }
    }

    /// Where a number lies between the ends.
    fn share(&self, x: f64) -> f64 {
        match self.is_log {
            true => (x / self.least).ln() / (self.largest / self.least).ln(),
            false => x / self.largest,
        }
    }

    /// The powers of ten between the ends, or multiples of a round number.
    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let ends = (self.least.log10().ceil() as i32, self.largest.log10().floor() as i32);
            return (ends.0..=ends.1).map(|power| 10f64.powi(power)).collect();
        }
        let power = 10f64.powf((self.largest / 4.0).log10().floor()).max(1.0);
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps.into_iter().find(|step| self.largest / step <= 8.0).unwrap_or(power);
        (0..=(self.largest / step) as usize).map(|k| k as f64 * step).collect()
    }
}

/// A number at an axis: powers of ten that would be long, by their exponents.
fn number(x: f64) -> String {
    if x != 0.0 && x < 1e-3 { format!("{x:e}") } else { x.to_string() }
}

fn start(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"18\">{title}</text>\n"
    )
}
