//! Builders whose device is full, whose limit is reached or whose work is cancelled: what was refused was not taken,
//! and a builder that cannot go on says so at every call.

use std::path::{Path, PathBuf};
use std::process::Command;

use outcore::{
    CancelToken, ColumnWriter, Context, CooBuilder, Csr, CsrBuilder, Dense, DenseBuilder, DenseMut,
    Duplicates, Error, ErrorKind, Order, Place, Result,
};
use tempfile::{TempDir, tempdir};

use crate::folders::names;

/// A file system of some MiB in memory, which only an administrator can make.
struct Small {
    folder: TempDir,
}

impl Small {
    fn of(mib: usize) -> Option<Self> {
        let folder = tempdir().unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "outcore-test"])
            .arg(folder.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Small { folder });
        }
        println!("skipped: no file system can be mounted here");
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Entries of a full run of `f64` with `u32` indices under a limit of 16 MiB.
const RUN: usize = (16 << 20) / 6 / 16;

fn builder(scratch: &Path) -> CooBuilder<f64> {
    let ctx = Context::new().memory_limit(16 << 20).scratch(scratch);
    CooBuilder::new((1000, 1000), &ctx).unwrap()
}

/// Entry `k`: every position comes again and again.
fn push(builder: &mut CooBuilder<f64>, k: usize) -> Result<()> {
    builder.push(k * 7 % 1000, k / 3 % 1000, 1.0)
}

/// Pushes until a push fails; how many were taken, and the error.
fn fill(builder: &mut CooBuilder<f64>) -> (usize, Error) {
    for k in 0..10 * RUN {
        if let Err(error) = push(builder, k) {
            assert_eq!(builder.nnz(), k);
            return (k, error);
        }
    }
    panic!("never full");
}

fn sum(builder: &mut CooBuilder<f64>) -> f64 {
    let ctx = Context::new();
    let a: Csr<f64> = builder.finish(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    a.sum::<f64>(&ctx).unwrap()
}

#[test]
fn an_entry_refused_by_a_full_scratch_folder_is_not_taken() {
    let Some(small) = Small::of(8) else { return };
    let filler = small.path().join("filler");
    std::fs::write(&filler, vec![1; 4 << 20]).unwrap();
    let mut builder = builder(small.path());
    let (taken, first) = fill(&mut builder);
    assert_eq!(taken, 2 * RUN, "{first}");
    for _ in 0..1000 {
        let again = push(&mut builder, taken).unwrap_err();
        assert_eq!((again.kind(), again.to_string()), (first.kind(), first.to_string()));
        assert_eq!(builder.nnz(), taken);
    }
    // With space it goes on as if nothing had been.
    std::fs::remove_file(&filler).unwrap();
    for k in taken..taken + RUN / 2 {
        push(&mut builder, k).unwrap();
    }
    assert_eq!(sum(&mut builder), (taken + RUN / 2) as f64);
    assert_eq!(builder.nnz(), 0);
}

#[test]
fn scratch_space_is_asked_for_in_proportion() {
    // A run of 2.7 MB, and another of which the device has room for hardly more.
    for (mib, runs) in [(3, 1), (6, 2)] {
        let Some(small) = Small::of(mib) else { return };
        let mut builder = builder(small.path());
        let count = runs * RUN + 10;
        (0..count).for_each(|k| push(&mut builder, k).unwrap());
        // What is left is written when the entries are sorted into their lines; it has no room beside the others.
        let refused = builder.finish::<u32>(Duplicates::Sum, Place::Scratch, &Context::new());
        assert!(refused.is_ok() || mib == 6, "{refused:?}");
    }
}

#[test]
fn a_scratch_folder_that_is_none_refuses_every_entry_beyond_the_memory() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "text").unwrap();
    for scratch in [file, folder.path().join("missing")] {
        let mut builder = builder(&scratch);
        let (taken, first) = fill(&mut builder);
        assert_eq!((taken, first.kind()), (RUN, ErrorKind::Io));
        for _ in 0..100 {
            assert_eq!(push(&mut builder, taken).unwrap_err().to_string(), first.to_string());
        }
        assert_eq!(builder.nnz(), RUN);
        // What fits in memory needs no scratch folder.
        assert_eq!(sum(&mut builder), RUN as f64);
    }
}

#[test]
fn a_builder_whose_entries_are_gone_does_not_make_an_empty_matrix() {
    let ctx = Context::new();
    let mut builder = CooBuilder::<f64>::new((3, 3), &ctx).unwrap();
    builder.push(1, 1, 2.0).unwrap();
    builder.push(1, 1, 3.0).unwrap();
    // A place that is taken changes nothing.
    let taken = tempdir().unwrap();
    let place = || Place::File(taken.path().into());
    let refused = builder.finish::<u32>(Duplicates::Sum, place(), &ctx).unwrap_err();
    assert_eq!((refused.kind(), builder.nnz()), (ErrorKind::Exists, 2));
    let first = builder.finish::<u32>(Duplicates::Refuse, Place::Memory, &ctx).unwrap_err();
    assert_eq!(first.kind(), ErrorKind::Duplicate);
    let again = builder.finish::<u32>(Duplicates::Sum, Place::Memory, &ctx).unwrap_err();
    assert_eq!(again.to_string(), first.to_string());
    assert_eq!(builder.push(0, 0, 1.0).unwrap_err().to_string(), first.to_string());
}

/// Calls `step` until it fails; the error, which every later step must repeat.
fn repeats(mut step: impl FnMut() -> Result<()>) -> Error {
    let first = (0..1 << 20).find_map(|_| step().err()).expect("a failure");
    for _ in 0..10 {
        let again = step().unwrap_err();
        assert_eq!((again.kind(), again.to_string()), (first.kind(), first.to_string()));
    }
    first
}

fn place(small: &Small, name: &str) -> (PathBuf, Context) {
    let ctx = Context::new().memory_limit(16 << 20);
    (small.path().join(name), ctx)
}

#[test]
fn a_matrix_that_does_not_fit_on_its_device_fails_at_every_call() {
    let Some(small) = Small::of(6) else { return };
    let (path, ctx) = place(&small, "a.bspnpy");
    let mut builder = CsrBuilder::<f64>::new(1 << 20, &path, &ctx).unwrap();
    let (indices, values): (Vec<u32>, Vec<f64>) = ((0..4096).collect(), vec![1.0; 4096]);
    let first = repeats(|| builder.push(&indices, &values));
    assert_eq!(builder.append(&Csr::eye(1)).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(builder.finish().unwrap_err().to_string(), first.to_string());
    assert_eq!(names(small.path()), [""; 0]);
    let (path, ctx) = place(&small, "a.npy");
    let mut builder = DenseBuilder::<f64>::new(4096, Order::C, &path, &ctx).unwrap();
    let first = repeats(|| builder.push(&values));
    assert_eq!(builder.finish().unwrap_err().to_string(), first.to_string());
    assert_eq!(names(small.path()), [""; 0]);
}

#[test]
fn a_line_refused_for_the_memory_limit_is_not_taken() {
    let ctx = Context::new().memory_limit(1 << 20);
    let mut builder = CsrBuilder::<f64>::new(1 << 20, Place::Memory, &ctx).unwrap();
    builder.push(&[7], &[2.0]).unwrap();
    let (indices, values): (Vec<u32>, Vec<f64>) = ((0..1 << 17).collect(), vec![1.0; 1 << 17]);
    let first = repeats(|| builder.push(&indices, &values));
    assert_eq!((first.kind(), builder.lines(), builder.nnz()), (ErrorKind::Memory, 1, 1));
    builder.push(&[8], &[3.0]).unwrap();
    assert_eq!(builder.finish().unwrap().nnz(), 2);
    let mut builder = DenseBuilder::<f64>::new(1 << 17, Order::C, Place::Memory, &ctx).unwrap();
    assert_eq!(repeats(|| builder.push(&values)).kind(), ErrorKind::Memory);
    assert_eq!(builder.finish().unwrap().shape(), (1, 1 << 17));
}

#[test]
fn a_column_pushed_again_after_an_error_is_not_taken_twice() {
    for order in [Order::C, Order::Fortran] {
        let token = CancelToken::new();
        let ctx = Context::new().cancel(token.clone());
        let mut array = DenseMut::<f64>::create((4, 3), order, Place::Memory, &ctx).unwrap();
        let mut writer = ColumnWriter::new(&mut array).unwrap();
        assert_eq!(writer.push(&[1.0; 5]).unwrap_err().kind(), ErrorKind::Shape);
        writer.push(&[1.0; 4]).unwrap();
        token.cancel();
        let first = repeats(|| writer.push(&[2.0; 4]));
        assert_eq!(first.kind(), ErrorKind::Cancelled);
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn a_full_array_takes_no_more_and_is_whole() {
    let ctx = Context::new();
    let mut array = DenseMut::<f64>::create((2, 1), Order::C, Place::Memory, &ctx).unwrap();
    let mut writer = ColumnWriter::new(&mut array).unwrap();
    writer.push(&[1.0, 2.0]).unwrap();
    assert_eq!(writer.push(&[3.0, 4.0]).unwrap_err().kind(), ErrorKind::Shape);
    writer.finish().unwrap();
    let a: Dense<f64> = array.freeze().unwrap();
    assert_eq!(a.as_slice(), [1.0, 2.0]);
}
