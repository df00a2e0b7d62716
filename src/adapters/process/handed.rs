//! Secrets on their way to programs: fetched by the runner, handed to the supervisor through a pipe, and by it to programs
//! as files that have no name on any disk.
//!
//! Invariants: a secret is in no argument, no environment, no file of the attempt and no message. A program that is not meant
//! to have it does not inherit its descriptor: the supervisor starts one program at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, FdFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, fchmod};
use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::action::handed::HandedSecret;
use crate::domain::action::spec::Stage;

/// Bytes of all secrets of one action at most: they have to fit into a pipe that nobody reads yet (pipe(7)).
const MOST: usize = 32 * 1024;

/// Fetches the secret of this name, or says why not.
type Fetch = dyn Fn(&str) -> Result<SecretString, String> + Send + Sync;

/// Where the runner has secrets from.
#[derive(Clone)]
pub struct Secrets(Arc<Fetch>);

impl Secrets {
    /// Secrets that `fetch` fetches by their names. It may block.
    #[must_use]
    pub fn new(fetch: impl Fn(&str) -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    /// No secrets.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|name| Err(format!("there is no secret {name} in the configuration")))
    }

    /// Fetches `wanted` for the pipe to the supervisor.
    ///
    /// # Errors
    /// When one cannot be had, or they are too large.
    pub(super) fn packed(&self, wanted: &[HandedSecret]) -> io::Result<Vec<u8>> {
        let mut all = BTreeMap::new();
        for secret in wanted {
            let value = (self.0)(&secret.name).map_err(io::Error::other)?;
            all.insert(secret.name.as_str(), value.expose_secret().to_owned());
        }
        let packed = serde_json::to_vec(&all)?;
        if packed.len() > MOST {
            return Err(io::Error::other(format!("its secrets are larger than {MOST} bytes")));
        }
        Ok(packed)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// A pipe in which `packed` waits for whoever is started with it as its standard input.
pub(super) fn pipe_with(packed: &[u8]) -> io::Result<PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(packed)?;
    Ok(reader)
}

/// The secrets of an action, in the hands of its supervisor.
#[derive(Debug, Default)]
pub(super) struct Handed {
    files: Vec<(HandedSecret, File)>,
    values: Vec<Vec<u8>>,
}

impl Handed {
    /// Takes the secrets `wanted` from `source`; nothing is read when there are none.
    ///
    /// # Errors
    /// When one is missing, or the kernel cannot keep them in memory.
    pub(super) fn take(wanted: &[HandedSecret], source: impl io::Read) -> io::Result<Self> {
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let mut packed = Vec::new();
        source.take(MOST as u64 + 1).read_to_end(&mut packed)?;
        // What cannot be read is not quoted: it would be the secret.
        let values: BTreeMap<String, String> =
            serde_json::from_slice(&packed).map_err(|_| io::Error::other("its secrets did not arrive"))?;
        let mut handed = Self::default();
        for secret in wanted {
            let value = values.get(&secret.name);
            let value = value.ok_or_else(|| io::Error::other(format!("the secret {} did not arrive", secret.name)))?;
            handed.files.push((secret.clone(), in_memory(&secret.name, value)?));
            handed.values.push(value.clone().into_bytes());
        }
        Ok(handed)
    }

    /// The secrets themselves, to be looked for in the output.
    pub(super) fn values(&self) -> &[Vec<u8>] {
        &self.values
    }

    /// Variables of the program of `stage`, each with the name of its file.
    pub(super) fn environment(&self, stage: &Stage) -> impl Iterator<Item = (&str, String)> {
        let files = self.files.iter().filter(|(secret, _)| secret.is_for(stage));
        files.map(|(secret, file)| (secret.variable.as_str(), format!("/dev/fd/{}", file.as_raw_fd())))
    }

    /// Calls `start`, which starts the program of `stage`, so that this program inherits its secrets and no other does.
    ///
    /// # Errors
    /// When that cannot be seen to, or as `start`.
    pub(super) fn lend<T>(&self, stage: &Stage, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let files = || self.files.iter().filter(|(secret, _)| secret.is_for(stage)).map(|(_, file)| file);
        for file in files() {
            fcntl(file, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        let started = start();
        for file in files() {
            fcntl(file, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
        started
    }
}

/// A file in memory that has `value` on its one line, which nobody can change any more. Programs that want their password
/// file to be private, such as psql, look at its mode.
fn in_memory(name: &str, value: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(value.as_bytes())?;
    file.write_all(b"\n")?;
    fchmod(&file, Mode::S_IRUSR)?;
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}
