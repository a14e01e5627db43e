//! Which elements of a dense matrix are kept: marks for a run of them at a time, made by whoever knows their type.

use crate::storage::Element;
use crate::storage::raw::Raw;

/// Writes a mark for each element of a run: 1 if it is kept, else 0. There are at most [`RUN`] of them.
pub(super) type Keep<'a> = &'a (dyn Fn(Raw<'_>, &mut [u8]) + Sync);

/// Elements that are marked together.
pub(super) const RUN: usize = 1024;

/// Marks elements that `keep` wants.
pub(super) fn wanted<T: Element>(
    keep: impl Fn(T) -> bool + Sync,
) -> impl Fn(Raw<'_>, &mut [u8]) + Sync {
    move |run, marks| {
        let each = marks.iter_mut().zip(run.as_typed::<T>());
        each.for_each(|(mark, &element)| *mark = u8::from(keep(element)));
    }
}

/// How many elements of a run are kept, however long it is.
pub(super) fn count(run: Raw<'_>, keep: Keep<'_>) -> usize {
    let mut marks = [0; RUN];
    let mut count = 0;
    for start in (0..run.len()).step_by(RUN) {
        let here = run.slice(start..run.len().min(start + RUN));
        let marks = &mut marks[..here.len()];
        keep(here, marks);
        count += sum(marks);
    }
    count
}

/// How many are marked.
pub(super) fn sum(marks: &[u8]) -> usize {
    // No more than 255, so that they are added in bytes.
    let runs = marks.chunks(255);
    runs.map(|run| usize::from(run.iter().sum::<u8>())).sum()
}

/// What is kept of a run: of some whole lines, or of a piece of one.
pub(super) struct Picked<'a> {
    /// The line in which the run starts, and how many elements of it and of the lines after it are kept.
    pub(super) line: usize,
    pub(super) lens: &'a [usize],
    /// The run, and where in it what is kept stands.
    pub(super) run: Raw<'a>,
    pub(super) at: &'a [usize],
    /// Where in its line each stands.
    pub(super) indices: &'a [usize],
}

/// Hands on what is kept of lines of `width` elements, of which there is one at least: the lines one after the other, or a
/// piece of one, from position `offset` of it on.
pub(super) fn each_picked(
    elements: Raw<'_>,
    width: usize,
    offset: usize,
    keep: Keep<'_>,
    visit: &mut dyn FnMut(Picked<'_>),
) {
    let (mut marks, mut lens, mut at, mut indices) = ([0; RUN], [0; RUN], [0; RUN], [0; RUN]);
    // Whole lines, or a piece of one.
    let (lines, piece) = if width > RUN { (1, RUN) } else { (RUN / width, width) };
    for line in (0..elements.len() / width).step_by(lines) {
        for first in (0..width).step_by(piece) {
            let (start, last) = (line * width + first, (line + lines) * width);
            let run = elements.slice(start..last.min(start + lines * piece).min(elements.len()));
            keep(run, &mut marks[..run.len()]);
            let count = positions(&marks[..run.len()], &mut at);
            let (at, indices) = (&at[..count], &mut indices[..count]);
            let lens = &mut lens[..run.len().div_ceil(piece)];
            let mut next = 0;
            for (k, len) in lens.iter_mut().enumerate() {
                let (before, end) = (next, (k + 1) * piece);
                while next < count && at[next] < end {
                    indices[next] = offset + first + at[next] - k * piece;
                    next += 1;
                }
                *len = next - before;
            }
            visit(Picked { line, lens, run, at, indices });
        }
    }
}

/// Writes where marks stand, and tells how many there are.
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
    use crate::storage::DType;
    use crate::storage::raw::nonzero;

    #[test]
    fn what_is_kept_is_handed_on_line_by_line() {
        for (lines, width) in [(1, 1), (5, 3), (3, RUN - 1), (2, RUN), (2, 3 * RUN + 7), (3000, 1)]
        {
            let elements: Vec<u16> = (0..lines * width).map(|k| (k * k % 7) as u16).collect();
            let keep = wanted(|x: u16| x == 1 || x == 4);
            let (mut found, mut lens) = (Vec::new(), vec![0; lines]);
            each_picked(Raw::of(&elements), width, 0, &keep, &mut |picked| {
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
            assert_eq!(lens.iter().sum::<usize>(), count(Raw::of(&elements), &keep));
        }
    }

    #[test]
    fn zeros_of_either_sign_are_not_kept() {
        let mut marks = [9; 4];
        nonzero(DType::Float64)(Raw::of(&[0.0, -0.0, f64::NAN, -1.0]), &mut marks);
        assert_eq!(marks, [0, 0, 1, 1]);
        nonzero(DType::Bool)(Raw::of(&[false, true]), &mut marks[..2]);
        assert_eq!(marks[..2], [0, 1]);
    }
}
