//! Which key opened the ssh session that this process runs in.
//!
//! Owns: believing what sshd wrote (`ExposeAuthInfo yes`, sshd_config(5)), and no more than that. Does not: know whose key
//! it is; the policy says that.
//!
//! Residual risk: sshd writes the file as the account that logged in, so that somebody with a shell of that account can write
//! another one. Where one account is shared and this matters, sshd has to give people this program only (`ForceCommand`).
//! In a terminal multiplexer nobody is at the other end for certain, and there is no key.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use nix::fcntl::OFlag;
use sha2::{Digest as _, Sha256};

use super::identity::stat;

/// The variable that names the file (ssh(1)).
const VARIABLE: &str = "SSH_USER_AUTH";

/// The file has a line for each method of authentication; a key of 16,384 bits takes under 3 KiB.
const LARGEST_FILE: u64 = 64 * 1024;

/// Names of the processes of OpenSSH below which sessions run (before and since 9.8).
const SSHD: [&str; 2] = ["sshd", "sshd-session"];

/// Processes between this one and its sshd at most; more are a loop.
const DEEPEST: usize = 64;

/// The fingerprint (`SHA256:…`) of the key that opened this session; `None` without an ssh session, when sshd does not tell,
/// or when it cannot be believed.
#[must_use]
pub fn key_of_session() -> Option<String> {
    let session = below_sshd(i32::try_from(std::process::id()).ok()?)?;
    // What the first process of the session was given by sshd, not what has been made of it since.
    let environment = fs::read(format!("/proc/{session}/environ")).ok()?;
    let path = variable(&environment, VARIABLE)?;
    let user = nix::unistd::getuid().as_raw();
    fingerprint(&told(Path::new(&path), user)?)
}

/// The ancestor of `pid`, or itself, that an sshd of root started.
fn below_sshd(mut pid: i32) -> Option<i32> {
    for _ in 0..DEEPEST {
        let parent = stat(pid)?.parent;
        let name = fs::read_to_string(format!("/proc/{parent}/comm")).ok()?;
        // The entry of a process that was root and may not be looked into belongs to root.
        let is_of_root = fs::metadata(format!("/proc/{parent}")).is_ok_and(|entry| entry.uid() == 0);
        if is_of_root && SSHD.contains(&name.trim_end()) {
            return Some(pid);
        }
        pid = parent;
    }
    None
}

/// The value of a variable that stands exactly once in an environment.
fn variable(environment: &[u8], name: &str) -> Option<String> {
    let mut values = environment.split(|byte| *byte == 0).filter_map(|entry| {
        let entry = std::str::from_utf8(entry).ok()?;
        entry.strip_prefix(name)?.strip_prefix('=').map(str::to_owned)
    });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// What stands in the file, when it is one that sshd makes: of this user, nobody else may touch it, and it has one name.
fn told(path: &Path, user: u32) -> Option<String> {
    if !path.is_absolute() {
        return None;
    }
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits();
    let file = File::options().read(true).custom_flags(flags).open(path).ok()?;
    let found = file.metadata().ok()?;
    let is_own = found.uid() == user || found.uid() == 0;
    if !found.is_file() || !is_own || found.mode() & 0o077 != 0 || found.nlink() != 1 || found.len() > LARGEST_FILE {
        return None;
    }
    let mut text = String::new();
    file.take(LARGEST_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The fingerprint of the only key in what sshd told, as `ssh-keygen -lf` prints it.
fn fingerprint(told: &str) -> Option<String> {
    let mut keys = told.lines().filter_map(|line| line.strip_prefix("publickey "));
    let key = keys.next()?;
    if keys.next().is_some() {
        // Of two keys nobody can tell which is the person's.
        return None;
    }
    let blob = STANDARD.decode(key.split(' ').nth(1)?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    // Made with `ssh-keygen -t ed25519`; its fingerprint is what `ssh-keygen -lf` printed.
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJLK3odAdxgqlVstx8Lwz9ZG5NtQZkW0IohAfqFagthD";
    const FINGERPRINT: &str = "SHA256:LdyKduC+UaNQ2b9jLdlk2FUSn9qljfyhnomB+BAdck0";

    #[test]
    fn the_fingerprint_is_that_of_openssh() {
        let line = format!("publickey {KEY}\n");
        assert_eq!(fingerprint(&line).as_deref(), Some(FINGERPRINT));
        let more = format!("keyboard-interactive/pam\n{line}");
        assert_eq!(fingerprint(&more).as_deref(), Some(FINGERPRINT));
        for other in ["", "password\n", "publickey ssh-ed25519\n", "publickey ssh-ed25519 %%%\n", &line.repeat(2)] {
            assert_eq!(fingerprint(other), None, "{other:?}");
        }
    }

    #[test]
    fn only_a_private_file_of_ones_own_is_believed() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("sshauth.x");
        fs::write(&path, "password\n").unwrap();
        let user = nix::unistd::getuid().as_raw();
        let mode = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        assert_eq!(told(&path, user).as_deref(), Some("password\n"));
        mode(0o640);
        assert_eq!(told(&path, user), None);
        mode(0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(told(&link, user), None);
        fs::hard_link(&path, directory.path().join("other")).unwrap();
        assert_eq!(told(&path, user), None);
        assert_eq!(told(Path::new("sshauth.x"), user), None);
        assert_eq!(told(directory.path(), user), None);
    }

    #[test]
    fn a_variable_that_stands_twice_is_none() {
        assert_eq!(variable(b"A=1\0SSH_USER_AUTH=/tmp/x\0", VARIABLE).as_deref(), Some("/tmp/x"));
        assert_eq!(variable(b"SSH_USER_AUTH=/a\0SSH_USER_AUTH=/b", VARIABLE), None);
        assert_eq!(variable(b"XSSH_USER_AUTH=/a\0SSH_USER_AUTHX=/b", VARIABLE), None);
    }

    #[test]
    fn a_process_that_no_sshd_started_has_no_session() {
        assert_eq!(below_sshd(1), None);
    }
}
