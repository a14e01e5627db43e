//! Arrays that are processed together: those in memory are used in place, those in files there or as they are read.

use std::ops::Range;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::memory::raw::{Raw, width};
use crate::storage::memory::{DType, Origin, RawBuffer};
use crate::storage::stream::device::SourceFile;
use crate::storage::stream::panel_cut::Cut;
use crate::storage::stream::panel_files::{Extent, PanelExtents};

/// Arrays that are processed together.
#[derive(Default)]
pub(crate) struct Arrays {
    arrays: Vec<Array>,
    pub(super) sources: Vec<SourceFile>,
    /// Bytes in files of those that are used in place.
    pub(super) mapped: u64,
}

/// Where the elements of an array come from.
enum Array {
    InPlace(RawBuffer),
    /// From a source, `origin` bytes into the file for element 0. The buffer keeps the lock of the file.
    File {
        source: usize,
        origin: u64,
        dtype: Option<DType>,
        buffer: Option<RawBuffer>,
    },
}

impl Arrays {
    /// Arrays that are used in place, in memory or on their maps.
    pub(crate) fn in_place(arrays: impl IntoIterator<Item = RawBuffer>) -> Self {
        let mut all = Arrays::default();
        for array in arrays {
            all.mapped += array.stored_bytes();
            all.arrays.push(Array::InPlace(array));
        }
        all
    }

    /// Arrays, of which those in files are read.
    pub(crate) fn read<'a>(arrays: impl IntoIterator<Item = &'a RawBuffer>) -> Result<Self> {
        let mut all = Arrays::default();
        for array in arrays {
            match array.origin() {
                Some((file, start)) => {
                    all.add_file(file, start, array.dtype(), Some(array.clone()))?;
                }
                None => all.arrays.push(Array::InPlace(array.clone())),
            }
        }
        Ok(all)
    }

    /// Arrays that are read, or used in place if what is in files takes at most `most` bytes.
    pub(crate) fn within<'a>(
        most: u64,
        arrays: impl IntoIterator<Item = &'a RawBuffer, IntoIter: Clone>,
    ) -> Result<Self> {
        let arrays = arrays.into_iter();
        match arrays.clone().map(RawBuffer::stored_bytes).sum::<u64>() <= most {
            true => Ok(Self::in_place(arrays.cloned())),
            false => Self::read(arrays),
        }
    }

    /// An array that is read from a file, which the caller keeps unchanged.
    pub(crate) fn of_file(file: &Origin, start: u64, dtype: DType) -> Result<Self> {
        let mut all = Arrays::default();
        all.add_file(file, start, Some(dtype), None)?;
        Ok(all)
    }

    fn add_file(
        &mut self,
        file: &Origin,
        origin: u64,
        dtype: Option<DType>,
        buffer: Option<RawBuffer>,
    ) -> Result<()> {
        let source = self.sources.len();
        self.sources.push(SourceFile::open(file)?);
        self.arrays.push(Array::File { source, origin, dtype, buffer });
        Ok(())
    }

    /// The number of arrays that are read.
    pub(crate) fn files(&self) -> usize {
        self.sources.len()
    }

    /// Bytes that an element of an array takes in a panel; 0 if it is used in place.
    pub(crate) fn size(&self, array: usize) -> usize {
        match self.arrays[array] {
            Array::InPlace(_) => 0,
            Array::File { dtype, .. } => width(dtype),
        }
    }

    /// The first file among the arrays, for messages and for the speed of its device.
    pub(super) fn file(&self) -> Option<(&Path, u64)> {
        self.arrays.iter().find_map(|array| match array {
            Array::InPlace(buffer) => buffer.file(),
            Array::File { buffer, .. } => buffer.as_ref().and_then(RawBuffer::file),
        })
    }

    /// Where the panels are in the files.
    pub(super) fn extents(&self, cut: &dyn Cut) -> PanelExtents {
        let mut panels = PanelExtents::default();
        for panel in 0..cut.count() {
            cut.parts(panel, &mut |(array, elements)| {
                if let Array::File { source, origin, dtype, .. } = self.arrays[array] {
                    let size = width(dtype);
                    let offset = origin + (elements.start * size) as u64;
                    panels.push(Extent { source, offset, bytes: elements.len() * size });
                }
            });
            panels.end();
        }
        panels
    }

    /// Some elements of an array: in place, or from the next extent that was read.
    ///
    /// Fails if bytes are not values of the type, which can only happen with `bool`.
    pub(super) fn elements<'a>(
        &'a self,
        array: usize,
        elements: Range<usize>,
        read: &mut std::slice::Iter<'_, &'a [u8]>,
    ) -> Result<Raw<'a>> {
        match self.arrays[array] {
            Array::InPlace(ref array) => array.as_raw().get(elements).ok_or_else(|| {
                Error::new(ErrorKind::Index, "the pointers changed while the matrix was read")
            }),
            Array::File { dtype, .. } => {
                let bytes = read.next().copied().unwrap_or_default();
                Raw::read(bytes, (dtype, elements.len())).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Value,
                        "the bytes are not valid values of the element type",
                    )
                })
            }
        }
    }
}
