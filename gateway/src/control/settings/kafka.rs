//! The settings of Kafka: read, and held against each other. Nothing is asked of a broker.

use super::layers::Layers;
use super::resolve::path;
use super::rows;
use super::secret::password;
use super::value::{self, one_of};
use super::{Environment, Settings};
use crate::control::problem::Problem;
use crate::limits::KAFKA_TOPIC_PARTITIONS_MAX;
use crate::meter::kafka::{
    Compression, HAS_KAFKA, HAS_KAFKA_TLS, KafkaConfig, KafkaTls, Password, Sasl, SaslMechanism,
};

/// The key without which no other asks for anything.
const SERVERS: &str = "kafka_bootstrap_servers";
const PROTOCOL: &str = "kafka_security_protocol";
const USERNAME: &str = "kafka_sasl_username";
const PASSWORD: &str = "kafka_sasl_password";
const CERTIFICATE: &str = "kafka_certificate_file";
const KEY: &str = "kafka_key_file";
/// Settings that mean something with TLS, and with SASL, only.
const OF_TLS: [&str; 3] = ["kafka_ca_file", CERTIFICATE, KEY];
const OF_SASL: [&str; 4] = [
    "kafka_sasl_mechanism",
    USERNAME,
    PASSWORD,
    "kafka_sasl_password_file",
];
/// Characters of a topic's name, by Kafka's rule.
const TOPIC_CHARS_MAX: usize = 249;

/// Reads them; `None` within where no broker is named.
pub(super) fn read(layers: &mut Layers) -> Option<Option<KafkaConfig>> {
    let servers = layers.read(SERVERS, servers)?;
    let (tls, sasl) = layers.read(PROTOCOL, protocol)?;
    let topic = layers.read("kafka_topic", topic)?;
    let partitions = layers.read("kafka_topic_partitions", partitions)?;
    let replication = layers.read_optional("kafka_topic_replication", |text| {
        let count: u16 = value::positive(text)?;
        i16::try_from(count).map_err(|_| "must be at most 32767".to_owned())?;
        Ok(count)
    })?;
    let retention_ms = layers.read_optional("kafka_topic_retention", value::milliseconds)?;
    let compression = layers.read("kafka_compression", |text| {
        let known = [Compression::Lz4, Compression::Snappy, Compression::None];
        one_of(text, &known.map(|known| (known.as_str(), known)))
    })?;
    let tls = if tls {
        let certificate = layers.read_optional(CERTIFICATE, path)?;
        let key = layers.read_optional(KEY, path)?;
        Some(KafkaTls {
            ca_file: layers.read_optional("kafka_ca_file", path)?,
            identity: certificate.zip(key),
        })
    } else {
        None
    };
    let user = user(layers)?;
    if servers.is_empty() {
        return Some(None);
    }
    Some(Some(KafkaConfig {
        bootstrap_servers: servers.join(","),
        topic,
        partitions,
        replication,
        retention_ms,
        compression,
        tls,
        sasl: if sasl { user } else { None },
    }))
}

fn user(layers: &mut Layers) -> Option<Option<Sasl>> {
    let mechanism = layers.read("kafka_sasl_mechanism", |text| {
        let known = [
            SaslMechanism::Plain,
            SaslMechanism::ScramSha256,
            SaslMechanism::ScramSha512,
        ];
        one_of(text, &known.map(|known| (known.as_str(), known)))
    })?;
    let username = layers.read_optional(USERNAME, |text| {
        if text.contains(char::is_control) {
            return Err("a name holds no control characters".into());
        }
        Ok(text.to_owned())
    })?;
    let password = password(layers, PASSWORD, "kafka_sasl_password_file")?;
    let user = username.zip(password);
    Some(user.map(|(username, password)| Sasl {
        mechanism,
        username,
        password: Password::new(password.expose()),
    }))
}

/// What no single value can tell.
pub(super) fn check(settings: &Settings, layers: &Layers) -> Vec<Problem> {
    let Some(kafka) = &settings.metering.kafka else {
        return unused(layers);
    };
    let mut found = Vec::new();
    let mut refuse = |key: &str, message: &str, hint: &str| {
        found.push(layers.problem(key, message).hint(hint));
    };
    if !HAS_KAFKA {
        refuse(
            SERVERS,
            "this build has no Kafka",
            "build it with the feature `kafka`, or unset it: events stay in --spool",
        );
    }
    if !settings.metering.enabled {
        refuse(
            SERVERS,
            "metering is off, so nothing would be sent",
            "set metering_enabled to true, or unset this",
        );
    }
    let protocol = layers
        .sourced(PROTOCOL)
        .map(|found| found.text.trim().to_ascii_lowercase());
    let wants_sasl = protocol.is_some_and(|protocol| protocol.starts_with("sasl"));
    let is_scram = |sasl: &Sasl| sasl.mechanism != SaslMechanism::Plain;
    if !HAS_KAFKA_TLS && (kafka.tls.is_some() || kafka.sasl.as_ref().is_some_and(is_scram)) {
        refuse(
            PROTOCOL,
            "this build has no TLS and no SCRAM towards Kafka",
            "build it with the feature `kafka-tls`",
        );
    }
    if wants_sasl && kafka.sasl.is_none() {
        refuse(
            PROTOCOL,
            "SASL needs a user and a password",
            "set kafka_sasl_username and kafka_sasl_password_file",
        );
    }
    if settings.environment == Environment::Prod && kafka.sasl.is_some() && kafka.tls.is_none() {
        refuse(
            PROTOCOL,
            "prod refuses to show a password without TLS",
            "use sasl_ssl",
        );
    }
    for key in OF_TLS {
        if kafka.tls.is_none() && is_changed(layers, key) {
            refuse(
                key,
                "means nothing without TLS",
                "set kafka_security_protocol to ssl or sasl_ssl, or unset it",
            );
        }
    }
    for key in OF_SASL {
        if !wants_sasl && is_changed(layers, key) {
            refuse(
                key,
                "means nothing without SASL",
                "set kafka_security_protocol to sasl_ssl, or unset it",
            );
        }
    }
    if kafka.tls.is_some() && is_changed(layers, CERTIFICATE) != is_changed(layers, KEY) {
        refuse(
            CERTIFICATE,
            "a certificate and its key belong together",
            "set kafka_certificate_file and kafka_key_file, or neither",
        );
    }
    found
}

/// Settings of Kafka that nobody would read: somebody believes that events are sent.
fn unused(layers: &Layers) -> Vec<Problem> {
    // A server that cannot be read is a problem already.
    if layers.is_written(SERVERS) {
        return Vec::new();
    }
    rows::rows()
        .filter(|row| row.key.starts_with("kafka_") && is_changed(layers, row.key))
        .map(|row| {
            layers
                .problem(row.key, "means nothing without a broker")
                .hint("set kafka_bootstrap_servers, or unset it")
        })
        .collect()
}

/// Whether a key says something else than its default: `--print-config` writes every default down.
fn is_changed(layers: &Layers, key: &str) -> bool {
    let found = rows::row(key).zip(layers.sourced(key));
    found.is_some_and(|(row, found)| found.text.trim() != row.initial_text())
}

fn servers(text: &str) -> Result<Vec<String>, String> {
    let servers = value::words(text)?;
    for server in &servers {
        let port = server
            .rsplit_once(':')
            .filter(|(host, _)| {
                !host.is_empty()
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic() && !b"/@".contains(&byte))
            })
            .and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return Err(format!("`{server}` is no broker; write `kafka:9092`"));
        }
    }
    Ok(servers)
}

fn topic(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=TOPIC_CHARS_MAX).contains(&text.len())
        && !matches!(text, "." | "..")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is no topic; Kafka takes at most {TOPIC_CHARS_MAX} letters, digits, `.`, `_` and `-`"
        ))
    }
}

fn partitions(text: &str) -> Result<u16, String> {
    let count: u16 = value::positive(text)?;
    if count > KAFKA_TOPIC_PARTITIONS_MAX {
        return Err(format!("must be at most {KAFKA_TOPIC_PARTITIONS_MAX}"));
    }
    Ok(count)
}

/// Whether there is TLS, and SASL.
fn protocol(text: &str) -> Result<(bool, bool), String> {
    one_of(
        text,
        &[
            ("plaintext", (false, false)),
            ("ssl", (true, false)),
            ("sasl_plaintext", (false, true)),
            ("sasl_ssl", (true, true)),
        ],
    )
}

#[cfg(test)]
mod tests;
