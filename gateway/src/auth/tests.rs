use super::fixture::{ACME, identity, with_keys};
use super::scope::Roles;
use super::*;
use crate::snapshot::identity::StoredKey;

const NOW_MS: u64 = 1_800_000_000_000;

fn now(unix_ms: u64) -> Now {
    Now {
        mono_ns: 1,
        unix_ms,
    }
}

/// A gateway with one key that ends at `expires_at_ms`, and that key.
fn keys(expires_at_ms: Option<u64>) -> (Snapshot, String) {
    let hasher = api_key::KeyHasher::new(&[42; 32]);
    let new = api_key::generate().unwrap();
    let stored = StoredKey {
        hash: hasher.hash(new.key.as_bytes()),
        expires_at_ms,
        identity: Arc::new(identity(ACME, Roles::VIEWER)),
    };
    let mut keys = Keys {
        hasher: Some(hasher),
        ..Keys::default()
    };
    keys.by_id.insert(new.id.into(), stored);
    (with_keys(keys), new.key)
}

fn authenticate(
    snapshot: &Snapshot,
    authorization: Option<&[u8]>,
    now: Now,
) -> Result<Principal, Refusal> {
    super::authenticate(snapshot, &mut TokenCache::default(), authorization, now)
}

fn with_last_changed(key: &str) -> String {
    let last = if key.ends_with('a') { 'b' } else { 'a' };
    format!("{}{last}", &key[..key.len() - 1])
}

#[test]
fn only_a_whole_known_key_is_accepted() {
    let (keys, key) = keys(None);
    let other = api_key::generate().unwrap().key;
    let (id, secret) = key.split_at(api_key::PREFIX.len() + api_key::ID_CHARS);
    let invalid = Some(Refusal::CredentialsInvalid);
    for (header, refused) in [
        (format!("Bearer {key}"), None),
        (format!("bearer {key}"), None),
        (format!("BEARER {key}"), None),
        // Pitfall 13: a key must not pass on its prefix or its id.
        (format!("Bearer {id}"), invalid),
        (format!("Bearer {id}_"), invalid),
        (format!("Bearer {}", with_last_changed(&key)), invalid),
        (format!("Bearer {}", &key[..key.len() - 1]), invalid),
        (format!("Bearer {key}{key}"), invalid),
        // The id of one key with the secret of another, and a key nobody knows.
        (format!("Bearer {id}{}", &other[id.len()..]), invalid),
        (format!("Bearer {}{secret}", &other[..id.len()]), invalid),
        (format!("Bearer {other}"), invalid),
        // Not the scheme, or not one space.
        (key.clone(), invalid),
        (format!("Bearer  {key}"), invalid),
        (format!("Bearer\t{key}"), invalid),
        (format!("Bearer {key} "), invalid),
        (format!("Basic {key}"), invalid),
        ("Bearer".to_owned(), invalid),
        ("Bearer ".to_owned(), invalid),
        (String::new(), invalid),
    ] {
        let outcome = authenticate(&keys, Some(header.as_bytes()), now(NOW_MS));
        assert_eq!(outcome.err(), refused, "{header}");
    }
    assert_eq!(
        authenticate(&keys, None, now(NOW_MS)).err(),
        Some(Refusal::CredentialsMissing)
    );
    let not_text = [b"Bearer ".as_slice(), &[0xff; 64]].concat();
    assert_eq!(
        authenticate(&keys, Some(&not_text), now(NOW_MS)).err(),
        invalid
    );
}

#[test]
fn a_key_ends_at_its_moment_and_only_its_holder_is_told() {
    let (keys, key) = keys(Some(NOW_MS));
    let header = format!("Bearer {key}");
    let wrong = format!("Bearer {}", with_last_changed(&key));
    for (unix_ms, refused) in [
        (NOW_MS - 1, None),
        (NOW_MS, Some(Refusal::CredentialsExpired)),
        (NOW_MS + 1, Some(Refusal::CredentialsExpired)),
    ] {
        assert_eq!(
            authenticate(&keys, Some(header.as_bytes()), now(unix_ms)).err(),
            refused
        );
        let other = authenticate(&keys, Some(wrong.as_bytes()), now(unix_ms));
        assert_eq!(other.err(), Some(Refusal::CredentialsInvalid));
    }
}

#[test]
fn without_identity_configured_everyone_is_anonymous_but_nobody_is_mistaken() {
    let anonymous = Arc::new(identity(ACME, Roles::NONE));
    let keys = Keys {
        anonymous: Some(Arc::clone(&anonymous)),
        ..Keys::default()
    };
    let keys = with_keys(keys);
    let principal = authenticate(&keys, None, now(NOW_MS)).unwrap();
    assert!(std::ptr::eq(principal.identity(), &*anonymous));
    let key = api_key::generate().unwrap().key;
    let presented = authenticate(&keys, Some(format!("Bearer {key}").as_bytes()), now(NOW_MS));
    assert_eq!(presented.err(), Some(Refusal::CredentialsInvalid));
}

#[test]
fn a_gateway_without_any_keys_refuses_everyone() {
    let keys = Snapshot::default();
    assert_eq!(
        authenticate(&keys, None, now(0)).err(),
        Some(Refusal::CredentialsMissing)
    );
    let key = api_key::generate().unwrap().key;
    let presented = authenticate(&keys, Some(format!("Bearer {key}").as_bytes()), now(0));
    assert_eq!(presented.err(), Some(Refusal::CredentialsInvalid));
}

/// An id that nobody has must cost what a wrong secret costs, or answers tell which ids exist; what
/// has not the shape of a key costs nothing.
#[test]
fn unknown_ids_cost_the_same_as_wrong_secrets() {
    let (keys, key) = keys(None);
    for (presented, hashes) in [
        (key.clone(), 1),
        (with_last_changed(&key), 1),
        (api_key::generate().unwrap().key, 1),
        (format!("{key}x"), 0),
        ("x".repeat(60_000), 0),
    ] {
        api_key::HASHES.set(0);
        let outcome = authenticate(
            &keys,
            Some(format!("Bearer {presented}").as_bytes()),
            now(NOW_MS),
        );
        assert_eq!(outcome.is_ok(), presented == key);
        assert_eq!(api_key::HASHES.get(), hashes, "{presented:.80}");
    }
}
