//! TLS to an upstream: rustls over owned buffers.
//!
//! rustls does the protocol; this file moves bytes between its queues and the socket. Its unbuffered API
//! is not used: it is gone from the next rustls line.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::worker::io::{Reader, Writer};

/// Bytes asked from the socket at a time: one TLS record and its overhead.
const RECORD_BYTES: usize = 17 * 1024;

/// One TLS session.
#[derive(Debug)]
pub struct TlsSession {
    session: ClientConnection,
    ciphertext: Vec<u8>,
    /// The peer has announced the end of its stream.
    is_closed: bool,
}

impl TlsSession {
    /// Shakes hands.
    ///
    /// # Errors
    /// The name is not one that a certificate can carry, the certificate does not verify, or the
    /// connection failed.
    pub async fn connect(
        config: &Arc<ClientConfig>,
        host: &str,
        reader: &mut Reader,
        writer: &mut Writer,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut this = Self {
            session,
            ciphertext: Vec::with_capacity(RECORD_BYTES),
            is_closed: false,
        };
        let mut early = Vec::new();
        while this.session.is_handshaking() {
            this.flush(writer).await?;
            if this.session.is_handshaking() && this.receive(&mut early, reader).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !early.is_empty() || this.is_closed {
            return Err(io::Error::other("the upstream answers before it is asked"));
        }
        this.flush(writer).await?;
        Ok(this)
    }

    /// Encrypts and sends all of `plaintext`.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn write_all(&mut self, plaintext: &[u8], writer: &mut Writer) -> io::Result<()> {
        self.session.set_buffer_limit(None);
        self.session.writer().write_all(plaintext)?;
        self.flush(writer).await
    }

    /// Appends decrypted bytes to `inbox`; 0 is the end of the stream, as the peer announced it. One that is
    /// not announced is an error, because anyone on the way could have cut the stream there.
    ///
    /// # Errors
    /// The connection failed, ended without an announcement, or the peer broke the protocol.
    pub async fn read(
        &mut self,
        inbox: &mut Vec<u8>,
        reader: &mut Reader,
        writer: &mut Writer,
    ) -> io::Result<usize> {
        let before = inbox.len();
        while inbox.len() == before && !self.is_closed {
            if self.receive(inbox, reader).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Key updates are answered here.
            self.flush(writer).await?;
        }
        Ok(inbox.len() - before)
    }

    /// Whether the peer has announced the end of its stream.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// One read from the socket. What it decrypts to is taken out record by record: the session holds a
    /// bounded amount and fails beyond it.
    async fn receive(&mut self, inbox: &mut Vec<u8>, reader: &mut Reader) -> io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.ciphertext);
        buffer.clear();
        buffer.reserve(RECORD_BYTES);
        let (result, buffer) = reader.read(buffer).await;
        let received = result?;
        let mut unread = &buffer[..];
        // After the announced end the session takes nothing more; what a peer sends behind it is dropped.
        while !unread.is_empty() && self.session.read_tls(&mut unread)? > 0 {
            let state = self
                .session
                .process_new_packets()
                .map_err(io::Error::other)?;
            self.is_closed |= state.peer_has_closed();
            match self.session.reader().read_to_end(inbox) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        self.ciphertext = buffer;
        Ok(received)
    }

    async fn flush(&mut self, writer: &mut Writer) -> io::Result<()> {
        while self.session.wants_write() {
            let mut outbound = Vec::with_capacity(RECORD_BYTES);
            while self.session.wants_write() {
                self.session.write_tls(&mut outbound)?;
            }
            let (result, _) = writer.write_all(outbound).await;
            result?;
        }
        Ok(())
    }
}
