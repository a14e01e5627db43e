//! Pseudorandom numbers that depend on nothing but a seed and a position.
//!
//! Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).

/// The increment of the state of SplitMix64: 2⁶⁴ divided by the golden ratio, made odd.
const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;

/// A permutation of 64-bit numbers in which every bit depends on all bits: the finalizer of SplitMix64.
#[inline]
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// Number `at` of the sequence that starts from a seed.
#[inline]
pub(crate) fn random(seed: u64, at: u64) -> u64 {
    mixed(seed.wrapping_add(at.wrapping_add(1).wrapping_mul(INCREMENT)))
}

/// The generator SplitMix64: any number of independent streams from one seed, with no state to share.
pub(crate) struct SplitMix(u64);

impl SplitMix {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        SplitMix(random(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03), 0))
    }

    pub(crate) fn next(&mut self) -> u64 {
        let next = random(self.0, 0);
        self.0 = self.0.wrapping_add(INCREMENT);
        next
    }

    /// Uniform in [0, 1), 53 bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
