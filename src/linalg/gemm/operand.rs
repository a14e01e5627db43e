//! One of the two matrices of a product, and parts of it: where they lie, or as they were read.

use std::ops::Range;

use ndarray::{ArrayView2, ShapeBuilder, s};

use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Scalar;
use crate::storage::{Context, Devices, Extent, Order, PanelReader, Source};

/// Bytes that a run takes in a panel beyond its own: it is read in whole sectors.
pub(super) const SECTORS: usize = 2 * 4096;

/// One of the two matrices.
pub(super) struct Operand<'a, T: Scalar> {
    pub(super) matrix: &'a Dense<T>,
    /// Whether it is read part by part; otherwise it is used where it lies.
    pub(super) streamed: bool,
}

/// Some rows of some columns.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

impl<'a, T: Scalar> Operand<'a, T> {
    /// A matrix that is used where it lies if it takes no more than `most` bytes of a file.
    pub(super) fn new(matrix: &'a Dense<T>, most: u64) -> Self {
        Operand { matrix, streamed: matrix.buffer().stored_bytes() > most }
    }

    /// Bytes of the matrix if it is read part by part.
    pub(super) fn bytes(&self) -> u64 {
        if self.streamed { self.matrix.buffer().stored_bytes() } else { 0 }
    }

    /// Bytes that are read once, on the map.
    pub(super) fn bytes_in_place(&self) -> u64 {
        if self.streamed { 0 } else { self.matrix.buffer().stored_bytes() }
    }

    /// The file to read from.
    pub(super) fn source(&self) -> Result<Option<Source>> {
        match self.matrix.buffer().origin() {
            Some((origin, _)) if self.streamed => Source::open(origin).map(Some),
            _ => Ok(None),
        }
    }

    /// Contiguous lines of a part, and the elements of each that belong to it.
    fn lines(&self, part: &Part) -> (Range<usize>, Range<usize>) {
        match self.matrix.order() {
            Order::C => (part.rows.clone(), part.cols.clone()),
            Order::Fortran => (part.cols.clone(), part.rows.clone()),
        }
    }

    /// Runs of the file in which a part lies.
    pub(super) fn runs(&self, part: &Part) -> usize {
        let (lines, elements) = self.lines(part);
        if elements.len() == self.matrix.lines().1 { 1 } else { lines.len() }
    }

    /// Those runs; `source` is the position of the file among a reader's sources.
    pub(super) fn extents(&self, part: &Part, source: usize) -> Vec<Extent> {
        let Some((_, origin)) = self.matrix.buffer().origin() else { return Vec::new() };
        let ((lines, elements), length) = (self.lines(part), self.matrix.lines().1);
        let size = size_of::<T>();
        let extent = |line: usize, count: usize| Extent {
            source,
            offset: origin + ((line * length + elements.start) * size) as u64,
            bytes: count * elements.len() * size,
        };
        match elements.len() == length {
            true => vec![extent(lines.start, lines.len())],
            false => lines.map(|line| extent(line, 1)).collect(),
        }
    }

    /// The same runs in panels of at most `most` bytes, sectors included; one that is longer is cut.
    pub(super) fn pieces(&self, part: &Part, source: usize, most: usize) -> Vec<Vec<Extent>> {
        let size = size_of::<T>();
        let longest = (most.saturating_sub(SECTORS) / size).max(1) * size;
        let (mut panels, mut panel, mut filled) = (Vec::new(), Vec::new(), 0);
        for Extent { offset, bytes, .. } in self.extents(part, source) {
            for start in (0..bytes).step_by(longest) {
                let bytes = longest.min(bytes - start);
                if filled + bytes + SECTORS > most && filled > 0 {
                    panels.push(std::mem::take(&mut panel));
                    filled = 0;
                }
                panel.push(Extent { source, offset: offset + start as u64, bytes });
                filled += bytes + SECTORS;
            }
        }
        if filled > 0 {
            panels.push(panel);
        }
        panels
    }

    /// A part of a matrix that is used where it lies.
    pub(super) fn view(&self, part: &Part) -> ArrayView2<'a, T> {
        self.matrix.view().slice_move(s![part.rows.clone(), part.cols.clone()])
    }

    /// A part that was read: as it came if it is one run, or else put together in `room`.
    pub(super) fn read<'b>(
        &self,
        part: &Part,
        runs: &[&'b [u8]],
        room: &'b mut [T],
    ) -> Result<ArrayView2<'b, T>> {
        let elements: &[T] = match runs {
            [one] => cast(one)?,
            _ => {
                let mut filled = 0;
                for run in runs {
                    let run: &[T] = cast(run)?;
                    room[filled..][..run.len()].copy_from_slice(run);
                    filled += run.len();
                }
                &room[..filled]
            }
        };
        self.shaped(part, elements)
    }

    /// Elements of a part, in the order of the matrix.
    pub(super) fn shaped<'b>(&self, part: &Part, elements: &'b [T]) -> Result<ArrayView2<'b, T>> {
        let shape = (part.rows.len(), part.cols.len());
        let shape = shape.set_f(self.matrix.order() == Order::Fortran);
        ArrayView2::from_shape(shape, elements)
            .map_err(|e| Error::new(ErrorKind::Io, "a part was not read completely").found(e))
    }
}

/// Bytes that were read as elements.
pub(super) fn cast<T: Scalar>(bytes: &[u8]) -> Result<&[T]> {
    bytemuck::checked::try_cast_slice(bytes)
        .map_err(|e| Error::new(ErrorKind::Io, "a part was not read completely").found(e))
}

/// A reader of panels from the files of both matrices; `None` if there is nothing to read.
pub(super) fn reader(
    sources: [Option<Source>; 2],
    panels: Vec<Vec<Extent>>,
    budget: u64,
    ctx: &Context,
) -> Result<Option<PanelReader>> {
    let sources: Vec<Source> = sources.into_iter().flatten().collect();
    let Some(largest) = sources.iter().max_by_key(|source| source.length()) else {
        return Ok(None);
    };
    let mode = Devices::known().read_mode(largest)?;
    let mut reader = PanelReader::new(sources, panels, budget, mode)?;
    reader.pin_nothing();
    Ok(Some(reader))
}
