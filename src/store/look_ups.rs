//! Look-ups: attempts of reads that this program itself offers, by what they are for.

use rusqlite::Connection;

use super::error::Fault;
use super::{Reader, StoreError, attempts};
use crate::domain::action::attempt::Attempt;
use crate::domain::action::spec::StepRef;
use crate::domain::id::IncidentId;

/// Attempts of an incident that are looked at, the newest.
const LOOKED_AT: u32 = 200;

impl Reader<'_> {
    /// The attempts of `incident` that did what `step` does, newest first.
    ///
    /// # Errors
    /// When the read failed.
    pub fn attempts_of_step(&self, incident: IncidentId, step: &StepRef) -> Result<Vec<Attempt>, StoreError> {
        self.named(of_step(self.conn, incident, step))
    }
}

fn of_step(conn: &Connection, incident: IncidentId, step: &StepRef) -> Result<Vec<Attempt>, Fault> {
    let all = attempts::of_incident(conn, incident, LOOKED_AT)?;
    Ok(all.into_iter().filter(|attempt| attempt.step.sop == step.sop && attempt.step.node == step.node).collect())
}
