//! The lines of a METIS graph: that of the counts, and those of the vertices.

use crate::error::{Error, ErrorKind, Result};
use crate::io::text::cursor::Cursor;
use crate::io::text::records::Parsed;
use crate::io::text::records::TextLines;

pub(super) const COMMENTS: &[u8] = b"%";

/// The line of the counts.
#[derive(Clone, Copy)]
pub(super) struct MetisHeader {
    pub(super) vertices: u64,
    pub(super) edges: u64,
    /// Whether each vertex has a size.
    sizes: bool,
    /// Weights of a vertex.
    weights: u64,
    pub(super) edge_weights: bool,
}

/// The lines of some vertices.
#[derive(Default)]
pub(super) struct NeighbourLines {
    /// The line of each vertex in the block, the first being 0, and how many neighbours it has.
    pub(super) vertices: Vec<(u32, u32)>,
    /// Vertices on blank lines.
    pub(super) blank: Vec<u32>,
    /// The neighbours, counted from 0.
    pub(super) neighbours: Vec<u64>,
    pub(super) weights: Vec<u64>,
}

impl MetisHeader {
    pub(super) fn read(mut cursor: Cursor<'_>) -> Result<Self> {
        let vertices = count(&mut cursor, "the number of vertices")?;
        let edges = count(&mut cursor, "the number of edges")?;
        let mut header =
            MetisHeader { vertices, edges, sizes: false, weights: 0, edge_weights: false };
        cursor.skip_blanks();
        if !cursor.at_line_end() {
            let here = cursor;
            let digits = cursor.take_token();
            if digits.len() > 3 || !digits.iter().all(|digit| matches!(digit, b'0' | b'1')) {
                let what = "not the format number of a METIS graph";
                let expected = "at most three digits 0 or 1";
                return Err(here.unexpected(ErrorKind::Format, what, expected));
            }
            let digit = |from_last: usize| digits.iter().rev().nth(from_last) == Some(&b'1');
            (header.edge_weights, header.sizes) = (digit(0), digit(2));
            header.weights = u64::from(digit(1));
            cursor.skip_blanks();
            if !cursor.at_line_end() {
                let here = cursor;
                let weights = count(&mut cursor, "the number of weights of a vertex")?;
                let several = header.weights == 0 && weights > 0;
                if several || (header.weights == 1 && weights == 0) || weights > 1 << 16 {
                    let expected = if several {
                        "0, as vertices have no weights"
                    } else {
                        "a number from 1 to 65536"
                    };
                    let what = "the number of weights of a vertex does not fit the format";
                    return Err(here.unexpected(ErrorKind::Format, what, expected));
                }
                header.weights = weights;
            }
        }
        cursor.end_line()?;
        Ok(header)
    }

    /// Whether a line holds more than neighbours.
    pub(super) fn has_vertex_numbers(&self) -> bool {
        self.sizes || self.weights > 0
    }

    /// The lines of a block.
    pub(super) fn parse(&self, block: TextLines<'_>) -> (NeighbourLines, Parsed) {
        let mut made = NeighbourLines::default();
        let mut cursor = Cursor::new(block.bytes);
        let (mut lines, mut stopped) = (0, None);
        while !cursor.is_done() {
            lines += 1;
            cursor.skip_blanks();
            if cursor.at_any(COMMENTS) {
                cursor.skip_line();
                continue;
            }
            if cursor.at_line_end() {
                made.blank.push(made.vertices.len() as u32);
            }
            let before = made.neighbours.len();
            if let Err(error) = self.parse_line(&mut cursor, &mut made) {
                stopped = Some(error);
                made.neighbours.truncate(before);
                break;
            }
            made.vertices.push((lines as u32 - 1, (made.neighbours.len() - before) as u32));
        }
        (made, Parsed { lines, error: stopped })
    }

    #[inline]
    fn parse_line(&self, cursor: &mut Cursor<'_>, made: &mut NeighbourLines) -> Result<()> {
        cursor.skip_blanks();
        if !cursor.at_line_end() && self.has_vertex_numbers() {
            for _ in 0..u64::from(self.sizes) + self.weights {
                count(cursor, "a size or a weight of the vertex, a whole number from 0")?;
            }
        }
        loop {
            cursor.skip_blanks();
            if cursor.at_line_end() {
                return cursor.end_line();
            }
            let here = *cursor;
            match cursor.digits() {
                Some(vertex) if (1..=self.vertices).contains(&vertex) => {
                    made.neighbours.push(vertex - 1)
                }
                _ => return Err(self.wrong_neighbour(&here)),
            }
            if self.edge_weights {
                let here = *cursor;
                let weight = count(cursor, "the weight of an edge, a whole number")?;
                if weight > i64::MAX as u64 {
                    return Err(here.unexpected(
                        ErrorKind::Value,
                        "the weight is too large",
                        "at most 2^63 - 1",
                    ));
                }
                made.weights.push(weight);
            }
        }
    }

    #[cold]
    fn wrong_neighbour(&self, here: &Cursor<'_>) -> Error {
        let is_number = here.token().iter().all(u8::is_ascii_digit);
        let (kind, what) = match is_number {
            true => (ErrorKind::Index, "there is no such vertex"),
            false => (ErrorKind::Format, "not a vertex"),
        };
        here.unexpected(kind, what, &format!("a vertex from 1 to {}", self.vertices))
    }
}

/// Reads a whole number from 0.
#[inline]
fn count(cursor: &mut Cursor<'_>, expected: &str) -> Result<u64> {
    cursor.skip_blanks();
    let here = *cursor;
    cursor
        .digits()
        .ok_or_else(|| here.unexpected(ErrorKind::Format, "not a whole number", expected))
}
