//! A fast REST upstream for measurements: `upstream [127.0.0.1:3010]`, one thread.
//!
//! Answers every request with a JSON order of about 500 bytes, or of as many as `?bytes=` asks for. It is
//! built from the gateway's own framing and runtime, so that it costs little beside what is measured.

use std::net::SocketAddr;

use stoa_gateway::http::framer::{Framer, Next};
use stoa_gateway::worker;
use stoa_gateway::worker::io::{self, AcceptStopper, Driver, Listener, Socket};

/// Bytes of an answer's body when none are asked for.
const ANSWER_BYTES: usize = 500;
/// Bytes of the largest answer.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

fn main() -> anyhow::Result<()> {
    let address: SocketAddr = std::env::args()
        .nth(1)
        .as_deref()
        .unwrap_or("127.0.0.1:3010")
        .parse()?;
    let socket = worker::bind(address, 1)?
        .pop()
        .ok_or_else(|| anyhow::anyhow!("no socket"))?;
    io::run(Driver::probe(), async move {
        let listener = Listener::new(socket)?;
        let (_stopper, handle) = AcceptStopper::new();
        loop {
            let (socket, _) = listener.accept(handle.clone()).await?;
            io::spawn(serve(socket));
        }
    })?
}

async fn serve(socket: Socket) {
    let Ok((mut reader, mut writer)) = socket.split() else {
        return;
    };
    let (mut framer, mut inbox, mut out) = (
        Framer::new(BODY_BYTES_MAX),
        Vec::with_capacity(8192),
        Vec::new(),
    );
    loop {
        loop {
            match framer.next(&inbox) {
                Ok(Next::Request { head, end, .. }) => {
                    answer(&mut out, head.target.query);
                    framer.finish();
                    inbox.drain(..end);
                }
                // Nobody is refused here.
                Ok(Next::Large { .. }) => {}
                Ok(Next::Waiting(_)) => break,
                Err(_) => return,
            }
        }
        if !out.is_empty() {
            let (written, buffer) = writer.write_all(out).await;
            out = buffer;
            out.clear();
            if written.is_err() {
                return;
            }
        }
        inbox.reserve(8192);
        let (read, buffer) = reader.read(inbox).await;
        inbox = buffer;
        if !matches!(read, Ok(1..)) {
            return;
        }
    }
}

fn answer(out: &mut Vec<u8>, query: Option<&str>) {
    let asked = query
        .and_then(|query| query.strip_prefix("bytes="))
        .and_then(|text| text.parse().ok());
    let bytes = asked.unwrap_or(ANSWER_BYTES).min(ANSWER_BYTES_MAX);
    let start = br#"{"order_id":"A-1001","customer":"Anna Berg","status":"open","total_cents":2580,"paid_cents":0,"note":""#;
    let end = br#""}"#;
    let filler = bytes.saturating_sub(start.len() + end.len());
    let length = start.len() + filler + end.len();
    out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ");
    out.extend_from_slice(length.to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(start);
    out.resize(out.len() + filler, b'x');
    out.extend_from_slice(end);
}
