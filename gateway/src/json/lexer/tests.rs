//! What is JSON and what is not: by table, by depth, and beside `serde_json`.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn check(text: &str, expected: Option<&str>) {
    assert_eq!(Raw::parse(text).ok().map(Raw::get), expected, "{text}");
}

#[test]
fn sound_values() {
    for text in [
        "{}",
        "[]",
        r#"{"a":{"b":[1,-2.5e+3,{}]},"c":null}"#,
        r#"[ [ ] , { } , "x" , true , false ]"#,
        "0",
        "-0.10E-7",
        r#""\u00e9\ud83d\ude00\n""#,
        // Half a pair is well-formed text; who decodes it is told.
        r#""\ud83d""#,
    ] {
        check(text, Some(text));
        check(&format!(" \t\r\n{text} \t\r\n"), Some(text));
    }
}

#[test]
fn broken_values() {
    for text in [
        "",
        " ",
        "{} {}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{a:1}"#,
        r#"{"a":1]"#,
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "tru",
        "nulll",
        r#""open"#,
        r#""\x""#,
        r#""\u12g4""#,
        "\"\n\"",
        "\u{feff}1",
    ] {
        check(text, None);
    }
}

#[test]
fn depth_is_bounded_at_every_way_in() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let sound = nested(JSON_DEPTH_MAX);
    check(&sound, Some(&sound));
    assert_eq!(
        Raw::parse(&nested(JSON_DEPTH_MAX + 1)),
        Err(Fault::TooDeep),
        "one past the bound"
    );
    // What is read member by member counts too.
    let read = |levels: usize| {
        let text = format!(r#"{{"a":{}}}"#, nested(levels));
        let mut lexer = Lexer::new(&text);
        lexer.open_object()?;
        lexer.next_name(&mut true)?;
        lexer.value().map(|value| value.get().len())
    };
    assert!(read(JSON_DEPTH_MAX - 1).is_ok());
    assert_eq!(read(JSON_DEPTH_MAX), Err(Fault::TooDeep));
    let mut lexer = Lexer::new("[");
    lexer.depth = JSON_DEPTH_MAX;
    assert_eq!(lexer.open_array(), Err(Fault::TooDeep));
}

#[test]
fn members_and_elements_one_by_one() {
    let mut lexer = Lexer::new(r#" { "a" : [ 1 , "x" ] , "\u0062" : {} } "#);
    let (mut first, mut first_element) = (true, true);
    lexer.open_object().unwrap();
    assert_eq!(lexer.next_name(&mut first).unwrap().unwrap().raw, r#""a""#);
    lexer.open_array().unwrap();
    assert!(lexer.next_element(&mut first_element).unwrap());
    assert_eq!(lexer.value().unwrap().get(), "1");
    assert!(lexer.next_element(&mut first_element).unwrap());
    assert_eq!(lexer.value().unwrap().get(), r#""x""#);
    assert!(!lexer.next_element(&mut first_element).unwrap());
    let name = lexer.next_name(&mut first).unwrap().unwrap();
    assert_eq!(name.decode().unwrap(), "b");
    assert_eq!(lexer.value().unwrap().get(), "{}");
    assert_eq!(lexer.next_name(&mut first).unwrap(), None);
    assert_eq!(lexer.end(), Ok(()));
}

#[test]
fn broken_members() {
    for text in [
        r#"{"a":1 "b":2}"#,
        r#"{"a":1,}"#,
        "{,}",
        "{1:2}",
        r#"{"a":1"#,
    ] {
        let mut lexer = Lexer::new(text);
        let mut first = true;
        lexer.open_object().unwrap();
        let read = loop {
            match lexer.next_name(&mut first) {
                Ok(Some(_)) => lexer.value().unwrap(),
                other => break other,
            };
        };
        assert!(matches!(read, Err(Fault::Malformed(_))), "{text}");
    }
}

#[test]
fn half_a_surrogate_pair_has_no_value() {
    for (text, expected) in [
        (r#""a""#, Some("a")),
        (r#""\ud83d\ude00""#, Some("\u{1f600}")),
        (r#""\ud83d""#, None),
        (r#""\ude00\ud83d""#, None),
    ] {
        let string = Lexer::new(text).string().unwrap();
        assert_eq!(string.decode().as_deref(), expected, "{text}");
        assert_eq!(string.surrogates, text.contains("\\u"), "{text}");
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

proptest! {
    #[test]
    fn what_serde_json_takes_is_taken_and_nothing_else(
        text in r#"([\[\]{},:"\\ \n0-9.eE+\-ntfau]|true|null|"[a-z\\u"]{0,3}"|\\ud8|\{"a":|\[1,){0,24}"#
    ) {
        prop_assert_eq!(Raw::parse(&text).is_ok(), is_json(&text), "{}", text);
    }

    #[test]
    fn sound_values_are_taken_whole(value in arbitrary_json(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        prop_assert_eq!(Raw::parse(&text).unwrap().get(), &text);
        // Cut anywhere, nothing but a number is still a value.
        for cut in (0..text.len()).filter(|&cut| text.is_char_boundary(cut)) {
            prop_assert_eq!(Raw::parse(&text[..cut]).is_ok(), is_json(&text[..cut]));
        }
    }
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
