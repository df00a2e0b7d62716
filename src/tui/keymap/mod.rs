//! Which key stands for which intent, by context; read from `assets/keymap.toml` and a file of the user's over it.
//!
//! Invariants of a [`Keymap`]:
//! - In a context a chord means one thing, the inherited global chords included.
//! - Only a function key or Ctrl with a letter approves, only in the review, and one always does.
//! - In contexts where text is typed, no printable key is bound.
//!
//! Does not: carry out intents, or read from disk.

mod chord;
mod hints;

use crossterm::event::KeyEvent;

pub use chord::Chord;
pub use hints::HelpRow;

use super::intent::Intent;
use super::settings::{SettingsError, entries};

/// The keymap that comes with the program.
pub const BUNDLED: &str = include_str!("../../../assets/keymap.toml");

/// Keys that may end the guided tour, the one that is wanted most first.
const END_OF_TOUR: [&str; 4] = ["X", "f12", "ctrl-e", "ctrl-t"];

const BUNDLED_NAME: &str = "keymap.toml (bundled)";

/// The value that takes a key's meaning away.
const UNBOUND: &str = "none";

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Everywhere, as far as the other contexts inherit it.
    Global,
    /// The list of incidents.
    Incidents,
    /// The SOP.
    Sop,
    /// The output of attempts.
    Output,
    /// The chat, while it is read.
    Chat,
    /// Typing a question.
    Ask,
    /// What would be sent.
    Preview,
    /// The review of a proposal.
    Review,
    /// The command of a proposal while it is edited.
    Edit,
    /// Typing a value.
    Prompt,
    /// Typing a filter.
    Filter,
    /// The help screen.
    Help,
    /// Searching everything.
    Search,
    /// Choosing a command by name.
    Palette,
    /// Improving or drafting an SOP.
    Workbench,
}

impl Context {
    /// All contexts.
    pub const ALL: [Self; 15] = [
        Self::Global,
        Self::Incidents,
        Self::Sop,
        Self::Output,
        Self::Chat,
        Self::Ask,
        Self::Preview,
        Self::Review,
        Self::Edit,
        Self::Prompt,
        Self::Filter,
        Self::Help,
        Self::Search,
        Self::Palette,
        Self::Workbench,
    ];

    /// The name of its table in keymap files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Incidents => "incidents",
            Self::Sop => "sop",
            Self::Output => "output",
            Self::Chat => "chat",
            Self::Ask => "ask",
            Self::Preview => "preview",
            Self::Review => "review",
            Self::Edit => "edit",
            Self::Prompt => "prompt",
            Self::Filter => "filter",
            Self::Help => "help",
            Self::Search => "search",
            Self::Palette => "palette",
            Self::Workbench => "workbench",
        }
    }

    /// Whether keys type text here.
    #[must_use]
    pub const fn takes_text(self) -> bool {
        matches!(self, Self::Edit | Self::Prompt | Self::Filter | Self::Ask | Self::Search | Self::Palette)
    }

    /// Whether a global binding holds here. Where text is typed, in the review and in the preview only redrawing and
    /// suspending do, so that no key does something behind what is on top.
    fn inherits(self, intent: Intent) -> bool {
        match self {
            Self::Global => false,
            Self::Incidents | Self::Sop | Self::Output | Self::Chat | Self::Help => true,
            Self::Review
            | Self::Edit
            | Self::Preview
            | Self::Prompt
            | Self::Filter
            | Self::Ask
            | Self::Search
            | Self::Palette
            | Self::Workbench => {
                matches!(intent, Intent::Redraw | Intent::Suspend)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    context: Context,
    chord: Chord,
    intent: Intent,
    /// File and line that it was read from.
    place: (String, usize),
}

/// The bindings of all contexts, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
    /// What was ever bound where, in the order of the files: what has lost its key still makes sense there.
    offered: Vec<(Context, Intent)>,
}

/// A binding as a person wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundKey {
    /// Where it holds.
    pub context: Context,
    /// The key as it is written in files.
    pub key: String,
    /// What it means.
    pub intent: Intent,
    /// The file that binds it.
    pub file: String,
    /// The line there, from 1.
    pub line: usize,
    /// Whose file that is.
    pub origin: KeyOrigin,
}

/// Whose file binds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The program's own.
    Bundled,
    /// The person's.
    User,
}

impl Keymap {
    /// The keymap that comes with the program.
    ///
    /// # Errors
    /// Never with the file as it was built in; see [`Keymap::merge`].
    pub fn bundled() -> Result<Self, SettingsError> {
        Self { bindings: Vec::new(), offered: Vec::new() }.merge(BUNDLED_NAME, BUNDLED)
    }

    /// This keymap with the bindings of a file over it; `"none"` takes a binding away.
    ///
    /// # Errors
    /// When the file cannot be read as TOML, names an unknown table, key or intent, or breaks a rule of the module. The
    /// error names the line, and both bindings where two conflict.
    pub fn merge(&self, file: &str, text: &str) -> Result<Self, SettingsError> {
        let mut merged = self.clone();
        let mut own: Vec<(Context, Chord, usize)> = Vec::new();
        for entry in entries(file, text)? {
            let error = |message| SettingsError { file: file.to_owned(), line: Some(entry.line), message };
            let context = Context::ALL.into_iter().find(|context| context.name() == entry.table);
            let context =
                context.ok_or_else(|| error(unknown("table", &entry.table, Context::ALL.map(Context::name))))?;
            let chord = Chord::parse(&entry.key).map_err(error)?;
            if let Some((.., line)) = own.iter().find(|(c, k, _)| (*c, *k) == (context, chord)) {
                return Err(error(format!("`{chord}` is bound in line {line} already")));
            }
            own.push((context, chord, entry.line));
            let intent = match entry.value.as_str() {
                UNBOUND => None,
                name => Some(Intent::from_name(name).ok_or_else(|| {
                    error(unknown("intent", name, Intent::ALL.iter().map(|intent| intent.name()).chain([UNBOUND])))
                })?),
            };
            merged.bindings.retain(|binding| (binding.context, binding.chord) != (context, chord));
            if let Some(intent) = intent {
                check(context, chord, intent).map_err(error)?;
                if !merged.offered.contains(&(context, intent)) {
                    merged.offered.push((context, intent));
                }
                merged.bindings.push(Binding { context, chord, intent, place: (file.to_owned(), entry.line) });
            }
        }
        merged.check_inherited(file)?;
        merged.check_reachable(file)?;
        Ok(merged)
    }

    /// This keymap with a key that ends the guided tour: the first of a few that has no meaning anywhere yet, so that the
    /// person's own keys stay what they are. Without one, the tour has to be gone to its end.
    #[must_use]
    pub fn with_end_of_tour(&self) -> Self {
        let free = |chord: &Chord| self.bindings.iter().all(|binding| binding.chord != *chord);
        let chord = END_OF_TOUR.into_iter().filter_map(|name| Chord::parse(name).ok()).find(free);
        let binding = chord.map(|chord| Binding {
            context: Context::Global,
            chord,
            intent: Intent::EndTour,
            place: ("the guided tour".to_owned(), 1),
        });
        let bindings = self.bindings.iter().cloned().chain(binding).collect();
        Self { bindings, offered: self.offered.clone() }
    }

    /// No context gives a meaning of its own to a chord that it inherits.
    fn check_inherited(&self, file: &str) -> Result<(), SettingsError> {
        for binding in &self.bindings {
            let inherited = self.bindings.iter().find(|global| {
                global.context == Context::Global
                    && global.chord == binding.chord
                    && binding.context.inherits(global.intent)
            });
            if let Some(global) = inherited {
                let at = |binding: &Binding| format!("{}, line {}", binding.place.0, binding.place.1);
                return Err(SettingsError {
                    file: file.to_owned(),
                    line: [binding, global].iter().find(|one| one.place.0 == file).map(|one| one.place.1),
                    message: format!(
                        "`{}` is {} in [{}] ({}) and {} in [global] ({}), which holds there too; \
                         bind one of them to another key, or to \"{UNBOUND}\"",
                        binding.chord,
                        binding.intent.name(),
                        binding.context.name(),
                        at(binding),
                        global.intent.name(),
                        at(global),
                    ),
                });
            }
        }
        Ok(())
    }

    /// What must never be without a key has one.
    fn check_reachable(&self, file: &str) -> Result<(), SettingsError> {
        let needed = [
            (Context::Review, Intent::Approve),
            (Context::Review, Intent::Back),
            (Context::Edit, Intent::Back),
            (Context::Edit, Intent::Open),
            (Context::Prompt, Intent::Back),
            (Context::Ask, Intent::Back),
            (Context::Ask, Intent::Send),
            (Context::Preview, Intent::Back),
            (Context::Filter, Intent::Back),
            (Context::Search, Intent::Back),
            (Context::Palette, Intent::Back),
            (Context::Global, Intent::Back),
            (Context::Global, Intent::Quit),
        ];
        let missing = needed.into_iter().find(|(context, intent)| {
            !self.bindings.iter().any(|binding| (binding.context, binding.intent) == (*context, *intent))
        });
        match missing {
            None => Ok(()),
            Some((context, intent)) => Err(SettingsError {
                file: file.to_owned(),
                line: None,
                message: format!("no key is left for {} in [{}]; bind one", intent.name(), context.name()),
            }),
        }
    }

    /// What a key press means in `context`.
    #[must_use]
    pub fn lookup(&self, context: Context, event: &KeyEvent) -> Option<Intent> {
        let chord = Chord::of(event)?;
        self.valid_in(context).find(|binding| binding.chord == chord).map(|binding| binding.intent)
    }

    /// The intents of these bindings, each with all its keys.
    fn grouped<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Vec<(Intent, Vec<Chord>)> {
        let mut keys: Vec<(Intent, Vec<Chord>)> = Vec::new();
        for binding in bindings {
            match keys.iter_mut().find(|(intent, _)| *intent == binding.intent) {
                Some((_, chords)) => chords.push(binding.chord),
                None => keys.push((binding.intent, vec![binding.chord])),
            }
        }
        keys
    }

    /// The first key for `intent` in `context`, for messages that name it; `None` when it has none.
    #[must_use]
    pub fn key_for(&self, context: Context, intent: Intent) -> Option<String> {
        self.valid_in(context).find(|binding| binding.intent == intent).map(|binding| binding.chord.to_string())
    }

    /// Every binding in effect, by context in the order of [`Context::ALL`], within one in the order of the files.
    #[must_use]
    pub fn bound(&self) -> Vec<BoundKey> {
        let of = |context: Context| self.own(context);
        let shown = |binding: &Binding| BoundKey {
            context: binding.context,
            key: binding.chord.to_string(),
            intent: binding.intent,
            file: binding.place.0.clone(),
            line: binding.place.1,
            origin: if binding.place.0 == BUNDLED_NAME { KeyOrigin::Bundled } else { KeyOrigin::User },
        };
        Context::ALL.into_iter().flat_map(of).map(shown).collect()
    }

    /// What can be done in `context`, with a key or without one, in the order of the files; its own things come first.
    #[must_use]
    pub fn offered(&self, context: Context) -> Vec<Intent> {
        let own = self.offered.iter().filter(|(at, _)| *at == context);
        let inherited = self.offered.iter().filter(|(at, intent)| *at == Context::Global && context.inherits(*intent));
        let mut offered: Vec<Intent> = Vec::new();
        for (_, intent) in own.chain(inherited) {
            if !offered.contains(intent) {
                offered.push(*intent);
            }
        }
        offered
    }

    fn valid_in(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.own(context).chain(self.inherited(context))
    }

    fn own(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.context == context)
    }

    fn inherited(&self, context: Context) -> impl Iterator<Item = &Binding> {
        let global = self.bindings.iter().filter(|binding| binding.context == Context::Global);
        global.filter(move |binding| context.inherits(binding.intent))
    }
}

/// The rules that concern one binding alone.
fn check(context: Context, chord: Chord, intent: Intent) -> Result<(), String> {
    let approves = matches!(intent, Intent::Approve | Intent::ApproveWider);
    if approves && context != Context::Review {
        return Err("approve can be bound in [review] only: nothing is approved that is not on the screen".to_owned());
    }
    if approves && !chord.may_approve() {
        return Err(format!(
            "`{chord}` cannot approve: only a function key, or Ctrl with a letter other than j, may, \
             because other keys are pressed or pasted by mistake; f8 is the usual one"
        ));
    }
    if context.takes_text() && chord.is_printable() {
        return Err(format!("`{chord}` types a character in [{}] and cannot be bound there", context.name()));
    }
    Ok(())
}

fn unknown<'a>(what: &str, name: &str, allowed: impl IntoIterator<Item = &'a str>) -> String {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    format!("there is no {what} `{name}`; there are {}", allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use rstest::rstest;

    use super::*;

    fn press(text: &str) -> KeyEvent {
        match text {
            "f8" => KeyEvent::new(KeyCode::F(8), KeyModifiers::NONE),
            "enter" => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
            "esc" => KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
            "ctrl-l" => KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL),
            _ => KeyEvent::new(KeyCode::Char(text.chars().next().unwrap()), KeyModifiers::NONE),
        }
    }

    #[rstest]
    #[case(Context::Incidents, "j", Some(Intent::Down))]
    #[case(Context::Incidents, "a", Some(Intent::Acknowledge))]
    #[case(Context::Incidents, "q", Some(Intent::Quit))]
    #[case(Context::Incidents, "f8", None)]
    #[case(Context::Sop, "r", Some(Intent::Run))]
    #[case(Context::Review, "f8", Some(Intent::Approve))]
    #[case(Context::Review, "enter", None)]
    #[case(Context::Review, "q", None)]
    #[case(Context::Review, "ctrl-l", Some(Intent::Redraw))]
    #[case(Context::Review, "esc", Some(Intent::Back))]
    #[case(Context::Filter, "j", None)]
    #[case(Context::Filter, "ctrl-l", Some(Intent::Redraw))]
    #[case(Context::Prompt, "enter", Some(Intent::Open))]
    fn bundled_keys(#[case] context: Context, #[case] key: &str, #[case] intent: Option<Intent>) {
        assert_eq!(Keymap::bundled().unwrap().lookup(context, &press(key)), intent);
    }

    #[test]
    fn every_intent_has_a_key() {
        // The end of the tour gets one where there is a tour.
        let keymap = Keymap::bundled().unwrap().with_end_of_tour();
        for intent in Intent::ALL {
            assert!(keymap.bindings.iter().any(|binding| binding.intent == *intent), "{}", intent.name());
        }
    }

    #[test]
    fn releases_mean_nothing() {
        let mut event = press("j");
        event.kind = crossterm::event::KeyEventKind::Release;
        assert_eq!(Keymap::bundled().unwrap().lookup(Context::Incidents, &event), None);
    }

    #[test]
    fn a_users_file_goes_over() {
        let keymap = Keymap::bundled().unwrap();
        let merged = keymap.merge("mine", "[incidents]\na = \"none\"\nz = \"acknowledge\"\n").unwrap();
        assert_eq!(merged.lookup(Context::Incidents, &press("a")), None);
        assert_eq!(merged.lookup(Context::Incidents, &press("z")), Some(Intent::Acknowledge));
        assert_eq!(merged.key_for(Context::Incidents, Intent::Acknowledge).as_deref(), Some("z"));
    }

    #[rstest]
    #[case("[review]\nenter = \"approve\"", 2, "`enter` cannot approve: only a function key")]
    #[case("[review]\n\ny = \"approve\"", 3, "`y` cannot approve")]
    #[case("[review]\nctrl-j = \"approve\"", 2, "`ctrl-j` cannot approve")]
    #[case("[sop]\nf8 = \"approve\"", 2, "in [review] only")]
    #[case("[sop]\nq = \"run\"", 2, "run in [sop] (mine, line 2) and quit in [global] (keymap.toml (bundled), line ")]
    #[case("[global]\nr = \"help\"", 2, "`r` is run in [sop]")]
    #[case("[filter]\nx = \"back\"", 2, "types a character in [filter]")]
    #[case("[sop]\nx = \"explode\"", 2, "there is no intent `explode`; there are down, ")]
    #[case("[talk]\nx = \"down\"", 2, "there is no table `talk`; there are global, ")]
    #[case("[sop]\nctrl-i = \"down\"", 2, "is `tab` to a terminal")]
    fn mistakes_are_named(#[case] text: &str, #[case] line: usize, #[case] message: &str) {
        let error = Keymap::bundled().unwrap().merge("mine", text).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert_eq!(error.line, Some(line), "{error}");
    }

    #[test]
    fn the_last_approval_key_cannot_be_taken_away() {
        let error = Keymap::bundled().unwrap().merge("mine", "[review]\nf8 = \"none\"").unwrap_err();
        assert!(error.message.contains("no key is left for approve in [review]"), "{error}");
    }
}
