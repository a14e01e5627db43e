//! Where an axis is labelled, and with what.

/// A labelled place of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// Labels of an axis from `low` to `high`, about `count`, and the power of ten that all are multiplied by; 0 if none.
pub(super) fn linear(low: f64, high: f64, count: usize) -> (Vec<Tick>, i32) {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return (vec![Tick { value: low, label: plain(low, 0) }], 0);
    }
    let rough = span / count.max(1) as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|step| step * magnitude);
    let step = step.clone().find(|step| span / step <= count as f64 + 0.5).unwrap_or(rough);
    let largest = low.abs().max(high.abs());
    let power = match largest.log10().floor() as i32 {
        power if !(-3..=4).contains(&power) => power - power.rem_euclid(3),
        _ => 0,
    };
    let unit = 10f64.powi(power);
    let decimals = (-(step / unit).log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
    let quarter = step / magnitude > 2.4 && step / magnitude < 2.6;
    let decimals = if quarter && step / unit < 10.0 { decimals.max(1) } else { decimals };
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    let ticks = (first..=last).map(|k| {
        let value = k as f64 * step;
        Tick { value, label: plain(value / unit, decimals) }
    });
    (ticks.collect(), power)
}

/// Labels of a logarithmic axis, about `count` powers of ten; small ranges get their ones, twos and fives.
pub(super) fn logarithmic(low: f64, high: f64, count: usize) -> Vec<Tick> {
    let (from, to) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    let decades = (to - from + 1).max(0) as usize;
    if decades < 2 {
        let parts =
            (from - 1..=to).flat_map(|power| [1.0, 2.0, 5.0].map(|x| x * 10f64.powi(power)));
        let inside = parts.filter(|x| *x >= low * (1.0 - 1e-9) && *x <= high * (1.0 + 1e-9));
        return inside.map(|value| Tick { value, label: short(value) }).collect();
    }
    let step = decades.div_ceil(count.max(2)) as i32;
    let powers = (from..=to).filter(|power| power.rem_euclid(step) == 0);
    powers.map(|power| Tick { value: 10f64.powi(power), label: power_of_ten(power) }).collect()
}

/// Unlabelled places between the labels of a logarithmic axis.
pub(super) fn between(low: f64, high: f64) -> Vec<f64> {
    let (from, to) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    if to - from > 6 {
        return (from..=to)
            .map(|power| 10f64.powi(power))
            .filter(|x| *x >= low && *x <= high)
            .collect();
    }
    let all = (from..=to).flat_map(|power| (1..10).map(move |k| f64::from(k) * 10f64.powi(power)));
    all.filter(|x| *x >= low * (1.0 - 1e-9) && *x <= high * (1.0 + 1e-9)).collect()
}

/// `10^k`, but 1, 10 and 100 as they are.
fn power_of_ten(power: i32) -> String {
    match power {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        2 => "100".to_owned(),
        _ => format!("10^{power}"),
    }
}

fn short(value: f64) -> String {
    match (0.001..100_000.0).contains(&value) {
        true => format!("{value}"),
        false => {
            let power = value.log10().floor() as i32;
            let front = value / 10f64.powi(power);
            format!("{}×10^{power}", front.round())
        }
    }
}

fn plain(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.trim_matches(['-', '0', '.']).is_empty();
    if is_zero { format!("{:.decimals$}", 0.0) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn labels_are_round_numbers() {
        assert_eq!(labels(&linear(0.0, 900.0, 5).0), ["0", "200", "400", "600", "800"]);
        let (ticks, power) = linear(0.0, 1_048_576.0, 5);
        assert_eq!((labels(&ticks), power), (vec!["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], 6));
        assert_eq!(labels(&linear(-0.3, 0.3, 4).0), ["-0.2", "0.0", "0.2"]);
        assert_eq!(labels(&linear(5.0, 5.0, 4).0), ["5"]);
        let (ticks, power) = linear(0.0, 2e-5, 4);
        assert_eq!((labels(&ticks), power), (vec!["0", "5", "10", "15", "20"], -6));
    }

    #[test]
    fn powers_of_ten_are_labelled() {
        let ticks = logarithmic(1.0, 12_345.0, 6);
        assert_eq!(labels(&ticks), ["1", "10", "100", "10^3", "10^4"]);
        assert_eq!(labels(&logarithmic(1e-12, 1.0, 5)), ["10^-12", "10^-9", "10^-6", "10^-3", "1"]);
        assert_eq!(labels(&logarithmic(1.0, 7.0, 5)), ["1", "2", "5"]);
        assert_eq!(between(1.0, 30.0).len(), 12);
    }
}
