//! Messages on event streams: `subscriptions/listen` of modern clients, the GET stream of legacy ones.
//!
//! Each function appends one JSON-RPC message; framing it as an event is `http`'s. Every message on a
//! modern stream carries the id of the request that opened it, as the specification asks.

use serde::Deserialize;

use super::answer::{MODERN_MEMBERS, begin, end};
use super::envelope::{Id, Params};
use crate::refusal::Refusal;

/// `notifications/tools/list_changed` as legacy clients know it.
pub const LEGACY_TOOLS_LIST_CHANGED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

/// What a client wants to hear of, as far as we have it: tools. The other kinds are left out of the
/// acknowledgement, which is how a server says that it does not support them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whether changes of the tool list are announced.
    pub tools_list_changed: bool,
}

/// Reads the parameters of `subscriptions/listen`.
///
/// # Errors
/// [`Refusal::ParamsInvalid`] without the `notifications` object, or where a kind is no boolean.
pub fn read_filter(params: &Params<'_>) -> Result<Filter, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Notifications {
        #[serde(default)]
        tools_list_changed: Option<bool>,
    }
    let raw = params
        .notifications
        .filter(|raw| raw.is_object())
        .ok_or(Refusal::ParamsInvalid)?;
    let wanted: Notifications =
        serde_json::from_str(raw.get()).map_err(|_| Refusal::ParamsInvalid)?;
    Ok(Filter {
        tools_list_changed: wanted.tools_list_changed.unwrap_or_default(),
    })
}

/// Appends the first message of a listen stream: what will be sent on it.
pub fn write_acknowledged(out: &mut Vec<u8>, id: Id<'_>, filter: Filter) {
    begin_notification(out, "notifications/subscriptions/acknowledged", id);
    let honoured = if filter.tools_list_changed {
        r#"{"toolsListChanged":true}"#
    } else {
        "{}"
    };
    out.extend_from_slice(br#","notifications":"#);
    out.extend_from_slice(honoured.as_bytes());
    out.extend_from_slice(b"}}");
}

/// Appends the news that the tool list has changed.
pub fn write_tools_list_changed(out: &mut Vec<u8>, id: Id<'_>) {
    begin_notification(out, "notifications/tools/list_changed", id);
    out.extend_from_slice(b"}}");
}

/// Appends the answer to the listen request: the gateway ends the stream, e.g. because it stops.
pub fn write_end(out: &mut Vec<u8>, id: Id<'_>) {
    begin(out, id);
    // `_meta` with the server's information and the subscription's id as its further member.
    let members = MODERN_MEMBERS.strip_suffix('}').unwrap_or(MODERN_MEMBERS);
    out.extend_from_slice(members.as_bytes());
    out.push(b',');
    write_subscription(out, id);
    out.push(b'}');
    end(out);
}

/// Appends a notification up to its `_meta`, with `params` and the object left open.
fn begin_notification(out: &mut Vec<u8>, method: &str, id: Id<'_>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(br#"","params":{"_meta":{"#);
    write_subscription(out, id);
    out.push(b'}');
}

fn write_subscription(out: &mut Vec<u8>, id: Id<'_>) {
    out.extend_from_slice(br#""io.modelcontextprotocol/subscriptionId":"#);
    out.extend_from_slice(id.as_json().as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::raw::Raw;
    use crate::mcp::envelope::{Envelope, read};

    fn params(notifications: &str) -> Result<Filter, Refusal> {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{{notifications}}}}}"#
        );
        match read(body.as_bytes()) {
            Ok(Envelope::One(message)) => read_filter(&message.params),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn filters() {
        let tools = Ok(Filter {
            tools_list_changed: true,
        });
        let nothing = Ok(Filter::default());
        for (text, expected) in [
            (r#""notifications":{"toolsListChanged":true}"#, tools),
            (
                r#""notifications":{"promptsListChanged":true,"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#,
                tools,
            ),
            (r#""notifications":{"toolsListChanged":false}"#, nothing),
            (r#""notifications":{"toolsListChanged":null}"#, nothing),
            (r#""notifications":{"promptsListChanged":true}"#, nothing),
            (r#""notifications":{}"#, nothing),
            ("", Err(Refusal::ParamsInvalid)),
            (r#""notifications":[]"#, Err(Refusal::ParamsInvalid)),
            (
                r#""notifications":{"toolsListChanged":"yes"}"#,
                Err(Refusal::ParamsInvalid),
            ),
            (
                r#""notifications":{"toolsListChanged":true,"toolsListChanged":false}"#,
                Err(Refusal::ParamsInvalid),
            ),
        ] {
            assert_eq!(params(text), expected, "{text}");
        }
    }

    #[test]
    fn every_message_names_the_listen_request() {
        for text in ["7", r#""listen:0""#] {
            let raw = Raw::parse(text).unwrap();
            let id = Id::read(raw).unwrap();
            let subscription: Value = serde_json::from_str(text).unwrap();
            let written = |write: &dyn Fn(&mut Vec<u8>)| {
                let mut out = Vec::new();
                write(&mut out);
                serde_json::from_slice::<Value>(&out).unwrap()
            };
            let meta = json!({"io.modelcontextprotocol/subscriptionId": subscription});
            assert_eq!(
                written(&|out| write_acknowledged(
                    out,
                    id,
                    Filter {
                        tools_list_changed: true
                    }
                )),
                json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                    "params": {"_meta": meta, "notifications": {"toolsListChanged": true}}}),
            );
            assert_eq!(
                written(&|out| write_acknowledged(out, id, Filter::default()))["params"],
                json!({"_meta": meta, "notifications": {}}),
            );
            assert_eq!(
                written(&|out| write_tools_list_changed(out, id)),
                json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed",
                    "params": {"_meta": meta}}),
            );
            let end = written(&|out| write_end(out, id));
            assert_eq!(end["id"], subscription);
            assert_eq!(end["result"]["resultType"], "complete");
            let meta = &end["result"]["_meta"];
            assert_eq!(meta["io.modelcontextprotocol/subscriptionId"], subscription);
            assert_eq!(
                meta["io.modelcontextprotocol/serverInfo"]["name"],
                "stoa-gateway"
            );
        }
        serde_json::from_str::<Value>(LEGACY_TOOLS_LIST_CHANGED).unwrap();
    }
}
