//! A device that is full: an error of kind `Space`, wherever the bytes would have gone, and nothing lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use outcore::{Context, Csr, Dense, DenseMut, ErrorKind, Order, Place, Result};
use tempfile::{TempDir, tempdir};

use crate::folders::names;

/// A file system of a few MiB in memory, unmounted in the end.
struct Small(TempDir);

impl Small {
    /// `None`, said on the terminal, where nothing can be mounted.
    fn new(mib: usize) -> Option<Self> {
        let folder = tempdir().unwrap();
        let size = format!("size={mib}m");
        let arguments = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let mounted = Command::new("mount").args(arguments).arg(folder.path()).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            println!("skipped: a small file system cannot be mounted here");
            return None;
        }
        Some(Small(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A `.npy` file of `bytes` bytes of zeros, all of them a hole, as NumPy's `open_memmap` makes it.
fn with_hole(path: &Path, bytes: usize) {
    let small = path.with_file_name("small.npy");
    Dense::from(ndarray::arr1(&[0.0f64])).copy_to(&small, &Context::new()).unwrap();
    let head = fs::read(&small).unwrap();
    let text =
        String::from_utf8_lossy(&head[10..4096]).replace("(1,)", &format!("({},)", bytes / 8));
    let mut header = head[..10].to_vec();
    header.extend_from_slice(&text.as_bytes()[..4085]);
    header.push(b'\n');
    fs::write(path, header).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(4096 + bytes as u64).unwrap();
    fs::remove_file(&small).unwrap();
    fs::remove_file(small.with_file_name("small.npy.xxh3")).unwrap();
}

#[test]
fn holes_are_reserved_before_an_array_is_opened_for_writing() {
    let Some(disk) = Small::new(4) else { return };
    let ctx = Context::new();
    let path = disk.path("a.npy");
    with_hole(&path, 16 << 20);
    let open = || DenseMut::<f64, ndarray::Ix1>::open_mut(&path, &ctx);
    assert_eq!(open().err().unwrap().kind(), ErrorKind::Space);
    // It is as it was, and not marked.
    assert_eq!(names(&disk.path("")), ["a.npy"]);
    assert!(fs::read(&path).unwrap()[4096..].iter().all(|byte| *byte == 0));
    with_hole(&path, 2 << 20);
    let mut array = open().unwrap();
    array.as_mut_slice().fill(1.0);
    array.close().unwrap();
    assert!(Dense::<f64, ndarray::Ix1>::open(&path).unwrap().as_slice().iter().all(|x| *x == 1.0));
}

#[test]
fn results_that_do_not_fit_on_the_device_leave_what_was_there() {
    let Some(disk) = Small::new(4) else { return };
    let ctx = Context::new().scratch(disk.path(""));
    let a = Csr::<f64>::random((30_000, 30_000), 20.0 / 30_000.0, 3, Place::Memory, &ctx).unwrap();
    let small = Csr::<f64>::eye(3);
    small.copy_to(disk.path("m"), &ctx).unwrap();
    let replaced = || Place::Replace(disk.path("m"));
    let outcomes: Vec<Result<()>> = vec![
        a.copy_to(disk.path("n"), &ctx).map(drop),
        a.copy_to(replaced(), &ctx).map(drop),
        a.to_csc(replaced(), &ctx).map(drop),
        a.to_coo(replaced(), &ctx).map(drop),
        a.copy_to(Place::Scratch, &ctx).map(drop),
        DenseMut::<f64>::create((1 << 20, 1), Order::C, disk.path("d.npy"), &ctx).map(drop),
    ];
    for (k, outcome) in outcomes.into_iter().enumerate() {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Space, "{k}: {error}");
    }
    assert_eq!(Csr::<f64>::open(disk.path("m")).unwrap().nnz(), 3);
    outcore::verify(disk.path("m"), &ctx).unwrap();
    assert_eq!(names(&disk.path("")), ["m"]);
}
