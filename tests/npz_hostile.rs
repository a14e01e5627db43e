//! Archives that lie: an error that names the file, or the right matrix; never a panic, and never more memory than the
//! file justifies.

use std::path::Path;

use outcore::io::{Imported, ReadOptions, read_graph, read_matrix_with};
use outcore::{AnyMatrix, Context, Csr, DType, Error, ErrorKind, Place, Result};
use serde_json::Value;
use tempfile::tempdir;

use crate::archives::{Part, bytes_of, line, npy, scipy_csr, with, zip};
use crate::shared_data::{self, Scalar, json};

fn read_bytes(bytes: &[u8], ctx: &Context) -> Result<Imported> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    std::fs::write(&path, bytes).unwrap();
    let read = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, ctx)?;
    // The indices of a mapped matrix are checked when they are used.
    read.matrix.check()?;
    Ok(read)
}

fn refused(parts: &[Part]) -> Error {
    let error = read_bytes(&zip(parts), &Context::new()).expect_err("a refusal");
    assert!(error.path().is_some(), "{error}");
    error
}

#[test]
fn arrays_that_do_not_fit_each_other_are_refused() {
    for (name, data, what) in [
        ("indptr.npy", line("<i4", &[0i32, 2, 2, 4]), "indptr.npy"),
        ("indptr.npy", line("<i4", &[0i32, 2, 1, 4, 6]), "decrease"),
        ("indptr.npy", line("<i4", &[0i32, 2, 2, 4, 7]), "expected"),
        ("indptr.npy", line("<i4", &[0i32, 2, 99, 4, 6]), "expected"),
        ("indptr.npy", line("<i4", &[-1i32, 2, 2, 4, 6]), "expected"),
        ("indptr.npy", line("<i4", &[0i32, 2, -2, 4, 6]), "found -2"),
        ("indptr.npy", line("<i8", &[0i64, 2, 2, 4, -6]), "found -6"),
        ("indptr.npy", line("<i4", &[1i32, 2, 2, 4, 7]), "expected"),
        ("indptr.npy", line("<u8", &[0u64, 2, 2, u64::MAX, 6]), "expected"),
        ("indptr.npy", line("<f8", &[0f64, 2.0, 2.0, 4.0, 6.0]), "integers"),
        ("indices.npy", line("<i4", &[0i32, 3, 1, 5, 0, 2]), "out of range"),
        ("indices.npy", line("<i4", &[0i32, 3, -1, 4, 0, 2]), "out of range"),
        ("indices.npy", line("<i2", &[0i16, 3, -1, 4, 0, 2]), "found -1"),
        ("indices.npy", line("<f8", &[0f64; 6]), "integers"),
        ("indices.npy", npy("<i4", "(2, 3)", &bytes_of(&[0i32, 3, 1, 4, 0, 2])), "one dimension"),
        ("data.npy", line("<f8", &[1f64; 5]), "data.npy"),
        ("data.npy", npy("<f8", "(6, 1)", &[0; 48]), "one dimension"),
        ("data.npy", npy("|O", "(6,)", &[0; 48]), "pickled"),
        ("data.npy", npy("<U1", "(6,)", &[0; 24]), "<U1"),
        ("shape.npy", line("<i8", &[3i64, 5]), "indptr.npy"),
        ("shape.npy", line("<i8", &[4i64]), "two"),
        ("shape.npy", line("<i8", &[4i64, 5, 1]), "two"),
        ("shape.npy", line("<i8", &[4i64, -5]), "negative"),
        ("shape.npy", line("<f8", &[4f64, 5.0]), "integers"),
        ("shape.npy", line("<i8", &[i64::MAX, 5]), "indptr.npy"),
        ("format.npy", npy("|S3", "()", b"csx"), "csx"),
        ("format.npy", npy("|S3", "(2,)", b"csrcsr"), "string"),
        ("format.npy", npy("<f8", "()", &[0; 8]), "string"),
        ("data.npy", npy("<f8", "(1152921504606846976, 16)", &[0; 48]), "too many"),
        ("data.npy", npy("<f8", "(6", &[0; 48]), "tuple"),
        ("data.npy", Vec::new(), "data.npy"),
    ] {
        for deflated in [false, true] {
            let parts = with(scipy_csr(), name, data.clone());
            let parts: Vec<_> = parts.into_iter().map(|part| Part { deflated, ..part }).collect();
            let error = refused(&parts);
            assert!(error.to_string().contains(what), "{name}, {what}: {error}");
        }
    }
    for k in 0..5 {
        let mut parts = scipy_csr();
        let name = parts.remove(k).name;
        let error = refused(&parts).to_string();
        let what = name.trim_end_matches(".npy");
        assert!(error.contains(what) || error.contains("several arrays"), "{name}: {error}");
    }
}

#[test]
fn archives_that_two_programs_could_read_differently_are_refused() {
    let changed = |change: &dyn Fn(&mut Part)| {
        let mut parts = scipy_csr();
        change(&mut parts[4]);
        refused(&parts)
    };
    let mut twice = scipy_csr();
    twice.push(Part::stored("data.npy", line("<f8", &[9.0f64; 6])));
    assert!(refused(&twice).to_string().contains("one name"));
    let cases: [(&dyn Fn(&mut Part), &str); 12] = [
        (&|part| part.name = "../data.npy".to_owned(), "leads out"),
        (&|part| part.name = "/data.npy".to_owned(), "leads out"),
        (&|part| part.name = "a\\..\\data.npy".to_owned(), "leads out"),
        (&|part| part.mode = 0o120_777, "link"),
        (&|part| part.local_name = Some("datb.npy".to_owned()), "differs"),
        (&|part| part.flags = 1, "encrypted"),
        (&|part| part.method = Some(14), "LZMA"),
        (&|part| part.size = Some(1 << 30), "size"),
        (&|part| part.packed = Some(1 << 30), "extends beyond"),
        (&|part| part.header = Some(1 << 30), "damaged"),
        (&|part| part.header = Some(0), "differs"),
        (&|part| part.header = Some(7), "extends beyond"),
    ];
    for (change, what) in cases {
        let error = changed(change).to_string();
        assert!(error.to_lowercase().contains(&what.to_lowercase()), "{what}: {error}");
    }
    // What is packed otherwise than it is said.
    let error = changed(&|part| (part.deflated, part.method) = (true, Some(0)));
    assert!(error.to_string().contains("data.npy"), "{error}");
    let error = changed(&|part| (part.deflated, part.method) = (false, Some(8)));
    assert_eq!(error.kind(), ErrorKind::Format, "{error}");
    // More and less than the archive says.
    for size in [1, 175, 177, 10_000] {
        let error = changed(&|part| {
            part.deflated = true;
            part.size = Some(size);
        });
        assert_eq!(error.kind(), ErrorKind::Format, "{size}: {error}");
    }
    let trailing = with(scipy_csr(), "data.npy", [line("<f8", &[1f64; 6]), vec![0; 9]].concat());
    assert!(refused(&trailing).to_string().contains("does not match its shape"));
}

#[test]
fn checksums_of_what_is_copied_are_compared() {
    for deflated in [false, true] {
        let parts: Vec<_> = scipy_csr()
            .into_iter()
            .map(|part| Part { deflated, padding: 5, crc: Some(7), ..part })
            .collect();
        let error = refused(&parts);
        // A single byte more in front of the first member makes it unaligned, and so a copy.
        assert_eq!(error.kind(), ErrorKind::Checksum, "{error}");
    }
}

#[test]
fn bombs_are_bounded() {
    // The lengths disagree: nothing of the zeros is unpacked.
    let zeros = npy("<f8", "(33554432,)", &vec![0; 256 << 20]);
    let mut parts = scipy_csr();
    parts[4] = Part::deflated("data.npy", zeros.clone());
    let ctx = Context::new().memory_limit(1 << 20);
    let error = read_bytes(&zip(&parts), &ctx).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Format, "{error}");
    // They agree: more than the limit.
    let error = read_bytes(&zip(&[Part::deflated("a.npy", zeros)]), &ctx).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    // A size that no packed bytes could have.
    let promised =
        Part { size: Some(u32::MAX - 1), ..Part::deflated("a.npy", npy("<f8", "()", &[0; 8])) };
    assert!(refused(&[promised]).to_string().contains("size"));
}

#[test]
fn every_cut_and_every_changed_byte_is_survived() {
    let deflated: Vec<_> =
        scipy_csr().into_iter().map(|part| Part { deflated: true, ..part }).collect();
    let ctx = Context::new().memory_limit(8 << 20);
    let mut accepted = 0;
    for whole in [zip(&scipy_csr()), zip(&deflated)] {
        for end in (0..whole.len()).step_by(3) {
            assert!(read_bytes(&whole[..end], &ctx).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= [0x01, 0x80, 0xff][at % 3];
            accepted += usize::from(read_bytes(&changed, &ctx).is_ok());
        }
    }
    // Values, dates and the like may be anything.
    assert!(accepted > 0);
}

#[test]
fn a_graph_is_read_from_an_archive_and_its_indices_are_checked() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let read = |parts: &[_]| {
        std::fs::write(&path, zip(parts)).unwrap();
        read_graph::<u32, u32>(&path, Place::Memory, &Context::new())
    };
    assert_eq!(read(&scipy_csr()).unwrap().nnz(), 6);
    for bad in [[0, 3, 1, 5, 0, 2], [0, 3, 1, -1, 0, 2]] {
        let parts = with(scipy_csr(), "indices.npy", line("<i4", &bad));
        let error = read(&parts).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Index, Some(&*path)), "{error}");
    }
}

/// Whether a matrix has the entries that a table lists.
fn has(a: &AnyMatrix, value: &Value, ctx: &Context) -> Result<bool> {
    let a = a.to_dtype(DType::Complex128, Place::Memory, ctx)?;
    let a = AnyMatrix::from(a.to_coo(Place::Memory, ctx)?).to_csr(Place::Memory, ctx)?;
    let a: AnyMatrix = a.into();
    let found: Vec<_> = match Csr::<outcore::num_complex::Complex<f64>>::try_from(a.clone()) {
        Ok(a) => a.iter().collect(),
        Err(_) => Csr::<_, u64, u64>::try_from(a)?.iter().collect(),
    };
    let wanted = value["entries_0based"].as_array().unwrap();
    let same = |(entry, (i, j, v)): (&Value, &(usize, usize, _))| {
        entry[0] == *i && entry[1] == *j && Scalar::of_json(&entry[2]).complex() == *v
    };
    Ok(wanted.len() == found.len() && wanted.iter().zip(&found).all(same))
}

#[test]
fn collected_archives_get_what_their_table_says() {
    let Some(shared) = shared_data::folder() else { return };
    let folder = shared.join("malformed/own");
    let (table, mut checked) = (json(&folder.join("expect.json")), 0);
    let ctx = Context::new().memory_limit(64 << 20);
    for (name, expected) in table.as_object().unwrap() {
        if !name.starts_with("npz_") {
            continue;
        }
        let path: &Path = &folder.join(name);
        let read = read_matrix_with(path, &ReadOptions::default(), Place::Memory, &ctx)
            .and_then(|read| read.matrix.check().map(|_| read.matrix));
        let verdict = expected["verdict"].as_str().unwrap();
        match (read, verdict) {
            (Err(error), "reject" | "either") => {
                assert_eq!(error.path(), Some(path), "{name}: {error}");
            }
            (Ok(a), "accept") => {
                let value = &expected["value"];
                let shape = serde_json::json!([a.nrows(), a.ncols()]);
                assert_eq!(value["shape"], shape, "{name}");
                assert!(has(&a, value, &ctx).unwrap(), "{name}: {a}");
            }
            (Ok(a), "either") => {
                // The control matrix, or another that SciPy reads.
                assert!(a.nnz() > 0, "{name}: {a}");
            }
            (read, _) => panic!("{name}: {verdict}, but {:?}", read.map(|a| a.to_string())),
        }
        checked += 1;
    }
    assert!(checked > 30, "{checked}");
    println!("{checked} archives");
}
