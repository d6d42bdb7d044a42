//! One connection to an upstream, plain or TLS, with its deadline.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;

use super::tls::TlsSession;
use crate::snapshot::upstream::Upstream;
use crate::worker::deadline::{Deadline, Deadlines};
use crate::worker::io::{self as runtime, Direction, Reader, Socket, Writer};

/// Spare room asked for before each read: most answers come whole in one.
const READ_BYTES: usize = 8 * 1024;

/// An open connection. Dropping it ends the socket, and with it whatever the upstream is still doing for
/// the call: that is how a caller's disconnect reaches the upstream.
pub struct Connection {
    /// Set by whoever waits on this connection.
    pub deadline: Rc<Deadline>,
    /// What has arrived and was not consumed.
    pub inbox: Vec<u8>,
    /// Monotonic nanoseconds at which it was put back into the pool.
    pub idle_since_ns: u64,
    reader: Reader,
    writer: Writer,
    tls: Option<Box<TlsSession>>,
}

impl Connection {
    /// Connects to one address and shakes hands where the upstream speaks TLS.
    ///
    /// # Errors
    /// As connect(2), or the TLS handshake failed.
    pub async fn open(
        upstream: &Upstream,
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
        deadlines: &Deadlines,
    ) -> io::Result<Self> {
        let (mut reader, mut writer) = Socket::connect(address).await?.split()?;
        let deadline = deadlines.watch(reader.descriptor());
        let tls = if upstream.tls {
            Some(Box::new(
                TlsSession::connect(tls, &upstream.host, &mut reader, &mut writer).await?,
            ))
        } else {
            None
        };
        Ok(Self {
            deadline,
            inbox: Vec::new(),
            idle_since_ns: 0,
            reader,
            writer,
            tls,
        })
    }

    /// Sends all of `bytes` and hands the buffer back for reuse.
    ///
    /// # Errors
    /// The connection failed, or its deadline passed.
    pub async fn write_all(&mut self, bytes: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        match &mut self.tls {
            None => self.writer.write_all(bytes).await,
            Some(tls) => (tls.write_all(&bytes, &mut self.writer).await, bytes),
        }
    }

    /// Appends what arrives to the inbox, with room for at least `want` bytes; 0 is the end.
    ///
    /// # Errors
    /// The connection failed, or its deadline passed.
    pub async fn read_more(&mut self, want: usize) -> io::Result<usize> {
        match &mut self.tls {
            None => {
                let mut inbox = std::mem::take(&mut self.inbox);
                inbox.reserve(want.max(READ_BYTES));
                let (result, inbox) = self.reader.read(inbox).await;
                self.inbox = inbox;
                result
            }
            Some(tls) => {
                tls.read(&mut self.inbox, &mut self.reader, &mut self.writer)
                    .await
            }
        }
    }

    /// Whether an idle connection is still good: open, and nothing unasked-for arrived. What an upstream
    /// sends behind an answer would otherwise be taken for the answer to the next caller.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.inbox.is_empty()
            && !self.tls.as_ref().is_some_and(|tls| tls.is_closed())
            && runtime::is_quiet(self.reader.descriptor())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A cancelled call leaves a read pending in the ring, which would keep the descriptor open until
        // the upstream sends something.
        self.deadline.expire(Direction::Both);
    }
}
