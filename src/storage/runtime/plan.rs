//! The cost of an operation: predicted before it runs, counted while it runs.
//!
//! A [`Plan`] is made by the operation itself, from the same panels that it would read, so that
//! prediction and run cannot drift apart. Bytes and passes are exact where the structure is known beforehand; memory is
//! the most that can be held; seconds follow from the speeds of the device, measured once.

use std::fmt;
use std::path::PathBuf;

use crate::storage::runtime::byte_count::ByteCount;
use crate::storage::runtime::place::Place;

/// The cost of an operation, predicted or counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
    /// How often the input is read from its first byte to its last; for several inputs, that of the one read most
    /// often.
    pub passes: u64,
    /// Bytes read from files, including scratch files. A file that fits in the memory limit and is used on its map
    /// counts once, even if the system has it in memory.
    pub bytes_read: u64,
    /// Bytes written to files, including scratch files.
    pub bytes_written: u64,
    /// Most bytes in scratch files at a time; a result that is to live in the scratch folder does not count.
    pub scratch: u64,
    /// Most bytes of memory held at a time: work space, and a result in memory. The caller's own memory does not count.
    pub peak_memory: u64,
    /// Seconds.
    pub seconds: f64,
}

impl Cost {
    /// The cost of this and then of `next`: sums, and of memory and scratch space the larger.
    ///
    /// ```
    /// use outcore::Cost;
    /// let one = Cost { passes: 1, peak_memory: 8, ..Cost::default() };
    /// let both = one.then(Cost { passes: 2, peak_memory: 5, ..Cost::default() });
    /// assert_eq!((both.passes, both.peak_memory), (3, 8));
    /// ```
    pub fn then(self, next: Cost) -> Cost {
        Cost {
            passes: self.passes.saturating_add(next.passes),
            bytes_read: self.bytes_read.saturating_add(next.bytes_read),
            bytes_written: self.bytes_written.saturating_add(next.bytes_written),
            scratch: self.scratch.max(next.scratch),
            peak_memory: self.peak_memory.max(next.peak_memory),
            seconds: self.seconds + next.seconds,
        }
    }
}

/// The predicted cost of an operation: see [`Context::plan`](crate::Context::plan).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Plan {
    /// The name of the operation: "CSR to CSC".
    pub operation: &'static str,
    /// Its predicted cost.
    pub cost: Cost,
    /// The cost of one iteration, for an operation that iterates until it is done; `cost` is then that of the largest
    /// number of iterations.
    pub per_iteration: Option<Cost>,
    /// Entries of a sparse result, where they cannot be known beforehand; an estimate.
    pub entries: Option<u64>,
    /// A file of the input, whose device gives the speed.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) file: Option<PathBuf>,
    /// Where the result goes, and whether it is a folder.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) place: Option<(Place, bool)>,
    /// Seconds of computing on one thread.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) work: f64,
    /// Bytes that a repetition reads, if less, because some stay in memory.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) reads_again: Option<u64>,
}

/// The predicted and the actual cost of an operation: see [`Context::measure`](crate::Context::measure).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Report {
    /// What was predicted before it ran.
    pub plan: Plan,
    /// What was counted while it ran.
    pub actual: Cost,
}

impl Plan {
    /// A plan without cost, to be added to: for user-defined operators that implement
    /// [`plan_block`](crate::linalg::LinearOperator::plan_block).
    ///
    /// ```
    /// let plan = outcore::Plan::new("product").reads(1, 8_000_000).holds(1 << 20).works(1_000_000, 0.5);
    /// assert_eq!((plan.cost.passes, plan.cost.bytes_read), (1, 8_000_000));
    /// ```
    pub fn new(operation: &'static str) -> Self {
        Plan { operation, ..Default::default() }
    }

    /// `passes` over an input, reading `bytes` bytes in total.
    pub fn reads(mut self, passes: u64, bytes: u64) -> Self {
        self.cost.passes = self.cost.passes.max(passes);
        self.cost.bytes_read = self.cost.bytes_read.saturating_add(bytes);
        self
    }

    /// Sets a file of the input, whose device gives the speed.
    pub(crate) fn on_device_of(mut self, file: Option<(&std::path::Path, u64)>) -> Self {
        self.file = self.file.or(file.map(|(path, _)| path.to_owned()));
        self
    }

    /// A result at `place`, a folder or one file: a place that would be rejected is rejected by the plan.
    pub(crate) fn at(mut self, place: &Place, is_folder: bool) -> Self {
        self.place = Some((place.clone(), is_folder));
        self
    }

    /// A result of `bytes` bytes in files.
    pub fn writes(mut self, bytes: u64) -> Self {
        self.cost.bytes_written = self.cost.bytes_written.saturating_add(bytes);
        self
    }

    /// Scratch files of `bytes` bytes, written once and read once.
    pub fn scratches(mut self, bytes: u64) -> Self {
        self.cost.scratch = self.cost.scratch.saturating_add(bytes);
        self.cost.bytes_written = self.cost.bytes_written.saturating_add(bytes);
        self.cost.bytes_read = self.cost.bytes_read.saturating_add(bytes);
        self
    }

    /// Memory of `bytes` bytes held at a time.
    pub fn holds(mut self, bytes: u64) -> Self {
        self.cost.peak_memory = self.cost.peak_memory.max(bytes);
        self
    }

    /// Memory of `bytes` bytes that is held throughout, in addition to what each step holds.
    pub(crate) fn throughout(mut self, bytes: u64) -> Self {
        self.cost.peak_memory = self.cost.peak_memory.saturating_add(bytes);
        self
    }

    /// `count` steps of work, each taking this many nanoseconds on one thread.
    pub fn works(mut self, count: u64, nanoseconds: f64) -> Self {
        self.work += count as f64 * nanoseconds * 1e-9;
        self
    }

    /// A repetition reads `bytes` bytes.
    pub(crate) fn reads_again(mut self, bytes: u64) -> Self {
        self.reads_again = Some(bytes);
        self
    }

    /// A repetition costs the same: nothing that was read stays in memory.
    pub(crate) fn every_time(mut self) -> Self {
        self.reads_again = None;
        self
    }

    /// The plan of a repetition.
    pub(crate) fn again(mut self) -> Self {
        self.cost.bytes_read = self.reads_again.unwrap_or(self.cost.bytes_read);
        self
    }

    /// Afterwards `each`, repeated at most `most` times. Its seconds are those of its work, until the operation begins.
    pub(crate) fn repeated(mut self, each: &Plan, most: u64) -> Self {
        let (a, b) = (&mut self.cost, each.cost);
        let add = |sum: &mut u64, each: u64| *sum = sum.saturating_add(each.saturating_mul(most));
        add(&mut a.passes, b.passes);
        add(&mut a.bytes_read, b.bytes_read);
        add(&mut a.bytes_written, b.bytes_written);
        a.scratch = a.scratch.max(b.scratch);
        a.peak_memory = a.peak_memory.max(b.peak_memory);
        self.work += each.work * most as f64;
        self.file = self.file.or_else(|| each.file.clone());
        self.per_iteration = Some(Cost { seconds: each.work, ..b });
        self
    }

    /// As [`then`](Self::then), of which both are repeated: what they read again is what each reads again.
    pub(crate) fn and(self, next: Plan) -> Self {
        let again = |plan: &Plan| plan.reads_again.unwrap_or(plan.cost.bytes_read);
        let repeated = again(&self).saturating_add(again(&next));
        self.then(next).reads_again(repeated)
    }

    /// Followed by another operation.
    pub(crate) fn then(mut self, next: Plan) -> Self {
        self.cost = self.cost.then(next.cost);
        self.work += next.work;
        self.file = self.file.or(next.file);
        self.place = self.place.or(next.place);
        self.per_iteration = self.per_iteration.or(next.per_iteration);
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { passes, bytes_read, bytes_written, scratch, peak_memory, seconds } = self.cost;
        let many = if passes == 1 { "pass" } else { "passes" };
        let most = if self.per_iteration.is_some() { "at most " } else { "" };
        write!(f, "{}: {most}{passes} {many}, reads {}", self.operation, ByteCount(bytes_read))?;
        write!(f, ", writes {}", ByteCount(bytes_written))?;
        if scratch > 0 {
            write!(f, ", {} of scratch space", ByteCount(scratch))?;
        }
        write!(f, ", {} of memory, about {seconds:.2} s", ByteCount(peak_memory))?;
        if let Some(entries) = self.entries {
            write!(f, ", about {entries} entries")?;
        }
        if let Some(Cost { passes, bytes_read, seconds, .. }) = self.per_iteration {
            let many = if passes == 1 { "pass" } else { "passes" };
            write!(f, "; for each iteration {passes} {many}, reads {}", ByteCount(bytes_read))?;
            write!(f, ", about {seconds:.2} s")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p, a) = (self.plan.cost, self.actual);
        writeln!(f, "{:14} {:>12} {:>12}", self.plan.operation, "predicted", "actual")?;
        writeln!(f, "{:14} {:>12} {:>12}", "passes", p.passes, a.passes)?;
        let sizes = [
            ("bytes read", p.bytes_read, a.bytes_read),
            ("bytes written", p.bytes_written, a.bytes_written),
            ("scratch space", p.scratch, a.scratch),
            ("memory", p.peak_memory, a.peak_memory),
        ];
        for (what, predicted, actual) in sizes {
            let (predicted, actual) = (ByteCount(predicted), ByteCount(actual));
            writeln!(f, "{what:14} {predicted:>12} {actual:>12}")?;
        }
        write!(f, "{:14} {:>12.2} {:>12.2}", "seconds", p.seconds, a.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_by_people() {
        let plan = Plan::new("CSR to CSC").reads(1, 2_100_000_000).scratches(3000).holds(999);
        assert_eq!(
            plan.to_string(),
            "CSR to CSC: 1 pass, reads 2.0 GiB, writes 2.9 KiB, 2.9 KiB of scratch space, 999 bytes of memory, about 0.00 s"
        );
        let report = Report { plan, actual: Cost { passes: 1, ..Default::default() } };
        assert!(report.to_string().lines().count() == 7);
    }

    #[test]
    fn what_is_repeated_tells_what_each_time_costs() {
        let each = Plan::new("product").reads(1, 1000).holds(7);
        let plan = Plan::new("solving").then(each.clone()).repeated(&each, 9).throughout(3);
        assert_eq!(
            (plan.cost.passes, plan.cost.bytes_read, plan.cost.peak_memory),
            (10, 10_000, 10)
        );
        assert_eq!(plan.per_iteration.map(|each| each.bytes_read), Some(1000));
        assert_eq!(
            plan.to_string(),
            "solving: at most 10 passes, reads 9.8 KiB, writes 0 bytes, 10 bytes of memory, about 0.00 s; \
             for each iteration 1 pass, reads 1000 bytes, about 0.00 s"
        );
        assert_eq!(plan.repeated(&each, u64::MAX).cost.bytes_read, u64::MAX);
    }

    #[test]
    fn what_comes_afterwards_adds_its_bytes_and_shares_its_space() {
        let one = Plan::new("one").reads(1, 10).holds(5).works(2, 1.0);
        let both = one.clone().then(one);
        assert_eq!((both.cost.passes, both.cost.bytes_read, both.cost.peak_memory), (2, 20, 5));
    }
}
