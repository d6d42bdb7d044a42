//! Body kinds, each read back by something that did not write it.

use super::*;

fn json_plan(source: BodySource) -> RequestPlan {
    let mut plan = plan("POST", "/x");
    plan.body = BodyPlan::Json(JsonBody {
        source,
        content_type: "application/json".to_owned(),
    });
    plan
}

fn encoding(property: &str) -> PropertyEncoding {
    PropertyEncoding {
        property: property.to_owned(),
        style: Style::Form,
        explode: true,
        allow_reserved: false,
        content_type: None,
        file: false,
    }
}

#[test]
fn whole_arguments_travel_byte_for_byte() {
    // Whitespace, escapes, repeated names, numbers of any size: not one byte is touched.
    let arguments = "{ \"a\" : 1.10,\n \"b\":\"\\u0041\", \"a\":12345678901234567890123 }";
    let sent = try_send(&json_plan(BodySource::WholeArguments), arguments).unwrap();
    assert_eq!(sent.body, arguments.as_bytes());
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(
        try_send(&json_plan(BodySource::WholeArguments), "{}")
            .unwrap()
            .body,
        b"{}"
    );
}

#[test]
fn what_parameters_take_is_not_in_the_body() {
    let mut plan = json_plan(BodySource::WholeArguments);
    plan.parameters = vec![
        parameter("q", Location::Query),
        parameter("h", Location::Header),
    ];
    let check = |arguments: &str, target: &str, body: &str| {
        let sent = try_send(&plan, arguments).unwrap();
        assert_eq!(
            (
                sent.target(),
                String::from_utf8(sent.body.clone()).unwrap().as_str()
            ),
            (target, body)
        );
    };
    check(
        r#"{"q":1,"a":2,"h":"x","b":{"q":3}}"#,
        "/x?q=1",
        r#"{"a":2,"b":{"q":3}}"#,
    );
    check(r#"{"q":1}"#, "/x?q=1", "{}");
    check(r#"{ "a" : 2 }"#, "/x", r#"{ "a" : 2 }"#);
    check(r#"{"\u0071":1,"a":2}"#, "/x?q=1", r#"{"a":2}"#);
}

#[test]
fn one_argument_is_the_body() {
    let plan = json_plan(BodySource::Argument("body".to_owned()));
    for value in ["[1,2]", "\"text\"", "null", "{ \"a\": 1 }", "1e400"] {
        let sent = try_send(&plan, &format!(r#"{{"body":{value}}}"#)).unwrap();
        assert_eq!(sent.body, value.as_bytes());
    }
    let absent = try_send(&plan, "{}").unwrap();
    assert_eq!(absent.header("content-length"), Some("0"));
    assert_eq!(absent.header("content-type"), None);
    assert!(
        try_send(&plan, r#"{"body":1,"other":2}"#)
            .unwrap_err()
            .contains("other")
    );
}

#[test]
fn methods_announce_a_body_as_they_mean_one() {
    for (method, length) in [
        ("GET", None),
        ("HEAD", None),
        ("DELETE", None),
        ("OPTIONS", None),
        ("POST", Some("0")),
        ("PUT", Some("0")),
        ("PATCH", Some("0")),
    ] {
        let sent = try_send(&plan(method, "/x"), "{}").unwrap();
        assert_eq!(sent.header("content-length"), length, "{method}");
    }
    let mut plan = json_plan(BodySource::WholeArguments);
    plan.method = "DELETE".to_owned();
    assert_eq!(try_send(&plan, r#"{"a":1}"#).unwrap().body, br#"{"a":1}"#);
}

#[test]
fn lengths_of_any_number_of_digits_are_right() {
    // `take_apart` compares the length with the body for each.
    let plan = json_plan(BodySource::Argument("b".to_owned()));
    for length in [
        0, 1, 5, 7, 8, 90, 97, 98, 99, 990, 998, 1_000, 9_997, 99_999, 1_000_000,
    ] {
        let text = "x".repeat(length);
        assert_eq!(
            try_send(&plan, &format!(r#"{{"b":"{text}"}}"#))
                .unwrap()
                .body
                .len(),
            length + 2
        );
    }
}

#[test]
fn forms_are_urlencoded() {
    let mut plan = plan("POST", "/x");
    plan.parameters = vec![parameter("q", Location::Query)];
    plan.body = BodyPlan::Form(FormBody {
        source: BodySource::WholeArguments,
        encodings: vec![
            PropertyEncoding {
                style: Style::DeepObject,
                ..encoding("metadata")
            },
            PropertyEncoding {
                explode: false,
                ..encoding("ids")
            },
            PropertyEncoding {
                content_type: Some("application/json".to_owned()),
                ..encoding("list")
            },
        ],
    });
    let check = |arguments: &str, body: &str| {
        let sent = try_send(&plan, arguments).unwrap();
        assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), body);
        assert_eq!(
            sent.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
    };
    check(
        r#"{"a":"b c&d=e+f","n":1.50,"t":true,"z":null}"#,
        "a=b+c%26d%3De%2Bf&n=1.50&t=true",
    );
    check(
        r#"{"many":["x","y z"],"ids":[1,2]}"#,
        "many=x&many=y+z&ids=1,2",
    );
    check(
        r#"{"metadata":{"k":"v","in":{"ner":1}}}"#,
        "metadata[k]=v&metadata[in][ner]=1"
            .replace('[', "%5B")
            .replace(']', "%5D")
            .as_str(),
    );
    check(
        r#"{"object":{"a":1},"list":[1,{"b":2}]}"#,
        "object=%7B%22a%22%3A1%7D&list=%5B1%2C%7B%22b%22%3A2%7D%5D",
    );
    check(
        r#"{"q":1,"weird na&me":"*-._~é"}"#,
        "weird+na%26me=*-._%7E%C3%A9",
    );
    check("{}", "");
    plan.body = BodyPlan::Form(FormBody {
        source: BodySource::Argument("form".to_owned()),
        encodings: vec![],
    });
    assert_eq!(
        try_send(&plan, r#"{"form":{"q":1},"q":2}"#).unwrap().body,
        b"q=1"
    );
    assert!(
        try_send(&plan, r#"{"form":[1]}"#)
            .unwrap_err()
            .starts_with("form: must be an object")
    );
    assert_eq!(
        try_send(&plan, r#"{"form":null}"#)
            .unwrap()
            .header("content-length"),
        Some("0")
    );
}

#[derive(Debug, PartialEq)]
struct Part {
    disposition: String,
    content_type: Option<String>,
    content: Vec<u8>,
}

/// RFC 2046 section 5.1.1, read from the front: what a server does.
fn parse_multipart(sent: &Sent) -> Vec<Part> {
    let content_type = sent.header("content-type").unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    assert!(boundary.len() <= 70);
    let delimiter = format!("--{boundary}");
    let mut rest = sent.body.as_slice();
    let mut parts = Vec::new();
    loop {
        rest = rest.strip_prefix(delimiter.as_bytes()).unwrap();
        if rest == b"--\r\n" {
            return parts;
        }
        rest = rest.strip_prefix(b"\r\n").unwrap();
        let head_end = memchr::memmem::find(rest, b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&rest[..head_end]).unwrap();
        let field = |name: &str| {
            head.split("\r\n")
                .find_map(|line| line.strip_prefix(&format!("{name}: ")))
                .map(str::to_owned)
        };
        let content = &rest[head_end + 4..];
        let end = memchr::memmem::find(content, format!("\r\n{delimiter}").as_bytes()).unwrap();
        parts.push(Part {
            disposition: field("content-disposition")
                .unwrap()
                .strip_prefix("form-data; ")
                .unwrap()
                .to_owned(),
            content_type: field("content-type"),
            content: content[..end].to_vec(),
        });
        rest = &content[end + 2..];
    }
}

#[test]
fn multipart_forms_are_read_back() {
    let mut plan = plan("POST", "/x");
    plan.parameters = vec![parameter("q", Location::Query)];
    let mut file = encoding("file");
    file.file = true;
    let mut picture = encoding("picture");
    picture.file = true;
    picture.content_type = Some("image/png, image/jpeg".to_owned());
    let mut note = encoding("note");
    note.content_type = Some("text/markdown".to_owned());
    plan.body = BodyPlan::Multipart(MultipartBody {
        source: BodySource::WholeArguments,
        encodings: vec![file, picture, note],
    });
    let check = |arguments: &str, expected: &[(&str, Option<&str>, &[u8])]| {
        let sent = try_send(&plan, arguments).unwrap();
        let parts = parse_multipart(&sent);
        let expected: Vec<Part> = expected
            .iter()
            .map(|(disposition, content_type, content)| Part {
                disposition: (*disposition).to_owned(),
                content_type: content_type.map(str::to_owned),
                content: content.to_vec(),
            })
            .collect();
        assert_eq!(parts, expected, "{arguments}");
    };
    let octets = Some("application/octet-stream");
    check(
        r#"{"a":"x\r\ny","n":1,"q":2,"z":null}"#,
        &[("name=\"a\"", None, b"x\r\ny"), ("name=\"n\"", None, b"1")],
    );
    check(
        r#"{"o":{"k": 1},"l":["x",{"y":1}]}"#,
        &[
            ("name=\"o\"", Some("application/json"), b"{\"k\": 1}"),
            ("name=\"l\"", None, b"x"),
            ("name=\"l\"", Some("application/json"), b"{\"y\":1}"),
        ],
    );
    check(
        r#"{"file":"AAEC/f4="}"#,
        &[(
            "name=\"file\"; filename=\"file\"",
            octets,
            &[0, 1, 2, 0xfd, 0xfe],
        )],
    );
    check(
        r#"{"file":["YQ","Yg=="]}"#,
        &[
            ("name=\"file\"; filename=\"file\"", octets, b"a"),
            ("name=\"file\"; filename=\"file\"", octets, b"b"),
        ],
    );
    check(
        r#"{"picture":"_-8"}"#,
        &[(
            "name=\"picture\"; filename=\"picture\"",
            Some("image/png"),
            &[0xff, 0xef],
        )],
    );
    check(
        r#"{"file":"data:application/pdf;base64,YQ=="}"#,
        &[(
            "name=\"file\"; filename=\"file\"",
            Some("application/pdf"),
            b"a",
        )],
    );
    check(
        "{\"file\":\"data:a/b\\r\\nx: y;base64,YQ==\"}",
        &[("name=\"file\"; filename=\"file\"", octets, b"a")],
    );
    check(
        r#"{"note":"n","na\"me\r\nx: y":"v"}"#,
        &[
            ("name=\"note\"", Some("text/markdown"), b"n"),
            ("name=\"na%22me%0D%0Ax: y\"", None, b"v"),
        ],
    );
    check("{}", &[]);
    assert_eq!(
        try_send(&plan, r#"{"file":"not base64!"}"#).unwrap_err(),
        "file: must be a string of base64, the bytes to send"
    );
    assert!(try_send(&plan, r#"{"file":12}"#).is_err());
}

#[test]
fn a_boundary_never_occurs_in_the_content() {
    let mut plan = plan("POST", "/x");
    plan.body = BodyPlan::Multipart(MultipartBody {
        source: BodySource::WholeArguments,
        encodings: vec![],
    });
    let operation = RestOperation::compile(&plan, UpstreamId(0)).unwrap();
    // The boundary of this content, put into the content: another must be chosen.
    let mut content = String::from("x");
    for _ in 0..3 {
        let arguments = json!({"a": content}).to_string();
        let sent = try_send_with(&operation, &arguments, &CONTEXT).unwrap();
        assert_eq!(parse_multipart(&sent)[0].content, content.as_bytes());
        let boundary = sent
            .header("content-type")
            .unwrap()
            .rsplit('=')
            .next()
            .unwrap()
            .to_owned();
        content = format!("{content}\r\n--{boundary}\r\n--{boundary}--\r\n");
    }
}

#[test]
fn text_and_bytes_travel_as_they_are() {
    let mut plan = plan("PUT", "/x");
    plan.body = BodyPlan::Text(TextBody {
        argument: "t".to_owned(),
        content_type: "text/plain; charset=utf-8".to_owned(),
    });
    let check = |value: &str, body: &str| {
        let sent = try_send(&plan, &format!(r#"{{"t":{value}}}"#)).unwrap();
        assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), body);
        assert_eq!(
            sent.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    };
    check(r#""a\r\n\u00e9 \u0000""#, "a\r\né \0");
    check("1.50", "1.50");
    check(r#"{"a": 1}"#, r#"{"a": 1}"#);
    check(r#""""#, "");
    assert_eq!(
        try_send(&plan, r#"{"t":null}"#)
            .unwrap()
            .header("content-type"),
        None
    );
    plan.body = BodyPlan::Binary(BinaryBody {
        argument: "t".to_owned(),
        content_type: "application/octet-stream".to_owned(),
    });
    assert_eq!(
        try_send(&plan, r#"{"t":"AP/+"}"#).unwrap().body,
        [0, 0xff, 0xfe]
    );
    assert_eq!(
        try_send(&plan, r#"{"t":"AP_-"}"#).unwrap().body,
        [0, 0xff, 0xfe]
    );
    assert_eq!(
        try_send(&plan, r#"{"t":""}"#)
            .unwrap()
            .header("content-length"),
        Some("0")
    );
    assert_eq!(
        try_send(&plan, r#"{"t":"***"}"#).unwrap_err(),
        "t: must be a string of base64, the bytes to send"
    );
}
