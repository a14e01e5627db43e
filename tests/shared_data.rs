//! What the tests over collected files share: where the files lie, and how their tables of trusted numbers are read.
//!
//! The files lie in a folder beside the checkout that not every machine has; without it the tests say that they were
//! skipped.

use std::path::{Path, PathBuf};

use num_complex::Complex;
use serde_json::Value;

/// The folder of collected files, or `None`, said aloud, where there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !folder.is_dir() {
        eprintln!("skipped: no folder {}", folder.display());
        return None;
    }
    Some(folder)
}

/// A table; Python writes NaN and infinities into numbers that are not looked at here, and JSON knows neither.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("NaN", "null").replace("-Infinity", "null").replace("Infinity", "null");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A collected file and the table that goes with it.
pub(crate) struct Collected {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) expected: Value,
}

/// The collected Matrix Market files, by name.
pub(crate) fn collected_matrices(shared: &Path) -> Vec<Collected> {
    let mut files: Vec<Collected> = ["matrices", "graphs"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(shared.join(folder)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "mtx"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let expected = json(&shared.join(format!("expected/{name}.json")));
            Collected { name, path, expected }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// A number as the tables write it: an integer exactly, any other as real and imaginary part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar {
    Integer(i128),
    Complex(f64, f64),
}

impl Scalar {
    pub(crate) fn of_json(json: &Value) -> Scalar {
        let text = match json {
            Value::Array(parts) => {
                let part = |k: usize| Scalar::of_json(&parts[k]).parts().0;
                return Scalar::Complex(part(0), part(1));
            }
            Value::Bool(value) => return Scalar::Integer(i128::from(*value)),
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => panic!("no number: {other}"),
        };
        let float = || Scalar::Complex(text.parse().unwrap(), 0.0);
        text.parse().map_or_else(|_| float(), Scalar::Integer)
    }

    pub(crate) fn parts(self) -> (f64, f64) {
        match self {
            Scalar::Integer(value) => (value as f64, 0.0),
            Scalar::Complex(re, im) => (re, im),
        }
    }

    pub(crate) fn complex(self) -> Complex<f64> {
        let (re, im) = self.parts();
        Complex::new(re, im)
    }

    pub(crate) fn plus(self, other: Scalar) -> Scalar {
        match (self, other) {
            (Scalar::Integer(a), Scalar::Integer(b)) => Scalar::Integer(a + b),
            (a, b) => Scalar::Complex(a.parts().0 + b.parts().0, a.parts().1 + b.parts().1),
        }
    }

    /// Whether they are the same to the last bit, all NaN being one.
    pub(crate) fn same(self, other: Scalar) -> bool {
        match (self, other) {
            (Scalar::Integer(a), Scalar::Integer(b)) => a == b,
            (a, b) => close_complex(a.complex(), b.complex(), 0.0),
        }
    }
}

/// Whether two numbers differ by at most `tolerance`; a NaN is close to a NaN, an infinity to itself alone.
pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (b.is_finite() && (a - b).abs() <= tolerance)
}

/// [`close`] in both parts.
pub(crate) fn close_complex(a: Complex<f64>, b: Complex<f64>, tolerance: f64) -> bool {
    close(a.re, b.re, tolerance) && close(a.im, b.im, tolerance)
}

/// Compares the positions of entries, in whatever order they come, with the checksums of a table.
pub(crate) fn check_structure(
    name: &str,
    positions: impl Iterator<Item = (usize, usize)>,
    ncols: usize,
    expected: &Value,
) {
    let (sum, weighted) = positions.fold((0u128, 0u128), |(sum, weighted), (i, j)| {
        let number = (i * ncols + j + 1) as u128;
        (sum + number, (weighted + number * (i as u128 + 1)) % ((1 << 61) - 1))
    });
    let checksum = &expected["structure_checksum"];
    assert_eq!(checksum["sum"].to_string(), sum.to_string(), "{name}");
    assert_eq!(checksum["weighted"].to_string(), weighted.to_string(), "{name}");
}
