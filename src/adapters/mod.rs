//! Outside systems, one folder each, behind the ports of the engine. Wire formats live here and nowhere else.

pub mod alertmanager;
