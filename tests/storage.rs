//! Publishing, checksums, locks and limits, seen from outside.

use std::fs;

use outcore::{
    Access, CancelToken, Context, Csr, Dense, DenseMut, ErrorKind, Order, Place, Verified, verify,
};
use tempfile::tempdir;

use crate::folders::names;

#[test]
fn a_new_array_appears_when_it_is_complete() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let ctx = Context::new();
    let mut a = DenseMut::<f64>::create((3, 4), Order::C, &path, &ctx).unwrap();
    a.as_mut_slice().fill(1.5);
    assert!(!path.exists());
    a.close().unwrap();
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3"]);
    assert_eq!(Dense::<f64>::open(&path).unwrap().as_slice(), [1.5; 12]);
}

#[test]
fn an_array_that_is_dropped_leaves_nothing() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    drop(DenseMut::<f64>::create((3, 4), Order::C, folder.path().join("a.npy"), &ctx).unwrap());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_a_dead_process_left_is_removed() {
    let folder = tempdir().unwrap();
    let abandoned = folder.path().join(".a.npy.tmp-dead00");
    fs::create_dir(&abandoned).unwrap();
    fs::write(abandoned.join("array.npy"), "half").unwrap();
    fs::write(abandoned.join("outcore-stage"), "").unwrap();
    let ctx = Context::new();
    let first =
        DenseMut::<f64>::create((1, 1), Order::C, folder.path().join("a.npy"), &ctx).unwrap();
    assert!(!abandoned.exists());
    // Work that is still going on is left alone.
    let second =
        DenseMut::<f64>::create((1, 1), Order::C, folder.path().join("a.npy"), &ctx).unwrap();
    first.close().unwrap();
    assert_eq!(second.close().unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(names(folder.path()), ["a.npy", "a.npy.xxh3"]);
}

#[test]
fn a_taken_name_is_refused_before_work_and_replaced_on_request() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    for name in ["a.npy", "a.bspnpy"] {
        let path = folder.path().join(name);
        let put = |value: f64, place: Place| -> outcore::Result<()> {
            if name == "a.npy" {
                let mut a = DenseMut::<f64>::create((1, 1), Order::C, place, &ctx)?;
                a.as_mut_slice().fill(value);
                a.close()
            } else {
                Csr::<f64>::eye(1).with_data(vec![value])?.copy_to(place, &ctx).map(drop)
            }
        };
        let get = || match name {
            "a.npy" => Dense::<f64>::open(&path).unwrap().as_slice()[0],
            _ => Csr::<f64>::open(&path).unwrap().data()[0],
        };
        put(1.0, Place::from(&path)).unwrap();
        assert_eq!(put(2.0, Place::from(&path)).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(get(), 1.0);
        put(3.0, Place::Replace(path.clone())).unwrap();
        assert_eq!(get(), 3.0);
        verify(&path, &ctx).unwrap();
    }
    assert_eq!(names(folder.path()), ["a.bspnpy", "a.npy", "a.npy.xxh3"]);
}

#[test]
fn every_flipped_byte_is_found() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.bspnpy");
    Csr::<f64>::eye(10).copy_to(&path, &ctx).unwrap();
    let bytes: u64 = ["binsparse.json", "pointers_to_1.npy", "indices_1.npy", "values.npy"]
        .iter()
        .map(|name| fs::metadata(path.join(name)).unwrap().len())
        .sum();
    assert_eq!(verify(&path, &ctx).unwrap(), Verified { files: 4, bytes });
    for name in names(&path) {
        let file = path.join(&name);
        let good = fs::read(&file).unwrap();
        for at in [0, good.len() / 2, good.len() - 2] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            let error = verify(&path, &ctx).unwrap_err();
            assert!(error.path().unwrap().starts_with(&path), "{error}");
            fs::write(&file, &good).unwrap();
        }
        fs::remove_file(&file).unwrap();
        assert!(verify(&path, &ctx).is_err(), "{name} is missing");
        fs::write(&file, &good).unwrap();
    }
    verify(&path, &ctx).unwrap();
}

#[test]
fn a_flip_in_a_later_block_names_the_block() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.npy");
    DenseMut::<u8>::create((1, 9 << 20), Order::C, &path, &ctx).unwrap().close().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[(8 << 20) + 5] = 1;
    fs::write(&path, bytes).unwrap();
    let error = verify(&path, &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checksum);
    assert!(error.to_string().contains(&format!("byte {}", 8 << 20)), "{error}");
}

#[test]
fn readers_share_and_a_writer_is_alone() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.npy");
    DenseMut::<f64>::create((2, 2), Order::C, &path, &ctx).unwrap().close().unwrap();
    let first = Dense::<f64>::open(&path).unwrap();
    let second = Dense::<f64>::open(&path).unwrap();
    assert_eq!(DenseMut::<f64>::open_mut(&path, &ctx).err().unwrap().kind(), ErrorKind::Locked);
    drop((first, second));
    let mut writer = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
    assert_eq!(Dense::<f64>::open(&path).unwrap_err().kind(), ErrorKind::Locked);
    writer.as_mut_slice()[3] = 4.0;
    let frozen = writer.freeze().unwrap();
    assert_eq!(Dense::<f64>::open(&path).unwrap().as_slice(), frozen.as_slice());
    verify(&path, &ctx).unwrap();
}

#[test]
fn while_it_is_rewritten_an_array_has_no_checksums() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let path = folder.path().join("a.npy");
    DenseMut::<f64>::create((2, 2), Order::C, &path, &ctx).unwrap().close().unwrap();
    let mut writer = DenseMut::<f64>::open_mut(&path, &ctx).unwrap();
    writer.as_mut_slice()[0] = 1.0;
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(verify(&path, &ctx).unwrap_err().kind(), ErrorKind::Unfinished);
    assert_eq!(Dense::<f64>::open_unfinished(&path).unwrap().as_slice()[0], 1.0);
    assert!(!folder.path().join("a.npy.xxh3").exists());
}

#[test]
fn absurd_sizes_are_errors_and_leave_nothing() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().memory_limit(1 << 20).scratch(folder.path());
    let create =
        |place: Place, shape| DenseMut::<f64>::create(shape, Order::C, place, &ctx).err().unwrap();
    assert_eq!(create(Place::Memory, (1 << 20, 1)).kind(), ErrorKind::Memory);
    assert_eq!(create(Place::Memory, (usize::MAX, 2)).kind(), ErrorKind::Shape);
    let file = Place::File(folder.path().join("a.npy"));
    assert_eq!(create(file.clone(), (1 << 50, 1)).kind(), ErrorKind::Space);
    assert_eq!(create(file, (1 << 62, 1)).kind(), ErrorKind::Shape);
    assert_eq!(create(Place::Scratch, (1 << 50, 1)).kind(), ErrorKind::Space);
    assert_eq!(create(Place::File("/".into()), (1, 1)).kind(), ErrorKind::Exists);
    let nowhere = folder.path().join("no/such/folder/a.npy");
    assert_eq!(create(Place::File(nowhere), (1, 1)).kind(), ErrorKind::Io);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn scratch_has_no_name() {
    let folder = tempdir().unwrap();
    let ctx = Context::new().scratch(folder.path());
    let a = Csr::<f64>::eye(1000).copy_to(Place::Scratch, &ctx).unwrap();
    assert!(a.data().file().is_some());
    assert!(names(folder.path()).is_empty());
    a.advise(Access::Sequential);
    assert_eq!(a.data().iter().sum::<f64>(), 1000.0);
}

#[test]
fn cancelling_leaves_nothing() {
    let folder = tempdir().unwrap();
    let token = CancelToken::new();
    token.cancel();
    let ctx = Context::new().cancel(token).scratch(folder.path());
    let error = Csr::<f64>::eye(10).copy_to(folder.path().join("a.bspnpy"), &ctx).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn files_without_a_header_are_made_and_changed() {
    let folder = tempdir().unwrap();
    let (path, ctx) = (folder.path().join("a.raw"), Context::new());
    let mut a = DenseMut::<f64>::create_raw((300, 7), Order::Fortran, &path, &ctx).unwrap();
    assert!(!path.exists());
    a.fill_columns(|j, column| column.fill(j as f64)).unwrap();
    let a = a.freeze().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 300 * 7 * 8);
    assert_eq!(a.as_ndarray()[[299, 6]], 6.0);
    // While it is open to read nobody writes.
    let again = DenseMut::<f64>::open_raw_mut(&path, 0, (300, 7), Order::Fortran, &ctx);
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Locked);
    drop(a);
    let mut b =
        DenseMut::<f64>::open_raw_mut(&path, 300 * 8, (300, 6), Order::Fortran, &ctx).unwrap();
    assert_eq!(b.as_ndarray()[[0, 0]], 1.0);
    b.as_ndarray_mut()[[0, 0]] = -1.0;
    b.close().unwrap();
    let whole = Dense::<f64>::from_raw(&path, 0, (300, 7), Order::Fortran).unwrap();
    assert_eq!((whole.as_ndarray()[[0, 1]], whole.as_ndarray()[[1, 1]]), (-1.0, 1.0));
    drop(whole);

    let kind = |outcome: outcore::Result<DenseMut<f64>>| outcome.unwrap_err().kind();
    let shape = (300, 7);
    let create = |place: Place| DenseMut::<f64>::create_raw(shape, Order::C, place, &ctx);
    assert_eq!(kind(create(Place::Memory)), ErrorKind::Unsupported);
    assert_eq!(kind(create(Place::File(path.clone()))), ErrorKind::Exists);
    let open = |offset, shape: (usize, usize)| {
        DenseMut::<f64>::open_raw_mut(&path, offset, shape, Order::C, &ctx)
    };
    assert_eq!(kind(open(8, shape)), ErrorKind::Format);
    assert_eq!(kind(open(u64::MAX, (1, 1))), ErrorKind::Format);
    assert!(open(3, (2, 2)).is_err());
    assert!(open(0, (1 << 40, 1 << 40)).is_err());
    // Dropped before it is closed, what was there stays.
    let mut c = create(Place::Replace(path.clone())).unwrap();
    c.as_mut_slice().fill(9.0);
    drop(c);
    assert_eq!(Dense::<f64>::from_raw(&path, 0, (1, 1), Order::C).unwrap().as_slice(), [0.0]);
    create(Place::Replace(path.clone())).unwrap().close().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let empty = DenseMut::<u8>::create_raw((0, 3), Order::C, folder.path().join("e"), &ctx);
    empty.unwrap().close().unwrap();
    assert_eq!(fs::metadata(folder.path().join("e")).unwrap().len(), 0);
}
