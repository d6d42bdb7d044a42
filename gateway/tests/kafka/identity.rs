//! TLS and SASL: who the broker is, and who we are.

use std::process::Output;

use serde_json::json;

use crate::broker::{self, SASL, TLS};
use crate::support::{gateway, until};
use crate::{numbers, setup, world};

#[test]
fn by_tls_and_by_scram() {
    let Some(_broker) = broker::there("by_tls_and_by_scram") else {
        return;
    };
    let authority = broker::authority().display().to_string();
    let password = broker::topic("secret");
    for (protocol, servers) in [("ssl", TLS), ("sasl_ssl", SASL)] {
        let topic = broker::topic(protocol);
        let mut settings = setup(&topic)
            .set("kafka_bootstrap_servers", servers)
            .set("kafka_security_protocol", protocol)
            .set("kafka_ca_file", &authority);
        if protocol == "sasl_ssl" {
            settings = settings
                .set("kafka_sasl_mechanism", "SCRAM-SHA-512")
                .set("kafka_sasl_username", "alice")
                .environment("KAFKA_SASL_PASSWORD", "alice-secret");
        }
        let world = world(&topic, settings);
        world.calls(0..10);
        assert_eq!(crate::ids(&world.arrived(10)), numbers(0..10), "{protocol}");
        assert!(!world.gateway.log().contains("alice-secret"));
    }
    // A wrong password is told, and not shown.
    let topic = broker::topic("wrong");
    let settings = setup(&topic)
        .set("kafka_bootstrap_servers", SASL)
        .set("kafka_security_protocol", "sasl_ssl")
        .set("kafka_ca_file", &authority)
        .set("kafka_sasl_username", "alice")
        .environment("KAFKA_SASL_PASSWORD", &password);
    let world = world(&topic, settings);
    world.calls(0..10);
    let body = world.until_kafka_is_because("down", "authentication");
    assert!(!body.to_string().contains(&password) && !world.gateway.log().contains(&password));
}

#[test]
fn a_broker_of_another_authority_is_not_believed() {
    let Some(_broker) = broker::there("a_broker_of_another_authority_is_not_believed") else {
        return;
    };
    let topic = broker::topic("authority");
    // The system's authorities do not know the tests' one.
    let settings = setup(&topic)
        .set("kafka_bootstrap_servers", TLS)
        .set("kafka_security_protocol", "ssl");
    let world = world(&topic, settings);
    world.calls(0..3);
    world.until_kafka_is_because("down", "certificate");
}

#[test]
fn who_may_not_write_is_told() {
    let Some(_broker) = broker::there("who_may_not_write_is_told") else {
        return;
    };
    let topic = broker::topic("forbidden");
    let settings = setup(&topic)
        .set("kafka_bootstrap_servers", SASL)
        .set("kafka_security_protocol", "sasl_ssl")
        .set("kafka_ca_file", broker::authority().display())
        .set("kafka_sasl_username", "guest")
        .environment("KAFKA_SASL_PASSWORD", "guest-secret");
    let world = world(&topic, settings);
    world.calls(0..10);
    let body = world.until_kafka_is("topic_missing");
    let degraded = body["services_degraded"][0].as_str().expect("degraded");
    assert!(
        degraded.contains(&topic) && degraded.contains("uthorization failed"),
        "{degraded}"
    );
    assert_eq!(body["status"], json!("ready"));
    assert_eq!(world.said("events wait in the spool for their topic"), 1);
    assert!(world.gateway.log().contains(&topic));
    // Calls go on, their events wait.
    world.calls(10..20);
    until("their events", || {
        (world.gateway.events().len() == 20).then_some(())
    });
}

#[test]
fn a_certificate_that_cannot_be_read_stops_the_start() {
    let refused: Output = setup("any")
        .set("kafka_security_protocol", "ssl")
        .set("kafka_ca_file", "/nonexistent/ca.pem")
        .start_refused();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(
        said.contains("ssl.ca.location") && said.contains("kafka_*"),
        "{said}"
    );
}

#[test]
fn doctor_asks_a_broker() {
    let Some(_broker) = broker::there("doctor_asks_a_broker") else {
        return;
    };
    let topic = broker::topic("doctor");
    let doctor = |servers: &str| {
        let mut command = gateway::program();
        command.args([
            "doctor",
            "--kafka-bootstrap-servers",
            servers,
            "--kafka-topic",
            &topic,
        ]);
        let output = command.output().expect("the gateway's program");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().skip_while(|line| !line.contains(" kafka "));
        lines.take(2).collect::<Vec<_>>().join("\n")
    };
    let check = |servers: &str, expected: [&str; 2]| {
        let said = doctor(servers);
        assert!(expected.iter().all(|part| said.contains(part)), "{said}");
    };
    check(broker::PLAIN, ["off ", "the gateway makes it"]);
    broker::make(&topic, &[]);
    until("the topic", || {
        doctor(broker::PLAIN)
            .contains("with 1 partitions")
            .then_some(())
    });
    check(broker::PLAIN, ["ok ", &topic]);
    check("127.0.0.1:1", ["off ", "refused"]);
}
