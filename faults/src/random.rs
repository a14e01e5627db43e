//! Numbers that look random and are the same in every run.

/// Marsaglia's xorshift with a multiplication behind it.
pub struct Random(u64);

impl Random {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random((seed ^ 0x9e37_79b9_7f4a_7c15).max(1));
        for _ in 0..4 {
            random.any();
        }
        random
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.any() >> 16) as usize % end
    }

    /// A number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.any() >> 11) as f64 / (1u64 << 53) as f64
    }
}
