//! librdkafka, and nothing else: settings to its words, sending, asking for the topic, making it.
//! The only file that names rdkafka, tests apart.
//!
//! Everything that librdkafka reports comes through [`Client::poll`], on the thread that calls it.
//! Sending never ends by time (`message.timeout.ms` 0): what a broker has not taken stays with
//! librdkafka, in order, until it is acknowledged or can never be.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::KafkaConfig;
use crate::limits::KAFKA_BATCH_BYTES_MAX;

/// Time for a broker to say what it knows of the topic.
pub(super) const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// Time for a broker to make the topic.
const CREATE_WITHIN: Duration = Duration::from_secs(10);
/// Time for librdkafka to say why nobody answered.
const COMPLAINT_WITHIN: Duration = Duration::from_millis(20);
/// Pause until a full queue is tried again; a batch fits, so it hardly ever is.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Settings that librdkafka does not take.
#[derive(Debug, thiserror::Error)]
#[error("Kafka: {0}")]
pub struct KafkaError(String);

impl KafkaError {
    /// The system gives no thread.
    pub(super) fn thread(error: &std::io::Error) -> Self {
        Self(format!("no thread: {error}"))
    }
}

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All replicas have it.
    Delivered,
    /// It did not arrive, and may the next time.
    Failed(String),
    /// No broker takes it, or the batch that it was in.
    TooLarge,
}

/// What a broker says of the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there, with so many partitions.
    Topic(usize),
    /// It is not there, or not for us, and why.
    NoTopic(String),
    /// No broker answered, and why.
    Nobody(String),
}

/// One event on its way.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) key: String,
    pub(super) json: Vec<u8>,
    pub(super) unix_ms: u64,
}

/// A producer.
pub(super) struct Client {
    producer: BaseProducer<Context>,
    topic: String,
    reports: Receiver<Report>,
    /// Outcomes that came while something else was waited for.
    outcomes: Vec<(usize, Outcome)>,
    /// What librdkafka complained of last: a failed metadata request does not say why.
    complaint: String,
}

enum Report {
    Complaint(String),
    Outcome(usize, Outcome),
}

/// Passes reports on; called by [`BaseProducer::poll`] only.
struct Context(Sender<Report>);

impl ClientContext for Context {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        // The forwarder says once what matters; these lines come again with each attempt.
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        // That all are down says less than why the last one is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            let _ = self.0.send(Report::Complaint(reason.to_owned()));
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let outcome = match result {
            Ok(_) => Outcome::Delivered,
            Err((error, _)) => outcome(error),
        };
        let _ = self.0.send(Report::Outcome(index, outcome));
    }
}

fn outcome(error: &rdkafka::error::KafkaError) -> Outcome {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::MessageBatchTooLarge) => {
            Outcome::TooLarge
        }
        _ => Outcome::Failed(error.to_string()),
    }
}

impl Client {
    /// A producer; connects in threads of its own.
    ///
    /// # Errors
    /// Where librdkafka does not take the settings, e.g. a certificate that it cannot read.
    pub(super) fn new(config: &KafkaConfig) -> Result<Self, KafkaError> {
        let (sender, reports) = channel();
        let mut words = words(config);
        // In order and without repetition within one producer's life, once all replicas have it.
        words.set("enable.idempotence", "true").set("acks", "all");
        words.set("compression.type", config.compression.as_str());
        words.set("message.timeout.ms", "0");
        // Where Java producers put the same key.
        words.set("partitioner", "murmur2_random");
        // A batch is handed over at once; it need not wait for more.
        words
            .set("linger.ms", "2")
            .set("batch.num.messages", "10000");
        let queue_kilobytes = 4 * KAFKA_BATCH_BYTES_MAX / 1024;
        words.set("queue.buffering.max.kbytes", queue_kilobytes.to_string());
        let producer = words
            .create_with_context(Context(sender))
            .map_err(|error| KafkaError(error.to_string()))?;
        Ok(Self {
            producer,
            topic: config.topic.clone(),
            reports,
            outcomes: Vec::new(),
            complaint: String::new(),
        })
    }

    /// Hands one event over; its outcome comes with `index`. What is too large for any broker is
    /// told at once.
    pub(super) fn send(&self, index: usize, event: &Outgoing) -> Result<(), Outcome> {
        loop {
            let record = BaseRecord::with_opaque_to(&self.topic, index)
                .key(&event.key)
                .payload(&event.json)
                .timestamp(i64::try_from(event.unix_ms).unwrap_or(i64::MAX));
            let Err((error, _)) = self.producer.send(record) else {
                return Ok(());
            };
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(outcome(&error));
            }
            self.producer.poll(QUEUE_PAUSE);
        }
    }

    /// Waits for `time` while librdkafka reports, and passes outcomes on; how many came.
    pub(super) fn poll(&mut self, time: Duration, mut each: impl FnMut(usize, Outcome)) -> usize {
        self.listen(time);
        let count = self.outcomes.len();
        for (index, outcome) in self.outcomes.drain(..) {
            each(index, outcome);
        }
        count
    }

    fn listen(&mut self, time: Duration) {
        self.producer.poll(time);
        for report in self.reports.try_iter() {
            match report {
                Report::Complaint(text) => self.complaint = text,
                Report::Outcome(index, outcome) => self.outcomes.push((index, outcome)),
            }
        }
    }

    /// Asks a broker for the topic; waits at most some seconds. Outcomes wait for the next poll.
    pub(super) fn look(&mut self) -> Found {
        let asked = self
            .producer
            .client()
            .fetch_metadata(Some(&self.topic), LOOK_WITHIN);
        let metadata = match asked {
            Ok(metadata) => metadata,
            Err(error) => {
                self.listen(COMPLAINT_WITHIN);
                return Found::Nobody(if self.complaint.is_empty() {
                    error.to_string()
                } else {
                    self.complaint.clone()
                });
            }
        };
        self.complaint.clear();
        let topics = metadata.topics();
        let Some(topic) = topics.iter().find(|topic| topic.name() == self.topic) else {
            return Found::NoTopic("the broker does not know it".into());
        };
        match topic.error() {
            Some(error) => Found::NoTopic(RDKafkaErrorCode::from(error).to_string()),
            None if topic.partitions().is_empty() => {
                Found::NoTopic("it has no partitions yet".into())
            }
            None => Found::Topic(topic.partitions().len()),
        }
    }
}

/// Asks once, for `doctor`: what a broker says of the topic, within some seconds.
///
/// # Errors
/// Where librdkafka does not take the settings.
pub fn look(config: &KafkaConfig) -> Result<Found, KafkaError> {
    Ok(Client::new(config)?.look())
}

/// Makes the topic; whether it was not there already.
///
/// # Errors
/// The broker's reason, in words.
pub(super) fn create_topic(config: &KafkaConfig) -> Result<bool, String> {
    let admin: AdminClient<DefaultClientContext> =
        words(config).create().map_err(|error| error.to_string())?;
    let replication = config.replication.map_or(-1, i32::from);
    let retention = config.retention_ms.map(|ms| ms.to_string());
    let mut topic = NewTopic::new(
        &config.topic,
        i32::from(config.partitions),
        TopicReplication::Fixed(replication),
    );
    if let Some(retention) = &retention {
        topic = topic.set("retention.ms", retention);
    }
    let options = AdminOptions::new()
        .request_timeout(Some(CREATE_WITHIN))
        .operation_timeout(Some(CREATE_WITHIN));
    let topics = [topic];
    let asked = admin.create_topics(&topics, &options);
    // Answered by a thread of librdkafka, so that any runtime will do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())?;
    let results = runtime.block_on(asked).map_err(|error| error.to_string())?;
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(code.to_string()),
        None => Err("the broker said nothing of it".into()),
    }
}

/// What producing and asking have in common: where, and as whom.
fn words(config: &KafkaConfig) -> ClientConfig {
    let mut words = ClientConfig::new();
    words
        .set("bootstrap.servers", &config.bootstrap_servers)
        .set("client.id", "stoa-gateway")
        // A broker that is back should be found within seconds, not ten.
        .set("reconnect.backoff.max.ms", "2000")
        .set("socket.keepalive.enable", "true");
    let protocol = match (&config.tls, &config.sasl) {
        (None, None) => "plaintext",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), None) => "ssl",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    words.set("security.protocol", protocol);
    if let Some(tls) = &config.tls {
        // Without these words librdkafka takes the system's authorities and checks the name.
        let mut file = |word: &str, path: &std::path::Path| {
            words.set(word, path.to_string_lossy());
        };
        if let Some(path) = &tls.ca_file {
            file("ssl.ca.location", path);
        }
        if let Some((certificate, key)) = &tls.identity {
            file("ssl.certificate.location", certificate);
            file("ssl.key.location", key);
        }
    }
    if let Some(sasl) = &config.sasl {
        words
            .set("sasl.mechanism", sasl.mechanism.as_str())
            .set("sasl.username", &sasl.username)
            .set("sasl.password", sasl.password.expose());
    }
    words
}
