//! Matrix Market text of numbers of 16 bits.

use half::{bf16, f16};
use outcore::io::matrix_market::{Number, Reader, write_dense, write_sparse};
use outcore::{Context, Csr, Dense, Duplicates, Element, ErrorKind, Order, Place, Result};
use tempfile::tempdir;

fn read<T: Number>(text: &str) -> Result<Csr<T>> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    std::fs::write(&path, text).unwrap();
    Reader::open(&path)?.read_csr(Place::Memory, &Context::new())
}

fn one<T: Number>(field: &str, value: &str) -> Result<Option<T>> {
    read::<T>(&format!("%%MatrixMarket matrix coordinate {field} general\n1 1 1\n1 1 {value}\n"))?
        .get(0, 0)
}

fn there_and_back<T: Number + Element>(values: Vec<T>, bits: fn(T) -> u16) {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.mtx"), Context::new());
    let triplets = values.iter().enumerate().map(|(i, &value)| (i / 256, i % 256, value));
    let csr = Csr::<T>::from_triplets((256, 256), triplets, Duplicates::Refuse).unwrap();
    write_sparse(&path, &csr, "", &ctx).unwrap();
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("%%MatrixMarket matrix coordinate real general\n")
    );
    let back: Csr<T> = Reader::open(&path).unwrap().read_csr(Place::Memory, &ctx).unwrap();
    let all = |values: &[T]| values.iter().map(|&value| bits(value)).collect::<Vec<_>>();
    assert!(all(csr.data()) == all(back.data()));
    let dense =
        Dense::from_parts((256, values.len() / 256), Order::Fortran, values.into()).unwrap();
    write_dense(&path, &dense, "", &ctx).unwrap();
    let back: Dense<T> = Reader::open(&path).unwrap().read_dense(Place::Memory, &ctx).unwrap();
    assert!(all(dense.as_slice()) == all(back.as_slice()));
}

#[test]
fn every_narrow_number_comes_back() {
    let numbers = || (0..=u16::MAX).filter(|bits| bits & 0x7c00 != 0x7c00);
    there_and_back(numbers().map(f16::from_bits).collect::<Vec<_>>(), f16::to_bits);
    let numbers = || (0..=u16::MAX).filter(|bits| bits & 0x7f80 != 0x7f80);
    there_and_back(numbers().map(bf16::from_bits).collect::<Vec<_>>(), bf16::to_bits);
}

#[test]
fn narrow_numbers_are_rounded_once() {
    // Halfway between 2048 and 2050, and a little beyond what f64 and f32 can tell from it.
    let near = format!("2049.{}1", "0".repeat(60));
    for (text, expected) in
        [("2049", 2048.0), (&*near, 2050.0), ("2049.0001", 2050.0), ("0.1", 0.1)]
    {
        assert_eq!(one::<f16>("real", text).unwrap(), Some(f16::from_f32(expected)), "{text}");
        let negative = one::<f16>("real", &format!("-{text}")).unwrap();
        assert_eq!(negative, Some(f16::from_f32(-expected)), "{text}");
    }
    assert_eq!(one::<f16>("real", "-0.0").unwrap().map(f16::to_bits), Some(0x8000));
    assert_eq!(one::<f16>("real", "inf").unwrap(), Some(f16::INFINITY));
    assert!(one::<bf16>("real", "NaN").unwrap().unwrap().is_nan());
}

#[test]
fn what_narrow_numbers_cannot_hold_is_refused() {
    for (field, value) in
        [("real", "65520"), ("real", "-1e9"), ("integer", "2049"), ("integer", "65536")]
    {
        assert_eq!(one::<f16>(field, value).unwrap_err().kind(), ErrorKind::Value, "{value}");
    }
    assert_eq!(one::<bf16>("integer", "257").unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(one::<bf16>("integer", "16777217").unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(one::<bf16>("integer", "16777216").unwrap(), Some(bf16::from_f32(16_777_216.0)));
    assert_eq!(one::<f16>("integer", "-2048").unwrap(), Some(f16::from_f32(-2048.0)));
    assert_eq!(one::<f16>("complex", "1 0").unwrap_err().kind(), ErrorKind::Type);
    let pattern = "%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1\n";
    assert_eq!(read::<f16>(pattern).unwrap().get(0, 0).unwrap(), Some(f16::ONE));
    let skew = "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 1.5\n";
    assert_eq!(read::<bf16>(skew).unwrap().get(0, 1).unwrap(), Some(bf16::from_f32(-1.5)));
}
