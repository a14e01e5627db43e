//! What `docs/tool.md` says, run as a script.

use std::process::Command;

use crate::shell::Shell;

/// The sessions in `docs/tool.md` print what stands there, but for seconds.
#[test]
fn the_sessions_of_the_documentation_run() {
    let shell = Shell::new();
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
        assert_eq!(printed, expected, "{command}");
        run += 1;
    }
    assert!(run > 12, "only {run} commands found");
}
