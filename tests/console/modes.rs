//! Every file that the program writes is its owner's alone, whatever the umask: a whole night with everything in it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aiops::demo::fake_gemini::{FakeGemini, Script};
use nix::sys::signal::Signal;

use super::demo::send_preview;
use super::pipeline::eventually;
use super::pty::Console;
use super::scene::Scene;

const AIOPS: &str = env!("CARGO_BIN_EXE_aiops");
const KEY: &str = "the key of the stand-in";
const ANSWERS: &str =
    "[[scenario]]\nname = \"all\"\n[[scenario.reply]]\nkind = \"answer\"\ntext = '''It is the disk.'''\n";

/// Starts the program with these words where new files are open to everybody unless it says otherwise.
fn open_handed(scene: &Scene, words: &[&str]) -> Console {
    let shell = ["/bin/sh", "-c", "umask 000; exec \"$0\" --config \"$@\"", AIOPS, &scene.config];
    let words: Vec<String> = shell.iter().chain(words).map(|word| (*word).to_owned()).collect();
    Console::program(&scene.home, 120, 40, &words, &[])
}

/// The same to its end.
fn run(scene: &Scene, words: &[&str]) {
    let mut console = open_handed(scene, words);
    let code = console.wait_exit();
    assert_eq!(code, 0, "{words:?}: {}", console.contents());
}

/// What the program made below its directories and is open to others, with the mode of each; and how much there is.
fn open_to_others(scene: &Scene) -> (Vec<(PathBuf, u32)>, usize) {
    let home = scene.home.path();
    let mut waiting: Vec<PathBuf> = ["data", "data-home", "state", "config"].map(|name| home.join(name)).into();
    let (mut open, mut seen) = (Vec::new(), 0);
    while let Some(path) = waiting.pop() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let mode = found.permissions().mode() & 0o7777;
        let is_ours = is_ours(home, &path);
        if is_ours {
            seen += 1;
        }
        if is_ours && mode & 0o077 != 0 {
            open.push((path.clone(), mode));
        }
        if found.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    (open, seen)
}

/// Directories of the environment that stand above the program's own are their owner's business when they were there before.
fn is_ours(home: &Path, path: &Path) -> bool {
    path.parent() != Some(home) || path.ends_with("data")
}

#[test]
fn every_file_and_directory_is_its_owners_alone_whatever_the_umask() {
    let scene = Scene::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let fake = runtime.block_on(FakeGemini::start(Script::parse(ANSWERS).unwrap(), KEY, 0)).unwrap();
    let key = scene.home.path().join("key");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).unwrap();
    file.write_all(KEY.as_bytes()).unwrap();
    let mut config = fs::OpenOptions::new().append(true).open(&scene.config).unwrap();
    let model = format!("[model]\nkey = {{ file = \"{}\" }}\nbase_url = \"{}\"\n", key.display(), fake.base_url());
    config.write_all(model.as_bytes()).unwrap();

    let mut console = open_handed(&scene, &[]);
    scene.approve_slow_fix(&mut console);
    console.type_keys("3");
    console.type_keys("iwhat is it?\r");
    console.wait_text("exactly these:");
    send_preview(&mut console);
    console.wait_text("It is the disk.");
    scene.release();
    console.wait_text("Attempt 1 exit 0");
    // A draft, which is kept for the next console.
    console.type_keys("ia question that is not sent");
    let place = |name: &str| {
        let beside = fs::read_dir(scene.home.database().parent().unwrap()).unwrap().flatten();
        beside.filter(|entry| entry.file_name().to_string_lossy().contains(name)).count() > 0
    };
    let is_kept = |entry: &fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        entry.file_name().to_string_lossy().contains(".place.") && text.contains("a question that is not sent")
    };
    let beside = || fs::read_dir(scene.home.database().parent().unwrap()).unwrap().flatten();
    eventually("the draft in a file", || beside().any(|entry| is_kept(&entry)));
    let (open, seen) = open_to_others(&scene);
    assert_eq!(open, [], "while it runs");
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    println!("{seen} files and directories while it runs: all 0600 or 0700, or stricter");

    run(&scene, &["backup", "make"]);
    let exported = scene.home.path().join("data/export.jsonl").display().to_string();
    run(&scene, &["journal", "export", "--output", &exported]);
    let words = ["purge", "--text", "not to be found", "--reason", "a try", "--yes"];
    run(&scene, &words);
    let mut console = open_handed(&scene, &[]);
    console.wait_text("SlowThing");
    console.signal(Signal::SIGKILL);
    console.wait_exit();
    run(&scene, &["restore", "--even-if-whole"]);
    let purged = ["purge", "--text", "It is the disk.", "--reason", "a try", "--yes"];
    run(&scene, &purged);
    let (open, seen) = open_to_others(&scene);
    assert_eq!(open, [], "at the end");
    for wanted in ["backups", "damaged", "attempts", "export.jsonl"] {
        assert!(place(wanted), "{wanted} was made");
    }
    println!("{seen} files and directories at the end: all 0600 or 0700, or stricter");
    scene.assert_journal_is_whole();
}
