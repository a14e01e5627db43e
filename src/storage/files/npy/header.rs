//! The header of a `.npy` file: parsed defensively, written with padding.
//!
//! The text is a Python dictionary literal. Only the literals that NumPy writes are understood (strings, integers,
//! booleans, tuples); anything else is an error that names the file and the byte. The caller may rely on
//! this: the element count of a returned header, times the element size, fits in the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::npy::literal::{Descr, Literal, LiteralFields, excerpt};
use crate::storage::files::stored_file::StoredFile;
use crate::storage::memory::DType;

/// Where the data of files written here starts; a page, so that maps are aligned for every element type.
pub(crate) const DATA_START: u64 = 4096;

/// A header longer than this is refused: NumPy itself stops at 10,000 bytes.
const LONGEST_HEADER: u64 = 65_535;

/// Bytes from the start of a file that hold every header that is read.
pub(crate) const LONGEST_START: u64 = 12 + LONGEST_HEADER;

/// The most dimensions of an array in NumPy from version 2 on.
const MOST_DIMENSIONS: usize = 64;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Whether rows (C) or columns (Fortran) are contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The last index varies fastest: rows are contiguous.
    #[default]
    C,
    /// The first index varies fastest: columns are contiguous.
    Fortran,
}

/// The byte order of the elements in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The order of this machine: elements can be used in place.
    Native,
    /// The other one: elements must be copied.
    Swapped,
}

/// The header of a `.npy` file, and where the data starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// Element type.
    pub dtype: DType,
    /// Byte order of the elements.
    pub byte_order: ByteOrder,
    /// Memory order of the array.
    pub order: Order,
    /// Extent of every dimension; empty for a scalar.
    pub shape: Vec<usize>,
    /// Byte offset of the first element.
    pub data_start: u64,
}

impl NpyHeader {
    /// A header for a file written here.
    pub(crate) fn new(dtype: DType, shape: &[usize], order: Order) -> Self {
        NpyHeader {
            dtype,
            byte_order: ByteOrder::Native,
            order,
            shape: shape.to_vec(),
            data_start: DATA_START,
        }
    }

    /// Reads the header of a `.npy` file, to learn its type and shape before opening it.
    ///
    /// Fails if it is not a `.npy` file, or shorter than its shape requires. Cost: at most 64 KiB from the start of the
    /// file.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("a.npy");
    /// use outcore::{Context, DType, Dense, NpyHeader};
    /// Dense::from(ndarray::arr2(&[[1.0f32, 2.0]])).copy_to(&path, &Context::new())?;
    /// let header = NpyHeader::read(&path)?;
    /// assert_eq!((header.dtype, &header.shape[..]), (DType::Float32, &[1, 2][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read_header(&StoredFile::at(path)?.open()?, path)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self.shape.contains(&0) {
            true => 0,
            false => self.shape.iter().fold(1, |product, &n| product.saturating_mul(n)),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of data; fits in the file it was read from.
    pub fn data_bytes(&self) -> u64 {
        self.len() as u64 * self.dtype.size() as u64
    }

    /// Bytes of data, checked: a caller's shape may be absurdly large.
    pub(crate) fn checked_bytes(&self) -> Result<u64> {
        // With an extent of 0 there are no elements, but a view still multiplies the other extents.
        let extents = self.shape.iter().filter(|&&n| n > 0);
        let product = extents.clone().try_fold(1usize, |product, &n| product.checked_mul(n));
        let size = if extents.count() < self.shape.len() { 0 } else { self.dtype.size() };
        product
            .filter(|&product| product <= isize::MAX as usize)
            .and_then(|product| product.checked_mul(size))
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .map(|bytes| bytes as u64)
            .ok_or_else(|| {
                Error::new(ErrorKind::Shape, "the array has too many elements")
                    .at_field("shape")
                    .expected("a size below 2^63 bytes, not counting extents of 0")
                    .found(format!("{:?}", self.shape))
            })
    }

    /// Fails if NumPy could not open a file with this many dimensions.
    pub(crate) fn check_dimensions(&self) -> Result<()> {
        match self.shape.len() {
            0..=MOST_DIMENSIONS => Ok(()),
            found => Err(Error::shape(
                "an array in a .npy file",
                format!("at most {MOST_DIMENSIONS} dimensions, which NumPy can open"),
                format!("{found} dimensions"),
            )
            .remedy("merge dimensions with reshape before writing")),
        }
    }

    /// The first [`DATA_START`] bytes of a file with this header.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_bytes_of(DATA_START as usize)
    }

    /// The header in a multiple of `unit` bytes, at most 64 KiB, so that the data starts at one.
    pub(crate) fn to_bytes_of(&self, unit: usize) -> Result<Vec<u8>> {
        self.check_dimensions()?;
        let mark = if self.dtype.size() == 1 { '|' } else { NATIVE_MARK };
        let descr = format!("{mark}{}{}", self.dtype.letter() as char, self.dtype.size());
        Ok(header_bytes(&descr, self.order, &self.shape, unit))
    }
}

/// A header in a multiple of `unit` bytes.
pub(super) fn header_bytes(descr: &str, order: Order, shape: &[usize], unit: usize) -> Vec<u8> {
    let fortran = if order == Order::Fortran { "True" } else { "False" };
    let mut shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if shape.len() == 1 {
        shape.push(String::new());
    }
    let shape = shape.join(", ");
    let shape = shape.trim_end();
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    let length = (10 + text.len() + 1).next_multiple_of(unit);
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[1, 0]);
    bytes.extend_from_slice(&(length as u16 - 10).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(length - 1, b' ');
    bytes.push(b'\n');
    bytes
}

const NATIVE_MARK: char = if cfg!(target_endian = "little") { '<' } else { '>' };

/// Reads the header of an open file and checks that the data it describes is there.
///
/// Reads at most 64 KiB from the start of the file.
pub(crate) fn read_header(file: &File, path: &Path) -> Result<NpyHeader> {
    let length = file.metadata().map_err(|e| Error::io("reading the size", path, e))?.len();
    let mut start = Vec::new();
    let mut reader = file;
    std::io::Seek::rewind(&mut reader).map_err(|e| Error::io("reading", path, e))?;
    reader
        .take(LONGEST_START)
        .read_to_end(&mut start)
        .map_err(|e| Error::io("reading the header", path, e))?;
    let header = parse(&start).map_err(|e| e.in_file(path))?;
    check_length(&header, length).map_err(|e| e.in_file(path))?;
    Ok(header)
}

/// The element count must be a number, and that many elements must be in the file.
fn check_length(header: &NpyHeader, file_length: u64) -> Result<()> {
    let bytes = header.checked_bytes()?;
    let present = file_length.saturating_sub(header.data_start);
    if bytes > present {
        return Err(Error::new(ErrorKind::Format, "the file is too short for its shape")
            .at_byte(file_length)
            .expected(format!("{bytes} bytes of data for shape {:?}", header.shape))
            .found(format!("{present}")));
    }
    Ok(())
}

/// Parses the start of a file, [`LONGEST_START`] bytes or all of it. Byte offsets in errors count from the start of the
/// file. Whether the file holds the elements is not known here.
pub(crate) fn parse(start: &[u8]) -> Result<NpyHeader> {
    let (fields, end) = dictionary(start)?;
    let (dtype, byte_order) = element_type(&fields.descr)?;
    Ok(NpyHeader {
        dtype,
        byte_order,
        order: if fields.fortran_order { Order::Fortran } else { Order::C },
        shape: fields.shape,
        data_start: end as u64,
    })
}

/// The dictionary at the start of a file, and where the data begins.
pub(super) fn dictionary(start: &[u8]) -> Result<(LiteralFields, usize)> {
    let fail = |what: &str, at: usize| Error::new(ErrorKind::Format, what).at_byte(at as u64);
    if start.len() < 8 || &start[..6] != MAGIC {
        let found = start[..start.len().min(8)].escape_ascii().to_string();
        return Err(fail("not a .npy file", 0)
            .expected("\\x93NUMPY and a version")
            .found(format!("\"{found}\"")));
    }
    let (length, text_start) = match (start[6], start.get(8..10), start.get(8..12)) {
        (1, Some(two), _) => (u64::from(u16::from_le_bytes([two[0], two[1]])), 10),
        (2 | 3, _, Some(four)) => {
            (u64::from(u32::from_le_bytes([four[0], four[1], four[2], four[3]])), 12)
        }
        (1..=3, _, _) => return Err(fail("the file ends inside the header", start.len())),
        (version, _, _) => {
            return Err(fail("unknown .npy version", 6).expected("1, 2 or 3").found(version));
        }
    };
    if length > LONGEST_HEADER {
        return Err(fail("the header is too long", 8)
            .expected(format!("at most {LONGEST_HEADER} bytes"))
            .found(length));
    }
    let end = text_start + length as usize;
    let Some(text) = start.get(text_start..end) else {
        return Err(fail("the file ends inside the header", start.len())
            .expected(format!("{length} bytes of header"))
            .found(start.len() - text_start));
    };
    let fields = Literal::new(text)
        .dictionary()
        .map_err(|(what, at)| fail(what, text_start + at).found(excerpt(text, at)))?;
    Ok((fields, end))
}

/// Parses a type descriptor such as `<f8`.
fn element_type(descr: &Descr) -> Result<(DType, ByteOrder)> {
    let unsupported = |found: &str, remedy: &str| {
        Err(Error::new(ErrorKind::Unsupported, "unsupported element type")
            .at_field("descr")
            .expected("one of b1, i1 to i8, u1 to u8, f2, f4, f8, c8, c16, or V2 for bfloat16")
            .found(format!("\"{}\"", found.escape_debug()))
            .remedy(remedy))
    };
    let Descr::Simple(text) = descr else {
        return unsupported("[…]", "structured arrays: store each field in a file of its own");
    };
    let (mark, code) = match text.as_bytes() {
        [mark @ (b'<' | b'>' | b'|' | b'='), code @ ..] => (*mark, code),
        code => (b'=', code),
    };
    if let [b'O', ..] = code {
        return unsupported(text, "pickled objects are never loaded: they can run code");
    }
    let known = DType::ALL.iter().find(|dtype| {
        let [letter, size @ ..] = code else { return false };
        *letter == dtype.letter() && size == dtype.size().to_string().as_bytes()
    });
    let Some(&dtype) = known else {
        return unsupported(text, "convert it with NumPy's astype");
    };
    let swapped = mark == (if NATIVE_MARK == '<' { b'>' } else { b'<' });
    let order = if swapped && dtype.size() > 1 { ByteOrder::Swapped } else { ByteOrder::Native };
    Ok((dtype, order))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        for shape in [&[][..], &[0], &[7], &[3, 4], &[2, 0, 5], &[1; 30], &[1; 64]] {
            for dtype in DType::ALL {
                for order in [Order::C, Order::Fortran] {
                    let header = NpyHeader::new(dtype, shape, order);
                    let bytes = header.to_bytes().unwrap();
                    assert_eq!(bytes.len() as u64, DATA_START);
                    assert_eq!(parse(&bytes).unwrap(), header);
                    let short = header.to_bytes_of(64).unwrap();
                    let data_start = short.len() as u64;
                    assert!(data_start.is_multiple_of(64));
                    assert_eq!(parse(&short).unwrap(), NpyHeader { data_start, ..header });
                }
            }
        }
    }

    #[test]
    fn more_dimensions_than_numpy_opens_are_not_written() {
        let header = NpyHeader::new(DType::Int8, &[1; 65], Order::C);
        assert_eq!(header.to_bytes().unwrap_err().kind(), ErrorKind::Shape);
    }

    #[test]
    fn spellings_of_numpy_and_of_others() {
        let header = parse(&file("{\"shape\":(3L,),'fortran_order':True,'descr':'>i4'}")).unwrap();
        assert_eq!(header.shape, [3]);
        assert_eq!((header.dtype, header.byte_order), (DType::Int32, ByteOrder::Swapped));
        assert_eq!(header.order, Order::Fortran);
        let header =
            parse(&file("{'descr': 'u1', 'fortran_order': False, 'shape': (), }")).unwrap();
        assert_eq!((header.len(), header.byte_order), (1, ByteOrder::Native));
    }

    #[test]
    fn what_is_refused() {
        let bad = [
            ("{'descr': '<f8', 'fortran_order': 'False', 'shape': (3,)}", "True or False"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3)}", "tuple"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", "non-negative"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (1e3,)}", "tuple"),
            ("{'descr': '<f8', 'fortran_order': False}", "no 'shape'"),
            ("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': ()}", "twice"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': ()}", "pickled"),
            ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': ()}", "structured"),
            ("{'descr': '<f7', 'fortran_order': False, 'shape': ()}", "<f7"),
            ("{'descr': 8, 'fortran_order': False, 'shape': ()}", "string"),
            ("['descr']", "dictionary"),
            ("", "dictionary"),
        ];
        for (text, clue) in bad {
            let message = parse(&file(text)).unwrap_err().to_string();
            assert!(message.contains(clue), "{text}: {message}");
        }
    }

    #[test]
    fn counts_that_wrap_are_refused() {
        let header = NpyHeader::new(DType::Float64, &[1 << 32, 1 << 32], Order::C);
        assert!(check_length(&header, u64::MAX).unwrap_err().to_string().contains("too many"));
        for (shape, allowed) in [
            ([0, 1 << 62], true),
            ([1 << 62, 0], true),
            ([0, 1 << 63], false),
            ([1 << 61, 1], false),
        ] {
            let header = NpyHeader::new(DType::Float64, &shape, Order::C);
            assert_eq!(check_length(&header, u64::MAX).is_ok(), allowed, "{shape:?}");
        }
        let header = NpyHeader::new(DType::Float64, &[4], Order::C);
        assert!(check_length(&header, 4096 + 31).is_err());
        assert!(check_length(&header, 4096 + 32).is_ok());
    }
}
