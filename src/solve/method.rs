//! The methods, and what each needs.

/// A method of solving linear systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Conjugate gradients: Hermitian positive definite operators.
    Cg,
    /// Minimal residuals: Hermitian operators, also indefinite ones.
    Minres,
    /// Generalised minimal residuals, restarted: any square operator.
    Gmres,
    /// GMRES with a preconditioner that may change from one iteration to the next.
    Fgmres,
    /// Stabilised biconjugate gradients: any square operator, in constant memory.
    Bicgstab,
    /// Induced dimension reduction, IDR(s): any square operator, in constant memory.
    Idrs,
    /// Least squares, or systems of any shape, by Golub–Kahan bidiagonalisation.
    Lsqr,
    /// As LSQR, with a decreasing `‖Aᴴ r‖`.
    Lsmr,
    /// Chebyshev iteration: Hermitian positive definite operators with known bounds of the eigenvalues; no inner
    /// products.
    Chebyshev,
}

/// What a method needs.
pub(super) struct Needs {
    /// Its name in plans and progress.
    pub(super) name: &'static str,
    /// Whether the operator must be square.
    pub(super) square: bool,
    /// Vectors of the length of a column, and of a row, besides `b`; with a preconditioner.
    pub(super) vectors: (usize, usize),
    /// Vectors of the length of a row besides these that may lie in a file: a basis, and the iterate that is kept.
    pub(super) basis: usize,
    /// Vectors of the basis that an iteration reads, on average.
    pub(super) reads: u64,
    /// Products of an iteration.
    pub(super) products: u64,
    /// Whether an iteration has a product with the adjoint after each, as for `AᴴA`.
    pub(super) normal: bool,
    /// Whether it restarts after a fixed number of iterations.
    pub(super) restarts: bool,
    /// Vectors of the length of a column, and of a row, in a saved state.
    pub(super) saved: (usize, usize),
    /// Whether the preconditioner may give the product.
    pub(super) given: bool,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 9] = [
        Method::Cg,
        Method::Minres,
        Method::Gmres,
        Method::Fgmres,
        Method::Bicgstab,
        Method::Idrs,
        Method::Lsqr,
        Method::Lsmr,
        Method::Chebyshev,
    ];

    /// The name of its function: `cg`, `minres` and so on.
    ///
    /// ```
    /// use outcore::solve::Method;
    /// assert!(Method::ALL.iter().any(|method| method.name() == "gmres"));
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Method::Cg => "cg",
            Method::Minres => "minres",
            Method::Gmres => "gmres",
            Method::Fgmres => "fgmres",
            Method::Bicgstab => "bicgstab",
            Method::Idrs => "idrs",
            Method::Lsqr => "lsqr",
            Method::Lsmr => "lsmr",
            Method::Chebyshev => "chebyshev",
        }
    }

    /// What it needs, with `restart` or `shadow` vectors of a basis, at most as many as the order.
    pub(super) fn needs(self, restart: usize, shadow: usize, order: usize) -> Needs {
        let (restart, shadow) = (restart.min(order), shadow.min(order));
        let (mut basis, mut reads) = (0, 0);
        let saved = match self {
            Method::Cg | Method::Bicgstab => (0, 6),
            Method::Minres => (0, 8),
            Method::Gmres | Method::Fgmres => (0, 3),
            Method::Idrs => (0, shadow.saturating_mul(2).saturating_add(3)),
            Method::Lsqr => (1, 4),
            Method::Lsmr => (1, 5),
            Method::Chebyshev => (0, 4),
        };
        let (name, square, vectors, products) = match self {
            Method::Cg => {
                basis = 1;
                ("conjugate gradients", true, (0, 5), 1)
            }
            Method::Minres => ("MINRES", true, (0, 11), 1),
            Method::Gmres => {
                (basis, reads) = (restart.saturating_add(2), restart as u64 * 2 + 3);
                ("GMRES", true, (0, 6), 1)
            }
            Method::Fgmres => {
                let both = restart.saturating_mul(2).saturating_add(2);
                (basis, reads) = (both, restart as u64 * 2 + 4);
                ("FGMRES", true, (0, 4), 1)
            }
            Method::Bicgstab => ("BiCGSTAB", true, (0, 11), 2),
            Method::Idrs => {
                (basis, reads) = (shadow.saturating_mul(3).saturating_add(1), shadow as u64 * 3);
                ("IDR(s)", true, (0, 6), 1)
            }
            Method::Lsqr => ("LSQR", false, (2, 5), 1),
            Method::Lsmr => ("LSMR", false, (2, 6), 1),
            Method::Chebyshev => ("Chebyshev iteration", true, (0, 7), 1),
        };
        let restarts = matches!(self, Method::Gmres | Method::Fgmres);
        let (normal, given) = (matches!(self, Method::Lsqr | Method::Lsmr), self == Method::Cg);
        Needs { name, square, vectors, basis, reads, products, normal, restarts, saved, given }
    }
}

impl Needs {
    /// What block conjugate gradients need for each of `k` systems of `n` unknowns.
    pub(super) fn of_block(n: usize, k: usize) -> Needs {
        // Besides blocks, and the sums of their inner products, matrices of k rows.
        let small = k.saturating_mul(SMALL).div_ceil(n.max(1));
        let vectors = (0, small.saturating_add(6));
        Needs {
            name: NAME_OF_BLOCK,
            square: true,
            vectors,
            basis: 0,
            reads: 0,
            products: 1,
            normal: false,
            restarts: false,
            saved: (0, 0),
            given: false,
        }
    }
}

/// The name of block conjugate gradients in plans and progress.
pub(super) const NAME_OF_BLOCK: &str = "block conjugate gradients";

/// Matrices of as many rows and columns as there are systems, at most at a time.
const SMALL: usize = 12;
