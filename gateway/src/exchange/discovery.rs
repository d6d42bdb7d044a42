//! The way to a token, for a client that has none: challenges, and the documents that they lead to
//! (RFC 6750, RFC 9728, and RFC 8414 for clients of 2025-03-26).
//!
//! Where no issuer is configured there is no such way: challenges then say what is wrong and no more.

use super::frame::Frame;
use crate::answer::{Answer, JSON};
use crate::http::head::Method;
use crate::json::write_string;
use crate::refusal::Refusal;
use crate::snapshot::issuer::Discovery;

/// Path of our resource below the gateway's URL.
const RESOURCE: &str = "/mcp";
/// Path of the document about it: RFC 9728 section 3.1 puts the resource's own path behind the well-known
/// one.
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
/// Seconds for which a client may keep the documents: a change of settings is a restart.
const AGE: &[u8] = b"max-age=300";

/// `WWW-Authenticate` of a refusal, where it has one: scheme, error, scopes and the way to more.
pub(super) fn challenge(frame: &Frame<'_>, refusal: Refusal) -> Option<Vec<u8>> {
    let mut challenge = refusal.challenge()?.as_bytes().to_vec();
    let discovery = discovery(frame);
    let told = || discovery.map(|discovery| discovery.scopes.join(" "));
    let scopes = match refusal {
        // All that this one request needs, at once: a client that asks for one after the other gives up.
        Refusal::ScopeInsufficient(needed) => Some(needed.names().collect::<Vec<_>>().join(" ")),
        _ => told(),
    };
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        parameter(&mut challenge, "scope", &scopes);
    }
    if let Some(base) = discovery.and_then(|discovery| base(frame, discovery)) {
        parameter(&mut challenge, "resource_metadata", &(base + METADATA));
    }
    Some(challenge)
}

/// Appends a parameter whose value holds neither quotes nor backslashes.
fn parameter(challenge: &mut Vec<u8>, name: &str, value: &str) {
    for part in [", ", name, "=\"", value, "\""] {
        challenge.extend_from_slice(part.as_bytes());
    }
}

/// `/.well-known/oauth-protected-resource`, with and without the path of the resource.
pub(super) fn resource(frame: &Frame<'_>) -> Option<Answer> {
    let discovery = discovery(frame)?;
    let base = base(frame, discovery)?;
    let mut body = br#"{"resource":"#.to_vec();
    write_string(&mut body, &(base + RESOURCE));
    body.extend_from_slice(br#","authorization_servers":"#);
    write_list(&mut body, &discovery.authorization_servers);
    body.extend_from_slice(br#","scopes_supported":"#);
    write_list(&mut body, &discovery.scopes);
    body.extend_from_slice(
        br#","bearer_methods_supported":["header"],"resource_name":"STOA Gateway"}"#,
    );
    Some(public(frame, body))
}

/// `/.well-known/oauth-authorization-server`: the first issuer's metadata, as it gives them itself. Clients
/// of later revisions do not ask here.
pub(super) fn authorization_server(frame: &Frame<'_>) -> Option<Answer> {
    let metadata = discovery(frame)?.metadata.as_ref()?;
    Some(public(frame, metadata.as_bytes().to_vec()))
}

/// A document that any web page may read: a client in a browser asks before it has any rights here.
fn public(frame: &Frame<'_>, body: Vec<u8>) -> Answer {
    let answer = if frame.head.method == Method::Options {
        Answer::empty(204)
            .with("access-control-allow-methods", b"GET")
            .with("access-control-allow-headers", b"mcp-protocol-version")
    } else {
        Answer::of(200, JSON, body).with("cache-control", AGE)
    };
    answer.with("access-control-allow-origin", b"*")
}

fn write_list(out: &mut Vec<u8>, texts: &[Box<str>]) {
    out.push(b'[');
    for (position, text) in texts.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_string(out, text);
    }
    out.push(b']');
}

fn discovery<'f>(frame: &'f Frame<'_>) -> Option<&'f Discovery> {
    let issuers = frame.snapshot().keys.issuers.as_ref()?;
    Some(&issuers.discovery)
}

/// Where the caller reaches us: as the operator says, else as it wrote itself. Clients compare the
/// document's `resource` with the URL that they were given, so a guess of ours would stop them.
fn base(frame: &Frame<'_>, discovery: &Discovery) -> Option<String> {
    if let Some(url) = &discovery.public_url {
        return Some(url.to_string());
    }
    let host = std::str::from_utf8(frame.head.host?).ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let fits = !host.is_empty() && host.bytes().all(is_plain);
    fits.then(|| format!("http://{}", host.to_ascii_lowercase()))
}
