//! Matrix Market files written for one rule each, and every combination of format, field and symmetry there and back.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use num_complex::Complex;
use outcore::io::matrix_market::{Field, Header, Number, Reader, Symmetry, Writer};
use outcore::{CancelToken, Context, Error, ErrorKind, Location, Result};
use proptest::prelude::*;

/// A folder that goes away, and the path of a file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.mtx");
    (folder, path)
}

fn read_bytes<T: Number>(bytes: &[u8], ctx: &Context) -> Result<Vec<(usize, usize, T)>> {
    let (_folder, path) = place();
    std::fs::write(&path, bytes).unwrap();
    let mut entries = Vec::new();
    Reader::open(&path)?.for_each(ctx, |row, col, value| {
        entries.push((row, col, value));
        Ok(())
    })?;
    Ok(entries)
}

fn read<T: Number>(text: &str) -> Result<Vec<(usize, usize, T)>> {
    read_bytes(text.as_bytes(), &Context::new())
}

/// What an error must say: its kind, its line, and what was expected and found there.
fn refused<T: Number>(text: &str, kind: ErrorKind, line: u64, expected: &str, found: &str) {
    let error = read::<T>(text).map(|_| ()).expect_err(text);
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.location(), Some(&Location::Line(line)), "{error}");
    assert_eq!((error.expectation(), error.finding()), (Some(expected), Some(found)), "{error}");
    assert!(error.to_string().contains("case.mtx, line"), "{error}");
}

const REAL: &str = "%%MatrixMarket matrix coordinate real general\n";
const INTEGER: &str = "%%MatrixMarket matrix coordinate integer general\n";

#[test]
fn layout_is_free() {
    let plain = vec![(0, 0, 1.5), (2, 1, -2.0)];
    for text in [
        "%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 1.5\n3 2 -2\n",
        "%%MatrixMarket matrix coordinate real general\r\n%c\r\n3 3 2\r\n1 1 1.5\r\n3 2 -2\r\n",
        "%%matrixmarket  MATRIX\tCoordinate Double GENERAL \n\n% c\n %d\n 3\t3  2 \n\n1 1 1.5\n%e\n\t3 2   -2 \n\n",
        "%%MatrixMarket matrix coordinate real general\n3 3 2\n1 1 +1.5e0\n3 2 -.2E+1",
        "%%MatrixMarket matrix coordinate real general\n3 3 2\n001 1 1.5\n3 2 -2.\r",
    ] {
        assert_eq!(read::<f64>(text).unwrap(), plain, "{text:?}");
    }
}

#[test]
fn order_duplicates_and_zeros_stay() {
    let text = format!("{REAL}2 2 4\n2 1 4\n1 1 1\n1 1 2\n1 2 0\n");
    assert_eq!(read::<f64>(&text).unwrap(), [(1, 0, 4.0), (0, 0, 1.0), (0, 0, 2.0), (0, 1, 0.0)]);
}

#[test]
fn symmetries_expand() {
    let text = "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n2 2 1\n3 1 2\n3 2 0\n";
    let expanded = [(1, 1, 1.0), (2, 0, 2.0), (0, 2, 2.0), (2, 1, 0.0), (1, 2, 0.0)];
    assert_eq!(read::<f64>(text).unwrap(), expanded);
    let text = "%%MatrixMarket matrix coordinate integer skew-symmetric\n3 3 1\n3 1 2\n";
    assert_eq!(read::<i8>(text).unwrap(), [(2, 0, 2), (0, 2, -2)]);
    let text = "%%MatrixMarket matrix coordinate complex hermitian\n2 2 2\n1 1 3 0\n2 1 4 5\n";
    let c = Complex::<f32>::new;
    assert_eq!(
        read(text).unwrap(),
        [(0, 0, c(3.0, 0.0)), (1, 0, c(4.0, 5.0)), (0, 1, c(4.0, -5.0))]
    );
    let text = "%%MatrixMarket matrix array real skew-symmetric\n3 3\n1\n2\n3\n";
    let expanded =
        [(1, 0, 1.0), (0, 1, -1.0), (2, 0, 2.0), (0, 2, -2.0), (2, 1, 3.0), (1, 2, -3.0)];
    assert_eq!(read::<f64>(text).unwrap(), expanded);
    let text = "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n1 3\n2 3\n";
    assert_eq!(
        read::<bool>(text).unwrap(),
        [(0, 2, true), (2, 0, true), (1, 2, true), (2, 1, true)]
    );
}

#[test]
fn arrays_go_column_by_column() {
    let text = "%%MatrixMarket matrix array integer general\n2 3\n1\n0\n3\n4\n5\n6\n";
    let entries = [(0, 0, 1), (1, 0, 0), (0, 1, 3), (1, 1, 4), (0, 2, 5), (1, 2, 6)];
    assert_eq!(read::<u8>(text).unwrap(), entries);
    for shape in ["0 0", "0 5", "5 0"] {
        let text = format!("%%MatrixMarket matrix array real general\n{shape}\n");
        assert_eq!(read::<f64>(&text).unwrap(), []);
    }
}

#[test]
fn headers_that_are_refused() {
    use ErrorKind::{Format, Unsupported};
    let banner = "the banner \"%%MatrixMarket matrix …\"";
    refused::<f64>("3 3 2\n1 1 1\n", Format, 1, banner, "\"3\"");
    refused::<f64>(
        "%%MatrixMarket vector array real general\n1\n1\n",
        Unsupported,
        1,
        "\"matrix\"",
        "\"vector\"",
    );
    let symmetries = "one of: general, symmetric, skew-symmetric, hermitian";
    refused::<f64>(
        "%%MatrixMarket matrix array real\n1 1\n1\n",
        Format,
        1,
        symmetries,
        "the end of the line",
    );
    let end = "the end of the line";
    refused::<f64>("%%MatrixMarket matrix array real general x\n1 1\n1\n", Format, 1, end, "\"x\"");
    let text = "%%MatrixMarket matrix coordinate pattern hermitian\n1 1 0\n";
    refused::<f64>(text, Format, 1, "general or symmetric with field pattern", "hermitian");
    refused::<f64>(&format!("{REAL}%\n2 2 1 9\n1 1 1\n"), Format, 3, end, "\"9\"");
    refused::<f64>(
        &format!("{REAL}2 2\n"),
        Format,
        2,
        "a number of entries from 0 to 18446744073709551615",
        end,
    );
    let sizes = "a number of rows from 0 to 9223372036854775807";
    refused::<f64>(&format!("{REAL}-3 3 0\n"), Format, 2, sizes, "\"-3\"");
    refused::<f64>(
        &format!("{REAL}9223372036854775808 3 0\n"),
        Format,
        2,
        sizes,
        "\"9223372036854775808\"",
    );
    refused::<f64>(REAL, Format, 2, "a line with the sizes", "the end of the file");
    let text = "%%MatrixMarket matrix coordinate real symmetric\n3 4 0\n";
    refused::<f64>(text, Format, 2, "as many rows as columns, being symmetric", "3 x 4");
    let carriage_return = "a carriage return without a line feed";
    refused::<f64>(
        "%%MatrixMarket matrix array real general\r1 1\r1\r",
        Format,
        1,
        end,
        carriage_return,
    );
}

#[test]
fn counts_that_are_refused() {
    use ErrorKind::Format;
    refused::<f64>(&format!("{REAL}3 3 3\n1 1 1\n2 2 2.000\n\n"), Format, 6, "3 entries", "2");
    let text = format!("{REAL}3 3 1\n1 1 1\n\n% more\n2 2 2\n3 3 3\n");
    refused::<f64>(&text, Format, 6, "the end of the file after 1 entries", "another entry");
    let text = format!("{REAL}3 3 1000000000000\n1 1 1\n");
    refused::<f64>(&text, Format, 2, "1000000000000 entries", "6 bytes, space for 1 at most");
    let text = "%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n5\n";
    refused::<f64>(text, Format, 7, "the end of the file after 4 entries", "another entry");
    let text = "%%MatrixMarket matrix array real general\n4000000000 4000000000\n1\n";
    refused::<f64>(text, Format, 2, "16000000000000000000 entries", "2 bytes, space for 1 at most");
}

#[test]
fn indices_that_are_refused() {
    use ErrorKind::{Format, Index};
    let text = |row: &str| format!("{REAL}3 2 2\n1 1 1\n{row} 1 1\n");
    for (row, found) in [
        ("4", "\"4\""),
        ("0", "\"0\""),
        ("-1", "\"-1\""),
        ("18446744073709551617", "\"18446744073709551617\""),
    ] {
        refused::<f64>(&text(row), Index, 4, "a row index from 1 to 3", found);
    }
    for (row, found) in
        [("1e0", "\"1e0\""), ("+1", "\"+1\""), ("1.0", "\"1.0\""), ("\u{a0}1", "\"\\xc2\\xa01\"")]
    {
        refused::<f64>(&text(row), Format, 4, "a row index", found);
    }
    refused::<f64>(
        &format!("{REAL}3 2 1\n1 3 1\n"),
        Index,
        3,
        "a column index from 1 to 2",
        "\"3\"",
    );
    refused::<f64>(
        &format!("{REAL}3 2 1\n1\n2 2 2\n"),
        Format,
        3,
        "a column index",
        "the end of the line",
    );
}

#[test]
fn values_that_are_refused() {
    use ErrorKind::{Format, Value};
    let real = "a decimal number";
    for value in [
        "1.5D+03",
        "1,5",
        "0x1p3",
        "seven",
        "1.5abc",
        "1e",
        ".",
        "--1",
        "1_000",
        "e5",
        "1\0",
        "\u{2212}2",
    ] {
        let found = format!("\"{}\"", value.as_bytes().escape_ascii());
        refused::<f64>(&format!("{REAL}1 1 1\n1 1 {value}\n"), Value, 3, real, &found);
        refused::<()>(&format!("{REAL}1 1 1\n1 1 {value}\n"), Value, 3, real, &found);
    }
    refused::<f64>(&format!("{REAL}2 2 2\n1 1\n2 2 3\n"), Value, 3, real, "the end of the line");
    refused::<f64>(&format!("{REAL}1 1 1\n1 1 1 2\n"), Format, 3, "the end of the line", "\"2\"");
    refused::<f64>(&format!("{REAL}1 1 1\n1 1 1 % c\n"), Format, 3, "the end of the line", "\"%\"");
    let long = "9".repeat(100) + "x";
    refused::<f64>(
        &format!("{REAL}1 1 1\n1 1 {long}\n"),
        Value,
        3,
        real,
        &format!("\"{}…\"", "9".repeat(40)),
    );
    refused::<f64>(
        &format!("{REAL}1 1 1\n1 1 1e309\n"),
        Value,
        3,
        "a number within the range of float64",
        "\"1e309\"",
    );
    refused::<f32>(
        &format!("{REAL}1 1 1\n1 1 1e39\n"),
        Value,
        3,
        "a number within the range of float32",
        "\"1e39\"",
    );
    for value in ["2.5", "2.0", "1e3", "x", "inf"] {
        refused::<f64>(
            &format!("{INTEGER}1 1 1\n1 1 {value}\n"),
            Value,
            3,
            "an integer",
            &format!("\"{value}\""),
        );
    }
}

#[test]
fn remedies_are_named() {
    for (value, remedy) in
        [("1.5D+03", "not Fortran's D"), ("1,5", "is a point"), ("0x1p3", "hexadecimal")]
    {
        let error = read::<f64>(&format!("{REAL}1 1 1\n1 1 {value}\n")).unwrap_err();
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn integers_are_exact_or_refused() {
    let one = |value: &str| format!("{INTEGER}1 1 1\n1 1 {value}\n");
    assert_eq!(read::<i64>(&one("-9223372036854775808")).unwrap(), [(0, 0, i64::MIN)]);
    assert_eq!(read::<u64>(&one("18446744073709551615")).unwrap(), [(0, 0, u64::MAX)]);
    assert_eq!(read::<f64>(&one("9007199254740992")).unwrap(), [(0, 0, 9007199254740992.0)]);
    assert_eq!(read::<Complex<f64>>(&one("-7")).unwrap(), [(0, 0, Complex::new(-7.0, 0.0))]);
    assert_eq!(read::<bool>(&one("0")).unwrap(), [(0, 0, false)]);
    let value = |text: &str| (one(text), format!("\"{text}\""));
    let (text, found) = value("9007199254740993");
    refused::<f64>(&text, ErrorKind::Value, 3, "an integer that is exact in float64", &found);
    let (text, found) = value("16777217");
    refused::<Complex<f32>>(
        &text,
        ErrorKind::Value,
        3,
        "an integer that is exact in float32",
        &found,
    );
    let (text, found) = value("128");
    refused::<i8>(&text, ErrorKind::Value, 3, "an integer in the range of i8", &found);
    let (text, found) = value("-1");
    refused::<u64>(&text, ErrorKind::Value, 3, "an integer in the range of u64", &found);
    let (text, found) = value("2");
    refused::<bool>(&text, ErrorKind::Value, 3, "0 or 1", &found);
    let (text, found) = value("18446744073709551616");
    refused::<f64>(
        &text,
        ErrorKind::Value,
        3,
        "an integer from -9223372036854775808 to 18446744073709551615",
        &found,
    );
}

#[test]
fn types_that_would_lose_something_are_refused() {
    let kind = |outcome: Result<()>| outcome.unwrap_err().kind();
    let complex = "%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 0\n";
    assert_eq!(kind(read::<i32>(&format!("{REAL}1 1 1\n1 1 1\n")).map(drop)), ErrorKind::Type);
    assert_eq!(kind(read::<bool>(&format!("{REAL}1 1 1\n1 1 1\n")).map(drop)), ErrorKind::Type);
    assert_eq!(kind(read::<f64>(complex).map(drop)), ErrorKind::Type);
    assert_eq!(read::<()>(complex).unwrap(), [(0, 0, ())]);
    assert_eq!(
        read::<Complex<f64>>(&format!("{REAL}1 1 1\n1 1 2\n")).unwrap(),
        [(0, 0, Complex::new(2.0, 0.0))]
    );
    let pattern = "%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1\n";
    assert_eq!(read::<f32>(pattern).unwrap(), [(0, 0, 1.0)]);
    let error = read::<f64>(complex).unwrap_err();
    assert_eq!(
        (error.expectation(), error.finding()),
        (Some("field real or integer or pattern"), Some("field complex"))
    );
}

#[test]
fn symmetric_files_hold_one_triangle() {
    use ErrorKind::{Format, Value};
    let symmetric = "%%MatrixMarket matrix coordinate real symmetric\n3 3 3\n2 1 1\n1 1 1\n2 3 5\n";
    refused::<f64>(
        symmetric,
        Format,
        5,
        "entries below the diagonal, like those before",
        "row 2, column 3",
    );
    let skew = "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 1\n2 2 0\n";
    refused::<f64>(skew, Format, 3, "a row and a column that differ", "row 2, column 2");
    let skew = |value: &str| {
        format!("%%MatrixMarket matrix coordinate integer skew-symmetric\n2 2 1\n2 1 {value}\n")
    };
    let negative = "a value whose negative the type holds";
    refused::<i64>(&skew("-9223372036854775808"), Value, 3, negative, "-9223372036854775808");
    refused::<u32>(&skew("7"), Value, 3, negative, "7");
    assert_eq!(read::<u32>(&skew("0")).unwrap(), [(1, 0, 0), (0, 1, 0)]);
}

#[test]
fn other_kinds_of_file_are_named() {
    let (folder, path) = place();
    std::fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
    let error = Reader::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("compressed file is damaged"), "{error}");
    std::fs::write(&path, format!("\u{feff}{REAL}1 1 0\n")).unwrap();
    assert!(Reader::open(&path).unwrap_err().to_string().contains("byte order mark"));
    assert_eq!(Reader::open(folder.path()).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(Reader::open(folder.path().join("none")).unwrap_err().kind(), ErrorKind::Io);
    std::fs::write(&path, "").unwrap();
    assert_eq!(Reader::open(&path).unwrap_err().location(), Some(&Location::Line(1)));
}

/// A file of several blocks with lines of many lengths, and the entries it holds.
fn long_file() -> (String, Vec<(usize, usize, f64)>) {
    let mut text = format!("{REAL}60000 60000 60000\n");
    let mut entries = Vec::new();
    for i in 0..60_000usize {
        let (row, col, value) = (i * 7919 % 60_000, i, (i as f64) / 8.0);
        writeln!(
            text,
            "{}{} {}{} {value}",
            " ".repeat(i % 3),
            row + 1,
            " ".repeat(i % 11),
            col + 1
        )
        .unwrap();
        if i % 1000 == 0 {
            writeln!(text, "% {}\n", "c".repeat(i * 5)).unwrap();
        }
        entries.push((row, col, value));
    }
    (text, entries)
}

#[test]
fn files_of_many_blocks_keep_their_order() {
    let (text, entries) = long_file();
    assert!(text.len() > 8 << 20);
    for ctx in [
        Context::new().threads(1).unwrap(),
        Context::new().threads(5).unwrap(),
        Context::new().threads(2).unwrap().memory_limit(1),
    ] {
        assert!(read_bytes::<f64>(text.as_bytes(), &ctx).unwrap() == entries);
    }
}

#[test]
fn lines_are_counted_through_all_blocks() {
    let (text, _) = long_file();
    let line = text.lines().count() as u64;
    let broken = text.trim_end().rsplit_once(' ').unwrap().0.to_owned() + " what\n";
    refused::<f64>(&broken, ErrorKind::Value, line, "a decimal number", "\"what\"");
    let more = text + "\n1 1 1\n";
    refused::<f64>(
        &more,
        ErrorKind::Format,
        line + 2,
        "the end of the file after 60000 entries",
        "another entry",
    );
}

#[test]
fn endless_lines_are_refused() {
    let endless = " ".repeat(4 << 20);
    for (text, line) in [
        (format!("%%MatrixMarket{endless}matrix"), 1),
        (format!("{REAL}2 2 1\n{endless}1 1 1\n"), 3),
        (format!("{REAL}2 2 1\n1 1 1\n\n%{endless}"), 5),
    ] {
        refused::<f64>(&text, ErrorKind::Format, line, "a line feed within 1048576 bytes", "none");
    }
    let long = format!("{REAL}2 2 1\n{}1 1 1\n", " ".repeat(900_000));
    assert_eq!(read::<f64>(&long).unwrap(), [(0, 0, 1.0)]);
}

#[test]
fn progress_is_told_and_cancel_obeyed() {
    let (text, entries) = long_file();
    let reports = Arc::new(AtomicU64::new(0));
    let (counter, token) = (Arc::clone(&reports), CancelToken::new());
    let ctx = Context::new().threads(1).unwrap().cancel(token.clone()).progress(move |progress| {
        assert!(progress.done <= progress.total);
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(read_bytes::<f64>(text.as_bytes(), &ctx).unwrap().len(), entries.len());
    assert!(reports.load(Ordering::Relaxed) > 3);
    token.cancel();
    assert_eq!(read_bytes::<f64>(text.as_bytes(), &ctx).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn errors_of_the_caller_pass_untouched() {
    let (_folder, path) = place();
    std::fs::write(&path, format!("{REAL}2 2 2\n1 1 1\n2 2 2\n")).unwrap();
    let mut seen = 0;
    let error = Reader::open(&path)
        .unwrap()
        .for_each::<f64>(&Context::new(), |_, _, _| {
            seen += 1;
            Err(Error::new(ErrorKind::Memory, "enough"))
        })
        .unwrap_err();
    assert_eq!(
        (seen, error.kind(), error.to_string()),
        (1, ErrorKind::Memory, "enough".to_owned())
    );
}

/// Writes entries, reads the file, and compares with the entries a reader must hand out.
fn there_and_back<T: Number>(
    header: Header,
    stored: &[(usize, usize, T)],
    expanded: &[(usize, usize, T)],
) {
    let (_folder, path) = place();
    let mut writer = Writer::create(&path, header.clone(), "two lines\nof comment").unwrap();
    for &(row, col, value) in stored {
        writer.push(row, col, value).unwrap();
    }
    writer.finish().unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(*reader.header(), header);
    let found = Mutex::new(Vec::new());
    reader
        .for_each::<T>(&Context::new(), |row, col, value| {
            found.lock().unwrap().push((row, col, value));
            Ok(())
        })
        .unwrap();
    assert_eq!(found.into_inner().unwrap(), expanded, "{header:?}");
}

/// Every symmetry, for one type in one field, in both formats.
fn every_symmetry<T: Number>(
    field: Field,
    a: T,
    b: T,
    c: T,
    negative: Option<fn(T) -> T>,
    conjugate: Option<fn(T) -> T>,
) {
    let sparse = |symmetry, stored| Header::coordinate(field, symmetry, 3, 3, stored);
    let entries = [(2, 1, a), (0, 0, b), (2, 1, c), (0, 2, a)];
    there_and_back(sparse(Symmetry::General, 4), &entries, &entries);
    let lower = [(2, 1, a), (2, 0, b)];
    let mirrored = |f: fn(T) -> T| [(2, 1, a), (1, 2, f(a)), (2, 0, b), (0, 2, f(b))];
    there_and_back(sparse(Symmetry::Symmetric, 2), &lower, &mirrored(|value| value));
    if let Some(negative) = negative {
        there_and_back(sparse(Symmetry::SkewSymmetric, 2), &lower, &mirrored(negative));
    }
    if let Some(conjugate) = conjugate {
        there_and_back(sparse(Symmetry::Hermitian, 2), &lower, &mirrored(conjugate));
    }
    if field == Field::Pattern {
        return;
    }
    let entries = [(0, 0, a), (1, 0, b), (0, 1, c), (1, 1, a), (0, 2, b), (1, 2, c)];
    there_and_back(Header::array(field, Symmetry::General, 2, 3), &entries, &entries);
    let triangle = [(0, 0, a), (1, 0, b), (1, 1, c)];
    let mirrored = [(0, 0, a), (1, 0, b), (0, 1, b), (1, 1, c)];
    there_and_back(Header::array(field, Symmetry::Symmetric, 2, 2), &triangle, &mirrored);
    if let Some(negative) = negative {
        let mirrored = [(1, 0, a), (0, 1, negative(a))];
        there_and_back(
            Header::array(field, Symmetry::SkewSymmetric, 2, 2),
            &[(1, 0, a)],
            &mirrored,
        );
    }
}

#[test]
fn everything_comes_back() {
    for field in [Field::Integer, Field::Real, Field::Complex] {
        let header = Header::coordinate(field, Symmetry::General, 1, 1, 1);
        let (_folder, path) = place();
        let mut writer = Writer::create(&path, header, "").unwrap();
        writer.push(0, 0, i64::MIN).unwrap();
        writer.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let value =
            if field == Field::Complex { "-9223372036854775808 0" } else { "-9223372036854775808" };
        assert_eq!(
            text,
            format!("%%MatrixMarket matrix coordinate {field} general\n1 1 1\n1 1 {value}\n")
        );
    }
    every_symmetry(Field::Pattern, (), (), (), None, None);
    every_symmetry(Field::Integer, true, false, true, None, None);
    every_symmetry(Field::Integer, i8::MIN + 1, 0, i8::MAX, Some(|value| -value), None);
    every_symmetry(Field::Integer, i64::MIN + 1, 0, i64::MAX, Some(|value| -value), None);
    every_symmetry(Field::Integer, 0, 1, u64::MAX, None, None);
    every_symmetry(
        Field::Real,
        f32::MAX,
        f32::MIN_POSITIVE / 4.0,
        -0.1,
        Some(|value| -value),
        None,
    );
    every_symmetry(Field::Real, f64::MAX, 5e-324, f64::NEG_INFINITY, Some(|value| -value), None);
    let c = Complex::<f64>::new;
    every_symmetry(
        Field::Complex,
        c(0.1, -1e300),
        c(0.0, 7.0),
        c(1e-9, 2.5),
        Some(|v| -v),
        Some(|v| v.conj()),
    );
    let c = Complex::<f32>::new;
    every_symmetry(
        Field::Complex,
        c(0.1, -1e30),
        c(0.0, 7.0),
        c(1e-9, 2.5),
        Some(|v| -v),
        Some(|v| v.conj()),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_float_comes_back(bits in prop::collection::vec(any::<u64>(), 1..200)) {
        let wide: Vec<_> = bits.iter().map(|&bits| f64::from_bits(bits)).filter(|v| !v.is_nan()).collect();
        let narrow: Vec<_> = bits.iter().map(|&bits| f32::from_bits(bits as u32)).filter(|v| !v.is_nan()).collect();
        let entries: Vec<_> = wide.into_iter().map(|value| (0, 0, value)).collect();
        there_and_back(Header::coordinate(Field::Real, Symmetry::General, 1, 1, entries.len() as u64), &entries, &entries);
        let entries: Vec<_> = narrow.into_iter().map(|value| (0, 0, value)).collect();
        there_and_back(Header::coordinate(Field::Real, Symmetry::General, 1, 1, entries.len() as u64), &entries, &entries);
    }
}

#[test]
fn nan_comes_back() {
    let (_folder, path) = place();
    let mut writer =
        Writer::create(&path, Header::array(Field::Real, Symmetry::General, 1, 1), "").unwrap();
    writer.push(0, 0, f64::NAN).unwrap();
    writer.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.ends_with("1 1\nnan\n"), "{text}");
    assert!(read::<f64>(&text).unwrap()[0].2.is_nan());
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let (_folder, path) = place();
    let kind = |header: &Header, row, col, value: Complex<f64>| {
        let mut writer = Writer::create(&path, header.clone(), "").unwrap();
        let error = writer.push(row, col, value).unwrap_err();
        assert!(error.to_string().contains("case.mtx") && error.expectation().is_some(), "{error}");
        error.kind()
    };
    let one = Complex::new(1.0, 1.0);
    let sparse = |symmetry| Header::coordinate(Field::Complex, symmetry, 3, 3, 1);
    assert_eq!(kind(&sparse(Symmetry::General), 3, 0, one), ErrorKind::Index);
    assert_eq!(kind(&sparse(Symmetry::Symmetric), 0, 1, one), ErrorKind::Format);
    assert_eq!(kind(&sparse(Symmetry::SkewSymmetric), 1, 1, one), ErrorKind::Format);
    assert_eq!(kind(&sparse(Symmetry::Hermitian), 1, 1, one), ErrorKind::Value);
    assert_eq!(
        kind(&Header::array(Field::Complex, Symmetry::General, 2, 2), 0, 1, one),
        ErrorKind::Format
    );
    assert_eq!(
        kind(&Header::coordinate(Field::Real, Symmetry::General, 3, 3, 1), 0, 0, one),
        ErrorKind::Type
    );
    assert_eq!(
        kind(&Header::coordinate(Field::Complex, Symmetry::General, 3, 3, 0), 0, 0, one),
        ErrorKind::Format
    );
    let contradictions = [
        Header::array(Field::Pattern, Symmetry::General, 1, 1),
        Header::coordinate(Field::Real, Symmetry::Symmetric, 1, 2, 0),
        Header { stored: 3, ..Header::array(Field::Real, Symmetry::General, 2, 2) },
    ];
    for header in contradictions {
        assert_eq!(
            Writer::create(&path, header, "").map(drop).unwrap_err().kind(),
            ErrorKind::Format
        );
    }
}

#[test]
fn a_file_appears_complete_or_not_at_all() {
    let (folder, path) = place();
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let header = Header::coordinate(Field::Real, Symmetry::General, 2, 2, 2);
    let mut writer = Writer::create(&path, header.clone(), "").unwrap();
    writer.push(0, 0, 1.0).unwrap();
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Format);
    drop(Writer::create(&path, header.clone(), "").unwrap());
    assert_eq!(names(), 0);
    for value in [1.0, 2.0] {
        let mut writer = Writer::create(&path, header.clone(), "").unwrap();
        writer.push(0, 0, value).unwrap();
        writer.push(1, 1, value).unwrap();
        writer.finish().unwrap();
        assert_eq!(names(), 1);
    }
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("2 2 2\n1 1 2\n2 2 2\n"));
    let missing = folder.path().join("none/a.mtx");
    assert_eq!(Writer::create(missing, header, "").map(drop).unwrap_err().kind(), ErrorKind::Io);
}
