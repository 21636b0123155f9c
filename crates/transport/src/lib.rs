//! Transport: authenticated channels between machines.
//!
//! For: TLS 1.3 between identity keys that are pinned on both sides (raw public keys, RFC 7250: no certificates, no
//! names, no authorities), and length-prefixed frames with caps and time-outs. Protocol messages are signed and sealed
//! on their own (docs/spec §1.3); this layer keeps strangers out and traffic private.
//! Not for: what the frames mean.
#![forbid(unsafe_code)]

mod channel;
mod pin;

pub use channel::{Channel, MAX_FRAME, Receiver, Sender, TransportError, receive_frame, send_frame};

use channel::TIMEOUT;
use pin::{Pins, certified_key};
use quorate_intent::PublicKey;
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::pki_types::ServerName;
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::{ClientConfig, ServerConfig};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// This machine's end of every channel.
#[derive(Clone)]
pub struct Endpoint {
    key: Arc<rustls::sign::CertifiedKey>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl Endpoint {
    /// Uses the identity key for TLS too. The TLS stack keeps its own copy of the key for the life of the process.
    pub fn new(identity: &ed25519_dalek::SigningKey) -> Result<Self, TransportError> {
        Ok(Self {
            key: Arc::new(certified_key(identity)?),
            provider: Arc::new(rustls::crypto::ring::default_provider()),
        })
    }

    /// Connects to `address` and accepts nobody but `peer` there.
    pub async fn connect(&self, address: &str, peer: PublicKey) -> Result<Channel, TransportError> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pins::new([peer], &self.provider)))
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::clone(
                &self.key,
            ))));
        let tcp = within("connecting", TcpStream::connect(address)).await?;
        tcp.set_nodelay(true)?;
        // The name is not used: the key is the identity.
        let name = ServerName::try_from("quorate").map_err(|_| TransportError::Tls("server name".into()))?;
        let stream = within("TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await?;
        Ok(Channel::new(peer, stream.into()))
    }

    /// Takes an incoming connection and accepts nobody but `peers`.
    pub async fn accept(
        &self,
        tcp: TcpStream,
        peers: impl IntoIterator<Item = PublicKey>,
    ) -> Result<Channel, TransportError> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(Pins::new(peers, &self.provider)))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&self.key))));
        tcp.set_nodelay(true)?;
        let stream = within("TLS handshake", TlsAcceptor::from(Arc::new(config)).accept(tcp)).await?;
        let peer = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let peer = peer.and_then(|spki| pin::key_of(spki)).ok_or(TransportError::NoIdentity)?;
        Ok(Channel::new(peer, stream.into()))
    }
}

async fn within<T>(
    what: &'static str,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, TransportError> {
    match timeout(TIMEOUT, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(TransportError::Timeout(what)),
    }
}

#[cfg(test)]
mod tests;
