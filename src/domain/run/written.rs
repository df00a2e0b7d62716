//! Whether a command that ran is the one that the document has.
//!
//! Owns: comparing what was started with the document's words. What stands for a parameter there may be any value; all else
//! has to be the same. Does not: judge whether a difference matters.
//!
//! Invariant: what cannot be compared (a text that this program could not have built an action from) is no difference.

use std::collections::BTreeMap;

use crate::domain::action::grammar::{self, Parsed, Surroundings};
use crate::domain::action::script::logical;
use crate::domain::action::spec::{ActionSpec, Invocation, Origin, Piece, Pipeline, Script, Stage, Word};
use crate::domain::procedure::params;
use crate::domain::procedure::variables::RunVariables;

/// Stands for every parameter while the document's words are read: a text that is a word in every place.
const ANY: &str = "1";

/// Whether `ran` is something else than `written` with values for its parameters.
#[must_use]
pub fn differs(written: &str, ran: &ActionSpec) -> bool {
    let Some(parsed) = parse(written, ran) else { return false };
    match (parsed, &ran.invocation) {
        (Parsed::Argv(script), Invocation::Argv { script: ran }) => !same_script(&script, ran),
        (Parsed::Outside { .. }, Invocation::Bash { script, .. }) => script != written,
        (Parsed::Argv(_), Invocation::Bash { .. }) | (Parsed::Outside { .. }, Invocation::Argv { .. }) => true,
    }
}

/// The document's words, read as the action was, with [`ANY`] for every parameter.
fn parse(written: &str, ran: &ActionSpec) -> Option<Parsed> {
    let uses = params::find(written);
    let any = || Piece { text: ANY.to_owned(), origin: Origin::Operator };
    let values: BTreeMap<String, Piece> = uses.iter().map(|used| (used.name.clone(), any())).collect();
    let surroundings =
        Surroundings { directory: logical(&ran.cwd), environment: ran.env.clone(), run: RunVariables::default() };
    grammar::parse_in(written, &uses, &values, &surroundings).ok()
}

fn same_script(written: &Script, ran: &Script) -> bool {
    let part = |((connector, written), (other, ran)): (&(_, Pipeline), &(_, Pipeline))| {
        connector == other && same_pipeline(written, ran)
    };
    written.parts.len() == ran.parts.len() && written.parts.iter().zip(&ran.parts).all(part)
}

fn same_pipeline(written: &Pipeline, ran: &Pipeline) -> bool {
    let directory = match (&written.directory, &ran.directory) {
        (None, None) => true,
        (Some(written), Some(ran)) => fits(written, &ran.text()),
        (None, Some(_)) | (Some(_), None) => false,
    };
    directory
        && written.stages.len() == ran.stages.len()
        && written.stages.iter().zip(&ran.stages).all(|(written, ran)| same_stage(written, ran))
}

fn same_stage(written: &Stage, ran: &Stage) -> bool {
    written.argv.len() == ran.argv.len()
        && written.redirects == ran.redirects
        && written.argv.iter().zip(&ran.argv).all(|(written, ran)| fits(written, &ran.text()))
        && written.env.iter().all(|(name, word)| ran.env.get(name).is_some_and(|ran| fits(word, &ran.text())))
}

/// Whether `text` is the word with some text for every part of it that is a parameter.
fn fits(word: &Word, text: &str) -> bool {
    let mut fixed = vec![String::new()];
    for piece in &word.pieces {
        match (piece.origin.is_outside(), fixed.last_mut()) {
            (false, Some(last)) => last.push_str(&piece.text),
            (true, _) | (false, None) => fixed.push(String::new()),
        }
    }
    let (Some(first), Some(last)) = (fixed.first(), fixed.last()) else { return false };
    if fixed.len() == 1 {
        return text == first;
    }
    let inner = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
    let middle = fixed.get(1..fixed.len() - 1).unwrap_or_default();
    let after = |rest: &str, part: &String| rest.find(part.as_str()).map(|at| rest[at + part.len()..].to_owned());
    inner.is_some_and(|inner| middle.iter().try_fold(inner.to_owned(), |rest, part| after(&rest, part)).is_some())
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::domain::action::build::{BuildRequest, Reads, build};
    use crate::domain::action::spec::{Execution, StepRef, Target};
    use crate::domain::action::subject::Subject;
    use crate::domain::id::IncidentId;
    use crate::domain::procedure::Shell;

    /// The action that `script` becomes, with `typed` for its parameters.
    pub(in crate::domain::run) fn built(script: &str, typed: &[(&str, &str)]) -> ActionSpec {
        let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = BuildRequest {
            reads: Reads::default(),
            incident: IncidentId(1),
            subject: Subject::unbound(),
            step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: "t".to_owned() },
            script,
            shell: Shell::Sh,
            mode: Execution::Supervised,
            labels: &BTreeMap::new(),
            typed: &typed,
            target: Target::ThisHost { name: "web-1".to_owned() },
            cwd: "/",
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            time_limit: Duration::from_secs(60),
        };
        build(request).unwrap()
    }

    #[rstest]
    #[case("df -h /srv", "df -h /srv", &[])]
    #[case("rm -v -- <file>", "rm -v -- <file>", &[("file", "/srv/a b.log")])]
    #[case("curl http://<host>:9100/<path>", "curl http://<host>:9100/<path>", &[("host", "a"), ("path", "b/c")])]
    #[case("NS=shop; kubectl -n $NS get pods | sort", "NS=shop; kubectl -n $NS get pods | sort", &[])]
    #[case("for f in /srv/*; do wc -c \"$f\"; done", "for f in /srv/*; do wc -c \"$f\"; done", &[])]
    #[case("cd /srv/<dir>; ls", "cd /srv/<dir>; ls", &[("dir", "logs")])]
    // Spaces and quotes are no words.
    #[case("df   -h '/srv'", "df -h /srv", &[])]
    fn the_same_words_with_any_values_are_no_difference(
        #[case] written: &str,
        #[case] ran: &str,
        #[case] typed: &[(&str, &str)],
    ) {
        assert!(!differs(written, &built(ran, typed)));
    }

    #[rstest]
    #[case("df -h /srv", "df -h /")]
    #[case("df -h /srv", "df -h /srv /var")]
    #[case("df -h", "du -h")]
    #[case("df -h | sort", "df -h | sort | head")]
    #[case("df -h && ls", "df -h; ls")]
    #[case("df -h", "df -h 2>/dev/null")]
    #[case("LANG=C df", "LANG=de df")]
    #[case("NS=shop; kubectl -n $NS get pods", "NS=shop2; kubectl -n $NS get pods")]
    #[case("curl http://<host>:9100/metrics", "curl http://a:9200/metrics")]
    #[case("wc -c /srv/*", "wc -l /srv/*")]
    #[case("wc -c /srv/*", "wc -c /srv/a")]
    #[case("cd /srv; ls", "cd /var; ls")]
    #[case("ls", "cd /var; ls")]
    fn other_words_are_a_difference(#[case] written: &str, #[case] ran: &str) {
        assert!(differs(written, &built(ran, &[])));
    }

    #[test]
    fn what_cannot_be_read_is_no_difference() {
        assert!(!differs("echo 'a", &built("echo a", &[])));
    }
}
