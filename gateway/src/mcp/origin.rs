//! `Host` and `Origin` of a request: the defence against DNS rebinding, and against web pages that use
//! a visitor's browser to reach a gateway on the visitor's own machine or network.
//!
//! A page on `evil.example` whose name resolves to 127.0.0.1 reaches a local port with
//! `Host: evil.example`, and every page's script sends its `Origin`. Programs other than browsers send
//! no `Origin` at all. This is not authentication and replaces none.

use crate::refusal::Refusal;

/// Names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Hosts and origins that may be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    /// Lower case, without port. Loopback names are allowed besides.
    hosts: Vec<Box<str>>,
    /// Lower case, without the scheme's default port.
    origins: Vec<Box<str>>,
    /// Any host may be named: bound publicly, and no host configured.
    any_host: bool,
}

impl AllowedHosts {
    /// What a gateway allows by where it listens and what its operator configured. A host is a name or
    /// address without port, an origin `scheme://host[:port]`.
    ///
    /// Bound to loopback, only loopback names and configured ones. Bound publicly with no host
    /// configured, any host, as we cannot know our names; an origin must then be the host it calls.
    ///
    /// # Errors
    /// A sentence about the first host or origin that is malformed.
    pub fn new<'a>(
        is_loopback: bool,
        hosts: impl IntoIterator<Item = &'a str>,
        origins: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let hosts: Vec<Box<str>> = hosts
            .into_iter()
            .map(|text| match Authority::parse(text.as_bytes()) {
                Some(Authority { host, port: None }) => Ok(lower(host)),
                _ => Err(format!(
                    "{text:?} is no host: give a name or address without port"
                )),
            })
            .collect::<Result<_, _>>()?;
        let origins = origins
            .into_iter()
            .map(|text| {
                normalise(text.as_bytes()).ok_or_else(|| {
                    format!("{text:?} is no origin: give scheme://host, and a port where it is not the default")
                })
            })
            .collect::<Result<_, _>>()?;
        let any_host = !is_loopback && hosts.is_empty();
        Ok(Self {
            hosts,
            origins,
            any_host,
        })
    }

    fn has_host(&self, host: &[u8]) -> bool {
        let is = |allowed: &str| host.eq_ignore_ascii_case(allowed.as_bytes());
        LOOPBACK.iter().any(|name| is(name)) || self.hosts.iter().any(|name| is(name))
    }
}

/// Checks a request's `Host` and `Origin`, given once each at most (framing refuses more).
///
/// Ports count in configured origins only: a developer's page on another port of the same machine is
/// as trusted as its machine.
///
/// # Errors
/// [`Refusal::HostRefused`] and [`Refusal::OriginRefused`]; the latter also for `null`, which is
/// what sandboxed pages and local files send.
pub fn check(
    host: Option<&[u8]>,
    origin: Option<&[u8]>,
    allowed: &AllowedHosts,
) -> Result<(), Refusal> {
    // Without `Host` it is HTTP/1.0, which no browser speaks.
    let host = match host {
        Some(value) => Some(Authority::parse(value).ok_or(Refusal::HostRefused)?.host),
        None => None,
    };
    if let Some(host) = host
        && !allowed.any_host
        && !allowed.has_host(host)
    {
        return Err(Refusal::HostRefused);
    }
    match origin {
        Some(origin) if !is_allowed_origin(origin, host, allowed) => Err(Refusal::OriginRefused),
        _ => Ok(()),
    }
}

fn is_allowed_origin(origin: &[u8], host: Option<&[u8]>, allowed: &AllowedHosts) -> bool {
    let configured = normalise(origin).is_some_and(|origin| allowed.origins.contains(&origin));
    if configured {
        return true;
    }
    // Only the web's own schemes can be the same site as a host.
    let Some((scheme, authority)) = split_origin(origin) else {
        return false;
    };
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return false;
    }
    let same = |host: &[u8]| host.eq_ignore_ascii_case(authority.host);
    allowed.has_host(authority.host) || allowed.any_host && host.is_some_and(same)
}

/// An origin in lower case and without its scheme's default port.
fn normalise(origin: &[u8]) -> Option<Box<str>> {
    let lower_case = origin.to_ascii_lowercase();
    let (scheme, authority) = split_origin(&lower_case)?;
    let port = match (scheme, authority.port) {
        (b"http", Some(b"80")) | (b"https", Some(b"443")) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{}", String::from_utf8_lossy(port)),
    };
    let scheme = std::str::from_utf8(scheme).ok()?;
    let host = std::str::from_utf8(authority.host).ok()?;
    Some(format!("{scheme}://{host}{port}").into())
}

/// The scheme, and host and port, of an origin; `None` for `null` and whatever else is none.
fn split_origin(origin: &[u8]) -> Option<(&[u8], Authority<'_>)> {
    let at = memchr::memmem::find(origin, b"://")?;
    let scheme = &origin[..at];
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    let authority = Authority::parse(&origin[at + 3..])?;
    is_scheme.then_some((scheme, authority))
}

/// A host and its port.
#[derive(Clone, Copy)]
struct Authority<'a> {
    /// With the brackets of an IPv6 address, without the dot that ends an absolute name.
    host: &'a [u8],
    port: Option<&'a [u8]>,
}

impl<'a> Authority<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (host, port) = match text.strip_prefix(b"[") {
            Some(inner) => {
                let end = memchr::memchr(b']', inner)? + 2;
                let sound = inner[..end - 2]
                    .iter()
                    .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
                if !sound {
                    return None;
                }
                (&text[..end], &text[end..])
            }
            None => text.split_at(memchr::memchr(b':', text).unwrap_or(text.len())),
        };
        let port = match port.split_first() {
            None => None,
            Some((b':', digits)) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                Some(digits)
            }
            Some(_) => return None,
        };
        let host = host.strip_suffix(b".").unwrap_or(host);
        let sound = host
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(byte));
        (sound && !host.is_empty()).then_some(Self { host, port })
    }
}

fn lower(host: &[u8]) -> Box<str> {
    String::from_utf8_lossy(host).to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests;
