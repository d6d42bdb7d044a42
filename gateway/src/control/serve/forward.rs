//! The forwarder's start and end; nothing of it where no broker is set, or the build has no Kafka.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "kafka")]
use anyhow::Context;
use anyhow::Result;

use crate::control::settings::Metering;
#[cfg(feature = "kafka")]
use crate::meter::kafka::Forwarder;
use crate::meter::kafka::state::KafkaState;
use crate::meter::spool::Spool;

/// The most of the grace period that is spent on events which would wait in the spool as well.
#[cfg(feature = "kafka")]
const SEND_WITHIN: Duration = Duration::from_secs(5);

/// The running forwarder, where there is one.
pub(super) struct Forward {
    #[cfg(feature = "kafka")]
    forwarder: Option<Forwarder>,
}

/// Starts it: after the spool was opened, before a worker writes to it.
#[cfg(feature = "kafka")]
pub(super) fn start(metering: &Metering, spool: Option<&Spool>) -> Result<Forward> {
    let forwarder = match (&metering.kafka, spool) {
        (Some(config), Some(spool)) => Some(
            Forwarder::start(config, &metering.spool.directory, Arc::clone(spool.state()))
                .context(
                    "events cannot be sent to Kafka with these settings (kafka_*); see --help",
                )?,
        ),
        _ => None,
    };
    Ok(Forward { forwarder })
}

/// Nothing: settings that ask for Kafka have stopped the start.
#[cfg(not(feature = "kafka"))]
pub(super) fn start(_: &Metering, _: Option<&Spool>) -> Result<Forward> {
    Ok(Forward {})
}

#[cfg(feature = "kafka")]
impl Forward {
    /// How it fares.
    pub(super) fn state(&self) -> Option<Arc<KafkaState>> {
        self.forwarder
            .as_ref()
            .map(|forwarder| Arc::clone(forwarder.state()))
    }

    /// Sends what the drained spool still holds, for as long as Kafka takes it.
    pub(super) fn end(self, within: Duration) {
        let Some(forwarder) = self.forwarder else {
            return;
        };
        match forwarder.drain(within.min(SEND_WITHIN)) {
            Some(0) => {}
            Some(waiting) => {
                tracing::warn!(
                    waiting,
                    "events wait in the spool and are sent after the next start"
                );
            }
            None => tracing::warn!(
                "Kafka did not answer in time; events that wait are sent after the next start"
            ),
        }
    }
}

#[cfg(not(feature = "kafka"))]
impl Forward {
    /// Nothing fares.
    pub(super) fn state(&self) -> Option<Arc<KafkaState>> {
        None
    }

    /// Nothing ends.
    pub(super) fn end(self, _: Duration) {}
}
