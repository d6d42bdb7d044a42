//! `stoa-gateway doctor`: what this machine offers, one line a thing, with what to do about it.
//!
//! Everything is tried, not guessed: programs are loaded, a ring is made, ports are opened, files
//! are written. Nothing stays behind.

use super::{Kernel, Mode, cgroup, probe};
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

/// Descriptors below which a gateway runs out before it meets its own limits: the default limit
/// on connections, with as many again towards upstreams.
const OPEN_FILES_WANTED: u64 = 131_072;

/// What the gateway is configured with, as far as the machine must provide it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inputs<'a> {
    /// Addresses to listen on.
    pub listeners: &'a [SocketAddr],
    /// Where metering events are kept.
    pub spool: Option<&'a Path>,
    /// Folder with tools.
    pub catalog: Option<&'a Path>,
    /// File with API keys.
    pub keys: Option<&'a Path>,
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There and working.
    Ok,
    /// Not there; the gateway does without, with what the advice says.
    Off,
    /// The gateway will not start, or not work, like this.
    Bad,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What was looked at.
    pub what: String,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What a person can do; empty if nothing needs doing.
    pub advice: String,
}

impl Row {
    /// A line about something that works.
    pub fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(what, State::Ok, found, "")
    }

    /// A line about something that is missing, with what to do.
    pub fn new(
        what: impl Into<String>,
        state: State,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            state,
            found: found.into(),
            advice: advice.into(),
        }
    }
}

/// Looks at the machine. Takes a few tens of milliseconds.
pub fn examine(inputs: &Inputs<'_>) -> Vec<Row> {
    let mut rows = kernel_rows();
    rows.extend([ring(), open_files(), locked_memory(), shared_port()]);
    rows.extend(inputs.listeners.iter().map(|address| port(*address)));
    rows.extend(inputs.spool.map(spool));
    rows.extend(inputs.catalog.map(catalog));
    rows.extend(inputs.keys.map(keys));
    rows
}

/// Writes the report. Returns whether the gateway will start and work.
///
/// # Errors
/// If `out` cannot be written.
pub fn report(rows: &[Row], out: &mut dyn Write) -> io::Result<bool> {
    let width = rows.iter().map(|row| row.what.len()).max().unwrap_or(0);
    for row in rows {
        let state = match row.state {
            State::Ok => "ok",
            State::Off => "off",
            State::Bad => "BAD",
        };
        writeln!(out, "{state:<4} {:<width$}  {}", row.what, row.found)?;
        if !row.advice.is_empty() {
            writeln!(out, "     {:width$}  -> {}", "", row.advice)?;
        }
    }
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    let (off, bad) = (count(State::Off), count(State::Bad));
    writeln!(out)?;
    if bad > 0 {
        writeln!(out, "{bad} to mend before the gateway can work; {off} off")?;
    } else if off > 0 {
        writeln!(
            out,
            "the gateway will work; {off} off, with what that means above"
        )?;
    } else {
        writeln!(out, "everything is there")?;
    }
    Ok(bad == 0)
}

fn kernel_rows() -> Vec<Row> {
    let mut rows = vec![Row::ok("kernel", probe::kernel_release())];
    rows.push(if probe::has_btf() {
        Row::ok("kernel types (BTF)", "/sys/kernel/btf/vmlinux")
    } else {
        Row::new(
            "kernel types (BTF)",
            State::Off,
            "/sys/kernel/btf/vmlinux is not there",
            "accounting works without it; tools such as bpftool show less",
        )
    });
    rows.push(match cgroup::mount() {
        Ok(mount) => Row::ok("cgroup v2", format!("mounted on {}", mount.point.display())),
        Err(fault) => Row::new(
            "cgroup v2",
            State::Off,
            fault.to_string(),
            "mount it, or boot with systemd.unified_cgroup_hierarchy=1; until then the kernel counts nothing",
        ),
    });
    rows.push(match cgroup::own_directory() {
        Ok(directory) => Row::ok("own cgroup", directory.display().to_string()),
        Err(fault) => Row::new(
            "own cgroup",
            State::Off,
            fault.to_string(),
            "start the gateway inside the visible part of the hierarchy",
        ),
    });
    let missing = probe::missing_capabilities();
    rows.push(if missing.is_empty() {
        Row::ok("capabilities", "CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN")
    } else {
        Row::new(
            "capabilities",
            State::Off,
            format!("without {}", missing.join(", ")),
            "to use the kernel part: setcap cap_bpf,cap_perfmon,cap_net_admin+ep on the binary, the same under securityContext.capabilities.add, or root",
        )
    });
    // The only answer that counts: load it, attach it, and take it away again.
    let kernel = Kernel::start(Mode::Auto);
    rows.extend(
        kernel
            .into_iter()
            .flat_map(|kernel| kernel.features())
            .map(|feature| {
                let what = format!("kernel {}", feature.name);
                if feature.on {
                    Row::ok(what, format!("loaded and attached {}", feature.reason))
                } else {
                    let advice =
                        "connections and bytes are counted in user space; retransmits are not";
                    Row::new(what, State::Off, feature.reason, advice)
                }
            }),
    );
    rows
}

fn ring() -> Row {
    let what = "io_uring";
    let Err(error) = probe::make_ring() else {
        return Row::ok(what, "with SINGLE_ISSUER, COOP_TASKRUN, DEFER_TASKRUN");
    };
    let advice = match error.raw_os_error() {
        Some(libc::ENOSYS) => "this kernel or sandbox has none",
        Some(libc::EPERM | libc::EACCES) => {
            "forbidden: look at the sysctl kernel.io_uring_disabled and the container's seccomp profile"
        }
        Some(libc::EINVAL) => "a kernel before 6.1 lacks these flags",
        Some(libc::ENOMEM) => "raise the limit on locked memory (kernels before 5.12 count rings)",
        _ => "unexpected; please report it",
    };
    let advice = format!("{advice}; the gateway uses epoll, which costs more CPU for a call");
    Row::new(what, State::Off, error.to_string(), advice)
}

fn open_files() -> Row {
    let what = "open files (soft limit)";
    match probe::soft_limit("Max open files") {
        Some(limit) if limit < OPEN_FILES_WANTED => Row::new(
            what,
            State::Off,
            limit.to_string(),
            format!(
                "room for about {} agents; `ulimit -n {OPEN_FILES_WANTED}` or LimitNOFILE= gives more",
                limit / 2
            ),
        ),
        Some(limit) => Row::ok(what, limit.to_string()),
        None => Row::ok(what, "unlimited"),
    }
}

fn locked_memory() -> Row {
    let what = "locked memory (soft limit)";
    // Since 5.11 kernel maps, and since 5.12 rings, are charged to the cgroup instead.
    match probe::soft_limit("Max locked memory") {
        Some(limit) => Row::ok(what, format!("{} KiB", limit / 1024)),
        None => Row::ok(what, "unlimited"),
    }
}

fn shared_port() -> Row {
    match probe::share_port() {
        Ok(()) => Row::ok("SO_REUSEPORT", "a listener for each worker"),
        Err(error) => Row::new(
            "SO_REUSEPORT",
            State::Bad,
            error.to_string(),
            "workers share their port with it; this system's network stack lacks it",
        ),
    }
}

fn port(address: SocketAddr) -> Row {
    let what = format!("listen on {address}");
    let Err(error) = probe::port_is_free(address) else {
        return Row::ok(what, "free");
    };
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "something listens there; `ss -ltnp 'sport = :{}'` names it (a running gateway counts)",
            address.port()
        ),
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need CAP_NET_BIND_SERVICE; take a higher one with --port".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has this address".to_owned()
        }
        _ => "choose another address".to_owned(),
    };
    Row::new(what, State::Bad, error.to_string(), advice)
}

fn spool(folder: &Path) -> Row {
    let what = "spool";
    let place = folder.display().to_string();
    // The folder may not be there yet: the gateway makes it. What matters is its nearest parent.
    let existing = folder
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or_else(|| Path::new("."));
    match tempfile_in(existing) {
        Ok(()) => Row::ok(what, format!("{place} can be written")),
        Err(error) => Row::new(
            what,
            State::Bad,
            format!("{place}: {error}"),
            "metering events must go somewhere: let the gateway's user write there, or name another folder",
        ),
    }
}

/// Writes and removes a file in `folder`.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".stoa-doctor-{}", std::process::id()));
    let outcome = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)
        .and_then(|mut file| file.write_all(b"probe"));
    if outcome.is_ok() {
        fs::remove_file(&probe)?;
    }
    outcome
}

fn catalog(folder: &Path) -> Row {
    let what = "catalog";
    match fs::read_dir(folder) {
        Ok(entries) => Row::ok(
            what,
            format!("{} ({} entries)", folder.display(), entries.count()),
        ),
        Err(error) => Row::new(
            what,
            State::Bad,
            format!("{}: {error}", folder.display()),
            "make the folder, or name another with --catalog",
        ),
    }
}

fn keys(file: &Path) -> Row {
    let what = "keys";
    match fs::File::open(file) {
        Ok(_) => Row::ok(what, file.display().to_string()),
        Err(error) => Row::new(
            what,
            State::Bad,
            format!("{}: {error}", file.display()),
            "`stoa-gateway key create --keys FILE ...` makes the file with its first key",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rows: &[Row]) -> (String, bool) {
        let mut out = Vec::new();
        let works = report(rows, &mut out).expect("memory can be written");
        (String::from_utf8(out).expect("text"), works)
    }

    #[test]
    fn the_report_is_aligned_and_says_what_to_do() {
        let (text, works) = text(&[
            Row::ok("kernel", "6.18"),
            Row::new("io_uring", State::Off, "forbidden", "look at seccomp"),
        ]);
        assert_eq!(
            text,
            "ok   kernel    6.18\n\
             off  io_uring  forbidden\n               -> look at seccomp\n\n\
             the gateway will work; 1 off, with what that means above\n"
        );
        assert!(works);
    }

    #[test]
    fn one_bad_row_means_that_it_will_not_work() {
        let (text, works) = text(&[Row::new("keys", State::Bad, "missing", "make one")]);
        assert!(!works);
        assert!(text.contains("1 to mend"), "{text}");
    }

    #[test]
    fn configured_things_are_tried() {
        let folder = tempfile::tempdir().expect("a folder");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listeners = [taken.local_addr().expect("it has an address")];
        let missing = folder.path().join("missing");
        let keys_file = folder.path().join("keys");
        fs::write(&keys_file, "").expect("writable");
        let check = |row: Row, state: State, part: &str| {
            assert_eq!(row.state, state, "{row:?}");
            assert!(
                row.found.contains(part) || row.advice.contains(part),
                "{row:?}"
            );
        };
        check(port(listeners[0]), State::Bad, "something listens there");
        check(spool(&missing), State::Ok, "can be written");
        check(spool(&keys_file.join("x")), State::Bad, "Not a directory");
        check(catalog(folder.path()), State::Ok, "1 entries");
        check(catalog(&missing), State::Bad, "--catalog");
        check(keys(&keys_file), State::Ok, "keys");
        check(keys(&missing), State::Bad, "key create");
        // Nothing of the probes is left.
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_whole_examination_ends() {
        let rows = examine(&Inputs::default());
        assert!(rows.iter().any(|row| row.what == "io_uring"));
        assert!(rows.iter().any(|row| row.what == "kernel accounting"));
    }
}
