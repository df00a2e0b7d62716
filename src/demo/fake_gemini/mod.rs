//! A stand-in for Gemini on this host: it answers as the real service does, and refuses what that refuses.
//!
//! Owns: a small HTTP server on loopback, with scenarios as data. `aiops demo --fake-model` talks to it, and so do tests; that
//! Google's own client works with it is what makes it worth believing. Does not: understand anything: answers are chosen by
//! words.
//!
//! Invariants: it listens on loopback only; a body that the real service would refuse is refused here, with its words.

mod answer;
mod check;
mod routes;
mod rules;
mod schema;
mod script;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use script::{Scenario, Script, ScriptError};

/// A model that only the stand-in has, so that nobody takes its answers for those of another one.
pub const OWN_NAME: &str = "stand-in";

/// Requests that are remembered; older ones are forgotten.
const REMEMBERED: usize = 256;

/// A running stand-in. Dropping it closes the door; answers under way go on.
#[derive(Debug)]
pub struct FakeGemini {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// The key that came with it, in whichever header.
    pub key: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What all requests share.
#[derive(Debug)]
struct Shared {
    script: Script,
    key: String,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    received: Vec<Received>,
    /// Requests so far, also forgotten ones.
    count: usize,
    /// How often each scenario answered.
    used: HashMap<String, usize>,
    /// Tokens that were issued, each with the body that it continues.
    issued: HashMap<String, Vec<u8>>,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each change leaves it whole.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeGemini {
    /// Listens on `port` of 127.0.0.1 (0: any that is free); only requests with `key` are answered.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(script: Script, key: &str, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { script, key: key.to_owned(), memory: Mutex::default() });
        let router = Router::new().fallback(routes::answer).with_state(Arc::clone(&shared));
        // Small pieces are to arrive as small pieces. Where that cannot be had, they arrive all the same.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let task = tokio::spawn(async move {
            // It ends only with this task.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// Its base URL, as `model.base_url` takes it.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came, oldest first; the last 256 of them.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.memory().received.clone()
    }
}

impl Drop for FakeGemini {
    fn drop(&mut self) {
        self.task.abort();
    }
}
