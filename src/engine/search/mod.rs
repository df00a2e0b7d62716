//! Searching everything: steps of SOPs and incidents, by the words that a person types.
//!
//! Owns: what a search asks and answers, and putting the two kinds of hits into one order. Does not: index (see `keeper`)
//! or look for words (see the store).

mod keeper;

use std::sync::Arc;

use serde::Serialize;

use super::backend::BackendError;
use super::library::Library;
use crate::domain::alert::Severity;
use crate::domain::id::{IncidentId, NodeId, SopId};
use crate::domain::incident::IncidentState;
use crate::domain::search::{Query, Snippet};
use crate::store::{FoundIn, IncidentFound, Needs, Reader, SopFound, Store, StoreError};

pub(in crate::engine) use keeper::Keeper;

/// Hits of a search at most.
pub const MOST_HITS: usize = 200;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words as they were typed; anything can be typed.
    pub text: String,
    /// Where to look.
    pub scope: Scope,
    /// At most this many hits; never more than [`MOST_HITS`].
    pub limit: usize,
}

/// Where to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    #[default]
    All,
    /// In SOPs.
    Sops,
    /// In incidents.
    Incidents,
}

impl Scope {
    /// The next one, and from the last one the first.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Sops,
            Self::Sops => Self::Incidents,
            Self::Incidents => Self::All,
        }
    }

    const fn has_sops(self) -> bool {
        matches!(self, Self::All | Self::Sops)
    }

    const fn has_incidents(self) -> bool {
        matches!(self, Self::All | Self::Incidents)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchAnswer {
    /// Best first.
    pub hits: Vec<Hit>,
    /// How much of what there is could be found.
    pub coverage: Coverage,
}

/// How much of what there is could be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// All of it, but for incidents of the last moment.
    #[default]
    Whole,
    /// The index is being made.
    Indexing {
        /// Documents that are indexed.
        done: usize,
        /// Documents that there are.
        of: usize,
    },
    /// The index cannot be made, for this reason.
    Failing(String),
}

/// A place or an incident that was found. All texts are foreign.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What it is and where it leads.
    pub kind: HitKind,
    /// Title of the document or the incident.
    pub title: String,
    /// Headings and steps above the place in the document; of an incident, what the snippet is from when that is no alert
    /// (`note`). Empty otherwise.
    pub path: String,
    /// Why it was found.
    pub snippet: Snippet,
    /// How well it fits: more is better. Comparable between hits of the same kind in one answer.
    pub score: f64,
}

/// What was found and where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// A place in an SOP.
    Sop {
        /// Which document.
        sop: SopId,
        /// Which node.
        node: NodeId,
    },
    /// An incident.
    Incident {
        /// Which.
        id: IncidentId,
        /// How urgent it is.
        severity: Severity,
        /// Where it stands.
        state: IncidentState,
    },
}

impl From<SopFound> for Hit {
    fn from(found: SopFound) -> Self {
        let SopFound { sop, title, node, path, snippet, score, .. } = found;
        Self { kind: HitKind::Sop { sop, node }, title, path, snippet, score }
    }
}

impl From<IncidentFound> for Hit {
    fn from(found: IncidentFound) -> Self {
        let IncidentFound { id, title, severity, state, found_in, snippet, score } = found;
        let path = match found_in {
            FoundIn::Title | FoundIn::Alert => String::new(),
            FoundIn::Note => "note".to_owned(),
        };
        Self { kind: HitKind::Incident { id, severity, state }, title, path, snippet, score }
    }
}

/// Both kinds in one order: scores of the two kinds cannot be compared, so that each counts in parts of the best of its
/// kind. Of equals the incident comes first: it is what is going on.
fn merged(sops: Vec<Hit>, incidents: Vec<Hit>, limit: usize) -> Vec<Hit> {
    let share = |hits: Vec<Hit>| -> Vec<(f64, Hit)> {
        let best = hits.first().map_or(1.0, |hit| hit.score).max(f64::MIN_POSITIVE);
        hits.into_iter().map(|hit| (hit.score / best, hit)).collect()
    };
    let mut all = share(incidents);
    all.extend(share(sops));
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    all.into_iter().map(|(_, hit)| hit).take(limit).collect()
}

/// Looks for `query` in the store: for what has all its words, and where there is nothing of the kind for what has one.
async fn look(store: &Store, library: Arc<Library>, query: SearchQuery) -> Result<Vec<Hit>, StoreError> {
    let found = store.read_view(move |reader| {
        let words = Query::parse(&query.text);
        let all = look_for(reader, &library, &query, &words, Needs::All)?;
        if all.is_empty() { look_for(reader, &library, &query, &words, Needs::Any) } else { Ok(all) }
    });
    found.await
}

/// Documents count as long as they are in `library` with the same bytes.
fn look_for(
    reader: &Reader<'_>,
    library: &Library,
    query: &SearchQuery,
    words: &Query,
    needs: Needs,
) -> Result<Vec<Hit>, StoreError> {
    let (scope, limit) = (query.scope, query.limit.min(MOST_HITS));
    let counts = |sop: &SopId, revision: &str| library.revision(sop) == Some(revision);
    let (mut sops, mut incidents) = (Vec::new(), Vec::new());
    if scope.has_sops() {
        sops = reader.find_in_sops(words, needs, limit, counts)?.into_iter().map(Hit::from).collect();
    }
    if scope.has_incidents() {
        incidents = reader.find_incidents(words, needs, limit)?.into_iter().map(Hit::from).collect();
    }
    Ok(merged(sops, incidents, limit))
}

impl Keeper {
    /// Answers a search. A damaged index is made anew meanwhile, and the answer is empty.
    ///
    /// # Errors
    /// When the store could not be read.
    pub(in crate::engine) async fn search(
        &self,
        library: Arc<Library>,
        query: SearchQuery,
    ) -> Result<SearchAnswer, BackendError> {
        match look(self.store(), library, query).await {
            Ok(hits) => Ok(SearchAnswer { hits, coverage: self.coverage() }),
            Err(StoreError::Corrupt { .. }) => {
                self.found_damage();
                Ok(SearchAnswer { hits: Vec::new(), coverage: self.coverage() })
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: i64, score: f64) -> Hit {
        let kind = HitKind::Incident { id: IncidentId(id), severity: Severity::High, state: IncidentState::Open };
        Hit { kind, title: String::new(), path: String::new(), snippet: Snippet::default(), score }
    }

    #[test]
    fn each_kind_counts_in_parts_of_its_best() {
        let order = |hits: Vec<Hit>| -> Vec<i64> {
            let id = |hit: Hit| match hit.kind {
                HitKind::Incident { id, .. } => id.0,
                HitKind::Sop { .. } => 0,
            };
            hits.into_iter().map(id).collect()
        };
        let sops = vec![hit(1, 20.0), hit(2, 18.0), hit(3, 2.0)];
        let incidents = vec![hit(4, 2.0), hit(5, 1.0)];
        assert_eq!(order(merged(sops.clone(), incidents.clone(), 10)), [4, 1, 2, 5, 3]);
        assert_eq!(order(merged(sops, incidents, 2)), [4, 1]);
        assert_eq!(order(merged(Vec::new(), Vec::new(), 2)), [0_i64; 0]);
    }
}
