//! Everything that changes, watched and compiled into the one snapshot that workers read.

pub mod spec;
