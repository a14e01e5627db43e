//! The entries of a coordinate file as a sparse matrix of types known at run time.
//!
//! | entries | go |
//! |---|---|
//! | in the order of the result | straight to their places, in memory or in files ([`InOrder`]) |
//! | in any order, and they fit in memory together with a result there | as coordinates to memory, and from there to their lines |
//! | in any order, to files, and they fit in memory | to sorted runs in memory, and from there to their lines |
//! | any other | to the external sort |
//!
//! Each gets whole blocks of entries, which all threads have parsed.

use crate::convert::{AnyEntryBuilder, MemorySorter, memory_to_compress, to_compressed};
use crate::error::{Error, Result};
use crate::io::entries::{Entries, InOrder};
use crate::io::matrix_market::entry_block::{EntryBlock, Grammar, Sequence, ValueReader};
use crate::io::matrix_market::header::Symmetry;
use crate::io::matrix_market::in_order::seems_in_order;
use crate::io::matrix_market::reader::Reader;
use crate::io::text::lines::BlockHalt;
use crate::sparse::{
    AnyCompressed, AnyCoo, AnyCooWriter, AnyWriter, Duplicates, Types, check_types, coo_bytes,
};
use crate::storage::work;
use crate::storage::{Context, DType, Place, Plan, SparseFormat};

/// Bytes of text that a byte of a gzip file can be expected to expand to, for memory to be reserved because of it.
const USUAL_RATIO: u64 = 32;

/// Where entries go.
#[derive(Clone, Copy, PartialEq)]
enum EntryOrder {
    InOrder,
    /// With the memory in addition to the coordinates and the result.
    InMemory(u64),
    /// With the memory of the runs.
    InRuns(u64),
    Sorted,
}

/// All entries as coordinates in memory, in the order of the file.
pub(super) fn coordinates(
    file: &Reader,
    types: (Option<DType>, DType),
    ctx: &Context,
) -> Result<AnyCoo> {
    let in_file = |e: Error| e.in_file(file.path());
    let reader = ValueReader::of(types.0);
    (reader.check)(file.header().field, true).map_err(in_file)?;
    let entries = file.expanded_upper_bound();
    let bytes = coo_bytes(types, usize::try_from(entries).unwrap_or(usize::MAX));
    let less = ctx.less(file.window(ctx));
    less.check_memory("the entries of the file", bytes).map_err(in_file)?;
    let exact = is_justified(file).then_some(entries as usize);
    let shape = (file.header().nrows, file.header().ncols);
    let place = Place::Memory;
    let mut writer = AnyCooWriter::new(types, shape, exact, &place, &less).map_err(in_file)?;
    let kind = (SparseFormat::Coo, types);
    each_block(file, kind, &reader, ctx, &mut |block| {
        let (rows, cols) = (block.majors.as_raw(), block.minors.as_raw());
        writer.push(rows, cols, block.data.as_raw()).map_err(in_file)
    })?;
    let coo = writer.finish().map_err(in_file)?;
    // Every index was compared with the shape.
    coo.checked.get_or_init(|| ());
    Ok(coo)
}

/// All entries as compressed rows or columns at `place`, duplicates summed.
pub(super) fn compressed(
    file: &Reader,
    kind: (SparseFormat, Types),
    operation: &'static str,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let in_file = |e: Error| e.in_file(file.path());
    let reader = ValueReader::of(kind.1.values);
    (reader.check)(file.header().field, true).map_err(in_file)?;
    let order = EntryOrder::choose(file, kind, place, ctx)?;
    let _running = ctx.begin(|| {
        let plan = Plan::new(operation).reads(1, file.bytes());
        Ok(order.plan(plan.works(file.header().stored, work::READ_TEXT), file, kind, place, ctx))
    })?;
    ctx.meter().read(file.bytes());
    if order == EntryOrder::InOrder {
        let made = in_order(file, kind, &reader, place, ctx)?;
        if let Some(matrix) = made {
            ctx.meter().pass();
            return Ok(matrix);
        }
        // Rather than an order that the plan has not allowed for, the one that needs the least memory.
        return sorted(file, kind, &reader, place, ctx);
    }
    match order {
        EntryOrder::InMemory(_) => in_memory(file, kind, &reader, ctx),
        EntryOrder::InRuns(_) => in_runs(file, kind, &reader, place, ctx),
        _ => sorted(file, kind, &reader, place, ctx),
    }
}

impl EntryOrder {
    fn choose(
        file: &Reader,
        kind: (SparseFormat, Types),
        place: &Place,
        ctx: &Context,
    ) -> Result<Self> {
        let (format, types) = kind;
        let (shape, entries) = sizes(file);
        if !is_justified(file) {
            return Ok(EntryOrder::Sorted);
        }
        let by_cols = format == SparseFormat::Csc;
        let general = file.header().symmetry == Symmetry::General;
        if general && seems_in_order(&file.text, file.entries, by_cols)? {
            return Ok(EntryOrder::InOrder);
        }
        let limit = ctx.memory_left().saturating_sub(file.window(ctx));
        let (major, _) = format.swap_if_cols(shape);
        if *place != Place::Memory {
            let memory = MemorySorter::memory(types, (major, entries), limit);
            let fits = memory.saturating_add(AnyWriter::extra_memory(limit)) <= limit;
            return Ok(if fits { EntryOrder::InRuns(memory) } else { EntryOrder::Sorted });
        }
        let coo = coo_bytes((types.values, types.indices), entries);
        let less = ctx.less(coo.saturating_add(file.window(ctx)));
        let result = types.bytes_of(major, entries);
        let fits = |&extra: &u64| coo.saturating_add(result).saturating_add(extra) <= limit;
        let extra = memory_to_compress(shape, entries, kind, &less).filter(fits);
        Ok(extra.map_or(EntryOrder::Sorted, EntryOrder::InMemory))
    }

    fn plan(
        self,
        plan: Plan,
        file: &Reader,
        kind: (SparseFormat, Types),
        place: &Place,
        ctx: &Context,
    ) -> Plan {
        let (shape, entries) = sizes(file);
        let (major, _) = kind.0.swap_if_cols(shape);
        let window = file.window(ctx);
        let less = ctx.less(window);
        let result = |plan| AnyWriter::plan(plan, kind.1, (major, entries), place, &less);
        let plan = match self {
            EntryOrder::InOrder => result(plan),
            EntryOrder::InMemory(extra) => {
                let coo = coo_bytes((kind.1.values, kind.1.indices), entries);
                result(plan.works(entries as u64, work::COMPRESS).holds(coo + extra))
            }
            EntryOrder::InRuns(memory) => {
                result(plan.works(entries as u64, work::SORT).holds(memory))
            }
            EntryOrder::Sorted => {
                AnyEntryBuilder::plan(plan, kind, shape, entries as u64, place, &less)
            }
        };
        plan.throughout(window)
    }
}

/// The shape, and the most entries.
fn sizes(file: &Reader) -> ((usize, usize), usize) {
    let entries = usize::try_from(file.expanded_upper_bound()).unwrap_or(usize::MAX);
    ((file.header().nrows, file.header().ncols), entries)
}

/// Whether the file is large enough that memory may be reserved for all entries it announces. A gzip file of a few
/// bytes can announce, and even hold, any number of them.
fn is_justified(file: &Reader) -> bool {
    !file.text.is_packed() || file.header().stored <= file.bytes().saturating_mul(USUAL_RATIO) / 4
}

/// The matrix of entries that are in its order; `None` if they turn out not to be.
fn in_order(
    file: &Reader,
    kind: (SparseFormat, Types),
    reader: &ValueReader,
    place: &Place,
    ctx: &Context,
) -> Result<Option<AnyCompressed>> {
    let in_file = |e: Error| e.in_file(file.path());
    let (shape, entries) = sizes(file);
    let (major, _) = kind.0.swap_if_cols(shape);
    let less = ctx.less(file.window(ctx));
    let writer = AnyWriter::new(kind, shape, entries, true, place, &less).map_err(in_file)?;
    // What the result takes is not left for the text.
    let rest = match place {
        Place::Memory => ctx.less(kind.1.bytes_of(major, entries)),
        _ => ctx.less(AnyWriter::extra_memory(less.memory_left())),
    };
    let mut taker = InOrder::new(writer);
    let (values, indices) = (kind.1.values, kind.1.indices);
    let read = each_block(file, (kind.0, (values, indices)), reader, &rest, &mut |block| {
        taker.take(block).map_err(in_file)
    });
    match read {
        Err(_) if taker.broken => Ok(None),
        read => read.and_then(|()| taker.finish().map_err(in_file).map(Some)),
    }
}

/// The matrix in memory of entries that are first gathered there.
fn in_memory(
    file: &Reader,
    kind: (SparseFormat, Types),
    reader: &ValueReader,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let in_file = |e: Error| e.in_file(file.path());
    let (shape, entries) = sizes(file);
    let types = (kind.1.values, kind.1.indices);
    let (bytes, memory) = (coo_bytes(types, entries), Place::Memory);
    let less = ctx.less(bytes);
    let mut writer =
        AnyCooWriter::new(types, shape, Some(entries), &memory, ctx).map_err(in_file)?;
    each_block(file, (kind.0, types), reader, &less, &mut |block| {
        let entries = (block.majors.as_raw(), block.minors.as_raw());
        let (rows, cols) = kind.0.swap_if_cols(entries);
        writer.push(rows, cols, block.data.as_raw()).map_err(in_file)
    })?;
    let coo = writer.finish().map_err(in_file)?;
    let (to, sum) = ((kind.0, kind.1.pointers), Duplicates::Sum);
    // This counts the pass.
    to_compressed(&coo, to, sum, &memory, &less).map_err(in_file)
}

/// The matrix in files of entries that are first sorted in memory.
fn in_runs(
    file: &Reader,
    kind: (SparseFormat, Types),
    reader: &ValueReader,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let in_file = |e: Error| e.in_file(file.path());
    let (shape, entries) = sizes(file);
    let (format, types) = kind;
    let (major, minor) = format.swap_if_cols(shape);
    check_types((types.indices, types.pointers), major, minor, 0).map_err(in_file)?;
    let memory = MemorySorter::memory(types, (major, entries), ctx.memory_left());
    let less = ctx.less(memory);
    let mut sorter = MemorySorter::new(types, major, ctx);
    ctx.meter().pass();
    each_block(file, (format, (types.values, types.indices)), reader, &less, &mut |block| {
        let entries = (block.majors.as_indices(), block.minors.as_indices(), block.data.as_raw());
        sorter.extend(entries).map_err(in_file)
    })?;
    sorter.finish(kind, shape, Duplicates::Sum, place, ctx).map_err(in_file)
}

/// The matrix of entries that go through the external sort.
fn sorted(
    file: &Reader,
    kind: (SparseFormat, Types),
    reader: &ValueReader,
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let in_file = |e: Error| e.in_file(file.path());
    let (shape, _) = sizes(file);
    let less = ctx.less(file.window(ctx));
    let mut builder = AnyEntryBuilder::for_matrix(kind, shape, 0, &less).map_err(in_file)?;
    ctx.meter().pass();
    let types = (kind.1.values, kind.1.indices);
    each_block(file, (kind.0, types), reader, ctx, &mut |block| {
        let entries = (block.majors.as_indices(), block.minors.as_indices(), block.data.as_raw());
        builder.extend(entries).map_err(in_file)
    })?;
    builder.finish(kind.1.pointers, Duplicates::Sum, place, ctx).map_err(in_file)
}

/// Passes all entries on, in blocks, in the order of the file.
fn each_block(
    file: &Reader,
    (format, (values, indices)): (SparseFormat, (Option<DType>, DType)),
    reader: &ValueReader,
    ctx: &Context,
    take: &mut (dyn FnMut(&Entries) -> Result<()> + Send),
) -> Result<()> {
    let grammar = Grammar { header: file.header(), by_cols: format == SparseFormat::Csc };
    let mut sequence = Sequence::new(file.header());
    let end = file.records().for_each_block(
        ctx,
        EntryBlock::growth(values, indices),
        &|| EntryBlock::new(values, indices),
        &|text, block| (reader.parse)(&grammar, text.bytes, block),
        &mut |block| {
            sequence.check(block)?;
            take(&block.entries).map_err(BlockHalt::Caller)
        },
    )?;
    file.check_count(sequence.seen, end)
}
