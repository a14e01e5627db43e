//! Pointers and row indices until the values are read.

use crate::error::Result;
use crate::io::harwell_boeing::header::Section;
use crate::storage::{Context, DType, NpyHeader, Order, Plan, RawBuffer, RawWriter};

/// Numbers that are kept until others are read: in memory, or in a scratch file if they take too much of it.
pub(super) struct KeptNumbers {
    dtype: DType,
    header: NpyHeader,
    in_memory: bool,
}

impl KeptNumbers {
    /// The numbers of a section, in memory if they take at most an eighth of it.
    pub(super) fn new(dtype: DType, section: Section, ctx: &Context) -> Self {
        let len = usize::try_from(section.count).unwrap_or(usize::MAX);
        let header = NpyHeader::new(dtype, &[len], Order::C);
        let in_memory = header.data_bytes() <= ctx.memory_left() / 8;
        KeptNumbers { dtype, header, in_memory }
    }

    pub(super) fn memory(&self, ctx: &Context) -> u64 {
        if self.in_memory {
            self.header.data_bytes()
        } else {
            RawWriter::extra_memory(ctx.memory_left())
        }
    }

    pub(super) fn plan(&self, plan: Plan) -> Plan {
        if self.in_memory { plan } else { plan.scratches(self.header.data_bytes()) }
    }

    pub(super) fn writer(&self, ctx: &Context) -> Result<RawWriter> {
        match self.in_memory {
            true => RawWriter::memory(self.dtype, self.header.len(), ctx),
            false => RawWriter::scratch(self.dtype, &self.header, ctx),
        }
    }

    pub(super) fn finish(&self, writer: RawWriter) -> Result<RawBuffer> {
        Ok(writer.finish(&self.header)?.array)
    }
}
