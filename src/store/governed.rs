//! The policy as the store's transactions ask it.
//!
//! Owns: who the request is by, and what is known of the incident and its alert at that moment. Does not: decide (see
//! `domain::policy`) or read files; whoever opens the store says where the policy comes from.
//!
//! Invariant: the policy is asked anew in every transaction that proposes, approves or starts, with the world as it is then. A
//! store to which nobody gave a policy goes by the program's own minimum.

use std::fmt;
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::error::Fault;
use super::write::Write;
use super::{Store, detail, incidents};
use crate::domain::action::grant::PolicyFacts;
use crate::domain::action::proposal::Proposal;
use crate::domain::action::spec::ActionSpec;
use crate::domain::actor::Person;
use crate::domain::policy::{Circumstances, Decision, Identity, Policy, Request};

/// The policy that is in force now.
pub type PolicyNow = Arc<dyn Fn() -> Arc<Policy> + Send + Sync>;

/// Where the policy comes from, and what is known of the person of this process besides their uid.
#[derive(Clone)]
pub struct Governance {
    /// Gives the policy that is in force. Called outside transactions, before each of them; it may look at a few files.
    pub policy: PolicyNow,
    /// Fingerprint of the key that opened this ssh session, if sshd told.
    pub ssh_key: Option<String>,
}

impl fmt::Debug for Governance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governance").field("ssh_key", &self.ssh_key).finish_non_exhaustive()
    }
}

/// The policy of one transaction.
pub(super) struct Governed {
    policy: Arc<Policy>,
    pub(super) ssh_key: Option<String>,
}

impl Store {
    /// From now on this store's transactions ask `governance`. The first that is named counts.
    pub fn govern(&self, governance: Governance) {
        let _ = self.inner.governance.set(governance);
    }

    /// The policy to ask in the transaction that comes.
    pub(super) fn governed(&self) -> Governed {
        match self.inner.governance.get() {
            Some(governance) => Governed { policy: (governance.policy)(), ssh_key: governance.ssh_key.clone() },
            None => Governed { policy: Arc::default(), ssh_key: None },
        }
    }
}

impl Governed {
    /// What the policy says when `person` asks for `spec` now.
    pub(super) fn decide(&self, write: &Write<'_>, spec: &ActionSpec, person: &Person) -> Result<Decision, Fault> {
        let alert = detail::alert(write.conn, spec.incident, &spec.subject.key)?;
        let incident = incidents::load(write.conn, spec.incident)?;
        let circumstances = Circumstances {
            labels: alert.map(|alert| alert.labels).unwrap_or_default(),
            severity: incident.map(|incident| incident.severity),
            by: Identity::of(person, self.ssh_key.clone()),
            at: write.at,
        };
        Ok(self.policy.decide(&Request::of(spec, circumstances)))
    }

    /// The same for a proposal that `person` approves or starts, with what there is of what it may demand.
    pub(super) fn facts(&self, write: &Write<'_>, proposal: &Proposal, person: &Person) -> Result<PolicyFacts, Fault> {
        let decision = self.decide(write, &proposal.spec, person)?;
        let has_note = has_note(write.conn, proposal, person)?;
        Ok(PolicyFacts { decision, first_approver: proposal.first_approver.clone(), has_note })
    }
}

/// Whether `person` has written a note on the incident since `proposal` was made, and not taken it back.
fn has_note(conn: &Connection, proposal: &Proposal, person: &Person) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM timeline WHERE incident = ?1 AND who = ?2 AND at >= ?3
               AND substr(what, 1, 6) = 'note: ' AND retracted_at IS NULL)";
    let found = params![proposal.spec.incident.0, person.name, proposal.created_at.as_millis()];
    Ok(conn.prepare_cached(sql)?.query_row(found, |row| row.get(0))?)
}
