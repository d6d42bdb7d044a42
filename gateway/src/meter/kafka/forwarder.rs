//! The thread that brings events from the spool to Kafka.
//!
//! It holds one batch: read, sent, acknowledged, and only then the next. What failed is sent again,
//! alone where a batch was too large, until it is there or known to be too large for ever. So the
//! position never passes an event that may still be lost. Kafka's absence is no error of the gateway:
//! the batch waits, the spool grows, and both are said.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::client::{self, Client, KafkaError, Outcome, Outgoing};
use super::cursor::{Cursor, Wanted};
use super::position::{self, Position};
use super::state::{KafkaHealth, KafkaState};
use super::{KafkaConfig, POSITION_INTERVAL_MS};
use crate::limits::{KAFKA_BATCH_BYTES_MAX, KAFKA_BATCH_RECORDS_MAX};
use crate::meter::event;
use crate::meter::segment::{self, Listed};
use crate::meter::state::{SpoolState, SpoolSummary};

mod health;
mod progress;

/// Pause where nothing waits: what gathers meanwhile is one batch.
const REST: Duration = Duration::from_millis(50);
/// Pauses while a batch is under way: at first as long as a broker takes, later as long as an outage.
const WAIT: Duration = Duration::from_millis(1);
const WAIT_LONG: Duration = Duration::from_millis(20);
/// Time without an acknowledgement after which somebody is asked why.
const STUCK: Duration = Duration::from_secs(2);
/// Time between two questions to a broker: while it is well, and while it is not.
const LOOK_WELL: Duration = Duration::from_secs(10);
const LOOK_ILL: Duration = Duration::from_secs(1);

/// The running forwarder. Dropping it ends it at once; the rest waits in the spool.
#[derive(Debug)]
pub struct Forwarder {
    state: Arc<KafkaState>,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    handle: JoinHandle<()>,
    stop: Sender<Instant>,
    done: Receiver<u64>,
}

impl Forwarder {
    /// Reads the position and starts the thread. To be called after the spool was opened and before
    /// anything is written to it.
    ///
    /// # Errors
    /// Where librdkafka does not take the settings, or the system gives no thread.
    pub fn start(
        config: &KafkaConfig,
        directory: &Path,
        spool: Arc<SpoolState>,
    ) -> Result<Self, KafkaError> {
        let state = Arc::new(KafkaState::default());
        let client = Client::new(config)?;
        let (stop, stopping) = channel();
        let (report, done) = channel();
        let mut runner = Runner::new(config, directory, client, Arc::clone(&state), spool);
        let run = move || {
            runner.run(&stopping);
            // Nobody waits for the report of a forwarder that was given up.
            let _ = report.send(runner.lag());
        };
        let handle = std::thread::Builder::new()
            .name("stoa-kafka".into())
            .spawn(run)
            .map_err(|error| KafkaError::thread(&error))?;
        let thread = Some(Thread { handle, stop, done });
        Ok(Self { state, thread })
    }

    /// How it fares.
    #[must_use]
    pub const fn state(&self) -> &Arc<KafkaState> {
        &self.state
    }

    /// Sends what the spool holds (so drain that before), for as long as Kafka takes it, and ends.
    /// The events that wait for the next start, or `None` where it did not end in time.
    #[must_use]
    pub fn drain(mut self, timeout: Duration) -> Option<u64> {
        self.end(timeout)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "ends a thread of its own; not the data path"
    )]
    fn end(&mut self, timeout: Duration) -> Option<u64> {
        let thread = self.thread.take()?;
        // Fails only where the thread is gone; then the report fails as well.
        let _ = thread.stop.send(Instant::now() + timeout);
        // A question to a broker may be under way, which is not broken off.
        match thread.done.recv_timeout(timeout + client::LOOK_WITHIN * 2) {
            Ok(waiting) => {
                // A panic would have been no report.
                let _ = thread.handle.join();
                Some(waiting)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Go {
    End,
    On,
}

/// What the thread works with.
struct Runner {
    config: KafkaConfig,
    directory: PathBuf,
    client: Client,
    cursor: Cursor,
    /// Read, and not acknowledged as a whole.
    batch: Vec<Outgoing>,
    /// Everything before is acknowledged.
    done: Position,
    /// The last that is on the disk, and since when.
    stored: (Position, Instant),
    has_said_store: bool,
    /// Segments of earlier processes, as they were at the start.
    left: Vec<Listed>,
    /// Events in them behind the position.
    backlog: u64,
    /// Events of the backlog and of this process that are done with.
    passed: u64,
    looked_at: Option<Instant>,
    /// Whether the last look found the topic.
    can_send: bool,
    /// Whether events came back since the last one was taken.
    has_failed: bool,
    created_at: Option<Instant>,
    /// Set when the gateway ends.
    deadline: Option<Instant>,
    state: Arc<KafkaState>,
    spool: Arc<SpoolState>,
}

#[allow(
    clippy::disallowed_methods,
    reason = "a thread of its own with a clock of its own; not the data path"
)]
impl Runner {
    fn new(
        config: &KafkaConfig,
        directory: &Path,
        client: Client,
        state: Arc<KafkaState>,
        spool: Arc<SpoolState>,
    ) -> Self {
        let left = segment::list(directory).unwrap_or_default();
        let (at, problem) = position::load(directory, &left);
        if let Some(reason) = problem {
            tracing::warn!(reason, "events in the spool may be sent to Kafka again");
        }
        spool.forwarded(at.sequence, at.records);
        Self {
            config: config.clone(),
            directory: directory.to_owned(),
            client,
            cursor: Cursor::new(directory.to_owned(), at),
            batch: Vec::new(),
            done: at,
            stored: (at, Instant::now()),
            has_said_store: false,
            left,
            backlog: 0,
            passed: 0,
            looked_at: None,
            can_send: false,
            has_failed: false,
            created_at: None,
            deadline: None,
            state,
            spool,
        }
    }

    /// Runs until it is told to end, and by when.
    fn run(&mut self, stopping: &Receiver<Instant>) {
        self.count_backlog();
        while self.hear(stopping) == Go::On {
            let is_empty = self.batch.is_empty() && !self.read();
            self.measure();
            if !self.can_send {
                self.look_when_due(LOOK_ILL);
            } else if is_empty {
                self.look_when_due(LOOK_WELL);
            }
            if self.can_send && !is_empty {
                if self.deliver(stopping) == Go::End {
                    break;
                }
            } else if self.deadline.is_some() {
                // At the end nobody waits for a broker that is not there.
                break;
            } else {
                self.client.poll(REST, |_, _| {});
            }
            self.store_when_due(POSITION_INTERVAL_MS);
        }
        self.store_when_due(0);
        self.measure();
    }

    /// Whether the end was called for and is due.
    fn hear(&mut self, stopping: &Receiver<Instant>) -> Go {
        if self.deadline.is_none() {
            match stopping.try_recv() {
                Ok(at) => self.deadline = Some(at),
                Err(TryRecvError::Disconnected) => self.deadline = Some(Instant::now()),
                Err(TryRecvError::Empty) => {}
            }
        }
        if self.deadline.is_some_and(|at| Instant::now() >= at) {
            Go::End
        } else {
            Go::On
        }
    }

    /// Reads a batch; whether there is one.
    fn read(&mut self) -> bool {
        // Before the reading, so that what comes meanwhile is not taken for done.
        let SpoolSummary {
            stored, evicted, ..
        } = self.spool.summary();
        let (batch, mut bytes) = (&mut self.batch, 0);
        let moved = self.cursor.read(|gateway_id, stored, _| {
            let mut json = Vec::with_capacity(640);
            event::write_json(stored, gateway_id, &mut json);
            bytes += json.len();
            batch.push(Outgoing {
                key: stored.record.tenant.to_owned(),
                json,
                unix_ms: stored.unix_ms,
            });
            if batch.len() >= KAFKA_BATCH_RECORDS_MAX || bytes >= KAFKA_BATCH_BYTES_MAX {
                Wanted::Enough
            } else {
                Wanted::More
            }
        });
        match moved {
            Ok(true) => {}
            // Nothing is left, whatever was counted: damaged records are nowhere else.
            Ok(false) => self.passed = (self.backlog + stored).saturating_sub(evicted),
            Err(error) => {
                self.state.failed(1);
                tracing::error!(%error, "the spool cannot be read; trying again");
                self.client.poll(LOOK_ILL, |_, _| {});
            }
        }
        !self.batch.is_empty()
    }

    /// Sends the batch until each event is acknowledged or can never be.
    fn deliver(&mut self, stopping: &Receiver<Instant>) -> Go {
        let mut waiting: Vec<usize> = (0..self.batch.len()).collect();
        let mut alone = false;
        while !waiting.is_empty() {
            let round = if alone { 1 } else { waiting.len() };
            let Some(outcomes) = self.round(&waiting[..round], stopping) else {
                return Go::End;
            };
            let mut rest = Vec::new();
            let mut reason = None;
            for (index, outcome) in waiting.iter().zip(outcomes) {
                match outcome {
                    Outcome::Delivered => self.state.delivered(1),
                    Outcome::TooLarge if round == 1 => self.reject(*index),
                    Outcome::TooLarge => {
                        alone = true;
                        rest.push(*index);
                    }
                    Outcome::Failed(why) => {
                        reason = Some(why);
                        rest.push(*index);
                    }
                }
            }
            rest.extend(&waiting[round..]);
            waiting = rest;
            if let Some(reason) = reason
                && self.recover(&reason, waiting.len(), stopping) == Go::End
            {
                return Go::End;
            }
        }
        self.passed += self.batch.len() as u64;
        self.batch.clear();
        self.done = self.cursor.at();
        Go::On
    }

    /// Sends some events of the batch and waits for all outcomes; `None` where the end comes first.
    fn round(&mut self, indices: &[usize], stopping: &Receiver<Instant>) -> Option<Vec<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = vec![None; indices.len()];
        let mut open = indices.len();
        for (place, index) in indices.iter().enumerate() {
            if let Err(outcome) = self.client.send(place, &self.batch[*index]) {
                outcomes[place] = Some(outcome);
                open -= 1;
            }
        }
        let mut moved = Instant::now();
        while open > 0 {
            let pause = if moved.elapsed() < REST {
                WAIT
            } else {
                WAIT_LONG
            };
            let count = self.client.poll(pause, |place, outcome| {
                outcomes[place] = Some(outcome);
            });
            if count > 0 {
                open -= count;
                moved = Instant::now();
            } else {
                if self.hear(stopping) == Go::End {
                    return None;
                }
                if moved.elapsed() >= STUCK {
                    self.measure();
                    self.look_when_due(LOOK_ILL);
                    if self.deadline.is_some() && !self.can_send {
                        return None;
                    }
                }
            }
        }
        if outcomes.contains(&Some(Outcome::Delivered)) {
            (self.can_send, self.has_failed) = (true, false);
            self.say(KafkaHealth::Up, "");
        }
        Some(outcomes.into_iter().flatten().collect())
    }

    /// Gives up an event that is too large for the topic, and says so for the first.
    fn reject(&self, index: usize) {
        if self.state.rejected() == 1 {
            let event = String::from_utf8_lossy(&self.batch[index].json);
            // An event begins with its id, which is no secret and finds it in the spool.
            let event_id = event.get(13..49).unwrap_or_default();
            tracing::error!(
                topic = self.config.topic,
                event_id,
                bytes = event.len(),
                "the topic takes no event so large (its max.message.bytes): it is given up, and from now on such events are only counted"
            );
        }
    }

    /// After a failure: waits until the topic is there again, with a new producer, since the old one
    /// may have lost its place for good.
    fn recover(&mut self, reason: &str, events: usize, stopping: &Receiver<Instant>) -> Go {
        self.state.failed(events as u64);
        (self.can_send, self.has_failed) = (false, true);
        self.say(KafkaHealth::Down, reason);
        self.looked_at = Some(Instant::now());
        match Client::new(&self.config) {
            Ok(client) => self.client = client,
            Err(error) => tracing::error!(%error, "no new producer"),
        }
        while !self.can_send {
            if self.hear(stopping) == Go::End || self.deadline.is_some() {
                return Go::End;
            }
            self.client.poll(REST, |_, _| {});
            self.measure();
            self.look_when_due(LOOK_ILL);
        }
        Go::On
    }
}

#[cfg(test)]
mod tests;
