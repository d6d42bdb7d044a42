use super::*;
use crate::auth::fixture::{TestRegistry, with_keys};
use crate::auth::keys_file::{hex, text};
use crate::auth::{TokenCache, api_key, authenticate};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::worker::clock::Now;

const NOW_MS: u64 = 1_800_000_000_000; // 2027-01-15T08:00:00Z

/// What a test does to an entry.
type Change<'c> = &'c dyn Fn(&mut KeyEntry);

/// A file with one entry for each `change`, and the keys themselves.
fn file(changes: &[Change<'_>]) -> (KeysFile, Vec<String>) {
    let mut file = KeysFile::new("keys.yaml".as_ref(), None).unwrap();
    let hasher = file.hasher(None).unwrap();
    let mut keys = Vec::new();
    for change in changes {
        let new = api_key::generate().unwrap();
        let mut entry = KeyEntry {
            id: text(new.id),
            name: text("agent"),
            tenant: text("acme"),
            roles: vec![text("viewer")],
            scopes: Vec::new(),
            hash: text(hex(&hasher.hash(new.key.as_bytes()))),
            created_at: text("2027-01-01T00:00:00Z"),
            expires_at: None,
            rotated_from: None,
            valid_until: None,
            rate: None,
            consumer: None,
            consumer_rate: None,
            may_name_consumer: false,
            tools_allowed: None,
            tools_refused: Vec::new(),
        };
        change(&mut entry);
        file.keys.push(entry);
        keys.push(new.key);
    }
    (file, keys)
}

fn login(keys: &Snapshot, key: &str, unix_ms: u64) -> Result<crate::auth::Principal, Refusal> {
    authenticate(
        keys,
        &mut TokenCache::default(),
        Some(format!("Bearer {key}").as_bytes()),
        Now {
            mono_ns: 0,
            unix_ms,
        },
    )
}

#[test]
fn an_entry_becomes_the_identity_it_describes() {
    let (file, keys) = file(&[&|entry| {
        entry.tenant = text("tenant-globex");
        entry.roles = vec![text("viewer"), text("tenant-admin")];
        entry.scopes = vec![text("stoa:security:read")];
        entry.consumer = Some(text("mobile-app"));
        entry.rate = Some(Rate {
            requests_per_minute: 100_000_000,
            burst: 1_000_000,
        });
        entry.consumer_rate = Some(Rate {
            requests_per_minute: 7,
            burst: 3,
        });
        entry.may_name_consumer = true;
        entry.tools_allowed = Some(vec![
            text("put"),
            text("get"),
            text("tenant-acme:get"),
            text("put"),
        ]);
        entry.tools_refused = vec![text("wipe")];
    }]);
    let mut registry = TestRegistry {
        tenants: vec!["stoa-system".to_owned()],
        ..TestRegistry::default()
    };
    let compiled = with_keys(compile(&file, None, &mut registry).unwrap());
    let principal = login(&compiled, &keys[0], NOW_MS).unwrap();
    let identity = principal.identity();
    assert_eq!(
        (identity.kind, &*identity.subject, &*identity.consumer),
        (IdentityKind::ApiKey, "agent", "mobile-app")
    );
    assert_eq!(registry.tenants[identity.tenant.0 as usize], "globex");
    assert_eq!(identity.roles, Roles::VIEWER.union(Roles::TENANT_ADMIN));
    let security = Scopes::parse("stoa:security:read").unwrap();
    assert_eq!(
        identity.scopes,
        Roles::TENANT_ADMIN.scopes().union(security)
    );
    assert!(identity.may_name_consumer);
    let allowed: Vec<&str> = identity
        .tools_allowed
        .as_deref()
        .unwrap()
        .iter()
        .map(|name| &**name)
        .collect();
    assert_eq!(allowed, ["acme:get", "get", "put"]);
    assert_eq!(identity.tier_bucket.rate().requests_per_minute, 100_000_000);
    assert_eq!(identity.consumer_bucket.as_ref().unwrap().rate().burst, 3);
    let buckets: Vec<&str> = registry
        .buckets
        .iter()
        .map(|(key, ..)| key.as_str())
        .collect();
    assert_eq!(buckets, ["tier/globex/agent", "consumer/globex/mobile-app"]);
    assert_eq!(registry.usages, ["globex/agent"]);
}

/// Pitfall 2: the role `tenant-admin` is a role; the tenant is what the entry says.
#[test]
fn a_role_never_names_a_tenant() {
    let (file, keys) = file(&[&|entry| entry.roles = vec![text("tenant-admin")]]);
    let mut registry = TestRegistry::default();
    let compiled = with_keys(compile(&file, None, &mut registry).unwrap());
    let principal = login(&compiled, &keys[0], NOW_MS).unwrap();
    assert_eq!(registry.tenants, ["acme"]);
    assert_eq!(principal.identity().roles, Roles::TENANT_ADMIN);
}

#[test]
fn without_role_and_scope_a_key_may_nothing() {
    let (file, keys) = file(&[&|entry| entry.roles.clear()]);
    let compiled = with_keys(compile(&file, None, &mut TestRegistry::default()).unwrap());
    let principal = login(&compiled, &keys[0], NOW_MS).unwrap();
    assert!(principal.identity().scopes.is_empty());
    assert_eq!(
        principal.identity().tier_bucket.rate(),
        Rate {
            requests_per_minute: 30,
            burst: 5
        }
    );
}

/// Pitfall 13: the old key lives through its overlap, and both keys are one caller.
#[test]
fn a_rotated_key_lives_until_its_overlap_ends() {
    let (file, keys) = file(&[
        &|entry| entry.valid_until = Some(text("2027-01-15T09:00:00Z")),
        &|entry| entry.rotated_from = Some("the old one".to_owned()),
        &|entry| {
            entry.name = text("ends-sooner");
            entry.expires_at = Some(text("2027-01-15T08:30:00Z"));
            entry.valid_until = Some(text("2027-01-15T09:00:00Z"));
        },
    ]);
    let mut registry = TestRegistry::default();
    let compiled = with_keys(compile(&file, None, &mut registry).unwrap());
    let minutes = |minutes: u64| NOW_MS + minutes * 60_000;
    for (key, minute, refused) in [
        (0, 0, None),
        (1, 0, None),
        (0, 59, None),
        (0, 60, Some(Refusal::CredentialsExpired)),
        (1, 60, None),
        (2, 29, None),
        (2, 30, Some(Refusal::CredentialsExpired)),
    ] {
        let outcome = login(&compiled, &keys[key], minutes(minute));
        assert_eq!(outcome.err(), refused, "key {key} at minute {minute}");
    }
    let old = login(&compiled, &keys[0], NOW_MS).unwrap();
    let new = login(&compiled, &keys[1], NOW_MS).unwrap();
    assert!(Arc::ptr_eq(
        &old.identity().tier_bucket,
        &new.identity().tier_bucket
    ));
    assert_eq!(old.binding(), new.binding());
}

#[test]
fn bindings_are_stable_and_tell_callers_apart() {
    let of = |tenant, name| binding(IdentityKind::ApiKey, tenant, name);
    // Written down: a change would end every session of a cluster that is being upgraded.
    assert_eq!(
        hex(&of("acme", "agent")),
        "ab2f390914126ee6cd6f9f094ce9e7bf"
    );
    let all = [
        of("acme", "agent"),
        of("acme", "agents"),
        of("acmea", "gent"),
        of("globex", "agent"),
        binding(IdentityKind::Anonymous, "acme", "agent"),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one));
    }
}

#[test]
fn the_anonymous_caller_calls_tools_of_its_tenant_only() {
    let mut registry = TestRegistry::default();
    let anonymous = anonymous("acme", &mut registry);
    assert_eq!(registry.tenants, ["acme"]);
    assert!(anonymous.scopes.contains(Scopes::TOOLS_EXECUTE));
    assert!(!anonymous.roles.contains(Roles::CPI_ADMIN));
}

fn problems(changes: &[Change<'_>]) -> Vec<String> {
    let (file, _) = file(changes);
    let mut registry = TestRegistry::default();
    let found = compile(&file, None, &mut registry).map(drop).unwrap_err();
    assert!(
        registry.buckets.is_empty() && registry.tenants.is_empty(),
        "a bad file leaves no trace"
    );
    found.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn what_is_wrong_with_an_entry_is_told() {
    let cases: [(Change<'_>, &str); 17] = [
        (&|entry| entry.id = text("short"), "12 letters and digits"),
        (&|entry| entry.name = text("two words"), "is no name"),
        (&|entry| entry.name = text("x".repeat(64)), "1 to 63"),
        (&|entry| entry.tenant = text("Acme"), "is no tenant"),
        (&|entry| entry.tenant = text("tenant-"), "is no tenant"),
        (&|entry| entry.tenant = text("a/b"), "is no tenant"),
        (&|entry| entry.hash = text("abc"), "64 hexadecimal digits"),
        (
            &|entry| entry.hash = text("g".repeat(64)),
            "64 hexadecimal digits",
        ),
        (
            &|entry| entry.roles = vec![text("tenant:admin")],
            "unknown role",
        ),
        (
            &|entry| entry.scopes = vec![text("stoa:tools:delete")],
            "unknown scope",
        ),
        (&|entry| entry.consumer = Some(text("")), "is no name"),
        (
            &|entry| entry.expires_at = Some(text("tomorrow")),
            "RFC 3339",
        ),
        (
            &|entry| entry.valid_until = Some(text("1969-12-31T23:59:59Z")),
            "RFC 3339",
        ),
        (
            &|entry| entry.tools_allowed = Some(vec![text("get_*")]),
            "patterns are not supported",
        ),
        (
            &|entry| entry.tools_refused = vec![text("Acme:get")],
            "is no tenant",
        ),
        (
            &|entry| entry.tools_refused = vec![text("acme:")],
            "names no tool",
        ),
        (
            &|entry| {
                entry.rate = Some(Rate {
                    requests_per_minute: 0,
                    burst: 1,
                })
            },
            "at least 1",
        ),
    ];
    for (change, expected) in cases {
        let found = problems(&[change]);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{found:?} lacks {expected:?}"
        );
    }
}

#[test]
fn what_entries_are_together_is_checked() {
    let same: Change<'_> = &|_| {};
    assert!(problems(&[same, same])[0].contains("two keys named"));
    // `tenant-acme` is `acme`.
    assert!(
        problems(&[same, &|entry| entry.tenant = text("tenant-acme")])[0]
            .contains("two keys named")
    );
    let rotated: Change<'_> = &|entry| {
        entry.valid_until = Some(text("2027-01-15T09:00:00Z"));
        entry.rate = Some(Rate {
            requests_per_minute: 5,
            burst: 1,
        });
    };
    assert!(problems(&[rotated, same])[0].contains("different rates"));
    let twice: Change<'_> = &|entry| entry.id = text("AAAAAAAAAAAA");
    let twice_other: Change<'_> = &|entry| {
        entry.id = text("AAAAAAAAAAAA");
        entry.name = text("other");
    };
    assert!(problems(&[twice, twice_other])[0].contains("stands twice"));
    let consumer = |name: &'static str, requests_per_minute: u32| {
        move |entry: &mut KeyEntry| {
            entry.name = text(name);
            entry.consumer = Some(text("app"));
            entry.consumer_rate = Some(Rate {
                requests_per_minute,
                burst: 1,
            });
        }
    };
    assert!(problems(&[&consumer("one", 1), &consumer("other", 2)])[0].contains("consumer_rate"));
    let (fine, _) = file(&[&consumer("one", 1), &consumer("other", 1), same]);
    assert!(check(&fine).is_empty());
}

#[test]
fn a_file_has_a_bounded_number_of_keys() {
    let (mut file, _) = file(&[&|_| {}]);
    let entry = file.keys[0].clone();
    file.keys = (0..=crate::limits::KEYS_MAX)
        .map(|number| KeyEntry {
            id: text(format!("{number:012}")),
            name: text(format!("agent-{number}")),
            ..entry.clone()
        })
        .collect();
    let found = check(&file);
    assert!(
        found.len() == 1 && found[0].message.contains("more than 100000 keys"),
        "{found:?}"
    );
    file.keys.pop();
    assert!(check(&file).is_empty());
}
