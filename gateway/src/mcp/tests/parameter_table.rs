//! `Mcp-Param-*`: values, encodings and presence (SEP-2243).

use super::*;

/// The case, the headers beside the standard ones, the arguments, the code.
type Call<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, i64);

#[test]
fn mirrored_parameters() {
    let gateway = Gateway::new();
    #[rustfmt::skip] // one line a row
    let table: &[Call<'_>] = &[
        ("none given", &[], "{}", 0),
        ("null is not mirrored", &[], r#"{"region":null}"#, 0),
        ("text", &[("Mcp-Param-Region", "us-west1")], r#"{"region":"us-west1"}"#, 0),
        ("name in any case", &[("mcp-param-REGION", "us-west1")], r#"{"region":"us-west1"}"#, 0),
        ("white space is trimmed", &[("Mcp-Param-Region", " us-west1\t")], r#"{"region":"us-west1"}"#, 0),
        ("encoded", &[("Mcp-Param-Region", "=?base64?SGVsbG8sIOS4lueVjA==?=")], r#"{"region":"Hello, 世界"}"#, 0),
        ("escaped in the body", &[("Mcp-Param-Region", "A\"")], r#"{"r\u0065gion":"\u0041\""}"#, 0),
        ("literal without prefix", &[("Mcp-Param-Region", "SGVsbG8=")], r#"{"region":"SGVsbG8="}"#, 0),
        ("literal without suffix", &[("Mcp-Param-Region", "=?base64?SGVsbG8=")], r#"{"region":"=?base64?SGVsbG8="}"#, 0),
        ("empty text", &[("Mcp-Param-Region", "")], r#"{"region":""}"#, 0),
        ("not declared by the tool", &[("Mcp-Param-Other", "x")], "{}", 0),
        ("integer", &[("Mcp-Param-Page-Size", "42")], r#"{"page":{"size":42}}"#, 0),
        ("integer written otherwise", &[("Mcp-Param-Page-Size", "42.0")], r#"{"page":{"size":42}}"#, 0),
        ("integer written otherwise in the body", &[("Mcp-Param-Page-Size", "42")], r#"{"page":{"size":42.0}}"#, 0),
        ("negative integer", &[("Mcp-Param-Page-Size", "-7")], r#"{"page":{"size":-7}}"#, 0),
        ("largest integer", &[("Mcp-Param-Page-Size", "9007199254740991")], r#"{"page":{"size":9007199254740991}}"#, 0),
        ("boolean", &[("Mcp-Param-Dry", "false")], r#"{"dry":false}"#, 0),
        ("three at once", &[("Mcp-Param-Dry", "true"), ("Mcp-Param-Region", "eu"), ("Mcp-Param-Page-Size", "1")], r#"{"dry":true,"region":"eu","page":{"size":1}}"#, 0),
        ("object where a value belongs", &[], r#"{"region":{"a":1},"page":[1]}"#, 0),
        ("missing", &[], r#"{"region":"us-west1"}"#, -32020),
        ("missing below", &[("Mcp-Param-Region", "eu")], r#"{"region":"eu","page":{"size":1}}"#, -32020),
        ("different", &[("Mcp-Param-Region", "us-west2")], r#"{"region":"us-west1"}"#, -32020),
        ("different in case", &[("Mcp-Param-Region", "US-WEST1")], r#"{"region":"us-west1"}"#, -32020),
        ("value in the header only", &[("Mcp-Param-Region", "eu")], "{}", -32020),
        ("value for null", &[("Mcp-Param-Region", "null")], r#"{"region":null}"#, -32020),
        ("value for an object", &[("Mcp-Param-Region", "x")], r#"{"region":{}}"#, -32020),
        ("twice", &[("Mcp-Param-Region", "eu"), ("mcp-param-region", "eu")], r#"{"region":"eu"}"#, -32020),
        ("bad padding", &[("Mcp-Param-Region", "=?base64?SGVsbG8?=")], r#"{"region":"Hello"}"#, -32020),
        ("bad alphabet", &[("Mcp-Param-Region", "=?base64?SGVs!!!bG8=?=")], r#"{"region":"Hello"}"#, -32020),
        ("raw text beyond ASCII", &[("Mcp-Param-Region", "Zürich")], r#"{"region":"Zürich"}"#, -32020),
        ("argument twice", &[("Mcp-Param-Region", "eu")], r#"{"region":"eu","region":"us"}"#, -32020),
        ("parent twice", &[("Mcp-Param-Page-Size", "1")], r#"{"page":{"size":1},"page":{"size":1}}"#, -32020),
        ("another integer", &[("Mcp-Param-Page-Size", "43")], r#"{"page":{"size":42}}"#, -32020),
        ("neighbours beyond exact doubles", &[("Mcp-Param-Page-Size", "9007199254740993")], r#"{"page":{"size":9007199254740992}}"#, -32020),
        ("no number", &[("Mcp-Param-Page-Size", "NaN")], r#"{"page":{"size":42}}"#, -32020),
        ("hexadecimal", &[("Mcp-Param-Page-Size", "0x2a")], r#"{"page":{"size":42}}"#, -32020),
        ("text is not compared as a number", &[("Mcp-Param-Region", "42.0")], r#"{"region":"42"}"#, -32020),
        ("boolean in another case", &[("Mcp-Param-Dry", "True")], r#"{"dry":true}"#, -32020),
    ];
    for (case, parameters, arguments, code) in table {
        let headers = [&[VERSION, CALL, ECHO], *parameters].concat();
        let answer = gateway.post(&headers, &call(arguments));
        let status = if *code == 0 { 200 } else { 400 };
        assert_eq!(
            (answer.0, answer.1),
            (status, *code),
            "{case}: {}",
            answer.2
        );
        if *code != 0 {
            let header = answer.2["error"]["data"]["header"].as_str().unwrap();
            assert!(header.starts_with("Mcp-Param-"), "{case}: {}", answer.2);
        }
    }
    // No arguments at all, with and without a header that claims one.
    let bare = request("7", "tools/call", &format!(r#""name":"echo",{META}"#));
    assert_eq!(gateway.post(&[VERSION, CALL, ECHO], &bare).0, 200);
    assert_eq!(
        gateway
            .post(&[VERSION, CALL, ECHO, ("Mcp-Param-Dry", "true")], &bare)
            .1,
        -32020
    );
}
