//! The only file that names the runtime: sockets, timers, tasks of one worker thread.
//!
//! Everything above it is written against these few types, so the runtime can be changed here. The ring
//! is built with `SINGLE_ISSUER | COOP_TASKRUN | DEFER_TASKRUN`, which is worth 27 % of a call at 32
//! connections; kernels before 6.1 refuse those flags and get a plain ring; where io_uring itself is
//! refused (seccomp profiles of container runtimes, `kernel.io_uring_disabled`) epoll serves.
#![allow(
    unsafe_code,
    reason = "a few calls of libc on descriptors that callers hold open"
)]

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use monoio::buf::IoBufMut;
use monoio::io::{
    AsyncReadRent, AsyncWriteRentExt, CancelHandle, Canceller, OwnedReadHalf, OwnedWriteHalf,
    Splitable,
};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

/// Submission queue entries of a worker's ring. A saturated worker queues a few per connection and
/// submits when full, so more only costs memory.
const RING_ENTRIES: u32 = 1024;

/// How long a busy task stands back: one step of the runtime's timers.
const TURN: Duration = Duration::from_millis(1);

/// What a worker's reads, writes and timers run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// io_uring with the tuned flags (kernel 6.1 or newer).
    UringTuned,
    /// io_uring with default flags.
    Uring,
    /// epoll.
    Epoll,
}

impl Driver {
    /// For logs and the metric `stoa_worker_driver`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Epoll => "epoll",
            Self::Uring => "io_uring",
            Self::UringTuned => "io_uring (single issuer, deferred task run)",
        }
    }

    /// The best driver that this machine builds.
    #[must_use]
    pub fn probe() -> Self {
        if !monoio::utils::detect_uring() {
            return Self::Epoll;
        }
        // A small ring is enough to see whether the flags are taken.
        match tuned_ring().build(8) {
            Ok(_) => Self::UringTuned,
            Err(_) => Self::Uring,
        }
    }
}

fn tuned_ring() -> io_uring::Builder {
    let mut builder = io_uring::IoUring::builder();
    builder
        .setup_single_issuer()
        .setup_coop_taskrun()
        .setup_defer_taskrun();
    builder
}

/// Runs `main` on this thread until it ends; tasks that it spawned end with it.
///
/// # Errors
/// The ring or epoll instance could not be made (descriptor or memory limits).
pub fn run<F: Future>(driver: Driver, main: F) -> io::Result<F::Output> {
    let output = match driver {
        Driver::Epoll => RuntimeBuilder::<LegacyDriver>::new()
            .with_entries(RING_ENTRIES)
            .enable_timer()
            .build()?
            .block_on(main),
        Driver::Uring => RuntimeBuilder::<IoUringDriver>::new()
            .with_entries(RING_ENTRIES)
            .enable_timer()
            .build()?
            .block_on(main),
        Driver::UringTuned => RuntimeBuilder::<IoUringDriver>::new()
            .with_entries(RING_ENTRIES)
            .uring_builder(tuned_ring())
            .enable_timer()
            .build()?
            .block_on(main),
    };
    Ok(output)
}

/// Starts a task on this worker. A panic ends that task alone: the runtime itself would let it end the
/// thread, and with it the calls of everyone else on this worker.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let task = contained(task);
    // The handle is only for waiting; dropping it does not stop the task.
    drop(monoio::spawn(async move {
        // The panic's hook has said what happened; the connection that it happened to is closed.
        let _ = task.await;
    }));
}

/// Starts a task that the worker cannot do without: a panic ends the process, whose supervisor starts it anew.
pub fn spawn_vital(task: impl Future<Output = ()> + 'static) {
    let task = contained(task);
    drop(monoio::spawn(async move {
        if task.await.is_err() {
            std::process::abort();
        }
    }));
}

/// Runs a future to its end or its panic. In a box, because an `async` block keeps what it was given beside
/// what it makes of it: pinned in place, a connection's 9 KB were held three times.
fn contained<T>(
    task: impl Future<Output = T> + 'static,
) -> impl Future<Output = std::thread::Result<T>> {
    let mut task = Box::pin(task);
    poll_fn(move |context| {
        // Not polled again after a panic, so what it left half done is only dropped.
        match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
}

/// Lets the other tasks of this worker and the ring run. Through a timer, because monoio 0.2.4 puts a task
/// that wakes itself at the front of its queue: it would yield to itself for ever.
pub async fn yield_now() {
    monoio::time::sleep(TURN).await;
}

/// Waits.
pub async fn sleep(duration: Duration) {
    monoio::time::sleep(duration).await;
}

/// Ends a wait early with `None`. Costs a timer entry: for connects, not for every read
/// (those have [`super::deadline`]).
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    monoio::time::timeout(duration, future).await.ok()
}

/// A listening socket of one worker.
pub struct Listener {
    inner: TcpListener,
}

/// Ends a pending [`Listener::accept`].
pub struct AcceptStopper {
    canceller: Canceller,
}

impl AcceptStopper {
    /// A stopper and the handle that [`Listener::accept`] takes.
    #[must_use]
    pub fn new() -> (Self, AcceptHandle) {
        let canceller = Canceller::new();
        let handle = AcceptHandle(canceller.handle());
        (Self { canceller }, handle)
    }

    /// Cancels. The accept must still be awaited: dropping it instead leaks a socket that was
    /// accepted in the same moment (monoio 0.2.4).
    pub fn stop(self) {
        let _ = self.canceller.cancel();
    }
}

/// Names the accept that a stopper ends.
#[derive(Clone)]
pub struct AcceptHandle(CancelHandle);

impl Listener {
    /// Takes over a bound, listening, non-blocking socket.
    ///
    /// # Errors
    /// The driver cannot register the socket.
    pub fn new(socket: StdListener) -> io::Result<Self> {
        Ok(Self {
            inner: TcpListener::from_std(socket)?,
        })
    }

    /// The next connection, or an error: `ECANCELED` after a stop, `EMFILE` and the like otherwise.
    ///
    /// # Errors
    /// As accept(2).
    pub async fn accept(&self, handle: AcceptHandle) -> io::Result<(Socket, SocketAddr)> {
        let (stream, address) = self.inner.cancelable_accept(handle.0).await?;
        Ok((Socket { inner: stream }, address))
    }
}

/// Whether an accept ended because it was stopped.
#[must_use]
pub fn is_stopped(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ECANCELED)
}

/// A connected TCP socket.
pub struct Socket {
    inner: TcpStream,
}

impl Socket {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// As connect(2).
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let inner = TcpStream::connect_addr(address).await?;
        inner.set_nodelay(true)?;
        Ok(Self { inner })
    }

    /// Halves that may be awaited at the same time.
    ///
    /// # Errors
    /// The socket died before it could be set up.
    pub fn split(self) -> io::Result<(Reader, Writer)> {
        self.inner.set_nodelay(true)?;
        let descriptor = self.inner.as_raw_fd();
        let (read, write) = self.inner.into_split();
        Ok((
            Reader {
                half: read,
                descriptor,
            },
            Writer { half: write },
        ))
    }
}

/// The reading half of a [`Socket`].
pub struct Reader {
    half: OwnedReadHalf<TcpStream>,
    descriptor: RawFd,
}

impl Reader {
    /// Appends what has arrived to `buffer`, up to its spare capacity; 0 is the end of the stream.
    pub async fn read(&mut self, buffer: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        let filled = buffer.len();
        debug_assert!(
            buffer.capacity() > filled,
            "a read into a full buffer looks like the end of the stream"
        );
        let (result, slice) = self.half.read(buffer.slice_mut(filled..)).await;
        (result, slice.into_inner())
    }

    /// For deadlines and liveness checks while this half lives.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.descriptor
    }
}

/// The writing half of a [`Socket`].
pub struct Writer {
    half: OwnedWriteHalf<TcpStream>,
}

impl Writer {
    /// Writes all of `buffer` and hands it back.
    pub async fn write_all(&mut self, buffer: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let (result, buffer) = self.half.write_all(buffer).await;
        (result.map(|_| ()), buffer)
    }
}

/// Which directions [`shutdown`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Pending and later reads see the end of the stream; writes still work.
    Read,
    /// Both.
    Both,
    /// The peer sees the end of the stream; reads still work.
    Write,
}

/// Ends a socket's directions, which completes whatever is pending on them.
///
/// `descriptor` must be open: callers hold the half that it came from.
pub fn shutdown(descriptor: RawFd, direction: Direction) {
    let how = match direction {
        Direction::Both => libc::SHUT_RDWR,
        Direction::Read => libc::SHUT_RD,
        Direction::Write => libc::SHUT_WR,
    };
    // SAFETY: shutdown(2) takes plain integers; on a descriptor that is no socket it returns an error,
    // which changes nothing for us.
    unsafe { libc::shutdown(descriptor, how) };
}

/// Whether an idle socket's peer is still there: nothing to read and no end of the stream.
/// Costs one system call, so it is asked of connections that were idle for a while only.
#[must_use]
pub fn is_quiet(descriptor: RawFd) -> bool {
    let mut byte = 0u8;
    // SAFETY: the buffer is one byte of this frame and outlives the call.
    let received = unsafe {
        libc::recv(
            descriptor,
            (&raw mut byte).cast(),
            1,
            libc::MSG_PEEK | libc::MSG_DONTWAIT,
        )
    };
    received < 0 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
}

/// Whether a socket's peer has ended the connection or its own direction of it, whatever of it is unread.
/// Costs one system call.
#[must_use]
pub fn has_left(descriptor: RawFd) -> bool {
    let mut asked = libc::pollfd {
        fd: descriptor,
        events: libc::POLLRDHUP,
        revents: 0,
    };
    // SAFETY: one entry, which is of this frame and outlives the call; it waits for no time at all.
    let found = unsafe { libc::poll(&raw mut asked, 1, 0) };
    found > 0
}

/// Keeps this thread on one CPU, so that its caches stay warm. Failure changes nothing but speed.
pub fn pin_to_cpu(cpu: usize) -> bool {
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    if cpu >= libc::CPU_SETSIZE as usize {
        return false;
    }
    // SAFETY: `cpu` is below CPU_SETSIZE, so the write stays inside the set.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: pid 0 is this thread; the set outlives the call.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) == 0 }
}

/// The CPUs that this process may use, in order (cgroup cpusets and taskset honoured).
#[must_use]
pub fn usable_cpus() -> Vec<usize> {
    // SAFETY: an all-zero cpu_set_t is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: pid 0 is this thread; the set outlives the call.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } != 0 {
        return Vec::new();
    }
    // SAFETY: every index is below CPU_SETSIZE.
    (0..libc::CPU_SETSIZE as usize)
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    const DRIVERS: [Driver; 2] = [Driver::Epoll, Driver::Uring];

    /// Every driver that this machine has.
    fn each(test: impl Fn(Driver)) {
        let refused = Driver::probe() == Driver::Epoll;
        DRIVERS
            .into_iter()
            .filter(|driver| *driver == Driver::Epoll || !refused)
            .for_each(test);
    }

    #[test]
    fn a_panic_ends_its_own_task_only() {
        each(|driver| {
            let served = Rc::new(Cell::new(false));
            let (other, seen) = (Rc::clone(&served), Rc::clone(&served));
            run(driver, async move {
                spawn(async {
                    yield_now().await;
                    panic!("expected by this test");
                });
                spawn(async move {
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    other.set(true);
                });
                // Printing the panic takes this thread's time, on a loaded machine a lot of it.
                for _ in 0..1_000 {
                    sleep(Duration::from_millis(5)).await;
                    if seen.get() {
                        break;
                    }
                }
            })
            .unwrap();
            assert!(served.get(), "{driver:?}: the other task went on");
        });
    }

    #[test]
    fn a_busy_task_that_yields_lets_others_run() {
        each(|driver| {
            let turns = Rc::new(Cell::new(0u32));
            let other = Rc::clone(&turns);
            run(driver, async move {
                spawn(async move {
                    loop {
                        other.set(other.get() + 1);
                        yield_now().await;
                    }
                });
                while turns.get() < 3 {
                    yield_now().await;
                }
            })
            .unwrap();
        });
    }
}
