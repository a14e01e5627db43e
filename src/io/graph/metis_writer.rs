//! Writing METIS graphs: the lines of a symmetric matrix, whose symmetry is checked on the way.
//!
//! The file gets its name only when it is complete and every entry has met its mirror image.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use crate::any::{AnyMatrix, Body};
use crate::error::{Error, ErrorKind, Result};
use crate::io::output::{Output, Target};
use crate::io::text::digits::push_unsigned;
use crate::sparse::{AnyCompressed, CompressedPanel, CompressedPanels, index_out_of_range};
use crate::storage::random::mixed;
use crate::storage::{Context, DType, Place, work};

/// Bytes collected before they are written.
const BUFFER: usize = 1 << 20;

/// Writes a symmetric sparse matrix as a METIS graph: a pattern, or whole numbers from 1 as the weights of edges.
///
/// Fails if the matrix is not square, has an entry on the diagonal, is not symmetric, has columns out of order or twice
/// in a row, or values that are no whole numbers from 1. Cost: one pass over the matrix, and another that converts
/// values that are not `int64`.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let path = target.path;
    let (nrows, ncols) = matrix.shape();
    if nrows != ncols {
        let found = format!("{nrows} x {ncols}");
        return Err(Error::shape("the graph", "as many rows as columns", found).in_file(path));
    }
    let beside = if matrix.stored_bytes() > 0 { Place::Scratch } else { Place::Memory };
    let matrix = match matrix.dtype() {
        None | Some(DType::Int64) => matrix.clone(),
        Some(_) => matrix.to_dtype(DType::Int64, &beside, ctx).map_err(|error| {
            error
                .in_file(path)
                .remedy("a METIS graph has whole numbers as weights, or none: write its pattern")
        })?,
    };
    let matrix = match matrix {
        AnyMatrix::Coo(_) => AnyMatrix::from(matrix.to_csr(&beside, ctx)?),
        other => other,
    };
    match matrix.body() {
        Body::Lines(lines) => write_lines(target, lines, ctx),
        Body::Dense(_) | Body::Coo(_) => Err(refused(path, "a dense matrix is no METIS graph")),
    }
}

fn refused(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, what).in_file(path)
}

fn write_lines(target: Target<'_>, a: &AnyCompressed, ctx: &Context) -> Result<()> {
    let path = target.path;
    if !a.check()? {
        return Err(refused(path, "the columns of a row are not in order, or there twice")
            .remedy("bring the matrix to canonical form first"));
    }
    let weighted = a.types().values.is_some();
    let mut panels = CompressedPanels::for_one_sweep(a.clone(), ctx.memory_left() / 2, ctx)?;
    let _running = ctx.begin(|| {
        let bytes = (a.nnz() as u64).saturating_mul(if weighted { 12 } else { 8 });
        let plan = panels.plan("writing a METIS graph").writes(bytes).throughout(BUFFER as u64);
        Ok(plan.works(a.nnz() as u64, work::WRITE_TEXT))
    })?;
    let output = Output::create(target)?;
    let _buffer = ctx.hold(BUFFER as u64);
    let mut lines = Lines {
        path,
        output,
        text: Vec::with_capacity(BUFFER + (1 << 10)),
        balance: 0,
        seed: RandomState::new().hash_one(0),
    };
    push_unsigned(&mut lines.text, a.major() as u64);
    lines.text.push(b' ');
    push_unsigned(&mut lines.text, a.nnz() as u64 / 2);
    lines.text.extend_from_slice(if weighted { b" 001\n" } else { b"\n" });
    let start_of_all = a.indptr().at(0);
    let swept = panels.sweep(ctx, &mut |CompressedPanel { first, indptr, indices, data }| {
        let bad = || Error::new(ErrorKind::Index, "the matrix changed while it was read");
        let weights: &[i64] = if weighted { data.as_typed::<i64>() } else { &[] };
        let base = indptr.at(0);
        for line in 0..indptr.len() - 1 {
            let (start, end) = (indptr.at(line), indptr.at(line + 1));
            let here = start.checked_sub(base).zip(end.checked_sub(base)).ok_or_else(bad)?;
            if here.0 > here.1 || here.1 > indices.len() {
                return Err(bad());
            }
            for k in here.0..here.1 {
                let neighbour = indices.at(k);
                if neighbour >= a.minor() {
                    let position = base.wrapping_sub(start_of_all).wrapping_add(k);
                    return Err(index_out_of_range(first + line, position, neighbour, a.minor()));
                }
                lines.push(first + line, neighbour, weights.get(k).copied())?;
            }
            lines.end()?;
        }
        ctx.check_cancelled()
    });
    swept.map_err(|error| a.name_indices(error))?;
    if lines.balance != 0 {
        return Err(refused(path, "the matrix is not symmetric")
            .expected("every edge in both directions, with the same weight")
            .found("one that differs")
            .remedy("a METIS graph has no directions: add the transpose first"));
    }
    lines.flush()?;
    ctx.meter().wrote(lines.output.publish()?);
    Ok(())
}

/// The file while it is written.
struct Lines<'a> {
    path: &'a Path,
    output: Output,
    text: Vec<u8>,
    /// As in reading: 0 if every entry has its mirror image.
    balance: u64,
    seed: u64,
}

impl Lines<'_> {
    fn push(&mut self, vertex: usize, neighbour: usize, weight: Option<i64>) -> Result<()> {
        let place = || format!("row {vertex}, column {neighbour}");
        if vertex == neighbour {
            return Err(refused(
                self.path,
                "an entry on the diagonal: a METIS graph has no self loops",
            )
            .found(place()));
        }
        if weight.is_some_and(|weight| weight < 1) {
            let what = "a weight that is no whole number from 1";
            let found = format!("{} in {}", weight.unwrap_or_default(), place());
            return Err(Error::new(ErrorKind::Value, what).in_file(self.path).found(found));
        }
        let (least, most) = (vertex.min(neighbour) as u64, vertex.max(neighbour) as u64);
        let bits = weight.unwrap_or_default().cast_unsigned();
        let term = mixed(mixed(mixed(self.seed ^ least) ^ most) ^ bits);
        let term = if vertex < neighbour { term } else { term.wrapping_neg() };
        self.balance = self.balance.wrapping_add(term);
        if self.text.last() != Some(&b'\n') {
            self.text.push(b' ');
        }
        push_unsigned(&mut self.text, neighbour as u64 + 1);
        if let Some(weight) = weight {
            self.text.push(b' ');
            push_unsigned(&mut self.text, weight.cast_unsigned());
        }
        // Within a line, of which there may be a long one; the last byte decides about the next blank.
        if self.text.len() >= 2 * BUFFER { self.flush_but_one() } else { Ok(()) }
    }

    /// Ends the line of a vertex.
    fn end(&mut self) -> Result<()> {
        self.text.push(b'\n');
        if self.text.len() >= BUFFER { self.flush_but_one() } else { Ok(()) }
    }

    fn flush_but_one(&mut self) -> Result<()> {
        let last = self.text.pop();
        let flushed = self.flush();
        self.text.extend(last);
        flushed
    }

    fn flush(&mut self) -> Result<()> {
        self.output.append(&self.text)?;
        self.text.clear();
        Ok(())
    }
}
