//! Everything that changes, watched and compiled into the one snapshot that workers read.

pub mod config;
pub mod flags;
pub mod names;
pub mod problem;
pub mod settings;
pub mod spec;
pub mod yaml;
