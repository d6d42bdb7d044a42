//! The request target: its four forms (RFC 9112 section 3.2) reduced to a path and a query.
//!
//! Nothing is decoded or normalised here: `/a/../b` and `/%61` stay what they are, and match no
//! route that is not spelled so.

use super::head::{HeadFault, Method};

/// Which form the target had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`: nearly all requests.
    Origin,
    /// `http://host/path?query`, as sent to proxies.
    Absolute,
    /// `*`, for `OPTIONS` only.
    Asterisk,
    /// `host:port`, for `CONNECT` only.
    Authority,
}

/// Where a request is addressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'b> {
    /// Which form it had.
    pub form: Form,
    /// Begins with `/`; `*` for the asterisk form, empty for the authority form.
    pub path: &'b str,
    /// What follows the first `?`.
    pub query: Option<&'b str>,
}

/// Takes a target apart. The second value is the authority it names, which overrides `Host`.
///
/// # Errors
/// [`HeadFault::TargetInvalid`] for a target in no form, in a form that its method does not take,
/// with a fragment, or with characters outside ASCII; [`HeadFault::HostInvalid`] for its authority.
pub(super) fn parse<'b>(
    method: Method<'_>,
    raw: &'b str,
) -> Result<(Target<'b>, Option<&'b str>), HeadFault> {
    if raw.bytes().any(|byte| byte == b'#' || !byte.is_ascii()) {
        return Err(HeadFault::TargetInvalid);
    }
    if method == Method::Other("CONNECT") {
        let target = Target {
            form: Form::Authority,
            path: "",
            query: None,
        };
        return Ok((target, Some(check_authority(raw)?)));
    }
    if raw.starts_with('/') {
        return Ok((split(Form::Origin, raw), None));
    }
    if raw == "*" && method == Method::Options {
        return Ok((
            Target {
                form: Form::Asterisk,
                path: "*",
                query: None,
            },
            None,
        ));
    }
    let rest = strip_scheme(raw).ok_or(HeadFault::TargetInvalid)?;
    let end = memchr::memchr2(b'/', b'?', rest.as_bytes()).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = check_authority(authority)?;
    let target = match path {
        // RFC 9112 section 3.2.4: a proxy would turn this into the asterisk form.
        "" if method == Method::Options => Target {
            form: Form::Asterisk,
            path: "*",
            query: None,
        },
        _ => split(Form::Absolute, path),
    };
    Ok((target, Some(authority)))
}

fn split(form: Form, raw: &str) -> Target<'_> {
    let (path, query) = match memchr::memchr(b'?', raw.as_bytes()) {
        Some(mark) => (&raw[..mark], Some(&raw[mark + 1..])),
        None => (raw, None),
    };
    Target {
        form,
        path: if path.is_empty() { "/" } else { path },
        query,
    }
}

fn strip_scheme(raw: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (head, rest) = raw.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

fn check_authority(authority: &str) -> Result<&str, HeadFault> {
    if is_host(authority.as_bytes()) {
        Ok(authority)
    } else {
        Err(HeadFault::HostInvalid)
    }
}

/// Whether a value is a host with an optional port: what `Host` and an authority may be.
///
/// Stricter than RFC 3986: no user information, no empty host (RFC 9110 section 4.2.1), and no
/// comma, which is how an intermediary joins two `Host` headers into one.
pub(super) fn is_host(value: &[u8]) -> bool {
    let (is_valid_host, port) = match value {
        [b'[', rest @ ..] => {
            let Some(end) = memchr::memchr(b']', rest) else {
                return false;
            };
            (is_address_literal(&rest[..end]), &rest[end + 1..])
        }
        _ => {
            let end = memchr::memchr(b':', value).unwrap_or(value.len());
            (is_registered_name(&value[..end]), &value[end..])
        }
    };
    is_valid_host && is_port(port)
}

fn is_address_literal(literal: &[u8]) -> bool {
    // The characters of an IPv6 address, not its grammar: it is compared with names, never dialled.
    !literal.is_empty()
        && literal
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
}

fn is_registered_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().enumerate().all(|(index, byte)| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=' => true,
            b'%' => matches!(name.get(index + 1..index + 3),
                Some([high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
            _ => false,
        })
}

/// Nothing, or a colon and up to five digits (RFC 3986 allows none after the colon).
fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
