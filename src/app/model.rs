//! The language model that the configuration names.
//!
//! Owns: turning `[model]` into the port. Does not: fetch the key (the adapter does, with the first question) or send.

use std::sync::Arc;

use crate::adapters::gemini::{Endpoint, Gemini, Key, Patience, Settings};
use crate::config::Config;
use crate::engine::ports::{Model, ModelError, ModelErrorKind};

/// The model that `config` names.
///
/// # Errors
/// When models are switched off, or there is no key: why, and what to do about it. Nothing is wrong then; the assistant answers
/// without a model.
pub(super) fn of(config: &Config) -> Result<Arc<dyn Model>, ModelError> {
    Ok(Arc::new(gemini(config)?))
}

/// The same as what it is.
///
/// # Errors
/// As [`of`].
pub(super) fn gemini(config: &Config) -> Result<Gemini, ModelError> {
    let section = &config.model;
    let without = |what: &str, remedy: &str| ModelError {
        kind: ModelErrorKind::Key,
        what: what.to_owned(),
        remedy: remedy.to_owned(),
    };
    if !section.enabled {
        return Err(without("models are switched off", "Set `model.enabled = true` to ask one"));
    }
    let Some(place) = &section.key else {
        return Err(without("there is no key for a model", "Set GOOGLE_API_KEY or GEMINI_API_KEY, or `model.key`"));
    };
    let (base, version) = (&section.base_url, &section.api_version);
    let endpoint = match &section.vertex {
        None => Endpoint::studio(base, version)?,
        Some(vertex) => Endpoint::vertex(base, version, &vertex.project, &vertex.location)?,
    };
    let patience = Patience { first: section.first_token_timeout, idle: section.idle_timeout };
    let settings = Settings { model: section.name.clone(), endpoint, patience, retries: Default::default() };
    Ok(Gemini::new(settings, Key::new(place.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Places, Request};

    fn model(pairs: &[(&str, &str)]) -> Result<Arc<dyn Model>, ModelError> {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        let environment = Environment::of(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let host_name = "web-1".to_owned();
        let request = Request { file: None, profile: None, flags: Vec::new(), environment, places, host_name };
        of(&crate::config::load(&request).unwrap().config)
    }

    #[test]
    fn there_is_a_model_where_there_is_a_key() {
        let found = model(&[("GEMINI_API_KEY", "hunter2")]).ok().unwrap();
        assert_eq!(found.name(), "gemini-3.8-flash");
        assert_eq!(
            found.destination(),
            "https://generativelanguage.googleapis.com/v1/models/gemini-3.8-flash:streamGenerateContent"
        );
        let vertex = [("AIOPS_MODEL_KEY", "t"), ("AIOPS_MODEL_PROJECT", "p"), ("AIOPS_MODEL_LOCATION", "global")];
        let found = model(&vertex).ok().unwrap();
        assert!(found.destination().starts_with("https://aiplatform.googleapis.com/v1/projects/p/"));
    }

    #[test]
    fn without_a_key_or_the_wish_there_is_none_and_it_says_why() {
        let error = model(&[]).err().unwrap();
        assert!(error.kind == ModelErrorKind::Key && error.remedy.contains("GEMINI_API_KEY"), "{error}");
        let error = model(&[("GEMINI_API_KEY", "x"), ("AIOPS_MODEL_ENABLED", "false")]).err().unwrap();
        assert!(error.what.contains("switched off"), "{error}");
    }
}
