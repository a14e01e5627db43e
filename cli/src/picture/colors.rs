//! Colours for numbers and for series.

use crate::picture::scene::Color;

/// Colours of series that are told apart by people who do not see red and green, and in grey.
pub(super) const SERIES: [Color; 4] = [[0, 92, 158], [213, 94, 0], [0, 138, 100], [170, 60, 130]];

/// Steps of a scale from little to much. The lightest is still seen on white, and all fall evenly in lightness.
const SCALE: [Color; 7] = [
    [116, 196, 200],
    [62, 172, 196],
    [29, 141, 190],
    [32, 106, 172],
    [36, 73, 148],
    [30, 42, 112],
    [8, 15, 60],
];

/// The colour of a part from 0 to 1.
pub(super) fn shade(part: f64) -> Color {
    let at = part.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    let low = (at as usize).min(SCALE.len() - 2);
    let rest = at - low as f64;
    std::array::from_fn(|k| {
        let (from, to) = (f64::from(SCALE[low][k]), f64::from(SCALE[low + 1][k]));
        (from + (to - from) * rest).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_darker() {
        let light = |part: f64| shade(part).iter().map(|&x| u32::from(x)).sum::<u32>();
        let all: Vec<u32> = (0..=20).map(|k| light(f64::from(k) / 20.0)).collect();
        assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
    }
}
