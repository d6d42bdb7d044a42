//! Freed memory goes back to the system after the few moments that free much of it.
//!
//! The allocator gives freed pages back while a thread goes on allocating; control hardly does once it has
//! started. What it needs once (the kernel's type information, a catalog's YAML, imported documents, the
//! snapshot before this one) would stay resident: 23 MB of an idle gateway's 37 MB, measured 2026-11-21.
#![allow(
    unsafe_code,
    reason = "one call of the allocator without arguments in memory"
)]

/// Returns what this thread has freed. Some milliseconds; for control, never for a worker.
pub fn give_back() {
    // SAFETY: takes a flag and touches the allocator's own state only; where another allocator serves
    // (tests), that state is empty.
    unsafe { libmimalloc_sys::mi_collect(true) };
}
