//! A REST API in this process: records every request and answers as the test says, badly too.
//!
//! One thread a connection. Reads HTTP/1.1 with its own few lines, so that a malformed request of the
//! gateway is seen and not repaired.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::wait::until;

/// How long an API waits for a caller to go, in [`Ending::Silence`].
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A running API; ends on drop.
pub(crate) struct Api {
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

/// One request that the gateway sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// Which request of that connection it was, from 0.
    pub(crate) position: usize,
    /// E.g. `GET`.
    pub(crate) method: String,
    /// Path and query as they came.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The only header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is repeated: {self:?}");
        value
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// What an API answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    after: Duration,
    ending: Ending,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whole, and the connection stays open.
    KeepAlive,
    /// Whole, and the connection is closed without having said so.
    Close,
    /// Whole, in chunks of 7 bytes.
    Chunked,
    /// The head, half of the body, and the connection is closed.
    Half,
    /// The connection is closed without a byte.
    Nothing,
    /// Not a byte until the caller goes.
    Silence,
}

impl Reply {
    /// A JSON answer.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    /// An answer of any type.
    pub(crate) fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::empty(status, body.into()).header("content-type", content_type)
    }

    /// No answer at all.
    pub(crate) fn none(ending: Ending) -> Self {
        Self::empty(200, Vec::new()).ending(ending)
    }

    fn empty(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            after: Duration::ZERO,
            ending: Ending::KeepAlive,
        }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the first byte.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }

    /// Ends in another way.
    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Fixture\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.ending {
            Ending::Chunked => head.push_str("transfer-encoding: chunked\r\n\r\n"),
            // RFC 9110 section 8.6: no length with a status that has no content.
            _ if self.status == 204 => head.push_str("\r\n"),
            _ => head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len())),
        }
        head.into_bytes()
    }
}

type Answerer = dyn Fn(&Request) -> Reply + Send + Sync;

struct State {
    answer: Box<Answerer>,
    requests: Mutex<Vec<Request>>,
    /// When each connection was seen closed by the gateway, by connection.
    gone: Mutex<Vec<Option<Instant>>>,
    stopped: AtomicBool,
}

impl State {
    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().expect("no panic while locked")
    }

    fn gone(&self) -> MutexGuard<'_, Vec<Option<Instant>>> {
        self.gone.lock().expect("no panic while locked")
    }
}

impl Api {
    /// Starts an API on a free port of loopback.
    pub(crate) fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State {
            answer: Box::new(answer),
            requests: Mutex::default(),
            gone: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        let acceptor = std::thread::spawn(move || accept(&listener, &shared));
        Self {
            address,
            state,
            acceptor: Some(acceptor),
        }
    }

    /// Base URL, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state.requests().clone()
    }

    /// Waits for a request to a path.
    pub(crate) fn request_to(&self, path: &str) -> Request {
        until(&format!("a request to {path}"), || {
            self.requests()
                .into_iter()
                .find(|request| request.path() == path)
        })
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.gone().len()
    }

    /// When the gateway closed a connection.
    pub(crate) fn gone(&self, connection: usize) -> Option<Instant> {
        self.state.gone()[connection]
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor. Connections end when the gateway closes them.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for stream in listener.incoming() {
        if state.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let number = {
            let mut gone = state.gone();
            gone.push(None);
            gone.len() - 1
        };
        let state = Arc::clone(state);
        std::thread::spawn(move || {
            serve(stream, number, &state);
        });
    }
}

fn serve(mut stream: TcpStream, number: usize, state: &State) {
    let _ = stream.set_nodelay(true);
    let mut unread = Vec::new();
    for position in 0.. {
        let Some(mut request) = read_request(&mut stream, &mut unread) else {
            state.gone()[number] = Some(Instant::now());
            return;
        };
        (request.connection, request.position) = (number, position);
        let reply = (state.answer)(&request);
        state.requests().push(request);
        if !write_reply(&mut stream, &reply, number, state) {
            return;
        }
    }
}

/// Writes an answer; false when the connection is finished.
fn write_reply(stream: &mut TcpStream, reply: &Reply, number: usize, state: &State) -> bool {
    std::thread::sleep(reply.after);
    let half = &reply.body[..reply.body.len() / 2];
    let written = match reply.ending {
        Ending::Silence => {
            if has_gone(stream) {
                state.gone()[number] = Some(Instant::now());
            }
            return false;
        }
        Ending::Nothing => return false,
        Ending::Half => stream.write_all(&[&reply.head(), half].concat()),
        Ending::Chunked => write_chunks(stream, reply),
        Ending::Close | Ending::KeepAlive => {
            stream.write_all(&[&reply.head(), &reply.body[..]].concat())
        }
    };
    if written.is_err() {
        state.gone()[number] = Some(Instant::now());
        return false;
    }
    matches!(reply.ending, Ending::KeepAlive | Ending::Chunked)
}

fn write_chunks(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    stream.write_all(&reply.head())?;
    for chunk in reply.body.chunks(7) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
        stream.write_all(chunk)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}

/// Waits until the caller has gone; false when it stays.
fn has_gone(stream: &mut TcpStream) -> bool {
    let _ = stream.set_read_timeout(Some(SILENCE_MAX));
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(count) => count == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// The next request; `None` where the caller closed between two.
fn read_request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(stream, unread)?;
    };
    let head: Vec<u8> = unread.drain(..end).collect();
    let text = String::from_utf8(head).expect("the gateway writes ASCII heads");
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = first[..] else {
        panic!("no request line: {text:?}");
    };
    let header = |line: &str| {
        let (name, value) = line
            .split_once(':')
            .unwrap_or_else(|| panic!("no header: {line:?}"));
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let mut request = Request {
        connection: 0,
        position: 0,
        method: method.to_owned(),
        target: target.to_owned(),
        headers: lines.map(header).collect(),
        body: Vec::new(),
    };
    assert!(
        request.header("host").is_some(),
        "no Host header: {request:?}"
    );
    assert!(
        request.header("transfer-encoding").is_none(),
        "the gateway knows every length: {request:?}"
    );
    let length = request.header("content-length");
    let length: usize = length.map_or(0, |value| value.parse().expect("a length"));
    while unread.len() < length {
        read_more(stream, unread)?;
    }
    request.body = unread.drain(..length).collect();
    Some(request)
}

fn read_more(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(count) => {
            unread.extend_from_slice(&buffer[..count]);
            Some(())
        }
    }
}
