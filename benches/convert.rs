//! Conversions, sums and Kronecker products of matrices in memory, each beside the plain loop that a good library runs
//! on one thread.
//!
//! `cargo bench -p outcore-bench --bench convert -- [WORD]` runs the cases whose name contains the word. `OUTCORE_GRID`
//! sets the points along each axis of the Poisson matrix (100), `OUTCORE_SCALE` the scale of the R-MAT graph (18),
//! `OUTCORE_DENSE` the elements of the dense matrix (100 million), `OUTCORE_PLANE` the points along both axes of the
//! left matrix of the Kronecker products (1000), `OUTCORE_REPEAT` how often each is timed (5). The least time counts.

use std::hint::black_box;
use std::time::Instant;

use ndarray::ArrayViewMut2;
use outcore::graph::reverse_cuthill_mckee;
use outcore::{BufferMut, Context, Coo, Csr, Dense, Duplicates, Order, Permutation, Place};

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The least time of some runs, in milliseconds, without that of giving the result back.
fn time<R>(mut work: impl FnMut() -> R) -> f64 {
    let run = |_| {
        let start = Instant::now();
        let result = black_box(work());
        let taken = start.elapsed();
        drop(result);
        taken.as_secs_f64() * 1e3
    };
    (0..number("OUTCORE_REPEAT", 5)).map(run).fold(f64::INFINITY, f64::min)
}

/// Whether a case is asked for.
fn wanted(name: &str) -> bool {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    word.is_none_or(|word| name.contains(&word) || word.contains(name))
}

/// Prints the times of the plain loop and of one and two threads, if the name is asked for.
fn case<R, Q>(name: &str, plain: impl FnMut() -> Q, mut ours: impl FnMut(&Context) -> R) {
    if !wanted(name) {
        return;
    }
    let plain = time(plain);
    print!("{name:24} plain {plain:8.1} ms");
    for threads in [1, 2] {
        let ctx = Context::new().threads(threads).expect("threads");
        let taken = time(|| ours(&ctx));
        print!("   {threads} threads {taken:8.1} ms ({:5.2} x)", plain / taken);
    }
    println!();
}

type Arrays = (Vec<u32>, BufferMut<u32>, BufferMut<f64>);

/// Indices and values, in huge pages as NumPy asks for them.
fn zeros(nnz: usize) -> (BufferMut<u32>, BufferMut<f64>) {
    (BufferMut::zeros(nnz).expect("memory"), BufferMut::zeros(nnz).expect("memory"))
}

fn spread(counts: &mut [u32]) {
    let mut start = 0;
    counts.iter_mut().for_each(|slot| start += std::mem::replace(slot, start));
}

/// A counting sort by column, as `csr_tocsc` of SciPy.
fn transposed(a: &Csr<f64>) -> Arrays {
    let (mut next, nnz) = (vec![0u32; a.ncols() + 1], a.nnz());
    let (indptr, indices, data) = (&a.indptr()[..], &a.indices()[..], &a.data()[..]);
    indices.iter().for_each(|&col| next[col as usize] += 1);
    spread(&mut next);
    let (mut rows, mut values) = zeros(nnz);
    for row in 0..a.nrows() {
        for k in indptr[row] as usize..indptr[row + 1] as usize {
            let slot = &mut next[indices[k] as usize];
            (rows[*slot as usize], values[*slot as usize]) = (row as u32, data[k]);
            *slot += 1;
        }
    }
    (next, rows, values)
}

/// A counting sort by row, then each row sorted and its duplicates summed, as `coo_tocsr` and `sum_duplicates`.
fn compressed(a: &Coo<f64>) -> Arrays {
    let (mut next, nnz) = (vec![0u32; a.nrows() + 1], a.nnz());
    a.row_indices().iter().for_each(|&row| next[row as usize] += 1);
    spread(&mut next);
    let (mut cols, mut values) = zeros(nnz);
    for ((&row, &col), &value) in
        a.row_indices().iter().zip(a.col_indices().iter()).zip(a.data().iter())
    {
        let slot = &mut next[row as usize];
        (cols[*slot as usize], values[*slot as usize]) = (col, value);
        *slot += 1;
    }
    let (mut start, mut end, mut line) = (0, 0, Vec::new());
    for pointer in &mut next[..a.nrows()] {
        let here = start..*pointer as usize;
        start = here.end;
        line.clear();
        line.extend(cols[here.clone()].iter().copied().zip(values[here.clone()].iter().copied()));
        line.sort_unstable_by_key(|&(col, _)| col);
        let first = end;
        for &(col, value) in &line {
            if end > first && cols[end - 1] == col {
                values[end - 1] += value;
            } else {
                (cols[end], values[end]) = (col, value);
                end += 1;
            }
        }
        *pointer = end as u32;
    }
    (next, cols, values)
}

/// The lines of both merged.
fn sum(a: &Csr<f64>, b: &Csr<f64>) -> Arrays {
    let most = a.nnz() + b.nnz();
    let mut ends = Vec::with_capacity(a.nrows() + 1);
    let ((mut cols, mut values), mut end) = (zeros(most), 0);
    ends.push(0);
    for row in 0..a.nrows() {
        let of = |m: &Csr<f64>| m.indptr()[row] as usize..m.indptr()[row + 1] as usize;
        let (p, q) = (of(a), of(b));
        let (ai, av) = (&a.indices()[p.clone()], &a.data()[p]);
        let (bi, bv) = (&b.indices()[q.clone()], &b.data()[q]);
        let (mut i, mut j) = (0, 0);
        while i < ai.len() || j < bi.len() {
            let (x, y) = (ai.get(i).unwrap_or(&u32::MAX), bi.get(j).unwrap_or(&u32::MAX));
            let value = match x.cmp(y) {
                std::cmp::Ordering::Less => av[i],
                std::cmp::Ordering::Equal => av[i] + bv[j],
                std::cmp::Ordering::Greater => bv[j],
            };
            (cols[end], values[end]) = (*x.min(y), value);
            end += 1;
            (i, j) = (i + usize::from(x <= y), j + usize::from(y <= x));
        }
        ends.push(end as u32);
    }
    (ends, cols, values)
}

/// All pairs of entries, line by line.
fn kron(a: &Csr<f64>, b: &Csr<f64>) -> Arrays {
    let mut ends = Vec::with_capacity(a.nrows() * b.nrows() + 1);
    let ((mut cols, mut values), mut end) = (zeros(a.nnz() * b.nnz()), 0);
    ends.push(0);
    for left in a.rows() {
        for right in b.rows() {
            for (&i, &x) in left.indices.iter().zip(left.data) {
                for (&j, &y) in right.indices.iter().zip(right.data) {
                    (cols[end], values[end]) = (i * b.ncols() as u32 + j, x * y);
                    end += 1;
                }
            }
            ends.push(end as u32);
        }
    }
    (ends, cols, values)
}

/// What is not zero, counted and then taken.
fn sifted(a: &Dense<f32>) -> (Vec<u32>, Vec<u32>, Vec<f32>) {
    let (nrows, ncols) = a.shape();
    let nnz = a.as_slice().iter().filter(|&&value| value != 0.0).count();
    let (mut ends, mut cols, mut values) =
        (Vec::with_capacity(nrows + 1), Vec::with_capacity(nnz), Vec::with_capacity(nnz));
    ends.push(0);
    for row in a.as_slice().chunks_exact(ncols) {
        for (col, &value) in row.iter().enumerate() {
            if value != 0.0 {
                cols.push(col as u32);
                values.push(value);
            }
        }
        ends.push(cols.len() as u32);
    }
    (ends, cols, values)
}

fn written_out(a: &Csr<f32>) -> BufferMut<f32> {
    let mut elements = BufferMut::zeros(a.nrows() * a.ncols()).expect("memory");
    add_entries(a, &mut elements);
    elements
}

/// As `toarray(out=…)` of SciPy.
fn write_out(a: &Csr<f32>, elements: &mut [f32]) {
    elements.fill(0.0);
    add_entries(a, elements);
}

fn add_entries(a: &Csr<f32>, elements: &mut [f32]) {
    for (row, line) in elements.chunks_exact_mut(a.ncols()).enumerate() {
        for k in a.indptr()[row] as usize..a.indptr()[row + 1] as usize {
            line[a.indices()[k] as usize] += a.data()[k];
        }
    }
}

/// An order that looks like chance.
fn shuffled(n: usize) -> Permutation {
    let mut order: Vec<usize> = (0..n).collect();
    let key = |k: &usize| (*k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (*k as u64) << 40;
    order.sort_unstable_by_key(key);
    Permutation::new(order).expect("every number once")
}

/// Rows gathered and columns renamed, not sorted, as `A[order][:, order]` of SciPy.
fn moved(a: &Csr<f64>, order: &Permutation) -> Arrays {
    let places = order.inverse();
    let (mut cols, mut values) = zeros(a.nnz());
    let (mut ends, mut end) = (vec![0], 0);
    for &row in order.order() {
        for k in a.indptr()[row] as usize..a.indptr()[row + 1] as usize {
            cols[end] = places.order()[a.indices()[k] as usize] as u32;
            values[end] = a.data()[k];
            end += 1;
        }
        ends.push(end as u32);
    }
    (ends, cols, values)
}

/// Cuthill and McKee's queue, from the vertex of least degree in each component.
fn queue(a: &Csr<f64>) -> Vec<u32> {
    let degree = |v: u32| a.indptr()[v as usize + 1] - a.indptr()[v as usize];
    let (mut seen, mut order) = (vec![false; a.nrows()], Vec::with_capacity(a.nrows()));
    let mut starts: Vec<u32> = (0..a.nrows() as u32).collect();
    starts.sort_by_key(|&v| degree(v));
    let mut done = 0;
    for start in starts {
        if !std::mem::replace(&mut seen[start as usize], true) {
            order.push(start);
        }
        while done < order.len() {
            let (v, begin) = (order[done] as usize, order.len());
            for &w in &a.indices()[a.indptr()[v] as usize..a.indptr()[v + 1] as usize] {
                if !std::mem::replace(&mut seen[w as usize], true) {
                    order.push(w);
                }
            }
            order[begin..].sort_by_key(|&w| degree(w));
            done += 1;
        }
    }
    order
}

fn of_matrix(name: &str, a: &Csr<f64>, ctx: &Context) {
    let b = a.to_csc(Place::Memory, ctx).expect("it fits");
    let at = b.transpose();
    case(&format!("csr to csc, {name}"), || transposed(a), |c| a.to_csc(Place::Memory, c).unwrap());
    let back = |c: &Context| b.to_csr(Place::Memory, c).unwrap();
    case(&format!("csc to csr, {name}"), || transposed(&at), back);
    case(&format!("a + a, {name}"), || sum(a, a), |c| a.add(a, Place::Memory, c).unwrap());
    let copies = (a.indptr().to_vec(), a.indices().to_vec(), a.data().to_vec());
    let twin = Csr::from_parts(a.shape(), copies.0, copies.1, copies.2).expect("it is sound");
    let ours = |c: &Context| a.add(&twin, Place::Memory, c).unwrap();
    case(&format!("a + its copy, {name}"), || sum(a, &twin), ours);
    case(&format!("a + a^t, {name}"), || sum(a, &at), |c| a.add(&at, Place::Memory, c).unwrap());
    let order = shuffled(a.nrows());
    let ours = |c: &Context| a.permute(&order, None, Place::Memory, c).unwrap();
    let plain = || a.permute(None, None, Place::Memory, &Context::new().threads(1).unwrap());
    case(&format!("permuted rows, {name}"), plain, ours);
    let ours = |c: &Context| a.permute(&order, &order, Place::Memory, c).unwrap();
    case(&format!("permuted, {name}"), || moved(a, &order), ours);
    let symmetric = a.add(&at, Place::Memory, ctx).expect("it fits");
    let ours = |c: &Context| reverse_cuthill_mckee(&symmetric, c).unwrap();
    case(&format!("cuthill-mckee, {name}"), || queue(&symmetric), ours);
}

fn of_coordinates(name: &str, a: &Coo<f64>) {
    let ours = |c: &Context| a.to_csr::<u32>(Duplicates::Sum, Place::Memory, c).unwrap();
    case(&format!("coo to csr, {name}"), || compressed(a), ours);
}

fn of_dense(ctx: &Context) {
    let ncols = 100_000;
    let nrows = number("OUTCORE_DENSE", 100_000_000).div_ceil(ncols);
    // One element of a hundred, at places that look like chance.
    let mut elements = vec![0.0f32; nrows * ncols];
    for k in 0..elements.len() / 100 {
        let at = (k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let at = at as usize % elements.len();
        elements[at] = 1.5;
    }
    let a = Dense::from_parts((nrows, ncols), Order::C, elements.into()).expect("a shape");
    let ours = |c: &Context| a.to_csr::<u32, u32>(Place::Memory, c).unwrap();
    case("dense to csr, 1 %", || sifted(&a), ours);
    let csr: Csr<f32> = a.to_csr(Place::Memory, ctx).expect("it fits");
    let ours = |c: &Context| csr.to_dense(Order::C, Place::Memory, c).unwrap();
    case("csr to dense, 1 %", || written_out(&csr), ours);
    let (mut one, mut two) = (vec![0.0f32; nrows * ncols], vec![0.0f32; nrows * ncols]);
    let into = |c: &Context| {
        let out = ArrayViewMut2::from_shape((nrows, ncols), &mut two).expect("the shape");
        csr.to_dense_into(out, c).unwrap()
    };
    case("csr to dense, 1 %, into", || write_out(&csr, &mut one), into);
}

fn of_graph(ctx: &Context) {
    let edges = Coo::<()>::rmat(number("OUTCORE_SCALE", 18) as u32, 16, 1, Place::Memory, ctx)
        .expect("a scale");
    let values = (0..edges.nnz()).map(|k| (k % 8) as f64).collect::<Vec<_>>();
    let (rows, cols) = (edges.row_indices().clone(), edges.col_indices().clone());
    let edges = Coo::<f64>::from_parts(edges.shape(), rows, cols, values).expect("the same");
    of_coordinates("rmat", &edges);
    let rmat = edges.to_csr::<u32>(Duplicates::Sum, Place::Memory, ctx).expect("it fits");
    drop(edges);
    of_matrix("rmat", &rmat, ctx);
}

fn of_pairs(ctx: &Context) {
    let plane = [number("OUTCORE_PLANE", 1000); 2];
    let a = Csr::<f64>::poisson(&plane, Place::Memory, ctx).expect("it fits");
    let full = |n: usize| {
        let (ends, cols) = ((0..=n).map(|i| (i * n) as u32), (0..n * n).map(|k| (k % n) as u32));
        let values: Vec<f64> = (0..n * n).map(|k| k as f64).collect();
        let (ends, cols): (Vec<_>, Vec<_>) = (ends.collect(), cols.collect());
        Csr::<f64>::from_parts((n, n), ends, cols, values).expect("a full matrix")
    };
    let (four, ten, one) = (full(4), full(10), Csr::eye(16));
    let kinds = [
        ("kron, poisson x 4 x 4", &a, &four),
        ("kron, 4 x 4 x poisson", &four, &a),
        ("kron, poisson x 10 x 10", &a, &ten),
        ("kron, poisson x 1", &a, &one),
    ];
    for (name, a, b) in kinds {
        case(name, || kron(a, b), |c| a.kron(b, Place::Memory, c).unwrap());
    }
}

fn main() {
    let ctx = Context::new();
    if ["csr to csc", "csc to csr", "a + a", "a + its copy", "permuted", "cuthill-mckee"]
        .iter()
        .any(|name| wanted(&format!("{name}, poisson")))
    {
        let grid = [number("OUTCORE_GRID", 100); 3];
        let poisson = Csr::<f64>::poisson(&grid, Place::Memory, &ctx).expect("it fits");
        of_matrix("poisson", &poisson, &ctx);
        if wanted("csr to csc, poisson, other values") {
            let other = poisson.data().iter().zip(0..).map(|(x, k)| x * f64::from(k));
            let a = poisson.with_data(other.collect::<Vec<_>>()).expect("as many");
            let name = "csr to csc, poisson, other values";
            case(name, || transposed(&a), |c| a.to_csc(Place::Memory, c).unwrap());
        }
    }
    if wanted("kron") {
        of_pairs(&ctx);
    }
    if ["rmat", "permuted, rmat", "cuthill-mckee, rmat", "csr to csc, rmat", "coo to csr, rmat"]
        .iter()
        .any(|name| wanted(name))
    {
        of_graph(&ctx);
    }
    if wanted("dense") || wanted("dense to csr, 1 %") {
        of_dense(&ctx);
    }
}
