//! Matrices by what a group or a dataset says of itself: Binsparse, AnnData, 10x, MATLAB, plain.

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::{
    ForeignArray, ForeignLines, ForeignValues, Named, read_binsparse, read_dense, read_lines,
};
use crate::io::hdf5::container::{Attributes, Dataset, Group};
use crate::io::hdf5::empty_arrays::emptied;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, DType, Order, Place, SparseFormat};

/// The name of the operation in plans.
const OPERATION: &str = "reading an HDF5 file";

/// The matrix that a group is, if it is one.
pub(super) enum MatrixKind {
    /// The text of the descriptor.
    Binsparse(String),
    /// Compressed along an axis; `shape` is an attribute.
    AnnData(SparseFormat, (usize, usize)),
    /// Features by cells, compressed along the cells.
    TenX,
    /// The number of rows.
    Matlab(usize),
}

impl Group {
    /// The kind of matrix that the group is; `None` if it is not a matrix.
    pub(super) fn kind(&self) -> Result<Option<MatrixKind>> {
        let attributes = self.attributes()?;
        if let Some(text) = attributes.text("binsparse") {
            return Ok(Some(MatrixKind::Binsparse(text.to_owned())));
        }
        if let Some(rows) = attributes.positions("MATLAB_sparse") {
            return match rows[..] {
                [rows] => Ok(Some(MatrixKind::Matlab(rows))),
                _ => Err(self.error("the number of rows is not one number")),
            };
        }
        // Before AnnData had encodings, its sparse matrices were those of h5sparse.
        let said = attributes.text("encoding-type").or(attributes.text("h5sparse_format"));
        let format = match said {
            Some("csr_matrix" | "csr") => SparseFormat::Csr,
            Some("csc_matrix" | "csc") => SparseFormat::Csc,
            _ => {
                let is_tenx = self.has(&["barcodes", "data", "indices", "indptr", "shape"])?;
                return Ok(is_tenx.then_some(MatrixKind::TenX));
            }
        };
        self.shape_said(&attributes).map(|shape| Some(MatrixKind::AnnData(format, shape)))
    }

    fn shape_said(&self, attributes: &Attributes) -> Result<(usize, usize)> {
        let shape = attributes.positions("shape").or(attributes.positions("h5sparse_shape"));
        match shape.as_deref() {
            Some(&[nrows, ncols]) => Ok((nrows, ncols)),
            other => Err(self
                .error("the matrix has no shape")
                .expected("an attribute \"shape\" of two numbers")
                .found(other.map_or("nothing".to_owned(), |shape| format!("{shape:?}")))),
        }
    }

    /// Reads the matrix that the group is.
    pub(super) fn read(
        &self,
        kind: MatrixKind,
        place: &Place,
        ctx: &Context,
    ) -> Result<(AnyMatrix, ReadAs)> {
        let array = |name: &str| self.dataset(name)?.array();
        let lines = match kind {
            MatrixKind::Binsparse(text) => {
                let named = |error: Error| match error.path() {
                    Some(_) => error,
                    None => error.in_file(self.file.path()),
                };
                return read_binsparse(OPERATION, &text, self, place, ctx).map_err(named);
            }
            MatrixKind::AnnData(format, shape) => ForeignLines {
                format,
                shape,
                indptr: array("indptr")?,
                indices: array("indices")?,
                values: ForeignValues::Each(array("data")?),
            },
            MatrixKind::TenX => {
                let shape = array("shape")?;
                let &[features, cells] = &shape.few(2, ctx)?[..] else {
                    return Err(shape
                        .error(ErrorKind::Format, "the array has the wrong shape")
                        .expected("two numbers: features and cells"));
                };
                ForeignLines {
                    format: SparseFormat::Csr,
                    shape: (cells, features),
                    indptr: array("indptr")?,
                    indices: array("indices")?,
                    values: ForeignValues::Each(array("data")?),
                }
            }
            MatrixKind::Matlab(nrows) => return self.read_matlab(nrows, place, ctx),
        };
        read_lines(OPERATION, &lines, place, ctx)
    }

    /// A sparse matrix of MATLAB. Without entries it has neither indices nor values.
    fn read_matlab(
        &self,
        nrows: usize,
        place: &Place,
        ctx: &Context,
    ) -> Result<(AnyMatrix, ReadAs)> {
        let indptr = self.dataset("jc")?.array()?;
        let ncols = indptr.len().checked_sub(1).ok_or_else(|| {
            indptr.error(ErrorKind::Format, "the array has the wrong shape").expected("a pointer")
        })?;
        let (format, shape) = (SparseFormat::Csc, (nrows, ncols));
        let attributes = self.attributes()?;
        let (indices, values) = match self.has(&["ir"])? {
            true => (self.array("ir")?, as_matlab(self.array("data")?, &attributes)?),
            false => {
                let dtype = matlab_type(&attributes).unwrap_or(DType::Float64);
                (emptied(&indptr, indptr.dtype, &[0])?, emptied(&indptr, dtype, &[0])?)
            }
        };
        let lines =
            ForeignLines { format, shape, indptr, indices, values: ForeignValues::Each(values) };
        read_lines(OPERATION, &lines, place, ctx)
    }
}

/// Bytes of a logical array as `bool`.
fn as_matlab(array: ForeignArray, attributes: &Attributes) -> Result<ForeignArray> {
    match matlab_type(attributes) {
        Some(DType::Bool) => array.seen_as(DType::Bool),
        _ => Ok(array),
    }
}

/// The element type that the class of a variable names, if it is a matrix of numbers.
fn matlab_type(attributes: &Attributes) -> Option<DType> {
    let name = match attributes.text("MATLAB_class")? {
        "double" => "float64",
        "single" => "float32",
        "logical" => "bool",
        other => other,
    };
    DType::ALL.into_iter().find(|dtype| dtype.name() == name)
}

impl Named for Group {
    fn array(&self, name: &str) -> Result<ForeignArray> {
        self.dataset(name)?.array()
    }
}

impl Dataset {
    /// The array as a matrix. MATLAB stores its columns one after the other, which are rows to everyone else.
    pub(super) fn read(
        &self,
        is_matlab: bool,
        place: &Place,
        ctx: &Context,
    ) -> Result<(AnyMatrix, ReadAs)> {
        let mut array = self.array()?;
        let attributes = self.attributes()?;
        if let Some(class) = attributes.text("MATLAB_class").filter(|_| is_matlab) {
            let Some(dtype) = matlab_type(&attributes) else {
                return Err(array
                    .error(ErrorKind::Unsupported, "the variable is not a matrix of numbers")
                    .found(class));
            };
            if attributes.has("MATLAB_empty") {
                // What is stored is the shape.
                let shape = array.few(64, ctx)?;
                return read_dense(OPERATION, &emptied(&array, dtype, &shape)?, place, ctx);
            }
            array = as_matlab(array, &attributes)?;
        }
        if is_matlab {
            array.shape.reverse();
            array.order = Order::Fortran;
        }
        read_dense(OPERATION, &array, place, ctx)
    }
}
