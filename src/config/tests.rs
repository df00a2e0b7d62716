//! Tests of the configuration as a whole: mistakes, precedence, what is shown.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rstest::rstest;

use super::*;

/// A directory with a configuration file, and nothing of this machine's own environment.
struct Fixture {
    directory: tempfile::TempDir,
    request: Request,
}

impl Fixture {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_path_buf();
        let places = Places {
            config: home.join("config"),
            data: home.join("data"),
            state: home.join("state"),
            home: home.clone(),
        };
        fs::create_dir(&places.config).unwrap();
        fs::create_dir(home.join("sops")).unwrap();
        fs::write(home.join("a-file"), "").unwrap();
        fs::write(places.config_file(), text).unwrap();
        let environment = Environment::default();
        let request = Request {
            file: None,
            profile: None,
            flags: Vec::new(),
            environment,
            places,
            host_name: "web-1".to_owned(),
        };
        Self { directory, request }
    }

    fn with_environment(mut self, pairs: &[(&str, &str)]) -> Self {
        self.request.environment =
            Environment::of(pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
        self
    }

    fn with_flag(mut self, flag: &'static str, section: &'static str, key: &'static str, text: &str) -> Self {
        self.request.flags.push(FlagValue { flag, section, key, text: text.to_owned() });
        self
    }

    fn home(&self) -> &Path {
        self.directory.path()
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(&self.request)
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    fn mistakes(&self) -> Vec<Mistake> {
        self.load().map(|_| Vec::new()).unwrap_or_else(|error| error.mistakes)
    }
}

/// One mistake in a file: the text, then line, key, a part of the problem and a part of what is allowed.
#[rstest]
// unknown names
#[case("[recever]\nlisten = \"127.0.0.1:1\"", 1, "recever", "did you mean [receiver]?", "[store], [receiver]")]
#[case("[alertmanagers]\nurl = \"http://a\"", 1, "alertmanagers", "did you mean [[alertmanager]]?", "[run]")]
#[case("[zzz]", 1, "zzz", "no such section", "[console]")]
#[case("listen = \"127.0.0.1:1\"", 1, "listen", "[receiver] listen", "[store]")]
#[case(
    "\n\n[receiver]\nlisen = \"127.0.0.1:1\"",
    4,
    "receiver.lisen",
    "did you mean listen?",
    "enabled, listen, token"
)]
#[case("[store]\nlisten = \"127.0.0.1:1\"", 2, "store.listen", "there is one in [receiver]", "path")]
#[case("[log]\nfrobnicate = 1", 2, "log.frobnicate", "there is no such key", "level, path")]
#[case("[[alertmanager]]\nurl = \"http://a\"\nintervall = \"1m\"", 3, "alertmanager.intervall", "interval?", "timeout")]
// wrong shapes
#[case("store = 3", 1, "store", "has to be a section", "[store]")]
#[case("[alertmanager]\nurl = \"http://a\"", 1, "alertmanager", "list of tables", "[[alertmanager]]")]
#[case("alertmanager = [1]", 1, "alertmanager", "list of tables", "[[alertmanager]]")]
#[case("[store]\npath = 7", 2, "store.path", "7 is a number", "absolute path of a file")]
#[case("[store]\npath = [\"/a\"]", 2, "store.path", "is a list", "absolute path of a file")]
#[case("[receiver]\nenabled = \"true\"", 2, "receiver.enabled", "is a text", "true or false")]
#[case("[receiver]\nenabled = 1", 2, "receiver.enabled", "1 is a number", "true or false")]
#[case("[console]\nascii = \"maybe\"", 2, "console.ascii", "not among the choices", "\"auto\", true or false")]
#[case(
    "[log]\nlevel = \"verbose\"",
    2,
    "log.level",
    "not among",
    "\"error\", \"warn\", \"info\", \"debug\" or \"trace\""
)]
#[case("[log]\nlevel = true", 2, "log.level", "truth value", "\"error\"")]
// spans of time
#[case("[run]\ntime_limit = 60", 2, "run.time_limit", "60 has no unit", "\"90s\"")]
#[case("[run]\ntime_limit = \"soon\"", 2, "run.time_limit", "\"soon\" is not a span of time", "1s to 24h")]
#[case("[run]\ntime_limit = \"0s\"", 2, "run.time_limit", "too short", "1s to 24h")]
#[case("[run]\ntime_limit = \"-5m\"", 2, "run.time_limit", "less than nothing", "1s to 24h")]
#[case("[run]\ntime_limit = \"25h\"", 2, "run.time_limit", "too long", "1s to 24h")]
#[case("[incidents]\nreopen_within = \"8d\"", 2, "incidents.reopen_within", "too long", "0s to 168h")]
#[case("[incidents]\nreopen_within = \"1 month\"", 2, "incidents.reopen_within", "no fixed length", "0s to 168h")]
#[case("[incidents]\nshow_resolved_for = 1979-05-27", 2, "incidents.show_resolved_for", "date or time", "0s to 720h")]
// sizes
#[case("[receiver]\nbody_limit = \"4MB\"", 2, "receiver.body_limit", "is not a size", "64KiB to 64MiB")]
#[case("[receiver]\nbody_limit = 12", 2, "receiver.body_limit", "12 is too small", "64KiB to 64MiB")]
#[case("[receiver]\nbody_limit = \"65MiB\"", 2, "receiver.body_limit", "too large", "64KiB to 64MiB")]
#[case("[receiver]\nbody_limit = -1", 2, "receiver.body_limit", "-1 is not a size", "64KiB to 64MiB")]
#[case("[receiver]\nbody_limit = 99999999999999999999", 2, "receiver.body_limit", "beyond 64 bits", "64KiB")]
#[case(
    "[receiver]\nin_flight_limit = \"1MiB\"",
    2,
    "receiver.in_flight_limit",
    "less than receiver.body_limit",
    "at least"
)]
// addresses
#[case("[receiver]\nlisten = \"localhost:9911\"", 2, "receiver.listen", "is not an address", "\"127.0.0.1:9911\"")]
#[case("[receiver]\nlisten = \"127.0.0.1\"", 2, "receiver.listen", "is not an address", "\"[::1]:9911\"")]
#[case("[receiver]\nlisten = \"127.0.0.1:70000\"", 2, "receiver.listen", "is not an address", "a port")]
#[case("[receiver]\nlisten = \"0.0.0.0:9911\"", 2, "receiver.listen", "no receiver.token", "a loopback address")]
#[case("[[alertmanager]]\nurl = \"am:9093\"", 2, "alertmanager.url", "not a web address", "http:// or https://")]
#[case("[[alertmanager]]\nurl = \"\"", 2, "alertmanager.url", "is not a URL", "http:// or https://")]
#[case("[[alertmanager]]\nurl = \"ftp://a\"", 2, "alertmanager.url", "not a web address", "http:// or https://")]
#[case("[[alertmanager]]\nurl = \"http://a/?x=1\"", 2, "alertmanager.url", "has a query", "http:// or https://")]
#[case("\n[[alertmanager]]\nname = \"a\"", 2, "alertmanager.url", "is missing", "http:// or https://")]
// names and logins
#[case("[[alertmanager]]\nurl = \"http://a\"\nname = \"a b\"", 3, "alertmanager.name", "not a name", "1 to 64 letters")]
#[case(
    "[[alertmanager]]\nurl = \"http://a\"\n[[alertmanager]]\nurl = \"http://b\"",
    3,
    "alertmanager[2].name",
    "another Alertmanager with the name alertmanager",
    "a name for each"
)]
#[case(
    "[[alertmanager]]\nurl = \"http://a\"\nusername = \"u\"",
    3,
    "alertmanager.username",
    "without a password",
    "together"
)]
#[case(
    "[[alertmanager]]\nurl = \"http://a\"\nusername = \"u:v\"\npassword = { env = \"P\" }",
    3,
    "alertmanager.username",
    "not a user name",
    "without colons"
)]
#[case(
    "[[alertmanager]]\nurl = \"http://a\"\npassword = { env = \"P\" }",
    3,
    "alertmanager.password",
    "without a user",
    "together"
)]
#[case(
    "[[alertmanager]]\nurl = \"http://a\"\ninterval = \"5s\"\ntimeout = \"6s\"",
    4,
    "alertmanager.timeout",
    "longer",
    "at most"
)]
#[case("[[target]]\nssh = \"{host}\"", 1, "target.hosts", "is missing", "one or more names of hosts")]
#[case("[[target]]\nhosts = [\"a b\"]", 2, "target.hosts", "not the name of a host", "stands for any text")]
#[case("[[target]]\nhosts = [\"a\"]\nssh = \"-oProxyCommand=x\"", 3, "target.ssh", "option", "user@host")]
#[case("[[target]]\nhosts = [\"a\"]\ndirectory = \"srv\"", 3, "target.directory", "not absolute", "other host")]
#[case("[[target]]\nkind = \"pod\"\nhosts = [\"a\"]", 2, "target.kind", "not among the choices", "container")]
#[case("[[target]]\nkind = \"container\"", 1, "target.namespaces", "is missing", "names of namespaces")]
#[case(
    "[[target]]\nkind = \"container\"\nnamespaces = [\"a\"]\nssh = \"b\"",
    4,
    "target.ssh",
    "only a target of kind \"host\"",
    "without it"
)]
#[case(
    "[[target]]\nhosts = [\"a\"]\npods = [\"b\"]",
    3,
    "target.pods",
    "only a target of kind \"container\"",
    "without it"
)]
#[case(
    "[[target]]\nkind = \"container\"\nnamespaces = [\"a\"]\ncontext = \"--as=root\"",
    4,
    "target.context",
    "option",
    "kubeconfig"
)]
#[case(
    "[[target]]\nkind = \"container\"\nnamespaces = [\"a\"]\ncontainer = \"A\"",
    4,
    "target.container",
    "cannot have",
    "lower case"
)]
#[case("[[target]]\nhosts = [\"a\"]\nport = 0", 3, "target.port", "not in this range", "1 to 65535")]
#[case(
    "[[secret]]\nname = \"a\"\nvariable = \"LD_PRELOAD\"\nvalue = { env = \"X\" }\nprograms = [\"psql\"]",
    3,
    "secret.variable",
    "cannot be that",
    "PGPASSFILE"
)]
#[case(
    "[[secret]]\nname = \"a\"\nvalue = { env = \"X\" }\nvariable = \"PGPASSFILE\"\nprograms = [\"./psql\"]",
    5,
    "secret.programs",
    "not the plain name",
    "without directories"
)]
#[case("[run]\ntarget_name = \"\"", 2, "run.target_name", "not a name", "1 to 253")]
// paths
#[case("[store]\npath = \"aiops.db\"", 2, "store.path", "is relative", "begins with ~/")]
#[case("[store]\npath = \"\"", 2, "store.path", "is not a path", "absolute path")]
#[case("[store]\npath = \"~/sops\"", 2, "store.path", "is a directory", "path of a file")]
#[case(
    "[sops]\ndirectories = [\n  \"~/sops\",\n  \"~/a-file\",\n]",
    4,
    "sops.directories",
    "not a directory",
    "a list"
)]
#[case("[sops]\ndirectories = [\"sops\"]", 2, "sops.directories", "is relative", "a list")]
#[case("[sops]\ndirectories = \"~/sops\"", 2, "sops.directories", "is a text", "a list")]
#[case("[sops]\ndirectories = [1]", 2, "sops.directories", "1 is a number", "a list")]
#[case("[run]\ndirectory = \"~/a-file\"", 2, "run.directory", "not a directory", "path of a directory")]
#[case("[run]\npath = \"/bin:bin\"", 2, "run.path", "\"bin\" is not an absolute directory", "separated by colons")]
#[case("[run]\npath = \"/bin::/usr/bin\"", 2, "run.path", "not an absolute directory", "separated by colons")]
#[case("[run]\npass_env = [\"A-B\"]", 2, "run.pass_env", "not the name of a variable", "[\"KUBECONFIG\"]")]
#[case("[run]\npass_env = [\"LD_PRELOAD\"]", 2, "run.pass_env", "loads foreign code", "without PATH")]
#[case("[run]\npass_env = [\"HOME\",\n \"AIOPS_X\"]", 3, "run.pass_env", "may hold secrets", "without PATH")]
#[case("[run]\npass_env = [\"PGPASSWORD\"]", 2, "run.pass_env", "named like a secret", "without PATH")]
#[case("[run]\npass_env = [\"VAULT_TOKEN\"]", 2, "run.pass_env", "named like a secret", "without PATH")]
#[case("[run]\npass_env = [\"aws_secret_access_key\"]", 2, "run.pass_env", "named like a secret", "without PATH")]
// secrets
#[case(
    "[receiver]\ntoken = \"hunter2\"",
    2,
    "receiver.token",
    "must not stand in the configuration",
    "{ file = \"/path\" }"
)]
#[case("[receiver]\ntoken = 17", 2, "receiver.token", "must not stand in the configuration", "{ env = \"NAME\" }")]
#[case("[receiver]\ntoken = {}", 2, "receiver.token", "names 0 places", "one of")]
#[case("[receiver]\ntoken = { env = \"A\", file = \"/b\" }", 2, "receiver.token", "names 2 places", "one of")]
#[case("[receiver]\ntoken = { envv = \"A\" }", 2, "receiver.token", "\"envv\" is no place", "{ env = \"NAME\" }")]
#[case("[receiver]\ntoken = { env = \"hunter2!\" }", 2, "receiver.token", "name of an environment variable", "one of")]
#[case("[receiver]\ntoken = { file = \"token\" }", 2, "receiver.token", "is relative", "one of")]
#[case(
    "[receiver]\ntoken = { command = \"pass show x\" }",
    2,
    "receiver.token",
    "not of the right kind",
    "[\"pass\", \"show\""
)]
#[case("[receiver]\ntoken = { command = [] }", 2, "receiver.token", "not of the right kind", "one of")]
#[case("[receiver]\ntoken = { command = [\"pass\", 1] }", 2, "receiver.token", "a word that is no text", "one of")]
#[case("[model]\nkey = \"hunter2\"", 2, "model.key", "must not stand in the configuration", "{ env = \"NAME\" }")]
// the model
#[case("[redact]\ndomains = [\"acme.io\",\n \"a b\"]", 3, "redact.domains", "is not a domain", "[\"example.com\"]")]
#[case("[redact]\ndomains = [\"com\"]", 2, "redact.domains", "everybody's", "such as \"com\"")]
#[case("[redact]\ndomains = [\".co.uk\"]", 2, "redact.domains", "everybody's", "such as \"com\"")]
#[case("[redact]\ndomains = \"acme.io\"", 2, "redact.domains", "is a text", "a list")]
#[case("[budget]\nper_day = 0.5", 2, "budget.per_day", "number with a fraction", "\"0.10\"")]
#[case("[budget]\nper_day = \"5 USD\"", 2, "budget.per_day", "is no amount", "from \"0\" to \"1000\"")]
#[case("[budget]\nper_day = \"1001\"", 2, "budget.per_day", "too much", "from \"0\" to \"1000\"")]
#[case("[budget]\nper_call = \"2\"", 2, "budget.per_call", "never be reached", "at most budget.per_incident")]
#[case("[model]\nname = \"a/b\"", 2, "model.name", "is not a name", "1 to 128 letters")]
#[case("[model]\nbase_url = \"http://example.org\"", 2, "model.base_url", "in the clear", "an https:// address")]
#[case(
    "[model]\nbase_url = \"https://example.org/v1beta/\"",
    2,
    "model.base_url",
    "api_version",
    "without the version"
)]
#[case("[model]\napi_version = \"v2\"", 2, "model.api_version", "not among", "\"v1\", \"v1beta\"")]
#[case("[model]\nthinking = \"deep\"", 2, "model.thinking", "not among", "\"low\", \"medium\" or \"high\"")]
#[case("[model]\nmax_output_tokens = 255", 2, "model.max_output_tokens", "255 is not in this range", "256 to 65536")]
#[case("[model]\nmax_output_tokens = \"many\"", 2, "model.max_output_tokens", "is a text", "256 to 65536")]
#[case("[model]\nidle_timeout = \"6m\"", 2, "model.idle_timeout", "too long", "1s to 5m")]
#[case("[model]\nproject = \"ops\"", 2, "model.project", "without a location", "together")]
#[case("[model]\nlocation = \"eu\"", 2, "model.location", "without a project", "together")]
// syntax
#[case("[store]\npath = /a", 2, "", "not valid TOML", "TOML")]
#[case("[store]\npath = \"/a\"\npath = \"/b\"", 3, "", "not valid TOML: duplicate key", "TOML")]
#[case("[store\n", 1, "", "not valid TOML", "TOML")]
fn a_mistake_is_placed_named_and_explained(
    #[case] text: &str,
    #[case] line: usize,
    #[case] key: &str,
    #[case] problem: &str,
    #[case] allowed: &str,
) {
    let fixture = Fixture::new(text);
    let mistakes = fixture.mistakes();
    let [mistake] = mistakes.as_slice() else { panic!("one mistake is expected: {mistakes:#?}") };
    assert_eq!(mistake.origin, Origin::File { path: fixture.request.places.config_file(), line }, "{mistake}");
    assert_eq!(mistake.key, key, "{mistake}");
    assert!(mistake.problem.contains(problem), "{mistake}");
    assert!(mistake.allowed.contains(allowed), "{mistake}");
    assert!(!mistake.to_string().contains("hunter2"), "{mistake}");
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_file() {
    let text = "[log]\nlevel = \"loud\"\n\n[receiver]\nlisten = \"here\"\nbody_limt = 1\n[stor]\n";
    let fixture = Fixture::new(text).with_environment(&[("AIOPS_CONSOLE_UTC", "perhaps")]);
    let error = fixture.load().unwrap_err();
    let places: Vec<String> = error.mistakes.iter().map(|mistake| mistake.key.clone()).collect();
    assert_eq!(places, ["log.level", "receiver.listen", "receiver.body_limt", "stor", "console.utc"]);
    let path = fixture.request.places.config_file();
    assert!(error.to_string().starts_with(&format!("{}:2: log.level: \"loud\" is not", path.display())), "{error}");
    assert_eq!(error.to_string().lines().count(), 5);
}

#[test]
fn a_url_with_a_password_is_refused_without_quoting_it() {
    let fixture = Fixture::new("[[alertmanager]]\nurl = \"https://ada:hunter2@am.example.org\"");
    let error = fixture.load().unwrap_err().to_string();
    assert!(error.contains("username and password") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_syntax_error_does_not_quote_its_line() {
    let fixture = Fixture::new("[receiver]\ntoken = hunter2\n");
    let error = fixture.load().unwrap_err().to_string();
    assert!(error.contains(":2: not valid TOML") && !error.contains("hunter2"), "{error}");
}

#[test]
fn without_a_file_everything_has_its_default() {
    let fixture = Fixture::new("");
    fs::remove_file(fixture.request.places.config_file()).unwrap();
    let loaded = fixture.loaded();
    assert!(loaded.files.is_empty());
    assert_eq!(loaded.warnings, []);
    let Config { store, receiver, alertmanagers, incidents, run, console, .. } = loaded.config;
    assert_eq!(store.path, fixture.home().join("data/aiops.db"));
    assert_eq!(receiver.listen.to_string(), "127.0.0.1:9911");
    assert_eq!((receiver.body_limit, receiver.in_flight_limit), (4 << 20, 32 << 20));
    assert_eq!(alertmanagers, []);
    assert_eq!(incidents.reopen_within, Duration::from_secs(30 * 60));
    assert_eq!(run.target_name, "web-1");
    assert_eq!((console.ascii, console.utc), (Ascii::Auto, true));
    assert!(!console.mouse, "the terminal's own selection works unless asked otherwise");
    assert!(loaded.effective.iter().all(|value| value.origin == Origin::Default));
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let mut fixture = Fixture::new("");
    fixture.request.file = Some(fixture.home().join("absent.toml"));
    let error = fixture.load().unwrap_err().to_string();
    assert!(error.contains("absent.toml:1: the file cannot be opened"), "{error}");
    let fixture = Fixture::new("").with_environment(&[("AIOPS_CONFIG", "/nonexistent/aiops.toml")]);
    assert!(fixture.load().unwrap_err().to_string().contains("/nonexistent/aiops.toml"));
}

#[test]
fn a_file_that_is_no_text_or_not_ours_is_refused() {
    let fixture = Fixture::new("");
    let path = fixture.request.places.config_file();
    fs::write(&path, b"[store]\npath = \"/a\xff\"\n").unwrap();
    assert!(fixture.load().unwrap_err().to_string().contains(":2: a byte that is not UTF-8"));
    fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    assert!(fixture.load().unwrap_err().to_string().contains("larger than 1 MiB"));
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(fixture.load().unwrap_err().to_string().contains("chmod go-w"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let directory = path.parent().unwrap();
    for (mode, is_safe) in [(0o775, false), (0o757, false), (0o755, true)] {
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
        let loaded = fixture.load().map_err(|error| error.to_string());
        assert_eq!(loaded.is_ok(), is_safe, "{mode:o}");
        assert!(is_safe || loaded.unwrap_err().contains("chmod go-w"));
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(fixture.load().unwrap_err().to_string().contains("not a file"));
}

#[test]
fn every_key_of_a_full_file_arrives() {
    let text = r#"
        [store]
        path = "~/db/aiops.db"
        [receiver]
        enabled = false
        listen = "0.0.0.0:99"
        token = { env = "TOKEN" }
        body_limit = 1048576
        in_flight_limit = "1GiB"
        [[alertmanager]]
        name = "eu"
        url = "https://am.example.org/prefix/"
        token = { file = "~/token" }
        interval = "30s"
        timeout = "5s"
        [[alertmanager]]
        name = "us"
        url = "http://10.0.0.1:9093"
        username = "ada"
        password = { command = ["pass", "show", "am"] }
        [sops]
        directories = ["~/sops"]
        [incidents]
        reopen_within = "1h 30m"
        show_resolved_for = "0s"
        [run]
        time_limit = "90s"
        directory = "~/sops"
        path = "/opt/bin:/bin"
        pass_env = ["KUBECONFIG", "HOME", "HOME"]
        target_name = "db-7"
        [model]
        enabled = false
        name = "gemini-4-argon"
        base_url = "http://127.0.0.1:8080/proxy/"
        api_version = "v1beta"
        key = { file = "~/key" }
        project = "ops"
        location = "europe-west1"
        thinking = "high"
        max_output_tokens = 4096
        first_token_timeout = "1m"
        idle_timeout = "5s"
        [redact]
        domains = ["Acme.io", "*.acme.io", ".corp.acme.com"]
        [console]
        theme = "light"
        keymap = "~/keys.toml"
        ascii = true
        utc = false
        mouse = true
        [log]
        level = "debug"
        path = "~/log"
    "#;
    let fixture = Fixture::new(text);
    let home = fixture.home();
    let config = fixture.loaded().config;
    assert_eq!(config.store.path, home.join("db/aiops.db"));
    assert!(!config.receiver.enabled);
    assert_eq!((config.receiver.body_limit, config.receiver.in_flight_limit), (1 << 20, 1 << 30));
    let [eu, us] = config.alertmanagers.as_slice() else { panic!("two are expected") };
    assert_eq!((eu.name.as_str(), eu.url.as_str()), ("eu", "https://am.example.org/prefix"));
    assert_eq!((eu.interval, eu.timeout), (Duration::from_secs(30), Duration::from_secs(5)));
    assert!(matches!(&eu.login, Login::Bearer(token) if *token.source() == SecretSource::File(home.join("token"))));
    assert!(matches!(&us.login, Login::Basic { username, .. } if username == "ada"));
    assert_eq!(config.sops.directories, [home.join("sops")]);
    assert_eq!(config.incidents.reopen_within, Duration::from_secs(90 * 60));
    assert_eq!(config.incidents.show_resolved_for, Duration::ZERO);
    assert_eq!(config.run.pass_env, ["KUBECONFIG", "HOME"]);
    assert_eq!((config.run.path.as_str(), config.run.target_name.as_str()), ("/opt/bin:/bin", "db-7"));
    assert_eq!(config.redact.domains, ["acme.io", "corp.acme.com"]);
    assert_eq!(
        config.model,
        ModelSection {
            enabled: false,
            name: "gemini-4-argon".to_owned(),
            base_url: "http://127.0.0.1:8080/proxy".to_owned(),
            api_version: "v1beta".to_owned(),
            key: Some(Secret::new("model.key", SecretSource::File(home.join("key")))),
            vertex: Some(Vertex { project: "ops".to_owned(), location: "europe-west1".to_owned() }),
            thinking: Thinking::High,
            max_output_tokens: 4096,
            first_token_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(5),
        }
    );
    assert_eq!(config.console.keymap, Some(home.join("keys.toml")));
    assert_eq!((config.console.ascii, config.console.utc), (Ascii::Only, false));
    assert!(config.console.mouse);
    assert_eq!((config.log.level, config.log.path), (LogLevel::Debug, home.join("log")));
}

#[test]
fn flag_beats_environment_beats_file_and_each_is_named() {
    let file = "[log]\nlevel = \"error\"\n";
    let origin = |fixture: &Fixture| {
        let loaded = fixture.loaded();
        let effective = loaded.effective.into_iter().find(|value| value.key == "log.level").unwrap();
        (loaded.config.log.level, effective.origin)
    };
    let fixture = Fixture::new(file);
    let in_file = Origin::File { path: fixture.request.places.config_file(), line: 2 };
    assert_eq!(origin(&fixture), (LogLevel::Error, in_file));
    let fixture = Fixture::new(file).with_environment(&[("AIOPS_LOG_LEVEL", "warn")]);
    assert_eq!(origin(&fixture), (LogLevel::Warn, Origin::Environment { variable: "AIOPS_LOG_LEVEL".to_owned() }));
    let fixture = fixture.with_flag("--log-level", "log", "level", "trace");
    assert_eq!(origin(&fixture), (LogLevel::Trace, Origin::Flag { flag: "--log-level".to_owned() }));
}

#[test]
fn variables_set_every_kind_of_key() {
    let fixture = Fixture::new("").with_environment(&[
        ("AIOPS_DB", "relative.db"),
        ("AIOPS_THEME", "light"),
        ("AIOPS_RECEIVER_LISTEN", "[::1]:1234"),
        ("AIOPS_RECEIVER_ENABLED", "false"),
        ("AIOPS_RECEIVER_BODY_LIMIT", "1MiB"),
        ("AIOPS_RECEIVER_TOKEN", "hunter2"),
        ("AIOPS_RUN_PASS_ENV", "A, B"),
        ("AIOPS_SOPS_DIRECTORIES", "/tmp:/"),
        ("AIOPS_CONSOLE_ASCII", "true"),
        ("AIOPS_ALERTMANAGER_URL", "http://127.0.0.1:9093"),
        ("AIOPS_RUN_TIME_LIMIT", ""),
        ("UNRELATED", "x"),
    ]);
    assert!(!format!("{:?}", fixture.request).contains("hunter2"));
    let loaded = fixture.loaded();
    assert_eq!(loaded.warnings, []);
    let config = loaded.config;
    assert_eq!(config.store.path, std::env::current_dir().unwrap().join("relative.db"));
    assert_eq!((config.console.theme, config.console.ascii), (Theme::Light, Ascii::Only));
    assert_eq!(config.receiver.listen.to_string(), "[::1]:1234");
    assert_eq!((config.receiver.enabled, config.receiver.body_limit), (false, 1 << 20));
    let place = SecretSource::Environment("AIOPS_RECEIVER_TOKEN".to_owned());
    assert_eq!(config.receiver.token.unwrap().source(), &place);
    assert_eq!(config.run.pass_env, ["A", "B"]);
    assert_eq!(config.sops.directories, [PathBuf::from("/tmp"), PathBuf::from("/")]);
    assert_eq!(config.alertmanagers[0].name.as_str(), "alertmanager");
    assert_eq!(config.run.time_limit, Duration::from_secs(600));
}

#[test]
fn variables_of_googles_clients_say_what_nobody_else_says() {
    let google = [
        ("GEMINI_API_KEY", "hunter2"),
        ("GOOGLE_API_KEY", "hunter3"),
        ("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:7/"),
        ("GOOGLE_GENAI_API_VERSION", "v1beta"),
    ];
    let place = |variable: &str| SecretSource::Environment(variable.to_owned());
    let loaded = Fixture::new("").with_environment(&google).loaded();
    assert_eq!(loaded.warnings, []);
    let model = loaded.config.model;
    assert_eq!(model.key.unwrap().source(), &place("GOOGLE_API_KEY"));
    assert_eq!((model.base_url.as_str(), model.api_version.as_str()), ("http://127.0.0.1:7", "v1beta"));
    let key = loaded.effective.iter().find(|value| value.key == "model.key").unwrap();
    assert_eq!(key.value.as_deref(), Some("{ env = \"GOOGLE_API_KEY\" }"));
    assert_eq!(key.origin, Origin::Environment { variable: "GOOGLE_API_KEY".to_owned() });

    let model = Fixture::new("").with_environment(&google[..1]).loaded().config.model;
    assert_eq!(model.key.unwrap().source(), &place("GEMINI_API_KEY"));

    let text = "[model]\nkey = { env = \"MINE\" }\nbase_url = \"https://example.org\"\napi_version = \"v1\"\n";
    let model = Fixture::new(text).with_environment(&google).loaded().config.model;
    assert_eq!(model.key.unwrap().source(), &place("MINE"));
    assert_eq!((model.base_url.as_str(), model.api_version.as_str()), ("https://example.org", "v1"));

    let ours = [("AIOPS_MODEL_KEY", "hunter4"), ("AIOPS_MODEL_API_VERSION", "v1alpha"), google[1], google[3]];
    let model = Fixture::new(text).with_environment(&ours).loaded().config.model;
    assert_eq!(model.key.unwrap().source(), &place("AIOPS_MODEL_KEY"));
    assert_eq!(model.api_version, "v1alpha");

    let mistakes = Fixture::new("").with_environment(&[("GOOGLE_GEMINI_BASE_URL", "http://example.org")]).mistakes();
    assert_eq!(mistakes[0].origin, Origin::Environment { variable: "GOOGLE_GEMINI_BASE_URL".to_owned() });
}

#[test]
fn a_model_at_vertex_has_an_address_of_its_own() {
    let url = |text: &str| Fixture::new(text).loaded().config.model.base_url;
    assert_eq!(url(""), "https://generativelanguage.googleapis.com");
    let at = |place: &str| format!("[model]\nproject = \"p\"\nlocation = \"{place}\"\n");
    assert_eq!(url(&at("europe-west1")), "https://europe-west1-aiplatform.googleapis.com");
    assert_eq!(url(&at("global")), "https://aiplatform.googleapis.com");
}

#[rstest]
#[case("AIOPS_RECEIVER_LISTEN", "here", "receiver.listen", "is not an address")]
#[case("AIOPS_RUN_TIME_LIMIT", "60", "run.time_limit", "is not a span of time")]
#[case("AIOPS_CONSOLE_UTC", "yes", "console.utc", "not among the choices")]
#[case("AIOPS_DB", "/", "store.path", "is a directory")]
#[case("AIOPS_ALERTMANAGER_URL", "am", "alertmanager.url", "is not a URL")]
#[case("AIOPS_ALERTMANAGER_TIMEOUT", "1s", "alertmanager.url", "is missing")]
fn a_mistake_in_a_variable_names_the_variable(
    #[case] variable: &str,
    #[case] value: &str,
    #[case] key: &str,
    #[case] problem: &str,
) {
    let mistakes = Fixture::new("").with_environment(&[(variable, value)]).mistakes();
    let [mistake] = mistakes.as_slice() else { panic!("one mistake is expected: {mistakes:#?}") };
    assert_eq!(mistake.origin, Origin::Environment { variable: variable.to_owned() });
    assert_eq!(mistake.key, key);
    assert!(mistake.problem.contains(problem), "{mistake}");
}

#[test]
fn the_log_filter_is_the_level_unless_a_variable_is_finer() {
    let fixture = Fixture::new("[log]\nlevel = \"warn\"\n");
    assert_eq!(fixture.loaded().config.log.filter, "warn");
    let fixture = fixture.with_environment(&[("AIOPS_LOG", "info,hyper=debug")]);
    assert_eq!(fixture.loaded().config.log.filter, "info,hyper=debug");
}

#[test]
fn names_that_could_steer_a_terminal_are_spelled_out() {
    let error = Fixture::new("[store]\n\"\\u001b]52;c;AA\" = 1\n[\"\\u001b[2J\"]\n").load().unwrap_err();
    assert_eq!(error.mistakes.len(), 2);
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
}

#[test]
fn two_variables_for_one_key_are_refused() {
    let fixture = Fixture::new("").with_environment(&[("AIOPS_DB", "/a"), ("AIOPS_STORE_PATH", "/a")]);
    let mistakes = fixture.mistakes();
    assert!(mistakes[0].problem.contains("AIOPS_STORE_PATH is set, too"), "{}", mistakes[0]);
}

#[test]
fn a_variable_for_one_of_several_alertmanagers_is_refused() {
    let text =
        "[[alertmanager]]\nname = \"a\"\nurl = \"http://a\"\n[[alertmanager]]\nname = \"b\"\nurl = \"http://b\"\n";
    let mistakes = Fixture::new(text).with_environment(&[("AIOPS_ALERTMANAGER_INTERVAL", "10s")]).mistakes();
    assert!(mistakes[0].problem.contains("there are 2 tables"), "{}", mistakes[0]);
}

#[test]
fn unknown_variables_are_warned_about_and_known_ones_are_not() {
    let fixture = Fixture::new("").with_environment(&[
        ("AIOPS_RECEIVER_LISEN", "127.0.0.1:1"),
        ("AIOPS_COLOUR_OF_THE_SHED", "red"),
        ("AIOPS_CORPORA", "/x"),
        ("AIOPS_REQUIRE_SERVICES", "1"),
        ("AIOPS_LOG", "debug"),
    ]);
    let warnings: Vec<String> = fixture.loaded().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("AIOPS_COLOUR_OF_THE_SHED") && warnings[0].contains("unset it"), "{warnings:?}");
    assert!(warnings[1].contains("did you mean AIOPS_RECEIVER_LISTEN?"), "{warnings:?}");
}

#[test]
fn a_missing_directory_is_a_warning_with_its_line() {
    let fixture = Fixture::new("[sops]\ndirectories = [\"/nonexistent/sops\", \"~/sops\"]\n");
    let loaded = fixture.loaded();
    let [warning] = loaded.warnings.as_slice() else { panic!("one warning is expected") };
    assert_eq!(warning.origin, Origin::File { path: fixture.request.places.config_file(), line: 2 });
    assert!(warning.text.contains("/nonexistent/sops"), "{warning}");
    assert_eq!(loaded.config.sops.directories.len(), 2);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let text = "[receiver]\nbody_limit = \"8MiB\"\ntoken = { file = \"~/token\" }\n[console]\nascii = true\n\
                [incidents]\nreopen_within = \"90m\"\n";
    let first = Fixture::new(text);
    let shown: String = first
        .loaded()
        .effective
        .iter()
        .filter_map(|value| Some(format!("{} = {}\n", value.key, value.value.as_ref()?)))
        .collect();
    fs::write(first.request.places.config_file(), &shown).unwrap();
    let again = first.loaded();
    fs::write(first.request.places.config_file(), text).unwrap();
    assert_eq!(again.config, first.loaded().config, "{shown}");
}

#[test]
fn what_is_shown_of_a_secret_is_its_place() {
    let text = "[receiver]\ntoken = { command = [\"echo\", \"hunter2\"] }\n";
    let loaded = Fixture::new(text).loaded();
    let token = loaded.effective.iter().find(|value| value.key == "receiver.token").unwrap();
    assert_eq!(token.value.as_deref(), Some("{ command = [\"echo\", …] }"));
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

#[test]
fn a_profile_goes_over_the_file_and_has_a_database_of_its_own() {
    let base = "[console]\nutc = false\ntheme = \"light\"\n[store]\npath = \"/base.db\"\n\
                [[alertmanager]]\nurl = \"http://one\"\n[receiver]\nlisten = \"127.0.0.1:1\"\n";
    let mut fixture = Fixture::new(base);
    let over = fixture.home().join("config/config.prod.toml");
    fs::write(&over, "[[alertmanager]]\nurl = \"http://two\"\n[console]\n\nutc = true\n").unwrap();
    fixture.request.profile = Some("prod".to_owned());
    let loaded = fixture.loaded();
    assert_eq!(loaded.profile.as_ref().map(Profile::as_str), Some("prod"));
    assert_eq!(loaded.files.len(), 2);
    let origin = |key: &str| loaded.effective.iter().find(|value| value.key == key).unwrap().origin.clone();
    assert_eq!(origin("console.utc"), Origin::File { path: over.clone(), line: 5 });
    assert_eq!(origin("console.theme"), Origin::File { path: fixture.request.places.config_file(), line: 3 });
    assert_eq!(origin("alertmanager.url"), Origin::File { path: over, line: 2 });
    assert_eq!(loaded.config.alertmanagers.len(), 1, "a list is replaced");
    let (data, state) = (&fixture.request.places.data, &fixture.request.places.state);
    assert_eq!(loaded.config.store.path, data.join("profiles/prod/aiops.db"));
    assert_eq!(loaded.config.log.path, state.join("profiles/prod/aiops.log"));
    assert_eq!(loaded.config.receiver.listen.port(), 1);
}

#[test]
fn a_profile_is_named_by_flag_or_variable_and_has_to_be_there() {
    let fixture = Fixture::new("").with_environment(&[("AIOPS_PROFILE", "prod")]);
    let error = fixture.load().unwrap_err().to_string();
    assert!(error.contains("config.prod.toml") && error.contains("cannot be opened"), "{error}");
    fs::write(fixture.home().join("config/config.prod.toml"), "[console]\nutc = 1\n").unwrap();
    let error = fixture.load().unwrap_err().to_string();
    assert!(error.contains("config.prod.toml:2: console.utc"), "{error}");
    for name in ["", "..", "a/b", "Prod", &"a".repeat(33)] {
        let mut fixture = Fixture::new("");
        fixture.request.profile = Some(name.to_owned());
        let error = fixture.load().unwrap_err().to_string();
        assert!(error.contains("flag --profile") && error.contains("1 to 32"), "{error}");
    }
}
