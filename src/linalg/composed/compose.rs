//! The methods that compose operators.

use crate::linalg::composed::{Adjoint, Centered, Product, Scaled, Shifted, Sum};

/// Composition of operators, lazily: nothing is computed, nor are shapes compared, before a product.
///
/// Everything has these methods where the trait is imported; the result is a
/// [`LinearOperator`](crate::linalg::LinearOperator) if the parts are. A reference to a matrix is one, and the matrix stays
/// usable. A product fails with kind [`Shape`](crate::ErrorKind::Shape) if shapes do not match.
///
/// ```
/// use outcore::linalg::{Compose, LinearOperator};
/// use outcore::Csr;
/// let a = Csr::<f64>::eye(3);
/// // 2 A − 5 I
/// let b = (&a).scaled(2.0).shifted(-5.0);
/// assert_eq!(b.matvec(&[1.0, 2.0, 3.0])?, [-3.0, -6.0, -9.0]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("aslinearoperator", "MATSHELL"))]
pub trait Compose: Sized {
    /// `c A`.
    fn scaled<X>(self, c: X) -> Scaled<Self, X> {
        Scaled { a: self, factor: c }
    }

    /// `A + s I`, for a square operator.
    fn shifted<X>(self, s: X) -> Shifted<Self, X> {
        Shifted { a: self, shift: s }
    }

    /// `A + B`, of the same shape.
    ///
    /// ```
    /// use outcore::linalg::{Compose, LinearOperator};
    /// let a = outcore::Csr::<f64>::eye(2);
    /// assert_eq!((&a).plus((&a).scaled(3.0)).matvec(&[1.0, 2.0])?, [4.0, 8.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn plus<B>(self, b: B) -> Sum<Self, B> {
        Sum { a: self, b }
    }

    /// `A B`: first `B`, then `A`.
    ///
    /// ```
    /// use outcore::linalg::{Compose, LinearOperator};
    /// let a = outcore::Dense::from(ndarray::arr2(&[[1.0, 2.0]]));
    /// let gram = (&a).adjoint().times(&a);
    /// assert_eq!(gram.matvec(&[1.0, 1.0])?, [3.0, 6.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn times<B>(self, b: B) -> Product<Self, B> {
        Product { a: self, b }
    }

    /// `Aᴴ`, the conjugate transpose.
    fn adjoint(self) -> Adjoint<Self> {
        Adjoint { a: self }
    }

    /// `A − 1 μᵀ`: a number for each column is subtracted from all its entries, its mean for principal components.
    ///
    /// ```
    /// use outcore::linalg::{Compose, LinearOperator};
    /// let a = outcore::Dense::from(ndarray::arr2(&[[1.0, 2.0], [3.0, 6.0]]));
    /// assert_eq!((&a).centered(vec![2.0, 4.0]).matvec(&[1.0, 1.0])?, [-3.0, 3.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    fn centered<X>(self, means: Vec<X>) -> Centered<Self, X> {
        Centered { a: self, means }
    }
}

impl<A> Compose for A {}
