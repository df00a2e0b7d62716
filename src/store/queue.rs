//! The queue: a window of incidents in the order in which people work on them.
//!
//! Owns: the order, the filter, and where a pinned incident stays (see `QueueQuery`). Does not: load what is not visible.
//!
//! Without a filter the window is cut from an index, which also says which incidents are in the queue; nothing is sorted and
//! no row outside the window is read. With one, the text of every incident in question is looked at once.

use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};

use super::convert::{Code as _, count, severity};
use super::error::Fault;
use super::view::{QueueAnchor, QueueQuery, QueueRow, QueueWindow};
use super::{Reader, Store, StoreError, incidents};
use crate::domain::id::IncidentId;
use crate::domain::incident::{IncidentState, Queue};
use crate::domain::time::Timestamp;

/// Words of a filter that are looked at; SQLite bounds the depth of an expression.
const WORDS: usize = 16;

impl Store {
    /// As [`Reader::queue`].
    ///
    /// # Errors
    /// When the read failed.
    pub async fn queue(&self, query: QueueQuery) -> Result<QueueWindow, StoreError> {
        self.read_view(move |reader| reader.queue(&query)).await
    }
}

impl Reader<'_> {
    /// A window of the queue.
    ///
    /// # Errors
    /// When the read failed.
    pub fn queue(&self, query: &QueueQuery) -> Result<QueueWindow, StoreError> {
        self.named(load(self.conn, &Scope::new(query.queue, self), query))
    }
}

/// Which incidents are in the queue, as the first three parameters of every statement: the moment, whether suppressed ones
/// are meant, and the owner (none for whoever it is, an empty one for nobody).
#[derive(Clone)]
struct Scope {
    now: i64,
    suppressed: bool,
    owner: Option<String>,
}

/// The condition that goes with [`Scope`]. It is answered from the indexes.
const IN_SCOPE: &str = "(ifnull(suppressed_until, 0) > ?1) = ?2 AND (?3 IS NULL OR ifnull(owner, '') = ?3)";

impl Scope {
    fn new(queue: Queue, reader: &Reader<'_>) -> Self {
        let owner = match queue {
            Queue::All | Queue::Suppressed => None,
            Queue::Mine => Some(reader.identity.person.name.clone()),
            Queue::Unassigned => Some(String::new()),
        };
        Self { now: reader.at.as_millis(), suppressed: queue == Queue::Suppressed, owner }
    }

    /// The first three parameters, and `rest` after them.
    fn with<'a>(&'a self, rest: &[&'a dyn ToSql]) -> Vec<&'a dyn ToSql> {
        let mut values: Vec<&dyn ToSql> = vec![&self.now, &self.suppressed, &self.owner];
        values.extend(rest);
        values
    }
}

/// Where an unresolved incident stands: severity rank, start, number.
type Place = (i64, i64, i64);

/// What the order needs to know of one incident.
struct Known {
    place: Place,
    resolved_at: Option<i64>,
}

/// A resolved incident that keeps its place among the unresolved ones.
#[derive(Clone, Copy)]
struct Pinned {
    id: i64,
    rank: u32,
}

/// The parts of the queue in order. Neither contains the pinned incident when that is resolved.
enum Listing<'c> {
    /// All of it, read from the indexes as needed.
    All { conn: &'c Connection, scope: Scope, since: i64, without: i64, unresolved: u32, resolved: u32 },
    /// What a filter leaves.
    Found { unresolved: Vec<Place>, resolved: Vec<i64> },
}

fn load(conn: &Connection, scope: &Scope, query: &QueueQuery) -> Result<QueueWindow, Fault> {
    let filter = Filter::new(&query.filter);
    let pinned = resolved_pin(conn, scope, &filter, query.pinned)?;
    let without = pinned.as_ref().map(|(id, _)| *id);
    let listing = if filter.words.is_empty() {
        Listing::all(conn, scope, query.resolved_since, without)?
    } else {
        Listing::found(conn, scope, &filter, query.resolved_since, without)?
    };
    let pinned = match pinned {
        Some((id, place)) => Some(Pinned { id, rank: listing.unresolved_before(place)? }),
        None => None,
    };
    let sequence = Sequence { listing, pinned };
    let total = sequence.total();
    let (start, near) = match query.anchor {
        QueueAnchor::Rank(rank) => (rank.min(total), None),
        QueueAnchor::Around(id) => {
            let near = sequence.rank_near(conn, id, query.resolved_since)?;
            let rank = near.unwrap_or(0);
            (rank.saturating_sub(query.limit / 2).min(total.saturating_sub(query.limit)), near)
        }
    };
    let mut rows = Vec::new();
    for id in sequence.ids(start, query.limit)? {
        rows.extend(row(conn, id)?);
    }
    Ok(QueueWindow { total, start, near, rows })
}

/// The whole queue: unresolved incidents with the pinned one between them, then resolved ones.
struct Sequence<'c> {
    listing: Listing<'c>,
    pinned: Option<Pinned>,
}

impl Sequence<'_> {
    /// Rank of the pinned incident and how many rows it takes up: the end of the unresolved ones and 0 without one.
    fn pin(&self) -> (u32, u32) {
        self.pinned.map_or((self.listing.unresolved_count(), 0), |pinned| (pinned.rank, 1))
    }

    fn total(&self) -> u32 {
        let (_, taken) = self.pin();
        self.listing.unresolved_count().saturating_add(taken).saturating_add(self.listing.resolved_count())
    }

    /// Incidents from rank `start` on, at most `limit`.
    fn ids(&self, start: u32, limit: u32) -> Result<Vec<i64>, Fault> {
        let (rank, taken) = self.pin();
        let head = self.listing.unresolved_count().saturating_add(taken);
        let end = start.saturating_add(limit).min(self.total());
        let mut ids = Vec::new();
        if start < rank.min(end) {
            ids.extend(self.listing.unresolved(start, rank.min(end) - start)?);
        }
        if let Some(pinned) = self.pinned
            && (start..end).contains(&rank)
        {
            ids.push(pinned.id);
        }
        let (from, to) = (start.max(rank + taken), end.min(head));
        if from < to {
            ids.extend(self.listing.unresolved(from - taken, to - from)?);
        }
        let from = start.max(head);
        if from < end {
            ids.extend(self.listing.resolved(from - head, end - from)?);
        }
        Ok(ids)
    }

    /// The position of an incident in the queue, or the one that it would have if it were in it; `None` when it ended too long
    /// ago to have one, or does not exist.
    fn rank_near(&self, conn: &Connection, id: IncidentId, since: Timestamp) -> Result<Option<u32>, Fault> {
        let (pin, taken) = self.pin();
        if let Some(pinned) = self.pinned
            && pinned.id == id.0
        {
            return Ok(Some(pin));
        }
        let Some(known) = known(conn, id)? else { return Ok(None) };
        match known.resolved_at {
            None => {
                let rank = self.listing.unresolved_before(known.place)?;
                // The pinned incident stands before whatever has at least its rank.
                Ok(Some(if rank >= pin { rank + taken } else { rank }))
            }
            Some(at) if at < since.as_millis() => Ok(None),
            Some(at) => {
                let head = self.listing.unresolved_count() + taken;
                Ok(Some(head + self.listing.resolved_before(id.0, at)?))
            }
        }
    }
}

impl<'c> Listing<'c> {
    fn all(conn: &'c Connection, scope: &Scope, since: Timestamp, without: Option<i64>) -> Result<Self, Fault> {
        let (since, without) = (since.as_millis(), without.unwrap_or(-1));
        let unresolved = one_count(
            conn,
            &format!("SELECT count(*) FROM incident INDEXED BY incident_unresolved WHERE state < 2 AND {IN_SCOPE}"),
            &scope.with(&[]),
        )?;
        let resolved = one_count(
            conn,
            &format!(
                "SELECT count(*) FROM incident INDEXED BY incident_resolved
                 WHERE state = 2 AND resolved_at >= ?4 AND id <> ?5 AND {IN_SCOPE}"
            ),
            &scope.with(&[&since, &without]),
        )?;
        Ok(Self::All { conn, scope: scope.clone(), since, without, unresolved, resolved })
    }

    fn found(
        conn: &'c Connection,
        scope: &Scope,
        filter: &Filter,
        since: Timestamp,
        without: Option<i64>,
    ) -> Result<Self, Fault> {
        let condition = filter.condition(4);
        let mut statement = conn.prepare_cached(&format!(
            "SELECT severity, opened_at, id FROM incident INDEXED BY incident_unresolved
             WHERE state < 2 AND {IN_SCOPE} {condition} ORDER BY severity, opened_at, id"
        ))?;
        let words = filter.values();
        let places = statement
            .query_map(params_from_iter(scope.with(&words)), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let unresolved = places.collect::<Result<_, _>>()?;
        let condition = filter.condition(6);
        let mut statement = conn.prepare_cached(&format!(
            "SELECT id FROM incident INDEXED BY incident_resolved
             WHERE state = 2 AND resolved_at >= ?4 AND id <> ?5 AND {IN_SCOPE} {condition}
             ORDER BY resolved_at DESC, id DESC"
        ))?;
        let (since, without) = (since.as_millis(), without.unwrap_or(-1));
        let mut values: Vec<&dyn ToSql> = vec![&since, &without];
        values.extend(&words);
        let resolved = statement.query_map(params_from_iter(scope.with(&values)), |row| row.get(0))?;
        Ok(Self::Found { unresolved, resolved: resolved.collect::<Result<_, _>>()? })
    }

    fn unresolved_count(&self) -> u32 {
        match self {
            Self::All { unresolved, .. } => *unresolved,
            Self::Found { unresolved, .. } => length(unresolved),
        }
    }

    fn resolved_count(&self) -> u32 {
        match self {
            Self::All { resolved, .. } => *resolved,
            Self::Found { resolved, .. } => length(resolved),
        }
    }

    /// How many unresolved incidents stand before this place.
    fn unresolved_before(&self, place: Place) -> Result<u32, Fault> {
        match self {
            Self::All { conn, scope, .. } => one_count(
                conn,
                &format!(
                    "SELECT count(*) FROM incident INDEXED BY incident_unresolved
                     WHERE state < 2 AND (severity, opened_at, id) < (?4, ?5, ?6) AND {IN_SCOPE}"
                ),
                &scope.with(&[&place.0, &place.1, &place.2]),
            ),
            Self::Found { unresolved, .. } => {
                let before = unresolved.partition_point(|other| *other < place);
                Ok(u32::try_from(before).unwrap_or(u32::MAX))
            }
        }
    }

    /// How many resolved incidents stand before one with this number and end.
    fn resolved_before(&self, id: i64, resolved_at: i64) -> Result<u32, Fault> {
        match self {
            Self::All { conn, scope, without, .. } => one_count(
                conn,
                &format!(
                    "SELECT count(*) FROM incident INDEXED BY incident_resolved
                     WHERE state = 2 AND (resolved_at, id) > (?4, ?5) AND id <> ?6 AND {IN_SCOPE}"
                ),
                &scope.with(&[&resolved_at, &id, without]),
            ),
            Self::Found { resolved, .. } => {
                let found = resolved.iter().position(|other| *other == id);
                Ok(found.map_or_else(|| length(resolved), |index| u32::try_from(index).unwrap_or(u32::MAX)))
            }
        }
    }

    fn unresolved(&self, offset: u32, limit: u32) -> Result<Vec<i64>, Fault> {
        match self {
            Self::All { conn, scope, .. } => {
                let mut statement = conn.prepare_cached(&format!(
                    "SELECT id FROM incident INDEXED BY incident_unresolved WHERE state < 2 AND {IN_SCOPE}
                     ORDER BY severity, opened_at, id LIMIT ?5 OFFSET ?4"
                ))?;
                let values = scope.with(&[&offset, &limit]);
                let ids = statement.query_map(params_from_iter(values), |row| row.get(0))?;
                Ok(ids.collect::<Result<_, _>>()?)
            }
            Self::Found { unresolved, .. } => {
                Ok(slice(unresolved, offset, limit).iter().map(|(_, _, id)| *id).collect())
            }
        }
    }

    fn resolved(&self, offset: u32, limit: u32) -> Result<Vec<i64>, Fault> {
        match self {
            Self::All { conn, scope, since, without, .. } => {
                let mut statement = conn.prepare_cached(&format!(
                    "SELECT id FROM incident INDEXED BY incident_resolved
                     WHERE state = 2 AND resolved_at >= ?6 AND id <> ?7 AND {IN_SCOPE}
                     ORDER BY resolved_at DESC, id DESC LIMIT ?5 OFFSET ?4"
                ))?;
                let values = scope.with(&[&offset, &limit, since, without]);
                let ids = statement.query_map(params_from_iter(values), |row| row.get(0))?;
                Ok(ids.collect::<Result<_, _>>()?)
            }
            Self::Found { resolved, .. } => Ok(slice(resolved, offset, limit).to_vec()),
        }
    }
}

/// The words of a filter, in lower case.
struct Filter {
    words: Vec<String>,
}

impl Filter {
    fn new(text: &str) -> Self {
        Self { words: text.to_lowercase().split_whitespace().take(WORDS).map(str::to_owned).collect() }
    }

    /// The condition as SQL, to be appended to others; the words are parameters from number `first` on.
    fn condition(&self, first: usize) -> String {
        let one = |number: usize| format!(" AND (instr(search, ?{number}) > 0 OR instr(search_labels, ?{number}) > 0)");
        (0..self.words.len()).map(|index| one(first + index)).collect()
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        self.words.iter().map(|word| word as &dyn ToSql).collect()
    }

    fn matches(&self, conn: &Connection, scope: &Scope, id: i64) -> Result<bool, Fault> {
        let condition = self.condition(5);
        let sql = format!("SELECT count(*) FROM incident WHERE id = ?4 AND {IN_SCOPE} {condition}");
        let mut values: Vec<&dyn ToSql> = vec![&id];
        values.extend(self.values());
        Ok(one_count(conn, &sql, &scope.with(&values))? > 0)
    }
}

/// The pinned incident and its former place, if it is resolved, in the queue, and the filter leaves it in.
fn resolved_pin(
    conn: &Connection,
    scope: &Scope,
    filter: &Filter,
    id: Option<IncidentId>,
) -> Result<Option<(i64, Place)>, Fault> {
    let Some(id) = id else { return Ok(None) };
    match known(conn, id)? {
        Some(known) if known.resolved_at.is_some() && filter.matches(conn, scope, id.0)? => {
            Ok(Some((id.0, known.place)))
        }
        _ => Ok(None),
    }
}

fn one_count(conn: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<u32, Fault> {
    Ok(count(conn.prepare_cached(sql)?.query_row(values, |row| row.get(0))?))
}

fn known(conn: &Connection, id: IncidentId) -> Result<Option<Known>, Fault> {
    let known = conn
        .prepare_cached(
            "SELECT severity, opened_at, id, iif(state = 2, resolved_at, NULL) FROM incident WHERE id = ?1",
        )?
        .query_row([id.0], |row| Ok(Known { place: (row.get(0)?, row.get(1)?, row.get(2)?), resolved_at: row.get(3)? }))
        .optional()?;
    Ok(known)
}

fn row(conn: &Connection, id: i64) -> Result<Option<QueueRow>, Fault> {
    let mut statement = conn.prepare_cached(
        "SELECT id, title, severity, state, owner, opened_at, firing, suppressed_until, suppressed_by
         FROM incident WHERE id = ?1",
    )?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(QueueRow {
        id: IncidentId(row.get(0)?),
        title: row.get(1)?,
        severity: severity(row.get(2)?)?,
        state: IncidentState::from_code(row.get(3)?)?,
        owner: row.get(4)?,
        opened_at: Timestamp::from_millis(row.get(5)?),
        firing: count(row.get(6)?),
        suppressed: incidents::suppression(row.get(7)?, row.get(8)?),
    }))
}

fn slice<T>(all: &[T], offset: u32, limit: u32) -> &[T] {
    let start = (offset as usize).min(all.len());
    let end = start.saturating_add(limit as usize).min(all.len());
    all.get(start..end).unwrap_or_default()
}

fn length<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}
