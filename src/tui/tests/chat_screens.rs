//! The chat as snapshots, at the sizes that people have.

use crossterm::event::KeyCode;

use super::chat::{ask, came, chatting, gemini, message, person, prepared, preview, text};
use super::screens::screen;
use super::world::World;
use crate::domain::chat::{Author, ChatMessage};
use crate::engine::ask::{AnswerEvent, Route};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

const ANSWER: &str = "The volume is full of **write-ahead logs**: they grow since the deploy [sop:bundled/disk-full.md#x].\n\n\
1. See how much it is:\n\n   ```sh\n   du -xh --max-depth=1 /srv/data | sort -rh | head -20\n   ```\n2. Then remove what is archived.\n\n\
| directory | size | since |\n|---|---|---|\n| wal | 812 GB | 02:14, after the deploy of orders-db |\n| spool | 4 GB | |\n\n\
```yaml\nretention:\n  days: 3 # was 1\n```\n";

fn answered() -> Vec<ChatMessage> {
    vec![message(1, person(), "why is it full?"), message(2, gemini(), ANSWER)]
}

fn at_all_sizes(name: &str, messages: &[ChatMessage], prepare: impl Fn(&mut World)) {
    for (columns, rows) in SIZES {
        let mut world = chatting((columns, rows), messages.to_vec());
        prepare(&mut world);
        insta::assert_snapshot!(format!("chat_{name}_{columns}x{rows}"), screen(&world));
    }
}

#[test]
fn empty() {
    at_all_sizes("empty", &[], |_| {});
}

#[test]
fn answered_with_code_and_a_table() {
    at_all_sizes("answered", &answered(), |world| {
        world.keys("[");
        world.press(KeyCode::Esc);
    });
}

#[test]
fn streaming() {
    at_all_sizes("streaming", &answered(), |world| {
        let number = ask(world, "and how do I\nget rid of them?");
        prepared(world, number, Route::Model(Box::new(preview(false))));
        came(world, number, AnswerEvent::Thought("let me see".to_owned()));
        came(world, number, text("Remove them with\n```sh\nfind /srv/data/wal -mtime +3 -dele"));
        world.send(crate::tui::msg::Msg::Paste("next question\nin two lines".to_owned()));
    });
}

#[test]
fn fallback() {
    let why = "no key for gemini-3.8-flash is configured. Set [model] key.".to_owned();
    let fallback = message(
        2,
        Author::Fallback { why },
        "From **Disk full** [sop:bundled/disk-full.md]:\n\n> Look at the disk first.",
    );
    at_all_sizes("fallback", &[message(1, person(), "why is it full?"), fallback], |_| {});
}

#[test]
fn preview_of_what_would_be_sent() {
    at_all_sizes("preview", &answered(), |world| {
        let number = ask(world, "and now?");
        prepared(world, number, Route::Model(Box::new(preview(true))));
    });
}
