//! Products and conversions of the Poisson matrix, in memory. `OUTCORE_GRID` sets the points along each axis (60).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use outcore::linalg::LinearOperator;
use outcore::{Context, Csr, Dense, Duplicates, Order, Place};

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

criterion_group!(benches, products, conversions, dense);
criterion_main!(benches);
