//! What the kernel programs and user space share: keys and counters of connection accounting.
//!
//! Every type here lies in kernel maps as plain bytes, so its layout is part of a contract: no
//! padding, no pointers, any bit pattern valid, sizes asserted at compile time. Arithmetic that a
//! kernel program does stands here too, where the host can test it. No I/O, no allocation.

#![no_std]

pub mod account;
pub mod closing;

pub use account::{Counters, Direction, LISTENERS_MAX, ListenerKey};
