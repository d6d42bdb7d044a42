//! STOA Gateway as a library: what the binary, the tests, the benches and the fuzz targets share. This
//! page is the architecture document; its links are checked by rustdoc, so it cannot name what is gone.
//!
//! Agents connect to the gateway with MCP (or plain REST) and it turns their tool calls into calls of
//! REST APIs. On the way it decides who may call what and how often, and records what it cost.
//!
//! # Shape
//!
//! ```text
//!  agent ──► worker N: frame ► exchange ► upstream ► write ──► REST API
//!              │ reads                      │ writes
//!           Snapshot (swapped whole)     rings of core N
//!              ▲                            ▼
//!           control (tokio, one thread)  spool thread ► segments on disk ► `events`
//!           files, OpenAPI, keys, DNS    access log thread        └► forwarder thread ► Kafka
//!
//!  kernel: sock_ops on our cgroup counts connections, bytes, retransmits (where the machine permits)
//! ```
//!
//! - **Workers** ([`worker`]): a thread per core with a runtime, a listener (`SO_REUSEPORT`), upstream
//!   connections, buffers and counters of its own. A request never changes thread. A worker never blocks
//!   and never locks.
//! - **Control** ([`control`]): one thread reads everything that changes, compiles it into one immutable
//!   [`Snapshot`](snapshot::Snapshot) and publishes it whole. What must outlive a snapshot (limit buckets,
//!   usage, addresses) is kept by key in [`control::keyed`] and referred to from snapshots by `Arc`.
//! - **Kernel** ([`kernel`]): programs that the same process loads. Without them everything else is the
//!   same, which is said once at start and kept as a metric.
//!
//! # A request's walk
//!
//! The modules below are declared in this order. Each stage is a plain function of bytes, the snapshot and
//! `now`: no I/O, no clock. So each is tested without a socket.
//!
//! 1. **Accepted.** [`worker::connection`] takes the socket; [`worker::census`] has counted it against the
//!    bounds of [`limits`]. [`worker::io`] is the only file that names the runtime.
//! 2. **Framed.** [`http::framer`] cuts the buffer into requests: [`http::head`] refuses whatever two
//!    programs could read in two ways, [`http::body`] and [`http::chunked`] find the end. Meanwhile the
//!    connection reads on ([`worker::ahead`]), which is how a caller that leaves cancels its call, and
//!    [`worker::deadline`] ends those that are too slow.
//! 3. **Exchanged.** [`exchange::exchange`] looks up the door of the path ([`route::mount`]) and opens it.
//!    Everything from here to 12 is called from that file, in that order, and nowhere else.
//! 4. **Understood.** MCP's door checks `Host` and `Origin` ([`mcp::origin`]), reads the body once
//!    ([`mcp::envelope`]), and decides the revision for this one request ([`mcp::era`], then
//!    [`mcp::modern`] or [`mcp::legacy`] and [`mcp::session`]). The REST facade's door does the same with
//!    [`facade`].
//! 5. **Authenticated.** [`auth::authenticate`] gives a [`Principal`](auth::Principal); nothing else can: from
//!    an API key ([`auth::api_key`]) or from an access token of a known issuer ([`auth::token`]), which a
//!    worker remembers once it is verified ([`auth::TokenCache`]).
//!    A large body is read only for who passes: the connection asks [`exchange::refuse_unread`] first.
//! 6. **Whose.** [`tenant::identify`]: from the credential, never from a header.
//! 7. **Admitted.** [`limit::admit`] takes from the caller's, the consumer's and the tenant's bucket
//!    ([`limit::bucket`]) and gives an [`Admission`](limit::Admission).
//! 8. **Resolved.** [`route::resolve`] finds the tool, [`policy::find`] says whether this caller may know of
//!    it (a hidden tool and a missing one answer alike), and the tool's own bucket is asked.
//! 9. **Decided.** [`policy::decide`] turns the admission into a [`Permit`](policy::Permit).
//! 10. **Guarded.** [`mcp::parameter`] compares mirrored headers, [`guard::validate`] the arguments with the
//!     tool's schema; what does not fit comes back as a text that a model can act on.
//! 11. **Called.** [`adapter::rest::encode`] writes the request, [`upstream::send`] takes the permit by value
//!     and sends it over a kept connection ([`upstream::pool`], [`upstream::breaker`],
//!     [`upstream::address`]), [`adapter::rest::decode`] makes a result of the answer. Tools of our own are
//!     answered by [`builtin`].
//! 12. **Recorded.** One [`Record`](meter::record::Record) for each call, on every outcome, also for a
//!     caller that went away; [`meter`] brings it to the disk, and from there [`meter::kafka`] to a topic;
//!     [`telemetry`] counts it.
//! 13. **Answered.** An [`Answer`](answer::Answer) goes back to the connection, [`http::write`](mod@http::write)
//!     writes it.
//!
//! Whatever goes wrong on the way is a [`Refusal`](refusal::Refusal): one enum, one table with its HTTP
//! status, JSON-RPC code, REST code and metric label.
//!
//! **Proof types.** `Principal`, `Admission` and `Permit` have private fields and one maker each. A door that
//! forgets a check does not compile; the `compile_fail` examples on [`policy::Permit`], [`auth::Principal`]
//! and [`limit::Admission`] keep it so.
//!
//! # How a change gets in
//!
//! [`control::settings`] merges flags, environment and file. The catalog's YAML ([`control::yaml`],
//! [`control::document`]) and imported OpenAPI documents ([`control::import`]) become the same
//! [`ToolSpec`](control::spec::ToolSpec); the keys file is read by [`auth::keys_file`]; issuers of tokens and
//! their keys are fetched, and followed when they rotate, by [`control::issuers`].
//! [`control::compile`](mod@control::compile) makes a snapshot of all that is sound and a
//! [`Problem`](control::problem::Problem) with file, line and hint of each thing that is not. A broken file
//! costs nobody else, and keeps its own last good version.
//!
//! # Where this differs from the plan, and why
//!
//! - **The exchange is `async`.** The plan had synchronous stages on both sides of the call to the upstream.
//!   One function that reads from top to bottom on one screen and awaits one thing,
//!   [`upstream::send`], shows the order better than two half functions with a state carried between them.
//!   The stages themselves are synchronous.
//! - **Deadlines without timers** ([`worker::deadline`]). A timer for each read costs an entry in the
//!   runtime's wheel for every request. A number that the worker's tick compares costs a store; deadlines
//!   fire up to a tick (50 ms) late.
//! - **Workers look for a new snapshot**, nobody wakes them: each request compares an atomic (some 10 ns), so
//!   that who was told of a change by one worker finds it at the next, and the tick looks for the event
//!   streams that wait ([`worker::tick`], every 50 ms). Waking from another thread would make the runtime
//!   arm an eventfd read beside each wait, and no promise is tighter than "live within a second".
//! - **The clock is read more than once** for a call that goes upstream: when it is framed, before and after
//!   the upstream, and when it is recorded, 25 ns each. Metering separates the gateway's time from the
//!   upstream's, and that needs them.
//! - **AES-256-GCM-SIV** seals sessions and cursors, not GCM ([`mcp::seal`]): nonces are random, one key
//!   serves every gateway for its whole life, and a repeated nonce must not cost everything.
//! - **Arguments are spans over the caller's bytes** ([`guard::document`]) where the plan had simd-json. They
//!   are validated and then forwarded, and a tree gives neither `1.10` nor a number of 30 digits back; it
//!   is also the faster way (the table is in that file; `bench/README.md` has the rerun).
//! - **One exact bucket for all cores** ([`limit::bucket`]), one compare-and-swap, where the plan leased
//!   tokens to each core. A rate then holds exactly at any number of cores.
//! - **Callers with tokens have their limits in one lock-free table** ([`auth::callers`]): control knows of a
//!   key before it is used, of a token's bearer only a worker does, and its limit must hold on all cores.
//! - **An unknown key of an issuer is answered 401 at once**, and control told by an atomic; the plan let the
//!   caller wait. A worker that waits for what a caller made up is what such a caller wants.
//! - **No cache of verified keys.** A key is one HMAC over 60 bytes; a cache needs a digest of the
//!   presented key as well, so it would save nothing and would have to be emptied on a change.
//! - **The spool and the access log have threads of their own** ([`meter::spool`], [`telemetry::access`]),
//!   where the plan had control write them. A write to a file may wait for the disk for seconds, and
//!   control must publish and answer probes in that time.
//! - **No dashmap.** Nothing is a map that several threads write to: what outlives a snapshot is found by key
//!   by control alone ([`control::keyed`], a plain `HashMap`), and workers hold it through their snapshot.
//! - **Upstream names are resolved by control** ([`control::resolver`]), for a worker must not wait for DNS;
//!   which of the addresses may be connected to is judged by the worker at the connect.
//! - **[`facade`] and [`builtin`]** are modules that the plan did not have: the REST facade's reading and
//!   writing is no MCP, and our own tools have no upstream that an adapter could encode for.
//! - **OpenSSL beside aws-lc-rs**, towards Kafka only ([`meter::kafka`]): librdkafka has TLS and SCRAM with
//!   nothing else. It is the system's, so it is patched with the system and nothing more is compiled;
//!   without the feature `kafka-tls` it is not there, without `kafka` neither is librdkafka.
//! - **Not here yet**, and not stubbed: mTLS, DPoP, token exchange, Rego, audit, Redis, Kubernetes, other modes than
//!   `edge-mcp`, TLS on our own listener, MCP features other than tools, HTTP/2, WebSocket. A setting that
//!   asks for one of them stops the start ([`control::settings::rows::ABSENT`]).

pub mod limits;

// 1. Accepted.
pub mod worker;

// 2. Framed.
pub mod http;

// 3. Exchanged: this file calls all below, up to the record.
pub mod exchange;

// 4. Understood.
pub mod mcp;

pub mod facade;

// 5. Authenticated.
pub mod auth;

// 6. Whose.
pub mod tenant;

// 7. Admitted.
pub mod limit;

// 8. Resolved.
pub mod route;

// 9. Decided.
pub mod policy;

// 10. Guarded.
pub mod guard;

// 11. Called.
pub mod adapter;

pub mod upstream;

pub mod builtin;

// 12. Recorded.
pub mod meter;

pub mod telemetry;

// 13. Answered.
pub mod answer;

// What all of them know.
pub mod json;
pub mod refusal;
pub mod snapshot;

// Beside the requests.
pub mod control;
pub mod file;
pub mod kernel;
