//! Good, odd and invalid `.npy` files: each is read as what NumPy reads, or refused by name, and never trusted.
//!
//! The collected files lie in a folder beside the checkout that not every machine has; the cases written here always
//! run.

use std::path::Path;

use ndarray::IxDyn;
use num_complex::Complex;
use outcore::linalg::Multiplies;
use outcore::{Context, DType, Dense, Element, Error, ErrorKind, Place, Result};
use serde_json::Value;
use tempfile::tempdir;

use crate::shared_data::{self, Scalar, json};

/// An array of whatever type, its elements in the order of their indices.
#[derive(Debug, PartialEq)]
struct Array {
    dtype: DType,
    shape: Vec<usize>,
    elements: Vec<Complex<f64>>,
}

impl Array {
    fn of<T: Element + Multiplies<Complex<f64>>>(dense: &Dense<T, IxDyn>) -> Self {
        let one = Complex::new(1.0, 0.0);
        let elements = dense.as_ndarray().iter().map(|element| element.times(one)).collect();
        Array { dtype: T::DTYPE, shape: dense.extents().to_vec(), elements }
    }
}

fn read<T: Element + Multiplies<Complex<f64>>>(path: &Path) -> Result<Array> {
    Dense::<T, IxDyn>::read(path, Place::Memory, &Context::new()).map(|a| Array::of(&a))
}

fn open<T: Element + Multiplies<Complex<f64>>>(path: &Path) -> Result<Array> {
    Dense::<T, IxDyn>::open(path).map(|a| Array::of(&a))
}

type Attempt = fn(&Path) -> Result<Array>;

/// One of `read` and `open` for every element type.
macro_rules! every_type {
    ($($attempt:tt)+) => {
        [
            $($attempt)+::<bool>, $($attempt)+::<i8>, $($attempt)+::<i16>, $($attempt)+::<i32>,
            $($attempt)+::<i64>, $($attempt)+::<u8>, $($attempt)+::<u16>, $($attempt)+::<u32>,
            $($attempt)+::<u64>, $($attempt)+::<f32>, $($attempt)+::<f64>,
            $($attempt)+::<Complex<f32>>, $($attempt)+::<Complex<f64>>,
        ]
    };
}

/// The array in the type that the file says, which is the one that is not refused for its type.
fn in_its_type(path: &Path, attempts: [Attempt; 13]) -> Result<Array> {
    let mut refusal = None;
    for attempt in attempts {
        match attempt(path) {
            Err(error) if error.kind() == ErrorKind::Type => refusal = Some(error),
            outcome => return outcome,
        }
    }
    Err(refusal.expect("there are types"))
}

/// Reads a copy, and maps the file as well: the two must agree where both succeed, and a map where a copy fails is
/// wrong.
fn load(path: &Path) -> Result<Array> {
    let read = in_its_type(path, every_type!(read));
    let open = in_its_type(path, every_type!(open));
    match (&read, open) {
        (Ok(read), Ok(open)) => assert_eq!(*read, open, "{}", path.display()),
        (Err(error), Ok(_)) => panic!("mapped, but: {error}"),
        (_, Err(error)) => check_refusal(path, &error),
    }
    read
}

/// An error must name the file, say what was found, and be of a kind that says whose fault it is.
fn check_refusal(path: &Path, error: &Error) {
    let message = error.to_string();
    assert_eq!(error.path(), Some(path), "{message}");
    assert!(error.location().is_some() || error.expectation().is_some(), "{message}");
    assert!(message.len() < 600, "{message}");
    let kinds = [ErrorKind::Format, ErrorKind::Shape, ErrorKind::Type, ErrorKind::Unsupported];
    assert!(kinds.contains(&error.kind()) || error.kind() == ErrorKind::Value, "{error:?}");
}

/// The elements of nested lists, whatever their depth.
fn flatten(json: &Value, elements: &mut Vec<Complex<f64>>) {
    match json {
        Value::Array(list) => list.iter().for_each(|inner| flatten(inner, elements)),
        number => elements.push(Scalar::of_json(number).complex()),
    }
}

/// Compares with a table's value; it says `f64` or NumPy's `float64`.
fn check_value(name: &str, array: &Array, value: &Value) {
    let mut elements = Vec::new();
    flatten(&value["dense"], &mut elements);
    assert_eq!(value["shape"], serde_json::json!(array.shape), "{name}");
    assert_eq!(array.elements, elements, "{name}");
    let dtype = array.dtype.name();
    let short: String =
        dtype.chars().take(1).chain(dtype.chars().filter(char::is_ascii_digit)).collect();
    assert!(value["dtype"] == dtype || value["dtype"] == *short, "{name}: {dtype}");
}

#[test]
fn collected_arrays_get_what_they_deserve() {
    let Some(shared) = shared_data::folder() else { return };
    let mut seen = 0;
    for folder in ["malformed/own", "malformed/thirdparty"].map(|name| shared.join(name)) {
        let expect = json(&folder.join("expect.json"));
        let observed = json(&folder.join("observed.json"));
        for (name, expect) in expect.as_object().unwrap().iter() {
            if !name.ends_with(".npy") {
                continue;
            }
            seen += 1;
            let path = folder.join(name);
            let outcome = load(&path);
            match (expect["verdict"].as_str().unwrap(), outcome) {
                ("accept", Ok(array)) => check_value(name, &array, &expect["value"]),
                // Whoever takes it must take it for what NumPy does.
                ("either", Ok(array)) => {
                    check_value(name, &array, &observed[name]["numpy.load"]["value"])
                }
                ("reject" | "either", Err(error)) => check_refusal(&path, &error),
                (verdict, outcome) => panic!("{name}: {verdict}, but: {outcome:?}"),
            }
        }
    }
    assert!(seen >= 40, "only {seen} files were seen");
}

/// A file of version 1 with this header text and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    versioned([1, 0], &(header.len() as u16).to_le_bytes(), header, data)
}

fn versioned(version: [u8; 2], length: &[u8], header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY".as_slice(), &version, length, header.as_bytes(), data].concat()
}

/// Loads `bytes` from a file of their own.
fn load_bytes(bytes: &[u8]) -> Result<Array> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("case.npy");
    std::fs::write(&path, bytes).unwrap();
    let outcome = load(&path);
    if let Err(error) = &outcome {
        check_refusal(&path, error);
    }
    outcome
}

/// The header of six numbers in two rows, padded so that the data starts at a multiple of 64.
fn header(descr: &str, shape: &str) -> String {
    let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    format!("{text:117}\n")
}

fn six() -> Vec<u8> {
    (1..=6).flat_map(|k| f64::from(k).to_le_bytes()).collect()
}

#[test]
fn a_plain_file_is_read_in_every_version() {
    let text = header("'<f8'", "(2, 3)");
    let expected = (1..=6).map(|k| Complex::new(f64::from(k), 0.0)).collect::<Vec<_>>();
    let long = (text.len() as u32).to_le_bytes();
    for bytes in [
        file(&text, &six()),
        versioned([2, 0], &long, &text, &six()),
        versioned([3, 0], &long, &text, &six()),
    ] {
        let array = load_bytes(&bytes).unwrap();
        assert_eq!((array.dtype, &array.shape[..]), (DType::Float64, &[2, 3][..]));
        assert_eq!(array.elements, expected);
    }
}

#[test]
fn hostile_files_are_refused() {
    use ErrorKind::{Format, Shape, Unsupported};
    let plain = header("'<f8'", "(2, 3)");
    let data = six();
    let with_length = |length: u16| versioned([1, 0], &length.to_le_bytes(), &plain, &data);
    let huge_header = versioned([2, 0], &u32::MAX.to_le_bytes(), &plain, &data);
    let string_order = plain.replace("False", "'False'");
    let zero_order = plain.replace("False", "0");
    let of = |descr: &str, shape: &str| file(&header(descr, shape), &data);
    let cases: [(&str, Vec<u8>, ErrorKind, &str); 20] = [
        ("empty", Vec::new(), Format, "not a .npy file"),
        ("cut in the magic", b"\x93NUM".to_vec(), Format, "not a .npy file"),
        ("cut in the header", file(&plain, &[])[..60].to_vec(), Format, "ends inside the header"),
        ("one byte short", file(&plain, &data[..47]), Format, "expected 48 bytes"),
        ("header past the end", with_length(60_000), Format, "60000 bytes of header"),
        ("header of 4 GiB", huge_header, Format, "at most"),
        ("header of nothing", with_length(0), Format, "not a dictionary"),
        ("2^64 elements", of("'<f8'", "(4611686018427387904, 4)"), Shape, "too many"),
        ("2^65 elements", of("'<f8'", "(36893488147419103232,)"), Format, "tuple"),
        ("8 TB", of("'<f8'", "(1000000, 1000000)"), Format, "expected 8000000000000 bytes"),
        ("zero times huge", of("'<f8'", "(9223372036854775807, 9, 0)"), Shape, "too many"),
        ("negative", of("'<f8'", "(-2, -3)"), Format, "non-negative"),
        ("a pickle", of("'|O'", "(2, 3)"), Unsupported, "never loaded"),
        ("a structure", of("[('a', '<f8')]", "(2, 3)"), Unsupported, "structured"),
        ("an open list", of("[('a', '<f8'", "(2, 3)"), Format, "not closed"),
        ("order as text", file(&string_order, &data), Format, "True or False"),
        ("order as a number", file(&zero_order, &data), Format, "True or False"),
        ("version 0", versioned([0, 0], &[118, 0], &plain, &data), Format, "unknown .npy version"),
        ("version 9", versioned([9, 0], &[118, 0], &plain, &data), Format, "unknown .npy version"),
        ("code", of("'<f8'", "(__import__('os'),)"), Format, "tuple"),
    ];
    for (name, bytes, kind, clue) in cases {
        let error = load_bytes(&bytes).map(|array| array.shape).expect_err(name);
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(clue), "{name}: {error}");
    }
}

#[test]
fn what_cannot_be_mapped_is_copied() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("case.npy");
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}";
    let swapped: Vec<u8> = (1..=6).flat_map(|k| f64::from(k).to_be_bytes()).collect();
    let cases: [(Vec<u8>, Attempt, &str); 3] = [
        (file(text, &six()), open::<f64>, "an address divisible by 8"),
        (file(&header("'>f8'", "(2, 3)"), &swapped), open::<f64>, "copy it with read"),
        (file(&header("'|b1'", "(2, 3)"), &[0, 1, 2, 255, 0, 1]), open::<bool>, "bool"),
    ];
    for (bytes, open, clue) in cases {
        std::fs::write(&path, bytes).unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.to_string().contains(clue), "{error}");
        let array = load(&path).unwrap();
        let expected = match array.dtype {
            DType::Bool => [0.0, 1.0, 1.0, 1.0, 0.0, 1.0],
            _ => [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        assert_eq!(array.elements, expected.map(|re| Complex::new(re, 0.0)));
    }
}
