//! Letters as strokes, of any size, for pictures in pixels.
//!
//! A letter is drawn on a grid whose capitals reach from 0 to 16 and whose small letters begin at 6; what hangs below
//! the line ends at 22. Points are two digits in base 36, x and y. A stroke that begins with `~` is a curve: its
//! corners are cut off several times (Chaikin, "An algorithm for high-speed curve generation", 1974).

use crate::picture::scene::{Point, parts};

/// Height of a capital on the grid, and as a part of the size of the text.
const GRID: f64 = 16.0;
const CAPITAL: f64 = 0.7;

/// Space between letters, on the grid.
const SPACE: f64 = 3.6;

/// The bowl of a, b, d and so on.
macro_rules! bowl {
    ($($rest:literal)?) => {
        concat!("~26 66 89 8d 6g 2g 0d 09 26", $("|", $rest)?)
    };
}

fn strokes(letter: char) -> &'static str {
    match letter {
        ' ' => "",
        '0' => "~30 70 a3 ad 7g 3g 0d 03 30",
        '1' => "13 60 6g",
        '2' => "~04 01 30 70 a1 a5 88 0g|0g ag",
        '3' => "~01 30 80 a2 a6 78 48|~48 88 aa ae 8g 2g 0e",
        '4' => "7g 70 0b ab",
        '5' => "90 10 08|~08 36 86 a9 ad 8g 2g 0e",
        '6' => "~92 80 40 04 0c 3g 7g ad a9 77 37 0a",
        '7' => "00 a0 4g",
        '8' => "~30 70 92 96 78 38 16 12 30|~38 78 aa ae 7g 3g 0e 0a 38",
        '9' => "~1e 2g 6g ac a4 70 30 03 07 39 79 a6",
        'A' => "0g 60 cg|2b ab",
        'B' => "50 00 0g 6g|58 08|~50 a0 a8 58|~58 b8 bg 6g",
        'C' => "~b4 a0 40 04 0c 4g ag bc",
        'D' => "40 00 0g 4g|~40 90 b4 bc 9g 4g",
        'E' => "90 00 0g 9g|08 88",
        'F' => "90 00 0g|08 78",
        'G' => "~b4 a0 40 04 0c 4g ag bc|bc b9 79",
        'H' => "00 0g|a0 ag|08 a8",
        'I' => "10 1g",
        'J' => "60 6b|~6b 6g 0g 0b",
        'K' => "00 0g|90 0a|36 ag",
        'L' => "00 0g 8g",
        'M' => "0g 00 6c c0 cg",
        'N' => "0g 00 ag a0",
        'O' => "~40 80 c4 cc 8g 4g 0c 04 40",
        'P' => "50 00 0g|09 59|~50 a0 a9 59",
        'Q' => "~40 80 c4 cc 8g 4g 0c 04 40|8c cg",
        'R' => "50 00 0g|09 59|~50 a0 a9 59|59 ag",
        'S' => "~a4 a0 30 00 07 38 78 a9 ag 7g 0g 0c",
        'T' => "00 a0|50 5g",
        'U' => "00 0b|~0b 0g ag ab|ab a0",
        'V' => "00 5g a0",
        'W' => "00 4g 74 ag e0",
        'X' => "00 ag|a0 0g",
        'Y' => "00 58 a0|58 5g",
        'Z' => "00 a0 0g ag",
        'a' => bowl!("86 8g"),
        'b' => bowl!("00 0g"),
        'c' => "~89 76 26 09 0d 2g 7g 8d",
        'd' => bowl!("80 8g"),
        'e' => "0b 8b|~8b 88 66 26 09 0d 2g 7g 8e",
        'f' => "~60 20 25|25 2g|06 56",
        'g' => bowl!("86 8i|~8i 8m 1m 0j"),
        'h' => "00 0g|~0b 06 86 8b|8b 8g",
        'i' => "16 1g|12 12",
        'j' => "36 3i|~3i 3m 0m 0l|32 32",
        'k' => "00 0g|76 0d|3a 8g",
        'l' => "10 1g",
        'm' => "06 0g|~0a 06 76 7a|7a 7g|~7a 76 e6 ea|ea eg",
        'n' => "06 0g|~0b 06 86 8b|8b 8g",
        'o' => bowl!(),
        'p' => bowl!("06 0m"),
        'q' => bowl!("86 8m"),
        'r' => "06 0g|~0b 06 57",
        's' => "~79 76 06 0b 7b 7g 0g 0d",
        't' => "21 2c|~2c 2g 6g|06 56",
        'u' => "06 0b|~0b 0g 8g 8b|86 8g",
        'v' => "06 4g 86",
        'w' => "06 3g 68 9g c6",
        'x' => "06 8g|86 0g",
        'y' => "06 4g|86 2m",
        'z' => "06 86 0g 8g",
        '.' => "0g 0g",
        ',' => "1g 0j",
        ':' => "08 08|0g 0g",
        ';' => "18 18|1g 0j",
        '!' => "00 0b|0g 0g",
        '?' => "~03 00 80 86 4a|4a 4c|4g 4g",
        '-' | '−' | '–' => "1a 7a",
        '+' => "0a 8a|46 4e",
        '=' => "08 88|0c 8c",
        '*' | '·' => "09 09",
        '×' => "08 7f|78 0f",
        '(' => "~40 04 0e 4i",
        ')' => "~00 44 4e 0i",
        '[' => "40 00 0i 4i",
        ']' => "00 40 4i 0i",
        '/' => "0i 70",
        '\\' => "00 7i",
        '|' => "00 0i",
        '‖' => "00 0i|30 3i",
        '_' => "0i ai",
        '<' => "86 0b 8g",
        '>' => "06 8b 0g",
        '%' => "b0 1g|~10 50 56 16 10|~8a ca cg 8g 8a",
        '#' => "40 2g|90 7g|06 b6|0b ab",
        '&' => "cg 24|~24 20 80 84 0b 0g 9g c9",
        '@' => "~8a 66 46 4c 8c 86|~86 8c cc c0 00 0g cg",
        '~' => "~0b 08 4a 8c 89",
        '\'' => "00 03",
        '"' => "00 03|30 33",
        _ => "00 80 8g 0g 00",
    }
}

/// The points of a stroke.
fn points(stroke: &str) -> Vec<Point> {
    let (curve, stroke) = match stroke.strip_prefix('~') {
        Some(rest) => (true, rest),
        None => (false, stroke),
    };
    let digit = |c: char| f64::from(c.to_digit(36).unwrap_or(0));
    let point = |pair: &str| {
        let mut digits = pair.chars().map(digit);
        Some((digits.next()?, digits.next()?))
    };
    let mut points: Vec<Point> = stroke.split(' ').filter_map(point).collect();
    for _ in 0..if curve { 3 } else { 0 } {
        points = corners_cut(&points);
    }
    points
}

fn corners_cut(points: &[Point]) -> Vec<Point> {
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return Vec::new() };
    let mix = |a: Point, b: Point, part: f64| (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part);
    let mut cut: Vec<Point> = points
        .windows(2)
        .flat_map(|ends| [0.25, 0.75].map(|part| mix(ends[0], ends[1], part)))
        .collect();
    match first == last {
        true => cut.push(cut[0]),
        false => {
            cut[0] = first;
            let end = cut.len() - 1;
            cut[end] = last;
        }
    }
    cut
}

/// The strokes of a text whose line begins at the origin, and its width.
pub(super) fn drawn(text: &str, size: f64) -> (Vec<Vec<Point>>, f64) {
    let (mut lines, mut at) = (Vec::new(), 0.0);
    for (part, raised) in parts(text) {
        let (size, up) = if raised { (0.7 * size, 0.38 * size) } else { (size, 0.0) };
        let unit = size * CAPITAL / GRID;
        for letter in part.chars() {
            let mut right = if letter == ' ' { 4.0 } else { 0.0f64 };
            for stroke in strokes(letter).split('|').filter(|stroke| !stroke.is_empty()) {
                let points = points(stroke);
                right = points.iter().fold(right, |right, (x, _)| right.max(*x));
                let place = |(x, y): Point| (at + x * unit, (y - GRID) * unit - up);
                lines.push(points.into_iter().map(place).collect());
            }
            // Digits stand below each other.
            right = if letter.is_ascii_digit() { 10.0 } else { right };
            at += (right + SPACE) * unit;
        }
    }
    (lines, (at - SPACE * size * CAPITAL / GRID).max(0.0))
}

/// The width of the strokes of a text.
pub(super) fn weight(size: f64) -> f64 {
    size * 0.094
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_strokes_within_their_lines() {
        for letter in (33u8..127).map(char::from).chain(['×', '‖', '−']) {
            let (lines, width) = drawn(&letter.to_string(), 16.0);
            if letter == '^' {
                continue;
            }
            assert!(!lines.is_empty() && width < 16.0, "{letter}");
            let inside =
                |(x, y): &Point| *x >= -0.01 && *x <= width + 0.01 && *y >= -11.3 && *y < 4.5;
            let wide = letter.is_ascii_digit();
            assert!(
                lines.iter().flatten().all(|point| wide || inside(point)),
                "{letter} {lines:?}"
            );
        }
    }
}
