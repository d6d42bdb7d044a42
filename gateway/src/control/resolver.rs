//! Names of upstreams to addresses, for the workers, which must not wait for DNS.
//!
//! Each name is looked up when a snapshot first needs it and again every half minute; a lookup that fails
//! keeps the last good answer and is tried again with growing pauses. Which of the addresses may be
//! connected to is judged at the connect.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::snapshot::Snapshot;
use crate::snapshot::upstream::Upstream;

/// Time between two lookups of a name. Most records live for a minute or more; a moved service is found
/// within this.
const REFRESH: Duration = Duration::from_secs(30);
/// Pause after the first failed lookup; it doubles with each, up to [`REFRESH`].
const RETRY: Duration = Duration::from_millis(250);
/// Time between two looks at what is due.
const LOOK: Duration = Duration::from_millis(100);
/// Time for one lookup.
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);

/// One name and when it is looked up next.
#[derive(Debug)]
struct Name {
    due: Instant,
    /// Lookups that failed since the last that did not.
    failures: u32,
    /// A lookup is under way.
    pending: bool,
}

/// How a lookup ended.
struct Outcome {
    /// [`Upstream::key`]
    key: Arc<str>,
    result: Result<(), String>,
}

/// Keeps the addresses of the published snapshot's upstreams current, for as long as it is polled.
pub async fn run(published: Arc<ArcSwap<Snapshot>>) {
    let mut names: HashMap<Arc<str>, Name> = HashMap::new();
    // Side by side, and nobody waits for the slowest: a name whose server is gone delays no other.
    let mut lookups: JoinSet<Outcome> = JoinSet::new();
    let mut generation = 0;
    loop {
        let snapshot = published.load_full();
        let now = Instant::now();
        for upstream in &snapshot.upstreams {
            resolve_literal(upstream);
            if upstream.host.parse::<IpAddr>().is_ok() {
                continue;
            }
            let name = names.entry(Arc::clone(&upstream.key)).or_insert(Name {
                due: now,
                failures: 0,
                pending: false,
            });
            if !name.pending && name.due <= now {
                name.pending = true;
                lookups.spawn_local(lookup(
                    Arc::clone(&upstream.key),
                    Arc::clone(&upstream.host),
                    upstream.port,
                    Arc::clone(&upstream.addresses),
                ));
            }
        }
        if snapshot.generation != generation {
            generation = snapshot.generation;
            let wanted: HashSet<&str> = snapshot
                .upstreams
                .iter()
                .map(|upstream| &*upstream.key)
                .collect();
            names.retain(|key, name| name.pending || wanted.contains(&**key));
        }
        drop(snapshot);
        tokio::time::sleep(LOOK).await;
        while let Some(ended) = lookups.try_join_next() {
            let Ok(outcome) = ended else { continue };
            if let Some(name) = names.get_mut(&outcome.key) {
                name.ended(&outcome, Instant::now());
            }
        }
    }
}

impl Name {
    /// Notes how a lookup ended. Only a change is logged: a name that stays away would fill the log.
    fn ended(&mut self, outcome: &Outcome, now: Instant) {
        self.pending = false;
        match &outcome.result {
            Ok(()) => {
                if self.failures > 0 {
                    tracing::info!(upstream = %outcome.key, "the name of an upstream resolves again");
                }
                self.failures = 0;
                self.due = now + REFRESH;
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(upstream = %outcome.key, error, "cannot resolve the name of an upstream");
                }
                self.due = now + pause(self.failures);
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

/// The pause after a failed lookup that `before` failed ones went before.
fn pause(before: u32) -> Duration {
    RETRY.saturating_mul(1 << before.min(16)).min(REFRESH)
}

/// Sets the address of an upstream whose host is one: needs no lookup, so it is there before the first
/// call.
pub fn resolve_literal(upstream: &Upstream) {
    if let Ok(address) = upstream.host.parse::<IpAddr>()
        && upstream.addresses.load().is_empty()
    {
        upstream
            .addresses
            .set(vec![SocketAddr::new(address, upstream.port)]);
    }
}

async fn lookup(
    key: Arc<str>,
    host: Arc<str>,
    port: u16,
    addresses: Arc<crate::upstream::address::Addresses>,
) -> Outcome {
    let found = tokio::time::timeout(LOOKUP_WITHIN, tokio::net::lookup_host((&*host, port))).await;
    let result = match found {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() {
                Err("the name has no address".to_owned())
            } else {
                addresses.set(found);
                Ok(())
            }
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", LOOKUP_WITHIN.as_secs())),
    };
    Outcome { key, result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_refresh() {
        for (before, expected_ms) in [
            (0, 250),
            (1, 500),
            (4, 4_000),
            (6, 16_000),
            (7, 30_000),
            (u32::MAX, 30_000),
        ] {
            assert_eq!(pause(before).as_millis(), expected_ms, "{before}");
        }
    }

    #[test]
    fn a_name_that_fails_is_tried_later_and_later_and_recovers() {
        let outcome = |result| Outcome {
            key: "http://a:80".into(),
            result,
        };
        let now = Instant::now();
        let mut name = Name {
            due: now,
            failures: 0,
            pending: true,
        };
        let away = outcome(Err("away".to_owned()));
        name.ended(&away, now);
        assert_eq!(
            (name.due, name.failures, name.pending),
            (now + RETRY, 1, false)
        );
        name.ended(&away, now);
        assert_eq!((name.due, name.failures), (now + 2 * RETRY, 2));
        name.ended(&outcome(Ok(())), now);
        assert_eq!((name.due, name.failures), (now + REFRESH, 0));
    }

    #[tokio::test]
    async fn names_and_literals_get_their_addresses() {
        let addresses = Arc::new(crate::upstream::address::Addresses::default());
        let upstream = |host: &str| Upstream {
            key: format!("http://{host}:81").into(),
            tls: false,
            host: host.into(),
            port: 81,
            authority: host.into(),
            allow: [].into(),
            addresses: Arc::clone(&addresses),
        };
        resolve_literal(&upstream("192.0.2.7"));
        assert_eq!(addresses.load().to_vec(), ["192.0.2.7:81".parse().unwrap()]);
        let named = upstream("localhost");
        let outcome = lookup(named.key, named.host, named.port, named.addresses).await;
        assert!(outcome.result.is_ok());
        assert!(
            addresses
                .load()
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == 81)
        );
    }
}
