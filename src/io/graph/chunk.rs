//! Edges of a block of text: their ends as numbers, and their weights.
//!
//! Where ids are names, the ends are the numbers that the [interner](super::interner) gave them. Numbers take 32 bits
//! where that suffices for all of a chunk.

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::edge_line::{mixed, wrong_vertex};
use crate::io::graph::edge_options::Vertices;
use crate::io::graph::fields::{check_name, is_empty};
use crate::io::graph::first_lines::EdgeLayout;
use crate::io::graph::interner::{IdField, Interned, Interner, WrongId};
use crate::io::text::cursor::Cursor;
use crate::io::text::records::Parsed;
use crate::io::text::records::TextLines;
use crate::sparse::IndexVec;

/// Bytes of memory for the edges of a byte of text, at most: the shortest line with an edge is four bytes long.
pub(super) const MADE: usize = 8;

/// Edges, in the order of the file.
#[derive(Default)]
pub(super) struct EdgeChunk {
    /// Both ends of every edge, one after the other.
    pub(super) ends: IndexVec,
    /// The bits of the weight of every edge, if weights are kept.
    pub(super) weights: Vec<u64>,
    /// Edges with a weight.
    pub(super) weighted: u64,
    /// The largest end; 0 if there is none.
    pub(super) largest: u64,
    /// The ends of the first edge.
    pub(super) first: Option<(u64, u64)>,
    /// Whether vertex 0 is an end.
    pub(super) zero: bool,
    /// Whether a line with a name for a vertex ended the chunk.
    pub(super) named: bool,
}

/// Passes chunks of edges to a function, in the order of the file.
pub(super) type Again<'a> =
    &'a dyn Fn(&mut (dyn FnMut(&[EdgeChunk]) -> Result<()> + Send)) -> Result<()>;

/// Edges: in memory, or read again.
pub(super) enum Edges<'a> {
    Kept(Vec<EdgeChunk>),
    Again(Again<'a>),
}

impl EdgeChunk {
    pub(super) fn edges(&self) -> usize {
        self.ends.len() / 2
    }

    /// Both ends of an edge.
    #[inline]
    pub(super) fn edge(&self, k: usize) -> (u64, u64) {
        let end = |at| self.ends.as_indices().at(at) as u64;
        (end(2 * k), end(2 * k + 1))
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> u64 {
        (self.ends.capacity_bytes() + 8 * self.weights.capacity()) as u64
    }
}

/// What the ids of a list become.
#[derive(Clone, Copy)]
pub(super) enum Ids<'a> {
    /// Themselves: numbers.
    Numbers,
    /// Provisional numbers.
    Interned(&'a Interner),
    /// Final numbers.
    Known(&'a Interned),
}

/// How a block is parsed.
#[derive(Clone, Copy)]
pub(super) struct Parsing<'a> {
    pub(super) layout: EdgeLayout,
    pub(super) vertices: Vertices,
    pub(super) ids: Ids<'a>,
    /// Whether weights are kept.
    pub(super) keeps_weights: bool,
    /// Whether all lines must have one, or none.
    pub(super) checks_weights: bool,
}

impl Parsing<'_> {
    /// The edges of a block.
    pub(super) fn parse(&self, block: TextLines<'_>) -> (EdgeChunk, Parsed) {
        match self.ids {
            Ids::Numbers => self.numbers(block),
            _ => self.names(block),
        }
    }

    /// The first number that is too large for a vertex.
    fn limit(&self) -> u64 {
        match self.vertices {
            Vertices::Count(count) => count,
            _ => u64::MAX,
        }
    }

    fn numbers(&self, block: TextLines<'_>) -> (EdgeChunk, Parsed) {
        let (limit, mut largest) = (self.limit(), 0);
        let (mut chunk, mut ends) =
            (EdgeChunk::default(), Vec::with_capacity(block.bytes.len() / 6));
        let mut cursor = Cursor::new(block.bytes);
        let (mut lines, mut stopped) = (0, None);
        while !cursor.is_done() {
            lines += 1;
            cursor.skip_blanks();
            if is_empty(&cursor) {
                cursor.skip_line();
                continue;
            }
            let line = cursor;
            let u = self.layout.number(&mut cursor).filter(|&u| u < limit);
            let after = cursor;
            let v = u.and_then(|_| self.layout.number(&mut cursor)).filter(|&v| v < limit);
            let (Some(u), Some(v)) = (u, v) else {
                match self.no_number(line, if u.is_some() { after } else { line }, limit) {
                    Some(error) => stopped = Some(error),
                    None => chunk.named = true,
                }
                break;
            };
            if let Err(error) = self.finish_line(&mut cursor, &mut chunk) {
                stopped = Some(error);
                break;
            }
            largest = u.max(v).max(largest);
            ends.extend([u, v]);
        }
        chunk.first = ends.first().copied().zip(ends.get(1).copied());
        chunk.zero = ends.contains(&0);
        chunk.largest = largest;
        chunk.ends = IndexVec::up_to(ends, largest);
        (chunk, Parsed { lines, error: stopped })
    }

    /// What is wrong with a line at which an id is not a number in range; `None` if it may be a name.
    #[cold]
    fn no_number(&self, line: Cursor<'_>, at: Cursor<'_>, limit: u64) -> Option<Error> {
        let refused = wrong_vertex(&at, self.layout.separator, limit);
        if !matches!(self.vertices, Vertices::Auto | Vertices::Compact) {
            return Some(refused);
        }
        let fractions = self.vertices == Vertices::Compact;
        let mut line = line;
        for _ in 0..2 {
            let id = match self.layout.id(&mut line) {
                Ok(id) => id,
                Err(error) => return Some(error),
            };
            if let Err(error) = check_name(id, fractions) {
                return Some(error);
            }
        }
        None
    }

    #[inline]
    fn finish_line(&self, cursor: &mut Cursor<'_>, chunk: &mut EdgeChunk) -> Result<()> {
        let weight = self.layout.rest(cursor)?;
        chunk.weighted += u64::from(weight.is_some());
        if self.checks_weights && weight.is_some() != self.layout.weighted {
            return Err(mixed(self.layout.weighted));
        }
        if self.keeps_weights {
            chunk.weights.push(weight.unwrap_or(1.0).to_bits());
        }
        Ok(())
    }

    fn names(&self, block: TextLines<'_>) -> (EdgeChunk, Parsed) {
        let mut chunk = EdgeChunk::default();
        let mut fields: Vec<IdField> = Vec::with_capacity(block.bytes.len() / 8);
        let mut known: Vec<u32> = Vec::new();
        let mut cursor = Cursor::new(block.bytes);
        let (mut lines, mut stopped) = (0, None);
        while !cursor.is_done() {
            lines += 1;
            cursor.skip_blanks();
            if is_empty(&cursor) {
                cursor.skip_line();
                continue;
            }
            let ids =
                self.layout.id(&mut cursor).and_then(|u| Ok((u, self.layout.id(&mut cursor)?)));
            let line = ids.and_then(|ids| self.finish_line(&mut cursor, &mut chunk).map(|()| ids));
            let (u, v) = match line {
                Ok(ids) => ids,
                Err(error) => {
                    stopped = Some(error);
                    break;
                }
            };
            let start = |id: &[u8]| id.as_ptr().addr() - block.bytes.as_ptr().addr();
            match self.ids {
                Ids::Interned(interner) => {
                    fields.extend([interner.field(u, start(u)), interner.field(v, start(v))]);
                }
                Ids::Known(interned) => match interned.find(u).zip(interned.find(v)) {
                    Some((u, v)) => known.extend([u, v]),
                    None => {
                        stopped = Some(changed());
                        break;
                    }
                },
                Ids::Numbers => {}
            }
        }
        if let Ids::Interned(interner) = self.ids {
            let key = |at: usize| block.offset + u64::from(fields[at].start);
            let check = |id: &[u8]| check_name(id, self.vertices == Vertices::Compact);
            match interner.add(&fields, block.bytes, &key, &check) {
                Ok(numbers) => known = numbers,
                Err(WrongId { field, error }) => {
                    let before = &block.bytes[..fields[field].start as usize];
                    lines = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64;
                    stopped = Some(error);
                }
            }
        }
        chunk.largest = known.iter().copied().max().unwrap_or(0).into();
        chunk.ends = IndexVec::Narrow(known);
        (chunk, Parsed { lines, error: stopped })
    }
}

/// The error for a file whose second reading does not give what the first one did.
#[cold]
pub(super) fn changed() -> Error {
    Error::new(ErrorKind::Format, "the file changed while it was read")
        .expected("the same vertices in each pass")
        .found("another one")
}
