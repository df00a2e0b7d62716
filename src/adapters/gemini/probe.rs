//! A look at the way to the model, for `aiops doctor`: the model is described, not asked.
//!
//! Owns: that one request. Invariants: it has no body and costs nothing; the key goes where questions take it; no more than
//! the beginning of an answer is read.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use secrecy::SecretString;

use super::Gemini;
use super::client::Shared;
use super::error::{self, Failure};
use super::key::without_key;
use crate::engine::ports::{ModelError, ModelErrorKind};

/// Of the body of an error no more is read; in bytes.
const LONGEST_ERROR: usize = 64 * 1024;

/// What came of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// The key is accepted, and there is such a model.
    Described {
        /// From the request to the head of the answer.
        latency: Duration,
    },
    /// This interface does not describe models to everyone who may ask them: only the way there can be tried.
    NotOffered {
        /// The host.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl Gemini {
    /// Looks whether there is a way to the model, its key is accepted, and the model is there.
    ///
    /// # Errors
    /// What is in the way. [`ModelErrorKind::Unreachable`] when there is no answer within `patience`.
    pub async fn probe(&self, patience: Duration) -> Result<Probed, ModelError> {
        let settings = &self.shared.settings;
        let base = settings.endpoint.base();
        let host = base.host_str().unwrap_or_default().to_owned();
        let Some(url) = settings.endpoint.description_url(&settings.model) else {
            // Without a port of its own every scheme that is taken has a known one.
            let port = base.port_or_known_default().unwrap_or_default();
            return Ok(Probed::NotOffered { host, port });
        };
        let asked = async {
            let (key, _) = self.shared.key.get().await?;
            describe(&self.shared, url, &key).await.map_err(|Failure { mut error, .. }| {
                error.what = without_key(&error.what, &key);
                error
            })
        };
        tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| {
            Err(ModelError {
                kind: ModelErrorKind::Unreachable,
                what: format!("{host} did not answer within {} s", patience.as_secs_f32()),
                remedy: "Check the network, the firewall and the proxy".to_owned(),
            })
        })
    }
}

async fn describe(shared: &Shared, url: reqwest::Url, key: &SecretString) -> Result<Probed, Failure> {
    let begun = Instant::now();
    let request = shared.authorized(shared.client()?.get(url), key)?;
    let response = request.send().await.map_err(|error| shared.failure(&error))?;
    let latency = begun.elapsed();
    let status = response.status();
    let body = beginning(response).await;
    if status != StatusCode::OK {
        return Err(error::of_response(status.as_u16(), &body, None));
    }
    let described: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    match described.as_ref().and_then(|value| value["name"].as_str()) {
        Some(_) => Ok(Probed::Described { latency }),
        None => Err(Failure::garbled("the answer does not describe a model")),
    }
}

/// The body as far as it is read: what can be read of an error says more than nothing.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ERROR {
            break;
        }
    }
    body
}
