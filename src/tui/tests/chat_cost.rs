//! What a streamed answer costs on the line, through update, drawing and the encoder.

use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::layout::Size;

use super::chat::{ask, came, chatting, prepared, preview, text};
use super::world::World;
use crate::domain::text::Repertoire;
use crate::engine::ask::Route;
use crate::tui::chat::colours::colour;
use crate::tui::draw::draw;
use crate::tui::encoder::{ColorDepth, Encoder};
use crate::tui::look::Look;
use crate::tui::msg::{ChatEffect, ChatMsg, Effect, Msg};
use crate::tui::theme::Bundled;

/// Words of an answer a second: a fast model.
const WORDS: usize = 50;
const SECONDS: usize = 60;
/// Bytes a second on top of the words themselves.
const TARGET: usize = 2_000;

struct Line {
    terminal: Terminal<Encoder>,
    look: Look,
}

impl Line {
    fn new(size: (u16, u16)) -> Self {
        let encoder = Encoder::new(Size::new(size.0, size.1), ColorDepth::TrueColor, Repertoire::Unicode);
        let Ok(terminal) = Terminal::new(encoder);
        Self { terminal, look: Look::new(Bundled::Dark.styles().unwrap(), Repertoire::Unicode) }
    }

    /// Draws a frame and returns its bytes.
    fn frame(&mut self, world: &World) -> usize {
        let Ok(_) = self.terminal.draw(|frame| draw(frame.buffer_mut(), &world.model, &self.look));
        self.terminal.backend_mut().take().len()
    }
}

/// Prose, with a command and a table now and then, as models write.
fn word(number: usize) -> String {
    const PROSE: [&str; 12] =
        ["the", "volume", "fills", "because", "archived", "logs", "are", "kept", "since", "the", "deploy", "of"];
    match number % 120 {
        60 => "\n\n```sh\nkubectl".to_owned(),
        61 => " get pods -A -o wide".to_owned(),
        62 => "\n```\n\n".to_owned(),
        90 => "\n\n- **first**".to_owned(),
        95 => "\n- `second`".to_owned(),
        119 => ".\n\n".to_owned(),
        _ => format!(" {}", PROSE[number % PROSE.len()]),
    }
}

/// Streams for a minute; returns bytes of the words, bytes written, frames, and the most in any one second.
fn stream(size: (u16, u16)) -> (usize, usize, usize) {
    let mut world = chatting(size, Vec::new());
    let number = ask(&mut world, "why?");
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    let mut line = Line::new(size);
    line.frame(&world);
    let (mut words, mut bytes, mut worst) = (0, 0, 0);
    for second in 0..SECONDS {
        let mut this_second = 0;
        // Frames may be 60 a second: each word comes in one of its own.
        for at in 0..WORDS {
            let piece = word(second * WORDS + at);
            words += piece.len();
            world.wait(20);
            came(&mut world, number, text(&piece));
            this_second += line.frame(&world);
            for effect in world.take_effects() {
                if let Effect::Chat(ChatEffect::Colour(job)) = effect {
                    let colouring = colour(&job);
                    world.send(Msg::Chat(ChatMsg::Coloured { job, colouring }));
                    this_second += line.frame(&world);
                }
            }
        }
        bytes += this_second;
        worst = worst.max(this_second);
    }
    (words, bytes, worst)
}

#[test]
fn a_streamed_answer_costs_little_more_than_its_words() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let (words, bytes, worst) = stream(size);
        let (beyond, each) = (bytes.saturating_sub(words) / SECONDS, words / SECONDS);
        let ratio = bytes as f64 / words as f64;
        println!(
            "{size:?}: words {each} B/s, beyond them {beyond} B/s, {ratio:.1} times, at most {worst} B in a second"
        );
        assert!(beyond <= TARGET, "{size:?}: {beyond} bytes a second beyond the words");
    }
}

#[test]
fn a_key_while_an_answer_streams_costs_its_own_cells_only() {
    let mut world = chatting((120, 40), Vec::new());
    let number = ask(&mut world, "why?");
    prepared(&mut world, number, Route::Model(Box::new(preview(false))));
    let mut line = Line::new((120, 40));
    line.frame(&world);
    let (mut most, mut slowest) = (0, std::time::Duration::ZERO);
    for piece in 0..200 {
        came(&mut world, number, text(&word(piece)));
        line.frame(&world);
        let begun = std::time::Instant::now();
        // The field does not grow: that would move the conversation.
        world.press(if piece % 2 == 0 { KeyCode::Char('x') } else { KeyCode::Backspace });
        most = most.max(line.frame(&world));
        slowest = slowest.max(begun.elapsed());
    }
    println!("a key while an answer streams: at most {most} bytes, {slowest:?} in update, draw and encoder");
    assert!(most <= 120, "{most}");
}
