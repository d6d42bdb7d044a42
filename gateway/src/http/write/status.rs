//! Status lines, prepared.

/// Appends the status line of `status`.
pub(super) fn append_line(out: &mut Vec<u8>, status: u16) {
    let Some(line) = prepared(status) else {
        return append_unprepared(out, status);
    };
    out.extend_from_slice(line.as_bytes());
}

/// Whether an answer with this status carries a body (RFC 9110 section 6.4.1).
pub(super) fn may_have_body(status: u16) -> bool {
    !matches!(status, 100..200 | 204 | 304)
}

/// A status nobody prepared gets an empty reason, which RFC 9112 section 4 allows. One that is no
/// status (a mistake of ours) is answered as what it is, an internal error.
#[cold]
fn append_unprepared(out: &mut Vec<u8>, status: u16) {
    debug_assert!((100..=999).contains(&status), "{status}");
    let status = if (100..=999).contains(&status) {
        status
    } else {
        500
    };
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.extend_from_slice(b" \r\n");
}

macro_rules! lines {
    ($($status:literal $reason:literal,)*) => {
        fn prepared(status: u16) -> Option<&'static str> {
            match status {
                $($status => Some(concat!("HTTP/1.1 ", $status, " ", $reason, "\r\n")),)*
                _ => None,
            }
        }
    };
}

lines! {
    200 "OK",
    201 "Created",
    202 "Accepted",
    204 "No Content",
    301 "Moved Permanently",
    302 "Found",
    303 "See Other",
    304 "Not Modified",
    307 "Temporary Redirect",
    308 "Permanent Redirect",
    400 "Bad Request",
    401 "Unauthorized",
    402 "Payment Required",
    403 "Forbidden",
    404 "Not Found",
    405 "Method Not Allowed",
    406 "Not Acceptable",
    408 "Request Timeout",
    409 "Conflict",
    410 "Gone",
    411 "Length Required",
    412 "Precondition Failed",
    413 "Content Too Large",
    414 "URI Too Long",
    415 "Unsupported Media Type",
    417 "Expectation Failed",
    421 "Misdirected Request",
    422 "Unprocessable Content",
    425 "Too Early",
    426 "Upgrade Required",
    428 "Precondition Required",
    429 "Too Many Requests",
    431 "Request Header Fields Too Large",
    499 "Client Closed Request",
    500 "Internal Server Error",
    501 "Not Implemented",
    502 "Bad Gateway",
    503 "Service Unavailable",
    504 "Gateway Timeout",
    505 "HTTP Version Not Supported",
    507 "Insufficient Storage",
}
