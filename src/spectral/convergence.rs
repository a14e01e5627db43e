//! Singular values that increase from one pass to the next, and their remaining errors.
//!
//! The values from a subspace are lower bounds. Their distance from the true ones shrinks from pass to pass by a factor
//! that approaches one, as the components that shrink fast disappear. With the last two increments `d'` and `d`, the
//! remainder is `d q / (1 − q)` if `q = d / d'` stays constant; to be on the safe side, the square root of that is used
//! for `q`.

use num_traits::Float;

use crate::linalg::Scalar;

/// The largest factor that is accepted: it makes the error a hundred times the last increment.
const SLOWEST: f64 = 0.99;

/// What is known about the errors of singular values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SvdReason {
    /// The values no longer increase.
    Converged,
    /// Some values still increased in the last passes: more power iterations, or more oversampling, would improve them.
    StillRising,
    /// Unknown, because there were no power iterations.
    Unknown,
}

/// The values of the last three passes.
pub(super) struct Rising<R>([Option<Vec<R>>; 3]);

impl<R: Scalar<Real = R> + Float> Rising<R> {
    pub(super) fn new() -> Self {
        Rising([None, None, None])
    }

    pub(super) fn take(&mut self, values: Vec<R>) {
        self.0.rotate_left(1);
        self.0[2] = Some(values);
    }

    /// The errors of the first `count` of the last values.
    pub(super) fn errors(&self, count: usize) -> Vec<R> {
        let [Some(first), Some(second), Some(third)] = &self.0 else {
            return vec![R::infinity(); count];
        };
        let largest = third.first().copied().unwrap_or_else(R::zero);
        let rounding = largest * R::epsilon() * R::from_f64(third.len() as f64);
        let error = |i: usize| {
            let (before, rise) = (second[i] - first[i], third[i] - second[i]);
            if rise <= rounding {
                return rounding;
            }
            let factor = if before > rise { (rise / before).sqrt() } else { R::infinity() };
            let factor = factor.min(R::from_f64(SLOWEST));
            (rise * factor / (R::one() - factor)).max(rounding)
        };
        (0..count).map(error).collect()
    }

    /// What is known about the first `count` values.
    pub(super) fn reason(&self, count: usize) -> SvdReason {
        let [Some(_), Some(_), Some(last)] = &self.0 else { return SvdReason::Unknown };
        let largest = last.first().copied().unwrap_or_else(R::zero);
        let small = largest * R::epsilon().sqrt();
        match self.errors(count).iter().all(|&error| error <= small) {
            true => SvdReason::Converged,
            false => SvdReason::StillRising,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometric_rise_goes_where_it_is_said_to_go() {
        let mut rising = Rising::new();
        assert_eq!(rising.reason(1), SvdReason::Unknown);
        for k in 3..6 {
            rising.take(vec![1.0, 1.0 - 0.5f64.powi(k)]);
        }
        let errors = rising.errors(2);
        assert!(errors[0] < 1e-15 && errors[1] >= 0.5f64.powi(5) && errors[1] < 0.1, "{errors:?}");
        assert_eq!(
            (rising.reason(1), rising.reason(2)),
            (SvdReason::Converged, SvdReason::StillRising)
        );
    }
}
