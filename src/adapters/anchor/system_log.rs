//! Heads of the journal in the system's log: one datagram each to the socket of syslog or of journald.
//!
//! Forms: RFC 3164 as syslog(3) writes it, facility authpriv, severity notice; and the native protocol of journald
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>), whose entries carry the sender's uid as the kernel knows it.
//! Does not: know whether the log has stored a datagram; nothing tells that.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::journal::anchor::Anchor;
use crate::engine::ports::{AnchorError, AnchorKeeper};

/// The name under which lines stand in the log.
const IDENTIFIER: &str = "aiops";

/// authpriv (10) times eight, and notice (5): RFC 3164, section 4.1.1.
const PRIORITY: u32 = 85;

/// A log that takes nothing is not waited for any longer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Syslog,
    Journald,
}

/// A log of the system.
#[derive(Clone, Debug)]
pub struct SystemLog {
    protocol: Protocol,
    socket: PathBuf,
}

impl SystemLog {
    /// Whatever listens as syslog on this host.
    #[must_use]
    pub fn syslog() -> Self {
        Self { protocol: Protocol::Syslog, socket: PathBuf::from("/dev/log") }
    }

    /// The journal of systemd.
    #[must_use]
    pub fn journald() -> Self {
        Self { protocol: Protocol::Journald, socket: PathBuf::from("/run/systemd/journal/socket") }
    }

    /// The same with another socket.
    #[must_use]
    pub fn with_socket(self, socket: PathBuf) -> Self {
        Self { socket, ..self }
    }

    /// Whether somebody listens.
    ///
    /// # Errors
    /// Why not.
    pub fn answers(&self) -> io::Result<()> {
        UnixDatagram::unbound()?.connect(&self.socket)
    }

    fn datagram(&self, anchor: &Anchor) -> Result<Vec<u8>, serde_json::Error> {
        let line = anchor.to_line()?;
        Ok(match self.protocol {
            Protocol::Syslog => format!("<{PRIORITY}>{IDENTIFIER}[{}]: {line}", std::process::id()),
            // JSON on one line holds no line feed, so the simple form of a field will do.
            Protocol::Journald => format!(
                "MESSAGE={line}\nPRIORITY=5\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER={IDENTIFIER}\n\
                 AIOPS_JOURNAL={}\nAIOPS_SEQ={}\nAIOPS_HASH={}\n",
                anchor.journal, anchor.seq, anchor.hash
            ),
        }
        .into_bytes())
    }
}

impl AnchorKeeper for SystemLog {
    fn place(&self) -> String {
        match self.protocol {
            Protocol::Syslog => "syslog".to_owned(),
            Protocol::Journald => "journald".to_owned(),
        }
    }

    fn keep(&self, anchor: &Anchor) -> Result<(), AnchorError> {
        let keep = || -> io::Result<()> {
            let socket = UnixDatagram::unbound()?;
            // A log that takes nothing must not hold up whoever keeps a head.
            socket.set_write_timeout(Some(PATIENCE))?;
            socket.connect(&self.socket)?;
            socket.send(&self.datagram(anchor)?)?;
            Ok(())
        };
        keep().map_err(|error| {
            AnchorError(format!(
                "{} ({}): it took no head of the journal ({error}). Start that service, or name another place in \
                 [journal] anchor",
                self.place(),
                self.socket.display()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests_support::anchor;
    use super::*;

    fn received(log: SystemLog) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixDatagram::bind(&path).unwrap();
        let log = log.with_socket(path);
        log.answers().unwrap();
        log.keep(&anchor(7)).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        let length = listener.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_line_of_syslog_has_its_priority_and_is_read_back() {
        let line = received(SystemLog::syslog());
        assert!(line.starts_with(&format!("<85>aiops[{}]: ", std::process::id())), "{line}");
        assert_eq!(Anchor::from_line(&line).unwrap(), Some(anchor(7)));
    }

    #[test]
    fn fields_of_journald_are_lines_and_the_message_is_read_back() {
        let text = received(SystemLog::journald());
        assert!(
            text.lines().any(|line| line == "SYSLOG_IDENTIFIER=aiops")
                && text.lines().any(|line| line == "AIOPS_SEQ=7")
        );
        assert!(text.lines().all(|line| {
            line.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        }));
        let message = text.lines().find_map(|line| line.strip_prefix("MESSAGE=")).unwrap();
        assert_eq!(Anchor::from_line(message).unwrap(), Some(anchor(7)));
    }

    #[test]
    fn where_nobody_listens_the_error_says_what_to_do() {
        let nowhere = SystemLog::syslog().with_socket("/nonexistent/log".into());
        assert!(nowhere.answers().is_err());
        let error = nowhere.keep(&anchor(1)).unwrap_err();
        assert!(error.to_string().contains("Start that service"), "{error}");
    }
}
