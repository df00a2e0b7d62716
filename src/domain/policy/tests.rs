//! Tables of decisions, the property that layers only tighten, and every kind of broken file.

use proptest::prelude::*;
use rstest::rstest;

use super::condition::Truth;
use super::second::{Turn, turn};
use super::*;
use crate::domain::alert::{Labels, Severity};
use crate::domain::time::Timestamp;

const SYSTEM: &str = r#"
version = 1
time_zone = "+01:00"

[[person]]
name = "ada"
uid = 1000
roles = ["lead", "sre"]

[[person]]
name = "bob"
uid = 1500
ssh_key = "SHA256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
roles = ["sre"]

[[person]]
name = "eve"
uid = 1500
ssh_key = "SHA256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
roles = ["intern"]

[[environment]]
name = "staging"
targets = ["stage-*"]
contexts = ["stage-*"]

[[environment]]
name = "payments"
labels = { team = "pay*" }

[[freeze]]
from = "2026-12-20T00:00:00+01:00"
to = "2027-01-03T00:00:00+01:00"
reason = "the holidays"
when = { environment = ["production"] }
unless = { severity = ["page"] }

[[forbidden]]
name = "no-mkfs"
reason = "nobody makes file systems in an incident"
argv = [["mkfs*", "**"], ["wipefs", "**"]]
form = ["argv"]
match = ["mkfs.ext4 /dev/sdb1", "sudo wipefs -a /dev/sdb"]
no_match = ["lsblk", "grep mkfs /etc/fstab"]

[[rule]]
name = "two-for-deletes"
reason = "what is deleted in production is gone"
effect = "ask"
demands = ["second-person"]
when = { argv = [["kubectl", "**", "delete", "**"]], environment = ["production"] }
match = ["kubectl delete pod x"]
no_match = ["kubectl get pods", { line = "kubectl delete pod x", environment = "staging" }]

[[rule]]
name = "nights"
effect = "ask"
demands = ["note"]
when = { hours = ["22:00-06:00"], days = ["mon-fri"], risk = ["change"] }

[[rule]]
name = "only-sre"
reason = "others only look"
effect = "forbid"
when = { risk = ["change", "destroy", "unknown"] }
unless = { roles = ["sre"] }
"#;

fn source(rank: Rank, text: &str) -> Source {
    Source { rank, place: format!("/{}.toml", rank.name()), text: Ok(text.to_owned()) }
}

fn read(sources: Vec<Source>) -> Policy {
    let zones =
        |name: &str| (name == "Europe/Test").then(|| jiff::tz::TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
    Policy::read(sources, &zones)
}

fn system() -> Policy {
    let policy = read(vec![source(Rank::System, SYSTEM)]);
    assert_eq!(policy.problems().map(|(_, problem)| problem.to_owned()).collect::<Vec<_>>(), Vec::<String>::new());
    policy
}

fn argv(line: &str) -> Words {
    Words::Argv(line.split(" | ").map(|stage| stage.split(' ').map(str::to_owned).collect()).collect())
}

/// A request of ada's at noon on a Wednesday, on a host that no environment names.
fn request(line: &str, risk: Risk) -> Request {
    let by = Identity { uid: 1000, login_uid: None, ssh_key: None };
    let at = Timestamp::parse_rfc3339("2026-03-04T12:00:00+01:00").unwrap();
    let circumstances = Circumstances { labels: Labels::new(), severity: Some(Severity::High), by, at };
    Request::of_words(argv(line), risk, Place::this_host("web-1"), circumstances)
}

fn at(text: &str) -> impl Fn(&mut Request) + use<> {
    let at = Timestamp::parse_rfc3339(text).unwrap();
    move |request| request.at = at
}

fn key(name: char) -> Option<String> {
    Some(format!("SHA256:{}", name.to_string().repeat(43)))
}

fn shared(ssh_key: Option<String>) -> impl Fn(&mut Request) {
    move |request| request.by = Identity { uid: 1500, login_uid: None, ssh_key: ssh_key.clone() }
}

fn as_it_is(_: &mut Request) {}

fn stage(request: &mut Request) {
    request.places[0].name = "stage-3".to_owned();
}

fn script(request: &mut Request) {
    request.words = Words::Script("for x in *; do $x; done".to_owned());
}

const NOTHING: &[Demand] = &[];

#[rstest]
#[case::read("df -h", Risk::Read, &as_it_is, Verdict::Ask, NOTHING)]
#[case::query("up", Risk::Query, &as_it_is, Verdict::Allow, NOTHING)]
#[case::danger("rm x", Risk::Destroy, &as_it_is, Verdict::Ask, &[Demand::TypedTarget])]
#[case::forbidden("mkfs.xfs /dev/sdb", Risk::Destroy, &as_it_is, Verdict::Forbid, &[Demand::TypedTarget])]
#[case::behind_sudo("sudo mkfs.xfs /dev/sdb", Risk::Change, &as_it_is, Verdict::Forbid, NOTHING)]
#[case::in_a_pipeline("echo y | mkfs.xfs /dev/sdb", Risk::Change, &as_it_is, Verdict::Forbid, NOTHING)]
#[case::only_parsed_words("x", Risk::Unknown, &script, Verdict::Ask, &[Demand::TypedTarget, Demand::SecondPerson])]
#[case::two("kubectl -n a delete pod x", Risk::Destroy, &as_it_is, Verdict::Ask, &[Demand::TypedTarget, Demand::SecondPerson])]
#[case::two_in_an_unknown_cluster("kubectl delete pod x", Risk::Change, &stage, Verdict::Ask, &[Demand::SecondPerson])]
#[case::one_in_staging("kubectl --context stage-1 delete pod x", Risk::Change, &stage, Verdict::Ask, NOTHING)]
#[case::night("systemctl restart x", Risk::Change, &at("2026-03-04T23:00:00+01:00"), Verdict::Ask, &[Demand::Note])]
#[case::end_of_night("systemctl restart x", Risk::Change, &at("2026-03-04T06:00:00+01:00"), Verdict::Ask, NOTHING)]
#[case::weekend("systemctl restart x", Risk::Change, &at("2026-03-07T23:00:00+01:00"), Verdict::Ask, NOTHING)]
#[case::freeze("systemctl restart x", Risk::Change, &at("2026-12-24T12:00:00+01:00"), Verdict::Forbid, NOTHING)]
#[case::freeze_begins("systemctl restart x", Risk::Change, &at("2026-12-19T23:00:00Z"), Verdict::Forbid, NOTHING)]
#[case::freeze_is_over("systemctl restart x", Risk::Change, &at("2027-01-02T23:00:00Z"), Verdict::Ask, NOTHING)]
#[case::reads_in_a_freeze("df", Risk::Read, &at("2026-12-24T12:00:00+01:00"), Verdict::Ask, NOTHING)]
#[case::bob("systemctl restart x", Risk::Change, &shared(key('b')), Verdict::Ask, NOTHING)]
#[case::eve("systemctl restart x", Risk::Change, &shared(key('e')), Verdict::Forbid, NOTHING)]
#[case::nobody("systemctl restart x", Risk::Change, &shared(None), Verdict::Forbid, NOTHING)]
#[case::another_key("systemctl restart x", Risk::Change, &shared(key('x')), Verdict::Forbid, NOTHING)]
#[case::nobody_reads("df", Risk::Read, &shared(None), Verdict::Ask, NOTHING)]
fn a_table_of_decisions(
    #[case] line: &str,
    #[case] risk: Risk,
    #[case] change: &dyn Fn(&mut Request),
    #[case] verdict: Verdict,
    #[case] demands: &[Demand],
) {
    let mut request = request(line, risk);
    change(&mut request);
    // What the words name is found anew, since the change may be of the words.
    let decision = system().decide(&request);
    assert_eq!(decision.answer.verdict, verdict, "{decision:#?}");
    assert_eq!(decision.answer.demands.iter().copied().collect::<Vec<_>>(), sorted(demands), "{decision:#?}");
}

fn sorted(demands: &[Demand]) -> Vec<Demand> {
    let mut demands = demands.to_vec();
    demands.sort();
    demands
}

#[test]
fn a_page_lifts_the_freeze_and_an_unknown_severity_does_not() {
    let mut request = request("systemctl restart x", Risk::Change);
    at("2026-12-24T12:00:00+01:00")(&mut request);
    let verdict = |request: &Request| system().decide(request).answer.verdict;
    assert_eq!(verdict(&request), Verdict::Forbid);
    request.severity = Some(Severity::Page);
    assert_eq!(verdict(&request), Verdict::Ask);
    request.severity = None;
    assert_eq!(verdict(&request), Verdict::Forbid);
}

#[test]
fn labels_add_an_environment_and_never_take_one_away() {
    let mut request = request("df", Risk::Read);
    assert_eq!(system().decide(&request).environments, ["production".to_owned()].into());
    request.labels.insert("team".to_owned(), "payments".to_owned());
    request.labels.insert("environment".to_owned(), "staging".to_owned());
    let both = ["payments".to_owned(), "production".to_owned()].into();
    assert_eq!(system().decide(&request).environments, both);
    stage(&mut request);
    let both = ["payments".to_owned(), "staging".to_owned()].into();
    assert_eq!(system().decide(&request).environments, both);
}

#[test]
fn a_layer_that_forbids_by_default_lets_pass_only_what_surely_matches() {
    let text = "version = 1\ndefault = \"forbid\"\n[[rule]]\nname = \"disk\"\neffect = \"ask\"\n\
                when = { argv = [[\"df\", \"**\"], [\"du\", \"**\"]] }\nmatch = [\"df -h\"]\nno_match = [\"rm x\"]\n";
    let policy = read(vec![source(Rank::System, text)]);
    let verdict = |line: &str| policy.decide(&request(line, Risk::Read)).answer.verdict;
    assert_eq!(policy.problems().count(), 0);
    assert_eq!((verdict("df -h"), verdict("df -h | du x")), (Verdict::Ask, Verdict::Ask));
    for other in ["rm x", "./df -h", "sudo df -h", "df -h | sort", "python3 df"] {
        assert_eq!(verdict(other), Verdict::Forbid, "{other}");
    }
    let mut shell = request("x", Risk::Unknown);
    script(&mut shell);
    assert_eq!(policy.decide(&shell).answer.verdict, Verdict::Forbid);
}

#[test]
fn two_people_are_two_names_of_the_layer_that_demands_them() {
    let line = "kubectl delete pod x";
    let decide = |policy: &Policy, change: &dyn Fn(&mut Request)| {
        let mut request = request(line, Risk::Change);
        change(&mut request);
        policy.decide(&request)
    };
    let ada = decide(&system(), &as_it_is);
    let bob = decide(&system(), &shared(key('b')));
    assert_eq!(turn(&ada, None), Ok(Turn::First("ada".to_owned())));
    assert!(turn(&ada, Some("ada")).unwrap_err().why.contains("ada has approved already"));
    let both = Turn::Second { first: "ada".to_owned(), second: "bob".to_owned() };
    assert_eq!(turn(&bob, Some("ada")), Ok(both));
    // The account alone is nobody.
    assert!(turn(&decide(&system(), &shared(None)), Some("ada")).is_err());
    // Nor does a person's own file make another one of them.
    let own = "version = 1\n[[person]]\nname = \"zoe\"\nuid = 1500\nroles = [\"sre\"]\n\
               [[person]]\nname = \"zoe\"\nuid = 1000\nroles = [\"sre\"]\n";
    let policy = read(vec![source(Rank::System, SYSTEM), source(Rank::User, own)]);
    assert_eq!(policy.problems().count(), 0);
    assert_eq!(decide(&policy, &as_it_is).approver.as_deref(), Some("ada"));
    assert!(turn(&decide(&policy, &shared(None)), Some("ada")).is_err());
}

#[test]
fn a_lower_layer_cannot_give_itself_roles_of_a_higher_one() {
    let own = "version = 1\n[[person]]\nname = \"mallory\"\nuid = 1700\nroles = [\"sre\"]\n";
    let policy = read(vec![source(Rank::System, SYSTEM), source(Rank::User, own)]);
    let mut request = request("systemctl restart x", Risk::Change);
    request.by.uid = 1700;
    assert_eq!(policy.decide(&request).answer.verdict, Verdict::Forbid);
}

#[rstest]
#[case::no_toml("version = ", "line 1")]
#[case::empty("", "version")]
#[case::other_version("version = 2", "version is 2")]
#[case::unknown_key("version = 1\nrules = []", "line 2")]
#[case::unknown_condition(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"ask\"\nwhen = { enviroment = [\"x\"] }",
    "enviroment"
)]
#[case::unknown_effect("version = 1\n[[rule]]\nname = \"a\"\neffect = \"permit\"", "permit")]
#[case::unknown_role(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nunless = { roles = [\"srre\"] }",
    "srre"
)]
#[case::unknown_environment(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { environment = [\"prod\"] }",
    "prod"
)]
#[case::unknown_person(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { people = [\"zoe\"] }",
    "zoe"
)]
#[case::unknown_zone("version = 1\ntime_zone = \"Mars/Olympus\"", "Mars/Olympus")]
#[case::bad_hours("version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { hours = [\"8-18\"] }", "8-18")]
#[case::bad_days("version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { days = [\"noday\"] }", "days")]
#[case::bad_moment("version = 1\n[[freeze]]\nfrom = \"soon\"\nto = \"later\"\nreason = \"x\"", "soon")]
#[case::allowed_command(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"allow\"\nwhen = { risk = [\"read\"] }",
    "only queries"
)]
#[case::forbid_demands("version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\ndemands = [\"note\"]", "demand")]
#[case::wrong_example(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { argv = [\"rm\", \"-rf\"] }\nmatch = [\"rm -rf /\"]",
    "does not match"
)]
#[case::wrong_counterexample(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { argv = [\"rm\", \"**\"] }\n\
     match = [\"rm x\"]\nno_match = [\"sudo rm y\"]",
    "in no_match does match"
)]
#[case::empty_exception("version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nunless = {}", "switch the rule off")]
#[case::no_example(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { argv = [\"rm\", \"**\"] }",
    "example"
)]
#[case::broken_example(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"forbid\"\nwhen = { argv = [\"rm\", \"**\"] }\nmatch = [\"rm 'x\"]",
    "no command"
)]
#[case::twice(
    "version = 1\n[[rule]]\nname = \"a\"\neffect = \"ask\"\n[[rule]]\nname = \"a\"\neffect = \"ask\"",
    "another rule"
)]
#[case::nobody("version = 1\n[[person]]\nname = \"a\"", "has to tell who it is")]
#[case::no_fingerprint("version = 1\n[[person]]\nname = \"a\"\nssh_key = \"ssh-ed25519 AAAA\"", "SHA256:")]
#[case::shared_account(
    "version = 1\n[[person]]\nname = \"a\"\nuid = 1\n[[person]]\nname = \"b\"\nuid = 1",
    "told apart"
)]
fn a_file_with_a_mistake_fails_closed_and_says_where(#[case] text: &str, #[case] told: &str) {
    let policy = read(vec![source(Rank::Team, text)]);
    let problems: Vec<&str> = policy.problems().map(|(_, problem)| problem).collect();
    assert!(problems.len() == 1 && problems[0].contains(told), "{problems:?}");
    assert_closed(&policy);
}

fn assert_closed(policy: &Policy) {
    for (risk, verdict) in [
        (Risk::Query, Verdict::Ask),
        (Risk::Read, Verdict::Ask),
        (Risk::Change, Verdict::Forbid),
        (Risk::Destroy, Verdict::Forbid),
        (Risk::Unknown, Verdict::Forbid),
    ] {
        let decision = policy.decide(&request("df", risk));
        assert_eq!(decision.answer.verdict, verdict, "{risk:?}");
        assert!(!decision.because().is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_read_fails_closed() {
    let broken = Source { rank: Rank::System, place: "/p".to_owned(), text: Err("permission denied".to_owned()) };
    assert_closed(&read(vec![broken]));
}

#[test]
fn every_truncation_of_a_file_is_read_or_fails_closed() {
    let mut broken = 0;
    for end in (0..SYSTEM.len()).filter(|end| SYSTEM.is_char_boundary(*end)) {
        let policy = read(vec![source(Rank::System, &SYSTEM[..end])]);
        if policy.problems().count() > 0 {
            assert_closed(&policy);
            broken += 1;
        }
    }
    println!("{broken} of {} truncations fail closed", SYSTEM.len());
    assert!(broken > SYSTEM.len() / 2);
}

#[test]
fn the_hash_is_that_of_the_bytes_and_the_place() {
    let hash = |rank, text: &str| read(vec![source(rank, text)]).hash();
    assert_eq!(hash(Rank::System, SYSTEM), hash(Rank::System, SYSTEM));
    assert_ne!(hash(Rank::System, SYSTEM), hash(Rank::Team, SYSTEM));
    assert_ne!(hash(Rank::System, SYSTEM), hash(Rank::System, &format!("{SYSTEM}\n")));
    assert_ne!(Policy::default().hash(), hash(Rank::System, SYSTEM));
}

#[test]
fn a_report_names_every_rule_with_what_decided() {
    let decision = system().decide(&request("kubectl delete pod x", Risk::Change));
    let layer = &decision.layers[1];
    let looked: Vec<(&str, Truth)> = layer.rules.iter().map(|rule| (rule.rule.as_str(), rule.holds)).collect();
    let expected = [
        ("freeze: the holidays", Truth::No),
        ("no-mkfs", Truth::No),
        ("two-for-deletes", Truth::Yes),
        ("nights", Truth::No),
        ("only-sre", Truth::No),
    ];
    assert_eq!(looked, expected);
    assert!(layer.rules.iter().all(|rule| !rule.because.is_empty()));
    assert_eq!(decision.because(), ["system rule two-for-deletes: what is deleted in production is gone"]);
}

#[test]
fn the_bundled_example_is_valid_as_it_is_and_with_every_line_in_force() {
    let text = include_str!("../../../assets/policy.toml");
    let policy = read(vec![source(Rank::System, text)]);
    assert_eq!(policy.problems().count(), 0);
    let (read_of, plain) =
        (policy.decide(&request("df", Risk::Read)), Policy::default().decide(&request("df", Risk::Read)));
    assert_eq!(read_of.answer, plain.answer, "as it is delivered it demands nothing");
    // Lines of prose begin with `# `, lines of TOML that are switched off with `#` alone.
    let in_force: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned() + "\n")
        .collect();
    let problems = |policy: &Policy| policy.problems().map(|(_, problem)| problem.to_owned()).collect::<Vec<_>>();
    let full = Policy::read(vec![source(Rank::System, &in_force)], &|_| Some(jiff::tz::TimeZone::UTC));
    assert_eq!(problems(&full), Vec::<String>::new());
    assert!(full.layers()[0].rules().is_some_and(|rules| rules.rules.len() > 3));
}

/// Parts of which layers are drawn; each is valid together with the people and environments before it.
const HEAD: &str = "version = 1\n[[person]]\nname = \"ada\"\nuid = 1000\nroles = [\"lead\"]\n\
                    [[person]]\nname = \"bob\"\nuid = 1001\nroles = [\"sre\"]\n\
                    [[environment]]\nname = \"staging\"\ntargets = [\"stage-*\"]\n";

fn conditions() -> impl Strategy<Value = String> {
    let some = prop::sample::subsequence(
        vec![
            "risk = [\"read\", \"change\"]",
            "argv = [[\"kubectl\", \"**\"]]",
            "roles = [\"sre\"]",
            "people = [\"ada\"]",
            "environment = [\"production\"]",
            "target = [\"web-*\"]",
            "context = [\"prod-*\"]",
            "hours = [\"08:00-18:00\"]",
            "severity = [\"page\"]",
            "form = [\"argv\"]",
        ],
        0..4,
    );
    some.prop_map(|parts| parts.join(", "))
}

prop_compose! {
    fn rule()(
        effect in prop::sample::select(vec!["ask", "forbid"]),
        demand in prop::option::of(prop::sample::select(vec!["note", "second-person", "typed-target"])),
        scope in prop::option::of(prop::sample::select(vec!["once", "same-step"])),
        when in conditions(),
        unless in prop::option::of(conditions()),
    ) -> String {
        let demand = demand.filter(|_| effect == "ask").map_or(String::new(), |demand| format!("demands = [\"{demand}\"]\n"));
        let scope = scope.map_or(String::new(), |scope| format!("max_scope = \"{scope}\"\n"));
        let unless = unless.map_or(String::new(), |unless| format!("unless = {{ {unless} }}\n"));
        let example = if when.contains("argv") { "match = [\"kubectl get x\"]\n" } else { "" };
        format!("effect = \"{effect}\"\n{demand}{scope}when = {{ {when} }}\n{unless}{example}")
    }
}

prop_compose! {
    fn layer_text()(
        default in prop::sample::select(vec!["allow", "ask", "forbid"]),
        rules in prop::collection::vec(rule(), 0..4),
        broken in 0_u8..10,
    ) -> String {
        let head = HEAD.replacen('\n', &format!("\ndefault = \"{default}\"\n"), 1);
        let rules: String =
            rules.iter().enumerate().map(|(at, rule)| format!("[[rule]]\nname = \"r{at}\"\n{rule}")).collect();
        if broken == 0 { "version =".to_owned() } else { head + &rules }
    }
}

prop_compose! {
    fn any_request()(
        line in prop::sample::select(vec!["df -h", "kubectl get x", "sudo kubectl delete x", "kubectl --context prod-1 get x", "x | kubectl y"]),
        risk in prop::sample::select(vec![Risk::Query, Risk::Read, Risk::Change, Risk::Destroy, Risk::Unknown]),
        host in prop::sample::select(vec!["web-1", "stage-1"]),
        uid in 999_u32..1003,
        hour in 0_i64..24,
        is_script in any::<bool>(),
        severity in prop::option::of(prop::sample::select(vec![Severity::Page, Severity::Low])),
    ) -> Request {
        let mut request = request(line, risk);
        request.places[0].name = host.to_owned();
        request.by.uid = uid;
        request.at = Timestamp::from_millis(hour * 3_600_000);
        request.severity = severity;
        if is_script {
            script(&mut request);
        }
        request
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Adding a layer, wherever it stands, never loosens a decision.
    #[test]
    fn a_layer_more_never_loosens(texts in prop::collection::vec(layer_text(), 1..4), left_out in 0_usize..3, asked in any_request()) {
        let ranks = [Rank::System, Rank::Team, Rank::User];
        let sources: Vec<Source> = ranks.iter().zip(&texts).map(|(rank, text)| source(*rank, text)).collect();
        let mut fewer = sources.clone();
        fewer.remove(left_out % sources.len());
        let (more, fewer) = (read(sources).decide(&asked), read(fewer).decide(&asked));
        prop_assert!(more.answer.at_least_as_strict_as(&fewer.answer), "{more:#?}\n{fewer:#?}");
        prop_assert!(fewer.answer.at_least_as_strict_as(&minimum(asked.risk)));
        prop_assert!(asked.risk == Risk::Query || fewer.answer.verdict > Verdict::Allow);
    }

    /// Rules that hold are joined, so that their order does not matter.
    #[test]
    fn the_order_of_rules_does_not_matter(rules in prop::collection::vec(rule(), 1..5), asked in any_request()) {
        let text = |order: Vec<(usize, &String)>| {
            let rules: String = order.iter().map(|(at, rule)| format!("[[rule]]\nname = \"r{at}\"\n{rule}")).collect();
            format!("{HEAD}{rules}")
        };
        let forward: Vec<(usize, &String)> = rules.iter().enumerate().collect();
        let mut backward = forward.clone();
        backward.reverse();
        let answer = |order| read(vec![source(Rank::Team, &text(order))]).decide(&asked).answer;
        prop_assert_eq!(answer(forward), answer(backward));
    }
}
