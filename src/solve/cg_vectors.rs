//! The vectors of conjugate gradients besides `b`, and how often each is read and written.
//!
//! Where memory is short they lie in scratch files, those first that an iteration touches least often, and last those
//! that the products read in the order of the columns of the matrix. One stays in memory in any case: the result, which
//! is a vector in memory, takes its place at the end.

/// A vector of the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CgVector {
    /// The iterate.
    X,
    /// The residual.
    R,
    /// The direction.
    P,
    /// `A p`.
    Q,
    /// The preconditioned residual.
    Z,
    /// `A z`, where the preconditioner gives it.
    W,
}

/// How often a vector is read, and how often written.
pub(super) type Touches = (u64, u64);

/// How often a solve reads and writes a vector from its first to its last number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) vector: CgVector,
    /// In an iteration, at most: the iterate is read a second time only where it is kept.
    pub(super) iteration: Touches,
    /// In each pass over the matrix, if the preconditioner gives the product.
    pub(super) sweep: Touches,
    /// At the start and at the end together.
    pub(super) ends: Touches,
}

const fn used(vector: CgVector, iteration: Touches, sweep: Touches) -> Use {
    let ends = match vector {
        CgVector::X => (3, 1),
        CgVector::R => (6, 4),
        CgVector::P => (0, 1),
        CgVector::Q => (2, 3),
        CgVector::Z | CgVector::W => (1, 0),
    };
    Use { vector, iteration, sweep, ends }
}

const NEVER: Touches = (0, 0);

const PLAIN: [Use; 4] = [
    used(CgVector::X, (2, 1), NEVER),
    used(CgVector::R, (2, 1), NEVER),
    used(CgVector::Q, (2, 1), NEVER),
    used(CgVector::P, (4, 1), NEVER),
];

const PRECONDITIONED: [Use; 5] = [
    used(CgVector::X, (2, 1), NEVER),
    used(CgVector::Z, (2, 1), NEVER),
    used(CgVector::R, (3, 1), NEVER),
    used(CgVector::Q, (2, 1), NEVER),
    used(CgVector::P, (4, 1), NEVER),
];

/// The products are made in `z` and `w`, of `r`.
const GIVEN: [Use; 6] = [
    used(CgVector::X, (2, 1), NEVER),
    used(CgVector::P, (3, 1), NEVER),
    used(CgVector::Q, (3, 1), NEVER),
    used(CgVector::R, (2, 1), (1, 0)),
    used(CgVector::W, (1, 0), (1, 1)),
    used(CgVector::Z, (2, 0), (1, 1)),
];

/// The vectors in the order in which they go to scratch files: with a preconditioner, and with one that gives the
/// product.
pub(super) fn in_order(preconditioned: bool, given: bool) -> &'static [Use] {
    match (preconditioned, given) {
        (false, _) => &PLAIN,
        (true, false) => &PRECONDITIONED,
        (true, true) => &GIVEN,
    }
}
