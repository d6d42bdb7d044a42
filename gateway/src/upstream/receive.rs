//! Reading an upstream's answer into its connection's buffer, whole and bounded.

use std::ops::Range;
use std::rc::Rc;

use super::connection::Connection;
use super::pool::Pool;
use super::{Fault, Outbound};
use crate::adapter::rest::Reply;
use crate::http::Scan;
use crate::http::body::{BodyFault, BodyReader, Progress};
use crate::http::response::{self, ResponseHead};
use crate::limits;
use crate::worker::clock::Now;
use crate::worker::core::Core;
use crate::worker::io::Direction;

/// Used-up bytes of a chunked answer are dropped from the buffer in steps of this size.
const COMPACT_BYTES: usize = 64 * 1024;

/// A whole answer, still in its connection's buffer.
pub struct Received {
    connection: Connection,
    pool: Rc<Pool>,
    head: Kept,
    reader: Option<BodyReader>,
    /// Where the part of the body that the reader has not gathered lies.
    body: Range<usize>,
}

/// What is kept of a head after its bytes have moved.
struct Kept {
    status: u16,
    keep_alive: bool,
    head_bytes: usize,
    content_type: Option<Range<usize>>,
}

impl Kept {
    fn of(head: &ResponseHead<'_>, inbox: &[u8]) -> Self {
        let content_type = head.content_type.map(|value| {
            let start = value.as_ptr() as usize - inbox.as_ptr() as usize;
            start..start + value.len()
        });
        Self {
            status: head.status,
            keep_alive: head.keep_alive,
            head_bytes: head.head_bytes,
            content_type,
        }
    }
}

impl Received {
    /// The answer, for the adapter.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        let inbox = &self.connection.inbox;
        let rest = &inbox[self.body.clone()];
        Reply {
            status: self.head.status,
            content_type: self.head.content_type.clone().map(|range| &inbox[range]),
            body: self
                .reader
                .as_ref()
                .map_or(&[][..], |reader| reader.bytes(rest)),
            truncated: self.reader.is_none(),
        }
    }

    /// Whether the status says that the upstream itself (or a proxy before it) is at fault.
    #[must_use]
    pub fn is_upstream_fault(&self) -> bool {
        matches!(self.head.status, 502..=504)
    }

    /// For an answer that came before the whole request was sent: its connection is of no further use.
    pub(super) fn on_a_lost_connection(mut self) -> Self {
        self.head.keep_alive = false;
        self
    }

    /// Whether the upstream gave up waiting for a request (RFC 9110 section 15.5.9), which says something of
    /// the connection and nothing of the call.
    pub(super) fn gave_up_waiting(&self) -> bool {
        self.head.status == 408
    }

    /// Puts the connection back for the next call, where it can be used again.
    pub fn finish(mut self, now: Now) {
        if self.head.keep_alive && self.reader.is_some() {
            self.connection.inbox.drain(..self.body.end);
            self.pool.put(self.connection, now);
        }
    }
}

/// Reads one answer. A body beyond [`limits::UPSTREAM_BODY_BYTES_MAX`] ends the connection and is
/// reported as truncated, because half a JSON document helps nobody.
pub(super) async fn receive(
    core: &Core,
    mut connection: Connection,
    pool: Rc<Pool>,
    call: &Outbound<'_>,
) -> Result<Received, Fault> {
    let is_head = call.operation.head_only;
    let mut scan = Scan::default();
    let (kept, framing) = loop {
        if let Some(head) =
            response::parse(&connection.inbox, &mut scan, is_head).map_err(|_| Fault::Broken)?
        {
            if head
                .content_encoding
                .is_some_and(|coding| !coding.eq_ignore_ascii_case(b"identity"))
            {
                // We asked for identity; what we cannot read is a broken answer.
                return Err(Fault::Broken);
            }
            break (Kept::of(&head, &connection.inbox), head.framing);
        }
        if more(core, &mut connection, call, 1).await? != Arrived::Bytes {
            return Err(if connection.inbox.is_empty() {
                Fault::Closed
            } else {
                Fault::Broken
            });
        }
    };
    let Ok(reader) = BodyReader::new(framing, limits::UPSTREAM_BODY_BYTES_MAX) else {
        return Ok(Received {
            connection,
            pool,
            head: kept,
            reader: None,
            body: 0..0,
        });
    };
    body(core, connection, pool, call, kept, reader).await
}

async fn body(
    core: &Core,
    mut connection: Connection,
    pool: Rc<Pool>,
    call: &Outbound<'_>,
    mut head: Kept,
    mut reader: BodyReader,
) -> Result<Received, Fault> {
    let mut start = head.head_bytes;
    loop {
        let missing = match reader.advance(&connection.inbox[start..]) {
            Ok(Progress::Done { consumed }) => {
                let body = start..start + consumed;
                return Ok(Received {
                    connection,
                    pool,
                    head,
                    reader: Some(reader),
                    body,
                });
            }
            Ok(Progress::More { consumed, missing }) => {
                start += consumed;
                missing
            }
            Err(BodyFault::TooLarge) => {
                return Ok(Received {
                    connection,
                    pool,
                    head,
                    reader: None,
                    body: 0..0,
                });
            }
            Err(BodyFault::Malformed(_)) => return Err(Fault::Broken),
        };
        if start - head.head_bytes >= COMPACT_BYTES {
            connection.inbox.drain(head.head_bytes..start);
            start = head.head_bytes;
        }
        match more(core, &mut connection, call, missing).await? {
            Arrived::Bytes => {}
            Arrived::End if reader.ends_with_connection() => {
                head.keep_alive = false;
                return Ok(Received {
                    connection,
                    pool,
                    head,
                    reader: Some(reader),
                    body: start..start,
                });
            }
            // Half an answer is none: cut off, it may mean something else.
            Arrived::End | Arrived::Cut => return Err(Fault::Broken),
        }
    }
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    Bytes,
    /// The upstream ended the stream in order.
    End,
    /// A reset, or an end of TLS that was not announced: nobody knows what is missing.
    Cut,
}

/// One read, bounded by the idle time and by what is left of the call's time.
async fn more(
    core: &Core,
    connection: &mut Connection,
    call: &Outbound<'_>,
    missing: usize,
) -> Result<Arrived, Fault> {
    if !connection.inbox.is_empty() {
        let now = core.clock.now();
        let spent_ms = now.mono_ns.saturating_sub(call.now.mono_ns) / 1_000_000;
        let left_ms = call.timeout_ms.saturating_sub(spent_ms);
        connection.deadline.set(
            now,
            left_ms.min(core.shared.limits.fixed.upstream_idle_ms),
            Direction::Both,
        );
    }
    let read = connection.read_more(missing).await;
    if connection.deadline.passed() {
        return Err(Fault::Timeout);
    }
    Ok(match read {
        Ok(1..) => Arrived::Bytes,
        Ok(0) => Arrived::End,
        Err(_) => Arrived::Cut,
    })
}
