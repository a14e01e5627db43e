//! `outcore VERB INPUT… [OUTPUT] [--flags]`: matrices bigger than memory, from the command line.

mod reading;
mod report;
mod session;
mod size;
mod verbs;
mod vertices;

use std::process::ExitCode;

use clap::Parser;

use crate::session::{Flags, Session};
use crate::verbs::Verb;

/// Looks at, converts, computes with and draws sparse and dense matrices bigger than memory.
///
/// Files are told apart by their content: .npy arrays, .bspnpy folders, Matrix Market files and lists of edges. Results
/// go to the file named last, or to standard output; everything else goes to standard error.
#[derive(Parser)]
#[command(name = "outcore", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    let Cli { verb, flags } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are answers, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let session = match Session::new(&flags) {
        Ok(session) => session,
        Err(error) => return session::trouble(&error),
    };
    let outcome = session.run(|session| verb.run(session));
    match outcome {
        Ok(report) => report.print(flags.json),
        Err(error) => session::trouble(&error),
    }
}
