//! The receiver of webhooks: where it listens, who may come in, how much it takes on.
//!
//! Owns: binding and its refusals, limits, graceful shutdown. Does not: know a wire format (a decoder is passed in) or
//! store (a sink is passed in).
//!
//! Invariant: an address that other hosts can reach is never bound without a token.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::auth::Gatekeeper;
use super::body::ByteBudget;
use super::connections::{Connections, Limits};
use super::routes::{self, Shared};
use crate::domain::id::SourceId;
use crate::engine::ports::{AlertDecoder, AlertSink, BoxFuture, OpenReceiver, ReceiverFactory, SourceError};

/// Everything that can be set about the receiver.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    /// What a sender has to know. Needed unless `listen` is a loopback address.
    pub token: Option<SecretString>,
    /// The source of deliveries to `/webhook/alertmanager`, whose path names none.
    pub default_source: SourceId,
    /// Largest body in bytes; a larger one is put aside.
    pub body_limit: usize,
    /// Bytes of bodies in flight over all connections; beyond it the answer is 503.
    pub in_flight_limit: usize,
    /// How long a request's header may take, and how long a connection may idle.
    pub header_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long storing may take before the sender is asked to send it again.
    pub commit_timeout: Duration,
    /// Connections at the same time; beyond it the answer is 503.
    pub max_connections: usize,
}

impl ReceiverConfig {
    /// The defaults: 4 MiB a body, 32 MiB in flight, 5 s for a header, 10 s for a body, 10 s for storing, 256 connections,
    /// no token.
    #[must_use]
    pub fn new(listen: SocketAddr, default_source: SourceId) -> Self {
        Self {
            listen,
            token: None,
            default_source,
            body_limit: 4 * 1024 * 1024,
            in_flight_limit: 32 * 1024 * 1024,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            commit_timeout: Duration::from_secs(10),
            max_connections: 256,
        }
    }
}

/// Why the receiver cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// Other hosts could deliver without a token.
    #[error("not listening on {0}: other hosts can reach this address and no token is set")]
    TokenNeeded(SocketAddr),
    /// The token would let everyone in.
    #[error("not listening on {0}: the token is empty")]
    TokenEmpty(SocketAddr),
    /// Someone else has the port.
    #[error("not listening on {0}: another program has this port, perhaps another aiops or a second Alertmanager")]
    PortInUse(SocketAddr),
    /// The system does not allow it.
    #[error("not listening on {0}: the system does not allow this port to this user")]
    Denied(SocketAddr),
    /// The address is not one of this host.
    #[error("not listening on {0}: this host does not have that address")]
    NotOurs(SocketAddr),
    /// Anything else.
    #[error("not listening on {0}: {1}")]
    Io(SocketAddr, io::Error),
}

impl ReceiverError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::TokenNeeded(address) => {
                format!("Set `receiver.token`, or listen on 127.0.0.1:{}", address.port())
            }
            Self::TokenEmpty(_) => "Give `receiver.token` a value, best 32 random characters or more".to_owned(),
            Self::PortInUse(address) => format!(
                "See who has it with `ss -ltnp sport = :{}`, stop that program or change `receiver.listen`",
                address.port()
            ),
            Self::Denied(_) => "Choose a port from 1024 on in `receiver.listen`".to_owned(),
            Self::NotOurs(_) => "Set `receiver.listen` to an address that `ip address` shows".to_owned(),
            Self::Io(..) => "Change `receiver.listen`, or remove the cause".to_owned(),
        }
    }

    fn from_io(address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse(address),
            io::ErrorKind::PermissionDenied => Self::Denied(address),
            io::ErrorKind::AddrNotAvailable => Self::NotOurs(address),
            _ => Self::Io(address, error),
        }
    }
}

/// A receiver at work. Dropping it cuts off requests in flight; [`Receiver::shutdown`] does not.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Listens, and hands every delivery to `sink`.
    ///
    /// # Errors
    /// When the address may not or cannot be listened on.
    pub async fn bind(
        config: ReceiverConfig,
        decoder: Arc<dyn AlertDecoder>,
        sink: Arc<dyn AlertSink>,
    ) -> Result<Self, ReceiverError> {
        let listen = config.listen;
        match &config.token {
            Some(token) if token.expose_secret().trim().is_empty() => return Err(ReceiverError::TokenEmpty(listen)),
            None if !listen.ip().to_canonical().is_loopback() => return Err(ReceiverError::TokenNeeded(listen)),
            Some(_) | None => {}
        }
        let listener = TcpListener::bind(listen).await.map_err(|error| ReceiverError::from_io(listen, error))?;
        let address = listener.local_addr().map_err(|error| ReceiverError::from_io(listen, error))?;
        let router = routes::router(Arc::new(Shared {
            sink,
            decoder,
            gatekeeper: Gatekeeper::new(config.token.as_ref()),
            budget: ByteBudget::new(config.in_flight_limit),
            default_source: config.default_source,
            body_limit: config.body_limit,
            body_timeout: config.body_timeout,
            commit_timeout: config.commit_timeout,
        }));
        let limits = Limits {
            connections: config.max_connections,
            header_timeout: config.header_timeout,
            farewell: config.header_timeout + config.body_timeout + config.commit_timeout,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(Connections::new(router, limits, stop.clone()).run(listener));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening at once and returns when the requests in flight are answered.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the receiver ended by an error of the program");
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl OpenReceiver for Receiver {
    fn place(&self) -> String {
        self.address.to_string()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.shutdown())
    }
}

/// Opens receivers that are all alike: one each time this process becomes the one that receives.
pub struct Receivers {
    config: ReceiverConfig,
    decoder: Arc<dyn AlertDecoder>,
}

impl Receivers {
    /// Receivers with this configuration whose bodies `decoder` reads.
    #[must_use]
    pub fn new(config: ReceiverConfig, decoder: Arc<dyn AlertDecoder>) -> Self {
        Self { config, decoder }
    }
}

impl ReceiverFactory for Receivers {
    fn open(&self, sink: Arc<dyn AlertSink>) -> BoxFuture<'_, Result<Box<dyn OpenReceiver>, SourceError>> {
        Box::pin(async move {
            match Receiver::bind(self.config.clone(), Arc::clone(&self.decoder), sink).await {
                Ok(receiver) => Ok(Box::new(receiver) as Box<dyn OpenReceiver>),
                Err(error) => Err(SourceError { what: error.to_string(), remedy: error.remedy() }),
            }
        })
    }
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
