//! The gateway's kernel programs: entry points only. [`account`] does the work, [`maps`] holds
//! every map.
//!
//! Loaded by `gateway/src/kernel/load.rs`, from an object that `cargo xtask ebpf` makes.

#![no_std]
#![no_main]
#![feature(core_intrinsics)]
#![allow(
    internal_features,
    reason = "this target has no atomic adds in core::sync::atomic; the intrinsics compile to the kernel's"
)]

mod account;
mod maps;

use aya_ebpf::macros::sock_ops;
use aya_ebpf::programs::SockOpsContext;

/// Counts connections of the gateway's own cgroup.
///
/// - *Minimum kernel*: 5.10 (header callbacks).
/// - *Needs*: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON; a cgroup v2 mount.
/// - *Without it*: the gateway counts connections and bytes in user space; retransmits are missing.
#[sock_ops]
pub fn account(context: SockOpsContext) -> u32 {
    account::on_event(&context);
    // What the kernel wants from a program that has nothing to say.
    1
}

/// The kernel gives its GPL-only helpers to programs that say this.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // The verifier refuses a program from which a panic can be reached, so this is never run.
    loop {}
}
