//! A spool that is full while Kafka is away: what the operator chose holds, and nothing is lost unseen.

use crate::support::within;
use crate::{broker, ids, setup, world};

/// Calls that fill the smallest spool some times over.
const CALLS: u32 = 6_000;

#[test]
fn a_full_spool_refuses_calls_until_kafka_is_back() {
    let Some(_broker) = broker::there("a_full_spool_refuses_calls_until_kafka_is_back") else {
        return;
    };
    let topic = broker::topic("refuse");
    // One broker cannot hold three replicas, so the topic is missing until somebody makes it.
    let settings = setup(&topic)
        .set("kafka_topic_replication", 3)
        .set("spool_full", "refuse")
        .set("spool_bytes_max", "256KiB");
    let world = world(&topic, settings);
    world.until_kafka_is("topic_missing");
    let mut accepted = Vec::new();
    let mut call = |id: String| {
        let status = world.call(&id);
        assert!(matches!(status, 200 | 503), "{status}");
        if status == 200 {
            accepted.push(id);
        }
        status
    };
    let refused = (0..CALLS).find(|number| call(number.to_string()) == 503);
    assert!(refused.is_some(), "the spool is full some time");
    let answer = world.gateway.get("/ready");
    assert_eq!(answer.status, 503, "and that is no readiness");
    assert!(
        world
            .gateway
            .log()
            .contains("calls are refused until there is room")
    );
    broker::make(&topic, &[]);
    within(broker::WITHIN, "room", || {
        (call("room".into()) == 200).then_some(())
    });
    for number in 0..CALLS {
        within(broker::WITHIN, "room", || {
            (call(format!("later-{number}")) == 200).then_some(())
        });
    }
    assert!(
        accepted.len() > CALLS as usize,
        "what was sent on makes room"
    );
    within(broker::WITHIN, "everything", || {
        let delivered = world.metric("stoa_kafka_events_delivered_total");
        let stored = world.metric("stoa_meter_events_stored_total");
        (delivered == stored && delivered >= accepted.len() as f64).then_some(())
    });
    let mut arrived = world.arrived(accepted.len());
    // A refused call has its event too.
    arrived.retain(|event| event.json["status"] == "success");
    assert_eq!(ids(&arrived), accepted, "in order, none missing");
}

#[test]
fn a_full_spool_drops_and_counts() {
    let Some(_broker) = broker::there("a_full_spool_drops_and_counts") else {
        return;
    };
    for (choice, reason) in [
        ("drop_new", "spool_full"),
        ("drop_oldest", "oldest_deleted"),
    ] {
        let topic = broker::topic(choice);
        let settings = setup(&topic)
            .set("kafka_topic_replication", 3)
            .set("spool_full", choice)
            .set("spool_bytes_max", "256KiB");
        let world = world(&topic, settings);
        world.calls(0..CALLS);
        world.until_kafka_is("topic_missing");
        let name = format!("stoa_meter_events_dropped_total{{reason=\"{reason}\"}}");
        let dropped = crate::support::until("the last event", || {
            let stored = world.metric("stoa_meter_events_stored_total");
            let dropped = world.metric(&name);
            let lost = if choice == "drop_new" { dropped } else { 0.0 };
            (stored + lost == f64::from(CALLS)).then_some(dropped)
        });
        assert!(dropped > 0.0, "{choice}");
        let left = CALLS as usize - dropped as usize;
        broker::make(&topic, &[]);
        let arrived = ids(&world.arrived(left));
        // One batch was read before its segment was deleted.
        assert!(
            (left..=left + 1_024).contains(&arrived.len()),
            "{} of {left}",
            arrived.len()
        );
        let order: Vec<u32> = arrived
            .iter()
            .map(|id| id.parse().expect("a number"))
            .collect();
        assert!(order.is_sorted(), "{choice}");
        let newest_is_there = order.last() == Some(&(CALLS - 1));
        assert_eq!(newest_is_there, choice == "drop_oldest");
    }
}
