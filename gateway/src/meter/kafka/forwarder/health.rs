//! Whether events can be sent: asking a broker, making the topic, and saying aloud what changes.

use std::time::{Duration, Instant};

use super::Runner;
use crate::meter::kafka::client::{self, Found};
use crate::meter::kafka::state::KafkaHealth;

/// Time between two attempts to make the topic.
const CREATE_AGAIN: Duration = Duration::from_secs(30);

#[allow(
    clippy::disallowed_methods,
    reason = "a thread of its own with a clock of its own; not the data path"
)]
impl Runner {
    /// Asks a broker for the topic where the last time is so long ago, and makes it where it is
    /// missing.
    pub(super) fn look_when_due(&mut self, interval: Duration) {
        if self.looked_at.is_some_and(|at| at.elapsed() < interval) {
            return;
        }
        let found = self.client.look();
        self.looked_at = Some(Instant::now());
        self.can_send = matches!(found, Found::Topic(_));
        if self.can_send {
            // Should it vanish, it is made at once.
            self.created_at = None;
        }
        match found {
            // A topic that may be seen and not written is no sign of health: an event there is.
            Found::Topic(_) if self.has_failed => {}
            Found::Topic(_) => self.say(KafkaHealth::Up, ""),
            Found::Nobody(reason) => self.say(KafkaHealth::Down, &reason),
            Found::NoTopic(reason) => self.make_topic(&reason),
        }
    }

    fn make_topic(&mut self, reason: &str) {
        if self
            .created_at
            .is_some_and(|at| at.elapsed() < CREATE_AGAIN)
        {
            return;
        }
        self.created_at = Some(Instant::now());
        match client::create_topic(&self.config) {
            // It is seen with one of the next looks.
            Ok(false) => {}
            Ok(true) => tracing::info!(
                topic = self.config.topic,
                partitions = self.config.partitions,
                "made the topic"
            ),
            Err(refused) => {
                let reason = format!(
                    "topic {}: {reason}; making it: {refused}",
                    self.config.topic
                );
                self.say(KafkaHealth::TopicMissing, &reason);
            }
        }
    }

    /// Keeps the health, and says aloud when it changes.
    pub(super) fn say(&self, health: KafkaHealth, reason: &str) {
        let before = self.state.health();
        if !self.state.set_health(health, reason) || before == health {
            return;
        }
        let (servers, waiting) = (&self.config.bootstrap_servers, self.lag());
        match health {
            KafkaHealth::Up if before == KafkaHealth::Starting => {
                tracing::info!(
                    servers,
                    topic = self.config.topic,
                    waiting,
                    "events go to Kafka"
                );
            }
            KafkaHealth::Up => {
                tracing::info!(servers, waiting, "Kafka takes events again");
            }
            KafkaHealth::Down => tracing::error!(
                servers,
                reason,
                waiting,
                "Kafka takes no events: they wait in the spool"
            ),
            KafkaHealth::TopicMissing => tracing::error!(
                servers,
                reason,
                waiting,
                "events wait in the spool for their topic: make it, or permit the gateway to (kafka_topic, kafka_topic_partitions, kafka_topic_replication)"
            ),
            KafkaHealth::Starting => {}
        }
    }
}
