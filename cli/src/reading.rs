//! How inputs are read: flags that every verb takes, and `-` for standard input.

use std::path::{Path, PathBuf};

use outcore::Duplicates;
use outcore::io::{EdgeOptions, FileFormat, ReadOptions, Separator, Vertices, Weights};

use crate::table_flags::TableFlags;

/// Flags for inputs.
#[derive(clap::Args)]
#[command(next_help_heading = "Inputs")]
pub(crate) struct Reading {
    /// Format of the inputs; detected from their content and names if not given
    #[arg(long, global = true, value_name = "FORMAT", value_parser = parse_format)]
    format: Option<FileFormat>,
    /// Which matrix of a file with several: a member of an archive, a path in HDF5
    #[arg(long, global = true, value_name = "NAME")]
    member: Option<String>,
    /// Make all rows up to the largest, however few entries there are
    #[arg(long, global = true)]
    hypersparse: bool,
    /// Edges: renumber the vertices; results carry their ids
    #[arg(long, global = true, conflicts_with = "no_compact")]
    compact: bool,
    /// Edges: keep the numbers of the vertices, and the gaps between them
    #[arg(long, global = true)]
    no_compact: bool,
    /// Edges: read each in both directions
    #[arg(long, global = true)]
    symmetrize: bool,
    /// Edges: leave out those from a vertex to itself
    #[arg(long, global = true)]
    drop_loops: bool,
    /// Edges: how to treat repeated edges
    #[arg(long, global = true, value_name = "WHAT", value_enum, default_value_t = Repeats::Sum)]
    repeats: Repeats,
    /// Edges: how to interpret the third column
    #[arg(long, global = true, value_name = "WHAT", value_enum, default_value_t = ThirdColumn::Weight)]
    weights: ThirdColumn,
    #[command(flatten)]
    table: TableFlags,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Repeats {
    Sum,
    Keep,
    Refuse,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ThirdColumn {
    /// It is the weight of the edge
    Weight,
    Ignore,
    /// The weight of an edge is how often it is listed
    Count,
}

fn parse_format(name: &str) -> Result<FileFormat, String> {
    FileFormat::from_name(name).ok_or_else(|| {
        let names: Vec<_> = FileFormat::all().map(FileFormat::name).collect();
        format!("unknown format; the known ones are {}", names.join(", "))
    })
}

impl Reading {
    /// The options of the library.
    pub(crate) fn options(&self) -> ReadOptions {
        let edges = EdgeOptions {
            vertices: match (self.compact, self.no_compact) {
                (true, _) => Vertices::Compact,
                (_, true) => Vertices::AsInFile,
                _ => Vertices::Auto,
            },
            weights: match self.weights {
                ThirdColumn::Weight => Weights::AsInFile,
                ThirdColumn::Ignore => Weights::Ignore,
                ThirdColumn::Count => Weights::Count,
            },
            symmetrize: self.symmetrize,
            drop_self_loops: self.drop_loops,
            duplicates: match self.repeats {
                Repeats::Sum => Duplicates::Sum,
                Repeats::Keep => Duplicates::Keep,
                Repeats::Refuse => Duplicates::Refuse,
            },
            separator: match self.table.separator() {
                Some(b' ') => Separator::Blank,
                Some(b'\t') => Separator::Tab,
                Some(b',') => Separator::Comma,
                Some(b';') => Separator::Semicolon,
                _ => Separator::Auto,
            },
            header: self.table.header(),
        };
        let mut options = ReadOptions {
            format: self.format,
            member: self.member.clone(),
            hypersparse: self.hypersparse,
            edges,
            ..ReadOptions::default()
        };
        self.table.apply(&mut options);
        options
    }
}

/// The path of an input: `-` is standard input.
pub(crate) fn input(path: &Path) -> PathBuf {
    match path == Path::new("-") {
        true => "/dev/stdin".into(),
        false => path.to_owned(),
    }
}

/// Whether an input is a pipe or standard input, whose name says nothing about its content.
pub(crate) fn is_nameless(path: &Path) -> bool {
    let path = input(path);
    path == Path::new("/dev/stdin")
        || path.metadata().is_ok_and(|kind| !kind.is_file() && !kind.is_dir())
}

/// Whether an input may hold several matrices.
pub(crate) fn has_members(path: &Path) -> bool {
    let packed = path
        .extension()
        .is_some_and(|it| ["gz", "tgz"].iter().any(|packed| it.eq_ignore_ascii_case(packed)));
    let format = FileFormat::of_first_bytes(&input(path)).ok().flatten();
    packed || matches!(format, Some(FileFormat::Npz | FileFormat::Hdf5 | FileFormat::Petsc))
}
