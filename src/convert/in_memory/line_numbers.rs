//! The line of every entry of a compressed matrix, expanded run by run from its pointers.

use crate::sparse::{Indices, by_index};
use crate::storage::Index;

/// Entries of a line that are written together, even if it has fewer: most lines are short.
const SHORT: usize = 8;

/// Walks along the pointers of a matrix.
pub(crate) struct LineNumbers<'a> {
    indptr: Indices<'a>,
    /// The line of the first pointer.
    first: usize,
    /// The line of the next entry, or an earlier one; counted from the first.
    line: usize,
}

impl<'a> LineNumbers<'a> {
    /// Starts at entry `start`, with the pointers of the lines from `first` on.
    pub(crate) fn new(indptr: Indices<'a>, first: usize, start: usize) -> Self {
        fn before<P: Index>(indptr: &[P], start: usize) -> usize {
            let [base, ends @ ..] = indptr else { return 0 };
            let base = base.to_usize();
            match start {
                0 => 0,
                _ => ends.partition_point(|end| end.to_usize().wrapping_sub(base) <= start),
            }
        }
        LineNumbers { indptr, first, line: by_index!(indptr, indptr => before(indptr, start)) }
    }

    /// Writes the lines of the entries from `start` on, which follow the previous ones; `None` if the pointers do not
    /// cover them.
    pub(crate) fn write<I: Index>(&mut self, start: usize, lines: &mut [I]) -> Option<()> {
        let at = (self.first, &mut self.line);
        by_index!(self.indptr, indptr => write(indptr, at, start, lines))
    }
}

fn write<I: Index, P: Index>(
    indptr: &[P],
    (first, line): (usize, &mut usize),
    start: usize,
    lines: &mut [I],
) -> Option<()> {
    let [base, ends @ ..] = indptr else { return lines.is_empty().then_some(()) };
    let (before, count) = (base.to_usize().wrapping_add(start), lines.len());
    let mut filled = 0;
    while filled < count {
        // Entries before the run are not part of it; falling pointers mean that the file is changing.
        let end = ends.get(*line)?.to_usize().wrapping_sub(before);
        let end = if end as isize > 0 { end.min(count) } else { 0 };
        let name = I::from_usize(first + *line);
        if end > filled {
            match lines.get_mut(filled..filled + SHORT) {
                Some(short) => {
                    short.fill(name);
                    if end > filled + SHORT {
                        lines[filled + SHORT..end].fill(name);
                    }
                }
                None => lines[filled..end].fill(name),
            }
            filled = end;
        }
        *line += usize::from(filled < count);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_out_from_anywhere() {
        let lens = [3usize, 0, 1, 20, 0, 0, 9, 2];
        let all: Vec<u32> = (5u32..).zip(lens).flat_map(|(line, len)| vec![line; len]).collect();
        let mut indptr = vec![7u64];
        lens.iter().for_each(|&len| indptr.push(indptr[indptr.len() - 1] + len as u64));
        for start in 0..=all.len() {
            for step in [1, 2, 5, 40] {
                let mut majors = LineNumbers::new(Indices::Wide(&indptr), 5, start);
                let mut written = Vec::new();
                for at in (start..all.len()).step_by(step) {
                    let mut lines = vec![99u32; step.min(all.len() - at)];
                    majors.write(at, &mut lines).unwrap();
                    written.extend(lines);
                }
                assert_eq!(written, all[start..]);
            }
        }
        assert!(
            LineNumbers::new(Indices::Wide(&indptr), 5, 30).write(30, &mut [0u32; 6]).is_none()
        );
        assert!(LineNumbers::new(Indices::Wide(&[9, 4, 2]), 5, 0).write(0, &mut [0u32]).is_none());
    }
}
