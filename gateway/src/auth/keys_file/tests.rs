use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::auth::api_key;
use crate::auth::compile::check;
use crate::limits::KEYS_FILE_BYTES_MAX;

fn entry(name: &str) -> KeyEntry {
    KeyEntry {
        id: text(api_key::generate().unwrap().id),
        name: text(name),
        tenant: text("acme"),
        roles: vec![text("viewer")],
        scopes: Vec::new(),
        hash: text("ab".repeat(32)),
        created_at: text("2027-01-01T00:00:00Z"),
        expires_at: Some(text("2028-01-01T00:00:00Z")),
        rotated_from: None,
        valid_until: None,
        rate: Some("100/min".parse().unwrap()),
        consumer: None,
        consumer_rate: None,
        may_name_consumer: true,
        tools_allowed: Some(Vec::new()),
        tools_refused: vec![text("wipe")],
    }
}

fn add(path: &Path, secret: Option<&HashSecret>, name: &str) -> Result<(), EditError<String>> {
    edit(path, secret, true, |file, _| {
        file.keys.push(entry(name));
        Ok(())
    })
}

#[test]
fn what_is_written_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    add(&path, None, "one").unwrap();
    // YAML traps: texts that look like something else.
    for name in [
        "123456789012",
        "true",
        "null",
        "1e9",
        "0x10",
        "-",
        "@home",
        "2027-01-01",
    ] {
        add(&path, None, name).unwrap();
    }
    let file = load(&path).unwrap();
    assert_eq!(check(&file), []);
    assert_eq!(file.keys[1].name.value, "123456789012");
    assert_eq!(
        file.keys[0].tools_allowed.as_deref(),
        Some(&[][..]),
        "empty stays empty, not absent"
    );
    assert_eq!(
        file.keys[0].rate,
        Some(Rate {
            requests_per_minute: 100,
            burst: 10
        })
    );
    assert!(file.keys[0].may_name_consumer);
    assert!(file.hasher(None).is_ok());
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[test]
fn every_error_has_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let head = "version: 1\nhash_key: aa\nhash_check: bb\nkeys:\n";
    let key = "- id: AAAAAAAAAAAA\n  name: one\n  tenant: acme\n  hash: aa\n  created_at: 2027-01-01T00:00:00Z\n";
    for (source, line, expected) in [
        (format!("{head}{key}  scope: [x]\n"), 10, "scope"),
        (format!("{head}- id: AAAAAAAAAAAA\n"), 5, "name"),
        (
            format!("{head}{key}  rate: {{requests_per_minute: x, burst: 1}}\n"),
            10,
            "",
        ),
        (
            format!("{head}{key}  rate: {{requests_per_minute: 1}}\n"),
            10,
            "burst",
        ),
        (format!("{head}{key}  id: BBBBBBBBBBBB\n"), 10, "id"),
        (format!("{head}{key}  roles: viewer\n"), 10, ""),
        (
            format!("{head}{key}  rate: {{requests_per_minute: 4294967296, burst: 1}}\n"),
            10,
            "",
        ),
        (
            "version: 1\nhash_check: b\nextra: 1\n".to_owned(),
            3,
            "extra",
        ),
        ("version: 1\n".to_owned(), 1, "hash_check"),
        ("version: [1]\n".to_owned(), 1, ""),
        ("version: 1\nhash_check: \"b\n".to_owned(), 3, ""),
        ("version: &v 1\nhash_check: *v\n".to_owned(), 1, ""),
        ("just a text\n".to_owned(), 1, ""),
    ] {
        fs::write(&path, &source).unwrap();
        let problem = load(&path).unwrap_err();
        assert!(
            problem.message.contains(expected),
            "{problem} lacks {expected:?}\n{source}"
        );
        assert_eq!(problem.line, line, "{problem}\n{source}");
        assert!(
            problem
                .to_string()
                .starts_with(&format!("{}:{line}:", path.display())),
            "{problem}"
        );
        assert!(
            !problem.message.contains(" at line "),
            "the place is said once: {problem}"
        );
    }
}

#[test]
fn all_errors_of_a_readable_file_are_told_with_their_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let source = "version: 2\nhash_check: bb\nkeys:\n- id: AAAAAAAAAAAA\n  name: one two\n  tenant: acme\n  \
                  roles:\n  - viewer\n  - owner\n  hash: aa\n  created_at: now\n";
    fs::write(&path, source).unwrap();
    let file = load(&path).unwrap();
    let found: Vec<(u64, u64)> = check(&file)
        .iter()
        .map(|problem| (problem.line, problem.column))
        .collect();
    assert_eq!(found, [(1, 10), (5, 9), (10, 9), (9, 5), (11, 15)]);
}

#[test]
fn a_missing_or_oversized_file_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    assert!(load(&path).unwrap_err().to_string().contains("keys.yaml: "));
    let refused = edit(&path, None, false, |_, _| Ok::<_, String>(()));
    assert!(matches!(refused, Err(EditError::Problems(_))));
    assert!(!path.exists());
    let vast = fs::File::create(&path).unwrap();
    for (past, expected) in [(0, false), (1, true)] {
        vast.set_len(KEYS_FILE_BYTES_MAX as u64 + past).unwrap();
        let message = load(&path).unwrap_err().message;
        assert_eq!(message.contains("more than"), expected, "{message}");
    }
}

#[test]
fn a_change_that_fails_leaves_the_file_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    add(&path, None, "one").unwrap();
    let before = fs::read(&path).unwrap();
    let refused = edit(&path, None, true, |file, _| {
        file.keys.clear();
        Err::<(), _>("no".to_owned())
    });
    assert!(matches!(refused, Err(EditError::Change(_))));
    // A change that makes the file bad: the same name twice.
    assert!(matches!(
        add(&path, None, "one"),
        Err(EditError::Problems(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    // A file that is bad already is not rewritten: a person's typing error must not cost keys.
    let broken = [before.as_slice(), b"nonsense: 1\n"].concat();
    fs::write(&path, &broken).unwrap();
    assert!(matches!(
        add(&path, None, "two"),
        Err(EditError::Problems(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), broken);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let path = path.clone();
            std::thread::spawn(move || {
                for number in 0..10 {
                    add(&path, None, &format!("key-{writer}-{number}")).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(load(&path).unwrap().keys.len(), 40);
}

#[test]
fn a_link_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("keys-7.yaml");
    let link = directory.path().join("keys.yaml");
    add(&target, None, "one").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    add(&link, None, "two").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(load(&target).unwrap().keys.len(), 2);
}

#[test]
fn the_hash_key_must_be_the_one() {
    let directory = tempfile::tempdir().unwrap();
    let secret = HashSecret::new(&[b'x'; 32]).unwrap();
    let other = HashSecret::new(&[b'y'; 32]).unwrap();
    let own = directory.path().join("own.yaml");
    let shared = directory.path().join("shared.yaml");
    add(&own, None, "one").unwrap();
    add(&shared, Some(&secret), "one").unwrap();
    assert!(!fs::read_to_string(&shared).unwrap().contains("hash_key"));
    for (path, secret, expected) in [
        (&own, None, None),
        (&own, Some(&secret), Some("is set, too")),
        (&shared, Some(&secret), None),
        (&shared, Some(&other), Some("not the one")),
        (&shared, None, Some("is not set")),
    ] {
        let outcome = load(path).unwrap().hasher(secret);
        match expected {
            None => assert!(outcome.is_ok()),
            Some(expected) => assert!(outcome.unwrap_err().message.contains(expected)),
        }
        assert_eq!(add(path, secret, "two").is_err(), expected.is_some());
    }
}

#[test]
fn secrets_are_taken_and_never_shown() {
    let secret = "0123456789abcdef0123456789abcdef";
    let from_file = HashSecret::new(format!("{secret}\n").as_bytes()).unwrap();
    let inline = HashSecret::new(secret.as_bytes()).unwrap();
    assert_eq!(
        from_file.hasher().hash(b"x"),
        inline.hasher().hash(b"x"),
        "the last newline does not count"
    );
    let short = HashSecret::new(b"short").unwrap_err();
    assert!(short.to_string().contains("has 5 bytes"), "{short}");
    let file = KeysFile::new("keys.yaml".as_ref(), None).unwrap();
    let key = file.hash_key.clone().unwrap().0;
    let shown = format!("{inline:?} {file:?}");
    assert!(!shown.contains(secret) && !shown.contains(&key), "{shown}");
}

#[test]
fn times_are_exact() {
    for (time, expected) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2027-01-15T08:00:00Z", Some(1_800_000_000_000)),
        ("2027-01-15T08:00:00.250Z", Some(1_800_000_000_250)),
        ("2027-01-15", None),
        ("", None),
    ] {
        assert_eq!(unix_ms(time).ok(), expected, "{time}");
    }
    assert_eq!(rfc3339(1_800_000_000_999), "2027-01-15T08:00:00Z");
    assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
}
