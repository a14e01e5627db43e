//! The values of an array file, in the order in which a matrix stored column by column has them.

use crate::error::Result;
use crate::io::matrix_market::entry_block::{EntryBlock, Grammar, Sequence, ValueReader};
use crate::io::matrix_market::reader::Reader;
use crate::storage::raw::RawMut;
use crate::storage::{Context, DType};

/// The values of a general array file, in its order, to `elements`, one for each.
pub(super) fn array_values(file: &Reader, mut elements: RawMut<'_>, ctx: &Context) -> Result<()> {
    let (values, header) = (elements.dtype(), file.header());
    let reader = ValueReader::of(values);
    (reader.check)(header.field, true).map_err(|e| e.in_file(file.path()))?;
    let grammar = Grammar { header, by_cols: true };
    let mut sequence = Sequence::new(header);
    // A line has at least two bytes.
    let growth = values.map_or(0, DType::size).div_ceil(2);
    let end = file.records().for_each_block(
        ctx,
        growth,
        &|| EntryBlock::new(values, DType::UInt32),
        &|text, block| (reader.parse_values)(&grammar, text.bytes, block),
        &mut |block| {
            sequence.check(block)?;
            elements.take_front(block.entries.data.len()).copy_from(block.entries.data.as_raw());
            Ok(())
        },
    )?;
    file.check_count(sequence.seen, end)
}
