//! The index over SOPs.
//!
//! Owns: adding, forgetting and finding documents. Does not: know the library; whoever asks says which documents count.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::SopFound;
use super::expression::{Needs, expression};
use crate::domain::id::{NodeId, SopId};
use crate::domain::procedure::SectionRole;
use crate::domain::search::{DocumentText, Joined, NodeText, Query, Snippet, TextKind, Word, joined, snippet, words};
use crate::domain::time::Timestamp;
use crate::store::convert::Code;
use crate::store::error::Fault;

/// The columns that are about a place itself; the others say where it is.
const OWN: &str = "name step text command compound";

/// Weights of the columns in the order of the table: name, title, path, step, text, command, compound. They only say how much
/// more often a word seems to stand there, so that [`worth`] is needed besides.
const FIND: &str =
    "SELECT found.rowid, -found.rank, document.sop, document.revision, document.title, node.node, node.role,
     node.path, node.text, node.kind
     FROM (SELECT rowid, rank FROM search_sop WHERE search_sop MATCH ?1 AND rank MATCH 'bm25(10, 4, 2, 5, 1, 3, 2)'
           ORDER BY rank LIMIT ?2) found
     JOIN search_node node ON node.id = found.rowid
     JOIN search_document document ON document.id = node.document
     ORDER BY found.rank, found.rowid";

/// Hits that are looked at for each that is wanted: some belong to documents that the asker does not have, and of one
/// document only a few are shown.
const SPARE: usize = 8;

/// Hits of one document at most.
const PER_DOCUMENT: usize = 3;

/// Adds a document; one with the same identifier and bytes takes its place.
pub(super) fn add(conn: &Connection, document: &DocumentText, now: Timestamp) -> Result<(), Fault> {
    remove(conn, &document.sop, &document.revision)?;
    conn.prepare_cached("INSERT INTO search_document (sop, revision, title, seen_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![document.sop.0, document.revision, document.title, now.as_millis()])?;
    let id = conn.last_insert_rowid();
    let title = folded(&document.title);
    for node in &document.nodes {
        add_node(conn, id, &title, node)?;
    }
    Ok(())
}

fn add_node(conn: &Connection, document: i64, title: &str, node: &NodeText) -> Result<(), Fault> {
    let role = serde_json::to_value(node.role)?;
    conn.prepare_cached(
        "INSERT INTO search_node (document, node, role, kind, path, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        document,
        node.node.0,
        role.as_str().unwrap_or_default(),
        node.kind.code(),
        node.path,
        node.text
    ])?;
    let id = conn.last_insert_rowid();
    let (own, compound) = indexed(&node.text);
    let path = folded(&node.path);
    let column = |kinds: &[TextKind]| if kinds.contains(&node.kind) { own.as_str() } else { "" };
    let is_document = node.kind == TextKind::Document;
    conn.prepare_cached(
        "INSERT INTO search_sop (rowid, name, title, path, step, text, command, compound)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        id,
        column(&[TextKind::Document]),
        // Its own name already has the words of the title.
        if is_document { "" } else { title },
        path,
        column(&[TextKind::Heading, TextKind::Step]),
        column(&[TextKind::Prose]),
        column(&[TextKind::Command]),
        compound,
    ])?;
    Ok(())
}

/// Removes a document, if it is there.
fn remove(conn: &Connection, sop: &SopId, revision: &str) -> Result<(), Fault> {
    conn.prepare_cached(
        "DELETE FROM search_sop WHERE rowid IN (SELECT node.id FROM search_node node
         JOIN search_document document ON document.id = node.document
         WHERE document.sop = ?1 AND document.revision = ?2)",
    )?
    .execute(params![sop.0, revision])?;
    conn.prepare_cached(
        "DELETE FROM search_node WHERE document IN
         (SELECT id FROM search_document WHERE sop = ?1 AND revision = ?2)",
    )?
    .execute(params![sop.0, revision])?;
    conn.prepare_cached("DELETE FROM search_document WHERE sop = ?1 AND revision = ?2")?
        .execute(params![sop.0, revision])?;
    Ok(())
}

/// Every document that is indexed: its identifier and the digest of its bytes.
pub(super) fn known(conn: &Connection) -> Result<Vec<(SopId, String)>, Fault> {
    let mut statement = conn.prepare_cached("SELECT sop, revision FROM search_document ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok((SopId(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that these documents are in use.
pub(super) fn see(conn: &Connection, used: &[(SopId, String)], now: Timestamp) -> Result<(), Fault> {
    let mut statement =
        conn.prepare_cached("UPDATE search_document SET seen_at = ?3 WHERE sop = ?1 AND revision = ?2")?;
    for (sop, revision) in used {
        statement.execute(params![sop.0, revision, now.as_millis()])?;
    }
    Ok(())
}

/// Removes at most `limit` documents that nobody has used since `before`; returns how many.
pub(super) fn forget(conn: &Connection, before: Timestamp, limit: u32) -> Result<usize, Fault> {
    let mut statement =
        conn.prepare_cached("SELECT sop, revision FROM search_document WHERE seen_at < ?1 ORDER BY id LIMIT ?2")?;
    let rows = statement.query_map(params![before.as_millis(), limit], |row| Ok((SopId(row.get(0)?), row.get(1)?)))?;
    let old: Vec<(SopId, String)> = rows.collect::<Result<_, _>>()?;
    for (sop, revision) in &old {
        remove(conn, sop, revision)?;
    }
    Ok(old.len())
}

/// The best places for `query`, best first, of documents that `counts` lets pass. A term is found in the place or on the way
/// to it, and one at least in the place.
pub(super) fn find(
    conn: &Connection,
    query: &Query,
    needs: Needs,
    limit: usize,
    counts: impl Fn(&SopId, &str) -> bool,
) -> Result<Vec<SopFound>, Fault> {
    if query.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let wanted = i64::try_from(limit.saturating_mul(SPARE)).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(FIND)?;
    let mut rows = statement.query(params![expression(query, OWN, needs), wanted])?;
    let mut found: Vec<SopFound> = Vec::new();
    while let Some(row) = rows.next()? {
        let (sop, revision) = (SopId(row.get(2)?), row.get::<_, String>(3)?);
        if !counts(&sop, &revision) {
            continue;
        }
        let text: String = row.get(8)?;
        let kind = TextKind::from_code(row.get(9)?)?;
        found.push(SopFound {
            sop,
            revision,
            title: row.get(4)?,
            node: NodeId(row.get(5)?),
            role: role(&row.get::<_, String>(6)?)?,
            path: row.get(7)?,
            // All of the text for now: of most candidates no snippet is wanted.
            snippet: Snippet { text, ..Snippet::default() },
            score: row.get::<_, f64>(1)? * worth(kind),
        });
    }
    // Stable: of equals the order of the documents stays.
    found.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut of_document: HashMap<SopId, usize> = HashMap::new();
    found.retain(|hit| {
        let count = of_document.entry(hit.sop.clone()).or_default();
        *count += 1;
        *count <= PER_DOCUMENT
    });
    found.truncate(limit);
    for hit in &mut found {
        hit.snippet = snippet(query, &hit.snippet.text);
    }
    Ok(found)
}

/// What a place counts: a title more than a step, and a step more than prose. Whoever types the name of an alert wants its
/// document before a sentence elsewhere that has the same words.
const fn worth(kind: TextKind) -> f64 {
    match kind {
        TextKind::Document => 2.0,
        TextKind::Heading => 1.3,
        TextKind::Step | TextKind::Command => 1.2,
        TextKind::Prose => 1.0,
    }
}

impl Code for TextKind {
    const CODES: &'static [(Self, i64)] =
        &[(Self::Document, 0), (Self::Heading, 1), (Self::Step, 2), (Self::Command, 3), (Self::Prose, 4)];
    const WHAT: &'static str = "kind of a text";
}

fn role(name: &str) -> Result<SectionRole, Fault> {
    Ok(serde_json::from_value(serde_json::Value::String(name.to_owned()))?)
}

/// The words of a text as the index takes them.
pub(super) fn folded(text: &str) -> String {
    let words = words(text);
    words.iter().map(Word::stem).collect::<Vec<_>>().join(" ")
}

/// The words of a text, and those that its compounds make.
pub(super) fn indexed(text: &str) -> (String, String) {
    let words = words(text);
    let compounds = joined(&words);
    let compounds = compounds.iter().map(Joined::stem).collect::<Vec<_>>().join(" ");
    (words.iter().map(Word::stem).collect::<Vec<_>>().join(" "), compounds)
}
