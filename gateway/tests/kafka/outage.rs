//! A broker that is killed, one that is slow, and a gateway that is killed.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::broker;
use crate::support::{Wire, wait, within};
use crate::{World, ids, numbers, request, setup, world};

#[test]
fn a_killed_broker_gets_everything_in_order_when_it_is_back() {
    let Some(_broker) = broker::there("a_killed_broker_gets_everything_in_order_when_it_is_back")
    else {
        return;
    };
    let topic = broker::topic("killed");
    let world = world(&topic, setup(&topic).set("kafka_topic_partitions", 1));
    world.calls(0..500);
    world.until_kafka_is("up");
    broker::signal("KILL");
    world.calls(500..1_500);
    let body = world.until_kafka_is("down");
    assert_eq!(body["status"], "ready", "the spool has room");
    let degraded = body["services_degraded"][0].as_str().expect("degraded");
    assert!(degraded.starts_with("kafka: "), "{degraded}");
    assert_eq!(world.metric("stoa_kafka_up"), 0.0);
    within(broker::WITHIN, "the lag", || {
        (world.metric("stoa_kafka_lag_records") >= 1_000.0).then_some(())
    });
    broker::start();
    assert_eq!(ids(&world.arrived(1_500)), numbers(0..1_500));
    world.until_kafka_is("up");
    assert_eq!(world.said("Kafka takes no events"), 1, "loud once");
    assert_eq!(
        world.said("Kafka takes events again"),
        1,
        "and once when it is back"
    );
}

#[test]
fn a_slow_broker_holds_up_nobody() {
    let Some(_broker) = broker::there("a_slow_broker_holds_up_nobody") else {
        return;
    };
    let topic = broker::topic("slow");
    let world = world(&topic, setup(&topic).set("kafka_topic_partitions", 1));
    world.calls(0..100);
    world.until_kafka_is("up");
    broker::signal("STOP");
    let begun = Instant::now();
    world.calls(100..600);
    let took = begun.elapsed();
    wait::pass(Duration::from_secs(4).saturating_sub(took));
    broker::signal("CONT");
    // 2 ms a call is what a loaded machine takes without Kafka; waiting for a broker would be seconds.
    assert!(took < Duration::from_secs(3), "{took:?} for 500 calls");
    assert_eq!(ids(&world.arrived(600)), numbers(0..600));
}

/// One caller's acknowledged calls, and when each was.
fn call_until_it_ends(world: &Caller<'_>, thread: u32, stop: &AtomicBool) {
    let mut wire = Wire::connect(world.address);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("{thread}-{number}");
        // One answer is one write, so it comes whole.
        let sent = wire.try_send(request(world.host, world.key, "orders", &id));
        let answer = sent.ok().and_then(|()| wire.end_or_bytes(broker::WITHIN));
        if !answer.is_some_and(|bytes| bytes.starts_with(b"HTTP/1.1 200")) {
            return;
        }
        let mut acknowledged = world.acknowledged.lock().expect("nobody panics");
        acknowledged.insert(id, Instant::now());
    }
}

struct Caller<'a> {
    address: std::net::SocketAddr,
    host: &'a str,
    key: &'a str,
    acknowledged: &'a Mutex<HashMap<String, Instant>>,
}

/// Pitfall 24: events lost when a process dies. What is younger than the flush interval (100 ms) at the kill
/// is in the memory of the process, and no promise.
#[test]
fn a_killed_gateway_loses_no_acknowledged_call() {
    let Some(_broker) = broker::there("a_killed_gateway_loses_no_acknowledged_call") else {
        return;
    };
    let topic = broker::topic("gateway");
    let settings = setup(&topic).set("workers", 2);
    let mut world = world(&topic, settings);
    world.until_kafka_is("up");
    let acknowledged = Mutex::new(HashMap::new());
    let host = world.gateway.host();
    for _ in 0..2 {
        let begun = Instant::now();
        let stop = AtomicBool::new(false);
        let caller = Caller {
            address: world.gateway.address(),
            host: &host,
            key: &world.key,
            acknowledged: &acknowledged,
        };
        let (caller, stop) = (&caller, &stop);
        let killed = std::thread::scope(|scope| {
            let base = acknowledged.lock().expect("nobody panics").len() as u32;
            for thread in 0..4 {
                scope.spawn(move || call_until_it_ends(caller, base * 10 + thread, stop));
            }
            within(broker::WITHIN, "some load", || {
                let count = caller.acknowledged.lock().expect("nobody panics").len();
                let is_while = begun.elapsed() > Duration::from_secs(1);
                (is_while && count as u32 > base + 2_000).then_some(())
            });
            let killed = Instant::now();
            world.gateway.signal("KILL");
            stop.store(true, Ordering::Relaxed);
            killed
        });
        assert!(!world.gateway.wait(Duration::from_secs(5)).success());
        // The interval, and as much again for a loaded machine.
        let promised = killed - Duration::from_millis(200);
        acknowledged
            .lock()
            .expect("nobody panics")
            .retain(|_, at| *at < promised);
        let World { gateway, .. } = world;
        world = World {
            gateway: gateway.start_again(),
            ..world
        };
    }
    let wanted: HashSet<String> = acknowledged
        .into_inner()
        .expect("nobody panics")
        .into_keys()
        .collect();
    let arrived = world.arrived(world.gateway.events().len());
    let mut by_id: HashMap<String, &serde_json::Value> = HashMap::new();
    for event in &arrived {
        let before = by_id.insert(event.json["event_id"].to_string(), &event.json);
        assert!(
            before.is_none_or(|before| *before == event.json),
            "one id, one event"
        );
    }
    let there: HashSet<String> = ids(&arrived).into_iter().collect();
    let missing: Vec<&String> = wanted.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "{} of {}: {missing:?}",
        missing.len(),
        wanted.len()
    );
    assert!(wanted.len() > 2_000);
}
