//! METIS graphs: a line with the numbers of vertices and edges, then a line for each vertex with its neighbours.
//!
//! ```text
//! % a comment
//! VERTICES EDGES [FORMAT [WEIGHTS_OF_A_VERTEX]]
//! [SIZE] [WEIGHT…] NEIGHBOUR [WEIGHT_OF_THE_EDGE] NEIGHBOUR …
//! ```
//!
//! The digits of the format say whether vertices have a size (the first of three), vertices have weights (the second)
//! and edges have one (the third). Vertices are numbered from 1, and a blank line is one without neighbours. Every edge
//! stands on the lines of both its ends, and is counted once. Sizes and weights of vertices are checked and skipped.

use std::hash::{BuildHasher, RandomState};

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::assemble::{Assembly, suitable_types};
use crate::io::graph::chunk::{EdgeChunk, Edges, MADE};
use crate::io::graph::metis_lines::{COMMENTS, MetisHeader, NeighbourLines};
use crate::io::graph::numbering::VertexNumbering;
use crate::io::graph::survey::KeptChunks;
use crate::io::text::cursor::Cursor;
use crate::io::text::lines::LineReader;
use crate::io::text::records::TextLines;
use crate::io::text::text_file::{Position, TextFile};
use crate::sparse::{AnyCompressed, Duplicates, IndexVec};
use crate::storage::random::mixed;
use crate::storage::{Context, DType, Place, Plan, work};

/// A METIS graph, open for reading.
pub(in crate::io) struct Metis {
    text: TextFile,
    header: MetisHeader,
    /// Where the lines of the vertices begin.
    from: Position,
}

/// What a pass has seen so far.
struct SymmetryCheck {
    /// Vertices whose lines were read.
    vertices: u64,
    entries: u64,
    /// A sum over the edges to larger vertices less the same sum over those to smaller ones: 0 if each edge stands on
    /// the lines of both its ends.
    balance: u64,
    seed: u64,
}

impl Metis {
    pub(in crate::io) fn over(text: TextFile) -> Result<Self> {
        let (header, from) = text.visit_first_lines(|line, bytes| {
            let mut cursor = Cursor::new(bytes);
            cursor.skip_blanks();
            if cursor.at_line_end() || cursor.at_any(COMMENTS) {
                return Ok(None);
            }
            MetisHeader::read(cursor).map(Some).map_err(|error| text.error_at(line, hinted(error)))
        })?;
        let Some(header) = header else {
            return Err(Error::new(ErrorKind::Format, "the line of counts is missing")
                .in_file(text.path())
                .expected("the numbers of vertices and edges of a METIS graph")
                .found("no line"));
        };
        if header.vertices > text.most_text() {
            let error = Error::new(ErrorKind::Format, "the file is too short for its vertices");
            let error = error.in_file(text.path()).found(format!("{} bytes", text.length()));
            return Err(hinted(
                error.expected(format!("a line for each of {} vertices", header.vertices)),
            ));
        }
        Ok(Metis { text, header, from })
    }

    /// The graph as compressed rows at `place`: the weights of edges as `i64` if they have some and `weights` are
    /// wanted, otherwise a pattern. Types of indices and pointers are those that suffice if not given.
    ///
    /// Fails at the first invalid line, if the counts are not those of the first line, if an edge does not stand on the
    /// lines of both its ends with the same weight, if there is a self loop, and if an edge is listed twice.
    pub(in crate::io) fn read(
        &self,
        weights: bool,
        types: Option<(DType, DType)>,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let MetisHeader { vertices, edges, .. } = self.header;
        let entries = edges.saturating_mul(2);
        let weighted = weights && self.header.edge_weights;
        let _running = ctx.begin(|| {
            let plan = Plan::new("reading a METIS graph").reads(1, self.text.length());
            let bytes = entries.saturating_mul(if weighted { 24 } else { 12 });
            Ok(plan.works(entries, work::READ_TEXT).holds(bytes).at(place, true))
        })?;
        let mut kept = KeptChunks::default();
        self.pass(ctx, &mut |chunk| {
            kept.keep(chunk, ctx);
            Ok(())
        })?;
        let assembly = Assembly {
            path: self.text.path(),
            numbering: &VertexNumbering::AsInFile,
            vertices: vertices as usize,
            entries,
            symmetrize: false,
            drop_self_loops: false,
            duplicates: Duplicates::Refuse,
            types: types.unwrap_or_else(|| suitable_types(vertices, entries)),
        };
        let again = |take: &mut (dyn FnMut(&[EdgeChunk]) -> Result<()> + Send)| {
            self.pass(ctx, &mut |chunk| take(&[chunk]))
        };
        let edges = kept.chunks.take().map_or(Edges::Again(&again), Edges::Kept);
        match weighted {
            true => assembly.make::<i64>(edges, None, place, ctx),
            false => assembly.make::<()>(edges, None, place, ctx),
        }
    }

    /// Passes on all edges, each in both directions, and checks the counts.
    fn pass(
        &self,
        ctx: &Context,
        take: &mut (dyn FnMut(EdgeChunk) -> Result<()> + Send),
    ) -> Result<()> {
        let header = self.header;
        let lines = LineReader::new(&self.text, self.from, "reading a graph");
        let mut walk = SymmetryCheck {
            vertices: 0,
            entries: 0,
            balance: 0,
            seed: RandomState::new().hash_one(0),
        };
        ctx.meter().pass_over(self.text.length());
        let parse = |block: TextLines<'_>| header.parse(block);
        let read = lines.for_each_made(ctx, MADE, &parse, &mut |lines, first| {
            let chunk = walk.place(lines, header);
            take(chunk.map_err(|(line, error)| self.text.error_at(first + line, error))?)
        });
        read.map_err(hinted)?;
        self.check_counts(&walk).map_err(|error| hinted(error.in_file(self.text.path())))
    }

    fn check_counts(&self, walk: &SymmetryCheck) -> Result<()> {
        let MetisHeader { vertices, edges, .. } = self.header;
        let wrong = |what: &str| Error::new(ErrorKind::Format, what);
        // The blank line of a last vertex without neighbours is often missing.
        if walk.vertices + 1 < vertices
            || (walk.vertices < vertices && self.header.has_vertex_numbers())
        {
            return Err(wrong("lines of vertices are missing")
                .expected(format!("{vertices}, according to the first line"))
                .found(walk.vertices));
        }
        if u128::from(walk.entries) != 2 * u128::from(edges) {
            return Err(wrong("the number of edges differs from the first line")
                .expected(format!(
                    "{} neighbours, two for each of {edges} edges",
                    2 * u128::from(edges)
                ))
                .found(walk.entries));
        }
        if walk.balance != 0 {
            return Err(wrong("an edge is not on the lines of both its endpoints")
                .expected("every edge in both directions, with the same weight")
                .found("an edge that differs"));
        }
        Ok(())
    }
}

/// Adds what to do if the file is not a METIS graph.
fn hinted(error: Error) -> Error {
    match (error.kind(), error.hint()) {
        (ErrorKind::Format | ErrorKind::Index | ErrorKind::Value, None) => {
            error.remedy("it is read as a METIS graph; if it is an edge list, request that format")
        }
        _ => error,
    }
}

impl SymmetryCheck {
    /// The edges of the next lines, or the line that is wrong.
    fn place(
        &mut self,
        lines: NeighbourLines,
        header: MetisHeader,
    ) -> std::result::Result<EdgeChunk, (u64, Error)> {
        let mut ends = Vec::with_capacity(2 * lines.neighbours.len());
        let (mut next, mut blanks) = (0, lines.blank.iter().peekable());
        for (at, &(line, degree)) in lines.vertices.iter().enumerate() {
            let is_blank = blanks.next_if(|&&blank| blank as usize == at).is_some();
            let error = |kind, what: &str, expected: String| {
                Err((u64::from(line), Error::new(kind, what).expected(expected)))
            };
            if self.vertices == header.vertices {
                if is_blank {
                    continue;
                }
                let expected =
                    format!("the end of the file, after the lines of {} vertices", header.vertices);
                return error(ErrorKind::Format, "an extra line", expected);
            }
            if is_blank && header.has_vertex_numbers() {
                let expected = "the size or the weights of the vertex".to_owned();
                return error(ErrorKind::Format, "a blank line", expected);
            }
            let vertex = self.vertices;
            for k in next..next + degree as usize {
                let neighbour = lines.neighbours[k];
                if neighbour == vertex {
                    return error(
                        ErrorKind::Format,
                        "a self loop",
                        "edges between two vertices".to_owned(),
                    );
                }
                let weight = lines.weights.get(k).copied().unwrap_or_default();
                let (least, most) = (vertex.min(neighbour), vertex.max(neighbour));
                let term = mixed(mixed(mixed(self.seed ^ least) ^ most) ^ weight);
                let term = if vertex < neighbour { term } else { term.wrapping_neg() };
                self.balance = self.balance.wrapping_add(term);
                ends.extend([vertex, neighbour]);
            }
            next += degree as usize;
            self.entries += u64::from(degree);
            self.vertices += 1;
        }
        let largest = header.vertices.saturating_sub(1);
        Ok(EdgeChunk {
            ends: IndexVec::up_to(ends, largest),
            weights: lines.weights,
            largest,
            ..EdgeChunk::default()
        })
    }
}
