//! Groups, datasets and attributes of a file.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use hdf5_pure::{
    AttrValue, ChunkCacheConfig, File, FileAccessProperties, FormatError, MetadataCacheConfig,
    Source,
};

use crate::error::{Error, ErrorKind, Result};
use crate::io::arrays::ForeignFile;
use crate::io::hdf5::failure::parsed;

/// Bytes of descriptions that are kept.
const METADATA: usize = 1 << 20;

/// Bytes of unpacked chunks that are kept: the one that two reads share.
pub(super) const CHUNKS: usize = 1 << 20;

/// Names that an error lists.
const LISTED: usize = 20;

/// An HDF5 file, open for reading.
pub(super) struct Container {
    file: Arc<ForeignFile>,
    root: hdf5_pure::Group,
    /// Whether MATLAB wrote it: it marks its files before the signature.
    pub(super) is_matlab: bool,
}

/// What a path leads to.
pub(super) enum Node {
    Group(Group),
    Dataset(Dataset),
}

pub(super) struct Group {
    pub(super) file: Arc<ForeignFile>,
    /// Its path in the file, without slashes at its ends.
    pub(super) path: String,
    group: hdf5_pure::Group,
}

pub(super) struct Dataset {
    pub(super) file: Arc<ForeignFile>,
    pub(super) path: String,
    pub(super) dataset: hdf5_pure::Dataset,
}

/// The attributes of a group or a dataset.
pub(super) struct Attributes(HashMap<String, AttrValue>);

impl Container {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = ForeignFile::open(path)?;
        let mut first = [0; 20];
        let is_matlab = file.file().read_exact_at(&mut first, 0).is_ok()
            && first.starts_with(b"MATLAB 7.3 MAT-file");
        let properties = FileAccessProperties::new()
            .with_metadata_cache(MetadataCacheConfig::new(METADATA))
            .with_chunk_cache(ChunkCacheConfig::new().with_max_bytes(CHUNKS));
        let source = FileSource(Arc::clone(&file));
        let root =
            parsed(&file, || Ok(File::from_source_with_options(source, properties)?.root()))?;
        Ok(Container { file, root, is_matlab })
    }

    pub(super) fn root(&self) -> Group {
        Group { file: Arc::clone(&self.file), path: String::new(), group: self.root.clone() }
    }
}

impl Group {
    /// Another handle of the group.
    pub(super) fn copy(&self) -> Self {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        Group { file, path, group: self.group.clone() }
    }

    /// The group or dataset at a path from here; `None` if there is nothing.
    pub(super) fn find(&self, path: &str) -> Result<Option<Node>> {
        let file = Arc::clone(&self.file);
        let whole = [self.path.as_str(), path.trim_matches('/')];
        let whole: Vec<_> = whole.into_iter().filter(|part| !part.is_empty()).collect();
        let whole = whole.join("/");
        let nothing = |error: &hdf5_pure::Error| {
            matches!(error, hdf5_pure::Error::Format(FormatError::PathNotFound(_)))
        };
        parsed(&self.file, || match self.group.dataset(path) {
            Ok(dataset) => Ok(Some(Node::Dataset(Dataset { file, path: whole, dataset }))),
            Err(hdf5_pure::Error::NotADataset(_)) => {
                let group = self.group.group(path)?;
                Ok(Some(Node::Group(Group { file, path: whole, group })))
            }
            Err(error) if nothing(&error) => Ok(None),
            Err(hdf5_pure::Error::NotAGroup(_)) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// The dataset of a name here. Fails if there is none.
    pub(super) fn dataset(&self, name: &str) -> Result<Dataset> {
        match self.find(name)? {
            Some(Node::Dataset(dataset)) => Ok(dataset),
            Some(Node::Group(_)) => {
                Err(self.error("a group is where a dataset belongs").found(name))
            }
            None => Err(self
                .error("the group has no such dataset")
                .expected(format!("\"{name}\""))
                .found(self.list()?)),
        }
    }

    /// Whether there are all of these here.
    pub(super) fn has(&self, names: &[&str]) -> Result<bool> {
        let there = [self.groups()?, self.datasets()?].concat();
        Ok(names.iter().all(|name| there.iter().any(|one| one == name)))
    }

    /// The names of the groups here, sorted.
    pub(super) fn groups(&self) -> Result<Vec<String>> {
        let mut names = parsed(&self.file, || self.group.groups())?;
        names.sort_unstable();
        Ok(names)
    }

    /// The names of the datasets here, sorted.
    pub(super) fn datasets(&self) -> Result<Vec<String>> {
        let mut names = parsed(&self.file, || self.group.datasets())?;
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn attributes(&self) -> Result<Attributes> {
        parsed(&self.file, || self.group.attrs()).map(Attributes)
    }

    /// What is here, for an error.
    pub(super) fn list(&self) -> Result<String> {
        let groups = self.groups()?.into_iter().map(|name| format!("{name}/"));
        let names: Vec<_> = groups.chain(self.datasets()?).collect();
        let mut listed: Vec<String> =
            names.iter().take(LISTED).map(|name| name.escape_debug().to_string()).collect();
        if names.len() > LISTED {
            listed.push(format!("and {} more", names.len() - LISTED));
        }
        Ok(if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") })
    }

    /// An error about this group.
    pub(super) fn error(&self, what: &str) -> Error {
        let error = Error::new(ErrorKind::Format, what).in_file(self.file.path());
        if self.path.is_empty() { error } else { error.at_field(&self.path) }
    }
}

impl Dataset {
    pub(super) fn attributes(&self) -> Result<Attributes> {
        parsed(&self.file, || self.dataset.attrs()).map(Attributes)
    }
}

impl Attributes {
    /// A string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Whole numbers, each from 0.
    pub(super) fn positions(&self, name: &str) -> Option<Vec<usize>> {
        fn all<T: Copy>(numbers: &[T]) -> Option<Vec<usize>>
        where
            usize: TryFrom<T>,
        {
            let position = |&number| usize::try_from(number).ok();
            numbers.iter().map(position).collect()
        }
        let numbers = match self.0.get(name)? {
            AttrValue::I8(one) => all(&[*one]),
            AttrValue::I16(one) => all(&[*one]),
            AttrValue::I32(one) => all(&[*one]),
            AttrValue::I64(one) => all(&[*one]),
            AttrValue::U8(one) => all(&[*one]),
            AttrValue::U16(one) => all(&[*one]),
            AttrValue::U32(one) => all(&[*one]),
            AttrValue::U64(one) => all(&[*one]),
            AttrValue::I32Array(several) => all(several),
            AttrValue::I64Array(several) => all(several),
            AttrValue::U32Array(several) => all(several),
            AttrValue::U64Array(several) => all(several),
            _ => None,
        }?;
        numbers.iter().all(|&number| number <= isize::MAX as usize).then_some(numbers)
    }

    /// Whether there is an attribute of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// The bytes of the file, through the handle under whose lock it is read.
struct FileSource(Arc<ForeignFile>);

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), FormatError> {
        self.0.file().read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => FormatError::UnexpectedEof {
                expected: usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .saturating_add(buffer.len()),
                available: usize::try_from(self.0.length()).unwrap_or(usize::MAX),
            },
            _ => FormatError::Source(error.to_string()),
        })
    }
}
