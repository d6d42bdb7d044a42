//! The data plane: one thread per core, each with its own runtime, listener, pools and counters.
//!
//! A request never changes thread, and nothing here blocks or locks.

pub mod ahead;
pub mod buffers;
pub mod census;
pub mod clock;
pub mod connection;
pub mod core;
pub mod deadline;
#[cfg(test)]
pub(crate) mod fixture;
pub mod io;
pub mod notice;
pub mod stream;
pub mod streams;
pub mod tick;

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use self::core::{Core, Ends, Shared};
use crate::limits::PEER_SILENCE_MS_MAX;
use io::{AcceptStopper, Driver, Listener};

/// Connections waiting to be accepted by one worker.
const BACKLOG: i32 = 4096;
/// Pause after an accept that failed for want of descriptors or memory, so that it does not spin.
const ACCEPT_PAUSE_MS: u64 = 50;
/// How often a draining worker looks whether its last connection is gone.
const DRAIN_LOOK_MS: u64 = 10;

/// Binds one listening socket for each worker to the same address (`SO_REUSEPORT`): the kernel spreads
/// connections. Port 0 takes a free one, the same for all.
///
/// # Errors
/// As bind(2): the address is taken or not ours.
pub fn bind(address: SocketAddr, workers: usize) -> std::io::Result<Vec<TcpListener>> {
    let mut sockets = Vec::with_capacity(workers);
    let mut address = address;
    for _ in 0..workers.max(1) {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            None,
        )?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        // Accepted sockets have it from their listener.
        socket.set_tcp_user_timeout(Some(Duration::from_millis(PEER_SILENCE_MS_MAX)))?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from(socket);
        address = listener.local_addr()?;
        sockets.push(listener);
    }
    Ok(sockets)
}

/// Whether someone else already listens on `address`. `SO_REUSEPORT` would let a second gateway share the
/// port silently, and half of the calls would go to each.
#[must_use]
pub fn is_taken(address: SocketAddr) -> bool {
    if address.port() == 0 {
        return false;
    }
    let probe = || -> std::io::Result<()> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            None,
        )?;
        socket.set_reuse_address(true)?;
        // Binding alone tells: it fails beside a listening socket that does not share with us. Listening
        // would take connections, which closing the probe resets.
        socket.bind(&address.into())
    };
    matches!(probe(), Err(error) if error.kind() == std::io::ErrorKind::AddrInUse)
}

/// Starts one worker on a thread of its own. The thread ends after a drain.
///
/// # Errors
/// The thread could not be started.
pub fn start(
    index: usize,
    cpu: Option<usize>,
    driver: Driver,
    listener: TcpListener,
    shared: Arc<Shared>,
    ends: Ends,
) -> std::io::Result<JoinHandle<std::io::Result<()>>> {
    std::thread::Builder::new()
        .name(format!("stoa-worker-{index}"))
        .spawn(move || {
            if let Some(cpu) = cpu {
                io::pin_to_cpu(cpu);
            }
            io::run(driver, async move {
                let core = Rc::new(Core::new(index, shared, ends));
                serve(&core, Listener::new(listener)?).await;
                Ok(())
            })?
        })
}

async fn serve(core: &Rc<Core>, listener: Listener) {
    let (stopper, handle) = AcceptStopper::new();
    io::spawn_vital(tick::run(Rc::clone(core), stopper));
    loop {
        match listener.accept(handle.clone()).await {
            Ok((socket, peer)) => connection::accept(core, socket, peer),
            Err(error) if io::is_stopped(&error) => break,
            Err(error) => {
                core.notify(
                    "listener",
                    format!("cannot accept a connection: {error}"),
                    "",
                );
                io::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
    drop(listener);
    let grace_ns = core.shared.limits.grace_period_ms.saturating_mul(1_000_000);
    let end_ns = core.clock.now().mono_ns.saturating_add(grace_ns);
    while core.connections.get() > 0 && core.clock.now().mono_ns < end_ns {
        io::sleep(Duration::from_millis(DRAIN_LOOK_MS)).await;
    }
    core.hand_over();
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    /// What the kernel does after that time is its own; that callers' sockets have it is ours.
    #[test]
    fn every_callers_socket_bounds_the_silence_of_its_peer() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap().remove(0);
        let _caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (socket, _) = listener.accept().unwrap();
        let timeout = socket2::SockRef::from(&socket).tcp_user_timeout().unwrap();
        assert_eq!(timeout, Some(Duration::from_millis(PEER_SILENCE_MS_MAX)));
    }
}
