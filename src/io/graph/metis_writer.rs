//! Writing METIS graphs: the lines of a symmetric matrix, whose symmetry is checked on the way.
//!
//! The file gets its name only when it is complete and every entry has met its mirror image.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::any::{AnyMatrix, Body};
use crate::error::{Error, ErrorKind, Result};
use crate::io::output::Target;
use crate::io::text::digits::push_unsigned;
use crate::io::text::text_writer::TextWriter;
use crate::io::text::write_entries::check_panel;
use crate::sparse::{AnyCompressed, CompressedPanel, CompressedPanels, index_out_of_range};
use crate::storage::random::mixed;
use crate::storage::{Context, DType, Place};

/// The name of the operation, also for the progress callback.
const PHASE: &str = "writing a METIS graph";

/// Writes a symmetric sparse matrix as a METIS graph: a pattern, or whole numbers from 1 as the weights of edges.
///
/// Fails if the matrix is not square, has an entry on the diagonal, is not symmetric, has columns out of order or twice
/// in a row, or values that are not positive integers. Cost: one pass over the matrix, and another that converts
/// values that are not `int64`.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let path = target.path;
    let (nrows, ncols) = matrix.shape();
    if nrows != ncols {
        let found = format!("{nrows} x {ncols}");
        return Err(Error::shape("the graph", "as many rows as columns", found).in_file(path));
    }
    let extra = if matrix.stored_bytes() > 0 { Place::Scratch } else { Place::Memory };
    let matrix = match matrix.dtype() {
        None | Some(DType::Int64) => matrix.clone(),
        Some(_) => matrix.to_dtype(DType::Int64, &extra, ctx).map_err(|error| {
            error.in_file(path).remedy(
                "the weights of a METIS graph are integers: write the pattern of the matrix",
            )
        })?,
    };
    let matrix = match matrix {
        AnyMatrix::Coo(_) => AnyMatrix::from(matrix.to_csr(&extra, ctx)?),
        other => other,
    };
    match matrix.body() {
        Body::Lines(lines) => write_lines(target, lines, ctx),
        Body::Dense(_) | Body::Coo(_) => Err(refused(path, "a dense matrix is not a METIS graph")),
    }
}

fn refused(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, what).in_file(path)
}

fn write_lines(target: Target<'_>, a: &AnyCompressed, ctx: &Context) -> Result<()> {
    let path = target.path;
    if !a.check()? {
        return Err(refused(path, "the columns of a row are unsorted, or have duplicates")
            .remedy("canonicalize the matrix first"));
    }
    let weighted = a.types().values.is_some();
    let form = if weighted { " 001" } else { "" };
    let head = format!("{} {}{form}\n", a.major(), a.nnz() / 2);
    // Entries, and the end of each line.
    let total = (a.nnz() as u64).saturating_add(a.major() as u64);
    let mut writer = TextWriter::create(target, head.as_bytes(), PHASE, total, ctx)?;
    let mut panels = CompressedPanels::for_one_sweep(a.clone(), writer.budget() / 2, ctx)?;
    let _running =
        ctx.begin(|| Ok(writer.plan(panels.plan(PHASE), if weighted { 12 } else { 8 })))?;
    let _texts = ctx.hold(writer.memory());
    let start_of_all = a.indptr().at(0);
    let (balance, seed) = (AtomicU64::new(0), RandomState::new().hash_one(0));
    let swept = panels.sweep(ctx, &mut |panel| {
        check_panel(&panel)?;
        let weights: &[i64] = if weighted { panel.data.as_typed::<i64>() } else { &[] };
        let lines =
            MetisLines { path, panel: &panel, weights, across: a.minor(), start_of_all, seed };
        writer.write(panel.indices.len() + panel.indptr.len() - 1, &|range, text| {
            balance.fetch_add(lines.push(range, text)?, Ordering::Relaxed);
            Ok(())
        })
    });
    swept.map_err(|error| a.name_indices(error))?;
    if balance.into_inner() != 0 {
        return Err(refused(path, "the matrix is not symmetric")
            .expected("every edge in both directions, with the same weight")
            .found("an edge that differs")
            .remedy("a METIS graph is undirected: add the transpose first"));
    }
    writer.finish()
}

/// The lines of a panel as text.
struct MetisLines<'a> {
    path: &'a Path,
    panel: &'a CompressedPanel<'a>,
    weights: &'a [i64],
    /// Vertices of the graph.
    across: usize,
    start_of_all: usize,
    seed: u64,
}

impl MetisLines<'_> {
    /// Appends a range of the entries and the ends of lines, which are numbered together. Returns what adds up to 0, as in
    /// reading, if every entry has its mirror image.
    fn push(&self, range: Range<usize>, text: &mut Vec<u8>) -> Result<u64> {
        let CompressedPanel { first, indptr, indices, .. } = self.panel;
        let (base, lines) = (indptr.at(0), indptr.len() - 1);
        // The number of the end of a line.
        let end_of = |line: usize| indptr.at(line + 1) - base + line;
        let (mut line, mut above) = (0, lines);
        while line < above {
            let middle = line + (above - line) / 2;
            if end_of(middle) < range.start { line = middle + 1 } else { above = middle }
        }
        let mut balance = 0u64;
        for at in range {
            if at == end_of(line) {
                text.push(b'\n');
                line += 1;
                continue;
            }
            let k = at - line;
            let (vertex, neighbour) = (first + line, indices.at(k));
            if neighbour >= self.across {
                let position = base.wrapping_sub(self.start_of_all).wrapping_add(k);
                return Err(index_out_of_range(vertex, position, neighbour, self.across));
            }
            if k > indptr.at(line) - base {
                text.push(b' ');
            }
            let weight = self.weights.get(k).copied();
            balance = balance.wrapping_add(self.push_edge(text, vertex, neighbour, weight)?);
        }
        Ok(balance)
    }

    fn push_edge(
        &self,
        text: &mut Vec<u8>,
        vertex: usize,
        neighbour: usize,
        weight: Option<i64>,
    ) -> Result<u64> {
        let place = || format!("row {vertex}, column {neighbour}");
        if vertex == neighbour {
            let what = "an entry on the diagonal: a METIS graph has no self loops";
            return Err(refused(self.path, what).found(place()));
        }
        if weight.is_some_and(|weight| weight < 1) {
            let what = "a weight that is not a positive integer";
            let found = format!("{} in {}", weight.unwrap_or_default(), place());
            return Err(Error::new(ErrorKind::Value, what).in_file(self.path).found(found));
        }
        push_unsigned(text, neighbour as u64 + 1);
        if let Some(weight) = weight {
            text.push(b' ');
            push_unsigned(text, weight.cast_unsigned());
        }
        let (least, most) = (vertex.min(neighbour) as u64, vertex.max(neighbour) as u64);
        let bits = weight.unwrap_or_default().cast_unsigned();
        let term = mixed(mixed(mixed(self.seed ^ least) ^ most) ^ bits);
        Ok(if vertex < neighbour { term } else { term.wrapping_neg() })
    }
}
