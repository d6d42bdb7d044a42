//! What black-box tests share: the built gateway as a process, an API that it calls, a raw HTTP client, and
//! finders for foreign MCP clients.
//!
//! Nothing here uses the gateway's own code, so a test cannot agree with a mistake of it. Everything blocks:
//! threads and plain sockets are easier to follow in a failure than a second runtime. Included by each test
//! crate with `#[path = "support/harness.rs"] mod support;`.

#![allow(dead_code, reason = "each test crate uses a part")]
#![allow(unused_imports, reason = "each test crate uses a part")]

pub(crate) mod agent;
pub(crate) mod api;
pub(crate) mod gateway;
pub(crate) mod keycloak;
pub(crate) mod peer;
pub(crate) mod session;
pub(crate) mod tool;
pub(crate) mod wait;
pub(crate) mod wire;

pub(crate) use agent::Agent;
pub(crate) use api::{Api, Ending, Reply};
pub(crate) use gateway::{Gateway, Setup};
pub(crate) use keycloak::Keycloak;
pub(crate) use session::Session;
pub(crate) use wait::{until, within};
pub(crate) use wire::{Answer, Wire};
