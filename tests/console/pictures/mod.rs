//! The pictures of the README: the real program in a real terminal, on a walk through its demo.
//!
//! Owns: the walk, and where it stops for a picture. With `AIOPS_PICTURES=write` the pictures are written; without, the
//! same walk fails where a screen does not say, or look like, what its committed picture does. Times, numbers and names of
//! the machine do not count (see `words`).

mod cells;
mod svg;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::demo::{approve, read_review, send_preview, walk};
use super::pipeline::eventually;
use super::pty::{Console, Home, PATIENCE};
use cells::Cells;
use svg::{About, DARK, LIGHT, Paper};
use words::{Here, difference, words};

/// The variable that has the pictures written.
const WRITE: &str = "AIOPS_PICTURES";
/// The command that does, for messages.
const COMMAND: &str = "just pictures";
/// A screen on which nothing has changed for this long is a picture. Only for writing them, by a person who looks at them.
const STILL: Duration = Duration::from_millis(1_200);
/// A screen that shows what a picture waits for, and that is still not like it after this long, is another one.
const STALE: Duration = Duration::from_secs(15);
/// The terminal: three panes, and the review of a deletion on one page.
const SIZE: (u16, u16) = (132, 40);
/// The smallest terminal that everything is made for.
const SMALL: (u16, u16) = (80, 24);

/// Starts the demo in a directory whose path has 41 characters whatever the process is called, so that every line breaks where
/// it does in the pictures. The number and the start of a process stay the same across `exec`.
const START: &str = r#"
read -r stat < "/proc/$$/stat"
set -- ${stat##*) }
own="/aiops-demo-$(id -u)/$$-${20}"
left=$((41 - ${#own} - 8))
name="shift-"
while [ ${#name} -gt $left ] && [ -n "$name" ]; do name="${name%?}"; done
while [ ${#name} -lt $((left + 3)) ]; do name="${name}X"; done
TMPDIR=$(mktemp -d "/tmp/$name") || exit 1
export TMPDIR
echo "$TMPDIR" > "$AIOPS_PICTURES_PLACE"
exec "$AIOPS_PICTURES_PROGRAM" demo --fake-model --no-tour --stagger 4
"#;

/// A picture to take.
struct Picture {
    /// Its file, without the ending.
    name: &'static str,
    title: &'static str,
    /// For those who do not see it.
    description: &'static str,
    paper: &'static Paper,
}

const CONSOLE: Picture = Picture {
    name: "console",
    title: "aiops: incidents, SOP and chat side by side",
    description: "Three panes in a terminal. Left, the queue with three incidents, and the one under the cursor with its \
                  labels and timeline. In the middle its SOP as a step tree with the cursor on a command, and below it the \
                  output of the command that was approved before. Right, the chat: a question, and an answer with two \
                  commands that can be proposed.",
    paper: &DARK,
};

const CONSOLE_LIGHT: Picture = Picture {
    name: "console-light",
    title: "aiops: the same in the theme for light terminals",
    paper: &LIGHT,
    ..CONSOLE
};

const OUTPUT: Picture = Picture {
    name: "output",
    title: "aiops: the output of an approved command",
    description: "The SOP's step above, the output of the command below it: the rotated logs of the full volume, with size, \
                  day and path, and that it ended with exit status 0.",
    paper: &DARK,
};

const REVIEW: Picture = Picture {
    name: "review",
    title: "aiops: the review of a command before it is approved",
    description: "A box above the panes: incident, step, risk and why, target, directory, every word of the find command on \
                  a line of its own with the word that came from the alert marked, the whole environment, the target's \
                  name typed, and the words: Ready to approve.",
    paper: &DARK,
};

const PREVIEW: Picture = Picture {
    name: "preview",
    title: "aiops: what would be sent to a model, before it is sent",
    description: "A box above the panes: where it would go, to which model, how many names were replaced, what it may cost \
                  at most, and then exactly the bytes. Enter sends them, Escape does not.",
    paper: &DARK,
};

const SEARCH: Picture = Picture {
    name: "search",
    title: "aiops: searching all SOPs and incidents",
    description: "A box above the panes with the words disk full, and below it what was found: an incident and steps of \
                  several SOPs, the words marked.",
    paper: &DARK,
};

const HELP: Picture = Picture {
    name: "help",
    title: "aiops: the keys of the pane in focus",
    description: "A box above the panes with two columns: the keys of the SOP, and those that hold everywhere.",
    paper: &DARK,
};

const SOP_SMALL: Picture = Picture {
    name: "small",
    title: "aiops on a terminal of 80 by 24",
    description: "One pane: the SOP as a step tree with the cursor on a command, the output of the last command below it, \
                  and the keys in the last row.",
    paper: &DARK,
};

/// Takes the pictures, or compares them.
struct Album {
    directory: PathBuf,
    here: Here,
    purpose: Purpose,
    /// What differs.
    stale: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Write,
    Compare,
}

impl Album {
    fn open() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join("pictures");
        let purpose = match std::env::var(WRITE) {
            Ok(word) if word == "write" => Purpose::Write,
            Ok(word) => panic!("{WRITE} is {word:?}; it may be \"write\", or not be set"),
            Err(_) => Purpose::Compare,
        };
        Self { directory, here: Here::detect(), purpose, stale: Vec::new() }
    }

    /// Takes a picture of the screen as soon as it shows all of `words`, or compares it with the one that is there.
    fn picture(&mut self, console: &Console, picture: &Picture, words: &[&str]) {
        console.wait(&format!("the picture {}", picture.name), |screen| shows(screen, words));
        match self.purpose {
            Purpose::Write => {
                let cells = still(console);
                let svg = self.draw(picture, &cells);
                std::fs::create_dir_all(&self.directory).unwrap();
                std::fs::write(self.path(picture), svg).unwrap();
            }
            Purpose::Compare => self.compare(console, picture, words),
        }
    }

    fn path(&self, picture: &Picture) -> PathBuf {
        self.directory.join(picture.name).with_extension("svg")
    }

    fn draw(&self, picture: &Picture, cells: &Cells) -> String {
        let Picture { title, description, paper, .. } = picture;
        svg::draw(cells, paper, &About { title, description, words: &words(cells, &self.here) })
    }

    fn compare(&mut self, console: &Console, picture: &Picture, awaited: &[&str]) {
        let path = self.path(picture);
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let same = |screen: &vt100::Screen| {
            let now = self.draw(picture, &Cells::of(screen));
            comparable(&now) == comparable(&committed)
        };
        // Colours of code, for example, come a moment after the code.
        if console.find(STALE, |screen| (shows(&screen.contents(), awaited) && same(screen)).then_some(())).is_some() {
            return;
        }
        let now = console.find(PATIENCE, |screen| Some(self.draw(picture, &Cells::of(screen)))).unwrap_or_default();
        let differs = [(WORDS, "says"), (STYLES, "looks like")].into_iter().filter_map(|((begin, end), what)| {
            let part = |svg: &str| svg::part(svg, begin, end).unwrap_or_default();
            Some(format!("{} {what} something else\n{}", path.display(), difference(&part(&committed), &part(&now))?))
        });
        self.stale.extend(differs.collect::<Vec<_>>());
    }

    fn close(self) {
        let stale = self.stale.join("\n\n");
        assert!(
            stale.is_empty(),
            "the screens are not those of the pictures: run `{COMMAND}` and look at them\n\n{stale}"
        );
    }
}

/// Where the words and the styles of a picture stand in it.
const WORDS: (&str, &str) = ("<metadata>", "</metadata>");
const STYLES: (&str, &str) = ("<style>", "</style>");

/// What of a picture has to stay the same.
fn comparable(svg: &str) -> [Option<String>; 2] {
    [WORDS, STYLES].map(|(begin, end)| svg::part(svg, begin, end))
}

fn shows(screen: &str, words: &[&str]) -> bool {
    words.iter().all(|words| screen.contains(words))
}

/// The screen, once nothing has changed on it for a while.
fn still(console: &Console) -> Cells {
    let now = || console.find(Duration::ZERO, |screen| Some(Cells::of(screen))).unwrap();
    let mut last = now();
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let changed = console.find(STILL, |screen| Some(Cells::of(screen)).filter(|cells| *cells != last));
        match changed {
            Some(cells) => last = cells,
            None => return last,
        }
        assert!(std::time::Instant::now() < deadline, "the screen does not stand still\n{}", console.contents());
    }
}

/// The demo on a terminal of its own, and the directory that was made for it.
struct Demo {
    console: Console,
    home: Home,
}

impl Demo {
    fn start() -> Self {
        let home = Home::new();
        let place = home.path().join("place").display().to_string();
        let words = ["/bin/sh", "-c", START].map(str::to_owned);
        let extra = [
            ("HOME", "/home/you"),
            ("COLORTERM", "truecolor"),
            ("AIOPS_PICTURES_PROGRAM", env!("CARGO_BIN_EXE_aiops")),
            ("AIOPS_PICTURES_PLACE", &place),
        ];
        let console = Console::program(&home, SIZE.0, SIZE.1, &words, &extra);
        Self { console, home }
    }

    fn leave(mut self) {
        self.console.type_keys("1q");
        assert_eq!(self.console.wait_exit(), 0);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let place = std::fs::read_to_string(self.home.path().join("place")).unwrap_or_default();
        if !place.trim().is_empty() {
            let _ = std::fs::remove_dir_all(place.trim());
        }
    }
}

/// Whether the process that fills the volume of the demo has done so; `place` is the file with the demo's directory.
fn has_given_up(place: &Path) -> bool {
    let place = std::fs::read_to_string(place).unwrap_or_default();
    let logs = walk(Path::new(place.trim())).into_iter().filter(|path| path.ends_with("srv/log-archive/worker.log"));
    logs.into_iter().any(|log| std::fs::read_to_string(log).is_ok_and(|text| text.contains("giving up")))
}

/// Finds a command in the SOP, proposes it and opens its review.
fn open_review(console: &mut Console, command: &str) {
    console.type_keys(&format!("2/{command}\r"));
    console.type_keys("r");
    console.wait_text("1 action to approve");
    console.type_keys("A");
    console.wait_text("Approve proposal");
}

#[test]
fn the_pictures_show_what_the_program_shows() {
    let mut album = Album::open();
    let mut demo = Demo::start();
    let place = demo.home.path().join("place");
    let console = &mut demo.console;
    console.wait("three incidents, and a volume that is full", |screen| {
        ["3 open", "CRIT   DiskFull", "HIGH   Worker", "WARN   Certificate"].iter().all(|words| screen.contains(words))
    });
    console.type_keys("g");
    console.wait("the full volume under the cursor, and its SOP", |screen| {
        screen.contains("▌CRIT   DiskFull") && screen.contains("2 SOP Disk full")
    });
    // From then on its files are always the same.
    eventually("the end of what fills the volume", || has_given_up(&place));

    open_review(console, "-printf");
    approve(console, None);
    console.wait_text("Attempt 1 exit 0");
    console.type_keys("4");
    console.wait_text("esc SOP");
    console.type_keys("g");
    album.picture(console, &OUTPUT, &["4 Attempt 1 exit 0", "worker.log.", "? help"]);

    open_review(console, "-delete");
    read_review(console, Some("demo"));
    album.picture(console, &REVIEW, &["Target's name: demo", "Ready to approve."]);
    console.type_keys("\x1b");
    console.wait("the panes", |screen| !screen.contains("Approve proposal"));

    console.type_keys("3iwhat should I do about this?\r");
    album.picture(console, &PREVIEW, &["exactly these:", "enter send"]);
    send_preview(console);
    console.wait("the whole answer", |screen| {
        screen.contains("I have run neither") && screen.contains("3 Chat #1 stand-in $")
    });
    console.type_keys("\t2");
    let awaited = ["3 Chat #1 stand-in $", "I have run neither", "1 action to approve: A review", "Attempt 1 exit 0"];
    album.picture(console, &CONSOLE, &awaited);

    console.type_keys("Fdisk full");
    album.picture(console, &SEARCH, &["disk full", " found", "enter go there"]);
    console.type_keys("\x1b");
    console.wait("the panes", |screen| !screen.contains("enter go there"));

    console.type_keys("?");
    album.picture(console, &HELP, &["In the SOP", "esc close"]);
    console.type_keys("\x1b");
    console.wait("the panes", |screen| !screen.contains("esc close"));

    // The theme, and away with the words that say which.
    console.type_keys("\x14");
    console.wait_text("Theme light");
    console.type_keys("2");
    console.wait("the panes", |screen| !screen.contains("Theme light"));
    album.picture(console, &CONSOLE_LIGHT, &awaited);
    back_to_dark(console);

    console.resize(SMALL.0, SMALL.1);
    album.picture(console, &SOP_SMALL, &["2 SOP Disk full", "Attempt 1 exit 0", "1 action to approve: A review"]);
    demo.leave();
    album.close();
}

/// On through the other themes to the one of dark terminals.
fn back_to_dark(console: &mut Console) {
    for _ in 0..10 {
        console.type_keys("\x14");
        let shown = console.wait("the name of the theme", |screen| screen.contains("Theme "));
        if shown.contains("Theme dark") {
            break;
        }
        console.type_keys("2");
        console.wait("the panes", |screen| !screen.contains("Theme "));
    }
    console.type_keys("2");
    console.wait("the panes", |screen| !screen.contains("Theme "));
}
