//! `outcore VERB INPUT… [OUTPUT] [--flags]`: matrices bigger than memory, from the command line.

mod hints;
mod operands;
mod picture;
mod plan;
mod preconditioner;
mod progress;
mod reading;
mod report;
mod rows;
mod session;
mod size;
mod table_flags;
mod usage;
mod verbs;
mod vertices;

use std::process::ExitCode;

use clap::Parser;

use crate::report::{Form, Report};
use crate::session::{Flags, Session};
use crate::verbs::Verb;

/// Looks at, converts, computes with and draws sparse and dense matrices bigger than memory.
///
/// File formats are detected from the content: .npy arrays, .bspnpy folders, Matrix Market files, edge lists and
/// others. Results go to the file named last, or to standard output; everything else goes to standard error.
#[derive(Parser)]
#[command(name = "outcore", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: Flags,
    /// Describe every verb and its arguments as one JSON object
    #[arg(long)]
    json_usage: bool,
}

fn main() -> ExitCode {
    if std::env::args_os().any(|argument| argument == "--json-usage") {
        let mut report = Report::new();
        report.line(usage::usage().to_string());
        return report.print(Form::Rows);
    }
    let Cli { verb, flags, .. } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                return session::usage_error(&error.to_string());
            }
            // Help and the version are answers.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    let session = match Session::new(&flags) {
        Ok(session) => session,
        Err(error) => return session::report_error(&error),
    };
    let outcome = session.run(|session| verb.run(session));
    match outcome {
        Ok(report) => report.print(match (flags.json, flags.quiet) {
            (true, _) => Form::Json,
            (false, true) => Form::Nothing,
            (false, false) => Form::Rows,
        }),
        Err(error) => session::report_error(&error),
    }
}
