//! Every style, type and explode, against the table of OpenAPI 3.1.1 section 4.8.12.6, and what that
//! table leaves open.

use super::*;

const EMPTY: &str = r#""""#;
const STRING: &str = r#""blue""#;
const ARRAY: &str = r#"["blue","black","brown"]"#;
const OBJECT: &str = r#"{"R":100,"G":200,"B":150}"#;

fn plan_for(location: Location, style: Style, explode: bool) -> RequestPlan {
    let path = if location == Location::Path {
        "/x/{color}"
    } else {
        "/x"
    };
    let mut plan = plan("GET", path);
    plan.parameters = vec![ParameterPlan {
        style,
        explode,
        ..parameter("color", location)
    }];
    plan
}

fn written(location: Location, style: Style, explode: bool, value: &str) -> Result<String, String> {
    let sent = try_send(
        &plan_for(location, style, explode),
        &format!(r#"{{"color":{value}}}"#),
    )?;
    Ok(match location {
        Location::Path => sent.target().strip_prefix("/x/").unwrap().to_owned(),
        Location::Query => sent.target().strip_prefix("/x").unwrap().to_owned(),
        Location::Header => sent.header("color").unwrap_or("<none>").to_owned(),
        Location::Cookie => sent.header("cookie").unwrap_or("<none>").to_owned(),
    })
}

#[test]
fn the_table_of_the_specification() {
    use Location::{Cookie, Header, Path, Query};
    use Style::{DeepObject, Form, Label, Matrix, PipeDelimited, Simple, SpaceDelimited};
    let refused = "<refused>";
    #[rustfmt::skip]
    let table = [
        (Path, Matrix, false, [refused, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"]),
        (Path, Matrix, true, [refused, ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"]),
        (Path, Label, false, [refused, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"]),
        (Path, Label, true, [refused, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"]),
        (Path, Simple, false, [refused, "blue", "blue,black,brown", "R,100,G,200,B,150"]),
        (Path, Simple, true, [refused, "blue", "blue,black,brown", "R=100,G=200,B=150"]),
        (Header, Simple, false, ["", "blue", "blue,black,brown", "R,100,G,200,B,150"]),
        (Header, Simple, true, ["", "blue", "blue,black,brown", "R=100,G=200,B=150"]),
        (Query, Form, false, ["?color=", "?color=blue", "?color=blue,black,brown", "?color=R,100,G,200,B,150"]),
        (Query, Form, true, ["?color=", "?color=blue", "?color=blue&color=black&color=brown", "?R=100&G=200&B=150"]),
        (Cookie, Form, false, ["color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"]),
        (Cookie, Form, true, ["color=", "color=blue", "color=blue; color=black; color=brown", "R=100; G=200; B=150"]),
        (Query, SpaceDelimited, false, ["?color=", "?color=blue", "?color=blue%20black%20brown", "?color=R%20100%20G%20200%20B%20150"]),
        (Query, SpaceDelimited, true, ["?color=", "?color=blue", "?color=blue&color=black&color=brown", "?R=100&G=200&B=150"]),
        (Query, PipeDelimited, false, ["?color=", "?color=blue", "?color=blue%7Cblack%7Cbrown", "?color=R%7C100%7CG%7C200%7CB%7C150"]),
        (Query, PipeDelimited, true, ["?color=", "?color=blue", "?color=blue&color=black&color=brown", "?R=100&G=200&B=150"]),
        (Query, DeepObject, true, ["?color=", "?color=blue", "?color%5B%5D=blue&color%5B%5D=black&color%5B%5D=brown", "?color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"]),
    ];
    for (location, style, explode, expected) in table {
        for (value, expected) in [EMPTY, STRING, ARRAY, OBJECT].into_iter().zip(expected) {
            let written = written(location, style, explode, value);
            let written = written.unwrap_or_else(|_| refused.to_owned());
            assert_eq!(
                written, expected,
                "{location:?} {style:?} explode={explode} {value}"
            );
        }
    }
}

#[test]
fn undefined_values_are_left_out() {
    for value in ["null", "[]", "{}", "[null]", r#"{"a":null}"#] {
        for explode in [false, true] {
            assert_eq!(
                written(Location::Query, Style::Form, explode, value).unwrap(),
                "",
                "{value}"
            );
            assert_eq!(
                written(Location::Cookie, Style::Form, explode, value).unwrap(),
                "<none>",
                "{value}"
            );
            let error = written(Location::Path, Style::Simple, explode, value).unwrap_err();
            assert_eq!(
                error, "color: is part of the path and must not be empty",
                "{value}"
            );
        }
    }
    assert_eq!(
        written(Location::Header, Style::Simple, false, "null").unwrap(),
        "<none>"
    );
    assert_eq!(
        written(Location::Query, Style::Form, false, r#"["a",null,"b"]"#).unwrap(),
        "?color=a,b"
    );
    assert_eq!(
        written(
            Location::Query,
            Style::DeepObject,
            true,
            r#"{"a":null,"b":1}"#
        )
        .unwrap(),
        "?color%5Bb%5D=1"
    );
}

#[test]
fn scalars_travel_exactly_as_written() {
    let check = |value: &str, expected: &str| {
        assert_eq!(
            written(Location::Query, Style::Form, true, value).unwrap(),
            format!("?color={expected}")
        );
        assert_eq!(
            written(Location::Path, Style::Simple, false, value).unwrap(),
            expected
        );
    };
    check("true", "true");
    check("false", "false");
    check("0", "0");
    check("-1.50", "-1.50");
    check("1E5", "1E5");
    check(
        "123456789012345678901234567890",
        "123456789012345678901234567890",
    );
    check(
        r#""a b&c=d+e%20/?#é🦀""#,
        "a%20b%26c%3Dd%2Be%2520%2F%3F%23%C3%A9%F0%9F%A6%80",
    );
    check(r#""\u0041\n""#, "A%0A");
    check(r#""-._~""#, "-._~");
}

#[test]
fn nesting_is_json_except_in_deep_objects() {
    let check = |style, explode, value: &str, expected: &str| {
        let written = written(Location::Query, style, explode, value).unwrap();
        let decoded = percent_encoding::percent_decode_str(&written)
            .decode_utf8()
            .unwrap()
            .into_owned();
        assert_eq!(decoded, expected, "{style:?} {value}");
    };
    check(
        Style::Form,
        false,
        r#"[1,[2,3],{"a":"b c"}]"#,
        r#"?color=1,[2,3],{"a":"b c"}"#,
    );
    check(
        Style::Form,
        true,
        r#"{"a":{"b":1},"c":[1]}"#,
        r#"?a={"b":1}&c=[1]"#,
    );
    check(
        Style::DeepObject,
        true,
        r#"{"a":{"b":{"c":1}},"tags":["x","y"],"items":[{"p":1},{"p":2}],"k&=]":"v&="}"#,
        "?color[a][b][c]=1&color[tags][]=x&color[tags][]=y&color[items][0][p]=1&color[items][1][p]=2&color[k&=]]=v&=",
    );
    let raw = written(
        Location::Query,
        Style::DeepObject,
        true,
        r#"{"k&=]":"v&="}"#,
    )
    .unwrap();
    assert_eq!(raw, "?color%5Bk%26%3D%5D%5D=v%26%3D");
}

#[test]
fn allow_reserved_never_changes_which_parameters_there_are() {
    let mut plan = plan_for(Location::Query, Style::Form, true);
    plan.parameters[0].allow_reserved = true;
    let check = |value: &str, expected: &str| {
        let sent = try_send(&plan, &json!({"color": value}).to_string()).unwrap();
        assert_eq!(sent.target(), format!("/x?color={expected}"));
    };
    check("a/b?c:d@e!f$g'h(i)j*k,l;m=n", "a/b?c:d@e!f$g'h(i)j*k,l;m=n");
    check("a&b#c+d[e]f%20g h", "a%26b%23c%2Bd%5Be%5Df%2520g%20h");
}

#[test]
fn json_content_travels_as_json() {
    let mut plan = plan_for(Location::Query, Style::Form, true);
    plan.parameters[0].json_content = true;
    let check = |value: &str, expected: &str| {
        let sent = try_send(&plan, &format!(r#"{{"color":{value}}}"#)).unwrap();
        assert_eq!(sent.target(), format!("/x?color={expected}"));
    };
    check(r#"{"a": [1]}"#, "%7B%22a%22%3A%20%5B1%5D%7D");
    check(r#""s""#, "%22s%22");
    check("[]", "%5B%5D");
    plan.parameters[0] = ParameterPlan {
        json_content: true,
        ..parameter("color", Location::Header)
    };
    let sent = try_send(&plan, r#"{"color":{"a":1}}"#).unwrap();
    assert_eq!(sent.header("color"), Some(r#"{"a":1}"#));
}

#[test]
fn names_are_encoded_and_argument_names_are_not_sent() {
    let mut plan = plan("GET", "/x?fixed=1%20a&two=b c");
    plan.parameters = vec![
        ParameterPlan {
            name: "filter[a b]".to_owned(),
            ..parameter("filter_a", Location::Query)
        },
        ParameterPlan {
            name: "X-Thing".to_owned(),
            ..parameter("thing", Location::Header)
        },
    ];
    let sent = try_send(&plan, r#"{"filter_a":"v","thing":7}"#).unwrap();
    assert_eq!(
        sent.target(),
        "/x?filter%5Ba%20b%5D=v&fixed=1%20a&two=b%20c"
    );
    assert_eq!(sent.header("x-thing"), Some("7"));
    assert_eq!(
        try_send(&plan, "{}").unwrap().target(),
        "/x?fixed=1%20a&two=b%20c"
    );
}
