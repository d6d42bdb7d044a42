//! An upstream: where calls of some tools are sent.

use std::sync::Arc;

use ipnet::IpNet;

use crate::upstream::address::Addresses;

/// Index into [`super::Snapshot::upstreams`]; valid within one snapshot only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(pub u32);

/// One origin (scheme, host, port). Pools and breakers are kept by [`Upstream::key`], so they
/// survive a new snapshot.
#[derive(Debug)]
pub struct Upstream {
    /// `http://host:port` or `https://host:port`, lower case, port always written: the pool's key.
    pub key: Arc<str>,
    /// Whether to speak TLS.
    pub tls: bool,
    /// Host name or address literal, without brackets.
    pub host: Arc<str>,
    /// Port.
    pub port: u16,
    /// What goes into the `Host` header: port left out where it is the scheme's default.
    pub authority: Arc<str>,
    /// Private, loopback and link-local ranges this upstream may live in. Public addresses are
    /// always allowed; any other address that no range covers is refused at connect (SSRF).
    pub allow: Arc<[IpNet]>,
    /// Where the host is now; kept current by control, shared by all snapshots.
    pub addresses: Arc<Addresses>,
}
