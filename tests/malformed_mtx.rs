//! Collected Matrix Market files, good and bad, against what a correct reader must make of them.
//!
//! The files and the tables lie in a folder beside the checkout that not every machine has; without it the tests say
//! that they were skipped. `tests/matrix_market.rs` covers every rule with cases of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use num_complex::Complex;
use outcore::io::edge_list::EdgeList;
use outcore::io::matrix_market::{Field, Format, Header, Number, Reader};
use outcore::{Context, ErrorKind, Location, Result};
use serde_json::Value;

use crate::shared_data::{
    self, Collected, Scalar, check_structure, close, collected_matrices, json,
};

type Entries = BTreeMap<(usize, usize), Scalar>;

/// A file as a conversion to CSR would have it, duplicates summed, and how many entries were handed out for it.
struct Contents {
    header: Header,
    entries: Entries,
}

fn read(path: &Path) -> Result<Contents> {
    let reader = Reader::open(path)?;
    let header = reader.header().clone();
    let entries = match header.field {
        Field::Integer => collect::<i64>(&reader, |value| Scalar::Integer(value.into()))?,
        Field::Complex => {
            collect::<Complex<f64>>(&reader, |value| Scalar::Complex(value.re, value.im))?
        }
        Field::Real | Field::Pattern => {
            collect::<f64>(&reader, |value| Scalar::Complex(value, 0.0))?
        }
    };
    Ok(Contents { header, entries })
}

fn collect<T: Number>(reader: &Reader, scalar: impl Fn(T) -> Scalar) -> Result<Entries> {
    let mut entries = Entries::new();
    let mut handed_out = 0;
    reader.for_each::<T>(&Context::new().threads(2)?, |row, col, value| {
        handed_out += 1;
        let value = scalar(value);
        entries.entry((row, col)).and_modify(|sum| *sum = sum.plus(value)).or_insert(value);
        Ok(())
    })?;
    assert!(handed_out <= reader.expanded_upper_bound());
    Ok(entries)
}

/// The value that a table gives for a file, as its shape and its entries.
fn table_value(value: &Value) -> (Vec<usize>, Entries) {
    let shape =
        value["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let mut entries = Entries::new();
    if let Some(rows) = value["dense"].as_array() {
        for (i, row) in rows.iter().enumerate() {
            for (j, value) in row.as_array().unwrap().iter().enumerate() {
                entries.insert((i, j), Scalar::of_json(value));
            }
        }
    }
    for list in [&value["entries_0based"], &value["stored"]] {
        for entry in list.as_array().into_iter().flatten() {
            let at = |k: usize| entry[k].as_u64().unwrap() as usize;
            let value = Scalar::of_json(&entry[2]);
            entries.entry((at(0), at(1))).and_modify(|sum| *sum = sum.plus(value)).or_insert(value);
        }
    }
    (shape, entries)
}

/// Compares a file with a table; positions that an array file does not store count as zero.
fn check_value(name: &str, contents: &Contents, value: &Value) {
    let (shape, expected) = table_value(value);
    assert_eq!(shape, [contents.header.nrows, contents.header.ncols], "{name}");
    let dense = contents.header.format == Format::Array;
    if !dense {
        let positions = |entries: &Entries| entries.keys().copied().collect::<Vec<_>>();
        assert_eq!(positions(&expected), positions(&contents.entries), "{name}");
    }
    for (place, value) in expected {
        let found = contents.entries.get(&place).copied().unwrap_or(Scalar::Integer(0));
        assert!(found.same(value), "{name} at {place:?}: expected {value:?}, found {found:?}");
    }
}

fn check_rejected(path: &Path, outcome: Result<Contents>) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let error = outcome.map(|contents| contents.entries).expect_err(name);
    let message = error.to_string();
    assert!(message.contains(name), "no file in: {message}");
    assert!(message.len() < 600 && !message.contains('\u{fffd}'), "{message}");
    assert!(error.finding().is_some() && error.expectation().is_some(), "{message}");
    if message.contains("the compressed file is damaged") {
        return;
    }
    assert!(
        matches!(error.location(), Some(Location::Line(line)) if *line > 0),
        "no line in: {message}"
    );
    let kinds = [ErrorKind::Format, ErrorKind::Index, ErrorKind::Value, ErrorKind::Unsupported];
    assert!(kinds.contains(&error.kind()), "{error:?}");
}

#[test]
fn collected_bad_files_get_what_they_deserve() {
    let Some(shared) = shared_data::folder() else { return };
    for folder in ["malformed/own", "malformed/thirdparty"].map(|name| shared.join(name)) {
        let observed = json(&folder.join("observed.json"));
        let expect = json(&folder.join("expect.json"));
        for (name, expect) in
            expect.as_object().unwrap().iter().filter(|(name, _)| name.contains(".mtx"))
        {
            let path = folder.join(name);
            let start = Instant::now();
            let outcome = read(&path);
            // What is packed a thousandfold is unpacked before it is refused.
            let most = Duration::from_secs(if name.ends_with(".gz") { 30 } else { 2 });
            assert!(start.elapsed() < most, "{name} took {:?}", start.elapsed());
            if std::env::var_os("OUTCORE_SHOW_ERRORS").is_some() {
                eprintln!(
                    "{name}: {}",
                    outcome.as_ref().map_or_else(|e| e.to_string(), |_| "accepted".into())
                );
            }
            match expect["verdict"].as_str().unwrap() {
                "accept" => {
                    let contents = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
                    let scipy = &observed[name]["scipy.io.mmread"]["value"];
                    check_value(
                        name,
                        &contents,
                        if expect["value"].is_object() { &expect["value"] } else { scipy },
                    );
                }
                "either" => match &outcome {
                    Ok(contents) => {
                        check_either(name, contents, expect, &observed[name]["scipy.io.mmread"])
                    }
                    Err(_) => check_rejected(&path, outcome),
                },
                _ => check_rejected(&path, outcome),
            }
        }
    }
}

/// A file that may be accepted or not, and was: its value is given, or is what SciPy reads.
fn check_either(name: &str, contents: &Contents, expect: &Value, scipy: &Value) {
    if name == "mm_long_number.mtx" {
        assert!(contents.entries[&(0, 0)].same(Scalar::Complex(1.5, 0.0)));
    } else if expect["value"].is_object() {
        check_value(name, contents, &expect["value"]);
    } else {
        assert_eq!(
            scipy["result"], "accept",
            "{name} was accepted, and nothing says what it holds"
        );
        check_value(name, contents, &scipy["value"]);
    }
}

#[test]
fn collected_good_files_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    for Collected { name, path, expected } in collected_matrices(&shared) {
        match (read(&path), expected["verdict"].as_str()) {
            (Ok(contents), None | Some("either" | "accept")) => {
                check_numbers(&name, &contents, &expected)
            }
            (outcome @ Err(_), Some("reject" | "either")) => check_rejected(&path, outcome),
            (Ok(_), Some(_)) => panic!("{name} must not be read"),
            (Err(error), _) => panic!("{error}"),
        }
    }
}

fn check_numbers(name: &str, contents: &Contents, expected: &Value) {
    let Contents { header, entries } = contents;
    let shape = [header.nrows as u64, header.ncols as u64];
    assert_eq!(expected["shape"], serde_json::json!(shape), "{name}");
    assert_eq!(expected["nnz_stored"], header.stored, "{name}");
    assert_eq!(expected["nnz_expanded"], entries.len() as u64, "{name}");
    check_structure(name, entries.keys().copied(), header.ncols, expected);
    let found = entries.values().fold(Scalar::Integer(0), |sum, &value| sum.plus(value));
    let wanted = Scalar::of_json(&expected["sum"]);
    let tolerance = expected["abs_sum"].as_f64().unwrap_or(0.0) * 1e-12;
    let close = |a: f64, b: f64| close(a, b, tolerance);
    let ((re, im), (wanted_re, wanted_im)) = (found.parts(), wanted.parts());
    assert!(
        close(re, wanted_re) && close(im, wanted_im),
        "{name}: expected {wanted:?}, found {found:?}"
    );
}

#[test]
fn collected_edge_list_has_its_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let expected = json(&shared.join("expected/snap_as20graph.txt.json"));
    let mut edges = Vec::new();
    let list = EdgeList::open(shared.join("graphs/snap_as20graph.txt")).unwrap();
    let size = list
        .for_each(&Context::new(), |u, v, weight| {
            assert_eq!(weight, None);
            edges.push((u as usize, v as usize));
            Ok(())
        })
        .unwrap();
    assert_eq!(expected["shape"], serde_json::json!([size.vertices, size.vertices]));
    assert_eq!(expected["nnz_stored"], size.edges);
    check_structure("snap_as20graph.txt", edges.into_iter(), size.vertices as usize, &expected);
}
