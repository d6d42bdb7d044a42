use std::time::Instant;

use serde_json::{Value, json};

use super::*;
use crate::worker::core::Sight as _;

fn sight(generation: u64, problems: &[&str]) -> Sight {
    let snapshot = Snapshot {
        generation,
        ..Snapshot::default()
    };
    let problems = problems
        .iter()
        .map(|problem| Problem::new(*problem))
        .collect();
    Sight {
        clock: Clock::new(Instant::now()),
        snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
        problems: Arc::new(ArcSwap::from_pointee(problems)),
        documents: Arc::default(),
        issuers_missing: Arc::default(),
        listeners: vec!["127.0.0.1:4001".to_owned()],
        cores: vec![Arc::default()],
        spool: None,
        kafka: None,
        draining: AtomicBool::new(false),
        access_dropped: Arc::new(AtomicU64::new(7)),
        needs_key: true,
        kernel: Box::new(|| {
            vec![kernel_sample(&counter(
                "stoa_kernel_connections_opened_total",
                3,
            ))]
        }),
    }
}

fn counter(name: &'static str, value: u64) -> KernelCounter {
    KernelCounter {
        name,
        help: "Connections",
        kind: Kind::Counter,
        listener: 4001,
        direction: "agents",
        value,
    }
}

fn told(sight: &Sight) -> (bool, Value) {
    let (ready, body) = sight.ready();
    (ready, serde_json::from_slice(&body).unwrap())
}

#[test]
fn readiness_follows_what_is_in_force() {
    let check = |sight: &Sight, ready: bool, status: &str, problems: u64| {
        let (found, body) = told(sight);
        assert_eq!((found, &body["status"]), (ready, &json!(status)), "{body}");
        assert_eq!(body["catalog"]["problem_count"], problems, "{body}");
    };
    check(&sight(0, &[]), false, "not_ready", 0);
    check(&sight(1, &[]), true, "ready", 0);
    check(&sight(1, &["one", "two"]), true, "ready", 2);
    let unbound = Sight {
        listeners: Vec::new(),
        ..sight(1, &[])
    };
    check(&unbound, false, "not_ready", 0);
    let toolset = || vec!["ToolSet tenant-acme/orders".to_owned()];
    let waits = sight(1, &[]);
    waits.documents.store(Arc::new(Documents {
        awaited: toolset(),
        ..Documents::default()
    }));
    check(&waits, false, "not_ready", 0);
    waits.documents.store(Arc::new(Documents {
        missing: toolset(),
        ..Documents::default()
    }));
    check(&waits, true, "ready", 0);
    assert_eq!(
        told(&waits).1["catalog"]["toolsets_degraded"],
        json!(toolset())
    );
    // The same sight, while the gateway lives.
    let lives = sight(0, &[]);
    lives.snapshot.store(Arc::new(Snapshot {
        generation: 2,
        ..Snapshot::default()
    }));
    check(&lives, true, "ready", 0);
    lives.draining.store(true, Ordering::Relaxed);
    check(&lives, false, "draining", 0);
}

#[test]
fn metrics_hold_every_source() {
    let text = String::from_utf8(sight(3, &["one"]).metrics()).unwrap();
    for line in [
        "stoa_catalog_problems 1",
        "stoa_draining 0",
        "stoa_kernel_connections_opened_total{listener=\"4001\",direction=\"agents\"} 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(text.contains("dropped_total 7"), "{text}");
}

#[test]
fn the_landing_page_says_how_it_is_and_where() {
    let page = |sight: &Sight, host: Option<&[u8]>| {
        String::from_utf8(sight.landing(host, Form::Html)).unwrap()
    };
    let known = sight(1, &[]);
    assert!(page(&known, Some(b"gateway.example:80")).contains("gateway.example:80"));
    assert!(page(&known, None).contains("127.0.0.1:4001"));
    let unbound = Sight {
        listeners: Vec::new(),
        ..sight(1, &[])
    };
    assert!(page(&unbound, None).contains("127.0.0.1:3001"));
}

#[test]
fn a_counter_loses_the_suffix_that_the_text_adds() {
    for (name, expected) in [("a_total", "a"), ("a_total_b", "a_total_b"), ("a", "a")] {
        let sample = kernel_sample(&counter(name, 1));
        assert_eq!(sample.name, expected);
        assert_eq!(sample.labels[0], ("listener", "4001".to_owned()));
        assert!(matches!(sample.kind, SampleKind::Counter));
    }
    let gauge = KernelCounter {
        kind: Kind::Gauge,
        ..counter("active", 1)
    };
    assert!(matches!(kernel_sample(&gauge).kind, SampleKind::Gauge));
}
