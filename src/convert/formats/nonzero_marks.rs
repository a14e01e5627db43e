//! Which elements of a dense matrix are kept: marks for one run at a time, made by code that knows their type.

use std::marker::PhantomData;

use crate::storage::raw::Raw;
use crate::storage::{DType, Element, by_dtype};

/// A choice of elements, of the type that the matrix has.
pub(crate) trait Keep: Sync {
    /// Writes a mark for each element of a run: 1 if it is kept, else 0.
    fn mark(&self, run: Raw<'_>, marks: &mut [u8]);

    /// How many elements of a run are kept.
    fn count(&self, run: Raw<'_>) -> usize;
}

/// Elements that are marked together.
pub(super) const RUN: usize = 1024;

/// Keeps elements that are not zero.
pub(crate) fn nonzero(dtype: DType) -> &'static dyn Keep {
    by_dtype!(dtype, T => &NonZero::<T>(PhantomData), _ => unreachable!("a type of this library"))
}

/// Keeps elements that are not zero.
struct NonZero<T>(PhantomData<fn(T)>);

impl<T: Element> Keep for NonZero<T> {
    fn mark(&self, run: Raw<'_>, marks: &mut [u8]) {
        mark(run.as_typed(), marks, |element: T| element != T::default());
    }

    fn count(&self, run: Raw<'_>) -> usize {
        count(run.as_typed(), |element: T| element != T::default())
    }
}

/// Keeps elements selected by the caller.
pub(super) struct Wanted<T, F>(F, PhantomData<fn(T)>);

impl<T: Element, F: Fn(T) -> bool + Sync> Wanted<T, F> {
    pub(super) fn new(keep: F) -> Self {
        Wanted(keep, PhantomData)
    }
}

impl<T: Element, F: Fn(T) -> bool + Sync> Keep for Wanted<T, F> {
    fn mark(&self, run: Raw<'_>, marks: &mut [u8]) {
        mark(run.as_typed(), marks, &self.0);
    }

    fn count(&self, run: Raw<'_>) -> usize {
        count(run.as_typed(), &self.0)
    }
}

#[inline(always)]
fn mark<T: Copy>(run: &[T], marks: &mut [u8], keep: impl Fn(T) -> bool) {
    // As many as fill a vector register with marks. One by one, elements of 8 bytes take more than twice as long.
    let (runs, rest) = run.as_chunks::<16>();
    let (marks, of_rest) = marks.as_chunks_mut::<16>();
    for (marks, run) in marks.iter_mut().zip(runs) {
        *marks = std::array::from_fn(|k| u8::from(keep(run[k])));
    }
    of_rest.iter_mut().zip(rest).for_each(|(mark, &element)| *mark = u8::from(keep(element)));
}

#[inline(always)]
fn count<T: Copy>(run: &[T], keep: impl Fn(T) -> bool) -> usize {
    // Vector code adds 32-bit numbers, which cannot overflow for this many.
    let count = |run: &[T]| run.iter().map(|&element| u32::from(keep(element))).sum::<u32>();
    run.chunks(1 << 20).map(|run| count(run) as usize).sum()
}

/// The number of marks.
pub(super) fn sum(marks: &[u8]) -> usize {
    let (words, rest) = marks.as_chunks::<8>();
    let mut sum: usize = rest.iter().map(|&mark| usize::from(mark)).sum();
    // Few enough words that no byte, nor the sum of all bytes, exceeds 255.
    for words in words.chunks(31) {
        let bytes = words.iter().fold(0, |sum, word| sum + u64::from_le_bytes(*word));
        sum += (bytes.wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize;
    }
    sum
}

/// The kept elements of a run: of some whole lines, or of part of one.
pub(super) struct Picked<'a> {
    /// The line in which the run starts, and how many elements of it and of the lines after it are kept.
    pub(super) line: usize,
    pub(super) lens: &'a [usize],
    /// The run, and the positions of the kept elements in it.
    pub(super) run: Raw<'a>,
    pub(super) at: &'a [usize],
    /// The position of each in its line.
    pub(super) indices: &'a [usize],
}

/// Selects the kept elements of runs. Its buffers hold one run.
pub(super) struct Picker {
    marks: [u8; RUN],
    lens: [usize; RUN],
    at: [usize; RUN],
    indices: [usize; RUN],
}

impl Picker {
    pub(super) fn new() -> Self {
        Picker { marks: [0; RUN], lens: [0; RUN], at: [0; RUN], indices: [0; RUN] }
    }

    /// Passes on the kept elements of lines of `width` elements, of which there is at least one: consecutive lines, or
    /// part of one, from position `offset` of it on.
    pub(super) fn each(
        &mut self,
        elements: Raw<'_>,
        width: usize,
        offset: usize,
        keep: &dyn Keep,
        visit: &mut dyn FnMut(Picked<'_>),
    ) {
        let Picker { marks, lens, at, indices } = self;
        // Whole lines, or part of one.
        let (lines, part) = if width > RUN { (1, RUN) } else { (RUN / width, width) };
        for line in (0..elements.len() / width).step_by(lines) {
            for first in (0..width).step_by(part) {
                let (start, last) = (line * width + first, (line + lines) * width);
                let end = last.min(start + lines * part).min(elements.len());
                let run = elements.slice(start..end);
                keep.mark(run, &mut marks[..run.len()]);
                let count = positions(&marks[..run.len()], at);
                let lens = &mut lens[..run.len().div_ceil(part)];
                let mut next = 0;
                for (k, len) in lens.iter_mut().enumerate() {
                    let (before, end) = (next, (k + 1) * part);
                    while next < count && at[next] < end {
                        indices[next] = offset + first + at[next] - k * part;
                        next += 1;
                    }
                    *len = next - before;
                }
                let (at, indices) = (&at[..count], &indices[..count]);
                visit(Picked { line, lens, run, at, indices });
            }
        }
    }
}

/// Writes the positions of marks, and returns their number.
pub(super) fn positions(marks: &[u8], at: &mut [usize; RUN]) -> usize {
    let (words, rest) = marks.as_chunks::<8>();
    let mut count = 0;
    for (k, word) in words.iter().enumerate() {
        // Each mark is the lowest bit of its byte.
        let mut word = u64::from_le_bytes(*word);
        while word != 0 {
            at[count] = 8 * k + word.trailing_zeros() as usize / 8;
            count += 1;
            word &= word - 1;
        }
    }
    for k in (0..rest.len()).filter(|&k| rest[k] != 0) {
        at[count] = 8 * words.len() + k;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_handed_on_line_by_line() {
        for (lines, width) in [(1, 1), (5, 3), (3, RUN - 1), (2, RUN), (2, 3 * RUN + 7), (3000, 1)]
        {
            let elements: Vec<u16> = (0..lines * width).map(|k| (k * k % 7) as u16).collect();
            let keep = Wanted::new(|x: u16| x == 1 || x == 4);
            let (mut found, mut lens) = (Vec::new(), vec![0; lines]);
            Picker::new().each(Raw::of(&elements), width, 0, &keep, &mut |picked| {
                let run = picked.run.as_typed::<u16>();
                let mut next = 0;
                for (line, &len) in (picked.line..).zip(picked.lens) {
                    for k in next..next + len {
                        assert_eq!(run[picked.at[k]], elements[line * width + picked.indices[k]]);
                        found.push((line, picked.indices[k]));
                    }
                    next += len;
                    lens[line] += len;
                }
                assert_eq!(next, picked.at.len());
            });
            let all = (0..lines).flat_map(|line| (0..width).map(move |k| (line, k)));
            let kept = |&(line, k): &(usize, usize)| matches!(elements[line * width + k], 1 | 4);
            assert_eq!(found, all.filter(kept).collect::<Vec<_>>());
            assert_eq!(lens.iter().sum::<usize>(), keep.count(Raw::of(&elements)));
        }
    }

    #[test]
    fn zeros_of_either_sign_are_not_kept() {
        let mut marks = [9; 4];
        nonzero(DType::Float64).mark(Raw::of(&[0.0, -0.0, f64::NAN, -1.0]), &mut marks);
        assert_eq!(marks, [0, 0, 1, 1]);
        nonzero(DType::Bool).mark(Raw::of(&[false, true]), &mut marks[..2]);
        assert_eq!(marks[..2], [0, 1]);
    }
}
