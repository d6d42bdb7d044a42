//! Events to Kafka: what is set, how it fares, and the thread that brings them there.
//!
//! ```text
//! segments ─ cursor ─► forwarder (a thread of its own) ─ client ─► topic
//!     ▲                    │ all acknowledged
//!     └── may be deleted ◄─┴─► position (a file beside the segments)
//! ```
//!
//! **At least once, in order.** A batch is sent after the one before is acknowledged by all replicas,
//! with idempotence, so a key's events stand in the topic in the order of the spool. The position is
//! brought to the disk after the acknowledgement, at most [`POSITION_INTERVAL_MS`] later; what was
//! delivered since is sent again after a crash, under the same `event_id`.
//!
//! **Not on the workers' path.** Workers end at their ring; this reads what the spool's thread wrote.
//!
//! - [`state`]: how it fares. `cursor`, `position`: where in the spool. `forwarder`: the thread.
//! - `client`: the only file that names rdkafka, tests apart.
//!
//! Not here: what to do when the spool is full ([`super::spool::SpoolFull`]).

use std::path::PathBuf;

#[cfg(feature = "kafka")]
mod client;
#[cfg(feature = "kafka")]
mod cursor;
#[cfg(feature = "kafka")]
mod forwarder;
#[cfg(feature = "kafka")]
mod position;
pub mod state;

#[cfg(feature = "kafka")]
pub use client::{Found, KafkaError, look};
#[cfg(feature = "kafka")]
pub use forwarder::Forwarder;

/// Whether this build can forward at all.
pub const HAS_KAFKA: bool = cfg!(feature = "kafka");
/// Whether this build has TLS and SCRAM towards Kafka.
pub const HAS_KAFKA_TLS: bool = cfg!(feature = "kafka-tls");
/// Time after which an acknowledged position is on the disk.
pub const POSITION_INTERVAL_MS: u64 = 1_000;

/// Where events go, and as whom.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Topic of metering events.
    pub topic: String,
    /// Partitions of a topic that is made.
    pub partitions: u16,
    /// Replicas of each; `None` is the broker's default.
    pub replication: Option<u16>,
    /// Milliseconds that the topic keeps events; `None` is the broker's default.
    pub retention_ms: Option<u64>,
    /// How batches are compressed.
    pub compression: Compression,
    /// Whether TLS is used.
    pub tls: Option<KafkaTls>,
    /// Who we are.
    pub sasl: Option<Sasl>,
}

/// How batches are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// LZ4.
    Lz4,
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
}

impl Compression {
    /// The word of settings and of Kafka.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::None => "none",
            Self::Snappy => "snappy",
        }
    }
}

/// TLS towards the brokers; their names are always checked.
#[derive(Clone, Debug, Default)]
pub struct KafkaTls {
    /// PEM file of authorities; `None` is the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files of our certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Who we are towards the brokers.
#[derive(Clone, Debug)]
pub struct Sasl {
    /// How the password is shown.
    pub mechanism: SaslMechanism,
    /// User.
    pub username: String,
    /// Its password.
    pub password: Password,
}

/// How a password is shown to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// As it is: only behind TLS.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Kafka's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// A password; never shown.
#[derive(Clone)]
pub struct Password(Box<str>);

impl Password {
    /// Takes the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the broker alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("***")
    }
}
