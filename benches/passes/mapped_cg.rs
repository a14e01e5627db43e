//! Conjugate gradients as one would write them without this library, over the same maps.

use outcore::Csr;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

/// Solves to `‖r‖ ≤ rtol ‖b‖`; returns the solution and the number of iterations.
pub(crate) fn cg(a: &Csr<f64>, b: &[f64], rtol: f64, parallel: bool) -> (Vec<f64>, usize) {
    let n = b.len();
    let (mut x, mut r, mut p, mut q) = (vec![0.0; n], b.to_vec(), b.to_vec(), vec![0.0; n]);
    let mut rho = dot(&r, &r);
    let tolerance = rtol * rho.sqrt();
    let mut iterations = 0;
    while rho.sqrt() > tolerance && iterations < 10 * n {
        multiply(a, &p, &mut q, parallel);
        let alpha = rho / dot(&p, &q);
        x.iter_mut().zip(&p).for_each(|(x, p)| *x += alpha * p);
        r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
        let next = dot(&r, &r);
        let beta = next / rho;
        rho = next;
        p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + beta * *p);
        iterations += 1;
    }
    (x, iterations)
}

pub(crate) fn multiply(a: &Csr<f64>, x: &[f64], y: &mut [f64], parallel: bool) {
    let (indptr, indices, data) = (a.indptr(), a.indices(), a.data());
    let row = |i: usize| -> f64 {
        let entries = indptr[i] as usize..indptr[i + 1] as usize;
        let (cols, values) = (&indices[entries.clone()], &data[entries]);
        cols.iter().zip(values).map(|(&j, &value)| value * x[j as usize]).sum()
    };
    if parallel {
        y.par_iter_mut().with_min_len(1 << 12).enumerate().for_each(|(i, y)| *y = row(i));
    } else {
        y.iter_mut().enumerate().for_each(|(i, y)| *y = row(i));
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
