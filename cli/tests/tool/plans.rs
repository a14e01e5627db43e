//! What commands would cost, step by step.

use crate::shell::Shell;

#[test]
fn every_step_of_a_command_has_its_cost() {
    let shell = Shell::new();
    shell.run("create poisson p.bspnpy 20 20");
    shell.run("create poisson small.bspnpy 5 5");
    shell.run("convert p.bspnpy p.mtx");
    shell.run("convert p.bspnpy o.bspnpy --to coo");
    let before = shell.names();
    for (command, steps) in [
        ("convert p.bspnpy q.mtx --dtype float32 --to csc", 3),
        ("convert p.mtx q.bspnpy", 1),
        ("convert p.mtx q.bspnpy --to csc", 2),
        ("convert o.bspnpy q.npz --drop-zeros", 3),
        ("convert p.bspnpy q.npy", 1),
        ("add p.bspnpy p.mtx s.mtx", 3),
        ("slice o.bspnpy s.bspnpy --rows :3", 2),
        ("symmetrize p.bspnpy s.bspnpy --how lower", 3),
        ("solve p.mtx ones x.npy", 3),
        ("solve p.bspnpy ones x.npy --precond ilu0", 3),
        ("stats o.bspnpy s.csv", 3),
        ("info p.mtx --stats", 4),
        ("pagerank p.mtx r.npy", 3),
        ("create rmat r.bspnpy 6", 2),
        ("svd p.bspnpy s.npy", 1),
        ("verify p.bspnpy", 1),
        ("verify p.bspnpy o.bspnpy", 2),
        ("pca small.bspnpy s.npy -k 2 --method exact", 3),
        ("pca small.bspnpy s.npy -k 2 --method randomized", 3),
    ] {
        let plan = shell.json(&format!("{command} --plan"));
        let found = plan["steps"].as_array().unwrap();
        assert_eq!((found.len(), &plan["complete"]), (steps, &true.into()), "{command}: {plan}");
        let sum = |name: &str| found.iter().map(|step| step[name].as_u64().unwrap()).sum::<u64>();
        for name in ["passes", "bytes_read", "bytes_written"] {
            assert_eq!(plan[name].as_u64(), Some(sum(name)), "{command}: {name}");
        }
    }
    assert_eq!(shell.names(), before, "nothing is made");
    for method in ["exact", "randomized"] {
        let plan = shell.json(&format!("pca small.bspnpy s.npy -k 2 --method {method} --plan"));
        let written = plan["steps"].as_array().unwrap().last().unwrap()["bytes_written"].as_u64();
        assert!(written.unwrap() >= 25 * 2 * 8, "{plan}");
    }
    let plan = shell.run("convert p.bspnpy q.mtx --to csc --plan");
    assert!(plan.starts_with("operation      CSR to CSC, then writing Matrix Market\n"), "{plan}");
    // What cannot be done is not planned.
    assert!(shell.fails(2, "convert p.bspnpy p.mtx --plan").contains("already exists"));
    assert!(shell.fails(2, "matmul p.bspnpy p.bspnpy p.bspnpy --plan").contains("already exists"));
}

#[test]
fn a_pipe_is_not_received_for_a_plan() {
    let (printed, _) = Shell::new().pipe("0 1\n", "convert - a.mtx --plan --json");
    let plan: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&plan["operation"], &plan["complete"]),
        (&"receiving a stream".into(), &false.into())
    );
}
