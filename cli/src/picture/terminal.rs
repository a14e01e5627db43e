//! A chart in characters, two columns and four rows of dots in each.

use crate::picture::chart::{Chart, Marks};
use crate::picture::scene::Point;

/// Extents of the plot in characters.
const WIDTH: usize = 64;
const HEIGHT: usize = 16;

/// The dots of a Braille character, by column and row.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The lines of a chart.
pub(crate) fn in_characters(chart: &Chart) -> Vec<String> {
    let (x, y) = chart.ranges();
    let (columns, rows) = (2 * WIDTH, 4 * HEIGHT);
    let mut cells = vec![0u32; WIDTH * HEIGHT];
    let mut set = |column: usize, row: usize| {
        let (column, row) = (column.min(columns - 1), row.min(rows - 1));
        cells[row / 4 * WIDTH + column / 2] |= DOTS[column % 2][row % 4];
    };
    let place = |(px, py): Point| {
        let column = x.place(px)? * (columns - 1) as f64;
        Some((column, (1.0 - y.place(py)?) * (rows - 1) as f64))
    };
    for one in &chart.series {
        match &one.marks {
            Marks::Dots(points) => points
                .iter()
                .filter_map(|&point| place(point))
                .for_each(|(column, row)| set(column.round() as usize, row.round() as usize)),
            Marks::Line(points) => {
                let places: Vec<Point> = points.iter().filter_map(|&point| place(point)).collect();
                for ends in places.windows(2) {
                    let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
                    let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil().max(1.0) as usize;
                    for step in 0..=steps {
                        let part = step as f64 / steps as f64;
                        let (column, row) = (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part);
                        set(column.round() as usize, row.round() as usize);
                    }
                }
            }
            Marks::Boxes { edges, heights } => {
                for (ends, &height) in edges.windows(2).zip(heights).filter(|(_, h)| **h > 0.0) {
                    let (Some(from), Some(to)) =
                        (place((ends[0], height)), place((ends[1], height)))
                    else {
                        continue;
                    };
                    for column in from.0.round() as usize
                        ..(to.0.round() as usize).max(from.0.round() as usize + 1)
                    {
                        (from.1.round() as usize..rows).for_each(|row| set(column, row));
                    }
                }
            }
        }
    }
    let labels = [number(y.high), number(y.low)];
    let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("{:margin$}  {}", "", chart.title)];
    for (row, dots) in cells.chunks(WIDTH).enumerate() {
        let label = match row {
            0 => labels[0].as_str(),
            _ if row + 1 == HEIGHT => labels[1].as_str(),
            _ => "",
        };
        let dots = dots.iter().map(|&dots| char::from_u32(0x2800 + dots).unwrap_or(' '));
        let dots: String = dots.collect();
        lines.push(format!("{label:>margin$} ┤{}", dots.trim_end_matches('\u{2800}')));
    }
    let (low, high) = (number(x.low), number(x.high));
    let name = &chart.x.name;
    let between = WIDTH.saturating_sub(low.len() + high.len());
    lines.push(format!("{:margin$} └{}", "", "─".repeat(WIDTH)));
    lines.push(format!("{:margin$}  {low}{name:^between$}{high}", ""));
    lines
}

/// A number in a few characters.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if (0.01..100_000.0).contains(&value.abs()) => {
            let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 4) as usize;
            let text = format!("{value:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::chart::{Axis, Series};

    #[test]
    fn a_falling_line_goes_from_corner_to_corner() {
        let axis = |name: &str| Axis { name: name.to_owned(), is_log: false };
        let points = vec![(0.0, 1.0), (1.0, 0.0)];
        let series = vec![Series { name: String::new(), marks: Marks::Line(points) }];
        let chart = Chart { title: "t".into(), x: axis("step"), y: axis("y"), series };
        let lines = in_characters(&chart);
        assert_eq!(lines.len(), HEIGHT + 3);
        assert!(lines[HEIGHT].ends_with(|last: char| last != '\u{2800}'), "{lines:?}");
        assert!(lines[HEIGHT + 2].contains("step"));
        assert_eq!(number(123.456), "123.5");
        assert_eq!(number(1e-7), "1.00e-7");
    }
}
