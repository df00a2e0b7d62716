//! temp
use crate::domain::alert::Labels;
use crate::domain::id::SopId;
/// x
pub struct SopSummary { /// x
pub id: SopId, /// x
pub title: String, /// x
pub alerts: Vec<String>, /// x
pub stem: String }
/// x
pub struct Match { /// x
pub sop: SopId, /// x
pub why: String }
/// x
pub fn route(index:&[SopSummary], labels:&Labels, _a:&Labels) -> Vec<Match> {
 let name=labels.get("alertname").cloned().unwrap_or_default();
 index.iter().filter(|s| s.alerts.contains(&name)).map(|s| Match{sop:s.id.clone(), why: format!("declared for {name}")}).collect()
}
