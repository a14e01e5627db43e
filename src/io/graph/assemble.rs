//! A matrix from edges whose vertices are already numbered, sorted in memory or by the external sort.

use std::path::Path;

use crate::convert::{CooBuilder, to_compressed};
use crate::error::{Error, ErrorKind, Result};
use crate::io::graph::chunk::{Again, EdgeChunk, Edges, changed};
use crate::io::graph::numbering::VertexNumbering;
use crate::io::graph::vertex_ids::VertexIds;
use crate::sparse::{AnyCompressed, Coo, Duplicates, Types};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::{Context, DType, Entry, Index, Place, SparseFormat};

/// An edge weight stored as 64 bits.
pub(super) trait Weight: Entry {
    fn of(bits: u64) -> Self;
}

impl Weight for () {
    fn of(_: u64) {}
}

impl Weight for f64 {
    fn of(bits: u64) -> Self {
        f64::from_bits(bits)
    }
}

impl Weight for i64 {
    fn of(bits: u64) -> Self {
        bits.cast_signed()
    }
}

/// The matrix to build from edges.
pub(super) struct Assembly<'a> {
    pub(super) path: &'a Path,
    pub(super) numbering: &'a VertexNumbering,
    pub(super) vertices: usize,
    /// Upper bound on the number of entries.
    pub(super) entries: u64,
    pub(super) symmetrize: bool,
    pub(super) drop_self_loops: bool,
    pub(super) duplicates: Duplicates,
    /// Types of indices and pointers.
    pub(super) types: (DType, DType),
}

impl Assembly<'_> {
    /// The matrix at `place`; at a path, with the ids of its vertices.
    pub(super) fn make<T: Weight>(
        &self,
        edges: Edges<'_>,
        ids: Option<&VertexIds>,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let mut edges = Some(edges);
        let mut make = |place: &Place| {
            let edges = edges.take().unwrap_or(Edges::Kept(Vec::new()));
            match self.types.0 {
                DType::UInt32 => self.make_indexed::<T, u32>(edges, place, ctx),
                _ => self.make_indexed::<T, u64>(edges, place, ctx),
            }
        };
        let made = match (ids, place) {
            (Some(ids), Place::File(path) | Place::Replace(path)) => {
                let stored = ids.store_with(place.clone(), ctx, |place| make(&place).map(drop));
                let (values, (indices, pointers)) = (T::ENTRY_DTYPE, self.types);
                let types = Types { values, indices, pointers };
                stored.and_then(|()| AnyCompressed::open(path, SparseFormat::Csr, types, true))
            }
            _ => make(place),
        };
        made.map_err(|error| error.in_file(self.path))
    }

    fn make_indexed<T: Weight, I: Index>(
        &self,
        edges: Edges<'_>,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let too_large = |what: &str, found: u64, most: usize| {
            Error::new(ErrorKind::Type, what)
                .expected(format!("at most {most}"))
                .found(found)
                .remedy("use u64 indices and pointers, or compact vertices")
        };
        if self.vertices > I::LARGEST {
            let what = "too many vertices for the index type";
            return Err(too_large(what, self.vertices as u64, I::LARGEST));
        }
        match edges {
            Edges::Kept(chunks) => {
                let counts = self.counts(&chunks, ctx);
                let entries = counts.iter().fold(0u64, |sum, &count| sum + count as u64);
                let held: u64 = chunks.iter().map(EdgeChunk::memory).sum();
                let each = (2 * size_of::<I>() + size_of::<T>()) as u64;
                if held.saturating_add(entries.saturating_mul(each)) > ctx.memory_left() {
                    return self.sort::<T, I>(&|take| take(&chunks), place, &ctx.less(held));
                }
                let _held = ctx.hold(entries * each);
                let coo = self.coordinates::<T, I>(&chunks, &counts, ctx)?;
                drop(chunks);
                let kind = (SparseFormat::Csr, self.types.1);
                to_compressed(&coo.to_any(), kind, self.duplicates, place, ctx)
            }
            Edges::Again(again) => self.sort::<T, I>(again, place, ctx),
        }
    }

    /// How many entries each chunk makes.
    fn counts(&self, chunks: &[EdgeChunk], ctx: &Context) -> Vec<usize> {
        if !self.symmetrize && !self.drop_self_loops {
            return chunks.iter().map(EdgeChunk::edges).collect();
        }
        let count = |chunk: &EdgeChunk| {
            let loops = (0..chunk.edges()).filter(|&k| chunk.edge(k).0 == chunk.edge(k).1).count();
            let others = (chunk.edges() - loops) * if self.symmetrize { 2 } else { 1 };
            others + if self.drop_self_loops { 0 } else { loops }
        };
        ctx.with_threads(|| chunks.par_iter().with_max_len(1).map(count).collect())
    }

    /// Passes on the entries of a chunk, until `push` fails.
    #[inline]
    fn entries<T: Weight>(
        &self,
        chunk: &EdgeChunk,
        mut push: impl FnMut(usize, usize, T) -> Result<()>,
    ) -> Result<()> {
        for k in 0..chunk.edges() {
            let (u, v) = chunk.edge(k);
            if u == v && self.drop_self_loops {
                continue;
            }
            let row = |id| {
                self.numbering.row(id).filter(|&row| row < self.vertices as u64).ok_or_else(changed)
            };
            let (row, col) = (row(u)? as usize, row(v)? as usize);
            let value = T::of(chunk.weights.get(k).copied().unwrap_or_default());
            push(row, col, value)?;
            if self.symmetrize && row != col {
                push(col, row, value)?;
            }
        }
        Ok(())
    }

    fn coordinates<T: Weight, I: Index>(
        &self,
        chunks: &[EdgeChunk],
        counts: &[usize],
        ctx: &Context,
    ) -> Result<Coo<T, I>> {
        let total = counts.iter().sum();
        let (mut rows, mut cols) = (vec![I::default(); total], vec![I::default(); total]);
        let mut data = vec![<T as bytemuck::Zeroable>::zeroed(); total];
        let mut tasks = Vec::with_capacity(chunks.len());
        let (mut rows_left, mut cols_left, mut data_left) =
            (&mut rows[..], &mut cols[..], &mut data[..]);
        for (chunk, &count) in chunks.iter().zip(counts) {
            let own;
            (own, rows_left) = rows_left.split_at_mut(count);
            let (cols, rest) = cols_left.split_at_mut(count);
            cols_left = rest;
            let (data, rest) = data_left.split_at_mut(count);
            data_left = rest;
            tasks.push((chunk, own, cols, data));
        }
        ctx.with_threads(|| {
            tasks
                .into_par_iter()
                .with_max_len(1)
                .map(|(chunk, rows, cols, data)| {
                    let mut at = 0;
                    self.entries::<T>(chunk, |row, col, value| {
                        let places = rows.get_mut(at).zip(cols.get_mut(at)).zip(data.get_mut(at));
                        let ((to_row, to_col), to_value) = places.ok_or_else(changed)?;
                        (*to_row, *to_col, *to_value) =
                            (I::from_usize(row), I::from_usize(col), value);
                        at += 1;
                        Ok(())
                    })
                })
                .collect::<Result<Vec<()>>>()
        })?;
        ctx.check_cancelled()?;
        Coo::from_parts((self.vertices, self.vertices), rows, cols, data)
    }

    fn sort<T: Weight, I: Index>(
        &self,
        edges: Again<'_>,
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        let shape = (self.vertices, self.vertices);
        let expected = usize::try_from(self.entries).unwrap_or(0);
        let mut builder = CooBuilder::<T, I>::with_capacity(shape, expected, ctx)?;
        edges(&mut |chunks| {
            for chunk in chunks {
                self.entries::<T>(chunk, |row, col, value| builder.push(row, col, value))?;
                ctx.check_cancelled()?;
            }
            Ok(())
        })?;
        match self.types.1 {
            DType::UInt32 => builder.finish::<u32>(self.duplicates, place, ctx).map(|a| a.to_any()),
            _ => builder.finish::<u64>(self.duplicates, place, ctx).map(|a| a.to_any()),
        }
    }
}

/// Types of indices and pointers that suffice for a matrix.
pub(super) fn suitable_types(vertices: u64, entries: u64) -> (DType, DType) {
    match vertices.max(entries) <= u32::LARGEST as u64 {
        true => (DType::UInt32, DType::UInt32),
        false => (DType::UInt64, DType::UInt64),
    }
}
