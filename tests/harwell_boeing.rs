//! Harwell-Boeing and Rutherford-Boeing files: collected ones with trusted numbers, and malformed ones.

use std::fs;
use std::io::Write;
use std::path::Path;

use num_complex::Complex;
use outcore::io::{FileFormat, ReadOptions, read_matrix, read_matrix_with, write_matrix};
use outcore::{AnyMatrix, Context, Csr, DType, ErrorKind, Location, Place, Result};
use tempfile::tempdir;

use crate::expected::{Case, TOLERANCE};
use crate::plans;
use crate::shared_data::{self, json};

/// A file of a type, with the numbers of columns 4 and entries that its lines have.
fn file(
    kind: &str,
    (nrows, ncols, nnz): (usize, usize, usize),
    formats: &str,
    cards: [usize; 3],
    lines: &str,
) -> String {
    let all: usize = cards.iter().sum();
    let [p, i, v] = cards;
    format!(
        "A title that ends in a key                                              KEY\n\
         {all:14}{p:14}{i:14}{v:14}\n{kind:3}           {nrows:14}{ncols:14}{nnz:14}{:14}\n{formats}\n{lines}",
        0
    )
}

fn read(path: &Path, text: &str) -> Result<AnyMatrix> {
    fs::write(path, text).unwrap();
    read_matrix(path, Place::Memory, &Context::new().memory_limit(32 << 20))
}

#[test]
fn collected_files_have_their_trusted_numbers() {
    let Some(shared) = shared_data::folder() else { return };
    let mut compared = 0;
    for name in [
        "bcsstk01.rb",
        "bcsstk01.rsa",
        "lap_25.rb",
        "lp_afiro.rra",
        "superlu_g20.rua",
        "west0067.rua",
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
        assert_eq!(a.format, FileFormat::HarwellBoeing, "{name}");
        match a.matrix.dtype() {
            None => case.sparse::<f64, _, _, _, _>(&Csr::<()>::try_from(a.matrix.clone()).unwrap()),
            _ => case.sparse::<f64, _, _, _, _>(&Csr::<f64>::try_from(a.matrix.clone()).unwrap()),
        }
        // The content decides, whatever the name and packed or not, at any place.
        let folder = tempdir().unwrap();
        let packed = folder.path().join("a.txt.gz");
        let mut encoder = flate2::write::GzEncoder::new(
            fs::File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        encoder.write_all(&fs::read(&path).unwrap()).unwrap();
        encoder.finish().unwrap();
        let again = read_matrix(&packed, folder.path().join("a.bspnpy"), &ctx).unwrap();
        assert_eq!((again.nnz(), again.dtype()), (a.matrix.nnz(), a.matrix.dtype()), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 6);
}

#[test]
fn mangled_files_get_what_their_manifest_says() {
    let Some(shared) = shared_data::folder() else { return };
    let folder = shared.join("malformed/thirdparty");
    let manifest = json(&folder.join("expect.json"));
    let mut met = 0;
    for (name, about) in manifest.as_object().unwrap() {
        if !name.ends_with(".rb") {
            continue;
        }
        let outcome = read_matrix(folder.join(name), Place::Memory, &Context::new());
        match (about["verdict"].as_str().unwrap(), outcome) {
            ("either" | "accept", Ok(_)) => {}
            ("either" | "reject", Err(error)) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Format | ErrorKind::Index),
                    "{name}: {error}"
                );
                assert!(matches!(error.location(), Some(Location::Line(_))), "{name}: {error}");
            }
            (verdict, outcome) => panic!("{name}: {verdict}, {:?}", outcome.map(|a| a.to_string())),
        }
        met += 1;
    }
    assert_eq!(met, 8);
}

#[test]
fn types_and_symmetries() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rb");
    // Lower triangle (0,0) = 1, (1,0) = 2, (2,1) = 3, and below nothing.
    let lines = " 1 3 4 4\n 1 2 3\n 1.0 2.0 3.0\n";
    let symmetric =
        read(&path, &file("rsa", (3, 3, 3), "(4I2) (3I2) (3F4.1)", [1, 1, 1], lines)).unwrap();
    let symmetric = Csr::<f64>::try_from(symmetric).unwrap();
    let at = |i: usize, j: usize| symmetric.get(i, j).unwrap();
    assert_eq!(
        [at(0, 0), at(0, 1), at(1, 0), at(1, 2), at(2, 1), at(2, 2)],
        [Some(1.0), Some(2.0), Some(2.0), Some(3.0), Some(3.0), None]
    );
    let skew = " 1 2 3 3\n 2 3\n  2  3\n";
    let skew = read(&path, &file("iza", (3, 3, 2), "(4I2) (3I2) (3I3)", [1, 1, 1], skew)).unwrap();
    let skew = Csr::<i64>::try_from(skew).unwrap();
    assert_eq!((skew.get(1, 0).unwrap(), skew.get(0, 1).unwrap()), (Some(2), Some(-2)));
    assert_eq!((skew.get(2, 1).unwrap(), skew.get(1, 2).unwrap()), (Some(3), Some(-3)));
    // Complex numbers, cut by the ends of lines.
    let hermitian = " 1 3 3\n 1 2\n 1.0 0.0 2.0\n-5.0\n";
    let hermitian =
        read(&path, &file("cha", (2, 2, 2), "(3I2) (3I2) (3F4.1)", [1, 1, 2], hermitian)).unwrap();
    let hermitian = Csr::<Complex<f64>>::try_from(hermitian).unwrap();
    assert_eq!(hermitian.get(1, 0).unwrap(), Some(Complex::new(2.0, -5.0)));
    assert_eq!(hermitian.get(0, 1).unwrap(), Some(Complex::new(2.0, 5.0)));
    let pattern =
        read(&path, &file("PRA", (4, 2, 3), "(3I2) (3I2)", [1, 1, 0], " 1 3 4\r\n 2 1 4\r\n"))
            .unwrap();
    assert_eq!((pattern.dtype(), pattern.nnz(), pattern.shape()), (None, 3, (4, 2)));
    assert_eq!(Csr::<()>::try_from(pattern).unwrap().indices().to_vec(), [0, 0, 1]);
    // Integers as reals, numbers without blanks between them, exponents of Fortran.
    let touching = read(
        &path,
        &file(
            "RUA",
            (3, 2, 3),
            "(3I2)           (3I2)           (1P,3D8.1)",
            [1, 1, 1],
            "010304\n010203\n 1.0D+00-2.0D+00 3.0+001\n",
        ),
    );
    let touching = Csr::<f64>::try_from(touching.unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(**touching.unwrap().data(), [1.0, -2.0, 30.0]);
}

#[test]
fn right_hand_sides_are_not_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a");
    let text = "Title\n  4  1  1  1  1\nRUA  2  2  2  0\n(3I2) (3I2) (3F4.1) (3F4.1)\nF  1  0\n 1 2 3\n 1 2\n 1.0 2.0\n 9.0 9.0\n";
    let a = Csr::<f64>::try_from(read(&path, text).unwrap()).unwrap();
    assert_eq!(**a.data(), [1.0, 2.0]);
}

#[test]
fn malformed_files_are_refused_where_they_are_wrong() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rua");
    let check = |text: &str, kind: ErrorKind, line: u64, what: &str| {
        let error = read(&path, text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert_eq!(
            (error.kind(), error.location()),
            (kind, Some(&Location::Line(line))),
            "{error}"
        );
        assert_eq!(error.path(), Some(&*path), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    let with = |kind: &str, formats: &str, cards: [usize; 3], lines: &str| {
        file(kind, (3, 3, 3), formats, cards, lines)
    };
    let good = "(4I2) (3I2) (3F4.1)";
    let one = [1, 1, 1];
    use ErrorKind::{Format, Index, Unsupported, Value};
    assert_eq!(
        read(&path, &with("rua", good, one, " 1 2 3 4\n 1 2 3\n 1.0 2.0 3.0\n")).unwrap().nnz(),
        3
    );
    check(&with("rue", good, one, ""), Unsupported, 3, "finite elements");
    check(&with("xua", good, one, ""), Format, 3, "kind of values");
    check(&with("qua", good, one, ""), Unsupported, 3, "separate file");
    check(&with("rxa", good, one, ""), Format, 3, "symmetry");
    check(&with("rux", good, one, ""), Format, 3, "form");
    check(&with("rua", "(4I2) (3I2)", one, ""), Format, 4, "a format is missing");
    check(&with("rua", "(4I2) (3I2) (3A4)", one, ""), Format, 4, "unknown Fortran format");
    check(&with("rua", "(4F2.0) (3I2) (3F4.1)", one, ""), Format, 4, "integer format");
    check(&with("rua", good, [2, 1, 1], ""), Format, 2, "contradicts");
    check(&with("rua", good, [1, 1, 0], ""), Format, 2, "contradicts");
    check(&with("rua", good, one, " 2 2 3 4\n 1 2 3\n 1.0 2.0 3.0\n"), Index, 5, "wrong pointer");
    check(&with("rua", good, one, " 1 3 2 4\n 1 2 3\n 1.0 2.0 3.0\n"), Index, 5, "wrong pointer");
    check(&with("rua", good, one, " 1 2 3 5\n 1 2 3\n 1.0 2.0 3.0\n"), Index, 5, "wrong pointer");
    check(
        &with("rua", good, one, " 1 2 3\n 1 2 3\n 1.0 2.0 3.0\n"),
        Format,
        5,
        "a number is missing",
    );
    check(&with("rua", good, one, " 1 2 3 4\n 1 4 3\n 1.0 2.0 3.0\n"), Index, 6, "row index");
    check(&with("rua", good, one, " 1 2 3 4\n 1 0 3\n 1.0 2.0 3.0\n"), Index, 6, "row index");
    check(&with("rua", good, one, " 1 2 3 4\n 1 x 3\n 1.0 2.0 3.0\n"), Format, 6, "not an integer");
    check(&with("rua", good, one, " 1 2 3 4\n 1 2 3\n 1.0 2,0 3.0\n"), Value, 7, "columns 5 to 8");
    check(&with("rua", good, one, " 1 2 3 4\n 1 2 3\n 1.0     3.0\n"), Format, 7, "columns 5 to 8");
    check(&with("rua", good, one, " 1 2 3 4\n 1 2 3\n"), Format, 7, "ends too early");
    check(&with("rsa", good, one, " 1 2 3 4\n 1 1 3\n 1.0 2.0 3.0\n"), Format, 6, "lower triangle");
    check(&with("rza", good, one, " 1 2 3 4\n 1 3 3\n 1.0 2.0 3.0\n"), Format, 6, "lower triangle");
    check(&file("rsa", (3, 4, 3), good, one, ""), Format, 3, "square");
    check("title\n 3 x\n", Format, 2, "counts of lines");
    let error = read(&path, "title\n").unwrap_err();
    assert!(error.to_string().contains("ends within its header"), "{error}");
    // Counts that the file does not hold are refused before anything is allocated.
    let huge = file("rua", (3, 4_000_000_000, 3), "(40I2) (3I2) (3F4.1)", [100_000_001, 1, 1], "");
    check(&huge, Format, 3, "too short");
    let error =
        read(&path, &file("pua", (2_000_000_000, 1, 1), "(4I2) (3I2)", [1, 1, 0], " 1 2\n 1\n"))
            .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    let error =
        read(&path, &file("pua", (3, 0, 3), "(4I2) (3I2)", [1, 1, 0], " 4\n 1 2 3\n")).unwrap_err();
    assert_eq!(error.kind(), Index, "{error}");
}

#[test]
fn they_are_not_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rua");
    let error =
        write_matrix(&path, &AnyMatrix::from(Csr::<f64>::eye(2)), &Context::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(!path.exists());
}

/// A file with more numbers than a batch of lines holds.
fn large(n: usize, each: usize) -> String {
    let nnz = n * each;
    let mut text = String::new();
    let mut numbers = |count: usize, per_line: usize, number: &dyn Fn(usize) -> String| {
        for k in 0..count {
            text.push_str(&number(k));
            if (k + 1) % per_line == 0 || k + 1 == count {
                text.push('\n');
            }
        }
    };
    numbers(n + 1, 8, &|k| format!("{:10}", 1 + k * each));
    numbers(nnz, 8, &|k| format!("{:10}", 1 + (k / each * 7 + k % each * 11) % n));
    numbers(nnz, 4, &|k| format!("{:20.12E}", k as f64 * 0.5));
    let cards = [(n + 1).div_ceil(8), nnz.div_ceil(8), nnz.div_ceil(4)];
    file("rua", (n, n, nnz), "(8I10)          (8I10)          (4E20.12)", cards, &text)
}

#[test]
fn large_files_are_read_within_the_limit() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rua");
    let (n, each) = (30_000, 10);
    fs::write(&path, large(n, each)).unwrap();
    let free = Context::new().threads(2).unwrap();
    let (a, report) = plans::measured(&free, |ctx| read_matrix(&path, Place::Memory, ctx));
    assert_eq!(report.actual.passes, 1, "{report}");
    let ctx = Context::new().threads(1).unwrap().memory_limit(6 << 20).scratch(folder.path());
    let to = Place::Replace(folder.path().join("a.bspnpy"));
    let (b, report) = ctx.measure(|ctx| read_matrix(&path, to.clone(), ctx)).unwrap();
    assert!(report.actual.peak_memory <= 6 << 20, "{report}");
    assert!(report.actual.scratch > 0, "{report}");
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    let (a, b) = (Csr::<f64>::try_from(a).unwrap(), Csr::<f64>::try_from(b).unwrap());
    assert_eq!(a.nnz(), n * each);
    assert!(a == b);
    // Column 1234 has its entries where they were put.
    for k in 0..each {
        let row = (1234 * 7 + k * 11) % n;
        assert_eq!(a.get(row, 1234).unwrap(), Some((1234 * each + k) as f64 * 0.5));
    }
    assert_eq!(AnyMatrix::from(a).dtype(), Some(DType::Float64));
}

#[test]
fn mutated_text_gives_an_answer_or_a_typed_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.rb");
    let seeds = [
        file(
            "rsa",
            (3, 3, 3),
            "(4I2) (3I2) (3F4.1)",
            [1, 1, 1],
            " 1 3 4 4\n 1 2 3\n 1.0 2.0 3.0\n",
        ),
        file(
            "cua",
            (2, 2, 2),
            "(3I2) (3I2) (1P,2E9.2)",
            [1, 1, 2],
            " 1 2 3\n 1 2\n  1.0D+00 -2.0D+00\n  3.0D+00  4.0D+00\n",
        ),
        file("psa", (5, 5, 4), "(6I3) (2I3)", [1, 2, 0], "  1  2  3  4  5  5\n  1  2\n  3  5\n"),
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end.max(1)
    };
    let (mut fine, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut text = seeds[round % seeds.len()].clone().into_bytes();
        for _ in 0..below(3) + 1 {
            if text.is_empty() {
                break;
            }
            let at = below(text.len());
            match below(5) {
                0 => text[at] = b"0123456789 -+.eED()\n\r,IFP"[below(25)],
                1 => text.truncate(at),
                2 => text[at] ^= 1 << below(8),
                3 => drop(text.splice(at..at, b"9999999999".iter().copied())),
                _ => drop(text.remove(at)),
            }
        }
        fs::write(&path, &text).unwrap();
        match read_matrix(
            &path,
            Place::Memory,
            &Context::new().threads(1).unwrap().memory_limit(8 << 20),
        ) {
            Ok(a) => {
                assert!(a.nnz() <= 2 * text.len(), "{a}");
                a.check().unwrap();
                fine += 1;
            }
            Err(error) => {
                use ErrorKind::{Format, Index, Memory, Shape, Type, Unsupported, Value};
                let known = [Format, Index, Memory, Shape, Type, Unsupported, Value]
                    .contains(&error.kind());
                assert!(known, "{error:?} of {:?}", text.escape_ascii().to_string());
                assert!(error.path().is_some() && error.to_string().len() < 800, "{error}");
                refused += 1;
            }
        }
    }
    assert!(fine > 200 && refused > 200, "{fine} {refused}");
}
