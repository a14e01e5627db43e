//! A folder and commands in it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

    /// Runs a command that must fail with a code; what it wrote to standard error. Where that is trouble, and not a
    /// negative answer, there is a line that says what is wrong and one that says what to do.
    pub(crate) fn fails(&self, code: i32, line: &str) -> String {
        let out = self.outcome(line);
        let error = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{line}: {error}");
        if code == 2 {
            let lines = |start: &str| error.lines().filter(|line| line.starts_with(start)).count();
            assert_eq!((lines("error: "), lines("hint: ")), (1, 1), "{line}: {error}");
        }
        error
    }

    /// Runs a command with text through a pipe; what it printed, and what it wrote to standard error.
    pub(crate) fn pipe(&self, text: &str, line: &str) -> (String, String) {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let [printed, noted] =
            [out.stdout, out.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(out.status.success(), "{line}: {noted}");
        (printed, noted)
    }
}
