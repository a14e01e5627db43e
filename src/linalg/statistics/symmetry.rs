//! Whether a sparse matrix is symmetric or Hermitian.
//!
//! A matrix that fits in the memory limit is examined once: for every entry its mirror image is found by bisection, by
//! any thread. A larger one is brought to the other axis in scratch space, by the external sort, and merged with that
//! line by line.

use std::ops::Range;

use num_complex::Complex;

use crate::convert::{canonicalize, recompress};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::algebra::Factor;
use crate::sparse::{
    AnyCompressed, Axis, CheckedLines, CheckedPanels, Compressed, Duplicates, LineSplit, by_index,
};
use crate::storage::parallel::{IntoTasks, Tasks};
use crate::storage::raw::Raw;
use crate::storage::work;
use crate::storage::{Context, Index, Place, Plan, RawBuffer};

/// Lines of a task.
const TASK: usize = 1 << 11;

/// Numbers that are decoded at a time.
const BLOCK: usize = 256;

/// Writes entries as complex numbers.
type DecodeComplex = fn(Raw<'_>, &mut [Complex<f64>]);

impl<T: Factor<Complex<f64>>, I: Index, P: Index, A: Axis> Compressed<T, I, P, A> {
    /// Whether the matrix is symmetric: `|aᵢⱼ − aⱼᵢ| ≤ tolerance · max |a|` at every position. With 0 both must be the
    /// same number; positions without an entry are zeros, those with several have their sum. A matrix that is not
    /// square, or has a number that is not finite, is not symmetric.
    ///
    /// Cost, for a matrix that fits in the memory limit: one read, and a search by bisection for every entry; with
    /// indices that do not rise, a sorted copy. A larger one: two reads, and one conversion to the other axis in the
    /// scratch folder, which is read once. Entries are compared as `f64`: 64-bit integers are rounded.
    ///
    /// Fails if the tolerance is negative or NaN, if an index is out of range, or as
    /// [`to_csc`](crate::Csr::to_csc) does.
    ///
    /// ```
    /// use outcore::{Context, Csr};
    /// let ctx = Context::new();
    /// // [ 1 2 ]
    /// // [ 3 4 ]
    /// let a = Csr::<f64>::from_parts((2, 2), vec![0, 2, 4], vec![0, 1, 0, 1], vec![1.0, 2.0, 3.0, 4.0])?;
    /// assert!(!a.is_symmetric(0.0, &ctx)?);
    /// // Off by 1, the largest entry is 4.
    /// assert!(a.is_symmetric(0.25, &ctx)?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatIsSymmetric")]
    pub fn is_symmetric(&self, tolerance: f64, ctx: &Context) -> Result<bool> {
        mirrored(&self.to_any(), decoder::<T>(), (false, tolerance), ctx)
    }

    /// Whether the matrix is Hermitian: as [`is_symmetric`](Self::is_symmetric), with `aᵢⱼ` compared with the conjugate
    /// of `aⱼᵢ`. The same for real matrices.
    ///
    /// ```
    /// use outcore::num_complex::Complex;
    /// use outcore::{Context, Csr};
    /// let (i, ctx) = (Complex::new(0.0, 1.0), Context::new());
    /// // [ . i ]
    /// // [ −i . ]
    /// let a = Csr::<Complex<f64>>::from_parts((2, 2), vec![0, 1, 2], vec![1, 0], vec![i, -i])?;
    /// assert!(a.is_hermitian(0.0, &ctx)? && !a.is_symmetric(0.0, &ctx)?);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    #[doc(alias = "MatIsHermitian")]
    pub fn is_hermitian(&self, tolerance: f64, ctx: &Context) -> Result<bool> {
        mirrored(&self.to_any(), decoder::<T>(), (true, tolerance), ctx)
    }
}

fn decoder<T: Factor<Complex<f64>>>() -> DecodeComplex {
    |from, to| {
        let from = from.typed::<T>().unwrap_or_default();
        let one = Complex::new(1.0, 0.0);
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.times(one));
    }
}

/// The largest difference of two mirrored entries, and the largest absolute value; NaN if there is one.
#[derive(Clone, Copy)]
struct LargestDifference {
    most: f64,
    largest: f64,
    conjugate: bool,
}

impl LargestDifference {
    #[inline(always)]
    fn take(&mut self, entry: Complex<f64>, image: Complex<f64>) {
        let image = if self.conjugate { image.conj() } else { image };
        self.most = larger(self.most, size(entry - image));
        self.largest = larger(self.largest, size(entry));
    }

    fn merge(self, other: Self) -> Self {
        LargestDifference {
            most: larger(self.most, other.most),
            largest: larger(self.largest, other.largest),
            ..self
        }
    }
}

/// The absolute value, without a square root for a real number.
#[inline(always)]
fn size(x: Complex<f64>) -> f64 {
    if x.im == 0.0 { x.re.abs() } else { x.norm() }
}

/// The larger of two numbers, neither negative; NaN if one is.
#[inline(always)]
fn larger(a: f64, b: f64) -> f64 {
    if a >= b || a.is_nan() { a } else { b }
}

fn mirrored(
    a: &AnyCompressed,
    decode: DecodeComplex,
    (conjugate, tolerance): (bool, f64),
    ctx: &Context,
) -> Result<bool> {
    if tolerance.is_nan() || tolerance < 0.0 {
        return Err(Error::new(ErrorKind::Value, "the tolerance is invalid")
            .expected("a number, at least 0")
            .found(tolerance));
    }
    if a.major() != a.minor() {
        return Ok(false);
    }
    let none = LargestDifference { most: 0.0, largest: 0.0, conjugate };
    let apart = match a.stored_bytes() <= ctx.memory_left() {
        true => by_search(a, decode, none, ctx)?,
        false => by_sort(a, decode, none, ctx)?,
    };
    // An infinite tolerance would hold for infinite numbers.
    Ok(apart.largest.is_finite() && apart.most <= tolerance * apart.largest)
}

/// Every entry with its image, which is searched for.
fn by_search(
    a: &AnyCompressed,
    decode: DecodeComplex,
    none: LargestDifference,
    ctx: &Context,
) -> Result<LargestDifference> {
    let _running = ctx.begin_pass(a.stored_bytes(), || {
        let plan = Plan::new("symmetry").on_device_of(a.indices_buffer().file());
        Ok(plan.reads(1, a.stored_bytes()).works(a.nnz() as u64, work::TRANSPOSE))
    })?;
    let sorted;
    let a = match ctx.with_threads(|| a.check())? {
        true => a,
        false => {
            sorted = canonicalize(a, Duplicates::Sum, &Place::Memory, ctx)?;
            &sorted
        }
    };
    let tasks = (0..a.major().div_ceil(TASK)).into_par_iter().with_max_len(1);
    let parts = ctx.with_threads(|| {
        let parts = tasks.map(|task| {
            ctx.check_cancelled()?;
            let lines = task * TASK..a.major().min((task + 1) * TASK);
            Ok(search_lines(a, decode, lines, none))
        });
        parts.collect::<Result<Vec<LargestDifference>>>()
    })?;
    Ok(parts.into_iter().fold(none, LargestDifference::merge))
}

fn search_lines(
    a: &AnyCompressed,
    decode: DecodeComplex,
    lines: Range<usize>,
    none: LargestDifference,
) -> LargestDifference {
    let (zero, data) = (Complex::new(0.0, 0.0), a.data().as_raw());
    let (mut buffer, mut image, mut apart) = ([zero; BLOCK], [zero], none);
    by_index!(a.indices(), indices => {
        for line in lines {
            let span = a.span(line);
            for start in span.clone().step_by(BLOCK) {
                let entries = start..span.end.min(start + BLOCK);
                let values = &mut buffer[..entries.len()];
                decode(data.slice(entries.clone()), values);
                for (index, &value) in indices[entries].iter().zip(&*values) {
                    let other = a.span(index.to_usize());
                    let here = &indices[other.clone()];
                    let at = here.partition_point(|index| index.to_usize() < line);
                    image[0] = zero;
                    if here.get(at).is_some_and(|index| index.to_usize() == line) {
                        let at = other.start + at;
                        decode(data.slice(at..at + 1), &mut image);
                    }
                    apart.take(value, image[0]);
                }
            }
        }
    });
    apart
}

/// The matrix merged with its transpose, line by line.
fn by_sort(
    a: &AnyCompressed,
    decode: DecodeComplex,
    none: LargestDifference,
    ctx: &Context,
) -> Result<LargestDifference> {
    let left = ctx.memory_left();
    let _running = ctx.begin(|| {
        let sorting = ctx.plan(|ctx| recompress(a, "symmetry", &Place::Scratch, ctx))?;
        let bytes = a.types().bytes_of(a.major(), a.nnz());
        let indices = (a.nnz() * a.types().indices.size()) as u64;
        let merging = Plan::new("symmetry").reads(1, 2 * bytes).holds(left / 4);
        Ok(sorting.then(merging.reads(1, indices).works(2 * a.nnz() as u64, work::MERGE)))
    })?;
    let a = match is_tidy(a, ctx)? {
        true => a.clone(),
        false => canonicalize(a, Duplicates::Sum, &Place::Scratch, ctx)?,
    };
    let image = recompress(&a, "symmetry", &Place::Scratch, ctx)?;
    let mut lines = CheckedPanels::new(&[&a, &image], LineSplit::Columns, left, ctx)?;
    let mut apart = none;
    lines.sweep(ctx, &mut |panel| {
        let (left, right) = (&panel.parts[0], &panel.parts[1]);
        let tasks = (0..left.lines().div_ceil(TASK)).into_par_iter();
        let merged = ctx.with_threads(|| {
            let parts = tasks.map(|task| {
                let lines = task * TASK..left.lines().min((task + 1) * TASK);
                merge_lines((left, right), decode, lines, none)
            });
            parts.collect::<Vec<LargestDifference>>()
        });
        apart = merged.into_iter().fold(apart, LargestDifference::merge);
        Ok(())
    })?;
    Ok(apart)
}

/// Whether indices rise in every line, in one pass over the indices; fails if one is out of range.
fn is_tidy(a: &AnyCompressed, ctx: &Context) -> Result<bool> {
    if let Some(known) = a.known_canonical() {
        return Ok(known);
    }
    let pattern = AnyCompressed { data: RawBuffer::pattern(a.nnz()), ..a.clone() };
    let mut lines = CheckedPanels::new(&[&pattern], LineSplit::Entries, ctx.memory_left(), ctx)?;
    lines.sweep(ctx, &mut |_| Ok(()))
}

fn merge_lines(
    (left, right): (&CheckedLines<'_>, &CheckedLines<'_>),
    decode: DecodeComplex,
    lines: Range<usize>,
    none: LargestDifference,
) -> LargestDifference {
    let (zero, mut apart) = (Complex::new(0.0, 0.0), none);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let numbers = |part: &CheckedLines<'_>, span: Range<usize>, buffer: &mut Vec<Complex<f64>>| {
        buffer.clear();
        buffer.resize(span.len(), zero);
        decode(part.data.slice(span), buffer);
    };
    for line in lines {
        let spans = [left, right].map(|part| part.indptr.at(line)..part.indptr.at(line + 1));
        let [mine, theirs] = spans;
        numbers(left, mine.clone(), &mut a);
        numbers(right, theirs.clone(), &mut b);
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let index = |part: &CheckedLines<'_>, at: usize, end: usize| match at < end {
                true => part.indices.at(at),
                false => usize::MAX,
            };
            let (x, y) =
                (index(left, mine.start + i, mine.end), index(right, theirs.start + j, theirs.end));
            apart.take(if x <= y { a[i] } else { zero }, if y <= x { b[j] } else { zero });
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
    }
    apart
}
