//! What the memory can do: reading, copying, triad, and gathering from sets of several sizes.

use outcore::{BufferMut, Context, Result};
use rayon::prelude::*;

use crate::timing::{Printer, Work};

/// Numbers of a task.
const TASK: usize = 1 << 16;

/// Measures with three arrays of `len` numbers, a multiple of four tasks.
pub(crate) fn measure(len: usize, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let mut arrays =
        [BufferMut::<f64>::zeros(len)?, BufferMut::zeros(len)?, BufferMut::zeros(len)?];
    for array in &mut arrays {
        ctx.run(|| array.par_chunks_mut(TASK).for_each(|part| part.fill(1.0)));
    }
    let [a, b, c] = &mut arrays;
    let bytes = (8 * len) as u64;
    let work = |bench, bytes| Work { bench: "memory", case: bench, bytes, flops: 0 };
    let seconds = printer.time(work("read", bytes), || {
        let sum: f64 = ctx.run(|| a.par_chunks(TASK).map(sum).sum());
        if sum == len as f64 { Ok(()) } else { Err(wrong()) }
    })?;
    printer.read = bytes as f64 / seconds;
    printer.time(work("copy", 2 * bytes), || {
        ctx.run(|| {
            let parts = b.par_chunks_mut(TASK).zip(a.par_chunks(TASK));
            parts.for_each(|(b, a)| b.copy_from_slice(a));
        });
        Ok::<(), outcore::Error>(())
    })?;
    printer.time(work("triad", 3 * bytes), || {
        ctx.run(|| {
            let parts = c.par_chunks_mut(TASK).zip(a.par_chunks(TASK)).zip(b.par_chunks(TASK));
            parts.for_each(|((c, a), b)| {
                c.iter_mut().zip(a).zip(b).for_each(|((c, a), b)| *c = a + 3.0 * b);
            });
        });
        Ok::<(), outcore::Error>(())
    })?;
    gather(printer, a, ctx)
}

/// Reads numbers in an order that no prefetcher foresees.
fn gather(printer: &mut Printer, a: &[f64], ctx: &Context) -> Result<()> {
    let gathered = a.len() / 4;
    let sets = [
        ("gather 256 kB", 1 << 15),
        ("gather 4 MB", 1 << 19),
        ("gather 32 MB", 1 << 22),
        ("gather 256 MB", 1 << 25),
    ];
    for (name, len) in sets.into_iter().filter(|&(_, len)| len <= a.len()) {
        let what = Work { bench: "memory", case: name, bytes: 8 * gathered as u64, flops: 0 };
        printer.time(what, || {
            let tasks = (0..gathered / TASK).into_par_iter();
            let sum: f64 = ctx.run(|| {
                tasks
                    .map(|task| {
                        let mut state = task as u64 * 0x9E37_79B9 + 1;
                        let mut sums = [0.0; 8];
                        for _ in 0..TASK / 8 {
                            for sum in &mut sums {
                                state =
                                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                                *sum += a[(state >> 33) as usize & (len - 1)];
                            }
                        }
                        sums.iter().sum::<f64>()
                    })
                    .sum()
            });
            if sum == gathered as f64 { Ok(()) } else { Err(wrong()) }
        })?;
    }
    Ok(())
}

fn sum(part: &[f64]) -> f64 {
    let mut sums = [0.0; 32];
    for part in part.chunks_exact(32) {
        sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().sum()
}

fn wrong() -> outcore::Error {
    outcore::Error::new(outcore::ErrorKind::Value, "the sum is wrong")
}
