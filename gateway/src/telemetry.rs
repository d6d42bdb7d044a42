//! Sight: what can be seen of the gateway from outside while it works.
//!
//! - [`counter`] and [`histogram`]: what a core counts, written by that core alone; [`scrape`] adds
//!   the cores up and renders Prometheus text.
//! - [`health`]: the body of `/ready`.
//! - [`log`]: logs of control and start; [`access`]: one line a request, from the workers.
//! - [`trace`]: W3C trace context and correlation ids.
//!
//! Labels come from bounded sets only: registered tools, known tenants, words of ours. Nothing here
//! grows with what callers send.

pub mod access;
pub mod counter;
pub mod health;
pub mod histogram;
pub mod log;
pub mod relay;
pub mod scrape;
pub mod trace;
