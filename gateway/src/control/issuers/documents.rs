//! An issuer's two documents: its metadata (OpenID Connect Discovery), which says where its keys are, and
//! the keys.
//!
//! The operator named the issuer, so it may be wherever its name leads. Where its metadata leads is another
//! matter: to the same origin, or to an address as permitted for upstreams, and never from https to http.

use std::sync::Arc;

use ipnet::IpNet;
use rustls::ClientConfig;
use serde::Deserialize;

use crate::control::fetch::{Bounds, fetch_within};
use crate::control::url;
use crate::limits::{ISSUER_DOCUMENT_BYTES_MAX, ISSUER_TIMEOUT_MS, UPSTREAM_CONNECT_TIMEOUT_MS};

/// Where an issuer publishes its metadata, below its own URL.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
const BOUNDS: Bounds = Bounds {
    bytes_max: ISSUER_DOCUMENT_BYTES_MAX,
    connect_ms: UPSTREAM_CONNECT_TIMEOUT_MS,
    download_ms: ISSUER_TIMEOUT_MS,
};

/// Both documents, as they came.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    pub(super) metadata: Arc<str>,
    pub(super) keys: Arc<str>,
    /// Whether the metadata was asked for, too.
    pub(super) is_fresh: bool,
}

impl PartialEq for Documents {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.keys == other.keys
    }
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Fetches the keys, and the metadata where `known` brings none.
pub(super) async fn fetch(
    issuer: &str,
    known: Option<Documents>,
    allow: &[IpNet],
    tls: Arc<ClientConfig>,
) -> Result<Documents, String> {
    let everywhere = everywhere();
    let is_fresh = known.is_none();
    let metadata = match known {
        Some(known) => known.metadata,
        None => {
            let place = format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'));
            let text = fetch_within(&place, &everywhere, Arc::clone(&tls), BOUNDS).await;
            text.map_err(|reason| format!("{place}: {reason}"))?.into()
        }
    };
    let place = place_of_keys(issuer, &metadata)?;
    let is_at_home = url::split(&place)?.0 == url::split(issuer)?.0;
    let allow = if is_at_home { &everywhere } else { allow };
    let keys = fetch_within(&place, allow, tls, BOUNDS).await;
    let keys = keys.map_err(|reason| format!("{place}: {reason}"))?.into();
    Ok(Documents {
        metadata,
        keys,
        is_fresh,
    })
}

fn place_of_keys(issuer: &str, text: &str) -> Result<String, String> {
    let metadata: Metadata = serde_json::from_str(text)
        .map_err(|error| format!("its metadata cannot be read: {error}"))?;
    if metadata.issuer != issuer {
        return Err(format!(
            "its metadata names another issuer, `{}`: the setting must be equal to that, to the letter",
            metadata.issuer
        ));
    }
    let (home, _) = url::split(issuer)?;
    let (place, _) =
        url::split(&metadata.jwks_uri).map_err(|error| format!("jwks_uri: {error}"))?;
    if home.tls && !place.tls {
        return Err("its metadata leads from https to http for the keys".into());
    }
    Ok(metadata.jwks_uri)
}

fn everywhere() -> Vec<IpNet> {
    let any = |address: std::net::IpAddr| IpNet::new(address, 0).ok();
    [
        any(std::net::Ipv4Addr::UNSPECIFIED.into()),
        any(std::net::Ipv6Addr::UNSPECIFIED.into()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_believed_only_about_its_own_issuer() {
        let metadata =
            |issuer: &str, keys: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}"}}"#);
        for (issuer, text, expected) in [
            (
                "https://a/r",
                metadata("https://a/r", "https://a/k"),
                Ok("https://a/k"),
            ),
            (
                "https://a/r",
                metadata("https://a/r", "https://b/k"),
                Ok("https://b/k"),
            ),
            (
                "http://a/r",
                metadata("http://a/r", "http://a/k"),
                Ok("http://a/k"),
            ),
            (
                "https://a/r",
                metadata("https://a/r/", "https://a/k"),
                Err("another issuer, `https://a/r/`"),
            ),
            (
                "https://a/r",
                metadata("https://a/s", "https://a/k"),
                Err("another issuer"),
            ),
            (
                "https://a/r",
                metadata("https://a/r", "http://a/k"),
                Err("from https to http"),
            ),
            (
                "https://a/r",
                metadata("https://a/r", "file:///k"),
                Err("jwks_uri"),
            ),
            (
                "https://a/r",
                r#"{"issuer":"https://a/r"}"#.to_owned(),
                Err("cannot be read"),
            ),
            ("https://a/r", "<html>".to_owned(), Err("cannot be read")),
        ] {
            let found = place_of_keys(issuer, &text);
            match expected {
                Ok(place) => assert_eq!(found.as_deref(), Ok(place)),
                Err(part) => assert!(found.as_ref().unwrap_err().contains(part), "{found:?}"),
            }
        }
    }
}
