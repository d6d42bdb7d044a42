//! How many connections there are, in all and per address, across workers, without a lock.
//!
//! Addresses are counted in a fixed table of atomics indexed by a keyed hash, so an attacker with many
//! addresses cannot make it grow. Two addresses that share a cell share its bound: with the default of
//! 4,096 connections an address, an honest one is refused by that only beside a flood.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::refusal::Refusal;

/// Cells of the table: 64 Ki * 4 B = 256 KiB.
const CELLS: usize = 1 << 16;

/// The count of open connections.
#[derive(Debug)]
pub struct Census {
    open: AtomicU32,
    open_max: u32,
    per_address: Box<[AtomicU32]>,
    per_address_max: u32,
    hasher: RandomState,
}

/// One counted connection; uncounted on drop.
#[derive(Debug)]
pub struct Counted {
    census: Arc<Census>,
    cell: usize,
}

impl Census {
    /// An empty census with its two bounds.
    #[must_use]
    pub fn new(open_max: u32, per_address_max: u32) -> Self {
        Self {
            open: AtomicU32::new(0),
            open_max,
            per_address: (0..CELLS).map(|_| AtomicU32::new(0)).collect(),
            per_address_max,
            hasher: RandomState::new(),
        }
    }

    /// Counts a connection from `address`.
    ///
    /// # Errors
    /// [`Refusal::ConnectionsExceeded`] where it is one too many, in all or from this address.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Counted, Refusal> {
        let cell = usize::try_from(self.hasher.hash_one(prefix(address))).unwrap_or(0) % CELLS;
        // Counted before it is judged, so two workers cannot both take the last place.
        let counted = Counted {
            census: Arc::clone(self),
            cell,
        };
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let from_address = self.per_address[cell].fetch_add(1, Ordering::Relaxed);
        if open >= self.open_max || from_address >= self.per_address_max {
            return Err(Refusal::ConnectionsExceeded);
        }
        Ok(counted)
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.census.open.fetch_sub(1, Ordering::Relaxed);
        self.census.per_address[self.cell].fetch_sub(1, Ordering::Relaxed);
    }
}

/// What counts as one address: all of IPv4, the /64 of IPv6 (one host owns a whole /64).
fn prefix(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            u64::from(a) << 48 | u64::from(b) << 32 | u64::from(c) << 16 | u64::from(d)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_past_the_bound_of_an_address_is_refused_and_others_are_not() {
        let census = Arc::new(Census::new(100, 2));
        let _first = census.enter(address("192.0.2.1")).unwrap();
        let second = census.enter(address("::ffff:192.0.2.1")).unwrap();
        assert_eq!(
            census.enter(address("192.0.2.1")).unwrap_err(),
            Refusal::ConnectionsExceeded
        );
        assert_eq!(census.open(), 2, "a refused connection is not counted");
        let _other = census.enter(address("192.0.2.2")).unwrap();
        drop(second);
        assert!(
            census.enter(address("192.0.2.1")).is_ok(),
            "a closed one makes room"
        );
    }

    #[test]
    fn an_ipv6_host_is_its_64_bit_prefix() {
        let census = Arc::new(Census::new(100, 1));
        let _one = census.enter(address("2001:db8::1")).unwrap();
        assert!(census.enter(address("2001:db8::ffff:1")).is_err());
        assert!(census.enter(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn one_past_the_bound_of_all_is_refused() {
        let census = Arc::new(Census::new(3, 100));
        let held: Vec<_> = (1..=3)
            .map(|last| census.enter(address(&format!("192.0.2.{last}"))).unwrap())
            .collect();
        assert!(census.enter(address("192.0.2.9")).is_err());
        drop(held);
        assert_eq!(census.open(), 0);
    }
}
