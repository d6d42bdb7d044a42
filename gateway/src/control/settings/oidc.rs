//! Settings of access tokens: whose are taken, and what is read in them.

use super::layers::{Layers, Source};
use super::{Environment, Listening, rows, value};
use crate::control::{names, url};
use crate::limits::ISSUERS_MAX;

/// Settings that name an issuer.
pub(super) const ISSUER_KEYS: [&str; 4] = [
    "keycloak_url",
    "base_domain",
    "oidc_issuer",
    "oidc_tenant_issuers",
];
/// Settings that say nothing without an issuer: who sets one believes that tokens are checked.
const OTHER_KEYS: [&str; 8] = [
    "keycloak_realm",
    "oidc_audience",
    "oidc_clients",
    "oidc_tenant_claims",
    "oidc_scopes",
    "oidc_scopes_grant",
    "oidc_refresh_ms",
    "oidc_keys_kept_ms",
];

/// Whose tokens are taken.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// At least one.
    pub issuers: Vec<IssuerName>,
    /// One of these must be in a token's `aud`; at least one.
    pub audiences: Vec<String>,
    /// Where not empty, a token's `azp` must be one of these.
    pub clients: Vec<String>,
    /// Claims that may name the tenant, in this order.
    pub tenant_claims: Vec<String>,
    /// Scopes that clients are told to ask for.
    pub scopes: Vec<String>,
    /// Whether scopes count beside roles.
    pub scopes_grant: bool,
    /// Milliseconds between two looks at an issuer's keys.
    pub refresh_ms: u64,
    /// Milliseconds for which keys are kept while their issuer is away.
    pub keys_kept_ms: u64,
    /// Where callers reach this gateway, without a slash at the end.
    pub public_url: Option<String>,
}

/// One issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerName {
    /// As it stands in `iss`.
    pub url: String,
    /// The only tenant that it speaks for, without `tenant-`.
    pub tenant: Option<String>,
}

/// Reads them; `Some(None)` where no issuer is configured, `None` where something is wrong.
pub(super) fn read(
    layers: &mut Layers,
    environment: Environment,
    listening: &Listening,
) -> Option<Option<Oidc>> {
    let public_url = layers.read_optional("public_url", base_url)?;
    let issuers = issuers(layers)?;
    let audiences = layers.read("oidc_audience", plain_words)?;
    let oidc = Oidc {
        issuers,
        audiences: with_resources(audiences, public_url.as_deref(), listening),
        clients: layers.read("oidc_clients", plain_words)?,
        tenant_claims: layers.read("oidc_tenant_claims", plain_words)?,
        scopes: layers.read("oidc_scopes", plain_words)?,
        scopes_grant: layers.read("oidc_scopes_grant", value::switch)?,
        refresh_ms: layers.read("oidc_refresh_ms", value::milliseconds)?,
        keys_kept_ms: layers.read("oidc_keys_kept_ms", value::milliseconds)?,
        public_url,
    };
    check(&oidc, environment, layers);
    Some((!oidc.issuers.is_empty()).then_some(oidc))
}

/// Whether any issuer is named, before anything is read.
pub(super) fn is_wanted(layers: &Layers) -> bool {
    ISSUER_KEYS.iter().any(|key| {
        let sourced = layers.sourced(key);
        sourced.is_some_and(|value| !value.text.trim().is_empty())
    })
}

fn issuers(layers: &mut Layers) -> Option<Vec<IssuerName>> {
    let realm = layers.read("keycloak_realm", |text| {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_segment = fits && !text.contains(['/', '?', '#', '%']);
        let wrong = || format!("`{text}` is no realm's name as it stands in its URL");
        is_segment.then(|| text.to_owned()).ok_or_else(wrong)
    })?;
    let domain = layers.read_optional("base_domain", |text| {
        base_url(&format!("https://auth.{text}"))
    })?;
    let keycloak = layers.read_optional("keycloak_url", base_url)?.or(domain);
    let shared = layers.read("oidc_issuer", |text| {
        let words = value::words(text)?;
        words.iter().try_for_each(|word| issuer_url(word))?;
        Ok(words)
    })?;
    let own = layers.read("oidc_tenant_issuers", |text| {
        let pairs = value::pairs(text)?;
        let named = pairs.into_iter().map(|(tenant, url)| {
            issuer_url(&url)?;
            let tenant = names::tenant_of_namespace(&tenant)?.to_owned();
            Ok(IssuerName {
                url,
                tenant: Some(tenant),
            })
        });
        named.collect::<Result<Vec<_>, String>>()
    })?;
    let keycloak = keycloak.map(|url| format!("{url}/realms/{realm}"));
    let shared = keycloak.into_iter().chain(shared);
    let shared = shared.map(|url| IssuerName { url, tenant: None });
    Some(shared.chain(own).collect())
}

/// The gateway's own resource is always an audience: a token for it can be for nobody else.
fn with_resources(
    mut audiences: Vec<String>,
    public_url: Option<&str>,
    listening: &Listening,
) -> Vec<String> {
    if let Some(url) = public_url {
        audiences.push(format!("{url}/mcp"));
    } else if listening.host.is_loopback() {
        let port = listening.port;
        audiences.push(format!("http://127.0.0.1:{port}/mcp"));
        audiences.push(format!("http://localhost:{port}/mcp"));
    }
    audiences.sort_unstable();
    audiences.dedup();
    audiences
}

/// What no single value can tell.
fn check(oidc: &Oidc, environment: Environment, layers: &mut Layers) {
    let mut found = Vec::new();
    if oidc.issuers.is_empty() {
        // Where an issuer is named and none could be read, that was told.
        let is_idle = |key: &&str| !is_wanted(layers) && says_something(layers, key);
        for key in OTHER_KEYS.into_iter().filter(is_idle) {
            let problem = layers.problem(key, "says nothing without an issuer of tokens");
            found.push(problem.hint("set keycloak_url or oidc_issuer, or take this out"));
        }
        layers.problems.extend(found);
        return;
    }
    let named = ISSUER_KEYS.into_iter().find(|key| layers.is_written(key));
    let at = named.unwrap_or("keycloak_url");
    if oidc.issuers.len() > ISSUERS_MAX {
        found.push(layers.problem(at, format!("more than {ISSUERS_MAX} issuers")));
    }
    for (position, issuer) in oidc.issuers.iter().enumerate() {
        if oidc.issuers[..position]
            .iter()
            .any(|before| before.url == issuer.url)
        {
            let message = format!("the issuer {} is named twice", issuer.url);
            let hint = "an issuer speaks for all tenants, or for one";
            found.push(layers.problem(at, message).hint(hint));
        }
        if environment == Environment::Prod && !is_confidential(&issuer.url) {
            let message = format!(
                "prod refuses the issuer {}: keys that come over http can be anybody's",
                issuer.url
            );
            found.push(layers.problem(at, message).hint("use https"));
        }
    }
    if oidc.audiences.is_empty() {
        let problem = layers.problem(
            "oidc_audience",
            "which tokens are for this gateway is not said",
        );
        found.push(problem.hint(
            "name the audience that its tokens carry, or set public_url to where callers reach it",
        ));
    }
    layers.problems.extend(found);
}

/// Whether somebody asked for something here. A file that only repeats a default, as `--print-config` gives
/// it, does not.
fn says_something(layers: &Layers, key: &str) -> bool {
    let initial = rows::row(key).map(|row| row.initial_text());
    layers.sourced(key).is_some_and(|value| match value.source {
        Source::Default => false,
        Source::File { .. } => Some(&value.text) != initial.as_ref(),
        Source::Environment(_) | Source::Flag(_) => true,
    })
}

/// https, or this machine.
fn is_confidential(issuer: &str) -> bool {
    let Ok((origin, _)) = url::split(issuer) else {
        return false;
    };
    let address = origin.host.parse::<std::net::IpAddr>();
    origin.tls || origin.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn issuer_url(text: &str) -> Result<(), String> {
    let (_, path) = url::split(text)?;
    if path.contains('?') {
        return Err(format!("`{text}` is no issuer: it has a query"));
    }
    Ok(())
}

fn base_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    issuer_url(text)?;
    Ok(text.to_owned())
}

/// Words that may stand in a header and in JSON as they are.
fn plain_words(text: &str) -> Result<Vec<String>, String> {
    let words = value::words(text)?;
    let is_plain = |word: &String| {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        word.bytes().all(plain)
    };
    match words.iter().find(|word| !is_plain(word)) {
        Some(word) => Err(format!(
            "`{word}` holds what is no visible ASCII, or a quote"
        )),
        None => Ok(words),
    }
}
