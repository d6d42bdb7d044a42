//! Between arguments and a backend's own protocol: encode a call, decode its answer. No I/O, no
//! decision; what may be called was settled before.

pub mod rest;
pub mod result;
