//! Starting real services on free loopback ports, and ending them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
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

/// The only login of an Alertmanager that wants one. The hash is the one of Prometheus' documentation for `test`.
pub(crate) const LOGIN: (&str, &str) = ("ada", "test");
const WEB: &str = "basic_auth_users:\n  ada: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay\n";

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
            if self
                .client
                .get(&url)
                .basic_auth(LOGIN.0, Some(LOGIN.1))
                .send()
                .await
                .is_ok_and(|response| response.status().is_success())
            {
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

/// The arguments of an Alertmanager that keeps its data in `data` and looks for no others.
fn alone_in(data: &Path) -> Vec<String> {
    vec![format!("--storage.path={}", data.display()), "--cluster.listen-address=".to_owned()]
}

/// A running Alertmanager; ended when dropped.
pub(crate) struct AlertmanagerProcess(Service);

impl AlertmanagerProcess {
    /// Starts `program` with the configuration `config` (YAML) and waits until it is ready.
    pub(crate) async fn start(program: PathBuf, config: &str) -> Self {
        Self(Service::start(&program, config, alone_in).await)
    }

    /// The same for one that answers nobody without [`LOGIN`].
    pub(crate) async fn start_guarded(program: PathBuf, config: &str) -> Self {
        let arguments = |data: &Path| {
            let file = data.with_file_name("web.yml");
            std::fs::write(&file, WEB).unwrap();
            let mut arguments = alone_in(data);
            arguments.push(format!("--web.config.file={}", file.display()));
            arguments
        };
        Self(Service::start(&program, config, arguments).await)
    }

    /// What its API answers to `path`.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let request = self.0.client.get(format!("{}/api/v2/{path}", self.url()));
        request.basic_auth(LOGIN.0, Some(LOGIN.1)).send().await.unwrap().json().await.unwrap()
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
        let response = self.0.client.post(url).basic_auth(LOGIN.0, Some(LOGIN.1)).json(alerts).send().await.unwrap();
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

/// A target of Prometheus: answers every request with the present depth of its queue. Ends when dropped.
pub(crate) struct Target {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    depth: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    /// Starts one whose queue is `depth` long.
    pub(crate) fn start(depth: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (depth, stop) = (Arc::new(AtomicU64::new(depth)), Arc::new(AtomicBool::new(false)));
        let (shown, stopped) = (Arc::clone(&depth), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                // Who does not read to the end asks again.
                let _ = connection.and_then(|stream| answer(stream, shown.load(Ordering::SeqCst)));
            }
        });
        Self { address, depth, stop, thread: Some(thread) }
    }

    /// What it answers from now on.
    pub(crate) fn set_depth(&self, depth: u64) {
        self.depth.store(depth, Ordering::SeqCst);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread; when it is gone already, nobody is to be woken.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads a request's head and answers in the text format of Prometheus.
fn answer(stream: TcpStream, depth: u64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        line.clear();
    }
    let body = format!("# TYPE queue_depth gauge\nqueue_depth{{queue=\"orders\"}} {depth}\n");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
    write!(reader.get_mut(), "{head}Content-Length: {}\r\n\r\n{body}", body.len())
}
