//! `aiops runs scopes` and `revoke`: yeses that cover more than one command.
//!
//! Owns: their options, and the shape of a scope in JSON, which other programs may rely on. Does not: decide anything.
//!
//! Invariant: in text for people every foreign word goes through `domain::text`.

use std::io::{self, Write};
use std::time::Duration;

use color_eyre::eyre::Report;
use serde::Serialize;

use super::{ApproveArgs, Desk};
use crate::cli::{Exit, Format, json_line};
use crate::domain::action::proposal::{Proposal, ProposalState};
use crate::domain::alert::AlertKey;
use crate::domain::id::{IncidentId, ProposalId, RunId, ScopeId};
use crate::domain::scope::{
    self, Cover, Covered, LASTS_AT_LEAST, LASTS_AT_MOST, ScopeGrant, ScopeState, covers, given, is_live, promise,
};
use crate::domain::text;
use crate::domain::time::{Timestamp, parse_span};
use crate::engine::backend::Command;

/// Scopes that are printed at most when those that have ended are wanted, too.
const MOST: u32 = 1_000;

/// A scope as programs see it.
#[derive(Serialize)]
struct ScopeObject<'a> {
    id: ScopeId,
    /// `live`, `expired`, `used-up`, `revoked` or `void`.
    state: &'static str,
    /// Who revoked it, or why it is void.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    /// `same-step` or `run-reads`.
    cover: &'static str,
    incident: IncidentId,
    run: RunId,
    alert: &'a AlertKey,
    sop: &'a str,
    /// The command's node, for `same-step`.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    target: &'a str,
    holder: &'a str,
    /// In whose review it was given.
    proposal: ProposalId,
    given_at: Timestamp,
    expires_at: Timestamp,
    uses: u32,
    uses_left: u32,
}

impl<'a> ScopeObject<'a> {
    fn of(scope: &'a ScopeGrant, now: Timestamp) -> Self {
        let terms = &scope.terms;
        let (state, reason) = match &scope.state {
            ScopeState::Revoked(by) => ("revoked", by.as_str()),
            ScopeState::Void(why) => ("void", why.as_str()),
            ScopeState::Live if is_live(scope, now) => ("live", ""),
            ScopeState::Live if scope.left == 0 => ("used-up", ""),
            ScopeState::Live => ("expired", ""),
        };
        Self {
            id: scope.id,
            state,
            reason,
            cover: terms.covered.cover().name(),
            incident: terms.incident,
            run: terms.run,
            alert: &terms.alert,
            sop: terms.sop.as_str(),
            node: match &terms.covered {
                Covered::SameStep { node, .. } => Some(node.as_str()),
                Covered::RunReads { .. } => None,
            },
            target: terms.target.name(),
            holder: &terms.holder.name,
            proposal: terms.proposal,
            given_at: terms.given_at,
            expires_at: terms.expires_at,
            uses: terms.uses,
            uses_left: scope.left,
        }
    }
}

/// A wider yes that a proposal can be given.
#[derive(Serialize)]
pub(super) struct WiderObject {
    /// `same-step` or `run-reads`.
    scope: &'static str,
    /// What it means, one sentence each. Foreign text.
    means: Vec<String>,
}

impl WiderObject {
    /// As people read it: the option, then what it means.
    pub(super) fn print(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        writeln!(out, "With --scope {} (and --for 30m or another span) that is a yes to more:", self.scope)?;
        self.means.iter().try_for_each(|sentence| writeln!(out, "    {}", text::visible(sentence)))
    }
}

/// The wider yeses that a proposal can be given now.
pub(super) async fn offered(desk: &Desk<'_>, proposal: &Proposal) -> Result<Vec<WiderObject>, Report> {
    let incident = proposal.spec.incident;
    let run = desk.store.read_view(move |reader| reader.run_of(incident)).await?;
    let (Some(run), Some(ruling), ProposalState::Pending) = (run, &proposal.ruling, proposal.state) else {
        return Ok(Vec::new());
    };
    let limits = desk.snapshot(None).await?.scope_limits;
    let wider =
        |cover: Cover| WiderObject { scope: cover.name(), means: promise(cover, &proposal.spec, run.id, limits) };
    Ok(scope::offered(&proposal.spec, &ruling.answer, Some(&run)).into_iter().map(wider).collect())
}

/// What is approved: the review, and what the wider yes means if that is asked for.
pub(super) async fn rendered(args: &ApproveArgs, desk: &Desk<'_>, proposal: &Proposal) -> Result<String, Report> {
    let review = desk.review_of(proposal).await?;
    let Some(cover) = args.scope else { return Ok(review) };
    let wider = offered(desk, proposal).await?.into_iter().find(|wider| wider.scope == cover.name());
    let means = wider.map(|wider| wider.means).unwrap_or_default();
    let means: Vec<String> = means.iter().map(|sentence| text::visible(sentence).into_owned()).collect();
    Ok(format!("{}\n\n{review}", means.join("\n")))
}

/// Reads `12`, the number of a scope.
pub(super) fn scope_id(text: &str) -> Result<ScopeId, String> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.map(ScopeId).ok_or_else(|| "a number such as 3 is needed".to_owned())
}

/// Reads `same-step` or `run-reads`.
pub(super) fn cover(text: &str) -> Result<Cover, String> {
    let names = Cover::ALL.map(Cover::name).join(" or ");
    Cover::from_name(text).ok_or_else(|| format!("{names} is needed"))
}

/// Reads `30m`.
pub(super) fn lasts(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).filter(|span| (LASTS_AT_LEAST..=LASTS_AT_MOST).contains(span));
    span.ok_or_else(|| "a span from 1m to 4h is needed, such as 30m".to_owned())
}

/// Prints the scopes that are live, or all.
pub(super) async fn list(
    all: bool,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    let found =
        desk.store.read_view(move |reader| if all { reader.scopes(MOST) } else { reader.live_scopes() }).await?;
    print(&found, desk.store.now(), format, out)?;
    Ok(Exit::Done)
}

/// Ends a scope, and prints it as it is then.
pub(super) async fn revoke(
    id: ScopeId,
    desk: &Desk<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<Exit, Report> {
    desk.send(Command::RevokeScope { scope: id }).await?;
    let mut found = desk.store.read_view(|reader| reader.scopes(MOST)).await?;
    found.retain(|scope| scope.id == id);
    print(&found, desk.store.now(), format, out)?;
    Ok(Exit::Done)
}

fn print(scopes: &[ScopeGrant], now: Timestamp, format: Format, out: &mut (dyn Write + Send)) -> io::Result<()> {
    for scope in scopes {
        match format {
            Format::Json => json_line(out, &ScopeObject::of(scope, now))?,
            Format::Text => {
                let who = text::visible(&scope.terms.holder.name);
                let (covered, stands) = (covers(scope), given(scope, now));
                writeln!(out, "Scope {} of {who}: {}", scope.id, text::visible(&covered))?;
                writeln!(out, "    {}", text::visible(&stands))?;
            }
        }
    }
    if scopes.is_empty() && format == Format::Text {
        writeln!(out, "No yes covers more than one command.")?;
    }
    Ok(())
}
