//! The bytes on disk are those that `docs/format.md` shows: every block there that has a name is compared with a file.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use num_complex::Complex;
use outcore::{Context, Coo, Csr, Dense, Descriptor};
use tempfile::{TempDir, tempdir};

const DOCUMENT: &str = include_str!("../docs/format.md");

/// The block of the document that starts with ```` ```text NAME ````.
fn block(name: &str) -> &'static str {
    let fence = format!("```text {name}\n");
    let start = DOCUMENT.find(&fence).unwrap_or_else(|| panic!("no block {name}")) + fence.len();
    let end = DOCUMENT[start..].find("```").unwrap();
    &DOCUMENT[start..start + end]
}

/// Bytes as `hexdump -C` shows them: repeated lines as one star, the length at the end.
fn hexdump(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut before: Option<&[u8]> = None;
    let mut starred = false;
    for (at, line) in bytes.chunks(16).enumerate() {
        if before == Some(line) {
            if !starred {
                text.push_str("*\n");
            }
            starred = true;
            continue;
        }
        (before, starred) = (Some(line), false);
        write!(text, "{:08x} ", 16 * at).unwrap();
        for k in 0..16 {
            let gap = if k % 8 == 0 { " " } else { "" };
            match line.get(k) {
                Some(byte) => write!(text, "{gap}{byte:02x} ").unwrap(),
                None => write!(text, "{gap}   ").unwrap(),
            }
        }
        let printable = |&byte: &u8| if (32..127).contains(&byte) { byte as char } else { '.' };
        writeln!(text, " |{}|", line.iter().map(printable).collect::<String>()).unwrap();
    }
    writeln!(text, "{:08x}", bytes.len()).unwrap();
    text
}

fn written() -> TempDir {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let place = |name: &str| folder.path().join(name);
    Dense::from(ndarray::arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        .copy_to(place("a.npy"), &ctx)
        .unwrap();
    // [ 1 . 2 ]
    // [ . . . ]
    // [ . 3 . ]
    let csr = Csr::<f64>::from_parts((3, 3), vec![0, 2, 2, 3], vec![0, 2, 1], vec![1.0, 2.0, 3.0])
        .unwrap();
    csr.copy_to(place("csr.bspnpy"), &ctx).unwrap();
    csr.to_csc(place("csc.bspnpy"), &ctx).unwrap();
    csr.to_coo(place("coo.bspnpy"), &ctx).unwrap();
    csr.pattern().copy_to(place("pattern.bspnpy"), &ctx).unwrap();
    let values = vec![Complex::new(1.0f64, -1.0), Complex::new(2.0, -2.0), Complex::new(3.0, -3.0)];
    csr.with_data(values).unwrap().copy_to(place("complex.bspnpy"), &ctx).unwrap();
    let flags = csr.with_data(vec![true, false, true]).unwrap();
    flags.copy_to(place("bool.bspnpy"), &ctx).unwrap();
    folder
}

fn assert_text(folder: &Path, name: &str) {
    let found = fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(found, block(name), "{name} is now\n{found}");
}

fn assert_bytes(folder: &Path, name: &str) {
    let found = hexdump(&fs::read(folder.join(name)).unwrap());
    assert_eq!(found, block(name), "{name} is now\n{found}");
}

#[test]
fn the_document_shows_what_is_written() {
    let folder = written();
    assert_bytes(folder.path(), "a.npy");
    assert_text(folder.path(), "a.npy.xxh3");
    assert_bytes(folder.path(), "csr.bspnpy/pointers_to_1.npy");
    assert_bytes(folder.path(), "csr.bspnpy/indices_1.npy");
    assert_bytes(folder.path(), "csr.bspnpy/values.npy");
    assert_text(folder.path(), "csr.bspnpy/binsparse.json");
    assert_text(folder.path(), "csr.bspnpy/binsparse.json.xxh3");
    assert_text(folder.path(), "coo.bspnpy/binsparse.json");
    let csr = block("csr.bspnpy/binsparse.json");
    for (name, from, to) in [
        ("csc", "\"CSR\"", "\"CSC\""),
        ("pattern", "\"float64\"", "\"iso[int8]\""),
        ("complex", "\"float64\"", "\"complex[float64]\""),
        ("bool", "\"float64\"", "\"bint8\""),
    ] {
        let file = folder.path().join(format!("{name}.bspnpy/binsparse.json"));
        assert_eq!(fs::read_to_string(file).unwrap(), csr.replace(from, to));
        assert!(DOCUMENT.contains(to.trim_matches('"')), "{to} is not in the document");
    }
    assert_bytes(folder.path(), "pattern.bspnpy/values.npy");
    assert_bytes(folder.path(), "complex.bspnpy/values.npy");
    assert_bytes(folder.path(), "bool.bspnpy/values.npy");
}

#[test]
fn the_document_names_the_files_of_a_folder() {
    let folder = written();
    for (name, second) in [("csr", "pointers_to_1.npy"), ("coo", "indices_0.npy")] {
        let entries = fs::read_dir(folder.path().join(format!("{name}.bspnpy"))).unwrap();
        let found: BTreeSet<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let files = ["binsparse.json", "indices_1.npy", "values.npy", second];
        let expected: BTreeSet<_> =
            files.iter().flat_map(|file| [file.to_string(), format!("{file}.xxh3")]).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_documented_limits_are_those_of_the_code() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let header = |length: usize| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend_from_slice(&(length as u32).to_le_bytes());
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }";
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(12 + length, b' ');
        bytes.push(7);
        bytes
    };
    fs::write(&path, header(65_535)).unwrap();
    assert_eq!(Dense::<u8, ndarray::Ix1>::open(&path).unwrap().as_slice(), [7]);
    fs::write(&path, header(65_536)).unwrap();
    assert!(Dense::<u8, ndarray::Ix1>::open(&path).is_err());

    let path = folder.path().join("a.bspnpy");
    Csr::<f64>::eye(3).copy_to(&path, &Context::new()).unwrap();
    let file = path.join("binsparse.json");
    let text = fs::read_to_string(&file).unwrap();
    let padded = |length: usize| text.clone() + &" ".repeat(length - text.len());
    fs::write(&file, padded(1_048_576)).unwrap();
    assert!(Descriptor::read(&path).is_ok());
    fs::write(&file, padded(1_048_577)).unwrap();
    assert!(Descriptor::read(&path).is_err());
}

#[test]
fn a_stored_matrix_is_refused_where_the_document_says_so() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let stored = |name: &str| {
        let path = folder.path().join(name);
        Csr::<f64>::eye(3)
            .with_data(vec![true, false, true])
            .unwrap()
            .copy_to(&path, &ctx)
            .unwrap();
        path
    };
    let put = |path: &Path, file: &str, from: &str, to: &str| {
        let file = path.join(file);
        let bytes = fs::read(&file).unwrap();
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        fs::write(&file, [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat())
            .unwrap();
    };
    // Unsigned bytes may stand for bool, as Binsparse has it.
    let path = stored("bytes");
    put(&path, "values.npy", "|b1", "|u1");
    assert_eq!(**Csr::<bool>::open(&path).unwrap().data(), [true, false, true]);
    // Nothing else than the descriptor says may stand there.
    assert!(Csr::<u8>::open(&path).is_err());
    let path = stored("types");
    put(&path, "indices_1.npy", "<i4", "<u4");
    let message = Csr::<bool>::open(&path).unwrap_err().to_string();
    assert!(message.contains("expected int32, found uint32"), "{message}");
    put(&path, "binsparse.json", "\"indices_1\": \"int32\"", "\"indices_1\": \"uint32\"");
    assert!(Csr::<bool>::open(&path).is_ok());
    let path = stored("dimensions");
    put(&path, "values.npy", "(3,), ", "(1,3),");
    let message = Csr::<bool>::open(&path).unwrap_err().to_string();
    assert!(message.contains("one dimension"), "{message}");
    assert!(Csr::<bool>::open_mut(&path, &ctx).is_err());
    let path = stored("start");
    let file = path.join("pointers_to_1.npy");
    let mut bytes = fs::read(&file).unwrap();
    (0..4).for_each(|k| bytes[4096 + 4 * k] += 1);
    fs::write(&file, bytes).unwrap();
    let message = Csr::<bool>::open(&path).unwrap_err().to_string();
    assert!(message.contains("do not start at 0"), "{message}");
    assert!(Coo::<bool>::open(&path).is_err());
}
