//! What ties an action to its alert: in which state of it the action was proposed, and what breaks that.
//!
//! Owns: what may be proposed while an alert fires and after its end, and when either is void. Does not: say how the alert
//! stands (the store knows).
//!
//! The rule: while the alert fires, everything may be proposed, and its end voids it, since the reason for it is gone. After
//! its end, only what plainly looks may be proposed, to verify the fix; when the alert fires again, that is void too, since
//! the person would be looking at something else than they think. The digest that is approved covers which of the two it is.

use serde::{Deserialize, Serialize};

use super::risk::Risk;
use super::spec::{ActionSpec, Execution};
use crate::domain::incident::Refusal;

/// How the alert of an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertNow {
    /// That very firing goes on.
    Fires,
    /// It has ended, and the alert has not begun to fire again.
    Over,
    /// It has ended, and the alert fires anew: another firing, to which nothing is tied yet.
    FiresAgain,
    /// There is no such firing.
    Unknown,
}

/// In which state of its alert an action was proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// While it fired.
    WhileItFires,
    /// After its end.
    AfterItsEnd,
}

/// Why a tie is broken or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Why, as a clause.
    pub why: &'static str,
    /// What to do, as a sentence.
    pub remedy: &'static str,
}

const ENDED: Broken = Broken {
    why: "the alert no longer fires",
    remedy: "Look whether anything is still to be done; commands that only look can be proposed anew",
};
const AGAIN: Broken =
    Broken { why: "the alert fires again", remedy: "Look at the incident and propose the step for the new firing" };
const UNKNOWN: Broken = Broken {
    why: "there is no such alert, so that it no longer fires or never did",
    remedy: "Look at the incident and propose the step again",
};
const NO_READ: Broken = Broken {
    why: "the alert no longer fires, and this command is not known to only look",
    remedy: "After the end of an alert only commands of risk Read run, to verify; anything else is for your own shell",
};

impl Tie {
    /// The tie that `digest` of `spec` was made with; `None` when it is no digest of it.
    #[must_use]
    pub fn of(spec: &ActionSpec, digest: &str) -> Option<Self> {
        [Self::WhileItFires, Self::AfterItsEnd].into_iter().find(|tie| tie.digest(spec) == digest)
    }

    /// The digest of `spec` with this tie.
    #[must_use]
    pub fn digest(self, spec: &ActionSpec) -> String {
        spec.digest(self == Self::WhileItFires)
    }

    /// Whether it holds while the alert stands as `now` says.
    ///
    /// # Errors
    /// Why it does not.
    pub const fn holds(self, now: AlertNow) -> Result<(), Broken> {
        match (self, now) {
            (Self::WhileItFires, AlertNow::Fires) | (Self::AfterItsEnd, AlertNow::Over) => Ok(()),
            (_, AlertNow::Unknown) => Err(UNKNOWN),
            (Self::WhileItFires, AlertNow::Over | AlertNow::FiresAgain) => Err(ENDED),
            (Self::AfterItsEnd, AlertNow::Fires | AlertNow::FiresAgain) => Err(AGAIN),
        }
    }
}

/// Whether `spec` only looks, as far as its words tell, and leaves the terminal alone.
fn only_looks(spec: &ActionSpec) -> bool {
    spec.risk <= Risk::Read && spec.mode == Execution::Supervised
}

/// May `spec` be proposed while its alert stands as `now` says? Returns what it is tied to.
///
/// # Errors
/// A [`Refusal`] with the reason and what the person can do.
pub fn decide_propose(spec: &ActionSpec, now: AlertNow) -> Result<Tie, Refusal> {
    let broken = match now {
        AlertNow::Fires => return Ok(Tie::WhileItFires),
        AlertNow::Over if only_looks(spec) => return Ok(Tie::AfterItsEnd),
        AlertNow::Over => NO_READ,
        AlertNow::FiresAgain => AGAIN,
        AlertNow::Unknown => UNKNOWN,
    };
    Err(Refusal::new("Not proposed", broken.why, broken.remedy))
}

/// Does what `digest` of `spec` was tied to still hold, and may it be? Looked at when it is approved and when it starts.
///
/// # Errors
/// A [`Refusal`] that begins with `what`.
pub(super) fn check(spec: &ActionSpec, digest: &str, now: AlertNow, what: &str) -> Result<(), Refusal> {
    if now == AlertNow::Unknown {
        return Err(Refusal::new(what, UNKNOWN.why, UNKNOWN.remedy));
    }
    let Some(tie) = Tie::of(spec, digest) else {
        let remedy = "Look at the incident and propose the step again";
        return Err(Refusal::new(what, "the stored proposal does not match its digest", remedy));
    };
    let held = tie.holds(now).and_then(|()| match tie {
        Tie::WhileItFires => Ok(()),
        // It could not have been proposed so; whoever stored it did not ask.
        Tie::AfterItsEnd if only_looks(spec) => Ok(()),
        Tie::AfterItsEnd => Err(NO_READ),
    });
    held.map_err(|broken| Refusal::new(what, broken.why, broken.remedy))
}
