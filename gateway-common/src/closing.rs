//! Payload bytes of a connection that closes, from what TCP counted.
//!
//! TCP's own counters hold sequence numbers, and SYN and FIN take one each: `bytes_acked` holds
//! our SYN if we opened the connection, and our FIN once the peer acknowledged it;
//! `bytes_received` holds the peer's FIN once it came in order. Whether that happened follows from
//! the state that the connection leaves for CLOSE. Measured, and checked by `gateway/tests/kernel.rs`.

use crate::Direction;

/// TCP states as the kernel numbers them (`include/net/tcp_states.h`), as far as they matter here.
mod state {
    pub(super) const FIN_WAIT2: u32 = 5;
    pub(super) const CLOSE_WAIT: u32 = 8;
    pub(super) const LAST_ACK: u32 = 9;
    pub(super) const CLOSING: u32 = 11;
}

/// What TCP knows of a connection at the moment it closes.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Who opened it.
    pub direction: Direction,
    /// The state it leaves, as the kernel numbers them.
    pub state: u32,
    /// TCP's `bytes_received`.
    pub bytes_received: u64,
    /// TCP's `bytes_acked`.
    pub bytes_acked: u64,
    /// Whether a FIN of the peer was seen after we closed our side. Only asked in FIN_WAIT2: a
    /// socket that nobody holds any more leaves that state with and without the peer's FIN.
    pub fin_seen: bool,
    /// Whether the peer acknowledged all that we sent.
    pub all_acknowledged: bool,
}

impl Closing {
    /// Payload bytes that came from the peer.
    #[inline(always)]
    pub fn received_bytes(&self) -> u64 {
        let fin = match self.state {
            state::CLOSE_WAIT | state::LAST_ACK | state::CLOSING => true,
            state::FIN_WAIT2 => self.fin_seen,
            // ESTABLISHED and FIN_WAIT1 end in CLOSE by a reset or a timeout: no FIN came.
            _ => false,
        };
        self.bytes_received.saturating_sub(fin as u64)
    }

    /// Payload bytes that the peer has acknowledged.
    #[inline(always)]
    pub fn sent_bytes(&self) -> u64 {
        let syn = matches!(self.direction, Direction::Upstreams);
        let fin = match self.state {
            state::FIN_WAIT2 => true,
            state::LAST_ACK | state::CLOSING => self.all_acknowledged,
            _ => false,
        };
        self.bytes_acked.saturating_sub(syn as u64 + fin as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ESTABLISHED: u32 = 1;
    const FIN_WAIT1: u32 = 4;

    #[test]
    fn syn_and_fin_are_no_payload() {
        // 100 bytes came and 200 went; TCP's counters hold what the state says beyond that.
        let check = |direction, state, fin_seen, all_acknowledged, fin_in: u64, beyond_out: u64| {
            let closing = Closing {
                direction,
                state,
                bytes_received: 100 + fin_in,
                bytes_acked: 200 + beyond_out,
                fin_seen,
                all_acknowledged,
            };
            assert_eq!(closing.received_bytes(), 100, "{closing:?}");
            assert_eq!(closing.sent_bytes(), 200, "{closing:?}");
        };
        use Direction::{Agents, Upstreams};
        // The peer closed first and acknowledged our FIN, or did not (it reset instead).
        check(Agents, state::LAST_ACK, false, true, 1, 1);
        check(Upstreams, state::LAST_ACK, false, true, 1, 2);
        check(Agents, state::LAST_ACK, false, false, 1, 0);
        // We closed first; its FIN came, or the socket was orphaned before.
        check(Agents, state::FIN_WAIT2, true, true, 1, 1);
        check(Upstreams, state::FIN_WAIT2, true, true, 1, 2);
        check(Agents, state::FIN_WAIT2, false, true, 0, 1);
        // Both closed at once.
        check(Agents, state::CLOSING, true, true, 1, 1);
        // Resets.
        check(Agents, ESTABLISHED, false, true, 0, 0);
        check(Upstreams, ESTABLISHED, false, true, 0, 1);
        check(Agents, FIN_WAIT1, false, false, 0, 0);
        check(Agents, state::CLOSE_WAIT, false, true, 1, 0);
    }

    #[test]
    fn nothing_never_becomes_less_than_nothing() {
        let closing = Closing {
            direction: Direction::Upstreams,
            state: state::LAST_ACK,
            bytes_received: 0,
            bytes_acked: 1,
            fin_seen: false,
            all_acknowledged: true,
        };
        assert_eq!(closing.received_bytes(), 0);
        assert_eq!(closing.sent_bytes(), 0);
    }
}
