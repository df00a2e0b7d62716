//! The stand-in for Gemini as a part of the demo, and as a program of its own.
//!
//! Owns: its key, its prices, and that the demo's model is the stand-in and nothing else. Does not: answer (see
//! `demo::fake_gemini`) or know how questions reach it: they take the way of every question.
//!
//! Invariants: it is never taken for a model. Its name, which stands in the header and above every answer, says what it is.
//! Nothing of the person's own access to a model is used with it.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use color_eyre::eyre::{Report, eyre};

use super::console;
use crate::cli::Exit;
use crate::config::{Config, Secret, SecretSource};
use crate::demo::fake_gemini::{FakeGemini, OWN_NAME, Script};

/// What its answers count as.
const PRICES: &str = include_str!("../../assets/demo/prices.toml");
/// The version of the interface that it speaks.
const API_VERSION: &str = "v1";

/// Starts it on a free port of loopback with a key that nobody else knows, and makes it the model of `config`. Key and prices
/// lie in `directory`, which only the user can enter.
///
/// # Errors
/// When there is no port, no randomness, or the files cannot be written.
pub(super) async fn start(config: &mut Config, directory: &Path) -> Result<FakeGemini, Report> {
    let key = drawn_key().map_err(|error| eyre!("/dev/urandom cannot be read: {error}. The stand-in needs a key"))?;
    let (key_file, prices) = (directory.join("model-key"), directory.join("prices.toml"));
    for (path, text) in [(&key_file, key.as_str()), (&prices, PRICES)] {
        write_new(path, text).map_err(|error| eyre!("{} cannot be written: {error}", path.display()))?;
    }
    let fake = FakeGemini::start(Script::demo()?, &key, 0)
        .await
        .map_err(|error| eyre!("The stand-in for a model did not start: {error}. Loopback has to be usable."))?;
    let model = &mut config.model;
    model.enabled = true;
    model.name = OWN_NAME.to_owned();
    model.base_url = fake.base_url();
    model.api_version = API_VERSION.to_owned();
    model.key = Some(Secret::new("model.key", SecretSource::File(key_file)));
    model.vertex = None;
    config.budget.prices = Some(prices);
    Ok(fake)
}

/// 256 bits of the system's randomness, as hexadecimal digits.
fn drawn_key() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Stands in for Gemini until the standard input ends: the body of the hidden subcommand `demo-model`.
///
/// # Errors
/// When the scenarios cannot be read or the port cannot be had.
pub(super) fn serve(port: u16, key: &str, script: Option<&Path>) -> Result<Exit, Report> {
    let own = match script {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| eyre!("{} cannot be read: {error}. Name a file that you may read", path.display()))?;
            Script::parse(&text).map_err(|error| eyre!("{}: {error}", path.display()))?
        }
        None => Script::default(),
    };
    let script = own.and(Script::demo()?);
    console::block_on(async move {
        let fake = FakeGemini::start(script, key, port)
            .await
            .map_err(|error| eyre!("port {port} of 127.0.0.1 cannot be had: {error}. Choose another one"))?;
        writeln!(io::stdout(), "{}", fake.base_url())?;
        // Whoever started it closes the pipe, or ends and thereby closes it.
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink())).await??;
        Ok(Exit::Done)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{assistant, model};
    use crate::config::{Environment, Places, Request};
    use crate::domain::chat::prices::Prices;
    use crate::domain::time::Timestamp;

    /// The configuration of a person with access to a model.
    fn config(home: &Path) -> Config {
        let at = |name: &str| home.join(name);
        let places = Places { home: at("home"), config: at("config"), data: at("data"), state: at("state") };
        let pairs = [("AIOPS_MODEL_KEY", "mine"), ("AIOPS_MODEL_PROJECT", "p"), ("AIOPS_MODEL_LOCATION", "global")];
        let environment = Environment::of(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let host_name = "web-1".to_owned();
        let request = Request { file: None, profile: None, flags: Vec::new(), environment, places, host_name };
        crate::config::load(&request).unwrap().config
    }

    #[tokio::test]
    async fn nothing_of_the_persons_own_access_is_left() {
        let home = tempfile::tempdir().unwrap();
        let mut config = config(home.path());
        let fake = start(&mut config, home.path()).await.unwrap();
        let found = model::of(&config).ok().unwrap();
        assert_eq!(found.name(), "stand-in");
        assert_eq!(found.destination(), format!("{}/v1/models/stand-in:streamGenerateContent", fake.base_url()));
        let secrets = assistant::own_secrets(&config)();
        assert!(secrets.iter().all(|value| value.len() == 64), "only the stand-in's own key: {}", secrets.len());
        let mut other = config.clone();
        assert!(start(&mut other, home.path()).await.is_err(), "what another one wrote is not written over");
    }

    #[test]
    fn its_answers_count_as_those_of_the_default_model_do() {
        let (own, bundled) = (Prices::parse(PRICES).unwrap(), Prices::bundled());
        let now = Timestamp::from_millis(1_763_000_000_000);
        assert_eq!(own.tariff(OWN_NAME, now).unwrap(), bundled.tariff("gemini-3.8-flash", now).unwrap());
        assert_ne!(drawn_key().unwrap(), drawn_key().unwrap());
    }
}
