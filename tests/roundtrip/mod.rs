//! Every file to every format and back: the same shape, the same structure, the same values to the last bit, or a
//! typed refusal where the format does not hold the matrix, and only there.
//!
//! What is sent: a gallery of all element types and kinds, and the collected files, where they are.

mod gallery;
mod values;
mod ways;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use outcore::io::{FileFormat, ReadOptions, read_matrix_with, write_matrix};
use outcore::{AnyMatrix, Context, Csr, ErrorKind, Order, Place, Result};
use rayon::prelude::*;

use crate::roundtrip::values::{stored, summed};
use crate::roundtrip::ways::{Sent, WAYS, Way};
use crate::shared_data;

/// Elements of a matrix that is also sent as a dense one, at most.
const DENSE: usize = 10_000;

/// Entries of a matrix that is also sent in other kinds, at most.
const SEVERAL: usize = 5_000;

/// What became of the matrices that were sent on a way.
#[derive(Default)]
struct Tally {
    returned: usize,
    refused: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Tallies {
    ways: BTreeMap<Way, Tally>,
    differences: Vec<String>,
}

impl Tallies {
    /// Prints the counts, and fails if a matrix came back as another one, or if nothing came back on some way.
    fn settle(self, least: usize) {
        for (way, Tally { returned, refused }) in &self.ways {
            let refused: Vec<_> = refused.iter().map(|(why, n)| format!("{n} {why}")).collect();
            println!("{way:?}: {returned} came back, refused: [{}]", refused.join("; "));
            assert!(*returned >= least, "{way:?}: only {returned}");
        }
        assert_eq!(self.ways.len(), WAYS.len());
        let many = self.differences.len();
        assert!(many == 0, "{many} differ:\n{}", self.differences.join("\n"));
    }
}

/// Sends a matrix on one way; what it says if it did not come back as it was.
fn send(
    way: Way,
    sent: &Sent<'_>,
    folder: &Path,
    tally: &mut Tally,
) -> std::result::Result<(), String> {
    if !way.leads(sent) {
        return Ok(());
    }
    let ctx = Context::new().threads(1).unwrap().scratch(folder);
    let reasons = way.refusals(sent);
    let back = match way.send(sent, folder, &ctx) {
        Ok(back) => back,
        Err(error) if reasons.contains(&error.kind()) => {
            let why = error.to_string();
            let why = why.split_once(": ").map_or(&*why, |(_, why)| why);
            let why = why.split([':', ';', '(']).next().unwrap_or_default().trim().to_owned();
            *tally.refused.entry(why).or_default() += 1;
            return Ok(());
        }
        Err(error) => return Err(format!("{:?}: {error}", error.kind())),
    };
    if !reasons.is_empty() {
        return Err(format!("should be refused with {reasons:?}"));
    }
    let (shape, dtype) = (way.shape(sent), way.dtype(sent));
    if (back.shape(), back.dtype()) != (shape, dtype) {
        let found = (back.shape(), back.dtype());
        return Err(format!("expected {:?}, found {found:?}", (shape, dtype)));
    }
    if back.format().is_none() != sent.is_dense() {
        return Err(format!("came back as {back}"));
    }
    let found = stored(&back).map_err(|error| error.to_string())?;
    let (expected, found) = match way.is_exact() {
        true => {
            let kinds = |a: &AnyMatrix| (a.format(), a.index_dtype(), a.pointer_dtype());
            if kinds(&back) != kinds(sent.matrix) {
                return Err(format!("came back as {back}"));
            }
            let as_sent = |&(i, j, value): &values::At| (i, j, value.widened(dtype));
            (sent.entries.iter().map(as_sent).collect(), found)
        }
        false => (summed(sent.entries, dtype), summed(&found, dtype)),
    };
    // In the fewest digits by which a number of 32 bits is known: it is no other one of 32 bits.
    let few = way.is_text() && sent.is_narrow();
    let found: Vec<_> =
        found.into_iter().map(|(i, j, v)| (i, j, if few { v.narrowed() } else { v })).collect();
    let expected: Vec<values::At> = expected;
    let mut pairs = expected.iter().zip(&found);
    let differs = pairs.find(|(a, b)| (a.0, a.1) != (b.0, b.1) || !a.2.same(b.2, way.is_text()));
    match differs {
        Some((a, b)) => Err(format!("sent {a:?}, found {b:?}")),
        None if expected.len() != found.len() => {
            Err(format!("{} sent, {} found", expected.len(), found.len()))
        }
        None => {
            tally.returned += 1;
            Ok(())
        }
    }
}

/// A matrix in the kinds that its size allows.
fn kinds(a: AnyMatrix, ctx: &Context) -> Result<Vec<AnyMatrix>> {
    let mut made = vec![];
    let (nrows, ncols) = a.shape();
    if a.nnz() <= SEVERAL {
        made.push(AnyMatrix::from(a.to_csc(Place::Memory, ctx)?));
        made.push(AnyMatrix::from(a.to_coo(Place::Memory, ctx)?));
        if a.format().is_some() && a.dtype().is_some() {
            made.push(a.pattern()?);
        }
        if a.format().is_some() && nrows * ncols <= DENSE {
            made.push(AnyMatrix::try_from(a.to_dense(Order::Fortran, Place::Memory, ctx)?)?);
        }
    }
    made.push(a);
    Ok(made)
}

/// Sends matrices in all kinds on all ways.
fn send_all(name: &str, a: AnyMatrix, tallies: &Mutex<Tallies>) {
    let ctx = Context::new().threads(1).unwrap();
    let kinds = kinds(a, &ctx).unwrap_or_else(|error| panic!("{name}: {error}"));
    for matrix in kinds {
        let entries = stored(&matrix).unwrap_or_else(|error| panic!("{name}: {error}"));
        let sent = Sent { matrix: &matrix, entries: &entries };
        let folder = temporary();
        for way in WAYS {
            let mut tally = Tally::default();
            let outcome = send(way, &sent, folder.path(), &mut tally);
            let mut tallies = tallies.lock().unwrap();
            let all = tallies.ways.entry(way).or_default();
            all.returned += tally.returned;
            for (why, count) in tally.refused {
                *all.refused.entry(why).or_default() += count;
            }
            if let Err(what) = outcome {
                tallies.differences.push(format!("{name} ({matrix}), {way:?}: {what}"));
            }
        }
    }
}

/// A folder in memory, where there is one: thousands of files are brought to their device.
fn temporary() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn matrices_of_all_types_come_back_from_every_format() {
    let tallies = Mutex::new(Tallies::default());
    gallery::gallery().unwrap().into_par_iter().for_each(|(name, a)| send_all(&name, a, &tallies));
    tallies.into_inner().unwrap().settle(20);
}

/// Collected files that hold no matrix, or none that is read: of MATLAB before 7.3, with a vector, with an index 0, without
/// a banner, with values that are not those of their field.
const UNREAD: [(&str, ErrorKind); 13] = [
    ("1138_bus_SVD.mat", ErrorKind::Unsupported),
    ("fmm_vector_coordinate_complex.mtx", ErrorKind::Unsupported),
    ("fmm_vector_coordinate_dupes.mtx", ErrorKind::Unsupported),
    ("index.json", ErrorKind::Unsupported),
    ("lg_full_noheader.mtx", ErrorKind::Format),
    ("lg_matrix_fp32.mtx", ErrorKind::Value),
    ("lg_west0067_noheader.mtx", ErrorKind::Format),
    ("pyamg_airfoil.mat", ErrorKind::Unsupported),
    ("pyamg_bar.mat", ErrorKind::Unsupported),
    ("pyamg_recirc_flow.mat", ErrorKind::Unsupported),
    ("pyamg_unit_square.mat", ErrorKind::Unsupported),
    ("spqr_r2.mtx", ErrorKind::Index),
    ("spqr_s32.mtx", ErrorKind::Index),
];

/// Matrices of collected files, with their names and formats, and the files that are not read.
type Collected = (Vec<(String, FileFormat, AnyMatrix)>, Vec<(String, ErrorKind)>);

fn collected(shared: &Path) -> Collected {
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    let mut files: Vec<PathBuf> = ["matrices", "graphs", "interop"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(shared.join(folder)).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if cfg!(not(feature = "hdf5")) && (name.ends_with(".h5") || name.ends_with(".h5ad")) {
            continue;
        }
        // Archives of several arrays have a table for each.
        let tables = shared.join("expected");
        let mut members: Vec<Option<String>> = ["A_eq", "A_ub"]
            .iter()
            .filter(|member| tables.join(format!("{name}__{member}.json")).exists())
            .map(|member| Some((*member).to_owned()))
            .collect();
        if members.is_empty() {
            members.push(None);
        }
        for member in members {
            let options = ReadOptions { member, ..ReadOptions::default() };
            match read_matrix_with(&path, &options, Place::Memory, &Context::new()) {
                Ok(imported) => read.push((name.clone(), imported.format, imported.matrix)),
                Err(error) => unread.push((name.clone(), error.kind())),
            }
        }
    }
    unread.sort_by(|a, b| a.0.cmp(&b.0));
    (read, unread)
}

#[test]
fn collected_files_come_back_from_every_format() {
    let Some(shared) = shared_data::folder() else { return };
    let (read, unread) = collected(&shared);
    let unread: Vec<_> = unread.iter().map(|(name, kind)| (&**name, *kind)).collect();
    assert_eq!(unread, UNREAD);
    let mut formats: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, format, _) in &read {
        *formats.entry(format.name()).or_default() += 1;
    }
    println!("read: {formats:?}; not read: {}", UNREAD.len());
    let tallies = Mutex::new(Tallies::default());
    read.into_par_iter().for_each(|(name, _, a)| send_all(&name, a, &tallies));
    tallies.into_inner().unwrap().settle(10);
}

/// Rows and columns of a matrix of malformed files that is sent, at most: its pointers are made in every kind.
const EXTENT: usize = 1_000_000;

#[test]
fn what_is_read_of_malformed_files_comes_back_too() {
    let Some(shared) = shared_data::folder() else { return };
    let ctx = Context::new().threads(1).unwrap().memory_limit(64 << 20);
    let (tallies, mut read, mut refused) = (Mutex::new(Tallies::default()), 0, 0);
    for folder in ["own", "thirdparty"] {
        for file in std::fs::read_dir(shared.join("malformed").join(folder)).unwrap() {
            let path = file.unwrap().path();
            let opened = read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx);
            // Indices that are mapped were not looked at yet.
            match opened.and_then(|read| read.matrix.check().map(|_| read.matrix)) {
                Ok(matrix) => {
                    let (nrows, ncols) = matrix.shape();
                    if nrows.max(ncols) <= EXTENT {
                        send_all(&path.display().to_string(), matrix, &tallies);
                    }
                    read += 1;
                }
                Err(error) => {
                    assert_eq!(error.path(), Some(&*path), "{error}");
                    refused += 1;
                }
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 20 && refused > 50, "{read} {refused}");
    tallies.into_inner().unwrap().settle(1);
}

#[test]
fn formats_that_are_not_written_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (a, ctx) = (AnyMatrix::from(Csr::<f64>::eye(3)), Context::new());
    for name in ["a.h5", "a.h5ad", "a.rb", "a.rua", "a.tri", "a.bin", "a"] {
        let path = folder.path().join(name);
        let error = write_matrix(&path, &a, &ctx).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.hint().is_some() || error.to_string().contains(".mtx"), "{error}");
        assert!(!path.exists());
    }
    assert_eq!(FileFormat::of_name(Path::new("a.rb")), Some(FileFormat::HarwellBoeing));
}
