//! Cuts the bytes of a connection into requests.
//!
//! Sans-I/O: shown the connection's buffer, it lends the next whole request or says what it is waiting
//! for. A request that arrived in one piece is parsed once and copied never.

use super::Scan;
use super::body::{BodyReader, Progress};
use super::head::{self, Head};
use crate::limits::UNREAD_BODY_BYTES_MAX;
use crate::refusal::Refusal;

/// What the buffer holds.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a box would cost every request an allocation to save a wait, which is rare, a move"
)]
pub enum Next<'a> {
    /// A whole request; call [`Framer::finish`] when done with it.
    Request {
        /// Its head.
        head: Head<'a>,
        /// Its body, decoded.
        body: &'a [u8],
        /// Where the next request begins in the buffer.
        end: usize,
    },
    /// A head whose body is large and not all there: shown once, so that a request that its head alone
    /// condemns is refused before more of it is read. Ask again to go on.
    Large {
        /// The head.
        head: Head<'a>,
    },
    /// Not enough.
    Waiting(Waiting),
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Everything: the connection is between two requests.
    Idle,
    /// The rest of a head.
    Head {
        /// Whether this is the first wait for it: its deadline begins now.
        begins: bool,
    },
    /// The rest of a body.
    Body {
        /// Whether this is the first wait for it: its deadline begins now.
        begins: bool,
        /// Whether the sender waits for `100 Continue`.
        say_continue: bool,
    },
}

/// Position within one connection's stream of requests.
#[derive(Debug)]
pub struct Framer {
    body_bytes_max: usize,
    scan: Scan,
    in_head: bool,
    partial: Option<Partial>,
}

/// A request whose head is complete and whose body is not.
#[derive(Debug)]
struct Partial {
    head_bytes: usize,
    reader: BodyReader,
    /// Bytes behind the head that the reader has used up.
    consumed: usize,
    /// Whether its sender waits for `100 Continue`.
    say_continue: bool,
    /// Whether a wait for it was told already.
    has_begun: bool,
    /// Whether it was shown as [`Next::Large`].
    was_shown: bool,
}

impl Partial {
    /// Whether its head is to be shown before the rest is read. Who asks before sending in chunks does not
    /// say how much: it counts as large, for a refusal costs it nothing.
    fn is_large(&self) -> bool {
        let asks = self.say_continue && self.reader.is_chunked();
        asks || self.reader.bytes_known() > UNREAD_BODY_BYTES_MAX
    }

    fn waiting(&mut self) -> Waiting {
        Waiting::Body {
            begins: !std::mem::replace(&mut self.has_begun, true),
            say_continue: std::mem::take(&mut self.say_continue),
        }
    }
}

impl Framer {
    /// At the start of a connection.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            body_bytes_max,
            scan: Scan::default(),
            in_head: false,
            partial: None,
        }
    }

    /// Whether a body is arriving, so that the next read should have room.
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        self.partial.is_some()
    }

    /// What `buffer` holds. It must begin where the last request ended, and have only grown since the
    /// last call (or been cut by [`Self::compact`]).
    ///
    /// # Errors
    /// The refusal to answer with; the connection must be closed after it.
    pub fn next<'a>(&'a mut self, buffer: &'a [u8]) -> Result<Next<'a>, Refusal> {
        if self.partial.is_some() {
            return self.go_on(buffer);
        }
        if buffer.is_empty() {
            return Ok(Next::Waiting(Waiting::Idle));
        }
        let Some(head) = head::parse(buffer, &mut self.scan)? else {
            let begins = !std::mem::replace(&mut self.in_head, true);
            return Ok(Next::Waiting(Waiting::Head { begins }));
        };
        let mut reader = BodyReader::new(head.framing, self.body_bytes_max)?;
        let arrived = &buffer[head.head_bytes..];
        let progress = reader.advance(arrived)?;
        let head_bytes = head.head_bytes;
        let partial = self.partial.insert(Partial {
            head_bytes,
            reader,
            consumed: 0,
            say_continue: head.expect_continue && arrived.is_empty(),
            has_begun: false,
            was_shown: false,
        });
        match progress {
            Progress::Done { consumed } => Ok(Next::Request {
                head,
                body: partial.reader.bytes(arrived),
                end: head_bytes + consumed,
            }),
            Progress::More { consumed, .. } => {
                partial.consumed = consumed;
                partial.was_shown = partial.is_large();
                Ok(if partial.was_shown {
                    Next::Large { head }
                } else {
                    Next::Waiting(partial.waiting())
                })
            }
        }
    }

    fn go_on<'a>(&'a mut self, buffer: &'a [u8]) -> Result<Next<'a>, Refusal> {
        let Some(partial) = &mut self.partial else {
            return Err(Refusal::Internal);
        };
        let arrived = &buffer[partial.head_bytes + partial.consumed..];
        match partial.reader.advance(arrived)? {
            Progress::More { consumed, .. } => {
                partial.consumed += consumed;
                if !partial.was_shown && partial.is_large() {
                    partial.was_shown = true;
                    let head = parse_again(buffer)?;
                    return Ok(Next::Large { head });
                }
                Ok(Next::Waiting(partial.waiting()))
            }
            Progress::Done { consumed } => Ok(Next::Request {
                end: partial.head_bytes + partial.consumed + consumed,
                head: parse_again(buffer)?,
                body: partial.reader.bytes(arrived),
            }),
        }
    }

    /// Drops what a body's reader has used up, so that a chunked body is not held twice.
    pub fn compact(&mut self, buffer: &mut Vec<u8>) {
        if let Some(partial) = &mut self.partial
            && partial.consumed > 0
        {
            buffer.drain(partial.head_bytes..partial.head_bytes + partial.consumed);
            partial.consumed = 0;
        }
    }

    /// Goes on to the next request.
    pub fn finish(&mut self) {
        self.partial = None;
        self.in_head = false;
        self.scan = Scan::default();
    }
}

/// The head of a request whose body came later: parsed again rather than kept, for it borrows the buffer,
/// which has moved since.
fn parse_again(buffer: &[u8]) -> Result<Head<'_>, Refusal> {
    head::parse(buffer, &mut Scan::default())?.ok_or(Refusal::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] = b"POST /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;e=1\r\nlo\r\n0\r\nt: v\r\n\r\n";
    const EMPTY: &[u8] = b"GET /c HTTP/1.1\r\nhost: x\r\n\r\n";

    /// Feeds `stream` in pieces of `step` bytes and gives path and body of each request.
    fn cut(stream: &[u8], step: usize) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        let (mut framer, mut buffer, mut found) = (Framer::new(100), Vec::new(), Vec::new());
        for piece in stream.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Next::Request { head, body, end } = framer.next(&buffer)? {
                found.push((head.target.path.to_owned(), body.to_vec()));
                framer.finish();
                buffer.drain(..end);
            }
            framer.compact(&mut buffer);
        }
        assert!(buffer.is_empty(), "left over: {buffer:?}");
        Ok(found)
    }

    #[test]
    fn any_split_gives_the_same_requests() {
        let stream = [PLAIN, CHUNKED, EMPTY, CHUNKED, PLAIN].concat();
        let expected: Vec<_> = [
            ("/a", "hello"),
            ("/b", "hello"),
            ("/c", ""),
            ("/b", "hello"),
            ("/a", "hello"),
        ]
        .map(|(path, body)| (path.to_owned(), body.as_bytes().to_vec()))
        .into();
        for step in 1..=stream.len() {
            assert_eq!(cut(&stream, step).unwrap(), expected, "pieces of {step}");
        }
    }

    #[test]
    fn one_byte_past_the_body_bound_is_refused() {
        let with = |length: usize| {
            format!(
                "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{}",
                "x".repeat(length)
            )
        };
        assert_eq!(cut(with(100).as_bytes(), 7).unwrap().len(), 1);
        assert_eq!(
            cut(with(101).as_bytes(), 7).unwrap_err(),
            Refusal::BodyTooLarge
        );
        let chunks = "32\r\n".to_owned()
            + &"x".repeat(50)
            + "\r\n33\r\n"
            + &"x".repeat(51)
            + "\r\n0\r\n\r\n";
        let stream =
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".to_owned() + &chunks;
        assert_eq!(
            cut(stream.as_bytes(), 7).unwrap_err(),
            Refusal::BodyTooLarge
        );
    }

    #[test]
    fn waits_begin_once_and_100_is_said_once() {
        let mut framer = Framer::new(100);
        let head =
            b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
        let waiting = |framer: &mut Framer, buffer: &[u8]| match framer.next(buffer) {
            Ok(Next::Waiting(waiting)) => waiting,
            other => panic!("{other:?}"),
        };
        assert_eq!(waiting(&mut framer, b""), Waiting::Idle);
        assert_eq!(
            waiting(&mut framer, &head[..9]),
            Waiting::Head { begins: true }
        );
        assert_eq!(
            waiting(&mut framer, &head[..10]),
            Waiting::Head { begins: false }
        );
        assert_eq!(
            waiting(&mut framer, head),
            Waiting::Body {
                begins: true,
                say_continue: true
            }
        );
        let more = [head.as_slice(), b"x"].concat();
        assert_eq!(
            waiting(&mut framer, &more),
            Waiting::Body {
                begins: false,
                say_continue: false
            }
        );
    }

    /// What the framer says of `buffer`, in a word, until it has nothing more to say of it.
    fn said(framer: &mut Framer, buffer: &[u8]) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match framer.next(buffer).unwrap() {
                Next::Large { head } => said.push(format!("large {}", head.target.path)),
                Next::Waiting(Waiting::Body { say_continue, .. }) => {
                    said.push(format!("waiting, continue {say_continue}"));
                    return said;
                }
                Next::Request { .. } => {
                    said.push("request".to_owned());
                    return said;
                }
                Next::Waiting(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_large_body_s_head_is_shown_once_before_it_is_read() {
        const MAX: usize = UNREAD_BODY_BYTES_MAX;
        let head = |lines: &str| format!("POST /a HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
        let length = |bytes: usize| head(&format!("content-length: {bytes}\r\n"));
        let chunked = |bytes: usize| {
            let data = "x".repeat(bytes);
            head("transfer-encoding: chunked\r\n") + &format!("{:x}\r\n{data}\r\n", bytes)
        };
        let waits = "waiting, continue false";
        for (request, expected) in [
            (length(MAX), vec![waits]),
            (length(MAX + 1), vec!["large /a", waits]),
            (chunked(MAX), vec![waits]),
            (chunked(MAX + 1), vec!["large /a", waits]),
            // One that came whole has been read already.
            (length(MAX + 1) + &"x".repeat(MAX + 1), vec!["request"]),
            (
                head("expect: 100-continue\r\ncontent-length: 9\r\n"),
                vec!["waiting, continue true"],
            ),
            (
                head("expect: 100-continue\r\ntransfer-encoding: chunked\r\n"),
                vec!["large /a", "waiting, continue true"],
            ),
        ] {
            let mut framer = Framer::new(MAX * 2);
            let shown = &request[..request.len().min(100)];
            assert_eq!(said(&mut framer, request.as_bytes()), expected, "{shown}");
            if expected.ends_with(&["request"]) {
                continue;
            }
            let again = said(&mut framer, request.as_bytes());
            assert_eq!(again, [waits], "once: {shown}");
        }
    }
}
