//! What is understood on the command line. What the commands do is tried with the real program.

use clap::Parser as _;
use rstest::rstest;

use super::*;
use crate::cli::Cli;
use crate::cli::Command as Subcommand;

fn parsed(words: &[&str]) -> Result<RunsCommand, clap::Error> {
    let cli = Cli::try_parse_from([&["aiops", "runs"], words].concat())?;
    match cli.command {
        Some(Subcommand::Runs(command)) => Ok(command),
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(&["show", "3"], RunsCommand::Show { id: ProposalId(3) })]
#[case(&["check", "3"], RunsCommand::Check { id: ProposalId(3) })]
#[case(&["checked", "3", "--words", "gone"], RunsCommand::Checked { id: ProposalId(3), words: "gone".to_owned() })]
#[case(&["wait"], RunsCommand::Wait { id: None })]
#[case(
    &["approve", "3", "--digest", "abc", "--target", "web-1"],
    RunsCommand::Approve(ApproveArgs {
        id: ProposalId(3),
        digest: "abc".to_owned(),
        target: Some("web-1".to_owned()),
        scope: None,
        lasts: None,
    })
)]
#[case(
    &["approve", "3", "--digest", "abc", "--scope", "run-reads", "--for", "45m"],
    RunsCommand::Approve(ApproveArgs {
        id: ProposalId(3),
        digest: "abc".to_owned(),
        target: None,
        scope: Some(Cover::RunReads),
        lasts: Some(Duration::from_secs(45 * 60)),
    })
)]
#[case(&["scopes", "--all"], RunsCommand::Scopes { all: true })]
#[case(&["revoke", "2"], RunsCommand::Revoke { id: ScopeId(2) })]
#[case(&["cancel", "2"], RunsCommand::Cancel { id: ProposalId(2) })]
#[case(
    &["propose", "#1", "2", "--value", "path=/a=b", "--value", "empty="],
    RunsCommand::Propose(ProposeArgs {
        incident: IncidentId(1),
        step: "2".to_owned(),
        sop: None,
        alert: None,
        on: None,
        use_scope: false,
        values: vec![("path".to_owned(), "/a=b".to_owned()), ("empty".to_owned(), String::new())],
    })
)]
#[case(
    &["list", "--incident", "4", "--waiting"],
    RunsCommand::List(ListArgs { incident: Some(IncidentId(4)), waiting: true, limit: 50 })
)]
#[case(&["begin", "#1", "Full.md"], RunsCommand::Begin { incident: IncidentId(1), sop: "Full.md".to_owned() })]
#[case(&["story", "2"], RunsCommand::Story { id: RunId(2) })]
#[case(
    &["suggest", "2"],
    RunsCommand::Suggest(SuggestArgs { id: RunId(2), take: None, leave: None, look: false, send: false })
)]
#[case(
    &["suggest", "2", "--take", "3"],
    RunsCommand::Suggest(SuggestArgs { id: RunId(2), take: Some(3), leave: None, look: false, send: false })
)]
#[case(&["deviations", "2", "--json"], RunsCommand::Deviations { id: RunId(2) })]
fn commands_are_understood(#[case] words: &[&str], #[case] expected: RunsCommand) {
    assert_eq!(parsed(words).unwrap(), expected);
}

#[rstest]
#[case::never_without_the_digest(&["approve", "3"])]
#[case(&["approve", "--digest", "abc"])]
#[case::a_wider_yes_needs_the_digest_too(&["approve", "3", "--scope", "same-step"])]
#[case(&["approve", "3", "--digest", "abc", "--scope", "everything"])]
#[case::a_span_of_what(&["approve", "3", "--digest", "abc", "--for", "30m"])]
#[case::too_long(&["approve", "3", "--digest", "abc", "--scope", "same-step", "--for", "5h"])]
#[case::too_short(&["approve", "3", "--digest", "abc", "--scope", "same-step", "--for", "59s"])]
#[case(&["revoke", "0"])]
#[case(&["cancel"])]
#[case(&["approve", "0", "--digest", "abc"])]
#[case::never_without_words(&["checked", "3"])]
#[case(&["show", "x"])]
#[case(&["propose", "1"])]
#[case(&["propose", "1", "2", "--value", "path"])]
#[case(&["propose", "1", "2", "--value", "=x"])]
#[case(&["list", "--limit", "0"])]
#[case(&["begin", "1"])]
#[case(&["deviations", "0"])]
#[case(&["suggest", "2", "--take", "1", "--leave", "1"])]
#[case(&["suggest", "2", "--take", "1", "--send"])]
fn mistakes_are_usage(#[case] words: &[&str]) {
    assert_eq!(parsed(words).unwrap_err().exit_code(), crate::cli::Exit::Usage as i32);
}
