//! Which matrix of a file is read: the one that the caller names, the one that its format means, or the only one.

use std::path::Path;

use crate::any::AnyMatrix;
use crate::error::{Error, ErrorKind, Result};
use crate::io::hdf5::container::{Container, Dataset, Group, Node};
use crate::io::hdf5::kinds::MatrixKind;
use crate::io::options::ReadOptions;
use crate::io::read_as::ReadAs;
use crate::storage::{Context, Place};

/// Groups of one member that are entered in search of a matrix.
const DEPTH: usize = 8;

/// Members of a group that are examined in search of a matrix.
const MOST: usize = 1 << 10;

/// A matrix that was found.
enum FoundMatrix {
    Group(Group, MatrixKind),
    Dataset(Dataset),
}

/// The matrix in a file: mapped, or copied to `place`.
pub(in crate::io) fn read(
    path: &Path,
    options: &ReadOptions,
    place: &Place,
    ctx: &Context,
) -> Result<(AnyMatrix, ReadAs)> {
    let container = Container::open(path)?;
    let root = container.root();
    let found = match options.member.as_deref().map(|name| name.trim_matches('/')) {
        None => choose(&root)?,
        Some("") => only(root)?,
        Some(name) => match member(&root, name)? {
            Node::Dataset(dataset) => FoundMatrix::Dataset(dataset),
            Node::Group(group) => match group.kind()? {
                Some(kind) => FoundMatrix::Group(group, kind),
                None => only(group)?,
            },
        },
    };
    match found {
        FoundMatrix::Group(group, kind) => group.read(kind, place, ctx),
        FoundMatrix::Dataset(dataset) => dataset.read(container.is_matlab, place, ctx),
    }
}

/// The group or dataset that a path names.
fn member(root: &Group, name: &str) -> Result<Node> {
    // AnnData once had a dot there.
    let spellings = [name.to_owned(), name.replace("raw/X", "raw.X")];
    for spelling in &spellings {
        if let Some(node) = root.find(spelling)? {
            return Ok(node);
        }
    }
    Err(root
        .error("the file has no such group or dataset")
        .expected(format!("\"{name}\""))
        .found(root.list()?))
}

/// The matrix that a file means.
fn choose(root: &Group) -> Result<FoundMatrix> {
    if let Some(kind @ MatrixKind::Binsparse(_)) = root.kind()? {
        return Ok(FoundMatrix::Group(root.copy(), kind));
    }
    let is_anndata =
        root.attributes()?.text("encoding-type") == Some("anndata") || root.has(&["obs", "var"])?;
    if is_anndata {
        return match root.find("X")? {
            Some(Node::Dataset(dataset)) => Ok(FoundMatrix::Dataset(dataset)),
            Some(Node::Group(group)) => match group.kind()? {
                Some(kind) => Ok(FoundMatrix::Group(group, kind)),
                None => Err(group.error("X is not a matrix").found(group.list()?)),
            },
            None => Err(root
                .error("the file has no X")
                .found(root.list()?)
                .remedy("name another matrix with `member`, as layers/NAME")),
        };
    }
    if let Some(Node::Group(group)) = root.find("matrix")?
        && let Some(kind @ MatrixKind::TenX) = group.kind()?
    {
        return Ok(FoundMatrix::Group(group, kind));
    }
    only(root.copy())
}

/// The only matrix in a group, or in the only group in it.
fn only(mut group: Group) -> Result<FoundMatrix> {
    for _ in 0..DEPTH {
        let (mut found, mut inner) = (Vec::new(), None);
        let groups = group.groups()?;
        for name in groups.iter().filter(|name| !name.starts_with('#')).take(MOST) {
            if let Some(Node::Group(child)) = group.find(name)? {
                match child.kind()? {
                    Some(kind) => found.push(FoundMatrix::Group(child, kind)),
                    None => inner = Some(child),
                }
            }
        }
        for name in group.datasets()?.iter().take(MOST) {
            let dataset = group.dataset(name)?;
            if dataset.may_be_matrix()? {
                found.push(FoundMatrix::Dataset(dataset));
            }
        }
        match (found.len(), inner) {
            (1, _) => return Ok(found.swap_remove(0)),
            (0, Some(child)) if groups.len() == 1 => group = child,
            (count, _) => {
                let what = if count == 0 {
                    "the file holds no matrix here"
                } else {
                    "the file holds several matrices"
                };
                return Err(Error::new(ErrorKind::Unsupported, what)
                    .in_file(group.file.path())
                    .expected("one matrix, or one of AnnData, 10x, MATLAB or Binsparse")
                    .found(group.list()?)
                    .remedy("choose one with `member`, by its path in the file"));
            }
        }
    }
    Err(group.error("the groups of the file are nested too deeply"))
}
