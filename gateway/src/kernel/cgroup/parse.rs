//! What `/proc/self/cgroup` and `/proc/self/mountinfo` say about cgroup v2. Texts in, paths out.

use std::path::{Component, Path, PathBuf};

/// A mount of cgroup v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Mount {
    /// The cgroup that is shown at `point`: `/` unless a part of the hierarchy was mounted.
    root: PathBuf,
    /// Where it is mounted.
    pub(in crate::kernel) point: PathBuf,
}

impl Mount {
    /// The folder of the cgroup `path` (as `/proc/self/cgroup` names it), if the mount shows it.
    pub(super) fn directory_of(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        // `/..` is a cgroup outside of our cgroup namespace.
        if path.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        let below = path.strip_prefix(&self.root).ok()?;
        // Joining nothing would leave a slash at the end.
        Some(self.point.join(below).components().collect())
    }
}

/// The process's place in cgroup v2: the line whose hierarchy is 0 and which names no controller.
pub(super) fn own_path(text: &str) -> Option<&str> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    // The cgroup was removed under a process that is in it; nothing can be attached to it.
    (!path.ends_with(" (deleted)")).then_some(path)
}

/// The first mount of cgroup v2 that shows the whole hierarchy, else the first at all.
///
/// A line: `38 31 0:38 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw`. The fields
/// before the lone hyphen vary in number (proc(5)).
pub(super) fn mount(text: &str) -> Option<Mount> {
    let mounts: Vec<Mount> = text.lines().filter_map(mount_of_line).collect();
    mounts
        .iter()
        .find(|mount| mount.root == Path::new("/"))
        .or_else(|| mounts.first())
        .cloned()
}

fn mount_of_line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    if after.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = before.split(' ').skip(3);
    Some(Mount {
        root: unescape(fields.next()?).into(),
        point: unescape(fields.next()?).into(),
    })
}

/// Undoes the kernel's `\040` for blanks and the like.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let code = escaped
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                rest = &escaped[3..];
            }
            None => {
                out.push('\\');
                rest = escaped;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
38 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
    const PURE_V2: &str = "\
25 29 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw
26 25 0:23 / /sys/fs/cgroup rw,nosuid,nodev shared:8 master:1 - cgroup2 cgroup2 rw,nsdelegate
";
    const BOUND: &str = "700 690 0:26 /docker/4f2a /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,memory_recursiveprot\n";

    #[test]
    fn own_path_is_the_line_without_controllers() {
        let check = |text, expected| assert_eq!(own_path(text), expected, "{text}");
        check(
            "0::/user.slice/session-2.scope\n",
            Some("/user.slice/session-2.scope"),
        );
        check("9:name=systemd:/\n1:cpu:/jobs\n0::/\n", Some("/"));
        check("2:cpu,cpuacct:/a\n1:name=systemd:/b\n", None);
        check("0::/gone (deleted)\n", None);
        check("", None);
    }

    #[test]
    fn the_mount_is_found_by_type() {
        let check = |text: &str, root: &str, point: &str| {
            let expected = Mount {
                root: root.into(),
                point: point.into(),
            };
            assert_eq!(mount(text), Some(expected), "{text}");
        };
        check(HYBRID, "/", "/sys/fs/cgroup/unified");
        check(PURE_V2, "/", "/sys/fs/cgroup");
        check(BOUND, "/docker/4f2a", "/sys/fs/cgroup");
        check(&format!("{BOUND}{PURE_V2}"), "/", "/sys/fs/cgroup");
        check(
            "1 2 0:3 / /mnt/my\\040groups rw - cgroup2 none rw\n",
            "/",
            "/mnt/my groups",
        );
        // A folder or an option of that name is no type.
        assert_eq!(mount("1 2 0:3 / /cgroup2 rw - tmpfs cgroup2 rw\n"), None);
        assert_eq!(
            mount("32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n"),
            None
        );
        assert_eq!(mount("nonsense - \n\n"), None);
    }

    #[test]
    fn a_path_is_looked_up_below_the_mount() {
        let check = |root: &str, path: &str, expected: Option<&str>| {
            let mount = Mount {
                root: root.into(),
                point: "/sys/fs/cgroup".into(),
            };
            // As texts, because paths are equal with and without a slash at their end.
            let found = mount.directory_of(path);
            let found = found.as_ref().map(|path| path.display().to_string());
            assert_eq!(found.as_deref(), expected, "{root} {path}");
        };
        check("/", "/", Some("/sys/fs/cgroup"));
        check(
            "/",
            "/system.slice/stoa.service",
            Some("/sys/fs/cgroup/system.slice/stoa.service"),
        );
        // A container that sees its own part of the hierarchy under the whole one's names.
        check("/docker/4f2a", "/docker/4f2a", Some("/sys/fs/cgroup"));
        check("/docker/4f2a", "/docker/4f2a/x", Some("/sys/fs/cgroup/x"));
        check("/docker/4f2a", "/docker/4f2abc", None);
        check("/docker/4f2a", "/", None);
        // Outside of our cgroup namespace.
        check("/", "/../sibling", None);
    }
}
