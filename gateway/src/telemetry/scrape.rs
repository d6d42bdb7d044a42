//! Prometheus text of everything counted: cores added up, tools, spool, catalog, kernel.
//!
//! Rendered on demand by control (4 ms with ten thousand tools; workers get it through
//! [`super::relay`]). The text is OpenMetrics, which readers of the older format parse
//! as well; [`content_type`] answers what a scraper asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::counter::CoreCounters;
use crate::meter::kafka::state::KafkaSummary;
use crate::meter::state::SpoolSummary;
use crate::meter::usage::ToolUsage;

mod state;
mod workers;

/// Tenant and tool of what is beyond [`crate::limits::TOOL_SERIES_MAX`]: no tenant's name begins with `_`.
pub const OTHER: &str = "_other";
/// Content type of the text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Content type for scrapers that do not know OpenMetrics.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One tool's totals and its labels.
#[derive(Clone, Debug)]
pub struct ToolSeries {
    /// Tenant whose tool it is.
    pub tenant: Arc<str>,
    /// Its name within the tenant.
    pub tool: Arc<str>,
    /// Its totals.
    pub usage: Arc<ToolUsage>,
}

/// How the catalog fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogSummary {
    /// Counts publications.
    pub generation: u64,
    /// Tools in force.
    pub tools: u64,
    /// Tenants in force.
    pub tenants: u64,
    /// Files and objects that are not in force.
    pub problems: u64,
}

/// How a sample behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// Only rises; its name is given without `_total`.
    Counter,
    /// Rises and falls.
    Gauge,
}

/// One number from elsewhere, such as the kernel programs. Samples of one name stand together and
/// share help and kind.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Whole name, e.g. `stoa_kernel_connections_opened`.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    /// From a bounded set.
    pub labels: Vec<(&'static str, String)>,
    /// Now.
    pub value: u64,
    /// How it behaves.
    pub kind: SampleKind,
}

impl Sample {
    fn put(&self, series: &mut MetricEncoder<'_>) -> fmt::Result {
        match self.kind {
            SampleKind::Counter => series.encode_counter::<NoLabelSet, _, u64>(&self.value, None),
            SampleKind::Gauge => series.encode_gauge(&self.value),
        }
    }
}

/// Everything that a scrape reads. Made for each scrape: the parts are shared, so that is cheap.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Version of the gateway.
    pub version: &'static str,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// Whether the gateway is about to end.
    pub draining: bool,
    /// The workers' counters.
    pub cores: Vec<Arc<CoreCounters>>,
    /// Tools in a fixed order.
    pub tools: Vec<ToolSeries>,
    /// The catalog.
    pub catalog: CatalogSummary,
    /// The spool; `None` where metering is off.
    pub spool: Option<SpoolSummary>,
    /// The way to Kafka; `None` where events are not sent on.
    pub kafka: Option<KafkaSummary>,
    /// Access lines that were given up because their writer was slow.
    pub access_lines_dropped: u64,
    /// Kernel programs and whatever else counts elsewhere.
    pub samples: Vec<Sample>,
}

/// The content type to answer with, given the `Accept` header.
#[must_use]
pub fn content_type(accept: Option<&[u8]>) -> &'static str {
    let knows = accept.is_none_or(|accept| {
        [&b"openmetrics-text"[..], b"*/*"]
            .iter()
            .any(|wanted| memchr::memmem::find(accept, wanted).is_some())
    });
    if knows { OPEN_METRICS } else { PROMETHEUS_TEXT }
}

/// Renders everything.
#[must_use]
pub fn scrape(sources: Sources) -> Vec<u8> {
    let mut text = String::with_capacity(16 * 1024 + sources.tools.len() * 256);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(sources));
    // Fails only where writing fails, and writing to memory does not.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    text.into_bytes()
}

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        workers::encode(&self.cores, &mut families)?;
        state::encode(self, &mut families)
    }
}

/// One label of a series.
type Label<'a> = (&'static str, &'a str);

/// Writes families, each with its help once.
struct Families<'e>(DescriptorEncoder<'e>);

impl Families<'_> {
    /// Counts, or what is counted in a whole unit and shown in another, e.g. seconds of microseconds.
    fn counters<'a, const N: usize, V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([Label<'a>; N], V)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in series {
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, V, u64>(&value, None)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.0
            .encode_descriptor(name, help, None, MetricType::Gauge)?
            .encode_gauge(&value)
    }

    fn gauges<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([Label<'a>; N], u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Samples of one name; all of `samples` have it.
    fn samples(&mut self, samples: &[Sample]) -> fmt::Result {
        let Some(first) = samples.first() else {
            return Ok(());
        };
        let kind = match first.kind {
            SampleKind::Counter => MetricType::Counter,
            SampleKind::Gauge => MetricType::Gauge,
        };
        let mut family = self
            .0
            .encode_descriptor(first.name, first.help, None, kind)?;
        for sample in samples {
            let labels: Vec<Label<'_>> = sample
                .labels
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            // A family without labels would be written as `name{}`, which is another series.
            if labels.is_empty() {
                sample.put(&mut family)?;
            } else {
                sample.put(&mut family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// Adds up what the cores counted by label.
fn by_label<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> BTreeMap<&'a str, u64> {
    let mut sums = BTreeMap::new();
    for (label, count) in counts {
        *sums.entry(label).or_insert(0) += count;
    }
    sums
}

#[cfg(test)]
mod tests;
