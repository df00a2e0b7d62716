//! Between the console's loop and the engine: questions, answers on their way, and colouring.
//!
//! Owns: the tasks. Invariants: one answer at a time; stopping it drops its receiver, which stops the model; what comes
//! fast is passed on together, at most once in [`TOGETHER`], but what comes after a silence at once, so that the
//! loop has time for keys. Does not: know what the console does with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::colours::colour;
use crate::engine::ask::{Answer, AnswerEvent};
use crate::engine::backend::Backend;
use crate::tui::msg::{ChatEffect, ChatMsg, Msg};

/// Pieces of an answer are passed on this far apart at least. Frames are much farther apart: this only keeps an answer that
/// comes all at once from being handled byte by byte.
const TOGETHER: Duration = Duration::from_millis(1);

/// The tasks of the chat.
#[derive(Debug, Default)]
pub(in crate::tui) struct Relay {
    answering: Option<AbortHandle>,
}

impl Relay {
    /// Does what the console asks for; what comes of it is sent to `outbox`. Has to be called within a tokio runtime.
    pub(in crate::tui) fn perform(
        &mut self,
        effect: ChatEffect,
        backend: &Arc<dyn Backend>,
        outbox: &UnboundedSender<Msg>,
    ) {
        let outbox = outbox.clone();
        // When the console has ended nobody wants what is sent to it.
        let tell = move |msg: ChatMsg| outbox.send(Msg::Chat(msg)).is_ok();
        match effect {
            ChatEffect::Prepare { number, ask } => {
                let prepared = backend.prepare(ask);
                tokio::spawn(async move { tell(ChatMsg::Prepared { number, result: prepared.await }) });
            }
            ChatEffect::PrepareSuggestions { number, run } => {
                let prepared = backend.prepare_suggestions(run);
                tokio::spawn(async move { tell(ChatMsg::Prepared { number, result: prepared.await }) });
            }
            ChatEffect::Answer { number, id } => {
                let answer = backend.answer(id);
                let task = tokio::spawn(async move {
                    match answer.await {
                        Ok(answer) => pass_on(answer, number, tell).await,
                        Err(error) => drop(tell(ChatMsg::Failed { number, error })),
                    }
                });
                self.stop();
                self.answering = Some(task.abort_handle());
            }
            ChatEffect::Stop => self.stop(),
            ChatEffect::Colour(job) => {
                tokio::task::spawn_blocking(move || {
                    let colouring = colour(&job);
                    tell(ChatMsg::Coloured { job, colouring })
                });
            }
        }
    }

    fn stop(&mut self) {
        if let Some(task) = self.answering.take() {
            task.abort();
        }
    }
}

/// Passes an answer on to its end.
async fn pass_on(mut answer: Answer, number: u64, tell: impl Fn(ChatMsg) -> bool) {
    let mut waiting: Vec<AnswerEvent> = Vec::new();
    let mut due = Instant::now();
    loop {
        let event = tokio::select! {
            biased;
            () = tokio::time::sleep_until(due), if !waiting.is_empty() => None,
            event = answer.recv() => Some(event),
        };
        let at_once = match event {
            None => true,
            Some(Some(event)) => {
                let streamed = matches!(event, AnswerEvent::Text(_) | AnswerEvent::Thought(_));
                join(&mut waiting, event);
                !streamed || Instant::now() >= due
            }
            Some(None) => {
                if !waiting.is_empty() {
                    tell(ChatMsg::Came { number, events: std::mem::take(&mut waiting) });
                }
                tell(ChatMsg::Ended { number });
                return;
            }
        };
        if at_once {
            due = Instant::now() + TOGETHER;
            if !tell(ChatMsg::Came { number, events: std::mem::take(&mut waiting) }) {
                return;
            }
        }
    }
}

/// Adds an event; pieces of one kind become one piece.
fn join(waiting: &mut Vec<AnswerEvent>, event: AnswerEvent) {
    match (waiting.last_mut(), event) {
        (Some(AnswerEvent::Text(text)), AnswerEvent::Text(more))
        | (Some(AnswerEvent::Thought(text)), AnswerEvent::Thought(more)) => text.push_str(&more),
        (_, event) => waiting.push(event),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::mpsc;

    use super::*;

    fn text(event: &str) -> AnswerEvent {
        AnswerEvent::Text(event.to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_fast_is_passed_on_together_and_what_comes_late_at_once() {
        let (sender, receiver) = mpsc::channel(1_000);
        let came: Arc<Mutex<Vec<(Duration, ChatMsg)>>> = Arc::default();
        let begun = Instant::now();
        let kept = Arc::clone(&came);
        let task = tokio::spawn(pass_on(receiver, 7, move |msg| {
            kept.lock().unwrap().push((begun.elapsed(), msg));
            true
        }));
        // As fast as the timer can tell, for a tenth of a second: ten pieces a millisecond.
        for number in 0..1_000 {
            sender.send(text("x")).await.unwrap();
            if number % 10 == 9 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let alone = begun.elapsed();
        sender.send(text("late")).await.unwrap();
        sender.send(AnswerEvent::Thought("t".to_owned())).await.unwrap();
        drop(sender);
        task.await.unwrap();
        let came = came.lock().unwrap();
        assert!(came.len() <= 105, "{}", came.len());
        let words: String = came
            .iter()
            .flat_map(|(_, msg)| match msg {
                ChatMsg::Came { number: 7, events } => events.clone(),
                _ => Vec::new(),
            })
            .map(|event| match event {
                AnswerEvent::Text(text) | AnswerEvent::Thought(text) => text,
                _ => String::new(),
            })
            .collect();
        assert_eq!(words, format!("{}latet", "x".repeat(1_000)));
        let late = came.iter().find(|(at, _)| *at >= alone).unwrap();
        assert_eq!(late.0, alone, "the first piece after a silence is passed on at once");
        assert!(matches!(came.last(), Some((_, ChatMsg::Ended { number: 7 }))));
    }
}
