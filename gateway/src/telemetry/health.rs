//! What `/ready` says: whether calls may be sent here, and if not, why.
//!
//! Ready are listeners, the catalog, and every required service. The documents of ToolSets behind URLs are
//! waited for once, at the start; one that cannot be had, then or later, is named as degraded and leaves the
//! gateway ready: its tools are missing, and nobody else's. Kafka is no required service: while it is away
//! events wait in the spool, and a full spool speaks for itself.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::meter::kafka::state::{KafkaHealth, KafkaSummary};
use crate::meter::state::SpoolSummary;

/// Problems, and ToolSets, listed in the body; of more only the number is told.
const PROBLEMS_SHOWN_MAX: usize = 20;
/// Characters of one problem.
const PROBLEM_CHARS_MAX: usize = 500;

/// Texts of which the first are shown and all are counted: a probe may come to a worker, which has no time
/// for ten thousand of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    count: usize,
    first: Vec<String>,
}

impl Listed {
    /// Of all there are.
    #[must_use]
    pub fn of<T: Display>(all: &[T]) -> Self {
        let first = all.iter().take(PROBLEMS_SHOWN_MAX);
        Self {
            count: all.len(),
            first: first.map(|text| cut(text.to_string())).collect(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }
}

/// What readiness is judged by.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Addresses that are listened on; empty before the listeners are there.
    pub listeners: Vec<String>,
    /// Counts publications of the catalog; 0 before the first.
    pub catalog_generation: u64,
    /// Tools in force.
    pub tools: u64,
    /// Files and objects of the catalog that are not in force, each with its reason: their last good
    /// version is, so they do not make the gateway unready.
    pub catalog_problems: Listed,
    /// ToolSets whose document was not tried yet since the start.
    pub toolsets_awaited: Listed,
    /// ToolSets whose document was never had, though tried: they have no tools.
    pub toolsets_degraded: Listed,
    /// Required services that do not answer, by name.
    pub services_missing: Vec<String>,
    /// The spool; `None` where metering is off.
    pub spool: Option<SpoolSummary>,
    /// The way to Kafka; `None` where events are not sent on.
    pub kafka: Option<KafkaSummary>,
    /// The gateway is about to end.
    pub draining: bool,
}

impl Readiness {
    /// Whether calls may be sent here: listeners, catalog and every required service are there, every
    /// document of the start was tried, the gateway is not about to end, and its spool does not make it refuse calls.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining
            && !self.listeners.is_empty()
            && self.catalog_generation > 0
            && self.toolsets_awaited.count == 0
            && self.services_missing.is_empty()
            && !self.spool.is_some_and(|spool| spool.refusing)
    }

    /// Services that the gateway does without for now, each with what that means.
    #[must_use]
    pub fn degraded(&self) -> Vec<String> {
        let ill = self
            .kafka
            .iter()
            .filter(|kafka| matches!(kafka.health, KafkaHealth::Down | KafkaHealth::TopicMissing));
        ill.map(|kafka| {
            cut(format!(
                "kafka: {}: {} events wait in the spool",
                kafka.reason, kafka.lag_records
            ))
        })
        .collect()
    }

    /// The one word of the state.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.draining, self.is_ready()) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "not_ready",
        }
    }

    /// The HTTP status of `/ready`.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        if self.is_ready() { 200 } else { 503 }
    }

    /// The JSON body of `/ready`.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let spool = self.spool.map_or(Value::Null, |spool| {
            json!({
                "status": spool.health.as_str(),
                "refusing": spool.refusing,
                "bytes": spool.bytes,
                "bytes_max": spool.bytes_max,
                "segments": spool.segments,
                "dropped": spool.evicted + spool.dropped_full + spool.dropped_ring,
            })
        });
        let kafka = self.kafka.as_ref().map_or(Value::Null, |kafka| {
            json!({
                "status": kafka.health.as_str(),
                "reason": cut(kafka.reason.to_string()),
                "delivered": kafka.delivered,
                "failed": kafka.rejected,
                "lag_records": kafka.lag_records,
                "lag_seconds": kafka.lag_ms / 1_000,
            })
        });
        let body = json!({
            "status": self.status(),
            "listeners": self.listeners,
            "catalog": {
                "generation": self.catalog_generation,
                "tools": self.tools,
                "problem_count": self.catalog_problems.count,
                "problems": self.catalog_problems.first,
                "toolsets_awaited_count": self.toolsets_awaited.count,
                "toolsets_awaited": self.toolsets_awaited.first,
                "toolsets_degraded_count": self.toolsets_degraded.count,
                "toolsets_degraded": self.toolsets_degraded.first,
            },
            "services_missing": self.services_missing,
            "services_degraded": self.degraded(),
            "spool": spool,
            "kafka": kafka,
            "draining": self.draining,
        });
        body.to_string().into_bytes()
    }
}

/// At most [`PROBLEM_CHARS_MAX`] characters.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(PROBLEM_CHARS_MAX) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::kafka::state::KafkaState;
    use crate::meter::state::{SpoolHealth, SpoolState};

    fn ready() -> Readiness {
        Readiness {
            listeners: vec!["127.0.0.1:3001".into()],
            catalog_generation: 1,
            tools: 3,
            catalog_problems: Listed::default(),
            toolsets_awaited: Listed::default(),
            toolsets_degraded: Listed::default(),
            services_missing: Vec::new(),
            spool: Some(SpoolState::new(1_000, true).summary()),
            kafka: None,
            draining: false,
        }
    }

    #[track_caller]
    fn check(readiness: &Readiness, http_status: u16, status: &str) -> Value {
        assert_eq!(
            (readiness.http_status(), readiness.status()),
            (http_status, status)
        );
        let body: Value = serde_json::from_slice(&readiness.body()).unwrap();
        assert_eq!(body["status"], status);
        body
    }

    #[test]
    fn ready_only_when_everything_is_there() {
        check(&ready(), 200, "ready");
        check(
            &Readiness {
                spool: None,
                ..ready()
            },
            200,
            "ready",
        );
        check(
            &Readiness {
                listeners: Vec::new(),
                ..ready()
            },
            503,
            "not_ready",
        );
        check(
            &Readiness {
                catalog_generation: 0,
                ..ready()
            },
            503,
            "not_ready",
        );
        check(
            &Readiness {
                services_missing: vec!["opa".into()],
                ..ready()
            },
            503,
            "not_ready",
        );
        check(
            &Readiness {
                draining: true,
                ..ready()
            },
            503,
            "draining",
        );
        let orders = vec!["ToolSet tenant-acme/orders".to_owned()];
        let awaited = Readiness {
            toolsets_awaited: Listed::of(&orders),
            ..ready()
        };
        let body = check(&awaited, 503, "not_ready");
        assert_eq!(body["catalog"]["toolsets_awaited"], json!(orders));
        let degraded = Readiness {
            toolsets_degraded: Listed::of(&orders),
            ..ready()
        };
        let body = check(&degraded, 200, "ready");
        assert_eq!(body["catalog"]["toolsets_degraded"], json!(orders));
        for (refuses, http_status) in [(true, 503), (false, 200)] {
            let state = SpoolState::new(1_000, refuses);
            state.set_health(SpoolHealth::Full);
            let readiness = Readiness {
                spool: Some(state.summary()),
                ..ready()
            };
            assert_eq!(readiness.http_status(), http_status);
            let body: Value = serde_json::from_slice(&readiness.body()).unwrap();
            assert_eq!(body["spool"]["status"], "full");
        }
    }

    #[test]
    fn kafka_down_is_degraded_not_unready() {
        let state = KafkaState::default();
        for (health, is_degraded) in [
            (KafkaHealth::Starting, false),
            (KafkaHealth::Up, false),
            (KafkaHealth::Down, true),
            (KafkaHealth::TopicMissing, true),
        ] {
            state.set_health(health, "connection refused");
            state.measured(7, 1_000);
            let readiness = Readiness {
                kafka: Some(state.summary(61_000)),
                ..ready()
            };
            let body = check(&readiness, 200, "ready");
            assert_eq!(body["kafka"]["status"], health.as_str());
            assert_eq!(body["kafka"]["lag_seconds"], 60);
            let degraded = body["services_degraded"].as_array().unwrap();
            assert_eq!(!degraded.is_empty(), is_degraded, "{degraded:?}");
            if is_degraded {
                assert_eq!(
                    degraded[0],
                    "kafka: connection refused: 7 events wait in the spool"
                );
            }
        }
    }

    #[test]
    fn problems_are_bounded_and_do_not_make_it_unready() {
        let problems = vec!["é".repeat(PROBLEM_CHARS_MAX + 1); PROBLEMS_SHOWN_MAX + 1];
        let body = check(
            &Readiness {
                catalog_problems: Listed::of(&problems),
                ..ready()
            },
            200,
            "ready",
        );
        let catalog = &body["catalog"];
        assert_eq!(catalog["problem_count"], PROBLEMS_SHOWN_MAX + 1);
        assert_eq!(
            catalog["problems"].as_array().unwrap().len(),
            PROBLEMS_SHOWN_MAX
        );
        assert_eq!(
            catalog["problems"][0].as_str().unwrap().chars().count(),
            PROBLEM_CHARS_MAX
        );
    }
}
