//! Edge lists: graphs as lines `u v` or `u v weight`, the form in which SNAP, KONECT and many others publish them.
//!
//! Lines that begin with `#`, `%` or `//` are comments, blank lines are skipped, and line ends are `\n` or `\r\n`.
//! Fields are separated by blanks and tabs, by commas or by semicolons. Each line is one edge; the file does not say
//! whether the graph is directed, and edges have the direction in which they are listed, unless
//! [`EdgeOptions`](crate::io::EdgeOptions) ask for both.
//!
//! Ids are whole numbers from 0 or names; [`Vertices`](crate::io::Vertices) says which row is whose.
//!
//! ```text
//! a pass over the text: edges, the largest number or all names; edges are kept if they fit in a quarter of the limit
//!   -> which row is whose -> edges sorted into their rows: those kept, or those of another pass, through the sort
//! ```

use std::path::Path;

use crate::convert::CooBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::io::extents::JustifiedExtent;
use crate::io::graph::assemble::{Assembly, suitable_types};
use crate::io::graph::chunk::{EdgeChunk, Edges, Ids, Parsing};
use crate::io::graph::edge_line::wrong_vertex;
use crate::io::graph::edge_options::{EdgeOptions, Vertices, Weights};
use crate::io::graph::fields::is_empty;
use crate::io::graph::first_lines::EdgeLayout;
use crate::io::graph::interner::Interner;
use crate::io::graph::numbering::{EdgeExtent, VertexNumbering, names_of, number};
use crate::io::graph::survey::{Passes, Survey};
use crate::io::graph::vertex_ids::VertexIds;
use crate::io::text::cursor::Cursor;
use crate::io::text::lines::{Halt, LineReader};
use crate::io::text::text_file::TextFile;
use crate::sparse::AnyCompressed;
use crate::storage::{Context, DType, Place, Plan, work};

/// Approximate bytes of a line.
const LINE: u64 = 14;

/// An edge list, open for reading.
///
/// ```
/// use outcore::Context;
/// use outcore::io::edge_list::EdgeList;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.txt");
/// std::fs::write(&path, "# two edges\n0 3\n3\t1 0.5\n").unwrap();
/// let mut edges = Vec::new();
/// let size = EdgeList::open(&path)?.for_each(&Context::new(), |u, v, weight| {
///     edges.push((u, v, weight));
///     Ok(())
/// })?;
/// assert_eq!(edges, [(0, 3, None), (3, 1, Some(0.5))]);
/// assert_eq!((size.vertices, size.edges, size.weighted), (4, 2, 1));
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Debug)]
pub struct EdgeList {
    text: TextFile,
    options: EdgeOptions,
    /// Whether every row up to the largest vertex is made, however few edges there are.
    hypersparse: bool,
    /// Whether it was not said that it is an edge list.
    guessed: bool,
}

/// The result of a pass over an edge list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphSize {
    /// The given number, otherwise the largest vertex plus one; 0 if there is no edge.
    pub vertices: u64,
    /// Lines with an edge.
    pub edges: u64,
    /// Lines with a weight.
    pub weighted: u64,
}

/// What a list is read as.
#[derive(Clone, Copy)]
pub(in crate::io) struct As {
    /// Whether weights are the values; otherwise it is a pattern.
    pub(in crate::io) weights: bool,
    /// Types of indices and pointers; what suffices if not given.
    pub(in crate::io) types: Option<(DType, DType)>,
}

impl EdgeList {
    /// Opens a file. A byte order mark, a file that is not ordinary, and one that is clearly not text (an archive,
    /// HDF5, a NumPy array) are refused, by name if known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self::over(TextFile::open(path.as_ref())?))
    }

    /// The list in an open file.
    pub(in crate::io) fn over(text: TextFile) -> Self {
        EdgeList { text, options: EdgeOptions::default(), hypersparse: false, guessed: false }
    }

    /// Sets how lines are read, and how many vertices there may be. [`for_each`](Self::for_each) gives edges as they
    /// are listed: the other options are those of matrices and graphs.
    pub fn with(mut self, options: EdgeOptions) -> Self {
        self.options = options;
        self
    }

    /// Whether every row is made, and whether the format was guessed.
    pub(in crate::io) fn read_so(self, hypersparse: bool, guessed: bool) -> Self {
        EdgeList { hypersparse, guessed, ..self }
    }

    /// The path with which the file was opened.
    pub fn path(&self) -> &Path {
        self.text.path()
    }

    /// Calls `visit(u, v, weight)` for every edge between numbers, in the order of the file, and returns the size of
    /// the graph.
    ///
    /// Lines are parsed on all threads of `ctx`; `visit` runs only on the calling thread. The file is read once.
    /// Memory: a few MiB per thread, and at most about a quarter of the limit.
    ///
    /// Fails at the first invalid line, after the edges before it were passed to `visit`, and at the first name of a
    /// vertex, which only [`read_graph_with`](crate::io::read_graph_with) and
    /// [`read_matrix_with`](crate::io::read_matrix_with) number; if cancelled; and with the error of `visit`,
    /// unchanged.
    pub fn for_each(
        &self,
        ctx: &Context,
        mut visit: impl FnMut(u64, u64, Option<f64>) -> Result<()>,
    ) -> Result<GraphSize> {
        let layout = EdgeLayout::of(&self.text, &self.options)?;
        let count = match self.options.vertices {
            Vertices::Count(count) => Some(count),
            _ => None,
        };
        let limit = count.unwrap_or(u64::MAX);
        let mut size = GraphSize { vertices: count.unwrap_or(0), ..GraphSize::default() };
        let parse = |cursor: &mut Cursor<'_>| {
            if is_empty(cursor) {
                // Up to the end of the line, which is checked next.
                let rest = cursor.rest();
                let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                cursor.go_on(&rest[end..]);
                return Ok(None);
            }
            let mut vertex = || {
                let here = *cursor;
                let found = layout.number(cursor).filter(|&vertex| vertex < limit);
                found.ok_or_else(|| wrong_vertex(&here, layout.separator, limit))
            };
            let (u, v) = (vertex()?, vertex()?);
            // The end of the line is left for the caller.
            let mut within = *cursor;
            let weight = layout.rest(&mut within)?;
            let ended = cursor.rest().len() - within.rest().len();
            let line = &cursor.rest()[..ended];
            let feed = line.iter().position(|&byte| byte == b'\n').unwrap_or(ended);
            cursor.go_on(&cursor.rest()[feed..]);
            Ok(Some((u, v, weight)))
        };
        let lines = LineReader::new(&self.text, layout.from, "reading edges");
        let lines = LineReader { comments: b"#%", ..lines };
        lines.for_each(ctx, parse, |edge| {
            let Some((u, v, weight)) = edge else { return Ok(()) };
            size.vertices = size.vertices.max(u + 1).max(v + 1);
            size.edges += 1;
            size.weighted += u64::from(weight.is_some());
            visit(u, v, weight).map_err(Halt::Caller)
        })?;
        Ok(size)
    }

    /// The list as compressed rows at `place`, and the ids of the vertices unless they are the numbers of the rows.
    ///
    /// Fails at the first invalid line, if a vertex or the number of edges does not fit the types, if the vertices
    /// dwarf the edges although the caller wants them all, and, as a matrix, if some edges have a weight and others
    /// none. Cost: the text is read once, and once or twice more if the edges do not fit in a quarter of the limit.
    pub(in crate::io) fn read(
        &self,
        wanted: As,
        place: &Place,
        ctx: &Context,
    ) -> Result<(AnyCompressed, Option<VertexIds>)> {
        let layout = EdgeLayout::of(&self.text, &self.options)?;
        let keeps_weights = wanted.weights
            && match self.options.weights {
                Weights::AsInFile => layout.weighted,
                Weights::Ignore => false,
                Weights::Count => true,
            };
        if wanted.weights && layout.empty {
            return Err(Error::new(ErrorKind::Format, "the file is empty")
                .in_file(self.path())
                .expected("a matrix or an edge list")
                .found("no line"));
        }
        let _running = ctx.begin(|| Ok(self.plan(keeps_weights, place, ctx)))?;
        let vertices = match self.options.vertices {
            Vertices::Auto if self.hypersparse => Vertices::AsInFile,
            vertices => vertices,
        };
        let checks_weights = wanted.weights && self.options.weights == Weights::AsInFile;
        let parsing =
            Parsing { layout, vertices, ids: Ids::Numbers, keeps_weights, checks_weights };
        let in_file = |error: Error| error.in_file(self.path());
        let passes = Passes { text: &self.text, parsing };
        let mut survey = passes.survey(ctx)?;
        if survey.named {
            drop(survey);
            return self.read_named(parsing, wanted, place, ctx);
        }
        if self.guessed {
            survey.check_guess().map_err(in_file)?;
        }
        let again =
            |take: &mut (dyn FnMut(&[EdgeChunk]) -> Result<()> + Send)| passes.again(ctx, take);
        let mut edges = survey.kept.chunks.take().map_or(Edges::Again(&again), Edges::Kept);
        let (numbering, count, ids) = {
            let found = EdgeExtent { edges: survey.edges, largest: survey.largest };
            number(found, vertices, &mut edges, &ctx.less(survey.kept.bytes)).map_err(in_file)?
        };
        if matches!(numbering, VertexNumbering::AsInFile) {
            self.check_extent(count, &survey, wanted, place, ctx)?;
        }
        let assembly = self.assembly(&numbering, count, &survey, wanted)?;
        let matrix = self.make(&assembly, edges, (keeps_weights, ids.as_ref()), place, ctx)?;
        Ok((matrix, ids))
    }

    /// A list with names, which are numbered in the order in which they first occur.
    fn read_named(
        &self,
        parsing: Parsing<'_>,
        wanted: As,
        place: &Place,
        ctx: &Context,
    ) -> Result<(AnyCompressed, Option<VertexIds>)> {
        let interner = Interner::new();
        let named = Parsing { ids: Ids::Interned(&interner), ..parsing };
        let mut survey = Passes { text: &self.text, parsing: named }.survey(ctx)?;
        let (table, count) = interner.size();
        let bytes = table + 16 * count;
        let (_held, ctx) = (ctx.hold(bytes), &ctx.less(bytes));
        let interned = interner.finish();
        let ids = names_of(&interned);
        let weighted = parsing.keeps_weights;
        let made = match survey.kept.chunks.take() {
            Some(chunks) => {
                let numbering = VertexNumbering::Interned(interned);
                let assembly = self.assembly(&numbering, count, &survey, wanted)?;
                self.make(&assembly, Edges::Kept(chunks), (weighted, Some(&ids)), place, ctx)
            }
            None => {
                let parsing = Parsing { ids: Ids::Known(&interned), ..parsing };
                let passes = Passes { text: &self.text, parsing };
                let assembly = self.assembly(&VertexNumbering::AsInFile, count, &survey, wanted)?;
                let again = |take: &mut (dyn FnMut(&[EdgeChunk]) -> Result<()> + Send)| {
                    passes.again(ctx, take)
                };
                self.make(&assembly, Edges::Again(&again), (weighted, Some(&ids)), place, ctx)
            }
        };
        Ok((made?, Some(ids)))
    }

    fn assembly<'a>(
        &'a self,
        numbering: &'a VertexNumbering,
        vertices: u64,
        survey: &Survey,
        wanted: As,
    ) -> Result<Assembly<'a>> {
        let entries = survey.edges.saturating_mul(if self.options.symmetrize { 2 } else { 1 });
        Ok(Assembly {
            path: self.path(),
            numbering,
            vertices: usize::try_from(vertices).unwrap_or(usize::MAX),
            entries,
            symmetrize: self.options.symmetrize,
            drop_self_loops: self.options.drop_self_loops,
            duplicates: self.options.duplicates,
            types: wanted.types.unwrap_or_else(|| suitable_types(vertices, entries)),
        })
    }

    fn make(
        &self,
        assembly: &Assembly<'_>,
        edges: Edges<'_>,
        (weighted, ids): (bool, Option<&VertexIds>),
        place: &Place,
        ctx: &Context,
    ) -> Result<AnyCompressed> {
        match weighted {
            true => assembly.make::<f64>(edges, ids, place, ctx),
            false => assembly.make::<()>(edges, ids, place, ctx),
        }
    }

    /// Fails if the caller wants all vertices up to the largest, and they dwarf the edges.
    fn check_extent(
        &self,
        count: u64,
        survey: &Survey,
        wanted: As,
        place: &Place,
        ctx: &Context,
    ) -> Result<()> {
        let extent = JustifiedExtent {
            path: self.path(),
            lines: "vertices",
            count: usize::try_from(count).unwrap_or(usize::MAX),
            entries: survey.edges,
            wanted: self.hypersparse || matches!(self.options.vertices, Vertices::Count(_)),
            remedy: "compact vertices are those that occur, renumbered; `hypersparse` keeps all of them",
        };
        match wanted.types.unwrap_or_else(|| suitable_types(count, survey.edges)).1 {
            DType::UInt32 => extent.check::<u32>(place, ctx),
            _ => extent.check::<u64>(place, ctx),
        }
    }

    fn plan(&self, weighted: bool, place: &Place, ctx: &Context) -> Plan {
        let edges = self.text.most_text() / LINE;
        let plan = Plan::new("reading edges").reads(1, self.text.length());
        let plan = plan.works(edges, work::READ_TEXT);
        let extent = usize::try_from(edges).unwrap_or(usize::MAX).min(1 << 31);
        let shape = (extent, extent);
        match weighted {
            true => CooBuilder::<f64, u32>::plan::<u32>(plan, shape, edges, place, ctx),
            false => CooBuilder::<(), u32>::plan::<u32>(plan, shape, edges, place, ctx),
        }
    }
}
