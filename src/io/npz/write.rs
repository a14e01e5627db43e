//! A matrix as an archive: dense as NumPy writes it, sparse as SciPy does, every member stored and aligned.

use crate::any::{AnyMatrix, Body};
use crate::dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::io::npz::zip::{ALIGNMENT, BUFFER, ZipWriter};
use crate::io::output::Target;
use crate::sparse::{AnyCompressed, AnyCoo, IndexVec, Indices, on_disk};
use crate::storage::raw::Raw;
use crate::storage::{
    ArrayPanels, Arrays, Context, DType, EvenCut, NpyHeader, Order, Plan, RawBuffer, Reading,
    SparseFormat, elements_within, text_array, work,
};

/// Values written at a time where a pattern has none.
const ONES: [i8; 1 << 12] = [1; 1 << 12];

/// Writes a matrix to an archive, which gets its name when it is complete.
pub(in crate::io) fn write(target: Target<'_>, matrix: &AnyMatrix, ctx: &Context) -> Result<()> {
    let in_file = |error: Error| error.in_file(target.path);
    match matrix.body() {
        Body::Dense(a) => write_members(target, &[WrittenMember::dense(a)], matrix, ctx),
        Body::Lines(a) => {
            a.check()?;
            write_members(target, &WrittenMember::lines(a).map_err(in_file)?, matrix, ctx)
        }
        Body::Coo(a) => {
            a.check()?;
            write_members(target, &WrittenMember::coordinates(a).map_err(in_file)?, matrix, ctx)
        }
    }
}

/// A member to be written.
struct WrittenMember<'a> {
    name: &'static str,
    header: Vec<u8>,
    content: Content<'a>,
}

/// What follows the header of a member.
enum Content<'a> {
    /// The elements of an array.
    Elements(&'a RawBuffer),
    /// Pointers, counted from the first of them.
    Pointers(&'a RawBuffer),
    /// As many ones.
    Ones(usize),
    /// The header is all.
    Nothing,
}

impl<'a> WrittenMember<'a> {
    fn dense(a: &'a AnyDense) -> Self {
        let header = NpyHeader::new(a.dtype(), a.shape(), a.order());
        WrittenMember::new("arr_0.npy", &header, Content::Elements(a.buffer()))
    }

    fn lines(a: &'a AnyCompressed) -> Result<Vec<Self>> {
        let (types, is_csr) = (a.types(), a.format() == SparseFormat::Csr);
        let pointers = line(on_disk(types.pointers), a.indptr().len());
        let mut members = vec![
            WrittenMember::indices("indices.npy", a.indices_buffer()),
            WrittenMember::new("indptr.npy", &pointers, Content::Pointers(a.indptr_buffer())),
        ];
        members.extend(WrittenMember::about(if is_csr { "csr" } else { "csc" }, a.shape()));
        members.push(WrittenMember::values(a.data())?);
        Ok(members)
    }

    fn coordinates(a: &'a AnyCoo) -> Result<Vec<Self>> {
        let mut members = vec![
            WrittenMember::indices("row.npy", a.rows()),
            WrittenMember::indices("col.npy", a.cols()),
        ];
        members.extend(WrittenMember::about("coo", a.shape()));
        members.push(WrittenMember::values(a.data())?);
        Ok(members)
    }

    fn new(name: &'static str, header: &NpyHeader, content: Content<'a>) -> Self {
        // The extents of a matrix fit in a header.
        let header = header.to_bytes_of(ALIGNMENT).unwrap_or_default();
        WrittenMember { name, header, content }
    }

    /// Indices, as the signed type of the same width.
    fn indices(name: &'static str, indices: &'a RawBuffer) -> Self {
        let dtype = Indices::of(indices).dtype();
        WrittenMember::new(name, &line(on_disk(dtype), indices.len()), Content::Elements(indices))
    }

    /// The format and the shape.
    fn about(format: &str, (nrows, ncols): (usize, usize)) -> [Self; 2] {
        let whole = |name, header| WrittenMember { name, header, content: Content::Nothing };
        let mut shape = line(DType::Int64, 2).to_bytes_of(ALIGNMENT).unwrap_or_default();
        shape.extend_from_slice(&(nrows as u64).to_ne_bytes());
        shape.extend_from_slice(&(ncols as u64).to_ne_bytes());
        [whole("format.npy", text_array(format, ALIGNMENT)), whole("shape.npy", shape)]
    }

    /// The values; ones of type `int8` for a pattern.
    fn values(values: &'a RawBuffer) -> Result<Self> {
        match values.dtype() {
            None => {
                let header = line(DType::Int8, values.len());
                Ok(WrittenMember::new("data.npy", &header, Content::Ones(values.len())))
            }
            Some(dtype @ (DType::Float16 | DType::BFloat16)) => {
                Err(Error::new(ErrorKind::Unsupported, "SciPy has no sparse matrices of this type")
                    .expected("a type of at least 32 bits, or integers")
                    .found(dtype)
                    .remedy("convert it with to_dtype, or write a .bspnpy folder"))
            }
            Some(dtype) => {
                let header = line(dtype, values.len());
                Ok(WrittenMember::new("data.npy", &header, Content::Elements(values)))
            }
        }
    }

    fn size(&self) -> u64 {
        let content = match &self.content {
            Content::Elements(array) | Content::Pointers(array) => array.bytes(),
            Content::Ones(count) => *count as u64,
            Content::Nothing => 0,
        };
        self.header.len() as u64 + content
    }

    /// The array behind it, in panels.
    fn panels(&self, ctx: &Context) -> Result<Option<ArrayPanels>> {
        let (Content::Elements(array) | Content::Pointers(array)) = &self.content else {
            return Ok(None);
        };
        let (budget, size) = (ctx.memory_left() / 4, array.bytes() as usize / array.len().max(1));
        let step = elements_within(budget, size.max(1));
        let cut = EvenCut { len: array.len(), step, arrays: 1 };
        let arrays = Arrays::read([*array])?;
        ArrayPanels::new(arrays, cut, Reading::once(budget)).map(Some)
    }

    fn write(&self, zip: &mut ZipWriter, ctx: &Context) -> Result<()> {
        zip.begin(self.name, self.size())?;
        zip.push(&self.header)?;
        if let Content::Ones(count) = self.content {
            let runs = (0..count).step_by(ONES.len());
            return runs.map(|start| ONES.len().min(count - start)).try_for_each(|run| {
                ctx.check_cancelled()?;
                zip.push(Raw::of(&ONES[..run]).bytes())
            });
        }
        let base = match self.content {
            Content::Pointers(pointers) => Indices::of(pointers).at(0),
            _ => 0,
        };
        let Some(mut panels) = self.panels(ctx)? else { return Ok(()) };
        panels.sweep_part(ctx, &mut |_, parts| {
            parts.iter().try_for_each(|part| match base {
                0 => zip.push(part.bytes()),
                base => zip.push(counted_from(*part, base).as_raw().bytes()),
            })
        })
    }
}

/// Pointers less the first of their matrix.
fn counted_from(pointers: Raw<'_>, base: usize) -> IndexVec {
    let pointers = Indices::of_raw(pointers);
    let mut relative = IndexVec::new(pointers.dtype());
    relative.extend_relative(pointers, base);
    relative
}

/// The header of an array of one dimension.
fn line(dtype: DType, len: usize) -> NpyHeader {
    NpyHeader::new(dtype, &[len], Order::C)
}

fn write_members(
    target: Target<'_>,
    members: &[WrittenMember<'_>],
    matrix: &AnyMatrix,
    ctx: &Context,
) -> Result<()> {
    ZipWriter::check(target)?;
    let _running = ctx.begin_pass(0, || {
        let mut plan = Plan::new("writing an .npz file").works(matrix.nnz() as u64, work::COPY);
        for member in members {
            plan = plan.writes(member.size());
            if let Some(panels) = member.panels(ctx)? {
                plan = plan.reads(1, panels.bytes_to_read()).holds(panels.memory());
            }
        }
        Ok(plan.throughout(BUFFER as u64))
    })?;
    let _buffer = ctx.hold(BUFFER as u64);
    let mut zip = ZipWriter::create(target)?;
    members.iter().try_for_each(|member| member.write(&mut zip, ctx))?;
    ctx.check_cancelled()?;
    ctx.meter().wrote(zip.finish()?);
    Ok(())
}
