//! Numbers for tests, the same every time.

/// A small generator.
pub(crate) fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize
}

/// Numbers that make every rounding visible.
pub(crate) fn fractions(n: usize) -> Vec<f64> {
    (0..n).map(|i| 1.0 / (i % 97 + 1) as f64 - 0.3).collect()
}

/// Numbers without a pattern, between -0.8 and 1.2.
pub(crate) fn uneven(n: usize) -> Vec<f64> {
    (0..n).map(|i| (i as f64 * 0.7 + 0.3).sin() + 0.2).collect()
}

/// Numbers without a pattern, between -1 and 1.
pub(crate) fn noise(i: usize) -> f64 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 52) as f64
        - 1.0
}

/// Fails unless numbers are those expected, up to `tolerance` beside 1 and beside their size.
pub(crate) fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error <= tolerance * (1.0 + expected.abs()), "{found} instead of {expected}");
    }
}
