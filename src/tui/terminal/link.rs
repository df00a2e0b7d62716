//! How much of what was drawn is still on its way to the person, over a slow link.
//!
//! A write to a terminal under sshd never waits: megabytes fit into the buffers behind it, and a key's echo would stand at
//! their end. The kernel knows what the other side has not acknowledged yet: `tx_queue` of the connection's line in
//! `/proc/net/tcp` (proc(5)). `SSH_CONNECTION` names the connection.
//!
//! Owns: finding and reading that line. Invariants: nothing is asked of the terminal, nothing waits for an answer, and a
//! link that cannot be measured (no ssh; inside tmux and mosh, which pace slow terminals themselves) counts as clear.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A link with no more than this underway is clear, in bytes: an echo behind it waits a fifth of a second at 64 kbit/s. With
/// less, what waits would go out together with the next echo and delay it more often than it would have alone.
const CLEAR: u64 = 1_500;
/// The link is looked at this often; also the time that sshd gets to take a frame.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looking takes at most this share of the time: the table is long on a host with many connections.
const SHARE: u32 = 20;
/// A link that does not clear in this time gets another frame all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connection to the person.
#[derive(Debug)]
pub struct Link {
    socket: Option<Socket>,
    busy: Arc<AtomicBool>,
    cleared: Arc<Notify>,
}

/// The ends of a TCP connection: this host's, then the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Socket {
    here: (IpAddr, u16),
    there: (IpAddr, u16),
}

impl Link {
    /// Reads `SSH_CONNECTION`, `TMUX` and `STY` from an environment.
    #[must_use]
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let shared = ["TMUX", "STY"].iter().any(|name| environment.get(*name).is_some_and(|value| !value.is_empty()));
        let connection = environment.get("SSH_CONNECTION").filter(|_| !shared);
        let socket = connection.and_then(|text| Socket::parse(text));
        Self { socket, busy: Arc::default(), cleared: Arc::default() }
    }

    /// Something was written to the terminal. Needs a tokio runtime.
    pub fn sent(&self) {
        let Some(socket) = self.socket else { return };
        if !self.busy.swap(true, SeqCst) {
            let (busy, cleared) = (Arc::clone(&self.busy), Arc::clone(&self.cleared));
            tokio::spawn(async move {
                until_clear(socket).await;
                busy.store(false, SeqCst);
                cleared.notify_one();
            });
        }
    }

    /// Whether what was written before has arrived, as far as can be known.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        !self.busy.load(SeqCst)
    }

    /// Returns each time that the link has become clear. Safe to cancel.
    pub async fn cleared(&self) {
        self.cleared.notified().await;
    }
}

async fn until_clear(socket: Socket) {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = LOOK_EVERY;
    while Instant::now() < deadline {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let looked = tokio::task::spawn_blocking(move || socket.underway()).await;
        if looked.ok().flatten().is_none_or(|bytes| bytes <= CLEAR) {
            return;
        }
        pause = LOOK_EVERY.max(began.elapsed() * SHARE);
    }
}

impl Socket {
    /// `CLIENT-ADDRESS CLIENT-PORT SERVER-ADDRESS SERVER-PORT` (ssh(1)).
    fn parse(connection: &str) -> Option<Self> {
        let words: Vec<&str> = connection.split(' ').collect();
        let [client, client_port, server, server_port] = words.as_slice() else { return None };
        let end = |address: &str, port: &str| {
            // The scope of a link-local address does not stand in the table.
            let address: IpAddr = address.split('%').next()?.parse().ok()?;
            Some((address.to_canonical(), port.parse().ok()?))
        };
        Some(Self { here: end(server, server_port)?, there: end(client, client_port)? })
    }

    /// Bytes that the other side has not acknowledged; `None` when there is no such connection here.
    fn underway(self) -> Option<u64> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        tables.iter().find_map(|table| self.find_in(&std::fs::read_to_string(table).ok()?))
    }

    fn find_in(self, table: &str) -> Option<u64> {
        table.lines().skip(1).find_map(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            let (here, there) = (end(words.next()?)?, end(words.next()?)?);
            let (sending, _) = words.nth(1)?.split_once(':')?;
            ((here, there) == (self.here, self.there)).then(|| u64::from_str_radix(sending, 16).ok())?
        })
    }
}

/// `0100007F:1F90`: the address in words of four bytes, each as this machine has it in memory, and the port.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let address = match address.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let mut bytes = [0; 16];
            words.concat().iter().zip(&mut bytes).for_each(|(from, to)| *to = *from);
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        _ => return None,
    };
    Some((address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_line_of_the_connection_is_found_in_either_table() {
        let four = "  sl  local_address rem_address   st tx_queue rx_queue\n   \
                    0: 0100007F:0016 0100007F:D431 01 00000A00:00000000 00:00000000\n   \
                    1: 0100007F:0016 0100007F:D432 01 00000001:00000000 00:00000000\n";
        let socket = Socket::parse("127.0.0.1 54321 127.0.0.1 22").unwrap();
        assert_eq!(socket.find_in(four), Some(0xa00));
        let six = "  sl  local_address\n   0: 0000000000000000FFFF00000100007F:0016 \
                   0000000000000000FFFF00000100007F:D431 01 00000007:00000000 00:0\n";
        assert_eq!(socket.find_in(six), Some(7));
        let six = Socket::parse("::1 54321 ::1%lo 22").unwrap();
        let table =
            "head\n 0: 00000000000000000000000001000000:0016 00000000000000000000000001000000:D431 01 0000000B:0 0\n";
        assert_eq!(six.find_in(table), Some(11));
        assert_eq!(six.find_in(four), None);
    }

    #[test]
    fn what_names_no_connection_is_not_measured() {
        for text in ["", "a b c d", "127.0.0.1 1 127.0.0.1", "127.0.0.1 99999 127.0.0.1 22"] {
            assert_eq!(Socket::parse(text), None, "{text:?}");
        }
    }

    /// What a reader leaves unread shows as underway once its buffers are full.
    #[test]
    fn a_real_connection_that_nobody_reads_is_seen_to_fill_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, client) = (listener.local_addr().unwrap(), TcpStream::connect(listener.local_addr().unwrap()));
        let client = client.unwrap();
        let (mut sending, _) = listener.accept().unwrap();
        let here = client.local_addr().unwrap();
        let text = format!("{} {} {} {}", here.ip(), here.port(), server.ip(), server.port());
        let socket = Socket::parse(&text).unwrap();
        assert_eq!(socket.underway(), Some(0));
        sending.set_nonblocking(true).unwrap();
        while sending.write(&[0; 65_536]).is_ok() {}
        assert!(socket.underway().unwrap() > 65_536);
        drop((client, sending));
    }
}
