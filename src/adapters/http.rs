//! What every HTTP client here has in common: how it is built, and how its failures are read.
//!
//! Owns: TLS by rustls on ring, the name of this program, no redirects, no proxy before this host. Does not: know time-outs
//! or what an answer means; each adapter adds its own.
//!
//! Invariant: redirects are never followed; they could carry credentials to someone else.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url};

/// A client for `base`, before its time-outs.
pub(super) fn builder(base: &Url) -> ClientBuilder {
    // A second installation fails and the first one stays: that is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("aiops/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none());
    if base.scheme() == "http" {
        // Without TLS an empty CA store must not matter.
        builder = builder.tls_certs_only([]);
    }
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    builder
}

/// A client for plain HTTP to this host: without proxies, certificates and redirects.
pub(super) fn loopback_client(timeout: Duration) -> Result<Client, reqwest::Error> {
    // A second installation fails and the first one stays: that is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).tls_certs_only([]).no_proxy().build()
}

/// The cause at the bottom, which says more than "error sending request".
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The kind of the operating system's error below `error`, if there is one.
pub(super) fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// Whether `url` is on this host: a proxy for the outside is never the way there.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}
