//! Powers of ten to 128 bits: what turns a decimal into a binary number in one product, and back.
//!
//! A power `10^q = 5^q · 2^q` is kept as the first 128 bits of `5^q`; its exponent follows from `q`. The table is made
//! by the compiler, from one to the next with 256 bits, of which the lower half only guards the upper one. A test
//! compares every row with the power computed in full.

/// The least power in the table, and the largest.
pub(in crate::io) const LEAST: i32 = -342;
const LARGEST: i32 = 324;

const ROWS: usize = (LARGEST - LEAST + 1) as usize;

/// Powers up to here are exact; the others are rounded down.
const EXACT: std::ops::RangeInclusive<i32> = 0..=55;

static POWERS: [u128; ROWS] = table();

/// The first 128 bits of `10^q` as an integer with its highest bit set, rounded down; `None` outside the table.
#[inline]
pub(in crate::io) fn rounded_down(q: i32) -> Option<u128> {
    POWERS.get(usize::try_from(q - LEAST).ok()?).copied()
}

/// As [`rounded_down`], rounded up.
#[inline]
pub(in crate::io) fn rounded_up(q: i32) -> Option<u128> {
    rounded_down(q).map(|power| power + u128::from(!EXACT.contains(&q)))
}

/// The exponent of the highest bit of `10^q`: the largest `e` with `2^e ≤ 10^q`, for `q` in the table.
#[inline]
pub(in crate::io) fn exponent(q: i32) -> i32 {
    (q * 1_741_647) >> 19
}

/// A fraction from one half to one, as 256 bits.
type WideInteger = [u128; 2];

const HALF: WideInteger = [1 << 127, 0];

const fn table() -> [u128; ROWS] {
    let mut rows = [0; ROWS];
    let origin = -LEAST as usize;
    rows[origin] = HALF[0];
    let (mut power, mut row) = (HALF, origin + 1);
    while row < ROWS {
        power = times_five(power);
        rows[row] = power[0];
        row += 1;
    }
    (power, row) = (HALF, origin);
    while row > 0 {
        row -= 1;
        power = by_five(power);
        rows[row] = power[0];
    }
    rows
}

/// Five times as much, shifted so that the highest bit is set, rounded down.
const fn times_five(x: WideInteger) -> WideInteger {
    // 5x = 4x + x; a quarter of it first, whose highest bit may be carried out.
    let (low, carry_low) = x[1].overflowing_add((x[1] >> 2) | (x[0] << 126));
    let (high, carry) = x[0].overflowing_add(x[0] >> 2);
    let (high, carry_again) = high.overflowing_add(carry_low as u128);
    match carry || carry_again {
        true => [(high >> 1) | (1 << 127), (low >> 1) | (high << 127)],
        false => [high, low],
    }
}

/// A fifth, shifted so that the highest bit is set, rounded down.
const fn by_five(x: WideInteger) -> WideInteger {
    // Eight fifths of x, of at most 257 bits, by long division in parts of 64 bits.
    let parts = [x[0] >> 64, x[0] & u64::MAX as u128, x[1] >> 64, x[1] & u64::MAX as u128];
    let (mut quotient, mut rest, mut k) = ([0u128; 5], 0u128, 0);
    while k < 5 {
        let part = if k < 4 { parts[k] } else { 0 };
        let dividend = (rest << 64) | part;
        (quotient[k], rest) = (dividend / 5, dividend % 5);
        k += 1;
    }
    let high = (quotient[0] << 64) | quotient[1];
    let low = (quotient[2] << 64) | quotient[3];
    // A fifth of at least a half is at least a tenth: two or three zeros in front.
    let shift = high.leading_zeros();
    let below = quotient[4] >> (64 - shift);
    [(high << shift) | (low >> (128 - shift)), (low << shift) | below]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A positive integer of any size, least part first.
    #[derive(Clone, PartialEq, Debug)]
    struct Big(Vec<u32>);

    impl Big {
        fn times(mut self, factor: u32) -> Self {
            let mut carry = 0u64;
            for part in &mut self.0 {
                carry += u64::from(*part) * u64::from(factor);
                *part = carry as u32;
                carry >>= 32;
            }
            if carry > 0 {
                self.0.push(carry as u32);
            }
            self
        }

        fn bits(&self) -> usize {
            self.0.len() * 32 - self.0.last().unwrap().leading_zeros() as usize
        }

        /// The first 128 bits, and whether any other is set.
        fn first(&self) -> (u128, bool) {
            let bit = |at: usize| u128::from((self.0[at / 32] >> (at % 32)) & 1);
            let bits = self.bits();
            let of = |k: usize| if k < bits { bit(bits - 1 - k) } else { 0 };
            let first = (0..128).fold(0, |value, k| (value << 1) | of(k));
            (first, (128..bits).any(|k| of(k) == 1))
        }
    }

    #[test]
    fn every_power_is_that_computed_in_full() {
        let mut power = Big(vec![1]);
        for q in 0..=LARGEST {
            let (first, more) = power.first();
            assert_eq!(rounded_down(q), Some(first), "10^{q}");
            assert_eq!(more, !EXACT.contains(&q), "10^{q}");
            assert_eq!(exponent(q), power.bits() as i32 - 1 + q, "10^{q}");
            power = power.times(5);
        }
        // Division bit by bit: remainders stay below the divisor.
        let mut power = Big(vec![1]);
        for q in 1..=-LEAST {
            power = power.times(5);
            let less = |a: &Big, b: &Big| {
                let (n, m) = (a.bits(), b.bits());
                n < m || n == m && a.0.iter().rev().cmp(b.0.iter().rev()).is_lt()
            };
            let mut rest = Big(vec![1]);
            let (mut quotient, mut zeros) = (0u128, 0);
            while quotient >> 127 == 0 {
                rest = rest.times(2);
                while rest.0.len() > 1 && rest.0.last() == Some(&0) {
                    rest.0.pop();
                }
                quotient <<= 1;
                zeros += 1;
                if !less(&rest, &power) {
                    quotient |= 1;
                    let mut borrow = 0i64;
                    for k in 0..rest.0.len() {
                        let part = i64::from(rest.0[k])
                            - borrow
                            - i64::from(power.0.get(k).copied().unwrap_or(0));
                        borrow = i64::from(part < 0);
                        rest.0[k] = part as u32;
                    }
                    while rest.0.len() > 1 && rest.0.last() == Some(&0) {
                        rest.0.pop();
                    }
                }
            }
            assert_eq!(rounded_down(-q), Some(quotient), "10^-{q}");
            assert_eq!(exponent(-q), 127 - zeros - q, "10^-{q}");
        }
    }
}
