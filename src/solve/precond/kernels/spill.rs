//! The entries of blocks in scratch files, on their map, where they do not fit in memory.

use crate::error::Result;
use crate::linalg::Scalar;
use crate::solve::precond::kernels::block::{BlockRows, DiagonalBlock};
use crate::storage::{Context, Place, Plan, WorkArray, bytes_of};

/// Whether entries go to scratch files, and those that did: the blocks follow each other.
pub(crate) enum Spill<X: Scalar> {
    /// They stay in memory, or are refused.
    Never,
    /// They have fitted so far.
    Possible,
    Files(Box<SpilledEntries<X>>),
}

/// Entries in scratch files, those of one block after the other's.
pub(crate) struct SpilledEntries<X: Scalar> {
    indices: WorkArray<u32>,
    data: WorkArray<X>,
    /// Entries so far.
    used: usize,
}

impl<X: Scalar> Spill<X> {
    /// Whether full blocks are to be taken, where some do not fit.
    pub(crate) fn wants(&self, are_too_many: bool) -> bool {
        match self {
            Spill::Never => false,
            Spill::Possible => are_too_many,
            Spill::Files(_) => true,
        }
    }

    /// The plan of a reading that may take up to `entries` entries.
    pub(crate) fn plan(&self, mut plan: Plan, entries: usize) -> Plan {
        if let Spill::Possible = self {
            let bytes = bytes_of_entries::<X>(entries);
            plan.cost.scratch = plan.cost.scratch.saturating_add(bytes);
            plan = plan.writes(bytes.saturating_add(bytes_of::<X>(entries)));
        }
        plan
    }

    /// Moves the entries of a full block to the files, after those of the blocks before it, unless they are there.
    /// There are at most `entries` in total, for which space is reserved.
    pub(crate) fn take(
        &mut self,
        block: &mut DiagonalBlock<X>,
        entries: usize,
        ctx: &Context,
    ) -> Result<()> {
        if let Spill::Possible = self {
            *self = Spill::Files(Box::new(SpilledEntries {
                indices: WorkArray::new("indices", entries, &Place::Scratch, ctx)?,
                data: WorkArray::new("entries", entries, &Place::Scratch, ctx)?,
                used: 0,
            }));
        }
        let Spill::Files(files) = self else { return Ok(()) };
        let SpilledEntries { indices, data, used } = &mut **files;
        let (own_indices, own_data) = block.take_entries();
        if own_indices.len() < block.nnz() {
            return Ok(());
        }
        let to = *used..*used + own_indices.len();
        indices[to.clone()].copy_from_slice(&own_indices);
        data[to.clone()].copy_from_slice(&own_data);
        *used = to.end;
        indices.count_written(to.len());
        data.count_written(to.len());
        Ok(())
    }

    /// The arrays of all blocks, with their numbers to write.
    pub(crate) fn rows_mut<'b>(
        &'b mut self,
        blocks: &'b mut [DiagonalBlock<X>],
    ) -> Vec<BlockRows<'b, &'b mut [X]>> {
        let Spill::Files(files) = self else {
            return blocks.iter_mut().map(DiagonalBlock::as_rows_mut).collect();
        };
        let SpilledEntries { indices, data, .. } = &mut **files;
        data.count_written(blocks.iter().map(DiagonalBlock::nnz).sum());
        let (mut rows, mut indices, mut data) = (Vec::new(), &indices[..], &mut data[..]);
        for block in blocks.iter() {
            let (own_indices, own_data);
            (own_indices, indices) = indices.split_at(block.nnz());
            (own_data, data) = data.split_at_mut(block.nnz());
            rows.push(block.rows_with(own_indices, own_data));
        }
        rows
    }

    /// The arrays of all blocks.
    pub(crate) fn rows<'b>(
        &'b self,
        blocks: &'b [DiagonalBlock<X>],
    ) -> Vec<BlockRows<'b, &'b [X]>> {
        let Spill::Files(files) = self else {
            return blocks.iter().map(DiagonalBlock::as_rows).collect();
        };
        let SpilledEntries { indices, data, .. } = &**files;
        let mut start = 0;
        let rows = blocks.iter().map(|block| {
            let own = start..start + block.nnz();
            start = own.end;
            block.rows_with(&indices[own.clone()], &data[own])
        });
        rows.collect()
    }

    /// Bytes of the files that one application reads.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Spill::Files(files) => bytes_of_entries::<X>(files.used),
            _ => 0,
        }
    }
}

fn bytes_of_entries<X>(entries: usize) -> u64 {
    bytes_of::<X>(entries).saturating_add(bytes_of::<u32>(entries))
}
