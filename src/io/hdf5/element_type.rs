//! Types of HDF5 as element types.

use hdf5_pure::{Datatype, DatatypeByteOrder, FixedPointLayout, FloatingPointLayout};

use crate::storage::{ByteOrder, DType};

/// The element type of a dataset and its byte order; `None` for one that this library does not have.
///
/// As h5py writes them: `bool` is an enumeration of FALSE and TRUE, a complex number a pair of reals.
pub(super) fn element_type(datatype: &Datatype) -> Option<(DType, ByteOrder)> {
    match datatype {
        Datatype::FixedPoint { size, byte_order, layout } => {
            let FixedPointLayout { signed, bit_offset: 0, bit_precision } = *layout else {
                return None;
            };
            if u32::from(bit_precision) != size.checked_mul(8)? {
                return None;
            }
            let dtype = match (size, signed) {
                (1, true) => DType::Int8,
                (2, true) => DType::Int16,
                (4, true) => DType::Int32,
                (8, true) => DType::Int64,
                (1, false) => DType::UInt8,
                (2, false) => DType::UInt16,
                (4, false) => DType::UInt32,
                (8, false) => DType::UInt64,
                _ => return None,
            };
            Some((dtype, native(byte_order)?))
        }
        Datatype::FloatingPoint { size, byte_order, layout } => {
            Some((float(*size, layout)?, native(byte_order)?))
        }
        Datatype::Enumeration { size: 1, members, .. } => {
            let is = |name: &str, value: u8| {
                members.iter().any(|one| one.name == name && one.value == [value])
            };
            let is_bool = members.len() == 2 && is("FALSE", 0) && is("TRUE", 1);
            is_bool.then_some((DType::Bool, ByteOrder::Native))
        }
        Datatype::Compound { size, members } => {
            let [re, im] = &members[..] else { return None };
            let ((one, order), other) = (element_type(&re.datatype)?, element_type(&im.datatype)?);
            let width = one.size() as u64;
            let adjacent = re.byte_offset == 0 && im.byte_offset == width;
            if other != (one, order) || !adjacent || u64::from(*size) != 2 * width {
                return None;
            }
            match one {
                DType::Float32 => Some((DType::Complex64, order)),
                DType::Float64 => Some((DType::Complex128, order)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn native(order: &DatatypeByteOrder) -> Option<ByteOrder> {
    let is_little = match order {
        DatatypeByteOrder::LittleEndian => true,
        DatatypeByteOrder::BigEndian => false,
        DatatypeByteOrder::Vax => return None,
    };
    Some(if is_little == cfg!(target_endian = "little") {
        ByteOrder::Native
    } else {
        ByteOrder::Swapped
    })
}

fn float(size: u32, layout: &FloatingPointLayout) -> Option<DType> {
    let small = |exponent_size: u8, mantissa_size: u8, exponent_bias: u32| FloatingPointLayout {
        bit_offset: 0,
        bit_precision: 16,
        exponent_location: mantissa_size,
        exponent_size,
        mantissa_location: 0,
        mantissa_size,
        exponent_bias,
    };
    match size {
        4 if *layout == FloatingPointLayout::IEEE754_BINARY32 => Some(DType::Float32),
        8 if *layout == FloatingPointLayout::IEEE754_BINARY64 => Some(DType::Float64),
        2 if *layout == small(5, 10, 15) => Some(DType::Float16),
        2 if *layout == small(8, 7, 127) => Some(DType::BFloat16),
        _ => None,
    }
}
