//! x
use super::risk::Risk;
use super::spec::Invocation;
/// x
pub fn classify(_invocation: &Invocation) -> (Risk, Vec<String>) {
    (Risk::Unknown, Vec::new())
}
