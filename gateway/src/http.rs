//! HTTP/1.1 framing: bytes to heads and bodies, and answers back to bytes.
//!
//! Everything here is a plain function of bytes: no sockets, no clock, no `async`. The worker reads
//! into a buffer, asks [`head::parse`] whether a whole head is there, lets a [`body::BodyReader`]
//! collect what follows, and appends the answer with [`write`](mod@write). Heads of upstreams' answers are read
//! by [`response`]; [`sse`] shapes the events of a stream.
//!
//! `httparse` finds the fields; what it is lenient about (line ends) and what it does not look at
//! (which body belongs to which head) is decided here, strictly: two programs that disagree about
//! where a request ends are a smuggling hole (RFC 9112 section 11.2), so whatever has two readings is
//! refused rather than repaired.
//!
//! Not here: routing, which methods and media types a path takes, HTTP/2, WebSocket.

pub mod body;
pub mod chunked;
mod field;
pub mod framer;
pub mod head;
pub mod response;
mod scan;
pub mod sse;
pub mod target;
pub mod write;

pub use scan::Scan;

#[cfg(test)]
mod differential;
