//! Pages and their cursors.

use crate::json::raw::Raw;
use serde_json::{Value, json};

use super::*;
use crate::mcp::envelope::{Envelope, read};
use crate::mcp::session::Binding;

const CATALOG: u64 = 41;
const ADA: u8 = 1;

fn scope(caller: u8) -> Scope {
    Scope {
        catalog_version: CATALOG,
        binding: Binding::from([caller; 16]),
    }
}

/// Tools at positions 0, 10, 20, ...: what lies between is hidden from this caller.
fn definitions(count: u32) -> Vec<(u32, String, Definition)> {
    (0..count)
        .map(|number| {
            let legacy = (number % 2 == 1).then(|| r#""inputSchema":{},"old":true"#.into());
            let definition = Definition {
                modern: r#""inputSchema":{"type":"object"}"#.into(),
                legacy,
            };
            (number * 10, format!("tool_{number}"), definition)
        })
        .collect()
}

/// The page that begins at a position, as an exchange would write it.
fn page(
    tools: &[(u32, String, Definition)],
    era: Era,
    size: usize,
    from: u32,
    sealer: &Sealer,
) -> Value {
    let raw = Raw::parse("1").unwrap();
    let listed = tools
        .iter()
        .filter(|tool| tool.0 >= from)
        .map(|(position, name, definition)| Listed {
            position: *position,
            tenant: None,
            name,
            definition,
        });
    let mut out = b"kept".to_vec();
    let page = Page {
        era,
        size,
        scope: scope(ADA),
        sealer,
    };
    write(&mut out, Id::read(raw).unwrap(), &page, listed).unwrap();
    let answer: Value = serde_json::from_slice(out.strip_prefix(b"kept").unwrap()).unwrap();
    answer["result"].clone()
}

fn position(params: &str, sealer: &Sealer) -> Result<u32, Refusal> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
    match read(body.as_bytes()) {
        Ok(Envelope::One(message)) => read_position(&message.params, &scope(ADA), sealer),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pages_follow_each_other_until_the_end() {
    let sealer = Sealer::with_random_key().unwrap();
    for (count, size, pages) in [
        (0, 5, 1),
        (1, 1, 1),
        (4, 5, 1),
        (5, 5, 1),
        (6, 5, 2),
        (10, 5, 2),
        (11, 5, 3),
        (3, 1, 3),
        (2, 0, 2),
    ] {
        let tools = definitions(count);
        let (mut names, mut from, mut seen) = (Vec::new(), 0, 0);
        loop {
            let result = page(&tools, Era::Modern, size, from, &sealer);
            let written = result["tools"].as_array().unwrap().clone();
            assert!(written.len() <= size.max(1));
            names.extend(
                written
                    .iter()
                    .map(|tool| tool["name"].as_str().unwrap().to_owned()),
            );
            seen += 1;
            // Each page can be kept for as long, and by as few, as the others.
            assert_eq!(
                (&result["ttlMs"], &result["cacheScope"]),
                (&json!(LIST_TTL_MS), &json!("private"))
            );
            let Some(cursor) = result.get("nextCursor") else {
                break;
            };
            from = position(&json!({"cursor": cursor}).to_string(), &sealer).unwrap();
        }
        let expected: Vec<_> = tools.iter().map(|tool| tool.1.clone()).collect();
        assert_eq!((names, seen), (expected, pages), "{count} {size}");
    }
}

#[test]
fn eras_differ_in_definitions_and_in_what_surrounds_them() {
    let sealer = Sealer::with_random_key().unwrap();
    let tools = definitions(2);
    let legacy = page(&tools, Era::Legacy, 5, 0, &sealer);
    assert_eq!(
        legacy,
        json!({"tools": [
            {"name": "tool_0", "inputSchema": {"type": "object"}},
            {"name": "tool_1", "inputSchema": {}, "old": true},
        ]}),
    );
    let modern = page(&tools, Era::Modern, 5, 0, &sealer);
    assert_eq!(modern["resultType"], "complete");
    assert_eq!(
        modern["tools"][1],
        json!({"name": "tool_1", "inputSchema": {"type": "object"}})
    );
    // The same call gives the same bytes but for the sealed cursor.
    assert_eq!(modern, page(&tools, Era::Modern, 5, 0, &sealer));
}

#[test]
fn a_caller_of_several_tenants_sees_whose_tool_it_is() {
    let sealer = Sealer::with_random_key().unwrap();
    let definition = Definition {
        modern: r#""inputSchema":{}"#.into(),
        legacy: None,
    };
    let raw = Raw::parse("1").unwrap();
    let mut out = Vec::new();
    let page = Page {
        era: Era::Legacy,
        size: 5,
        scope: scope(ADA),
        sealer: &sealer,
    };
    let tool = Listed {
        position: 0,
        tenant: Some("acme"),
        name: "get_order",
        definition: &definition,
    };
    write(&mut out, Id::read(raw).unwrap(), &page, [tool]).unwrap();
    let answer: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(answer["result"]["tools"][0]["name"], "acme__get_order");
}

#[test]
fn cursors_in_requests() {
    let sealer = Sealer::with_random_key().unwrap();
    let mine = scope(ADA).seal(&sealer, 30).unwrap();
    let foreign = scope(ADA + 1).seal(&sealer, 30).unwrap();
    let stale = Scope {
        catalog_version: CATALOG - 1,
        ..scope(ADA)
    }
    .seal(&sealer, 30)
    .unwrap();
    for (params, expected) in [
        ("{}".to_owned(), Ok(0)),
        (r#"{"cursor":null}"#.to_owned(), Ok(0)),
        (format!(r#"{{"cursor":"{mine}"}}"#), Ok(30)),
        (
            format!(r#"{{"cursor":"{foreign}"}}"#),
            Err(Refusal::CursorInvalid),
        ),
        (
            format!(r#"{{"cursor":"{stale}"}}"#),
            Err(Refusal::CursorInvalid),
        ),
        (r#"{"cursor":""}"#.to_owned(), Err(Refusal::CursorInvalid)),
        (r#"{"cursor":"30"}"#.to_owned(), Err(Refusal::CursorInvalid)),
        (r#"{"cursor":30}"#.to_owned(), Err(Refusal::CursorInvalid)),
    ] {
        assert_eq!(position(&params, &sealer), expected, "{params}");
    }
}
