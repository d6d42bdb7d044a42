//! A worker's timers, kept out of its loop: a thread that sleeps, and rings a socket when something is due.
//!
//! The runtime's own timer costs every turn of the loop two readings of the clock and a walk of its wheel,
//! and the kernel a timer for every wait: 3 % of a call at one connection, measured 2026-11-21. Waits for
//! peers need none of it ([`super::deadline`]), so what is left is rare: the tick, pauses, a connect.

use std::cell::RefCell;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Nothing is due.
const NEVER: u64 = u64::MAX;

/// Who sleeps on this worker, and the thread that knows when the first of them is due.
pub(super) struct Alarm {
    start: Instant,
    due: Arc<Due>,
    thread: Thread,
    sleepers: RefCell<Vec<(u64, Waker)>>,
}

/// What worker and thread share.
struct Due {
    /// When to ring, in nanoseconds since the start.
    at_ns: AtomicU64,
    ended: AtomicBool,
}

impl Alarm {
    /// Starts the thread, which ends with the alarm. A byte arrives on the socket when [`Self::ring`] is to
    /// be called.
    ///
    /// # Errors
    /// No descriptor or no thread is left.
    pub(super) fn start(now: Instant) -> io::Result<(Self, UnixStream)> {
        let (ringing, bell) = UnixStream::pair()?;
        ringing.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        // Held by the thread, so that it never writes to a socket whose other end is gone.
        let other_end = bell.try_clone()?;
        let due = Arc::new(Due {
            at_ns: AtomicU64::new(NEVER),
            ended: AtomicBool::new(false),
        });
        let watched = Arc::clone(&due);
        let handle = thread::Builder::new()
            .name("stoa-alarm".to_owned())
            .spawn(move || {
                watch(now, &watched, ringing);
                drop(other_end);
            })?;
        let alarm = Self {
            start: now,
            due,
            thread: handle.thread().clone(),
            sleepers: RefCell::default(),
        };
        Ok((alarm, bell))
    }

    /// Wakes a task at a moment, once.
    pub(super) fn wake_at(&self, at: Instant, waker: &Waker) {
        let at_ns = nanoseconds(at.saturating_duration_since(self.start));
        self.sleepers.borrow_mut().push((at_ns, waker.clone()));
        self.set(at_ns);
    }

    /// Wakes who is due at `now`, and sets the alarm for who is next.
    pub(super) fn ring(&self, now: Instant) {
        let now_ns = nanoseconds(now.saturating_duration_since(self.start));
        let mut next_ns = NEVER;
        self.sleepers.borrow_mut().retain(|(at_ns, waker)| {
            if *at_ns <= now_ns {
                waker.wake_by_ref();
                return false;
            }
            next_ns = next_ns.min(*at_ns);
            true
        });
        self.set(next_ns);
    }

    fn set(&self, at_ns: u64) {
        if at_ns < self.due.at_ns.fetch_min(at_ns, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.due.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}

/// Sleeps until something is due, and rings.
#[allow(
    clippy::disallowed_methods,
    reason = "this thread exists to sleep by the clock"
)]
fn watch(start: Instant, due: &Due, mut ringing: UnixStream) {
    while !due.ended.load(Ordering::Acquire) {
        let at_ns = due.at_ns.load(Ordering::Acquire);
        let now_ns = nanoseconds(start.elapsed());
        if at_ns == NEVER {
            thread::park();
        } else if at_ns > now_ns {
            thread::park_timeout(Duration::from_nanos(at_ns - now_ns));
        } else {
            // Forgotten before the byte is written: the worker sets the next moment after it has read it.
            // One that the worker has set meanwhile is earlier than this, so it is due as well.
            due.at_ns.store(NEVER, Ordering::Release);
            // Full means that it rings already.
            let _ = ringing.write_all(&[0]);
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "threads of tests may read the clock"
)]
mod tests {
    use std::io::Read;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ring_once(alarm: &Alarm, bell: &mut UnixStream) {
        let mut byte = [0];
        bell.read_exact(&mut byte).unwrap();
        alarm.ring(Instant::now());
    }

    #[test]
    fn each_sleeper_is_woken_once_and_not_before_its_time() {
        let start = Instant::now();
        let (alarm, mut bell) = Alarm::start(start).unwrap();
        bell.set_nonblocking(false).unwrap();
        let counts: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
        // The later one first: the thread must be told of the earlier one.
        for (index, after_ms) in [(1, 40), (0, 5), (2, 3_600_000)] {
            let waker = Waker::from(Arc::clone(&counts[index]));
            alarm.wake_at(start + Duration::from_millis(after_ms), &waker);
        }
        let woken = || -> Vec<usize> {
            counts
                .iter()
                .map(|count| count.0.load(Ordering::Relaxed))
                .collect()
        };
        while woken()[1] == 0 {
            ring_once(&alarm, &mut bell);
            assert!(start.elapsed() >= Duration::from_millis(5));
        }
        assert!(start.elapsed() >= Duration::from_millis(40));
        assert_eq!(woken(), [1, 1, 0]);
        assert_eq!(alarm.sleepers.borrow().len(), 1);
    }

    #[test]
    fn the_thread_ends_with_the_alarm() {
        let (alarm, mut bell) = Alarm::start(Instant::now()).unwrap();
        bell.set_nonblocking(false).unwrap();
        drop(alarm);
        let mut rest = Vec::new();
        assert_eq!(bell.read_to_end(&mut rest).unwrap(), 0, "its end is closed");
    }
}
