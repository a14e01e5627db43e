//! `binsparse.json`: what the arrays in a folder mean.
//!
//! The object under `"binsparse"` follows the Binsparse specification, version 0.1, so that other tools understand the
//! folder; what the specification does not define, such as checksums, is in separate files. Nothing read here is
//! trusted: the shape, the count and the types are compared with the arrays when they are opened.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::storage::files::folder::Folder;
use crate::storage::files::json::{parse_json, sorted};
use crate::storage::files::sparse_format::{SparseFormat, StoredValues, type_name, type_of};
use crate::storage::memory::DType;

/// The name of the descriptor in its folder.
pub(crate) const DESCRIPTOR: &str = "binsparse.json";

/// A descriptor longer than this is refused.
const LONGEST: u64 = 1 << 20;

/// The contents of `binsparse.json`, which describes a stored sparse matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The format: which arrays exist and what they mean.
    pub format: SparseFormat,
    /// Number of rows.
    pub nrows: usize,
    /// Number of columns.
    pub ncols: usize,
    /// Number of stored entries.
    pub nnz: usize,
    /// Type of the pointers as written; `None` for COO.
    pub pointers: Option<DType>,
    /// Type of the indices as written.
    pub indices: DType,
    /// Type of the values, and whether there is one for all.
    pub values: StoredValues,
}

/// The array files of each format: indices of the first dimension, pointers, indices of the second, values.
pub(crate) const ROWS_FILE: &str = "indices_0.npy";
pub(crate) const POINTERS_FILE: &str = "pointers_to_1.npy";
pub(crate) const INDICES_FILE: &str = "indices_1.npy";
pub(crate) const VALUES_FILE: &str = "values.npy";

/// The ids of the rows, if they are not their numbers: as numbers, or as names with a line feed behind each.
pub(crate) const VERTEX_IDS_FILE: &str = "vertex_ids.npy";
pub(crate) const VERTEX_NAMES_FILE: &str = "vertex_names.npy";

impl Descriptor {
    /// The text of the descriptor file.
    pub(crate) fn to_text(&self) -> String {
        let mut types = serde_json::Map::new();
        match self.pointers {
            Some(pointers) => types.insert("pointers_to_1".into(), json!(pointers.name())),
            None => types.insert("indices_0".into(), json!(self.indices.name())),
        };
        types.insert("indices_1".into(), json!(self.indices.name()));
        types.insert(
            "values".into(),
            match self.values {
                StoredValues::Each(dtype) => json!(type_name(dtype)),
                StoredValues::Iso(dtype) => json!(format!("iso[{}]", type_name(dtype))),
            },
        );
        let value = sorted(json!({
            "binsparse": {
                "version": "0.1.0",
                "format": self.format.name(),
                "shape": [self.nrows, self.ncols],
                "number_of_stored_values": self.nnz,
                "data_types": types,
            },
        }));
        // Serialising a value made of strings and integers cannot fail.
        format!("{value:#}\n")
    }

    /// Reads the descriptor in `folder`.
    ///
    /// Fails with the name of the field if something is missing or unknown. Cost: one file of at most 1 MiB.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("eye.bspnpy");
    /// use outcore::{Context, Csr, Descriptor, SparseFormat};
    /// Csr::<f64>::eye(3).copy_to(&path, &Context::new())?;
    /// let descriptor = Descriptor::read(&path)?;
    /// assert_eq!((descriptor.format, descriptor.nnz), (SparseFormat::Csr, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        Folder::whole(folder.as_ref(), Self::read_in)
    }

    /// As [`read`](Self::read), of a folder that is open.
    pub(crate) fn read_in(folder: &Arc<Folder>) -> Result<Self> {
        let file = folder.file(DESCRIPTOR);
        let text = file.read_small(LONGEST)?.ok_or_else(|| {
            Error::new(ErrorKind::Io, "not a stored matrix")
                .in_file(file.path())
                .expected("a descriptor of the arrays in the folder")
                .found("none")
        })?;
        Self::parse(&text).map_err(|e| e.in_file(file.path()))
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let (descriptor, structure) = Self::parse_any(text)?;
        match structure {
            None => Ok(descriptor),
            Some(Half { name, .. }) => {
                Err(not_understood("structure", name).expected("nothing: both triangles stored"))
            }
        }
    }

    /// The descriptor in a text, and what it says of the triangle that is not stored.
    pub(crate) fn parse_any(text: &[u8]) -> Result<(Self, Option<Half>)> {
        let value = parse_json(text).map_err(|(line, found)| {
            Error::new(ErrorKind::Format, "not a JSON object").at_line(line).found(found)
        })?;
        let fields = DescriptorFields(&value["binsparse"]);
        let version = fields.text("version")?;
        if version != "0.1" && !version.starts_with("0.1.") {
            return Err(fields.wrong("version", "0.1"));
        }
        let name = fields.text("format")?;
        let Some(&(format, _)) = SparseFormat::ALL.iter().find(|(_, known)| *known == name) else {
            return Err(fields.wrong("format", "CSR, CSC, COO or COOR"));
        };
        let structure = fields.structure()?;
        fields.zeros_elsewhere()?;
        let types = DescriptorFields(&value["binsparse"]["data_types"]);
        let (nrows, ncols) = fields.shape()?;
        let descriptor = Descriptor {
            format,
            nrows,
            ncols,
            nnz: fields.count("number_of_stored_values")?,
            pointers: match format {
                SparseFormat::Coo => None,
                _ => Some(types.dtype("pointers_to_1")?),
            },
            indices: types.dtype("indices_1")?,
            values: types.values()?,
        };
        Ok((descriptor, structure))
    }
}

/// What the other triangle of a matrix is, of which one triangle and the diagonal are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Half {
    /// Binsparse's name.
    pub(crate) name: &'static str,
    /// Whether the entries below the diagonal are stored, or those above.
    pub(crate) is_lower: bool,
    /// What an entry is at the mirrored position.
    pub(crate) mirrored: Mirrored,
}

/// The value of an entry on the other side of the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mirrored {
    Same,
    Negative,
    Conjugate,
}

impl Half {
    const fn new(name: &'static str, is_lower: bool, mirrored: Mirrored) -> Self {
        Half { name, is_lower, mirrored }
    }

    const ALL: [Self; 6] = [
        Self::new("symmetric_lower", true, Mirrored::Same),
        Self::new("symmetric_upper", false, Mirrored::Same),
        Self::new("skew_symmetric_lower", true, Mirrored::Negative),
        Self::new("skew_symmetric_upper", false, Mirrored::Negative),
        Self::new("hermitian_lower", true, Mirrored::Conjugate),
        Self::new("hermitian_upper", false, Mirrored::Conjugate),
    ];
}

fn not_understood(field: &str, found: &str) -> Error {
    Error::new(ErrorKind::Format, "the descriptor is not understood").at_field(field).found(found)
}

/// An object of the descriptor, read field by field.
struct DescriptorFields<'a>(&'a Value);

impl DescriptorFields<'_> {
    fn wrong(&self, field: &str, expected: &str) -> Error {
        let found = match &self.0[field] {
            Value::Null => "nothing".to_owned(),
            other => other.to_string().chars().take(60).collect(),
        };
        not_understood(field, &found).expected(expected)
    }

    fn text(&self, field: &str) -> Result<&str> {
        self.0[field].as_str().ok_or_else(|| self.wrong(field, "a string"))
    }

    fn count(&self, field: &str) -> Result<usize> {
        position(&self.0[field]).ok_or_else(|| self.wrong(field, "a number from 0 to 2^63 - 1"))
    }

    fn shape(&self) -> Result<(usize, usize)> {
        match self.0["shape"].as_array().map(Vec::as_slice) {
            Some([rows, cols]) => position(rows).zip(position(cols)),
            _ => None,
        }
        .ok_or_else(|| self.wrong("shape", "two numbers from 0 to 2^63 - 1"))
    }

    /// Which half of the matrix is implied: read without that, it would be another matrix.
    fn structure(&self) -> Result<Option<Half>> {
        match &self.0["structure"] {
            Value::Null => Ok(None),
            Value::String(name) if name == "general" => Ok(None),
            Value::String(name) => match Half::ALL.into_iter().find(|half| half.name == name) {
                Some(half) => Ok(Some(half)),
                None => Err(self.wrong("structure", "a symmetry, or nothing")),
            },
            _ => Err(self.wrong("structure", "a symmetry, or nothing")),
        }
    }

    /// Rejects a matrix whose fill value is not zero.
    fn zeros_elsewhere(&self) -> Result<()> {
        match &self.0["fill"] {
            Value::Null | Value::Bool(false) => Ok(()),
            _ => Err(self.wrong("fill", "nothing or false: zeros elsewhere")),
        }
    }

    fn dtype(&self, field: &str) -> Result<DType> {
        type_of(self.text(field)?).ok_or_else(|| self.wrong(field, "a number type"))
    }

    fn values(&self) -> Result<StoredValues> {
        let text = self.text("values")?;
        let iso = text.strip_prefix("iso[").and_then(|rest| rest.strip_suffix(']'));
        match iso {
            Some(one) => type_of(one).map(StoredValues::Iso),
            None => type_of(text).map(StoredValues::Each),
        }
        .ok_or_else(|| self.wrong("values", "a number type"))
    }
}

/// A count or extent: it must fit in an address.
fn position(value: &Value) -> Option<usize> {
    value.as_u64().filter(|&n| n <= i64::MAX as u64).and_then(|n| usize::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for values in
            DType::ALL.map(StoredValues::Each).into_iter().chain([StoredValues::Iso(DType::Int8)])
        {
            for (format, pointers) in [
                (SparseFormat::Csr, Some(DType::Int32)),
                (SparseFormat::Csc, Some(DType::Int64)),
                (SparseFormat::Coo, None),
            ] {
                let (nrows, ncols, nnz) = (3, 1 << 40, 5);
                let descriptor = Descriptor {
                    format,
                    nrows,
                    ncols,
                    nnz,
                    pointers,
                    indices: DType::Int64,
                    values,
                };
                assert_eq!(Descriptor::parse(descriptor.to_text().as_bytes()).unwrap(), descriptor);
            }
        }
    }

    #[test]
    fn what_is_missing_or_absurd_is_named() {
        let good = Descriptor {
            format: SparseFormat::Csr,
            nrows: 3,
            ncols: 4,
            nnz: 5,
            pointers: Some(DType::Int32),
            indices: DType::Int32,
            values: StoredValues::Each(DType::Float64),
        }
        .to_text();
        for (from, to, field) in [
            ("\"0.1.0\"", "\"2.0\"", "version"),
            ("\"CSR\"", "\"XYZ\"", "format"),
            ("\"CSR\"", "7", "format"),
            ("number_of_stored_values\": 5", "number_of_stored_values\": -5", "number_of"),
            ("\"float64\"", "\"float128\"", "values"),
            ("\"pointers_to_1\"", "\"p\"", "pointers_to_1"),
            ("    \"shape\"", "    \"shap\"", "shape"),
            ("    \"shape\"", "    \"structure\": \"symmetric_lower\", \"shape\"", "structure"),
            ("    \"shape\"", "    \"fill\": true, \"shape\"", "fill"),
        ] {
            assert!(good.contains(from), "{from} in {good}");
            let message =
                Descriptor::parse(good.replace(from, to).as_bytes()).unwrap_err().to_string();
            assert!(message.contains(field), "{message}");
        }
        let twice = good.replace("    \"shape\"", "    \"shape\": [9, 9], \"shape\"");
        assert!(Descriptor::parse(twice.as_bytes()).unwrap_err().to_string().contains("twice"));
        assert!(Descriptor::parse(b"{").is_err());
        assert!(Descriptor::parse(b"[1, 2]").is_err());
    }
}
