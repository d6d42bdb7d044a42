//! Events in the real Kafka (`cargo xtask services up kafka`): each arrives, in order, with its tenant as the
//! key, also when the broker, the topic or the gateway itself is away for a while. Where no broker runs, the
//! tests skip, which in CI is a failure.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have no data path to block, and read the clock for deadlines"
)]

#[path = "support/harness.rs"]
mod support;

#[path = "kafka/broker.rs"]
mod broker;
#[path = "kafka/identity.rs"]
mod identity;
#[path = "kafka/outage.rs"]
mod outage;
#[path = "kafka/spool.rs"]
mod spool;
#[path = "kafka/topic.rs"]
mod topic;

use std::cell::RefCell;

use serde_json::{Value, json};

use support::tool::Tool;
use support::{Api, Gateway, Reply, Setup, Wire, until};

/// A gateway with one API, one caller, and a topic of its own.
struct World {
    gateway: Gateway,
    key: String,
    topic: String,
    _api: Api,
    wire: RefCell<Option<Wire>>,
}

/// The settings of a gateway that sends to the plain listener; one worker, so that the spool's order is that
/// of the calls.
fn setup(topic: &str) -> Setup {
    Setup::new()
        .set("workers", 1)
        .set("kafka_bootstrap_servers", broker::PLAIN)
        .set("kafka_topic", topic)
}

fn world(topic: &str, setup: Setup) -> World {
    let api = Api::start(|request| Reply::json(200, &json!({"target": request.target})));
    let orders = Tool::new("orders", "GET", &format!("{}/orders", api.url()));
    let mut setup = setup.catalog("tools.yaml", &orders.yaml());
    let key = setup.key("acme", "agent");
    World {
        gateway: setup.start(),
        key,
        topic: topic.to_owned(),
        _api: api,
        wire: RefCell::new(None),
    }
}

impl World {
    /// Calls the tool under a request id; the HTTP status.
    fn call(&self, id: &str) -> u16 {
        let mut held = self.wire.borrow_mut();
        let wire = held.get_or_insert_with(|| self.gateway.connect());
        wire.send(request(&self.gateway.host(), &self.key, "orders", id));
        let answer = wire.answer();
        if answer.closes() {
            *held = None;
        }
        answer.status
    }

    /// Calls under ids that are numbers, each of which succeeds.
    fn calls(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            assert_eq!(self.call(&number.to_string()), 200);
        }
    }

    /// A number from `/metrics`.
    fn metric(&self, name: &str) -> f64 {
        metric(&self.gateway, name)
    }

    /// The body of `/ready`, which is asked for 200.
    fn ready(&self) -> Value {
        let answer = self.gateway.get("/ready");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until `/ready` says so of Kafka.
    fn until_kafka_is(&self, status: &str) -> Value {
        self.until_kafka_is_because(status, "")
    }

    /// Waits until `/ready` says so of Kafka, with a reason that holds a text.
    fn until_kafka_is_because(&self, status: &str, part: &str) -> Value {
        support::within(broker::WITHIN, &format!("{status}: {part}"), || {
            let body = self.ready();
            let reason = body["kafka"]["reason"].as_str()?.to_lowercase();
            (body["kafka"]["status"] == status && reason.contains(part)).then_some(body)
        })
    }

    /// Times that the log holds a text.
    fn said(&self, text: &str) -> usize {
        self.gateway.log().matches(text).count()
    }

    /// What is in the topic once `count` different events are.
    fn arrived(&self, count: usize) -> Vec<broker::Arrived> {
        broker::read(&self.topic, count)
    }
}

fn metric(gateway: &Gateway, name: &str) -> f64 {
    until(name, || {
        let text = gateway.get("/metrics").text();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        value.parse().ok()
    })
}

fn request(host: &str, key: &str, tool: &str, id: &str) -> String {
    let body = r#"{"arguments":{}}"#;
    format!(
        "POST /mcp/v1/tools/{tool}/invoke HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         x-request-id: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Request ids in the order of arrival, each once: what a consumer sees that knows events by their id.
fn ids(arrived: &[broker::Arrived]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    arrived
        .iter()
        .filter(|event| seen.insert(event.json["event_id"].to_string()))
        .map(|event| event.json["request_id"].as_str().expect("an id").to_owned())
        .collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn events_arrive_with_key_and_json() {
    let Some(_broker) = broker::there("events_arrive_with_key_and_json") else {
        return;
    };
    let topic = broker::topic("arrive");
    let retention = 3_600_000;
    let settings = setup(&topic)
        .set("kafka_topic_partitions", 3)
        .set("kafka_topic_replication", 1)
        .set("kafka_topic_retention", "1h");
    let world = world(&topic, settings);
    world.calls(0..150);
    let mut wire = world.gateway.connect();
    wire.send(request(
        &world.gateway.host(),
        "stoa_sk_none",
        "orders",
        "nobody",
    ));
    assert_eq!(wire.answer().status, 401);
    let arrived = world.arrived(151);
    assert_eq!(broker::partitions(&topic), 3);
    assert_eq!(
        broker::setting(&topic, "retention.ms"),
        retention.to_string()
    );
    let mut events = world.gateway.events();
    assert_eq!(
        events.len(),
        151,
        "the spool keeps them until it needs the room"
    );
    for event in &arrived {
        let tenant = if event.json["request_id"] == "nobody" {
            ""
        } else {
            "acme"
        };
        assert_eq!(event.key, tenant);
        assert_eq!(event.json["tenant"], tenant);
        let place = events
            .iter()
            .position(|stored| *stored == event.json)
            .expect("the very event of the spool");
        events.remove(place);
    }
    let acme: Vec<_> = arrived
        .into_iter()
        .filter(|event| event.key == "acme")
        .collect();
    assert!(
        acme.windows(2)
            .all(|pair| pair[0].partition == pair[1].partition)
    );
    assert_eq!(ids(&acme), numbers(0..150));
    let body = world.until_kafka_is("up");
    assert_eq!(body["services_degraded"], json!([]));
    until("the lag to be nothing", || {
        (world.metric("stoa_kafka_lag_records") == 0.0).then_some(())
    });
    assert_eq!(world.metric("stoa_kafka_events_delivered_total"), 151.0);
    assert_eq!(world.metric("stoa_kafka_events_failed_total"), 0.0);
    assert_eq!(world.metric("stoa_kafka_up"), 1.0);
    assert_eq!(world.metric("stoa_kafka_lag_seconds"), 0.0);
    // The next process goes on where this one ended.
    let gateway = world.gateway.restart();
    let world = World {
        gateway,
        wire: RefCell::new(None),
        ..world
    };
    world.calls(150..160);
    assert_eq!(ids(&world.arrived(161)).len(), 161);
    assert_eq!(
        world.metric("stoa_kafka_events_delivered_total"),
        10.0,
        "nothing is sent twice"
    );
}
