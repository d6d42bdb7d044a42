//! Tokens: round trips, tampering, replaced keys.

use super::*;

#[test]
fn what_was_sealed_opens_for_its_purpose() {
    let sealer = Sealer::new(&[7; KEY_BYTES], &[]).unwrap();
    for len in [0, 1, 28, 34, CONTENT_BYTES_MAX] {
        let content: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
        let token = sealer.seal(Purpose::Session, &content).unwrap();
        assert!(token.len() <= TOKEN_CHARS_MAX);
        // What a session id may be made of, and what a header carries as it is.
        assert!(
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        let opened = sealer.open(Purpose::Session, token.as_bytes()).unwrap();
        assert_eq!(opened.as_slice(), content);
        assert!(sealer.open(Purpose::Cursor, token.as_bytes()).is_none());
    }
    assert!(
        sealer
            .seal(Purpose::Session, &[0; CONTENT_BYTES_MAX + 1])
            .is_err()
    );
    assert!(sealer.seal(Purpose::Session, &[0; 4_000]).is_err());
}

#[test]
fn a_token_is_never_the_same_twice_and_shows_nothing_of_its_content() {
    let sealer = Sealer::with_random_key().unwrap();
    let mut tokens: Vec<_> = (0..100)
        .map(|_| sealer.seal(Purpose::Session, &[0; 34]).unwrap())
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 100);
    assert_eq!(format!("{sealer:?}"), "Sealer(1 keys)");
}

#[test]
fn tampered_tokens_do_not_open() {
    let sealer = Sealer::with_random_key().unwrap();
    let token = sealer
        .seal(Purpose::Session, b"content of a session")
        .unwrap();
    let opens = |token: &str| sealer.open(Purpose::Session, token.as_bytes()).is_some();
    assert!(opens(&token));
    // Every character changed, in each of its bits that base64 has.
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for at in 0..token.len() {
        for other in ALPHABET
            .chars()
            .filter(|other| !token[at..].starts_with(*other))
        {
            let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
            assert!(!opens(&changed), "{changed}");
        }
    }
    // Every other length.
    for end in 0..token.len() {
        assert!(!opens(&token[..end]), "{end}");
    }
    for changed in [
        format!("{token}A"),
        format!("{token}="),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}{token}"),
        token.replace(['-', '_'], "+"),
        "A".repeat(TOKEN_CHARS_MAX),
        "A".repeat(TOKEN_CHARS_MAX + 1),
        "A".repeat(1 << 20),
        "\u{e9}".repeat(20),
    ] {
        assert!(changed == token || !opens(&changed), "{changed:.200}");
    }
    assert!(!opens(""));
}

#[test]
fn a_replaced_key_still_opens_and_no_longer_seals() {
    let (old, new) = ([1; KEY_BYTES], [2; KEY_BYTES]);
    let before = Sealer::new(&old, &[]).unwrap();
    let during = Sealer::new(&new, &[old]).unwrap();
    let after = Sealer::new(&new, &[]).unwrap();
    let opens = |sealer: &Sealer, token: &str| {
        sealer
            .open(Purpose::Cursor, token.as_bytes())
            .is_some_and(|content| content.as_slice() == b"x")
    };
    let from_before = before.seal(Purpose::Cursor, b"x").unwrap();
    let from_during = during.seal(Purpose::Cursor, b"x").unwrap();
    assert!(opens(&during, &from_before) && opens(&during, &from_during));
    assert!(opens(&after, &from_during) && !opens(&after, &from_before));
    assert!(!opens(&before, &from_during));
}
