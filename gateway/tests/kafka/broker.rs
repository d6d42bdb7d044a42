//! The broker of `cargo xtask services`: whether it runs, reading from it, and doing it harm.

use std::collections::HashSet;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use crate::support::{peer, within};

/// Listeners.
pub(crate) const PLAIN: &str = "127.0.0.1:19092";
pub(crate) const TLS: &str = "127.0.0.1:19093";
pub(crate) const SASL: &str = "127.0.0.1:19094";
/// For everything that waits for a broker: its start after a kill takes 10 s on two busy cores.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// One broker, and tests that kill it: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A turn with the broker, where there is one.
pub(crate) fn there(test: &str) -> Option<MutexGuard<'static, ()>> {
    // A failed test has left no harm that `start` does not mend.
    let turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if process().is_none() || TcpStream::connect(PLAIN).is_err() {
        let reason = "no Kafka of this clone runs; `cargo xtask services up kafka` starts it";
        peer::skip(&format!("kafka::{test}"), reason);
        return None;
    }
    Some(turn)
}

/// A name that no other test and no other run has.
pub(crate) fn topic(test: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = unix.expect("after 1970").as_millis();
    format!("test.{test}.{ms}.{number}")
}

/// Certificate authority of its TLS listeners.
pub(crate) fn authority() -> PathBuf {
    state().join("tls/ca.crt")
}

fn state() -> PathBuf {
    root().join("target/services/kafka")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Its process, where one is noted and alive.
fn process() -> Option<String> {
    let pid = fs::read_to_string(state().join("pid"))
        .ok()?
        .trim()
        .to_owned();
    Path::new("/proc").join(&pid).exists().then_some(pid)
}

/// Sends its process a signal, e.g. `KILL`.
pub(crate) fn signal(name: &str) {
    let pid = process().expect("a running broker");
    let sent = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(sent.expect("kill(1)").success());
    if name == "KILL" {
        within(WITHIN, "the broker to be gone", || {
            TcpStream::connect(PLAIN).is_err().then_some(())
        });
    }
}

/// Starts it as a person would; what it stored is there.
pub(crate) fn start() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["xtask", "services", "up", "kafka"]);
    let output = command.current_dir(root()).output().expect("cargo");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", PLAIN);
    config
}

fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread().build();
    built.expect("a runtime")
}

/// Makes a topic with one partition.
pub(crate) fn make(topic: &str, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = config().create().expect("a client");
    let mut new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    for (key, value) in settings {
        new = new.set(key, value);
    }
    let topics = [new];
    let options = AdminOptions::new().operation_timeout(Some(WITHIN));
    let results = runtime().block_on(admin.create_topics(&topics, &options));
    for result in results.expect("an answer") {
        result.expect("a new topic");
    }
}

/// Deletes a topic.
pub(crate) fn delete(topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config().create().expect("a client");
    let options = AdminOptions::new().operation_timeout(Some(WITHIN));
    let results = runtime().block_on(admin.delete_topics(&[topic], &options));
    for result in results.expect("an answer") {
        result.expect("a topic less");
    }
}

/// A setting of a topic, as the broker says it.
pub(crate) fn setting(topic: &str, key: &str) -> String {
    let admin: AdminClient<DefaultClientContext> = config().create().expect("a client");
    let topics = [ResourceSpecifier::Topic(topic)];
    let options = AdminOptions::new();
    let results = runtime().block_on(admin.describe_configs(&topics, &options));
    let result = results.expect("an answer").remove(0).expect("the topic");
    let entry = result.get(key).expect("the setting");
    entry.value.clone().unwrap_or_default()
}

/// Partitions of a topic.
pub(crate) fn partitions(topic: &str) -> usize {
    let consumer: BaseConsumer = config().create().expect("a client");
    within(WITHIN, "metadata", || {
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(5));
        Some(metadata.ok()?.topics()[0].partitions().len())
    })
}

/// One event as a consumer sees it.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) key: String,
    pub(crate) json: Value,
    pub(crate) partition: i32,
}

/// Reads a topic from its beginning until it holds `count` different events, and what comes just behind.
pub(crate) fn read(topic: &str, count: usize) -> Vec<Arrived> {
    let consumer: BaseConsumer = config()
        .set("group.id", "nobody")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let partitions = within(WITHIN, "the topic", || {
        Some(partitions(topic)).filter(|count| *count > 0)
    });
    let mut all = TopicPartitionList::new();
    for partition in 0..partitions {
        let number = i32::try_from(partition).expect("few");
        all.add_partition_offset(topic, number, Offset::Beginning)
            .expect("a place");
    }
    consumer.assign(&all).expect("partitions");
    let mut arrived: Vec<Arrived> = Vec::new();
    let mut known = HashSet::new();
    let begun = Instant::now();
    loop {
        let is_whole = known.len() >= count;
        // Once all are there: nothing more must come, nor the same again without being seen.
        let wait = if is_whole { 300 } else { 1_000 };
        match consumer.poll(Duration::from_millis(wait)) {
            Some(Ok(message)) => {
                let json: Value = serde_json::from_slice(message.payload().expect("an event"))
                    .expect("an event is JSON");
                known.insert(json["event_id"].to_string());
                arrived.push(Arrived {
                    key: String::from_utf8(message.key().expect("a key").to_vec()).expect("UTF-8"),
                    json,
                    partition: message.partition(),
                });
            }
            None if is_whole => return arrived,
            Some(Err(_)) | None => assert!(
                begun.elapsed() < WITHIN,
                "{} of {count} events in {topic} after {WITHIN:?}",
                known.len()
            ),
        }
    }
}
