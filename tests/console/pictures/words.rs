//! What a screen says, without what is never the same twice: times, numbers, names of this machine.
//!
//! Owns: that reduction. Two screens that say the same have the same words, on whatever machine, hour and day.
//!
//! Lines are broken where a pane ends, so words are taken pane by pane: what stands right of the same line from top to
//! bottom is one text, and blanks do not count. Where a box lies above the panes, only its words are taken: what is left of
//! the panes beside it is cut anywhere.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::cells::{Cell, Cells};

/// Where and as whom the console runs.
pub(super) struct Here {
    /// Name of the machine, as its alerts say it.
    pub(super) host: String,
    /// Name of the person, as the chat says it.
    pub(super) person: String,
}

impl Here {
    pub(super) fn detect() -> Self {
        let host = nix::unistd::gethostname().unwrap().to_string_lossy().into_owned();
        let person = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
        Self { host, person }
    }
}

/// What changes from run to run, and what stands for it. Applied in this order, to text without blanks.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        // The directory of a demo, also where its end or its beginning is not on the screen.
        (r"/tmp/[-0-9A-Za-z]+/aiops-demo-\d+/\d+-\d+", "DEMO"),
        (r"/tmp/[-/0-9A-Za-z]*…", "DEMO…"),
        (r"/tmp/[-/0-9A-Za-z]*$", "DEMO"),
        (r"[-/0-9a-z]*\d-\d+/srv/log-archive", "DEMO/srv/log-archive"),
        // What stands for names in what is sent to a model, and the words around foreign text there.
        (r"zq(host|addr|user|mail|text)[0-9a-z]+", "zq$1"),
        (r"<<<DATA[a-z]{12}", "<<<DATA"),
        (r"[a-z]{12}DATA>>>", "DATA>>>"),
        // Kinds of secrets that random words only look like.
        (r"Replaced.*?Costat", "Replaced;Costat"),
        // From here on it is about this hour; how much of it is on the screen depends on that.
        (r"text.:.Now:.*?morelinesbelow", "text:Now:morelinesbelow"),
        (r"\d+([.,:]\d+)*", "0"),
        (r"(for|after)<?0(ms|[smhd])", "${1}0t"),
    ];
    rules.into_iter().map(|(rule, instead)| (Regex::new(rule).unwrap(), instead)).collect()
});

/// The words of a screen, one line for each pane, from left to right.
pub(super) fn words(cells: &Cells, here: &Here) -> String {
    let mut panes: BTreeMap<u16, String> = BTreeMap::new();
    for row in above(cells) {
        for part in row.split(|cell| cell.symbol == "│") {
            let Some(first) = part.first() else { continue };
            panes.entry(first.column).or_default().push_str(&solid(part));
        }
    }
    let lines = panes.into_iter().filter(|(_, text)| !text.is_empty());
    lines.map(|(column, text)| format!("{column} {}\n", lasting(&text, here))).collect()
}

/// The rows of the box above the panes, else those of the whole screen.
fn above(cells: &Cells) -> Vec<&[Cell]> {
    let at = |row: &[Cell], corner: &str| row.iter().position(|cell| cell.symbol == corner);
    let top = cells.rows.iter().position(|row| at(row, "┌").is_some() && at(row, "┐").is_some());
    let Some(top) = top else { return cells.rows.iter().map(Vec::as_slice).collect() };
    let column = |corner| at(&cells.rows[top], corner).map(|index| cells.rows[top][index].column);
    let (left, right) = (column("┌"), column("┐"));
    let within = |cell: &Cell| Some(cell.column) >= left && Some(cell.column) <= right;
    let inside = |row: &'_ [Cell]| {
        let first = row.iter().position(within).unwrap_or_default();
        first..row.iter().rposition(within).map_or(first, |last| last + 1)
    };
    let boxed: Vec<&[Cell]> = cells.rows[top..].iter().map(|row| &row[inside(row)]).collect();
    let bottom = boxed.iter().position(|row| at(row, "└") == Some(0)).unwrap_or(boxed.len() - 1);
    boxed[..=bottom].to_vec()
}

/// The text of these cells without blanks, lines and signs that a line goes on.
fn solid(cells: &[Cell]) -> String {
    let counts = |cell: &&Cell| !cell.is_blank() && !"─┌┐└┘├┤↪".contains(&cell.symbol);
    cells.iter().filter(counts).map(|cell| cell.symbol.as_str()).collect()
}

/// The text without what changes.
fn lasting(text: &str, here: &Here) -> String {
    let Here { host, person } = here;
    let mut text = text
        .replace(&format!("instance={host}"), "instance=HOST")
        .replace(&format!("isabout{host};"), "isaboutHOST;")
        .replace(&format!("({person})"), "(PERSON)");
    // The heading of what the person has asked: a name and a time.
    text = text.replace(&format!("Chatstand-in{person}"), "Chatstand-inPERSON");
    for (rule, instead) in VARYING.iter() {
        text = rule.replace_all(&text, *instead).into_owned();
    }
    text
}

/// Where two texts of [`words`] begin to differ, with a little of both from there on.
pub(super) fn difference(committed: &str, now: &str) -> Option<String> {
    if committed == now {
        return None;
    }
    let common = committed.chars().zip(now.chars()).take_while(|(one, other)| one == other).count();
    let excerpt = |text: &str| text.chars().skip(common.saturating_sub(40)).take(120).collect::<String>();
    Some(format!("committed: {:?}\n      now: {:?}", excerpt(committed), excerpt(now)))
}

#[cfg(test)]
mod tests {
    use super::super::cells::shown;
    use super::*;

    fn here(host: &str, person: &str) -> Here {
        Here { host: host.to_owned(), person: person.to_owned() }
    }

    fn words_of(rows: &[&str]) -> String {
        let columns = rows.iter().map(|row| row.chars().count()).max().unwrap();
        let cells = shown(columns.try_into().unwrap(), rows.len().try_into().unwrap(), &rows.join("\r\n"));
        words(&cells, &here("vm", "root"))
    }

    #[test]
    fn where_a_line_is_broken_does_not_count_and_panes_are_not_mixed() {
        let one = words_of(&["left text  │ right side of", "goes on    │ the screen"]);
        let other = words_of(&["left       │ right side", "text goes o│ of the scr", "n          │ een"]);
        assert_eq!(one, "0 lefttextgoeson\n12 rightsideofthescreen\n");
        assert_eq!(one, other);
    }

    #[test]
    fn what_is_never_the_same_twice_does_not_count() {
        let one = words_of(&[
            "18:47 UTC stand-in $0.00287│ /tmp/a-Xy/aiops-demo-0/14146-23",
            "#1 open for <1m, 97 % full │ 54565/srv after 101 ms instance=vm ",
            "<<<DATA mdgrcghlhrlj       │ zqhostc52jt7g6                 ",
        ]);
        let other = words_of(&[
            "9:02 UTC stand-in $0.3     │ /tmp/b/aiops-demo-1000/7-2354565",
            "#3 open for 12m, 101 % full│ /srv after 1.5 s instance=vm       ",
            "<<<DATA zzzzzzzzzzzz       │ zqhostzzzzzzz                   ",
        ]);
        assert_eq!(one, other);
        assert_eq!(one, "0 0UTCstand-in$0#0openfor0t,0%full<<<DATA\n28 DEMO/srvafter0tinstance=HOSTzqhost\n");
    }

    #[test]
    fn a_directory_of_which_only_a_part_is_on_the_screen_does_not_count() {
        let parts = |pid: &str| {
            let (above, below) = (format!("1 above…{pid}-26/srv/log-archive/a.log"), format!("x /tmp/s-{pid}"));
            words_of(&["/tmp/shift-Ab/aiops-d…", &above, &below])
        };
        assert_eq!(parts("/13585"), parts("mo-0/7"));
        assert_eq!(parts("3"), "0 DEMO…0above…DEMO/srv/log-archive/a.logxDEMO\n");
    }

    #[test]
    fn of_a_box_above_the_panes_only_its_own_words_count() {
        let rows = ["some rows │ of text", "cu┌ Keys? ────┐", "cu│ a   b     │ut", "cu└───────────┘", "below     │ it"];
        assert_eq!(words_of(&rows), "2 Keys?\n3 ab\n");
        let branch = ["1 SOP   │ x", "└ if so │ y"];
        assert_eq!(words_of(&branch), "0 0SOPifso\n9 xy\n");
    }

    #[test]
    fn words_count() {
        for (one, other) in [("exit 0", "exited 0"), ("r propose", "x propose"), ("│ a", "│ b"), ("a │ b", "a  │ b")]
        {
            assert_ne!(words_of(&[one]), words_of(&[other]));
        }
        let said = difference("0 the same words\n", "0 the same world\n").unwrap();
        assert!(said.contains("the same words") && said.contains("the same world"), "{said}");
        assert_eq!(difference("a", "a"), None);
        assert!(difference("a", "ab").is_some());
    }
}
