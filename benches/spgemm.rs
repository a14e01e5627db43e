//! `A A` of the Poisson matrix and of an R-MAT graph, in memory, beside the rate at which memory is read. `OUTCORE_GRID`
//! sets the points along each axis (40), `OUTCORE_SCALE` the scale of the graph (12).
//!
//! Rates are of the bytes that must move: the factors once, the product once.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use outcore::{Context, Coo, Csr, Duplicates, Place};
use rayon::prelude::*;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// An R-MAT graph with 16 edges for each vertex, repeats merged.
fn rmat(scale: u32, ctx: &Context) -> Csr<f64> {
    let edges = Coo::<()>::rmat(scale, 16, 1).expect("a scale");
    let a: Csr<()> = edges.to_csr(Duplicates::Sum, Place::Memory, ctx).expect("it fits");
    let ones = vec![1.0; a.nnz()];
    a.with_data(ones).expect("one value for each entry")
}

fn products(criterion: &mut Criterion) {
    let ctx = Context::new();
    let grid = [number("OUTCORE_GRID", 40); 3];
    let inputs = [
        ("poisson", Csr::<f64>::poisson(&grid, Place::Memory, &ctx).expect("it fits")),
        ("rmat", rmat(number("OUTCORE_SCALE", 12) as u32, &ctx)),
    ];
    let mut group = criterion.benchmark_group("A A");
    group.sample_size(10);
    for (name, a) in &inputs {
        let product = a.matmul(a, Place::Memory, &ctx).expect("it fits");
        group.throughput(Throughput::Bytes(2 * a.bytes() + product.bytes()));
        group.bench_function(*name, |b| b.iter(|| a.matmul(a, Place::Memory, &ctx).unwrap()));
        group.bench_function(format!("{name}, pattern"), |b| {
            let a = a.pattern();
            b.iter(|| a.matmul(&a, Place::Memory, &ctx).unwrap())
        });
        group.bench_function(format!("{name}, planned only"), |b| {
            b.iter(|| ctx.plan(|ctx| a.matmul(a, Place::Memory, ctx)).unwrap())
        });
    }
    group.finish();
}

fn limit(criterion: &mut Criterion) {
    let numbers = vec![1u64; 32 << 20];
    let mut group = criterion.benchmark_group("memory");
    group.sample_size(10).throughput(Throughput::Bytes(size_of_val(&numbers[..]) as u64));
    group.bench_function("read", |b| {
        b.iter(|| numbers.par_chunks(1 << 16).map(|part| part.iter().sum::<u64>()).sum::<u64>())
    });
    group.finish();
}

criterion_group!(benches, products, limit);
criterion_main!(benches);
