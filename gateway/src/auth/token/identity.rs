//! From the claims of a verified token to who that is.
//!
//! - **Tenant**: the first of the configured claims that is there; else the realm role `tenant:{name}`. An
//!   issuer that was configured for one tenant speaks for that one only, and for nobody above tenants.
//! - **Roles**: `realm_access.roles`, and of `resource_access` those of clients whose name is an audience of
//!   ours. What is no role of ours is passed over.
//! - **Scopes**: those of the roles. A token that names any `stoa:` scope has no more than it names; whether
//!   it may have more than its roles give is the operator's word ([`Issuers::scopes_grant`]), because at
//!   most issuers any user may ask for any scope.

use std::sync::Arc;

use serde_json::Value;

use super::claims::Claims;
use crate::auth::compile::{binding, tenant_name};
use crate::auth::scope::{Roles, Scopes};
use crate::limit::Rate;
use crate::limits::{TOKEN_NAME_BYTES_MAX, TOKEN_ROLES_MAX};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::snapshot::identity::{Identity, IdentityKind};
use crate::snapshot::issuer::{Issuer, Issuers};
use crate::snapshot::tenant::TenantId;

/// What a realm role that names a tenant begins with.
const TENANT_ROLE: &str = "tenant:";

/// Makes the identity.
///
/// # Errors
/// [`Refusal::CredentialsInvalid`] for claims of a wrong shape; [`Refusal::TenantUnknown`] for a tenant that
/// is not served, not named, named twice, or not this issuer's to name.
pub(super) fn make(
    snapshot: &Snapshot,
    issuers: &Issuers,
    issuer: &Issuer,
    claims: &Claims,
) -> Result<Identity, Refusal> {
    let subject = claims.text("sub").filter(|sub| is_name(sub));
    let subject = subject.ok_or(Refusal::CredentialsInvalid)?;
    let consumer = claims.text("azp").or_else(|| claims.text("client_id"));
    let consumer = consumer.filter(|client| is_name(client)).unwrap_or(subject);
    let granted = granted_roles(claims, issuers)?;
    let roles = granted.iter().filter_map(|role| Roles::parse(role).ok());
    let roles = roles.fold(Roles::NONE, Roles::union);
    let tenant = tenant_of(claims, issuers, issuer, roles)?;
    let id = tenant_id(snapshot, tenant)?;
    let name = &*snapshot.tenant(id).name;
    let who = format!("{}\0{subject}", claims.text("iss").unwrap_or_default());
    let binding = binding(IdentityKind::Token, name, &who);
    let caller = issuers.callers.find(&binding, rate_of(issuers, roles));
    Ok(Identity {
        kind: IdentityKind::Token,
        subject: subject.into(),
        consumer: consumer.into(),
        may_name_consumer: false,
        tenant: id,
        binding,
        roles,
        scopes: scopes_of(claims, issuers, roles),
        tools_allowed: None,
        tools_refused: Box::default(),
        tier_bucket: Arc::clone(&caller.bucket),
        consumer_bucket: None,
        usage: Arc::clone(&caller.usage),
    })
}

/// Whether a text may stand in events and in the text that a binding is made of.
fn is_name(text: &str) -> bool {
    (1..=TOKEN_NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn granted_roles<'c>(claims: &'c Claims, issuers: &Issuers) -> Result<Vec<&'c str>, Refusal> {
    let realm = claims
        .get("realm_access")
        .and_then(|access| access.get("roles"));
    let clients = claims.get("resource_access");
    let ours = issuers.audiences.iter().filter_map(|audience| {
        let client = clients.and_then(|clients| clients.get(&**audience));
        client.and_then(|client| client.get("roles"))
    });
    let roles: Vec<&str> = std::iter::once(realm)
        .chain(ours.map(Some))
        .flat_map(Claims::texts)
        .take(TOKEN_ROLES_MAX + 1)
        .collect();
    if roles.len() > TOKEN_ROLES_MAX {
        return Err(Refusal::CredentialsInvalid);
    }
    Ok(roles)
}

/// The tenant that a token names and its issuer may name; `None` for who is above tenants.
fn tenant_of<'c>(
    claims: &'c Claims,
    issuers: &Issuers,
    issuer: &'c Issuer,
    roles: Roles,
) -> Result<Option<&'c str>, Refusal> {
    let named = match claimed_tenant(claims, issuers)? {
        Some(tenant) => Some(tenant),
        None => tenant_by_role(claims)?,
    };
    let Some(only) = issuer.tenant.as_deref() else {
        let is_above = roles.contains(Roles::CPI_ADMIN);
        return if named.is_some() || is_above {
            Ok(named)
        } else {
            Err(Refusal::TenantUnknown)
        };
    };
    if named.is_some_and(|tenant| tenant != only) || roles.contains(Roles::CPI_ADMIN) {
        return Err(Refusal::TenantUnknown);
    }
    Ok(Some(only))
}

fn claimed_tenant<'c>(claims: &'c Claims, issuers: &Issuers) -> Result<Option<&'c str>, Refusal> {
    for claim in &issuers.tenant_claims {
        match claims.get(claim) {
            None => {}
            // An attribute that may have several values is a list even where it has one.
            Some(Value::Array(list)) if list.is_empty() => {}
            Some(value) => {
                let mut texts = Claims::texts(Some(value));
                let first = texts.next().filter(|text| !text.is_empty());
                let tenant = first.filter(|_| texts.next().is_none());
                return tenant
                    .map(|tenant| Some(tenant_name(tenant)))
                    .ok_or(Refusal::TenantUnknown);
            }
        }
    }
    Ok(None)
}

/// `acme` of the realm role `tenant:acme`. Roles of clients do not count: each client's owner names them.
fn tenant_by_role(claims: &Claims) -> Result<Option<&str>, Refusal> {
    let realm = claims
        .get("realm_access")
        .and_then(|access| access.get("roles"));
    let mut named = Claims::texts(realm)
        .filter_map(|role| role.strip_prefix(TENANT_ROLE))
        .map(tenant_name);
    let first = named.next();
    if named.any(|other| Some(other) != first) {
        return Err(Refusal::TenantUnknown);
    }
    Ok(first)
}

fn tenant_id(snapshot: &Snapshot, tenant: Option<&str>) -> Result<TenantId, Refusal> {
    let Some(tenant) = tenant else {
        return Ok(TenantId::PLATFORM);
    };
    let found = snapshot.tenants_by_name.get(tenant);
    found.copied().ok_or(Refusal::TenantUnknown)
}

fn scopes_of(claims: &Claims, issuers: &Issuers, roles: Roles) -> Scopes {
    let mut named = None;
    let words = Claims::texts(claims.get("scope")).flat_map(str::split_ascii_whitespace);
    for word in words.filter(|word| word.starts_with("stoa:")) {
        let known = Scopes::parse(word).unwrap_or(Scopes::NONE);
        named = Some(named.unwrap_or(Scopes::NONE).union(known));
    }
    match named {
        None => roles.scopes(),
        Some(named) if issuers.scopes_grant => named,
        Some(named) => named.intersection(roles.scopes()),
    }
}

/// The tier: that of the highest role.
fn rate_of(issuers: &Issuers, roles: Roles) -> Rate {
    let tiers = &issuers.tiers;
    let found = tiers.iter().find(|(role, _)| roles.contains(*role));
    found.unwrap_or(&tiers[tiers.len() - 1]).1
}
