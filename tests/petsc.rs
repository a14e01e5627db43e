//! PETSc binary files: collected ones with trusted numbers, written and read again, and malformed ones.

use std::fs;
use std::path::Path;

use num_complex::Complex;
use outcore::io::{
    FileFormat, Imported, PetscOptions, ReadOptions, read_matrix, read_matrix_with, write_matrix,
    write_petsc,
};
use outcore::{
    AnyMatrix, Context, Coo, Csc, Csr, DType, Dense, Duplicates, ErrorKind, Location, Order, Place,
    Result,
};
use tempfile::tempdir;

use crate::expected::{Case, TOLERANCE};
use crate::plans;
use crate::shared_data::{self, json};

const MATRIX: i64 = 1_211_216;
const VECTOR: i64 = 1_211_214;

fn big_endian(integers: &[i64], wide: bool) -> Vec<u8> {
    let bytes =
        |&n: &i64| if wide { n.to_be_bytes().to_vec() } else { (n as i32).to_be_bytes().to_vec() };
    integers.iter().flat_map(bytes).collect()
}

fn reals(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// 2 x 3 with the entries (0, 2) = 1, (1, 0) = 2, (1, 1) = 3.
fn small(wide: bool) -> Vec<u8> {
    let integers = [MATRIX, 2, 3, 3, 1, 2, 2, 0, 1];
    [big_endian(&integers, wide), reals(&[1.0, 2.0, 3.0])].concat()
}

fn of_small() -> Csr<f64> {
    let entries = [(0, 2, 1.0), (1, 0, 2.0), (1, 1, 3.0)];
    Csr::from_triplets((2, 3), entries, Duplicates::Refuse).unwrap()
}

fn read_with(path: &Path, bytes: &[u8], options: &ReadOptions) -> Result<Imported> {
    fs::write(path, bytes).unwrap();
    let ctx = Context::new().memory_limit(32 << 20);
    read_matrix_with(path, options, Place::Memory, &ctx)
}

fn read(path: &Path, bytes: &[u8]) -> Result<AnyMatrix> {
    read_with(path, bytes, &ReadOptions::default()).map(|read| read.matrix)
}

fn scalars(dtype: DType) -> ReadOptions {
    ReadOptions { petsc: PetscOptions { scalars: Some(dtype) }, ..ReadOptions::default() }
}

#[test]
fn collected_files_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let mut compared = 0;
    for name in [
        "petsc_hpd-complex-int32-float64",
        "petsc_ns-real-int32-float64",
        "petsc_spd-real-int32-float64",
        "petsc_spd-real-int64-float32",
    ] {
        let (path, ctx) = (shared.join("matrices").join(name), Context::new());
        let expected = json(&shared.join(format!("expected/{name}.json")));
        let case = Case {
            name: name.to_owned(),
            expected: &expected,
            tolerance: TOLERANCE,
            ctx: ctx.clone(),
        };
        let a = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx).unwrap();
        assert_eq!(a.format, FileFormat::Petsc);
        match a.matrix.dtype() {
            Some(DType::Complex128) => {
                let a = Csr::<Complex<f64>>::try_from(a.matrix).unwrap();
                case.sparse::<Complex<f64>, _, _, _, _>(&a);
            }
            Some(DType::Float64) => {
                case.sparse::<f64, _, _, _, _>(&Csr::<f64>::try_from(a.matrix).unwrap());
            }
            Some(DType::Float32) => {
                let case = Case { tolerance: 1e-6, ..case };
                case.sparse::<f64, _, _, _, _>(&Csr::<f32>::try_from(a.matrix).unwrap());
            }
            other => panic!("{name}: {other:?}"),
        }
        // The vectors behind the matrix: a right-hand side, then index sets written as vectors.
        let vector = |number: &str| {
            let options = ReadOptions { member: Some(number.to_owned()), ..ReadOptions::default() };
            read_matrix_with(&path, &options, Place::Memory, &ctx)
        };
        let lengths =
            ["1", "2", "3", "4", "5"].map(|number| vector(number).unwrap().matrix.shape());
        assert_eq!(lengths, [(12, 1), (7, 1), (5, 1), (9, 1), (7, 1)], "{name}");
        let error = vector("6").err().unwrap();
        assert!(error.to_string().contains("no such object"), "{error}");
        compared += 1;
    }
    assert_eq!(compared, 4);
}

#[test]
fn both_widths_of_integers_and_all_types_of_values_are_told_by_the_length() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    for wide in [false, true] {
        let a = read(&path, &small(wide)).unwrap();
        assert_eq!(a.index_dtype(), Some(DType::Int32));
        assert!(Csr::<f64>::try_from(a).unwrap() == of_small());
        let integers = big_endian(&[MATRIX, 2, 3, 3, 1, 2, 2, 0, 1], wide);
        let single: Vec<u8> = [1.0f32, 2.0, 3.0].into_iter().flat_map(f32::to_be_bytes).collect();
        let a = read(&path, &[&integers[..], &single].concat()).unwrap();
        assert_eq!(**Csr::<f32>::try_from(a).unwrap().data(), [1.0, 2.0, 3.0]);
        let complex = reals(&[1.0, -1.0, 2.0, -2.0, 3.0, -3.0]);
        let a = read(&path, &[&integers[..], &complex].concat()).unwrap();
        let a = Csr::<Complex<f64>>::try_from(a).unwrap();
        assert_eq!(a.get(1, 1).unwrap(), Some(Complex::new(3.0, -3.0)));
        // Complex values of single precision are as wide as float64: only the caller knows.
        let pairs: Vec<u8> =
            [1.0f32, -1.0, 2.0, -2.0, 3.0, -3.0].into_iter().flat_map(f32::to_be_bytes).collect();
        let bytes = [&integers[..], &pairs].concat();
        let a = read_with(&path, &bytes, &scalars(DType::Complex64)).unwrap().matrix;
        assert_eq!(
            Csr::<Complex<f32>>::try_from(a).unwrap().get(0, 2).unwrap(),
            Some(Complex::new(1.0, -1.0))
        );
        // Something else at the end is no matter if the type is given.
        let longer = [&small(wide)[..], b"something else"].concat();
        assert_eq!(read(&path, &longer).err().unwrap().kind(), ErrorKind::Format);
        let a = read_with(&path, &longer, &scalars(DType::Float64)).unwrap().matrix;
        assert!(Csr::<f64>::try_from(a).unwrap() == of_small());
        // Without values every width fits.
        let empty = read(&path, &big_endian(&[MATRIX, 3, 0, 0, 0, 0, 0], wide)).unwrap();
        assert_eq!((empty.shape(), empty.nnz(), empty.dtype()), ((3, 0), 0, Some(DType::Float64)));
    }
    let error = read_with(&path, &small(false), &scalars(DType::Int64)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn dense_matrices_vectors_and_index_sets() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    for wide in [false, true] {
        let bytes = [big_endian(&[MATRIX, 2, 3, -1], wide), reals(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]
            .concat();
        let a = Dense::<f64>::try_from(read(&path, &bytes).unwrap()).unwrap();
        assert_eq!((a.shape(), a.as_ndarray()[[1, 0]]), ((2, 3), 4.0));
        let bytes = [big_endian(&[VECTOR, 3], wide), reals(&[1.0, 2.0, 3.0])].concat();
        let a = Dense::<f64>::try_from(read(&path, &bytes).unwrap()).unwrap();
        assert_eq!((a.shape(), a.as_slice()), ((3, 1), &[1.0, 2.0, 3.0][..]));
        let set = big_endian(&[1_211_218, 2, 7, -5], wide);
        let options = ReadOptions { format: Some(FileFormat::Petsc), ..ReadOptions::default() };
        let a = read_with(&path, &set, &options).unwrap().matrix;
        let a = a.to_dtype(DType::Int64, Place::Memory, &Context::new()).unwrap();
        assert_eq!(Dense::<i64>::try_from(a).unwrap().as_slice(), [7, -5]);
    }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.petsc");
    let ctx = Context::new().threads(2).unwrap();
    let a = Csr::<f64>::random((300, 200), 0.05, 5, Place::Memory, &ctx).unwrap();
    let csc: Csc<f64> = a.to_csc(Place::Memory, &ctx).unwrap();
    let coo: Coo<f64> = a.to_coo(Place::Memory, &ctx).unwrap();
    for matrix in [AnyMatrix::from(a.clone()), AnyMatrix::from(csc), AnyMatrix::from(coo)] {
        write_matrix(&path, &matrix, &ctx).unwrap();
        let back = read_matrix(&path, Place::Memory, &ctx).unwrap();
        assert!(Csr::<f64>::try_from(back).unwrap() == a);
        write_petsc(&path, &matrix, DType::Int64, &ctx).unwrap();
        let length = fs::metadata(&path).unwrap().len() as usize;
        assert_eq!(length, 8 * (4 + 300 + 2 * a.nnz()));
        let to = Place::Replace(folder.path().join("b.bspnpy"));
        let back = read_matrix(&path, to, &ctx).unwrap();
        assert!(back.stored_bytes() > 0);
        assert!(Csr::<f64>::try_from(back).unwrap() == a);
    }
    let complex = Csr::<Complex<f32>>::from_triplets(
        (2, 2),
        [(1, 0, Complex::new(0.5, -1.0))],
        Duplicates::Sum,
    )
    .unwrap();
    write_matrix(&path, &AnyMatrix::from(complex), &ctx).unwrap();
    let back =
        Csr::<Complex<f64>>::try_from(read_matrix(&path, Place::Memory, &ctx).unwrap()).unwrap();
    assert_eq!(back.get(1, 0).unwrap(), Some(Complex::new(0.5, -1.0)));
    // The bytes themselves, as PETSc writes them.
    write_matrix(&path, &AnyMatrix::from(of_small()), &ctx).unwrap();
    assert_eq!(fs::read(&path).unwrap(), small(false));
    write_petsc(&path, &AnyMatrix::from(of_small()), DType::Int64, &ctx).unwrap();
    assert_eq!(fs::read(&path).unwrap(), small(true));
    // A pattern is written as ones, integers as float64 if that is exact.
    write_matrix(&path, &AnyMatrix::from(of_small()).pattern().unwrap(), &ctx).unwrap();
    let back = Csr::<f64>::try_from(read_matrix(&path, Place::Memory, &ctx).unwrap()).unwrap();
    assert_eq!(**back.data(), [1.0, 1.0, 1.0]);
    let large =
        Csr::<i64>::from_triplets((1, 2), [(0, 0, 7), (0, 1, (1 << 53) + 1)], Duplicates::Sum)
            .unwrap();
    let error = write_matrix(&path, &AnyMatrix::from(large), &ctx).unwrap_err();
    assert_eq!(
        (error.kind(), error.location()),
        (ErrorKind::Value, Some(&Location::Position(1))),
        "{error}"
    );
    // What failed has left the old file.
    assert_eq!(read_matrix(&path, Place::Memory, &ctx).unwrap().nnz(), 3);
}

#[test]
fn dense_matrices_are_written_by_rows_and_columns_as_vectors() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.petsc");
    let ctx = Context::new();
    let values = ndarray::Array2::from_shape_fn((70, 50), |(i, j)| (i * 50 + j) as f64);
    for order in [Order::C, Order::Fortran] {
        let a = AnyMatrix::from(Dense::from(values.clone()));
        let a = AnyMatrix::try_from(a.to_dense(order, Place::Memory, &ctx).unwrap()).unwrap();
        write_matrix(&path, &a, &ctx).unwrap();
        let back =
            Dense::<f64>::try_from(read_matrix(&path, Place::Memory, &ctx).unwrap()).unwrap();
        assert_eq!(back.as_ndarray(), values);
    }
    let column = AnyMatrix::from(Dense::from(ndarray::arr2(&[[1.5f32], [2.0]])));
    write_matrix(&path, &column, &ctx).unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        [big_endian(&[VECTOR, 2], false), reals(&[1.5, 2.0])].concat()
    );
}

#[test]
fn malformed_files_are_refused_where_they_are_wrong() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let check = |bytes: &[u8], kind: ErrorKind, byte: Option<u64>, what: &str| {
        let error = read(&path, bytes).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.path(), Some(&*path), "{error}");
        if let Some(byte) = byte {
            assert_eq!(error.location(), Some(&Location::Byte(byte)), "{error}");
        }
        assert!(error.to_string().contains(what), "{error}");
    };
    let sparse = |integers: &[i64]| [big_endian(integers, false), reals(&[1.0, 2.0, 3.0])].concat();
    // Cut off after 48 bytes it would be complete, with values of single precision.
    for end in (4..small(false).len()).filter(|&end| end != 48) {
        check(&small(false)[..end], ErrorKind::Format, None, "");
    }
    use ErrorKind::{Format, Index};
    check(&sparse(&[MATRIX, -2, 3, 3, 1, 2, 2, 0, 1]), Format, Some(4), "negative extent");
    check(
        &sparse(&[MATRIX, 2, 3, -3, 1, 2, 2, 0, 1]),
        Format,
        Some(12),
        "negative number of entries",
    );
    check(
        &sparse(&[MATRIX, 2, 3, 3, 1, 3, 2, 0, 1]),
        Index,
        Some(20),
        "more entries than the matrix",
    );
    check(&sparse(&[MATRIX, 2, 3, 3, 1, -1, 2, 0, 1]), Index, Some(20), "more entries than");
    check(&sparse(&[MATRIX, 2, 3, 3, 1, 1, 2, 0, 1]), Index, Some(16), "fewer");
    check(
        &sparse(&[MATRIX, 2, 3, 3, 1, 2, 2, 3, 1]),
        Index,
        Some(28),
        "column index is out of range",
    );
    check(
        &sparse(&[MATRIX, 2, 3, 3, 1, 2, 2, 0, -1]),
        Index,
        Some(32),
        "column index is out of range",
    );
    let wide = [big_endian(&[MATRIX, 2, 3, 3, 1, 2, 2, 1 << 40, 1], true), reals(&[1.0, 2.0, 3.0])]
        .concat();
    check(&wide, Index, Some(56), "column index is out of range");
    // Extents that the file does not hold are refused before anything is allocated.
    check(&big_endian(&[MATRIX, 2_000_000_000, 3, 2_000_000_000], false), Format, None, "");
    check(&big_endian(&[MATRIX, i64::MAX, 3, i64::MAX], true), Format, None, "");
    check(&big_endian(&[VECTOR, i64::MAX], true), Format, None, "");
    check(&big_endian(&[MATRIX, 1 << 40, 1 << 40, -1], true), Format, None, "");
    let member = ReadOptions { member: Some("A".to_owned()), ..ReadOptions::default() };
    assert_eq!(read_with(&path, &small(false), &member).err().unwrap().kind(), Format);
    let forced = ReadOptions { format: Some(FileFormat::Petsc), ..ReadOptions::default() };
    for bytes in [&b""[..], b"\0", b"0 1 2\n3 4 5\n"] {
        let error = read_with(&path, bytes, &forced).err().unwrap();
        assert!(error.to_string().contains("not a PETSc file"), "{error}");
    }
}

#[test]
fn a_number_of_entries_beyond_32_bits_is_that_of_the_rows() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let mut bytes = small(false);
    bytes[12..16].copy_from_slice(&i32::MAX.to_be_bytes());
    assert!(Csr::<f64>::try_from(read(&path, &bytes).unwrap()).unwrap() == of_small());
}

#[test]
fn mutated_bytes_give_an_answer_or_a_typed_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end
    };
    let (mut read_again, mut refused) = (0, 0);
    for round in 0..2000 {
        let mut bytes = small(round % 2 == 0);
        for _ in 0..below(3) + 1 {
            let at = below(bytes.len());
            match below(4) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes.truncate(at.max(8)),
                2 => bytes[at] = [0, 1, 0x7f, 0xff][below(4)],
                _ => bytes.extend_from_slice(&small(false)[..below(40)]),
            }
        }
        let options = ReadOptions { format: Some(FileFormat::Petsc), ..ReadOptions::default() };
        match read_with(&path, &bytes, &options) {
            Ok(read) => {
                assert!(read.matrix.nnz() * 4 <= bytes.len(), "{}", read.matrix);
                read.matrix.check().unwrap();
                read_again += 1;
            }
            Err(error) => {
                use ErrorKind::{Format, Index, Memory, Type, Unsupported};
                assert!(
                    [Format, Index, Memory, Type, Unsupported].contains(&error.kind()),
                    "{error:?}"
                );
                refused += 1;
            }
        }
    }
    assert!(read_again > 100 && refused > 100, "{read_again} {refused}");
}

#[test]
fn costs_are_told_and_limits_obeyed() {
    let folder = tempdir().unwrap();
    let (path, written) = (folder.path().join("a.petsc"), folder.path().join("b.petsc"));
    let free = Context::new();
    let a = Csr::<f64>::random((60_000, 60_000), 20.0 / 60_000.0, 3, Place::Memory, &free).unwrap();
    write_matrix(&path, &AnyMatrix::from(a.clone()), &free).unwrap();
    let ctx = Context::new().memory_limit(8 << 20).scratch(folder.path());
    let error = read_matrix(&path, Place::Memory, &ctx).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let to = Place::Replace(folder.path().join("a.bspnpy"));
    let (stored, report) = plans::measured(&ctx, |ctx| read_matrix(&path, to.clone(), ctx));
    assert_eq!(report.plan.operation, "reading PETSc binary");
    assert!(report.actual.peak_memory <= 8 << 20, "{report}");
    let (_, report) = plans::measured(&free, |ctx| read_matrix(&path, Place::Memory, ctx));
    assert_eq!(report.actual.passes, 1);
    let (_, report) = plans::measured(&ctx, |ctx| write_matrix(&written, &stored, ctx));
    assert!(report.actual.peak_memory <= 8 << 20, "{report}");
    assert!(fs::read(&written).unwrap() == fs::read(&path).unwrap());
    assert!(Csr::<f64>::try_from(stored).unwrap() == a);
}
