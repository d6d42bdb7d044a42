//! What a client sends and takes: `Content-Type` and `Accept`.
//!
//! The specification asks clients to list both JSON and event streams. Who lists one is given that one;
//! who lists neither by name but takes anything gets JSON.

use crate::http::head::Head;

/// In which form an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/json`.
    Json,
    /// `text/event-stream` with one event.
    EventStream,
}

/// Whether a body is JSON: `application/json` with any parameters.
pub(super) fn is_json(content_type: Option<&[u8]>) -> bool {
    content_type.is_some_and(|value| media_type(value).eq_ignore_ascii_case(b"application/json"))
}

/// The form to answer in; `None` where the client takes neither.
pub(super) fn form(head: &Head<'_>) -> Option<Form> {
    choose(head.accept.is_none(), accepted(head))
}

/// Whether an event stream may be sent.
pub(super) fn takes_event_stream(head: &Head<'_>) -> bool {
    head.accept.is_none() || accepted(head).any(|range| covers(range, b"text", b"event-stream"))
}

fn choose<'a>(anything: bool, ranges: impl Iterator<Item = &'a [u8]>) -> Option<Form> {
    if anything {
        return Some(Form::Json);
    }
    let mut streams = false;
    for range in ranges {
        if covers(range, b"application", b"json") {
            return Some(Form::Json);
        }
        streams |= covers(range, b"text", b"event-stream");
    }
    streams.then_some(Form::EventStream)
}

/// The media ranges of all `Accept` headers, without those of quality 0.
fn accepted<'a>(head: &Head<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let further = head.repeated.accept.then(|| {
        head.headers()
            .filter(|(name, _)| name.eq_ignore_ascii_case("accept"))
            .skip(1)
            .map(|(_, value)| value)
    });
    head.accept
        .into_iter()
        .chain(further.into_iter().flatten())
        .flat_map(|value| value.split(|byte| *byte == b','))
        .filter(|range| !has_quality_zero(range))
        .map(media_type)
}

fn media_type(value: &[u8]) -> &[u8] {
    value
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

fn has_quality_zero(range: &[u8]) -> bool {
    range
        .split(|byte| *byte == b';')
        .skip(1)
        .map(<[u8]>::trim_ascii)
        .any(|parameter| {
            parameter
                .strip_prefix(b"q=")
                .or_else(|| parameter.strip_prefix(b"Q="))
                .is_some_and(|quality| quality.iter().all(|byte| matches!(byte, b'0' | b'.')))
        })
}

fn covers(range: &[u8], kind: &[u8], subtype: &[u8]) -> bool {
    let Some(slash) = range.iter().position(|byte| *byte == b'/') else {
        return false;
    };
    let (own_kind, own_subtype) = (&range[..slash], &range[slash + 1..]);
    match (own_kind, own_subtype) {
        (b"*", b"*") => true,
        (own, b"*") => own.eq_ignore_ascii_case(kind),
        (own, rest) => own.eq_ignore_ascii_case(kind) && rest.eq_ignore_ascii_case(subtype),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Scan;
    use crate::http::head;

    fn form_of(accept: Option<&str>) -> Option<Form> {
        let accept = accept
            .map(|value| format!("accept: {value}\r\n"))
            .unwrap_or_default();
        let text = format!("POST /mcp HTTP/1.1\r\nhost: x\r\n{accept}\r\n");
        let parsed = head::parse(text.as_bytes(), &mut Scan::default())
            .unwrap()
            .unwrap();
        form(&parsed)
    }

    #[test]
    fn forms() {
        use Form::{EventStream, Json};
        for (accept, expected) in [
            (None, Some(Json)),
            (Some("*/*"), Some(Json)),
            (Some("application/json, text/event-stream"), Some(Json)),
            (Some("text/event-stream, application/json"), Some(Json)),
            (Some("text/event-stream"), Some(EventStream)),
            (Some("text/*"), Some(EventStream)),
            (Some("application/*;q=0.5"), Some(Json)),
            (Some("APPLICATION/JSON"), Some(Json)),
            (
                Some("application/json;q=0, text/event-stream"),
                Some(EventStream),
            ),
            (Some("application/json;q=0.0"), None),
            (Some("text/html"), None),
            (Some(""), None),
            (Some("json"), None),
        ] {
            assert_eq!(form_of(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn content_types() {
        for (value, expected) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("application/json-rpc"), false),
            (Some("text/plain"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(is_json(value.map(str::as_bytes)), expected, "{value:?}");
        }
    }
}
