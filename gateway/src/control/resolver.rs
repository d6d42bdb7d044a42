//! Names of upstreams to addresses, for the workers, which must not wait for DNS.
//!
//! Each name is looked up when a snapshot first needs it and again every half minute; a lookup that fails
//! keeps the last good answer. Which of the addresses may be connected to is judged at the connect.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::snapshot::Snapshot;
use crate::snapshot::upstream::Upstream;

/// Time between two lookups of a name. Most records live for a minute or more; a moved service is found
/// within this.
const REFRESH: Duration = Duration::from_secs(30);
/// Time between two looks for names that were never resolved.
const LOOK: Duration = Duration::from_millis(100);
/// Time for one lookup.
const LOOKUP_WITHIN: Duration = Duration::from_secs(5);

/// Keeps the addresses of the published snapshot's upstreams current, for as long as it is polled.
pub async fn run(published: Arc<ArcSwap<Snapshot>>) {
    let mut since_refresh = REFRESH;
    loop {
        let refresh = since_refresh >= REFRESH;
        if refresh {
            since_refresh = Duration::ZERO;
        }
        let snapshot = published.load_full();
        let due = snapshot
            .upstreams
            .iter()
            .filter(|upstream| refresh || upstream.addresses.load().is_empty());
        // At once, not one after the other: a name whose server is gone must not delay the next.
        let mut lookups = tokio::task::JoinSet::new();
        for upstream in due {
            resolve_literal(upstream);
            if upstream.host.parse::<IpAddr>().is_err() {
                lookups.spawn_local(lookup(
                    Arc::clone(&upstream.host),
                    upstream.port,
                    Arc::clone(&upstream.addresses),
                ));
            }
        }
        while lookups.join_next().await.is_some() {}
        tokio::time::sleep(LOOK).await;
        since_refresh += LOOK;
    }
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

async fn lookup(host: Arc<str>, port: u16, addresses: Arc<crate::upstream::address::Addresses>) {
    let found = tokio::time::timeout(LOOKUP_WITHIN, tokio::net::lookup_host((&*host, port))).await;
    match found {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            if !found.is_empty() {
                addresses.set(found);
            }
        }
        Ok(Err(error)) => tracing::warn!(%host, %error, "cannot resolve an upstream's name"),
        Err(_) => tracing::warn!(%host, "cannot resolve an upstream's name in time"),
    }
}
