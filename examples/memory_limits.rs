//! Every operation on inputs several times larger than the memory it is given, held to it by a control group.
//!
//! Each operation runs once without a limit and once more, as a process of its own, in a control group whose limit counts
//! everything, the page cache too. Both must give the same bits. A process that needs more is killed by the system and
//! counts as failed here.

mod support;

use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use outcore::linalg::{LinearOperator, Operator};
use outcore::solve::{CgOptions, cg};
use outcore::{Context, Coo, Csc, Csr, Dense, DenseMut, Duplicates, Order, Place, Result, verify};
use support::group::Group;
use support::{Outcome, harmonic, timed};

const HELP: &str = "\
memory_limits [LIMIT_MB] [FACTOR]

Runs every operation on inputs FACTOR (4) times as large as a memory limit of LIMIT_MB (64), in a control group with
that limit, and compares the results with those of a run without one. Says so and ends if control groups cannot be made
here, which usually takes root.";

/// Bytes of the limit left to the program itself: its code, its stacks, what the system keeps for it.
const BESIDES: u64 = 24 << 20;

/// An operation: reads its input from a folder, gives a digest of its result.
type Case = (&'static str, fn(&Path, &Context) -> Result<u64>);

const CASES: &[Case] = &[
    ("CSR: A x, prepared", |folder, ctx| products(&Csr::<f64>::open(folder.join("csr"))?, ctx)),
    ("CSC: A x, prepared", |folder, ctx| products(&Csc::<f64>::open(folder.join("csc"))?, ctx)),
    ("dense: X v, prepared", |folder, ctx| {
        products(&Dense::<f64>::open(folder.join("c.npy"))?, ctx)
    }),
    ("dense Fortran: X v, prepared", |folder, ctx| {
        products(&Dense::<f64>::open(folder.join("f.npy"))?, ctx)
    }),
    ("CSR: Aᵀ x, once", |folder, ctx| {
        let a = Csr::<f64>::open(folder.join("csr"))?;
        let mut y = vec![0.0; a.ncols()];
        a.apply_adjoint(&harmonic(a.nrows()), &mut y, ctx)?;
        Ok(digest(&y))
    }),
    ("conjugate gradients", |folder, ctx| {
        let a = Csr::<f64>::open(folder.join("band"))?;
        let operator = Operator::with_vectors(&a, 48 * a.nrows() as u64, ctx)?;
        let options = CgOptions { rtol: 0.0, maxiter: Some(5), ..Default::default() };
        Ok(digest(&cg(&operator, &harmonic(a.nrows()), &options, ctx)?.x))
    }),
    ("CSR to CSC", |folder, ctx| {
        let csc = Csr::<f64>::open(folder.join("csr"))?.to_csc(Place::Scratch, ctx)?;
        Ok(digest(csc.indices()) ^ digest(csc.data()).rotate_left(1))
    }),
    ("COO to CSR", |folder, ctx| {
        let csr = Coo::<f64>::open(folder.join("coo"))?.to_csr::<u32>(
            Duplicates::Sum,
            Place::Scratch,
            ctx,
        )?;
        Ok(digest(csr.indices()) ^ digest(csr.data()).rotate_left(1))
    }),
    ("dense to CSR", |folder, ctx| {
        let csr: Csr<f64> =
            Dense::<f64>::open(folder.join("c.npy"))?.to_csr(Place::Scratch, ctx)?;
        Ok(digest(csr.indices()) ^ digest(csr.data()).rotate_left(1))
    }),
    ("CSR to dense", |folder, ctx| {
        let a = Csr::<f64>::open(folder.join("csr"))?;
        let rows = a.row_range(0..a.nrows() / 512)?;
        Ok(digest(rows.to_dense(Order::C, Place::Scratch, ctx)?.as_slice()))
    }),
    ("filling by columns", |folder, ctx| {
        let shape = Dense::<f64>::open(folder.join("c.npy"))?.dim();
        let mut a = DenseMut::<f64>::create(Place::Scratch, shape, Order::C, ctx)?;
        a.fill_columns(|j, column| {
            column.iter_mut().enumerate().for_each(|(i, x)| *x = (i ^ j) as f64)
        })?;
        Ok(digest(a.freeze()?.as_slice()))
    }),
    ("copying and verifying", |folder, ctx| {
        let path = folder.join("copy");
        let copy =
            Csr::<f64>::open(folder.join("csr"))?.copy_to(Place::Replace(path.clone()), ctx)?;
        verify(&path, ctx)?;
        Ok(digest(copy.data()))
    }),
];

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, case, folder, limit] = arguments.as_slice()
        && flag == "--case"
    {
        return child(case, Path::new(folder), limit.parse()?);
    }
    let (_, arguments) = support::arguments(HELP, &[])?;
    let number = |k: usize, default: u64| arguments.get(k).map_or(Ok(default), |text| text.parse());
    let (limit, factor) = (number(0, 64)? << 20, number(1, 4)?);
    let Some(group) = Group::new(limit) else {
        println!("skipped: no control group with a memory limit can be made here");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    make_inputs(folder.path(), (limit * factor) as usize)?;
    println!("limit {} MiB, inputs of {} MiB", limit >> 20, (limit * factor) >> 20);
    let mut failed = 0;
    for (name, case) in CASES {
        let expected = case(folder.path(), &Context::new())?;
        let arguments = ["--case", name, &folder.path().to_string_lossy()].map(str::to_owned);
        let arguments = [&arguments[..], &[(limit - BESIDES).to_string()]].concat();
        let (found, seconds) = timed(|| group.run(&arguments));
        let verdict = match found.map(|text| text.trim().parse::<u64>()) {
            Ok(Ok(found)) if found == expected => "the same bits".to_owned(),
            Ok(_) => "WRONG: other bits".to_owned(),
            Err(reason) => format!("FAILED: {reason}"),
        };
        failed += usize::from(verdict != "the same bits");
        println!(
            "    {name:30} {seconds:8.2} s   peak {:6.1} MiB   {verdict}",
            group.peak() as f64 / 1048576.0
        );
    }
    if failed > 0 { Err(format!("{failed} operations failed").into()) } else { Ok(()) }
}

/// Runs one case and prints its digest: what the process in the control group does.
fn child(name: &str, folder: &Path, limit: u64) -> Outcome {
    let (_, case) = CASES.iter().find(|(known, _)| *known == name).ok_or("no such case")?;
    println!("{}", case(folder, &Context::new().memory_limit(limit))?);
    Ok(())
}

/// Products with one vector, with its transpose and with three vectors, twice each, so that pinned panels are used.
fn products<M>(matrix: &M, ctx: &Context) -> Result<u64>
where
    M: outcore::linalg::Panelled + LinearOperator<f64>,
    Operator<M>: LinearOperator<f64>,
{
    let (nrows, ncols) = LinearOperator::shape(matrix);
    let operator = Operator::with_vectors(matrix, 64 * (nrows + ncols) as u64, ctx)?;
    let (mut y, mut z, mut block) = (vec![0.0; nrows], vec![0.0; ncols], vec![0.0; 3 * nrows]);
    for _ in 0..2 {
        operator.apply(&harmonic(ncols), &mut y, ctx)?;
        operator.apply_adjoint(&harmonic(nrows), &mut z, ctx)?;
        operator.apply_block(3, &harmonic(3 * ncols), &mut block, ctx)?;
    }
    Ok(digest(&y) ^ digest(&z).rotate_left(1) ^ digest(&block).rotate_left(2))
}

/// A number that changes with any bit of the elements.
fn digest<T: outcore::Entry>(elements: &[T]) -> u64 {
    let mut hasher = DefaultHasher::new();
    elements.chunks(1 << 16).for_each(|part| hasher.write(bytemuck::cast_slice(part)));
    hasher.finish()
}

/// Matrices of about `bytes` bytes each.
fn make_inputs(folder: &Path, bytes: usize) -> Result<()> {
    let ctx = Context::new();
    let (nrows, ncols) = (bytes / 1600, bytes / 3200);
    let density = bytes as f64 / 12.0 / (nrows as f64 * ncols as f64);
    let csr = Csr::<f64>::random((nrows, ncols), density, 1, folder.join("csr"), &ctx)?;
    csr.to_csc(folder.join("csc"), &ctx)?;
    csr.to_coo(folder.join("coo"), &ctx)?;
    // Symmetric and positive definite, and so wide a band that its vectors are small beside it.
    let n = bytes / 12 / 129;
    let (one, other) = (vec![200.0; n], vec![-1.0; n]);
    let bands: Vec<(isize, &[f64])> = (-64isize..=64)
        .map(|k| (k, if k == 0 { &one[..] } else { &other[k.unsigned_abs()..] }))
        .collect();
    Csr::<f64>::diags((n, n), &bands, folder.join("band"), &ctx)?;
    for (name, order) in [("c.npy", Order::C), ("f.npy", Order::Fortran)] {
        let mut dense =
            DenseMut::<f64>::create(folder.join(name), (bytes / 800, 100), order, &ctx)?;
        dense
            .as_mut_slice()
            .iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x = (i % 7 / 3) as f64 * 0.1);
        dense.close()?;
    }
    Ok(())
}
