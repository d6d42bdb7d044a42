//! Connections with known numbers of bytes, ended in every way that TCP knows.

use super::process::wait_until;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use stoa_gateway::kernel::Kernel;

/// What the kernel counted for one listener and direction, without retransmits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) active: u64,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
}

impl Totals {
    /// The same connections seen from their other end.
    pub(crate) fn mirrored(&self) -> Self {
        Self {
            received_bytes: self.sent_bytes,
            sent_bytes: self.received_bytes,
            ..*self
        }
    }

    /// What came after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            opened: self.opened - earlier.opened,
            closed: self.closed - earlier.closed,
            active: self.active,
            received_bytes: self.received_bytes - earlier.received_bytes,
            sent_bytes: self.sent_bytes - earlier.sent_bytes,
        }
    }
}

/// Reads the kernel's numbers for one listener and direction.
pub(crate) fn counted(kernel: &Kernel, listener: u16, direction: &str) -> Totals {
    let mut totals = Totals::default();
    for counter in kernel.counters() {
        if counter.listener != listener || counter.direction != direction {
            continue;
        }
        match counter.name {
            "stoa_kernel_connections_opened_total" => totals.opened = counter.value,
            "stoa_kernel_connections_closed_total" => totals.closed = counter.value,
            "stoa_kernel_connections_active" => totals.active = counter.value,
            "stoa_kernel_received_bytes_total" => totals.received_bytes = counter.value,
            "stoa_kernel_sent_bytes_total" => totals.sent_bytes = counter.value,
            _ => {}
        }
    }
    totals
}

/// Opens `count` connections to `listener`, exchanges bytes, ends each in another way. Returns
/// what the listener's side must have been counted.
pub(crate) fn run(listener: &TcpListener, count: usize) -> Totals {
    let address = listener.local_addr().expect("bound");
    let mut totals = Totals::default();
    for number in 0..count {
        let request = vec![1; 1 + (number * 379) % 9_000];
        let answer = vec![2; (number * 7_919) % 200_000];
        let mut agent = TcpStream::connect(address).expect("our own listener");
        let (mut gateway, _) = listener.accept().expect("an agent waits");
        agent.write_all(&request).expect("writable");
        gateway
            .read_exact(&mut vec![0; request.len()])
            .expect("all of the request");
        // More than the buffers hold, so the two ends need a thread each.
        std::thread::scope(|scope| {
            scope.spawn(|| gateway.write_all(&answer).expect("writable"));
            agent
                .read_exact(&mut vec![0; answer.len()])
                .expect("all of the answer");
        });
        end(number % ENDINGS, agent, gateway);
        totals.opened += 1;
        totals.closed += 1;
        totals.received_bytes += request.len() as u64;
        totals.sent_bytes += answer.len() as u64;
    }
    totals
}

const ENDINGS: usize = 8;

/// Ends a connection in the way of that number.
fn end(way: usize, mut agent: TcpStream, mut gateway: TcpStream) {
    let mut nothing = Vec::new();
    match way {
        // Each side closes, one after the other; neither waits for the other's FIN.
        0 => {
            drop(agent);
            drop(gateway);
        }
        1 => {
            drop(gateway);
            drop(agent);
        }
        // Half-close: the first waits for the second's FIN.
        2 => {
            agent.shutdown(Shutdown::Write).expect("open");
            gateway.read_to_end(&mut nothing).expect("readable");
            drop(gateway);
            agent.read_to_end(&mut nothing).expect("readable");
        }
        3 => {
            gateway.shutdown(Shutdown::Write).expect("open");
            agent.read_to_end(&mut nothing).expect("readable");
            drop(agent);
            gateway.read_to_end(&mut nothing).expect("readable");
        }
        // Both at once.
        4 => std::thread::scope(|scope| {
            scope.spawn(|| agent.shutdown(Shutdown::Write).expect("open"));
            gateway.shutdown(Shutdown::Write).expect("open");
        }),
        // Resets, by either side. Bytes count once they are acknowledged, and a reset leaves no
        // time for that, so it is waited for.
        5 => reset(agent, gateway),
        6 => reset(gateway, agent),
        // A reset after the other side has closed.
        _ => {
            gateway.shutdown(Shutdown::Write).expect("open");
            agent.read_to_end(&mut nothing).expect("readable");
            reset(agent, gateway);
        }
    }
}

fn reset(first: TcpStream, second: TcpStream) {
    for side in [&first, &second] {
        wait_until("all bytes are acknowledged", || unacknowledged(side) == 0);
    }
    let socket = socket2::SockRef::from(&first);
    socket
        .set_linger(Some(std::time::Duration::ZERO))
        .expect("settable");
    drop(first);
    drop(second);
}

/// Bytes sent and not yet acknowledged: SIOCOUTQ (tcp(7)), which has TIOCOUTQ's number.
fn unacknowledged(socket: &TcpStream) -> i32 {
    let mut bytes = 0_i32;
    // SAFETY: the descriptor is open, and the kernel writes one int to the pointer.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
    bytes
}
