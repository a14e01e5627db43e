//! Several commands that write one output at once: one of them does.

use std::process::Stdio;

use crate::shell::Shell;

#[test]
fn of_several_commands_that_write_one_output_one_succeeds() {
    let shell = Shell::new();
    shell.run("create poisson a.bspnpy 200 200");
    shell.run("create random d.npy.bspnpy 40 40 --density 0.3");
    for line in [
        "convert a.bspnpy b.npz",
        "convert a.bspnpy b.mtx",
        "convert a.bspnpy b.petsc",
        "convert a.bspnpy b.csv",
        "convert a.bspnpy b.bspnpy",
        "convert a.bspnpy c.bspnpy --to csc",
        "convert d.npy.bspnpy d.npy",
        "transpose a.bspnpy t.npz",
        "transpose a.bspnpy t.bspnpy",
        "components a.bspnpy v.csv",
    ] {
        let start = |_| {
            let mut command = shell.command(line);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..4).map(start).collect();
        let mut written = 0;
        for child in children {
            let out = child.wait_with_output().unwrap();
            let error = String::from_utf8(out.stderr).unwrap();
            match out.status.code() {
                Some(0) => written += 1,
                code => {
                    assert_eq!(code, Some(2), "{line}: {error}");
                    assert!(error.contains("already exists"), "{line}: {error}");
                }
            }
        }
        assert_eq!(written, 1, "{line}");
        shell.fails(2, line);
        shell.run(&format!("{line} --overwrite"));
    }
    assert!(!shell.names().iter().any(|name| name.contains(".tmp-")), "{:?}", shell.names());
}
