//! The kernels, each with its compulsory bytes.

use outcore::linalg::{LinearOperator, Operator};
use outcore::{BufferMut, Context, Csr, Duplicates, Place, Result};

use crate::inputs::{self, Inputs};
use crate::timing::{Printer, Work};

type Bench1 = fn(&mut Inputs, &str, &mut Printer, &Context) -> Result<()>;

/// A kernel and the inputs it is measured on unless others are named.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) inputs: &'static [&'static str],
    pub(crate) run: Bench1,
}

const MATRICES: &[&str] = &["poisson200", "banded2m"];

pub(crate) const BENCHES: &[Bench] = &[
    Bench { name: "spmv", inputs: MATRICES, run: spmv },
    Bench { name: "spmv_t", inputs: MATRICES, run: spmv_t },
    Bench { name: "spmv_pattern", inputs: MATRICES, run: spmv_pattern },
    Bench { name: "operator", inputs: MATRICES, run: operator },
    Bench { name: "operator_iso", inputs: &[], run: operator_of_one_value },
    Bench {
        name: "spmm8",
        inputs: &["poisson200"],
        run: |i, n, p, c| spmm(i, n, p, c, "spmm8", 8),
    },
    Bench { name: "spmm32", inputs: &[], run: |i, n, p, c| spmm(i, n, p, c, "spmm32", 32) },
    Bench { name: "transpose", inputs: &["poisson200"], run: transpose },
    Bench { name: "coo2csr", inputs: &["poisson200"], run: coo_to_csr },
    Bench { name: "add_same", inputs: &["poisson200"], run: add },
    Bench { name: "dense_gemv", inputs: &["1000000x100"], run: gemv },
    Bench { name: "dense_gemv_t", inputs: &["1000000x100"], run: gemv_t },
];

fn vector(n: usize) -> Result<BufferMut<f64>> {
    let mut x = BufferMut::<f64>::zeros(n)?;
    x.iter_mut().enumerate().for_each(|(i, x)| *x = 1.0 / (i + 1) as f64);
    Ok(x)
}

fn work<'a>(bench: &'a str, case: &'a str, bytes: u64, flops: usize) -> Work<'a> {
    Work { bench, case, bytes, flops: flops as u64 }
}

fn product_bytes(a: &Csr<f64>, k: usize) -> u64 {
    a.bytes() + 8 * (k * (a.nrows() + a.ncols())) as u64
}

fn spmv(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let (x, mut y) = (vector(a.ncols())?, vector(a.nrows())?);
    let work = work("spmv", name, product_bytes(&a, 1), 2 * a.nnz());
    printer.time(work, || a.apply(&x, &mut y, ctx)).map(drop)
}

fn spmv_t(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let (x, mut y) = (vector(a.nrows())?, vector(a.ncols())?);
    let what = work("spmv_t", name, product_bytes(&a, 1), 2 * a.nnz());
    printer.time(what, || a.apply_adjoint(&x, &mut y, ctx))?;
    let what = work("prepare_t", name, product_bytes(&a, 1), 0);
    printer.time(what, || Operator::with_adjoint(&a, ctx).map(drop))?;
    let operator = Operator::with_adjoint(&a, ctx)?;
    let what = work("operator_t", name, product_bytes(&a, 1), 2 * a.nnz());
    printer.time(what, || operator.apply_adjoint(&x, &mut y, ctx)).map(drop)
}

fn spmv_pattern(
    inputs: &mut Inputs,
    name: &str,
    printer: &mut Printer,
    ctx: &Context,
) -> Result<()> {
    let a = inputs.sparse(name)?.pattern();
    let (x, mut y) = (vector(a.ncols())?, vector(a.nrows())?);
    let bytes = a.bytes() + 8 * (a.nrows() + a.ncols()) as u64;
    printer.time(work("spmv_pattern", name, bytes, a.nnz()), || a.apply(&x, &mut y, ctx)).map(drop)
}

fn operator(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let (x, mut y) = (vector(a.ncols())?, vector(a.nrows())?);
    let (bytes, flops) = (product_bytes(&a, 1), 2 * a.nnz());
    printer.time(work("prepare", name, bytes, 0), || Operator::new(&a, ctx).map(drop))?;
    let operator = Operator::new(&a, ctx)?;
    printer.time(work("operator", name, bytes, flops), || operator.apply(&x, &mut y, ctx)).map(drop)
}

/// All values the same, and none at all.
fn operator_of_one_value(
    inputs: &mut Inputs,
    name: &str,
    printer: &mut Printer,
    ctx: &Context,
) -> Result<()> {
    let pattern = inputs.sparse(name)?.pattern();
    let a = pattern.with_data(vec![0.5; pattern.nnz()])?;
    let (x, mut y) = (vector(a.ncols())?, vector(a.nrows())?);
    let flops = 2 * a.nnz();
    let (iso, bare) = (Operator::new(&a, ctx)?, Operator::new(&pattern, ctx)?);
    let bytes = pattern.bytes() + 8 * (a.nrows() + a.ncols()) as u64;
    printer.time(work("operator_iso", name, bytes, flops), || iso.apply(&x, &mut y, ctx))?;
    let what = work("operator_pattern", name, bytes, flops / 2);
    printer.time(what, || bare.apply(&x, &mut y, ctx)).map(drop)
}

fn spmm(
    inputs: &mut Inputs,
    name: &str,
    printer: &mut Printer,
    ctx: &Context,
    bench: &str,
    k: usize,
) -> Result<()> {
    let a = inputs.sparse(name)?;
    let (x, mut y) = (vector(k * a.ncols())?, vector(k * a.nrows())?);
    let (bytes, flops) = (product_bytes(&a, k), 2 * k * a.nnz());
    printer.time(work(bench, name, bytes, flops), || a.apply_block(k, &x, &mut y, ctx))?;
    let operator = Operator::new(&a, ctx)?;
    let prepared = format!("{bench}_op");
    let what = work(&prepared, name, bytes, flops);
    printer.time(what, || operator.apply_block(k, &x, &mut y, ctx)).map(drop)
}

fn transpose(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let what = work("transpose", name, 2 * a.bytes(), 0);
    printer.time(what, || a.to_csc(Place::Memory, ctx).map(drop)).map(drop)
}

fn coo_to_csr(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let sorted = a.to_coo(Place::Memory, ctx)?;
    // In no order: by steps that share no factor with the number of entries.
    let nnz = sorted.nnz();
    let step = (nnz * 2 / 3..).find(|&step| gcd(step, nnz) == 1).unwrap_or(1);
    let mut order = (0..nnz).scan(0, |at, _| {
        *at = (*at + step) % nnz;
        Some(*at)
    });
    let (mut rows, mut cols, mut data) = (
        BufferMut::<u32>::zeros(nnz)?,
        BufferMut::<u32>::zeros(nnz)?,
        BufferMut::<f64>::zeros(nnz)?,
    );
    for k in 0..nnz {
        let from = order.next().unwrap_or(0);
        (rows[k], cols[k], data[k]) =
            (sorted.row_indices()[from], sorted.col_indices()[from], sorted.data()[from]);
    }
    let coo = outcore::Coo::from_parts(a.shape(), rows.freeze(), cols.freeze(), data.freeze())?;
    let what = work("coo2csr", name, a.bytes() + 16 * nnz as u64, 0);
    printer
        .time(what, || coo.to_csr::<u32>(Duplicates::Sum, Place::Memory, ctx).map(drop))
        .map(drop)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn add(inputs: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let a = inputs.sparse(name)?;
    let what = work("add_same", name, 3 * a.bytes(), a.nnz());
    printer.time(what, || a.add(&a, Place::Memory, ctx).map(drop)).map(drop)
}

fn gemv(_: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let Some(shape) = inputs::shape_of(name) else { return Ok(()) };
    let a = inputs::dense(shape, |k| (k % 1013) as f32)?;
    let (x, mut y) = (vec![0.5f32; shape.1], BufferMut::<f32>::zeros(shape.0)?);
    let work = work("dense_gemv", name, 4 * a.len() as u64, 2 * a.len());
    printer.time(work, || a.apply(&x, &mut y, ctx)).map(drop)
}

fn gemv_t(_: &mut Inputs, name: &str, printer: &mut Printer, ctx: &Context) -> Result<()> {
    let Some(shape) = inputs::shape_of(name) else { return Ok(()) };
    let a = inputs::dense(shape, |k| (k % 1013) as f32)?;
    let (x, mut y) = (vec![0.5f32; shape.0], BufferMut::<f32>::zeros(shape.1)?);
    let work = work("dense_gemv_t", name, 4 * a.len() as u64, 2 * a.len());
    printer.time(work, || a.apply_adjoint(&x, &mut y, ctx)).map(drop)
}
