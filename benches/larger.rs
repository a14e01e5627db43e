//! Operations on matrices larger than memory, each compared with the disk's own speed in the same run.
//!
//! `cargo bench -p outcore-bench --bench larger -- FOLDER [MIB [LIMIT_MIB [NAME…]]]` makes inputs of MIB (4,096) in
//! FOLDER and runs every operation whose name contains one of the NAMEs (all) under the limit (1,024 MiB), three times,
//! each beside plain system calls that read, and if it writes also write, as much. For the middle one it prints seconds,
//! bytes moved, and the share of the time in which the disk alone would have moved as many; for Gram matrices also the
//! share in which the slower of disk and product in memory would have ended. It sets no control group: the programs
//! `memory_limits` and `out_of_core` do.

#[path = "../examples/support/disk.rs"]
mod disk;

use std::path::{Path, PathBuf};

use outcore::linalg::{LinearOperator, Operator};
use outcore::{
    Context, Coo, Csc, Csr, Dense, DenseMut, Duplicates, Element, Order, Place, Report, Result,
};

/// Where results go.
const AWAY: Place = Place::Scratch;

/// Columns of tall dense matrices.
const COLUMNS: usize = 250;

/// Inputs in a folder, and the context to work under.
struct Bench {
    folder: PathBuf,
    bytes: usize,
    ctx: Context,
}

/// How often an operation is run.
const ROUNDS: usize = 3;

type Case = (&'static str, fn(&Bench) -> Result<Report>);

const CASES: &[Case] = &[
    ("A x, CSR, second product", |bench| {
        let a = bench.csr()?;
        let operator = Operator::new(&a, &bench.ctx)?;
        let (x, mut y) = (vec![1.0; a.ncols()], vec![0.0; a.nrows()]);
        operator.apply(&x, &mut y, &bench.ctx)?;
        report(bench.ctx.measure(|ctx| operator.apply(&x, &mut y, ctx)))
    }),
    ("Aᴴ x, CSR", |bench| {
        let a = bench.csr()?;
        let (x, mut y) = (vec![1.0; a.nrows()], vec![0.0; a.ncols()]);
        report(bench.ctx.measure(|ctx| a.apply_adjoint(&x, &mut y, ctx)))
    }),
    ("A X, 8 columns, CSR", |bench| {
        let a = bench.csr()?;
        let (x, mut y) = (vec![1.0; 8 * a.ncols()], vec![0.0; 8 * a.nrows()]);
        report(bench.ctx.measure(|ctx| a.apply_block(8, &x, &mut y, ctx)))
    }),
    ("CSR to CSC", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.to_csc(AWAY, ctx)))
    }),
    ("CSC to CSR", |bench| {
        let a = bench.csc()?;
        report(bench.ctx.measure(|ctx| a.to_csr(AWAY, ctx)))
    }),
    ("COO to CSR", |bench| {
        let a = bench.coo()?;
        report(bench.ctx.measure(|ctx| a.to_csr::<u32>(Duplicates::Sum, AWAY, ctx)))
    }),
    ("CSR to COO", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.to_coo(AWAY, ctx)))
    }),
    ("copy, CSR", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.copy_to(AWAY, ctx)))
    }),
    ("A + A, CSR", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.add(&a, AWAY, ctx)))
    }),
    ("rows scaled, CSR", |bench| {
        let a = bench.csr()?;
        let factors = vec![0.5; a.nrows()];
        report(bench.ctx.measure(|ctx| a.scale_rows(&factors, AWAY, ctx)))
    }),
    ("statistics of rows, CSR", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.row_stats(ctx)))
    }),
    ("statistics of columns, CSR", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| a.column_stats(ctx)))
    }),
    ("rows appended, CSR", |bench| {
        let a = bench.csr()?;
        report(bench.ctx.measure(|ctx| Csr::vstack(&[&a, &a], AWAY, ctx)))
    }),
    ("A A, Poisson", |bench| {
        let side = (bench.bytes as f64 / 88.0).cbrt() as usize;
        let a = Csr::<f64>::poisson(&[side; 3], AWAY, &bench.ctx)?;
        report(bench.ctx.measure(|ctx| a.matmul(&a, AWAY, ctx)))
    }),
    ("column statistics, dense", |bench| {
        let a = bench.tall(Order::C)?;
        report(bench.ctx.measure(|ctx| a.column_stats(ctx)))
    }),
    ("X v, dense", |bench| {
        let a = bench.tall(Order::C)?;
        let (x, mut y) = (vec![1.0; COLUMNS], vec![0.0; a.nrows()]);
        report(bench.ctx.measure(|ctx| a.apply(&x, &mut y, ctx)))
    }),
    ("XᵀX, dense", |bench| {
        let a = bench.tall(Order::C)?;
        report(bench.ctx.measure(|ctx| a.gram(ctx)))
    }),
    ("XᵀX, dense Fortran", |bench| {
        let a = bench.tall(Order::Fortran)?;
        report(bench.ctx.measure(|ctx| a.gram(ctx)))
    }),
    ("elements mapped, dense", |bench| {
        let a = bench.tall(Order::C)?;
        report(bench.ctx.measure(|ctx| a.map(AWAY, ctx, |x| x + 1.0)))
    }),
    ("C order to Fortran", |bench| {
        let a = bench.tall(Order::C)?;
        report(bench.ctx.measure(|ctx| a.to_order(Order::Fortran, AWAY, ctx)))
    }),
    ("sums of columns, dense", |bench| {
        let a = bench.tall(Order::C)?;
        report(bench.ctx.measure(|ctx| a.sum_axis(0, ctx)))
    }),
    ("verified, dense", |bench| {
        bench.tall(Order::C)?;
        let path = bench.folder.join("larger-c.npy");
        report(bench.ctx.measure(|ctx| outcore::verify(&path, ctx)))
    }),
    ("filled by rows", |bench| bench.fill(false)),
    ("filled by columns", |bench| bench.fill(true)),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(folder) = arguments.first() else {
        println!("larger: no folder given, nothing measured");
        return Ok(());
    };
    let number =
        |at: usize, usual: u64| arguments.get(at).map_or(usual, |a| a.parse().expect("a number"));
    let bytes = (number(1, 4096) as usize) << 20;
    let ctx = Context::new().memory_limit(number(2, 1024) << 20).scratch(folder);
    let bench = Bench { folder: folder.into(), bytes, ctx };
    let names = arguments.get(3..).unwrap_or_default();
    for (name, run) in CASES {
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            bench.show(name, *run)?;
        }
    }
    Ok(())
}

fn report<R>(outcome: Result<(R, Report)>) -> Result<Report> {
    outcome.map(|(_, report)| report)
}

impl Bench {
    /// Runs an operation some times, each beside the disk alone, and prints the middle one by their ratio.
    fn show(&self, name: &str, run: fn(&Bench) -> Result<Report>) -> Result<()> {
        // Inputs are made, and devices measured, before.
        let first = run(self)?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let alone =
                self.seconds_of_disk(first.actual.bytes_read, first.actual.bytes_written)?;
            let cost = run(self)?.actual;
            rounds.push((alone / cost.seconds, cost, alone));
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (share, cost, alone) = rounds[ROUNDS / 2];
        println!(
            "{name:28}{:8.2} s {:8.2} GB read {:8.2} GB written {share:6.2} of the disk's speed, {:.2} GB/s",
            cost.seconds,
            cost.bytes_read as f64 / 1e9,
            cost.bytes_written as f64 / 1e9,
            (cost.bytes_read + cost.bytes_written) as f64 / alone / 1e9
        );
        let order = match name {
            "XᵀX, dense" => Order::C,
            "XᵀX, dense Fortran" => Order::Fortran,
            _ => return Ok(()),
        };
        let unlimited = Context::new();
        let a = self.tall(order)?.copy_to(Place::Memory, &unlimited)?;
        a.gram(&unlimited)?;
        let in_memory = report(unlimited.measure(|ctx| a.gram(ctx)))?.actual.seconds;
        let least = in_memory.max(alone);
        println!(
            "{:28}{in_memory:8.2} s in memory {:25} {:6.2} of the slower of disk and memory",
            "",
            "",
            least / cost.seconds
        );
        Ok(())
    }

    /// Seconds in which the disk alone reads and writes this many bytes, by the speed of an input and of a new file.
    fn seconds_of_disk(&self, read: u64, written: u64) -> Result<f64> {
        self.csr()?;
        let file = self.folder.join("larger-csr").join("values.npy");
        let length = std::fs::metadata(&file).map_or(1, |found| found.len());
        let seconds = |bytes: u64, of_file: &dyn Fn() -> std::io::Result<f64>| match bytes {
            0 => 0.0,
            _ => {
                let seconds = of_file().expect("the folder can be read and written");
                seconds * bytes as f64 / length as f64
            }
        };
        Ok(seconds(read, &|| disk::read_seconds(&file))
            + seconds(written, &|| disk::write_seconds(&self.folder, length)))
    }

    /// An input, which is made if it is not there.
    fn at(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let path = self.folder.join(name);
        if !path.exists() {
            make(&path)?;
        }
        Ok(path)
    }

    fn csr(&self) -> Result<Csr<f64>> {
        Csr::open(self.at("larger-csr", |path| {
            let (nrows, ncols) = (self.bytes / 2880, self.bytes / 5760);
            let density = self.bytes as f64 / 12.0 / (nrows as f64 * ncols as f64);
            Csr::<f64>::random((nrows, ncols), density, 1, path, &self.ctx).map(drop)
        })?)
    }

    fn csc(&self) -> Result<Csc<f64>> {
        Csc::open(self.at("larger-csc", |path| self.csr()?.to_csc(path, &self.ctx).map(drop))?)
    }

    fn coo(&self) -> Result<Coo<f64>> {
        Coo::open(self.at("larger-coo", |path| self.csr()?.to_coo(path, &self.ctx).map(drop))?)
    }

    fn tall(&self, order: Order) -> Result<Dense<f32>> {
        let name = if order == Order::C { "larger-c.npy" } else { "larger-f.npy" };
        Dense::open(self.at(name, |path| {
            let shape = (self.bytes / 4 / COLUMNS, COLUMNS);
            let mut a = DenseMut::<f32>::create(shape, order, path, &self.ctx)?;
            match order {
                Order::C => a.fill_rows(fill)?,
                Order::Fortran => a.fill_columns(fill)?,
            }
            a.close()
        })?)
    }

    fn fill(&self, by_columns: bool) -> Result<Report> {
        let shape = (self.bytes / 4 / COLUMNS, COLUMNS);
        report(self.ctx.measure(|ctx| {
            let mut a = DenseMut::<f32>::create(shape, Order::C, AWAY, ctx)?;
            if by_columns {
                a.fill_columns(fill)?
            } else {
                a.fill_rows(fill)?
            }
            a.freeze()
        }))
    }
}

/// Some numbers of a line.
fn fill<T: Element + From<u8>>(line: usize, elements: &mut [T]) {
    elements.iter_mut().enumerate().for_each(|(at, x)| *x = T::from((line ^ at) as u8));
}
