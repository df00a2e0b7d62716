//! Google's own client (`google-genai` from PyPI) against the stand-in: what it understands, and that it is refused what the
//! service refuses.
//!
//! `.ci/run` puts the client into `target/gemini-venv`.

use std::path::{Path, PathBuf};

use aiops::demo::fake_gemini::{FakeGemini, Script};

use crate::{FAULTS, required};

const KEY: &str = "test-key-4711";

/// The Python that has the client.
fn python() -> Option<PathBuf> {
    // Cargo's directory for tests is below the target directory, wherever that is.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("gemini-venv/bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(!required(), "{} is not there: .ci/run makes it", python.display());
    println!("skipped: Google's client is not installed in {}", python.display());
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_own_client_understands_the_stand_in() {
    let Some(python) = python() else { return };
    let fake = FakeGemini::start(Script::parse(FAULTS).unwrap(), KEY, 0).await.unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gemini/official_client.py");
    let mut command = std::process::Command::new(python);
    command.arg(script).arg(fake.base_url()).arg(KEY);
    // Proxies and keys of this machine have nothing to do with it.
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("all checks passed\n"), "{said}");
    print!("{said}");
    assert!(fake.received().iter().any(|request| request.path.contains("streamGenerateContent?alt=sse")));
}
