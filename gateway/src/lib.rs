//! The gateway as a library: what the binary, the tests, the benches and the fuzz targets share.

#![deny(unsafe_code)]
pub mod kernel;
