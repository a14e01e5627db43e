//! What every verb shares: limits, threads, progress, cancelling, where results go.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outcore::io::matrix_market::{self, Reader};
use outcore::io::{FileFormat, Graph, Imported, ReadOptions, VertexIds};
use outcore::{
    AnyMatrix, CancelToken, Context, Error, ErrorKind, Place, Result, io as files, memory_limits,
    open,
};

use crate::hints::hint;
use crate::plan::{Steps, unknown_rest};
use crate::progress::{Show, Shown, with_progress};
use crate::reading::{Reading, has_members, input, is_nameless};
use crate::report::Report;
use crate::size::{Limit, bytes, parse_limit};
use crate::vertices::{kept, separator_of};

/// Flags that every verb takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Memory limit: a size such as 2GiB, a percentage such as 50%, or auto: 75 % of the available memory
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_limit, default_value = "auto", hide_default_value = true)]
    pub(crate) memory_limit: Limit,
    /// Number of threads; one per processor if not given
    #[arg(long, global = true, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
    /// Folder for scratch files; the system's temporary folder if not given
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Print the cost of each step; write no result
    #[arg(long, global = true)]
    pub(crate) plan: bool,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How progress is shown, on standard error
    #[arg(long, global = true, value_enum, value_name = "HOW", default_value_t = Show::Auto, hide_default_value = true, hide_possible_values = true)]
    pub(crate) progress: Show,
    /// Show no progress and print no results; files are still written
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Replace an existing output
    #[arg(long, global = true)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// What a verb works under.
pub(crate) struct Session {
    ctx: Context,
    progress: Option<Arc<Shown>>,
    overwrite: bool,
    /// Whether only the cost is asked for, and no result may be written.
    only_plan: bool,
    /// Whether nothing is said but results in files and errors.
    quiet: bool,
    /// The steps so far, while the cost is worked out.
    steps: Option<Steps>,
    reading: ReadOptions,
}

impl Session {
    pub(crate) fn new(flags: &Flags) -> Result<Self> {
        let mut ctx = Context::new().cancel(interrupted());
        if flags.memory_limit != Limit::Auto {
            let usable = memory_limits().first().map_or(0, |limit| limit.bytes);
            if let Some(limit) = flags.memory_limit.bytes(usable) {
                if limit < LEAST_MEMORY {
                    return Err(Error::new(ErrorKind::Memory, "the memory limit is too small")
                        .expected(format!("at least {}", bytes(LEAST_MEMORY)))
                        .found(bytes(limit)));
                }
                ctx = ctx.memory_limit(limit);
            }
        }
        if let Some(threads) = flags.threads {
            ctx = ctx.threads(threads)?;
        }
        if let Some(folder) = &flags.scratch {
            check_scratch(folder)?;
            ctx = ctx.scratch(folder);
        }
        let mut progress = None;
        if !flags.quiet {
            let (shown, by) = with_progress(ctx, flags.progress);
            (ctx, progress) = (shown, Some(by));
        }
        // A matrix that does not fit in memory is in scratch files.
        let reading = ReadOptions { spill: true, ..flags.reading.options() };
        let Flags { overwrite, plan: only_plan, quiet, .. } = *flags;
        Ok(Session { ctx, progress, overwrite, only_plan, quiet, steps: None, reading })
    }

    /// The context of the work.
    pub(crate) fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Whether only the cost is asked for: what has no plan of its own must not be done then.
    pub(crate) fn is_plan(&self) -> bool {
        self.only_plan
    }

    /// Runs a verb, or says what it would cost.
    pub(crate) fn run(&self, verb: impl Fn(&Session) -> Result<Report>) -> Result<Report> {
        if !self.only_plan {
            let outcome = verb(self);
            if let Some(shown) = &self.progress {
                shown.finish();
            }
            return outcome;
        }
        let (mut steps, mut outcome) = (Steps::new(&self.ctx), Ok(()));
        let rest = self.ctx.plan(|ctx| {
            let session = Session {
                ctx: ctx.clone(),
                progress: None,
                reading: self.reading.clone(),
                overwrite: self.overwrite,
                only_plan: true,
                quiet: self.quiet,
                steps: Some(Steps::new(&self.ctx)),
            };
            outcome = verb(&session).map(drop);
            steps = session.steps.unwrap_or(Steps::new(&self.ctx));
            Ok(())
        });
        steps.report(rest.ok(), outcome)
    }

    /// A step whose result the verb starts the next one from. Where only the cost is asked for, `like` stands in for
    /// what a long step would make.
    pub(crate) fn step(
        &self,
        like: &AnyMatrix,
        make: impl Fn(&Context) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        match &self.steps {
            None => make(&self.ctx),
            Some(steps) => steps.matrix(like, make),
        }
    }

    /// A step that makes something else than a matrix: `None` where only the cost is asked for, and it is a long one.
    pub(crate) fn try_step<R>(&self, make: impl Fn(&Context) -> Result<R>) -> Result<Option<R>> {
        match &self.steps {
            None => make(&self.ctx).map(Some),
            Some(steps) => steps.on_the_way(make),
        }
    }

    /// The last step, which makes a result: `None` where only the cost is asked for.
    pub(crate) fn last_step<R>(
        &self,
        make: impl FnOnce(&Context) -> Result<R>,
    ) -> Result<Option<R>> {
        match &self.steps {
            None => make(&self.ctx).map(Some),
            Some(steps) => steps.last(make),
        }
    }

    /// The matrix in a file, whatever it is.
    pub(crate) fn read(&self, path: &Path) -> Result<AnyMatrix> {
        self.import(path).map(|read| read.matrix)
    }

    /// The matrices in several files, of which those that hold several have the member that was named.
    pub(crate) fn read_all(&self, paths: &[&Path]) -> Result<Vec<AnyMatrix>> {
        let one_has = paths.iter().any(|path| has_members(path));
        let read = |path: &&Path| if one_has { self.read_second(path) } else { self.read(path) };
        paths.iter().map(read).collect()
    }

    /// As [`read_all`](Self::read_all), of two files.
    pub(crate) fn read_both(&self, first: &Path, second: &Path) -> Result<[AnyMatrix; 2]> {
        let all = self.read_all(&[first, second])?;
        all.try_into().map_err(|_| Error::new(ErrorKind::Unsupported, "two matrices are needed"))
    }

    /// The second operand. `--member` applies to it only if its file has members.
    pub(crate) fn read_second(&self, path: &Path) -> Result<AnyMatrix> {
        match self.reading.member.is_some() && !has_members(path) {
            true => {
                let reading = ReadOptions { member: None, ..self.reading.clone() };
                self.import_with(path, &reading).map(|read| read.matrix)
            }
            false => self.read(path),
        }
    }

    /// The matrix in a file, and what else the file says.
    pub(crate) fn import(&self, path: &Path) -> Result<Imported> {
        self.import_with(path, &self.reading)
    }

    fn import_with(&self, path: &Path, reading: &ReadOptions) -> Result<Imported> {
        let read = self.read_step(path, |path, ctx| {
            files::read_matrix_with(path, reading, Place::Memory, ctx)
        })?;
        if is_nameless(path) && reading.format.is_none() && read.format == FileFormat::EdgeList {
            self.note(
                "read as an edge list; use --format (triplets, csv, …) if it is something else",
            );
        }
        Ok(read)
    }

    /// Reads an input. A pipe is not received where only the cost is asked for.
    fn read_step<R>(&self, path: &Path, read: impl Fn(&Path, &Context) -> Result<R>) -> Result<R> {
        let path = input(path);
        let read = |ctx: &Context| read(&path, ctx);
        let read = match &self.steps {
            None => return read(&self.ctx),
            Some(steps) if is_nameless(&path) => steps.last(read),
            Some(steps) => steps.on_the_way(read),
        };
        read?.ok_or_else(unknown_rest)
    }

    /// Says something that is neither a result nor an error.
    fn note(&self, text: &str) {
        if !self.quiet {
            // Standard error may be closed.
            let _ = writeln!(std::io::stderr(), "note: {text}");
        }
    }

    /// Reads a matrix to a place.
    pub(crate) fn read_to(&self, path: &Path, place: Place, ctx: &Context) -> Result<AnyMatrix> {
        files::read_matrix_with(path, &self.reading, place, ctx).map(|read| read.matrix)
    }

    /// A matrix in compressed rows or columns, or dense: coordinates are brought to rows.
    pub(crate) fn in_lines(&self, a: AnyMatrix) -> Result<AnyMatrix> {
        match a {
            AnyMatrix::Coo(_) => {
                self.step(&a, |ctx| a.to_csr(Place::Scratch, ctx).map(AnyMatrix::from))
            }
            other => Ok(other),
        }
    }

    /// A matrix in compressed rows or columns.
    pub(crate) fn compressed(&self, a: AnyMatrix) -> Result<AnyMatrix> {
        match a {
            AnyMatrix::Csr(_) | AnyMatrix::Csc(_) => Ok(a),
            other => {
                self.step(&other, |ctx| other.to_csr(Place::Scratch, ctx).map(AnyMatrix::from))
            }
        }
    }

    /// Whether a file is surely read as a Matrix Market file of entries, and so as a sparse matrix.
    pub(crate) fn lists_entries(&self, path: &Path) -> bool {
        let ReadOptions { format, member, raw, .. } = &self.reading;
        let may_be = matches!(format, None | Some(FileFormat::MatrixMarket))
            && member.is_none()
            && raw.is_none()
            && path.is_file();
        may_be
            && Reader::open(path)
                .is_ok_and(|file| file.header().format == matrix_market::Format::Coordinate)
    }

    /// The place of a result: a path that must be free, unless it may be replaced.
    pub(crate) fn place(&self, path: &Path) -> Place {
        match self.overwrite {
            true => Place::Replace(path.to_owned()),
            false => Place::File(path.to_owned()),
        }
    }

    /// Fails if there is something at the path of a result that is not to be replaced.
    pub(crate) fn check_free(&self, path: &Path) -> Result<()> {
        match !self.overwrite && path.symlink_metadata().is_ok() {
            true => Err(Error::new(ErrorKind::Exists, "the output already exists")
                .in_file(path)
                .remedy("choose another name, or use --overwrite")),
            false => Ok(()),
        }
    }

    /// Reads a graph, after checking that the output, if one is asked for, can be written.
    pub(crate) fn graph(&self, path: &Path, output: Option<&Path>) -> Result<Graph> {
        if let Some(output) = output {
            separator_of(output)?;
            self.check_free(output)?;
        }
        self.read_step(path, |path, ctx| {
            files::read_graph_with(path, &self.reading, Place::Memory, ctx)
        })
    }

    /// The result of an operation at a path: made there if the format of its name is that of a stored matrix, dense or
    /// sparse as the result is, otherwise made in scratch files and written from these. `like` has about its size.
    pub(crate) fn make(
        &self,
        path: &Path,
        like: &AnyMatrix,
        is_dense: bool,
        operation: impl Fn(Place, &Context) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        self.check_free(path)?;
        let stored = if is_dense { FileFormat::Npy } else { FileFormat::Stored };
        match FileFormat::of_name(path) == Some(stored) {
            true => {
                let made = self.last_step(|ctx| operation(self.place(path), ctx))?;
                Ok(made.unwrap_or_else(|| like.clone()))
            }
            false => {
                let made = self.step(like, |ctx| operation(Place::Scratch, ctx))?;
                self.write(path, &made)?;
                Ok(made)
            }
        }
    }

    /// As [`make`](Self::make), for a sparse result with the ids of its vertices, which a stored matrix keeps.
    pub(crate) fn make_with_ids(
        &self,
        path: &Path,
        ids: Option<&VertexIds>,
        like: &AnyMatrix,
        is_dense: bool,
        operation: impl Fn(Place, &Context) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        let Some(ids) = kept(ids, path) else { return self.make(path, like, is_dense, operation) };
        self.check_free(path)?;
        let stored = self.last_step(|ctx| {
            ids.store_with(self.place(path), ctx, |place| operation(place, ctx).map(drop))?;
            open(path)
        })?;
        Ok(stored.unwrap_or_else(|| like.clone()))
    }

    /// As [`write`](Self::write), with the ids of the vertices, which a stored matrix keeps.
    pub(crate) fn write_with_ids(
        &self,
        path: &Path,
        ids: Option<&VertexIds>,
        matrix: &AnyMatrix,
    ) -> Result<()> {
        let Some(ids) = kept(ids, path) else { return self.write(path, matrix) };
        self.check_free(path)?;
        let stored = self.last_step(|ctx| {
            ids.store_with(self.place(path), ctx, |place| matrix.copy_to(place, ctx).map(drop))
        });
        stored.map(drop)
    }

    /// Writes a matrix to a path, in the format of its name.
    pub(crate) fn write(&self, path: &Path, matrix: &AnyMatrix) -> Result<()> {
        self.check_free(path)?;
        self.last_step(|ctx| files::write_matrix_to(self.place(path), matrix, ctx)).map(drop)
    }
}

/// The least memory that a verb is allowed.
const LEAST_MEMORY: u64 = 1 << 20;

/// A number of threads.
fn parse_threads(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one thread is needed; leave it out for one per processor".into()),
        Ok(threads) => Ok(threads),
        Err(_) => Err("not a number of threads".into()),
    }
}

/// Fails unless there is a folder for scratch files.
fn check_scratch(folder: &Path) -> Result<()> {
    let what = "looking at the scratch folder";
    let kind = folder.metadata().map_err(|error| Error::io(what, folder, error))?;
    match kind.is_dir() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Format, "the scratch path is not a folder")
            .in_file(folder)
            .found("a file")),
    }
}

/// Whether the process was started with a signal ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// A token that is set when the user interrupts; a second interrupt ends the process at once.
fn interrupted() -> CancelToken {
    let token = CancelToken::new();
    let flag = Arc::new(AtomicBool::new(false));
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // Under nohup, SIGHUP is ignored and must stay so.
    let hangs_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangs_up) {
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    let watched = token.clone();
    std::thread::spawn(move || {
        while !flag.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        watched.cancel();
    });
    token
}

/// Reports wrong arguments, as the parser explains them, and where to read about them.
pub(crate) fn usage_error(text: &str) -> ExitCode {
    let text = text.replace("For more information, try '--help'.", "");
    let _ = writeln!(std::io::stderr(), "{}\nhint: --help explains the arguments", text.trim_end());
    ExitCode::from(2)
}

/// Reports what went wrong in one line, and what to do about it in another.
pub(crate) fn report_error(error: &Error) -> ExitCode {
    let (text, code) = match error.kind() {
        ErrorKind::Cancelled => ("interrupted; no partial result is left".to_owned(), 130),
        _ => {
            let text = error.to_string();
            let remedy = error.hint().map(|remedy| format!(" ({remedy})")).unwrap_or_default();
            let what = text.strip_suffix(&remedy).unwrap_or(&text);
            (format!("error: {what}\nhint: {}", hint(error)), 2)
        }
    };
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}
