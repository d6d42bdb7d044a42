//! Every bound in the system, with its unit and the reason for its size.
//!
//! A bound that an operator may want to move is a default here and a key in
//! [`crate::control::config`]; the rest are constants. Each has a test that goes one past it.

/// Bytes of a request head (request line and headers). 64 KiB: a bearer token of 8 KiB and
/// cookies fit many times; nginx allows 32 KiB, Node 16 KiB.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a method. 32: the longest registered one, `UPDATEREDIRECTREF`, has 17.
pub const METHOD_BYTES_MAX: usize = 32;
/// Bytes of a request target. 8 KiB, as nginx and Apache.
pub const TARGET_BYTES_MAX: usize = 8 * 1024;
/// Headers in a request. 100, as Apache and hyper.
pub const HEADER_COUNT_MAX: usize = 100;
/// Default bytes of a request body. 4 MiB: what all four official SDKs default to.
pub const BODY_BYTES_MAX_DEFAULT: usize = 4 * 1024 * 1024;
/// Bytes of a body that are read before its head is looked at: of a larger one no more is read for a caller
/// that the head alone condemns (no key, no such path). 64 KiB: the arguments of an ordinary call, whose
/// JSON-RPC id an answer should carry, and no more than one read of a body.
pub const UNREAD_BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of chunk extensions in one body; nobody uses them, so more is an attack.
pub const CHUNK_EXTENSION_BYTES_MAX: usize = 4 * 1024;
/// Bytes of trailers after a chunked body (they are dropped).
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// Nesting of a JSON document. 128, as serde_json; real arguments stay below 20.
pub const JSON_DEPTH_MAX: usize = 128;
/// Messages in one JSON-RPC batch (2025-03-26 only).
pub const BATCH_MESSAGES_MAX: usize = 64;
/// Bytes of all answers to one batch. 16 MiB, as one answer of an upstream: an item that goes past it is
/// answered by an error in its place.
pub const BATCH_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a JSON-RPC id. 256: SDKs count, or use UUIDs; an open stream keeps its id in memory.
pub const REQUEST_ID_BYTES_MAX: usize = 256;

/// Time from the first byte of a head to its end.
pub const HEAD_TIMEOUT_MS_DEFAULT: u64 = 10_000;
/// Time from the end of a head to the end of its body.
pub const BODY_TIMEOUT_MS_DEFAULT: u64 = 30_000;
/// Time a kept-alive connection may wait for its next request.
pub const IDLE_TIMEOUT_MS_DEFAULT: u64 = 75_000;
/// Time a reader may take for one answer before it is dropped.
pub const WRITE_TIMEOUT_MS_DEFAULT: u64 = 30_000;
/// Time for which a peer may leave what was sent to it unacknowledged. Without it the kernel tries for a
/// quarter of an hour, and machines that vanished hold the places of their principal's streams.
pub const PEER_SILENCE_MS_MAX: u64 = WRITE_TIMEOUT_MS_DEFAULT;
/// After a refusal that left bytes unread, this much more is read and dropped, so that closing does not
/// reset the connection before the caller has read why (RFC 9112 section 9.6). Four times the default bound
/// of a body, for senders that do not wait for `100 Continue`; nothing of it is kept.
pub const LINGER_BYTES_MAX: usize = 4 * BODY_BYTES_MAX_DEFAULT;
/// And for this long: who reads at all has read a refusal by then.
pub const LINGER_MS_MAX: u64 = 1_000;
/// Time between SIGTERM and exit.
pub const GRACE_PERIOD_MS_DEFAULT: u64 = 25_000;

/// Connections of all callers.
pub const CONNECTIONS_MAX_DEFAULT: u32 = 65_536;
/// Connections from one address.
pub const CONNECTIONS_PER_ADDRESS_MAX_DEFAULT: u32 = 4_096;
/// Requests on one connection before it is closed, so that load can move between workers.
pub const REQUESTS_PER_CONNECTION_MAX_DEFAULT: u32 = 1_000_000;
/// Open event streams on one worker.
pub const STREAMS_PER_WORKER_MAX: usize = 32_768;
/// Open event streams of one principal on one worker.
pub const STREAMS_PER_PRINCIPAL_MAX: usize = 64;
/// Silence after which an event stream is sent a comment. 15 s, as the TypeScript and Python SDKs.
pub const STREAM_KEEP_ALIVE_MS: u64 = 15_000;

/// Connections to the metrics port at one time. Scrapers and probes are few; more wait in the backlog.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;
/// Bytes of a request's head on the metrics port; a scraper's has some 200.
pub const ADMIN_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Time for a request's head on the metrics port, and for the next one on a kept connection.
pub const ADMIN_HEAD_TIMEOUT_MS: u64 = 10_000;
/// Time for a whole connection to the metrics port, so that a peer that does not read cannot hold it for
/// ever. Eight scrapes at the usual interval of 15 s.
pub const ADMIN_CONNECTION_MS_MAX: u64 = 120_000;

/// Time to connect to an upstream address, TLS included.
pub const UPSTREAM_CONNECT_TIMEOUT_MS: u64 = 3_000;
/// Default time for a whole upstream call (`spec.timeout` of a tool moves it).
pub const UPSTREAM_TOTAL_TIMEOUT_MS_DEFAULT: u64 = 30_000;
/// The most that `spec.timeout` may ask for.
pub const UPSTREAM_TOTAL_TIMEOUT_MS_MAX: u64 = 300_000;
/// Time without a byte from an upstream within an answer.
pub const UPSTREAM_IDLE_TIMEOUT_MS: u64 = 30_000;
/// Idle upstream connections kept by one worker for one upstream.
pub const UPSTREAM_IDLE_CONNECTIONS_MAX: usize = 512;
/// Age at which an idle upstream connection is closed rather than used. Below the 60-75 s after
/// which common servers close theirs, so that a reused connection rarely races their FIN.
pub const UPSTREAM_IDLE_AGE_MS_MAX: u64 = 50_000;
/// Bytes of an upstream answer's head.
pub const UPSTREAM_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an upstream answer's body. 16 MiB, as rmcp.
pub const UPSTREAM_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of an upstream's error body that are shown to a model.
pub const UPSTREAM_ERROR_BYTES_MAX: usize = 64 * 1024;

/// Characters of a tool's name. 64: what model APIs accept.
pub const TOOL_NAME_CHARS_MAX: usize = 64;
/// Tools in a list page, on MCP and as the most that REST's `limit` may ask for.
pub const TOOLS_PER_PAGE_MAX: usize = 1_000;
/// REST's `limit` when none is given.
pub const TOOLS_PER_PAGE_DEFAULT: usize = 100;
/// Bytes of one catalog file or OpenAPI document. 32 MiB: the largest public document known
/// (Microsoft Graph) has 30 MB.
pub const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Time to download an OpenAPI document.
pub const DOCUMENT_TIMEOUT_MS: u64 = 30_000;
/// Redirects in a row on the way to an OpenAPI document.
pub const DOCUMENT_REDIRECTS_MAX: usize = 5;
/// Nodes of an OpenAPI document in YAML after its aliases are expanded. The largest public document has
/// 1.5 million.
pub const DOCUMENT_YAML_NODES_MAX: usize = 8_000_000;
/// Aliases in an OpenAPI document in YAML; hand-written documents have a few hundred.
pub const DOCUMENT_YAML_ALIASES_MAX: usize = 20_000;
/// Events that aliases may replay in all: what stops ten lines from becoming a billion nodes.
pub const DOCUMENT_YAML_REPLAYED_EVENTS_MAX: usize = 2_000_000;
/// Bytes of an imported input schema. 64 KiB is some 16,000 tokens: more would crowd out the conversation
/// that the tool serves.
pub const INPUT_SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an imported output schema, which helps a model less than the input schema does.
pub const OUTPUT_SCHEMA_BYTES_MAX: usize = 32 * 1024;
/// Bytes of all schemas of one OpenAPI document. A schema that a thousand operations share is written out a
/// thousand times, so that the bound on one is not enough. Microsoft Graph, the largest public document, has
/// 31 MiB of input schemas for 11,000 tools.
pub const DOCUMENT_SCHEMAS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// References that are followed from one to the next where a circle would have no meaning.
pub const REFERENCE_HOPS_MAX: usize = 16;
/// Levels of nested schemas in an imported schema. Each may nest two levels of JSON, which keeps a definition
/// below [`JSON_DEPTH_MAX`].
pub const SCHEMA_LEVELS_MAX: usize = 40;
/// Bytes of one compiled pattern of a schema.
pub const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// Steps that a pattern with look-around may take on one string. Patterns without it run on an engine that
/// is linear in the string and need no such bound.
pub const PATTERN_BACKTRACK_STEPS_MAX: usize = 20_000;
/// Nesting of a YAML document that is no OpenAPI document. The parser recurses, with about 16 KiB a level in
/// debug builds: 64 levels stay within a thread's 2 MiB, and schemas that people write stay below 30.
pub const YAML_DEPTH_MAX: usize = 64;
/// Levels of directories in a catalog: more is a loop of links.
pub const CATALOG_DEPTH_MAX: usize = 16;
/// Files in a catalog directory.
pub const CATALOG_FILES_MAX: usize = 20_000;
/// Tools in a snapshot.
pub const TOOLS_MAX: usize = 100_000;
/// API keys in a keys file.
pub const KEYS_MAX: usize = 100_000;
/// Characters of a key's, consumer's or tenant's name. 63: what Kubernetes allows a namespace.
pub const CALLER_NAME_CHARS_MAX: usize = 63;
/// Bytes of a keys file. A key takes about 400, so [`KEYS_MAX`] of them fit.
pub const KEYS_FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a file with one secret: a private key has a few thousand.
pub const SECRET_FILE_BYTES_MAX: usize = 64 * 1024;
/// Worker threads: far beyond any machine, far below what a typing error asks for.
pub const WORKERS_MAX: usize = 1_024;

/// Bytes of an access token. 16 KiB: Keycloak's tokens of users with hundreds of roles reach 10 KiB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Members of a token's claims, at the top.
pub const TOKEN_CLAIMS_MAX: usize = 128;
/// Roles in a token, those of the realm and of our own clients.
pub const TOKEN_ROLES_MAX: usize = 512;
/// Bytes of a token's `sub` and `azp`, which stand in every event. RFC 7519's registry knows of none longer
/// than 255.
pub const TOKEN_NAME_BYTES_MAX: usize = 255;
/// Seconds that `nbf` and `iat` may lie ahead of our clock. `exp` has no such grace.
pub const TOKEN_SKEW_S: u64 = 30;
/// Keys in an issuer's key set. Keycloak has two to six.
pub const TOKEN_KEYS_MAX: usize = 64;
/// Verified tokens that one worker remembers: 16,384 in some 8 MiB.
pub const TOKENS_CACHED_MAX: usize = 16_384;
/// Callers with tokens whose limits are kept: 65,536 in 512 KiB, and some 300 bytes for each that came.
pub const TOKEN_CALLERS_MAX: usize = 65_536;
/// Issuers of tokens: one for each tenant, at the most.
pub const ISSUERS_MAX: usize = 1_024;
/// Bytes of an issuer's metadata or of its key set.
pub const ISSUER_DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Time to fetch one of them.
pub const ISSUER_TIMEOUT_MS: u64 = 5_000;
/// Default time between two looks at an issuer's keys: a key that its realm drops is good for so long at
/// the most. One small request in 15 s is nothing to an issuer.
pub const ISSUER_REFRESH_MS_DEFAULT: u64 = 15_000;
/// Default time for which keys are kept while their issuer cannot be reached. An hour: longer than the
/// restart of an issuer takes, shorter than the life of a stolen key should be.
pub const ISSUER_KEYS_KEPT_MS_DEFAULT: u64 = 3_600_000;
/// Time between two fetches of one issuer's keys, whatever kids callers make up.
pub const ISSUER_PAUSE_MS: u64 = 2_000;

/// Visible ASCII characters of a caller's `X-Request-Id`; a longer one is replaced.
pub const REQUEST_ID_CHARS_MAX: usize = 128;
/// Life of a legacy session token.
pub const SESSION_AGE_S_MAX: u64 = 24 * 3_600;
/// Ended sessions that are remembered until their token expires: 32,768 in 256 KiB.
pub const SESSIONS_ENDED_MAX: usize = 32_768;

/// Records of one worker on their way to the spool.
pub const METER_RECORDS_MAX: usize = 65_536;
/// Time after which a record is in the spool's file.
pub const METER_FLUSH_INTERVAL_MS: u64 = 100;
/// Bytes of one spool segment.
pub const SPOOL_SEGMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Default bytes of all spool segments.
pub const SPOOL_BYTES_MAX_DEFAULT: u64 = 1024 * 1024 * 1024;
/// Events that are sent to Kafka before the first of them is acknowledged: at 2 ms for an
/// acknowledgement half a million events a second, and as many are sent twice after a crash.
pub const KAFKA_BATCH_RECORDS_MAX: usize = 1_024;
/// Bytes of their JSON: brokers take a batch of a mebibyte by default.
pub const KAFKA_BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Partitions of a topic that the gateway makes, where nobody says how many.
pub const KAFKA_TOPIC_PARTITIONS_DEFAULT: u64 = 6;
/// Partitions that may be asked for: one topic must not use up a cluster.
pub const KAFKA_TOPIC_PARTITIONS_MAX: u16 = 1_024;

/// Times that a value in a path is looked at, each time percent-decoded once more: proxies in a row decode
/// one each. What could be decoded further is refused.
pub const PATH_DECODING_ROUNDS_MAX: usize = 4;
/// Values in arguments above which it is not told where they are wrong: each error holds a copy of its
/// value, and a caller chooses how many there are.
pub const EXPLAINED_NODES_MAX: usize = 5_000;
/// Bytes of the text that says what is wrong with arguments. A model reads it whole, and it is paid for by
/// the token.
pub const ARGUMENT_ERROR_BYTES_MAX: usize = 4 * 1024;

/// Tools with metric series of their own, in the catalog's order; the rest is one.
pub const TOOL_SERIES_MAX: usize = 10_000;
/// Lines of one worker on their way to the access log: at 300 bytes each, 5 MB.
pub const ACCESS_LINES_MAX: usize = 16_384;
/// Notices of the workers on their way to the log. Control looks ten times a second.
pub const NOTICES_MAX: usize = 64;
