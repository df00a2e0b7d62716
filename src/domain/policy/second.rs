//! The second of two people.
//!
//! Owns: whether the approval of one and that of another are those of two people. Does not: store approvals.
//!
//! Invariant: who is not known to the policy is nobody's second. Two uids, two keys or two terminals are not two people:
//! only names are, and who has which name the policy says. So a shared account can only approve in two where each key is
//! one person's.

use super::decision::Decision;
use crate::domain::incident::Refusal;

/// What an approval means where two people are demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is the first: the proposal waits for another person. Holds the name of this one.
    First(String),
    /// It is the second: both names.
    Second {
        /// Who approved first.
        first: String,
        /// Who approves now.
        second: String,
    },
}

/// Whose turn it is when `decision` demands a second person and `earlier` has approved before, if anyone has.
///
/// # Errors
/// When the policy does not know who approves, or the same person approves twice.
pub fn turn(decision: &Decision, earlier: Option<&str>) -> Result<Turn, Refusal> {
    const WHAT: &str = "Not approved";
    let Some(name) = decision.approver.clone() else {
        let why =
            "two people have to approve it, and the policy does not know who you are: an account alone is no person";
        let remedy = "Let whoever keeps the policy add a [[person]] with your uid, your login uid or the fingerprint of your \
                      ssh key (sshd tells it with ExposeAuthInfo yes); `aiops policy explain` shows what is known of you";
        return Err(Refusal::new(WHAT, why, remedy));
    };
    match earlier {
        None => Ok(Turn::First(name)),
        Some(first) if first == name => {
            let why = format!("two people have to approve it, and {name} has approved already");
            Err(Refusal::new(WHAT, why, "Let another person read and approve it"))
        }
        Some(first) => Ok(Turn::Second { first: first.to_owned(), second: name }),
    }
}
