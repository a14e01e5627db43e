//! Lines of a sparse matrix by a list: many in a row are read as panels, others are gathered from their positions.

use crate::convert::formats::{append_made, index_error_of};
use crate::convert::in_memory::{GrainSizes, Sizes, check_fits};
use crate::convert::reshape::permute_in_memory::Permuted;
use crate::error::Result;
use crate::sparse::{AnyCompressed, AnyWriter, CheckedPanels, LineSplit, check_types, memory_left};
use crate::storage::work;
use crate::storage::{Context, Place, Plan};

/// Bytes of consecutive lines that are worth reading as panels.
const LONG: u64 = 4 << 20;

/// A part of a list of lines.
enum ListPart<'a> {
    /// Consecutive lines, from this one on, that are worth reading as panels.
    Run(usize, usize),
    Lines(&'a [usize]),
}

/// The listed lines, all in range; `held` bytes are used by the list.
pub(super) fn take_lines(
    operation: &'static str,
    from: &AnyCompressed,
    (list, held): (&[usize], u64),
    place: &Place,
    ctx: &Context,
) -> Result<AnyCompressed> {
    let _held = ctx.hold(held);
    let ctx = &ctx.less(held);
    let (kind, minor) = ((from.format(), from.types()), from.minor());
    let nnz = list.iter().fold(0usize, |sum, &line| sum.saturating_add(from.span(line).len()));
    let size = (list.len(), nnz);
    check_types((kind.1.indices, kind.1.pointers), size.0, minor, nnz)?;
    let plan = Plan::new(operation).on_device_of(from.indices_buffer().file());
    let to = Sizes::at(kind.1, (list.len(), minor), nnz, place);
    if *place == Place::Memory {
        let _running = ctx.begin_pass(0, || {
            check_fits(kind.1, size, place, ctx)?;
            Ok(plan_lines(plan, to, stored(from, size), place, ctx).throughout(held))
        })?;
        return gather(from, list, ctx);
    }
    let left = memory_left(0, place, ctx)?;
    let plan = || Ok(plan_lines(plan, to, stored(from, size), place, ctx).throughout(held));
    let _running = ctx.begin_pass(0, plan)?;
    let shape = from.format().swap_if_cols((list.len(), minor));
    let mut writer = AnyWriter::new(kind, shape, nnz, true, place, ctx)?;
    let (mut rest, mut canonical) = (list, true);
    while !rest.is_empty() {
        let part = first_part(from, &mut rest, left / 4);
        match part {
            ListPart::Run(first, count) => {
                let lines = from.slice_major(first..first + count)?;
                let mut panels = CheckedPanels::new(&[&lines], LineSplit::Entries, left, ctx)?;
                canonical &=
                    writer.append(&mut panels, ctx).map_err(|error| from.moved(error, first))?;
            }
            ListPart::Lines(list) => {
                let made = gather(from, list, ctx)?;
                append_made(&mut writer, &made, ctx)?;
                canonical &= made.known_canonical() == Some(true);
            }
        }
    }
    writer.finish(canonical)
}

/// Adds taking lines, of which `stored` bytes are read from files, to a plan; `to` is what they make.
pub(super) fn plan_lines(plan: Plan, to: Sizes, stored: u64, place: &Place, ctx: &Context) -> Plan {
    let plan = plan.reads(1, stored).works(to.nnz as u64, work::TAKE);
    let plan = AnyWriter::plan(plan, to.types, (to.major, to.nnz), place, ctx);
    match memory_left(0, place, ctx) {
        Ok(left) if *place != Place::Memory => {
            plan.throughout((left / 4).min(to.bytes().max(LONG)))
        }
        _ => plan,
    }
}

/// Splits off the first part of a list: lines that fit in `budget` bytes, or consecutive ones that are read as panels.
fn first_part<'a>(from: &AnyCompressed, list: &mut &'a [usize], budget: u64) -> ListPart<'a> {
    let types = from.types();
    let bytes = |lines: &[usize]| {
        types.bytes_of(lines.len(), lines.iter().map(|&line| from.span(line).len()).sum())
    };
    let run = |lines: &[usize]| {
        lines.windows(2).take_while(|pair| pair[0].checked_add(1) == Some(pair[1])).count() + 1
    };
    let (mut taken, mut sum) = (0, 0);
    while taken < list.len() {
        let rest = &list[taken..];
        let count = run(rest);
        let more = bytes(&rest[..count]);
        if more > LONG.min(budget) {
            break;
        }
        if sum + more > budget {
            break;
        }
        (taken, sum) = (taken + count, sum + more);
    }
    let count = if taken == 0 { run(list) } else { taken };
    let lines = list.split_off(..count).expect("count is within the length");
    if taken == 0 { ListPart::Run(lines[0], count) } else { ListPart::Lines(lines) }
}

/// Bytes in files of this many lines and entries of a matrix.
fn stored(from: &AnyCompressed, (lines, nnz): (usize, usize)) -> u64 {
    let (value, index, pointer) = from.types().sizes();
    let arrays = [
        (from.indptr_buffer(), lines * pointer),
        (from.indices_buffer(), nnz.saturating_mul(index)),
        (from.data(), nnz.saturating_mul(value)),
    ];
    let in_files = arrays.iter().filter(|(array, _)| array.stored_bytes() > 0);
    in_files.map(|(_, bytes)| *bytes as u64).sum()
}

/// The listed lines, in memory.
fn gather(from: &AnyCompressed, list: &[usize], ctx: &Context) -> Result<AnyCompressed> {
    let nnz = list.iter().fold(0usize, |sum, &line| sum.saturating_add(from.span(line).len()));
    ctx.meter().read(stored(from, (list.len(), nnz)));
    let taken = Permuted { from, majors: Some(list), nnz, minors: None };
    taken.in_memory(GrainSizes::USUAL, ctx)?.ok_or_else(|| index_error_of(from))
}
