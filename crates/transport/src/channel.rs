//! Frames over a channel: four bytes of length, big-endian, then the payload.

use quorate_intent::PublicKey;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsStream;

/// Largest frame in bytes.
pub const MAX_FRAME: usize = 16 << 20;
/// Longest wait for a connection, a handshake, or the rest of a frame that has begun.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// What can go wrong between two machines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The network.
    #[error("network: {0}")]
    Io(#[from] std::io::Error),
    /// TLS, or a peer whose key is not pinned.
    #[error("TLS: {0}")]
    Tls(String),
    /// Nothing came in time.
    #[error("{0} took longer than {n} s", n = TIMEOUT.as_secs())]
    Timeout(&'static str),
    /// The peer showed no identity key.
    #[error("the peer showed no identity key")]
    NoIdentity,
    /// A frame above [`MAX_FRAME`].
    #[error("a frame of {0} bytes; at most {MAX_FRAME} are allowed")]
    TooLarge(usize),
}

impl From<rustls::Error> for TransportError {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error.to_string())
    }
}

/// An open channel to one pinned identity.
pub struct Channel {
    peer: PublicKey,
    stream: TlsStream<TcpStream>,
}

/// The sending half.
pub struct Sender(WriteHalf<TlsStream<TcpStream>>);
/// The receiving half.
pub struct Receiver(ReadHalf<TlsStream<TcpStream>>);

impl Channel {
    pub(crate) fn new(peer: PublicKey, stream: TlsStream<TcpStream>) -> Self {
        Self { peer, stream }
    }

    /// Whose key the other side proved to have.
    pub fn peer(&self) -> PublicKey {
        self.peer
    }

    #[cfg(test)]
    pub(crate) fn into_stream(self) -> TlsStream<TcpStream> {
        self.stream
    }

    /// Two halves that work on their own.
    pub fn split(self) -> (Sender, Receiver) {
        let (read, write) = split(self.stream);
        (Sender(write), Receiver(read))
    }
}

impl Sender {
    /// Sends one frame.
    pub async fn send(&mut self, payload: &[u8]) -> Result<(), TransportError> {
        send_frame(&mut self.0, payload).await
    }
}

impl Receiver {
    /// Waits for the next frame, however long; `None` when the peer has closed the channel between two frames.
    /// A frame that has begun must be whole within the time-out.
    pub async fn receive(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        receive_frame(&mut self.0).await
    }
}

/// Sends one frame over any stream, within the time-out.
pub async fn send_frame(
    stream: &mut (impl AsyncWrite + Unpin),
    payload: &[u8],
) -> Result<(), TransportError> {
    if payload.len() > MAX_FRAME {
        return Err(TransportError::TooLarge(payload.len()));
    }
    let work = async {
        stream.write_all(&(payload.len() as u32).to_be_bytes()).await?;
        stream.write_all(payload).await?;
        stream.flush().await
    };
    timeout(TIMEOUT, work).await.map_err(|_| TransportError::Timeout("sending a frame"))??;
    Ok(())
}

/// Waits for a stream's next frame, as [`Receiver::receive`] does.
pub async fn receive_frame(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>, TransportError> {
    let mut header = [0u8; 4];
    if stream.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    let rest = async {
        stream.read_exact(&mut header[1..]).await?;
        let length = u32::from_be_bytes(header) as usize;
        if length > MAX_FRAME {
            return Err(TransportError::TooLarge(length));
        }
        // Grows with what really arrives, so that a false length costs the sender as much as us.
        let mut payload = Vec::with_capacity(length.min(64 << 10));
        let got = (&mut *stream).take(length as u64).read_to_end(&mut payload).await?;
        if got == length {
            Ok(payload)
        } else {
            Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
        }
    };
    let payload =
        timeout(TIMEOUT, rest).await.map_err(|_| TransportError::Timeout("receiving a frame"))??;
    Ok(Some(payload))
}
