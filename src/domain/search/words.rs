//! Words of operations text: names of alerts and metrics, hosts, paths, numbers, prose in any language.
//!
//! Owns: where a word begins and ends, and its folded form. The rules:
//! - A word is a run of letters and digits; everything else separates.
//! - `CamelCase`, `HTTPServer` and `node7` are cut where their parts begin; `5xx` and `10m` are not.
//! - Scripts that are written without spaces (Chinese, Japanese, Thai, …) and Korean are cut into single characters, so that
//!   any part of a sentence is found as a phrase.
//! - Case, accents and the wide forms of ASCII do not count, nor the `s` of a plural (see [`stem`]).
//!
//! Parts that touch (`Crash` and `Loop` in `CrashLoop`, `orders` and `db` in `orders-db`) are a compound: [`joined`] gives
//! the words that people make of them (`crashloop`). Does not: know any language's grammar.

/// Characters of one word at most; the rest is left out. Longer ones are keys and hashes, which nobody types.
const LONGEST: usize = 64;

/// Parts of a compound that are joined at most, besides the whole of a name without separators.
const JOINED_PARTS: usize = 3;

/// Parts of a name whose whole is joined at most.
const WHOLE_PARTS: usize = 8;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Letters and digits only, at least one, folded.
    pub folded: String,
    /// Its first byte in the text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How it is tied to the word before.
    pub tie: Tie,
}

impl Word {
    /// The form that is compared.
    #[must_use]
    pub fn stem(&self) -> &str {
        stem(&self.folded)
    }
}

/// Letters that a word has at least when its last `s` does not count.
const SHORTEST_PLURAL: usize = 4;

/// A folded word without the `s` of a plural: the one piece of grammar that is in every other query. Whatever language the
/// word is of, it is cut in the same way everywhere, and the beginning of a word has the beginning of its stem.
#[must_use]
pub fn stem(folded: &str) -> &str {
    let plain = folded.len() >= SHORTEST_PLURAL && folded.bytes().all(|byte| byte.is_ascii_lowercase());
    let kept = ["ss", "us", "is"].iter().any(|ending| folded.ends_with(ending));
    folded.strip_suffix('s').filter(|_| plain && !kept).unwrap_or(folded)
}

/// How a word is tied to the word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Not at all.
    None,
    /// A single `-` or `_` stands between them.
    Mark,
    /// Nothing stands between them.
    Touching,
}

/// What a character is to the cutting of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Letter,
    Digit,
    /// A word by itself.
    Alone,
    /// Belongs to the character before it.
    Mark,
    Between,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        'A'..='Z' => Class::Upper,
        'a'..='z' => Class::Letter,
        '\0'..='\x7f' => Class::Between,
        '\u{300}'..='\u{36f}' => Class::Mark,
        c if stands_alone(c) => Class::Alone,
        c if c.is_numeric() => Class::Digit,
        c if c.is_uppercase() => Class::Upper,
        c if c.is_alphanumeric() => Class::Letter,
        _ => Class::Between,
    }
}

/// Letters of scripts without spaces between words, and Hangul, whose words carry their particles.
fn stands_alone(c: char) -> bool {
    let script = matches!(c,
        '\u{e00}'..='\u{eff}'                        // Thai, Lao
        | '\u{1000}'..='\u{109f}'                    // Myanmar
        | '\u{1100}'..='\u{11ff}'                    // Hangul Jamo
        | '\u{1780}'..='\u{17ff}'                    // Khmer
        | '\u{3005}'..='\u{3007}'                    // Han signs
        | '\u{3040}'..='\u{30ff}'                    // Kana
        | '\u{3130}'..='\u{318f}'                    // Hangul
        | '\u{31f0}'..='\u{31ff}'                    // Kana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7ff}'                    // Hangul
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}'                    // Kana and Hangul in other widths
        | '\u{20000}'..='\u{3ffff}');
    script && c.is_alphanumeric()
}

/// Letters with accents, by the plain letters that people type instead.
const ACCENTS: [(&str, &str); 26] = [
    ("a", "àáâãäåāăąǎ"),
    ("ae", "æ"),
    ("c", "çćĉċč"),
    ("d", "ďđð"),
    ("e", "èéêëēĕėęě"),
    ("g", "ĝğġģ"),
    ("h", "ĥħ"),
    ("i", "ìíîïĩīĭįı"),
    ("j", "ĵ"),
    ("k", "ķ"),
    ("l", "ĺļľŀł"),
    ("n", "ñńņňŋ"),
    ("o", "òóôõöøōŏőơ"),
    ("oe", "œ"),
    ("r", "ŕŗř"),
    ("s", "śŝşšș"),
    ("ss", "ß"),
    ("t", "ţťŧț"),
    ("th", "þ"),
    ("u", "ùúûüũūŭůűųư"),
    ("w", "ŵ"),
    ("y", "ýÿŷ"),
    ("z", "źżž"),
    ("е", "ё"),
    ("и", "й"),
    ("s", "ſ"),
];

/// Adds a character in the form in which characters are compared.
fn fold(c: char, out: &mut String) {
    if c.is_ascii() {
        return out.push(c.to_ascii_lowercase());
    }
    // The wide forms stand in the order of ASCII.
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
        other => other,
    };
    for lower in c.to_lowercase().filter(|lower| lower.is_alphanumeric()) {
        match ACCENTS.iter().find(|(_, accented)| !lower.is_ascii() && accented.contains(lower)) {
            Some((plain, _)) => out.push_str(plain),
            None => out.push(lower),
        }
    }
}

/// The words of `text`, in order.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut cutter = Cutter { text, words: Vec::new(), open: None };
    let mut before = Class::Between;
    for (at, c) in text.char_indices() {
        let now = class(c);
        match now {
            Class::Between => cutter.close(),
            Class::Mark => cutter.lengthen(at + c.len_utf8()),
            Class::Alone => {
                cutter.close();
                cutter.add(at, c);
                cutter.close();
            }
            Class::Upper | Class::Letter | Class::Digit => {
                if begins_part(before, now, &text[at + c.len_utf8()..]) {
                    cutter.close();
                }
                cutter.add(at, c);
            }
        }
        if now != Class::Mark {
            before = now;
        }
    }
    cutter.close();
    cutter.words
}

/// Whether a part of a compound begins at `now`, which stands between `before` and the text `after`.
fn begins_part(before: Class, now: Class, after: &str) -> bool {
    match (before, now) {
        (Class::Letter | Class::Digit, Class::Upper) | (Class::Letter | Class::Upper, Class::Digit) => true,
        // `HTTPServer`: the last capital begins the next part. Not in `PVCs`, whose plural is one letter.
        (Class::Upper, Class::Upper) => {
            let mut next = after.chars().map(class);
            next.next() == Some(Class::Letter) && next.next() == Some(Class::Letter)
        }
        _ => false,
    }
}

/// Words found so far, and the one that is being read.
struct Cutter<'t> {
    text: &'t str,
    words: Vec<Word>,
    open: Option<(usize, usize, String)>,
}

impl Cutter<'_> {
    fn add(&mut self, at: usize, c: char) {
        let (_, end, folded) = self.open.get_or_insert_with(|| (at, at, String::new()));
        *end = at + c.len_utf8();
        if folded.chars().count() < LONGEST {
            fold(c, folded);
        }
    }

    fn lengthen(&mut self, to: usize) {
        match (&mut self.open, self.words.last_mut()) {
            (Some((_, end, _)), _) => *end = to,
            // A mark that follows a character which is a word by itself.
            (None, Some(word)) if self.text.get(word.end..to).is_some_and(|gap| gap.chars().count() == 1) => {
                word.end = to;
            }
            (None, _) => {}
        }
    }

    fn close(&mut self) {
        let Some((start, end, folded)) = self.open.take() else { return };
        if folded.is_empty() {
            return;
        }
        let gap = self.words.last().and_then(|word| self.text.get(word.end..start));
        let tie = match gap {
            Some("") => Tie::Touching,
            Some("-" | "_") => Tie::Mark,
            _ => Tie::None,
        };
        self.words.push(Word { folded, start, end, tie });
    }
}

/// A word that parts of a compound make together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The folded parts in one.
    pub folded: String,
    /// Position of the first part among the words.
    pub first: usize,
    /// How many parts.
    pub count: usize,
}

impl Joined {
    /// The form that is compared.
    #[must_use]
    pub fn stem(&self) -> &str {
        stem(&self.folded)
    }
}

/// The words that neighbouring parts of compounds make together: `crashloop` of `CrashLoopBackOff`, `ordersdb` of
/// `orders-db`. Two or three parts each, and all parts of a name without separators.
#[must_use]
pub fn joined(words: &[Word]) -> Vec<Joined> {
    let mut found = Vec::new();
    for first in 0..words.len() {
        let tied = words[first + 1..].iter().take_while(|word| word.tie != Tie::None && !is_alone(word)).count();
        if tied == 0 || is_alone(&words[first]) {
            continue;
        }
        let mut folded = words[first].folded.clone();
        for (count, word) in (2..).zip(&words[first + 1..=first + tied.min(JOINED_PARTS - 1)]) {
            folded.push_str(&word.folded);
            found.push(Joined { folded: folded.clone(), first, count });
        }
        let touching = words[first + 1..].iter().take_while(|word| word.tie == Tie::Touching).count();
        if words[first].tie != Tie::Touching && (JOINED_PARTS..WHOLE_PARTS).contains(&touching) {
            let folded = words[first..=first + touching].iter().map(|word| word.folded.as_str()).collect();
            found.push(Joined { folded, first, count: touching + 1 });
        }
    }
    found
}

fn is_alone(word: &Word) -> bool {
    word.folded.chars().next().is_some_and(stands_alone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn folded(text: &str) -> String {
        words(text).into_iter().map(|word| word.folded).collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case("KubePodCrashLooping", "kube pod crash looping")]
    #[case("HTTPServer PVCs IOWait", "http server pvcs io wait")]
    #[case("HighHttp5xxRate", "high http 5xx rate")]
    #[case("node7 k8s ext4 10m", "node 7 k 8s ext 4 10m")]
    #[case("kube_pod_container_status", "kube pod container status")]
    #[case("orders-db-0.orders.svc:5432", "orders db 0 orders svc 5432")]
    #[case("/var/lib/postgresql/15", "var lib postgresql 15")]
    #[case("97.1 %", "97 1")]
    #[case("磁盘已满 disk満杯", "磁 盘 已 满 disk 満 杯")]
    #[case("디스크 가득", "디 스 크 가 득")]
    #[case("Überlauf straße ＤＩＳＫ", "uberlauf strasse disk")]
    #[case("u\u{308}berlauf Ёлка", "uberlauf елка")]
    #[case("-- | && \"'*()", "")]
    #[case("", "")]
    fn words_are_cut_and_folded(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(folded(text), expected);
    }

    #[rstest]
    #[case("CrashLoopBackOff", "crashloop crashloopback crashloopbackoff loopback loopbackoff backoff")]
    #[case("orders-db", "ordersdb")]
    #[case("disk full", "")]
    #[case("a--b", "")]
    #[case("磁盘", "")]
    fn neighbouring_parts_are_joined(#[case] text: &str, #[case] expected: &str) {
        let joined: Vec<String> = joined(&words(text)).into_iter().map(|joined| joined.folded).collect();
        assert_eq!(joined.join(" "), expected);
    }

    #[test]
    fn positions_are_those_of_the_text() {
        let text = "é e\u{301}x 盘";
        let found: Vec<&str> = words(text).iter().map(|word| &text[word.start..word.end]).collect();
        assert_eq!(found, ["é", "e\u{301}x", "盘"]);
    }

    #[rstest]
    #[case("nodes", "node")]
    #[case("https", "http")]
    #[case("dns", "dns")]
    #[case("status", "status")]
    #[case("class", "class")]
    #[case("redis", "redis")]
    #[case("node", "node")]
    #[case("größes", "größes")]
    fn plurals_are_cut(#[case] word: &str, #[case] expected: &str) {
        assert_eq!(stem(word), expected);
    }

    #[test]
    fn endless_words_are_cut() {
        assert_eq!(words(&"a".repeat(10_000))[0].folded.len(), LONGEST);
    }

    proptest! {
        #[test]
        fn the_beginning_of_a_word_has_the_beginning_of_its_stem(word in "[a-z]{1,6}s{0,2}", letters in 1_usize..8) {
            let typed = &word[..letters.min(word.len())];
            prop_assert!(stem(&word).starts_with(stem(typed)), "{typed} of {word}");
        }

        #[test]
        fn any_text_gives_plain_words_in_order(text in any::<String>()) {
            let mut end = 0;
            for word in words(&text) {
                prop_assert!(word.start >= end && word.end > word.start);
                prop_assert!(text.get(word.start..word.end).is_some());
                prop_assert!(!word.folded.is_empty() && word.folded.chars().all(char::is_alphanumeric));
                prop_assert!(!word.folded.chars().any(|c| c.is_ascii_uppercase()));
                end = word.end;
            }
        }
    }
}
