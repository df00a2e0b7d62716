//! The process that fills the volume: a service whose debug log was left on and whose rotated logs nobody removes.
//!
//! Owns: writing and rotating until the quota is reached. Does not: enforce a quota for others; it ends where a real service
//! would get `ENOSPC`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::leash::{Heard, Leash};

/// A log is rotated when it has this size.
const ROTATE_AT: u64 = 512 * 1024;
/// It writes this often.
const PAUSE: Duration = Duration::from_millis(60);
/// Lines written each time.
const LINES: u32 = 1_200;

/// Writes logs into `volume` until `quota` bytes are used, or until the one that holds `leash` is gone.
///
/// # Errors
/// When the volume cannot be written to.
pub fn fill(volume: &Path, quota: u64, leash: &Leash) -> io::Result<()> {
    let mut number = 0_u64;
    loop {
        let current = volume.join("worker.log");
        let mut log = OpenOptions::new().create(true).append(true).open(&current)?;
        let mut lines = String::new();
        for _ in 0..LINES {
            number += 1;
            lines.push_str(&format!(
                "level=debug component=archive msg=\"segment queued\" segment={number} bytes={}\n",
                number * 37 % 65_536
            ));
        }
        log.write_all(lines.as_bytes())?;
        if log.metadata()?.len() >= ROTATE_AT {
            rotate(volume)?;
        }
        if super::disk::used_bytes(volume) >= quota {
            log.write_all(b"level=error msg=\"write failed: no space left on volume, giving up\"\n")?;
            return Ok(());
        }
        if leash.wait(PAUSE) == Heard::Gone {
            return Ok(());
        }
    }
}

/// `worker.log` becomes `worker.log.N` with the next free number.
fn rotate(volume: &Path) -> io::Result<()> {
    let taken = fs::read_dir(volume)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("worker.log.")?.parse::<u32>().ok());
    let next = taken.max().unwrap_or(0) + 1;
    fs::rename(volume.join("worker.log"), volume.join(format!("worker.log.{next}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_the_volume_with_rotated_logs_and_stops_at_the_quota() {
        let volume = tempfile::tempdir().unwrap();
        let quota = 3 * ROTATE_AT;
        let (reader, held) = io::pipe().unwrap();
        fill(volume.path(), quota, &Leash::on(reader)).unwrap();
        drop(held);
        let used = crate::demo::disk::used_bytes(volume.path());
        assert!(used >= quota && used < quota + ROTATE_AT, "{used}");
        let rotated = fs::read_dir(volume.path())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("worker.log."));
        assert!(rotated.count() >= 2);
    }

    #[test]
    fn it_ends_when_nobody_holds_its_leash() {
        let volume = tempfile::tempdir().unwrap();
        let (reader, held) = io::pipe().unwrap();
        drop(held);
        fill(volume.path(), u64::MAX, &Leash::on(reader)).unwrap();
    }
}
