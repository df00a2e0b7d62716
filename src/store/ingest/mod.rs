//! Ingest: from a batch of alerts to incidents.
//!
//! Owns: applying the verdicts of `domain::incident::delivery` and `domain::incident::correlate` to the tables.
//! Does not: receive or ask anyone; group batches into commits (see `lanes`).
//!
//! Invariants: of one fingerprint at most one firing is on. `incident.firing` is the number of its alerts that fire, and
//! an incident without any is resolved, after every batch. A batch with no news writes counters only: no journal entry,
//! no announcement. Every batch checks the fence of the process that receives.

mod rows;
mod touched;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::error::Fault;
use super::lease::{self, Fence};
use super::write::Write;
use super::{Store, StoreError, incidents, proposals, scopes};
use crate::domain::actor::Actor;
use crate::domain::alert::{Alert, AlertBatch, AlertStatus, BatchOrigin};
use crate::domain::id::IncidentId;
use crate::domain::incident::delivery::{EndedBy, Verdict, Which, judge};
use crate::domain::incident::{
    AlertEffect, CorrelationKey, Incident, IncidentEvent, IncidentState, Until, correlate, title,
};
use crate::domain::journal::Payload;
use crate::domain::time::Timestamp;
use rows::{AlertRecord, End};
use touched::Touched;

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Alerts in the batch.
    pub alerts: u32,
    /// Beginnings, ends and changed labels that were not known; ends inferred from absence included.
    pub news: u32,
    /// Incidents opened.
    pub opened: u32,
    /// Incidents reopened.
    pub reopened: u32,
    /// Incidents resolved.
    pub resolved: u32,
    /// Alerts that joined an incident that was not resolved.
    pub joined: u32,
}

impl Store {
    /// Stores a batch of alerts, all of it or nothing. When this returns, it is on disk. An incident that ended at most
    /// `reopen_within` ago is reopened by the same problem.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process receives now; otherwise when the store failed, and the sender should
    /// be told to try again.
    pub async fn ingest(
        &self,
        fence: Fence,
        batch: AlertBatch,
        reopen_within: Duration,
    ) -> Result<IngestReport, StoreError> {
        self.write_grouped(move |write| {
            lease::check(write.conn, &fence)?;
            Ingest::new(write, &batch, reopen_within).run()
        })
        .await
    }
}

/// One batch in progress.
struct Ingest<'w, 'c, 'b> {
    write: &'w mut Write<'c>,
    batch: &'b AlertBatch,
    reopen_within: Duration,
    /// Newest incident of each key that occurred.
    newest: HashMap<CorrelationKey, IncidentId>,
    /// Incidents that changed; written once at the end. Ordered, so that the same batch always writes the same.
    touched: BTreeMap<IncidentId, Touched>,
    report: IngestReport,
}

impl<'w, 'c, 'b> Ingest<'w, 'c, 'b> {
    fn new(write: &'w mut Write<'c>, batch: &'b AlertBatch, reopen_within: Duration) -> Self {
        let report = IngestReport { alerts: saturate(batch.alerts.len()), ..IngestReport::default() };
        Self { write, batch, reopen_within, newest: HashMap::new(), touched: BTreeMap::new(), report }
    }

    fn run(mut self) -> Result<IngestReport, Fault> {
        // Beginnings before ends: a batch in which one alert ends and another begins is no resolved incident in between.
        let mut alerts: Vec<&Alert> = self.batch.alerts.iter().collect();
        alerts.sort_by_key(|alert| (alert.status == AlertStatus::Resolved, alert.key.starts_at));
        for alert in alerts {
            self.deliver(alert)?;
        }
        if let BatchOrigin::Reconcile { as_of, .. } = self.batch.origin {
            self.end_absent(as_of)?;
        }
        for (_, touched) in std::mem::take(&mut self.touched) {
            self.settle(touched)?;
        }
        if self.report.news > 0 {
            let IngestReport { alerts, news, opened, reopened, resolved, .. } = self.report;
            let entry = Payload::Ingested {
                source: self.batch.source.0.clone(),
                origin: self.batch.origin.name().to_owned(),
                alerts,
                news,
                incidents: [opened, reopened, resolved],
                digest: self.batch.digest.clone(),
            };
            self.write.journal(None, &Actor::engine("ingest"), &entry)?;
        }
        Ok(self.report)
    }

    fn deliver(&mut self, alert: &Alert) -> Result<(), Fault> {
        let source = &self.batch.source;
        let leading = rows::leading(self.write.conn, source, &alert.key.fingerprint)?;
        let exact = match &leading {
            Some(row) if row.firing.starts_at == alert.key.starts_at => leading.clone(),
            Some(_) => rows::exact(self.write.conn, source, alert)?,
            None => None,
        };
        let facts = |row: &Option<AlertRecord>| row.as_ref().map(|row| row.firing);
        let verdict = judge(alert, self.batch.origin, facts(&exact), facts(&leading));
        let pick = |which| if which == Which::Exact { exact.as_ref() } else { leading.as_ref() };
        match (verdict, &exact, &leading) {
            (Verdict::Repeat(which), ..) => pick(which).map_or(Ok(()), |row| self.repeat(alert, row)),
            (Verdict::Begin, ..) => self.begin(alert, None),
            (Verdict::Revive, revived, _) => self.begin(alert, revived.as_ref()),
            (Verdict::Supersede, _, Some(row)) => {
                self.end(row, EndedBy::Successor, alert.key.starts_at)?;
                self.begin(alert, None)
            }
            (Verdict::Supersede, _, None) => self.begin(alert, None),
            (Verdict::End(which), exact, _) => {
                if exact.is_none() {
                    self.remember(alert)?;
                }
                pick(which).map_or(Ok(()), |row| self.end_delivered(alert, row))
            }
            (Verdict::Remember, ..) => self.remember(alert),
        }
    }

    /// A delivery without news: counters, annotations (which change with every evaluation), and a better known end.
    fn repeat(&mut self, alert: &Alert, row: &AlertRecord) -> Result<(), Fault> {
        rows::count_delivery(self.write, row.id, alert)?;
        if alert.status == AlertStatus::Resolved {
            let at = alert.ends_at.unwrap_or(self.write.at);
            return rows::confirm_end(self.write.conn, row.id, at);
        }
        if row.firing.ended.is_none() && rows::update_labels(self.write.conn, row, alert)? {
            self.report.news = self.report.news.saturating_add(1);
            if let Some(touched) = self.touch(row.incident)? {
                touched.labels.extend(&alert.labels);
            }
        }
        Ok(())
    }

    /// A firing begins. `revived` is the row of the same firing that was thought over.
    fn begin(&mut self, alert: &Alert, revived: Option<&AlertRecord>) -> Result<(), Fault> {
        let key = CorrelationKey::of(&alert.labels);
        let newest = self.newest_incident(&key)?;
        let now = self.write.at;
        let effect = correlate(newest.as_ref(), alert, false, now, self.reopen_within);
        let starts_at = alert.key.starts_at;
        let id = match (effect, newest) {
            (AlertEffect::Join, Some(incident)) => {
                self.report.joined = self.report.joined.saturating_add(1);
                incident.id
            }
            (AlertEffect::Reopen, Some(incident)) => {
                self.report.reopened = self.report.reopened.saturating_add(1);
                incident.id
            }
            // Of what fires `correlate` says one of the three above; whatever it says, a firing alert is never lost.
            (
                AlertEffect::Open | AlertEffect::Join | AlertEffect::Reopen | AlertEffect::End | AlertEffect::Ignore,
                _,
            ) => {
                return self.open(alert, key, revived);
            }
        };
        if let Some(touched) = self.touch(Some(id))? {
            if effect_reopens(&touched.incident) {
                incidents::apply(&mut touched.incident, &IncidentEvent::Reopened, now);
                touched.incident.opened_at = starts_at;
                touched.events.push(IncidentEvent::Reopened);
            } else {
                // The first alert of an episode need not be the first that is delivered.
                touched.incident.opened_at = touched.incident.opened_at.min(starts_at);
                touched.joined(alert);
            }
            touched.labels.extend(&alert.labels);
        }
        self.store_firing(alert, id, revived)
    }

    fn open(&mut self, alert: &Alert, key: CorrelationKey, revived: Option<&AlertRecord>) -> Result<(), Fault> {
        let mut incident = Incident {
            id: IncidentId(0),
            key: key.clone(),
            title: title(&alert.labels),
            severity: alert.severity(),
            severity_raw: alert.severity_raw().to_owned(),
            state: IncidentState::Open,
            owner: None,
            acknowledged_by: None,
            opened_at: alert.key.starts_at,
            resolved_at: None,
            resolved_by: None,
            suppressed: None,
            firing: 0,
            reopened: 0,
        };
        incident.id = incidents::insert(self.write.conn, &incident)?;
        let id = incident.id;
        self.report.opened = self.report.opened.saturating_add(1);
        self.newest.insert(key, id);
        let mut touched = Touched::new(incident);
        touched.events.push(IncidentEvent::Opened { severity: alert.severity() });
        touched.labels.extend(&alert.labels);
        self.touched.insert(id, touched);
        self.store_firing(alert, id, revived)
    }

    fn store_firing(&mut self, alert: &Alert, id: IncidentId, revived: Option<&AlertRecord>) -> Result<(), Fault> {
        self.report.news = self.report.news.saturating_add(1);
        match revived {
            None => rows::insert(self.write, &self.batch.source, alert, Some(id), None),
            Some(row) => {
                rows::revive(self.write, row.id, alert, id)?;
                // It may have belonged to an older incident with the same key.
                self.touch(row.incident).map(|_| ())
            }
        }
    }

    /// The source says that a firing is over.
    fn end_delivered(&mut self, alert: &Alert, row: &AlertRecord) -> Result<(), Fault> {
        let incident = match row.incident {
            Some(id) => self.touch(Some(id))?.map(|touched| touched.incident.clone()),
            None => None,
        };
        match correlate(incident.as_ref(), alert, row.firing.ended.is_none(), self.write.at, self.reopen_within) {
            AlertEffect::End => {
                rows::count_delivery(self.write, row.id, alert)?;
                self.note_end(row, &title(&alert.labels))?;
                self.end(row, EndedBy::Source, alert.ends_at.unwrap_or(self.write.at))
            }
            AlertEffect::Open | AlertEffect::Join | AlertEffect::Reopen | AlertEffect::Ignore => Ok(()),
        }
    }

    /// Ends what fires according to us and not according to the complete answer of the source, unless it was delivered
    /// after the question or the source may have forgotten it. Fingerprints are compared, because the source may move the
    /// start of a firing.
    fn end_absent(&mut self, as_of: Timestamp) -> Result<(), Fault> {
        let firing = self.batch.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing);
        let present: HashSet<&str> = firing.map(|alert| alert.key.fingerprint.as_str()).collect();
        for (fingerprint, row) in rows::firing_before(self.write.conn, &self.batch.source, as_of)? {
            if present.contains(fingerprint.as_str()) || !self.batch.origin.absence_is_end(row.firing.last_seen) {
                continue;
            }
            self.note_end(&row, &title(&row.labels()?))?;
            self.end(&row, EndedBy::Absence, as_of)?;
        }
        Ok(())
    }

    fn note_end(&mut self, row: &AlertRecord, what: &str) -> Result<(), Fault> {
        self.report.news = self.report.news.saturating_add(1);
        if let Some(touched) = self.touch(row.incident)? {
            touched.ended(what);
        }
        Ok(())
    }

    fn end(&mut self, row: &AlertRecord, by: EndedBy, at: Timestamp) -> Result<(), Fault> {
        rows::end(self.write.conn, row.id, End { by, at })?;
        if let Some(touched) = self.touch(row.incident)? {
            touched.firing_ended = true;
        }
        Ok(())
    }

    /// Stores a firing that is over and belongs to no incident, so that a late delivery of it is recognised.
    fn remember(&mut self, alert: &Alert) -> Result<(), Fault> {
        let (by, at) = match alert.status {
            AlertStatus::Resolved => (EndedBy::Source, alert.ends_at.unwrap_or(self.write.at)),
            AlertStatus::Firing => (EndedBy::Successor, self.write.at),
        };
        rows::insert(self.write, &self.batch.source, alert, None, Some(End { by, at }))
    }

    /// The newest incident with this key, as it stands within this batch.
    fn newest_incident(&mut self, key: &CorrelationKey) -> Result<Option<Incident>, Fault> {
        let id = match self.newest.get(key) {
            Some(id) => *id,
            None => match incidents::newest_with_key(self.write.conn, key)? {
                Some(id) => id,
                None => return Ok(None),
            },
        };
        self.newest.insert(key.clone(), id);
        match self.touched.get(&id) {
            Some(touched) => Ok(Some(touched.incident.clone())),
            None => incidents::load(self.write.conn, id),
        }
    }

    /// The incident `id` among those that will be settled at the end of the batch.
    fn touch(&mut self, id: Option<IncidentId>) -> Result<Option<&mut Touched>, Fault> {
        let Some(id) = id else { return Ok(None) };
        if !self.touched.contains_key(&id) {
            let Some(incident) = incidents::load(self.write.conn, id)? else { return Ok(None) };
            self.touched.insert(id, Touched::new(incident));
        }
        Ok(self.touched.get_mut(&id))
    }

    /// Makes an incident agree with its alerts, and writes it and its timeline.
    fn settle(&mut self, mut touched: Touched) -> Result<(), Fault> {
        let id = touched.incident.id;
        let firing = rows::firing_of(self.write.conn, id)?;
        touched.incident.firing = firing.count;
        let mut closing = Vec::new();
        if let Some((severity, raw)) = firing.most_urgent {
            let from = touched.incident.severity;
            touched.incident.severity_raw = raw;
            if severity != from {
                closing.push(IncidentEvent::SeverityChanged { from, to: severity });
            }
        } else if touched.incident.state != IncidentState::Resolved {
            closing.push(IncidentEvent::Resolved);
            self.report.resolved = self.report.resolved.saturating_add(1);
        } else if touched.firing_ended && touched.incident.resolved_by.is_some() {
            // A person resolved it earlier; that it fires again is counted from its real end.
            touched.incident.resolved_at = Some(self.write.at);
        }
        if touched.is_changed() || !closing.is_empty() {
            closing.extend(lifted(&touched.incident));
        }
        for event in &closing {
            incidents::apply(&mut touched.incident, event, self.write.at);
        }
        incidents::save(self.write.conn, &touched.incident)?;
        rows::add_search_labels(self.write.conn, id, &touched.labels)?;
        touched.events.append(&mut closing);
        let who = self.batch.source.as_str();
        for line in touched.lines() {
            self.write.timeline(id, who, &line)?;
        }
        if touched.changes_what_fires() {
            proposals::void_untied(self.write, id, &Actor::engine("ingest"))?;
            scopes::void_untied(self.write, id, &Actor::engine("ingest"))?;
        }
        Ok(())
    }
}

/// What becomes of a suppression that was to last until the incident changes.
fn lifted(incident: &Incident) -> Option<IncidentEvent> {
    let until = incident.suppressed.as_ref()?.until;
    (until == Until::Changed).then_some(IncidentEvent::SuppressionEnded { until })
}

/// Whether an alert that belongs to this incident by `correlate` opens it again.
fn effect_reopens(incident: &Incident) -> bool {
    incident.state == IncidentState::Resolved
}

fn saturate(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
