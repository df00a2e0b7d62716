//! Keys and models that the service does not take, and what is wrong in a configuration.

use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;

use super::super::pty::Home;
use super::desk::{Desk, KEY, Setup};

/// Another price list, so that a model is asked that no price is known of otherwise.
fn priced(home: &Home, model: &str) -> String {
    let prices = home.path().join("prices.toml");
    std::fs::write(
        &prices,
        format!("[[model]]\nname = \"{model}\"\nprice = [{{ input = 1, output = 1, cached = 1 }}]\n"),
    )
    .unwrap();
    format!("prices = \"{}\"\n", prices.display())
}

#[test]
fn a_bad_key_is_told_and_a_good_one_in_its_place_is_used_at_once() {
    let home = Home::new();
    let key = home.path().join("key");
    std::fs::write(&key, "not-the-key\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let model = format!("key = {{ file = \"{}\" }}\n", key.display());
    let mut desk = Desk::open_at(home, &Setup { model, key: None, ..Setup::default() });
    desk.sit_down();
    let words =
        ["Gemini does not accept the key (HTTP 400): API key not valid", "Set a key that is valid: `model.key`"];
    desk.ask("is the disk full?", &words);
    desk.console.wait_text("model offline");
    assert_eq!(desk.spent(), 0, "nothing was done with the question");
    assert!(!desk.console.contents().contains("not-the-key"));
    std::fs::write(&key, KEY).unwrap();
    desk.goes_on();
    desk.console.wait("that the model is there again", |screen| !screen.contains("model offline"));
    desk.leave();
}

#[test]
fn a_model_that_the_service_does_not_know_is_told_by_its_name() {
    let home = Home::new();
    let sections = priced(&home, "gemini-9-nothing");
    let model = "name = \"gemini-9-nothing\"\n".to_owned();
    let mut desk = Desk::open_at(home, &Setup { model, sections, ..Setup::default() });
    desk.sit_down();
    let words =
        ["Gemini does not know this model (HTTP 404): models/gemini-9-nothing is not found", "Check `model.name`"];
    let said = desk.ask("is the disk full?", &words);
    assert!(said.contains("[sop:bundled/disk-full.md"), "{said}");
    assert_eq!(desk.spent(), 0);
    desk.leave();
}

#[test]
fn a_model_without_a_price_is_not_asked() {
    let model = "name = \"gemini-9-nothing\"\n".to_owned();
    let mut desk = Desk::open(&Setup { model, ..Setup::default() });
    desk.sit_down();
    desk.ask("is the disk full?", &["gemini-9-nothing", "price"]);
    assert!(desk.fake.received().is_empty(), "nothing left");
    desk.leave();
}

/// Nothing of a key with a wrong value is guessed: each is named with its line, what is wrong, and what can be written.
#[rstest]
#[case::number_as_text("[console]\nmouse = \"yes\"\n", "console.mouse", "true or false")]
#[case::text_as_list("[sops]\ndirectories = \"/srv\"\n", "sops.directories", "list")]
#[case::no_directory("[sops]\ndirectories = [\"/etc/passwd\"]\n", "sops.directories", "absolute path of a directory")]
#[case::list_as_text("[model]\nname = [\"a\"]\n", "model.name", "")]
#[case::table_as_text("[receiver]\nlisten = { port = 1 }\n", "receiver.listen", "127.0.0.1")]
#[case::float_as_count("[model]\nmax_output_tokens = 1.5\n", "model.max_output_tokens", "256")]
#[case::date_as_time("[run]\ntime_limit = 2026-01-01\n", "run.time_limit", "")]
#[case::section_as_value("model = 3\n", "model", "")]
#[case::value_as_section("[console.theme]\na = 1\n", "console.theme", "dark")]
#[case::escape_sequence("[console]\ntheme = \"\\u001b]0;x\\u0007\\u202e\"\n", "console.theme", "dark")]
#[case::no_toml("[console\n", "config.toml:1", "")]
fn a_wrong_value_is_named_with_its_line_and_what_can_be_written(
    #[case] text: &str,
    #[case] key: &str,
    #[case] allowed: &str,
) {
    let home = Home::new();
    let config = home.configure(text).display().to_string();
    for arguments in [&["--config", config.as_str()][..], &["config", "show", "--config", config.as_str()]] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(2), "it is a matter of usage");
        let said = String::from_utf8(output.stderr).unwrap();
        for part in ["config.toml:", key, allowed] {
            assert!(said.contains(part), "{part:?} is missing in\n{said}");
        }
        assert!(!said.contains("panicked") && !said.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{said:?}");
    }
}
