//! A plan of an operation that will fail fails as the operation does; one of a solve tells what it costs.

use std::fs;
use std::path::Path;

use outcore::graph::{PageRankOptions, pagerank, pagerank_over};
use outcore::io::matrix_market::{Reader, write_dense, write_sparse};
use outcore::linalg::{LinearOperator, MinPlus, Operator};
use outcore::solve::{SolveOptions, cg};
use outcore::spectral::{SvdOptions, pca, randomized_svd};
use outcore::{
    ByRows, Context, Coo, CooBuilder, Csc, Csr, Dense, Duplicates, ErrorKind, Order, Permutation,
    Place, Result,
};
use tempfile::tempdir;

/// An operation that makes a result at a place.
type Making<'a> = (&'static str, Box<dyn Fn(&Place, &Context) -> Result<()> + 'a>);

/// What operations work on.
struct Inputs {
    csr: Csr<f64>,
    other: Csr<f64>,
    csc: Csc<f64>,
    coo: Coo<f64>,
    c: Dense<f64>,
    f: Dense<f64>,
    order: Permutation,
    text: std::path::PathBuf,
}

fn inputs(folder: &Path) -> Inputs {
    let ctx = Context::new();
    let csr = Csr::<f64>::random((300, 300), 0.1, 3, folder.join("in"), &ctx).unwrap();
    let text = folder.join("in.mtx");
    write_sparse(&text, &csr, "", &ctx).unwrap();
    Inputs {
        other: Csr::random((300, 300), 0.05, 5, Place::Memory, &ctx).unwrap(),
        csc: csr.to_csc(Place::Memory, &ctx).unwrap(),
        coo: csr.to_coo(Place::Memory, &ctx).unwrap(),
        c: csr.to_dense(Order::C, folder.join("c.npy"), &ctx).unwrap(),
        f: csr.to_dense(Order::Fortran, Place::Memory, &ctx).unwrap(),
        order: Permutation::new((0..300).rev().collect()).unwrap(),
        csr,
        text,
    }
}

macro_rules! making {
    ($($name:literal: |$place:ident, $ctx:ident| $work:expr),* $(,)?) => {
        vec![$(($name, Box::new(move |$place: &Place, $ctx: &Context| $work.map(drop)) as _)),*]
    };
}

/// Operations whose result is a folder.
fn sparse(of: &Inputs) -> Vec<Making<'_>> {
    let Inputs { csr, other, csc, coo, c, f, order, text } = of;
    let keep = Duplicates::Keep;
    making! {
        "CSR to CSC": |place, ctx| csr.to_csc(place, ctx),
        "CSC to CSR": |place, ctx| csc.to_csr(place, ctx),
        "CSR to COO": |place, ctx| csr.to_coo(place, ctx),
        "COO to CSR": |place, ctx| coo.to_csr::<u32>(keep, place, ctx),
        "COO to CSC": |place, ctx| coo.to_csc::<u64>(Duplicates::Sum, place, ctx),
        "copy of CSR": |place, ctx| csr.copy_to(place, ctx),
        "copy of COO": |place, ctx| coo.copy_to(place, ctx),
        "dense to CSR": |place, ctx| c.to_csr::<u32, u32>(place, ctx),
        "dense to CSC": |place, ctx| c.to_csc::<u32, u32>(place, ctx),
        "Fortran to CSR": |place, ctx| f.to_csr::<u32, u32>(place, ctx),
        "dense to COO": |place, ctx| f.to_coo::<u32>(place, ctx),
        "triplets": |place, ctx| {
            Csr::<f64>::from_triplets_with((9, 9), [(1, 2, 3.0)], keep, place, ctx)
        },
        "builder": |place, ctx| {
            let mut builder = CooBuilder::<f64, u32, ByRows>::with_types((9, 9), ctx)?;
            builder.push(1, 2, 3.0)?;
            builder.finish::<u32>(keep, place, ctx)
        },
        "stack of rows": |place, ctx| Csr::vstack(&[csr, other], place, ctx),
        "stack of columns": |place, ctx| Csr::hstack(&[csr, other], place, ctx),
        "some columns": |place, ctx| csr.slice(0..300, 10..200, place, ctx),
        "permuted": |place, ctx| csr.permute(order, order, place, ctx),
        "permuted, in the other axis": |place, ctx| csc.permute(order, None, place, ctx),
        "sum": |place, ctx| csr.add(other, place, ctx),
        "difference": |place, ctx| csr.sub(other, place, ctx),
        "elementwise product": |place, ctx| csr.multiply(other, place, ctx),
        "Kronecker product": |place, ctx| csr.row_range(0..3)?.kron(other, place, ctx),
        "function of values": |place, ctx| csr.map_values(place, ctx, |x| 2.0 * x),
        "scaled rows": |place, ctx| csr.scale_rows(&vec![2.0; 300], place, ctx),
        "product": |place, ctx| csr.matmul(other, place, ctx),
        "product over a semiring": |place, ctx| csr.matmul_with(MinPlus::new(), other, place, ctx),
        "identity": |place, ctx| Csr::<f64>::diags((90, 90), &[(0, &[1.0; 90][..])], place, ctx),
        "grid": |place, ctx| Csr::<f64>::poisson(&[9, 9], place, ctx),
        "random": |place, ctx| Csr::<f64>::random((90, 90), 0.1, 1, place, ctx),
        "text to CSR": |place, ctx| Reader::open(text)?.read_csr::<f64, u32, u32>(place, ctx),
        "text to CSC": |place, ctx| Reader::open(text)?.read_csc::<f64, u32, u32>(place, ctx),
    }
}

/// Operations whose result is one file.
fn dense(of: &Inputs) -> Vec<Making<'_>> {
    let Inputs { csr, csc, coo, c, f, text, .. } = of;
    making! {
        "CSR to dense": |place, ctx| csr.to_dense(Order::C, place, ctx),
        "CSC to dense": |place, ctx| csc.to_dense(Order::C, place, ctx),
        "COO to dense": |place, ctx| coo.to_dense(Order::Fortran, place, ctx),
        "copy of dense": |place, ctx| c.copy_to(place, ctx),
        "another order": |place, ctx| c.to_order(Order::Fortran, place, ctx),
        "back to C": |place, ctx| f.to_order(Order::C, place, ctx),
        "function of elements": |place, ctx| c.map(place, ctx, |x| 2.0 * x),
        "function of pairs": |place, ctx| c.zip_map(c, place, ctx, |x, y| x + y),
        "stack of dense rows": |place, ctx| Dense::vstack(&[c, c], place, ctx),
        "stack of dense columns": |place, ctx| Dense::hstack(&[c, c], place, ctx),
        "dense product": |place, ctx| c.matmul(f, place, ctx),
        "file to dense": |place, ctx| {
            Dense::<f64>::read(c.buffer().file().unwrap().0, place, ctx)
        },
        "text to dense": |place, ctx| Reader::open(text)?.read_dense::<f64>(place, ctx),
    }
}

/// Names in a folder and the bytes behind them.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => found.push((entry.path(), entry.metadata().unwrap().len())),
        }
    }
    found.sort();
    found
}

#[test]
fn what_will_fail_fails_when_it_is_planned() {
    let (here, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let (inputs, path) = (inputs(here.path()), |name: &str| folder.path().join(name));
    fs::write(path("notes.txt"), "mine").unwrap();
    fs::create_dir_all(path("letters/old")).unwrap();
    fs::write(path("letters/old/a.txt"), "mine").unwrap();
    fs::write(path("file.npy"), "no array").unwrap();
    let free = Context::new().scratch(folder.path());
    let lost = free.clone().scratch(path("nowhere"));
    let small = free.clone().memory_limit(1500);
    let refused = [
        ("taken", Place::from(path("notes.txt")), &free),
        ("a folder that is taken", Place::from(path("letters")), &free),
        ("no folder", Place::from(path("nowhere/result")), &free),
        ("a file for a folder", Place::from(path("notes.txt/result")), &free),
        ("no name", Place::from(path("letters/..")), &free),
        ("a text to replace", Place::Replace(path("notes.txt")), &free),
        ("a folder of texts to replace", Place::Replace(path("letters")), &free),
        ("no folder to replace in", Place::Replace(path("nowhere/result")), &free),
        ("no scratch folder", Place::Scratch, &lost),
        ("a small limit", Place::Memory, &small),
    ];
    let built = ["builder", "text to CSR", "text to CSC"];
    let before = contents(folder.path());
    let operations: Vec<_> = sparse(&inputs).into_iter().chain(dense(&inputs)).collect();
    for (name, operation) in &operations {
        for (why, place, ctx) in &refused {
            let run = operation(place, ctx).map_err(|e| e.kind());
            let planned = ctx.plan(|ctx| operation(place, ctx)).map_err(|e| e.kind());
            // How many entries will be kept is guessed, and triplets may fall together: too many are seen on the way.
            let guessed = planned.as_ref().is_ok_and(|plan| plan.entries.is_some());
            let on_the_way = *place == Place::Memory && (guessed || built.contains(name));
            if !on_the_way || run != Err(ErrorKind::Memory) {
                assert_eq!(planned.map(drop), run, "{name}, {why}");
            }
            assert!(run.is_err() || *place == Place::Memory, "{name}, {why}");
        }
        let fine = [Place::Memory, Place::Scratch, Place::from(path("result"))];
        for place in fine.into_iter().chain([Place::Replace(path("result"))]) {
            let plan = free.plan(|ctx| operation(&place, ctx)).unwrap();
            assert!(!plan.operation.is_empty(), "{name}");
        }
        assert_eq!(contents(folder.path()), before, "{name}");
    }
}

#[test]
fn results_too_large_for_their_types_are_refused_when_planned() {
    let ctx = Context::new();
    let tall = Csr::<(), u32, u32>::from_parts((1, 1_500_000_000), vec![0, 1], vec![5], vec![()]);
    let tall = tall.unwrap();
    let of_many = Csr::<(), u32, u32>::from_parts(
        (2, 70_000),
        vec![0, 0, 70_000],
        (0..70_000).collect::<Vec<u32>>(),
        vec![(); 70_000],
    )
    .unwrap();
    for place in [Place::Memory, Place::Scratch] {
        let refused: [(&str, &dyn Fn(&Context) -> Result<()>); 3] = [
            ("columns side by side", &|ctx| Csr::hstack(&[&tall, &tall], &place, ctx).map(drop)),
            ("pairs of columns", &|ctx| tall.kron(&tall, &place, ctx).map(drop)),
            ("pairs of entries", &|ctx| of_many.kron(&of_many, &place, ctx).map(drop)),
        ];
        for (name, operation) in refused {
            let (run, planned) = (operation(&ctx).unwrap_err(), ctx.plan(operation).unwrap_err());
            assert_eq!((run.kind(), planned.kind()), (ErrorKind::Type, ErrorKind::Type), "{name}");
        }
    }
}

#[test]
fn a_text_that_is_planned_is_not_written() {
    let folder = tempdir().unwrap();
    let (inputs, ctx) = (inputs(folder.path()), Context::new());
    let path = folder.path().join("out.mtx");
    let before = contents(folder.path());
    let plans = [
        ctx.plan(|ctx| write_sparse(&path, &inputs.csr, "", ctx)).unwrap(),
        ctx.plan(|ctx| write_dense(&path, &inputs.c, "", ctx)).unwrap(),
    ];
    assert!(plans.iter().all(|plan| plan.cost.bytes_written > 0));
    assert_eq!(contents(folder.path()), before);
    let nowhere = folder.path().join("nowhere/out.mtx");
    let planned = ctx.plan(|ctx| write_sparse(&nowhere, &inputs.csr, "", ctx)).unwrap_err();
    let run = write_sparse(&nowhere, &inputs.csr, "", &ctx).unwrap_err();
    assert_eq!(planned.kind(), run.kind());
}

#[test]
fn a_solve_is_planned_whole_and_by_the_iteration() {
    let folder = tempdir().unwrap();
    let a = Csr::<f64>::poisson(&[200, 200], folder.path().join("a"), &Context::new()).unwrap();
    let (b, x0) = (vec![1.0; 40_000], vec![0.5; 40_000]);
    let ctx = Context::new().memory_limit(3 << 20);
    let bytes = a.bytes();
    let options = SolveOptions { maxiter: Some(30), x0: Some(&x0), ..SolveOptions::default() };
    let plan = ctx.plan(|ctx| cg(&a, &b, &options, ctx)).unwrap();
    assert_eq!(plan.operation, "conjugate gradients");
    let each = plan.per_iteration.unwrap();
    assert!((1..=2).contains(&each.passes), "{plan}");
    assert!(each.bytes_read.abs_diff(bytes) < bytes / 20 && each.seconds > 0.0, "{plan}");
    assert!((31..=32).contains(&plan.cost.passes), "{plan}");
    assert!(plan.cost.bytes_read >= 30 * each.bytes_read && plan.cost.seconds >= each.seconds);
    assert!(plan.to_string().contains("at most") && plan.to_string().contains("each iteration"));
    let (solved, report) = ctx.measure(|ctx| cg(&a, &b, &options, ctx)).unwrap();
    assert_eq!(solved.iterations, 30);
    assert!(report.actual.passes <= report.plan.cost.passes, "{report}");
    assert!(report.actual.bytes_read <= report.plan.cost.bytes_read, "{report}");
    assert!(report.actual.peak_memory <= report.plan.cost.peak_memory, "{report}");
    // Without a most, ten for each unknown; and what is pinned is not read again.
    let large = Context::new().memory_limit(bytes * 3 / 4 + (4 << 20));
    let operator = Operator::new(&a, &large).unwrap();
    let plan = large.plan(|ctx| cg(&operator, &b, &SolveOptions::default(), ctx)).unwrap();
    assert!(plan.cost.passes >= 400_000, "{plan}");
    assert!(plan.per_iteration.unwrap().bytes_read < bytes, "{plan}");
    // Arguments that are refused are refused before anything is planned.
    let error = ctx.plan(|ctx| cg(&a, &b[1..], &options, ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    let little = Context::new().memory_limit(1 << 20);
    assert_eq!(little.plan(|ctx| cg(&a, &b, &options, ctx)).unwrap_err().kind(), ErrorKind::Memory);
}

#[test]
fn other_algorithms_of_many_passes_are_planned_whole() {
    let folder = tempdir().unwrap();
    let ctx = Context::new();
    let a = Csr::<f64>::random((3000, 3000), 0.01, 3, folder.path().join("a"), &ctx).unwrap();
    let dense = a.row_range(0..400).unwrap().to_dense(Order::C, Place::Memory, &ctx).unwrap();
    let plan = ctx
        .plan(|ctx| randomized_svd::<f64>(&a, 3, &SvdOptions::default(), Place::Memory, ctx))
        .unwrap();
    assert_eq!((plan.operation, plan.cost.passes), ("randomized SVD", 6));
    assert_eq!(
        ctx.plan(|ctx| pca(&dense, 2, Place::Memory, ctx)).unwrap().operation,
        "principal components"
    );
    let options = PageRankOptions { maxiter: 25, ..PageRankOptions::default() };
    let plan = ctx.plan(|ctx| pagerank(&a, &options, ctx)).unwrap();
    assert_eq!((plan.operation, plan.cost.passes), ("PageRank", 25));
    assert!(plan.per_iteration.unwrap().passes == 1, "{plan}");
    let sums = a.matvec(&vec![1.0; 3000]).unwrap();
    // One pass more, to see that the sums are those of the graph.
    let plan = ctx.plan(|ctx| pagerank_over(&a, &sums, &options, ctx)).unwrap();
    assert_eq!(plan.cost.passes, 26);
    // An edge that is there twice: the graph is sorted first.
    let coo = Coo::<f64>::from_triplets((3, 3), [(0, 1, 1.0), (0, 1, 2.0), (1, 2, 1.0)]).unwrap();
    let twice: Csr<f64> = coo.to_csr(Duplicates::Keep, Place::Memory, &ctx).unwrap();
    let plan = ctx.plan(|ctx| pagerank(&twice, &options, ctx)).unwrap();
    assert!(plan.operation == "PageRank" && plan.cost.passes > 25, "{plan}");
    let _ = LinearOperator::<f64>::shape(&a);
}
