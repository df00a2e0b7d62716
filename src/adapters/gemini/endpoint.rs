//! Where Gemini is asked: AI Studio or Vertex, and which header the key goes into.
//!
//! Invariant: an endpoint is https, or on this host.

use reqwest::Url;

use crate::adapters::http::is_loopback;
use crate::engine::ports::{ModelError, ModelErrorKind};

/// The interface that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    place: Place,
}

/// What stands between the base address and the model.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// `/{version}`; the key goes into `x-goog-api-key`.
    Studio { version: String },
    /// `/{version}/projects/{project}/locations/{location}/publishers/google`; the key is a bearer token.
    Vertex { version: String, project: String, location: String },
}

/// How the key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// In the header `x-goog-api-key`.
    ApiKey,
    /// In the header `authorization`.
    Bearer,
}

impl Endpoint {
    /// AI Studio at `base` (no version at its end), with `version` (`v1`, `v1beta`).
    ///
    /// # Errors
    /// When `base` is no URL, or is neither https nor on this host.
    pub fn studio(base: &str, version: &str) -> Result<Self, ModelError> {
        Ok(Self { base: checked(base)?, place: Place::Studio { version: version.to_owned() } })
    }

    /// Vertex at `base` (`https://europe-west1-aiplatform.googleapis.com`).
    ///
    /// # Errors
    /// As [`Self::studio`].
    pub fn vertex(base: &str, version: &str, project: &str, location: &str) -> Result<Self, ModelError> {
        let [version, project, location] = [version, project, location].map(str::to_owned);
        Ok(Self { base: checked(base)?, place: Place::Vertex { version, project, location } })
    }

    pub(super) const fn base(&self) -> &Url {
        &self.base
    }

    /// Where answers of `model` are streamed from.
    pub(super) fn stream_url(&self, model: &str) -> Url {
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/');
        let between = match &self.place {
            Place::Studio { version } => format!("{version}/models"),
            Place::Vertex { version, project, location } => {
                format!("{version}/projects/{project}/locations/{location}/publishers/google/models")
            }
        };
        url.set_path(&format!("{prefix}/{between}/{model}:streamGenerateContent"));
        url.set_query(Some("alt=sse"));
        url
    }

    /// Where `model` is described; `None` at Vertex, where describing needs rights that asking does not.
    pub(super) fn description_url(&self, model: &str) -> Option<Url> {
        let Place::Studio { version } = &self.place else { return None };
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{version}/models/{model}", self.base.path().trim_end_matches('/')));
        Some(url)
    }

    pub(super) const fn credential(&self) -> Credential {
        match self.place {
            Place::Studio { .. } => Credential::ApiKey,
            Place::Vertex { .. } => Credential::Bearer,
        }
    }
}

fn checked(base: &str) -> Result<Url, ModelError> {
    let refuse = |what: String| ModelError {
        kind: ModelErrorKind::Refused,
        what,
        remedy: "Set `model.base_url` to an https:// address without the version, such as \
                 https://generativelanguage.googleapis.com"
            .to_owned(),
    };
    let url = Url::parse(base).map_err(|error| refuse(format!("the model's address is no URL: {error}")))?;
    let safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    if !safe || !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the model's address is not one that a key may be sent to".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn addresses_are_those_of_the_interface() {
        let studio = Endpoint::studio("https://generativelanguage.googleapis.com/", "v1").unwrap();
        assert_eq!(
            studio.stream_url("gemini-3.8-flash").as_str(),
            "https://generativelanguage.googleapis.com/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            studio.description_url("gemini-3.8-flash").unwrap().as_str(),
            "https://generativelanguage.googleapis.com/v1/models/gemini-3.8-flash"
        );
        assert_eq!(studio.credential(), Credential::ApiKey);
        let proxy = Endpoint::studio("http://127.0.0.1:8080/gemini", "v1beta").unwrap();
        assert_eq!(
            proxy.stream_url("m").as_str(),
            "http://127.0.0.1:8080/gemini/v1beta/models/m:streamGenerateContent?alt=sse"
        );
        let vertex = Endpoint::vertex("https://eu-aiplatform.googleapis.com", "v1", "p", "eu").unwrap();
        assert_eq!(
            vertex.stream_url("m").as_str(),
            "https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/m:streamGenerateContent?alt=sse"
        );
        assert_eq!(vertex.description_url("m"), None);
        assert_eq!(vertex.credential(), Credential::Bearer);
    }

    #[rstest]
    #[case("http://example.org")]
    #[case("http://10.0.0.1:80")]
    #[case("ftp://127.0.0.1")]
    #[case("https://ada:hunter2@example.org")]
    #[case("example.org")]
    fn a_key_is_not_sent_in_the_clear_to_another_host(#[case] base: &str) {
        let error = Endpoint::studio(base, "v1").unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Refused);
        assert!(!error.to_string().contains("hunter2"));
    }
}
