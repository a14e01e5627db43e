//! Sum, squared deviations, least, largest and NaNs of numbers, across lines or along them.
//!
//! ```text
//! block:   sum, least, largest of its numbers;  mean = sum / n;  squares = sum of (x - mean)^2, from the cache
//! merge:   squares += squares' + (mean' - mean)^2 n n' / (n + n');  sum += sum', with its rounding error
//! ```
//!
//! 1. Two passes over a block that stays in the cache, and the merge of Chan, Golub and LeVeque ("Updating formulae and
//!    a pairwise algorithm for computing sample variances", 1979) lose no digits to a large mean, as Σx² would.
//! 2. Blocks depend only on the shape and are merged in order: the same bits for any number of threads and panels.
//! 3. NaNs are counted only in blocks whose sum is NaN.
//! 4. Within a block at most 128 numbers are summed sequentially, and these sums are added in pairs or with their
//!    rounding errors; 64-bit integers are summed as integers. So a sum of many numbers is as accurate as one of few.

use std::ops::Range;

use crate::linalg::algebra::{Pairs, Values, integer, is_wide, split, two_sum};
use crate::storage::Entry;
use crate::storage::parallel::{ParallelSlice, Tasks};

/// Columns in a band, whose sums stay in the first-level cache.
const BAND: usize = 1024;

/// Numbers of a line that are summed as one block.
pub(crate) const RUN: usize = 1 << 14;

/// Approximate numbers in a block of lines.
const BLOCK: usize = 1 << 16;

/// Blocks summed in parallel before they are merged.
const AT_ONCE: usize = 16;

/// Independent sums in registers, and rows that are added to them at a time.
const LANES: usize = 8;
const TALL: usize = 8;

/// Numbers of a column that are added sequentially, and tiles of a line.
pub(crate) const SEQUENTIAL: usize = 128;
const TILES: usize = 32;

/// Levels of pairs that the tiles of a run need.
const LEVELS: usize = (RUN / (TILES * LANES)).ilog2() as usize + 1;

/// The statistics of some numbers; the caller keeps their number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) sum: f64,
    /// The rounding error of the sum.
    pub(crate) lost: f64,
    /// The sum of the squared deviations from the mean.
    pub(crate) squares: f64,
    /// The least number, or the number of NaNs if there are any: then there is no least.
    min: f64,
    /// The largest number, NaN if some are.
    max: f64,
}

impl Moments {
    /// The moments of no numbers.
    pub(crate) const NONE: Moments =
        Moments { sum: 0.0, lost: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// The moments of zeros.
    pub(crate) const ZEROS: Moments = Moments { min: 0.0, max: 0.0, ..Moments::NONE };

    /// The same, for numbers between `min` and `max` with this many NaNs.
    pub(crate) fn between(self, min: f64, max: f64, nans: u64) -> Self {
        match nans {
            0 => Moments { min, max, ..self },
            _ => Moments { min: nans as f64, max: f64::NAN, ..self },
        }
    }

    /// The number of NaNs.
    pub(crate) fn nans(&self) -> u64 {
        if self.max.is_nan() { self.min as u64 } else { 0 }
    }

    /// The least and the largest number; NaN if any is.
    pub(crate) fn extremes(&self) -> (f64, f64) {
        if self.max.is_nan() { (f64::NAN, f64::NAN) } else { (self.min, self.max) }
    }

    /// Includes the least and the largest of more numbers.
    #[inline(always)]
    pub(crate) fn take_extremes(&mut self, more: Moments) {
        match (self.max.is_nan(), more.max.is_nan()) {
            (false, false) => {
                self.min = self.min.min(more.min);
                self.max = self.max.max(more.max);
            }
            (true, true) => self.min += more.min,
            (true, false) => {}
            (false, true) => (self.min, self.max) = (more.min, more.max),
        }
    }

    /// Includes one more number in the least and the largest, or counts it as NaN.
    #[inline(always)]
    pub(crate) fn take_extreme(&mut self, x: f64) {
        if x.is_nan() || self.max.is_nan() {
            let one = Moments::NONE.between(x, x, u64::from(x.is_nan()));
            return self.take_extremes(one);
        }
        self.min = if x < self.min { x } else { self.min };
        self.max = if x > self.max { x } else { self.max };
    }

    /// The sum, rounded once.
    #[inline(always)]
    pub(crate) fn total(&self) -> f64 {
        self.sum + self.lost
    }

    /// Adds a number and its rounding error `lost` to the sum.
    #[inline(always)]
    pub(crate) fn add(&mut self, number: f64, lost: f64) {
        let (sum, more) = two_sum(self.sum, number);
        self.sum = sum;
        self.lost += more + lost;
    }

    /// Merges `more` over `m` numbers, after `n`.
    #[inline(always)]
    pub(crate) fn merge(&mut self, n: usize, more: Moments, m: usize) {
        if n == 0 {
            *self = more;
            return;
        }
        let (n, m) = (n as f64, m as f64);
        let apart = more.sum / m - self.sum / n;
        self.squares += more.squares + apart * apart * (n * m / (n + m));
        self.add(more.sum, more.lost);
        self.take_extremes(more);
    }
}

/// Lines in a block of [`across`]; panels must be cut at its multiples. It is 1 from 65,536 elements per line on.
pub(crate) fn block_height(length: usize) -> usize {
    (BLOCK / length.max(1)).max(1).next_power_of_two()
}

/// Adds rows, or parts of rows of `length` elements as wide as `columns`, to the statistics of the columns,
/// after `before` rows.
pub(crate) fn across<V: Entry>(
    columns: &mut [Moments],
    before: usize,
    elements: Values<'_, V>,
    length: usize,
    number: impl Fn(V) -> f64 + Copy + Sync,
) {
    let (width, rows) = (columns.len(), elements.len() / columns.len());
    let height = block_height(length);
    columns.par_chunks_mut(BAND).enumerate().for_each(|(band, columns)| {
        let here = band * BAND..band * BAND + columns.len();
        let mut parts = vec![MomentsPart::new(columns.len()); AT_ONCE.min(rows)];
        for first in (0..rows).step_by(AT_ONCE * height) {
            let block = |k: usize| first + k * height..rows.min(first + (k + 1) * height);
            let blocks = parts.par_iter_mut().enumerate();
            blocks.for_each_init(Vec::new, |buffer, (k, part)| {
                if !block(k).is_empty() {
                    part.fill(&rows_of(elements, width, block(k), &here, buffer), number);
                }
            });
            for (k, part) in parts.iter().enumerate().filter(|(k, _)| !block(*k).is_empty()) {
                for (j, column) in columns.iter_mut().enumerate() {
                    column.merge(before + block(k).start, part.of_column(j), block(k).len());
                }
            }
        }
    });
}

/// The elements of some rows in a range of columns, row by row; decoded into `buffer` if they are not numbers already.
fn rows_of<'r, V: Entry>(
    elements: Values<'r, V>,
    width: usize,
    rows: Range<usize>,
    columns: &Range<usize>,
    buffer: &'r mut Vec<V>,
) -> Vec<&'r [V]> {
    let row = |row: usize| row * width + columns.start..row * width + columns.end;
    match elements {
        Values::Plain(elements) => rows.map(|k| &elements[row(k)]).collect(),
        Values::Coded(elements, decode) => {
            buffer.resize(rows.len() * columns.len(), V::zeroed());
            for (to, k) in buffer.chunks_exact_mut(columns.len()).zip(rows) {
                decode(elements.slice(row(k)), to);
            }
            buffer.chunks_exact(columns.len()).collect()
        }
    }
}

/// The statistics of the columns of one block, each in a separate vector for the vector units.
#[derive(Clone)]
struct MomentsPart {
    sum: Vec<f64>,
    /// The rounding errors of the sums.
    lost: Vec<f64>,
    /// The sums of the blocks of rows so far.
    whole: Vec<f64>,
    mean: Vec<f64>,
    squares: Vec<f64>,
    min: Vec<f64>,
    max: Vec<f64>,
    nans: Vec<u64>,
}

impl MomentsPart {
    fn new(columns: usize) -> Self {
        let zeros = vec![0.0; columns];
        MomentsPart {
            sum: zeros.clone(),
            lost: zeros.clone(),
            whole: zeros.clone(),
            mean: zeros.clone(),
            squares: zeros.clone(),
            min: zeros.clone(),
            max: zeros,
            nans: vec![0; columns],
        }
    }

    fn of_column(&self, j: usize) -> Moments {
        let (sum, lost, squares) = (self.sum[j], self.lost[j], self.squares[j]);
        let moments = Moments { sum, lost, squares, ..Moments::NONE };
        moments.between(self.min[j], self.max[j], self.nans[j])
    }

    fn fill<T: Entry>(&mut self, rows: &[&[T]], number: impl Fn(T) -> f64 + Copy) {
        self.sum.fill(0.0);
        self.lost.fill(0.0);
        self.squares.fill(0.0);
        self.min.fill(f64::INFINITY);
        self.max.fill(f64::NEG_INFINITY);
        self.nans.fill(0);
        match is_wide::<T>() {
            true => self.sum_integers(rows, number),
            false => self.sum_blocks(rows, number),
        }
        let n = rows.len() as f64;
        self.mean.iter_mut().zip(&self.sum).for_each(|(mean, sum)| *mean = sum / n);
        rows.chunks(TALL).for_each(|rows| self.add_squares(rows, number));
        for (j, nans) in self.nans.iter_mut().enumerate().filter(|(j, _)| self.sum[*j].is_nan()) {
            *nans = rows.iter().filter(|row| number(row[j]).is_nan()).count() as u64;
        }
    }

    fn sum_blocks<T: Copy>(&mut self, rows: &[&[T]], number: impl Fn(T) -> f64 + Copy) {
        if rows.len() <= SEQUENTIAL {
            return rows.chunks(TALL).for_each(|rows| self.add_sums(rows, number));
        }
        self.whole.fill(0.0);
        for block in rows.chunks(SEQUENTIAL) {
            self.sum.fill(0.0);
            block.chunks(TALL).for_each(|rows| self.add_sums(rows, number));
            for ((whole, lost), &sum) in self.whole.iter_mut().zip(&mut self.lost).zip(&self.sum) {
                let more;
                (*whole, more) = two_sum(*whole, sum);
                *lost += more;
            }
        }
        self.sum.copy_from_slice(&self.whole);
    }

    fn sum_integers<T: Entry>(&mut self, rows: &[&[T]], number: impl Fn(T) -> f64 + Copy) {
        rows.chunks(TALL).for_each(|rows| self.add_sums(rows, number));
        for (j, (sum, lost)) in self.sum.iter_mut().zip(&mut self.lost).enumerate() {
            (*sum, *lost) = split(rows.iter().map(|row| integer(row[j])).sum());
        }
    }

    // Not inlined, to have its own registers: inlined it took 5 % more.
    #[inline(never)]
    fn add_sums<T: Copy>(&mut self, rows: &[&[T]], number: impl Fn(T) -> f64 + Copy) {
        let (sums, sum_tail) = self.sum.as_chunks_mut::<LANES>();
        let (mins, min_tail) = self.min.as_chunks_mut::<LANES>();
        let (maxs, max_tail) = self.max.as_chunks_mut::<LANES>();
        let start = sums.len() * LANES;
        for (t, ((sum, min), max)) in sums.iter_mut().zip(mins).zip(maxs).enumerate() {
            // Copies that the compiler keeps in registers for all the rows.
            let (mut s, mut low, mut high) = (*sum, *min, *max);
            for row in rows {
                take_in(&row[t * LANES..][..LANES], &mut s, &mut low, &mut high, number);
            }
            (*sum, *min, *max) = (s, low, high);
        }
        for row in rows {
            take_in(&row[start..], sum_tail, min_tail, max_tail, number);
        }
    }

    #[inline(never)]
    fn add_squares<T: Copy>(&mut self, rows: &[&[T]], number: impl Fn(T) -> f64 + Copy) {
        let (squares, tail) = self.squares.as_chunks_mut::<LANES>();
        let (means, mean_tail) = self.mean.as_chunks::<LANES>();
        let start = squares.len() * LANES;
        for (t, (squares, means)) in squares.iter_mut().zip(means).enumerate() {
            let mut sums = *squares;
            for row in rows {
                take_in_squares(&row[t * LANES..][..LANES], means, &mut sums, number);
            }
            *squares = sums;
        }
        for row in rows {
            take_in_squares(&row[start..], mean_tail, tail, number);
        }
    }
}

/// Adds numbers to independent sums, and compares them with the least and the largest; a NaN compares as neither.
#[inline(always)]
fn take_in<T: Copy>(
    elements: &[T],
    sums: &mut [f64],
    mins: &mut [f64],
    maxs: &mut [f64],
    number: impl Fn(T) -> f64,
) {
    for (((x, sum), min), max) in elements.iter().zip(sums).zip(mins).zip(maxs) {
        let x = number(*x);
        *sum += x;
        *min = if x < *min { x } else { *min };
        *max = if x > *max { x } else { *max };
    }
}

#[inline(always)]
fn take_in_squares<T: Copy>(
    elements: &[T],
    means: &[f64],
    squares: &mut [f64],
    number: impl Fn(T) -> f64,
) {
    for ((x, mean), square) in elements.iter().zip(means).zip(squares) {
        let apart = number(*x) - mean;
        *square += apart * apart;
    }
}

/// Adds the numbers of each line, or part of one line that starts at a multiple of [`RUN`], to the statistics of
/// the lines, one item of `lines` each, after `before` numbers of each.
pub(crate) fn along<V: Entry>(
    lines: &mut [Moments],
    before: usize,
    elements: Values<'_, V>,
    number: impl Fn(V) -> f64 + Copy + Sync,
) {
    let length = elements.len() / lines.len().max(1);
    if length == 0 {
        return;
    }
    let run = |line: usize, run: usize, buffer: &mut Vec<V>| {
        let start = line * length + run * RUN;
        let here = elements.of(start..(line * length + length).min(start + RUN), buffer);
        (of_run(here, number), here.len())
    };
    let least = (RUN / length).max(1);
    let each = lines.par_iter_mut().enumerate().with_min_len(least);
    each.for_each_init(Vec::new, |buffer, (k, line)| {
        if length <= RUN {
            let (moments, len) = run(k, 0, buffer);
            return line.merge(before, moments, len);
        }
        let mut parts = vec![(Moments::NONE, 0); length.div_ceil(RUN)];
        let tasks = parts.par_iter_mut().enumerate();
        tasks.for_each_init(Vec::new, |buffer, (at, part)| *part = run(k, at, buffer));
        for (at, (part, len)) in parts.into_iter().enumerate() {
            line.merge(before + at * RUN, part, len);
        }
    });
}

/// The moments of one run.
pub(crate) fn of_run<T: Entry>(run: &[T], number: impl Fn(T) -> f64 + Copy) -> Moments {
    let (tiles, tail) = run.as_chunks::<LANES>();
    let (mut mins, mut maxs) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let mut pairs = Pairs::<_, LEVELS>::new([0.0; LANES]);
    for tiles in tiles.chunks(TILES) {
        let mut sums = [0.0; LANES];
        for tile in tiles {
            take_in(tile, &mut sums, &mut mins, &mut maxs, number);
        }
        pairs.take(sums, add_lanes);
    }
    let mut sums = pairs.total(add_lanes).unwrap_or([0.0; LANES]);
    take_in(tail, &mut sums, &mut mins, &mut maxs, number);
    let (mut sum, mut lost) = (sums.iter().sum(), 0.0);
    if is_wide::<T>() {
        (sum, lost) = split(run.iter().map(|&x| integer(x)).sum());
    }
    let means = [sum / run.len() as f64; LANES];
    let mut squares = [0.0; LANES];
    for tile in tiles {
        take_in_squares(tile, &means, &mut squares, number);
    }
    take_in_squares(tail, &means, &mut squares, number);
    let nans = if sum.is_nan() { run.iter().filter(|x| number(**x).is_nan()).count() } else { 0 };
    let (min, max) = (
        mins.into_iter().fold(f64::INFINITY, f64::min),
        maxs.into_iter().fold(f64::NEG_INFINITY, f64::max),
    );
    let squares = squares.iter().sum();
    Moments { sum, lost, squares, ..Moments::NONE }.between(min, max, nans as u64)
}

fn add_lanes(mut sums: [f64; LANES], more: [f64; LANES]) -> [f64; LANES] {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    sums
}
