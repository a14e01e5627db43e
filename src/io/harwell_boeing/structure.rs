//! Pointers and row indices until the values are read.

use crate::dense::AnyDenseWriter;
use crate::error::Result;
use crate::io::harwell_boeing::header::Section;
use crate::storage::{Context, DType, Order, Place, Plan};

/// Numbers that are kept until others are read: in memory, or in a scratch file if they take too much of it.
pub(super) struct KeptNumbers {
    dtype: DType,
    len: usize,
    place: Place,
}

impl KeptNumbers {
    /// The numbers of a section, in memory if they take at most an eighth of it.
    pub(super) fn new(dtype: DType, section: Section, ctx: &Context) -> Self {
        let len = usize::try_from(section.count).unwrap_or(usize::MAX);
        let place = ctx.aside(dtype.bytes_of(len).saturating_mul(2));
        KeptNumbers { dtype, len, place }
    }

    pub(super) fn memory(&self, ctx: &Context) -> u64 {
        AnyDenseWriter::memory((self.dtype, self.len), &self.place, ctx)
    }

    pub(super) fn plan(&self, plan: Plan) -> Plan {
        match self.place {
            Place::Memory => plan,
            _ => plan.scratches(self.dtype.bytes_of(self.len)),
        }
    }

    pub(super) fn writer(&self, ctx: &Context) -> Result<AnyDenseWriter> {
        AnyDenseWriter::new(&self.place, (self.dtype, &[self.len], Order::C), ctx)
    }
}
