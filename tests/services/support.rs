//! Starting real services on free loopback ports, and ending them.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Long enough for anything that is going to happen on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a predicate is looked at when nothing announces a change.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A free port may be taken by someone else before the service has it.
const STARTS: u32 = 5;

/// Where services are installed that are not in everyone's PATH.
const SERVICES: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The path of an installed program. When it is not installed, `test` says that it is skipped; where services are
/// required (`AIOPS_REQUIRE_SERVICES=1`), it fails.
pub(crate) fn installed(program: &str, test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(SERVICES.map(PathBuf::from));
    let found = places.map(|place| place.join(program)).find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var("AIOPS_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
        assert!(!required, "{test}: {program} is not installed, and AIOPS_REQUIRE_SERVICES=1 asks for it");
        say(&format!("SKIPPED: {test}: {program} is not installed"));
    }
    found
}

/// Prints a line that the test harness does not swallow when the test passes.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A loopback port that nobody has at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until `predicate` holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut predicate: impl FnMut() -> F) {
    let began = Instant::now();
    while !predicate().await {
        assert!(began.elapsed() < PATIENCE, "this never came to be: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An HTTP client for tests on loopback.
pub(crate) fn client() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build().unwrap()
}

/// A server that is asked over HTTP; ended when dropped.
struct Service {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
    client: reqwest::Client,
}

impl Service {
    /// Starts `program` with a configuration file of this content (YAML) and waits until it is ready. `arguments` are
    /// those that name its directory of data.
    async fn start(program: &Path, config: &str, arguments: fn(data: &Path) -> Vec<String>) -> Self {
        for _ in 0..STARTS {
            let mut process = Self::spawn(program, config, arguments);
            if process.becomes_ready().await {
                return process;
            }
        }
        panic!("{} did not start {STARTS} times", program.display());
    }

    fn spawn(program: &Path, config: &str, arguments: fn(&Path) -> Vec<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.yml");
        std::fs::write(&file, config).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--web.listen-address={address}"))
            .args(arguments(&directory.path().join("data")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, address, directory, client: client() }
    }

    /// `false` when it ended instead.
    async fn becomes_ready(&mut self) -> bool {
        let url = format!("{}/-/ready", self.url());
        let began = Instant::now();
        loop {
            if self.client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(began.elapsed() < PATIENCE, "not ready; its log: {}", self.log());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; it is waited for in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running Alertmanager; ended when dropped.
pub(crate) struct AlertmanagerProcess(Service);

impl AlertmanagerProcess {
    /// Starts `program` with the configuration `config` (YAML) and waits until it is ready.
    pub(crate) async fn start(program: PathBuf, config: &str) -> Self {
        let arguments =
            |data: &Path| vec![format!("--storage.path={}", data.display()), "--cluster.listen-address=".to_owned()];
        Self(Service::start(&program, config, arguments).await)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// Address and port, as Prometheus wants them.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The alerts that fire there.
    pub(crate) async fn firing(&self) -> serde_json::Value {
        let url = format!("{}/api/v2/alerts", self.url());
        self.0.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Posts alerts through the API.
    pub(crate) async fn post(&self, alerts: &serde_json::Value) {
        let url = format!("{}/api/v2/alerts", self.url());
        let response = self.0.client.post(url).json(alerts).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }
}

/// A running Prometheus; ended when dropped.
pub(crate) struct PrometheusProcess(Service);

impl PrometheusProcess {
    /// Starts `program` with the configuration `config` (YAML) and waits until it is ready.
    pub(crate) async fn start(program: &Path, config: &str) -> Self {
        let arguments = |data: &Path| vec![format!("--storage.tsdb.path={}", data.display())];
        Self(Service::start(program, config, arguments).await)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.0.url()
    }
}
