//! What the gateway tells of itself: readiness, metrics and the landing page, from one set of sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::catalog::Documents;
use super::problem::Problem;
use crate::kernel::{KernelCounter, Kind};
use crate::meter::kafka::state::{KafkaState, KafkaSummary};
use crate::meter::state::SpoolState;
use crate::route::landing::{Form, Landing, render};
use crate::snapshot::Snapshot;
use crate::telemetry::counter::CoreCounters;
use crate::telemetry::health::{Listed, Readiness};
use crate::telemetry::scrape::{self, CatalogSummary, Sample, SampleKind, Sources, ToolSeries};
use crate::worker::clock::Clock;

/// Everything that is looked at; shared by the workers' port and the metrics port.
pub struct Sight {
    /// Counts from the start of the process.
    pub clock: Clock,
    /// What is in force.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What of the catalog and the keys is not in force.
    pub problems: Arc<ArcSwap<Vec<Problem>>>,
    /// ToolSets that do not have their document.
    pub documents: Arc<ArcSwap<Documents>>,
    /// Issuers of tokens that are waited for.
    pub issuers_missing: Arc<ArcSwap<Vec<String>>>,
    /// Addresses that are listened on.
    pub listeners: Vec<String>,
    /// The workers' counters.
    pub cores: Vec<Arc<CoreCounters>>,
    /// The spool; `None` where metering is off.
    pub spool: Option<Arc<SpoolState>>,
    /// The way to Kafka; `None` where events are not sent on.
    pub kafka: Option<Arc<KafkaState>>,
    /// Set when the process is about to end.
    pub draining: AtomicBool,
    /// Access lines given up.
    pub access_dropped: Arc<AtomicU64>,
    /// Whether callers need a key.
    pub needs_key: bool,
    /// Samples of the kernel part, and what never changes (the driver, features).
    pub kernel: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

impl Sight {
    /// Whether calls may be sent here, and why not.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let (snapshot, documents) = (self.snapshot.load(), self.documents.load());
        Readiness {
            listeners: self.listeners.clone(),
            catalog_generation: snapshot.generation,
            tools: snapshot.tools.len() as u64,
            catalog_problems: Listed::of(&self.problems.load()),
            toolsets_awaited: Listed::of(&documents.awaited),
            toolsets_degraded: Listed::of(&documents.missing),
            services_missing: self.issuers_missing.load().to_vec(),
            spool: self.spool.as_ref().map(|spool| spool.summary()),
            kafka: self.kafka(),
            draining: self.draining.load(Ordering::Relaxed),
        }
    }

    /// Prometheus text.
    #[must_use]
    pub fn metrics(&self) -> Vec<u8> {
        let snapshot = self.snapshot.load();
        let tools = snapshot
            .tools
            .iter()
            .map(|tool| ToolSeries {
                tenant: Arc::clone(&snapshot.tenant(tool.tenant).name),
                tool: Arc::clone(&tool.name),
                usage: Arc::clone(&tool.usage),
            })
            .collect();
        scrape::scrape(Sources {
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: self.uptime_s(),
            draining: self.draining.load(Ordering::Relaxed),
            cores: self.cores.clone(),
            tools,
            catalog: CatalogSummary {
                generation: snapshot.generation,
                tools: snapshot.tools.len() as u64,
                tenants: snapshot.tenants.len() as u64,
                problems: self.problems.load().len() as u64,
            },
            spool: self.spool.as_ref().map(|spool| spool.summary()),
            kafka: self.kafka(),
            access_lines_dropped: self.access_dropped.load(Ordering::Relaxed),
            samples: (self.kernel)(),
        })
    }

    fn kafka(&self) -> Option<KafkaSummary> {
        let kafka = self.kafka.as_ref()?;
        Some(kafka.summary(self.clock.now().unix_ms))
    }

    fn uptime_s(&self) -> u64 {
        self.clock.now().mono_ns / 1_000_000_000
    }
}

impl crate::worker::core::Sight for Sight {
    fn ready(&self) -> (bool, Vec<u8>) {
        let readiness = self.readiness();
        (readiness.is_ready(), readiness.body())
    }

    fn landing(&self, host: Option<&[u8]>, form: Form) -> Vec<u8> {
        let readiness = self.readiness();
        let landing = Landing {
            status: readiness.status(),
            tools: readiness.tools,
            catalog_problems: readiness.catalog_problems.count() as u64,
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: self.uptime_s(),
            host,
            address: self
                .listeners
                .first()
                .map_or("127.0.0.1:3001", String::as_str),
            is_secure: false,
            needs_key: self.needs_key,
        };
        render(&landing, form)
    }
}

/// A kernel counter as a sample.
#[must_use]
pub fn kernel_sample(counter: &KernelCounter) -> Sample {
    Sample {
        // The text format adds the suffix of counters itself.
        name: counter.name.strip_suffix("_total").unwrap_or(counter.name),
        help: counter.help,
        labels: vec![
            ("listener", counter.listener.to_string()),
            ("direction", counter.direction.to_owned()),
        ],
        value: counter.value,
        kind: match counter.kind {
            Kind::Counter => SampleKind::Counter,
            Kind::Gauge => SampleKind::Gauge,
        },
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a clock of its own")]
mod tests;
