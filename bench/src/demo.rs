//! The quickstart's business: a coffee roaster's order desk, in memory.
//!
//! Pure: a request goes in as method, path, query and body, an answer comes out. `bin/demo-api.rs` puts it
//! on a socket. Not a benchmark upstream: that is `bin/upstream.rs`.

pub mod desk;
pub mod route;
