//! Passes over an edge list: the first, which counts them and keeps what fits, and others that read them again.

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::chunk::{EdgeChunk, Ids, MADE, Parsing};
use crate::io::graph::numbering::check_table;
use crate::io::text::lines::LineReader;
use crate::io::text::records::TextLines;
use crate::io::text::text_file::TextFile;
use crate::storage::{Context, Held};

/// Passes over a text.
pub(super) struct Passes<'a> {
    pub(super) text: &'a TextFile,
    pub(super) parsing: Parsing<'a>,
}

/// What a pass over the text found.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) edges: u64,
    pub(super) weighted: u64,
    /// The largest number; 0 if there is none.
    pub(super) largest: u64,
    first: Option<(u64, u64)>,
    /// Whether vertex 0 occurs.
    zero: bool,
    /// Lines in the file.
    lines: u64,
    /// Whether an id is not a number, at which the pass ended.
    pub(super) named: bool,
    pub(super) kept: KeptChunks,
}

/// The edges of a pass, if they fit in a quarter of the memory.
pub(super) struct KeptChunks {
    pub(super) chunks: Option<Vec<EdgeChunk>>,
    held: Vec<Held>,
    /// Bytes of those that are kept.
    pub(super) bytes: u64,
}

impl Default for KeptChunks {
    fn default() -> Self {
        KeptChunks { chunks: Some(Vec::new()), held: Vec::new(), bytes: 0 }
    }
}

impl KeptChunks {
    /// Keeps some more edges, or drops all if they do not fit.
    pub(super) fn keep(&mut self, chunk: EdgeChunk, ctx: &Context) {
        let Some(chunks) = &mut self.chunks else { return };
        self.bytes += chunk.memory();
        if self.bytes > ctx.memory_left() / 4 {
            *self = KeptChunks { chunks: None, held: Vec::new(), bytes: 0 };
            return;
        }
        self.held.push(ctx.hold(chunk.memory()));
        chunks.push(chunk);
    }
}

impl Passes<'_> {
    /// Passes on the edges in the order of the file; returns the number of lines.
    fn run(
        &self,
        ctx: &Context,
        take: &mut (dyn FnMut(EdgeChunk) -> Result<()> + Send),
    ) -> Result<u64> {
        let from = self.parsing.layout.from;
        let lines = LineReader::new(self.text, from, "reading edges");
        ctx.meter().pass_over(self.text.length());
        let parse = |block: TextLines<'_>| self.parsing.parse(block);
        let end = lines.for_each_made(ctx, MADE, &parse, &mut |chunk, _| take(chunk))?;
        Ok(end.line - from.line)
    }

    /// Reads the edges again.
    pub(super) fn again(
        &self,
        ctx: &Context,
        take: &mut (dyn FnMut(&[EdgeChunk]) -> Result<()> + Send),
    ) -> Result<()> {
        self.run(ctx, &mut |chunk| take(&[chunk])).map(drop)
    }

    /// The first pass, which ends at a name where numbers are read.
    pub(super) fn survey(&self, ctx: &Context) -> Result<Survey> {
        let mut survey = Survey::default();
        let lines = self.run(ctx, &mut |chunk| {
            survey.edges += chunk.edges() as u64;
            survey.weighted += chunk.weighted;
            survey.largest = survey.largest.max(chunk.largest);
            survey.first = survey.first.or(chunk.first);
            survey.zero |= chunk.zero;
            if chunk.named {
                survey.named = true;
                return Err(Error::new(ErrorKind::Format, "an id is a name"));
            }
            if let Ids::Interned(interner) = self.parsing.ids {
                check_table(interner, ctx).map_err(|e| e.in_file(self.text.path()))?;
            }
            survey.kept.keep(chunk, ctx);
            Ok(())
        });
        match lines {
            Err(_) if survey.named => Ok(survey),
            lines => Ok(Survey { lines: lines?, ..survey }),
        }
    }
}

impl Survey {
    /// Fails if a file that was not said to be an edge list is a METIS graph whose lines all have two or three numbers.
    pub(super) fn check_guess(&self) -> Result<()> {
        let Some((vertices, edges)) = self.first.filter(|_| !self.zero) else { return Ok(()) };
        let others = self.edges - 1;
        // The first line may have a third number, the format.
        let fields = 2 * others + self.weighted;
        // Both are ids as the file has them, of any size.
        let twice = edges.checked_mul(2);
        let counts_fit = twice.is_some_and(|twice| fields == twice || fields == twice + 1);
        let lists_every_vertex = vertices == others || vertices.checked_add(1) == Some(self.lines);
        if edges == 0 || !lists_every_vertex || !counts_fit {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Format, "it could be an edge list or a METIS graph")
            .expected("a first line that is not the number of vertices and edges below")
            .found(format!("{vertices} {edges}"))
            .remedy("name its format"))
    }
}
