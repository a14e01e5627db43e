//! Pictures: that they are written, in which format, and what the numbers beside them say.

use crate::shell::Shell;

/// Width and height of a PNG.
fn extents(shell: &Shell, name: &str) -> (u32, u32) {
    let bytes = std::fs::read(shell.path().join(name)).unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
    let at = |k: usize| u32::from_be_bytes(bytes[k..k + 4].try_into().unwrap());
    (at(16), at(20))
}

#[test]
fn every_kind_of_matrix_has_a_picture() {
    let shell = Shell::new();
    shell.run("create rmat a.bspnpy 9");
    let entries = shell.json("info a.bspnpy")["entries"].as_u64().unwrap();
    for step in [
        "convert a.bspnpy b.bspnpy --to csc",
        "convert a.bspnpy c.bspnpy --to coo",
        "convert a.bspnpy d.npy",
        "convert d.npy e.npy --order fortran",
    ] {
        shell.run(step);
    }
    let mut pictures = Vec::new();
    for name in ["a.bspnpy", "b.bspnpy", "c.bspnpy", "d.npy", "e.npy"] {
        let drawn = shell.json(&format!("spy {name} {name}.png --size 200 --title same"));
        assert_eq!(drawn["entries"], entries, "{name}");
        assert_eq!(drawn["dots"], serde_json::json!([200, 200]));
        pictures.push(std::fs::read(shell.path().join(format!("{name}.png"))).unwrap());
    }
    // One matrix has one picture, however it is stored, on any number of threads and in little memory.
    shell.run("spy a.bspnpy f.png --size 200 --title same --threads 1 --memory-limit 4MiB");
    pictures.push(std::fs::read(shell.path().join("f.png")).unwrap());
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
    let (width, height) = extents(&shell, "f.png");
    assert!((250..400).contains(&width) && (230..320).contains(&height), "{width} x {height}");
    shell.run("spy a.bspnpy a.svg --size 100");
    let svg = std::fs::read_to_string(shell.path().join("a.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("data:image/png;base64,"), "{svg}");
    assert!(svg.contains("512 × 512"));
    let error = shell.fails(2, "spy a.bspnpy a.jpg");
    assert!(error.contains(".png or .svg"), "{error}");
    let error = shell.fails(2, "spy a.bspnpy f.png");
    assert!(error.contains("--overwrite"), "{error}");
    shell.run("spy a.bspnpy f.png --overwrite");
}

#[test]
fn matrices_without_rows_or_entries_have_pictures_too() {
    let shell = Shell::new();
    shell.write("e.mtx", "%%MatrixMarket matrix coordinate real general\n3 3 0\n");
    shell.write("n.mtx", "%%MatrixMarket matrix coordinate real general\n0 5 0\n");
    for name in ["e", "n"] {
        assert_eq!(shell.json(&format!("spy {name}.mtx {name}.png"))["entries"], 0);
        for what in ["rows", "columns", "values"] {
            shell.run(&format!("plot {what} {name}.mtx {name}-{what}.png --term"));
        }
    }
    shell.run("plot degrees e.mtx e-degrees.svg");
    let error = shell.fails(2, "plot degrees n.mtx n-degrees.svg");
    assert!(error.contains("plot rows"), "{error}");
}

#[test]
fn charts_say_in_numbers_what_they_show() {
    let shell = Shell::new();
    shell.write("g.txt", "0 1\n0 2\n0 3\n1 2\n");
    let rows = shell.json("plot rows g.txt rows.png");
    assert_eq!((&rows["longest"], &rows["empty"]), (&3.into(), &2.into()));
    let degrees = shell.json("plot degrees g.txt degrees.svg");
    assert_eq!(degrees["largest_in_degree"], 2);
    let svg = std::fs::read_to_string(shell.path().join("degrees.svg")).unwrap();
    assert!(svg.contains(">out degree</text>") && svg.contains("4 vertices"), "{svg}");
    shell.run("create poisson p.bspnpy 8 8");
    let values = shell.json("plot values p.bspnpy v.png");
    assert_eq!((&values["min"], &values["values"]), (&(-1.0).into(), &288.into()));
    assert_eq!(extents(&shell, "v.png"), (1440, 920));
    let solved = shell.run("solve p.bspnpy ones x.npy --json --history h.npy");
    shell.write("s.json", &solved);
    let history = serde_json::from_str::<serde_json::Value>(&solved).unwrap()["history"].clone();
    let lines: Vec<String> = history
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(k, norm)| format!("{k},{norm}"))
        .collect();
    shell.write("h.csv", &format!("iteration,residual\n{}\n", lines.join("\n")));
    let mut all = Vec::new();
    for input in ["s.json", "h.npy", "h.csv"] {
        all.push(
            shell.json(&format!("plot convergence {input} c.png --overwrite"))["iterations"]
                .clone(),
        );
    }
    assert!(all[0].as_u64().unwrap() > 3 && all.iter().all(|n| *n == all[0]), "{all:?}");
    let drawn = shell.run("plot convergence h.csv --term");
    assert!(drawn.contains("iteration") && drawn.lines().count() > 18, "{drawn}");
    shell.write("bad.csv", "1.0\nx\n");
    assert!(shell.fails(2, "plot convergence bad.csv b.png").contains("line 2"));
    shell.write("bad.json", "{\"history\": 3}");
    assert!(shell.fails(2, "plot convergence bad.json b.png").contains("history"));
    shell.fails(2, "plot convergence h.csv");
}
