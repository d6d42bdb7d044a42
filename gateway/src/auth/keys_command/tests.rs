use std::path::PathBuf;

use clap::Parser;

use super::*;
use crate::auth::compile::compile;
use crate::auth::fixture::{TestRegistry, with_keys};
use crate::auth::scope::{Roles, Scopes};
use crate::auth::{Principal, TokenCache, authenticate};
use crate::refusal::Refusal;
use crate::snapshot::identity::Keys;
use crate::worker::clock::Now;

const NOW_MS: u64 = 1_800_000_000_000; // 2027-01-15T08:00:00Z
const HOUR_MS: u64 = 3_600_000;

/// As the command line embeds it.
#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: KeyCommand,
}

/// A keys file and commands on it.
struct Bench {
    directory: tempfile::TempDir,
}

struct Output {
    out: String,
    notes: String,
}

impl Bench {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keys.yaml")
    }

    /// Runs a line such as `create --tenant acme --name one` at a time.
    fn run(&self, line: &str, now_ms: u64) -> Result<Output, String> {
        let path = self.path().display().to_string();
        let words = ["key"]
            .into_iter()
            .chain(line.split_whitespace())
            .chain(["--keys", path.as_str()]);
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        run(
            &line.command,
            &self.path(),
            None,
            now_ms,
            &mut out,
            &mut notes,
        )
        .map_err(|error| error.to_string())?;
        Ok(Output {
            out: String::from_utf8(out).unwrap(),
            notes: String::from_utf8(notes).unwrap(),
        })
    }

    /// Makes a key and returns it as a shell would take it.
    fn key(&self, line: &str, now_ms: u64) -> String {
        self.run(line, now_ms).unwrap().out.trim_end().to_owned()
    }

    fn keys(&self) -> Keys {
        compile(
            &keys_file::load(&self.path()).unwrap(),
            None,
            &mut TestRegistry::default(),
        )
        .unwrap()
    }

    fn login(&self, key: &str, unix_ms: u64) -> Result<Principal, Refusal> {
        let header = format!("Bearer {key}");
        authenticate(
            &with_keys(self.keys()),
            &mut TokenCache::default(),
            Some(header.as_bytes()),
            Now {
                mono_ns: 0,
                unix_ms,
            },
        )
    }
}

#[test]
fn a_created_key_works_and_is_nowhere_else() {
    let bench = Bench::new();
    let Output { out, notes } = bench
        .run("create --tenant tenant-acme --name agent", NOW_MS)
        .unwrap();
    // Standard output is the key and nothing else.
    assert_eq!(out.lines().count(), 1);
    let key = out.trim_end();
    let identity_of = bench.login(key, NOW_MS).unwrap();
    assert_eq!(&*identity_of.identity().subject, "agent");
    assert!(
        notes.contains("tenant acme") && notes.contains("stoa:tools:execute"),
        "{notes}"
    );
    let secret = key.rsplit('_').next().unwrap();
    assert!(!notes.contains(secret));
    assert!(
        !std::fs::read_to_string(bench.path())
            .unwrap()
            .contains(secret)
    );
    let list = bench.run("list", NOW_MS).unwrap();
    assert!(!list.out.contains(secret) && list.out.contains("agent"));
    let hash = &keys_file::load(&bench.path()).unwrap().keys[0].hash.value;
    assert!(!list.out.contains(&hash[..16]));
}

#[test]
fn grants_are_what_was_asked_for() {
    let bench = Bench::new();
    let wide = "create --tenant acme --name wide --role viewer --role devops --scope stoa:audit \
                --expires 90d --rate 100000000/min --burst 1000000 --consumer app --consumer-rate 5/s \
                --may-name-consumer --tool-allow get --tool-allow acme:put --tool-refuse wipe";
    let wide = bench.key(wide, NOW_MS);
    let plain = bench.key("create --tenant acme --name plain", NOW_MS);
    let viewer = bench.key("create --tenant acme --name viewer --role viewer", NOW_MS);
    let principal = bench.login(&wide, NOW_MS).unwrap();
    let identity = principal.identity();
    assert_eq!(identity.roles, Roles::VIEWER.union(Roles::DEVOPS));
    assert!(
        identity
            .scopes
            .contains(Scopes::parse("stoa:audit").unwrap())
    );
    assert_eq!(
        identity.tier_bucket.rate(),
        Rate {
            requests_per_minute: 100_000_000,
            burst: 1_000_000
        }
    );
    assert_eq!(
        identity
            .consumer_bucket
            .as_ref()
            .unwrap()
            .rate()
            .requests_per_minute,
        300
    );
    assert_eq!(
        (&*identity.consumer, identity.may_name_consumer),
        ("app", true)
    );
    assert_eq!(identity.tools_allowed.as_ref().unwrap().len(), 2);
    let day_ms = 24 * HOUR_MS;
    assert!(bench.login(&wide, NOW_MS + 90 * day_ms - 1).is_ok());
    assert_eq!(
        bench.login(&wide, NOW_MS + 90 * day_ms).err(),
        Some(Refusal::CredentialsExpired)
    );
    let plain = bench.login(&plain, u64::MAX).unwrap();
    assert!(
        plain.identity().scopes.contains(Scopes::TOOLS_EXECUTE)
            && plain.identity().roles.is_empty()
    );
    assert!(plain.identity().tools_allowed.is_none());
    let viewer = bench.login(&viewer, NOW_MS).unwrap();
    assert!(!viewer.identity().scopes.contains(Scopes::TOOLS_EXECUTE));
    assert_eq!(
        viewer.identity().tier_bucket.rate(),
        Rate {
            requests_per_minute: 60,
            burst: 10
        }
    );
}

#[test]
fn wrong_words_are_refused_with_a_reason() {
    let bench = Bench::new();
    bench.key("create --tenant acme --name taken", NOW_MS);
    let before = std::fs::read(bench.path()).unwrap();
    for (line, expected) in [
        (
            "create --tenant acme --name taken",
            "has a key named taken already",
        ),
        (
            "create --tenant tenant-acme --name taken",
            "has a key named taken already",
        ),
        ("create --tenant acme --name a/b", "is no name"),
        ("create --tenant Acme --name one", "is no tenant"),
        ("create --tenant acme", "--name"),
        (
            "create --tenant acme --name one --role admin",
            "unknown role",
        ),
        (
            "create --tenant acme --name one --scope read",
            "unknown scope",
        ),
        (
            "create --tenant acme --name one --expires soon",
            "--expires",
        ),
        ("create --tenant acme --name one --rate fast", "100/min"),
        ("create --tenant acme --name one --burst 5", "--rate"),
        (
            "create --tenant acme --name one --rate 5/min --burst 0",
            "--burst",
        ),
        (
            "create --tenant acme --name one --tool-allow get_*",
            "patterns are not supported",
        ),
        ("rotate --name taken --overlap 59m", "1h to 168h"),
        ("rotate --name taken --overlap 169h", "1h to 168h"),
        ("rotate --name taken --overlap 604800001ms", "1h to 168h"),
        ("rotate --name nobody", "no such key"),
        ("rotate", "--name"),
        (
            "rotate --name taken --id AAAAAAAAAAAA",
            "cannot be used with",
        ),
        ("revoke --id AAAAAAAAAAAA", "no such key"),
        ("revoke --name taken --tenant globex", "no such key"),
        ("revoke", "--name"),
    ] {
        let refused = bench
            .run(line, NOW_MS)
            .err()
            .unwrap_or_else(|| panic!("{line} was accepted"));
        assert!(
            refused.contains(expected),
            "{line}: {refused} lacks {expected:?}"
        );
    }
    assert_eq!(std::fs::read(bench.path()).unwrap(), before);
}

#[test]
fn rotation_keeps_both_keys_for_the_overlap() {
    let bench = Bench::new();
    let old = bench.key(
        "create --tenant acme --name agent --role devops --expires 30d",
        NOW_MS,
    );
    let rotated = bench
        .run("rotate --name agent --overlap 2h", NOW_MS + HOUR_MS)
        .unwrap();
    let new = rotated.out.trim_end();
    assert!(
        rotated.notes.contains("2027-01-15T11:00:00Z"),
        "{}",
        rotated.notes
    );
    for (hour, old_works) in [(1, true), (2, true), (3, false)] {
        let at = NOW_MS + hour * HOUR_MS;
        assert_eq!(
            bench.login(&old, at).is_ok(),
            old_works,
            "old key at hour {hour}"
        );
        let principal = bench.login(new, at).unwrap();
        assert_eq!(principal.identity().roles, Roles::DEVOPS);
    }
    // The successor lives as long as the old one was made for, from its own start.
    let end_ms = NOW_MS + HOUR_MS + 30 * 24 * HOUR_MS;
    assert!(bench.login(new, end_ms - 1).is_ok() && bench.login(new, end_ms).is_err());
    // The old one cannot be rotated again; the new one can, and overlaps that ended are dropped.
    let old_id = &old[api_key::PREFIX.len()..][..api_key::ID_CHARS];
    let again = bench.run(&format!("rotate --id {old_id}"), NOW_MS + 2 * HOUR_MS);
    assert!(again.err().unwrap().contains("rotated out already"));
    let newest = bench.key("rotate --name agent", NOW_MS + 4 * HOUR_MS);
    let ids: Vec<String> = keys_file::load(&bench.path())
        .unwrap()
        .keys
        .into_iter()
        .map(|key| key.id.value)
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(!ids.iter().any(|id| id == old_id));
    assert!(
        bench.login(new, NOW_MS + 27 * HOUR_MS).is_ok(),
        "24 h is the overlap where none is given"
    );
    assert!(bench.login(new, NOW_MS + 28 * HOUR_MS).is_err());
    assert!(bench.login(&newest, NOW_MS + 28 * HOUR_MS).is_ok());
}

#[test]
fn an_overlap_does_not_outlive_the_key() {
    let bench = Bench::new();
    let old = bench.key("create --tenant acme --name agent --expires 1h", NOW_MS);
    let rotated = bench
        .run("rotate --name agent --overlap 24h --expires 10d", NOW_MS)
        .unwrap();
    assert!(
        rotated.notes.contains("2027-01-15T09:00:00Z"),
        "{}",
        rotated.notes
    );
    assert!(bench.login(&old, NOW_MS + HOUR_MS).is_err());
}

#[test]
fn revoked_keys_are_gone() {
    let bench = Bench::new();
    let acme = bench.key("create --tenant acme --name agent", NOW_MS);
    let globex = bench.key("create --tenant globex --name agent", NOW_MS);
    let ambiguous = bench.run("revoke --name agent", NOW_MS).err().unwrap();
    assert!(ambiguous.contains("--tenant"), "{ambiguous}");
    let successor = bench.key("rotate --name agent --tenant acme", NOW_MS);
    // By name: the key and what it is taking the place of.
    let revoked = bench
        .run("revoke --name agent --tenant tenant-acme", NOW_MS)
        .unwrap();
    assert!(revoked.out.is_empty() && revoked.notes.contains("Revoked"));
    for key in [&acme, &successor] {
        assert_eq!(
            bench.login(key, NOW_MS).err(),
            Some(Refusal::CredentialsInvalid)
        );
    }
    assert!(bench.login(&globex, NOW_MS).is_ok());
    // By id: that one alone.
    let successor = bench.key("rotate --name agent", NOW_MS);
    let id = &globex[api_key::PREFIX.len()..][..api_key::ID_CHARS];
    bench.run(&format!("revoke --id {id}"), NOW_MS).unwrap();
    assert!(bench.login(&globex, NOW_MS).is_err() && bench.login(&successor, NOW_MS).is_ok());
}

#[test]
fn the_list_shows_states() {
    let bench = Bench::new();
    bench.key("create --tenant globex --name z --role viewer", NOW_MS);
    bench.key("create --tenant acme --name b --expires 1h", NOW_MS);
    bench.key("create --tenant acme --name a --rate 7/min", NOW_MS);
    bench.key("rotate --name a --overlap 2h", NOW_MS);
    let states = |line: &str, now_ms| -> Vec<String> {
        let list = bench.run(line, now_ms).unwrap().out;
        list.lines()
            .skip(1)
            .map(|line| {
                line.split_whitespace()
                    .skip(1)
                    .take(5)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    };
    assert_eq!(
        states("list", NOW_MS),
        [
            "acme a overlap 2027-01-15T10:00:00Z 7/min:1",
            "acme a active - 7/min:1",
            "acme b expires 2027-01-15T09:00:00Z 30/min:5",
            "globex z active - 60/min:10",
        ]
    );
    assert_eq!(states("list --tenant tenant-globex", NOW_MS).len(), 1);
    assert_eq!(
        states("list --tenant acme", NOW_MS + 2 * HOUR_MS)
            .iter()
            .filter(|state| state.contains("expired"))
            .count(),
        2
    );
    let empty = Bench::new();
    assert!(
        empty.run("list", NOW_MS).is_err(),
        "a file that is not there is no empty list"
    );
}
