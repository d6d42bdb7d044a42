//! Questions to the kernel about what it permits this process. Each is answered by asking or
//! trying, never by comparing version numbers. Changes nothing.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// Capabilities that loading and attaching need, by bit number (`linux/capability.h`), name, and
/// what for.
const NEEDED: [(u32, &str); 3] = [(39, "CAP_BPF"), (38, "CAP_PERFMON"), (12, "CAP_NET_ADMIN")];
/// Before 5.8, and still today, this one stands for BPF and PERFMON.
const CAP_SYS_ADMIN: u32 = 21;

/// Names of the capabilities that this process lacks for the kernel part.
pub(super) fn missing_capabilities() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    missing(effective(&status))
}

/// The kernel's release, such as `6.18.1`.
pub(super) fn kernel_release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// Whether the kernel describes its own types, which programs that look into kernel structures
/// need. Accounting does not.
pub(super) fn has_btf() -> bool {
    Path::new("/sys/kernel/btf/vmlinux").exists()
}

/// The soft limit named `name` in `/proc/self/limits`; none if it is unlimited or not there.
pub(super) fn soft_limit(name: &str) -> Option<u64> {
    limit(&fs::read_to_string("/proc/self/limits").ok()?, name)
}

/// Makes and closes a ring with the flags that the workers use.
///
/// # Errors
/// What the kernel said: ENOSYS if there is no io_uring, EPERM if it is forbidden, EINVAL if a
/// flag is unknown (before 6.1).
#[allow(
    unsafe_code,
    reason = "no safe wrapper shows why a ring cannot be made"
)]
pub(super) fn make_ring() -> io::Result<()> {
    use std::os::fd::{FromRawFd, OwnedFd};

    /// `struct io_uring_params` (`linux/io_uring.h`), of which only the flags matter here.
    #[repr(C)]
    struct Parameters {
        head: [u32; 2],
        flags: u32,
        rest: [u32; 27],
    }
    const _: () = assert!(size_of::<Parameters>() == 120);
    const COOP_TASKRUN: u32 = 1 << 8;
    const SINGLE_ISSUER: u32 = 1 << 12;
    const DEFER_TASKRUN: u32 = 1 << 13;

    let mut parameters = Parameters {
        head: [0; 2],
        flags: COOP_TASKRUN | SINGLE_ISSUER | DEFER_TASKRUN,
        rest: [0; 27],
    };
    // SAFETY: the kernel reads and writes 120 bytes at the pointer, which is what it points to.
    let result = unsafe { libc::syscall(libc::SYS_io_uring_setup, 8_u32, &raw mut parameters) };
    let descriptor = i32::try_from(result).map_err(io::Error::other)?;
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor, and nobody else knows it.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    Ok(())
}

/// Whether two sockets may listen on one port, as the workers do.
///
/// # Errors
/// What the kernel said.
pub(super) fn share_port() -> io::Result<()> {
    let listen = |address: SocketAddr| {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            None,
        )?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        socket.listen(1)?;
        Ok::<_, io::Error>(socket)
    };
    let first = listen(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = first
        .local_addr()?
        .as_socket()
        .ok_or_else(|| io::Error::other("a TCP socket without an address"))?;
    listen(address).map(drop)
}

/// Whether `address` is free to listen on. Listens for a moment.
///
/// # Errors
/// What the kernel said: in use, forbidden, or not an address of this machine.
pub(super) fn port_is_free(address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address).map(drop)
}

/// Bits of the effective capabilities, from `/proc/self/status`.
fn effective(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0)
}

fn missing(effective: u64) -> Vec<&'static str> {
    let has = |bit: u32| effective >> bit & 1 == 1;
    NEEDED
        .iter()
        .filter(|(bit, name)| !has(*bit) && (*name == "CAP_NET_ADMIN" || !has(CAP_SYS_ADMIN)))
        .map(|(_, name)| *name)
        .collect()
}

fn limit(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_status() {
        let check = |bits: &str, expected: &[&str]| {
            let status = format!("Name:\tx\nCapPrm:\t0\nCapEff:\t{bits}\nCapBnd:\tff\n");
            assert_eq!(missing(effective(&status)), expected, "{bits}");
        };
        check("000001ffffffffff", &[]);
        check(
            "0000000000000000",
            &["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"],
        );
        check("0000008000000000", &["CAP_PERFMON", "CAP_NET_ADMIN"]);
        check("000000c000001000", &[]);
        // SYS_ADMIN stands for BPF and PERFMON, not for NET_ADMIN.
        check("0000000000200000", &["CAP_NET_ADMIN"]);
        check("0000000000201000", &[]);
        assert_eq!(missing(effective("")).len(), 3);
    }

    #[test]
    fn limits_are_read_by_name() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max open files            1024                 1048576              files\n\
                    Max locked memory         unlimited            unlimited            bytes\n";
        assert_eq!(limit(text, "Max open files"), Some(1024));
        assert_eq!(limit(text, "Max locked memory"), None);
        assert_eq!(limit(text, "Max nonsense"), None);
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("it has an address");
        let error = port_is_free(address).expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(taken);
        port_is_free(address).expect("it is free again");
    }

    #[test]
    fn two_workers_may_share_a_port() {
        share_port().expect("every Linux that we run on has SO_REUSEPORT");
    }
}
