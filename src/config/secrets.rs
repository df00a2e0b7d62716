//! Looking at every secret that the configuration names, as `aiops config check` does before an engineer is on call.
//!
//! Invariant: only whether a secret can be fetched leaves this module, never the secret.

use super::mistake::{Origin, Warning};
use super::{Config, Loaded, Login, Secret};

/// What keeps secrets of `loaded` from being fetched, each with the place of its key. Blocks: it fetches them all, which
/// takes up to [`super::COMMAND_TIME_LIMIT`] for each that comes from a command.
///
/// These are warnings: the console starts without them, tries again, and shows what is down for want of them.
#[must_use]
pub fn look_at_secrets(loaded: &Loaded) -> Vec<Warning> {
    let failed = secrets(&loaded.config).into_iter().filter_map(|secret| secret.resolve().err());
    failed
        .map(|error| {
            let said = loaded.effective.iter().find(|value| value.key == error.key);
            let origin = said.map_or(Origin::Default, |value| value.origin.clone());
            let text = format!("no secret from {}: {}. {}", error.place, error.problem, error.remedy);
            Warning { origin, key: error.key, text }
        })
        .collect()
}

/// Every secret that a console with this configuration would fetch.
fn secrets(config: &Config) -> Vec<&Secret> {
    let receiver = config.receiver.token.iter().filter(|_| config.receiver.enabled);
    let asked = config.alertmanagers.iter().map(|section| &section.login);
    let logins = asked.chain(config.prometheus.iter().map(|section| &section.login)).filter_map(|login| match login {
        Login::Anonymous => None,
        Login::Bearer(secret) | Login::Basic { password: secret, .. } => Some(secret),
    });
    let model = config.model.key.iter().filter(|_| config.model.enabled);
    let handed = config.secrets.iter().map(|section| &section.value);
    receiver.chain(logins).chain(model).chain(handed).collect()
}
