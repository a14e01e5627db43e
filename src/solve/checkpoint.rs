//! The state of an iteration in a file, from which a solve that was interrupted continues with the same bits.
//!
//! The file is one `.npy` array of the numbers of the solve, replaced in one step:
//!
//! ```text
//! counters, each as six digits to the base 2¹²: method, order, hash of b, iterations, products, passes, lengths of what follows
//! numbers of the method | history | iterate | vectors of the method
//! ```

use std::path::Path;

use ndarray::Ix1;
use xxhash_rust::xxh3::xxh3_64;

use crate::dense::{Dense, DenseMut};
use crate::error::{Error, ErrorKind, Result};
use crate::linalg::Scalar;
use crate::solve::space::Space;
use crate::storage::{Context, Order, Place, verify};

/// Where, and how often, the state of a solve is saved.
///
/// A solve whose file is there continues from it: its iterations, products and history are counted on, and the bits are
/// those of a solve that was never interrupted. The file is removed once the solve has converged. It is an error if it
/// belongs to another method or system, as far as shape and right-hand side tell. Cost: the vectors of the method are
/// written each time, except those of the basis of GMRES and FGMRES, which save at a restart.
///
/// Each [rank](crate::solve::Ranks) has a file of its own. Unless all have the state of the same iteration, or none has
/// one, the solve fails on every rank.
///
/// ```
/// use outcore::solve::{Checkpoint, SolveOptions, cg};
/// use outcore::{Context, Csr, Place};
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("state.npy");
/// let ctx = Context::new();
/// let a = Csr::<f64>::poisson(&[20, 20], Place::Memory, &ctx)?;
/// let checkpoint = Some(Checkpoint { path: &path, every: 10 });
/// let options = SolveOptions { rtol: 1e-8, checkpoint, ..Default::default() };
/// let stopped = cg(&a, &[1.0; 400], &SolveOptions { maxiter: Some(15), ..options }, &ctx)?;
/// let solved = cg(&a, &[1.0; 400], &options, &ctx)?; // from iteration 10 on
/// assert!(!stopped.converged && solved.converged && !path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The file, with the extension `.npy`.
    pub path: &'a Path,
    /// Iterations between two times of saving, at least 1.
    pub every: usize,
}

const DIGITS: usize = 6;
const BASE: u64 = 1 << 12;
const COUNTERS: usize = 10;

/// What tells one solve from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SolveIdentity {
    method: u64,
    shape: (u64, u64),
    hash: u64,
}

impl SolveIdentity {
    pub(super) fn new<X: Scalar>(method: &str, shape: (usize, usize), b: &[X]) -> Self {
        let method = xxh3_64(method.as_bytes());
        let hash = xxh3_64(bytemuck::cast_slice(b));
        SolveIdentity { method, shape: (shape.0 as u64, shape.1 as u64), hash }
    }
}

/// Numbers of a state besides its vectors and its history, at most: counters, and those of a method with `shadow`
/// vectors.
pub(super) fn most_numbers(shadow: usize) -> usize {
    (COUNTERS * DIGITS + 32).saturating_add(shadow.saturating_mul(shadow))
}

/// What was done at a point where the state may be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtCheckpoint {
    Nothing,
    Saved,
    Restored,
}

/// A state of a solve.
pub(super) struct StateToSave<'s, X: Scalar> {
    pub(super) iterations: usize,
    pub(super) products: usize,
    pub(super) passes: usize,
    pub(super) numbers: Vec<X>,
    pub(super) history: Vec<X>,
    pub(super) vectors: Vec<&'s [X]>,
}

/// Saves a state.
pub(super) fn save<X: Scalar>(
    path: &Path,
    identity: SolveIdentity,
    state: &StateToSave<'_, X>,
    ctx: &Context,
) -> Result<()> {
    let all = [&state.numbers[..], &state.history].into_iter().chain(state.vectors.iter().copied());
    let len = COUNTERS * DIGITS + all.clone().map(<[X]>::len).sum::<usize>();
    let place = Place::Replace(path.to_owned());
    let mut file = DenseMut::<X, Ix1>::create(len, Order::C, place, ctx)?;
    let counters = [
        identity.method,
        identity.shape.0,
        identity.shape.1,
        identity.hash,
        state.iterations as u64,
        state.products as u64,
        state.passes as u64,
        state.numbers.len() as u64,
        state.history.len() as u64,
        state.vectors.len() as u64,
    ];
    let (front, mut rest) = file.as_mut_slice().split_at_mut(COUNTERS * DIGITS);
    for (digits, counter) in front.chunks_exact_mut(DIGITS).zip(counters) {
        for (k, digit) in digits.iter_mut().enumerate() {
            *digit = X::from_f64((counter / BASE.pow(k as u32) % BASE) as f64);
        }
    }
    for part in all {
        let (here, later) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = later;
    }
    file.close()
}

/// The state in a file.
pub(super) struct Saved<X: Scalar> {
    file: Dense<X, Ix1>,
    pub(super) iterations: usize,
    pub(super) products: usize,
    pub(super) passes: usize,
    numbers: usize,
    history: usize,
    vectors: usize,
}

impl<X: Scalar> Saved<X> {
    /// Opens the file, if it is there. Fails on all ranks alike, unless each has the state of the same iteration, or
    /// none has one.
    pub(super) fn open(
        path: &Path,
        identity: SolveIdentity,
        space: Space<'_, X>,
    ) -> Result<Option<Self>> {
        let opened = Self::open_here(path, identity, space.ctx);
        let iteration = opened.as_ref().map(|saved| saved.as_ref().map(|saved| saved.iterations));
        let as_number = iteration.map_or(usize::MAX, |found| found.map_or(0, |at| at + 1));
        if space.agree_on(as_number)? {
            return opened;
        }
        let found = opened?.map(|saved| format!("iteration {}", saved.iterations));
        Err(Error::new(ErrorKind::Format, "the ranks have checkpoints of different iterations")
            .in_file(path)
            .expected("the state of one iteration on every rank")
            .found(found.unwrap_or_else(|| "no state on this rank".to_owned()))
            .remedy("remove the files of all ranks to solve from the start"))
    }

    /// Opens the file of this rank, if it is there, and compares its checksums. Fails if it is damaged, or of another
    /// solve.
    fn open_here(path: &Path, identity: SolveIdentity, ctx: &Context) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        verify(path, ctx)?;
        let file = Dense::<X, Ix1>::open(path)?;
        let other = |what: &str| {
            Error::new(ErrorKind::Format, what)
                .in_file(path)
                .remedy("remove the file to solve from the start, or name another one")
        };
        let front = file.as_slice().get(..COUNTERS * DIGITS);
        let front = front.ok_or_else(|| other("the file is no checkpoint"))?;
        let mut counters = [0u64; COUNTERS];
        for (digits, counter) in front.chunks_exact(DIGITS).zip(&mut counters) {
            for &digit in digits.iter().rev() {
                let digit = digit_of(digit).ok_or_else(|| other("the file is no checkpoint"))?;
                *counter = counter.wrapping_mul(BASE).wrapping_add(digit);
            }
        }
        let [method, nrows, ncols, hash, iterations, products, passes, numbers, history, vectors] =
            counters;
        if (SolveIdentity { method, shape: (nrows, ncols), hash }) != identity {
            return Err(other("the checkpoint is of another method or system"));
        }
        let count = |counter: u64| usize::try_from(counter).unwrap_or(usize::MAX);
        let [iterations, products, passes, numbers, history, vectors] =
            [iterations, products, passes, numbers, history, vectors].map(count);
        Ok(Some(Saved { file, iterations, products, passes, numbers, history, vectors }))
    }

    /// Fills numbers and vectors, and returns the history. Fails unless there are as many as were saved.
    pub(super) fn restore(
        &self,
        numbers: &mut [&mut X],
        vectors: &mut [&mut [X]],
    ) -> Result<Vec<X>> {
        let len = numbers.len() + vectors.iter().map(|v| v.len()).sum::<usize>();
        let len = len.saturating_add(self.history);
        let (_, mut rest) = self.file.as_slice().split_at(COUNTERS * DIGITS);
        let found = (self.numbers, self.vectors, rest.len());
        if found != (numbers.len(), vectors.len(), len) {
            return Err(Error::new(
                ErrorKind::Format,
                "the checkpoint was made with different options",
            )
            .expected(format!("{} numbers and {} vectors", numbers.len(), vectors.len()))
            .found(format!("{} and {}", self.numbers, self.vectors)));
        }
        for number in numbers.iter_mut() {
            **number = rest[0];
            rest = &rest[1..];
        }
        let (history, mut rest) = rest.split_at(self.history);
        for vector in vectors.iter_mut() {
            let (here, later) = rest.split_at(vector.len());
            vector.copy_from_slice(here);
            rest = later;
        }
        Ok(history.to_vec())
    }
}

/// A digit to the base.
fn digit_of<X: Scalar>(number: X) -> Option<u64> {
    (0..BASE).find(|&digit| X::from_f64(digit as f64) == number)
}
