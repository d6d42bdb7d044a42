use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::*;
use crate::control::settings::{Layers, resolve};
use crate::limits;
use crate::mcp::seal::Purpose;

fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags = flags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    resolve(&mut Layers::new(&flags, &BTreeMap::new(), None)).unwrap()
}

fn sight() -> Arc<Sight> {
    Arc::new(Sight {
        clock: Clock::new(Instant::now()),
        snapshot: Arc::default(),
        problems: Arc::default(),
        documents: Arc::default(),
        issuers_missing: Arc::default(),
        listeners: Vec::new(),
        cores: Vec::new(),
        spool: None,
        kafka: None,
        draining: AtomicBool::new(false),
        access_dropped: Arc::default(),
        needs_key: false,
        kernel: kernel_samples(Weak::new(), Driver::Epoll),
    })
}

fn shared_of(flags: &[(&str, &str)]) -> Result<Shared> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (notices, _) = notice::channel();
    shared(
        &settings(flags),
        Instant::now(),
        Arc::default(),
        &sight(),
        notices,
    )
}

#[test]
fn a_port_in_use_names_the_setting() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let error = bind(taken.local_addr().unwrap(), 1)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("in use by another process") && error.contains("--port"),
        "{error}"
    );
    // TEST-NET-1: no machine has it.
    let error = bind("192.0.2.1:3001".parse().unwrap(), 1)
        .unwrap_err()
        .to_string();
    assert!(error.contains("--host"), "{error}");
    assert_eq!(bind("127.0.0.1:0".parse().unwrap(), 3).unwrap().len(), 3);
}

#[test]
fn settings_reach_the_workers() {
    let shared = shared_of(&[
        ("body_bytes_max", "7KiB"),
        ("head_timeout_ms", "1"),
        ("body_timeout_ms", "2"),
        ("idle_timeout_ms", "3"),
        ("write_timeout_ms", "4"),
        ("requests_per_connection_max", "5"),
        ("grace_period_ms", "6"),
    ])
    .unwrap();
    let found = shared.limits;
    assert_eq!(found.body_bytes_max, 7 * 1024);
    assert_eq!(
        [
            found.head_timeout_ms,
            found.body_timeout_ms,
            found.idle_timeout_ms,
            found.write_timeout_ms
        ],
        [1, 2, 3, 4]
    );
    assert_eq!(
        (found.requests_per_connection_max, found.grace_period_ms),
        (5, 6)
    );
    assert_eq!(
        found.fixed.upstream_idle_ms,
        limits::UPSTREAM_IDLE_TIMEOUT_MS
    );
}

#[test]
fn what_keeps_it_from_serving_names_the_setting() {
    for (flags, expected) in [
        (("allowed_hosts", "http://x/"), "--allowed-hosts"),
        (("allowed_origins", "x y"), "--allowed-"),
        (("upstream_ca_file", "/no/such/file"), "/no/such/file"),
    ] {
        let error = shared_of(&[flags]).err().map(|error| format!("{error:#}"));
        let error = error.unwrap_or_else(|| panic!("{flags:?} is taken"));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn every_node_with_one_key_opens_the_tokens_of_all() {
    let key = "0123456789abcdef0123456789abcdef";
    let of = |key: Option<&str>| {
        let flags: Vec<_> = key.map(|key| ("session_key", key)).into_iter().collect();
        sealer(&settings(&flags)).unwrap()
    };
    let token = of(Some(key)).seal(Purpose::Session, b"x").unwrap();
    for (other, opens) in [
        (Some(key), true),
        (Some("0123456789abcdef0123456789abcdeF"), false),
        (None, false),
    ] {
        let opened = of(other).open(Purpose::Session, token.as_bytes());
        assert_eq!(opened.is_some(), opens, "{other:?}");
    }
}

#[test]
fn without_metering_there_is_no_spool_and_a_meter_for_each_worker() {
    let (spool, meters) = start_spool(&settings(&[("metering_enabled", "false")]), 3).unwrap();
    assert!(spool.is_none());
    assert_eq!(meters.len(), 3);
}

/// Whoever still scrapes after the end must not keep the kernel part alive, nor fail.
#[test]
fn a_kernel_part_that_has_ended_has_no_samples() {
    assert!(kernel_samples(Weak::new(), Driver::Epoll)().is_empty());
    let kernel = Arc::new(Kernel::start(Mode::Off).unwrap());
    let samples = kernel_samples(Arc::downgrade(&kernel), Driver::Epoll);
    let driver = samples().pop().unwrap();
    assert_eq!((driver.name, driver.value), ("stoa_worker_driver", 1));
    assert_eq!(Arc::strong_count(&kernel), 1);
    drop(kernel);
    assert!(samples().is_empty());
}
