//! Matrix Market files of many blocks: order, faults that show only across blocks, texts written on all threads.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Header, Number, Reader, Symmetry, Writer};
use outcore::io::matrix_market::{write_dense, write_sparse};
use outcore::io::{read_matrix, write_matrix};
use outcore::{AnyMatrix, Context, Coo, Csc, Csr, Dense, Duplicates, Element, Order, Place};
use tempfile::{TempDir, tempdir};

use crate::numbers::random;

/// So many lines that they take several blocks for any number of threads.
const LINES: usize = 60_000;

fn contexts(folder: &TempDir) -> Vec<Context> {
    let free = Context::new().scratch(folder.path());
    let of = |threads: usize| free.clone().threads(threads).unwrap();
    vec![of(1), of(2), of(3), of(2).memory_limit(3 << 20)]
}

fn file(folder: &TempDir, header: &str, lines: &[(usize, usize, f64)]) -> PathBuf {
    let path = folder.path().join("a.mtx");
    let mut text = format!("%%MatrixMarket matrix coordinate real {header} {}\n", lines.len());
    for (row, col, value) in lines {
        text.push_str(&format!("{row} {col} {value}\n"));
    }
    fs::write(&path, text).unwrap();
    path
}

/// The matrix made of the entries one by one.
fn expected(shape: (usize, usize), lines: &[(usize, usize, f64)]) -> Csr<f64> {
    let entries = lines.iter().map(|&(row, col, value)| (row - 1, col - 1, value));
    let coo = Coo::<f64>::from_triplets(shape, entries).unwrap();
    coo.to_csr(Duplicates::Sum, Place::Memory, &Context::new()).unwrap()
}

fn rising() -> Vec<(usize, usize, f64)> {
    (0..LINES).map(|k| (k / 3 + 1, k % 3 * 7 + k % 5 + 1, k as f64 + 0.25)).collect()
}

#[test]
fn entries_in_order_and_not_quite_in_order() {
    let folder = tempdir().unwrap();
    let shape = (LINES / 3 + 5, 40);
    let header = format!("general\n{} {}", shape.0, shape.1);
    let in_order = rising();
    let mut exchanged = in_order.clone();
    exchanged.swap(LINES - 2, LINES - 1);
    let mut repeated = in_order.clone();
    repeated[LINES / 2 + 77] = (repeated[LINES / 2 + 76].0, repeated[LINES / 2 + 76].1, 1e-3);
    let mut by_columns = in_order.clone();
    by_columns.sort_by_key(|&(row, col, _)| (col, row));
    let mut backwards = in_order.clone();
    backwards.reverse();
    for lines in [in_order, exchanged, repeated, by_columns, backwards] {
        let reader = Reader::open(file(&folder, &header, &lines)).unwrap();
        let csr = expected(shape, &lines);
        let csc: Csc<f64> = csr.to_csc(Place::Memory, &Context::new()).unwrap();
        for ctx in contexts(&folder) {
            for place in [Place::Memory, Place::Scratch, Place::Replace(folder.path().join("b"))] {
                assert!(csr == reader.read_csr(place.clone(), &ctx).unwrap());
                assert!(csc == reader.read_csc(place, &ctx).unwrap());
            }
            let wide: Csr<f64, u64, u64> = reader.read_csr(Place::Memory, &ctx).unwrap();
            assert_eq!((wide.nnz(), wide.indices()[5]), (csr.nnz(), u64::from(csr.indices()[5])));
        }
        let coo = reader.read_coo::<f64, u32>(&Context::new()).unwrap();
        let found = coo.row_indices().iter().zip(coo.col_indices().iter()).zip(coo.data().iter());
        let found = found.map(|((&row, &col), &value)| (row as usize + 1, col as usize + 1, value));
        assert!(found.eq(lines.iter().copied()));
    }
}

#[test]
fn a_symmetry_is_expanded_in_every_block() {
    let folder = tempdir().unwrap();
    let lower = |k: usize| (k + 1, (k * 7919) % (k + 1) + 1, k as f64 - 0.5);
    let lines: Vec<_> = (0..LINES).map(lower).collect();
    let mirrored: Vec<_> = lines
        .iter()
        .flat_map(|&(row, col, value)| {
            let image = (row != col).then_some((col, row, value));
            [Some((row, col, value)), image].into_iter().flatten()
        })
        .collect();
    let csr = expected((LINES, LINES), &mirrored);
    let header = format!("symmetric\n{LINES} {LINES}");
    let reader = Reader::open(file(&folder, &header, &lines)).unwrap();
    for ctx in contexts(&folder) {
        let place = if ctx.memory_limit_bytes() < 4 << 20 { Place::Scratch } else { Place::Memory };
        assert!(csr == reader.read_csr(place, &ctx).unwrap());
    }
    assert_eq!(reader.read_coo::<f64, u32>(&Context::new()).unwrap().nnz(), csr.nnz());
}

/// The error of reading, which is the same for every number of threads and every form.
fn fault(folder: &TempDir, path: &Path) -> String {
    let reader = Reader::open(path).unwrap();
    let mut all = Vec::new();
    for ctx in contexts(folder) {
        all.push(reader.read_csr::<f64, u32, u32>(Place::Scratch, &ctx).unwrap_err().to_string());
        all.push(reader.read_csc::<f64, u32, u32>(Place::Scratch, &ctx).unwrap_err().to_string());
        all.push(reader.for_each::<f64>(&ctx, |_, _, _| Ok(())).unwrap_err().to_string());
    }
    all.push(reader.read_coo::<f64, u32>(&Context::new()).unwrap_err().to_string());
    assert!(all.iter().all(|error| *error == all[0]), "{all:#?}");
    all.swap_remove(0)
}

#[test]
fn the_first_fault_of_the_file_is_named_with_its_line() {
    let folder = tempdir().unwrap();
    let symmetric = format!("symmetric\n{LINES} {LINES}");
    let lines: Vec<_> = (0..LINES - 9).map(|k| (k + 2, k / 2 + 1, 1.5)).collect();
    // The other triangle, in a later block than the first; and another fault after it.
    let mut both = lines.clone();
    both[LINES / 2] = (3, 4, 1.0);
    both[LINES / 2 + 5] = (LINES + 1, 1, 1.0);
    let error = fault(&folder, &file(&folder, &symmetric, &both));
    assert!(error.contains(&format!("line {}", LINES / 2 + 3)), "{error}");
    assert!(error.contains("one triangle") && error.contains("row 3, column 4"), "{error}");
    // An index out of range before that.
    both[LINES / 2 - 1] = (LINES + 1, 1, 1.0);
    let error = fault(&folder, &file(&folder, &symmetric, &both));
    assert!(error.contains(&format!("line {}", LINES / 2 + 2)), "{error}");
    assert!(error.contains("the row index is out of range"), "{error}");
    // Only diagonal entries come before the first that tells the triangle.
    let mut upper: Vec<_> = (0..LINES).map(|k| (k + 1, k + 1, 1.0)).collect();
    upper[LINES - 3] = (1, LINES, 2.0);
    let reader = Reader::open(file(&folder, &symmetric, &upper)).unwrap();
    let a: Csr<f64> = reader.read_csr(Place::Memory, &Context::new()).unwrap();
    assert_eq!((a.get(0, LINES - 1).unwrap(), a.nnz()), (Some(2.0), LINES + 1));

    // More entries than announced: that counts, not what is wrong with them.
    let header = format!("general\n{LINES} {LINES}");
    let path = file(&folder, &header, &lines);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}% the end\n\n2 1 1\n2 1 x\n")).unwrap();
    let error = fault(&folder, &path);
    assert!(error.contains("more entries than declared"), "{error}");
    assert!(error.contains(&format!("line {}", LINES - 9 + 5)), "{error}");
    fs::write(&path, format!("{text}% the end\n\n2 1 x\n")).unwrap();
    let error = fault(&folder, &path);
    assert!(error.contains("not a number"), "{error}");
    let path = file(&folder, &symmetric, &lines);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}1 2 1\n")).unwrap();
    let error = fault(&folder, &path);
    assert!(error.contains("more entries than declared"), "{error}");
    // Fewer.
    let cut = text.len() - text.lines().last().unwrap().len() - 1;
    fs::write(&path, &text[..cut]).unwrap();
    let error = fault(&folder, &path);
    assert!(error.contains("ends too early"), "{error}");
}

#[test]
fn lines_of_any_length_between_blocks() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    let n = 30_000;
    let mut text = format!("%%MatrixMarket matrix coordinate integer general\n{n} 9 {n}\n");
    for k in 0..n {
        text.push_str(&" ".repeat(k % 37));
        text.push_str(&format!(
            "{}\t{}   {}{}",
            k + 1,
            k % 9 + 1,
            k,
            if k % 2 == 0 { "\r\n" } else { " \n" }
        ));
        if k % 1000 == 0 {
            text.push_str(&format!("%{}\n\n", "x".repeat(k)));
        }
    }
    text.truncate(text.trim_end().len());
    fs::write(&path, text).unwrap();
    for ctx in contexts(&folder) {
        let a: Csr<i64> = Reader::open(&path).unwrap().read_csr(Place::Memory, &ctx).unwrap();
        assert!(a.data().iter().copied().eq(0..n as i64));
        assert!(a.indices().iter().enumerate().all(|(k, &col)| col as usize == k % 9));
    }
}

/// The text of a matrix written entry by entry.
fn one_by_one<T: Number>(path: &Path, a: &Csr<T>, field: Field) -> String {
    let header = Header::coordinate(field, Symmetry::General, a.nrows(), a.ncols(), a.nnz() as u64);
    let unsigned = T::ENTRY_DTYPE == Some(outcore::DType::UInt64);
    let mut writer = Writer::create(path, Header { unsigned, ..header }, "").unwrap();
    for row in 0..a.nrows() {
        let line = a.row(row).unwrap();
        for (&col, &value) in line.indices.iter().zip(line.data) {
            writer.push(row, col as usize, value).unwrap();
        }
    }
    writer.finish().unwrap();
    fs::read_to_string(path).unwrap()
}

fn written_and_read<T: Number>(field: Field, value: impl Fn(usize) -> T) {
    let folder = tempdir().unwrap();
    let (n, mut state) = (20_000, 1);
    // Empty lines, and one that is longer than a block of entries.
    let mut entries: Vec<_> = (0..50_000)
        .map(|k| (random(&mut state) % (n / 2) * 2, random(&mut state) % n, value(k)))
        .collect();
    entries.extend((0..9_000).map(|k| (777, 2 * k, value(k))));
    entries.sort_by_key(|&(row, col, _)| (row, col));
    entries.dedup_by_key(|&mut (row, col, _)| (row, col));
    let a = Csr::<T>::from_triplets((n, n), entries, Duplicates::Refuse).unwrap();
    let (path, copy) = (folder.path().join("a.mtx"), folder.path().join("a.bspnpy"));
    let text = one_by_one(&path, &a, field);
    a.copy_to(&copy, &Context::new()).unwrap();
    let stored = Csr::<T>::open(&copy).unwrap();
    for ctx in contexts(&folder) {
        for a in [&a, &stored] {
            write_sparse(&path, a, "", &ctx).unwrap();
            assert!(fs::read_to_string(&path).unwrap() == text);
        }
        write_matrix(&path, &AnyMatrix::from(a.clone()), &ctx).unwrap();
        assert!(fs::read_to_string(&path).unwrap() == text);
        assert!(a == Reader::open(&path).unwrap().read_csr(Place::Memory, &ctx).unwrap());
    }
    // Column by column, it is another text of the same matrix.
    let csc: Csc<T> = a.to_csc(Place::Memory, &Context::new()).unwrap();
    write_sparse(&path, &csc, "by columns", &Context::new()).unwrap();
    assert!(csc == Reader::open(&path).unwrap().read_csc(Place::Memory, &Context::new()).unwrap());
    let coo = a.to_coo(Place::Memory, &Context::new()).unwrap();
    write_matrix(&path, &AnyMatrix::from(coo), &Context::new()).unwrap();
    assert!(fs::read_to_string(&path).unwrap() == text);
}

#[test]
fn texts_of_every_kind_are_those_written_entry_by_entry() {
    let fraction = |k: usize| (k as f64 - 7e3) / 7.0 * 10f64.powi(k as i32 % 60 - 30);
    written_and_read::<f64>(Field::Real, fraction);
    written_and_read::<f32>(Field::Real, |k| fraction(k) as f32);
    written_and_read::<()>(Field::Pattern, |_| ());
    written_and_read::<bool>(Field::Integer, |k| k % 3 == 0);
    written_and_read::<i8>(Field::Integer, |k| k as i8);
    written_and_read::<i64>(Field::Integer, |k| (k as i64 - 9999).wrapping_pow(5));
    written_and_read::<u64>(Field::Integer, |k| u64::MAX >> (k % 64));
    written_and_read::<Complex<f64>>(Field::Complex, |k| Complex::new(fraction(k), -fraction(k)));
}

fn array_written<T: Number + Element>(value: impl Fn(usize, usize) -> T) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mtx");
    let shape = (1000, 37);
    let rows = ndarray::Array2::from_shape_fn(shape, |(i, j)| value(i, j));
    let by_rows = Dense::from(rows.clone());
    let by_columns = by_rows.to_order(Order::Fortran, Place::Memory, &Context::new()).unwrap();
    let mut expected = None;
    for (k, ctx) in contexts(&folder).into_iter().enumerate() {
        for (l, a) in [&by_rows, &by_columns].into_iter().enumerate() {
            write_dense(&path, a, "", &ctx).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(*expected.get_or_insert_with(|| text.clone()) == text, "{k} {l}");
            let stored = folder.path().join(format!("{k}-{l}.npy"));
            a.copy_to(&stored, &ctx).unwrap();
            write_dense(&path, &Dense::<T>::open(&stored).unwrap(), "", &ctx).unwrap();
            assert!(fs::read_to_string(&path).unwrap() == text);
        }
        let back = Reader::open(&path).unwrap().read_dense::<T>(Place::Memory, &ctx).unwrap();
        assert!(back.as_ndarray() == rows);
        let any = read_matrix(&path, Place::Memory, &ctx).unwrap();
        assert_eq!(any.shape(), shape);
    }
}

#[test]
fn arrays_of_both_orders_are_one_text() {
    array_written::<f64>(|i, j| (i as f64 + 0.1) / (j as f64 + 3.0));
    array_written::<i64>(|i, j| i as i64 * 1_000_003 - j as i64);
}

fn packed(path: &Path) -> PathBuf {
    let to = path.with_extension("mtx.gz");
    let file = fs::File::create(&to).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(&fs::read(path).unwrap()).unwrap();
    encoder.finish().unwrap();
    to
}

#[test]
fn a_packed_file_has_the_matrix_and_the_faults_of_the_plain_one() {
    let folder = tempdir().unwrap();
    let shape = (LINES / 3 + 5, 40);
    let header = format!("general\n{} {}", shape.0, shape.1);
    let mut lines = rising();
    let path = file(&folder, &header, &lines);
    let (plain, reader) = (Reader::open(&path).unwrap(), Reader::open(packed(&path)).unwrap());
    for ctx in contexts(&folder) {
        let a: Csr<f64> = reader.read_csr(Place::Scratch, &ctx).unwrap();
        assert!(a == plain.read_csr(Place::Scratch, &ctx).unwrap());
    }
    lines.swap(3, LINES - 3);
    let path = file(&folder, &header, &lines);
    let a: Csr<f64> =
        Reader::open(packed(&path)).unwrap().read_csr(Place::Memory, &Context::new()).unwrap();
    assert!(a == expected(shape, &lines));
    let text = fs::read_to_string(&path).unwrap();
    let at = text.len() / 4 * 3 + text[text.len() / 4 * 3..].find('\n').unwrap();
    let long = format!("{}\n{}{}", &text[..at], " ".repeat(3 << 20), &text[at + 1..]);
    let wrong = format!("{}\n1 x 1{}", &text[..at], &text[at..]);
    let line = text[..at].lines().count() + 1;
    for (text, what) in [(long, "the line is too long"), (wrong, "not an index")] {
        fs::write(&path, text).unwrap();
        let errors = [fault(&folder, &path), fault(&folder, &packed(&path))];
        for error in errors {
            assert!(error.contains(what) && error.contains(&format!("line {line}")), "{error}");
        }
    }
}
