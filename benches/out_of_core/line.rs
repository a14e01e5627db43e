//! One measurement: what every program of a comparison prints, one JSON object a line.

use serde_json::{Value, json};

/// A measurement, or several of the same thing taken together.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) case: String,
    pub(crate) implementation: String,
    pub(crate) threads: u64,
    /// Seconds of every repetition.
    pub(crate) seconds: Vec<f64>,
    /// Bytes that the work must read and write.
    pub(crate) bytes: u64,
    /// Bytes that moved between the disk and memory, by the kernel's count.
    pub(crate) disk_bytes: u64,
    /// The most memory used, in bytes, the page cache counted; 0 if unknown.
    pub(crate) peak_memory: u64,
}

impl Line {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "bench": "out_of_core",
            "case": self.case,
            "impl": self.implementation,
            "threads": self.threads,
            "seconds_min": self.least(),
            "seconds_median": self.median(),
            "bytes": self.bytes,
            "disk_bytes": self.disk_bytes,
            "peak_memory": self.peak_memory,
            "seconds": self.seconds,
        })
    }

    /// A line that a run printed; `peak` is what was counted from outside.
    pub(crate) fn parse(text: &str, peak: Option<u64>) -> Result<Self, String> {
        let wrong = || format!("not a line of measurements: {text}");
        let value: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let text = |field: &str| value[field].as_str().map(str::to_owned).ok_or_else(wrong);
        let number = |field: &str| value[field].as_u64().ok_or_else(wrong);
        let seconds = value["seconds"].as_array().ok_or_else(wrong)?;
        Ok(Line {
            case: text("case")?,
            implementation: text("impl")?,
            threads: number("threads")?,
            seconds: seconds.iter().filter_map(Value::as_f64).collect(),
            bytes: number("bytes")?,
            disk_bytes: number("disk_bytes")?,
            peak_memory: peak.unwrap_or(0),
        })
    }

    pub(crate) fn least(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Lines of the same case and implementation as one, in the order in which they first came.
pub(crate) fn merged(lines: Vec<Line>) -> Vec<Line> {
    let mut merged: Vec<Line> = Vec::new();
    for line in lines {
        let same = |known: &&mut Line| {
            known.case == line.case && known.implementation == line.implementation
        };
        match merged.iter_mut().find(same) {
            Some(known) => {
                known.seconds.extend(line.seconds);
                known.disk_bytes = known.disk_bytes.max(line.disk_bytes);
                known.peak_memory = known.peak_memory.max(line.peak_memory);
            }
            None => merged.push(line),
        }
    }
    merged
}
