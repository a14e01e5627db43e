//! Sums and norms over all entries of a matrix, the same bits for any number of threads, any limit and any place.
//!
//! Entries are summed in fixed runs, and the runs in pairs (`sums.rs`); integers exactly, whatever the type of the
//! result. Values of a file larger than the memory limit are read in panels that are cut between runs, so the result
//! does not change.

use crate::dense::{Dense, DenseBase};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::decode::Values;
use crate::linalg::algebra::magnitude::{
    integer, is_integer, is_safe, larger, largest_part, power_of_two,
};
use crate::linalg::algebra::scalar::{Factor, Scalar, same};
use crate::linalg::algebra::sums::{Pairs, RUN, sum_run};
use crate::linalg::algebra::widen::{Coding, f32s, f64s};
use crate::sparse::{Axis, Compressed, Coo, EntryPanels};
use crate::storage::parallel::{IntoTasks, ParallelSlice, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{BufferMut, Context, DType, Element, Entry, Index, Plan, RawBuffer, by_dtype};
use ndarray::Dimension;
use num_complex::Complex;
use num_traits::{Float, PrimInt, Zero};

/// Entries between two checks of the cancel token.
const STEP: usize = 1 << 24;

/// The values of a matrix, with their type known at run time.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    values: Raw<'a>,
    /// Their buffer, in memory or in a file that may be larger; `None` for an array being written.
    buffer: Option<&'a RawBuffer>,
}

impl<'a> Stored<'a> {
    pub(crate) fn new(buffer: &'a RawBuffer) -> Self {
        Stored { values: buffer.as_raw(), buffer: Some(buffer) }
    }

    pub(crate) fn dtype(&self) -> Option<DType> {
        self.values.dtype()
    }

    /// Yields the result of `of` for every run of entries, in order. Without entries there is none.
    pub(in crate::linalg) fn each_run<V: Entry, S: Send + Clone>(
        self,
        (operation, decode): (&'static str, Coding<V>),
        ctx: &Context,
        nothing: S,
        of: &(dyn Fn(&[V]) -> S + Sync),
        take: &mut dyn FnMut(S),
    ) -> Result<()> {
        self.each_raw_run(operation, ctx, &mut |data| {
            let values = Values::new(data, decode);
            let mut runs = vec![nothing.clone(); data.len().div_ceil(RUN)];
            ctx.with_threads(|| {
                runs.par_iter_mut().enumerate().for_each_init(Vec::new, |buffer, (run, made)| {
                    let entries = run * RUN..data.len().min((run + 1) * RUN);
                    *made = of(values.of(entries, buffer));
                });
            });
            runs.into_iter().for_each(&mut *take);
        })
    }

    /// Yields all entries in order, cut at multiples of a run.
    fn each_raw_run(
        self,
        operation: &'static str,
        ctx: &Context,
        take: &mut dyn FnMut(Raw<'_>),
    ) -> Result<()> {
        let data = self.values;
        let stored = self.buffer.map_or(0, RawBuffer::stored_bytes);
        let working = |plan: Plan| Ok(plan.works(data.len() as u64, work::REDUCE));
        if let Some(buffer) = self.buffer
            && stored > ctx.memory_left()
        {
            let mut panels = EntryPanels::within(ctx.memory_left(), RUN, &[], buffer)?;
            let _running = ctx.begin(|| working(panels.reading.plan(operation)))?;
            return panels.sweep(ctx, &mut |_, _, data| {
                take(data);
                Ok(())
            });
        }
        let file = self.buffer.and_then(RawBuffer::file);
        let plan = || Plan::new(operation).on_device_of(file).reads(1, stored);
        let _running = ctx.begin_pass(stored, || working(plan()))?;
        for start in (0..data.len()).step_by(STEP) {
            ctx.report(operation, start as u64, data.len() as u64)?;
            take(data.slice(start..data.len().min(start + STEP)));
        }
        Ok(())
    }

    /// The sum of `term(entry)` over all entries.
    fn total<V: Entry, X: Scalar>(
        self,
        what: (&'static str, Coding<V>),
        ctx: &Context,
        term: impl Fn(V) -> X + Sync,
    ) -> Result<X> {
        let (mut sum, add) = (Pairs::<X>::new(X::zero()), |a: X, b: X| a + b);
        let of_run = |run: &[V]| sum_run(run, &term);
        self.each_run(what, ctx, X::zero(), &of_run, &mut |run| sum.take(run, add))?;
        Ok(sum.total(add).unwrap_or_else(X::zero))
    }

    /// The sum of integers, of which 2⁶³ of 64 bits can be summed without overflow; pattern entries are ones, `bool`
    /// entries ones and zeros.
    pub(crate) fn total_of_integers(self, ctx: &Context) -> Result<i128> {
        let of_run: fn(Raw<'_>) -> i128 = match self.dtype() {
            None => |run| run.len() as i128,
            Some(dtype) => by_dtype!(dtype, T => sum_of_integers::<T>, _ => |_| 0),
        };
        let mut sum = 0;
        self.each_raw_run("sum", ctx, &mut |data| {
            let runs: Vec<i128> = ctx.with_threads(|| {
                let runs = (0..data.len().div_ceil(RUN)).into_par_iter();
                runs.map(|run| of_run(data.slice(run * RUN..data.len().min((run + 1) * RUN))))
                    .collect()
            });
            sum += runs.into_iter().sum::<i128>();
        })?;
        Ok(sum)
    }
}

fn sum_of_integers<T: Entry>(run: Raw<'_>) -> i128 {
    run.as_typed::<T>().iter().map(|&entry| integer(entry)).sum()
}

/// Calls `$reduce::<V, X>`, which has an instance for each type of numbers `X` and the listed entries `V`; all others
/// are decoded into one of these.
macro_rules! by_vectors {
    ($X:ty, $reduce:ident, $values:expr, $ctx:expr) => {{
        let (values, ctx) = ($values, $ctx);
        let dtype = values.dtype();
        let reduced = match <$X>::DTYPE {
            DType::Float32 => same($reduce::<f32, f32>(values, f32s(dtype)?, ctx)?),
            DType::Float64 => same(match dtype {
                Some(DType::Float32) => $reduce::<f32, f64>(values, None, ctx)?,
                Some(DType::Int32) => $reduce::<i32, f64>(values, None, ctx)?,
                _ => $reduce::<f64, f64>(values, f64s(dtype)?, ctx)?,
            }),
            DType::Complex64 => same(match dtype {
                Some(DType::Complex64) => $reduce::<Complex<f32>, Complex<f32>>(values, None, ctx)?,
                _ => $reduce::<f32, Complex<f32>>(values, f32s(dtype)?, ctx)?,
            }),
            _ => same(match dtype {
                Some(DType::Complex64) => $reduce::<Complex<f32>, Complex<f64>>(values, None, ctx)?,
                Some(DType::Complex128) => {
                    $reduce::<Complex<f64>, Complex<f64>>(values, None, ctx)?
                }
                _ => $reduce::<f64, Complex<f64>>(values, f64s(dtype)?, ctx)?,
            }),
        };
        Ok(reduced.expect("numbers of the type that was asked for"))
    }};
}

/// The sum in `X` of entries that can multiply numbers of this type. Fails if they cannot.
pub(crate) fn sum_of<X: Scalar>(values: Stored<'_>, ctx: &Context) -> Result<X> {
    by_vectors!(X, sum, values, ctx)
}

/// The Frobenius norm in `X` of entries that can multiply numbers of this type. Fails if they cannot.
pub(crate) fn norm_of<X: Scalar>(values: Stored<'_>, ctx: &Context) -> Result<X::Real> {
    by_vectors!(X, norm_fro, values, ctx)
}

/// The sum in `X` of entries as numbers of type `V`.
fn sum<V: Factor<X>, X: Scalar>(values: Stored<'_>, decode: Coding<V>, ctx: &Context) -> Result<X> {
    if is_integer(values.dtype()) {
        return Ok(X::from_f64(values.total_of_integers(ctx)? as f64));
    }
    values.total(("sum", decode), ctx, |entry: V| entry.times(X::one()))
}

fn exact_sum<T: Entry + PrimInt>(values: Stored<'_>, ctx: &Context) -> Result<T> {
    let sum = values.total_of_integers(ctx)?;
    T::from(sum).ok_or_else(|| {
        Error::new(ErrorKind::Value, "the sum does not fit the entry type")
            .found(sum)
            .remedy("sum::<f64> gives it rounded")
    })
}

/// The Frobenius norm in `X` of entries as numbers of type `V`.
fn norm_fro<V: Factor<X>, X: Scalar>(
    values: Stored<'_>,
    decode: Coding<V>,
    ctx: &Context,
) -> Result<X::Real> {
    let what = ("Frobenius norm", decode);
    let squares = |scale: X::Real| {
        values.total(what, ctx, |entry: V| entry.times(X::from_real(scale)).abs_squared())
    };
    let sum: X::Real = squares(X::one().real())?;
    if is_safe(sum) || sum.is_nan() {
        return Ok(sum.sqrt());
    }
    let part = |entry: &V| largest_part(entry.times(X::one()));
    let of_run = |run: &[V]| run.iter().map(part).fold(X::Real::zero(), larger);
    let (zero, mut largest) = (X::Real::zero(), X::Real::zero());
    values.each_run(what, ctx, zero, &of_run, &mut |run| largest = larger(largest, run))?;
    if largest.is_zero() || !largest.is_finite() {
        return Ok(largest);
    }
    let (scale, back) = power_of_two(largest);
    Ok(squares(scale)?.sqrt() * back)
}

macro_rules! reductions {
    () => {
        /// The sum of all stored entries, computed in `X`, floating-point numbers in pairs, so that the error grows
        /// with the logarithm of their number; integers are summed exactly, and the sum is rounded once. A pattern
        /// counts its entries. Cost: one read of the values; memory: none, or some panels of a file larger than the
        /// limit.
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<i32>::eye(3).sum::<f64>(&Context::new())?, 3.0);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        pub fn sum<X: Scalar>(&self, ctx: &Context) -> Result<X>
        where
            T: Factor<X>,
        {
            sum_of(self.values(), ctx)
        }

        /// The sum of integers as an integer. Fails with [`ErrorKind::Value`] if it overflows their type. Cost: as for
        /// [`sum`](Self::sum).
        ///
        /// ```
        /// # use outcore::{Context, Csr, ErrorKind};
        /// let a = Csr::<i8>::eye(3).with_data(vec![100i8, 27, -27])?;
        /// assert_eq!(a.exact_sum(&Context::new())?, 100);
        /// let a = a.with_data(vec![100i8, 27, 27])?;
        /// assert_eq!(a.exact_sum(&Context::new()).unwrap_err().kind(), ErrorKind::Value);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        pub fn exact_sum(&self, ctx: &Context) -> Result<T>
        where
            T: PrimInt,
        {
            exact_sum(self.values(), ctx)
        }

        /// The Frobenius norm of the stored entries, computed in `X`; entries at the same position count separately. It
        /// is correct even if the squares of entries overflow or underflow. Cost: as for [`sum`](Self::sum), and three
        /// reads for such entries.
        ///
        /// ```
        /// # use outcore::{Context, Csr};
        /// assert_eq!(Csr::<f64>::eye(4).norm_fro::<f64>(&Context::new())?, 2.0);
        /// # Ok::<(), outcore::Error>(())
        /// ```
        #[doc(alias("norm", "MatNorm"))]
        pub fn norm_fro<X: Scalar>(&self, ctx: &Context) -> Result<X::Real>
        where
            T: Factor<X>,
        {
            norm_of::<X>(self.values(), ctx)
        }
    };
}

impl<T: Entry, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    reductions!();

    fn values(&self) -> Stored<'_> {
        Stored::new(self.data().raw())
    }
}

impl<T: Entry, I: Index> Coo<T, I> {
    reductions!();

    fn values(&self) -> Stored<'_> {
        Stored::new(self.data().raw())
    }
}

impl<T: Element, D: Dimension> Dense<T, D> {
    reductions!();

    fn values(&self) -> Stored<'_> {
        Stored::new(self.buffer().raw())
    }
}

impl<T: Element, D: Dimension> DenseBase<BufferMut<T>, D> {
    reductions!();

    fn values(&self) -> Stored<'_> {
        Stored { values: Raw::of(self.as_slice()), buffer: None }
    }
}
