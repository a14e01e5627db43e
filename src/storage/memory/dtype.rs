//! The names of element types, at run time and in files.

use std::fmt;

/// The element type of a stored array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// `bool`, one byte, 0 or 1.
    Bool,
    /// `i8`.
    Int8,
    /// `i16`.
    Int16,
    /// `i32`.
    Int32,
    /// `i64`.
    Int64,
    /// `u8`.
    UInt8,
    /// `u16`.
    UInt16,
    /// `u32`.
    UInt32,
    /// `u64`.
    UInt64,
    /// `half::f16`, IEEE 754 binary16; readable with the feature `half`.
    Float16,
    /// `half::bf16`, the upper half of an `f32`; readable with the feature `half`.
    BFloat16,
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
    /// `Complex<f32>`, real part first.
    Complex64,
    /// `Complex<f64>`, real part first.
    Complex128,
}

impl DType {
    /// All element types.
    pub const ALL: [DType; 15] = [
        DType::Bool,
        DType::Int8,
        DType::Int16,
        DType::Int32,
        DType::Int64,
        DType::UInt8,
        DType::UInt16,
        DType::UInt32,
        DType::UInt64,
        DType::Float16,
        DType::BFloat16,
        DType::Float32,
        DType::Float64,
        DType::Complex64,
        DType::Complex128,
    ];

    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::Int8 | DType::UInt8 => 1,
            DType::Int16 | DType::UInt16 | DType::Float16 | DType::BFloat16 => 2,
            DType::Int32 | DType::UInt32 | DType::Float32 => 4,
            DType::Int64 | DType::UInt64 | DType::Float64 | DType::Complex64 => 8,
            DType::Complex128 => 16,
        }
    }

    /// Bytes of this many elements, saturating.
    pub(crate) const fn bytes_of(self, len: usize) -> u64 {
        (len as u64).saturating_mul(self.size() as u64)
    }

    /// The alignment of an element in bytes.
    pub(crate) const fn alignment(self) -> usize {
        match self {
            DType::Complex64 => align_of::<f32>(),
            DType::Complex128 => align_of::<f64>(),
            other => other.size(),
        }
    }

    /// NumPy's name: `float64`, `complex64`, `int32`, …; `bfloat16` as the package `ml_dtypes` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::Int8 => "int8",
            DType::Int16 => "int16",
            DType::Int32 => "int32",
            DType::Int64 => "int64",
            DType::UInt8 => "uint8",
            DType::UInt16 => "uint16",
            DType::UInt32 => "uint32",
            DType::UInt64 => "uint64",
            DType::Float16 => "float16",
            DType::BFloat16 => "bfloat16",
            DType::Float32 => "float32",
            DType::Float64 => "float64",
            DType::Complex64 => "complex64",
            DType::Complex128 => "complex128",
        }
    }

    /// NumPy's type letter: `b i u f c`, to which the size in bytes is appended in a descriptor.
    ///
    /// NumPy has no `bfloat16`: arrays of `ml_dtypes` are stored as `V2`, two opaque bytes.
    pub(crate) const fn letter(self) -> u8 {
        match self {
            DType::Bool => b'b',
            DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => b'i',
            DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => b'u',
            DType::Float16 | DType::Float32 | DType::Float64 => b'f',
            DType::BFloat16 => b'V',
            DType::Complex64 | DType::Complex128 => b'c',
        }
    }

    /// Bytes that are swapped as one unit when the byte order changes: half a complex number, else the element.
    pub(crate) const fn swap_unit(self) -> usize {
        match self {
            DType::Complex64 => 4,
            DType::Complex128 => 8,
            other => other.size(),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
