//! The worker: a process that sends orders, which lie as files in a spool directory that its configuration names.
//!
//! Owns: where its files are, its configuration, and its work. Does not: start itself again (see `supervisor`) or know that
//! it is watched.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::leash::{Heard, Leash};

/// Its name, in files and labels.
pub(super) const NAME: &str = "order-mailer";
/// It looks for orders this often.
const PAUSE: Duration = Duration::from_millis(400);
/// Orders that arrive with a deployment: enough that the worker has something to do for a while once it runs again.
const ORDERS: u32 = 60;

/// Why the worker ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A file or directory could not be used; what it was for, and its path.
    #[error("cannot {0}: {2}: {1}")]
    File(&'static str, PathBuf, #[source] io::Error),
    /// The configuration is not one.
    #[error("cannot understand the configuration {0}: {1}")]
    Config(PathBuf, #[source] toml::de::Error),
}

/// Where everything of the worker is.
#[derive(Clone, Debug)]
pub struct WorkerPlace {
    root: PathBuf,
}

impl WorkerPlace {
    /// The place in the demo's `directory`.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self { root: directory.join("srv").join(NAME) }
    }

    /// Its configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.root.join("etc").join(format!("{NAME}.toml"))
    }

    /// The configuration before the last deployment.
    pub(super) fn previous_config(&self) -> PathBuf {
        self.root.join("etc").join(format!("{NAME}.toml.previous"))
    }

    /// Its log, which its supervisor writes to as well.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log").join(format!("{NAME}.log"))
    }

    /// What its supervisor says about it.
    pub(super) fn status(&self) -> PathBuf {
        self.root.join("run").join(format!("{NAME}.status"))
    }

    fn spool(&self) -> PathBuf {
        self.root.join("spool").join("orders")
    }

    fn sent(&self) -> PathBuf {
        self.root.join("spool").join("sent")
    }

    /// Makes the directories and a configuration that works.
    ///
    /// # Errors
    /// When something cannot be written.
    pub(super) fn furnish(&self) -> io::Result<()> {
        let directories = ["etc", "log", "run"].map(|name| self.root.join(name));
        for directory in directories.into_iter().chain([self.spool(), self.sent()]) {
            fs::create_dir_all(directory)?;
        }
        fs::write(self.config(), self.config_of("2.3.1", &self.spool())?)
    }

    /// What a deployment does: keeps the configuration, and writes a new one, which names a spool directory that nobody made.
    /// New orders have arrived in the old one meanwhile.
    ///
    /// # Errors
    /// When something cannot be written.
    pub(super) fn deploy(&self) -> io::Result<()> {
        for number in 1..=ORDERS {
            fs::write(self.spool().join(format!("order-{number:04}")), format!("order {number}\n"))?;
        }
        fs::copy(self.config(), self.previous_config())?;
        let new = self.config().with_extension("toml.new");
        fs::write(&new, self.config_of("2.4.0", &self.root.join("spool").join("orders-v2"))?)?;
        fs::rename(new, self.config())
    }

    fn config_of(&self, version: &str, spool: &Path) -> io::Result<String> {
        let config = WorkerConfig { spool: spool.to_owned(), sent: self.sent(), batch: 1 };
        let values = toml::to_string(&config).map_err(io::Error::other)?;
        Ok(format!("# {NAME}, written by the deployment of release {version}\n{values}"))
    }
}

/// What its file says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerConfig {
    /// Where orders arrive.
    spool: PathBuf,
    /// Where they go when they were sent.
    sent: PathBuf,
    /// How many are sent at a time.
    batch: usize,
}

/// Works until the one that holds `leash` is gone.
///
/// # Errors
/// When the configuration or a directory cannot be used. The log says so as well.
pub fn work(place: &WorkerPlace, leash: &Leash) -> Result<(), WorkerError> {
    let log = place.log();
    let ended = send_orders(place, leash);
    if let Err(error) = &ended {
        // The way it ended says the same.
        let _ = write_log(&log, "error", NAME, &error.to_string());
    }
    ended
}

fn send_orders(place: &WorkerPlace, leash: &Leash) -> Result<(), WorkerError> {
    let path = place.config();
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |error| WorkerError::File(what, path, error)
    };
    let text = fs::read_to_string(&path).map_err(failed("read the configuration", &path))?;
    let config: WorkerConfig = toml::from_str(&text).map_err(|error| WorkerError::Config(path.clone(), error))?;
    let log = place.log();
    let say = |text: &str| write_log(&log, "info", NAME, text).map_err(failed("write the log", &log));
    say(&format!("starting with {}", path.display()))?;
    loop {
        let entries = fs::read_dir(&config.spool).map_err(failed("read the spool directory", &config.spool))?;
        let mut orders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        orders.sort();
        for order in orders.iter().take(config.batch) {
            let name = order.file_name().unwrap_or_default();
            let sent = config.sent.join(name);
            fs::rename(order, &sent).map_err(failed("move the order", order))?;
            say(&format!("sent {}, {} left", name.to_string_lossy(), orders.len() - 1))?;
        }
        if leash.wait(PAUSE) == Heard::Gone {
            return Ok(());
        }
    }
}

/// Appends one line to a log, with the time.
pub(super) fn write_log(log: &Path, level: &str, component: &str, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(log)?;
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    file.write_all(format!("{now} {level} {component}: {text}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leash that is held for ever.
    fn held() -> (Leash, io::PipeWriter) {
        let (reader, writer) = io::pipe().unwrap();
        (Leash::on(reader), writer)
    }

    fn furnished() -> (tempfile::TempDir, WorkerPlace) {
        let root = tempfile::tempdir().unwrap();
        let place = WorkerPlace::of(root.path());
        place.furnish().unwrap();
        (root, place)
    }

    #[test]
    fn orders_are_sent_until_the_leash_is_let_go() {
        let (_root, place) = furnished();
        fs::write(place.spool().join("order-1"), "x").unwrap();
        let (leash, writer) = held();
        let working = std::thread::spawn({
            let place = place.clone();
            move || work(&place, &leash)
        });
        let sent = place.sent().join("order-1");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !sent.exists() {
            assert!(std::time::Instant::now() < deadline, "nothing was sent");
            std::thread::yield_now();
        }
        drop(writer);
        working.join().unwrap().unwrap();
        assert!(fs::read_to_string(place.log()).unwrap().contains("sent order-1, 0 left"));
    }

    #[test]
    fn after_the_deployment_it_fails_with_the_reason_until_the_configuration_is_rolled_back() {
        let (_root, place) = furnished();
        place.deploy().unwrap();
        let (leash, writer) = held();
        let error = work(&place, &leash).unwrap_err().to_string();
        assert!(error.contains("cannot read the spool directory") && error.contains("orders-v2"), "{error}");
        assert!(fs::read_to_string(place.log()).unwrap().contains(&error));
        fs::copy(place.previous_config(), place.config()).unwrap();
        drop(writer);
        work(&place, &leash).unwrap();
    }

    #[test]
    fn a_configuration_that_is_none_is_told_by_its_name() {
        let (_root, place) = furnished();
        fs::write(place.config(), "spool = 7").unwrap();
        let (leash, _writer) = held();
        assert!(work(&place, &leash).unwrap_err().to_string().contains("order-mailer.toml"));
    }
}
