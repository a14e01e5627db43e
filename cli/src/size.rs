//! Sizes as people write them: `256MiB`, `2G`, `1.5GB`; parts of the memory, `50%`.

/// A memory limit as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    Bytes(u64),
    /// A part of the memory that the process may use.
    Part(f64),
    /// What the library takes by itself.
    Auto,
}

impl Limit {
    /// Bytes, of `usable` ones.
    pub(crate) fn bytes(self, usable: u64) -> Option<u64> {
        match self {
            Limit::Bytes(bytes) => Some(bytes),
            Limit::Part(part) => Some((usable as f64 * part) as u64),
            Limit::Auto => None,
        }
    }
}

/// A memory limit: a size, `50%` of what there is, or `auto`.
pub(crate) fn parse_limit(text: &str) -> Result<Limit, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Limit::Auto);
    }
    let Some(percent) = text.strip_suffix('%') else { return parse_size(text).map(Limit::Bytes) };
    match percent.trim().parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(Limit::Part(percent / 100.0)),
        _ => Err(format!("{text:?} is not a percentage such as 50%")),
    }
}

/// Bytes that a text says, in powers of 1024 with an `i` or a bare letter, of 1000 with a `B` alone behind the letter.
fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 =
        text[..digits].parse().map_err(|_| format!("{text:?} is not a size such as 256MiB"))?;
    let unit = text[digits..].trim().to_ascii_lowercase();
    let (letter, rest) = unit.split_at(unit.len().min(1));
    let power = match letter {
        "" | "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(format!("{text:?} has no unit such as KiB, MiB or GiB")),
    };
    let base: f64 = match rest {
        "" | "i" | "ib" => 1024.0,
        "b" => 1000.0,
        _ => return Err(format!("{text:?} has no unit such as KiB, MiB or GiB")),
    };
    let bytes = number * base.powi(power);
    match bytes.is_finite() && bytes >= 1.0 && bytes < u64::MAX as f64 {
        true => Ok(bytes as u64),
        false => Err(format!("{text:?} is not a size")),
    }
}

/// Bytes as people read them, in powers of 1024.
pub(crate) fn bytes(count: u64) -> String {
    outcore::ByteCount(count).to_string()
}

/// The noun that goes with a number: `one` for 1, otherwise `many`.
pub(crate) fn noun<'n>(count: usize, one: &'n str, many: &'n str) -> &'n str {
    if count == 1 { one } else { many }
}

/// A number with commas between its thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("256MiB"), Ok(256 << 20));
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        assert_eq!(parse_size("1.5 kB"), Ok(1500));
        assert_eq!(parse_size("7"), Ok(7));
        for wrong in ["", "x", "3 parsecs", "-1", "0", "1e99TB", "GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_are_sizes_or_parts() {
        assert_eq!(parse_limit("1KiB"), Ok(Limit::Bytes(1024)));
        assert_eq!(parse_limit("50 %").map(|limit| limit.bytes(1000)), Ok(Some(500)));
        assert_eq!(parse_limit("auto"), Ok(Limit::Auto));
        for wrong in ["0%", "101%", "%", "x%", "automatic"] {
            assert!(parse_limit(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_shown() {
        assert_eq!((bytes(1023).as_str(), bytes(1536).as_str()), ("1023 bytes", "1.5 KiB"));
        assert_eq!((count(7).as_str(), count(1_234_567).as_str()), ("7", "1,234,567"));
    }
}
