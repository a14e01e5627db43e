//! What is drawn: marks at places in pixels, the first below the others; the origin is the upper left corner.

/// Red, green and blue.
pub(super) type Color = [u8; 3];

/// A place in pixels.
pub(super) type Point = (f64, f64);

/// A picture.
pub(crate) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) marks: Vec<Mark>,
}

/// Something drawn.
pub(super) enum Mark {
    /// Connected points, with round joints.
    Line { points: Vec<Point>, color: Color, width: f64 },
    /// A filled rectangle: its upper left corner and its extents.
    Box { at: Point, size: Point, color: Color },
    /// A filled circle.
    Dot { at: Point, radius: f64, color: Color },
    /// A line of text; `^` raises the digits after it.
    Text { at: Point, text: String, size: f64, color: Color, anchor: Anchor, upwards: bool },
    /// Cells of one size, row by row.
    Image { at: Point, cell: f64, columns: usize, colors: Vec<Color> },
}

/// Which part of a text is at its place.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Colours of text and frames.
pub(super) const INK: Color = [38, 38, 38];
pub(super) const FAINT: Color = [226, 226, 226];

impl Scene {
    pub(super) fn line(&mut self, points: Vec<Point>, color: Color, width: f64) {
        self.marks.push(Mark::Line { points, color, width });
    }

    pub(super) fn text(&mut self, at: Point, text: impl Into<String>, size: f64, anchor: Anchor) {
        let (text, color) = (text.into(), INK);
        self.marks.push(Mark::Text { at, text, size, color, anchor, upwards: false });
    }

    /// Text from the bottom up, with its middle at a place.
    pub(super) fn text_upwards(&mut self, at: Point, text: impl Into<String>, size: f64) {
        let (text, color, anchor) = (text.into(), INK, Anchor::Middle);
        self.marks.push(Mark::Text { at, text, size, color, anchor, upwards: true });
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&mut self, (x, y): Point, (width, height): Point) {
        let corners =
            vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)];
        self.line(corners, INK, 1.0);
    }
}

/// The parts of a text: each with whether it is raised.
pub(super) fn parts(text: &str) -> Vec<(String, bool)> {
    let mut parts: Vec<(String, bool)> = Vec::new();
    let mut raised = false;
    for letter in text.chars() {
        if letter == '^' && !raised {
            raised = true;
            parts.push((String::new(), true));
            continue;
        }
        raised = raised && (letter.is_ascii_digit() || letter == '-');
        match parts.last_mut() {
            Some((part, is_raised)) if *is_raised == raised => part.push(letter),
            _ => parts.push((letter.to_string(), raised)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_raised() {
        let all = parts("10^-3 m");
        let plain: Vec<_> = all.iter().map(|(text, raised)| (text.as_str(), *raised)).collect();
        assert_eq!(plain, [("10", false), ("-3", true), (" m", false)]);
    }
}
