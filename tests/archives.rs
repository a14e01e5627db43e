//! Archives made by hand, so that every field of them can lie.

use std::io::Write;

use flate2::Crc;
use flate2::write::DeflateEncoder;

/// A member of an archive. What is `None` is told as it is.
#[derive(Clone, Default)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    pub(crate) deflated: bool,
    /// The number of the method in both headers, whatever was done.
    pub(crate) method: Option<u16>,
    pub(crate) crc: Option<u32>,
    /// What the directory says of the size before and after packing.
    pub(crate) size: Option<u32>,
    pub(crate) packed: Option<u32>,
    pub(crate) flags: u16,
    pub(crate) mode: u32,
    /// The name in the local header.
    pub(crate) local_name: Option<String>,
    /// Sizes and checksum after the data, zeros before it.
    pub(crate) descriptor: bool,
    /// Bytes of an extra field in the local header, at least 4, so that the data moves.
    pub(crate) padding: usize,
    /// Where the directory says that the local header is.
    pub(crate) header: Option<u32>,
}

impl Part {
    pub(crate) fn stored(name: &str, data: Vec<u8>) -> Self {
        Part { name: name.to_owned(), data, mode: 0o100_644, ..Part::default() }
    }

    pub(crate) fn deflated(name: &str, data: Vec<u8>) -> Self {
        Part { deflated: true, ..Part::stored(name, data) }
    }
}

/// A zip archive of these members.
pub(crate) fn zip(parts: &[Part]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let mut crc = Crc::new();
        crc.update(&part.data);
        let crc = part.crc.unwrap_or(crc.sum());
        let content = match part.deflated {
            true => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(&part.data).unwrap();
                encoder.finish().unwrap()
            }
            false => part.data.clone(),
        };
        let method = part.method.unwrap_or(if part.deflated { 8 } else { 0 });
        let size = part.size.unwrap_or(part.data.len() as u32);
        let packed = part.packed.unwrap_or(content.len() as u32);
        let flags = part.flags | if part.descriptor { 8 } else { 0 };
        let header = bytes.len() as u32;
        let local = part.local_name.as_ref().unwrap_or(&part.name);
        let numbers = |told: [u32; 3]| told.into_iter().flat_map(u32::to_le_bytes);
        bytes.extend(b"PK\x03\x04\x14\x00");
        bytes.extend(flags.to_le_bytes());
        bytes.extend(method.to_le_bytes());
        bytes.extend([0, 0, 0x21, 0]);
        bytes.extend(numbers(if part.descriptor { [0; 3] } else { [crc, packed, size] }));
        bytes.extend((local.len() as u16).to_le_bytes());
        bytes.extend((part.padding as u16).to_le_bytes());
        bytes.extend(local.as_bytes());
        if part.padding > 0 {
            bytes.extend(0xd935u16.to_le_bytes());
            bytes.extend((part.padding as u16 - 4).to_le_bytes());
            bytes.extend(vec![0; part.padding - 4]);
        }
        bytes.extend(content);
        if part.descriptor {
            bytes.extend(b"PK\x07\x08");
            bytes.extend(numbers([crc, packed, size]));
        }
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(flags.to_le_bytes());
        directory.extend(method.to_le_bytes());
        directory.extend([0, 0, 0x21, 0]);
        directory.extend(numbers([crc, packed, size]));
        directory.extend((part.name.len() as u16).to_le_bytes());
        directory.extend([0; 8]); // extra field, comment, disk, kind
        directory.extend((part.mode << 16).to_le_bytes());
        directory.extend(part.header.unwrap_or(header).to_le_bytes());
        directory.extend(part.name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, parts.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([directory.len() as u32, start].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend([0, 0]);
    bytes
}

/// A `.npy` file of a type, a shape and elements, its header as short as it can be.
pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_in_order(descr, "False", shape, data)
}

/// As [`npy`], with the order of the elements said.
pub(crate) fn npy_in_order(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let length = (text.len() + 11).next_multiple_of(16) - 10;
    text.push_str(&" ".repeat(length - 1 - text.len()));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

/// Bytes of numbers.
pub(crate) fn bytes_of<T: bytemuck::NoUninit>(numbers: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(numbers).to_vec()
}

/// A `.npy` file of one dimension.
pub(crate) fn line<T: bytemuck::NoUninit>(descr: &str, numbers: &[T]) -> Vec<u8> {
    npy(descr, &format!("({},)", numbers.len()), &bytes_of(numbers))
}

/// The members of the matrix `[[1, 0, 0, 2, 0], [0; 5], [0, 3, 0, 0, 4], [5, 0, 6, 0, 0]]` as SciPy writes it.
pub(crate) fn scipy_csr() -> Vec<Part> {
    vec![
        Part::stored("indices.npy", line("<i4", &[0i32, 3, 1, 4, 0, 2])),
        Part::stored("indptr.npy", line("<i4", &[0i32, 2, 2, 4, 6])),
        Part::stored("format.npy", npy("|S3", "()", b"csr")),
        Part::stored("shape.npy", line("<i8", &[4i64, 5])),
        Part::stored("data.npy", line("<f8", &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0])),
    ]
}

/// The members with one replaced or added.
pub(crate) fn with(mut parts: Vec<Part>, name: &str, data: Vec<u8>) -> Vec<Part> {
    match parts.iter_mut().find(|part| part.name == name) {
        Some(part) => part.data = data,
        None => parts.push(Part::stored(name, data)),
    }
    parts
}
