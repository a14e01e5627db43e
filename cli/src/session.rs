//! What every verb shares: limits, threads, progress, cancelling, where results go.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use outcore::{
    AnyMatrix, CancelToken, Context, Error, ErrorKind, Place, Progress, Result, io as files,
};

use outcore::io::{Graph, Imported, ReadOptions};

use crate::reading::{Reading, input};
use crate::report::Report;
use crate::size::{bytes, parse_size};
use crate::vertices::separator_of;

/// Flags that every verb takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Most memory to use, such as 2GiB; three quarters of what there is if not given
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory_limit: Option<u64>,
    /// Threads; one for each processor if not given
    #[arg(long, global = true, value_name = "N")]
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
    /// No progress
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
    overwrite: bool,
    plan: bool,
    reading: ReadOptions,
}

impl Session {
    pub(crate) fn new(flags: &Flags) -> Result<Self> {
        let mut ctx = Context::new().cancel(interrupted());
        if let Some(limit) = flags.memory_limit {
            ctx = ctx.memory_limit(limit);
        }
        if let Some(threads) = flags.threads {
            ctx = ctx.threads(threads)?;
        }
        if let Some(folder) = &flags.scratch {
            ctx = ctx.scratch(folder);
        }
        if !flags.quiet {
            ctx = with_progress(ctx);
        }
        let reading = flags.reading.options();
        Ok(Session { ctx, overwrite: flags.overwrite, plan: flags.plan, reading })
    }

    /// The context of the work.
    pub(crate) fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Runs a verb, or says what its first long operation would cost.
    pub(crate) fn run(&self, verb: impl Fn(&Session) -> Result<Report>) -> Result<Report> {
        if !self.plan {
            return verb(self);
        }
        let plan = self.ctx.plan(|ctx| {
            let (ctx, reading) = (ctx.clone(), self.reading.clone());
            verb(&Session { ctx, overwrite: self.overwrite, plan: false, reading })
        })?;
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

    /// Writes a matrix to a path, in the format of its name.
    pub(crate) fn write(&self, path: &Path, matrix: &AnyMatrix) -> Result<()> {
        self.check_free(path)?;
        files::write_matrix(path, matrix, &self.ctx)
    }
}

/// A token that is set when the user interrupts; a second interrupt ends the process at once.
fn interrupted() -> CancelToken {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let token = CancelToken::new();
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    let watched = token.clone();
    std::thread::spawn(move || {
        while !flag.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        INTERRUPTED.store(true, Ordering::Relaxed);
        watched.cancel();
    });
    token
}

/// Shows progress on standard error: a bar on a terminal, a line every ten seconds elsewhere. Short work shows none.
fn with_progress(ctx: Context) -> Context {
    let start = Instant::now();
    if !io::stderr().is_terminal() {
        let last = AtomicU64::new(0);
        return ctx.progress(move |progress| {
            let now = start.elapsed().as_secs();
            let before = last.load(Ordering::Relaxed);
            let due = now >= before + 10;
            if due
                && last.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                eprintln!("{}", line(progress));
            }
        });
    }
    let style = ProgressStyle::with_template("{msg:>24} [{bar:40}] {percent:>3} %  {elapsed}");
    let bar: Mutex<Option<(&'static str, ProgressBar)>> = Mutex::new(None);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ctx.progress(move |progress| {
        if start.elapsed() < Duration::from_millis(500) {
            return;
        }
        let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.as_ref().is_none_or(|(phase, _)| *phase != progress.phase) {
            if let Some((_, before)) = bar.take() {
                before.finish_and_clear();
            }
            let new = ProgressBar::new(progress.total).with_style(style.clone());
            new.set_message(progress.phase);
            *bar = Some((progress.phase, new));
        }
        if let Some((_, bar)) = bar.as_ref() {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            if progress.done == progress.total {
                bar.finish_and_clear();
            }
        }
    })
}

fn line(Progress { phase, done, total, bytes: moved, .. }: Progress) -> String {
    let percent = done as f64 / total.max(1) as f64 * 100.0;
    format!("{phase}: {percent:.0} %, {} moved", bytes(moved))
}

/// Says what went wrong, in one line, and what to do, in another.
pub(crate) fn trouble(error: &Error) -> ExitCode {
    if error.kind() == ErrorKind::Cancelled {
        eprintln!("interrupted; nothing is left behind");
        return ExitCode::from(130);
    }
    let text = error.to_string();
    match error.hint() {
        Some(hint) => {
            let what = text.strip_suffix(&format!(" ({hint})")).unwrap_or(&text);
            eprintln!("error: {what}\nhint: {hint}");
        }
        None => eprintln!("error: {text}"),
    }
    ExitCode::from(2)
}
