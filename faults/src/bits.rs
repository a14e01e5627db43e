//! A bit of a stored file is another one: reading is an error or right, `verify` sees it, and nothing panics.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use outcore::{Context, verify};

use crate::report::{Form, Report};
use crate::state::folder;
use crate::stores::{Numbers, Store};

/// Where the elements of an array begin that the library has written.
const DATA_START: u64 = 4096;

/// Every bit of every file; in the short form every 13th.
pub fn run(form: Form) -> Report {
    let mut report = Report::new("bits");
    for store in Store::ALL {
        if let Err(fault) = every_bit(store, form, &mut report) {
            report.fault(format!("{}: {fault}", store.name()));
        }
    }
    report
}

fn every_bit(store: Store, form: Form, report: &mut Report) -> Result<(), String> {
    let folder = folder()?;
    let path = store.write(folder.path()).map_err(|e| e.to_string())?;
    let right = store.numbers(&path).map_err(|e| e.to_string())?;
    for name in store.files(&path).map_err(|e| e.to_string())? {
        let file =
            OpenOptions::new().read(true).write(true).open(&name).map_err(|e| e.to_string())?;
        let bits = file.metadata().map_err(|e| e.to_string())?.len() * 8;
        for bit in (form.seed % form.pick(13, 1)..bits).step_by(form.pick(13, 1)) {
            let outcome = flipped(store, &path, &right, (&file, &name), bit);
            report.case(format!("bit {bit} of {}'s {}", store.name(), last(&name)), outcome);
        }
    }
    Ok(())
}

fn last(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn flipped(
    store: Store,
    path: &Path,
    right: &Numbers,
    (file, name): (&File, &Path),
    bit: u64,
) -> Result<(), String> {
    let (at, mut byte) = (bit / 8, [0]);
    file.read_exact_at(&mut byte, at).map_err(|e| e.to_string())?;
    let other = [byte[0] ^ (1 << (bit % 8))];
    file.write_all_at(&other, at).map_err(|e| e.to_string())?;
    let read = catch_unwind(AssertUnwindSafe(|| store.numbers(path)));
    let verified = catch_unwind(AssertUnwindSafe(|| verify(path, &Context::new())));
    file.write_all_at(&byte, at).map_err(|e| e.to_string())?;
    let change = format!("{:?} became {:?}", byte[0] as char, other[0] as char);
    match verified {
        Ok(Err(_)) => {}
        Ok(Ok(_)) => return Err(format!("{change}, and verify is content")),
        Err(_) => return Err(format!("{change}, and verify panics")),
    }
    let array = name.extension().is_some_and(|extension| extension == "npy");
    // Elements are not checked when they are read, and the length of the header says where they begin.
    let matters = array && (at >= DATA_START || (8..10).contains(&at));
    match read {
        Ok(Ok(found)) if !matters && found.size == right.size && found != *right => {
            Err(format!("{change}, and other numbers are read without an error"))
        }
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{change}, and reading panics")),
    }
}
