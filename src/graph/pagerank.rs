//! PageRank: how often a random walker visits each vertex, mostly following edges and sometimes restarting anywhere.
//!
//! Brin and Page, "The anatomy of a large-scale hypertextual web search engine" (1998), as a power iteration over one
//! product with the adjoint of the graph. With d the damping, W the diagonal of out-degrees, s the ranks held by
//! vertices without out-edges (dangling ones, from which the walker restarts anywhere) and n vertices:
//!
//! ```text
//! r' = d · Aᵀ W⁻¹ r + (d · s + 1 - d) / n
//! ```
//!
//! The vector is divided by out-degrees, so the matrix stays the pattern in the file. The change from
//! step to step shrinks at least by the factor d.

use crate::error::{Error, ErrorKind, Location, Result};
use crate::graph::vertices::check_graph;
use crate::linalg::{LinearOperator, two_sum};
use crate::sparse::{Csr, Duplicates};
use crate::storage::parallel::{ParallelSlice, Tasks};
use crate::storage::work;
use crate::storage::{Context, Entry, Index, Place, Plan};

/// Elements that one task takes; each sum is formed over such runs and then over their sums in order, so it does
/// not depend on the number of threads.
const RUN: usize = 1 << 14;

/// The fraction of the rank leaving along edges that may fail to arrive. Rounding of sums of any length, and of row
/// sums in single precision, is below it.
const LEAK: f64 = 1e-6;

/// Stopping criteria and damping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageRankOptions {
    /// The probability of following an edge, 0 to 1; 0.85 by default.
    pub damping: f64,
    /// Stops when the ranks change by no more than this in total (the sum of absolute changes); 1e-10 by default.
    pub tol: f64,
    /// Stops after this many products with the graph; 200 by default, more than the default tolerance ever needs.
    pub maxiter: usize,
}

impl Default for PageRankOptions {
    fn default() -> Self {
        PageRankOptions { damping: 0.85, tol: 1e-10, maxiter: 200 }
    }
}

/// The ranks, and how they were computed.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRank {
    /// The rank of every vertex; they sum to 1 up to rounding.
    pub ranks: Vec<f64>,
    /// Products with the graph.
    pub iterations: usize,
    /// Whether the last change was within the tolerance.
    pub converged: bool,
    /// The sum of absolute changes in the last iteration.
    pub change: f64,
    /// Vertices without out-edges.
    pub dangling: usize,
}

impl PageRank {
    /// The `k` vertices of highest rank and their ranks, highest first, ties in order of vertices.
    ///
    /// Cost: linear in the vertices. Memory: 8 bytes per vertex.
    pub fn top(&self, k: usize) -> Vec<(usize, f64)> {
        let mut order = (0..self.ranks.len()).collect::<Vec<_>>();
        let higher = |&a: &usize, &b: &usize| {
            self.ranks[b].total_cmp(&self.ranks[a]).then_with(|| a.cmp(&b))
        };
        if k < order.len() {
            order.select_nth_unstable_by(k, higher);
            order.truncate(k);
        }
        order.sort_unstable_by(higher);
        order.into_iter().map(|v| (v, self.ranks[v])).collect()
    }
}

/// The PageRank of every vertex, with all edges of a vertex equally likely.
///
/// Failing to converge within `maxiter` is not an error: the result reports it. Fails if the matrix is not square, has
/// an index out of range, or an option is invalid. Cost: one pass over the edges per iteration, and one more if the
/// matrix was never checked; rows out of order or with repeated entries are first sorted into a scratch file, because
/// an edge counts once. Memory: 32 bytes per vertex, and the memory of the product. With many threads it is faster to
/// gather over incoming edges than to scatter over outgoing ones: call [`pagerank_over`] with the result of
/// [`Csr::to_csc`] if memory allows.
///
/// ```
/// use outcore::{Context, Csr, graph::{PageRankOptions, pagerank}};
/// // 0 -> 1, 1 -> 0, 2 -> 0
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 3], vec![1, 0, 0], vec![(); 3])?;
/// let found = pagerank(&a, &PageRankOptions::default(), &Context::new())?;
/// assert!(found.converged);
/// // Nothing leads to 2: it has only the rank of restarts.
/// assert!((found.ranks[2] - 0.05).abs() < 1e-9);
/// assert_eq!(found.top(1)[0].0, 0);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn pagerank<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    options: &PageRankOptions,
    ctx: &Context,
) -> Result<PageRank> {
    ctx.run(|| check_graph(graph))?;
    let mut pattern = graph.pattern();
    let mut _sorting = None;
    if !pattern.check()? {
        check_numbers(options, &[])?;
        _sorting = Some(ctx.begin(|| {
            let listed = ctx.plan(|ctx| pattern.to_coo(Place::Scratch, ctx))?;
            // Sorts as many entries as the conversion back.
            let sorted = ctx.plan(|ctx| pattern.to_csc(Place::Scratch, ctx))?;
            let mut plan = listed.then(sorted).then(plan(&pattern, options, ctx)?);
            plan.operation = "PageRank";
            Ok(plan)
        })?);
        let edges = pattern.to_coo(Place::Scratch, ctx)?;
        pattern = edges.to_csr(Duplicates::Sum, Place::Scratch, ctx)?;
    }
    let degrees = (0..pattern.nrows()).map(|u| pattern.span(u).len() as f64).collect();
    iterate(&pattern, degrees, options, ctx)
}

/// As [`pagerank`], over any operator: a stored matrix in another format, a weighted graph, or a matrix-free one.
///
/// `row_sums` are those of the operator, whose entries must not be negative: out-degrees for a pattern, and total
/// weights if edges are followed in proportion to their weights. A vertex with sum 0 is dangling. Fails as [`pagerank`]
/// does, if a sum is negative or not finite, with [`ErrorKind::Value`] if they are not those of the operator, or if a
/// rank arrives negative or incomplete, as with negative weights, and with any error of the operator. Cost: one adjoint
/// product per iteration, and one product beforehand.
///
/// ```
/// use outcore::{Context, Csr, graph::{PageRankOptions, pagerank_over}};
/// // 0 -> 1 three times as likely as 0 -> 2, and both back.
/// let a = Csr::<f64>::from_parts((3, 3), vec![0, 2, 3, 4], vec![1, 2, 0, 0], vec![3.0, 1.0, 1.0, 1.0])?;
/// let found = pagerank_over(&a, &[4.0, 1.0, 1.0], &PageRankOptions::default(), &Context::new())?;
/// assert_eq!(found.top(3).iter().map(|&(v, _)| v).collect::<Vec<_>>(), [0, 1, 2]);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn pagerank_over(
    graph: &(impl LinearOperator<f64> + ?Sized),
    row_sums: &[f64],
    options: &PageRankOptions,
    ctx: &Context,
) -> Result<PageRank> {
    let (nrows, ncols) = graph.shape();
    check_shapes((nrows, ncols), row_sums)?;
    check_numbers(options, row_sums)?;
    ctx.check_memory("the ranks", 32u64.saturating_mul(nrows as u64))?;
    let _running = ctx.begin(|| {
        let summing = graph.plan_block(false, 1, ctx)?;
        Ok(plan(graph, options, ctx)?.then(summing))
    })?;
    check_row_sums(graph, row_sums, ctx)?;
    iterate(graph, row_sums.to_vec(), options, ctx)
}

fn check_shapes((nrows, ncols): (usize, usize), row_sums: &[f64]) -> Result<()> {
    if (ncols, row_sums.len()) == (nrows, nrows) {
        return Ok(());
    }
    Err(Error::shape(
        "the operator and its row sums",
        format!("{nrows} x {nrows}, {nrows} sums"),
        format!("{nrows} x {ncols}, {} sums", row_sums.len()),
    ))
}

/// Fails unless the row sums are the products of the graph with a vector of ones.
fn check_row_sums(
    graph: &(impl LinearOperator<f64> + ?Sized),
    row_sums: &[f64],
    ctx: &Context,
) -> Result<()> {
    let ones = ctx.filled("the row sums", row_sums.len(), 1.0)?;
    let mut sums = ctx.filled("the row sums", row_sums.len(), 0.0)?;
    graph.apply(&ones, &mut sums, ctx)?;
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= LEAK * b.abs();
    match sums.iter().zip(row_sums).position(|sums| !near(sums)) {
        None => Ok(()),
        Some(v) => Err(Error::new(ErrorKind::Value, format!("wrong row sum at vertex {v}"))
            .at(Location::Row(v as u64))
            .expected(sums[v])
            .found(row_sums[v])),
    }
}

fn iterate(
    graph: &(impl LinearOperator<f64> + ?Sized),
    row_sums: Vec<f64>,
    options: &PageRankOptions,
    ctx: &Context,
) -> Result<PageRank> {
    let (nrows, ncols) = graph.shape();
    check_shapes((nrows, ncols), &row_sums)?;
    check_numbers(options, &row_sums)?;
    let bytes = 32u64.saturating_mul(nrows as u64);
    ctx.check_memory("the ranks", bytes)?;
    let _held = ctx.hold(bytes);
    let _running = ctx.begin(|| plan(graph, options, ctx))?;
    let dangling = row_sums.iter().filter(|&&sum| sum == 0.0).count();
    let mut ranks = ctx.filled("the ranks", nrows, 1.0 / nrows as f64)?;
    let mut shares = ctx.filled("the ranks", nrows, 0.0)?;
    let mut arriving = ctx.filled("the ranks", nrows, 0.0)?;
    let (mut iterations, mut change) = (0, if nrows == 0 { 0.0 } else { f64::INFINITY });
    while change > options.tol && iterations < options.maxiter {
        ctx.report("ranking", iterations as u64, options.maxiter as u64)?;
        let (lost, shared) = ctx.run(|| share_out(&ranks, &row_sums, &mut shares));
        graph.apply_adjoint(&shares, &mut arriving, ctx)?;
        let anywhere = (options.damping * lost + 1.0 - options.damping) / nrows as f64;
        let arrived;
        (change, arrived) = ctx.run(|| update(&mut ranks, &arriving, options.damping, anywhere));
        iterations += 1;
        if change.is_nan() {
            return Err(Error::new(ErrorKind::Value, "a product with the graph is not a number"));
        }
        check_arrived(&arriving, arrived, shared)?;
    }
    Ok(PageRank { ranks, iterations, converged: change <= options.tol, change, dangling })
}

/// The plan: a product with the adjoint for each iteration.
fn plan(
    graph: &(impl LinearOperator<f64> + ?Sized),
    options: &PageRankOptions,
    ctx: &Context,
) -> Result<Plan> {
    let n = graph.shape().0 as u64;
    let first = graph.plan_block(true, 1, ctx)?;
    let each = first.clone().again().works(n, work::PAGERANK);
    let most = options.maxiter.saturating_sub(1) as u64;
    Ok(Plan::new("PageRank").then(first).repeated(&each, most).throughout(n.saturating_mul(32)))
}

fn check_numbers(options: &PageRankOptions, row_sums: &[f64]) -> Result<()> {
    if !(0.0..=1.0).contains(&options.damping) {
        return Err(Error::new(ErrorKind::Value, "the damping factor is out of range")
            .expected("0 to 1")
            .found(options.damping));
    }
    if !options.tol.is_finite() || options.tol < 0.0 {
        return Err(Error::new(ErrorKind::Value, "the tolerance is invalid")
            .expected("a finite number, at least 0")
            .found(options.tol));
    }
    match row_sums.iter().position(|sum| !(sum.is_finite() && *sum >= 0.0)) {
        Some(v) => Err(Error::new(ErrorKind::Value, format!("invalid row sum at vertex {v}"))
            .expected("a finite number, at least 0")
            .found(row_sums[v])),
        None => Ok(()),
    }
}

/// Fails unless all rank that left along edges arrived, and none of it negative. Otherwise weights are negative, or the
/// row sums are not those of the operator.
fn check_arrived(arriving: &[f64], arrived: f64, shared: f64) -> Result<()> {
    if let Some(v) = arriving.iter().position(|&rank| rank < 0.0) {
        return Err(Error::new(ErrorKind::Value, format!("a negative rank arrives at vertex {v}"))
            .at(Location::Row(v as u64))
            .expected("weights of at least 0")
            .found(arriving[v]));
    }
    if (arrived - shared).abs() <= LEAK * shared {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Value, "the row sums are not those of the graph")
        .expected(format!("ranks of {shared} in all to arrive"))
        .found(arrived)
        .remedy("row sums are the products of the graph with a vector of ones; weights must not be negative"))
}

/// `shares = W⁻¹ r`, 0 for dangling vertices; returns the rank of those, and that of the others.
fn share_out(ranks: &[f64], row_sums: &[f64], shares: &mut [f64]) -> (f64, f64) {
    let runs = ranks.par_chunks(RUN).zip(row_sums.par_chunks(RUN)).zip(shares.par_chunks_mut(RUN));
    let lost = runs.map(|((ranks, sums), shares)| {
        let (mut lost, mut shared) = (0.0, 0.0);
        for ((share, &rank), &sum) in shares.iter_mut().zip(ranks).zip(sums) {
            let dangling = sum == 0.0;
            *share = if dangling { 0.0 } else { rank / sum };
            lost += if dangling { rank } else { 0.0 };
            shared += if dangling { 0.0 } else { rank };
        }
        (lost, shared)
    });
    sum_both(lost.collect())
}

fn sum_both(sums: Vec<(f64, f64)>) -> (f64, f64) {
    sums.into_iter().fold((0.0, 0.0), |(a, b), (more_a, more_b)| (a + more_a, b + more_b))
}

/// `r = d · arriving + anywhere`; returns the sum of absolute changes, and that of `arriving`.
fn update(ranks: &mut [f64], arriving: &[f64], damping: f64, anywhere: f64) -> (f64, f64) {
    let runs = ranks.par_chunks_mut(RUN).zip(arriving.par_chunks(RUN));
    let changes = runs.map(|(ranks, arriving)| {
        let (mut change, mut arrived) = (0.0, 0.0);
        for (rank, &arriving) in ranks.iter_mut().zip(arriving) {
            arrived += arriving;
            let new = damping * arriving + anywhere;
            change += (new - *rank).abs();
            *rank = new;
        }
        (change, arrived)
    });
    sum_both(changes.collect())
}

/// How far `ranks` are from being PageRank: the sum of absolute changes that one more step would make.
///
/// The step is recomputed here, edge by edge. For ranks that sum to 1, the distance to the true ones is at most
/// `1 / (1 - damping)` times the result. Fails if the matrix is not square or has an index out of range, or if there is not
/// one rank per vertex. Sums are compensated, so their accuracy does not depend on the number of vertices and edges. Cost:
/// one pass over the edges, on one thread. Memory: 16 bytes per vertex.
///
/// ```
/// use outcore::{Context, Csr, graph::{PageRankOptions, check_pagerank, pagerank}};
/// let a = Csr::<()>::from_parts((3, 3), vec![0, 1, 2, 2], vec![1, 2], vec![(); 2])?;
/// let found = pagerank(&a, &PageRankOptions::default(), &Context::new())?;
/// assert!(check_pagerank(&a, &found.ranks, 0.85)? < 1e-10);
/// assert!(check_pagerank(&a, &[0.5, 0.25, 0.25], 0.85)? > 0.1);
/// # Ok::<(), outcore::Error>(())
/// ```
pub fn check_pagerank<T: Entry, I: Index, P: Index>(
    graph: &Csr<T, I, P>,
    ranks: &[f64],
    damping: f64,
) -> Result<f64> {
    let n = check_graph(graph)?;
    if ranks.len() != n {
        return Err(Error::shape("the list of ranks", n, ranks.len()));
    }
    let mut next = vec![Compensated::default(); n];
    let mut lost = Compensated::default();
    for (&rank, row) in ranks.iter().zip(graph.rows()) {
        let mut targets = row.indices.iter().map(|v| v.to_usize()).collect::<Vec<_>>();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            lost.add(rank);
        }
        let share = rank / targets.len() as f64;
        for v in targets {
            // Absent only if a mapped file was changed after its check.
            if let Some(next) = next.get_mut(v) {
                next.add(share);
            }
        }
    }
    let lost = lost.total();
    let step = |arriving: f64| (1.0 - damping) / n as f64 + damping * (arriving + lost / n as f64);
    let mut change = Compensated::default();
    for (arriving, rank) in next.into_iter().zip(ranks) {
        change.add((step(arriving.total()) - rank).abs());
    }
    Ok(change.total())
}

/// A sum together with its rounding error (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
/// Summen", 1974).
#[derive(Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, term: f64) {
        let (sum, lost) = two_sum(self.sum, term);
        self.sum = sum;
        self.lost += lost;
    }

    fn total(self) -> f64 {
        self.sum + self.lost
    }
}
