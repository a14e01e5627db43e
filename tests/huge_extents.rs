//! Every operation on extents of 0, 1, 2³¹, 2⁴⁰ and 2⁶² with hardly any entries, under a limit of 64 MiB: a right
//! result or a typed error, in little memory and little time, and never a panic.
//!
//! The operations run in a child process whose address space is limited, so that an allocation as large as an extent
//! would end the child, and with it the test.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ndarray::{Array2, ArrayView2};
use outcore::graph::{self, PageRankOptions};
use outcore::io::matrix_market;
use outcore::linalg::{LinearOperator, Mask, NormOrder, Operator, PlusTimes};
use outcore::{
    Axis, ByCols, ByRows, ColumnWriter, Compressed, Context, Coo, CooBuilder, Csc, CscBuilder, Csr,
    CsrBuilder, Dense, DenseBuilder, DenseMut, Duplicates, Entry, ErrorKind, Order, Permutation,
    Place, Result,
};
use tempfile::{TempDir, tempdir};

const EXTENTS: [usize; 5] = [0, 1, 1 << 31, 1 << 40, 1 << 62];

const LIMIT: u64 = 64 << 20;

/// What the child runs with: the name of its part, in the environment.
const PART: &str = "OUTCORE_HUGE_EXTENTS_PART";

/// Address space of the child in KiB: threads and maps of ordinary work fit.
const SPACE: u64 = 6 << 20;

/// Longest time of an operation on the processors, and in all, for the machine may be busy with other things.
const LONGEST: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));

/// Runs operations and collects what is wrong with them.
struct Table {
    ctx: Context,
    folder: TempDir,
    failures: Vec<String>,
    count: usize,
    made: usize,
    /// Whether results go to files as well.
    files: bool,
}

impl Table {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let ctx = Context::new().memory_limit(LIMIT).scratch(folder.path());
        Table { ctx, folder, failures: Vec::new(), count: 0, made: 0, files: true }
    }

    /// Runs an operation; its result, if there is one.
    fn run<R>(&mut self, what: &str, operation: impl FnOnce(&Context) -> Result<R>) -> Option<R> {
        let (mut operation, mut made) = (Some(operation), None);
        self.timed(what, &mut |ctx| {
            let Some(operation) = operation.take() else { return Ok(()) };
            made = Some(operation(ctx)?);
            Ok(())
        });
        made
    }

    fn timed(&mut self, what: &str, operation: &mut dyn FnMut(&Context) -> Result<()>) {
        // The last line of a child that was killed names the operation.
        println!("{what}");
        self.count += 1;
        let (ctx, start, busy) = (self.ctx.clone(), Instant::now(), processor_time());
        let before = most_memory();
        let outcome = catch_unwind(AssertUnwindSafe(|| operation(&ctx)));
        let (took, busy) = (start.elapsed(), processor_time() - busy);
        let grown = most_memory().saturating_sub(before);
        let mut wrong = |why: String| self.failures.push(format!("{what}: {why}"));
        if busy > LONGEST.0 || took > LONGEST.1 {
            wrong(format!("took {took:?}, {busy:?} of them on the processors"));
        }
        if grown > 256 << 20 {
            wrong(format!("took {grown} bytes of memory"));
        }
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => assert!(!error.to_string().is_empty()),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                wrong(format!("panicked: {}", text.unwrap_or_default()));
            }
        }
    }

    /// As [`run`](Self::run), and as a plan.
    fn op<R>(&mut self, what: &str, operation: impl Fn(&Context) -> Result<R>) {
        self.twice(what, &|ctx| operation(ctx).map(drop));
    }

    fn twice(&mut self, what: &str, operation: &dyn Fn(&Context) -> Result<()>) {
        self.timed(&format!("{what}, planned"), &mut |ctx| ctx.plan(operation).map(drop));
        self.timed(what, &mut |ctx| operation(ctx));
    }

    /// An operation with a result at a place: memory, and where it cannot come to much, a file.
    fn at_places<R>(&mut self, what: &str, operation: impl Fn(Place, &Context) -> Result<R>) {
        self.everywhere(what, &|place, ctx| operation(place, ctx).map(drop));
    }

    fn everywhere(&mut self, what: &str, operation: &dyn Fn(Place, &Context) -> Result<()>) {
        let path = self.path();
        if !what.contains("2147483648") {
            let place = || Place::File(path.clone());
            if self.files {
                self.twice(&format!("{what} to a file"), &|ctx| operation(place(), ctx));
            }
            self.twice(&format!("{what} to scratch"), &|ctx| operation(Place::Scratch, ctx));
        }
        self.twice(what, &|ctx| operation(Place::Memory, ctx));
    }

    fn path(&mut self) -> std::path::PathBuf {
        self.made += 1;
        self.folder.path().join(format!("{}.bspnpy", self.made))
    }

    fn finish(self) {
        println!("{} operations", self.count);
        for failure in &self.failures {
            println!("WRONG {failure}");
        }
        assert!(self.failures.is_empty(), "{} of {}", self.failures.len(), self.count);
    }
}

/// The time that this process has had on the processors.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // In hundredths of a second, of the process and of the system for it.
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.unwrap_or(0) << 10
}

/// Positions within an extent: the first, one in the middle, the last.
fn few(extent: usize) -> Vec<usize> {
    let mut few = match extent {
        0 => vec![],
        n => vec![0, n / 2, n - 1],
    };
    few.dedup();
    few
}

/// A matrix of `major` lines, few enough, with entries at both ends of each.
fn lines<T: Entry, A: Axis>(major: usize, minor: usize, value: T) -> Compressed<T, u64, u64, A> {
    let each = few(minor);
    let indptr: Vec<u64> = (0..=major).map(|line| (line * each.len()) as u64).collect();
    let indices: Vec<u64> = (0..major).flat_map(|_| each.iter().map(|&j| j as u64)).collect();
    let data = vec![value; indices.len()];
    let (shape, swapped) = ((major, minor), (minor, major));
    let shape = if A::FORMAT == outcore::SparseFormat::Csr { shape } else { swapped };
    Compressed::from_parts(shape, indptr, indices, data).unwrap()
}

/// The same matrix in files.
fn stored<T: Entry, A: Axis>(
    table: &mut Table,
    matrix: &Compressed<T, u64, u64, A>,
) -> Option<Compressed<T, u64, u64, A>> {
    let path = table.path();
    table.run("storing", |ctx| matrix.copy_to(&path, ctx))?;
    table.run("opening", |_| Compressed::open(&path))
}

/// What CSR and CSC have in common.
fn compressed<A: Axis>(table: &mut Table, a: &Compressed<f64, u64, u64, A>, name: &str) {
    let shape = a.shape();
    let name = format!("{name} {shape:?}");
    let of = |what: &str| format!("{name} {what}");
    table.at_places(&of("copy_to"), |place, ctx| a.copy_to(place, ctx));
    for order in [Order::C, Order::Fortran] {
        table.at_places(&of("to_dense"), |place, ctx| a.to_dense(order, place, ctx));
    }
    table.op(&of("to_dense_into"), |ctx| {
        let mut small = Array2::zeros((2, 2));
        a.to_dense_into(small.view_mut(), ctx)
    });
    table.at_places(&of("to_coo"), |place, ctx| a.to_coo(place, ctx));
    table.at_places(&of("add"), |place, ctx| a.add(a, place, ctx));
    table.at_places(&of("sub"), |place, ctx| a.sub(a, place, ctx));
    table.at_places(&of("multiply"), |place, ctx| a.multiply(a, place, ctx));
    table.at_places(&of("kron"), |place, ctx| a.kron(a, place, ctx));
    table.at_places(&of("map_values"), |place, ctx| a.map_values(place, ctx, |x| x * 2.0));
    table.at_places(&of("scale"), |place, ctx| a.scale(2.0, place, ctx));
    table.at_places(&of("scale_rows"), |place, ctx| a.scale_rows(&[2.0; 3], place, ctx));
    table.at_places(&of("scale_cols"), |place, ctx| a.scale_cols(&[2.0; 3], place, ctx));
    table.at_places(&of("permute"), |place, ctx| {
        let (rows, cols) = (Permutation::identity(shape.0.min(3)), Permutation::identity(3));
        let rows = if shape.0 <= 3 { Some(&rows) } else { None };
        let cols = if shape.1 == 3 { Some(&cols) } else { None };
        a.permute(rows, cols, place, ctx)
    });
    table.at_places(&of("slice"), |place, ctx| {
        a.slice(0..shape.0, 0..shape.1.min(2), place, ctx)?;
        Ok(())
    });
    table.at_places(&of("slice at the end"), |place, ctx| {
        a.slice(shape.0.saturating_sub(2)..shape.0, shape.1 / 2..shape.1, place, ctx)
    });
    table.run(&of("slice outside"), |ctx| {
        a.slice(0..usize::MAX, 0..1, Place::Memory, ctx).map(drop).or(Ok(()))
    });
    for axis in [0, 1, 2] {
        table.op(&of("stats"), |ctx| {
            let stats = a.stats(axis, ctx)?;
            stats.sums();
            stats.means();
            stats.variances(1);
            stats.mins();
            stats.maxs();
            Ok(stats.nans())
        });
        for order in [NormOrder::L1, NormOrder::L2, NormOrder::Max] {
            table.op(&of("norms"), |ctx| a.norms(axis, order, ctx));
        }
        table.op(&of("norms_into"), |ctx| a.norms_into(axis, NormOrder::L2, &mut [0.0; 3], ctx));
        table.op(&of("nnz_per"), |ctx| a.nnz_per(axis, ctx));
    }
    table.op(&of("column_stats"), |ctx| a.column_stats(ctx));
    table.op(&of("row_stats"), |ctx| a.row_stats(ctx));
    table.op(&of("sum"), |ctx| a.sum::<f64>(ctx));
    table.op(&of("norm_fro"), |ctx| a.norm_fro::<f64>(ctx));
    table.op(&of("bandwidth"), |ctx| a.bandwidth(ctx));
    table.run(&of("structure"), |_| {
        a.transpose().pattern().to_ones::<i8>()?;
        a.with_data(vec![1u8; a.nnz()])?;
        assert!(*a == a.clone());
        let _ = format!("{a:?} {} {:?}", a.bytes(), a.as_sprs().is_ok());
        a.check()
    });
    for (i, j) in [(0, 0), (shape.0 / 2, shape.1 / 2), shape, (usize::MAX, usize::MAX)] {
        table.run(&of("get"), |_| a.get(i, j));
    }
    products(table, a, &name);
    table.run(&of("matvec_with"), |ctx| a.matvec_with(PlusTimes::new(), &[1.0; 3], ctx));
    let path = table.path();
    table.run(&of("write_sparse"), |ctx| matrix_market::write_sparse(&path, a, "", ctx));
}

/// Products with vectors, of a matrix and as an operator.
fn products<M>(table: &mut Table, a: &M, name: &str)
where
    M: LinearOperator<f64> + outcore::linalg::Matrix,
    Operator<M>: LinearOperator<f64>,
{
    let of = |what: &str| format!("{name} {what}");
    let x = Array2::<f64>::ones((3, 2));
    table.run(&of("matvec"), |_| a.matvec(&[1.0; 3]));
    table.run(&of("rmatvec"), |_| a.rmatvec(&[1.0; 3]));
    table.run(&of("matvec of nothing"), |_| a.matvec(&[] as &[f64]));
    table.run(&of("rmatvec of nothing"), |_| a.rmatvec(&[] as &[f64]));
    table.run(&of("matmat"), |_| a.matmat(x.view()));
    table.run(&of("rmatmat"), |_| a.rmatmat(x.view()));
    table.run(&of("matmat of many"), |_| {
        a.matmat(ArrayView2::<f64>::from_shape((0, 1 << 40), &[]).unwrap())
    });
    table.run(&of("matvec_into"), |_| a.matvec_into(&[1.0; 3], &mut [0.0; 3]));
    for adjoint in [false, true] {
        table.run(&of("plan_block"), |ctx| {
            LinearOperator::<f64>::plan_block(a, adjoint, 1, ctx)?;
            LinearOperator::<f64>::plan_block(a, adjoint, 1 << 40, ctx)
        });
    }
    for k in [0, 2, 1 << 40] {
        table.op(&of("apply_block"), |ctx| a.apply_block(k, &[1.0; 6], &mut [0.0; 6], ctx));
        table.op(&of("apply_adjoint_block"), |ctx| {
            a.apply_adjoint_block(k, &[1.0; 6], &mut [0.0; 6], ctx)
        });
    }
    for vectors in [0, 1 << 20, u64::MAX] {
        let operator =
            table.run(&of("Operator::with_vectors"), |ctx| Operator::with_vectors(a, vectors, ctx));
        let Some(operator) = operator else { continue };
        table.run(&of("operator matvec"), |_| operator.matvec(&[1.0; 3]));
        table.run(&of("operator rmatvec"), |_| operator.rmatvec(&[1.0; 3]));
        table.run(&of("operator matmat"), |_| operator.matmat(x.view()));
        table.run(&of("operator rmatmat"), |_| operator.rmatmat(x.view()));
    }
    if let Some(operator) = table.run(&of("with_adjoint"), |ctx| Operator::with_adjoint(a, ctx)) {
        table.run(&of("operator matvec"), |_| operator.matvec(&[1.0; 3]));
        table.run(&of("operator rmatvec"), |_| operator.rmatvec(&[1.0; 3]));
    }
    table.run(&of("cg"), |ctx| outcore::solve::cg(a, &[1.0; 3], &Default::default(), ctx));
    table.run(&of("randomized_svd"), |ctx| {
        outcore::spectral::randomized_svd::<f64>(a, 1, &Default::default(), Place::Memory, ctx)
    });
}

fn csr(table: &mut Table) {
    for major in [0, 3] {
        for minor in EXTENTS {
            let a: Csr<f64, u64, u64> = lines(major, minor, 1.5);
            let in_files = stored(table, &a);
            for (a, name) in [Some(a), in_files].iter().flatten().zip(["csr", "stored csr"]) {
                table.files = name == "csr";
                compressed(table, a, name);
                let of = |what: &str| format!("{name} {major} x {minor} {what}");
                table.at_places(&of("to_csc"), |place, ctx| a.to_csc(place, ctx));
                table.at_places(&of("pattern to_csc"), |place, ctx| a.pattern().to_csc(place, ctx));
                table.at_places(&of("vstack"), |place, ctx| Csr::vstack(&[a, a, a], place, ctx));
                table.at_places(&of("hstack"), |place, ctx| Csr::hstack(&[a, a, a], place, ctx));
                table.run(&of("rows"), |_| {
                    a.row_range(0..major.min(1))?;
                    a.rows().count();
                    a.row(major / 2).map(|row| row.data.len())
                });
                spgemm_rows(table, a, &of(""));
                graphs(table, a, &of(""));
            }
        }
    }
}

/// Products of matrices: the other one has as few lines.
fn spgemm_rows(table: &mut Table, a: &Csr<f64, u64, u64>, name: &str) {
    let major = a.nrows();
    let of = |what: &str| format!("{name} {what}");
    let square: Csr<f64, u64, u64> = lines(major, major, 2.0);
    table.at_places(&of("matmul"), |place, ctx| square.matmul(a, place, ctx));
    table.at_places(&of("matmul of two"), |place, ctx| a.matmul(a, place, ctx));
    table.at_places(&of("matmul_with"), |place, ctx| {
        square.matmul_with(PlusTimes::new(), a, place, ctx)
    });
    for mask in [Mask::new(a), Mask::complement(a)] {
        table.at_places(&of("matmul_masked"), |place, ctx| {
            square.matmul_masked(PlusTimes::new(), a, &mask, place, ctx)
        });
    }
    let columns: Csc<f64, u64, u64> = a.transpose();
    let small: Csc<f64, u64, u64> = square.transpose();
    table.at_places(&of("matmul of columns"), |place, ctx| columns.matmul(&small, place, ctx));
    table.at_places(&of("matmul_with of columns"), |place, ctx| {
        columns.matmul_with(PlusTimes::new(), &small, place, ctx)
    });
    for mask in [Mask::new(&columns), Mask::complement(&columns)] {
        table.at_places(&of("matmul_masked of columns"), |place, ctx| {
            columns.matmul_masked(PlusTimes::new(), &small, &mask, place, ctx)
        });
    }
}

fn graphs(table: &mut Table, a: &Csr<f64, u64, u64>, name: &str) {
    let of = |what: &str| format!("{name} {what}");
    table.run(&of("bfs"), |ctx| {
        let found = graph::bfs(a, 0, ctx)?;
        found.level_histogram();
        graph::check_bfs(a, 0, &found)
    });
    let columns = a.transpose();
    table.run(&of("bfs from nowhere"), |ctx| graph::bfs(a, 1 << 62, ctx));
    table.run(&of("bfs_with_incoming"), |ctx| graph::bfs_with_incoming(a, &columns, 0, ctx));
    table.run(&of("components"), |ctx| {
        let found = graph::connected_components(a, ctx)?;
        graph::check_components(a, &found)
    });
    table.run(&of("strong components"), |ctx| graph::strong_components(a, ctx));
    table.run(&of("degree order"), |ctx| graph::degree_order(a, ctx));
    table.run(&of("cuthill_mckee"), |ctx| graph::reverse_cuthill_mckee(a, ctx));
    table.run(&of("pagerank"), |ctx| {
        graph::pagerank(a, &PageRankOptions::default(), ctx).map(|found| found.top(1 << 62))
    });
    table.run(&of("reordered"), |ctx| {
        let order = Permutation::identity(a.nrows());
        a.reorder(&order, Place::Memory, ctx)?.rmatvec(&[1.0; 3])
    });
}

fn csc(table: &mut Table) {
    for major in [0, 3] {
        for minor in EXTENTS {
            let a: Csc<f64, u64, u64> = lines(major, minor, 1.5);
            let in_files = stored(table, &a);
            for (a, name) in [Some(a), in_files].iter().flatten().zip(["csc", "stored csc"]) {
                table.files = name == "csc";
                compressed(table, a, name);
                let of = |what: &str| format!("{name} {minor} x {major} {what}");
                table.at_places(&of("to_csr"), |place, ctx| a.to_csr(place, ctx));
                table.at_places(&of("vstack"), |place, ctx| Csc::vstack(&[a, a, a], place, ctx));
                table.at_places(&of("hstack"), |place, ctx| Csc::hstack(&[a, a, a], place, ctx));
                table.run(&of("cols"), |_| {
                    a.col_range(0..major.min(1))?;
                    a.cols().count();
                    a.col(major / 2).map(|col| col.data.len())
                });
            }
        }
    }
}

fn coo(table: &mut Table) {
    for nrows in EXTENTS {
        for ncols in EXTENTS {
            let both = few(nrows).into_iter().zip(few(ncols)).map(|(i, j)| (i, j, 2.5));
            let a = Coo::<f64, u64>::from_triplets((nrows, ncols), both).unwrap();
            let path = table.path();
            table.run("storing", |ctx| a.copy_to(&path, ctx));
            let in_files = table.run("opening", |_| Coo::open(&path));
            for (a, name) in [Some(a), in_files].iter().flatten().zip(["coo", "stored coo"]) {
                table.files = name == "coo";
                let of = |what: &str| format!("{name} {nrows} x {ncols} {what}");
                for duplicates in [Duplicates::Sum, Duplicates::Refuse] {
                    table.at_places(&of("to_csr"), |place, ctx| {
                        a.to_csr::<u64>(duplicates, place, ctx)
                    });
                    table.at_places(&of("to_csc"), |place, ctx| {
                        a.to_csc::<u64>(duplicates, place, ctx)
                    });
                }
                for order in [Order::C, Order::Fortran] {
                    table.at_places(&of("to_dense"), |place, ctx| a.to_dense(order, place, ctx));
                }
                table.at_places(&of("copy_to"), |place, ctx| a.copy_to(place, ctx));
                table.op(&of("sum"), |ctx| a.sum::<f64>(ctx));
                table.op(&of("norm_fro"), |ctx| a.norm_fro::<f64>(ctx));
                table.run(&of("check"), |_| a.transpose().check());
            }
            let of = |what: &str| format!("{nrows} x {ncols} {what}");
            let triplets = || few(nrows).into_iter().zip(few(ncols)).map(|(i, j)| (i, j, 1.5));
            table.run(&of("narrow indices"), |_| {
                Coo::<f64, u32>::from_triplets((nrows, ncols), triplets())
            });
            table.op(&of("CooBuilder by rows"), |ctx| {
                let mut builder = CooBuilder::<f64, u64, ByRows>::with_types((nrows, ncols), ctx)?;
                triplets().try_for_each(|(i, j, x)| builder.push(i, j, x))?;
                builder.finish::<u64>(Duplicates::Sum, Place::Memory, ctx)
            });
            table.op(&of("CooBuilder by columns"), |ctx| {
                let mut builder =
                    CooBuilder::<f64, u64, ByCols>::with_capacity((nrows, ncols), 1 << 62, ctx)?;
                triplets().try_for_each(|(i, j, x)| builder.push(i, j, x))?;
                builder.finish::<u64>(Duplicates::Sum, Place::Memory, ctx)
            });
            if nrows.max(ncols) != 1 << 31 {
                // Without a context the limit is that of the machine.
                table.run(&of("from_triplets"), |_| {
                    let (shape, ctx) = ((nrows, ncols), Context::new());
                    let sum = Duplicates::Sum;
                    Csr::<f64, u64>::from_triplets_with(shape, triplets(), sum, Place::Memory, &ctx)
                });
            }
            let path = table.path();
            table.run(&of("Matrix Market"), |ctx| {
                let header = matrix_market::Header::coordinate(
                    matrix_market::Field::Real,
                    matrix_market::Symmetry::General,
                    nrows,
                    ncols,
                    triplets().count() as u64,
                );
                let mut writer = matrix_market::Writer::create(&path, header, "")?;
                triplets().try_for_each(|(i, j, x)| writer.push(i, j, x))?;
                writer.finish()?;
                matrix_market::Reader::open(&path)?.read_coo::<f64, u64>(ctx)
            });
            table.at_places(&of("reading Matrix Market"), |place, ctx| {
                let reader = matrix_market::Reader::open(&path)?;
                let _ = reader.read_csc::<f64, u64, u64>(place.clone(), ctx);
                reader.read_csr::<f64, u64, u64>(place, ctx)
            });
            table.op(&of("reading Matrix Market as dense"), |ctx| {
                matrix_market::Reader::open(&path)?.read_dense::<f64>(Place::Memory, ctx)
            });
        }
    }
}

fn dense(table: &mut Table) {
    let shapes = EXTENTS.iter().flat_map(|&n| [(0, n), (n, 0)]);
    for (shape, order) in shapes
        .flat_map(|shape| [(shape, Order::C), (shape, Order::Fortran)])
        .chain([((1, 1), Order::C)])
    {
        let path = table.path().with_extension("npy");
        let array = table.run("making dense", |ctx| {
            DenseMut::<f64>::create(shape, order, &path, ctx)?.close()?;
            let mut a = DenseMut::<f64>::create(shape, order, Place::Memory, ctx)?;
            a.as_ndarray_mut().fill(1.0);
            a.map_inplace(|x| x + 1.0)?;
            a.freeze()
        });
        let in_file = table.run("opening dense", |_| Dense::<f64>::open(&path));
        for (a, name) in [array, in_file].iter().flatten().zip(["dense", "stored dense"]) {
            table.files = name == "dense";
            let of = |what: &str| format!("{name} {shape:?} {order:?} {what}");
            table.run(&of("view"), |_| {
                let _ =
                    (a.as_ndarray().sum(), a.row(0).is_ok(), a.col(0).is_ok(), format!("{a:?}"));
                let _ = a.transpose().as_ndarray().len();
                a.index_axis(0, usize::MAX).map(|part| part.len()).or(Ok(0))
            });
            table.at_places(&of("copy_to"), |place, ctx| a.copy_to(place, ctx));
            for order in [Order::C, Order::Fortran] {
                table.at_places(&of("to_order"), |place, ctx| a.to_order(order, place, ctx));
            }
            table.at_places(&of("to_csr"), |place, ctx| a.to_csr::<u64, u64>(place, ctx));
            table.at_places(&of("to_csc"), |place, ctx| a.to_csc::<u64, u64>(place, ctx));
            table.at_places(&of("to_coo"), |place, ctx| a.to_coo::<u64>(place, ctx));
            table.op(&of("to_csr with u32"), |ctx| a.to_csr::<u32, u32>(Place::Memory, ctx));
            table.at_places(&of("map"), |place, ctx| a.map(place, ctx, |x| x + 1.0));
            table.at_places(&of("zip_map"), |place, ctx| a.zip_map(a, place, ctx, |x, y| x + y));
            table.at_places(&of("matmul"), |place, ctx| a.matmul(&a.transpose(), place, ctx));
            table.at_places(&of("matmul of the transpose"), |place, ctx| {
                a.transpose().matmul(a, place, ctx)
            });
            table.op(&of("gram"), |ctx| a.gram(ctx));
            for axis in [0, 1, 2] {
                table.op(&of("stats"), |ctx| a.stats(axis, ctx));
                table.at_places(&of("concatenate"), |place, ctx| {
                    Dense::concatenate(axis, &[a, a, a], place, ctx)
                });
            }
            table.at_places(&of("vstack"), |place, ctx| Dense::vstack(&[a, a], place, ctx));
            table.at_places(&of("hstack"), |place, ctx| Dense::hstack(&[a, a], place, ctx));
            table.op(&of("sum"), |ctx| a.sum::<f64>(ctx));
            table.op(&of("norm_fro"), |ctx| a.norm_fro::<f64>(ctx));
            table.run(&of("copy_into"), |ctx| a.copy_into(Array2::zeros((2, 2)).view_mut(), ctx));
            products(table, a, &of(""));
            table.run(&of("pca"), |ctx| outcore::spectral::pca(a, 1, Place::Memory, ctx));
            let path = table.path();
            table.run(&of("write_dense"), |ctx| matrix_market::write_dense(&path, a, "", ctx));
        }
        let of = |what: &str| format!("dense {shape:?} {order:?} {what}");
        table.op(&of("read"), |ctx| Dense::<f64>::read(&path, Place::Memory, ctx));
        table.run(&of("filling"), |ctx| {
            let mut a = DenseMut::<f64>::create(shape, order, Place::Memory, ctx)?;
            a.fill_columns(|_, column| column.fill(1.0))?;
            a.fill_rows(|_, row| row.fill(1.0))?;
            ColumnWriter::new(&mut a).map(drop)?;
            a.close()
        });
        table.run(&of("from_raw"), |_| Dense::<f64>::from_raw(&path, 0, shape, order));
    }
    for rows in EXTENTS {
        for cols in EXTENTS {
            let of = |what: &str| format!("dense {rows} x {cols} {what}");
            table.run(&of("create"), |ctx| {
                DenseMut::<f64>::create((rows, cols), Order::C, Place::Memory, ctx)
            });
            if rows.max(cols) != 1 << 31 {
                table.run(&of("create in scratch"), |ctx| {
                    DenseMut::<f64>::create((rows, cols), Order::C, Place::Scratch, ctx)
                });
            }
            table.run(&of("from_parts"), |_| {
                Dense::<f64>::from_parts((rows, cols), Order::C, Vec::new().into())
            });
            table.run(&of("from_raw"), |_| {
                Dense::<f64>::from_raw("/dev/null", 0, (rows, cols), Order::C)
            });
            table.run(&of("DenseBuilder"), |ctx| {
                let place = Place::Memory;
                let mut builder =
                    DenseBuilder::<f64>::with_capacity(rows, cols, Order::C, place, ctx)?;
                builder.push(&vec![1.0; cols.min(4)])?;
                builder.finish()
            });
            table.run(&of("three dimensions"), |_| {
                let shape = [rows, cols, 0];
                Dense::<f64, _>::from_parts(shape, Order::C, Vec::new().into())
                    .map(|a| a.as_ndarray().len())
            });
        }
    }
    table.run("BufferMut", |_| outcore::BufferMut::<f64>::zeros(1 << 40));
    table.run("BufferMut", |_| outcore::BufferMut::<f64>::zeros(1 << 62));
}

fn generators(table: &mut Table) {
    for n in EXTENTS.into_iter().chain([1 << 28]) {
        let of = |what: &str| format!("{n} {what}");
        for grid in [vec![n], vec![n, n], vec![0, n, n], vec![n, 0, n], vec![n, 1, 1]] {
            table.at_places(&of("poisson"), |place, ctx| {
                // As large as the device allows is no matter of memory.
                if place != Place::Memory && (2..1 << 40).contains(&n) {
                    return Ok(());
                }
                Csr::<f64, u64, u64>::poisson(&grid, place, ctx).map(drop)
            });
        }
        for m in [0, 1, 3, n] {
            for density in [0.0, 0.5, 1.0, 1e-9] {
                table.op(&of("random"), |ctx| {
                    Csr::<f64, u64, u64>::random((n, m), density, 1, Place::Memory, ctx)
                });
                table.op(&of("random across"), |ctx| {
                    Csr::<f64, u64, u64>::random((m, n), density, 1, Place::Memory, ctx)
                });
            }
        }
        table.op(&of("identity"), |ctx| Csr::<f64, u64>::identity(n, Place::Memory, ctx));
        table.op(&of("diags"), |ctx| {
            let last = n.saturating_sub(1) as isize;
            Csr::<f64, u64>::diags((1, n), &[(last, &[1.0])], Place::Memory, ctx)
        });
        table.op(&of("diags below"), |ctx| {
            let last = n.saturating_sub(1) as isize;
            Csr::<f64, u64>::diags((n, 1), &[(-last, &[1.0])], Place::Memory, ctx)
        });
        table.op(&of("diags far away"), |ctx| {
            Csr::<f64, u64>::diags((n, n), &[(isize::MIN, &[1.0])], Place::Memory, ctx)
        });
        table.run(&of("CsrBuilder"), |ctx| {
            let mut builder =
                CsrBuilder::<f64, u64>::with_capacity(n, 1 << 40, Place::Memory, ctx)?;
            builder.push(&[n as u64 / 2], &[1.0])?;
            builder.finish()
        });
        table.run(&of("CscBuilder"), |ctx| {
            let mut builder = CscBuilder::<f64, u64>::new(n, Place::Memory, ctx)?;
            builder.push_lines(&[usize::MAX, 1], &[n as u64 / 2], &[1.0]).unwrap_err();
            builder.push(&[n as u64 / 2], &[1.0])?;
            builder.finish()
        });
        table.run(&of("random permutation"), |_| Permutation::new(vec![n]));
    }
    for scale in [0, 40, 47, 48, 64] {
        table.run("rmat", |_| {
            Coo::<(), u64>::rmat(scale, 1 << 40, 1, Place::Memory, &Context::new())
        });
    }
    // Those that give no error panic, and do not end the process.
    for panics in [|| drop(Csr::<f64, u64>::eye(1 << 40)), || drop(Permutation::identity(1 << 45))]
    {
        assert!(catch_unwind(panics).is_err());
    }
}

/// The child's side: runs one part of the table.
#[test]
#[ignore = "started by the tests below in a process of its own"]
fn one_part() {
    let mut table = Table::new();
    match std::env::var(PART).as_deref() {
        Ok("csr") => csr(&mut table),
        Ok("csc") => csc(&mut table),
        Ok("coo") => coo(&mut table),
        Ok("dense") => dense(&mut table),
        Ok("generators") => generators(&mut table),
        _ => return,
    }
    table.finish();
}

/// Runs a part of the table in a process with little address space, and shows where it ended.
fn in_a_child(part: &str) {
    let program = std::env::current_exe().unwrap();
    let (_, module) = module_path!().split_once("::").unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {SPACE}; exec timeout 300 \"$0\" \"$@\""))
        .arg(program)
        .args([&format!("{module}::one_part"), "--exact", "--ignored", "--nocapture"])
        .env(PART, part)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong: Vec<&str> = text.lines().filter(|line| line.starts_with("WRONG")).collect();
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains(" operations"),
        "{}, last {last:?}\n{}\n{}",
        output.status,
        wrong.join("\n"),
        errors.chars().rev().take(600).collect::<String>().chars().rev().collect::<String>(),
    );
}

#[test]
fn csr_matrices_of_huge_extents() {
    in_a_child("csr");
}

#[test]
fn csc_matrices_of_huge_extents() {
    in_a_child("csc");
}

#[test]
fn coordinate_matrices_of_huge_extents() {
    in_a_child("coo");
}

#[test]
fn dense_arrays_of_huge_extents() {
    in_a_child("dense");
}

#[test]
fn generators_of_huge_extents() {
    in_a_child("generators");
}

/// The kind of error that an operation ends with.
fn kind<R>(outcome: Result<R>) -> ErrorKind {
    match outcome {
        Ok(_) => panic!("there is a result"),
        Err(error) => error.kind(),
    }
}

#[test]
fn results_as_long_as_an_extent_are_memory_errors() {
    let ctx = Context::new().memory_limit(LIMIT);
    for extent in [1 << 40, 1 << 62] {
        let a: Csr<f64, u64> = lines(3, extent, 1.0);
        assert_eq!(a.matvec(&[] as &[f64]).unwrap_err().kind(), ErrorKind::Shape);
        assert_eq!(kind(a.rmatvec(&[1.0; 3])), ErrorKind::Memory);
        assert_eq!(kind(a.transpose().matvec(&[1.0; 3])), ErrorKind::Memory);
        assert_eq!(kind(a.rmatmat(Array2::<f64>::ones((3, 2)).view())), ErrorKind::Memory);
        assert_eq!(kind(a.column_stats(&ctx)), ErrorKind::Memory);
        assert_eq!(kind(a.norms(0, NormOrder::L2, &ctx)), ErrorKind::Memory);
        assert_eq!(kind(a.nnz_per(0, &ctx)), ErrorKind::Memory);
        assert_eq!(kind(a.to_csc(Place::Memory, &ctx)), ErrorKind::Memory);
        assert_eq!(kind(a.to_dense(Order::C, Place::Memory, &ctx)), ErrorKind::Memory);
        let empty = Dense::<f64>::from_parts((0, extent), Order::C, Vec::new().into()).unwrap();
        assert_eq!(kind(empty.to_csc::<u64, u64>(Place::Memory, &ctx)), ErrorKind::Memory);
        assert_eq!(kind(empty.column_stats(&ctx)), ErrorKind::Memory);
        assert_eq!(kind(empty.gram(&ctx)), ErrorKind::Memory);
        assert_eq!(empty.to_csr::<u64, u64>(Place::Memory, &ctx).unwrap().shape(), (0, extent));
        assert_eq!(empty.to_coo::<u64>(Place::Memory, &ctx).unwrap().shape(), (0, extent));
    }
    for n in [1usize << 28, 1 << 40, 1 << 60] {
        assert_eq!(kind(Csr::<f64, u64>::poisson(&[n], Place::Memory, &ctx)), ErrorKind::Memory);
        let random = Csr::<f64, u64>::random((10, n), 0.5, 1, Place::Memory, &ctx);
        assert_eq!(kind(random), ErrorKind::Memory);
        let random = Csr::<f64, u64>::random((n, 10), 0.0, 1, Place::Memory, &ctx);
        assert_eq!(kind(random), ErrorKind::Memory);
    }
}

#[test]
fn few_entries_of_huge_extents_are_right() {
    let ctx = Context::new().memory_limit(LIMIT);
    let n = 1usize << 62;
    let a: Csr<f64, u64> = lines(3, n, 2.0);
    let sum = a.add(&a, Place::Memory, &ctx).unwrap();
    assert_eq!(sum.get(2, n - 1).unwrap(), Some(4.0));
    assert_eq!(sum.get(2, 1).unwrap(), None);
    assert_eq!(a.row_stats(&ctx).unwrap().sums(), [6.0; 3]);
    assert_eq!(a.norms(1, NormOrder::L1, &ctx).unwrap(), [6.0; 3]);
    let both = Csr::hstack(
        &[&sum.slice(0..3, 0..5, Place::Memory, &ctx).unwrap(), &sum],
        Place::Memory,
        &ctx,
    );
    assert_eq!(both.unwrap().get(1, n + 4).unwrap(), Some(4.0));
    assert_eq!(kind(Csr::hstack(&[&a, &a, &a], Place::Memory, &ctx)), ErrorKind::Type);
    let square: Csr<f64, u64> = lines(3, 3, 1.0);
    let product = square.matmul(&a, Place::Memory, &ctx).unwrap();
    assert_eq!((product.nnz(), product.get(0, n / 2).unwrap()), (9, Some(6.0)));
    let coo = a.to_coo(Place::Memory, &ctx).unwrap();
    let back = coo.to_csr::<u64>(Duplicates::Sum, Place::Memory, &ctx).unwrap();
    assert!(back == a);
}

#[test]
fn an_error_about_a_result_in_memory_names_the_thing() {
    let ctx = Context::new().memory_limit(1 << 20);
    let a: Csr<f64, u64> = lines(1, 1 << 30, 1.0);
    let error = a.to_csc(Place::Memory, &ctx).unwrap_err().to_string();
    assert!(error.contains("the pointers would not fit"), "{error}");
    let error = DenseMut::<f64>::create((1 << 20, 1), Order::C, Place::Memory, &ctx).err().unwrap();
    assert!(error.to_string().contains("the array would not fit"), "{error}");
}

#[test]
fn npy_headers_of_huge_extents_open_or_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    for (shape, opens) in [
        ("(0, 1000000000000)", true),
        ("(4611686018427387904, 0)", true),
        ("(0, 9223372036854775808)", false),
        ("(4294967296, 4294967296, 0)", false),
        ("(0, 4294967296, 4294967296)", false),
        ("(4294967296, 4294967296)", false),
    ] {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        let opened = Dense::<f64, ndarray::IxDyn>::open(&path);
        let ctx = Context::new();
        assert_eq!(opened.is_ok(), opens, "{shape}");
        let read = Dense::<f64, ndarray::IxDyn>::read(&path, Place::Memory, &ctx);
        assert_eq!(read.is_ok(), opens, "{shape}");
        match opened {
            Ok(a) => assert_eq!((a.as_ndarray().len(), a.len()), (0, 0)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Shape),
        }
    }
}

#[test]
fn arrays_of_more_dimensions_than_numpy_opens_are_not_written() {
    let folder = tempdir().unwrap();
    let (ctx, path) = (Context::new(), folder.path().join("a.npy"));
    for (dimensions, written) in [(1, true), (64, true), (65, false), (300, false)] {
        let shape = vec![1usize; dimensions];
        let a = Dense::<f32, ndarray::IxDyn>::from_parts(&shape[..], Order::C, vec![1.0].into());
        let copied = a.unwrap().copy_to(Place::Replace(path.clone()), &ctx);
        let place = Place::Replace(path.clone());
        let made = DenseMut::<f32, ndarray::IxDyn>::create(&shape[..], Order::C, place, &ctx);
        assert_eq!((copied.is_ok(), made.is_ok()), (written, written), "{dimensions} dimensions");
        if let Err(error) = copied {
            assert_eq!(error.kind(), ErrorKind::Shape);
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
