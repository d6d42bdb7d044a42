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
        };
        while this.session.is_handshaking() {
            this.flush(writer).await?;
            if this.session.is_handshaking() && this.receive(reader).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
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

    /// Appends decrypted bytes to `inbox`; 0 is the end of the stream, announced or not. An answer that
    /// ends with the stream is only whole if the end was announced; callers that need the length know it
    /// from the head.
    ///
    /// # Errors
    /// The connection failed or the peer broke the protocol.
    pub async fn read(
        &mut self,
        inbox: &mut Vec<u8>,
        reader: &mut Reader,
        writer: &mut Writer,
    ) -> io::Result<usize> {
        loop {
            let before = inbox.len();
            match self.session.reader().read_to_end(inbox) {
                Ok(_) => return Ok(inbox.len() - before),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if inbox.len() > before {
                return Ok(inbox.len() - before);
            }
            let received = self.receive(reader).await?;
            // Key updates and alerts are answered here.
            self.flush(writer).await?;
            if received == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn receive(&mut self, reader: &mut Reader) -> io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.ciphertext);
        buffer.clear();
        buffer.reserve(RECORD_BYTES);
        let (result, buffer) = reader.read(buffer).await;
        let received = result?;
        let mut unread = &buffer[..];
        while !unread.is_empty() {
            self.session.read_tls(&mut unread)?;
            self.session
                .process_new_packets()
                .map_err(io::Error::other)?;
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
