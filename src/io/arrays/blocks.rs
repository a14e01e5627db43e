//! Matrices of dense blocks (SciPy's BSR), expanded to CSR.
//!
//! Pointers and indices of the blocks are held in memory; the blocks are read once, a row of blocks at a time.

use crate::any::{AnyMatrix, check_known};
use crate::error::{ErrorKind, Result};
use crate::io::arrays::array::ForeignArray;
use crate::io::arrays::compressed::at_least;
use crate::io::extents::JustifiedExtent;
use crate::io::read_as::ReadAs;
use crate::sparse::{AnyWriter, IndexVec, Types, memory_left};
use crate::storage::raw::{Raw, RawVec, width};
use crate::storage::work;
use crate::storage::{Context, Order, Place, Plan, SparseFormat};

/// A matrix of blocks in a file.
pub(in crate::io) struct ForeignBlocks {
    pub(in crate::io) shape: (usize, usize),
    pub(in crate::io) indptr: ForeignArray,
    pub(in crate::io) indices: ForeignArray,
    /// Blocks, rows of a block, columns of a block.
    pub(in crate::io) data: ForeignArray,
}

/// The matrix as CSR at `place`; every element of a block becomes an entry, also a zero.
pub(in crate::io) fn read(
    operation: &'static str,
    blocks: &ForeignBlocks,
    hypersparse: bool,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let ForeignBlocks { shape: (nrows, ncols), indptr, indices, data } = blocks;
    let path = data.file().path();
    let in_file = |error: crate::error::Error| error.in_file(path);
    let (height, breadth) = blocks.check()?;
    check_known(data.dtype, path)?;
    let (lines, nnz) = (nrows / height, data.len());
    let types = Types {
        values: Some(data.dtype),
        indices: at_least(indices.index_type()?, (*nrows).max(*ncols)),
        pointers: at_least(indptr.index_type()?, nnz),
    };
    let extent = JustifiedExtent {
        path,
        lines: "rows",
        count: *nrows,
        entries: nnz as u64,
        wanted: hypersparse,
        remedy: "`hypersparse` keeps all of them",
    };
    extent.check::<u64>(place, ctx)?;
    let held = 8 * (indptr.len() as u64 + indices.len() as u64);
    let left = memory_left(types.bytes_of(*nrows, nnz), place, ctx).map_err(in_file)?;
    ctx.less(ctx.memory_left() - left).check_memory("the pointers of the blocks", held)?;
    let _running = ctx.begin_pass(0, || {
        let plan = Plan::new(operation).works(nnz as u64, work::READ_SPARSE);
        let plan = data.plan(indices.plan(indptr.plan(plan, ctx), ctx), ctx).throughout(held);
        Ok(AnyWriter::plan(plan, types, (*nrows, nnz), place, ctx))
    })?;
    let _held = ctx.hold(held);
    let starts = indptr.positions(indices.len().saturating_add(1), ctx)?;
    let columns = indices.positions(ncols / breadth, ctx)?;
    let rises = starts.windows(2).all(|pair| pair[0] <= pair[1]);
    if starts[0] != 0 || !rises || starts[lines] != columns.len() as u64 {
        return Err(indptr.error(
            ErrorKind::Index,
            "the pointers do not increase from 0 to the number of blocks",
        ));
    }
    let most = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let of_block = ((height * breadth) as u64).saturating_mul(width(types.values) as u64 * 2 + 8);
    let row = most.saturating_mul(of_block);
    ctx.less(held).check_memory("the longest row of blocks", row).map_err(in_file)?;
    let _row = ctx.hold(row);
    let kind = (SparseFormat::Csr, types);
    let mut writer = AnyWriter::new(kind, (*nrows, *ncols), nnz, true, place, ctx)?;
    let mut rows = BlockRow::new(types, (height, breadth));
    let (mut next, mut waiting) = (0, RawVec::new(types.values));
    let needed = |line: usize| (starts[line + 1] - starts[line]) as usize * height * breadth;
    let mut take = |mut run: Raw<'_>| loop {
        while next < lines && waiting.len() == needed(next) {
            let of_line = &columns[starts[next] as usize..starts[next + 1] as usize];
            rows.expand(of_line, waiting.as_raw(), &mut writer)?;
            waiting.clear();
            next += 1;
        }
        if run.len() == 0 || next == lines {
            return Ok(());
        }
        let (now, rest) = run.split_at(run.len().min(needed(next) - waiting.len()));
        waiting.extend(now);
        run = rest;
    };
    data.for_each(ctx, &mut take)?;
    take(RawVec::new(types.values).as_raw())?;
    let matrix = writer.finish(false).map_err(in_file)?;
    Ok((AnyMatrix::of_lines(matrix), ReadAs::Copied))
}

impl ForeignBlocks {
    /// Compares the shapes of the arrays; returns rows and columns of a block.
    fn check(&self) -> Result<(usize, usize)> {
        let wrong = |expected: &str| {
            self.data
                .error(ErrorKind::Format, "the array has the wrong shape")
                .expected(expected)
                .found(format!("{:?}", self.data.shape))
        };
        let &[count, height, breadth] = &self.data.shape[..] else {
            return Err(wrong("three dimensions: blocks, their rows, their columns"));
        };
        if height == 0 || breadth == 0 || self.data.order != Order::C {
            return Err(wrong("blocks of at least one element, in C order"));
        }
        let (nrows, ncols) = self.shape;
        if !nrows.is_multiple_of(height) || !ncols.is_multiple_of(breadth) {
            return Err(wrong("blocks that divide the matrix")
                .found(format!("blocks of {height} x {breadth} in {nrows} x {ncols}")));
        }
        self.indptr.check_line(Some((nrows / height).saturating_add(1)))?;
        self.indices.check_line(Some(count))?;
        Ok((height, breadth))
    }
}

/// Makes the rows of a matrix of a row of blocks.
struct BlockRow {
    size: (usize, usize),
    indices: IndexVec,
    data: RawVec,
    lens: Vec<usize>,
}

impl BlockRow {
    fn new(types: Types, size: (usize, usize)) -> Self {
        let (indices, data) = (IndexVec::new(types.indices), RawVec::new(types.values));
        BlockRow { size, indices, data, lens: Vec::new() }
    }

    /// Appends the rows of some blocks side by side.
    fn expand(&mut self, columns: &[u64], blocks: Raw<'_>, writer: &mut AnyWriter) -> Result<()> {
        let (height, breadth) = self.size;
        let len = columns.len() * breadth;
        if len == 0 {
            // Without entries the rows may be many.
            for first in (0..height).step_by(1 << 12) {
                self.lens.clear();
                self.lens.resize((height - first).min(1 << 12), 0);
                writer.push_lines(&self.lens, self.indices.as_raw(), self.data.as_raw())?;
            }
            return Ok(());
        }
        for row in 0..height {
            self.indices
                .extend_with(len, &mut |k| columns[k / breadth] as usize * breadth + k % breadth);
            for block in 0..columns.len() {
                let start = (block * height + row) * breadth;
                self.data.extend(blocks.slice(start..start + breadth));
            }
        }
        self.lens.clear();
        self.lens.resize(height, len);
        writer.push_lines(&self.lens, self.indices.as_raw(), self.data.as_raw())?;
        self.indices.clear();
        self.data.clear();
        Ok(())
    }
}
