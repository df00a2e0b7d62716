//! Reads `[model]`: the language model that the assistant asks, and where.
//!
//! Invariant: an address that a key would travel to in the clear, or that has the version in it already, is a mistake.

use std::path::Path;
use std::time::Duration;

use super::forms::{Choice, Count, Name, SWITCH, WebAddress};
use super::load::{secret, span};
use super::reader::Scope;
use super::{ModelSection, Vertex};
use crate::domain::chat::Thinking;

/// The model that is asked unless another one is named.
const DEFAULT_MODEL: &str = "gemini-3.8-flash";

/// AI Studio.
const DEFAULT_BASE_URL: &str = "https://generativelanguage.googleapis.com";

/// Those that exist; `-latest` names are on v1beta only.
const VERSIONS: Choice<&str> =
    Choice(&[("v1", "v1"), ("v1beta", "v1beta"), ("v1alpha", "v1alpha"), ("v1beta1", "v1beta1")]);

const THINKING: Choice<Thinking> =
    Choice(&[("low", Thinking::Low), ("medium", Thinking::Medium), ("high", Thinking::High)]);

/// What the models of today can put out at most.
const MOST_TOKENS: u32 = 65_536;

/// Enough for a long answer and low thinking.
const DEFAULT_TOKENS: u32 = 8_192;

pub(super) fn read(section: &mut Scope<'_, '_>, home: &Path) -> ModelSection {
    const SECOND: Duration = Duration::from_secs(1);
    let timeout = span(SECOND, 300 * SECOND);
    let vertex = vertex(section);
    let default_url = match &vertex {
        None => DEFAULT_BASE_URL.to_owned(),
        Some(Vertex { location, .. }) if location == "global" => "https://aiplatform.googleapis.com".to_owned(),
        Some(Vertex { location, .. }) => format!("https://{location}-aiplatform.googleapis.com"),
    };
    let model = ModelSection {
        enabled: section.read("enabled", &SWITCH, true),
        name: section.read("name", &Name { longest: 128 }, DEFAULT_MODEL.to_owned()),
        base_url: section.read("base_url", &WebAddress, default_url),
        api_version: section.read("api_version", &VERSIONS, "v1").to_owned(),
        key: secret(section, "key", home),
        vertex,
        thinking: section.read("thinking", &THINKING, Thinking::default()),
        max_output_tokens: section.read("max_output_tokens", &Count { least: 256, most: MOST_TOKENS }, DEFAULT_TOKENS),
        first_token_timeout: section.read("first_token_timeout", &timeout, 20 * SECOND),
        idle_timeout: section.read("idle_timeout", &timeout, 30 * SECOND),
    };
    check_address(section, &model.base_url);
    model
}

fn vertex(section: &mut Scope<'_, '_>) -> Option<Vertex> {
    const ALLOWED: &str = "project and location together, for a model at Vertex, or none of them";
    let (project, location) = (section.is_set("project"), section.is_set("location"));
    if project && !location {
        section.mistake("project", "there is a project without a location", ALLOWED);
    }
    if location && !project {
        section.mistake("location", "there is a location without a project", ALLOWED);
    }
    let name = Name { longest: 63 };
    let project = section.read_optional("project", &name);
    let location = section.read_optional("location", &name);
    project.zip(location).map(|(project, location)| Vertex { project, location })
}

fn check_address(section: &mut Scope<'_, '_>, url: &str) {
    const ALLOWED: &str = "an https:// address, or http:// on this host, without the version, such as \
                           \"https://generativelanguage.googleapis.com\"";
    if !is_safe(url) {
        section.mistake("base_url", "the key would travel to another host in the clear", ALLOWED);
    }
    let last = url.rsplit('/').next().unwrap_or_default();
    if VERSIONS.0.iter().any(|(version, _)| *version == last) {
        section.mistake(
            "base_url",
            "the version stands in this address; it has a key of its own, api_version",
            ALLOWED,
        );
    }
}

/// Whether `url` is https or on this host.
fn is_safe(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    url.scheme() == "https" || local
}
