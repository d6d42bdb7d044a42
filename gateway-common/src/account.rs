//! The map of connection accounting: who is counted, and what.

/// Entries of the map: listeners of one gateway, and one entry for all upstreams. A gateway has a
/// handful of ports; what comes beyond is not counted.
pub const LISTENERS_MAX: u32 = 256;

/// Which side opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// An agent connected to one of our listeners.
    Agents,
    /// We connected to an upstream.
    Upstreams,
}

/// What connections are counted by.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerKey {
    /// Port of the listener, in host order; 0 for connections to upstreams, whose own port is
    /// ephemeral.
    port: u16,
    /// 0 agents, 1 upstreams: a number, because a map may hold any bits.
    direction: u16,
}

impl ListenerKey {
    /// Connections that agents open to the listener on `port`.
    pub const fn agents(port: u16) -> Self {
        Self { port, direction: 0 }
    }

    /// Connections that we open to upstreams, all of them together.
    pub const fn upstreams() -> Self {
        Self {
            port: 0,
            direction: 1,
        }
    }

    /// The listener's port; 0 for upstreams.
    pub const fn port(self) -> u16 {
        self.port
    }

    /// Which side opened the connections.
    pub const fn direction(self) -> Direction {
        match self.direction {
            0 => Direction::Agents,
            _ => Direction::Upstreams,
        }
    }
}

/// What is counted. Every field only grows, by atomic adds in the kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections that were established.
    pub opened: u64,
    /// Those of them that are closed: never more than `opened`.
    pub closed: u64,
    /// Payload bytes received, added when a connection closes.
    pub received_bytes: u64,
    /// Payload bytes sent and acknowledged by the peer, added when a connection closes.
    pub sent_bytes: u64,
    /// Segments sent again, added when a connection closes.
    pub retransmits: u64,
}

impl Counters {
    /// Nothing counted yet.
    pub const ZERO: Self = Self {
        opened: 0,
        closed: 0,
        received_bytes: 0,
        sent_bytes: 0,
        retransmits: 0,
    };

    /// Connections that are open now.
    pub const fn active(&self) -> u64 {
        // The two are read one after the other while the kernel counts on.
        self.opened.saturating_sub(self.closed)
    }
}

// A field more or a hole in the middle would shift what the other side reads.
const _: () = assert!(size_of::<ListenerKey>() == 4);
const _: () = assert!(align_of::<ListenerKey>() == 2);
const _: () = assert!(size_of::<Counters>() == 5 * 8);
const _: () = assert!(align_of::<Counters>() == 8);

// SAFETY: two u16 without padding; any bit pattern is a valid value.
#[cfg(feature = "user")]
unsafe impl aya::Pod for ListenerKey {}

// SAFETY: five u64 without padding; any bit pattern is a valid value.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Counters {}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::offset_of;

    #[test]
    fn fields_lie_where_the_kernel_adds() {
        assert_eq!(offset_of!(Counters, opened), 0);
        assert_eq!(offset_of!(Counters, closed), 8);
        assert_eq!(offset_of!(Counters, received_bytes), 16);
        assert_eq!(offset_of!(Counters, sent_bytes), 24);
        assert_eq!(offset_of!(Counters, retransmits), 32);
        assert_eq!(offset_of!(ListenerKey, port), 0);
        assert_eq!(offset_of!(ListenerKey, direction), 2);
    }

    #[test]
    fn a_port_and_the_upstreams_never_share_a_key() {
        assert_ne!(ListenerKey::agents(0), ListenerKey::upstreams());
        assert_eq!(ListenerKey::agents(3001).port(), 3001);
        assert_eq!(ListenerKey::agents(3001).direction(), Direction::Agents);
        assert_eq!(ListenerKey::upstreams().direction(), Direction::Upstreams);
    }

    #[test]
    fn active_never_wraps() {
        let check = |opened, closed, expected| {
            let counters = Counters {
                opened,
                closed,
                ..Counters::ZERO
            };
            assert_eq!(counters.active(), expected);
        };
        check(5, 2, 3);
        check(5, 5, 0);
        check(4, 5, 0);
    }
}
