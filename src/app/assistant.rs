//! The assistant of a console: the configured model, prices, limits and secrets put together.
//!
//! Owns: which values are own secrets. Does not: fetch a secret or read a file before a question needs it.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::model;
use crate::config::{Config, Login, Secret};
use crate::domain::actor::Actor;
use crate::domain::chat::prices::Prices;
use crate::engine::assistant::{Assistant, Brain, Parts};
use crate::engine::outbound::{Outbound, OwnNames, OwnSecrets, PriceSource, Redaction};
use crate::engine::ports::Clock;
use crate::engine::runner::Runner;
use crate::store::Store;

/// The assistant that `config` describes; `host` is the name of this machine.
pub(super) fn of(
    config: &Config,
    store: &Store,
    runner: &Runner,
    clock: &Arc<dyn Clock>,
    actor: &Actor,
    host: &str,
) -> Assistant {
    let brain = match model::of(config) {
        Ok(model) => {
            Brain::Model { model, max_output_tokens: config.model.max_output_tokens, thinking: config.model.thinking }
        }
        Err(error) => Brain::None { why: format!("No model was asked: {error}") },
    };
    let own = OwnNames {
        hosts: vec![host.to_owned(), config.run.target_name.clone()],
        domains: config.redact.domains.clone(),
    };
    let redactor = Arc::new(Redaction::new(own_secrets(config), own));
    let limits = config.budget.limits;
    let outbound =
        Outbound::new(store.clone(), Arc::clone(clock), redactor, price_source(config), limits, actor.clone());
    Assistant::new(Parts {
        store: store.clone(),
        runner: runner.clone(),
        outbound,
        brain,
        clock: Arc::clone(clock),
        actor: actor.clone(),
    })
}

/// Everything secret that the configuration names: none of it may ever leave.
pub(super) fn own_secrets(config: &Config) -> OwnSecrets {
    let mut places: Vec<Secret> = Vec::new();
    places.extend(config.model.key.clone());
    places.extend(config.receiver.token.clone());
    let asked = config.alertmanagers.iter().map(|source| &source.login);
    for login in asked.chain(config.prometheus.iter().map(|source| &source.login)) {
        match login {
            Login::Anonymous => {}
            Login::Bearer(token) => places.push(token.clone()),
            Login::Basic { password, .. } => places.push(password.clone()),
        }
    }
    places.extend(config.secrets.iter().map(|section| section.value.clone()));
    let kept = std::sync::Mutex::new(vec![None; places.len()]);
    Arc::new(move || {
        let mut kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (place, value) in places.iter().zip(kept.iter_mut()) {
            // A command may ask its password manager each time: what was fetched is kept.
            if value.is_none()
                && let Ok(secret) = place.resolve()
            {
                *value = Some(secret);
            }
        }
        kept.iter().flatten().map(|secret| secret.expose_secret().as_bytes().to_vec()).collect()
    })
}

/// The table in the program, and the user's file over it.
pub(super) fn price_source(config: &Config) -> PriceSource {
    let file = config.budget.prices.clone();
    Arc::new(move || {
        let Some(path) = &file else { return Ok(Prices::bundled()) };
        let named = |why: String| {
            format!(
                "The prices in {} cannot be used: {why}. Correct the file, or take [budget] prices away",
                path.display()
            )
        };
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        Ok(Prices::bundled().with(Prices::parse(&text).map_err(named)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Places, Request};
    use crate::domain::time::Timestamp;

    fn config(home: &std::path::Path, text: &str, pairs: &[(&str, &str)]) -> Config {
        let at = |name: &str| home.join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        std::fs::create_dir_all(at("config")).unwrap();
        std::fs::write(places.config_file(), text).unwrap();
        let environment = Environment::of(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let host_name = "web-1".to_owned();
        let request = Request { file: None, profile: None, flags: Vec::new(), environment, places, host_name };
        crate::config::load(&request).unwrap().config
    }

    #[test]
    fn every_secret_of_the_configuration_is_kept_back() {
        let home = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let path = home.path().join(name);
            std::fs::write(&path, format!("value-of-{name}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            format!("{{ file = {:?} }}", path.display().to_string())
        };
        let text = format!(
            "[model]\nkey = {}\n[receiver]\ntoken = {}\n[[alertmanager]]\nurl = \"http://a\"\nusername = \"u\"\npassword = {}\n",
            file("key"),
            file("token"),
            file("password")
        );
        let secrets = own_secrets(&config(home.path(), &text, &[]));
        let mut values: Vec<String> = secrets().into_iter().map(|value| String::from_utf8(value).unwrap()).collect();
        values.sort();
        assert_eq!(values, ["value-of-key", "value-of-password", "value-of-token"]);
        std::fs::remove_file(home.path().join("key")).unwrap();
        assert_eq!(secrets().len(), 3, "what was fetched is kept");
    }

    #[test]
    fn a_file_of_prices_goes_over_the_table_and_mistakes_in_it_are_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("prices.toml");
        let prices = price_source(&config(home.path(), &format!("[budget]\nprices = {path:?}\n"), &[]));
        assert!(prices().unwrap_err().contains("prices.toml"));
        std::fs::write(&path, "[[model]]\nname = \"own\"\nprice = [{ input = 1, output = 1, cached = 1 }]\n").unwrap();
        assert!(prices().unwrap().tariff("own", Timestamp::from_millis(0)).is_ok());
        std::fs::write(&path, "[[model]]\nnam = 1\n").unwrap();
        assert!(prices().unwrap_err().contains("nam"));
    }
}
