//! Documents that are too large, are none, or cannot be read: said with what to do, and the others are there all the same.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::super::pty::Home;
use super::desk::{Desk, Setup, in_one_line};

/// The largest document that is read; in bytes.
const LARGEST: u64 = 50_000_000;

/// A document that begins like any other and goes on to `bytes` with the lines of a log.
fn log_like(path: &Path, title: &str, bytes: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    write!(file, "# {title}\n\n## Diagnosis\n\n1. Look at {title}:\n\n```sh\nls /srv\n```\n\n").unwrap();
    let line = b"2026-03-01T02:14:00Z worker[17]: could not write to /srv/data/orders.db: no space left on device\n";
    let mut block = line.repeat(1_000);
    block.push(b'\n');
    let mut written = 0;
    while written < bytes {
        file.write_all(&block).unwrap();
        written += block.len() as u64;
    }
    file.flush().unwrap();
    file.get_ref().set_len(bytes).unwrap();
}

/// Reads all notices, one after the other, until each of `wanted` was among them.
fn read_notices(desk: &mut Desk, wanted: &[&str]) {
    let mut left: Vec<&str> = wanted.to_vec();
    while !left.is_empty() {
        let screen = desk.console.wait(&format!("one of the notices {left:?}"), |screen| {
            let line = in_one_line(screen);
            left.iter().any(|words| line.contains(words))
        });
        let line = in_one_line(&screen);
        left.retain(|words| !line.contains(words));
        // A key says that it was read.
        desk.console.type_keys("g");
    }
}

#[test]
fn a_document_of_50_mb_opens_and_one_of_51_mb_is_named_and_left_out() {
    let home = Home::new();
    let sops = home.path().join("runbooks");
    std::fs::create_dir_all(&sops).unwrap();
    log_like(&sops.join("huge.md"), "Hugeness", LARGEST);
    log_like(&sops.join("huger.md"), "Hugerness", LARGEST + 1_000_000);
    let sections = format!("[sops]\ndirectories = [\"{}\"]\n", sops.display());
    let mut desk = Desk::open_at(home, &Setup { sections, ..Setup::default() });
    read_notices(&mut desk, &["huger.md is larger than 50 MB and is left out. Divide it, or move it elsewhere"]);
    desk.console.type_keys("s");
    desk.console.wait("the list", |screen| screen.contains("Hugeness") || screen.contains("type to narrow"));
    desk.console.type_keys("hugeness");
    desk.console.wait_text("Hugeness");
    desk.console.type_keys("\r");
    desk.console.wait("its first step", |screen| screen.contains("2 SOP Hugeness") && screen.contains("ls /srv"));
    // Its end says what is missing, and what to do.
    desk.console.type_keys("G");
    desk.console.wait("what is left out", |screen| {
        let line = in_one_line(screen);
        line.contains("bytes more, from line") && line.contains("Split it into one document for each problem")
    });
    desk.console.type_keys("g");
    desk.console.wait_text("Look at Hugeness");
    // It can be asked about, and the others are found.
    desk.sit_down();
    desk.goes_on();
    desk.console.type_keys("\t1s");
    desk.console.wait_text("type to narrow");
    desk.console.type_keys("disk full\r");
    desk.console.wait_text("2 SOP Disk full");
    desk.leave_from_a_pane();
}

#[test]
fn directories_and_files_that_cannot_be_read_are_named_and_the_others_are_there() {
    let home = Home::new();
    let sops = home.path().join("runbooks");
    std::fs::create_dir_all(&sops).unwrap();
    nix::unistd::mkfifo(&sops.join("pipe.md"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    std::os::unix::fs::symlink("/nonexistent/away.md", sops.join("dangling.md")).unwrap();
    std::fs::write(sops.join("good.md"), "# Goodness\n\n1. Look:\n\n```sh\nls /srv\n```\n").unwrap();
    let directories = [sops, home.path().join("missing")].map(|path| format!("\"{}\"", path.display()));
    let sections = format!("[sops]\ndirectories = [{}]\n", directories.join(", "));
    let mut desk = Desk::open_at(home, &Setup { sections, ..Setup::default() });
    read_notices(
        &mut desk,
        &[
            "dangling.md cannot be read: No such file or directory (os error 2). Check where the link leads",
            "pipe.md is no regular file and is left out. Replace it by a file",
        ],
    );
    let log = desk.log();
    for name in ["missing", "pipe.md", "dangling.md"] {
        assert!(log.contains(name), "{name} is missing in the log\n{log}");
    }
    desk.console.type_keys("s");
    desk.console.wait_text("type to narrow");
    desk.console.type_keys("goodness");
    desk.console.wait_text("Goodness");
    desk.console.type_keys("\r");
    desk.console.wait("the good one", |screen| screen.contains("2 SOP Goodness") && screen.contains("ls /srv"));
    desk.leave_from_a_pane();
}
