//! `aiops runs suggest`: how a run of an SOP could go on, asked once, and taken or left by number.
//!
//! Owns: the arguments, and printing. Does not: ask by another way than the console does, or change the run without `--take`.
//!
//! Invariants: without `--take` and `--leave` the plan is not changed. What leaves this host for the first time ever is printed and
//! not sent before `--send` says so. In text for people every foreign word goes through `domain::text`.

use std::io::Write;

use clap::Args;
use color_eyre::eyre::{Report, eyre};
use serde_json::{Value, json};

use super::{Desk, sop_run_id};
use crate::cli::{Exit, Format, harmless_words, json_line};
use crate::domain::id::RunId;
use crate::domain::run::Run;
use crate::domain::run::decide::RunCommand;
use crate::domain::run::event::Answer;
use crate::domain::run::suggestion::{Suggestion, caution, check_advice, difference};
use crate::domain::text;
use crate::engine::ask::{AnswerEvent, Preview, Route};
use crate::engine::backend::{Command, Done};

/// What to suggest, take or leave.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[group(skip)]
pub struct SuggestArgs {
    /// Number of the run of the SOP
    #[arg(value_parser = sop_run_id)]
    pub id: RunId,
    /// Take the suggestion with this number: the plan of this run is changed, and nothing is approved
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["leave", "look", "send"])]
    pub take: Option<u32>,
    /// Leave the suggestion with this number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["look", "send"])]
    pub leave: Option<u32>,
    /// Print what would be sent to the model, and send nothing
    #[arg(long, conflicts_with = "send")]
    pub look: bool,
    /// Send it also when nothing has ever been sent from here
    #[arg(long)]
    pub send: bool,
}

/// Runs the command. Has to be called within a tokio runtime.
///
/// # Errors
/// When there is no such run or suggestion, the rules refuse, or something cannot be read, asked or printed.
pub(super) async fn run(
    args: &SuggestArgs,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    match (args.take, args.leave) {
        (Some(number), _) => answer(args.id, number, Answer::Accepted, desk, format, out).await,
        (None, Some(number)) => answer(args.id, number, Answer::Dismissed, desk, format, out).await,
        (None, None) => ask(args, desk, format, out).await,
    }
}

async fn answer(
    id: RunId,
    number: u32,
    answer: Answer,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let command = RunCommand::AnswerSuggestion { number, answer };
    let said = match desk.send(Command::Run { run: id, command }).await? {
        Done::Run(said) => said,
        _ => String::new(),
    };
    match format {
        Format::Json => json_line(out, &json!({"run": id, "number": number, "answer": answer, "said": said}))?,
        Format::Text => writeln!(out, "{}", text::visible(&said))?,
    }
    Ok(Exit::Done)
}

async fn ask(
    args: &SuggestArgs,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let prepared = desk.answered(desk.backend.prepare_suggestions(args.id).await)?;
    let local = match &prepared.route {
        Route::Local { why } => {
            if args.look {
                writeln!(out, "Nothing would be sent: {}.", text::visible(why))?;
                return Ok(Exit::Done);
            }
            Some(why.clone())
        }
        Route::Model(preview) if args.look || (preview.first_ever && !args.send) => {
            print_preview(preview, format, out)?;
            return Ok(if args.look { Exit::Done } else { Exit::AwaitsApproval });
        }
        Route::Model(_) => None,
    };
    let mut events = desk.backend.answer(prepared.id).await?;
    let (mut fallback, mut message) = (local, None);
    while let Some(event) = events.recv().await {
        match event {
            AnswerEvent::Fallback { why } => fallback = Some(why),
            AnswerEvent::Done(done) => message = Some(done),
            AnswerEvent::Lost { why } => return Err(eyre!("{why}")),
            AnswerEvent::Retrying { .. } | AnswerEvent::Thought(_) | AnswerEvent::Text(_) | AnswerEvent::Broken(_) => {}
        }
    }
    let message = message.ok_or_else(|| eyre!("No answer: it ended without a word. Ask again; the log may say why"))?;
    let id = args.id;
    let run = desk.store.read_view(move |reader| reader.run(id)).await?;
    let run = run.ok_or_else(|| eyre!("There is no run {id} of an SOP any more"))?;
    print(&run, fallback.as_deref(), &message.text, format, out)?;
    Ok(Exit::Done)
}

/// What would be sent, byte for byte, in harmless words.
fn print_preview(preview: &Preview, format: Format, out: &mut (dyn Write + Send)) -> Result<(), Report> {
    let body = String::from_utf8_lossy(&preview.body);
    match format {
        Format::Json => json_line(
            out,
            &json!({
                "sent": false, "model": preview.model, "destination": preview.destination, "body": body,
                "cost_micro_usd": preview.cost_micro_usd, "replaced": preview.replaced,
            }),
        )?,
        Format::Text => {
            writeln!(out, "{}\n", text::visible(&body))?;
            writeln!(
                out,
                "Not sent. The above would go to {} at {}, {} bytes, and cost at most {}. Send it with --send.",
                text::visible(&preview.model),
                text::visible(&preview.destination),
                preview.body.len(),
                crate::domain::chat::budget::usd(preview.cost_micro_usd),
            )?;
        }
    }
    Ok(())
}

fn print(
    run: &Run,
    fallback: Option<&str>,
    answer: &str,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<(), Report> {
    if format == Format::Json {
        let suggestions: Vec<Value> = run.suggestions.iter().map(|found| object(run, found)).collect();
        let object = json!({"run": run.id, "local": fallback, "answer": answer, "suggestions": suggestions});
        return Ok(json_line(out, &object)?);
    }
    if let Some(why) = fallback {
        writeln!(out, "From the history of the SOP: {}", harmless_words(why))?;
    }
    writeln!(out, "{}", harmless_words(answer))?;
    for suggestion in &run.suggestions {
        let draft = &suggestion.draft;
        writeln!(out, "\nSuggestion {}: {}", suggestion.number, text::visible(&draft.advice.words(run)))?;
        for caution in caution::of(run, draft) {
            writeln!(out, "  ! {}", text::visible(&caution.words(run)))?;
        }
        for line in difference::of(run, draft) {
            writeln!(out, "  {} {}", line.side.sign(), text::visible(&line.text))?;
        }
        writeln!(out, "  Take it with: aiops runs suggest {} --take {}", run.id, suggestion.number)?;
    }
    Ok(())
}

/// `{number,advice,words,why,cites[],source,command?,cautions[{…,words}],difference[{side,text}],refused?}`.
fn object(run: &Run, suggestion: &Suggestion) -> Value {
    let draft = &suggestion.draft;
    let cautions: Vec<Value> = caution::of(run, draft)
        .into_iter()
        .map(|caution| json!({"words": caution.words(run), "detail": caution}))
        .collect();
    json!({
        "number": suggestion.number, "advice": draft.advice, "words": draft.advice.words(run), "why": draft.why,
        "cites": draft.cites, "source": draft.source, "command": draft.command, "cautions": cautions,
        "difference": difference::of(run, draft),
        "refused": check_advice(run, &draft.advice).err().map(|refusal| refusal.why),
    })
}
