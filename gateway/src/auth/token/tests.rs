use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::fixture::{
    AUDIENCE, GLOBEX_REALM, STOA, Signer, issuers, key_set, realm, snapshot, unsigned,
};
use super::*;
use crate::auth::fixture::{ACME, GLOBEX};
use crate::auth::scope::{Roles, Scopes};
use crate::auth::{Principal, TokenCache, authenticate};
use crate::limits::{TOKEN_CLAIMS_MAX, TOKEN_NAME_BYTES_MAX, TOKEN_ROLES_MAX, TOKEN_SKEW_S};
use crate::snapshot::identity::IdentityKind;
use crate::snapshot::issuer::Issuers;
use crate::snapshot::tenant::TenantId;

const NOW_S: u64 = 1_800_000_000;
const INVALID: Option<Refusal> = Some(Refusal::CredentialsInvalid);

fn at(unix_s: u64) -> Now {
    Now {
        mono_ns: 1,
        unix_ms: unix_s * 1_000,
    }
}

/// What Keycloak says of an agent of acme.
fn claims() -> Value {
    json!({
        "iss": STOA, "sub": "0e9c-agent", "aud": [AUDIENCE, "account"], "azp": "acme-agent", "typ": "Bearer",
        "iat": NOW_S - 60, "exp": NOW_S + 240, "tenant_id": "acme", "scope": "profile email",
        "realm_access": {"roles": ["devops", "offline_access", "uma_authorization"]},
    })
}

/// The same with one claim changed; `null` takes it out.
fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn ask(snapshot: &Snapshot, token: &str, now: Now) -> Result<Principal, Refusal> {
    let header = format!("Bearer {token}");
    authenticate(
        snapshot,
        &mut TokenCache::default(),
        Some(header.as_bytes()),
        now,
    )
}

fn refusal(token: &str) -> Option<Refusal> {
    ask(&snapshot(issuers()), token, at(NOW_S)).err()
}

#[test]
fn a_token_says_who_calls() {
    let snapshot = snapshot(issuers());
    let principal = ask(&snapshot, &realm().rs256.sign(&claims()), at(NOW_S)).unwrap();
    let identity = principal.identity();
    assert_eq!(identity.kind, IdentityKind::Token);
    assert_eq!(
        (&*identity.subject, &*identity.consumer),
        ("0e9c-agent", "acme-agent")
    );
    assert_eq!((identity.tenant, identity.roles), (ACME, Roles::DEVOPS));
    assert_eq!(identity.scopes, Roles::DEVOPS.scopes());
    assert_eq!(
        identity.tier_bucket.rate(),
        crate::limit::Rate::of_tier(Roles::DEVOPS)
    );
    assert!(!identity.may_name_consumer);
    // Another token of the same caller is the same caller, with the same limit; another's is not.
    let again = ask(&snapshot, &realm().es256.sign(&with("jti", "2")), at(NOW_S)).unwrap();
    assert_eq!(again.binding(), principal.binding());
    assert!(Arc::ptr_eq(
        &again.identity().tier_bucket,
        &identity.tier_bucket
    ));
    let other = ask(
        &snapshot,
        &realm().rs256.sign(&with("sub", "other")),
        at(NOW_S),
    )
    .unwrap();
    assert_ne!(other.binding(), principal.binding());
    assert!(!Arc::ptr_eq(
        &other.identity().tier_bucket,
        &identity.tier_bucket
    ));
}

#[test]
fn every_algorithm_of_the_issuer_is_verified_and_any_change_is_noticed() {
    let realm = realm();
    for signer in [
        &realm.rs256,
        &realm.ps256,
        &realm.es256,
        &realm.es384,
        &realm.eddsa,
    ] {
        let token = signer.sign(&claims());
        assert_eq!(refusal(&token), None, "{:?}", signer.algorithm);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(
            refusal(&forged),
            INVALID,
            "signature, {:?}",
            signer.algorithm
        );
        let header = json!({"alg": signer.algorithm, "kid": signer.kid, "typ": "JWT"});
        let promoted = unsigned(&header, &with("tenant_id", "globex"));
        assert_eq!(
            refusal(&format!("{promoted}.{signature}")),
            INVALID,
            "claims"
        );
    }
}

/// Pitfalls 2, 3 and 5: each of these was let through by somebody's gateway.
#[test]
fn attacks_on_the_signature_are_refused() {
    let realm = realm();
    let (rs, es) = (&realm.rs256, &realm.es256);
    let good = rs.sign(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let unsigned_none =
        |alg: &str| unsigned(&json!({"alg": alg, "kid": "rs", "typ": "JWT"}), &claims());
    let hs = |secret: &[u8]| {
        let signed = unsigned_none("HS256");
        let key = EncodingKey::from_secret(secret);
        let tag = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{signed}.{tag}")
    };
    let jwk = rs.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let header = |name: &str, value: Value| {
        let mut header = json!({"alg": "ES256", "kid": "es", "typ": "JWT"});
        header[name] = value;
        es.sign_with(&header, &claims())
    };
    let own_key = json!({"alg": "ES256", "typ": "JWT", "jwk": realm.stranger.jwk()});
    for (name, token) in [
        ("nothing", String::new()),
        ("no signature", signed.to_owned()),
        ("stripped signature", format!("{signed}.")),
        ("two dots more", format!("{good}.{signature}.x")),
        (
            "five parts, as encrypted tokens have",
            format!("{good}.a.b"),
        ),
        ("alg none", format!("{}.", unsigned_none("none"))),
        (
            "alg none with a signature",
            format!("{}.{signature}", unsigned_none("none")),
        ),
        ("alg None", format!("{}.", unsigned_none("None"))),
        ("HS256 with the modulus", hs(&modulus)),
        (
            "HS256 with the key as published",
            hs(jwk.to_string().as_bytes()),
        ),
        ("HS256 with nothing", hs(b"")),
        (
            "a stranger's key with a known kid",
            realm.stranger.sign(&claims()),
        ),
        (
            "a key that the token brings along",
            realm.stranger.sign_with(&own_key, &claims()),
        ),
        ("a kid that is not there", header("kid", json!("nobody"))),
        ("a kid of another issuer", realm.globex.sign(&claims())),
        (
            "no kid where there are several keys",
            header("kid", Value::Null),
        ),
        (
            "a kid that is a path",
            header("kid", json!("../../dev/null")),
        ),
        ("a kid of another kind of key", header("kid", json!("rs"))),
        (
            "another algorithm of the same key",
            header("alg", json!("ES384")),
        ),
        (
            "PS256 with the key of RS256",
            rs.sign_with(&json!({"alg": "PS256", "kid": "rs"}), &claims()),
        ),
        (
            "an extension that must be understood",
            header("crit", json!(["b64"])),
        ),
        (
            "an ID token for logging out",
            header("typ", json!("logout+jwt")),
        ),
        ("a DPoP proof", header("typ", json!("dpop+jwt"))),
        ("a header that is no object", {
            let parts = good.split_once('.').unwrap().1;
            format!("{}.{parts}", URL_SAFE_NO_PAD.encode("[]"))
        }),
        ("padding", good.replace('.', "=.")),
        ("blanks", format!("{good} ")),
        (
            "an API key's shape without its prefix",
            "sk_0123456789ab_x".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&token), INVALID, "{name}");
    }
    let alone = header("typ", json!("at+jwt"));
    assert_eq!(refusal(&alone), None, "RFC 9068");
}

#[test]
fn claims_that_are_not_for_us_or_not_for_now_are_refused() {
    let expired = Some(Refusal::CredentialsExpired);
    let elsewhere = Some(Refusal::TokenAudience);
    for (name, claims, expected) in [
        ("as it should be", claims(), None),
        ("expired by a second", with("exp", NOW_S - 1), expired),
        ("expired in this very second", with("exp", NOW_S), expired),
        ("in its last second", with("exp", NOW_S + 1), None),
        ("without an end", with("exp", Value::Null), INVALID),
        ("an end that is a text", with("exp", "2099"), INVALID),
        ("an end below zero", with("exp", -1), INVALID),
        ("an end beyond numbers", with("exp", 1e300), INVALID),
        (
            "a fraction of a second",
            with("exp", NOW_S as f64 + 1.5),
            None,
        ),
        ("not yet", with("nbf", NOW_S + TOKEN_SKEW_S + 1), INVALID),
        (
            "not yet by a clock that is ahead",
            with("nbf", NOW_S + TOKEN_SKEW_S),
            None,
        ),
        (
            "issued in the future",
            with("iat", NOW_S + TOKEN_SKEW_S + 1),
            INVALID,
        ),
        (
            "issued by a clock that is ahead",
            with("iat", NOW_S + TOKEN_SKEW_S),
            None,
        ),
        ("issued at no time", with("iat", "now"), INVALID),
        ("no audience", with("aud", Value::Null), elsewhere),
        ("another audience", with("aud", "orders-api"), elsewhere),
        (
            "our audience in part",
            with("aud", "stoa-gateway-2"),
            elsewhere,
        ),
        (
            "our audience in capitals",
            with("aud", "STOA-GATEWAY"),
            elsewhere,
        ),
        (
            "our resource",
            with("aud", "https://gw.example.com/mcp"),
            None,
        ),
        (
            "an audience that is an object",
            with("aud", json!({AUDIENCE: true})),
            elsewhere,
        ),
        (
            "another realm",
            with("iss", "https://auth.example.com/realms/other"),
            INVALID,
        ),
        (
            "our realm with a slash",
            with("iss", format!("{STOA}/")),
            INVALID,
        ),
        ("no issuer", with("iss", Value::Null), INVALID),
        ("a list of issuers", with("iss", json!([STOA])), INVALID),
        (
            "the name of the other realm",
            with("iss", GLOBEX_REALM),
            INVALID,
        ),
        ("an ID token", with("typ", "ID"), INVALID),
        ("a refresh token", with("typ", "Refresh"), INVALID),
        ("bound to a DPoP key", with("typ", "DPoP"), INVALID),
        (
            "bound by its thumbprint",
            with("cnf", json!({"jkt": "x"})),
            INVALID,
        ),
        (
            "bound to a certificate",
            with("cnf", json!({"x5t#S256": "x"})),
            INVALID,
        ),
        ("nobody", with("sub", Value::Null), INVALID),
        ("an empty name", with("sub", ""), INVALID),
        ("a name with a line break", with("sub", "a\nb"), INVALID),
        ("a name with a zero byte", with("sub", "a\0b"), INVALID),
        (
            "a name that is too long",
            with("sub", "a".repeat(TOKEN_NAME_BYTES_MAX + 1)),
            INVALID,
        ),
        (
            "a name that is as long as can be",
            with("sub", "a".repeat(TOKEN_NAME_BYTES_MAX)),
            None,
        ),
    ] {
        assert_eq!(refusal(&realm().es256.sign(&claims)), expected, "{name}");
    }
}

#[test]
fn tokens_beyond_their_bounds_are_refused() {
    let sized = |bytes: usize| {
        let empty = realm().es256.sign(&with("x", "")).len();
        // Four characters for three bytes.
        let token = realm()
            .es256
            .sign(&with("x", "x".repeat((bytes - empty) * 3 / 4)));
        assert!(token.len().abs_diff(bytes) < 4, "{} {bytes}", token.len());
        token
    };
    assert_eq!(refusal(&sized(TOKEN_BYTES_MAX - 4)), None);
    assert_eq!(refusal(&sized(TOKEN_BYTES_MAX + 4)), INVALID);
    let mut many = claims();
    let members = many.as_object().unwrap().len();
    for number in members..TOKEN_CLAIMS_MAX {
        many[format!("claim{number}")] = 1.into();
    }
    assert_eq!(refusal(&realm().es256.sign(&many)), None);
    many["one more"] = 1.into();
    assert_eq!(refusal(&realm().es256.sign(&many)), INVALID);
    let roles = |count: usize| with("realm_access", json!({"roles": vec!["viewer"; count]}));
    assert_eq!(refusal(&realm().es256.sign(&roles(TOKEN_ROLES_MAX))), None);
    assert_eq!(
        refusal(&realm().es256.sign(&roles(TOKEN_ROLES_MAX + 1))),
        INVALID
    );
}

fn check_tenant(
    name: &str,
    signer: &Signer,
    claims: &Value,
    expected: Result<(TenantId, Roles), Refusal>,
) {
    let found = ask(&snapshot(issuers()), &signer.sign(claims), at(NOW_S));
    let found = found.map(|principal| (principal.identity().tenant, principal.identity().roles));
    assert_eq!(found, expected, "{name}");
}

/// Pitfall 2: the tenant comes from the token, and `tenant-admin` is a role, `tenant:admin` a tenant.
#[test]
fn pitfall_2_whose_a_token_is() {
    let roles = |roles: Value| json!({"roles": roles});
    let named = |tenant: Value, list: Value| {
        let mut claims = with("tenant_id", tenant);
        claims["realm_access"] = roles(list);
        claims
    };
    let stoa = &realm().rs256;
    let unknown = Err(Refusal::TenantUnknown);
    for (name, claims, expected) in [
        (
            "a claim",
            named(json!("globex"), json!(["viewer"])),
            Ok((GLOBEX, Roles::VIEWER)),
        ),
        (
            "a namespace",
            named(json!("tenant-acme"), json!(["viewer"])),
            Ok((ACME, Roles::VIEWER)),
        ),
        (
            "an attribute that may have several values",
            named(json!(["acme"]), json!(["viewer"])),
            Ok((ACME, Roles::VIEWER)),
        ),
        (
            "two tenants",
            named(json!(["acme", "globex"]), json!(["viewer"])),
            unknown,
        ),
        ("an empty one", named(json!(""), json!(["viewer"])), unknown),
        ("a number", named(json!(1), json!(["viewer"])), unknown),
        (
            "one that is not served",
            named(json!("initech"), json!(["viewer"])),
            unknown,
        ),
        ("none", named(Value::Null, json!(["viewer"])), unknown),
        (
            "none, above tenants",
            named(Value::Null, json!(["cpi-admin"])),
            Ok((TenantId::PLATFORM, Roles::CPI_ADMIN)),
        ),
        (
            "a role",
            named(Value::Null, json!(["tenant:acme", "viewer"])),
            Ok((ACME, Roles::VIEWER)),
        ),
        (
            "a claim before a role",
            named(json!("acme"), json!(["tenant:globex", "viewer"])),
            Ok((ACME, Roles::VIEWER)),
        ),
        (
            "two roles",
            named(Value::Null, json!(["tenant:acme", "tenant:globex"])),
            unknown,
        ),
        (
            "the same role twice",
            named(Value::Null, json!(["tenant:acme", "tenant:acme"])),
            Ok((ACME, Roles::NONE)),
        ),
        (
            "tenant:admin is no role, and no tenant here",
            named(Value::Null, json!(["tenant:admin"])),
            unknown,
        ),
        (
            "tenant:admin gives no role",
            named(json!("acme"), json!(["tenant:admin"])),
            Ok((ACME, Roles::NONE)),
        ),
        (
            "tenant-admin is no tenant",
            named(Value::Null, json!(["tenant-admin"])),
            unknown,
        ),
        (
            "tenant-admin",
            named(json!("acme"), json!(["tenant-admin"])),
            Ok((ACME, Roles::TENANT_ADMIN)),
        ),
    ] {
        check_tenant(name, stoa, &claims, expected);
    }
    let globex = |tenant: Value, list: Value| {
        let mut claims = named(tenant, list);
        claims["iss"] = GLOBEX_REALM.into();
        claims
    };
    for (name, claims, expected) in [
        (
            "its own realm needs no claim",
            globex(Value::Null, json!(["viewer"])),
            Ok((GLOBEX, Roles::VIEWER)),
        ),
        (
            "and may make it",
            globex(json!("tenant-globex"), json!(["viewer"])),
            Ok((GLOBEX, Roles::VIEWER)),
        ),
        (
            "a realm claims another tenant",
            globex(json!("acme"), json!(["viewer"])),
            unknown,
        ),
        (
            "by a role",
            globex(Value::Null, json!(["tenant:acme"])),
            unknown,
        ),
        (
            "a realm claims to be above tenants",
            globex(Value::Null, json!(["cpi-admin"])),
            unknown,
        ),
    ] {
        check_tenant(name, &realm().globex, &claims, expected);
    }
}

#[test]
fn roles_of_our_own_clients_count_and_of_no_other() {
    let access = |client: &str| {
        let mut claims = with("realm_access", Value::Null);
        claims["resource_access"] = json!({client: {"roles": ["viewer", "unheard-of"]}});
        claims
    };
    check_tenant(
        "ours",
        &realm().rs256,
        &access(AUDIENCE),
        Ok((ACME, Roles::VIEWER)),
    );
    check_tenant(
        "another's",
        &realm().rs256,
        &access("account"),
        Ok((ACME, Roles::NONE)),
    );
}

#[test]
fn scopes_narrow_roles_and_give_more_only_where_the_operator_says_so() {
    let scopes = |issuers: Issuers, roles: &str, scope: &str| {
        let mut claims = with("scope", scope);
        claims["realm_access"] = json!({"roles": [roles]});
        let principal = ask(&snapshot(issuers), &realm().es256.sign(&claims), at(NOW_S)).unwrap();
        principal.identity().scopes
    };
    let of = |name: &str| Scopes::parse(name).unwrap();
    for (role, scope, narrowed, granted) in [
        (
            "devops",
            "profile",
            Roles::DEVOPS.scopes(),
            Roles::DEVOPS.scopes(),
        ),
        (
            "devops",
            "profile stoa:tools:read",
            Scopes::TOOLS_READ,
            Scopes::TOOLS_READ,
        ),
        (
            "devops",
            "stoa:execute",
            Scopes::TOOLS_EXECUTE,
            Scopes::TOOLS_EXECUTE,
        ),
        ("viewer", "stoa:admin", Roles::VIEWER.scopes(), Scopes::ALL),
        (
            "viewer",
            "stoa:tools:execute",
            Scopes::TOOLS_READ,
            Scopes::TOOLS_EXECUTE,
        ),
        (
            "nothing",
            "stoa:tools:execute",
            Scopes::NONE,
            Scopes::TOOLS_EXECUTE,
        ),
        ("nothing", "", Scopes::NONE, Scopes::NONE),
        ("devops", "stoa:unheard:of", Scopes::NONE, Scopes::NONE),
        (
            "cpi-admin",
            "stoa:read stoa:audit",
            of("stoa:read").union(of("stoa:audit")),
            of("stoa:read").union(of("stoa:audit")),
        ),
    ] {
        assert_eq!(scopes(issuers(), role, scope), narrowed, "{role}: {scope}");
        let granting = Issuers {
            scopes_grant: true,
            ..issuers()
        };
        assert_eq!(
            scopes(granting, role, scope),
            granted,
            "{role} granted: {scope}"
        );
    }
}

#[test]
fn where_clients_are_named_no_other_is_served() {
    let issuers = || Issuers {
        clients: ["acme-agent".into()].into(),
        ..issuers()
    };
    for (client, expected) in [
        (json!("acme-agent"), None),
        (json!("acme"), INVALID),
        (Value::Null, INVALID),
    ] {
        let token = realm().es256.sign(&with("azp", client.clone()));
        assert_eq!(
            ask(&snapshot(issuers()), &token, at(NOW_S)).err(),
            expected,
            "{client}"
        );
    }
}

#[test]
fn an_unknown_key_is_wished_for_and_nothing_else_is() {
    let snapshot = snapshot(issuers());
    let issuer = &snapshot.keys.issuers.as_ref().unwrap().by_url[STOA];
    for (token, asked) in [
        (realm().rs256.sign(&claims()), false),
        (realm().stranger.sign(&claims()), false),
        (
            realm().globex.sign(&with("iss", "https://elsewhere")),
            false,
        ),
        (realm().globex.sign(&claims()), true),
    ] {
        let _ = ask(&snapshot, &token, at(NOW_S));
        assert_eq!(issuer.wanted.is_asked(), asked);
    }
    issuer.wanted.grant();
    assert!(!issuer.wanted.is_asked());
}

#[test]
fn a_single_key_needs_no_name() {
    let token = realm().es256.sign_with(&json!({"alg": "ES256"}), &claims());
    assert_eq!(ask(&snapshot(issuers()), &token, at(NOW_S)).err(), INVALID);
    let mut issuers = issuers();
    issuers.by_url.get_mut(STOA).unwrap().keys = Arc::new(key_set(&[&realm().es256]));
    assert_eq!(ask(&snapshot(issuers), &token, at(NOW_S)).err(), None);
}

/// Pitfalls 3 and 28: a verified token is remembered, but neither beyond its end nor beyond its key.
#[test]
fn pitfall_3_what_is_remembered_ends_with_the_token_and_with_the_snapshot() {
    let mut snapshot = snapshot(issuers());
    let mut cache = TokenCache::default();
    let header = format!("Bearer {}", realm().rs256.sign(&claims()));
    let mut ask = |snapshot: &Snapshot, unix_s| {
        let outcome = authenticate(snapshot, &mut cache, Some(header.as_bytes()), at(unix_s));
        (outcome.map(|principal| principal.identity), cache.len())
    };
    let (first, count) = ask(&snapshot, NOW_S);
    let first = first.unwrap();
    assert_eq!(count, 1);
    let (again, _) = ask(&snapshot, NOW_S + 239);
    assert!(Arc::ptr_eq(&first, &again.unwrap()), "the very same");
    let (ended, _) = ask(&snapshot, NOW_S + 240);
    assert_eq!(ended.err(), Some(Refusal::CredentialsExpired));
    // A new snapshot: what was verified is verified again, here in vain, for the key is gone.
    let other = key_set(&[&realm().es256]);
    let keys = snapshot.keys.issuers.as_mut().unwrap();
    let kept = std::mem::replace(
        &mut keys.by_url.get_mut(STOA).unwrap().keys,
        Arc::new(other),
    );
    let (same_generation, _) = ask(&snapshot, NOW_S);
    assert!(same_generation.is_ok(), "nothing else empties it");
    snapshot.generation = 2;
    let (gone, count) = ask(&snapshot, NOW_S);
    assert_eq!((gone.err(), count), (INVALID, 0));
    // A request of the snapshot before is served by that one, and leaves no trace.
    snapshot.generation = 1;
    snapshot
        .keys
        .issuers
        .as_mut()
        .unwrap()
        .by_url
        .get_mut(STOA)
        .unwrap()
        .keys = kept;
    let (old, count) = ask(&snapshot, NOW_S);
    assert!(old.is_ok());
    assert_eq!(count, 0);
}

#[test]
fn refused_tokens_are_not_remembered() {
    let snapshot = snapshot(issuers());
    let mut cache = TokenCache::default();
    for token in [
        realm().stranger.sign(&claims()),
        realm().es256.sign(&with("exp", NOW_S - 1)),
        realm().es256.sign(&with("aud", "orders-api")),
        realm().es256.sign(&with("tenant_id", "initech")),
    ] {
        let header = format!("Bearer {token}");
        let outcome = authenticate(&snapshot, &mut cache, Some(header.as_bytes()), at(NOW_S));
        assert!(outcome.is_err() && cache.is_empty());
    }
}

#[test]
fn key_sets_are_read_with_care() {
    let jwk = |name: &str, value: Value| {
        let mut jwk = realm().rs256.jwk();
        jwk[name] = value;
        json!({"keys": [jwk]}).to_string()
    };
    let name = |text: &str| {
        let keys = keys::parse(text);
        keys.map(|keys| keys.values().next().unwrap().name).ok()
    };
    for (text, expected) in [
        (jwk("alg", json!("RS256")), Some("RS256")),
        (jwk("alg", json!("PS512")), Some("PS512")),
        (jwk("alg", Value::Null), Some("RS256")),
        (jwk("use", Value::Null), Some("RS256")),
        (jwk("use", json!("enc")), None),
        (jwk("key_ops", json!(["encrypt"])), None),
        (jwk("alg", json!("RSA-OAEP")), None),
        (jwk("alg", json!("ES256")), None),
        (jwk("alg", json!("HS256")), None),
        (jwk("alg", json!("none")), None),
        (jwk("n", json!("not base64!")), None),
        (jwk("kty", json!("EC")), None),
        (
            json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "a"}]})
                .to_string(),
            None,
        ),
        (json!({"keys": []}).to_string(), None),
        ("[]".to_owned(), None),
        ("<html>".to_owned(), None),
    ] {
        assert_eq!(name(&text), expected, "{text}");
    }
    let many = |count: usize| {
        let keys: Vec<Value> = (0..count).map(|_| realm().es256.jwk()).collect();
        keys::parse(&json!({"keys": keys}).to_string())
    };
    assert!(many(crate::limits::TOKEN_KEYS_MAX).is_ok());
    assert!(
        many(crate::limits::TOKEN_KEYS_MAX + 1)
            .unwrap_err()
            .contains("64 keys")
    );
}
