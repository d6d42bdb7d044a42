//! Connection accounting: opened, closed, bytes, retransmits, by listener and direction.
//!
//! Runs when a connection is established, at its changes of state, and for the packets that come
//! after we closed our side; never for a packet of a connection in use. What it must remember of
//! a connection fits in the socket's own callback flags, so there is no storage for each socket
//! (which costs three times as much: 1.16 against 1.05 times a bare connection).

use crate::maps::ACCOUNTS;
use aya_ebpf::bindings::{
    BPF_NOEXIST, BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB, BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG,
    BPF_SOCK_OPS_PARSE_HDR_OPT_CB, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_RTO_CB_FLAG,
    BPF_SOCK_OPS_STATE_CB, BPF_SOCK_OPS_STATE_CB_FLAG, BPF_TCP_CLOSE, BPF_TCP_FIN_WAIT1,
};
use aya_ebpf::programs::SockOpsContext;
use aya_log_ebpf::{debug, info, warn};
use core::intrinsics::{AtomicOrdering, atomic_xadd};
use gateway_common::closing::Closing;
use gateway_common::{Counters, Direction, ListenerKey};

/// The connection is counted, and its changes of state are wanted.
const COUNTED: u32 = BPF_SOCK_OPS_STATE_CB_FLAG;
/// Mark of a connection that an agent opened. The flag asks to be called when a retransmission
/// timer fires; that is rare, and the call does nothing.
const FROM_AGENT: u32 = BPF_SOCK_OPS_RTO_CB_FLAG;
/// We closed our side and wait for the peer's FIN: packets are shown until it comes.
const FIN_AWAITED: u32 = BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG;
/// The FIN bit of a TCP header.
const TCP_FIN: u32 = 1;

/// Reads a field of the event. The verifier allows each field to be read as it is declared, and
/// without `volatile` the compiler merges neighbours into wider reads.
macro_rules! field {
    ($context:expr, $($path:tt)+) => {
        // SAFETY: the kernel passes a valid event; the verifier checks each offset and width.
        unsafe { core::ptr::read_volatile(&raw const (*$context.ops).$($path)+) }
    };
}

/// Handles one event of one socket.
#[inline(always)]
pub(crate) fn on_event(context: &SockOpsContext) {
    match field!(context, op) {
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => opened(context, Direction::Agents),
        BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB => opened(context, Direction::Upstreams),
        BPF_SOCK_OPS_STATE_CB => match field!(context, __bindgen_anon_1.args[1]) {
            BPF_TCP_FIN_WAIT1 => await_fin(context),
            BPF_TCP_CLOSE => closed(context),
            _ => {}
        },
        BPF_SOCK_OPS_PARSE_HDR_OPT_CB => note_fin(context),
        _ => {}
    }
}

#[inline(always)]
fn opened(context: &SockOpsContext, direction: Direction) {
    let key = key(context, direction);
    if ACCOUNTS.get_ptr_mut(key).is_none() {
        // Two processors may come here at once; the second finds the entry of the first.
        if ACCOUNTS
            .insert(key, Counters::ZERO, BPF_NOEXIST as u64)
            .is_ok()
        {
            info!(
                context,
                "first connection: port {} ({})",
                key.port(),
                word(direction)
            );
        }
    }
    let Some(counters) = ACCOUNTS.get_ptr_mut(key) else {
        warn!(context, "no room to count port {}", key.port());
        return;
    };
    let flags = match direction {
        Direction::Agents => COUNTED | FROM_AGENT,
        Direction::Upstreams => COUNTED,
    };
    // Counted as opened only if its end will be seen, or `active` would grow for ever.
    if context.set_cb_flags(flags as i32).is_ok() {
        // SAFETY: the pointer is to a live map value, checked for null above.
        add(unsafe { &raw mut (*counters).opened }, 1);
    }
}

#[inline(always)]
fn await_fin(context: &SockOpsContext) {
    let flags = field!(context, bpf_sock_ops_cb_flags) | FIN_AWAITED;
    // A kernel without this callback (before 5.10) counts the peer's FIN as a byte received.
    let _ = context.set_cb_flags(flags as i32);
}

#[inline(always)]
fn note_fin(context: &SockOpsContext) {
    if field!(context, skb_tcp_flags) & TCP_FIN != 0 {
        let flags = field!(context, bpf_sock_ops_cb_flags) & !FIN_AWAITED;
        let _ = context.set_cb_flags(flags as i32);
    }
}

#[inline(always)]
fn closed(context: &SockOpsContext) {
    let flags = field!(context, bpf_sock_ops_cb_flags);
    let direction = if flags & FROM_AGENT != 0 {
        Direction::Agents
    } else {
        Direction::Upstreams
    };
    let closing = Closing {
        direction,
        state: field!(context, __bindgen_anon_1.args[0]),
        bytes_received: field!(context, bytes_received),
        bytes_acked: field!(context, bytes_acked),
        fin_seen: flags & FIN_AWAITED == 0,
        all_acknowledged: field!(context, snd_una) == field!(context, snd_nxt),
    };
    let key = key(context, direction);
    let Some(counters) = ACCOUNTS.get_ptr_mut(key) else {
        return;
    };
    let (received, sent) = (closing.received_bytes(), closing.sent_bytes());
    let retransmits = field!(context, total_retrans);
    // SAFETY: the pointer is to a live map value, checked for null above; so for all five.
    unsafe {
        add(&raw mut (*counters).received_bytes, received);
        add(&raw mut (*counters).sent_bytes, sent);
        add(&raw mut (*counters).retransmits, retransmits as u64);
        // Last, so that who sees the connection closed sees its bytes too.
        add(&raw mut (*counters).closed, 1);
    }
    debug!(
        context,
        "closed: port {} ({}), {} bytes in, {} out, {} sent again",
        key.port(),
        word(direction),
        received,
        sent,
        retransmits
    );
}

#[inline(always)]
fn key(context: &SockOpsContext, direction: Direction) -> ListenerKey {
    match direction {
        Direction::Agents => ListenerKey::agents(field!(context, local_port) as u16),
        Direction::Upstreams => ListenerKey::upstreams(),
    }
}

#[inline(always)]
fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Agents => "agents",
        Direction::Upstreams => "upstreams",
    }
}

/// The kernel's atomic add (`lock *(u64 *)(p + 0) += n`).
#[inline(always)]
fn add(counter: *mut u64, amount: u64) {
    // SAFETY: callers pass a field of a live map value, which is aligned.
    unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(counter, amount) };
}
