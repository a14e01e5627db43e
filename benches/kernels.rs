//! Products and conversions of the Poisson matrix, in memory. `OUTCORE_GRID` sets the points along each axis (60).
//!
//! With the feature `half` also products of 16-bit values beside those of `f32`, of larger matrices:
//! `cargo bench -p outcore-bench --features half --bench kernels -- half`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use outcore::linalg::LinearOperator;
use outcore::{Context, Csr, Dense, Duplicates, Order, Place};
#[cfg(feature = "half")]
use outcore::{Element, linalg::Multiplies};

fn poisson(ctx: &Context) -> Csr<f64> {
    let grid = std::env::var("OUTCORE_GRID").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    Csr::poisson(&[grid; 3], Place::Memory, ctx).expect("the grid fits in memory")
}

fn products(criterion: &mut Criterion) {
    let ctx = Context::new();
    let a = poisson(&ctx);
    let x = vec![1.0; a.nrows()];
    let mut y = vec![0.0; a.nrows()];
    let mut group = criterion.benchmark_group("products");
    group.throughput(Throughput::Bytes(a.bytes() + 16 * a.nrows() as u64));
    group.bench_function("matvec", |b| b.iter(|| a.apply(&x, &mut y, &ctx).unwrap()));
    group.bench_function("rmatvec", |b| b.iter(|| a.apply_adjoint(&x, &mut y, &ctx).unwrap()));
    let (block, mut result) = (vec![1.0; 8 * a.nrows()], vec![0.0; 8 * a.nrows()]);
    group.bench_function("matmat 8", |b| {
        b.iter(|| a.apply_block(8, &block, &mut result, &ctx).unwrap())
    });
    group.finish();
}

fn conversions(criterion: &mut Criterion) {
    let ctx = Context::new();
    let a = poisson(&ctx);
    let coo = a.to_coo(Place::Memory, &ctx).unwrap();
    let mut group = criterion.benchmark_group("conversions");
    group.sample_size(10).throughput(Throughput::Bytes(2 * a.bytes()));
    group.bench_function("csr to csc", |b| b.iter(|| a.to_csc(Place::Memory, &ctx).unwrap()));
    group.bench_function("coo to csr", |b| {
        b.iter(|| coo.to_csr::<u32>(Duplicates::Sum, Place::Memory, &ctx).unwrap())
    });
    group.finish();
}

fn dense(criterion: &mut Criterion) {
    let ctx = Context::new();
    let (nrows, ncols) = (100_000, 100);
    for (name, order) in [("C", Order::C), ("Fortran", Order::Fortran)] {
        let a = Dense::from_parts((nrows, ncols), order, vec![1f32; nrows * ncols].into()).unwrap();
        let (long, short) = (vec![1f32; nrows], vec![1f32; ncols]);
        let (mut to_long, mut to_short) = (long.clone(), short.clone());
        let mut group = criterion.benchmark_group(format!("dense {name}"));
        group.throughput(Throughput::Bytes(4 * (nrows * ncols) as u64));
        group.bench_function("matvec", |b| b.iter(|| a.apply(&short, &mut to_long, &ctx).unwrap()));
        group.bench_function("rmatvec", |b| {
            b.iter(|| a.apply_adjoint(&long, &mut to_short, &ctx).unwrap())
        });
        group.finish();
    }
}

/// `A x` of the same matrix with values of 32 and of 16 bits.
#[cfg(feature = "half")]
fn of_values(criterion: &mut Criterion, name: &str, a: &Csr<f32>) {
    use half::{bf16, f16};
    let ctx = Context::new();
    let (x, mut y) = (vec![1f32; a.ncols()], vec![0f32; a.nrows()]);
    let mut group = criterion.benchmark_group(format!("half {name}"));
    group.sample_size(20).throughput(Throughput::Elements(a.nnz() as u64));
    group.bench_function("f32", |b| b.iter(|| a.apply(&x, &mut y, &ctx).unwrap()));
    let brain = a.with_data(a.data().iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>());
    let brain = brain.expect("as many values");
    group.bench_function("bf16", |b| b.iter(|| brain.apply(&x, &mut y, &ctx).unwrap()));
    let narrow = a.with_data(a.data().iter().map(|&x| f16::from_f32(x)).collect::<Vec<_>>());
    let narrow = narrow.expect("as many values");
    group.bench_function("f16", |b| b.iter(|| narrow.apply(&x, &mut y, &ctx).unwrap()));
    group.finish();
}

/// `A x` of a dense matrix with elements of one type.
#[cfg(feature = "half")]
fn of_elements<T: Element + Multiplies<f32>>(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    narrow: impl Fn(f32) -> T,
) {
    let (ctx, n) = (Context::new(), 10_000);
    let elements: Vec<T> = (0..n * n).map(|k| narrow((k % 97) as f32 - 48.0)).collect();
    let a = Dense::from_parts((n, n), Order::C, elements.into()).expect("so many elements");
    let (x, mut y) = (vec![1f32; n], vec![0f32; n]);
    group.throughput(Throughput::Elements((n * n) as u64));
    group.bench_function(T::DTYPE.name(), |b| b.iter(|| a.apply(&x, &mut y, &ctx).unwrap()));
}

#[cfg(feature = "half")]
fn half_precision(criterion: &mut Criterion) {
    // 100 entries in each row, anywhere in as many equal parts of it.
    let (rows, each) = (200_000, 100);
    let part = rows / each;
    let col = |k: usize| k % each * part + k.wrapping_mul(0x9E37_79B9) % part;
    let ends: Vec<u32> = (0..=rows).map(|row| (row * each) as u32).collect();
    let cols: Vec<u32> = (0..rows * each).map(|k| col(k) as u32).collect();
    let values: Vec<f32> = (0..rows * each).map(|k| (k % 97) as f32 - 48.0).collect();
    let a = Csr::from_parts((rows, rows), ends, cols, values).expect("a matrix");
    of_values(criterion, "rows of 100", &a);
    let a = Csr::poisson(&[150; 3], Place::Memory, &Context::new()).expect("it fits");
    of_values(criterion, "poisson", &a);
    let mut group = criterion.benchmark_group("half dense");
    group.sample_size(20);
    of_elements(&mut group, |x| x);
    of_elements(&mut group, half::bf16::from_f32);
    of_elements(&mut group, half::f16::from_f32);
    group.finish();
}

#[cfg(not(feature = "half"))]
fn half_precision(_: &mut Criterion) {}

criterion_group!(benches, products, conversions, dense, half_precision);
criterion_main!(benches);
