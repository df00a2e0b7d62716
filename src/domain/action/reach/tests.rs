//! What command lines are said to touch, and the reads that list more.

use std::time::Duration;

use rstest::rstest;

use super::seen::Found;
use super::*;
use crate::domain::action::build::{BuildRequest, Reads, build};
use crate::domain::action::spec::{Confinement, Execution, Origin, StepRef, Target};
use crate::domain::action::subject::Subject;
use crate::domain::id::{IncidentId, ProposalId};
use crate::domain::procedure::Shell;

fn built(script: &str, labels: &[(&str, &str)]) -> ActionSpec {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = BuildRequest {
        reads: Reads::default(),
        incident: IncidentId(1),
        subject: Subject::unbound(),
        step: StepRef { sop: "a.md".into(), node: "n".into(), revision: "r".to_owned(), title: "t".to_owned() },
        script,
        shell: Shell::Sh,
        mode: Execution::Supervised,
        labels: &labels,
        typed: &std::collections::BTreeMap::new(),
        target: Target::ThisHost { name: "web-1".to_owned() },
        cwd: "/",
        env: std::collections::BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        time_limit: Duration::from_secs(600),
    };
    build(request).unwrap_or_else(|error| panic!("{script}: {error}"))
}

/// What a script touches: `things: names; …`, or `?` where it cannot be told.
fn told(script: &str) -> String {
    let part = |part: &Part| {
        let on = part.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
        match &part.says {
            Says::Untold(_) => format!("?{on}"),
            Says::Named(things) => {
                let things = things.iter().map(|things| match things.names.as_slice() {
                    [] => things.what.clone(),
                    names => format!("{}: {}", things.what, names.join(" ")),
                });
                format!("{}{on}", things.collect::<Vec<_>>().join("; "))
            }
        }
    };
    of(&built(script, &[])).parts.iter().map(part).collect::<Vec<_>>().join(" + ")
}

/// The reads that list what a script touches.
fn asked_for(script: &str) -> Vec<String> {
    let reach = of(&built(script, &[]));
    let line = |pipeline: &&Pipeline| {
        let script = Script::new(vec![(super::super::spec::Connector::Always, (*pipeline).clone())]);
        super::super::print::script(&script)
    };
    reach.questions().iter().map(line).collect()
}

const HERE: &str = " in the namespace that the kubeconfig says";

#[rstest]
// Kubernetes: by name, by selector, all, in files.
#[case("kubectl -n shop delete pod api-1 api-2", "pod in namespace shop: api-1 api-2")]
#[case("kubectl delete pod/api-1", &format!("objects{HERE}: pod/api-1"))]
#[case("kubectl -n shop delete pods -l app=api", "pods with app=api in namespace shop")]
#[case("kubectl delete pods --all -A", "pods (all of them) in all namespaces")]
#[case("kubectl --context eu1 -n shop delete deploy api", "deploy in namespace shop of context eu1: api")]
#[case("kubectl delete -f app.yaml", &format!("objects that are described in files{HERE}: app.yaml"))]
#[case("kubectl delete namespace shop", "namespace: shop; everything in these namespaces")]
#[case("kubectl delete pod --field-selector=status.phase=Failed -n a", "pod with status.phase=Failed in namespace a")]
#[case("kubectl -n shop scale deployment/api --replicas=3", "objects in namespace shop: deployment/api")]
#[case("kubectl -n shop scale --replicas=0 deploy api web", "deploy in namespace shop: api web")]
#[case("kubectl -n shop rollout restart deployment api", "deployment in namespace shop: api")]
#[case("kubectl -n shop rollout undo deployment/api", "objects in namespace shop: deployment/api")]
#[case("kubectl -n shop rollout restart deployment -l tier=web", "deployment with tier=web in namespace shop")]
#[case("kubectl -n shop label pod api-1 app=x old-", "pod in namespace shop: api-1")]
#[case("kubectl -n shop annotate deploy/api note=x", "objects in namespace shop: deploy/api")]
#[case("kubectl -n shop set image deploy/api api=api:2", "objects in namespace shop: deploy/api")]
#[case("kubectl -n shop set env deploy api A=b B-", "deploy in namespace shop: api")]
#[case("kubectl -n shop patch svc api -p {}", "svc in namespace shop: api")]
#[case("kubectl cordon node-7", "nodes: node-7")]
#[case("kubectl uncordon -l pool=a", "nodes with pool=a")]
#[case("kubectl drain node-7 --ignore-daemonsets", "nodes: node-7; pods on these nodes")]
#[case("oc adm drain node-7", "nodes: node-7; pods on these nodes")]
#[case("kubectl taint nodes node-7 a=b:NoSchedule", "nodes: node-7")]
#[case("oc adm taint node node-7 a=b:NoSchedule-", "nodes: node-7")]
#[case("kubectl -n shop exec api-1 -- rm -f /tmp/x", "pods in namespace shop: api-1 + files: /tmp/x on pod api-1")]
#[case("kubectl -n shop cp a.txt api-1:/tmp/a.txt", "pods in namespace shop: api-1")]
#[case("kubectl apply -f https://example.org/a.yaml", &format!("objects that are described in files{HERE}: https://example.org/a.yaml"))]
#[case("kubectl create namespace x", &format!("new objects{HERE}: namespace x"))]
#[case("kubectl certificate approve csr-1", &format!("certificate requests{HERE}: csr-1"))]
#[case("oc -n shop rollout latest dc/api", "objects in namespace shop: dc/api")]
#[case("kubectl config use-context eu2", "?")]
#[case("kubectl delete --raw /api/v1/namespaces/x", "?")]
// Units, processes, hosts.
#[case("systemctl restart nginx sshd.service", "units: nginx sshd.service")]
#[case("sudo -n systemctl stop nginx", "units: nginx")]
#[case("systemctl daemon-reload", "the service manager and its units")]
#[case("service nginx restart", "services: nginx")]
#[case("supervisorctl restart worker:1", "services: worker:1")]
#[case("kill -9 4711 4712", "processes: 4711 4712")]
#[case("kill -s TERM 4711", "processes: 4711")]
#[case("pkill -9 -u www nginx", "processes whose name or words match: nginx")]
#[case("reboot", "this host, with everything that runs on it")]
#[case("sysctl -w vm.swappiness=10", "parameters of the kernel: vm.swappiness=10")]
#[case("modprobe nbd", "modules of the kernel: nbd")]
#[case("swapoff -a", "all swap areas")]
#[case("usermod -a -G docker ada", "accounts: ada")]
#[case("crontab -r", "the scheduled jobs of the person who runs it")]
// Files and disks.
#[case("rm -rf /srv/a '/srv/b c'", "files: /srv/a /srv/b c")]
#[case("rm -- -x", "files: -x")]
#[case("timeout 5 rm /srv/a", "files: /srv/a")]
#[case("env A=b rm /srv/a", "files: /srv/a")]
#[case("mv /a /b", "files: /a /b")]
#[case("cp /a /b", "files, overwritten or made: /b")]
#[case("chmod 600 /etc/x /etc/y", "files: /etc/x /etc/y")]
#[case("chown -R www /srv", "files: /srv")]
#[case("truncate -s 0 /var/log/x.log", "files: /var/log/x.log")]
#[case("find /var/log -name x -delete", "what it finds below: /var/log")]
#[case("sed -i s/a/b/ /etc/x.conf", "files: /etc/x.conf")]
#[case("tee /etc/x.conf", "files: /etc/x.conf")]
#[case("dd if=/dev/zero of=/srv/swap bs=1M count=10", "files or devices: /srv/swap")]
#[case("mount /srv", "mounts: /srv")]
#[case("umount /srv", "mounts: /srv")]
#[case("lvremove vg0/old", "volumes: vg0/old")]
#[case("zfs destroy tank/old", "pools and file systems: tank/old")]
#[case("apt-get install -y curl jq", "packages: curl jq")]
#[case("dnf -y remove nginx", "packages: nginx")]
// Containers and releases.
#[case("docker restart api db", "containers: api db")]
#[case("podman rm -f api", "containers: api")]
#[case("docker system prune -f", "all containers, networks and images that nothing uses")]
#[case("docker volume rm data", "volumes: data")]
#[case("helm rollback api 3", "releases: api")]
#[case("helm uninstall api", "releases: api")]
// Databases.
#[case("psql -c 'DELETE FROM orders WHERE id = 1'", "tables: orders")]
#[case("psql -d shop -c 'TRUNCATE a, shop.b'", "tables: a shop.b")]
#[case("mysql -e 'UPDATE users SET x = 1'", "tables: users")]
#[case("sqlite3 /srv/a.db 'DROP TABLE old'", "tables of /srv/a.db: old")]
#[case("dropdb shop", "databases: shop")]
#[case("redis-cli del a b", "keys: a b")]
#[case("redis-cli flushall", "the whole server or database")]
// Inside others, on others, one after the other.
#[case("ssh db-3 systemctl restart nginx", "units: nginx on db-3")]
#[case("sh -c 'rm /srv/a'", "files: /srv/a")]
#[case("ls /srv; rm /srv/a && systemctl restart nginx", "files: /srv/a + units: nginx")]
#[case("kubectl get pods -o name | xargs kubectl delete", "?")]
// What nobody can tell.
#[case("for f in /srv/*; do rm $f; done", "?")]
#[case("./fix.sh", "?")]
#[case("no-such-program /srv", "?")]
#[case("mkdir --no-such-option /srv", "?")]
#[case("python3 -c 'print(1)'", "?")]
// What only looks touches nothing.
#[case("df -h /srv", "")]
#[case("kubectl get pods", "")]
fn what_a_command_touches(#[case] script: &str, #[case] expected: &str) {
    assert_eq!(told(script), expected, "{script}");
}

#[rstest]
#[case("kubectl -n shop delete pod api-1 api-2", &["kubectl get pod api-1 api-2 -n shop --ignore-not-found -o name"])]
#[case("kubectl delete pods -lapp=api --namespace=shop", &["kubectl get pods -l app=api --namespace shop --ignore-not-found -o name"])]
#[case("kubectl delete pods --all -A", &["kubectl get pods -A --ignore-not-found -o name"])]
#[case("oc --context eu1 scale deploy/api --replicas=0", &["oc get deploy/api --context eu1 --ignore-not-found -o name"])]
#[case("kubectl delete -f app.yaml -n a", &["kubectl get -f app.yaml -n a --ignore-not-found -o name"])]
#[case("sudo -n kubectl delete pod x", &["sudo -n kubectl get pod x --ignore-not-found -o name"])]
#[case("cd /srv; kubectl delete -f app.yaml", &["cd /srv; kubectl get -f app.yaml --ignore-not-found -o name"])]
#[case(
    "kubectl drain node-7 --ignore-daemonsets",
    &[
        "kubectl get nodes node-7 --ignore-not-found -o name",
        "kubectl get pods -A --field-selector spec.nodeName=node-7 --ignore-not-found -o name",
    ]
)]
#[case("kubectl cordon -l pool=a", &["kubectl get nodes -l pool=a --ignore-not-found -o name"])]
#[case("kubectl -n shop exec api-1 -- rm /x", &["kubectl get pods api-1 -n shop --ignore-not-found -o name"])]
#[case(
    "kubectl -n a delete pod x && kubectl -n b delete pod y; kubectl -n a delete pod x",
    &["kubectl get pod x -n a --ignore-not-found -o name", "kubectl get pod y -n b --ignore-not-found -o name"]
)]
#[case("kubectl apply -f https://example.org/a.yaml", &[])]
#[case("kubectl create namespace x", &[])]
#[case("kubectl --as root delete pod x", &[])]
#[case("kubectl delete pods", &[])]
#[case("ssh db-3 kubectl delete pod x", &[])]
#[case("systemctl restart nginx", &[])]
#[case("kubectl get pods", &[])]
fn the_read_that_lists_it(#[case] script: &str, #[case] expected: &[&str]) {
    assert_eq!(asked_for(script), expected, "{script}");
    if expected.is_empty() {
        assert!(look_up_for(&built(script, &[])).is_err());
    } else {
        let read = look_up_for(&built(script, &[])).unwrap();
        assert_eq!(read.risk, Risk::Read, "{:?}", read.risk_reasons);
        assert!(of(&read).parts.is_empty(), "what only looks touches nothing");
    }
}

fn with() -> LookUp {
    let kubeconfig = ("KUBECONFIG".to_owned(), "/reads".to_owned());
    LookUp {
        env: std::collections::BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]),
        reads: Reads { confinement: Confinement::ReadsOnly, env: std::collections::BTreeMap::from([kubeconfig]) },
        time_limit: Duration::from_secs(600),
    }
}

fn look_up_for(change: &ActionSpec) -> Result<ActionSpec, crate::domain::incident::Refusal> {
    look_up(change, ProposalId(3), with())
}

#[test]
fn a_look_up_is_a_confined_read_of_the_same_place_that_keeps_where_words_came_from() {
    let change =
        built("kubectl -n <namespace> delete pod --selector=app=<app>", &[("namespace", "shop"), ("app", "api")]);
    let read = look_up_for(&change).unwrap();
    assert_eq!(read.confinement, Confinement::ReadsOnly);
    assert_eq!((&read.target, &read.cwd, &read.labels_used), (&change.target, &change.cwd, &change.labels_used));
    assert_eq!(read.env["KUBECONFIG"], "/reads");
    assert_eq!(read.time_limit, Duration::from_secs(60));
    assert!(read.step.is_of_program());
    let Invocation::Argv { script } = &read.invocation else { panic!("without a shell") };
    let origin = |text: &str| {
        let word = script.words().find(|word| word.text() == text).unwrap_or_else(|| panic!("no word {text}"));
        word.pieces.iter().map(|piece| piece.origin.clone()).collect::<Vec<_>>()
    };
    assert_eq!(origin("shop"), [Origin::Label("namespace".to_owned())]);
    assert_eq!(origin("app=api"), [Origin::Sop, Origin::Label("app".to_owned())]);
    assert_eq!(seen_with_another_kubeconfig(&change, &read), Some("/reads"));
}

#[test]
fn the_same_question_has_the_same_key_and_another_place_has_another() {
    let key = |script: &str| {
        let spec = built(script, &[]);
        key_of(&spec, &of(&spec))
    };
    assert_eq!(key("kubectl -n a delete pod x"), key("kubectl -n a label pod x a=b"));
    assert_ne!(key("kubectl -n a delete pod x"), key("kubectl -n b delete pod x"));
    assert_eq!(key("rm /x"), None);
    let change = built("kubectl -n a delete pod x", &[]);
    let mut elsewhere = change.clone();
    elsewhere.env.insert("KUBECONFIG".to_owned(), "/other".to_owned());
    assert_ne!(key_of(&change, &of(&change)), key_of(&elsewhere, &of(&elsewhere)));
}

#[test]
fn what_was_found_changes_nothing_of_the_change() {
    let change = built("kubectl -n a delete pod x", &[]);
    let before = change.digest(true);
    let read = look_up_for(&change).unwrap();
    let found = Found::read("pod/x\n", true, crate::domain::time::Timestamp::from_millis(5), None).unwrap();
    assert_eq!((found.total, change.digest(true)), (1, before));
    assert_ne!(read.digest(true), change.digest(true));
}

#[test]
fn a_variable_that_may_change_what_the_program_does_makes_it_no_read() {
    let why = look_up_for(&built("KUBECONFIG=/x kubectl delete pod x", &[])).unwrap_err().why;
    assert!(why.contains("not known to only look"), "{why}");
}
