//! Accepting connections and serving each one, within limits.
//!
//! Owns: the number of connections, the time for a header, the end of all of it. Does not: look at a request.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a connection beyond the limit is told before it is closed.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How many connections beyond the limit are told so at the same time; more are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// How long a connection beyond the limit may take to hear the answer.
const TURN_AWAY_WITHIN: Duration = Duration::from_millis(250);

/// How long to wait when the system gives no connection (no file descriptors left, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Largest header in bytes, and how much of a body is read ahead.
const READ_BUFFER: usize = 64 * 1024;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at the same time.
    pub(super) connections: usize,
    /// Time for a header, and for idling before the next one.
    pub(super) header_timeout: Duration,
    /// Time that requests in flight have to end at shutdown.
    pub(super) farewell: Duration,
}

/// Accepts connections and serves them until it is told to stop.
pub(super) struct Connections {
    router: Router,
    limits: Limits,
    stop: CancellationToken,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    open: JoinSet<()>,
}

impl Connections {
    pub(super) fn new(router: Router, limits: Limits, stop: CancellationToken) -> Self {
        Self {
            router,
            limits,
            stop,
            places: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            refusals: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            open: JoinSet::new(),
        }
    }

    /// Runs until told to stop, then until the requests in flight are answered or their time is up.
    pub(super) async fn run(mut self, listener: TcpListener) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(_) = self.open.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream),
                    Err(error) => {
                        tracing::warn!(%error, "no connection could be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let ended = async { while self.open.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.farewell, ended).await.is_err() {
            tracing::warn!("connections were cut off because they did not end in time");
        }
    }

    fn admit(&mut self, stream: TcpStream) {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let serving = serve(stream, self.router.clone(), self.limits.header_timeout, self.stop.clone());
            self.open.spawn(async move {
                serving.await;
                drop(place);
            });
        } else if let Ok(refusal) = Arc::clone(&self.refusals).try_acquire_owned() {
            self.open.spawn(async move {
                // Whether the sender hears it or not, it sends again.
                let _ = tokio::time::timeout(TURN_AWAY_WITHIN, turn_away(stream)).await;
                drop(refusal);
            });
        }
    }
}

async fn serve(stream: TcpStream, router: Router, header_timeout: Duration, stop: CancellationToken) {
    let service = TowerToHyperService::new(router);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(READ_BUFFER);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers without reading a request first, then reads until the sender closes: closing with bytes unread would reset the
/// connection and take the answer with it.
async fn turn_away(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(FULL).await?;
    stream.shutdown().await?;
    let mut sink = [0; 4096];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}
