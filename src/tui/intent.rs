//! What a key press means in the console.
//!
//! Owns: the closed list of intents with their names in keymap files and their texts in help and hints.
//! Does not: say which key stands for which (see `keymap`) or what comes of it.

/// Defines [`Intent`] with its name in files and its help text in one place, so that none can be missing.
macro_rules! intents {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, $help:literal;)+) => {
        /// What a key press means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Intent {
            $($(#[$doc])+ $variant,)+
        }

        impl Intent {
            /// All intents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in keymap files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// A few words for help and key hints.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self {
                    $(Self::$variant => $help,)+
                }
            }
        }
    };
}

intents! {
    /// The next row or line.
    Down = "down", "down";
    /// The row or line before.
    Up = "up", "up";
    /// The first row or line.
    Top = "top", "first";
    /// The last row or line.
    Bottom = "bottom", "last";
    /// Half a pane further.
    HalfPageDown = "half-page-down", "half a page down";
    /// Half a pane back.
    HalfPageUp = "half-page-up", "half a page up";
    /// A pane further.
    PageDown = "page-down", "page down";
    /// A pane back.
    PageUp = "page-up", "page up";
    /// Focus to the next pane.
    NextPane = "next-pane", "next pane";
    /// Focus to the pane before.
    PreviousPane = "previous-pane", "previous pane";
    /// Focus to the incidents.
    FocusIncidents = "focus-incidents", "to the incidents";
    /// Focus to the SOP.
    FocusSop = "focus-sop", "to the SOP";
    /// Focus to the chat.
    FocusChat = "focus-chat", "to the chat";
    /// Focus to the output.
    FocusOutput = "focus-output", "to the output";
    /// Open what is under the cursor; accept what was typed.
    Open = "open", "open or accept";
    /// Close what is on top; one level back.
    Back = "back", "back";
    /// Type words to filter or find by.
    Filter = "filter", "filter or find";
    /// Search SOPs and incidents for words.
    Search = "search", "search everything";
    /// Choose a command, an SOP or an incident by name.
    Palette = "palette", "commands by name";
    /// The next place that matches.
    FindNext = "find-next", "next match";
    /// The place before that matches.
    FindPrevious = "find-previous", "previous match";
    /// Acknowledge the incident, or take that back.
    Acknowledge = "acknowledge", "ack, or take it back";
    /// Take the incident on, or let it go.
    Take = "take", "make it yours, or nobody's";
    /// Say who works on the incident.
    Assign = "assign", "assign it to someone";
    /// Write something down about the incident.
    Note = "note", "note something down";
    /// Say that the incident is over; again: that it is not.
    Resolve = "resolve", "resolve, or reopen";
    /// Do not show the incident for a while; again: show it.
    Suppress = "suppress", "suppress, or show again";
    /// Take back the last own change of the incident.
    Undo = "undo", "take back your last change";
    /// Show the next queue: all, mine, unassigned, suppressed.
    NextQueue = "next-queue", "next queue";
    /// The steps for the next alert of the incident that fires.
    NextAlert = "next-alert", "for the next alert";
    /// The list of SOPs, those that apply to the incident first.
    Sop = "sop", "list SOPs";
    /// Fold or unfold what is under the cursor.
    Fold = "fold", "fold or unfold";
    /// Fold it.
    FoldClose = "fold-close", "fold";
    /// Unfold it.
    FoldOpen = "fold-open", "unfold";
    /// Fold or unfold everything.
    FoldAll = "fold-all", "fold or unfold all";
    /// To the next step.
    NextStep = "next-step", "next step";
    /// To the step before.
    PreviousStep = "previous-step", "previous step";
    /// Propose the command under the cursor; nothing runs before it is approved.
    Run = "run", "propose the command";
    /// Begin a run of the SOP, or steer the one that is on.
    SteerRun = "steer-run", "begin or steer a run";
    /// Ask the assistant how the run is to go on; it suggests, and nothing is changed by that.
    Counsel = "counsel", "ask how to go on";
    /// Type other values for the command under the cursor than the alert's labels give, and propose it.
    EditValues = "edit-values", "propose, new values";
    /// What the runs of the SOP have in common, and a patch of it.
    Improve = "improve-sop", "improve it from its runs";
    /// An SOP from what was done for the incident.
    Draft = "draft-sop", "draft an SOP from it";
    /// Take the finding under the cursor into the patch, or leave it.
    Toggle = "toggle", "take or leave";
    /// Write the patch, or save the draft.
    ApplyPatch = "apply-patch", "write it";
    /// Review what waits for approval.
    Approvals = "approvals", "review what waits";
    /// Approve what the review shows.
    Approve = "approve", "approve";
    /// Show in the review what a yes to more than this action would cover.
    Widen = "widen", "show a wider yes";
    /// Give the wider yes that the review shows.
    ApproveWider = "approve-wider", "give the wider yes";
    /// Reject what the review shows.
    Reject = "reject", "reject";
    /// Put another command in the place of what the review shows: a new proposal.
    EditCommand = "edit-command", "edit the command";
    /// Propose to look up what the command in the review would touch.
    LookUp = "look-up", "look up what it touches";
    /// End the attempt; stop the answer.
    Cancel = "cancel", "end the command";
    /// Propose the step that shows the effect of an attempt of which nobody knows how it ended.
    CheckEffect = "check-effect", "look at the effect";
    /// Say what one saw of the effect of such an attempt.
    EffectChecked = "effect-checked", "say you looked at it";
    /// Type a question.
    Type = "type", "type a question";
    /// Send the question that was typed.
    Send = "send", "send";
    /// Show what would be sent before it is.
    LookFirst = "look-first", "see what would be sent";
    /// Begin a new line.
    Newline = "newline", "new line";
    /// To the next citation.
    NextCitation = "next-citation", "next citation";
    /// To the citation before.
    PreviousCitation = "previous-citation", "previous citation";
    /// Show or hide what the model thought.
    FoldThoughts = "fold-thoughts", "show or hide thoughts";
    /// Everything that is known of the incident.
    Details = "details", "details of the incident";
    /// Yeses that cover more than one action.
    Scopes = "scopes", "yeses that go on";
    /// How the sources of alerts are, and why.
    Sources = "sources", "health of the sources";
    /// Times in UTC or in the zone of this machine.
    TimeZone = "time-zone", "times in UTC or local";
    /// End the guided tour, which only the demo has.
    EndTour = "end-tour", "end the tour";
    /// The text of the pane over the whole screen, as it is, for the terminal's own selection.
    Plain = "plain", "plain text to select";
    /// The line beside the pane to the left.
    SplitLeft = "split-left", "pane edge to the left";
    /// The line beside the pane to the right.
    SplitRight = "split-right", "pane edge to the right";
    /// The line below the pane up.
    SplitUp = "split-up", "pane edge up";
    /// The line below the pane down.
    SplitDown = "split-down", "pane edge down";
    /// All lines between the panes where they usually are.
    SplitReset = "split-reset", "pane edges as usual";
    /// The next theme, until the console is left.
    Theme = "theme", "next theme";
    /// Copy what is under the cursor.
    Copy = "copy", "copy";
    /// Listen to the mouse, or leave it to the terminal.
    Mouse = "mouse", "mouse on or off";
    /// What the keys do.
    Help = "help", "help";
    /// Leave the console.
    Quit = "quit", "quit";
    /// Draw the whole screen anew.
    Redraw = "redraw", "draw the screen anew";
    /// Stop the console and go back to the shell.
    Suspend = "suspend", "stop, to the shell";
}

impl Intent {
    /// The intent with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|intent| intent.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for intent in Intent::ALL {
            assert_eq!(Intent::from_name(intent.name()), Some(*intent));
        }
    }
}
