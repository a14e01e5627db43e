//! A scene in a file: PNG or SVG, by its name.

use std::path::Path;

use outcore::{Error, ErrorKind, Place, Result, io as files};

use crate::picture::raster::png;
use crate::picture::scene::Scene;
use crate::picture::svg::svg;

/// Fails unless the name says a kind of picture.
pub(crate) fn check_name(path: &Path) -> Result<()> {
    match is(path, "png") || is(path, "svg") {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Unsupported, "the file name has no known extension")
            .in_file(path)
            .expected("a name that ends in .png or .svg")),
    }
}

/// Writes a picture, which appears complete or not at all; a PNG with `scale` pixels for each of the scene's.
pub(crate) fn write(scene: &Scene, scale: f64, place: Place) -> Result<()> {
    let path = match &place {
        Place::File(path) | Place::Replace(path) => path.clone(),
        Place::Memory | Place::Scratch => Default::default(),
    };
    check_name(&path)?;
    let failed =
        |error: png::EncodingError| Error::io("drawing", &path, std::io::Error::other(error));
    let bytes = match is(&path, "svg") {
        true => svg(scene).map_err(failed)?.into_bytes(),
        false => png(scene, scale).map_err(failed)?,
    };
    files::write_file(place, |file| file.write_all(&bytes))
}

fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}
