//! SOPs: documents people wrote.
