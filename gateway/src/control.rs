//! The control plane: everything that changes, on one thread of its own.
//!
//! It reads configuration, catalog and keys, compiles them into one [`crate::snapshot::Snapshot`] and
//! publishes it whole; it resolves names, answers the metrics port, and starts and stops everything. The
//! data path never calls it.

pub mod admin;
pub mod catalog;
pub mod compile;
pub mod config;
pub mod document;
pub mod fetch;
pub mod flags;
pub mod import;
pub mod issuers;
pub mod keyed;
pub mod memory;
pub mod names;
pub mod normalise;
pub mod problem;
pub mod publish;
pub mod resolver;
pub mod serve;
pub mod settings;
pub mod sight;
pub mod spec;
pub mod url;
pub mod yaml;
