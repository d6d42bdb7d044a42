//! Events of a `text/event-stream` (WHATWG HTML, section 9.2), as MCP uses them.
//!
//! Each function appends one whole event or comment. Framing of the stream around them is
//! [`StreamFraming`](super::write::StreamFraming)'s.

/// The media type of a stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// Headers of a stream's answer that keep intermediaries from holding events back: caches,
/// compressing proxies (`no-transform`) and nginx's response buffer (`X-Accel-Buffering`).
pub const HEADERS: [(&str, &str); 2] = [
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
];

/// Appends an event with a JSON-RPC message, as the official SDKs name it.
pub fn message(out: &mut Vec<u8>, data: &[u8]) {
    event(out, "message", None, data);
}

/// Appends an event. `name` is a constant of the gateway; `id` lets a client resume after it.
///
/// Line ends in `data` become further `data` lines, which the recipient joins with LF again; so no
/// data can end the event or forge another. Line ends and NUL in `id` are left out for the same
/// reason.
pub fn event(out: &mut Vec<u8>, name: &'static str, id: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + name.len() + 32);
    if let Some(id) = id {
        out.extend_from_slice(b"id: ");
        out.extend(id.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
        out.push(b'\n');
    }
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    let mut rest = data;
    // A CR alone ends a line, too.
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        data_line(out, &rest[..end]);
        let line_end = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + line_end..];
    }
    data_line(out, rest);
    out.push(b'\n');
}

/// Appends a comment, which clients ignore: it shows both sides that the stream is alive.
pub fn keep_alive(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

/// Appends how long a client should wait before it connects again, in milliseconds.
pub fn retry(out: &mut Vec<u8>, wait_ms: u64) {
    out.extend_from_slice(b"retry: ");
    out.extend_from_slice(itoa::Buffer::new().format(wait_ms).as_bytes());
    out.extend_from_slice(b"\n\n");
}

fn data_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a stream by the specification's own words: the events' (id, name, data).
    fn read(stream: &str) -> Vec<(String, String, String)> {
        let mut events = Vec::new();
        let (mut id, mut name, mut data) = (String::new(), String::new(), String::new());
        for line in stream.replace("\r\n", "\n").replace('\r', "\n").split('\n') {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() => {
                    if !data.is_empty() {
                        data.pop();
                        events.push((id.clone(), name.clone(), data.clone()));
                    }
                    data.clear();
                    name.clear();
                }
                "id" => id = value.to_owned(),
                "event" => name = value.to_owned(),
                "data" => data += &format!("{value}\n"),
                _ => {}
            }
        }
        events
    }

    #[test]
    fn bytes_on_the_wire() {
        let mut out = Vec::new();
        message(&mut out, br#"{"a":1}"#);
        keep_alive(&mut out);
        retry(&mut out, 100);
        event(&mut out, "endpoint", Some("7"), b"/x");
        let expected = "event: message\ndata: {\"a\":1}\n\n:\n\nretry: 100\n\n\
                        id: 7\nevent: endpoint\ndata: /x\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn no_data_ends_an_event_early() {
        let cases = [
            "", "a", " a ", "a\nb", "a\r\nb", "a\rb", "a\n", "\n\na", "\r\r\n\n",
        ];
        let forged = [
            "x\n\nevent: forged\ndata: y",
            "x\r\revent: forged\r\rdata: y",
        ];
        for data in cases.into_iter().chain(forged) {
            let mut out = Vec::new();
            event(&mut out, "message", Some("1\n\nid: 2\0"), data.as_bytes());
            let joined = data.replace("\r\n", "\n").replace('\r', "\n");
            let expected = ("1id: 2".to_owned(), "message".to_owned(), joined);
            assert_eq!(
                read(std::str::from_utf8(&out).unwrap()),
                [expected],
                "{data:?}"
            );
        }
    }
}
