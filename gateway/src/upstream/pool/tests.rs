use std::future::Future;
use std::net::{SocketAddr, TcpListener};

use rustls::RootCertStore;

use super::*;
use crate::limits::{UPSTREAM_IDLE_AGE_MS_MAX, UPSTREAM_IDLE_CONNECTIONS_MAX};
use crate::snapshot::Snapshot;
use crate::upstream::tests::{serve, upstream};
use crate::worker::core::Core;
use crate::worker::fixture;
use crate::worker::io::{Driver, run};

const AGE_NS: u64 = UPSTREAM_IDLE_AGE_MS_MAX * 1_000_000;

fn on_a_worker<F: Future<Output = ()>>(test: impl FnOnce(Core) -> F) {
    let shared = fixture::shared(Snapshot::default(), RootCertStore::empty());
    run(
        Driver::probe(),
        async move { test(fixture::core(shared)).await },
    )
    .unwrap();
}

async fn open(core: &Core, upstream: &Upstream, address: SocketAddr) -> Connection {
    Connection::open(
        upstream,
        address,
        &core.shared.upstream_tls,
        &core.deadlines,
    )
    .await
    .unwrap()
}

fn at(mono_ns: u64) -> Now {
    Now {
        mono_ns,
        unix_ms: 0,
    }
}

#[test]
fn one_past_the_idle_connections_is_not_kept() {
    on_a_worker(|core| async move {
        // Accepted and left: how many are kept is all that is asked.
        let address = serve(|_, stream| drop(stream));
        let upstream = upstream(vec![address], false);
        let pool = Pool::default();
        for kept in 1..=UPSTREAM_IDLE_CONNECTIONS_MAX {
            pool.put(open(&core, &upstream, address).await, at(0));
            assert_eq!(pool.idle.borrow().len(), kept);
        }
        pool.put(open(&core, &upstream, address).await, at(0));
        assert_eq!(pool.idle.borrow().len(), UPSTREAM_IDLE_CONNECTIONS_MAX);
    });
}

#[test]
fn one_past_the_idle_age_is_not_used_again() {
    on_a_worker(|core| async move {
        // The kernel accepts; nobody closes.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = upstream(vec![address], false);
        let pool = core.pools.of(&upstream);
        pool.put(open(&core, &upstream, address).await, at(7));
        let connection = pool.take(at(7 + AGE_NS)).expect("of the greatest age");
        pool.put(connection, at(7));
        assert!(pool.take(at(7 + AGE_NS + 1)).is_none());
    });
}

#[test]
fn one_past_the_idle_age_is_closed_by_the_sweep() {
    on_a_worker(|core| async move {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstreams = [upstream(vec![address], false)];
        let pool = core.pools.of(&upstreams[0]);
        for since in [0, 5] {
            pool.put(open(&core, &upstreams[0], address).await, at(since));
        }
        for (now, left) in [
            (AGE_NS, 2),
            (AGE_NS + 1, 1),
            (AGE_NS + 5, 1),
            (AGE_NS + 6, 0),
        ] {
            core.pools.sweep(at(now), &upstreams);
            assert_eq!(pool.idle.borrow().len(), left, "at {now}");
        }
    });
}
