//! What a suite found.

use std::fmt;
use std::io::Write;

/// How much of a suite is run.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Every case, instead of some of each kind.
    pub long: bool,
    /// Rounds of suites that go on for as long as one likes; their own number if `None`.
    pub rounds: Option<usize>,
    /// Seed of whatever is drawn.
    pub seed: u64,
}

impl Form {
    /// A few seconds.
    pub const SHORT: Form = Form { long: false, rounds: None, seed: 1 };

    /// One of two values, the second for the long form.
    pub fn pick<T>(&self, short: T, long: T) -> T {
        if self.long { long } else { short }
    }

    /// The rounds asked for, or the suite's own number.
    pub fn rounds(&self, short: usize, long: usize) -> usize {
        self.rounds.unwrap_or(self.pick(short, long))
    }
}

/// Cases tried, faults found, and what else is worth a line.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    tried: u64,
    faults: Vec<String>,
    notes: Vec<String>,
}

impl Report {
    /// Nothing tried yet.
    pub fn new(name: &'static str) -> Self {
        Report { name, tried: 0, faults: Vec::new(), notes: Vec::new() }
    }

    /// Counts a case.
    pub fn tried(&mut self) {
        self.tried += 1;
    }

    /// Counts several cases.
    pub fn tried_many(&mut self, cases: u64) {
        self.tried += cases;
    }

    /// A promise that was not kept.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// Counts a case, and its fault if it has one.
    pub fn case(&mut self, name: impl fmt::Display, outcome: Result<(), String>) {
        self.tried += 1;
        if let Err(fault) = outcome {
            self.faults.push(format!("{name}: {fault}"));
        }
    }

    /// Something that is no fault.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// What this machine does not allow.
    pub fn skip(mut self, why: impl fmt::Display) -> Self {
        self.notes.push(format!("skipped: {why}"));
        self
    }

    /// The promises that were not kept.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Prints the report. Written past what the test harness captures, so that nobody overlooks what was skipped.
    pub fn print(&self) {
        let _ = write!(std::io::stderr(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} cases, {} faults", self.name, self.tried, self.faults.len())?;
        self.notes.iter().try_for_each(|note| writeln!(f, "  {}: {note}", self.name))?;
        self.faults
            .iter()
            .take(40)
            .try_for_each(|fault| writeln!(f, "  FAULT {}: {fault}", self.name))?;
        match self.faults.len() {
            0..=40 => Ok(()),
            more => writeln!(f, "  and {} more", more - 40),
        }
    }
}
