//! Legacy or modern: decided for each request, as one endpoint serves both.

use super::envelope::{Kind, Message, Text};
use super::headers::{Field, Headers};
use super::version::{Era, is_modern_name};
use crate::refusal::Refusal;

/// The era of a POSTed message.
///
/// A protocol version in `_meta` makes it modern, whatever version that is: only the modern era has
/// such an envelope. Without it the version header decides, so that a modern client that forgot its
/// `_meta` is told so. Two things outweigh that header, both because deployed legacy clients send
/// their library's latest version rather than the negotiated one: `initialize`, which a client
/// sends to open a session, and a session id.
#[must_use]
pub fn of_message(message: &Message<'_>, headers: &Headers<'_>) -> Era {
    if message.params.meta.protocol_version != Text::Absent {
        return Era::Modern;
    }
    let opens_session =
        matches!(&message.kind, Kind::Request { method, .. } if method == "initialize");
    if opens_session {
        return Era::Legacy;
    }
    of_headers(headers)
}

/// The era of a request by its headers alone: a GET, a DELETE, a batch, a body that could not be read.
#[must_use]
pub fn of_headers(headers: &Headers<'_>) -> Era {
    match headers {
        Headers {
            session: Field::Value(_) | Field::Repeated,
            ..
        } => Era::Legacy,
        Headers {
            protocol_version: Field::Value(name),
            ..
        } if is_modern_name(name) => Era::Modern,
        _ => Era::Legacy,
    }
}

/// Whether a GET (event stream) or DELETE (end of session) may go on: both exist with a session only.
///
/// # Errors
/// [`Refusal::MethodNotAllowed`] for a modern client, whose era has neither;
/// [`Refusal::SessionMissing`] for a legacy one that names no session.
pub fn check_stream(headers: &Headers<'_>) -> Result<(), Refusal> {
    match (headers.session, of_headers(headers)) {
        (_, Era::Modern) => Err(Refusal::MethodNotAllowed),
        (Field::Absent, Era::Legacy) => Err(Refusal::SessionMissing),
        (Field::Value(_) | Field::Repeated, Era::Legacy) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::envelope::{Envelope, read};
    use crate::mcp::headers::tests::headers_of;

    fn headers(version: Option<&str>, session: Option<&str>) -> Headers<'static> {
        let version = version.map(|value| ("MCP-Protocol-Version", value));
        let session = session.map(|value| ("Mcp-Session-Id", value));
        headers_of(&version.into_iter().chain(session).collect::<Vec<_>>())
    }

    #[test]
    fn message_eras() {
        use Era::{Legacy, Modern};
        const META: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
        const OLD_META: &str =
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}"#;
        const ODD_META: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#;
        const LEGACY_META: &str = r#"{"_meta":{"progressToken":4}}"#;
        for (method, params, version, session, expected) in [
            ("tools/list", META, Some("2026-07-28"), None, Modern),
            ("tools/list", META, None, None, Modern),
            ("tools/list", META, Some("2025-11-25"), None, Modern),
            ("tools/list", OLD_META, Some("2025-11-25"), None, Modern),
            ("tools/list", ODD_META, None, None, Modern),
            ("initialize", META, Some("2026-07-28"), None, Modern),
            (
                "tools/list",
                META,
                Some("2026-07-28"),
                Some("ignored"),
                Modern,
            ),
            ("tools/list", "{}", Some("2026-07-28"), None, Modern),
            ("tools/list", "{}", Some("2031-01-01"), None, Modern),
            ("tools/list", LEGACY_META, Some("2026-07-28"), None, Modern),
            ("tools/list", "{}", None, None, Legacy),
            ("tools/list", "{}", Some("2025-11-25"), None, Legacy),
            ("tools/list", "{}", Some("bogus"), None, Legacy),
            (
                "tools/list",
                LEGACY_META,
                Some("2025-06-18"),
                Some("token"),
                Legacy,
            ),
            ("initialize", "{}", None, None, Legacy),
            // Clients that send their library's latest version over a legacy session.
            ("initialize", "{}", Some("2026-07-28"), None, Legacy),
            (
                "tools/list",
                "{}",
                Some("2026-07-28"),
                Some("token"),
                Legacy,
            ),
        ] {
            let body =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            let Ok(Envelope::One(message)) = read(body.as_bytes()) else {
                panic!("{body}");
            };
            let era = of_message(&message, &headers(version, session));
            assert_eq!(era, expected, "{body} {version:?} {session:?}");
        }
    }

    #[test]
    fn streams_need_a_session_and_the_legacy_era() {
        for (version, session, expected) in [
            (Some("2026-07-28"), None, Err(Refusal::MethodNotAllowed)),
            (Some("2027-01-01"), None, Err(Refusal::MethodNotAllowed)),
            (Some("2025-11-25"), None, Err(Refusal::SessionMissing)),
            (Some("bogus"), None, Err(Refusal::SessionMissing)),
            (None, None, Err(Refusal::SessionMissing)),
            (None, Some("token"), Ok(())),
            (Some("2025-06-18"), Some("token"), Ok(())),
            (Some("2026-07-28"), Some("token"), Ok(())),
        ] {
            assert_eq!(
                check_stream(&headers(version, session)),
                expected,
                "{version:?} {session:?}"
            );
        }
    }
}
