//! Numbers of bytes as people read them.

use std::fmt;

/// A number of bytes that is printed in powers of 1024, as plans and reports do.
///
/// ```
/// use outcore::ByteCount;
/// assert_eq!(ByteCount(999).to_string(), "999 bytes");
/// assert_eq!(ByteCount(3 << 29).to_string(), "1.5 GiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let power = self.0.checked_ilog2().unwrap_or(0) / 10;
        let text = match power {
            0 => format!("{} bytes", self.0),
            _ => format!(
                "{:.1} {}",
                self.0 as f64 / 1024f64.powi(power as i32),
                units[power as usize]
            ),
        };
        f.pad(&text)
    }
}
