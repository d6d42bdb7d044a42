//! Calls to HTTP APIs: arguments to a whole HTTP/1.1 request, an answer to a tool's result.
//!
//! [`encode()`] writes into the upstream's buffer; [`decode()`] reads what came. Neither knows
//! connections, and neither lets an upstream's address or headers out.

mod body;
mod content;
mod decode;
mod encode;
mod form;
mod header;
mod multipart;
mod path;
mod query;
mod style;

#[cfg(test)]
mod tests;

pub use decode::{Reply, decode};
pub use encode::{CallContext, encode};
