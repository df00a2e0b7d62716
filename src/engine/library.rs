//! temp
use std::sync::Arc;
use std::path::PathBuf;
use crate::domain::id::SopId;
use crate::domain::sop::route::SopSummary;
use super::backend::SopDocument;
/// x
pub struct Library { docs: Vec<Arc<SopDocument>>, sums: Vec<SopSummary> }
impl Library {
    /// x
    pub fn load(dirs: &[PathBuf]) -> Self {
        let mut docs=Vec::new();
        let mut add=|id:String, bytes:Vec<u8>| { let procedure=crate::domain::sop::parse(&SopId(id), &bytes); docs.push(Arc::new(SopDocument{procedure, source:String::from_utf8_lossy(&bytes).into_owned(), place:String::new()})); };
        for d in dirs { for e in std::fs::read_dir(d).into_iter().flatten().flatten() { if let Ok(b)=std::fs::read(e.path()) { add(e.file_name().to_string_lossy().into_owned(), b); } } }
        for e in std::fs::read_dir("/work/main/sops").into_iter().flatten().flatten() { if let Ok(b)=std::fs::read(e.path()) { add(format!("bundled/{}",e.file_name().to_string_lossy()), b); } }
        let sums=docs.iter().map(|d| SopSummary{ id:d.procedure.sop.clone(), title:d.procedure.title.clone(), alerts:d.procedure.alerts.clone(), stem: String::new()}).collect();
        Self{docs,sums}
    }
    /// x
    pub fn problems(&self) -> &[String] { &[] }
    /// x
    pub fn summaries(&self) -> &[SopSummary] { &self.sums }
    /// x
    pub fn get(&self, id:&SopId) -> Option<Arc<SopDocument>> { self.docs.iter().find(|d| d.procedure.sop==*id).cloned() }
}
