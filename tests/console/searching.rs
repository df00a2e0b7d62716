//! Searching and choosing by name in the real console, on a small terminal and without any network.

use super::pipeline::until_accepted;
use super::pty::{Console, Home};
use super::receiver::{body, free_port};

#[test]
fn a_step_and_an_incident_are_found_by_their_words_and_gone_to() {
    let home = Home::new();
    let sops = home.path().join("runbooks");
    std::fs::create_dir(&sops).unwrap();
    let text =
        "# Feeding time\n\n## Diagnosis\n\n1. Look.\n2. Count the walrus herd:\n\n   ```sh\n   ls /zoo\n   ```\n";
    std::fs::write(sops.join("zoo.md"), text).unwrap();
    let port = free_port();
    let config = home.configure(&format!(
        "[receiver]\nlisten = \"127.0.0.1:{port}\"\n[sops]\ndirectories = [\"{}\"]\n",
        sops.display()
    ));
    let mut console = Console::start(&home, 80, 24, &["--config", &config.display().to_string()]);
    console.wait_text("webhook");
    for (name, service) in [("HungryPenguin", "pool"), ("HungrySealion", "basin")] {
        until_accepted(port, &body("firing", &[("alertname", name), ("service", service)]));
    }
    console.wait_text("HungrySealion");
    // The index is made after the first frame; the search says so and looks again by itself.
    console.type_keys("Fwalrus he");
    let found =
        console.wait("the step", |screen| screen.contains("Count the walrus herd:") && screen.contains("1 found"));
    assert!(found.contains("Feeding time  Diagnosis"), "{found}");
    console.type_keys("\r");
    let sop = console.wait("the document", |screen| screen.contains("2 SOP Feeding time"));
    let under_cursor = sop.lines().find(|line| line.contains("Count the walrus herd")).unwrap();
    assert!(under_cursor.contains('▌'), "{sop}");

    console.type_keys("Fpool hungryp");
    console.wait("the incident", |screen| screen.contains("1 found") && screen.contains("#1 HungryPenguin"));
    console.type_keys("\r");
    console.wait("its row", |screen| screen.lines().any(|line| line.contains('▌') && line.contains("HungryPenguin")));
    console.type_keys(":#2\r");
    console.wait("the other row", |screen| {
        screen.lines().any(|line| line.contains('▌') && line.contains("HungrySealion"))
    });
    console.type_keys(":sop feedng");
    console.wait_text("Feeding time");
    console.type_keys("\r");
    console.wait_text("2 SOP Feeding time");
    console.type_keys(":q\r");
    assert_eq!(console.wait_exit(), 0);
    assert!(home.run(&["journal", "verify"]).status.success());
}
