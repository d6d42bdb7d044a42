use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::limits;

/// What the spans say, as a value, read through every accessor.
fn value_of(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Array => {
            assert_eq!(node.elements().count(), node.count());
            Value::Array(node.elements().map(value_of).collect())
        }
        Kind::Boolean => Value::Bool(node.raw() == "true"),
        Kind::Null => Value::Null,
        Kind::Number => serde_json::from_str(node.raw()).unwrap(),
        Kind::Object => {
            assert_eq!(node.members().count(), node.count());
            let pairs = node.members().map(|(name, value)| {
                let name = name.string().unwrap().into_owned();
                assert_eq!(node.get(&name).unwrap().raw(), value.raw());
                (name, value_of(value))
            });
            Value::Object(pairs.collect())
        }
        Kind::String => Value::String(node.string().unwrap().into_owned()),
    }
}

#[test]
fn well_formed_texts_read_as_serde_json_reads_them() {
    let texts = [
        "{}",
        "[]",
        " [ ] ",
        "null",
        "\t{\"a\" : [ 1 , -2.5e+3 , true , false , null , \"\" ] , \"b\" : { \"c\" : { } } }\r\n",
        r#""\"\\\/\b\f\n\r\té😀""#,
        r#"{"a\"b":"x","\u0061":1}"#,
        "0",
        "-0",
        "1E5",
        "[[[[[]]]],{\"\":\"\"}]",
        "\"grüße 🦀 and a long plain string beyond eight bytes\"",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}",
    ];
    for text in texts {
        let document = Document::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!(
            value_of(document.root()),
            serde_json::from_str::<Value>(text).unwrap(),
            "{text}"
        );
        assert_eq!(document.root().raw(), text.trim_ascii());
    }
}

#[test]
fn malformed_texts_are_refused_at_their_byte() {
    let check = |text: &str, at: usize| {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        assert_eq!(
            Document::parse(text).map(|_| ()),
            Err(DocumentFault::Malformed(at)),
            "{text}"
        );
    };
    check("", 0);
    check("  ", 2);
    check("{", 1);
    check("[1", 2);
    check("[1,]", 3);
    check("[,1]", 1);
    check("{\"a\"}", 4);
    check("{\"a\":}", 5);
    check("{\"a\":1,}", 7);
    check("{a:1}", 1);
    check("{\"a\" 1}", 5);
    check("[1 2]", 3);
    check("[1}", 2);
    check("{\"a\":1]", 6);
    check("1 2", 2);
    check("01", 1);
    check("1.", 2);
    check(".5", 0);
    check("+1", 0);
    check("-", 1);
    check("1e", 2);
    check("1e+", 3);
    check("tru", 0);
    check("True", 0);
    check("nul", 0);
    check("NaN", 0);
    check("'a'", 0);
    check("\"a", 2);
    check("\"\\x\"", 1);
    check("\"\\u12g4\"", 1);
    check("\"\\u12", 1);
    check("\"line\nbreak\"", 5);
    check("\"nul\0\"", 4);
    check("\"0123456789\u{1f}\"", 11);
    check("[1]]", 3);
    check("// c\n1", 0);
    check("\u{feff}1", 0);
}

#[test]
fn numbers_keep_their_text() {
    for text in [
        "123456789012345678901234567890",
        "1.10",
        "-0.0",
        "1e400",
        "0.1000000000000000055511151231257827",
    ] {
        assert_eq!(Document::parse(text).unwrap().root().raw(), text);
    }
}

#[test]
fn names_may_not_repeat() {
    let check = |text: &str, name: &str| {
        assert_eq!(
            Document::parse(text).map(|_| ()),
            Err(DocumentFault::DuplicateName(name.into())),
            "{text}"
        );
    };
    check(r#"{"a":1,"a":2}"#, "a");
    check(r#"{"a":1,"b":2,"\u0061":3}"#, "a");
    check(r#"{"x":[{"":1,"":2}]}"#, "");
    let many: Vec<String> = (0..200)
        .map(|number| format!("\"n{number}\":{number}"))
        .collect();
    check(&format!("{{{},\"n7\":0}}", many.join(",")), "n7");
    check(&format!("{{{},\"\\u006e7\":0}}", many.join(",")), "n7");
    // The same name in another object is another member.
    assert!(Document::parse(r#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn lone_surrogates_are_refused() {
    for text in [
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#"{"\uD83D":1}"#,
        r#"["ok","\ud83dx"]"#,
    ] {
        assert_eq!(
            Document::parse(text).map(|_| ()),
            Err(DocumentFault::LoneSurrogate),
            "{text}"
        );
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(&nested(limits::JSON_DEPTH_MAX)).is_ok());
    assert_eq!(
        Document::parse(&nested(limits::JSON_DEPTH_MAX + 1)).map(|_| ()),
        Err(DocumentFault::TooDeep)
    );
    // Open brackets without an end do not recurse.
    assert_eq!(
        Document::parse(&"[".repeat(1_000_000)).map(|_| ()),
        Err(DocumentFault::TooDeep)
    );
}

#[test]
fn big_objects_are_looked_up_by_index() {
    for count in [INDEXED_MEMBERS_MIN - 1, INDEXED_MEMBERS_MIN, 1000] {
        let members: Vec<String> = (0..count)
            .rev()
            .map(|number| format!("\"k{number}\":{number}"))
            .collect();
        let object = format!("{{{}}}", members.join(","));
        // Two big ones inside a third, so that indexes are sorted by object and not by end.
        let text = format!(
            "{{\"one\":{object},\"two\":{object},{}}}",
            members.join(",")
        );
        let document = Document::parse(&text).unwrap();
        let root = document.root();
        for object in [root, root.get("one").unwrap(), root.get("two").unwrap()] {
            for number in [0, count / 2, count - 1] {
                assert_eq!(
                    object.get(&format!("k{number}")).unwrap().raw(),
                    number.to_string()
                );
            }
            assert!(object.get("k").is_none());
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_reads_as_it_was_written(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let document = Document::parse(&text).unwrap();
        prop_assert_eq!(value_of(document.root()), value);
    }

    #[test]
    fn any_text_is_judged_as_serde_json_judges_it(text in "[\\[\\]{}:,\"\\\\u0-9a-eE+. \n-]{0,24}") {
        let ours = Document::parse(&text);
        let theirs = serde_json::from_str::<Value>(&text);
        match (&ours, &theirs) {
            (Ok(document), Ok(value)) => prop_assert_eq!(&value_of(document.root()), value),
            // Ours alone refuses repeated names; theirs alone refuses numbers beyond f64.
            (Err(DocumentFault::DuplicateName(_)), Ok(_)) => {}
            (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{} {}", text, error),
            (Err(fault), Ok(_)) => prop_assert!(false, "{} {:?}", text, fault),
        }
    }
}
