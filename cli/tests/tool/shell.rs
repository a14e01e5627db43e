//! A folder and commands in it.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// An empty folder in which commands run.
pub(crate) struct Shell(TempDir);

impl Shell {
    pub(crate) fn new() -> Self {
        Shell(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn outcome(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// A command that was not started yet.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outcore"));
        command.current_dir(self.path()).args(line.split_whitespace());
        command
    }

    /// The names in the folder, hidden ones too.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path()).unwrap().map(|name| name.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Runs a command that must succeed; what it printed.
    pub(crate) fn run(&self, line: &str) -> String {
        let out = self.outcome(line);
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{line}: {:?}: {error}", out.status);
        String::from_utf8(out.stdout).unwrap()
    }

    pub(crate) fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.run(&format!("{line} --json"))).unwrap()
    }

    /// Runs a command that must fail with a code; what it wrote to standard error.
    pub(crate) fn fails(&self, code: i32, line: &str) -> String {
        let out = self.outcome(line);
        assert_eq!(out.status.code(), Some(code), "{line}");
        String::from_utf8(out.stderr).unwrap()
    }
}
