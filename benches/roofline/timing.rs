//! Timing, and one line for each measurement: a table for people, JSON for programs.

use std::time::Instant;

use crate::support::chart::{self, Bar};

/// Repetitions, and the seconds after which five are enough.
const RUNS: usize = 9;
const ENOUGH: f64 = 6.0;

/// Prints measurements as they come.
pub(crate) struct Printer {
    pub(crate) threads: usize,
    json: bool,
    /// Numbers of threads that were measured with, and the rate of each kernel with each.
    rounds: Vec<usize>,
    measured: Vec<(String, Vec<f64>)>,
    /// Bytes a second that the memory can be read with, once that is measured.
    pub(crate) read: f64,
}

/// What a kernel does.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) bench: &'a str,
    pub(crate) case: &'a str,
    /// Bytes that it must read and write at least once.
    pub(crate) bytes: u64,
    /// Additions and multiplications.
    pub(crate) flops: u64,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Printer { threads: 0, json, rounds: Vec::new(), measured: Vec::new(), read: f64::NAN }
    }

    /// Measures with `threads` threads from now on.
    pub(crate) fn start(&mut self, threads: usize) {
        self.threads = threads;
        self.rounds.push(threads);
        self.read = f64::NAN;
        if !self.json {
            println!("{}", self::threads(threads));
        }
    }

    /// Times `work` after a run that warms up, prints, and gives the least seconds.
    pub(crate) fn time<E>(
        &mut self,
        what: Work<'_>,
        mut work: impl FnMut() -> Result<(), E>,
    ) -> Result<f64, E> {
        work()?;
        let (mut seconds, start) = (Vec::new(), Instant::now());
        while seconds.len() < RUNS && (seconds.len() < 5 || start.elapsed().as_secs_f64() < ENOUGH)
        {
            let begin = Instant::now();
            work()?;
            seconds.push(begin.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        self.print(what, &seconds);
        Ok(seconds[0])
    }

    /// All that was measured so far as a chart.
    pub(crate) fn svg(&self) -> String {
        let rounds: Vec<_> = self.rounds.iter().map(usize::to_string).collect();
        let title =
            format!("compulsory GB/s, least of several runs; threads: {}", rounds.join(", "));
        let bars: Vec<Bar> = self.measured.iter().flat_map(|kernel| self.bars(kernel)).collect();
        chart::bars(&title, &bars)
    }

    /// Bars of one kernel stand side by side, one for each number of threads.
    fn bars<'a>(&self, (name, rates): &'a (String, Vec<f64>)) -> impl Iterator<Item = Bar> + 'a {
        let rounds = self.rounds.clone();
        let is_memory = name.starts_with("memory");
        rates.iter().enumerate().map(move |(round, &value)| {
            let label = match rounds.len() {
                1 => name.clone(),
                _ => format!("{name} · {}", threads(rounds[round])),
            };
            Bar { label, value, colour: usize::from(is_memory) + 2 * round }
        })
    }

    fn keep(&mut self, name: String, rate: f64) {
        match self.measured.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rates)) => rates.push(rate),
            None => self.measured.push((name, vec![rate])),
        }
    }

    fn print(&mut self, Work { bench, case, bytes, flops }: Work<'_>, seconds: &[f64]) {
        let (least, median) = (seconds[0], seconds[seconds.len() / 2]);
        let (rate, limit) = (bytes as f64 / least / 1e9, bytes as f64 / median / self.read);
        if flops > 0 || bench == "memory" {
            self.keep(format!("{bench} · {case}"), rate);
        }
        if self.json {
            let line = serde_json::json!({
                "bench": bench, "case": case, "impl": "outcore", "threads": self.threads,
                "seconds_min": least, "seconds_median": median, "bytes": bytes, "gbps": rate,
                "of_limit": if limit.is_finite() { Some(limit) } else { None },
                "gflops": flops as f64 / least / 1e9,
            });
            println!("{line}");
            return;
        }
        print!("    {bench:14} {case:12} {least:9.4} s   median {median:9.4} s   {rate:7.2} GB/s");
        if limit.is_finite() {
            print!("   {limit:5.2} of the limit");
        }
        if flops > 0 {
            print!("   {:7.2} GFLOP/s", flops as f64 / least / 1e9);
        }
        println!();
    }
}

fn threads(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} thread{plural}")
}
