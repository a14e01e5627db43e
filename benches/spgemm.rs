//! `A A` of the Poisson matrix and of an R-MAT graph, and the triangles of the graph by a masked product, in memory,
//! beside the rate at which memory is read. `OUTCORE_GRID` sets the points along each axis (40), `OUTCORE_SCALE` the
//! scale of the graph (12).
//!
//! Rates are of the bytes that must move: the factors once, the product once.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use outcore::linalg::{Mask, PlusPair};
use outcore::{Context, Coo, Csr, Duplicates, Place};
use rayon::prelude::*;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// An R-MAT graph with 16 edges for each vertex, repeats merged.
fn rmat(scale: u32, ctx: &Context) -> Csr<f64> {
    let edges = Coo::<()>::rmat(scale, 16, 1, Place::Memory, &Context::new()).expect("a scale");
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
    for (name, a) in &inputs {
        let mut group = criterion.benchmark_group(format!("A A, {name}"));
        let product = a.matmul(a, Place::Memory, &ctx).expect("it fits");
        group.sample_size(10).throughput(Throughput::Bytes(2 * a.bytes() + product.bytes()));
        group.bench_function("numbers", |b| b.iter(|| a.matmul(a, Place::Memory, &ctx).unwrap()));
        let (a, product) = (a.pattern(), product.pattern());
        group.throughput(Throughput::Bytes(2 * a.bytes() + product.bytes()));
        group.bench_function("pattern", |b| b.iter(|| a.matmul(&a, Place::Memory, &ctx).unwrap()));
        // Looks at A's columns alone, and multiplies a sample.
        group.throughput(Throughput::Bytes(a.bytes()));
        group.bench_function("plan", |b| {
            b.iter(|| ctx.plan(|ctx| a.matmul(&a, Place::Memory, ctx)).unwrap())
        });
        group.finish();
    }
}

/// The edges of an R-MAT graph from each vertex to those before it.
fn below_diagonal(scale: u32, ctx: &Context) -> Csr<()> {
    let graph = rmat(scale, ctx).pattern();
    let (mut indptr, mut indices) = (vec![0], Vec::new());
    for (i, row) in graph.rows().enumerate() {
        indices.extend(row.indices.iter().filter(|&&j| (j as usize) < i));
        indptr.push(indices.len() as u32);
    }
    let pattern = vec![(); indices.len()];
    Csr::from_parts(graph.shape(), indptr, indices, pattern).expect("it is a matrix")
}

/// Triangles: paths of two steps at the positions of the edges, and all of them with what is no edge left out
/// afterwards.
fn triangles(criterion: &mut Criterion) {
    let ctx = Context::new();
    let l = below_diagonal(number("OUTCORE_SCALE", 12) as u32, &ctx);
    let mask = Mask::new(&l);
    let masked = || {
        let closed = l.matmul_masked(PlusPair::new(), &l, &mask, Place::Memory, &ctx).unwrap();
        closed.data().iter().sum::<u64>()
    };
    let filtered = || {
        let paths = l.matmul_with(PlusPair::new(), &l, Place::Memory, &ctx).unwrap();
        let rows = paths.rows().zip(l.rows()).map(|(paths, edges)| {
            let is_edge = |j: &u32| edges.indices.binary_search(j).is_ok();
            let closed = paths.indices.iter().zip(paths.data).filter(|(j, _)| is_edge(j));
            closed.map(|(_, count)| count).sum::<u64>()
        });
        rows.sum::<u64>()
    };
    assert_eq!(masked(), filtered());
    let mut group = criterion.benchmark_group("triangles, rmat");
    group.sample_size(10).throughput(Throughput::Elements(l.nnz() as u64));
    group.bench_function("masked", |b| b.iter(masked));
    group.bench_function("all paths, then filtered", |b| b.iter(filtered));
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

criterion_group!(benches, products, triangles, limit);
criterion_main!(benches);
