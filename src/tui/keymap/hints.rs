//! What the footer, the boxes and the help screen say about the keys.
//!
//! Owns: which intents are worth a place in the footer, their short words in each context, and the rows of help. Does not:
//! know keys; those come from the keymap, so that a user's own file shows here as it works.

use super::{Chord, Context, Keymap};
use crate::tui::intent::Intent;
use crate::tui::worth::Worth;

/// Intents that share a hint, and what it says.
type Hint = (&'static [Intent], &'static str);

/// What is worth a place in the footer or at the foot of a box, most useful first.
const fn worth_saying(context: Context) -> &'static [Hint] {
    match context {
        Context::Global => &[],
        Context::Incidents => &[
            (&[Intent::Back], "show all"),
            (&[Intent::Open], "SOP"),
            (&[Intent::Acknowledge], "ack"),
            (&[Intent::Details], "details"),
            (&[Intent::Filter], "filter"),
            (&[Intent::Approvals], "review"),
            (&[Intent::Help], "help"),
            (&[Intent::Quit], "quit"),
            (&[Intent::Palette], "commands"),
            (&[Intent::Search], "search"),
            (&[Intent::Sources], "sources"),
            (&[Intent::NextQueue], "queue"),
            (&[Intent::Take], "take"),
            (&[Intent::Note], "note"),
            (&[Intent::Resolve], "resolve"),
            (&[Intent::Undo], "undo"),
            (&[Intent::Sop], "list SOPs"),
            (&[Intent::FocusChat], "chat"),
            (&[Intent::FocusOutput], "output"),
            (&[Intent::CheckEffect], "look at effect"),
            (&[Intent::EffectChecked], "say you looked"),
        ],
        Context::Sop => &[
            (&[Intent::Run], "propose"),
            (&[Intent::NextStep, Intent::PreviousStep], "steps"),
            (&[Intent::Fold], "fold"),
            (&[Intent::Filter], "find"),
            (&[Intent::Sop], "list SOPs"),
            (&[Intent::SteerRun], "run"),
            (&[Intent::Back], "incidents"),
            (&[Intent::Help], "help"),
            (&[Intent::EditValues], "values"),
            (&[Intent::Palette], "commands"),
            (&[Intent::Search], "search"),
            (&[Intent::Approvals], "review"),
            (&[Intent::FocusChat], "chat"),
            (&[Intent::FocusOutput], "output"),
            (&[Intent::FindNext, Intent::FindPrevious], "matches"),
            (&[Intent::FoldAll], "fold all"),
            (&[Intent::NextAlert], "next alert"),
            (&[Intent::Counsel], "how to go on"),
            (&[Intent::CheckEffect], "look at effect"),
            (&[Intent::EffectChecked], "say you looked"),
        ],
        Context::Output => &[
            (&[Intent::Down, Intent::Up], "scroll"),
            (&[Intent::Filter], "find"),
            (&[Intent::FindNext, Intent::FindPrevious], "matches"),
            (&[Intent::Cancel], "end it"),
            (&[Intent::Back], "SOP"),
            (&[Intent::Help], "help"),
            (&[Intent::NextStep, Intent::PreviousStep], "attempts"),
            (&[Intent::Palette], "commands"),
            (&[Intent::Search], "search"),
            (&[Intent::Approvals], "review"),
            (&[Intent::CheckEffect], "look at effect"),
            (&[Intent::EffectChecked], "say you looked"),
        ],
        Context::Chat => &[
            (&[Intent::Type], "ask"),
            (&[Intent::NextStep, Intent::PreviousStep], "code"),
            (&[Intent::Run], "propose"),
            (&[Intent::NextCitation, Intent::PreviousCitation], "citations"),
            (&[Intent::Cancel], "stop"),
            (&[Intent::Back], "incidents"),
            (&[Intent::Help], "help"),
            (&[Intent::Filter], "find"),
            (&[Intent::Palette], "commands"),
            (&[Intent::Search], "search"),
            (&[Intent::FoldThoughts], "thoughts"),
            (&[Intent::Approvals], "review"),
            (&[Intent::FindNext, Intent::FindPrevious], "matches"),
        ],
        Context::Ask => &[
            (&[Intent::Send], "send"),
            (&[Intent::LookFirst], "see what is sent"),
            (&[Intent::Newline], "new line"),
            (&[Intent::Back], "leave"),
            (&[Intent::Cancel], "stop"),
            (&[Intent::Search], "search"),
        ],
        Context::Preview => &[
            (&[Intent::Send], "send"),
            (&[Intent::Back], "do not send"),
            (&[Intent::Filter], "find"),
            (&[Intent::FindNext, Intent::FindPrevious], "matches"),
            (&[Intent::Down, Intent::Up], "scroll"),
            (&[Intent::PageDown, Intent::PageUp], "page"),
        ],
        Context::Review => &[
            (&[Intent::Approve], "approve"),
            (&[Intent::Reject], "reject"),
            (&[Intent::Back], "later"),
            (&[Intent::ApproveWider], "wider"),
            (&[Intent::Widen], "wider?"),
            (&[Intent::EditCommand], "edit"),
            (&[Intent::LookUp], "look up"),
            (&[Intent::Down, Intent::Up], "scroll"),
        ],
        Context::Edit => {
            &[(&[Intent::Open], "accept"), (&[Intent::Back], "back to the review"), (&[Intent::Newline], "new line")]
        }
        Context::Prompt => &[(&[Intent::Open], "accept"), (&[Intent::Back], "leave")],
        Context::Filter => &[(&[Intent::Open], "accept"), (&[Intent::Back], "clear and leave")],
        Context::Help => &[
            (&[Intent::Back], "close"),
            (&[Intent::Down, Intent::Up], "scroll"),
            (&[Intent::PageDown, Intent::PageUp], "page"),
        ],
        Context::Search => &[
            (&[Intent::Open], "go there"),
            (&[Intent::Down, Intent::Up], "choose"),
            (&[Intent::NextPane], "where"),
            (&[Intent::Back], "leave"),
            (&[Intent::PageDown, Intent::PageUp], "page"),
        ],
        Context::Workbench => &[
            (&[Intent::ApplyPatch], "write it"),
            (&[Intent::Toggle], "take or leave"),
            (&[Intent::Down, Intent::Up], "choose"),
            (&[Intent::PageDown, Intent::PageUp], "page"),
            (&[Intent::Back], "close"),
        ],
        Context::Palette => &[
            (&[Intent::Open], "do it"),
            (&[Intent::Down, Intent::Up], "choose"),
            (&[Intent::Back], "leave"),
            (&[Intent::PageDown, Intent::PageUp], "page"),
        ],
    }
}

/// Neighbours that share a row of help, so that the whole of it fits on 24 lines.
const TOGETHER: [(&[Intent], &str); 19] = [
    (&[Intent::Improve, Intent::Draft], "improve, draft one"),
    (&[Intent::Run, Intent::SteerRun, Intent::Counsel], "propose, steer, ask"),
    (&[Intent::Down, Intent::Up], "down, up"),
    (&[Intent::Top, Intent::Bottom], "first, last"),
    (&[Intent::HalfPageDown, Intent::HalfPageUp], "half a page down, up"),
    (&[Intent::NextPane, Intent::PreviousPane], "next, previous pane"),
    (&[Intent::FocusChat, Intent::FocusOutput], "to chat, output"),
    (&[Intent::FindNext, Intent::FindPrevious], "next, previous match"),
    (&[Intent::FoldOpen, Intent::FoldClose], "unfold, fold"),
    (&[Intent::Back, Intent::Approvals, Intent::Scopes], "back, review, yeses"),
    (&[Intent::Search, Intent::Palette], "search, commands"),
    (&[Intent::Redraw, Intent::Suspend], "redraw, to the shell"),
    (&[Intent::NextCitation, Intent::PreviousCitation], "next, previous citation"),
    (&[Intent::SplitLeft, Intent::SplitRight, Intent::SplitUp, Intent::SplitDown], "move the pane edges"),
    (&[Intent::TimeZone, Intent::Theme], "UTC or local, theme"),
    (&[Intent::FocusIncidents, Intent::FocusSop], "to incidents, SOP"),
    (&[Intent::Sources, Intent::Details], "sources, details"),
    (&[Intent::Help, Intent::Quit], "help, quit"),
    (&[Intent::Copy, Intent::Mouse], "copy, mouse on or off"),
];

/// What an intent is called in the help of a context, where its own words would be too general.
const fn words(context: Context, intent: Intent) -> &'static str {
    match (context, intent) {
        (Context::Incidents, Intent::Open) => "to its SOP",
        (Context::Incidents, Intent::Filter) => "filter by words",
        (Context::Sop, Intent::Open) => "propose, or fold",
        (Context::Sop | Context::Output | Context::Chat, Intent::Filter) => "find text",
        (Context::Output, Intent::NextStep) => "newer attempt",
        (Context::Output, Intent::PreviousStep) => "older attempt",
        (Context::Chat, Intent::NextStep) => "next code block",
        (Context::Chat, Intent::PreviousStep) => "previous code block",
        (Context::Chat, Intent::Run) => "propose the code block",
        (Context::Chat, Intent::Open) => "open the citation, or type",
        (Context::Chat, Intent::Cancel) => "stop the answer",
        _ => intent.help(),
    }
}

/// A row of the help screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpRow {
    /// The keys: those of one thing with `/` between two, those of the next thing behind a comma.
    pub keys: String,
    /// What they do.
    pub words: &'static str,
}

impl Keymap {
    /// The few most useful things that can ever be done in `context`, each with its first key, most useful first.
    #[must_use]
    pub fn hints(&self, context: Context) -> Vec<(String, &'static str)> {
        self.hints_worth(context, |_| Worth::Usual)
    }

    /// The same as things are: what is worth most first, what is worth nothing left out.
    #[must_use]
    pub fn hints_worth(&self, context: Context, worth: impl Fn(Intent) -> Worth) -> Vec<(String, &'static str)> {
        self.hints_by(context, worth, |_| true)
    }

    /// The same while text is being typed over `context`: keys that type a character do not count.
    #[must_use]
    pub fn hints_while_typing(&self, context: Context, worth: impl Fn(Intent) -> Worth) -> Vec<(String, &'static str)> {
        self.hints_by(context, worth, |chord| !chord.is_printable())
    }

    fn hints_by(
        &self,
        context: Context,
        worth: impl Fn(Intent) -> Worth,
        counts: impl Fn(Chord) -> bool,
    ) -> Vec<(String, &'static str)> {
        let key = |intent: &Intent| {
            let mut bindings = self.valid_in(context).filter(|binding| binding.intent == *intent);
            bindings.find(|binding| counts(binding.chord)).map(|binding| binding.chord.to_string())
        };
        let hint = |(intents, words): &Hint| {
            let worth = intents.iter().map(|intent| worth(*intent)).min().filter(|worth| *worth != Worth::Nothing)?;
            let keys: Vec<String> = intents.iter().filter_map(key).collect();
            (!keys.is_empty()).then(|| (worth, (keys.join(" "), *words)))
        };
        let mut hints: Vec<_> = worth_saying(context).iter().filter_map(hint).collect();
        // Stable: of equal worth the order of the list stays.
        hints.sort_by_key(|(worth, _)| *worth);
        hints.into_iter().map(|(_, hint)| hint).collect()
    }

    /// What `intent` is called in `context`.
    #[must_use]
    pub const fn words(context: Context, intent: Intent) -> &'static str {
        words(context, intent)
    }

    /// What can be done in `context` by keys of its own, in the order of the keymap.
    #[must_use]
    pub fn help_here(&self, context: Context) -> Vec<HelpRow> {
        rows(context, &Self::grouped(self.own(context)))
    }

    /// What can be done in `context` by keys that it shares with others, in the order of the keymap.
    #[must_use]
    pub fn help_everywhere(&self, context: Context) -> Vec<HelpRow> {
        rows(Context::Global, &Self::grouped(self.inherited(context)))
    }
}

fn rows(context: Context, keys: &[(Intent, Vec<Chord>)]) -> Vec<HelpRow> {
    let written = |chords: &[Chord]| chords.iter().map(ToString::to_string).collect::<Vec<_>>().join("/");
    let of = |wanted: Intent| keys.iter().find(|(intent, _)| *intent == wanted);
    let mut rows = Vec::new();
    for (intent, chords) in keys {
        let group =
            TOGETHER.iter().find(|(group, _)| group.contains(intent) && group.iter().all(|other| of(*other).is_some()));
        match group {
            Some((group, words)) if group.first() == Some(intent) => {
                let keys: Vec<String> = group.iter().filter_map(|one| Some(written(&of(*one)?.1))).collect();
                rows.push(HelpRow { keys: keys.join(", "), words });
            }
            Some(_) => {}
            None => rows.push(HelpRow { keys: written(chords), words: words(context, *intent) }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_useful_keys_come_first() {
        let keymap = Keymap::bundled().unwrap();
        let first = |context, count| {
            let hints = keymap.hints(context);
            hints[..count].iter().map(|(key, words)| format!("{key} {words}")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            first(Context::Incidents, 8),
            "esc show all, enter SOP, a ack, d details, / filter, A review, ? help, q quit"
        );
        assert_eq!(first(Context::Sop, 5), "r propose, ] [ steps, space fold, / find, s list SOPs");
        assert_eq!(first(Context::Review, 3), "f8 approve, ctrl-x reject, esc later");
    }

    #[test]
    fn what_is_worth_most_comes_first_and_what_is_worth_nothing_does_not_come() {
        let keymap = Keymap::bundled().unwrap();
        let worth = |intent| match intent {
            Intent::Down | Intent::Up => Worth::Nothing,
            Intent::Cancel => Worth::Most,
            _ => Worth::Usual,
        };
        let hints = keymap.hints_worth(Context::Output, worth);
        assert_eq!(hints[0], ("ctrl-k".to_owned(), "end it"));
        assert_eq!(hints[1], ("/".to_owned(), "find"));
        assert!(hints.iter().all(|(_, words)| *words != "scroll"));
    }

    #[test]
    fn help_tells_keys_for_the_same_from_keys_for_the_next() {
        let keymap = Keymap::bundled().unwrap();
        let rows = keymap.help_everywhere(Context::Incidents);
        let keys_of = |words: &str| rows.iter().find(|row| row.words == words).map(|row| row.keys.as_str());
        assert_eq!(keys_of("down, up"), Some("j/down, k/up"));
        assert_eq!(keys_of("help, quit"), Some("?, q/ctrl-c"));
    }

    #[test]
    fn hints_show_the_keys_of_the_users_own_file() {
        let keymap =
            Keymap::bundled().unwrap().merge("mine", "[incidents]\na = \"none\"\nz = \"acknowledge\"\n").unwrap();
        assert!(keymap.hints(Context::Incidents).contains(&("z".to_owned(), "ack")));
        let none = Keymap::bundled().unwrap().merge("mine", "[incidents]\na = \"none\"\n").unwrap();
        assert!(none.hints(Context::Incidents).iter().all(|(_, words)| *words != "ack"));
    }

    #[test]
    fn while_a_name_is_typed_no_letter_is_offered_as_a_key() {
        let hints = Keymap::bundled().unwrap().hints_while_typing(Context::Review, |_| Worth::Usual);
        assert!(hints.contains(&("down up".to_owned(), "scroll")), "{hints:?}");
        assert!(hints.contains(&("f8".to_owned(), "approve")), "{hints:?}");
    }

    #[test]
    fn every_hint_has_a_key_in_its_context() {
        let keymap = Keymap::bundled().unwrap();
        for context in Context::ALL {
            assert_eq!(keymap.hints(context).len(), worth_saying(context).len(), "{}", context.name());
            for (intents, _) in worth_saying(context) {
                for intent in *intents {
                    assert!(keymap.key_for(context, *intent).is_some(), "{} in {}", intent.name(), context.name());
                }
            }
        }
    }

    #[test]
    fn help_names_every_key_once() {
        let keymap = Keymap::bundled().unwrap();
        for context in [Context::Incidents, Context::Sop, Context::Output, Context::Chat] {
            let rows: Vec<HelpRow> =
                keymap.help_here(context).into_iter().chain(keymap.help_everywhere(context)).collect();
            let alternatives = |keys: &str| match keys {
                "/" => vec![keys.to_owned()],
                keys => keys.split('/').map(str::to_owned).collect(),
            };
            let mut shown: Vec<String> =
                rows.iter().flat_map(|row| row.keys.split(", ").flat_map(alternatives)).collect();
            let mut bound: Vec<String> = keymap.valid_in(context).map(|binding| binding.chord.to_string()).collect();
            shown.sort_unstable();
            bound.sort_unstable();
            assert_eq!(shown, bound);
        }
    }
}
