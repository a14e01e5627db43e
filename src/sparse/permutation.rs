//! Permutations of rows, columns, vertices or the elements of a vector, and their inverses.

use crate::error::{Error, ErrorKind, Location, Result, check_shape};
use crate::sparse::indices_mut::{IndicesMut, by_index_mut};
use crate::storage::parallel::{ParallelSlice, Tasks, collect_into_vec};
use crate::storage::{BufferMut, Context, DType, Index, RawBufferMut, filled, with_capacity};

/// Elements of a task.
const TASK: usize = 1 << 14;

/// A permutation of `n` items, as NumPy's `a[order]`: position `k` receives the item from `order[k]`.
///
/// It uses eight bytes per item in memory. It is checked when it is made, so that functions taking one need not.
///
/// ```
/// use outcore::{Context, Permutation};
/// let p = Permutation::new(vec![2, 0, 1])?;
/// let ctx = Context::new();
/// let moved = p.permute(&["a", "b", "c"], &ctx)?;
/// assert_eq!(moved, ["c", "a", "b"]);
/// assert_eq!(p.inverse().permute(&moved, &ctx)?, ["a", "b", "c"]);
/// # Ok::<(), outcore::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permutation {
    order: Vec<usize>,
}

impl Permutation {
    /// The permutation in which position `k` receives the item from `order[k]`.
    ///
    /// Fails with [`ErrorKind::Index`], naming the position, if a number is not below the length or occurs twice. Cost:
    /// one pass over the numbers, and temporarily a bit for each.
    ///
    /// ```
    /// let error = outcore::Permutation::new(vec![1, 1]).unwrap_err();
    /// assert_eq!(error.to_string(), "position 1: an index occurs twice in the permutation: found 1");
    /// ```
    pub fn new(order: Vec<usize>) -> Result<Self> {
        let n = order.len();
        let mut seen = filled("the numbers that were seen", n.div_ceil(64), 0u64)?;
        for (k, &old) in order.iter().enumerate() {
            let wrong = |what: &str| {
                Error::new(ErrorKind::Index, what).at(Location::Position(k as u64)).found(old)
            };
            if old >= n {
                let error = wrong("an index of the permutation is out of range");
                return Err(error.expected(format!("one below {n}")));
            }
            let (word, bit) = (&mut seen[old / 64], 1 << (old % 64));
            if *word & bit != 0 {
                return Err(wrong("an index occurs twice in the permutation"));
            }
            *word |= bit;
        }
        Ok(Permutation { order })
    }

    /// The identity permutation.
    ///
    /// # Panics
    /// If the system has no memory for `n` numbers, or they exceed the limit of a new [`Context`].
    #[doc(alias = "arange")]
    pub fn identity(n: usize) -> Self {
        let mut order =
            with_capacity("the identity", n).expect("memory for as many numbers as things");
        order.extend(0..n);
        Permutation { order }
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// For every position, where its item comes from.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The numbers of [`order`](Self::order), without a copy.
    pub fn into_order(self) -> Vec<usize> {
        self.order
    }

    /// The inverse permutation: for every item, where it goes.
    pub fn inverse(&self) -> Self {
        let mut order = vec![0; self.len()];
        self.order.iter().enumerate().for_each(|(new, &old)| order[old] = new);
        Permutation { order }
    }

    /// This permutation followed by `next`, as one. Fails if their lengths differ.
    ///
    /// ```
    /// use outcore::Permutation;
    /// let p = Permutation::new(vec![2, 0, 1])?;
    /// assert_eq!(p.then(&p.inverse())?, Permutation::identity(3));
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn then(&self, next: &Self) -> Result<Self> {
        check_shape("the next permutation", self.len(), next.len())?;
        let mut order = with_capacity("the order", self.len())?;
        order.extend(next.order.iter().map(|&k| self.order[k]));
        Ok(Permutation { order })
    }

    /// The elements of a vector in this order: `y[k] = x[order[k]]`. Fails if the lengths differ.
    #[doc(alias = "MatPermute")]
    pub fn permute<X: Copy + Send + Sync>(&self, x: &[X], ctx: &Context) -> Result<Vec<X>> {
        check_shape("x", self.len(), x.len())?;
        let mut moved = ctx.with_capacity("the vector", x.len())?;
        ctx.with_threads(|| {
            let elements = self.order.par_iter().with_min_len(TASK).map(|&old| x[old]);
            collect_into_vec(elements, &mut moved);
        });
        Ok(moved)
    }

    /// As [`permute`](Self::permute), into `y`; nothing is allocated.
    pub fn permute_into<X: Copy + Send + Sync>(
        &self,
        x: &[X],
        y: &mut [X],
        ctx: &Context,
    ) -> Result<()> {
        check_shape("x", self.len(), x.len())?;
        check_shape("y", self.len(), y.len())?;
        ctx.with_threads(|| {
            let tasks = y.par_chunks_mut(TASK).zip(self.order.par_chunks(TASK));
            tasks.for_each(|(y, order)| y.iter_mut().zip(order).for_each(|(y, &old)| *y = x[old]));
        });
        Ok(())
    }

    /// The inverse of [`permute_into`](Self::permute_into): `y[order[k]] = x[k]`. On one thread; nothing is allocated.
    pub fn restore_into<X: Copy>(&self, x: &[X], y: &mut [X]) -> Result<()> {
        check_shape("x", self.len(), x.len())?;
        check_shape("y", self.len(), y.len())?;
        self.order.iter().zip(x).for_each(|(&old, &x)| y[old] = x);
        Ok(())
    }

    /// The positions of all items, as matrix indices of a type that was checked to be wide enough; in huge pages,
    /// because they are looked up in random order.
    pub(crate) fn positions<I: Index>(&self, ctx: &Context) -> Result<BufferMut<I>> {
        self.raw_positions(I::DTYPE, ctx).map(RawBufferMut::into_typed)
    }

    /// As [`positions`](Self::positions), as indices whose type is known at run time.
    pub(crate) fn raw_positions(&self, index: DType, ctx: &Context) -> Result<RawBufferMut> {
        fn go<I: Index>(positions: &mut [I], order: &[usize]) {
            order.iter().enumerate().for_each(|(new, &old)| positions[old] = I::from_usize(new));
        }
        let mut positions = ctx.raw_work("the positions", (Some(index), self.len()))?;
        by_index_mut!(IndicesMut::of(&mut positions), positions => go(positions, &self.order));
        Ok(positions)
    }
}
