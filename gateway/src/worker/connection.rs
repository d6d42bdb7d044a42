//! One connection: read a request, exchange it for an answer, write the answer, again.
//!
//! Two buffers: the inbox holds the requests being worked on, and a second one is being read into
//! meanwhile (see [`super::ahead`]). Pipelined requests are answered in order, one at a time.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;

use super::ahead::{Raced, Read, race};
use super::census::Counted;
use super::core::Core;
use super::deadline::Deadline;
use super::io::{self, Direction, Reader, Socket, Writer};
use super::stream;
use crate::answer::Answer;
use crate::exchange::{self, Inbound};
use crate::http::framer::{Framer, Next, Waiting};
use crate::http::write::{self, Recipient, StreamFraming};
use crate::limits::{LINGER_BYTES_MAX, LINGER_MS_MAX};
use crate::refusal::Refusal;

/// Spare room for a read between requests. Small, because every idle connection holds it.
const READ_BYTES: usize = 4 * 1024;
/// Room for a read while a body is arriving.
const READ_BODY_BYTES: usize = 64 * 1024;
/// Above this, an answer's body is written by itself rather than copied behind its head.
const COPIED_BODY_BYTES_MAX: usize = 32 * 1024;
/// Bytes of a shared body that are copied and written at once: some 50 µs of a worker's time.
const SHARED_PIECE_BYTES: usize = 128 * 1024;
/// Requests after which a connection lets others run. Where reads and writes complete at once (epoll), a
/// caller that pipelines without pause would otherwise keep the worker to itself, its tick included.
const REQUESTS_PER_TURN: u32 = 64;

/// Takes a new connection: serves it in a task of its own, or says that there are too many.
pub fn accept(core: &Rc<Core>, socket: Socket, peer: SocketAddr) {
    let core = Rc::clone(core);
    match core.shared.census.enter(peer.ip()) {
        Ok(counted) => {
            let open = Open::new(core, counted);
            io::spawn(async move { serve(&open.core, socket, peer).await });
        }
        Err(refusal) => {
            core.counters.connections_refused.add(refusal.row().label);
            io::spawn(async move {
                let Ok((reader, writer)) = socket.split() else {
                    return;
                };
                let deadline = core.deadlines.watch(reader.descriptor());
                let mut outbox = Outbox {
                    core: &core,
                    writer,
                    deadline: &deadline,
                    buffer: Vec::new(),
                };
                outbox
                    .send(exchange::refuse_connection(refusal), Recipient::UNREADABLE)
                    .await;
            });
        }
    }
}

/// A connection as this worker counts it: from the accept, so that a drain waits for one that was not served
/// yet, to its end, however it ends.
struct Open {
    core: Rc<Core>,
    _counted: Counted,
}

impl Open {
    fn new(core: Rc<Core>, counted: Counted) -> Self {
        core.connections.set(core.connections.get() + 1);
        core.counters.connections_accepted.add(1);
        Self {
            core,
            _counted: counted,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.core.counters.connections_closed.add(1);
        self.core.connections.set(self.core.connections.get() - 1);
    }
}

/// What is to be done after the requests in the inbox were answered.
enum Step {
    /// The connection is finished.
    Close,
    /// A refusal was written; drop what else arrives for a moment, then close.
    Linger,
    /// More bytes arrived, or the stream ended.
    Read { read: Read, waiting: Waiting },
}

async fn serve(core: &Core, socket: Socket, peer: SocketAddr) {
    let Ok((mut reader, writer)) = socket.split() else {
        return;
    };
    let deadline = core.deadlines.watch(reader.descriptor());
    let mut outbox = Outbox {
        core,
        writer,
        deadline: &deadline,
        buffer: Vec::new(),
    };
    let mut framer = Framer::new(core.shared.limits.body_bytes_max);
    let mut inbox: Vec<u8> = Vec::new();
    let mut spare: Vec<u8> = Vec::new();
    let mut requests = 0u32;
    loop {
        spare.clear();
        spare.reserve(if framer.is_in_body() {
            READ_BODY_BYTES
        } else {
            READ_BYTES
        });
        let read = reader.read(std::mem::take(&mut spare));
        match step(
            core,
            peer,
            &mut outbox,
            &mut framer,
            &mut inbox,
            &mut requests,
            read,
        )
        .await
        {
            Step::Close => return,
            Step::Linger => return linger(&deadline, core, &mut reader).await,
            Step::Read {
                read: (Ok(1..), buffer),
                ..
            } => {
                core.counters.received_bytes.add(buffer.len() as u64);
                absorb(&mut inbox, buffer, &mut spare);
            }
            Step::Read { waiting, .. } => {
                if deadline.passed()
                    && let Some(refusal) = lateness(waiting)
                {
                    let answer = exchange::refuse_framing(core, refusal);
                    outbox.send(answer, Recipient::UNREADABLE).await;
                }
                return;
            }
        }
    }
}

/// Answers the requests that are whole, then waits for the read that was started before the first.
async fn step(
    core: &Core,
    peer: SocketAddr,
    outbox: &mut Outbox<'_>,
    framer: &mut Framer,
    inbox: &mut Vec<u8>,
    requests: &mut u32,
    read: impl Future<Output = Read>,
) -> Step {
    let mut read = pin!(read);
    let mut early = None;
    let mut consumed = 0;
    let waiting = loop {
        match framer.next(&inbox[consumed..]) {
            Ok(Next::Request { head, body, end }) => {
                let now = core.clock.now();
                outbox.deadline.set_idle(false);
                outbox.deadline.clear();
                *requests += 1;
                let last = *requests >= core.shared.limits.requests_per_connection_max;
                let mut recipient = Recipient::of(&head);
                let raced = {
                    let work = pin!(exchange::exchange(
                        core,
                        Inbound {
                            head: &head,
                            body,
                            peer,
                            now
                        }
                    ));
                    race(work, read.as_mut(), &mut early, outbox.deadline).await
                };
                let Raced::Done(answer) = raced else {
                    return Step::Close;
                };
                // Asked after the work: a drain that began meanwhile ends this connection too.
                recipient.keep_alive &= !last && !core.shared.phase.is_draining();
                if !outbox
                    .answer(answer, recipient, read.as_mut(), &mut early)
                    .await
                {
                    return Step::Close;
                }
                consumed += end;
                framer.finish();
                // Only who pipelines can keep a worker busy; a caller that waits for its answers yields by that.
                let pipelines = consumed < inbox.len() || early.is_some();
                if pipelines && requests.is_multiple_of(REQUESTS_PER_TURN) {
                    io::yield_now().await;
                }
            }
            Ok(Next::Large { head }) => {
                let recipient = Recipient::of(&head);
                let inbound = Inbound {
                    head: &head,
                    body: &[],
                    peer,
                    now: core.clock.now(),
                };
                if let Some(answer) = exchange::refuse_unread(core, inbound) {
                    outbox.send(answer, recipient).await;
                    return Step::Linger;
                }
            }
            Ok(Next::Waiting(waiting)) => break waiting,
            Err(refusal) => {
                outbox
                    .send(
                        exchange::refuse_framing(core, refusal),
                        Recipient::UNREADABLE,
                    )
                    .await;
                return Step::Linger;
            }
        }
    };
    if matches!(
        waiting,
        Waiting::Body {
            say_continue: true,
            ..
        }
    ) && !outbox.say_continue().await
    {
        return Step::Close;
    }
    release(inbox, consumed, framer);
    set_deadline(outbox.deadline, core, waiting);
    let read = match early.take() {
        Some(read) => read,
        None => read.await,
    };
    Step::Read { read, waiting }
}

/// Gives back what the answered requests held, before the wait for the next one: a connection may be idle for
/// a minute, and one large request must not keep its memory for that long.
fn release(inbox: &mut Vec<u8>, consumed: usize, framer: &mut Framer) {
    inbox.drain(..consumed);
    framer.compact(inbox);
    if inbox.is_empty() && inbox.capacity() > READ_BODY_BYTES {
        *inbox = Vec::new();
    }
}

/// Puts what was read behind what is there; without a copy in the usual case of an empty inbox.
fn absorb(inbox: &mut Vec<u8>, buffer: Vec<u8>, spare: &mut Vec<u8>) {
    if inbox.is_empty() {
        *spare = std::mem::replace(inbox, buffer);
        // One large request must not keep its memory for as long as the connection lives.
        if spare.capacity() > READ_BODY_BYTES {
            *spare = Vec::new();
        }
    } else {
        inbox.extend_from_slice(&buffer);
        *spare = buffer;
    }
}

/// A deadline holds from the moment its wait begins: a caller that sends a byte now and then does not
/// move it.
fn set_deadline(deadline: &Deadline, core: &Core, waiting: Waiting) {
    let limits = &core.shared.limits;
    let now = core.clock.recent();
    deadline.set_idle(waiting == Waiting::Idle);
    match waiting {
        Waiting::Idle => deadline.set(now, limits.idle_timeout_ms, Direction::Read),
        Waiting::Head { begins: true } => {
            deadline.set(now, limits.head_timeout_ms, Direction::Read)
        }
        Waiting::Body { begins: true, .. } => {
            deadline.set(now, limits.body_timeout_ms, Direction::Read)
        }
        Waiting::Head { .. } | Waiting::Body { .. } => {}
    }
}

fn lateness(waiting: Waiting) -> Option<Refusal> {
    match waiting {
        Waiting::Idle => None,
        Waiting::Head { .. } => Some(Refusal::HeadTimeout),
        Waiting::Body { .. } => Some(Refusal::BodyTimeout),
    }
}

/// Closing with unread bytes resets the connection, and the caller may lose the answer that says why.
async fn linger(deadline: &Deadline, core: &Core, reader: &mut Reader) {
    deadline.set(core.clock.now(), LINGER_MS_MAX, Direction::Both);
    io::shutdown(reader.descriptor(), Direction::Write);
    let mut buffer = Vec::with_capacity(READ_BODY_BYTES);
    let mut dropped = 0;
    while dropped < LINGER_BYTES_MAX {
        buffer.clear();
        let (result, used) = reader.read(buffer).await;
        buffer = used;
        match result {
            Ok(bytes @ 1..) => dropped += bytes,
            _ => return,
        }
    }
}

/// Where answers leave: one write for each, with a deadline for a reader that has stopped.
pub(super) struct Outbox<'a> {
    pub(super) core: &'a Core,
    pub(super) writer: Writer,
    pub(super) deadline: &'a Deadline,
    pub(super) buffer: Vec<u8>,
}

impl Outbox<'_> {
    /// Writes an answer, stream included; false when the connection is finished.
    async fn answer(
        &mut self,
        mut answer: Answer,
        recipient: Recipient,
        read: Pin<&mut impl Future<Output = Read>>,
        early: &mut Option<Read>,
    ) -> bool {
        let Some(subscription) = answer.stream.take() else {
            return self.send(answer, recipient).await;
        };
        self.buffer.clear();
        let date = self.core.date();
        let head =
            write::begin(&mut self.buffer, answer.status, recipient, &date).lines(&answer.headers);
        let framing = head.stream(answer.content_type);
        if self.flush().await && framing != StreamFraming::Absent {
            stream::run(self, *subscription, framing, read, early).await;
        }
        false
    }

    /// Writes head and body; false when the connection is finished.
    async fn send(&mut self, answer: Answer, mut recipient: Recipient) -> bool {
        recipient.keep_alive &= !answer.close;
        let apart = answer.body.len() > COPIED_BODY_BYTES_MAX && !recipient.is_head;
        self.buffer.clear();
        let date = self.core.date();
        let head =
            write::begin(&mut self.buffer, answer.status, recipient, &date).lines(&answer.headers);
        if let Some(shared) = &answer.shared {
            head.body_apart(answer.content_type, shared.len());
            let written = self.flush().await && (recipient.is_head || self.pieces(shared).await);
            return written && recipient.keep_alive;
        }
        match answer.content_type {
            "" => head.no_body(),
            content_type if apart => head.body_apart(content_type, answer.body.len()),
            content_type => head.body(content_type, &answer.body),
        }
        if !self.flush().await {
            return false;
        }
        if apart {
            let (written, _) = self.write(answer.body).await;
            return written && recipient.keep_alive;
        }
        self.core.buffers.give_back(answer.body);
        recipient.keep_alive
    }

    /// Writes a body that is not ours to give away: piece by piece, each copied, with others served between
    /// two of them. The reader has as long for all of them as for any answer.
    async fn pieces(&mut self, body: &[u8]) -> bool {
        let limit_us = self.core.shared.limits.write_timeout_ms * 1_000;
        let begun = self.core.clock.now();
        for piece in body.chunks(SHARED_PIECE_BYTES) {
            self.buffer.clear();
            self.buffer.extend_from_slice(piece);
            let late = self.core.clock.now().micros_since(begun) > limit_us;
            if late || !self.flush().await {
                return false;
            }
            if piece.len() == SHARED_PIECE_BYTES {
                io::yield_now().await;
            }
        }
        self.buffer = Vec::new();
        true
    }

    async fn say_continue(&mut self) -> bool {
        self.buffer.clear();
        self.buffer.extend_from_slice(write::continue_100());
        self.flush().await
    }

    /// Writes what is in the buffer; false when the peer is gone or stopped reading for too long.
    pub(super) async fn flush(&mut self) -> bool {
        let bytes = std::mem::take(&mut self.buffer);
        let (written, buffer) = self.write(bytes).await;
        self.buffer = buffer;
        written
    }

    async fn write(&mut self, bytes: Vec<u8>) -> (bool, Vec<u8>) {
        let limits = &self.core.shared.limits;
        self.deadline.set(
            self.core.clock.recent(),
            limits.write_timeout_ms,
            Direction::Both,
        );
        self.core.counters.sent_bytes.add(bytes.len() as u64);
        let (result, bytes) = self.writer.write_all(bytes).await;
        self.deadline.clear();
        (result.is_ok(), bytes)
    }
}

#[cfg(test)]
#[allow(
    clippy::disallowed_methods,
    reason = "threads of tests may sleep and read the clock"
)]
mod tests;
