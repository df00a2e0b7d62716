//! The certificate authority of the demo, which issues the certificate of one server and renews it when it is asked to.
//!
//! Owns: the keys, the files below its directory, and the requests that the renewal hook leaves there. Does not: run the
//! hook; a person approves that.
//!
//! Invariant: it writes only the certificate and the key of [`SERVER_NAME`]: a request names a file, and any other is refused.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};

use crate::domain::time::Timestamp;

/// The name that the certificate is for; `.example` belongs to nobody (RFC 2606).
pub(super) const SERVER_NAME: &str = "shop.example";
/// The authority's own name.
pub(super) const AUTHORITY_NAME: &str = "Demo authority";

/// The first certificate is about to end.
const FIRST_VALIDITY: Duration = Duration::from_secs(5 * 60 * 60);
/// A renewed one lasts as long as those of public authorities do.
const VALIDITY: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Certificates begin this long ago, so that a clock that is a little late accepts them.
const BACKDATED: Duration = Duration::from_secs(60 * 60);
/// Requests are looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The directory of the hook.
pub(super) const HOOKS: &str = "bin";
/// The hook that asks for a renewal.
const HOOK: &str = include_str!("../../assets/demo/renew-certificate.sh");
/// Its name, as the SOP has it.
pub const HOOK_NAME: &str = "renew-certificate";

/// Why nothing could be issued.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A key or a certificate could not be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file could not be written.
    #[error("the authority's files could not be written: {0}")]
    Io(#[from] io::Error),
}

/// The authority.
pub struct Authority {
    root: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes the authority below `root`, with its hook and a certificate that ends within hours of `now`.
    ///
    /// # Errors
    /// See [`AuthorityError`].
    pub(super) fn create(root: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        let authority = Self { root: root.to_owned(), issuer: issuer(now)? };
        for directory in [authority.requests(), authority.directory(), authority.hooks()] {
            fs::create_dir_all(directory)?;
        }
        write_new(&authority.hooks().join(HOOK_NAME), HOOK, 0o700)?;
        authority.issue(now, FIRST_VALIDITY)?;
        Ok(authority)
    }

    /// The server's certificate.
    pub(super) fn certificate(&self) -> PathBuf {
        self.directory().join(format!("{SERVER_NAME}.crt"))
    }

    fn hooks(&self) -> PathBuf {
        self.root.join(HOOKS)
    }

    fn directory(&self) -> PathBuf {
        self.root.join("etc").join("tls")
    }

    fn requests(&self) -> PathBuf {
        self.root.join("authority").join("requests")
    }

    /// Answers requests for ever; ends when the task is dropped. `now` is the wall clock.
    pub async fn run(self, now: impl Fn() -> Timestamp + Send) {
        let mut authority = self;
        loop {
            let moment = now();
            let answered = tokio::task::spawn_blocking(move || {
                authority.answer_requests(moment);
                authority
            });
            let Ok(back) = answered.await else { return };
            authority = back;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Answers each request that lies there.
    pub(super) fn answer_requests(&self, now: Timestamp) {
        let Ok(entries) = fs::read_dir(self.requests()) else { return };
        for request in entries.flatten().map(|entry| entry.path()) {
            if request.extension().is_none_or(|extension| extension != "request") {
                continue;
            }
            let answer = self.answer(&request, now);
            // The request goes first: it must not be answered twice when the answer cannot be written.
            let written = fs::remove_file(&request)
                .and_then(|()| write_new(&request.with_extension("answer"), &format!("{answer}\n"), 0o600));
            if let Err(error) = written {
                tracing::warn!(%error, "a request for a certificate could not be answered");
            }
        }
    }

    /// Renews the certificate that `request` names, or refuses.
    fn answer(&self, request: &Path, now: Timestamp) -> String {
        let wanted = fs::read_to_string(request).unwrap_or_default();
        let wanted = wanted.trim_end_matches('\n');
        if Path::new(wanted) != self.certificate() {
            return format!("refused: {wanted} is not a certificate of this authority; it has {SERVER_NAME} only");
        }
        match self.issue(now, VALIDITY) {
            Ok(end) => format!("issued {wanted}, valid until {}", end.to_rfc3339()),
            Err(error) => format!("refused: {error}"),
        }
    }

    /// Puts a certificate and its key in place, which are valid for `validity` from `now` on; returns until when.
    fn issue(&self, now: Timestamp, validity: Duration) -> Result<Timestamp, AuthorityError> {
        let end = whole_second(now.plus(validity));
        let key = KeyPair::generate()?;
        let mut params = params(SERVER_NAME, now, end);
        params.subject_alt_names = vec![rcgen::SanType::DnsName(SERVER_NAME.try_into()?)];
        let certificate = params.signed_by(&key, &self.issuer)?;
        // A server that reads between the two finds a key that does not fit, and tries again: both are replaced whole.
        write_new(&self.certificate().with_extension("key"), &pem("PRIVATE KEY", key.serialized_der()), 0o600)?;
        write_new(&self.certificate(), &pem("CERTIFICATE", certificate.der()), 0o644)?;
        Ok(end)
    }
}

fn issuer(now: Timestamp) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
    let mut own = params(AUTHORITY_NAME, now, now.plus(10 * VALIDITY));
    own.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(Issuer::new(own, KeyPair::generate()?))
}

fn params(name: &str, now: Timestamp, end: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = system_time(whole_second(now.minus(BACKDATED))).into();
    params.not_after = system_time(end).into();
    params.serial_number = Some(SerialNumber::from_slice(&now.as_millis().to_be_bytes()));
    params
}

/// Certificates know no fractions of a second (RFC 5280, section 4.1.2.5).
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() - moment.as_millis().rem_euclid(1_000))
}

fn system_time(moment: Timestamp) -> SystemTime {
    let span = Duration::from_millis(moment.as_millis().unsigned_abs());
    if moment.as_millis() < 0 { UNIX_EPOCH - span } else { UNIX_EPOCH + span }
}

/// The textual encoding of RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// Puts a file in place whole: a reader sees the old or the new one.
fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::super::certificate::valid_until;
    use super::*;

    /// 2026-03-01T02:14:00.123Z
    const NOW: Timestamp = Timestamp::from_millis(1_772_331_240_123);

    /// A certificate that ends at `end`, in PEM.
    pub(in crate::demo) fn self_signed(end: Timestamp) -> String {
        let key = KeyPair::generate().unwrap();
        pem("CERTIFICATE", params("test", end.minus(Duration::from_secs(1)), end).self_signed(&key).unwrap().der())
    }

    fn end_of(authority: &Authority) -> Timestamp {
        valid_until(&fs::read(authority.certificate()).unwrap()).unwrap()
    }

    /// Runs the hook while the authority answers.
    fn renew(authority: &Authority, certificate: &Path) -> (bool, String) {
        let mut hook = Command::new(authority.hooks().join(HOOK_NAME));
        let mut running = hook.arg(certificate).stdout(std::process::Stdio::piped()).spawn().unwrap();
        while running.try_wait().unwrap().is_none() {
            authority.answer_requests(NOW);
            std::thread::yield_now();
        }
        let output = running.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn the_hook_renews_the_certificate_and_its_key() {
        // A path with blanks and quotes is not taken apart by the hook.
        let root = tempfile::Builder::new().prefix("a 'b\" $c").tempdir().unwrap();
        let authority = Authority::create(root.path(), NOW).unwrap();
        assert_eq!(end_of(&authority), whole_second(NOW.plus(FIRST_VALIDITY)));
        let key = authority.certificate().with_extension("key");
        let before = fs::read(&key).unwrap();
        let (renewed, said) = renew(&authority, &authority.certificate());
        assert!(renewed && said.contains("issued") && said.contains("2026-05-30"), "{said}");
        assert_eq!(end_of(&authority), whole_second(NOW.plus(VALIDITY)));
        assert_ne!(fs::read(&key).unwrap(), before);
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(authority.requests()).unwrap().count(), 0, "nothing is left to answer");
    }

    #[test]
    fn another_file_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let authority = Authority::create(root.path(), NOW).unwrap();
        let other = root.path().join("other.crt");
        fs::write(&other, "mine").unwrap();
        let (renewed, said) = renew(&authority, &other);
        assert!(!renewed && said.contains("refused") && said.contains(SERVER_NAME), "{said}");
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        assert_eq!(end_of(&authority), whole_second(NOW.plus(FIRST_VALIDITY)));
    }

    #[test]
    fn a_file_that_is_not_there_is_said_to_be_missing() {
        let root = tempfile::tempdir().unwrap();
        let authority = Authority::create(root.path(), NOW).unwrap();
        let hook = Command::new(authority.hooks().join(HOOK_NAME)).arg("/nowhere/x.crt").output().unwrap();
        assert_eq!(hook.status.code(), Some(2));
        assert!(String::from_utf8(hook.stderr).unwrap().contains("/nowhere/x.crt"));
    }

    #[test]
    fn openssl_reads_the_same() {
        let root = tempfile::tempdir().unwrap();
        let authority = Authority::create(root.path(), NOW).unwrap();
        let words = ["x509", "-noout", "-subject", "-issuer", "-enddate", "-in"];
        let Ok(output) = Command::new("openssl").args(words).arg(authority.certificate()).output() else {
            eprintln!("openssl is not installed: skipped");
            return;
        };
        let said = String::from_utf8(output.stdout).unwrap();
        for word in [SERVER_NAME, AUTHORITY_NAME, "notAfter=Mar  1 07:14:00 2026 GMT"] {
            assert!(said.contains(word), "{said}");
        }
    }
}
