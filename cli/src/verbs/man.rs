//! The manual page, in the language of `man`.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};
use outcore::Result;

use crate::report::Report;
use crate::session::Session;

pub(crate) const ABOUT: &str = "Print the manual page, for man -l -";

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Session) -> Result<Report> {
    let mut tool = crate::Cli::command();
    tool.build();
    let mut report = Report::new();
    report.line(page(&tool).trim_end());
    Ok(report)
}

/// The page of the tool: what it is, every verb, and the flags of all.
fn page(tool: &Command) -> String {
    let version = tool.get_version().unwrap_or_default();
    let about = tool.get_about().map(ToString::to_string).unwrap_or_default();
    let mut out = format!(
        ".TH OUTCORE 1 \"\" \"outcore {version}\" \"User Commands\"\n.SH NAME\noutcore \\- {}\n\
         .SH SYNOPSIS\n.B outcore\n.I VERB INPUT\\fR... [\\fIOUTPUT\\fR] [\\fIFLAGS\\fR]\n.SH DESCRIPTION\n",
        escaped(about.trim_end_matches('.'))
    );
    let more = tool.get_long_about().map(ToString::to_string).unwrap_or_default();
    let more = more.strip_prefix(&about).unwrap_or(&more).trim_start_matches(['.', '\n', ' ']);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}\n.SH VERBS", escaped(more));
    for verb in tool.get_subcommands().filter(|verb| verb.get_name() != "help") {
        described(&mut out, verb, tool, "outcore");
    }
    out.push_str(".SH FLAGS OF ALL VERBS\n");
    tool.get_arguments().filter(|flag| flag.is_global_set()).for_each(|flag| listed(&mut out, flag));
    out.push_str(
        ".SH EXIT STATUS\n.TP\n.B 0\nyes\n.TP\n.B 1\nno: matrices differ, a checksum is wrong, a solve did not converge\n\
         .TP\n.B 2\nerror: standard error has a line that begins with error: and one that begins with hint:\n.TP\n.B 130\ninterrupted; nothing is left behind but the state of a solve with a checkpoint\n",
    );
    out
}

fn described(out: &mut String, verb: &Command, parent: &Command, before: &str) {
    let name = format!("{before} {}", verb.get_name());
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let own: Vec<&Arg> = verb
        .get_arguments()
        .filter(|argument| {
            let id = argument.get_id();
            let of_all = |flag: &Arg| flag.is_global_set() && flag.get_id() == id;
            !parent.get_arguments().any(of_all) && id != "help" && id != "version"
        })
        .collect();
    let places: Vec<String> = own
        .iter()
        .filter(|argument| argument.is_positional())
        .map(|argument| {
            let name = argument.get_id().as_str().to_uppercase();
            if argument.is_required_set() { name } else { format!("[{name}]") }
        })
        .collect();
    let _ = writeln!(out, ".SS {} {}\n{}", escaped(&name), places.join(" "), escaped(&about));
    own.iter().for_each(|argument| listed(out, argument));
    for kind in verb.get_subcommands().filter(|kind| kind.get_name() != "help") {
        described(out, kind, parent, &name);
    }
}

/// A paragraph about an argument: its name, what it is, values and default.
fn listed(out: &mut String, argument: &Arg) {
    let mut name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => argument.get_id().as_str().to_uppercase(),
    };
    let takes = argument.get_action().takes_values() && !argument.is_positional();
    if let (true, Some([value, ..])) = (takes, argument.get_value_names()) {
        let _ = write!(name, " {value}");
    }
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() {
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        let _ = write!(help, " [one of {}]", names.join(", "));
    }
    if let ([default], true) = (argument.get_default_values(), takes) {
        let _ = write!(help, " [default: {}]", default.to_string_lossy());
    }
    let _ = writeln!(out, ".TP\n.B {}\n{}", escaped(&name), escaped(help.trim()));
}

/// Text without what troff takes for instructions.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let line = |line: &str| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
