//! New values for a stored structure, for example in a simulation that refills the same pattern at every step.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::sparse::any_compressed::AnyCompressed;
use crate::sparse::axis::{Axis, ByCols, ByRows};
use crate::sparse::compressed::Compressed;
use crate::sparse::files::stored_value_types;
use crate::sparse::open::{
    check_count, check_format, check_one_dimensional, check_values, refuse_iso,
};
use crate::sparse::types::Types;
use crate::storage::{
    BufferMut, Context, Descriptor, Entry, Folder, Index, RawBuffer, RawBufferMut, Rewrite,
    SparseFormat, VALUES_FILE, map_array_mut,
};

/// Compressed rows whose values are open for writing.
pub type CsrMut<T, I = u32, P = u32> = CompressedMut<T, I, P, ByRows>;

/// Compressed columns whose values are open for writing.
pub type CscMut<T, I = u32, P = u32> = CompressedMut<T, I, P, ByCols>;

/// A matrix with a fixed structure whose values are open for writing in place: a stored one, or one in memory
/// ([`assemble`](Compressed::assemble), [`to_mut`](Compressed::to_mut)).
///
/// Single values and element matrices are added by [`add`](Self::add) and [`add_block`](Self::add_block).
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.bspnpy");
/// use outcore::{Context, Csr};
/// let ctx = Context::new();
/// Csr::<f64>::eye(3).copy_to(&path, &ctx)?;
/// let mut a = Csr::<f64>::open_mut(&path, &ctx)?;
/// a.data_mut().fill(2.0);
/// a.close()?;
/// assert_eq!(Csr::<f64>::open(&path)?.get(1, 1)?, Some(2.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CompressedMut<T: Entry, I: Index, P: Index, A: Axis> {
    structure: Compressed<(), I, P, A>,
    data: BufferMut<T>,
    /// How a stored matrix is closed; `None` in memory.
    rewrite: Option<Rewrite>,
    ctx: Context,
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Opens the values of a stored matrix for exclusive writing, and its structure for reading.
    ///
    /// Fails as [`open`](Self::open) does, and if any process, including this one, has the matrix open. The checksums
    /// of the values are removed now and written again by [`CompressedMut::close`]. Until then the values are marked as
    /// being changed, and [`open`](Self::open) refuses them. If another matrix takes the name meanwhile, closing fails
    /// and does not touch it.
    #[doc(alias = "memmap")]
    pub fn open_mut(path: impl AsRef<Path>, ctx: &Context) -> Result<CompressedMut<T, I, P, A>> {
        let kind = (A::FORMAT, Types::of::<T, I, P>());
        let parts = Folder::whole(path.as_ref(), |folder| map_mut(folder, kind))?;
        let (structure, data, rewrite) = parts;
        let (structure, data) = (structure.into_typed(), data.into_typed());
        Ok(CompressedMut { structure, data, rewrite: Some(rewrite), ctx: ctx.clone() })
    }

    /// A copy of the values in memory, open for writing; the structure is shared.
    ///
    /// Fails if the values do not fit in the memory limit.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let mut a = Csr::<f64>::eye(2).to_mut(&Context::new())?;
    /// a.data_mut()[1] = 5.0;
    /// assert_eq!(a.freeze()?.get(1, 1)?, Some(5.0));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn to_mut(&self, ctx: &Context) -> Result<CompressedMut<T, I, P, A>> {
        let mut made = in_memory(self.pattern(), ctx)?;
        made.data.copy_from_slice(self.data());
        Ok(made)
    }

    /// The structure with values of zero in memory, of a type of the caller's choice, open for writing: what an assembly
    /// starts with.
    ///
    /// Fails if the values do not fit in the memory limit. Values in a file: store the matrix, and open it with
    /// [`open_mut`](Self::open_mut).
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let ctx = Context::new();
    /// // Two elements of a rod, with two nodes each.
    /// let elements = [[0, 1], [1, 2]];
    /// let mut a = Csr::<()>::from_elements(3, &elements, &ctx)?.assemble::<f64>(&ctx)?;
    /// for element in &elements {
    ///     a.add_block(element, element, &[1.0, -1.0, -1.0, 1.0])?;
    /// }
    /// assert_eq!(a.freeze()?.row(1)?.data, [-1.0, 2.0, -1.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn assemble<U: Entry>(&self, ctx: &Context) -> Result<CompressedMut<U, I, P, A>> {
        in_memory(self.pattern(), ctx)
    }
}

/// A structure with zeros.
fn in_memory<T: Entry, I: Index, P: Index, A: Axis>(
    structure: Compressed<(), I, P, A>,
    ctx: &Context,
) -> Result<CompressedMut<T, I, P, A>> {
    let data = ctx.raw_filled("the values", (T::ENTRY_DTYPE, structure.nnz()))?;
    let data = data.counted(ctx.meter()).into_typed();
    Ok(CompressedMut { structure, data, rewrite: None, ctx: ctx.clone() })
}

/// The structure of a stored matrix, and its values to write.
fn map_mut(
    folder: &Arc<Folder>,
    (format, types): (SparseFormat, Types),
) -> Result<(AnyCompressed, RawBufferMut, Rewrite)> {
    let descriptor = Descriptor::read_in(folder)?;
    check_format(&descriptor, format, folder.path())?;
    let stored = folder.file(VALUES_FILE);
    let file = stored.path();
    refuse_iso(&descriptor, &file)?;
    let dtype = types.values.ok_or_else(|| {
        Error::new(ErrorKind::Type, "a pattern has no values to write").in_file(folder.path())
    })?;
    let (header, data) = map_array_mut(&stored, dtype, &stored_value_types(dtype))?;
    check_one_dimensional(&header, &file)?;
    check_values(&descriptor, dtype, &file)?;
    check_count(&file, descriptor.nnz, data.len())?;
    let (types, pattern) = (Types { values: None, ..types }, RawBuffer::pattern(descriptor.nnz));
    let structure = AnyCompressed::open_with(&descriptor, folder, types, pattern)?;
    let rewrite = Rewrite::start(stored, &data)?;
    Ok((structure, data, rewrite))
}

impl<T: Entry, I: Index, P: Index, A: Axis> CompressedMut<T, I, P, A> {
    /// Pointers and indices, which do not change.
    pub fn structure(&self) -> &Compressed<(), I, P, A> {
        &self.structure
    }

    /// The value of every stored entry.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The value of every stored entry, to write.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// Writes changed values to the device and waits.
    pub fn flush(&self) -> Result<()> {
        self.data.flush()
    }

    /// Structure and values together, to read the one and write the other.
    pub(crate) fn parts_mut(&mut self) -> (&Compressed<(), I, P, A>, &mut [T]) {
        (&self.structure, &mut self.data)
    }

    /// Writes the values back, sums them, and reports any error; in memory it drops them.
    pub fn close(self) -> Result<()> {
        self.freeze().map(drop)
    }

    /// Like [`close`](Self::close), and returns the matrix, immutable.
    pub fn freeze(self) -> Result<Compressed<T, I, P, A>> {
        let data = self.data.into_raw();
        let data = match self.rewrite {
            Some(rewrite) => rewrite.end(data, None, &self.ctx)?,
            None => data.freeze(),
        };
        self.structure.with_data(data.into_typed::<T>())
    }
}

impl<T: Entry, I: Index, P: Index, A: Axis> fmt::Debug for CompressedMut<T, I, P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressedMut").field("data", &self.data).finish_non_exhaustive()
    }
}
