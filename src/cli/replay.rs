//! `aiops replay`: what is to be shown again. Showing it is the console's part (see `tui::replay`).

use clap::Args;

use crate::domain::id::IncidentId;

/// What to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct ReplayArgs {
    /// Number of the incident
    #[arg(value_parser = super::incidents::incident_id)]
    pub incident: IncidentId,
}
