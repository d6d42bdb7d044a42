//! The rows themselves, in the order of `--help`.

use super::{Group, Row};
use crate::limits;

pub(super) const GROUPS: &[Group] = &[
    Group {
        heading: "Listening",
        rows: LISTENING,
    },
    Group {
        heading: "Catalog and upstreams",
        rows: CATALOG,
    },
    Group {
        heading: "Identity",
        rows: IDENTITY,
    },
    Group {
        heading: "Rate limits and cost",
        rows: RATES,
    },
    Group {
        heading: "Metering",
        rows: METERING,
    },
    Group {
        heading: "Kafka",
        rows: KAFKA,
    },
    Group {
        heading: "Logs",
        rows: LOGS,
    },
    Group {
        heading: "Kernel",
        rows: KERNEL,
    },
    Group {
        heading: "Bounds",
        rows: BOUNDS,
    },
];

const LISTENING: &[Row] = &[
    Row::text(
        "mode",
        "MODE",
        "edge-mcp",
        "What the gateway is: edge-mcp is the only mode of this version.",
    )
    .also(&["GATEWAY_MODE"]),
    Row::text(
        "host",
        "ADDRESS",
        "",
        "Address to listen on. Default: 0.0.0.0 with --keys or an issuer of tokens, 127.0.0.1 without.",
    )
    .also(&["MCP_GATEWAY_HOST"]),
    Row::text(
        "port",
        "PORT",
        "3001",
        "Port of the MCP endpoint, the REST facade and the health checks.",
    )
    .also(&["GATEWAY_PORT", "MCP_GATEWAY_PORT", "PORT"]),
    Row::text(
        "metrics_port",
        "PORT",
        "9090",
        "Port of /metrics alone, on the same address; 0 turns it off.",
    )
    .also(&["METRICS_PORT"]),
    Row::text(
        "workers",
        "COUNT",
        "0",
        "Worker threads; 0 is one for each core that the process may use.",
    ),
    Row::list(
        "allowed_hosts",
        "HOST[:PORT]",
        "",
        "Values of the Host header that are served, against DNS rebinding. Default: localhost and loopback addresses when listening on loopback, any host otherwise.",
    ),
    Row::list(
        "allowed_origins",
        "ORIGIN",
        "",
        "Values of the Origin header that are served beside our own, e.g. https://app.example.com; * is any.",
    ),
    Row::text(
        "gateway_id",
        "NAME",
        "",
        "Name of this gateway in events. Default: the host's name.",
    ),
    Row::text(
        "environment",
        "dev|staging|prod",
        "dev",
        "Where this gateway stands; prod refuses insecure settings.",
    )
    .also(&["ENVIRONMENT"]),
    Row::switch(
        "debug",
        "false",
        "More in the log (never secrets); refused in prod.",
    )
    .also(&["DEBUG"]),
    Row::number(
        "grace_period_ms",
        "MS",
        limits::GRACE_PERIOD_MS_DEFAULT,
        "Time between SIGTERM and exit, in which calls finish.",
    ),
];

const CATALOG: &[Row] = &[
    Row::text(
        "catalog",
        "DIR",
        "",
        "Directory of Tool and ToolSet YAML; changes are live within a second.",
    ),
    Row::list(
        "upstream_allow",
        "CIDR",
        "",
        "Private, loopback and link-local ranges that upstreams may live in, e.g. 127.0.0.0/8,::1. Public addresses are always allowed.",
    ),
    Row::text(
        "upstream_ca_file",
        "FILE",
        "",
        "PEM file of certificate authorities for upstreams. Default: those of the system.",
    ),
    Row::number(
        "upstream_timeout_ms",
        "MS",
        limits::UPSTREAM_TOTAL_TIMEOUT_MS_DEFAULT,
        "Time for a whole upstream call, where a tool names none.",
    ),
];

const IDENTITY: &[Row] = &[
    Row::text("keys", "FILE", "", "Keys file, made by `stoa-gateway key create`. Without it and without an issuer of tokens the gateway listens on loopback only, and anyone on this machine may call every tool of --anonymous-tenant, as its tenant-admin."),
    Row::text("key_hash_secret", "SECRET", "", "Secret that keys are hashed with, where the keys file does not hold its own. A command line can be read by others on the machine: prefer the variable or the file.").secret(),
    Row::text("key_hash_secret_file", "FILE", "", "File with that secret."),
    Row::text("session_key", "SECRET", "", "Secret that legacy sessions and cursors are sealed with: the same on every gateway that shares clients. Made at start where absent.").secret(),
    Row::text("session_key_file", "FILE", "", "File with that secret."),
    Row::text("keycloak_url", "URL", "", "Keycloak whose access tokens are taken: the issuer is URL/realms/REALM. Its keys are fetched from there, and followed.").also(&["KEYCLOAK_URL"]),
    Row::text("keycloak_realm", "REALM", "stoa", "Realm of keycloak_url, or of base_domain.").also(&["KEYCLOAK_REALM"]),
    Row::text("base_domain", "DOMAIN", "", "Where keycloak_url is not set, Keycloak is at https://auth.DOMAIN.").also(&["BASE_DOMAIN"]),
    Row::list("oidc_issuer", "URL", "", "Further issuers of access tokens, to the letter as in their `iss`; they speak for every tenant."),
    Row::map("oidc_tenant_issuers", "TENANT=URL", "", "Issuers that speak for one tenant only, e.g. globex=https://auth.example.com/realms/globex. A token of theirs that names another tenant, or cpi-admin, is refused."),
    Row::list("oidc_audience", "NAME", "", "Audiences of this gateway: a token must carry one of them, or the gateway's own resource, which is public_url with /mcp. Roles of the clients of these names count.").also(&["OIDC_AUDIENCE"]),
    Row::text("public_url", "URL", "", "Where callers reach this gateway, e.g. https://gateway.example.com; /mcp below it is its resource (RFC 9728). Default: what a caller wrote into Host."),
    Row::list("oidc_clients", "CLIENT", "", "Clients whose tokens are taken, by `azp`. Default: every client of an issuer."),
    Row::list("oidc_tenant_claims", "CLAIM", "tenant_id,tenant", "Claims that may name the tenant, the first that is there counts; after them the realm role tenant:NAME."),
    Row::list("oidc_scopes", "SCOPE", "stoa:tools:read,stoa:tools:execute", "Scopes that clients are told to ask for. Set it to an empty list where the issuer does not know them."),
    Row::switch("oidc_scopes_grant", "false", "Whether a token's stoa: scopes give more than its roles do. Off, they only narrow: at most issuers any user may ask for any scope."),
    Row::number("oidc_refresh_ms", "MS", limits::ISSUER_REFRESH_MS_DEFAULT, "Time between two looks at an issuer's keys; an unknown key is looked for at once."),
    Row::number("oidc_keys_kept_ms", "MS", limits::ISSUER_KEYS_KEPT_MS_DEFAULT, "Time for which keys are kept while their issuer cannot be reached."),
    Row::text("anonymous_tenant", "NAME", "default", "Tenant of callers where neither keys file nor issuer is configured; each is its tenant-admin."),
    Row::switch("insecure_anonymous", "false", "Listen beyond loopback without any identity: everyone who reaches the port is tenant-admin of --anonymous-tenant. Refused in prod."),
];

const RATES: &[Row] = &[
    Row::map(
        "role_tiers",
        "ROLE=RATE",
        "cpi-admin=1000/min:100,tenant-admin=500/min:50,devops=200/min:20,viewer=60/min:10,none=30/min:5",
        "Calls of one caller by role, as RATE/UNIT:BURST; the best of its roles counts. Roles not named keep their default.",
    ),
    Row::text(
        "tenant_limit",
        "RATE",
        "",
        "Calls of a whole tenant together, where tenant_limits names none, e.g. 6000/min:600. Default: no such limit.",
    ),
    Row::map(
        "tenant_limits",
        "TENANT=RATE",
        "",
        "Calls of one tenant together, e.g. acme=6000/min:600.",
    ),
    Row::text(
        "cost_base",
        "UNITS",
        "0.001",
        "Cost of a call, before its tool's multiplier.",
    ),
    Row::text(
        "cost_per_100ms",
        "UNITS",
        "0.0001",
        "Cost of each 100 ms that a call takes.",
    ),
    Row::text(
        "cost_destructive_multiplier",
        "FACTOR",
        "2",
        "Multiplier of the base cost for destructive tools that name none.",
    ),
];

const METERING: &[Row] = &[
    Row::switch(
        "metering_enabled",
        "true",
        "Write one event for every call to the spool.",
    )
    .also(&["METERING_ENABLED"]),
    Row::text(
        "spool",
        "DIR",
        "stoa-spool",
        "Directory of the spool; read it with `stoa-gateway events`.",
    ),
    Row::number(
        "spool_bytes_max",
        "BYTES",
        limits::SPOOL_BYTES_MAX_DEFAULT,
        "Bytes of the whole spool.",
    ),
    Row::text(
        "spool_fsync",
        "never|every_batch|DURATION",
        "1s",
        "When events are forced to the disk: what a power cut may lose.",
    ),
    Row::text(
        "spool_full",
        "drop_oldest|drop_new|refuse",
        "drop_oldest",
        "When the spool is full: drop the oldest events or the new ones, counted, or refuse calls until there is room.",
    ),
];

const KAFKA: &[Row] = &[
    Row::list(
        "kafka_bootstrap_servers",
        "HOST:PORT",
        "",
        "Brokers that metering events are sent to, from the spool, at least once and in order. Default: none, events stay in the spool.",
    )
    .also(&["KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BROKERS"]),
    Row::text(
        "kafka_topic",
        "TOPIC",
        "stoa.metering.events",
        "Topic of metering events; made where it is missing and the broker permits it.",
    )
    .also(&["KAFKA_TOPIC"]),
    Row::number(
        "kafka_topic_partitions",
        "COUNT",
        limits::KAFKA_TOPIC_PARTITIONS_DEFAULT,
        "Partitions of a topic that is made; a tenant's events share one.",
    ),
    Row::text(
        "kafka_topic_replication",
        "COUNT",
        "",
        "Replicas of each partition of a topic that is made. Default: the broker's.",
    ),
    Row::text(
        "kafka_topic_retention",
        "DURATION",
        "",
        "How long a topic that is made keeps events, such as 30d. Default: the broker's.",
    ),
    Row::text(
        "kafka_compression",
        "lz4|snappy|none",
        "lz4",
        "Compression of what is sent.",
    ),
    Row::text(
        "kafka_security_protocol",
        "plaintext|ssl|sasl_plaintext|sasl_ssl",
        "plaintext",
        "Whether brokers are reached by TLS, and whether the gateway says who it is. Prod refuses a password without TLS.",
    )
    .also(&["KAFKA_SECURITY_PROTOCOL"]),
    Row::text(
        "kafka_sasl_mechanism",
        "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512",
        "SCRAM-SHA-512",
        "How the password is shown to a broker.",
    )
    .also(&["KAFKA_SASL_MECHANISM"]),
    Row::text("kafka_sasl_username", "NAME", "", "User at the brokers.").also(&["KAFKA_SASL_USERNAME"]),
    Row::text(
        "kafka_sasl_password",
        "SECRET",
        "",
        "Its password. A command line can be read by others on the machine: prefer the variable or the file.",
    )
    .also(&["KAFKA_SASL_PASSWORD"])
    .secret(),
    Row::text("kafka_sasl_password_file", "FILE", "", "File with that password."),
    Row::text(
        "kafka_ca_file",
        "FILE",
        "",
        "PEM file of certificate authorities for brokers. Default: those of the system.",
    )
    .also(&["KAFKA_SSL_CA_LOCATION"]),
    Row::text("kafka_certificate_file", "FILE", "", "PEM file of the gateway's certificate for brokers that ask for one."),
    Row::text("kafka_key_file", "FILE", "", "PEM file of the key of that certificate."),
];

const LOGS: &[Row] = &[
    Row::text(
        "log_level",
        "LEVEL",
        "info",
        "error, warn, info, debug or trace, or a filter such as info,stoa_gateway=debug.",
    ),
    Row::text("log_format", "json|text", "json", "Form of the log."),
    Row::text(
        "access_log",
        "off|sampled|full",
        "off",
        "Whether calls are logged one by one.",
    ),
    Row::text(
        "access_log_sample",
        "COUNT",
        "100",
        "With --access-log=sampled: one call in so many.",
    ),
    Row::text(
        "access_log_file",
        "FILE",
        "",
        "File that calls are logged to. Default: standard output.",
    ),
];

const KERNEL: &[Row] = &[
    Row::text(
        "ebpf",
        "off|auto|require",
        "auto",
        "Kernel programs: auto uses them where the machine permits, require stops the start where it does not.",
    ),
    Row::text(
        "cgroup",
        "DIR",
        "",
        "cgroup v2 directory to attach to. Default: the gateway's own.",
    ),
];

const BOUNDS: &[Row] = &[
    Row::number(
        "body_bytes_max",
        "BYTES",
        limits::BODY_BYTES_MAX_DEFAULT as u64,
        "Bytes of a request's body.",
    ),
    Row::number(
        "head_timeout_ms",
        "MS",
        limits::HEAD_TIMEOUT_MS_DEFAULT,
        "Time from the first byte of a request's head to its end.",
    ),
    Row::number(
        "body_timeout_ms",
        "MS",
        limits::BODY_TIMEOUT_MS_DEFAULT,
        "Time from the end of a request's head to the end of its body.",
    ),
    Row::number(
        "idle_timeout_ms",
        "MS",
        limits::IDLE_TIMEOUT_MS_DEFAULT,
        "Time that a kept-alive connection may wait for its next request.",
    ),
    Row::number(
        "write_timeout_ms",
        "MS",
        limits::WRITE_TIMEOUT_MS_DEFAULT,
        "Time that a reader may take for one answer.",
    ),
    Row::number(
        "connections_max",
        "COUNT",
        limits::CONNECTIONS_MAX_DEFAULT as u64,
        "Connections of all callers.",
    ),
    Row::number(
        "connections_per_address_max",
        "COUNT",
        limits::CONNECTIONS_PER_ADDRESS_MAX_DEFAULT as u64,
        "Connections from one address.",
    ),
    Row::number(
        "requests_per_connection_max",
        "COUNT",
        limits::REQUESTS_PER_CONNECTION_MAX_DEFAULT as u64,
        "Requests on one connection before it is closed, so that load can move between workers.",
    ),
];
