//! Upstreams of a snapshot: one for each origin and set of permitted ranges.

use std::sync::Arc;

use ipnet::IpNet;

use crate::control::keyed::Keyed;
use crate::control::resolver;
use crate::control::url::Origin;
use crate::snapshot::Table;
use crate::snapshot::upstream::{Upstream, UpstreamId};

/// Upstreams as they are found.
pub(super) struct Upstreams {
    /// What the operator permits for all.
    allow: Arc<[IpNet]>,
    list: Vec<Upstream>,
    by_key: Table<String, UpstreamId>,
}

impl Upstreams {
    pub(super) fn new(allow: &[IpNet]) -> Self {
        Self {
            allow: allow.into(),
            list: Vec::new(),
            by_key: Table::default(),
        }
    }

    /// The upstream of an origin. A tool that permits ranges of its own shares no connection with one
    /// that does not, or the other would reach an address that is refused to it.
    pub(super) fn add(&mut self, origin: &Origin, own: &[IpNet], keyed: &mut Keyed) -> UpstreamId {
        let mut own: Vec<IpNet> = own
            .iter()
            .filter(|range| !self.allow.contains(range))
            .copied()
            .collect();
        own.sort_unstable();
        own.dedup();
        let place = origin.to_string();
        let key = own
            .iter()
            .fold(place.clone(), |key, range| format!("{key} {range}"));
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        // As many as tools at most.
        let id = UpstreamId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let allow = if own.is_empty() {
            Arc::clone(&self.allow)
        } else {
            self.allow.iter().copied().chain(own).collect()
        };
        let upstream = Upstream {
            key: key.as_str().into(),
            tls: origin.tls,
            host: origin.host.as_str().into(),
            port: origin.port,
            authority: origin.authority().into(),
            allow,
            addresses: keyed.addresses(&place),
        };
        resolver::resolve_literal(&upstream);
        self.list.push(upstream);
        self.by_key.insert(key, id);
        id
    }

    pub(super) fn into_vec(self) -> Vec<Upstream> {
        self.list
    }
}
