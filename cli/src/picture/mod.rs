//! Pictures: what is drawn, and three ways to show it.
//!
//! - [`scene`] – lines, rectangles, texts and images at places in pixels; [`chart`] – axes and series, laid out as a
//!   scene; [`density`] – the entries of a matrix, likewise; [`ticks`] – where axes are labelled, [`colors`]
//! - [`svg`] and [`raster`] – a scene as SVG and as pixels for a PNG, with the letters of [`font`]; [`file`] – either,
//!   by the name of the file
//! - [`terminal`] – a chart in characters

mod chart;
mod colors;
mod density;
mod file;
mod font;
mod raster;
mod scene;
mod svg;
mod terminal;
mod ticks;

pub(crate) use chart::{Axis, Chart, Marks, Series};
pub(crate) use density::Density;
pub(crate) use file::{check_name, write};
pub(crate) use terminal::in_characters;
