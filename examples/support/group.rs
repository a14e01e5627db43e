//! Control groups with a memory limit, versions 1 and 2, and what the kernel counts in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A control group of this process, removed at the end.
pub(crate) struct Group {
    path: PathBuf,
    /// The file that tells the most memory ever used.
    peak: &'static str,
}

impl Group {
    /// A group in which everything counts, the page cache too; `None` where none can be made, which usually takes root.
    pub(crate) fn new(limit: u64) -> Option<Self> {
        let name = format!("outcore-{}", std::process::id());
        let versions = [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"),
            ("/sys/fs/cgroup", "memory.max", "memory.peak"),
        ];
        versions.into_iter().find_map(|(root, knob, peak)| {
            let path = Path::new(root).join(&name);
            fs::create_dir(&path).ok()?;
            let group = Group { path, peak };
            fs::write(group.path.join(knob), limit.to_string()).ok().map(|()| group)
        })
    }

    /// Runs this program once more, in the group, with cold caches, and gives its standard output.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<String, String> {
        self.run_program(&std::env::current_exe().map_err(|e| e.to_string())?, arguments)
    }

    /// Runs a program in the group, with cold caches, and gives its standard output.
    pub(crate) fn run_program(
        &self,
        program: &Path,
        arguments: &[String],
    ) -> Result<String, String> {
        forget();
        let _ = fs::write(self.path.join(self.peak), "0");
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]);
        command.arg(self.path.join("cgroup.procs")).arg(program).args(arguments);
        output_of(&mut command)
    }

    /// The most memory used in the group since the last run began, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let text = fs::read_to_string(self.path.join(self.peak)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The last process leaves the group a moment after it ended.
        for _ in 0..20 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Runs this program once more, without a limit, with cold caches, and gives its standard output.
pub(crate) fn run_again(arguments: &[String]) -> Result<String, String> {
    run_program(&std::env::current_exe().map_err(|e| e.to_string())?, arguments)
}

/// Runs a program without a limit, with cold caches, and gives its standard output.
pub(crate) fn run_program(program: &Path, arguments: &[String]) -> Result<String, String> {
    forget();
    output_of(Command::new(program).args(arguments))
}

fn output_of(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| e.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}: {}", output.status, said.trim()))
        }
    }
}

/// Writes what is dirty to the device and drops the page cache, where the system allows it.
pub(crate) fn forget() {
    let _ = Command::new("sync").status();
    let _ = fs::write("/proc/sys/vm/drop_caches", "3");
}

/// Bytes of a limit left to the program itself: its code, its stacks, what the kernel keeps for it.
pub(crate) fn besides(limit: u64) -> u64 {
    (limit / 16).clamp(24 << 20, 64 << 20)
}

/// Bytes of `64MiB`, `1GiB`, `1G` or a plain number.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[digits.len()..].to_ascii_lowercase();
    let unit: u64 = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return Err(format!("{text} is no size: 64MiB, 1GiB or a number of bytes")),
    };
    let number: f64 = digits.parse().map_err(|_| format!("{text} is no size"))?;
    Ok((number * unit as f64) as u64)
}

/// Bytes that this process read from and wrote to devices so far, by the kernel's count.
pub(crate) fn device_bytes() -> (u64, u64) {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    };
    (field("read_bytes:"), field("write_bytes:"))
}
