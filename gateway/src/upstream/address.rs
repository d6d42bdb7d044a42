//! Which addresses an upstream may have, and the addresses it has now.
//!
//! SSRF: the check is on the resolved address at the moment of connecting, so a name that first resolves
//! to a public address and later to `127.0.0.1` gains nothing. Control resolves names (a worker must not
//! block on DNS) and keeps the last good answer; workers read it here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use arc_swap::ArcSwap;
use ipnet::IpNet;

/// The addresses of one host and port, replaced whole by control.
#[derive(Debug, Default)]
pub struct Addresses {
    current: ArcSwap<Vec<SocketAddr>>,
}

impl Addresses {
    /// Replaces the addresses. Control keeps the old ones when a resolution fails.
    pub fn set(&self, addresses: Vec<SocketAddr>) {
        self.current.store(addresses.into());
    }

    /// The addresses at this moment; empty until the first resolution.
    #[must_use]
    pub fn load(&self) -> arc_swap::Guard<std::sync::Arc<Vec<SocketAddr>>> {
        self.current.load()
    }
}

/// Whether an upstream may live at `address`: public addresses always, others only inside `allow`.
#[must_use]
pub fn is_allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    let address = canonical(address);
    is_public(address) || allow.iter().any(|range| range.contains(&address))
}

/// IPv4 inside IPv6 (mapped, NAT64, 6to4) is judged as the IPv4 address that it reaches.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // RFC 6052 well-known prefix 64:ff9b::/96.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // RFC 3056 6to4 2002::/16.
        [0x2002, high, low, ..] => embedded(high, low),
        _ => address,
    }
}

/// Not private, loopback, link-local, shared, multicast, documentation or otherwise special
/// (RFC 6890 and its registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b)) // RFC 6598 shared
        || (a == 192 && b == 0 && c == 0) // RFC 6890 protocol assignments
        || (a == 198 && (18..20).contains(&b)) // RFC 2544 benchmarking
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast is 2000::/3 and nothing else; inside it, documentation and Teredo are special.
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && (second == 0x0db8 || second < 0x0200))
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_need_a_setting() {
        let special = [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "::127.0.0.1",
            "100::1",
        ];
        for text in special {
            let address: IpAddr = text.parse().unwrap();
            assert!(!is_allowed(address, &[]), "{text} is not public");
        }
    }

    #[test]
    fn public_addresses_need_none() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2002:808:808::",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(is_allowed(address, &[]), "{text} is public");
        }
    }

    #[test]
    fn a_range_allows_exactly_what_it_holds() {
        let allow: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (text, allowed) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.9", true),
            ("10.0.0.1", false),
            ("fd00::1", true),
            ("fe80::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_allowed(text.parse().unwrap(), &allow), allowed, "{text}");
        }
    }
}
