//! Unknowns with known values: removed from a system, or left in it with the identity.

use crate::convert::take_where;
use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::linalg::{LinearOperator, Scalar, is_finite};
use crate::sparse::{AnyCompressed, Axis, Compressed, CompressedMut, by_index};
use crate::storage::{Context, Entry, Index, Place, SparseFormat, bytes_of, with_capacity};

/// The unknowns of a square system whose values are known: Dirichlet conditions.
///
/// Either they are removed: [`eliminate`](Self::eliminate) takes the rows and columns of the free unknowns,
/// [`right_hand_side`](Self::right_hand_side) the numbers that belong to them, and [`expand`](Self::expand) makes the
/// solution whole. Or they stay: [`impose`](Self::impose) replaces their rows and columns by those of the identity, in
/// place. Both keep a Hermitian matrix Hermitian, and move what the known values contribute to the right-hand side.
///
/// ```
/// use outcore::linalg::LinearOperator;
/// use outcore::solve::{SolveOptions, Dirichlet, cg};
/// use outcore::{Context, Csr, Place};
/// let ctx = Context::new();
/// // A rod of three elements, held at 0 and at 6.
/// let elements = [[0, 1], [1, 2], [2, 3]];
/// let mut a = Csr::<()>::from_elements(4, &elements, &ctx)?.assemble::<f64>(&ctx)?;
/// for nodes in &elements {
///     a.add_block(nodes, nodes, &[1.0, -1.0, -1.0, 1.0])?;
/// }
/// let (a, b) = (a.freeze()?, [0.0; 4]);
/// let known = Dirichlet::new(4, [(0, 0.0), (3, 6.0)])?;
///
/// let free = known.eliminate(&a, Place::Memory, &ctx)?;
/// let solved = cg(&free, &known.right_hand_side(&a, &b, &ctx)?, &SolveOptions::default(), &ctx)?;
/// let x = known.expand(&solved.x)?;
/// assert!(x.iter().zip([0.0, 2.0, 4.0, 6.0]).all(|(x, exact): (&f64, f64)| (x - exact).abs() < 1e-12));
///
/// let (mut whole, mut b) = (a.to_mut(&ctx)?, b);
/// known.impose(&mut whole, &mut b, &ctx)?;
/// assert_eq!((whole.freeze()?.row(0)?.data, b), (&[1.0, 0.0][..], [0.0, 0.0, 6.0, 6.0]));
/// # Ok::<(), outcore::Error>(())
/// ```
#[doc(alias("boundary conditions", "MatZeroRowsColumns", "constraints"))]
#[derive(Clone, Debug, PartialEq)]
pub struct Dirichlet<X> {
    n: usize,
    /// By rising numbers, each once.
    known: Vec<(usize, X)>,
}

impl<X: Scalar> Dirichlet<X> {
    /// The known values of a system of `n` unknowns, as pairs of an unknown and its value, in any order.
    ///
    /// Fails, naming the position in the list, if there is no such unknown or its value is not finite, and if two
    /// values of one unknown differ.
    pub fn new(n: usize, known: impl IntoIterator<Item = (usize, X)>) -> Result<Self> {
        let mut known: Vec<(usize, X)> = known.into_iter().collect();
        for (k, &(unknown, value)) in known.iter().enumerate() {
            let error = |kind, what| Error::new(kind, what).at(Location::Position(k as u64));
            if unknown >= n {
                return Err(error(ErrorKind::Index, "there is no such unknown")
                    .expected(format!("an unknown below {n}"))
                    .found(unknown));
            }
            if !is_finite(value) {
                return Err(error(ErrorKind::Value, "a known value is not finite").found(value));
            }
        }
        known.sort_by_key(|&(unknown, _)| unknown);
        if let Some(pair) =
            known.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1)
        {
            return Err(Error::new(ErrorKind::Duplicate, "an unknown has two values")
                .at(Location::Row(pair[0].0 as u64))
                .found(format!("{} and {}", pair[0].1, pair[1].1)));
        }
        known.dedup_by_key(|&mut (unknown, _)| unknown);
        Ok(Dirichlet { n, known })
    }

    /// The unknowns with known values, and these, by rising numbers.
    pub fn known(&self) -> &[(usize, X)] {
        &self.known
    }

    /// The other unknowns, by rising numbers: unknown `k` of the reduced system is `free()[k]` of the whole.
    ///
    /// Fails if they do not fit in memory.
    pub fn free(&self) -> Result<Vec<usize>> {
        let known = self.known.iter().map(|&(unknown, _)| unknown);
        let mut free = with_capacity("the free unknowns", self.n - self.known.len())?;
        let mut next = 0;
        for end in known.chain([self.n]) {
            free.extend(next..end);
            next = end + 1;
        }
        Ok(free)
    }

    /// The rows and columns of the free unknowns, of CSR or CSC in memory or in files, at any place.
    ///
    /// Cost: two selections, of rows and of columns, each as
    /// [`take_rows`](Compressed::take_rows) of a rising list; between them the rows are in memory, or in scratch space
    /// if they could take more than half the memory limit. Fails if the matrix is not square or of another order, or as
    /// those do.
    pub fn eliminate<T: Entry, I: Index, P: Index, A: Axis>(
        &self,
        a: &Compressed<T, I, P, A>,
        place: impl Into<Place>,
        ctx: &Context,
    ) -> Result<Compressed<T, I, P, A>> {
        self.select(&a.to_any(), &place.into(), ctx).map(AnyCompressed::into_typed)
    }

    fn select(&self, a: &AnyCompressed, place: &Place, ctx: &Context) -> Result<AnyCompressed> {
        check_shape("the matrix", (self.n, self.n), a.shape())?;
        let mut free = ctx.filled("the free unknowns", self.n, true)?;
        self.known.iter().for_each(|&(unknown, _)| free[unknown] = false);
        let _held = ctx.hold(self.n as u64);
        let bytes = a.types().bytes_of(a.major(), a.nnz());
        let between = if bytes > ctx.memory_left() / 2 { Place::Scratch } else { Place::Memory };
        // Lines first: the other axis is then searched for in fewer of them.
        let axes = if a.format() == SparseFormat::Csr { [0, 1] } else { [1, 0] };
        let _running = ctx.begin(|| {
            let lines = ctx.plan(|ctx| take_where(a, (axes[0], &free), &between, ctx))?;
            let others = ctx.plan(|ctx| take_where(a, (axes[1], &free), place, ctx))?;
            Ok(lines.then(others))
        })?;
        let lines = take_where(a, (axes[0], &free), &between, ctx)?;
        take_where(&lines, (axes[1], &free), place, ctx)
    }

    /// The right-hand side of the reduced system: `b − A g` at the free unknowns, where `g` has the known values and
    /// zeros elsewhere. Cost: one product with the whole operator and two vectors.
    ///
    /// Fails if the operator or `b` is of another order, or if the product does.
    pub fn right_hand_side(
        &self,
        a: &impl LinearOperator<X>,
        b: &[X],
        ctx: &Context,
    ) -> Result<Vec<X>> {
        check_shape("the operator", (self.n, self.n), a.shape())?;
        check_shape("b", self.n, b.len())?;
        let (known, _) = self.spread(ctx)?;
        let mut moved = ctx.filled("the product", self.n, X::zero())?;
        let _held = ctx.hold(bytes_of::<X>(self.n).saturating_mul(2));
        a.apply(&known, &mut moved, ctx)?;
        let numbers = b.iter().zip(&moved).map(|(&b, &moved)| b - moved);
        self.pick(numbers)
    }

    /// The numbers of a vector of the whole system that belong to the free unknowns, for example of a starting point.
    pub fn restrict(&self, x: &[X]) -> Result<Vec<X>> {
        check_shape("x", self.n, x.len())?;
        self.pick(x.iter().copied())
    }

    /// A solution of the reduced system with the known values in their places.
    pub fn expand(&self, free: &[X]) -> Result<Vec<X>> {
        check_shape("the solution", self.n - self.known.len(), free.len())?;
        let mut x = with_capacity("the solution", self.n)?;
        let mut rest = free;
        for &(unknown, value) in &self.known {
            let (before, after) = rest.split_at(unknown - x.len());
            x.extend_from_slice(before);
            x.push(value);
            rest = after;
        }
        x.extend_from_slice(rest);
        Ok(x)
    }

    /// Replaces rows and columns of the known unknowns by those of the identity, in values that are open for writing,
    /// in memory or on their map, and `b` by the right-hand side of the changed system: the known values at their
    /// unknowns, and `b − A g` elsewhere. The structure stays, with zeros.
    ///
    /// Cost: one pass over the matrix on the calling thread, and 1 byte and a number for each row. Fails, and changes
    /// nothing, if matrix or `b` is of another order, if an index is out of range, or if the structure has no entry on
    /// the diagonal of a known unknown; the error names the row.
    pub fn impose<I: Index, P: Index, A: Axis>(
        &self,
        a: &mut CompressedMut<X, I, P, A>,
        b: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        check_shape("the matrix", (self.n, self.n), a.structure().shape())?;
        check_shape("b", self.n, b.len())?;
        let mut diagonal = ctx.with_capacity("the diagonal", self.known.len())?;
        for &(unknown, _) in &self.known {
            diagonal.push(a.structure().place_of(unknown, unknown)?);
        }
        a.structure().check()?;
        ctx.check_cancelled()?;
        let (structure, data) = a.parts_mut();
        let (known, is_known) = self.spread(ctx)?;
        let _held = ctx.hold(bytes_of::<X>(self.n).saturating_add(self.n as u64));
        clear(&structure.to_any(), data, (&known, &is_known), b);
        for (at, &(unknown, value)) in diagonal.into_iter().zip(&self.known) {
            data[at] = X::one();
            b[unknown] = value;
        }
        Ok(())
    }

    /// The known values, with zeros elsewhere, and which they are.
    fn spread(&self, ctx: &Context) -> Result<(Vec<X>, Vec<bool>)> {
        let mut values = ctx.filled("the known values", self.n, X::zero())?;
        let mut is_known = ctx.filled("the known unknowns", self.n, false)?;
        for &(unknown, value) in &self.known {
            (values[unknown], is_known[unknown]) = (value, true);
        }
        Ok((values, is_known))
    }

    /// The numbers that belong to the free unknowns.
    fn pick(&self, numbers: impl Iterator<Item = X>) -> Result<Vec<X>> {
        let mut picked = with_capacity("the free unknowns", self.n - self.known.len())?;
        let mut known = self.known.iter().map(|&(unknown, _)| unknown).peekable();
        let free = numbers.enumerate().filter(|(at, _)| known.next_if_eq(at).is_none());
        picked.extend(free.map(|(_, number)| number));
        Ok(picked)
    }
}

/// Sets the rows and columns of known unknowns to zero, and subtracts what the columns contributed from `b`, in the
/// order of the columns for either format.
fn clear<X: Scalar>(
    structure: &AnyCompressed,
    data: &mut [X],
    (known, is_known): (&[X], &[bool]),
    b: &mut [X],
) {
    let by_rows = structure.format() == SparseFormat::Csr;
    by_index!(structure.indices(), indices => {
        for line in 0..structure.major() {
            let span = structure.span(line);
            for (index, value) in indices[span.clone()].iter().zip(&mut data[span]) {
                let other = index.to_usize();
                if !(is_known[line] || is_known[other]) {
                    continue;
                }
                let (row, col) = if by_rows { (line, other) } else { (other, line) };
                if is_known[col] && !is_known[row] {
                    b[row] -= *value * known[col];
                }
                *value = X::zero();
            }
        }
    });
}
