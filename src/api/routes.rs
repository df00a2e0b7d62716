//! The paths of the receiver and what each delivery is answered with.
//!
//! Alertmanager sends again after 5xx and after network errors only; 4xx and 429 drop the delivery for ever. So 4xx is for what
//! can never become a delivery (wrong path, method or token), everything that may work later is a 503, and what cannot
//! be read is put aside and answered with 202, since sending it again would not help.
//!
//! Invariant: 200 and 202 are answered after the sink has said that it is stored, never before.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::auth::{Entry, Gatekeeper};
use super::body::{self, Arrived, BodyFailure, ByteBudget};
use crate::domain::id::SourceId;
use crate::engine::ports::{AlertDecoder, AlertSink, DecodeError, Delivery, SinkError, TurnedAway};

/// Bodies above this are decoded off the threads that serve connections; 64 KiB take about a third of a millisecond.
const DECODE_INLINE: usize = 64 * 1024;

/// Longest name of a source in a path.
const MAX_SOURCE_NAME: usize = 64;

/// So much of a wrong path is told, in bytes.
pub(super) const MAX_PATH: usize = 100;

/// What every request needs.
pub(super) struct Shared {
    pub(super) sink: Arc<dyn AlertSink>,
    pub(super) decoder: Arc<dyn AlertDecoder>,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) budget: ByteBudget,
    /// The source of deliveries whose path names none.
    pub(super) default_source: SourceId,
    pub(super) body_limit: usize,
    pub(super) body_timeout: Duration,
    pub(super) commit_timeout: Duration,
}

/// The receiver's paths.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/webhook/alertmanager", post(deliver_default))
        .route("/webhook/alertmanager/{source}", post(deliver_named))
        .fallback(nothing_here)
        .with_state(shared)
}

/// What is posted elsewhere is most likely an alert whose sender has a wrong address: somebody has to see that.
async fn nothing_here(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() == Method::POST {
        if let Some(refusal) = refuse_entry(&shared, request.headers()).await {
            return refusal;
        }
        let path = request.uri().path();
        let path = path[..path.floor_char_boundary(MAX_PATH)].to_owned();
        shared.sink.turned_away(shared.default_source.clone(), TurnedAway::WrongPath { path }).await;
    }
    (StatusCode::NOT_FOUND, "There is nothing here. Deliver to /webhook/alertmanager.\n").into_response()
}

/// A 503 that asks the sender to come back.
pub(super) fn unavailable(text: &str) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n")).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

async fn deliver_default(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let source = shared.default_source.clone();
    deliver(&shared, source, request).await
}

async fn deliver_named(State(shared): State<Arc<Shared>>, Path(name): Path<String>, request: Request) -> Response {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > MAX_SOURCE_NAME || !name.bytes().all(valid) {
        let text = "The name of a source has 1 to 64 of the characters A-Z a-z 0-9 . _ -\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    deliver(&shared, SourceId(name), request).await
}

async fn deliver(shared: &Shared, source: SourceId, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = refuse_entry(shared, &parts.headers).await {
        return refusal;
    }
    let arrived = body::read(&parts.headers, body, shared.body_limit, shared.body_timeout, &shared.budget).await;
    let (stored, _held) = match arrived {
        Ok(Arrived::Whole(bytes, held)) => (take_in(shared, source, bytes).await, held),
        Ok(Arrived::TooLarge { head, length, reservation }) => {
            let reason = format!("it is too large: {length} bytes, the limit is {}", shared.body_limit);
            (put_aside(shared, source, head, reason).await, reservation)
        }
        Err(BodyFailure::Overloaded) => return unavailable("Too many bytes are in flight; send it again."),
        Err(BodyFailure::TooSlow) => return unavailable("The body did not arrive in time; send it again."),
        Err(BodyFailure::Broken) => return unavailable("The body broke off; send it again."),
    };
    match stored {
        Ok(Stored::Alerts) => StatusCode::OK.into_response(),
        Ok(Stored::Aside) => (StatusCode::ACCEPTED, "Put aside: it could not be read.\n").into_response(),
        Err(error) => unavailable(&error.to_string()),
    }
}

/// Turns away who may not deliver, before the body is read.
async fn refuse_entry(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    // A web page could post to a loopback port from the browser of whoever visits it; no alert source sends `Origin`.
    if headers.contains_key(header::ORIGIN) {
        return Some((StatusCode::FORBIDDEN, "Web pages may not deliver alerts.\n").into_response());
    }
    let reason = match shared.gatekeeper.check(headers) {
        Entry::Granted => return None,
        Entry::Missing => TurnedAway::NoToken,
        Entry::Wrong => TurnedAway::WrongToken,
    };
    shared.sink.turned_away(shared.default_source.clone(), reason).await;
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"aiops\", Basic realm=\"aiops\"")];
    let text = "The token of this receiver is needed, as bearer token or as basic password.\n";
    Some((StatusCode::UNAUTHORIZED, challenge, text).into_response())
}

/// What became of a body.
enum Stored {
    /// Its alerts are stored.
    Alerts,
    /// It is in quarantine.
    Aside,
}

async fn take_in(shared: &Shared, source: SourceId, bytes: Vec<u8>) -> Result<Stored, SinkError> {
    let (decoded, bytes) = decode(shared, &source, bytes).await?;
    match decoded {
        Ok(delivery) => {
            in_time(shared, shared.sink.accept(delivery)).await?;
            Ok(Stored::Alerts)
        }
        Err(reason) => put_aside(shared, source, bytes, reason.to_string()).await,
    }
}

async fn put_aside(shared: &Shared, source: SourceId, body: Vec<u8>, reason: String) -> Result<Stored, SinkError> {
    in_time(shared, shared.sink.quarantine(source, body, reason)).await?;
    Ok(Stored::Aside)
}

type Decoded = (Result<Delivery, DecodeError>, Vec<u8>);

async fn decode(shared: &Shared, source: &SourceId, bytes: Vec<u8>) -> Result<Decoded, SinkError> {
    if bytes.len() <= DECODE_INLINE {
        return Ok((shared.decoder.decode(source, &bytes), bytes));
    }
    let (decoder, source) = (Arc::clone(&shared.decoder), source.clone());
    let decoding = tokio::task::spawn_blocking(move || (decoder.decode(&source, &bytes), bytes));
    decoding.await.map_err(|error| SinkError::Unavailable(format!("the body was not decoded: {error}")))
}

async fn in_time(shared: &Shared, storing: impl Future<Output = Result<(), SinkError>>) -> Result<(), SinkError> {
    match tokio::time::timeout(shared.commit_timeout, storing).await {
        Ok(result) => result,
        // It may be stored all the same a moment later; delivered twice it changes nothing.
        Err(_) => Err(SinkError::Unavailable("storing it takes too long".to_owned())),
    }
}
