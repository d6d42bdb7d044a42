//! Idle upstream connections of one worker, newest first.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::breaker::Breaker;
use super::connection::Connection;
use crate::limits;
use crate::snapshot::Table;
use crate::snapshot::upstream::Upstream;
use crate::worker::clock::Now;

/// Everything one worker knows of its upstreams, by [`Upstream::key`]. Survives snapshots.
#[derive(Default)]
pub struct Pools {
    by_key: RefCell<Table<Arc<str>, Rc<Pool>>>,
}

/// One upstream on one worker.
#[derive(Default)]
pub struct Pool {
    idle: RefCell<VecDeque<Connection>>,
    /// Whether calls are sent at all.
    pub breaker: Breaker,
    /// Which address to try first, moved on with each connect.
    pub next_address: std::cell::Cell<usize>,
}

impl Pools {
    /// The pool of an upstream, made when first asked for. Bounded by the catalog: callers cannot name
    /// upstreams.
    #[must_use]
    pub fn of(&self, upstream: &Upstream) -> Rc<Pool> {
        if let Some(pool) = self.by_key.borrow().get(&upstream.key) {
            return Rc::clone(pool);
        }
        Rc::clone(
            self.by_key
                .borrow_mut()
                .entry(Arc::clone(&upstream.key))
                .or_default(),
        )
    }

    /// Closes what has been idle too long, and forgets upstreams that the catalog no longer names.
    pub fn sweep(&self, now: Now, upstreams: &[Upstream]) {
        let mut pools = self.by_key.borrow_mut();
        for pool in pools.values() {
            let mut idle = pool.idle.borrow_mut();
            while idle.front().is_some_and(|oldest| is_old(oldest, now)) {
                idle.pop_front();
            }
        }
        if pools.len() > upstreams.len() {
            pools.retain(|key, pool| {
                Rc::strong_count(pool) > 1 || upstreams.iter().any(|upstream| upstream.key == *key)
            });
        }
    }

    /// Upstreams whose breaker is open now.
    #[must_use]
    pub fn open_breakers(&self) -> usize {
        self.by_key
            .borrow()
            .values()
            .filter(|pool| pool.breaker.is_open())
            .count()
    }
}

impl Pool {
    /// The connection that was used last, if one is still good. Each is asked whether it is quiet, which
    /// costs a system call: bytes behind an answer must not become the next caller's answer, and what is
    /// not idempotent cannot be sent again where the upstream had closed already.
    #[must_use]
    pub fn take(&self, now: Now) -> Option<Connection> {
        loop {
            let connection = self.idle.borrow_mut().pop_back()?;
            if !is_old(&connection, now) && connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next call.
    pub fn put(&self, mut connection: Connection, now: Now) {
        let mut idle = self.idle.borrow_mut();
        if connection.inbox.is_empty() && idle.len() < limits::UPSTREAM_IDLE_CONNECTIONS_MAX {
            connection.deadline.clear();
            connection.idle_since_ns = now.mono_ns;
            // A large answer must not keep its memory for as long as the connection lives.
            connection.inbox.shrink_to(KEPT_INBOX_BYTES);
            idle.push_back(connection);
        }
    }
}

/// Buffer that an idle connection keeps.
const KEPT_INBOX_BYTES: usize = 16 * 1024;

fn is_old(connection: &Connection, now: Now) -> bool {
    now.mono_ns.saturating_sub(connection.idle_since_ns)
        > limits::UPSTREAM_IDLE_AGE_MS_MAX * 1_000_000
}

#[cfg(test)]
mod tests;
