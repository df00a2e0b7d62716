//! Mutated command lines and random bytes against the command grammar: it always answers, always the same; what it prints it
//! reads back; and of what it takes, a sample is compared with bash.

use std::collections::BTreeMap;

use aiops::domain::action::grammar::{self, Parsed, Surroundings};
use aiops::domain::action::print;
use aiops::domain::action::spec::{Invocation, Origin, Piece, Script, Word};
use aiops::domain::procedure::params;

use super::bash_stub::{Bash, Ending, Fields, agree};
use super::corpus_bash::lines;

/// What is put into lines.
const FRAGMENTS: &[&str] = &[
    " ",
    "\t",
    "\n",
    "\\\n",
    "'",
    "\"",
    "\\",
    "''",
    "\"\"",
    "|",
    "||",
    "&&",
    "&",
    ";",
    "#",
    " # ",
    "$",
    "$A",
    "${A}",
    "\"$A\"",
    "$B",
    "A=1",
    "A='x y'; ",
    "A=",
    "B=$A ",
    "export ",
    "export A=1; ",
    "export A; ",
    "cd ",
    "cd a; ",
    "cd a && ",
    "cd ../b\n",
    " && cd a",
    "A=1 ",
    "~",
    "~/",
    "=~",
    ":~",
    "$?",
    "$(a)",
    "`a`",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "{}",
    "<x>",
    "{{ x }}",
    ">/dev/null",
    "2>&1",
    ">&2",
    "<",
    ">",
    "(",
    ")",
    "!",
    "if",
    "é",
    "\u{a0}",
    "\0",
    "=",
    "+=",
    "-",
    "--",
    "echo",
    "ssh h ",
    "sh -c ",
    "$PWD",
    "$HOME",
    "x$A'y'",
];

/// A generator that gives the same sequence everywhere (Marsaglia's xorshift, shifts 13, 7 and 17).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    fn line(&mut self, corpus: &[String]) -> String {
        if self.below(20) == 0 {
            let bytes: Vec<u8> = (0..self.below(60)).map(|_| u8::try_from(self.below(256)).unwrap()).collect();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let mut line: Vec<char> = corpus[self.below(corpus.len())].chars().collect();
        for _ in 0..=self.below(4) {
            let at = self.below(line.len() + 1);
            let end = (at + self.below(6)).min(line.len());
            let new: Vec<char> = match self.below(5) {
                0 => Vec::new(),
                1 => {
                    let other: Vec<char> = corpus[self.below(corpus.len())].chars().collect();
                    let from = self.below(other.len() + 1);
                    other[from..].to_vec()
                }
                _ => FRAGMENTS[self.below(FRAGMENTS.len())].chars().collect(),
            };
            let end = if self.below(2) == 0 { at } else { end };
            line.splice(at..end, new);
        }
        line.into_iter().collect()
    }
}

/// The same script with one piece for each word: printing does not keep where words came from.
fn flat(mut script: Script) -> Script {
    for word in script.words_mut() {
        let text = word.text();
        word.pieces = if text.is_empty() { Vec::new() } else { Word::new(&text, Origin::Sop).pieces };
    }
    script
}

fn read(line: &str, surroundings: &Surroundings) -> Result<Parsed, grammar::GrammarError> {
    let uses = params::find(line);
    let piece = |name: &str| (name.to_owned(), Piece { text: "v 1;'".to_owned(), origin: Origin::Operator });
    let values: BTreeMap<String, Piece> = uses.iter().map(|used| piece(&used.name)).collect();
    grammar::parse_in(line, &uses, &values, surroundings)
}

#[test]
fn the_grammar_answers_to_anything_and_reads_what_it_prints() {
    let long = std::env::var_os("AIOPS_LONG").is_some();
    let (cases, sample) = if long { (1_000_000, 20_000) } else { (30_000, 400) };
    let corpus = lines();
    let bash = Bash::new();
    let surroundings =
        Surroundings { directory: bash.work(), environment: bash.environment(), ..Surroundings::default() };
    // Printing needs no environment: every `~` and `$HOME` is written out by then.
    let bare = Surroundings { directory: bash.work(), ..Surroundings::default() };
    let mut sequence = Sequence(0x9E37_79B9_7F4A_7C15);
    let (mut inside, mut compared) = (0_usize, 0_usize);
    for case in 0..cases {
        let line = sequence.line(&corpus);
        let first = read(&line, &surroundings);
        assert_eq!(first, read(&line, &surroundings), "{line:?}");
        let Ok(Parsed::Argv(script)) = first else { continue };
        inside += 1;
        let printed = print::script(&script);
        let again = grammar::parse_in(&printed, &[], &BTreeMap::new(), &bare);
        let Ok(Parsed::Argv(again)) = again else { panic!("{line:?} as {printed:?}: {again:?}") };
        assert_eq!(flat(again), flat(script.clone()), "{line:?} as {printed:?}");
        let invocation = Invocation::Argv { script: script.clone() };
        let (risk, reasons) = aiops::domain::action::risk::classify(&invocation);
        assert!(script.parts.is_empty() || !reasons.is_empty(), "{line:?}: {risk:?}");
        let due = compared * cases <= case * sample;
        if due && params::find(&line).is_empty() && bash.is_safe(&line, &script) {
            compared += 1;
            let ending = if case % 2 == 0 { Ending::Succeed } else { Ending::Fail };
            let started = bash.run(&line, &script, &[], ending, Fields::Split);
            let predicted = bash.predict(&script, Word::text, ending);
            assert!(agree(&started, &predicted), "{line:?}\n  bash:    {started:?}\n  grammar: {predicted:?}");
        }
    }
    super::support::say(&format!(
        "{cases} mutated lines: {inside} inside and read back as printed; {compared} of them compared with bash, 0 differ \
         (AIOPS_LONG=1: 1,000,000 and 20,000)"
    ));
    assert!(inside * 10 > cases && compared * 2 > sample, "{inside} {compared}");
}
