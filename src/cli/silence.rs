//! `aiops silence`: makes or ends a silence at once. The console starts it when a person has approved it there; typed into a
//! shell it is a person's own command, like `amtool`.
//!
//! Owns: arguments and printing. Does not: choose the Alertmanager's adapter; it is handed one.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Report, eyre};

use super::{Exit, Format, harmless_words, json_line};
use crate::domain::action::silence::{Matcher, Silence};
use crate::domain::id::SourceId;
use crate::domain::time::{Timestamp, parse_span};
use crate::engine::ports::{Silencer, SourceError};

/// What can be done with silences.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum SilenceCommand {
    /// Make a silence and print its number
    Create(CreateArgs),
    /// End a silence now
    Expire {
        /// Where
        #[command(flatten)]
        place: PlaceArgs,
        /// Its number
        #[arg(long)]
        id: String,
    },
}

/// Which Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct PlaceArgs {
    /// Name of the Alertmanager in the configuration, which has its credentials
    #[arg(long)]
    pub source: String,
    /// Its URL; credentials are used only when the configuration has the same one
    #[arg(long)]
    pub url: String,
}

/// A silence to make.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct CreateArgs {
    /// Where
    #[command(flatten)]
    pub place: PlaceArgs,
    /// label=value, label!=value, label=~regex or label!~regex; all of them have to hold
    #[arg(long = "matcher", required = true, value_name = "MATCHER")]
    pub matchers: Vec<String>,
    /// For how long, such as 30m or 2h; at most 7 days
    #[arg(long = "for", value_name = "SPAN")]
    pub span: String,
    /// In whose name
    #[arg(long)]
    pub by: String,
    /// Why
    #[arg(long, default_value = "")]
    pub comment: String,
}

impl SilenceCommand {
    /// Which Alertmanager it is for.
    #[must_use]
    pub const fn place(&self) -> &PlaceArgs {
        match self {
            Self::Create(args) => &args.place,
            Self::Expire { place, .. } => place,
        }
    }
}

impl PlaceArgs {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> SourceId {
        SourceId(self.source.clone())
    }
}

/// Does it, at `now`.
///
/// # Errors
/// When the arguments are no silence, or the output cannot be written.
pub async fn run(
    command: &SilenceCommand,
    silencer: &dyn Silencer,
    now: Timestamp,
    format: Format,
    out: &mut dyn Write,
) -> Result<Exit, Report> {
    match command {
        SilenceCommand::Create(args) => {
            let silence = silence_of(args).map_err(|why| eyre!("Nothing was silenced. {why}"))?;
            match silencer.create(&silence, &args.by, now).await {
                Ok(id) => {
                    let until = now.plus(silence.span);
                    match format {
                        Format::Json => {
                            json_line(out, &serde_json::json!({"id": id, "until": until, "state": "active"}))?;
                        }
                        Format::Text => writeln!(out, "silence {} until {}", harmless_words(&id), until.to_minute())?,
                    }
                    Ok(Exit::Done)
                }
                Err(error) => failed(&error, out),
            }
        }
        SilenceCommand::Expire { id, .. } => match silencer.expire(id).await {
            Ok(()) => {
                match format {
                    Format::Json => json_line(out, &serde_json::json!({"id": id, "state": "expired"}))?,
                    Format::Text => writeln!(out, "silence {} has ended", harmless_words(id))?,
                }
                Ok(Exit::Done)
            }
            Err(error) => failed(&error, out),
        },
    }
}

fn silence_of(args: &CreateArgs) -> Result<Silence, String> {
    let matchers = args.matchers.iter().map(|text| Matcher::parse(text)).collect::<Result<_, _>>()?;
    let span: Duration = parse_span(&args.span).ok_or_else(|| format!("{:?} is no span of time.", args.span))?;
    Silence::new(matchers, span, &args.comment)
}

/// What went wrong belongs to the output of the attempt, where a person looks for it.
fn failed(error: &SourceError, out: &mut dyn Write) -> Result<Exit, Report> {
    writeln!(out, "{}", harmless_words(&error.to_string()))?;
    Ok(Exit::Unreachable)
}
