//! MCP's server side for tools, both eras, as plain functions: bytes in, decisions and bytes out.
//!
//! Not here: sockets and event-stream framing (`http`), who the caller is (`auth`), what a tool does
//! (`adapter`), and the order of all that (`exchange`).
//!
//! A request meets the files in this order:
//!
//! 1. [`origin`]: `Host` and `Origin`, against DNS rebinding; [`headers`]: the `Mcp-*` headers, picked
//!    out in one pass.
//! 2. [`envelope`]: the body, read once; arguments stay the caller's bytes.
//! 3. [`era`]: legacy or modern, decided per request.
//! 4. [`modern`]: what a 2026-07-28 request must carry, and its headers against its body; or
//!    [`session`]: the sealed token of a legacy session, and the version header on it.
//! 5. [`method`]: which of our methods it is; [`parameter`]: `Mcp-Param-*` once the tool is known.
//! 6. [`handshake`], [`listen`], [`list`], [`answer`], [`error`]: what is written back.
//!
//! [`seal`] makes the tokens of [`session`] and [`cursor`]; [`version`] knows the revisions.

pub mod answer;
pub mod cursor;
pub mod envelope;
pub mod era;
pub mod error;
pub mod handshake;
pub mod headers;
pub mod legacy;
pub mod list;
pub mod listen;
pub mod method;
pub mod modern;
pub mod origin;
pub mod parameter;
pub mod revocation;
pub mod seal;
pub mod session;
pub mod version;

#[cfg(test)]
mod tests;
