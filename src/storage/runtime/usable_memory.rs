//! How much memory the process may use: that of the machine, or less if one of its control groups says so.
//!
//! Control groups are nested. The smallest limit on the path from the process's own group up to the root is the one
//! that applies. Version 2 has one tree for all controllers, version 1 one for memory; a machine can have both mounted.
//! The group of the process is in `/proc/self/cgroup`, the mount points of the trees are in `/proc/self/mountinfo`.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// Bytes of physical memory, or of the smallest limit of a control group where that is less; determined once.
pub(super) fn usable_memory() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let limits = limits(Path::new("/"));
        limits.iter().map(|limit| limit.bytes).fold(physical_memory(), u64::min)
    })
}

fn physical_memory() -> u64 {
    let info = rustix::system::sysinfo();
    (info.totalram as u64).saturating_mul(u64::from(info.mem_unit.max(1)))
}

/// Something that limits the memory of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// The file of a control group that sets the limit; `None` for the memory of the machine.
    pub set_by: Option<PathBuf>,
    /// The limit.
    pub bytes: u64,
}

/// All that limits the memory of this process, the smallest first: the memory of the machine, and the control groups
/// of the process and of their parents, of both versions. Three quarters of the smallest are the memory limit of a new
/// [`Context`](crate::Context).
///
/// ```
/// let limits = outcore::memory_limits();
/// println!("{} bytes, set by {:?}", limits[0].bytes, limits[0].set_by);
/// # assert!(outcore::Context::new().memory_limit_bytes() <= limits[0].bytes);
/// ```
pub fn memory_limits() -> Vec<MemoryLimit> {
    let mut limits = limits(Path::new("/"));
    limits.push(MemoryLimit { set_by: None, bytes: physical_memory() });
    limits.sort_by_key(|limit| limit.bytes);
    limits
}

/// The limits that the control groups of the process set, with the file system at `root`.
fn limits(root: &Path) -> Vec<MemoryLimit> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let (groups, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let mut limits = Vec::new();
    for group in groups.lines() {
        // "4:memory:/a/b" of version 1, "0::/a/b" of version 2.
        let mut fields = group.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let tree = match controllers {
            "" => Tree { kind: "cgroup2", option: None, file: "memory.max" },
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                Tree { kind: "cgroup", option: Some("memory"), file: "memory.limit_in_bytes" }
            }
            _ => continue,
        };
        for (mounted, top) in tree.mounts(&mounts) {
            limits.extend(tree.limits(root, &mounted, inside(path, &top)));
        }
    }
    limits
}

/// A tree of control groups.
struct Tree {
    /// The type of its file system.
    kind: &'static str,
    /// What the file system was mounted with.
    option: Option<&'static str>,
    /// The file that holds a group's limit.
    file: &'static str,
}

impl Tree {
    /// Where the tree is mounted, and which of its groups is the top there.
    fn mounts(&self, mounts: &str) -> Vec<(PathBuf, PathBuf)> {
        let of_tree = |line: &str| {
            // "36 35 98:0 /top /mounted rw,noatime shared:1 - cgroup cgroup rw,memory"
            let (place, system) = line.split_once(" - ")?;
            let mut place = place.split(' ').skip(3);
            let (top, mounted) = (place.next()?, place.next()?);
            let mut system = system.split(' ');
            let right = system.next()? == self.kind;
            let mut options = system.nth(1)?.split(',');
            let right = right && self.option.is_none_or(|option| options.any(|o| o == option));
            right.then(|| (unescaped(mounted), unescaped(top)))
        };
        mounts.lines().filter_map(of_tree).collect()
    }

    /// The limits from a group up to the top.
    fn limits(&self, root: &Path, mounted: &Path, group: &Path) -> Vec<MemoryLimit> {
        let mounted = root.join(mounted.strip_prefix("/").unwrap_or(mounted));
        let limits = group.ancestors().filter_map(|group| {
            let file = mounted.join(group).join(self.file);
            // "max" is not a number: no limit.
            let bytes = fs::read_to_string(&file).ok()?.trim().parse().ok()?;
            Some(MemoryLimit { set_by: Some(file), bytes })
        });
        limits.collect()
    }
}

/// The path of a group below the top of a mount; the top itself if the group is outside.
///
/// A process outside the visible tree of a container sees its group as "/../other".
fn inside<'a>(group: &'a str, top: &Path) -> &'a Path {
    let group = Path::new(group);
    let below = group.strip_prefix(top).or_else(|_| group.strip_prefix("/")).unwrap_or(group);
    let names_only = below.components().all(|part| matches!(part, Component::Normal(_)));
    if names_only { below } else { Path::new("") }
}

/// A path from the mount table, where blanks are octal escapes.
fn unescaped(path: &str) -> PathBuf {
    let mut path = path.to_owned();
    for (escaped, plain) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        path = path.replace(escaped, plain);
    }
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "30 25 0:26 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n\
                      31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
    const V2: &str = "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";

    /// A file system with the groups of a process, mounts, and the limits of the given groups.
    fn limit_of(groups: &str, mounts: &str, set: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().unwrap();
        let files = [("proc/self/cgroup", groups), ("proc/self/mountinfo", mounts)];
        for (path, text) in files.iter().chain(set) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        limits(root.path()).into_iter().map(|limit| limit.bytes).min().unwrap_or(u64::MAX)
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts_in_both_versions() {
        let limits = [
            ("sys/fs/cgroup/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "5000\n"),
            ("sys/fs/cgroup/a/b/memory.max", "9000\n"),
            ("sys/fs/cgroup/a/b/c/memory.max", "max\n"),
            ("sys/fs/cgroup/other/memory.max", "1\n"),
        ];
        assert_eq!(limit_of("0::/a/b/c\n", V2, &limits), 5000);
        assert_eq!(limit_of("0::/a/b\n", V2, &limits[2..]), 9000);
        assert_eq!(limit_of("0::/\n", V2, &limits), u64::MAX);
        let limits = [
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "7000\n"),
            ("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "6000\n"),
            ("sys/fs/cgroup/cpu/a/b/memory.limit_in_bytes", "1\n"),
        ];
        assert_eq!(limit_of("5:cpu,cpuacct:/a/b\n4:memory:/a/b\n", V1, &limits), 6000);
        assert_eq!(limit_of("4:memory:/a\n", V1, &limits), 7000);
        assert_eq!(limit_of("4:memory:/\n", V1, &limits), 9_223_372_036_854_771_712);
    }

    #[test]
    fn both_trees_may_be_mounted_at_once_and_names_hold_blanks() {
        let mounts = format!(
            "{V1}32 25 0:28 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw,nsdelegate\n"
        );
        let limits = [
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "7000\n"),
            ("sys/fs/cgroup/uni fied/x:y/memory.max", "400\n"),
        ];
        assert_eq!(limit_of("4:memory:/a\n0::/x:y\n", &mounts, &limits), 400);
    }

    #[test]
    fn a_container_shows_a_part_of_the_tree() {
        // Mounted from its own group down, with the path as the machine sees it, or as the container does.
        let mounts = "30 25 0:26 /box/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let limits =
            [("sys/fs/cgroup/memory.max", "800\n"), ("sys/fs/cgroup/in/memory.max", "300\n")];
        assert_eq!(limit_of("0::/box/1/in\n", mounts, &limits), 300);
        assert_eq!(limit_of("0::/box/1\n", mounts, &limits), 800);
        assert_eq!(limit_of("0::/in\n", mounts, &limits), 300);
        // Outside the visible tree: at least the top is known.
        assert_eq!(limit_of("0::/../2\n", V2, &limits), 800);
    }

    #[test]
    fn a_machine_without_groups_has_no_limit() {
        assert_eq!(limit_of("", "", &[]), u64::MAX);
        assert_eq!(limit_of("nonsense\n4:memory\n", "30 25 - cgroup\n", &[]), u64::MAX);
    }
}
