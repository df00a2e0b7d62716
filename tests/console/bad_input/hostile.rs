//! Text that is made to deceive a terminal, in alerts, documents, commands, questions and answers, looked at in every pane:
//! none of it gets to the terminal as it is, and nothing of it is lost.

use super::super::pipeline::until_accepted;
use super::super::pty::Home;
use super::super::receiver::{body, post};
use super::desk::{Desk, Setup, in_one_line, is_busy};

/// What terminals obey, hide, reorder or join.
const ATTACKS: [&str; 14] = [
    "\u{1b}]52;c;cm0gLXJmIC8=\u{7}",
    "\u{1b}]0;root@prod\u{1b}\\",
    "\u{1b}]8;;http://evil.example/\u{1b}\\here\u{1b}]8;;\u{1b}\\",
    "\u{1b}[2J\u{1b}[H\u{1b}[31m",
    "\u{1b}[6n\u{1b}[c\u{1b}[?1049l",
    "\u{1b}P1$r\u{1b}\\\u{1b}c",
    "\u{9b}31m\u{9d}0;x\u{9c}\u{90}\u{85}",
    "\u{8}\u{8}\u{b}\u{7f}\u{7}\r",
    "safe\u{202e}gnp.sh\u{202c}\u{2067}x\u{2069}\u{200e}",
    "in\u{200b}vi\u{200d}si\u{feff}ble\u{ad}\u{2060}\u{180e}",
    "tag\u{e0041}\u{e0042}\u{e007f}var\u{fe0f}\u{e0100}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{2028}; rm -rf /\u{2029}",
    "\\u{202e} \\e[0m \\x1b",
];

/// All of them in one text.
fn all() -> String {
    ATTACKS.concat()
}

/// A scenario that answers `text` to what has the words `asked`.
fn scenario(asked: &str, text: &str, repeat: usize) -> String {
    let mut reply = toml::Table::new();
    reply.insert("kind".to_owned(), "answer".into());
    reply.insert("text".to_owned(), text.into());
    reply.insert("repeat".to_owned(), i64::try_from(repeat).unwrap().into());
    reply.insert("chunk".to_owned(), 997.into());
    let mut scenario = toml::Table::new();
    scenario.insert("name".to_owned(), asked.into());
    scenario.insert("asked".to_owned(), vec![asked].into());
    scenario.insert("reply".to_owned(), toml::Value::Array(vec![reply.into()]));
    let mut script = toml::Table::new();
    script.insert("scenario".to_owned(), toml::Value::Array(vec![scenario.into()]));
    script.to_string()
}

/// Answers that are hostile by their words or their form; each ends with `END-` and its name.
fn answers() -> Vec<(&'static str, String)> {
    let all = all();
    let table = format!(
        "|{}\n|{}\n{}",
        " a |".repeat(300),
        "---|".repeat(300),
        format!("|{}\n", " x |".repeat(300)).repeat(60)
    );
    vec![
        ("escapes", format!("{all}\n\n# {all}\n\n> {all}\n\n- {all}\n\n```sh\n{all}\n```\n\n")),
        (
            "links",
            format!("[a](<{all}>) ![b](http://evil.example/?{all}) [sop:{all}#1] [E99] <script>{all}</script>\n\n"),
        ),
        ("table", format!("{table}\n\n")),
        ("lists", format!("{}x\n\n", "- ".repeat(10_000))),
        ("indents", (0..300).map(|depth| format!("{}- x\n", "  ".repeat(depth))).collect::<String>() + "\n"),
        ("quotes", format!("{}x\n\n", "> ".repeat(10_000))),
        ("stars", format!("{}x\n\n", "*_".repeat(20_000))),
        ("brackets", format!("{}x\n\n", "[".repeat(20_000))),
        ("line", format!("{} ", "x".repeat(200_000))),
        ("blanks", "\n".repeat(30_000)),
        ("marks", format!("a{} ", "\u{301}".repeat(50_000))),
        ("fences", format!("```\n{all}\n~~~\n````\nnever closed\n")),
    ]
}

#[test]
fn hostile_answers_of_every_form_end_and_leave_the_console_alive() {
    let answers = answers();
    let scenarios =
        answers.iter().map(|(name, text)| scenario(&format!("please make {name}"), &format!("{text}END-{name}"), 1));
    let setup = Setup { scenarios: scenarios.collect::<Vec<_>>().join("\n"), ..Setup::default() };
    let mut desk = Desk::open(&setup);
    desk.sit_down();
    for (name, _) in &answers {
        desk.begin(&format!("please make {name}"));
        desk.over(&format!("END-{name}"));
        // It is stored as it came.
        let found = desk.number(&format!("SELECT count(*) FROM message WHERE text LIKE '%END-{name}%'"));
        assert_eq!(found, 1, "{name}");
        desk.goes_on();
    }
    // What is a command in an answer is spelled out, too, and can be looked at as plain text.
    desk.console.type_keys("\t3g]w");
    desk.console.wait_text("the chat");
    desk.console.type_keys("gG\x1b");
    desk.console.wait("the chat again", |screen| screen.contains("3 Chat"));
    desk.console.type_keys("i");
    desk.goes_on();
    desk.leave();
}

/// A document with the attacks in everything that it can have them in.
fn document() -> String {
    let one_line = all().replace(['\n', '\r'], " ");
    let title = toml::Value::from(format!("Hostile {one_line}")).to_string();
    format!(
        "+++\ntitle = {title}\nalerts = [\"Hostile\"]\n+++\n\n# Hostile {one_line}\n\n## Mitigation {one_line}\n\n1. Do {one_line}:\n\n\
         ```sh\necho <what> '{one_line}'\n```\n\n2. If {one_line}, do it:\n\n```sh\nls -- <what>\n```\n\n> {one_line}\n\n| a | {one_line} |\n|---|---|\n| {one_line} | b |\n"
    )
}

#[test]
fn hostile_alerts_and_documents_are_harmless_in_every_pane() {
    let home = Home::new();
    let sops = home.path().join("runbooks");
    std::fs::create_dir_all(&sops).unwrap();
    std::fs::write(sops.join("hostile\u{202e}\u{1b}[2J.md"), document()).unwrap();
    let sections = format!("[sops]\ndirectories = [\"{}\"]\n[run]\ntarget_name = \"box\"\n", sops.display());
    let mut desk = Desk::open_at(home, &Setup { sections, ..Setup::default() });
    let text = all();
    let labels =
        [("alertname", "Hostile"), ("severity", text.as_str()), ("instance", &text), ("what", &text), (&text, &text)];
    until_accepted(desk.port, &body("firing", &labels));
    for (number, attack) in ATTACKS.iter().enumerate() {
        let name = format!("H{number} {attack}");
        until_accepted(desk.port, &body("firing", &[("alertname", name.as_str()), ("severity", "critical")]));
    }
    let answer = post(desk.port, &format!("{{\"version\": \"4\", \"alerts\": \"{text}"));
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    desk.console.wait_text(&format!("{} open", ATTACKS.len() + 1));
    desk.console.wait_text("1 unreadable");
    desk.console.wait("the escape sequence of a title, spelled out", |screen| screen.contains("\\u{1b}]52;c;"));

    // The queue, each incident in full, and the body that could not be read.
    desk.console.type_keys("G");
    for _ in 0..=ATTACKS.len() {
        desk.console.type_keys("kd");
        desk.console
            .wait("the incident in full", |screen| screen.contains("severity  ") && screen.contains("Timeline"));
        desk.console.type_keys("\x1b");
        desk.console.wait("the queue", |screen| !screen.contains("Timeline"));
    }
    desk.console.type_keys("S");
    desk.console.wait("the body, and why it could not be read", |screen| {
        screen.contains("1 delivery could not be read")
            && screen.contains("{\"version\": \"4\", \"alerts\": \"\\u{1b}]52;")
    });
    desk.console.type_keys("w");
    desk.console.wait_text("the sources");
    desk.console.type_keys("\x1b");
    desk.console.wait_text("1 Incidents");

    // Its document, and its commands: hidden characters are refused, and what is typed instead goes up to the review.
    desk.console.type_keys("1/\x15Hostile\r");
    desk.console.wait_text("1 Incidents");
    desk.console.type_keys("g2");
    desk.console.wait("its document", |screen| screen.contains("2 SOP Hostile \\u{1b}"));
    desk.console.type_keys("/echo <what\rr");
    desk.console.wait("that a command with hidden characters is not proposed, and why", |screen| {
        let line = in_one_line(screen);
        line.contains("Not proposed") && line.contains("U+001B, which cannot be seen")
    });
    desk.console.type_keys("/\x15ls --\rr");
    desk.console.wait("why the value is not taken", |screen| {
        screen.contains("This command needs values")
            && screen.contains("the alert's label what contains a line break, which does not belong")
    });
    desk.console.type_keys("plain\r");
    desk.console.wait_text("1 action to approve");
    desk.console.type_keys("A");
    desk.console
        .wait("the script, spelled out", |screen| screen.contains("Approve proposal") && screen.contains("\\u{202e}"));
    desk.console.type_keys("\x1b[6~\x1b[6~\x1b");
    desk.console.wait("the end of the review", |screen| !screen.contains("Approve proposal"));

    // Found by search, listed in the palette, asked about: by a model, and by the SOPs.
    desk.console.type_keys("Fhostile");
    desk.console.wait("hits", |screen| screen.contains("Search SOPs") && screen.contains("alertname=Hostile"));
    desk.console.type_keys("\x1b");
    desk.console.wait("the pane again", |screen| !screen.contains("Search SOPs"));
    desk.console.type_keys(":sop hostile");
    desk.console.wait("the command", |screen| screen.contains("Commands") && screen.contains("Hostile"));
    desk.console.type_keys("\x1b");
    desk.console.wait("the pane again", |screen| !screen.contains("Commands"));
    desk.sit_down();
    desk.goes_on();
    desk.ask("please block this, hostile", &["Gemini blocked the question"]);
    desk.console.type_keys(&format!("\x1b[200~{text}\x1b[201~"));
    desk.console
        .wait("what was pasted, spelled out", |screen| in_one_line(screen).contains("\\u{9b}31m") && !is_busy(screen));
    desk.console.type_keys("\x01\x0b\x15");
    desk.goes_on();
    desk.leave();
}
