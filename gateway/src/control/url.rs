//! The parts of an upstream's or a document's URL: strict, so that what was checked is what is used.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Characters of a host name (RFC 1035 section 2.3.4).
const HOST_CHARS_MAX: usize = 253;

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Whether the scheme is https.
    pub tls: bool,
    /// Host name in lower case, or an address without brackets.
    pub host: String,
    /// Port, written or the scheme's own.
    pub port: u16,
}

/// `http://host:port`, the port always written.
impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}://{}:{}",
            self.scheme(),
            self.bracketed(),
            self.port
        )
    }
}

impl Origin {
    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// What goes into the `Host` header: the port is left out where it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == default_port(self.tls) {
            self.bracketed()
        } else {
            format!("{}:{}", self.bracketed(), self.port)
        }
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Takes a URL apart: its origin, and path with query, which begins with `/` or is empty. Path
/// templates (`{id}`) pass; a fragment, a user and anything that is no printable ASCII do not.
///
/// # Errors
/// A sentence for the person who wrote it. It never repeats a user or password.
pub fn split(url: &str) -> Result<(Origin, &str), String> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "a URL has neither blanks nor characters beyond ASCII; percent-encode them".into(),
        );
    }
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| "the URL has no scheme; write `https://...`".to_owned())?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(format!("the scheme `{scheme}` is not http or https")),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if path.contains('#') {
        return Err("the URL has a fragment (`#...`), which is never sent".into());
    }
    if authority.contains('@') {
        return Err("the URL holds a user or password; use `authentication`".into());
    }
    let (host, port) = host_and_port(authority)?;
    let port = port.unwrap_or_else(|| default_port(tls));
    Ok((Origin { tls, host, port }, path))
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest
            .split_once(']')
            .ok_or_else(|| "a bracket is not closed in the URL".to_owned())?;
        let address: Ipv6Addr = inside
            .parse()
            .map_err(|_| format!("`{inside}` is no IPv6 address"))?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() => None,
            None => return Err(format!("`{after}` after the address is no port")),
        };
        return Ok((address.to_string(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(parse_port(port)?)),
        None => (authority, None),
    };
    Ok((check_host(&host.to_ascii_lowercase())?, port))
}

fn parse_port(text: &str) -> Result<u16, String> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits_only && *port > 0)
        .ok_or_else(|| format!("`{text}` is no port; write 1 to 65535"))
}

fn check_host(host: &str) -> Result<String, String> {
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.is_empty() {
        return Err("the URL has no host".into());
    }
    if name.len() > HOST_CHARS_MAX || !name.split('.').all(fits) {
        return Err(format!("`{host}` is no host name"));
    }
    // A last label of digits is meant as an address; `127.1` and `0x7f.1` are other people's ways of
    // writing one, and this way a check by eye sees what the resolver sees.
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_numeric = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if is_numeric && name.parse::<Ipv4Addr>().is_err() {
        return Err(format!(
            "`{host}` is neither a host name nor an IPv4 address in full"
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, expected) in [
            (
                "https://api.example.com",
                "https://api.example.com:443 api.example.com ''",
            ),
            (
                "HTTP://API.example.com./v1?x=1",
                "http://api.example.com:80 api.example.com '/v1?x=1'",
            ),
            ("http://a:8080/o/{id}", "http://a:8080 a:8080 '/o/{id}'"),
            ("http://a:80", "http://a:80 a ''"),
            ("https://a?x", "https://a:443 a '?x'"),
            ("http://[::1]:81/", "http://[::1]:81 [::1]:81 '/'"),
            ("http://[0:0::1]", "http://[::1]:80 [::1] ''"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1 127.0.0.1:1 ''"),
            (
                "http://my_service.ns.svc",
                "http://my_service.ns.svc:80 my_service.ns.svc ''",
            ),
        ] {
            let (origin, path) = split(url).unwrap();
            assert_eq!(
                format!("{origin} {} '{path}'", origin.authority()),
                expected
            );
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_reason() {
        for (url, expected) in [
            ("api.example.com", "no scheme"),
            ("ftp://a", "not http or https"),
            ("file:///etc/passwd", "not http or https"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http://a:0", "no port"),
            ("http://a:65536", "no port"),
            ("http://a:+1", "no port"),
            ("http://a:", "no port"),
            ("http://u:hunter2@a", "user or password"),
            ("http://a/#x", "fragment"),
            ("http://a b", "blanks"),
            ("http://é", "beyond ASCII"),
            ("http://a..b", "no host name"),
            ("http://127.1", "neither"),
            ("http://0x7f.0.0.1", "neither"),
            ("http://0x7f000001", "neither"),
            ("http://2130706433", "neither"),
            ("http://[::1", "not closed"),
            ("http://[::1]x", "no port"),
            ("http://[127.0.0.1]", "no IPv6"),
            ("http://a\\@b", "user or password"),
            ("http://a%2f", "no host name"),
        ] {
            let error = split(url).unwrap_err();
            assert!(
                error.contains(expected) && !error.contains("hunter2"),
                "{url}: {error}"
            );
        }
    }
}
