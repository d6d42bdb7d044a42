//! Whatever the values: one well-formed request, and the values come out again as they went in.

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;

fn decoded_pairs(target: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn everything() -> RequestPlan {
    let mut plan = plan("POST", "/v1/{p}/x");
    plan.parameters = vec![
        parameter("p", Location::Path),
        parameter("q", Location::Query),
        ParameterPlan {
            allow_reserved: true,
            ..parameter("r", Location::Query)
        },
        ParameterPlan {
            style: Style::DeepObject,
            ..parameter("d", Location::Query)
        },
        parameter("H", Location::Header),
        parameter("c", Location::Cookie),
    ];
    plan.body = BodyPlan::Json(JsonBody {
        source: BodySource::WholeArguments,
        content_type: "application/json".to_owned(),
    });
    plan
}

proptest! {
    #[test]
    fn queries_decode_to_the_arguments(
        values in prop::collection::vec(any::<String>(), 1..6),
        reserved in any::<bool>(),
        name in "[a-z&=#%+ é\\[\\]]{1,8}",
    ) {
        let mut plan = plan("GET", "/x");
        plan.parameters = vec![ParameterPlan { name: name.clone(), allow_reserved: reserved, ..parameter("q", Location::Query) }];
        let sent = try_send(&plan, &json!({"q": values}).to_string()).unwrap();
        let expected: Vec<(String, String)> = values.into_iter().map(|value| (name.clone(), value)).collect();
        prop_assert_eq!(decoded_pairs(sent.target()), expected);
    }

    #[test]
    fn deep_objects_decode_to_the_arguments(members in prop::collection::btree_map(any::<String>(), any::<String>(), 1..6)) {
        let mut plan = plan("GET", "/x");
        plan.parameters = vec![ParameterPlan { style: Style::DeepObject, ..parameter("q", Location::Query) }];
        let sent = try_send(&plan, &json!({"q": members}).to_string()).unwrap();
        let expected: Vec<(String, String)> =
            members.into_iter().map(|(name, value)| (format!("q[{name}]"), value)).collect();
        prop_assert_eq!(decoded_pairs(sent.target()), expected);
    }

    #[test]
    fn paths_decode_to_the_argument_in_its_segment(value in any::<String>()) {
        let mut plan = plan("GET", "/v1/{p}/x");
        plan.parameters = vec![parameter("p", Location::Path)];
        if let Ok(sent) = try_send(&plan, &json!({"p": value}).to_string()) {
            let segments: Vec<&str> = sent.target().split('/').collect();
            prop_assert_eq!(segments.len(), 4);
            prop_assert_eq!(percent_decode_str(segments[2]).decode_utf8().unwrap(), value.as_str());
        } else {
            prop_assert!(value.is_empty() || value.contains(['.', '\0', '%']), "{:?}", value);
        }
    }

    #[test]
    fn any_arguments_make_exactly_one_request(
        p in any::<String>(), q in any::<String>(), r in any::<String>(), h in any::<String>(), c in any::<String>(),
        d in prop::collection::btree_map(any::<String>(), any::<i64>(), 0..4),
        rest in prop::collection::btree_map("[f-g]{1,3}|\\PC{0,4}x", any::<String>(), 0..4),
    ) {
        let mut arguments = json!({"p": p, "q": q, "r": r, "d": d, "H": h, "c": c});
        for (name, value) in &rest {
            arguments[name] = json!(value);
        }
        // `take_apart` checks framing: one request, one host, the length right.
        if let Ok(sent) = try_send(&everything(), &arguments.to_string()) {
            prop_assert_eq!(sent.headers.len(), 9);
            let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
            prop_assert_eq!(body, json!(rest));
            prop_assert_eq!(sent.header("h").unwrap(), h.as_str());
        } else {
            let suspicious = |text: &str| text.is_empty() || text.chars().any(|character| !(' '..='~').contains(&character));
            prop_assert!(
                suspicious(&h) || h.starts_with(' ') || h.ends_with(' ') || c.chars().any(char::is_control)
                    || p.is_empty() || p.contains(['.', '\0', '%'])
            );
        }
    }
}
