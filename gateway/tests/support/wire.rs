//! A raw HTTP/1.1 client: sends any bytes, and reads answers strictly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long an answer may take.
const READ_WITHIN: Duration = Duration::from_secs(15);

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `HTTP/1.1`.
    pub(crate) version: String,
    /// E.g. 200.
    pub(crate) status: u16,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
    /// Without its framing.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The only header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is repeated: {self:?}");
        value
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?} {}", self.text()))
    }

    /// Whether the sender ends the connection after it.
    pub(crate) fn closes(&self) -> bool {
        let connection = self.header("connection").unwrap_or_default();
        connection.eq_ignore_ascii_case("close")
            || (self.version == "HTTP/1.0" && !connection.eq_ignore_ascii_case("keep-alive"))
    }
}

/// How the connection ended, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The other side closed in order.
    Closed,
    /// The other side reset it.
    Reset,
    /// It is still open after the given time.
    Open,
}

impl Wire {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream
            .set_read_timeout(Some(READ_WITHIN))
            .expect("a timeout");
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// If the other side does not take them.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("bytes are taken");
    }

    /// Sends bytes to a side that may have closed.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Ends the sending direction.
    pub(crate) fn shut(&self) {
        self.stream
            .shutdown(Shutdown::Write)
            .expect("an open connection");
    }

    /// The socket itself.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads one answer.
    pub(crate) fn answer(&mut self) -> Answer {
        self.read_answer(false)
    }

    /// Reads the answer to a HEAD request, which has no body whatever its headers say.
    pub(crate) fn answer_to_head(&mut self) -> Answer {
        self.read_answer(true)
    }

    /// Reads only an answer's head, e.g. of an event stream.
    pub(crate) fn head(&mut self) -> Answer {
        let head = self.read_until(b"\r\n\r\n");
        parse_head(&head)
    }

    /// Reads one chunk of a chunked body; empty at its end.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let line = self.read_until(b"\r\n");
        let size = std::str::from_utf8(&line[..line.len() - 2]).expect("a chunk size");
        let size = usize::from_str_radix(size, 16).expect("a hexadecimal chunk size");
        let mut data = self.read_exactly(size + 2);
        assert!(data.ends_with(b"\r\n"), "chunk data ends in CRLF");
        data.truncate(size);
        data
    }

    /// Reads to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.unread);
        self.stream
            .read_to_end(&mut rest)
            .expect("the end of the stream");
        rest
    }

    /// What comes within `time`: bytes, or the connection's end; `None` where nothing does.
    pub(crate) fn end_or_bytes(&mut self, time: Duration) -> Option<Vec<u8>> {
        if !self.unread.is_empty() {
            return Some(std::mem::take(&mut self.unread));
        }
        let mut buffer = [0; 4096];
        self.stream.set_read_timeout(Some(time)).expect("a timeout");
        let read = self.stream.read(&mut buffer);
        self.stream
            .set_read_timeout(Some(READ_WITHIN))
            .expect("a timeout");
        match read {
            Ok(count) => Some(buffer[..count].to_vec()),
            Err(error) if is_late(error.kind()) => None,
            Err(_) => Some(Vec::new()),
        }
    }

    /// Counts the bytes that still arrive before the connection ends, in whatever way.
    pub(crate) fn rest_or_reset(&mut self) -> usize {
        let mut count = std::mem::take(&mut self.unread).len();
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return count,
                Ok(more) => count += more,
                Err(error) if is_late(error.kind()) => panic!("the connection stays open"),
                Err(_) => return count,
            }
        }
    }

    /// Whether and how the connection ends within `time`, with nothing more sent on it.
    pub(crate) fn end(&mut self, time: Duration) -> End {
        assert!(
            self.unread.is_empty(),
            "unread: {:?}",
            String::from_utf8_lossy(&self.unread)
        );
        self.end_after_anything(time)
    }

    /// [`Self::end`], dropping what still arrives.
    pub(crate) fn end_after_anything(&mut self, time: Duration) -> End {
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        let end = loop {
            let left = time
                .saturating_sub(begun.elapsed())
                .max(Duration::from_millis(1));
            self.stream.set_read_timeout(Some(left)).expect("a timeout");
            match self.stream.read(&mut buffer) {
                Ok(0) => break End::Closed,
                Ok(_) => {}
                Err(error) if is_late(error.kind()) => break End::Open,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break End::Reset,
            }
        };
        self.stream
            .set_read_timeout(Some(READ_WITHIN))
            .expect("a timeout");
        end
    }

    fn read_answer(&mut self, is_head: bool) -> Answer {
        let mut answer = self.head();
        if is_head || matches!(answer.status, 100..=199 | 204 | 304) {
            return answer;
        }
        let coding = answer.header("transfer-encoding").map(str::to_owned);
        let length = answer
            .header("content-length")
            .map(|value| value.parse::<usize>().expect("a content length"));
        answer.body = match (coding.as_deref(), length) {
            (Some("chunked"), None) => self.read_chunks(),
            (None, Some(length)) => self.read_exactly(length),
            (None, None) => self.rest(),
            other => panic!("ambiguous framing {other:?}: {answer:?}"),
        };
        answer
    }

    fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return body;
            }
            body.extend_from_slice(&chunk);
        }
    }

    fn read_until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self
                .unread
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return self.unread.drain(..at + end.len()).collect();
            }
            self.read_more();
        }
    }

    fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count {
            self.read_more();
        }
        self.unread.drain(..count).collect()
    }

    fn read_more(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => panic!("the connection ended after {:?}", self.shown()),
            Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
            Err(error) => panic!("no answer ({error}) after {:?}", self.shown()),
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }
}

fn is_late(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn parse_head(head: &[u8]) -> Answer {
    let text = std::str::from_utf8(head).expect("a head is ASCII");
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut words = first.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok());
    assert!(
        version.starts_with("HTTP/1."),
        "no status line: {first:?} in {text:?}"
    );
    let header = |line: &str| {
        let (name, value) = line
            .split_once(':')
            .unwrap_or_else(|| panic!("no header: {line:?}"));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer {
        version: version.to_owned(),
        status: status.unwrap_or_else(|| panic!("no status: {first:?}")),
        headers: lines.map(header).collect(),
        body: Vec::new(),
    }
}
