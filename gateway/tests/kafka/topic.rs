//! A topic that is missing and cannot be made, and one that takes no large events.

use crate::broker;
use crate::support::{until, within};
use crate::{ids, numbers, setup, world};

/// Bytes that a batch needs beside one event: its head of 61, the event's own, and the tenant as its key.
const BATCH_BYTES: usize = 61 + 20;

#[test]
fn a_missing_topic_is_waited_for_and_one_large_event_stops_no_other() {
    let name = "a_missing_topic_is_waited_for_and_one_large_event_stops_no_other";
    let Some(_broker) = broker::there(name) else {
        return;
    };
    let topic = broker::topic("large");
    // One broker cannot hold three replicas, so the topic cannot be made.
    let settings = setup(&topic)
        .set("kafka_topic_replication", 3)
        .set("kafka_compression", "none");
    let world = world(&topic, settings);
    let large = "x".repeat(128);
    for id in ["1", "2", &large, "3", "4"] {
        assert_eq!(world.call(id), 200);
    }
    let body = world.until_kafka_is("topic_missing");
    let reason = body["kafka"]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains(&topic) && reason.contains("replication factor"),
        "{reason}"
    );
    until("what waits", || {
        (world.metric("stoa_kafka_lag_records") == 5.0).then_some(())
    });
    assert_eq!(world.metric("stoa_kafka_up"), 0.0);
    assert!(world.metric("stoa_kafka_lag_seconds") > 0.0);
    assert_eq!(world.said("events wait in the spool for their topic"), 1);
    // Room for each of the small ones alone, for no two of them, and not for the large one.
    let bytes = |id: &str| world.gateway.event_of(id).to_string().len();
    let (small, large_bytes) = (bytes("1"), bytes(&large));
    assert!(large_bytes > small + 100);
    let room = (small + 50 + BATCH_BYTES).to_string();
    broker::make(&topic, &[("max.message.bytes", &room)]);
    let arrived = world.arrived(4);
    assert_eq!(ids(&arrived), ["1", "2", "3", "4"]);
    assert_eq!(arrived.len(), 4, "none twice");
    world.until_kafka_is("up");
    assert_eq!(world.metric("stoa_kafka_events_failed_total"), 1.0);
    assert_eq!(world.metric("stoa_kafka_lag_records"), 0.0);
    assert_eq!(world.said("takes no event so large"), 1);
    let event_id = world.gateway.event_of(&large)["event_id"].clone();
    let log = world.gateway.log();
    assert!(
        log.contains(event_id.as_str().expect("an id")),
        "the log finds it"
    );
    // It is done with, and not tried again for ever.
    assert_eq!(world.call("5"), 200);
    assert_eq!(ids(&world.arrived(5)), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_topic_that_is_deleted_is_made_again() {
    let Some(_broker) = broker::there("a_topic_that_is_deleted_is_made_again") else {
        return;
    };
    let topic = broker::topic("deleted");
    let world = world(&topic, setup(&topic));
    world.calls(0..100);
    assert_eq!(ids(&world.arrived(100)), numbers(0..100));
    within(broker::WITHIN, "all to be acknowledged", || {
        (world.metric("stoa_kafka_lag_records") == 0.0).then_some(())
    });
    broker::delete(&topic);
    world.calls(100..200);
    within(broker::WITHIN, "the topic to be made again", || {
        (world.said("made the topic") == 2).then_some(())
    });
    // What was in the old one is gone with it; nothing that came after is.
    assert_eq!(ids(&world.arrived(100)), numbers(100..200));
    world.until_kafka_is("up");
    assert_eq!(world.metric("stoa_kafka_events_delivered_total"), 200.0);
}
