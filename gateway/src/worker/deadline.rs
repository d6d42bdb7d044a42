//! Deadlines without timers: each waiting connection writes down when it must be done, and the worker's
//! tick ends the sockets of those that are late.
//!
//! A timer per read would cost an entry in the runtime's wheel for every request; storing a number costs
//! nothing. The price is precision: a deadline fires up to one tick (50 ms) late.

use std::cell::{Cell, RefCell};
use std::os::fd::RawFd;
use std::rc::{Rc, Weak};
use std::task::Waker;

use super::clock::Now;
use super::io::{self, Direction};

/// All deadlines of one worker.
#[derive(Debug, Default)]
pub struct Deadlines {
    watched: RefCell<Vec<Weak<Deadline>>>,
}

/// One socket's deadline. The socket must outlive it: hold both in the same owner, this one first.
#[derive(Debug)]
pub struct Deadline {
    descriptor: RawFd,
    /// `u64::MAX` while nothing is due.
    at_ns: Cell<u64>,
    direction: Cell<Direction>,
    passed: Cell<bool>,
    idle: Cell<bool>,
    /// Whom to wake when the peer has left; only while nothing is read from the socket.
    departure: RefCell<Option<Waker>>,
    left: Cell<bool>,
}

impl Deadlines {
    /// Watches a socket; nothing is due until [`Deadline::set`].
    #[must_use]
    pub fn watch(&self, descriptor: RawFd) -> Rc<Deadline> {
        let deadline = Rc::new(Deadline {
            descriptor,
            at_ns: Cell::new(u64::MAX),
            direction: Cell::new(Direction::Both),
            passed: Cell::new(false),
            idle: Cell::new(false),
            departure: RefCell::default(),
            left: Cell::new(false),
        });
        self.watched.borrow_mut().push(Rc::downgrade(&deadline));
        deadline
    }

    /// Ends what is late and forgets what is gone.
    pub fn sweep(&self, now: Now) {
        self.watched.borrow_mut().retain(|weak| {
            let Some(deadline) = weak.upgrade() else {
                return false;
            };
            if deadline.at_ns.get() <= now.mono_ns {
                deadline.at_ns.set(u64::MAX);
                deadline.passed.set(true);
                io::shutdown(deadline.descriptor, deadline.direction.get());
            }
            deadline.look_for_departure();
            true
        });
    }

    /// Ends the sockets between two requests, for a drain.
    pub fn expire_idle(&self) {
        for deadline in self.watched.borrow().iter().filter_map(Weak::upgrade) {
            if deadline.idle.get() {
                deadline.expire(Direction::Read);
            }
        }
    }
}

impl Deadline {
    /// Due `after_ms` from `now`; replaces an earlier one. [`Direction::Read`] leaves the socket able to
    /// carry the answer that says what was too slow.
    pub fn set(&self, now: Now, after_ms: u64, direction: Direction) {
        self.at_ns.set(
            now.mono_ns
                .saturating_add(after_ms.saturating_mul(1_000_000)),
        );
        self.direction.set(direction);
    }

    /// Nothing is due any more.
    pub fn clear(&self) {
        self.at_ns.set(u64::MAX);
    }

    /// Whether the socket is between two requests, so that a drain may end it at once.
    pub fn set_idle(&self, idle: bool) {
        self.idle.set(idle);
    }

    /// Whether the deadline ended the socket.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.passed.get()
    }

    /// Whether the peer has left, as far as the last tick saw; else wakes `waker` at the tick that sees it.
    /// For a socket that is not being read from, until [`Self::stay`]: a read tells at once.
    pub fn has_left(&self, waker: &Waker) -> bool {
        self.departure
            .borrow_mut()
            .get_or_insert_with(|| waker.clone())
            .clone_from(waker);
        self.left.get()
    }

    /// Nobody asks any more whether the peer has left.
    pub fn stay(&self) {
        self.departure.take();
    }

    fn look_for_departure(&self) {
        // Looked at first: of all sockets, few are waited for like this.
        if self.departure.borrow().is_some() && io::has_left(self.descriptor) {
            self.left.set(true);
            if let Some(waker) = self.departure.take() {
                waker.wake();
            }
        }
    }

    /// Ends the socket at once, as if late.
    pub fn expire(&self, direction: Direction) {
        self.at_ns.set(u64::MAX);
        io::shutdown(self.descriptor, direction);
    }
}
