use std::collections::BTreeMap;
use std::path::Path;

use super::super::{Layers, print, resolve};
use super::*;
use crate::control::config::File;
use crate::limits::KAFKA_TOPIC_PARTITIONS_DEFAULT;

fn layers(flags: &[(&str, &str)]) -> Layers {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let flags: BTreeMap<String, String> = flags.iter().map(own).collect();
    Layers::new(&flags, &BTreeMap::new(), None)
}

const BROKER: (&str, &str) = ("kafka_bootstrap_servers", "k1:9092, k2:9093");

#[test]
fn unset_is_no_kafka() {
    let settings = resolve(&mut layers(&[])).unwrap();
    assert!(settings.metering.kafka.is_none());
}

#[test]
fn what_is_set_is_read() {
    let settings = resolve(&mut layers(&[BROKER])).unwrap();
    let kafka = settings.metering.kafka.unwrap();
    assert_eq!(kafka.bootstrap_servers, "k1:9092,k2:9093");
    assert_eq!(kafka.topic, "stoa.metering.events");
    assert_eq!(
        (kafka.partitions, kafka.replication, kafka.retention_ms),
        (KAFKA_TOPIC_PARTITIONS_DEFAULT as u16, None, None)
    );
    assert_eq!(kafka.compression, Compression::Lz4);
    assert!(kafka.tls.is_none() && kafka.sasl.is_none());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let mut full = layers(&[
        BROKER,
        ("kafka_topic", "events"),
        ("kafka_topic_partitions", "12"),
        ("kafka_topic_replication", "3"),
        ("kafka_topic_retention", "30d"),
        ("kafka_compression", "snappy"),
        ("kafka_security_protocol", "SASL_SSL"),
        ("kafka_sasl_mechanism", "PLAIN"),
        ("kafka_sasl_username", "alice"),
        ("kafka_sasl_password_file", file.to_str().unwrap()),
        ("kafka_ca_file", "ca.pem"),
        ("kafka_certificate_file", "own.pem"),
        ("kafka_key_file", "own.key"),
        ("environment", "prod"),
        ("keys", "keys.yaml"),
    ]);
    let settings = resolve(&mut full).unwrap();
    let kafka = settings.metering.kafka.clone().unwrap();
    assert_eq!((kafka.partitions, kafka.replication), (12, Some(3)));
    assert_eq!(kafka.retention_ms, Some(30 * 24 * 3_600_000));
    let sasl = kafka.sasl.unwrap();
    assert_eq!(
        (
            sasl.mechanism,
            sasl.username.as_str(),
            sasl.password.expose()
        ),
        (SaslMechanism::Plain, "alice", "hunter2")
    );
    let tls = kafka.tls.unwrap();
    assert!(tls.ca_file.is_some() && tls.identity.is_some());
    let shown = format!("{}{settings:?}", print::print(&full, &settings));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_is_printed_can_be_read_again() {
    for flags in [
        &[][..],
        &[BROKER],
        &[BROKER, ("kafka_security_protocol", "ssl")],
    ] {
        let mut first = layers(flags);
        let settings = resolve(&mut first).unwrap();
        let printed = print::print(&first, &settings);
        let file = File::parse(Path::new("stoa.yaml"), &printed).unwrap();
        let nothing = BTreeMap::new();
        let again = resolve(&mut Layers::new(&nothing, &nothing, Some(&file))).unwrap();
        assert_eq!(format!("{again:?}"), format!("{settings:?}"));
    }
}

#[test]
fn mistakes_stop_the_start_with_a_hint() {
    #[track_caller]
    fn check(flags: &[(&str, &str)], key: &str, expected: &str) {
        let found = resolve(&mut layers(flags)).unwrap_err();
        let flag = format!("--{}: ", key.replace('_', "-"));
        let told = found
            .iter()
            .map(ToString::to_string)
            .find(|problem| problem.starts_with(&flag) && problem.contains(expected));
        assert!(told.is_some(), "{found:#?} lacks {flag}{expected}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
    let sasl = ("kafka_security_protocol", "sasl_plaintext");
    let name = ("kafka_sasl_username", "alice");
    let password = ("kafka_sasl_password", "hunter2");
    for server in [
        "k1",
        "k1:",
        ":9092",
        "k1:0",
        "k1:70000",
        "http://k1:9092",
        "a@k1:9092",
    ] {
        let set = [("kafka_bootstrap_servers", server)];
        check(
            &set,
            "kafka_bootstrap_servers",
            "is no broker; write `kafka:9092`",
        );
    }
    let too_many = (KAFKA_TOPIC_PARTITIONS_MAX + 1).to_string();
    for (key, value, expected) in [
        ("kafka_topic", "two words", "is no topic"),
        ("kafka_topic", "..", "is no topic"),
        ("kafka_topic_partitions", &too_many, "must be at most 1024"),
        ("kafka_topic_replication", "0", "must be at least 1"),
        ("kafka_topic_replication", "40000", "must be at most 32767"),
        ("kafka_topic_retention", "long", "is no time"),
        ("kafka_compression", "zstd", "is none of lz4, snappy, none"),
        (
            "kafka_security_protocol",
            "tls",
            "is none of plaintext, ssl",
        ),
        (
            "kafka_security_protocol",
            "sasl_ssl",
            "set kafka_sasl_username",
        ),
        ("kafka_sasl_username", "alice", "means nothing without SASL"),
        (
            "kafka_sasl_password",
            "hunter2",
            "means nothing without SASL",
        ),
        ("kafka_ca_file", "ca.pem", "means nothing without TLS"),
        ("metering_enabled", "false", ""),
    ] {
        let told_at = if key == "metering_enabled" {
            BROKER.0
        } else {
            key
        };
        check(&[BROKER, (key, value)], told_at, expected);
    }
    check(
        &[("kafka_topic", "events")],
        "kafka_topic",
        "means nothing without a broker",
    );
    check(
        &[BROKER, sasl, name],
        "kafka_security_protocol",
        "kafka_sasl_password_file",
    );
    let ssl = ("kafka_security_protocol", "ssl");
    check(
        &[BROKER, ssl, ("kafka_key_file", "own.key")],
        "kafka_certificate_file",
        "belong together",
    );
    let in_prod = [
        BROKER,
        sasl,
        name,
        password,
        ("environment", "prod"),
        ("keys", "k"),
    ];
    check(&in_prod, "kafka_security_protocol", "use sasl_ssl");
}
