//! Actions as a whole: a proposal with the attempt that its grant was spent on, for whoever follows one from end to end.
//!
//! Owns: reading the two together, at one moment. Does not: change anything (see `proposals` and `attempts`).

use rusqlite::{OptionalExtension as _, params};

use super::error::Fault;
use super::{Reader, StoreError, attempts, proposals};
use crate::domain::action::attempt::Attempt;
use crate::domain::action::proposal::Proposal;
use crate::domain::id::{AttemptId, IncidentId, ProposalId};

/// A proposal, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What was asked for, and where that stands.
    pub proposal: Proposal,
    /// What was started; `None` when nothing was. A grant is spent once, so there is never more than one.
    pub attempt: Option<Attempt>,
}

impl Reader<'_> {
    /// One action by the number of its proposal; `None` when there is none.
    ///
    /// # Errors
    /// When the read failed.
    pub fn action(&self, id: ProposalId) -> Result<Option<Action>, StoreError> {
        self.named(self.load_action(id))
    }

    /// The newest actions, newest first, at most `limit`: those for one incident, or all.
    ///
    /// # Errors
    /// When the read failed.
    pub fn actions(&self, incident: Option<IncidentId>, limit: u32) -> Result<Vec<Action>, StoreError> {
        let load = || -> Result<Vec<Action>, Fault> {
            let mut statement = self.conn.prepare_cached(
                "SELECT id FROM proposal WHERE ?1 IS NULL OR incident = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let ids = statement.query_map(params![incident.map(|id| id.0), limit], |row| row.get(0))?;
            let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
            let found: Result<Vec<Option<Action>>, Fault> =
                ids.into_iter().map(|id| self.load_action(ProposalId(id))).collect();
            Ok(found?.into_iter().flatten().collect())
        };
        self.named(load())
    }

    fn load_action(&self, id: ProposalId) -> Result<Option<Action>, Fault> {
        let Some(proposal) = proposals::find(self.conn, id)? else { return Ok(None) };
        let spent_on: Option<i64> = self
            .conn
            .prepare_cached("SELECT id FROM attempt WHERE proposal = ?1")?
            .query_row([id.0], |row| row.get(0))
            .optional()?;
        let attempt = spent_on.map(|id| attempts::find(self.conn, AttemptId(id))).transpose()?.flatten();
        Ok(Some(Action { proposal, attempt }))
    }
}
