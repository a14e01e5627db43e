//! `A B` over any semiring, and under a mask.

use crate::error::Result;
use crate::linalg::algebra::{Flipped, Semiring};
use crate::linalg::spgemm::mask::{Mask, Masking};
use crate::linalg::spgemm::matmul::product;
use crate::sparse::{ByCols, ByRows, Csc, Csr};
use crate::storage::{Context, Entry, Index, Place};

impl<T: Entry, I: Index, P: Index> Csr<T, I, P> {
    /// `A B` over a semiring: `GrB_mxm` of the GraphBLAS. Entries of the matrices and of the product may have three
    /// types.
    ///
    /// There is an entry wherever there is a term, whether its sum is zero or not. Otherwise as `matmul`, which is the
    /// special case [`PlusTimes`](crate::linalg::PlusTimes): every sum starts with zero and adds its terms in the order
    /// in which the entries of `A`'s row are stored; cost, memory and errors are the same.
    ///
    /// ```
    /// use outcore::linalg::MinPlus;
    /// use outcore::{Context, Csr, Place};
    /// // Roads from 0 to 1 and 2, and from both to 3: the shortest path of two steps has length 3.
    /// let roads = Csr::<f64>::from_parts(
    ///     (4, 4), vec![0, 2, 3, 4, 4], vec![1, 2, 3, 3], vec![1.0, 2.0, 9.0, 1.0],
    /// )?;
    /// let two = roads.matmul_with(MinPlus::new(), &roads, Place::Memory, &Context::new())?;
    /// assert_eq!((two.nnz(), two.get(0, 3)?), (1, Some(3.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul_with<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        b: &Csr<S::Right, I, P>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<S::Sum, I, P>> {
        product(semiring, "CSR times CSR", (self, b), None, &place.into(), ctx)
    }

    /// `C<M> = A B`: the product over a semiring only at the positions of a mask, or everywhere else. The masked
    /// `GrB_mxm` of the GraphBLAS.
    ///
    /// Kept entries have the same bits as in the product without a mask. A position of the mask without a term stays
    /// empty. Indices of the mask may be in any order within rows.
    ///
    /// Cost: as [`matmul_with`](Self::matmul_with), because all terms are visited; but only those that are kept are
    /// added, if the mask lists the positions to keep, and only they are written. The mask is used in place, and read
    /// once more. Fails with [`ErrorKind::Memory`](crate::ErrorKind::Memory) if it is in files of more than a quarter
    /// of the memory limit, and otherwise as `matmul`.
    ///
    /// ```
    /// use outcore::linalg::{Mask, PlusPair};
    /// use outcore::{Context, Csr, Place};
    /// // The edges below the diagonal of a square with one of its diagonals.
    /// let edges = Csr::<()>::from_parts(
    ///     (4, 4), vec![0, 0, 1, 3, 5], vec![0, 0, 1, 0, 2], vec![(); 5],
    /// )?;
    /// // Paths of two steps closed by an edge: triangles, each once.
    /// let (mask, ctx) = (Mask::new(&edges), Context::new());
    /// let closed = edges.matmul_masked(PlusPair::new(), &edges, &mask, Place::Memory, &ctx)?;
    /// assert_eq!(closed.data().iter().sum::<u64>(), 2);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul_masked<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        b: &Csr<S::Right, I, P>,
        mask: &Mask<I, P, ByRows>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csr<S::Sum, I, P>> {
        let masking = Masking::new(mask, (self.nrows(), b.ncols()), ctx)?;
        let operands = (self, b);
        product(semiring, "masked CSR times CSR", operands, Some(&masking), &place.into(), ctx)
    }
}

impl<T: Entry, I: Index, P: Index> Csc<T, I, P> {
    /// `A B` over a semiring, as [`Csr::matmul_with`]: the product of the transposes in the other order. Every sum adds
    /// its terms in the order in which the entries of `B`'s column are stored.
    ///
    /// ```
    /// use outcore::linalg::MinFirst;
    /// use outcore::{Context, Csc, Place};
    /// let a = Csc::<f64>::from_parts((2, 2), vec![0, 1, 3], vec![0, 0, 1], vec![1.0, 2.0, 5.0])?;
    /// let c = a.matmul_with(MinFirst::new(), &a.pattern(), Place::Memory, &Context::new())?;
    /// assert_eq!((c.get(0, 1)?, c.get(1, 1)?), (Some(1.0), Some(5.0)));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul_with<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        b: &Csc<S::Right, I, P>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<S::Sum, I, P>> {
        transposed(semiring, "CSC times CSC", (self, b), None, &place.into(), ctx)
    }

    /// `C<M> = A B` over a semiring, as [`Csr::matmul_masked`].
    ///
    /// ```
    /// use outcore::linalg::{Mask, PlusPair};
    /// use outcore::{Context, Csc, Csr, Place};
    /// // Two steps along a path of four, but not back to the start.
    /// let path = Csc::<()>::from_parts(
    ///     (4, 4), vec![0, 1, 3, 5, 6], vec![1, 0, 2, 1, 3, 2], vec![(); 6],
    /// )?;
    /// let (away, ctx) = (Mask::complement(&Csr::<f64>::eye(4).transpose()), Context::new());
    /// let two = path.matmul_masked(PlusPair::new(), &path, &away, Place::Memory, &ctx)?;
    /// assert_eq!(two.indices()[..], [2, 3, 0, 1]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn matmul_masked<S: Semiring<Left = T>>(
        &self,
        semiring: S,
        b: &Csc<S::Right, I, P>,
        mask: &Mask<I, P, ByCols>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Csc<S::Sum, I, P>> {
        let shape = (b.ncols(), self.nrows());
        let masking = Masking::new(&mask.transpose(), shape, ctx)?;
        let (operands, mask) = ((self, b), Some(&masking));
        transposed(semiring, "masked CSC times CSC", operands, mask, &place.into(), ctx)
    }
}

/// `A B = (Bᵀ Aᵀ)ᵀ`, with the mask of the transpose.
fn transposed<S: Semiring, I: Index, P: Index>(
    semiring: S,
    operation: &'static str,
    (a, b): (&Csc<S::Left, I, P>, &Csc<S::Right, I, P>),
    mask: Option<&Masking<I, P>>,
    place: &Place,
    ctx: &Context,
) -> Result<Csc<S::Sum, I, P>> {
    let operands = (&b.transpose(), &a.transpose());
    Ok(product(Flipped(semiring), operation, operands, mask, place, ctx)?.transpose())
}
