//! What `docs/tool.md` says, run as a script.

use std::path::Path;
use std::process::Command;

use crate::shell::Shell;

/// Whether two lines are the same. The last digits of a difference and of a norm are rounding errors, which depend on
/// the processor.
fn is_same(a: &str, b: &str) -> bool {
    let number = |line: &str| {
        let digits = line.strip_prefix("difference ").or(line.strip_prefix("norm "))?;
        digits.trim().parse::<f64>().ok()
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-3 * b.abs(),
        _ => a == b,
    }
}

/// The sessions in `docs/tool.md` print what stands there, but for seconds.
#[test]
fn the_sessions_of_the_documentation_run() {
    let shell = Shell::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["cells.h5ad", "cells.scanpy.npy"] {
        std::fs::copy(data.join(name), shell.path().join(name)).unwrap();
    }
    let text = include_str!("../../../docs/tool.md");
    let (mut run, mut inside) = (0, false);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            inside = fence == "console";
            continue;
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| inside) else { continue };
        let mut expected = Vec::new();
        while let Some(more) =
            lines.next_if(|next| !next.starts_with("$ ") && !next.starts_with("```"))
        {
            expected.push(more);
        }
        if let Some(text) = command.strip_prefix("printf '") {
            let (text, file) = text.split_once("' > ").unwrap();
            std::fs::write(shell.path().join(file), text.replace("\\n", "\n").replace("%%", "%"))
                .unwrap();
            continue;
        }
        if let Some(file) = command.strip_prefix("gzip ") {
            let status = Command::new("gzip").arg(file).current_dir(shell.path()).status();
            assert!(status.unwrap().success(), "{command}");
            continue;
        }
        let out = shell.outcome(command.strip_prefix("outcore ").unwrap());
        let printed = [out.stdout, out.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        // Memory depends on what the machine has, seconds on its speed.
        let steady = |line: &&str| !line.starts_with("seconds") && !line.starts_with("memory");
        let printed: Vec<&str> = printed.lines().filter(steady).collect();
        let expected: Vec<&str> = expected.into_iter().filter(steady).collect();
        let same = printed.len() == expected.len()
            && printed.iter().zip(&expected).all(|(a, b)| is_same(a, b));
        assert!(same, "{command}:\n{}\nand not\n{}", printed.join("\n"), expected.join("\n"));
        run += 1;
    }
    assert!(run > 12, "only {run} commands found");
}
