//! Arrays and matrices exchanged with NumPy and SciPy through files that neither side copies.
//!
//! What this library wrote, Python opens without it:
//!
//! ```python
//! import json, numpy as np, scipy.sparse as sp
//! a = np.load("dense-float64-4x3-C.npy", mmap_mode="r")
//!
//! folder = "csr-float64-int32-int32.bspnpy"
//! part = lambda name: np.load(f"{folder}/{name}.npy", mmap_mode="r")
//! shape = json.load(open(f"{folder}/binsparse.json"))["binsparse"]["shape"]
//! m = sp.csr_array((part("values"), part("indices_1"), part("pointers_to_1")), shape=shape, copy=False)
//! # Complex values lie there as pairs of reals: part("values").view("complex128").
//! ```

mod support;

use std::path::{Path, PathBuf};

use ndarray::{Ix2, IxDyn};
use num_complex::Complex;
use outcore::linalg::{LinearOperator, Multiplies, norm};
use outcore::{
    Axis, Buffer, Compressed, Context, Coo, Csc, Csr, DType, Dense, Descriptor, Duplicates,
    Element, Entry, Index, NpyHeader, Order, Place, Result, SparseFormat, StoredValues,
};
use serde_json::{Value, json};
use support::{Outcome, arguments, context};

const HELP: &str = "\
numpy_exchange [write FOLDER | read FOLDER]

write  fills FOLDER with .npy arrays and .bspnpy matrices of every element type, for Python to open
read   opens every .npy array and .bspnpy matrix in FOLDER and prints a line of JSON for each: file, format, dtype,
       shape, nnz, mapped (used where it lies), sum ([real, imaginary]), ax_norm (of A x with x_i = 1/(i+1))

Without arguments: writes to a temporary folder that goes away, and shows how Python opens what is there.";

type C64 = Complex<f64>;

fn main() -> Outcome {
    let (_, words) = arguments(HELP, &[])?;
    let ctx = context();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => show(&ctx),
        ["write", folder] => Ok(write(Path::new(folder), &ctx)?),
        ["read", folder] => read(Path::new(folder), &ctx),
        _ => Err(HELP.into()),
    }
}

fn show(ctx: &Context) -> Outcome {
    let folder = tempfile::tempdir()?;
    write(folder.path(), ctx)?;
    let entries = entries(folder.path())?;
    println!("{} arrays and matrices are in {}, such as\n", entries.len(), folder.path().display());
    for path in entries.iter().filter(|path| path.to_string_lossy().contains("-float64-")) {
        println!("  {}", path.file_name().unwrap_or_default().display());
    }
    println!("\nPython opens them there without a copy:\n");
    let header = include_str!("numpy_exchange.rs").lines().skip_while(|line| !line.contains("```"));
    for line in header.skip(1).take_while(|line| !line.contains("```")) {
        println!("  {}", line.trim_start_matches("//!").trim_start());
    }
    Ok(())
}

/// The arrays and matrices in a folder, by their endings.
fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "npy" || end == "bspnpy"));
    paths.sort();
    Ok(paths)
}

/// What is done for every element type: element `k` of all that is written, such that Python can say what it must
/// be, and the dispatch from the type named in a file.
macro_rules! elements {
    ($($(#[$when:meta])? $dtype:ident $type:ty => $sample:expr;)*) => {
        fn write(folder: &Path, ctx: &Context) -> Result<()> {
            $($(#[$when])? write_dense::<$type>(folder, $sample, ctx)?;)*
            $($(#[$when])? write_sparse::<$type>(folder, $sample, ctx)?;)*
            write_sparse::<()>(folder, |_| (), ctx)
        }

        fn read_array(path: &Path, ctx: &Context) -> Result<Value> {
            match NpyHeader::read(path)?.dtype {
                $($(#[$when])? DType::$dtype => read_dense::<$type>(path, ctx),)*
                // What this was compiled without is refused with its name.
                _ => read_dense::<f64>(path, ctx),
            }
        }

        fn read_matrix(path: &Path, ctx: &Context) -> Result<Value> {
            let stored = Descriptor::read(path)?;
            match stored.values {
                StoredValues::Iso(_) => read_sparse::<()>(path, &stored, ctx),
                $($(#[$when])? StoredValues::Each(DType::$dtype) => read_sparse::<$type>(path, &stored, ctx),)*
                StoredValues::Each(_) => read_sparse::<f64>(path, &stored, ctx),
            }
        }
    };
}

elements! {
    Bool bool => |k| !k.is_multiple_of(3);
    Int8 i8 => |k| k as i8 - 9;
    Int16 i16 => |k| k as i16 - 9;
    Int32 i32 => |k| k as i32 - 9;
    Int64 i64 => |k| k as i64 - 9;
    UInt8 u8 => |k| k as u8;
    UInt16 u16 => |k| k as u16;
    UInt32 u32 => |k| k as u32;
    UInt64 u64 => |k| k as u64;
    #[cfg(feature = "half")] Float16 half::f16 => |k| half::f16::from_f32(k as f32 - 8.5);
    #[cfg(feature = "half")] BFloat16 half::bf16 => |k| half::bf16::from_f32(k as f32 - 8.5);
    Float32 f32 => |k| k as f32 - 8.5;
    Float64 f64 => |k| k as f64 - 8.5;
    Complex64 Complex<f32> => |k| Complex::new(k as f32 - 8.5, k as f32 / 4.0);
    Complex128 C64 => |k| Complex::new(k as f64 - 8.5, k as f64 / 4.0);
}

fn write_dense<T: Element>(folder: &Path, sample: fn(usize) -> T, ctx: &Context) -> Result<()> {
    let shapes: [(&str, &[usize]); 5] =
        [("scalar", &[]), ("5", &[5]), ("0x3", &[0, 3]), ("4x3", &[4, 3]), ("2x3x4", &[2, 3, 4])];
    for (extents, shape) in shapes {
        for (order, letter) in [(Order::C, 'C'), (Order::Fortran, 'F')] {
            let elements: Vec<T> = (0..shape.iter().product()).map(sample).collect();
            let name = format!("dense-{}-{extents}-{letter}.npy", T::DTYPE);
            let array = Dense::from_parts(IxDyn(shape), order, Buffer::from(elements))?;
            array.copy_to(folder.join(name), ctx)?;
        }
    }
    Ok(())
}

fn write_sparse<T: Entry>(folder: &Path, sample: fn(usize) -> T, ctx: &Context) -> Result<()> {
    write_indexed::<T, u32, u32>(folder, sample, ctx)?;
    write_indexed::<T, u32, u64>(folder, sample, ctx)?;
    write_indexed::<T, u64, u64>(folder, sample, ctx)
}

fn write_indexed<T: Entry, I: Index, P: Index>(
    folder: &Path,
    sample: fn(usize) -> T,
    ctx: &Context,
) -> Result<()> {
    let dtype = T::ENTRY_DTYPE.map_or("pattern", DType::name);
    for (shape, size) in [((6, 4), ""), ((3, 0), "-empty")] {
        let path =
            |format| folder.join(format!("{format}-{dtype}-{}-{}{size}.bspnpy", I::DISK, P::DISK));
        let entries = (0..shape.0 * shape.1).filter(|k| k % 5 < 2);
        let entries = entries.map(|k| (k / shape.1, k % shape.1, sample(k)));
        let matrix = Coo::<T, I>::from_triplets(shape, entries)?;
        matrix.copy_to(path("coo"), ctx)?;
        matrix.to_csr::<P>(Duplicates::Refuse, path("csr"), ctx)?;
        matrix.to_csc::<P>(Duplicates::Refuse, path("csc"), ctx)?;
    }
    Ok(())
}

/// Prints a line for everything in `folder` that can be opened, and an error for everything that cannot.
fn read(folder: &Path, ctx: &Context) -> Outcome {
    let mut refused = 0;
    for path in entries(folder)? {
        let is_array = path.extension().is_some_and(|end| end == "npy");
        match if is_array { read_array(&path, ctx) } else { read_matrix(&path, ctx) } {
            Ok(mut line) => {
                line["file"] = json!(path.file_name().unwrap_or_default().to_string_lossy());
                println!("{line}");
            }
            Err(error) => {
                eprintln!("{error}");
                refused += 1;
            }
        }
    }
    if refused == 0 { Ok(()) } else { Err(format!("{refused} refused").into()) }
}

fn read_dense<T: Element + Multiplies<C64>>(path: &Path, ctx: &Context) -> Result<Value> {
    // What cannot be used in place, such as the byte order of other machines, is copied.
    let mapped = Dense::<T, IxDyn>::open(path);
    let is_mapped = mapped.is_ok();
    let array = mapped.or_else(|_| Dense::read(path, Place::Memory, ctx))?;
    let matrix = Dense::<C64, Ix2>::from_parts;
    let ax_norm = match *array.extents() {
        [nrows, ncols] => {
            Some(ax_norm(&matrix((nrows, ncols), array.order(), widen(array.as_slice()))?, ctx)?)
        }
        _ => None,
    };
    let sum = array.sum::<C64>(ctx)?;
    Ok(json!({
        "format": "npy", "dtype": T::DTYPE.name(), "shape": array.extents(), "nnz": array.len(),
        "mapped": is_mapped, "sum": [sum.re, sum.im], "ax_norm": ax_norm,
    }))
}

fn read_sparse<T: Multiplies<C64>>(
    path: &Path,
    stored: &Descriptor,
    ctx: &Context,
) -> Result<Value> {
    match (stored.indices.size(), stored.pointers.unwrap_or(stored.indices).size()) {
        (4, 4) => read_indexed::<T, u32, u32>(path, stored, ctx),
        (4, _) => read_indexed::<T, u32, u64>(path, stored, ctx),
        _ => read_indexed::<T, u64, u64>(path, stored, ctx),
    }
}

fn read_indexed<T: Multiplies<C64>, I: Index, P: Index>(
    path: &Path,
    stored: &Descriptor,
    ctx: &Context,
) -> Result<Value> {
    let (sum, ax_norm) = match stored.format {
        SparseFormat::Csr => summary(&Csr::<T, I, P>::open(path)?, ctx)?,
        SparseFormat::Csc => summary(&Csc::<T, I, P>::open(path)?, ctx)?,
        _ => {
            let coo = Coo::<T, I>::open(path)?;
            let (rows, cols, data) =
                (coo.row_indices().clone(), coo.col_indices().clone(), widen(coo.data()));
            let wide = Coo::from_parts(coo.shape(), rows, cols, data)?;
            summary(&wide.to_csr::<P>(Duplicates::Sum, Place::Memory, ctx)?, ctx)?
        }
    };
    Ok(json!({
        "format": stored.format.name(), "dtype": T::ENTRY_DTYPE.map_or("pattern", DType::name),
        "shape": [stored.nrows, stored.ncols], "nnz": stored.nnz, "mapped": true,
        "sum": [sum.re, sum.im], "ax_norm": ax_norm,
    }))
}

fn summary<T: Multiplies<C64>, I: Index, P: Index, A: Axis>(
    a: &Compressed<T, I, P, A>,
    ctx: &Context,
) -> Result<(C64, f64)> {
    Ok((a.sum(ctx)?, ax_norm(&a.with_data(widen(a.data()))?, ctx)?))
}

fn ax_norm(a: &impl LinearOperator<C64>, ctx: &Context) -> Result<f64> {
    let x: Vec<C64> = support::harmonic(a.shape().1).into_iter().map(C64::from).collect();
    Ok(norm(&a.matvec(&x)?, ctx))
}

/// Entries as complex numbers: one instance of the product serves every type.
fn widen<T: Multiplies<C64>>(data: &[T]) -> Buffer<C64> {
    data.iter().map(|entry| entry.times(C64::from(1.0))).collect::<Vec<_>>().into()
}
