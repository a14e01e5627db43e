//! A dataset as an array: where its elements are, and how they are read.

use std::sync::Arc;

use hdf5_pure::Layout;

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{ArrayBytes, ForeignArray, ForeignFile};
use crate::io::hdf5::container::{CHUNKS, Dataset};
use crate::io::hdf5::element_type::element_type;
use crate::io::hdf5::failure::parsed;
use crate::storage::work;
use crate::storage::{Context, NpyHeader, Order, Origin, sweep_bytes};

/// Bytes of elements that are read at a time, if chunks are smaller.
const WINDOW: u64 = 1 << 20;

/// Bytes that every dataset may have, however short its file.
const ALWAYS: u64 = 128 << 20;

/// A byte of packed data stands for at most this many.
const RATIO: u64 = 1032;

/// The numbers of filters that keep the length of data, or pack it by at most [`RATIO`]: deflate, shuffle, checksum, LZF.
const KNOWN_FILTERS: [u16; 4] = [1, 2, 3, 32000];

/// Bytes by which a packed chunk may exceed twice its elements, which no filter makes of them.
const SLACK: u64 = 4096;

/// The elements of a dataset.
struct DatasetBytes {
    file: Arc<ForeignFile>,
    dataset: hdf5_pure::Dataset,
    path: String,
    /// Elements of the first dimension, and bytes of each.
    rows: u64,
    row: u64,
    /// Elements of the first dimension in a chunk, and bytes of a chunk, if there are chunks.
    chunk: Option<(u64, u64)>,
    /// The offset of the elements, if they lie in the file one after the other.
    address: Option<u64>,
    is_packed: bool,
}

impl Dataset {
    /// Whether it is a matrix or a vector of numbers, for a choice among several.
    pub(super) fn may_be_matrix(&self) -> Result<bool> {
        let call = || Ok((self.dataset.datatype()?, self.dataset.shape()?.len()));
        let (datatype, dimensions) =
            parsed(&self.file, call).map_err(|error| error.at_field(&self.path))?;
        Ok(element_type(&datatype).is_some() && matches!(dimensions, 1 | 2))
    }

    /// The array, as it is in the file: in C order.
    pub(super) fn array(&self) -> Result<ForeignArray> {
        let error = |kind, what: &str| {
            Error::new(kind, what).in_file(self.file.path()).at_field(&self.path)
        };
        let call = || {
            let dataset = &self.dataset;
            Ok((dataset.datatype()?, dataset.shape()?, dataset.layout()?, dataset.filters()))
        };
        let (datatype, shape, layout, filters) =
            parsed(&self.file, call).map_err(|error| error.at_field(&self.path))?;
        let Some((dtype, byte_order)) = element_type(&datatype) else {
            return Err(error(ErrorKind::Unsupported, "elements of this type cannot be read")
                .expected("integers, floats, complex numbers or bool")
                .found(datatype.to_string().chars().take(80).collect::<String>()));
        };
        let too_many = || error(ErrorKind::Shape, "the dataset has too many elements");
        let extent = |&n: &u64| usize::try_from(n).ok();
        let shape: Option<Vec<usize>> = shape.iter().map(extent).collect();
        let header = NpyHeader::new(dtype, &shape.ok_or_else(too_many)?, Order::C);
        let header = NpyHeader { byte_order, data_start: 0, ..header };
        let bytes = header.checked_bytes().map_err(|_| too_many())?;
        let rows = header.shape.first().map_or(1, |&rows| rows as u64);
        let mut found = DatasetBytes {
            file: Arc::clone(&self.file),
            dataset: self.dataset.clone(),
            path: self.path.clone(),
            rows,
            row: bytes.checked_div(rows).unwrap_or(0),
            chunk: None,
            address: None,
            is_packed: !filters.is_empty(),
        };
        let mut most = self.file.length();
        match layout {
            Layout::Contiguous { address: Some(address), size } => {
                let end = address.checked_add(bytes);
                if size < bytes || end.is_none_or(|end| end > self.file.length()) {
                    return Err(error(ErrorKind::Format, "the file is too short for its shape")
                        .expected(format!("{bytes} bytes of elements"))
                        .found(size.min(self.file.length().saturating_sub(address))));
                }
                found.address = Some(address);
            }
            Layout::Chunked { chunk_shape, .. } => {
                let chunk = chunk_shape
                    .iter()
                    .try_fold(dtype.size() as u64, |bytes, &extent| bytes.checked_mul(extent));
                let chunk = chunk.filter(|&bytes| bytes > 0 && bytes <= isize::MAX as u64);
                let chunk = chunk.ok_or_else(|| {
                    error(ErrorKind::Format, "the chunks of the dataset are too large")
                        .found(format!("{chunk_shape:?}"))
                })?;
                found.chunk = Some((chunk_shape.first().copied().unwrap_or(1), chunk));
                most = match filters.iter().all(|filter| KNOWN_FILTERS.contains(filter)) {
                    true if filters.contains(&1) || filters.contains(&32000) => {
                        most.saturating_mul(RATIO)
                    }
                    true => most,
                    false => u64::MAX,
                };
            }
            Layout::Contiguous { .. } | Layout::Compact { .. } => {}
            _ => {
                return Err(error(ErrorKind::Unsupported, "the dataset is in other files")
                    .remedy("copy it into one file with h5repack"));
            }
        }
        if bytes > most.max(ALWAYS) {
            return Err(error(ErrorKind::Format, "the dataset is larger than its file allows")
                .expected(format!("at most {} bytes", most.max(ALWAYS)))
                .found(bytes));
        }
        ForeignArray::new(&self.file, &self.path, header, Arc::new(found))
    }
}

impl DatasetBytes {
    /// Elements of the first dimension that are read at a time: whole chunks, if they fit in a part of the memory.
    fn window(&self, ctx: &Context) -> u64 {
        let row = self.row.max(1);
        let chunk = self.chunk.map_or(1, |(rows, _)| rows.max(1));
        let wanted = (WINDOW / row).max(1).div_ceil(chunk).saturating_mul(chunk);
        let most = (ctx.memory_left() / 8).max(WINDOW) / row;
        if wanted <= most { wanted } else { most.max(1) }
    }

    /// Sees that every chunk lies in the file and is no longer than one can be: as many bytes as the index of the chunks
    /// says are reserved before they are read.
    fn check_chunks(&self, chunk: u64) -> Result<()> {
        // What is wrong with an index that cannot be listed is said by those who read it.
        let Ok(chunks) = parsed(&self.file, || self.dataset.chunks()) else { return Ok(()) };
        let (most, length) = (chunk.saturating_mul(2).saturating_add(SLACK), self.file.length());
        let is_there = |address: u64, size: u64| {
            size <= most && address.checked_add(size).is_some_and(|end| end <= length)
        };
        match chunks.iter().find(|chunk| !is_there(chunk.address, chunk.storage_size)) {
            None => Ok(()),
            Some(found) => Err(Error::new(ErrorKind::Format, "a chunk is not in the file")
                .expected(format!("at most {most} bytes, before byte {length}"))
                .found(format!("{} bytes from byte {} on", found.storage_size, found.address))),
        }
    }
}

impl ArrayBytes for DatasetBytes {
    fn in_place(&self) -> Option<u64> {
        self.address
    }

    fn stored(&self) -> u64 {
        // How much packed chunks take is not known without a look at each.
        let bytes = self.rows * self.row;
        if self.chunk.is_some() { bytes.min(self.file.length()) } else { bytes }
    }

    fn memory(&self, ctx: &Context) -> u64 {
        let (_, chunk) = self.chunk.unwrap_or_default();
        let window = self.window(ctx).min(self.rows.max(1)).saturating_mul(self.row);
        // A chunk as it is packed, at most, and as it is unpacked, and the bytes of the window.
        window.saturating_add(chunk.saturating_mul(3)).saturating_add(SLACK + CHUNKS as u64)
    }

    fn work(&self) -> f64 {
        if self.is_packed { work::UNPACK } else { 0.0 }
    }

    fn read(&self, ctx: &Context, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if let Some(address) = self.address {
            let origin = Origin { path: self.file.path().to_owned(), file: self.file.again()? };
            let range = address..address + self.rows * self.row;
            return sweep_bytes(&origin, range, (WINDOW as usize / 4, WINDOW), ctx, take);
        }
        if self.row == 0 {
            return Ok(());
        }
        let needed = self.memory(ctx);
        let blame = |error: Error| error.in_file(self.file.path()).at_field(&self.path);
        ctx.check_memory("a chunk of the dataset", needed).map_err(blame)?;
        let _held = ctx.hold(needed);
        if let Some((_, chunk)) = self.chunk {
            self.check_chunks(chunk).map_err(blame)?;
        }
        let step = self.window(ctx);
        let mut start = 0;
        while start < self.rows {
            let rows = step.min(self.rows - start);
            ctx.report("reading chunks", start, self.rows)?;
            let bytes = parsed(&self.file, || self.dataset.read_raw_rows(start, rows));
            let bytes = bytes.map_err(blame)?;
            if bytes.len() as u64 != rows * self.row {
                return Err(blame(
                    Error::new(ErrorKind::Format, "the dataset is too short for its shape")
                        .expected(format!("{} bytes", rows * self.row))
                        .found(bytes.len()),
                ));
            }
            ctx.meter().read(if self.is_packed { 0 } else { bytes.len() as u64 });
            take(&bytes)?;
            start += rows;
        }
        if self.is_packed {
            ctx.meter().read(self.stored());
        }
        Ok(())
    }
}
