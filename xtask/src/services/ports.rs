//! Whether a port of 127.0.0.1 is free, and who has it if not.
//!
//! Asked before a service is started: one that cannot listen may take half a minute to say so, and
//! a stranger on its port may look like a service that is ready.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN` in the kernel's tcp_states.h).
const LISTENING: &str = "0A";

/// Whether a service could listen on `port`.
///
/// # Errors
/// If that cannot be found out, for example without the right to use such a port.
pub(super) fn is_free(port: u16) -> io::Result<bool> {
    // std sets SO_REUSEADDR, so connections that linger after a stop do not count.
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(false),
        Err(error) => Err(error),
    }
}

/// A connection to `port`, for asking a service whether it is ready.
///
/// # Errors
/// If nobody listens.
pub(super) fn connect(port: u16) -> Result<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("nobody listens on port {port} yet"))
}

/// Who listens on a port, as far as the kernel tells us.
#[derive(Debug, PartialEq)]
pub(super) enum Holder {
    /// A process of ours, or any process if we are root.
    Process {
        pid: u32,
        program: String,
        folder: PathBuf,
    },
    /// Somebody whose processes we may not look into, or a process that is ending.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process {
                pid,
                program,
                folder,
            } => write!(
                formatter,
                "{program}, process {pid}, started in {}",
                folder.display()
            ),
            Self::Unknown => formatter
                .write_str("a process that is just ending, or that this user may not look into"),
        }
    }
}

/// Looks for the process that listens on `port`.
pub(super) fn holder(port: u16) -> Holder {
    let sockets: Vec<u64> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .flat_map(|text| listeners(&text, port))
        .collect();
    super::daemon::processes()
        .find(|pid| has_socket(*pid, &sockets))
        .map_or(Holder::Unknown, describe)
}

fn describe(pid: u32) -> Holder {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let program = fs::read_to_string(folder.join("comm")).unwrap_or_default();
    Holder::Process {
        pid,
        program: program.trim().to_owned(),
        folder: fs::read_link(folder.join("cwd")).unwrap_or_default(),
    }
}

/// Inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp`.
fn listeners(text: &str, port: u16) -> Vec<u64> {
    let suffix = format!(":{port:04X}");
    text.lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            // sl local remote state queues timer retransmits uid timeout inode
            let (local, state, inode) = (columns.get(1)?, columns.get(3)?, columns.get(9)?);
            (local.ends_with(&suffix) && *state == LISTENING).then_some(inode.parse().ok()?)
        })
        .collect()
}

fn has_socket(pid: u32, sockets: &[u64]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files
        .filter_map(Result::ok)
        .filter_map(|file| fs::read_link(file.path()).ok())
        .filter_map(|link| socket(&link))
        .any(|inode| sockets.contains(&inode))
}

/// The inode in `socket:[12345]`.
fn socket(link: &Path) -> Option<u64> {
    let text = link.to_str()?;
    text.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:4A94 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41237 1 0000000000000000 100 0 0 10 0
   1: 0100007F:4A94 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 41999 1 0000000000000000 20 4 30 10 -1
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 50001 1 0000000000000000 100 0 0 10 0
";

    #[test]
    fn only_listeners_of_that_port_count() {
        let check = |port, expected: &[u64]| assert_eq!(listeners(TABLE, port), expected, "{port}");
        check(19_092, &[41_237]);
        check(8080, &[50_001]);
        check(0xC350, &[]);
    }

    #[test]
    fn a_socket_is_known_by_its_link() {
        assert_eq!(socket(Path::new("socket:[41237]")), Some(41_237));
        assert_eq!(socket(Path::new("/dev/null")), None);
        assert_eq!(socket(Path::new("pipe:[7]")), None);
    }

    #[test]
    fn a_taken_port_is_told_with_its_process() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        assert!(!is_free(port).expect("may bind"));
        let Holder::Process { pid, folder, .. } = holder(port) else {
            panic!("our own process was not found");
        };
        assert_eq!(pid, std::process::id());
        assert_eq!(folder, std::env::current_dir().expect("a folder"));
        drop(listener);
        // A child that another test is just starting may hold a copy for a moment.
        let begun = crate::process::now();
        while !is_free(port).expect("may bind") && begun.elapsed().as_secs() < 20 {
            crate::run::pause();
        }
        assert!(is_free(port).expect("may bind"));
    }

    #[test]
    fn a_listener_on_every_address_takes_the_port_too() {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        assert!(!is_free(port).expect("may bind"));
    }
}
