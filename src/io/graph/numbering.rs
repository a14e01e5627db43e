//! Which row is whose: ids used as row numbers, or renumbered.
//!
//! The vertices of published graphs are often numbered by something else: users, pages, hashes of names. A matrix has a
//! row for each number up to the largest, so such a graph would take gigabytes for a handful of edges. Renumbered, a
//! vertex is the position of its number among those that occur.
//!
//! ```text
//! ids that are at most 64 times as many as the ends of edges:  a bit for each, and the bits before it counted
//! others:                                                      a hash table
//! ```

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::chunk::{EdgeChunk, Edges, changed};
use crate::io::graph::edge_options::Vertices;
use crate::io::graph::interner::{IdField, Interned, Interner};
use crate::io::graph::vertex_ids::VertexIds;
use crate::sparse::IndexVec;
use crate::storage::Context;
use crate::storage::parallel::{ParallelSlice, Tasks};

/// Numbers of vertices up to which gaps between them are kept whatever the edges, and the largest number for each
/// different one up to which they are kept otherwise.
const FEW: u64 = 1 << 20;
const GAPS: u64 = 16;

/// Words of bits that are counted together: a block.
const BLOCK: usize = 8;

/// The row of an id.
pub(super) enum VertexNumbering {
    /// The id.
    AsInFile,
    /// The number of smaller ids.
    Ranked(IdRanks),
    /// That of its provisional number.
    Interned(Interned),
    /// That of a number in a table.
    Hashed(Interned),
}

impl VertexNumbering {
    /// The row of an end of an edge; `None` if it is not among the ids.
    #[inline]
    pub(super) fn row(&self, id: u64) -> Option<u64> {
        match self {
            VertexNumbering::AsInFile => Some(id),
            VertexNumbering::Ranked(ranks) => ranks.rank(id),
            VertexNumbering::Interned(interned) => Some(interned.of_provisional(id as u32).into()),
            VertexNumbering::Hashed(interned) => interned.find(&id.to_le_bytes()).map(u64::from),
        }
    }
}

/// The ids that occur, a bit for each, and how many there are before each block of bits.
pub(super) struct IdRanks {
    bits: Vec<AtomicU64>,
    before: Vec<u64>,
    count: u64,
}

impl IdRanks {
    /// Bytes of memory for ids up to the largest.
    pub(super) fn memory(largest: u64) -> u64 {
        let words = largest / 64 + 1;
        words.saturating_mul(8).saturating_add(words / BLOCK as u64 * 8 + 8)
    }

    /// Space for ids up to the largest.
    pub(super) fn new(largest: u64, ctx: &Context) -> Result<Self> {
        ctx.check_memory("the vertices", Self::memory(largest))?;
        let words = usize::try_from(largest / 64 + 1).unwrap_or(usize::MAX);
        let bits = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(IdRanks { bits, before: Vec::new(), count: 0 })
    }

    /// Notes the ends of edges.
    pub(super) fn add(&self, chunks: &[EdgeChunk], ctx: &Context) -> Result<()> {
        let note = |id: u64| {
            let Some(word) = self.bits.get((id / 64) as usize) else { return false };
            let bit = 1 << (id % 64);
            // Most are there already, and a word that is only read stays in the caches of all threads.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
            true
        };
        let all = ctx.with_threads(|| {
            chunks.par_iter().all(|chunk| {
                (0..chunk.edges()).all(|k| {
                    let (u, v) = chunk.edge(k);
                    note(u) && note(v)
                })
            })
        });
        if all { Ok(()) } else { Err(changed()) }
    }

    /// Counts them; returns how many there are.
    pub(super) fn count(&mut self) -> u64 {
        self.before = Vec::with_capacity(self.bits.len().div_ceil(BLOCK));
        let mut count = 0;
        for block in self.bits.chunks(BLOCK) {
            self.before.push(count);
            count += block
                .iter()
                .map(|word| u64::from(word.load(Ordering::Relaxed).count_ones()))
                .sum::<u64>();
        }
        self.count = count;
        count
    }

    #[inline]
    fn rank(&self, id: u64) -> Option<u64> {
        let at = (id / 64) as usize;
        let word = self.bits.get(at)?.load(Ordering::Relaxed);
        let bit = 1 << (id % 64);
        let block = at / BLOCK;
        let full = &self.bits[block * BLOCK..at];
        let before: u32 = full.iter().map(|word| word.load(Ordering::Relaxed).count_ones()).sum();
        (word & bit != 0)
            .then(|| self.before[block] + u64::from(before + (word & (bit - 1)).count_ones()))
    }

    /// The ids in ascending order.
    pub(super) fn ids(&self, ctx: &Context) -> Result<VertexIds> {
        ctx.check_memory("the ids of the vertices", self.count.saturating_mul(8))?;
        let mut ids = Vec::with_capacity(self.count as usize);
        for (at, word) in self.bits.iter().enumerate() {
            let mut left = word.load(Ordering::Relaxed);
            while left != 0 {
                ids.push(64 * at as u64 + u64::from(left.trailing_zeros()));
                left &= left - 1;
            }
        }
        Ok(VertexIds::of_numbers(ids))
    }
}

/// What is known of the edges of a graph.
#[derive(Clone, Copy)]
pub(super) struct EdgeExtent {
    pub(super) edges: u64,
    /// The largest end; 0 if there is none.
    pub(super) largest: u64,
}

/// Which row is whose, how many rows there are, and the ids unless they are the numbers of the rows.
pub(super) fn number(
    EdgeExtent { edges: count, largest }: EdgeExtent,
    vertices: Vertices,
    edges: &mut Edges<'_>,
    ctx: &Context,
) -> Result<(VertexNumbering, u64, Option<VertexIds>)> {
    let all = if count == 0 { 0 } else { largest.saturating_add(1) };
    match vertices {
        Vertices::Count(count) => return Ok((VertexNumbering::AsInFile, count, None)),
        Vertices::AsInFile => return Ok((VertexNumbering::AsInFile, all, None)),
        Vertices::Auto if all <= FEW => return Ok((VertexNumbering::AsInFile, all, None)),
        Vertices::Auto | Vertices::Compact => {}
    }
    // Of more numbers than that, more than 16 would be there for each different one.
    if largest / 64 <= 2 * count {
        let mut ranks = IdRanks::new(largest, ctx)?;
        match edges {
            Edges::Kept(chunks) => ranks.add(chunks, ctx)?,
            Edges::Again(edges) => edges(&mut |chunks| ranks.add(chunks, ctx))?,
        }
        let different = ranks.count();
        if vertices == Vertices::Auto && all <= different.saturating_mul(GAPS) {
            return Ok((VertexNumbering::AsInFile, all, None));
        }
        let ids = ranks.ids(ctx)?;
        return Ok((VertexNumbering::Ranked(ranks), different, Some(ids)));
    }
    let interner = Interner::new();
    let kept = match edges {
        Edges::Kept(chunks) => {
            ctx.with_threads(|| {
                let chunks = chunks.par_iter_mut().with_max_len(1);
                chunks.for_each(|chunk| chunk.ends = IndexVec::Narrow(intern(&interner, chunk)));
            });
            check_table(&interner, ctx)?;
            true
        }
        Edges::Again(edges) => {
            edges(&mut |chunks| {
                chunks.iter().for_each(|chunk| drop(intern(&interner, chunk)));
                check_table(&interner, ctx)
            })?;
            false
        }
    };
    ctx.check_cancelled()?;
    let interned = interner.finish();
    let (ids, different) = (numbers_of(&interned), interned.len() as u64);
    let numbering =
        if kept { VertexNumbering::Interned(interned) } else { VertexNumbering::Hashed(interned) };
    Ok((numbering, different, Some(ids)))
}

/// Adds the ends of edges to a table, ordered by their numbers, and returns their provisional numbers. In a table that
/// is full, which [`check_table`] notices, some are 0.
fn intern(interner: &Interner, chunk: &EdgeChunk) -> Vec<u32> {
    let edges = 0..chunk.edges();
    let ends: Vec<u64> = edges.flat_map(|k| <[u64; 2]>::from(chunk.edge(k))).collect();
    let mut numbers = Vec::with_capacity(ends.len());
    // A part at a time, so that their places fit.
    for ends in ends.chunks(1 << 16) {
        let text: Vec<u8> = ends.iter().flat_map(|id| id.to_le_bytes()).collect();
        let field = |(at, id): (usize, &[u8])| interner.field(id, 8 * at);
        let fields: Vec<IdField> = text.chunks_exact(8).enumerate().map(field).collect();
        match interner.add(&fields, &text, &|at| ends[at], &|_| Ok(())) {
            Ok(found) => numbers.extend(found),
            Err(_) => numbers.resize(numbers.len() + ends.len(), 0),
        }
    }
    numbers
}

/// Fails if the ids of a table take more memory than there is, or are too many.
pub(super) fn check_table(interner: &Interner, ctx: &Context) -> Result<()> {
    let (bytes, ids) = interner.size();
    if ids >= 1 << 31 {
        return Err(Error::new(ErrorKind::Unsupported, "too many vertices to renumber")
            .expected(format!("fewer than {} different ids", 1u64 << 31))
            .found(ids));
    }
    ctx.check_memory("the ids of the vertices", bytes.saturating_add(FINAL * ids))
}

/// Bytes for each id in addition to its table: its key and its number while they are sorted, then its final number and
/// where it ends among all.
const FINAL: u64 = 32;

/// The ids of a table as numbers, in their order.
fn numbers_of(interned: &Interned) -> VertexIds {
    let mut ids = Vec::with_capacity(interned.len());
    interned.for_each(|id| ids.extend(id.try_into().map(u64::from_le_bytes)));
    VertexIds::of_numbers(ids)
}

/// The ids of a table as names, in their order.
pub(super) fn names_of(interned: &Interned) -> VertexIds {
    let mut text = Vec::with_capacity(interned.bytes() + interned.len());
    let mut ends = Vec::with_capacity(interned.len());
    interned.for_each(|id| {
        text.extend_from_slice(id);
        text.push(b'\n');
        ends.push(text.len() as u64);
    });
    VertexIds::of_names(text, ends)
}
