//! Sessions: whose, until when, and ended.

use super::*;
use crate::mcp::seal::TOKEN_CHARS_MAX;

const NOW_MS: u64 = 1_795_000_000_000;
const AGE_MS: u64 = SESSION_AGE_S_MAX * 1_000;

fn ada() -> Binding {
    Binding::from([1; Binding::BYTES])
}

#[test]
fn a_session_opens_for_its_principal_until_it_expires() {
    let (sealer, sessions) = (Sealer::with_random_key().unwrap(), Sessions::default());
    let declared = Declared {
        roots: true,
        sampling: false,
        elicitation: true,
    };
    let token = sessions
        .begin(&sealer, Revision::V20250618, declared, &ada(), NOW_MS)
        .unwrap();
    assert!(token.len() <= TOKEN_CHARS_MAX);
    let open = |binding, now_ms| sessions.open(&sealer, token.as_bytes(), &binding, now_ms);

    let session = open(ada(), NOW_MS).unwrap();
    assert_eq!(session.revision, Revision::V20250618);
    assert_eq!(session.declared, declared);
    assert_eq!(session.issued_at_ms, NOW_MS);
    // A gateway whose clock is behind ours made it in our future.
    assert_eq!(open(ada(), NOW_MS - 5_000), Ok(session));
    assert_eq!(open(ada(), NOW_MS + AGE_MS - 1), Ok(session));
    assert_eq!(open(ada(), NOW_MS + AGE_MS), Err(Refusal::SessionUnknown));
    for at in 0..Binding::BYTES {
        let mut stranger = [1; Binding::BYTES];
        stranger[at] ^= 0x80;
        let stranger = Binding::from(stranger);
        assert_eq!(open(stranger, NOW_MS), Err(Refusal::SessionUnknown));
    }
    let elsewhere = Sealer::with_random_key().unwrap();
    let opened = sessions.open(&elsewhere, token.as_bytes(), &ada(), NOW_MS);
    assert_eq!(opened, Err(Refusal::SessionUnknown));
}

#[test]
fn every_revision_and_declaration_survives_the_token() {
    let (sealer, sessions) = (Sealer::with_random_key().unwrap(), Sessions::default());
    for revision in Revision::ALL {
        for bits in 0..8 {
            let declared = Declared::from_bits(bits);
            let token = sessions
                .begin(&sealer, revision, declared, &ada(), NOW_MS)
                .unwrap();
            let session = sessions
                .open(&sealer, token.as_bytes(), &ada(), NOW_MS)
                .unwrap();
            assert_eq!(
                (session.revision, session.declared.to_bits()),
                (revision, bits)
            );
        }
    }
}

#[test]
fn an_ended_session_is_unknown_and_its_siblings_go_on() {
    let (sealer, sessions) = (Sealer::with_random_key().unwrap(), Sessions::default());
    let begin = || {
        sessions
            .begin(
                &sealer,
                Revision::V20251125,
                Declared::default(),
                &ada(),
                NOW_MS,
            )
            .unwrap()
    };
    let (first, second) = (begin(), begin());
    let open = |token: &str| sessions.open(&sealer, token.as_bytes(), &ada(), NOW_MS + 1);
    let session = open(&first).unwrap();
    assert_ne!(session.id, open(&second).unwrap().id);
    sessions.end(&session, NOW_MS + 1);
    assert_eq!(open(&first), Err(Refusal::SessionUnknown));
    assert!(open(&second).is_ok());
}

#[test]
fn sealed_text_that_is_no_session_is_unknown() {
    let (sealer, sessions) = (Sealer::with_random_key().unwrap(), Sessions::default());
    let mut content = [0; CONTENT_BYTES];
    content[10..26].copy_from_slice(ada().as_bytes());
    content[2..10].copy_from_slice(&NOW_MS.to_le_bytes());
    let mut unknown_revision = content;
    unknown_revision[0] = 200;
    for (content, sound) in [
        (&content[..], true),
        (&unknown_revision, false),
        (&content[..CONTENT_BYTES - 1], false),
        (&[], false),
    ] {
        let token = sealer.seal(Purpose::Session, content).unwrap();
        let opened = sessions.open(&sealer, token.as_bytes(), &ada(), NOW_MS);
        assert_eq!(opened.is_ok(), sound, "{content:?}");
    }
    let cursor = sealer.seal(Purpose::Cursor, &content).unwrap();
    for token in [&*cursor, "", "0", "e864bab3-9c05-4e22-8d4e-bab39c054e22"] {
        let opened = sessions.open(&sealer, token.as_bytes(), &ada(), NOW_MS);
        assert_eq!(opened, Err(Refusal::SessionUnknown), "{token}");
    }
}

#[test]
fn declared_capabilities() {
    for (text, expected) in [
        ("{}", [false, false, false]),
        (
            r#"{"roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{}}}"#,
            [true; 3],
        ),
        (
            r#"{"sampling":null,"elicitation":{},"extensions":{"tasks":{}}}"#,
            [false, false, true],
        ),
        (r#""none""#, [false, false, false]),
    ] {
        let raw = Raw::parse(text).unwrap();
        let declared = Declared::read(Some(raw));
        assert_eq!(
            [declared.roots, declared.sampling, declared.elicitation],
            expected,
            "{text}"
        );
    }
    assert_eq!(Declared::read(None), Declared::default());
}
