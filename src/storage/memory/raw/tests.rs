//! Values of every type survive being moved.

use super::*;
use crate::storage::memory::element::Entry;

#[test]
fn values_of_every_width_are_moved() {
    fn moved<T: Entry>(values: [T; 3]) {
        let mut to = [values[0]; 4];
        let mut raw = RawMut::of(&mut to);
        assert_eq!(raw.scatter(&[3, 1, 2], Raw::of(&values)), Some(()));
        assert_eq!(raw.scatter(&[4], Raw::of(&values[..1])), None);
        assert_eq!(to, [values[0], values[1], values[2], values[0]]);
        let mut raw = RawMut::of(&mut to);
        assert_eq!(raw.slice_mut(0..3).gather(&[2, 0, 1], Raw::of(&values)), Some(()));
        assert_eq!(raw.slice_mut(0..1).gather(&[3], Raw::of(&values)), None);
        raw.copy_within(0..1, 3);
        assert_eq!(to, [values[2], values[0], values[1], values[2]]);
        assert_eq!(Raw::of(&to).slice(1..3).typed::<T>().unwrap(), &values[..2]);
        let (size, mut back) = (size_of::<T>() + 3, [values[2]; 2]);
        let record = |value: &T| [bytemuck::bytes_of(value), &[7; 3]].concat();
        let records: Vec<u8> = values[..2].iter().flat_map(record).collect();
        assert_eq!(RawMut::of(&mut back).read_records(&[1, 0], &records, size), Some(()));
        assert_eq!(back, [values[1], values[0]]);
        let mut aside = RawVec::new(T::ENTRY_DTYPE);
        aside.extend(Raw::of(&values));
        assert_eq!((aside.len(), aside.as_raw().bytes()), (3, Raw::of(&values).bytes()));
    }
    moved([(); 3]);
    moved([true, false, true]);
    moved([1i16, 2, 3]);
    moved([1.5f32, 2.5, 3.5]);
    moved([1.5f64, 2.5, 3.5]);
    moved([num_complex::Complex::new(1.0f64, 2.0); 3]);
}

#[test]
fn sums_are_those_of_the_type() {
    fn sum<T: Entry>(a: T, b: T) -> Option<T> {
        let mut to = [a];
        let merge = merge(T::ENTRY_DTYPE);
        RawMut::of(&mut to).merge(0, Raw::of(&[b]), 0, merge)?;
        Some(to[0])
    }
    assert_eq!(sum((), ()), Some(()));
    assert_eq!(sum(true, false), Some(true));
    assert_eq!(sum(100i8, 27), Some(127));
    assert_eq!(sum(100i8, 28), None);
    assert_eq!(sum(0.1, 0.2), Some(0.1 + 0.2));
}

#[test]
fn a_record_that_does_not_start_with_a_value_is_none() {
    let mut to = [false; 2];
    assert_eq!(RawMut::of(&mut to).read_records(&[0, 1], &[1, 9, 2, 9], 2), None);
    assert_eq!(RawMut::of(&mut to).read_records(&[0, 1], &[0, 9, 1, 9], 2), Some(()));
    assert_eq!(to, [false, true]);
    assert_eq!(RawMut::of(&mut [0u8]).read_records(&[1], &[1, 9], 2), None);
}

#[test]
#[should_panic(expected = "values of one type")]
fn values_of_another_type_are_not_taken() {
    RawMut::of(&mut [0f64]).copy_from(Raw::of(&[1u64]));
}
