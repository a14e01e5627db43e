//! The cases, and what a contestant of each does in its process.

use std::path::{Path, PathBuf};
use std::time::Instant;

use outcore::linalg::{LinearOperator, Operator};
use outcore::{Context, Coo, CooBuilder, Csc, Csr, Dense, DenseMut, Order};

use crate::inputs::{self, AWAY, DENSE_COLUMNS, DUPLICATES};
use crate::line::Line;
use crate::support::group::device_bytes;
use crate::support::{disk, harmonic};

/// Bytes of the limit left to the program itself: its code, its stacks, what the kernel keeps for it.
const BESIDES: u64 = 40 << 20;

/// Repetitions of what is repeated within a process.
const SWEEPS: usize = 4;

/// Columns of a block of vectors.
const K: usize = 8;

pub(crate) type Lines = Result<Vec<Line>, Box<dyn std::error::Error>>;

/// Something to be measured.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Makes the input in a folder, of about the given number of bytes.
    pub(crate) make: fn(&Path, u64) -> outcore::Result<PathBuf>,
    pub(crate) contestants: &'static [&'static str],
    run: fn(&Run<'_>, &Context) -> Lines,
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "spmv",
        make: inputs::band,
        contestants: &["outcore", "plain map", "disk"],
        run: products,
    },
    Case {
        name: "spmv_transposed",
        make: inputs::band,
        contestants: &["outcore", "plain map", "disk"],
        run: products,
    },
    Case { name: "spmm8", make: inputs::band, contestants: &["outcore", "disk"], run: products },
    Case {
        name: "csr_to_csc",
        make: inputs::scattered,
        contestants: &["outcore", "disk"],
        run: csr_to_csc,
    },
    Case {
        name: "coo_to_csr",
        make: inputs::coordinates,
        contestants: &["outcore", "disk"],
        run: coo_to_csr,
    },
    Case { name: "poisson", make: inputs::nothing, contestants: &["outcore"], run: poisson },
    Case {
        name: "fill",
        make: inputs::nothing,
        contestants: &["rows", "columns", "columns, Fortran order", "disk"],
        run: fill,
    },
    Case {
        name: "column_sums",
        make: inputs::dense,
        contestants: &["outcore", "disk"],
        run: dense,
    },
    Case {
        name: "dense_matvec",
        make: inputs::dense,
        contestants: &["outcore", "plain map", "disk"],
        run: dense,
    },
    Case { name: "gram", make: inputs::dense, contestants: &["outcore", "disk"], run: dense },
];

/// One contestant of a case.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) case: &'a str,
    pub(crate) contestant: &'a str,
    pub(crate) input: &'a Path,
    pub(crate) limit: u64,
}

impl<'a> Run<'a> {
    pub(crate) fn to_arguments(self, scratch: &Path) -> Vec<String> {
        vec![
            "--child".to_owned(),
            self.case.to_owned(),
            self.contestant.to_owned(),
            self.input.to_string_lossy().into_owned(),
            self.limit.to_string(),
            scratch.to_string_lossy().into_owned(),
        ]
    }

    pub(crate) fn from_arguments(arguments: &'a [String]) -> Result<(Self, PathBuf), String> {
        let [case, contestant, input, limit, scratch] = arguments else {
            return Err("--child is for the program itself".to_owned());
        };
        let limit = limit.parse().map_err(|_| "no limit".to_owned())?;
        Ok((Run { case, contestant, input: Path::new(input), limit }, scratch.into()))
    }

    /// Times `work`, `repeats` times.
    fn line<E>(
        &self,
        case: &str,
        bytes: u64,
        repeats: usize,
        mut work: impl FnMut() -> Result<(), E>,
    ) -> Result<Line, E> {
        let mut seconds = Vec::new();
        let mut moved = 0;
        for _ in 0..repeats {
            let (before, start) = (device_bytes(), Instant::now());
            work()?;
            seconds.push(start.elapsed().as_secs_f64());
            let after = device_bytes();
            moved = moved.max(after.0 - before.0 + after.1 - before.1);
        }
        Ok(Line {
            case: case.to_owned(),
            implementation: self.contestant.to_owned(),
            threads: Context::new().thread_count() as u64,
            seconds,
            bytes,
            disk_bytes: moved,
            peak_memory: 0,
        })
    }

    /// The disk itself: reading a file, all of it, as often as it is swept elsewhere.
    fn disk(&self, file: &Path, repeats: usize) -> Lines {
        let bytes = std::fs::metadata(file)?.len();
        let line = self.line(self.case, bytes, repeats, || disk::read_seconds(file).map(drop))?;
        Ok(vec![Line { implementation: "disk, reading".to_owned(), ..line }])
    }

    /// The disk itself: writing as many bytes.
    fn disk_writes(&self, folder: &Path, bytes: u64) -> Lines {
        let line =
            self.line(self.case, bytes, 2, || disk::write_seconds(folder, bytes).map(drop))?;
        Ok(vec![Line { implementation: "disk, writing".to_owned(), ..line }])
    }
}

/// Runs a contestant, as the process in the control group does.
pub(crate) fn run(run: &Run<'_>, scratch: &Path) -> Lines {
    let case = CASES.iter().find(|case| case.name == run.case).ok_or("no such case")?;
    let limit = run.limit.saturating_sub(BESIDES).max(run.limit / 2);
    (case.run)(run, &Context::new().memory_limit(limit).scratch(scratch))
}

fn products(run: &Run<'_>, ctx: &Context) -> Lines {
    if run.contestant == "disk" {
        return run.disk(&run.input.join("values.npy"), SWEEPS);
    }
    let a = Csr::<f64>::open(run.input)?;
    let (bytes, n) = (a.bytes(), a.nrows());
    let (x, mut y) = (harmonic(n), vec![0.0; n]);
    if run.contestant == "plain map" {
        let product = if run.case == "spmv" { plain } else { plain_transposed };
        return Ok(vec![run.line(run.case, bytes, SWEEPS, || {
            product(&a, &x, &mut y);
            Ok::<(), outcore::Error>(())
        })?]);
    }
    if run.case == "spmm8" {
        drop((x, y));
        return several_at_once(run, &a, ctx);
    }
    let operator = Operator::with_vectors(&a, 16 * n as u64, ctx)?;
    // The first product pins.
    operator.apply(&x, &mut y, ctx)?;
    let line = run.line(run.case, bytes, SWEEPS, || match run.case {
        "spmv" => operator.apply(&x, &mut y, ctx),
        _ => operator.apply_adjoint(&x, &mut y, ctx),
    })?;
    Ok(vec![line])
}

/// Eight vectors at once, and one of them with the same operator.
fn several_at_once(run: &Run<'_>, a: &Csr<f64>, ctx: &Context) -> Lines {
    let n = a.nrows();
    let (x, mut y) = (vec![0.5; K * n], vec![0.0; K * n]);
    let vectors = size_of_val(&x[..]) + size_of_val(&y[..]);
    let operator = Operator::with_vectors(a, vectors as u64, ctx)?;
    operator.apply(&x[..n], &mut y[..n], ctx)?;
    let one = run.line("spmm8: one vector", a.bytes(), SWEEPS, || {
        operator.apply(&x[..n], &mut y[..n], ctx)
    })?;
    let all = run.line("spmm8: eight vectors", a.bytes(), SWEEPS, || {
        operator.apply_block(K, &x, &mut y, ctx)
    })?;
    Ok(vec![one, all])
}

/// What one would write without this library, over the same maps.
fn plain(a: &Csr<f64>, x: &[f64], y: &mut [f64]) {
    for (y, row) in y.iter_mut().zip(a.rows()) {
        *y = row.indices.iter().zip(row.data).map(|(&j, &value)| value * x[j as usize]).sum();
    }
}

fn plain_transposed(a: &Csr<f64>, x: &[f64], y: &mut [f64]) {
    y.fill(0.0);
    for (&x, row) in x.iter().zip(a.rows()) {
        row.indices.iter().zip(row.data).for_each(|(&j, &value)| y[j as usize] += value * x);
    }
}

fn csr_to_csc(run: &Run<'_>, ctx: &Context) -> Lines {
    let values = run.input.join("values.npy");
    if run.contestant == "disk" {
        let written = run.disk_writes(ctx.scratch_folder(), std::fs::metadata(&values)?.len())?;
        return Ok([run.disk(&values, 2)?, written].concat());
    }
    let a = Csr::<f64>::open(run.input)?;
    let bytes = 2 * a.bytes() + 32 * a.nnz() as u64;
    let line = run.line(run.case, bytes, 1, || {
        a.to_csc(AWAY, ctx).map(|csc: Csc<f64>| assert_eq!(csc.nnz(), a.nnz()))
    })?;
    Ok(vec![line])
}

fn coo_to_csr(run: &Run<'_>, ctx: &Context) -> Lines {
    let values = run.input.join("values.npy");
    if run.contestant == "disk" {
        let written = run.disk_writes(ctx.scratch_folder(), std::fs::metadata(&values)?.len())?;
        return Ok([run.disk(&values, 2)?, written].concat());
    }
    let a = Coo::<f64>::open(run.input)?;
    let bytes = 60 * a.nnz() as u64;
    let line = run.line(run.case, bytes, 1, || a.to_csr::<u32>(DUPLICATES, AWAY, ctx).map(drop))?;
    Ok(vec![line])
}

/// The Laplacian on a cube of points: assembled from triplets, transposed, multiplied.
fn poisson(run: &Run<'_>, ctx: &Context) -> Lines {
    let wanted: u64 = std::fs::read_to_string(run.input)?.parse()?;
    let side = ((wanted / (7 * 12 + 4)) as f64).cbrt() as usize;
    let (n, nnz) = (side.pow(3), 7 * side.pow(3) - 6 * side.pow(2));
    let bytes = (12 * nnz + 4 * (n + 1)) as u64;
    let folder = tempfile::tempdir_in(ctx.scratch_folder())?;
    let (stored, transposed) = (folder.path().join("a.bspnpy"), folder.path().join("at.bspnpy"));
    let assembled = run.line("poisson: from triplets", bytes + 32 * nnz as u64, 1, || {
        let mut builder = CooBuilder::<f64>::with_capacity((n, n), nnz, ctx)?;
        for row in 0..n {
            each_neighbour(side, row, |col, value| builder.push(row, col, value))?;
        }
        builder.finish::<u32>(DUPLICATES, &stored, ctx).map(drop)
    })?;
    let a = Csr::<f64>::open(&stored)?;
    let turned = run.line("poisson: to CSC", 2 * bytes + 32 * nnz as u64, 1, || {
        a.to_csc(&transposed, ctx).map(drop)
    })?;
    let at = Csc::<f64>::open(&transposed)?;
    let (x, mut y) = (vec![1.0; n], vec![0.0; n]);
    let operator = Operator::with_vectors(&a, 16 * n as u64, ctx)?;
    operator.apply(&x, &mut y, ctx)?;
    let product = run.line("poisson: A x", bytes, SWEEPS, || operator.apply(&x, &mut y, ctx))?;
    drop(operator);
    let sum: f64 = y.iter().sum();
    let operator = Operator::with_vectors(&at, 16 * n as u64, ctx)?;
    operator.apply(&x, &mut y, ctx)?;
    if (sum - y.iter().sum::<f64>()).abs() > 1e-9 * sum || sum != 6.0 * (side * side) as f64 {
        return Err(format!("the row sums add up to {sum}").into());
    }
    Ok(vec![assembled, turned, product])
}

/// Calls `entry` for the entries of a row, in no particular order of columns.
fn each_neighbour(
    side: usize,
    row: usize,
    mut entry: impl FnMut(usize, f64) -> outcore::Result<()>,
) -> outcore::Result<()> {
    entry(row, 6.0)?;
    for stride in [1, side, side * side] {
        let coordinate = row / stride % side;
        if coordinate + 1 < side {
            entry(row + stride, -1.0)?;
        }
        if coordinate > 0 {
            entry(row - stride, -1.0)?;
        }
    }
    Ok(())
}

fn fill(run: &Run<'_>, ctx: &Context) -> Lines {
    let wanted: u64 = std::fs::read_to_string(run.input)?.parse()?;
    if run.contestant == "disk" {
        return run.disk_writes(ctx.scratch_folder(), wanted);
    }
    let rows = (wanted / (4 * DENSE_COLUMNS as u64)) as usize;
    let folder = tempfile::tempdir_in(ctx.scratch_folder())?;
    let order = if run.contestant == "columns, Fortran order" { Order::Fortran } else { Order::C };
    let path = folder.path().join("filled.npy");
    let line = run.line(run.case, wanted, 1, || {
        let mut a = DenseMut::<f32>::create((rows, DENSE_COLUMNS), order, &path, ctx)?;
        match run.contestant {
            "rows" => a.fill_rows(inputs::fill_row)?,
            _ => a.fill_columns(|j, column| {
                column.iter_mut().enumerate().for_each(|(i, x)| *x = inputs::element(i, j));
            })?,
        }
        a.close()
    })?;
    let a = Dense::<f32>::open(&path)?;
    let (i, j) = (rows / 3, DENSE_COLUMNS - 1);
    match a.as_ndarray()[[i, j]] == inputs::element(i, j) {
        true => Ok(vec![line]),
        false => Err("the array is not what was filled in".into()),
    }
}

fn dense(run: &Run<'_>, ctx: &Context) -> Lines {
    if run.contestant == "disk" {
        return run.disk(run.input, 2);
    }
    let a = Dense::<f32>::open(run.input)?;
    let bytes = 4 * a.len() as u64;
    let (v, mut y) = (vec![0.5f32; a.ncols()], vec![0.0f32; a.nrows()]);
    if run.contestant == "plain map" {
        return Ok(vec![run.line(run.case, bytes, 2, || {
            for (y, row) in y.iter_mut().zip(a.as_slice().chunks_exact(a.ncols())) {
                *y = row.iter().zip(&v).map(|(a, v)| a * v).sum();
            }
            Ok::<(), outcore::Error>(())
        })?]);
    }
    let line = run.line(run.case, bytes, 2, || match run.case {
        "column_sums" => a.column_stats(ctx).map(drop),
        "gram" => a.gram(ctx).map(drop),
        _ => Operator::new(&a, ctx)?.apply(&v, &mut y, ctx),
    })?;
    Ok(vec![line])
}
