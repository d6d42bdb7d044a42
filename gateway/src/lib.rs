//! The gateway as a library: what the binary, the tests, the benches and the fuzz targets share.

pub mod limits;

pub mod worker;
pub mod http;
pub mod exchange;
pub mod mcp;
pub mod facade;
pub mod auth;
pub mod tenant;
pub mod limit;
pub mod route;
pub mod policy;
pub mod guard;
pub mod builtin;
pub mod adapter;
pub mod upstream;
pub mod meter;

pub mod answer;
pub mod json;
pub mod refusal;
pub mod snapshot;
pub mod telemetry;

pub mod control;
pub mod kernel;
