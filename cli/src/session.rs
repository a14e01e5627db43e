//! What every verb shares: limits, threads, progress, cancelling, where results go.

use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outcore::io::matrix_market::{self, Reader};
use outcore::io::{FileFormat, Graph, Imported, ReadOptions, VertexIds};
use outcore::{
    AnyMatrix, CancelToken, Context, Error, ErrorKind, Place, Plan, Result, io as files,
    memory_limits, open,
};

use crate::hints::in_words_of_the_tool;
use crate::progress::{Show, Shown, with_progress};
use crate::reading::{Reading, input};
use crate::report::Report;
use crate::size::{Limit, bytes, parse_limit};
use crate::vertices::{kept, separator_of};

/// Flags that every verb takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Most memory to use: a size such as 2GiB, a part such as 50%, or auto for three quarters of what there is
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_limit, default_value = "auto", hide_default_value = true)]
    pub(crate) memory_limit: Limit,
    /// Threads; one for each processor if not given
    #[arg(long, global = true, value_name = "N", value_parser = parse_threads)]
    pub(crate) threads: Option<usize>,
    /// Folder for scratch files; the system's temporary folder if not given
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Say what it would cost, and do nothing
    #[arg(long, global = true)]
    pub(crate) plan: bool,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How progress is shown, on standard error
    #[arg(long, global = true, value_enum, value_name = "HOW", default_value_t = Show::Auto, hide_default_value = true, hide_possible_values = true)]
    pub(crate) progress: Show,
    /// No progress, and no results but files
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Replace the output if it is there
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
    /// Whether only the cost is asked for, and nothing may be done.
    plan: bool,
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
        Ok(Session { ctx, progress, overwrite: flags.overwrite, plan: flags.plan, reading })
    }

    /// The context of the work.
    pub(crate) fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Whether only the cost is asked for: what has no plan of its own must not be done then.
    pub(crate) fn is_plan(&self) -> bool {
        self.plan
    }

    /// Runs a verb, or says what its first long operation would cost.
    pub(crate) fn run(&self, verb: impl Fn(&Session) -> Result<Report>) -> Result<Report> {
        if !self.plan {
            let outcome = verb(self);
            if let Some(shown) = &self.progress {
                shown.finish();
            }
            return outcome;
        }
        let is_short = Cell::new(false);
        let planned = self.ctx.plan(|ctx| {
            let session = Session {
                ctx: ctx.clone(),
                progress: None,
                reading: self.reading.clone(),
                overwrite: self.overwrite,
                plan: true,
            };
            verb(&session).inspect(|_| is_short.set(true))
        });
        let plan = match planned {
            // It went through without meeting an operation that costs anything.
            Err(_) if is_short.get() => Plan::new("nothing long"),
            planned => planned?,
        };
        let mut report = Report::new();
        let cost = plan.cost;
        report.fact("operation", plan.operation);
        report.fact("passes", cost.passes);
        report.row("bytes read", bytes(cost.bytes_read), cost.bytes_read);
        report.row("bytes written", bytes(cost.bytes_written), cost.bytes_written);
        report.row("scratch", bytes(cost.scratch), cost.scratch);
        report.row("memory", bytes(cost.peak_memory), cost.peak_memory);
        report.row("seconds", format!("{:.2}", cost.seconds), cost.seconds);
        Ok(report)
    }

    /// The matrix in a file, whatever it is.
    pub(crate) fn read(&self, path: &Path) -> Result<AnyMatrix> {
        self.import(path).map(|read| read.matrix)
    }

    /// The matrix in a file, and what else the file says.
    pub(crate) fn import(&self, path: &Path) -> Result<Imported> {
        files::read_matrix_with(input(path), &self.reading, Place::Memory, &self.ctx)
    }

    /// Reads a matrix to a place.
    pub(crate) fn read_to(&self, path: &Path, place: Place) -> Result<AnyMatrix> {
        files::read_matrix_with(path, &self.reading, place, &self.ctx).map(|read| read.matrix)
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
            true => Err(Error::new(ErrorKind::Exists, "the output is there already")
                .in_file(path)
                .remedy("choose another name, or say --overwrite")),
            false => Ok(()),
        }
    }

    /// Reads a graph, after checking that the output, if one is asked for, can be written.
    pub(crate) fn graph(&self, path: &Path, output: Option<&Path>) -> Result<Graph> {
        if let Some(output) = output {
            separator_of(output)?;
            self.check_free(output)?;
        }
        files::read_graph_with(input(path), &self.reading, Place::Memory, &self.ctx)
    }

    /// The result of an operation at a path: made there if the format of its name is that of a stored matrix, dense or
    /// sparse as the result is, otherwise made in scratch files and written from these.
    pub(crate) fn make(
        &self,
        path: &Path,
        is_dense: bool,
        operation: impl FnOnce(Place) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        self.check_free(path)?;
        let stored = if is_dense { FileFormat::Npy } else { FileFormat::Stored };
        match FileFormat::of_name(path) == Some(stored) {
            true => operation(self.place(path)),
            false => {
                let made = operation(Place::Scratch)?;
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
        is_dense: bool,
        operation: impl FnOnce(Place) -> Result<AnyMatrix>,
    ) -> Result<AnyMatrix> {
        let Some(ids) = kept(ids, path) else { return self.make(path, is_dense, operation) };
        self.check_free(path)?;
        ids.store_with(self.place(path), &self.ctx, |place| operation(place).map(drop))?;
        open(path)
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
        let copy = |place| matrix.copy_to(place, &self.ctx).map(drop);
        ids.store_with(self.place(path), &self.ctx, copy)
    }

    /// Writes a matrix to a path, in the format of its name.
    pub(crate) fn write(&self, path: &Path, matrix: &AnyMatrix) -> Result<()> {
        self.check_free(path)?;
        files::write_matrix_to(self.place(path), matrix, &self.ctx)
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
        false => Err(Error::new(ErrorKind::Format, "scratch files need a folder")
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
    // What nohup started goes on when its terminal is gone.
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

/// Says what went wrong, in one line, and what to do, in another.
pub(crate) fn trouble(error: &Error) -> ExitCode {
    let text = error.to_string();
    let (text, code) = match (error.kind(), error.hint()) {
        (ErrorKind::Cancelled, _) => ("interrupted; no part of a result is left".to_owned(), 130),
        (_, Some(hint)) => {
            let what = text.strip_suffix(&format!(" ({hint})")).unwrap_or(&text);
            (format!("error: {what}\nhint: {}", in_words_of_the_tool(hint)), 2)
        }
        (_, None) => (format!("error: {text}"), 2),
    };
    // Standard error may be closed.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(code)
}
