//! Whether words assert something about the system or the incident, so that a source is to be expected.
//!
//! Owns: the rule. Does not: know Markdown or citations (see `statements`).
//!
//! It is a **rule over words**, not an understanding of them: the same words always give the same answer, on every machine and
//! without a model. Everything counts as a claim unless its form says otherwise, because a claim that is overlooked is worse
//! than a mark too many. No claims are:
//! - questions, and sentences that end with a colon or only point (`Here is the command.`): what they announce stands behind;
//! - what tells or advises the reader to do something (`Run …`, `You should …`, `If it is full, remove …`);
//! - what the assistant says of itself and of what it was not told (`I cannot see …`, `The context does not say …`);
//! - fragments of fewer than three words (`Rotated logs`), greetings and thanks.
//!
//! What it gets wrong, knowingly: an assertion inside advice (`Restart it, because it leaks`) passes; a guess that is called one
//! (`Perhaps …`) is a claim, as it has no source; a noun that looks like a verb at the beginning (`Check results vary`) passes.
//! It knows English only: in other languages questions, announcements and fragments are recognised, and the rest is a claim.

use unicode_segmentation::UnicodeSegmentation as _;

/// A sentence of fewer words says nothing that could have a source.
const FEWEST_WORDS: usize = 3;

/// Verbs with which an instruction begins. Some are nouns too; see [`is_instruction`].
const VERBS: &str = "acknowledge add adjust allow analyse analyze apply ask assign attach avoid back be begin bind block bring \
    bump call cancel capture change check choose clean clear close collect compare compress configure confirm \
    connect consider contact continue copy correct count create cut delete deploy describe detach determine \
    disable do don't double-check drain drop dump edit enable ensure escalate evict examine exclude execute \
    expand export extend fetch filter find fix flush follow free get give go grow identify ignore increase \
    inspect install involve isolate join keep kill label leave let limit list load log look lower make mark \
    measure monitor mount move never note notify open page pass patch pause pick plan prefer press proceed \
    promote propose prune pull purge push put query raise read reboot rebuild recreate reduce refer release \
    reload remember remove rename renew repeat replace report request resize resolve restart restore resume \
    retry return revert review roll rotate run save scale schedule search see send set show shrink shut silence \
    skip sort specify start stay stop suppress switch take talk tell terminate test throttle trace track treat \
    trigger truncate try tune turn uncordon cordon undo unmount unset update upgrade use vacuum validate verify \
    view wait watch write select abort assess decide document explore investigate reach re-run rerun reset split store \
    sync unblock uninstall wipe";

/// Words after which the one before was no instruction but what a sentence is about (`Load is high`).
const ASSERTING: &str = "is are was were has have had does did will can cannot may might means shows showed failed fails grew grows \
    isn't aren't wasn't hasn't came comes";

/// Words that begin what an instruction is about, in which assertions do not count (`See what is full`).
const OBJECT: &str = "what whether which if that who how why where when until for sure as";

/// Words before an instruction that change nothing (`Then run …`).
const LEADS: &str = "then first second third next now also finally instead please otherwise and or but so afterwards lastly \
    again just only simply always alternatively optionally still";

/// Words that begin a clause after which, behind its comma, the sentence proper comes (`If it is full, …`).
const CLAUSES: &str = "if when once before after to in unless until while for with as on from at should where whenever since \
    because without";

/// Beginnings of advice.
const ADVICE: &str = "you can|you could|you should|you may|you might|you must|you need|you will need|you'll need|you want|\
    you have to|you would|it is worth|it's worth|it is best|it's best|it would|i would|i'd|i suggest|\
    i recommend|i propose|i advise|we should|we could|we can|a good next step|the next step|next step|my advice";

/// Beginnings of what the assistant says of itself and of what it was given.
const OF_ITSELF: &str = "i can|i cannot|i can't|i could|i do not|i don't|i did not|i didn't|i have not|i haven't|i have run|\
    i have no|i am not|i'm not|i will|i'll|i am sorry|i'm sorry|what i cannot|what i do not|what i don't|\
    the context does|the context doesn't|the context has no|the context holds|nothing in the context|nothing in what i|i am the|i am a|\
    there is nothing in the context|that is not in the context|this is not in the context|\
    it is not in the context|the sop does not say|the sop doesn't say|the sop says nothing|no source|\
    nothing happens before you|nothing runs before you";

/// Beginnings of sentences that only point or are polite.
const POINTING: &str = "you asked|here is|here's|here are|below is|below are|hope this|i hope|thank|thanks|sorry|good luck|the command below|\
    the commands below";

/// What stands for code in prose; a word like any other.
pub(super) const CODE: &str = "code";

/// Whether any sentence of `prose` is a claim. `prose` is one paragraph or list item without citations, with [`CODE`] in the
/// place of code.
#[must_use]
pub(super) fn holds_claim(prose: &str) -> bool {
    sentences(prose).any(is_claim)
}

/// Cuts at full stops, question marks and exclamation marks before a space or the end; abbreviations and numbers stay whole.
fn sentences(prose: &str) -> impl Iterator<Item = &str> {
    let ends = prose.char_indices().filter(|(at, c)| match c {
        '。' | '！' | '？' => true,
        '.' | '!' | '?' => ends_sentence(prose, *at),
        _ => false,
    });
    let mut ends: Vec<usize> = ends.map(|(at, c)| at + c.len_utf8()).collect();
    ends.push(prose.len());
    let begins = std::iter::once(0).chain(ends.clone());
    begins.zip(ends).map(|(begin, end)| prose[begin..end].trim()).filter(|sentence| !sentence.is_empty())
}

/// Whether the ASCII sign at byte `at` ends a sentence. Looks at a few characters around it only, so that any text takes time
/// in proportion to its length.
fn ends_sentence(prose: &str, at: usize) -> bool {
    const ABBREVIATIONS: [&str; 7] = ["e.g", "i.e", "etc", "vs", "approx", "ca", "cf"];
    const LONGEST_ABBREVIATION: usize = 6;
    const CLOSING: usize = 3;
    let mut behind = prose[at + 1..].chars().take(CLOSING + 1);
    let next = behind.find(|c| !matches!(c, '"' | '\'' | ')' | '”' | '’' | '*'));
    if next.is_some_and(|c| !c.is_whitespace()) {
        return false;
    }
    let near = &prose[prose.floor_char_boundary(at.saturating_sub(LONGEST_ABBREVIATION + 1))..at];
    let word = near.rsplit([' ', '(']).next().unwrap_or_default();
    !(prose[at..].starts_with('.') && ABBREVIATIONS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

fn is_claim(sentence: &str) -> bool {
    let open = sentence.trim_end_matches(['"', '\'', ')', '”', '’', '*', ' ']);
    let asks_or_announces = open.ends_with(['?', '？', ':', '：']);
    if asks_or_announces || sentence.unicode_words().take(FEWEST_WORDS).count() < FEWEST_WORDS {
        return false;
    }
    let lower = sentence.to_lowercase().replace('’', "'");
    let lower = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    if [POINTING, OF_ITSELF].into_iter().any(|beginnings| begins_with(lower, beginnings)) {
        return false;
    }
    let proper = proper(lower);
    !(begins_with(proper, ADVICE) || begins_with(proper, OF_ITSELF) || is_instruction(proper))
}

/// Whether `words` begin with one of `beginnings`, which stand between bars, as whole words.
fn begins_with(words: &str, beginnings: &str) -> bool {
    let is_whole = |rest: &str| !rest.starts_with(char::is_alphanumeric);
    beginnings.split('|').any(|beginning| words.strip_prefix(beginning).is_some_and(is_whole))
}

/// Whether `word` is one of `words`, which stand between spaces.
fn is_one_of(word: &str, words: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// A sentence without what only leads to it: `then`, `if it is full,`.
fn proper(sentence: &str) -> &str {
    let mut rest = sentence;
    // Each round takes at least one word away.
    loop {
        let word = first_word(rest);
        if is_one_of(word, LEADS) {
            rest = rest[word.len()..].trim_start_matches(|c: char| !c.is_alphanumeric());
        } else if let Some((_, behind)) = rest.split_once(',').filter(|_| is_one_of(word, CLAUSES)) {
            rest = behind.trim_start();
        } else {
            return rest;
        }
        if rest.is_empty() {
            return sentence;
        }
    }
}

fn first_word(words: &str) -> &str {
    words.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-').next().unwrap_or_default()
}

/// Whether a sentence begins with what to do. A verb that is followed at once by an asserting word was a noun.
fn is_instruction(proper: &str) -> bool {
    let mut words =
        proper.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    if !is_one_of(first, VERBS) {
        return false;
    }
    for word in words.take(3) {
        if is_one_of(word, OBJECT) {
            return true;
        }
        if is_one_of(word, ASSERTING) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is a claim. Written by hand, from answers of the kind that people get.
    const CLAIMS: &[&str] = &[
        "The disk is full.",
        "WAL files grew since 02:14.",
        "`/var/log`: 12 GB",
        "code: 12 GB",
        "The worker crashes because its directory is missing.",
        "Exit status 137 means that it was killed.",
        "Load is high on host-7.",
        "Check failures are common here.",
        "Free space has dropped to 3 %.",
        "Restart loops were seen twice this week.",
        "Rotated logs are the usual cause.",
        "Perhaps the archiver has stopped.",
        "It may be that logs are not rotated.",
        "I see that the volume is at 97 %.",
        "I suppose the deployment caused it.",
        "code shows 97 % for code.",
        "If the list is empty, the logs are not the cause.",
        "When it restarts, the queue is lost.",
        "This frees the space.",
        "Yes, the certificate expires tomorrow.",
        "No. The certificate is valid until May.",
        "The deploy at 02:00 changed the limit! Look at it.",
        "Look at it. The deploy changed the limit.",
        "That is safe, e.g. for rotated logs.",
        "Deleting cannot be undone.",
        "The SOP says that rotated logs can go.",
        "You are on the wrong host.",
        "You see the files of pid 7 there.",
        "Three pods are not ready and two are pending.",
        "The following pods, three of them, crashed",
        "Most often old logs",
        "磁盘已经满了。",
        "Die Platte ist voll.",
        "Le disque est plein.",
        "\"It is full.\"",
        "(The limit was lowered in May.)",
        "**Cause** the limit was lowered",
        "Since May, the limit is lower.",
        "On host-7, the disk is full.",
        "Then the worker failed again.",
        "Otherwise the worker is killed.",
        "Nothing was deployed since then.",
        "There are 42 connections.",
        "We saw this twice in October.",
    ];

    /// What is none.
    const OTHER: &[&str] = &[
        "",
        "Is the disk full?",
        "What does code say?",
        "磁盘满了吗？",
        "Look first at what would go:",
        "The cause is one of these:",
        "Run code and compare.",
        "run the command below",
        "Then remove the rotated logs.",
        "First, look whether anything is still writing.",
        "If the disk is full, remove the rotated logs.",
        "If code is above 95 %, then stop the writer.",
        "Before you delete anything, talk to its owner.",
        "To free space, remove the rotated logs.",
        "Otherwise, escalate to the storage team.",
        "Do not restart it yet.",
        "Don't delete the current log.",
        "Never remove the log that is being written.",
        "Please check that the mount is there.",
        "Make sure that it is mounted.",
        "See what is full.",
        "Check whether the worker is running.",
        "Wait until the alert ends.",
        "Let me know what it says.",
        "You should restart the worker.",
        "You can look at it with code.",
        "You could also grow the volume.",
        "It is worth looking at the deploys.",
        "I would first look at the logs.",
        "I recommend a rollback.",
        "After that, you can restart it.",
        "I cannot see the host from here.",
        "I have run neither; nothing happens before you approve it.",
        "I don't know which files they are.",
        "What I cannot see from here is which files they are.",
        "The context does not say who deployed.",
        "Nothing in the context says when it began.",
        "Here is the command.",
        "Here's how that goes.",
        "Hope this helps, good luck!",
        "Thanks for the output.",
        "You asked: is it full",
        "Nothing in what I was sent names an incident.",
        "Rotated logs",
        "Yes.",
        "code",
        "OK, done.",
        "Disk usage",
    ];

    #[test]
    fn claims_are_told_from_everything_else() {
        assert!(CLAIMS.len() + OTHER.len() >= 60);
        for claim in CLAIMS {
            assert!(holds_claim(claim), "a claim: {claim}");
        }
        for other in OTHER {
            assert!(!holds_claim(other), "no claim: {other}");
        }
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        let cut = |prose| sentences(prose).collect::<Vec<_>>();
        assert_eq!(cut("One. Two! (Three?) four"), ["One.", "Two!", "(Three?", ") four"]);
        let numbers = "At 97.1 % e.g. on v1.2.3 etc. it ends... now";
        assert_eq!(cut(numbers), ["At 97.1 % e.g. on v1.2.3 etc. it ends...", "now"]);
        assert_eq!(cut("磁盘满了。清理"), ["磁盘满了。", "清理"]);
    }

    #[test]
    fn the_longest_words_take_no_longer_than_they_are_long() {
        // Would not end within minutes if it were quadratic.
        let pieces = [
            ("then, ", true),
            ("if a, ", true),
            ("a. ", false),
            ("?", false),
            (".", false),
            ("code ", true),
            ("(", false),
        ];
        for (piece, expected) in pieces {
            assert_eq!(holds_claim(&piece.repeat(200_000)), expected, "{piece}");
        }
    }
}
