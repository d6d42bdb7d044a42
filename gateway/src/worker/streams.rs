//! Event streams that wait on one worker: they sleep until something concerns them.
//!
//! A stream costs a slot and its task. The tick looks at what changed (the catalog, a drain, silence that
//! calls for a keep-alive) and wakes only the streams that have something to do.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use super::clock::Now;
use crate::limits;
use crate::refusal::Refusal;

/// All streams of one worker.
#[derive(Debug)]
pub struct Streams {
    keep_alive_ns: u64,
    slots: RefCell<Vec<Weak<Slot>>>,
    per_principal: RefCell<HashMap<[u8; 16], usize>>,
}

/// Why a stream was woken. Several may be due at once; the most urgent is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The gateway is going away: say goodbye and end.
    Drain,
    /// A new snapshot is in force: look whether it concerns this stream.
    Published,
    /// Nothing was sent for a while.
    KeepAlive,
}

#[derive(Default)]
struct Slot {
    waker: Cell<Option<Waker>>,
    drain: Cell<bool>,
    published: Cell<bool>,
    keep_alive_at_ns: Cell<u64>,
    keep_alive: Cell<bool>,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Slot")
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}

/// One open stream; gives its place back on drop.
#[derive(Debug)]
pub struct Stream {
    slot: Rc<Slot>,
    streams: Rc<Streams>,
    principal: [u8; 16],
}

impl Streams {
    /// No stream yet. Each is sent a comment after so much silence, in milliseconds.
    #[must_use]
    pub fn new(keep_alive_ms: u64) -> Self {
        Self {
            keep_alive_ns: keep_alive_ms.saturating_mul(1_000_000),
            slots: RefCell::default(),
            per_principal: RefCell::default(),
        }
    }

    /// Opens a stream for a principal.
    ///
    /// # Errors
    /// [`Refusal::StreamsExceeded`] when the worker or the principal holds as many as it may.
    pub fn open(self: &Rc<Self>, principal: [u8; 16], now: Now) -> Result<Stream, Refusal> {
        let mut slots = self.slots.borrow_mut();
        if slots.len() >= limits::STREAMS_PER_WORKER_MAX {
            slots.retain(|slot| slot.strong_count() > 0);
        }
        let mut per_principal = self.per_principal.borrow_mut();
        let held = per_principal.entry(principal).or_default();
        if slots.len() >= limits::STREAMS_PER_WORKER_MAX
            || *held >= limits::STREAMS_PER_PRINCIPAL_MAX
        {
            return Err(Refusal::StreamsExceeded);
        }
        *held += 1;
        let slot = Rc::new(Slot::default());
        slot.keep_alive_at_ns
            .set(now.mono_ns.saturating_add(self.keep_alive_ns));
        slots.push(Rc::downgrade(&slot));
        Ok(Stream {
            slot,
            streams: Rc::clone(self),
            principal,
        })
    }

    /// Wakes every stream to look at a new snapshot.
    pub fn published(&self) {
        self.each(|slot| {
            slot.published.set(true);
            true
        });
    }

    /// Wakes every stream to end.
    pub fn drain(&self) {
        self.each(|slot| {
            slot.drain.set(true);
            true
        });
    }

    /// Wakes the streams that were silent for too long.
    pub fn keep_alive(&self, now: Now) {
        self.each(|slot| {
            let due = slot.keep_alive_at_ns.get() <= now.mono_ns;
            if due {
                slot.keep_alive.set(true);
                slot.keep_alive_at_ns
                    .set(now.mono_ns.saturating_add(self.keep_alive_ns));
            }
            due
        });
    }

    /// Streams open now.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.per_principal.borrow().values().sum()
    }

    fn each(&self, mut wakes: impl FnMut(&Slot) -> bool) {
        self.slots.borrow_mut().retain(|weak| {
            let Some(slot) = weak.upgrade() else {
                return false;
            };
            if wakes(&slot)
                && let Some(waker) = slot.waker.take()
            {
                waker.wake();
            }
            true
        });
    }
}

impl Stream {
    /// Waits until there is something to do.
    pub fn next(&self) -> impl Future<Output = Event> + '_ {
        std::future::poll_fn(|context| {
            if self.slot.drain.get() {
                return Poll::Ready(Event::Drain);
            }
            if self.slot.published.replace(false) {
                return Poll::Ready(Event::Published);
            }
            if self.slot.keep_alive.replace(false) {
                return Poll::Ready(Event::KeepAlive);
            }
            self.slot.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut per_principal = self.streams.per_principal.borrow_mut();
        if let Some(held) = per_principal.get_mut(&self.principal) {
            *held -= 1;
            if *held == 0 {
                per_principal.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: [u8; 16] = [1; 16];

    fn streams() -> Rc<Streams> {
        Rc::new(Streams::new(limits::STREAM_KEEP_ALIVE_MS))
    }

    fn ready(stream: &Stream) -> Option<Event> {
        let mut context = std::task::Context::from_waker(Waker::noop());
        let mut next = std::pin::pin!(stream.next());
        match next.as_mut().poll(&mut context) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_past_the_bound_of_a_principal_is_refused() {
        let streams = streams();
        let now = Now::default();
        let mut held: Vec<_> = (0..limits::STREAMS_PER_PRINCIPAL_MAX)
            .map(|_| streams.open(ANNA, now).unwrap())
            .collect();
        assert_eq!(
            streams.open(ANNA, now).unwrap_err(),
            Refusal::StreamsExceeded
        );
        assert!(
            streams.open([2; 16], now).is_ok(),
            "another principal has its own bound"
        );
        held.pop();
        assert!(streams.open(ANNA, now).is_ok());
        held.clear();
        assert_eq!(streams.open_count(), 0);
        assert!(
            streams.per_principal.borrow().is_empty(),
            "no entry is left behind"
        );
    }

    #[test]
    fn one_past_the_bound_of_a_worker_is_refused() {
        let streams = streams();
        let principal = |number: usize| {
            u128::try_from(number / limits::STREAMS_PER_PRINCIPAL_MAX)
                .unwrap()
                .to_ne_bytes()
        };
        let _held: Vec<_> = (0..limits::STREAMS_PER_WORKER_MAX)
            .map(|number| streams.open(principal(number), Now::default()).unwrap())
            .collect();
        assert_eq!(
            streams.open([0xff; 16], Now::default()).unwrap_err(),
            Refusal::StreamsExceeded
        );
    }

    #[test]
    fn a_stream_that_was_silent_for_long_enough_is_due_and_not_before() {
        let streams = streams();
        let stream = streams.open(ANNA, Now::default()).unwrap();
        let at = |mono_ns| Now {
            mono_ns,
            unix_ms: 0,
        };
        let due_ns = limits::STREAM_KEEP_ALIVE_MS * 1_000_000;
        for (now_ns, expected) in [
            (due_ns - 1, None),
            (due_ns, Some(Event::KeepAlive)),
            (due_ns + 1, None),
            (2 * due_ns - 1, None),
            (2 * due_ns, Some(Event::KeepAlive)),
        ] {
            streams.keep_alive(at(now_ns));
            assert_eq!(ready(&stream), expected, "at {now_ns}");
        }
    }

    #[test]
    fn events_come_once_and_the_most_urgent_first() {
        let streams = streams();
        let stream = streams.open(ANNA, Now::default()).unwrap();
        assert_eq!(ready(&stream), None);
        streams.published();
        streams.keep_alive(Now {
            mono_ns: limits::STREAM_KEEP_ALIVE_MS * 1_000_000,
            unix_ms: 0,
        });
        assert_eq!(ready(&stream), Some(Event::Published));
        assert_eq!(ready(&stream), Some(Event::KeepAlive));
        assert_eq!(ready(&stream), None);
        streams.drain();
        assert_eq!(ready(&stream), Some(Event::Drain));
    }
}
