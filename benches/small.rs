//! What calls cost on small matrices, compared in one run with a plain loop or with sprs: the least of many runs, the
//! two in turn.
//!
//! `cargo bench -p outcore-bench --bench small [-- WORD]`: only the lines with this word.

use std::hint::black_box;
use std::time::Instant;

use outcore::linalg::LinearOperator;
use outcore::{Context, Csr, Duplicates, Place, Result};
use sprs::{CsMat, TriMat};

/// Entries of each row.
const ENTRIES: usize = 5;

/// The least seconds of a call of each of the two.
fn least(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    // So many that a clock is read rarely, and that all rounds take about a second.
    let once = seconds(1, &mut ours).max(seconds(1, &mut theirs));
    let calls = (1e-3 / once).clamp(1.0, 1e4) as u32;
    let mut least = (f64::MAX, f64::MAX);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 1.0 {
        least.0 = least.0.min(seconds(calls, &mut ours));
        least.1 = least.1.min(seconds(calls, &mut theirs));
    }
    least
}

/// Seconds of one of so many calls.
fn seconds(calls: u32, call: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| call());
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// Prints a line, if it is wanted.
fn compare(name: &str, ours: impl FnMut(), theirs: impl FnMut()) {
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    if word.is_none_or(|word| name.contains(&word)) {
        let (ours, theirs) = least(ours, theirs);
        println!("{name:52} {:10.3} {:10.3} {:8.2}", ours * 1e6, theirs * 1e6, ours / theirs);
    }
}

/// The coordinates of every entry and its value, in no order.
fn triplets(n: usize) -> Vec<(usize, usize, f64)> {
    let hash = |k: usize| (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut entries: Vec<_> = (0..n * ENTRIES)
        .map(|k| (k / ENTRIES, (hash(k) >> 33) as usize % n, 1.0 + k as f64))
        .collect();
    entries.sort_by_key(|&(i, j, _)| hash(i * n + j));
    entries
}

fn product_with_vector(n: usize, name: &str, ctx: &Context) -> Result<()> {
    let a = Csr::<f64>::from_triplets((n, n), triplets(n), Duplicates::Sum)?;
    let (x, mut y, mut z) = (vec![1.5; n], vec![0.0; n], vec![0.0; n]);
    let ours = || a.apply(black_box(&x), &mut y, ctx).expect("the lengths match");
    let theirs = || {
        let (indptr, indices, data) = (a.indptr(), a.indices(), a.data());
        for (z, ends) in z.iter_mut().zip(indptr.windows(2)) {
            let line = ends[0] as usize..ends[1] as usize;
            let entries = indices[line.clone()].iter().zip(&data[line]);
            *z = entries.map(|(&j, &value)| value * black_box(&x)[j as usize]).sum();
        }
        black_box(&z);
    };
    compare(&format!("A x, {n} rows, {name} / plain loop"), ours, theirs);
    Ok(())
}

fn conversions(n: usize) -> Result<()> {
    let entries = triplets(n);
    let ours = || {
        let a = Csr::<f64>::from_triplets((n, n), entries.iter().copied(), Duplicates::Sum);
        black_box(a.expect("the entries are in the matrix"));
    };
    let theirs = || {
        let mut a = TriMat::<f64>::new((n, n));
        entries.iter().for_each(|&(i, j, value)| a.add_triplet(i, j, value));
        black_box::<CsMat<f64>>(a.to_csr());
    };
    compare(&format!("from_triplets, {n} rows / sprs"), ours, theirs);
    let a = Csr::<f64>::from_triplets((n, n), entries.iter().copied(), Duplicates::Sum)?;
    let b = a.as_sprs()?.to_owned();
    let ctx = Context::new();
    let ours = || {
        black_box(a.to_csc(Place::Memory, &ctx).expect("it fits"));
    };
    compare(&format!("to_csc, {n} rows / sprs"), ours, || drop(black_box(b.to_csc())));
    let ours = || {
        black_box(a.matmul(&a, Place::Memory, &ctx).expect("it fits"));
    };
    compare(&format!("A A, {n} rows / sprs"), ours, || drop(black_box(&b * &b)));
    Ok(())
}

/// The adjoint on two threads compared with one.
fn adjoint(nnz: usize) -> Result<()> {
    let n = nnz / ENTRIES;
    let a = Csr::<f64>::from_triplets((n, n), triplets(n), Duplicates::Sum)?;
    let (x, mut y, mut z) = (vec![1.5; n], vec![0.0; n], vec![0.0; n]);
    let (two, one) = (Context::new().threads(2)?, Context::new().threads(1)?);
    let ours = || a.apply_adjoint(&x, &mut y, &two).expect("the lengths match");
    let theirs = || a.apply_adjoint(&x, &mut z, &one).expect("the lengths match");
    compare(&format!("Aᴴ x, {nnz} entries, two threads / one"), ours, theirs);
    Ok(())
}

fn main() -> Result<()> {
    println!("{:52} {:>10} {:>10} {:>8}", "least of many", "ours µs", "theirs µs", "ratio");
    let contexts = [
        ("default context", Context::new()),
        ("one thread", Context::new().threads(1)?),
        ("four threads, 64 MiB", Context::new().threads(4)?.memory_limit(64 << 20)),
    ];
    for (name, ctx) in &contexts {
        product_with_vector(100, name, ctx)?;
        product_with_vector(1000, name, ctx)?;
    }
    for n in [100, 1000] {
        conversions(n)?;
    }
    for nnz in [10_000, 30_000, 100_000, 300_000, 1_000_000] {
        adjoint(nnz)?;
    }
    Ok(())
}
