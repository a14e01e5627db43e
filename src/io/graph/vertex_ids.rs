//! The ids that vertices have in a file: numbers or names.
//!
//! Beside a stored matrix they lie in its folder, as one array: `vertex_ids.npy` of `uint64`, or `vertex_names.npy` of
//! `uint8`, the names as UTF-8 with a line feed behind each.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::dense::Dense;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Context, Place, StagedFolder, VERTEX_IDS_FILE, VERTEX_NAMES_FILE};

/// The ids that the vertices of a graph have in the file it was read from, if they are not the numbers of its rows.
/// Cloning copies a pointer.
///
/// ```
/// use outcore::{Context, Place};
/// use outcore::io::{ReadOptions, read_graph_with};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "ann bob\nbob cem\n").unwrap();
/// let read = read_graph_with::<u32, u32>(&path, &ReadOptions::default(), Place::Memory, &Context::new())?;
/// let ids = read.vertices.unwrap();
/// assert_eq!((ids.len(), ids.id(2), ids.vertex("bob")), (3, "cem".into(), Some(1)));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone)]
pub struct VertexIds(Arc<IdsOf>);

enum IdsOf {
    /// In ascending order.
    Numbers(Vec<u64>),
    Names(VertexNames),
}

struct VertexNames {
    /// UTF-8, a line feed behind each name.
    text: Vec<u8>,
    /// Where each name ends, behind its line feed.
    ends: Vec<u64>,
    /// Made when a name is first looked up.
    index: OnceLock<NameIndex>,
}

/// Vertices by the hashes of their names: one more than a vertex, or 0.
struct NameIndex {
    slots: Vec<u32>,
    seed: u64,
}

impl VertexIds {
    pub(super) fn of_numbers(ids: Vec<u64>) -> Self {
        VertexIds(Arc::new(IdsOf::Numbers(ids)))
    }

    /// Names with a line feed behind each, and where each ends; they are UTF-8.
    pub(super) fn of_names(text: Vec<u8>, ends: Vec<u64>) -> Self {
        VertexIds(Arc::new(IdsOf::Names(VertexNames { text, ends, index: OnceLock::new() })))
    }

    /// The ids of some vertices, in the order of their numbers.
    pub(super) fn of_vertices(&self, vertices: &[u64]) -> Self {
        self.those(vertices.iter().map(|&vertex| vertex as usize))
    }

    /// The ids of some vertices: of a part of a graph, or of one in another order. Fails with kind
    /// [`Index`](ErrorKind::Index) unless each is less than [`len`](Self::len).
    ///
    /// ```
    /// use outcore::{Context, Place, io::{ReadOptions, read_graph_with}};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.txt");
    /// std::fs::write(&path, "ann bob\nbob cem\n").unwrap();
    /// let read = read_graph_with::<u32, u32>(&path, &ReadOptions::default(), Place::Memory, &Context::new())?;
    /// let ids = read.vertices.unwrap().take(&[2, 0])?;
    /// assert_eq!((ids.len(), &*ids.id(0), &*ids.id(1)), (2, "cem", "ann"));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn take(&self, vertices: &[usize]) -> Result<Self> {
        match vertices.iter().find(|&&vertex| vertex >= self.len()) {
            None => Ok(self.those(vertices.iter().copied())),
            Some(vertex) => Err(Error::new(ErrorKind::Index, "there is no such vertex")
                .expected(format!("a number less than {}", self.len()))
                .found(vertex)),
        }
    }

    fn those(&self, vertices: impl Iterator<Item = usize>) -> Self {
        match &*self.0 {
            IdsOf::Numbers(ids) => Self::of_numbers(vertices.map(|vertex| ids[vertex]).collect()),
            IdsOf::Names(names) => {
                let (mut text, mut ends) = (Vec::new(), Vec::new());
                for vertex in vertices {
                    text.extend_from_slice(names.name(vertex));
                    text.push(b'\n');
                    ends.push(text.len() as u64);
                }
                Self::of_names(text, ends)
            }
        }
    }

    /// Number of vertices.
    pub fn len(&self) -> usize {
        match &*self.0 {
            IdsOf::Numbers(ids) => ids.len(),
            IdsOf::Names(names) => names.ends.len(),
        }
    }

    /// Whether there is no vertex.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of a vertex.
    ///
    /// # Panics
    /// If there is no such vertex.
    pub fn id(&self, vertex: usize) -> Cow<'_, str> {
        match &*self.0 {
            IdsOf::Numbers(ids) => ids[vertex].to_string().into(),
            IdsOf::Names(names) => String::from_utf8_lossy(names.name(vertex)),
        }
    }

    /// The vertex with an id, if there is one. The first look-up of a name makes an index of all: four to eight bytes
    /// each.
    pub fn vertex(&self, id: &str) -> Option<usize> {
        match &*self.0 {
            IdsOf::Numbers(ids) => ids.binary_search(&id.parse().ok()?).ok(),
            IdsOf::Names(names) => names.vertex(id.as_bytes()),
        }
    }

    /// The ids, in ascending order, if they are numbers.
    pub fn numbers(&self) -> Option<&[u64]> {
        match &*self.0 {
            IdsOf::Numbers(ids) => Some(ids),
            IdsOf::Names(_) => None,
        }
    }

    /// Has a matrix made at a path, and stores the ids with its arrays: both are published together, in one step. At
    /// another place only the matrix is made.
    ///
    /// `make` gets the place where the matrix is to be, which for a path is in a hidden folder next to it: what maps the
    /// matrix there is reopened at the path.
    ///
    /// Fails with the error of `make`, and as [`store`](Self::store) does; then nothing is left, and what is to be
    /// replaced stays.
    ///
    /// ```
    /// use outcore::io::{ReadOptions, VertexIds, read_graph_with};
    /// use outcore::{Context, Place};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.txt");
    /// std::fs::write(&path, "ann bob\nbob cem\n").unwrap();
    /// let ctx = Context::new();
    /// let read = read_graph_with::<u32, u32>(&path, &ReadOptions::default(), Place::Memory, &ctx)?;
    /// let stored = folder.path().join("a.bspnpy");
    /// let ids = read.vertices.unwrap();
    /// ids.store_with(stored.as_path(), &ctx, |place| read.graph.copy_to(place, &ctx).map(drop))?;
    /// assert_eq!(VertexIds::stored(&stored, 3, &ctx)?, Some(ids));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn store_with(
        &self,
        place: impl Into<Place>,
        ctx: &Context,
        make: impl FnOnce(Place) -> Result<()>,
    ) -> Result<()> {
        let place = place.into();
        let Some(folder) = StagedFolder::new(&place, ctx)? else { return make(place) };
        let path = folder.path();
        let made = make(Place::File(path.clone())).and_then(|()| self.store(&path, ctx));
        made.map_err(|error| folder.name(error))?;
        folder.publish()
    }

    /// Stores the ids in the folder of a stored matrix, next to its arrays and with checksums, in place of those that
    /// are there. Until that is done the matrix is there without them: [`store_with`](Self::store_with) publishes both
    /// at once.
    ///
    /// Fails if the folder is not there, if the ids do not fit in the memory limit once more, and on a system error.
    pub fn store(&self, folder: impl AsRef<Path>, ctx: &Context) -> Result<()> {
        let at = |name: &str| Place::Replace(folder.as_ref().join(name));
        match &*self.0 {
            IdsOf::Numbers(ids) => {
                ctx.check_memory("the ids of the vertices", 8 * ids.len() as u64)?;
                let ids = ndarray::Array1::from(ids.clone());
                Dense::from(ids).copy_to(at(VERTEX_IDS_FILE), ctx).map(drop)
            }
            IdsOf::Names(names) => {
                ctx.check_memory("the names of the vertices", names.text.len() as u64)?;
                let text = ndarray::Array1::from(names.text.clone());
                Dense::from(text).copy_to(at(VERTEX_NAMES_FILE), ctx).map(drop)
            }
        }
    }

    /// The ids in the folder of a stored matrix with `vertices` rows; `None` if it has none.
    ///
    /// Fails if they are damaged, are not as many, or do not fit in the memory limit.
    pub fn stored(
        folder: impl AsRef<Path>,
        vertices: usize,
        ctx: &Context,
    ) -> Result<Option<Self>> {
        let at = |name: &str| Some(folder.as_ref().join(name)).filter(|path| path.is_file());
        let wrong = |path: &Path, what: &str, found: String| {
            Error::new(ErrorKind::Format, what)
                .in_file(path)
                .expected(format!("ids of {vertices} vertices"))
                .found(found)
        };
        if let Some(path) = at(VERTEX_IDS_FILE) {
            let ids = Dense::<u64, ndarray::Ix1>::open(&path)?;
            ctx.check_memory("the ids of the vertices", 8 * ids.len() as u64)?;
            let ids = ids.as_slice().to_vec();
            if ids.len() != vertices {
                return Err(wrong(
                    &path,
                    "the ids belong to another matrix",
                    ids.len().to_string(),
                ));
            }
            if !ids.is_sorted_by(|a, b| a < b) {
                return Err(wrong(&path, "the ids do not rise", "another order".to_owned()));
            }
            return Ok(Some(Self::of_numbers(ids)));
        }
        let Some(path) = at(VERTEX_NAMES_FILE) else { return Ok(None) };
        let text = Dense::<u8, ndarray::Ix1>::open(&path)?;
        let bytes = (text.len() as u64).saturating_add(8 * vertices as u64);
        ctx.check_memory("the names of the vertices", bytes)?;
        let text = text.as_slice().to_vec();
        let feeds = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let ends: Vec<u64> = feeds.map(|(at, _)| at as u64 + 1).collect();
        if ends.len() != vertices || ends.last().is_some_and(|&end| end < text.len() as u64) {
            return Err(wrong(
                &path,
                "the names belong to another matrix",
                format!("{} lines", ends.len()),
            ));
        }
        if std::str::from_utf8(&text).is_err() {
            return Err(wrong(
                &path,
                "the names are damaged",
                "bytes that are no UTF-8".to_owned(),
            ));
        }
        Ok(Some(Self::of_names(text, ends)))
    }
}

impl VertexNames {
    fn name(&self, vertex: usize) -> &[u8] {
        let start = if vertex == 0 { 0 } else { self.ends[vertex - 1] as usize };
        &self.text[start..self.ends[vertex] as usize - 1]
    }

    fn vertex(&self, name: &[u8]) -> Option<usize> {
        let NameIndex { slots, seed } = self.index.get_or_init(|| self.make_index());
        let mut slot = xxh3_64_with_seed(name, *seed) as usize & (slots.len() - 1);
        while slots[slot] != 0 {
            let vertex = slots[slot] as usize - 1;
            if self.name(vertex) == name {
                return Some(vertex);
            }
            slot = (slot + 1) & (slots.len() - 1);
        }
        None
    }

    fn make_index(&self) -> NameIndex {
        let seed = RandomState::new().hash_one(0);
        let mut slots = vec![0u32; (2 * self.ends.len() + 1).next_power_of_two()];
        for vertex in 0..self.ends.len() {
            let mut slot = xxh3_64_with_seed(self.name(vertex), seed) as usize & (slots.len() - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (slots.len() - 1);
            }
            slots[slot] = vertex as u32 + 1;
        }
        NameIndex { slots, seed }
    }
}

impl PartialEq for VertexIds {
    fn eq(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (IdsOf::Numbers(a), IdsOf::Numbers(b)) => a == b,
            (IdsOf::Names(a), IdsOf::Names(b)) => a.text == b.text,
            _ => false,
        }
    }
}

impl Eq for VertexIds {}

impl fmt::Debug for VertexIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<_> = (0..self.len().min(3)).map(|vertex| self.id(vertex)).collect();
        f.debug_struct("VertexIds")
            .field("len", &self.len())
            .field("first", &first)
            .finish_non_exhaustive()
    }
}
