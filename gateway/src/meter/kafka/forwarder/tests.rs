//! Against librdkafka's own pretended broker, which fails on demand as a real one cannot be made to.

#![allow(clippy::disallowed_methods, reason = "tests wait for a thread")]

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::meter::kafka::Compression;
use crate::meter::record::{Record, codec};
use crate::meter::tests::frames;

const TOPIC: &str = "events";
const WITHIN: Duration = Duration::from_secs(20);

struct World {
    broker: MockCluster<'static, DefaultProducerContext>,
    directory: tempfile::TempDir,
    spool: Arc<SpoolState>,
}

impl World {
    fn new(numbers: std::ops::Range<u64>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = segment::header("gateway-1");
        bytes.extend_from_slice(&frames(numbers));
        std::fs::write(segment::path(directory.path(), 1), bytes).unwrap();
        let broker = MockCluster::new(1).unwrap();
        broker.create_topic(TOPIC, 1, 1).unwrap();
        Self {
            broker,
            directory,
            spool: Arc::new(SpoolState::new(1 << 20, false)),
        }
    }

    fn config(&self) -> KafkaConfig {
        KafkaConfig {
            bootstrap_servers: self.broker.bootstrap_servers(),
            topic: TOPIC.into(),
            partitions: 1,
            replication: None,
            retention_ms: None,
            compression: Compression::None,
            tls: None,
            sasl: None,
        }
    }

    fn start(&self) -> Forwarder {
        let (config, spool) = (self.config(), Arc::clone(&self.spool));
        Forwarder::start(&config, self.directory.path(), spool).unwrap()
    }

    /// Without its thread.
    fn runner(&self) -> Runner {
        let config = self.config();
        let client = Client::new(&config).unwrap();
        let (state, spool) = (Arc::default(), Arc::clone(&self.spool));
        Runner::new(&config, self.directory.path(), client, state, spool)
    }

    /// Sizes of the batches that are read, in events and bytes.
    fn batches(&self) -> Vec<(usize, usize)> {
        let mut runner = self.runner();
        let mut sizes = Vec::new();
        while runner.read() {
            let bytes = runner.batch.iter().map(|event| event.json.len()).sum();
            sizes.push((runner.batch.len(), bytes));
            runner.batch.clear();
        }
        sizes
    }

    fn fails(&self, errors: &[RDKafkaRespErr]) {
        self.broker.request_errors(RDKafkaApiKey::Produce, errors);
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WITHIN, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_a_broker_refuses_is_sent_again_until_it_is_taken() {
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    let world = World::new(0..200);
    world.fails(&[refused; 2]);
    let forwarder = world.start();
    let state = Arc::clone(forwarder.state());
    until("the refusal", || state.health() == KafkaHealth::Down);
    let summary = state.summary(0);
    assert!(summary.reason.contains("uthorization"), "{summary:?}");
    assert_eq!((summary.delivered, summary.lag_records), (0, 200));
    assert_eq!(world.spool.forwarded_of(1), 0, "nothing may be deleted");
    until("all to be taken", || state.summary(0).delivered == 200);
    until("nothing to wait", || state.summary(0).lag_records == 0);
    let summary = state.summary(0);
    assert_eq!((summary.health, summary.rejected), (KafkaHealth::Up, 0));
    assert_eq!(summary.faults, 400, "twice refused");
    assert_eq!(forwarder.drain(WITHIN), Some(0));
    assert_eq!(world.spool.forwarded_of(1), 200);
    // The next one has nothing to do.
    let forwarder = world.start();
    until("it to be up", || {
        forwarder.state().health() == KafkaHealth::Up
    });
    assert_eq!(forwarder.drain(WITHIN), Some(0));
    assert_eq!(world.spool.forwarded_of(1), 200);
}

#[test]
fn a_batch_that_is_too_large_goes_one_by_one() {
    let large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    let world = World::new(0..20);
    // The batch, and then the first event of it alone.
    world.fails(&[large; 2]);
    let forwarder = world.start();
    let state = Arc::clone(forwarder.state());
    until("the others to be taken", || {
        state.summary(0).delivered == 19
    });
    assert_eq!(state.summary(0).rejected, 1);
    until("nothing to wait", || state.summary(0).lag_records == 0);
    assert_eq!(forwarder.drain(WITHIN), Some(0));
    assert_eq!(world.spool.forwarded_of(1), 20, "it is done with");
}

#[test]
fn a_broker_that_is_not_there_does_not_keep_the_gateway() {
    let world = World::new(0..20);
    let forwarder = world.start();
    let state = Arc::clone(forwarder.state());
    until("all to be taken", || state.summary(0).delivered == 20);
    world.broker.broker_down(1).unwrap();
    let more = frames(20..30);
    let path = segment::path(world.directory.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&more);
    std::fs::write(&path, bytes).unwrap();
    world.spool.stored(10);
    until("the broker to be missed", || {
        state.health() == KafkaHealth::Down
    });
    let begun = Instant::now();
    assert_eq!(
        forwarder.drain(WITHIN),
        Some(10),
        "they wait for the next start"
    );
    assert!(begun.elapsed() < WITHIN / 2, "{:?}", begun.elapsed());
    assert_eq!(world.spool.forwarded_of(1), 20);
    world.broker.broker_up(1).unwrap();
    let forwarder = world.start();
    let state = Arc::clone(forwarder.state());
    until("the rest to be taken", || state.summary(0).delivered == 10);
    assert_eq!(forwarder.drain(WITHIN), Some(0));
}

#[test]
fn a_batch_has_its_bounds() {
    let world = World::new(0..KAFKA_BATCH_RECORDS_MAX as u64 + 1);
    let sizes = world.batches();
    let events: Vec<usize> = sizes.iter().map(|(events, _)| *events).collect();
    assert_eq!(events, [KAFKA_BATCH_RECORDS_MAX, 1]);
    // Control characters are six bytes in JSON, so a piece of the spool is more than a batch.
    let value = "\u{1}".repeat(256);
    let metadata = [("key", value.as_str()); 16];
    let record = Record {
        tenant: "acme",
        metadata: &metadata,
        ..Record::default()
    };
    let mut bytes = segment::header("gateway-1");
    for _ in 0..60 {
        segment::put_frame(&mut bytes, |out| codec::encode(&record, [7; 16], 1, out));
    }
    segment::seal(&mut bytes[segment::header("gateway-1").len()..]);
    std::fs::write(segment::path(world.directory.path(), 1), bytes).unwrap();
    let sizes = world.batches();
    assert!(sizes.len() > 1, "{sizes:?}");
    let largest = sizes.iter().map(|(_, bytes)| *bytes).max().unwrap();
    let one = sizes[0].1 / sizes[0].0;
    // Full with the event that reaches the bound, and no other.
    assert!((KAFKA_BATCH_BYTES_MAX..KAFKA_BATCH_BYTES_MAX + one).contains(&largest));
}

#[test]
fn what_was_deleted_unsent_does_not_wait() {
    let world = World::new(0..10);
    let mut runner = world.runner();
    runner.count_backlog();
    assert_eq!(runner.lag(), 10);
    world.spool.evicted(10);
    assert_eq!(runner.lag(), 0);
    assert!(runner.read());
    runner.batch.clear();
    // At the end everything is known to be done, and what comes then waits.
    assert!(!runner.read());
    assert_eq!(runner.lag(), 0);
    world.spool.stored(3);
    assert_eq!(runner.lag(), 3);
}
