//! Any other file, written as results are: complete, or not at all.

use std::io::{BufWriter, Write};

use crate::error::{Error, Result};
use crate::io::output::{Output, Target};
use crate::storage::Place;

/// Writes a file that appears under its name when it is complete, with what `fill` writes.
///
/// Until then the bytes go to a hidden sibling folder, which is removed if `fill` fails. The file is brought to the
/// device before it gets its name. Fails with kind [`Exists`](crate::ErrorKind::Exists) if something is at the path of a
/// [`Place::File`], and for [`Place::Replace`] if it is not an ordinary file; and for places that have no name.
///
/// ```
/// use outcore::{Place, io::write_file};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.csv");
/// write_file(&path, |file| writeln!(file, "vertex,rank"))?;
/// assert!(write_file(&path, |_| Ok(())).is_err(), "it is there already");
/// write_file(Place::Replace(path.clone()), |file| writeln!(file, "0,1.0"))?;
/// assert_eq!(std::fs::read_to_string(&path)?, "0,1.0\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_file(
    place: impl Into<Place>,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<()> {
    let mut fill = Some(fill);
    write(&place.into(), &mut |file| fill.take().map_or(Ok(()), |fill| fill(file)))
}

fn write(place: &Place, fill: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let target = Target::of(place)?;
    let output = Output::create(target)?;
    let mut buffered = BufWriter::with_capacity(1 << 18, output.file());
    let written = fill(&mut buffered).and_then(|()| buffered.flush());
    written.map_err(|error| Error::io("writing", target.path, error))?;
    drop(buffered);
    output.publish().map(drop)
}
