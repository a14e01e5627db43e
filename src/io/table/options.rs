//! How tables are read.

/// How [tables](crate::io::table) and lists of entries are read.
///
/// ```
/// use outcore::io::{ReadOptions, TableOptions, read_matrix_with};
/// use outcore::{Context, DType, Place};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.csv");
/// std::fs::write(&path, "x;y\n1;2.5\nNA;4\n")?;
/// let table = TableOptions { missing: Some(0.0), ..TableOptions::default() };
/// let options = ReadOptions { table, ..ReadOptions::default() };
/// let read = read_matrix_with(&path, &options, Place::Memory, &Context::new())?;
/// assert_eq!((read.matrix.shape(), read.matrix.dtype()), ((2, 2), Some(DType::Float64)));
/// assert_eq!(read.columns.as_deref(), Some(&["x".to_owned(), "y".to_owned()][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableOptions {
    /// The field separator of a line; a blank stands for any blanks and tabs. Found out if not given.
    pub separator: Option<u8>,
    /// Whether the first line holds the names of the columns. Found out if not given.
    pub header: Option<bool>,
    /// The value of a field without one, which is otherwise an error.
    pub missing: Option<f64>,
    /// Whether the lines are entries `row, column, value` of a sparse matrix: with two columns of a pattern, with four of
    /// a complex matrix. If not given, the header `row,column,value` decides.
    pub triplets: Option<bool>,
    /// Whether rows and columns of entries are counted from 1.
    pub one_based: bool,
    /// Rows and columns of a matrix of entries; larger ones in the file are then an error.
    pub shape: Option<(usize, usize)>,
}
