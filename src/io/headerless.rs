//! Elements in a file without a header, whose type and shape the caller knows.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::dense::AnyDense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{ByteOrder, Context, DType, Order, Place};

/// What a file without a header holds.
///
/// ```
/// use outcore::io::{FileFormat, RawLayout, ReadOptions, read_matrix_with};
/// use outcore::{ByteOrder, Context, DType, Order, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.bin");
/// std::fs::write(&path, [1.0f32, 2.0, 3.0].map(f32::to_be_bytes).concat())?;
/// # let big_endian = if cfg!(target_endian = "little") { ByteOrder::Swapped } else { ByteOrder::Native };
/// let raw = RawLayout { byte_order: big_endian, ..RawLayout::new(DType::Float32, (1, 3)) };
/// let options = ReadOptions { raw: Some(raw), ..ReadOptions::default() };
/// let read = read_matrix_with(&path, &options, Place::Memory, &Context::new())?;
/// assert_eq!((read.format, read.matrix.shape()), (FileFormat::Raw, (1, 3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawLayout {
    /// The type of the elements.
    pub dtype: DType,
    /// Rows and columns.
    pub shape: (usize, usize),
    /// Whether rows or columns are contiguous.
    pub order: Order,
    /// Bytes before the first element.
    pub offset: u64,
    /// Whether the elements have the byte order of this machine.
    pub byte_order: ByteOrder,
}

impl RawLayout {
    /// Elements from the first byte on, row by row, in the byte order of this machine.
    pub fn new(dtype: DType, shape: (usize, usize)) -> Self {
        RawLayout { dtype, shape, order: Order::C, offset: 0, byte_order: ByteOrder::Native }
    }
}

/// Maps the elements, or copies to `place` those that cannot be used where they are: at unaligned offsets, in another
/// byte order, or bytes of `bool` that are neither 0 nor 1, which count as true.
pub(super) fn read(
    path: &Path,
    layout: Option<RawLayout>,
    place: &Place,
    ctx: &Context,
) -> Result<AnyMatrix> {
    let Some(layout) = layout else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "a file without a header does not describe its content",
        )
        .in_file(path)
        .expected("the type and the shape of the elements (ReadOptions::raw)"));
    };
    let RawLayout { dtype, shape: (nrows, ncols), order, offset, byte_order } = layout;
    if cfg!(not(feature = "half")) && matches!(dtype, DType::Float16 | DType::BFloat16) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "this build does not support this element type",
        )
        .in_file(path)
        .found(dtype)
        .remedy("compile with the feature half"));
    }
    let shape = [nrows, ncols];
    let copied = || {
        let what = (dtype, &shape[..], order);
        AnyDense::read_raw(path, (offset, byte_order), what, place, ctx)
    };
    let dense = match byte_order == ByteOrder::Swapped && dtype.size() > 1 {
        true => copied(),
        false => match AnyDense::from_raw(path, offset, dtype, &shape, order) {
            Err(error) if matches!(error.kind(), ErrorKind::Type | ErrorKind::Value) => copied(),
            outcome => outcome,
        },
    };
    AnyMatrix::try_from(dense.map_err(|error| error.in_file(path))?)
}
