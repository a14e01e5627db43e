//! HDF5 files as other programs write them: which matrix is read, how it is oriented, and what damage comes to.

use std::path::Path;

use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder, MaxExtent};
use outcore::io::{FileFormat, Imported, ReadAs, ReadOptions, read_matrix_with, write_matrix};
use outcore::num_complex::Complex;
use outcore::{
    AnyMatrix, Context, Csc, Csr, DType, Dense, Duplicates, ErrorKind, Place, Result, SparseFormat,
};
use tempfile::tempdir;

const SAMPLE: [(usize, usize, f64); 6] =
    [(0, 0, 1.0), (0, 3, 2.0), (2, 1, 3.0), (2, 4, 4.0), (3, 0, 5.0), (3, 2, 6.0)];

fn sample() -> Csr<f64> {
    Csr::from_triplets((4, 5), SAMPLE, Duplicates::Refuse).unwrap()
}

fn text(value: &str) -> AttrValue {
    AttrValue::VarLenString(value.to_owned())
}

fn read_at(path: &Path, member: Option<&str>) -> Result<Imported> {
    let member = member.map(str::to_owned);
    let options = ReadOptions { member, ..ReadOptions::default() };
    let read = read_matrix_with(path, &options, Place::Memory, &Context::new())?;
    assert_eq!(read.format, FileFormat::Hdf5);
    Ok(read)
}

/// Reads a file of these bytes, whatever its name.
fn read(bytes: &[u8], member: Option<&str>) -> Result<Imported> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.data");
    std::fs::write(&path, bytes).unwrap();
    read_at(&path, member)
}

fn finish(builder: FileBuilder) -> Vec<u8> {
    builder.finish().unwrap()
}

/// The arrays of the sample as CSR, chunked and packed if `packed`.
fn fill(group: &mut GroupBuilder, packed: bool) {
    let a = sample();
    let indptr: Vec<i64> = a.indptr().iter().map(|&p| i64::from(p)).collect();
    let indices: Vec<i32> = a.indices().iter().map(|&i| i as i32).collect();
    group.create_dataset("indptr").with_i64_data(&indptr);
    group.create_dataset("indices").with_i32_data(&indices);
    let data = group.create_dataset("data").with_f64_data(a.data());
    if packed {
        data.with_chunks(&[4]).with_shuffle().with_deflate(6);
    }
}

/// A group as AnnData writes a sparse matrix.
fn anndata(builder: &mut FileBuilder, name: &str, packed: bool) {
    let mut group = builder.create_group(name);
    group.set_attr("encoding-type", text("csr_matrix"));
    group.set_attr("encoding-version", text("0.1.0"));
    group.set_attr("shape", AttrValue::I64Array(vec![4, 5]));
    fill(&mut group, packed);
    builder.add_group(group.finish());
}

fn check_sample(read: &Imported) {
    let a = Csr::<f64, u32, u64>::try_from(read.matrix.clone()).unwrap();
    assert_eq!(a.shape(), (4, 5));
    assert!(a.iter().eq(SAMPLE));
}

#[test]
fn contiguous_datasets_are_mapped_and_chunked_ones_copied() {
    for (packed, expected) in [(false, ReadAs::Mapped), (true, ReadAs::Copied)] {
        let mut builder = FileBuilder::new();
        anndata(&mut builder, "X", packed);
        let bytes = finish(builder);
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.h5ad");
        std::fs::write(&path, bytes).unwrap();
        let read = read_at(&path, None).unwrap();
        check_sample(&read);
        // A dataset may begin at any byte: then it is copied.
        assert!(read.read_as == expected || read.read_as == ReadAs::Copied);
        assert_eq!(read.matrix.stored_bytes() > 0, read.read_as == ReadAs::Mapped);
    }
}

#[test]
fn anndata_is_read_by_its_names() {
    let mut builder = FileBuilder::new();
    builder.set_attr("encoding-type", text("anndata"));
    anndata(&mut builder, "X", true);
    let mut layers = builder.create_group("layers");
    layers.set_attr("encoding-type", text("dict"));
    let dense: Vec<f32> = (0..20).map(|k| k as f32).collect();
    layers.create_dataset("dense").with_f32_data(&dense).with_shape(&[4, 5]);
    builder.add_group(layers.finish());
    for name in ["obs", "var"] {
        let mut group = builder.create_group(name);
        group.create_dataset("index").with_vlen_strings(&["a", "b"]);
        builder.add_group(group.finish());
    }
    let bytes = finish(builder);
    check_sample(&read(&bytes, None).unwrap());
    check_sample(&read(&bytes, Some("/X")).unwrap());
    let dense = read(&bytes, Some("layers/dense")).unwrap().matrix;
    let dense = Dense::<f32>::try_from(dense).unwrap();
    assert_eq!((dense.shape(), dense.as_ndarray()[[1, 0]]), ((4, 5), 5.0));
    // One matrix in a group needs no name of its own.
    assert_eq!(read(&bytes, Some("layers")).unwrap().matrix.shape(), (4, 5));
    for (member, what) in
        [("layers/none", "X/"), ("obs/index", "cannot be read"), ("obs", "no matrix")]
    {
        let error = read(&bytes, Some(member)).err().unwrap();
        assert!(error.to_string().contains(what), "{member}: {error}");
        assert!(error.path().is_some());
    }
    // As h5sparse wrote it.
    let mut builder = FileBuilder::new();
    let mut group = builder.create_group("X");
    group.set_attr("h5sparse_format", text("csc"));
    group.set_attr("h5sparse_shape", AttrValue::I64Array(vec![5, 4]));
    fill(&mut group, false);
    builder.add_group(group.finish());
    let a = read(&finish(builder), None).unwrap().matrix;
    assert_eq!((a.format(), a.shape()), (Some(SparseFormat::Csc), (5, 4)));
}

#[test]
fn cells_are_the_rows_of_10x() {
    let mut builder = FileBuilder::new();
    let mut group = builder.create_group("matrix");
    fill(&mut group, true);
    group.create_dataset("shape").with_i32_data(&[5, 4]);
    group.create_dataset("barcodes").with_vlen_strings(&["a", "b", "c", "d"]);
    builder.add_group(group.finish());
    check_sample(&read(&finish(builder), None).unwrap());
}

#[test]
fn matrices_of_matlab_are_oriented_as_there() {
    let header = |builder: &mut FileBuilder| {
        let mut block = b"MATLAB 7.3 MAT-file, Platform: any".to_vec();
        block.resize(512, b' ');
        builder.with_userblock(512).with_userblock_content(&block);
    };
    let class = |name: &str| AttrValue::AsciiString(name.to_owned());
    let mut builder = FileBuilder::new();
    header(&mut builder);
    let mut group = builder.create_group("S");
    group.set_attr("MATLAB_class", class("double"));
    group.set_attr("MATLAB_sparse", AttrValue::U64(4));
    let csc: Csc<f64> = sample().to_csc(Place::Memory, &Context::new()).unwrap();
    let wide = |numbers: &[u32]| numbers.iter().map(|&n| u64::from(n)).collect::<Vec<_>>();
    group.create_dataset("jc").with_u64_data(&wide(csc.indptr()));
    group.create_dataset("ir").with_u64_data(&wide(csc.indices()));
    group.create_dataset("data").with_f64_data(csc.data());
    builder.add_group(group.finish());
    let mut group = builder.create_group("Z");
    group.set_attr("MATLAB_class", class("logical"));
    group.set_attr("MATLAB_sparse", AttrValue::U64(3));
    group.create_dataset("jc").with_u64_data(&[0, 0, 0]);
    builder.add_group(group.finish());
    let full = builder.create_dataset("F");
    full.with_f64_data(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).with_shape(&[3, 2]);
    full.set_attr("MATLAB_class", class("double"));
    let logical = builder.create_dataset("L").with_u8_data(&[1, 0, 1, 1, 0, 0]).with_shape(&[3, 2]);
    logical.set_attr("MATLAB_class", class("logical"));
    let empty = builder.create_dataset("E").with_u64_data(&[0, 7]);
    empty.set_attr("MATLAB_class", class("single")).set_attr("MATLAB_empty", AttrValue::U8(1));
    let words = builder.create_dataset("W").with_u16_data(&[72, 105]).with_shape(&[2, 1]);
    words.set_attr("MATLAB_class", class("char"));
    let bytes = finish(builder);
    let error = read(&bytes, None).err().unwrap();
    assert!(error.finding().unwrap().contains("S/"), "{error}");
    let s = Csc::<f64, u64, u64>::try_from(read(&bytes, Some("S")).unwrap().matrix).unwrap();
    let s: Csr<f64, u64, u64> = s.to_csr(Place::Memory, &Context::new()).unwrap();
    assert!(s.iter().eq(SAMPLE) && s.shape() == (4, 5));
    let z = read(&bytes, Some("Z")).unwrap().matrix;
    assert_eq!((z.shape(), z.nnz(), z.dtype()), ((3, 2), 0, Some(DType::Bool)));
    let f = Dense::<f64>::try_from(read(&bytes, Some("F")).unwrap().matrix).unwrap();
    assert_eq!(f.as_ndarray(), ndarray::arr2(&[[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]));
    let l = Dense::<bool>::try_from(read(&bytes, Some("L")).unwrap().matrix).unwrap();
    assert_eq!(l.as_ndarray(), ndarray::arr2(&[[true, true, false], [false, true, false]]));
    let e = read(&bytes, Some("E")).unwrap().matrix;
    assert_eq!((e.shape(), e.dtype()), ((0, 7), Some(DType::Float32)));
    assert_eq!(read(&bytes, Some("W")).err().unwrap().kind(), ErrorKind::Unsupported);
    // Older files of MATLAB are no HDF5.
    let old = [b"MATLAB 5.0 MAT-file".to_vec(), vec![b' '; 600]].concat();
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.mat");
    std::fs::write(&path, old).unwrap();
    let error = outcore::io::read_matrix(&path, Place::Memory, &Context::new()).err().unwrap();
    assert!(error.to_string().contains("MATLAB") && error.hint().is_some(), "{error}");
}

#[test]
fn binsparse_is_read_by_its_descriptor() {
    let descriptor = |format: &str, values: &str| {
        format!(
            "{{\"binsparse\": {{\"version\": \"0.1\", \"format\": \"{format}\", \"shape\": [4, 5], \
             \"number_of_stored_values\": 6, \"data_types\": {{\"pointers_to_1\": \"int64\", \
             \"indices_1\": \"int32\", \"values\": \"{values}\"}}}}}}"
        )
    };
    let file = |descriptor: &str| {
        let mut builder = FileBuilder::new();
        builder.set_attr("binsparse", text(descriptor));
        let a = sample();
        let indptr: Vec<i64> = a.indptr().iter().map(|&p| i64::from(p)).collect();
        let indices: Vec<i32> = a.indices().iter().map(|&i| i as i32).collect();
        builder.create_dataset("pointers_to_1").with_i64_data(&indptr);
        builder.create_dataset("indices_1").with_i32_data(&indices);
        builder.create_dataset("values").with_f64_data(a.data());
        finish(builder)
    };
    check_sample(&read(&file(&descriptor("CSR", "float64")), None).unwrap());
    for (descriptor, what) in [
        (descriptor("CSR", "int8"), "int8"),
        (descriptor("CSX", "float64"), "format"),
        ("{".to_owned(), "JSON"),
    ] {
        let error = read(&file(&descriptor), None).err().unwrap();
        assert!(error.path().is_some() && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn plain_datasets_are_read_where_there_is_one() {
    let (values, complex) = ([1i16, 2, 3, 4, 5, 6], [(1.0, 2.0), (3.0, -4.0)]);
    let mut builder = FileBuilder::new();
    let mut group = builder.create_group("a");
    let mut inner = group.create_group("b");
    inner.create_dataset("x").with_i16_data(&values).with_shape(&[2, 3]);
    inner.create_dataset("name").with_vlen_strings(&["text"]);
    group.add_group(inner.finish());
    builder.add_group(group.finish());
    let x = Dense::<i16>::try_from(read(&finish(builder), None).unwrap().matrix).unwrap();
    assert_eq!(x.as_ndarray(), ndarray::arr2(&[[1, 2, 3], [4, 5, 6]]));
    let mut builder = FileBuilder::new();
    builder.with_userblock(1024);
    builder.create_dataset("z").with_complex64_data(&complex);
    let z = read(&finish(builder), None).unwrap().matrix;
    let z = Dense::<Complex<f64>>::try_from(z).unwrap();
    assert_eq!((z.shape(), z.as_slice()[1]), ((2, 1), Complex::new(3.0, -4.0)));
    let mut builder = FileBuilder::new();
    builder.create_dataset("cube").with_f64_data(&[0.0; 8]).with_shape(&[2, 2, 2]);
    let cube = finish(builder);
    assert_eq!(read(&cube, None).err().unwrap().kind(), ErrorKind::Unsupported);
    assert_eq!(read(&cube, Some("cube")).err().unwrap().kind(), ErrorKind::Shape);
    assert!(read(&finish(FileBuilder::new()), None).is_err());
}

#[test]
fn datasets_of_many_chunks_are_read_in_bounded_memory() {
    let (rows, cols) = (3000, 70);
    let values: Vec<f64> = (0..rows * cols).map(|k| (k % 1001) as f64).collect();
    let mut builder = FileBuilder::new();
    let shape = [rows as u64, cols as u64];
    let all = builder.create_dataset("x").with_f64_data(&values).with_shape(&shape);
    all.with_chunks(&[64, 33]).with_shuffle().with_deflate(1);
    all.with_maxshape(&[MaxExtent::Unlimited, MaxExtent::Fixed(cols as u64)]);
    let folder = tempdir().unwrap();
    let (path, to) = (folder.path().join("a.h5"), folder.path().join("a.npy"));
    std::fs::write(&path, finish(builder)).unwrap();
    let ctx = Context::new().memory_limit(4 << 20);
    let options = ReadOptions::default();
    let plan = ctx.plan(|ctx| read_matrix_with(&path, &options, &to, ctx).map(drop)).unwrap();
    assert_eq!(plan.operation, "reading an HDF5 file");
    assert!(!to.exists() && plan.cost.bytes_written >= (8 * values.len()) as u64);
    let (_, report) =
        ctx.measure(|ctx| read_matrix_with(&path, &options, &to, ctx).map(drop)).unwrap();
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    let a = Dense::<f64>::open(&to).unwrap();
    assert_eq!((a.shape(), a.as_slice() == values), ((rows, cols), true));
    // The whole does not fit in less.
    let small = Context::new().memory_limit(1 << 20);
    let error = read_matrix_with(&path, &options, Place::Memory, &small).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
}

#[test]
fn hdf5_is_not_written() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let error = write_matrix(&path, &AnyMatrix::from(sample()), &Context::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(!path.exists());
}

#[test]
fn damaged_files_are_errors() {
    let mut builder = FileBuilder::new();
    anndata(&mut builder, "X", true);
    let whole = finish(builder);
    let ctx = Context::new().memory_limit(16 << 20);
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.h5ad");
    let try_bytes = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        read_matrix_with(&path, &ReadOptions::default(), Place::Memory, &ctx)
            .and_then(|read| read.matrix.check())
    };
    assert!(try_bytes(&whole).is_ok());
    let mut refused = 0;
    for end in (8..whole.len()).step_by(13) {
        match try_bytes(&whole[..end]) {
            Err(_) => refused += 1,
            // What is needed may end before the file does.
            Ok(_) => check_sample(&read_at(&path, None).unwrap()),
        }
    }
    assert!(refused > 100, "{refused} of {}", whole.len() / 13);
    let mut refused = 0;
    for at in (0..whole.len()).step_by(3) {
        let mut changed = whole.clone();
        changed[at] ^= [0x01, 0x80, 0xff, 0x10][at % 4];
        refused += usize::from(try_bytes(&changed).is_err());
    }
    assert!(refused > 100, "{refused} of {}", whole.len() / 3);
}

/// The chunks of a dataset are read with the lengths that their index says: those that are not in the file are refused
/// before as much memory is reserved.
#[test]
fn chunks_beyond_the_file_are_refused() {
    // As h5py writes it; the chunks of `X/data` have the lengths 17 and more in the index at byte 10,264.
    let whole = include_bytes!("../faults/src/seeds/sparse.h5");
    let a = read(whole, None).unwrap().matrix;
    assert_eq!((a.shape(), a.nnz()), ((4, 5), 4));
    let at = 10_264;
    let length = u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    assert!((8..64).contains(&length), "{length}");
    for lie in [825_360_401, u32::MAX, 5_000] {
        let mut changed = whole.to_vec();
        changed[at..at + 4].copy_from_slice(&lie.to_le_bytes());
        let error = read(&changed, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Format, "{error}");
        assert!(error.to_string().contains("a chunk is not in the file"), "{error}");
        assert!(error.to_string().contains("X/data"), "{error}");
    }
}
