//! Secrets that stand in words rather than in assignments, and ordinary sentences with the same words.
//!
//! [`CASES`] and [`SENTENCES`] were written down by hand before the detectors knew of secrets in words; [`FIRST_TRY`] and
//! [`SENTENCES_CHANGED_AT_FIRST`] are what the detectors of then made of them. Values are made up.

use aiops::domain::redact::{Names, redact_text};
use rstest::rstest;

use crate::by_hand::Case;
use crate::is_gone;

/// So many of [`CASES`] have to be found.
pub(crate) const FOUND_AT_LEAST: usize = 19;

/// All cases.
pub(crate) const CASES: [Case; 20] = [
    (
        "mail: new key",
        &["7c1e90ab44d2f3356b8e"],
        "Hi all,\nour new api key: 7c1e90ab44d2f3356b8e, valid from Monday.\nRegards, Kim",
    ),
    (
        "chat: apikey",
        &["4f6d2c8b0a9e7f1352648bdc0e1f2a3b"],
        "dora: use apikey 4f6d2c8b0a9e7f1352648bdc0e1f2a3b for the probe, the old one is throttled",
    ),
    (
        "wiki: object store",
        &["tulip88harbor9", "barge5lantern"],
        "Console of the object store: access key = tulip88harbor9, secret key: barge5lantern (team vault has both)",
    ),
    ("log: auth key", &["55aa90ce71d4"], "2026-05-04 09:00:01 vpnd[77]: sent auth key 55aa90ce71d4 to peer 10.3.3.3"),
    (
        "runbook: passphrase of words",
        &["lantern violet anchor"],
        "3. Unlock the backup disk with the passphrase copper lantern violet anchor\n4. Mount it read-only.",
    ),
    ("chat: PIN", &["471902"], "erik: the HSM wants a PIN again\nfay: PIN 471902, and please do not lock it"),
    ("ticket: german", &["Kranich77"], "Passwort Kranich77 gilt nur bis heute Abend, danach bitte melden."),
    ("ticket: german, named", &["Seeadler!4"], "Kennwort Jumphost: Seeadler!4\nKennung: wartung"),
    (
        "ticket: french",
        &["Hirondelle42"],
        "Connecte-toi sur le bastion avec le mot de passe Hirondelle42 puis relance.",
    ),
    ("ticket: spanish", &["Girasol2031"], "Entra como operador con la contraseña Girasol2031 y avisa cuando acabes."),
    ("ticket: italian", &["Gabbiano55"], "La password di root è Gabbiano55, cambiala dopo l'intervento."),
    ("ticket: dutch", &["Reiger2044"], "Het wachtwoord is Reiger2044 en werkt ook op de tweede server."),
    (
        "chat: pair of keys",
        &["wJ3lr9XU+nFEMIK7MDENG/bPxRfiCYzQ81KvTpLs"],
        "gil: for the bucket AKIAZ7Q3MNPLKD5VTW2R / wJ3lr9XU+nFEMIK7MDENG/bPxRfiCYzQ81KvTpLs",
    ),
    (
        "console: pair of keys on two lines",
        &["Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B"],
        "Access key ID       Secret\nAKIAX2W5LMQRTBVC7N3K\nZk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B\n",
    ),
    (
        "log: a hook's path",
        &["b7Gq2LmXw9ZtR4kY1cVd"],
        "time=2026-05-04T09:10:00Z level=error msg=\"Post https://ops.corp.example/incoming/b7Gq2LmXw9ZtR4kY1cVd: context deadline exceeded\"",
    ),
    (
        "terraform: output over lines",
        &["quietHarb0rmaster"],
        "{\n  \"admin_login\": {\n    \"sensitive\": true,\n    \"type\": \"string\",\n    \"value\": \"quietHarb0rmaster\"\n  },\n  \"region\": {\n    \"sensitive\": false,\n    \"type\": \"string\",\n    \"value\": \"eu-central-1\"\n  }\n}",
    ),
    (
        "log: digest of a proxy",
        &["e966c932a9242554e42c8ee200cec7f6"],
        "> Proxy-Authorization: Digest username=\"scan\", realm=\"out\", nonce=\"7ypf\", uri=\"*\", qop=auth, nc=00000001, cnonce=\"0a4f\", response=\"e966c932a9242554e42c8ee200cec7f6\"",
    ),
    (
        "wiki: wireless",
        &["harbour bridge 1932"],
        "| network | noc-guest |\n| key | \"harbour bridge 1932\" |\n\nWi-Fi password \"harbour bridge 1932\", ask before you share it.",
    ),
    ("mail: recovery codes", &["1f3a-99bc", "77de-0a21"], "Your recovery codes: 1f3a-99bc 77de-0a21. Each works once."),
    (
        "chat: new token",
        &["kx81pq27zz04aa19"],
        "hal: I rotated the token this morning, the new one is kx81pq27zz04aa19",
    ),
];

/// How many of [`CASES`] the detectors found that had not been made with them in sight.
pub(crate) const FIRST_TRY: usize = 0;

/// How many of [`SENTENCES`] these changed.
pub(crate) const SENTENCES_CHANGED_AT_FIRST: usize = 0;

/// Ordinary sentences and lines with the words that announce a secret; they have to stay as they are.
pub(crate) const SENTENCES: [&str; 50] = [
    "The API key is missing; create one in the console and store it in the vault.",
    "Rotate the api key every 90 days and after each departure.",
    "api key: see the vault, entry statuspage",
    "apikey authentication is not supported by version 2.14.3",
    "The access key expired on 2026-03-01T00:00:00Z, request a new one.",
    "access key = the one of the team, not yours",
    "Wrong secret key: the signature does not match, check the clock.",
    "secret key: kept in secret/data/shop/prod",
    "An auth key can be reused 5 times within 24 hours.",
    "auth key sha256 verification failed for packages.corp.example",
    "The primary key (order_id, line_no) is full; a foreign key refers to it.",
    "key 42 of 100 moved, 58 to go",
    "Enter the passphrase for the key when asked; the passphrase is never shown.",
    "passphrase required, none given",
    "A passphrase of four words is better than a password of eight signs.",
    "Enter passphrase for key /home/ops/.ssh/id_ed25519:",
    "pin the image to a digest and pin 3 of the connector to ground",
    "Pin 471 of the release is wrong: pin version 1.28.15 instead.",
    "The PIN was entered wrongly 3 times; the PIN must have 6 digits.",
    "PIN: ask the shift lead",
    "Das Passwort ist abgelaufen und muss bis 31.12.2026 geändert werden.",
    "Passwort vergessen? Das Passwort wurde am 2026-03-01 zurückgesetzt.",
    "Das Kennwort muss mindestens 12 Zeichen lang sein.",
    "Le mot de passe est incorrect, il reste 3 essais sur 5.",
    "mot de passe oublié : demander au support N2",
    "La contraseña ha caducado, cámbiela antes del 31/12/2026.",
    "contraseña: pedir al turno de noche",
    "La password è scaduta, chiedi al turno di notte.",
    "Het wachtwoord is verlopen; vraag de dienstdoende collega.",
    "The key AKIAIOSFODNN7EXAMPLE is the one of the documentation.",
    "Credential report: id AKIAIOSFODNN7EXAMPLE, commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "HTTP response=200 in 12ms, response=\"OK\", response=timeout",
    "GET /hooks/pre-commit 200 and GET /webhooks/github/deliveries 404",
    "https://git.corp.example/infra/hooks/blob/9fceb02d0ae598e95dc970b74767f19372d61af8/README.md",
    "https://grafana.corp.example/d/000000127/node-exporter-full?orgId=1 and /d/rYdddlPWk/overview",
    "https://corp.example/incoming/2026-03-01/report-0042.csv",
    "{\"region\":{\"sensitive\":false,\"type\":\"string\",\"value\":\"eu-central-1\"}}",
    "{\"sensitive\": true} marks an output; its value is not printed.",
    "pass = 17, fail = 0, flaky = 2",
    "pass = test_restart_of_worker_pool",
    "key = value pairs are written one a line; key = job, value = node",
    "caps mon = \"allow r\" and caps osd = \"allow rw pool=rbd\"",
    "token bucket of 100, the token was rejected: token expired 15 minutes ago",
    "The new one is web-2024-11-03-rc1, the old one is web-2024-10-28.",
    "Recovery codes are in the safe; recovery took 34m12s and 3 attempts.",
    "Your recovery codes were sent by mail.",
    "The secret is mounted at /run/secrets/db; the secret db-credentials-2 is 41 days old.",
    "password rotation job rotate-passwords-28417290 finished in 12s",
    "the password policy pw-policy-v2 needs 12 characters, the password history keeps 24",
    "Login with SSO; credentials are checked by ldap-2.corp.example:636.",
];

/// So many of [`AFTERWARDS`] have to be found.
pub(crate) const AFTERWARDS_AT_LEAST: usize = 9;

/// Cases that were written after the detectors had been mended for [`CASES`]; nothing was changed for them.
pub(crate) const AFTERWARDS: [Case; 14] = [
    ("chat: key after a name", &["mq4t9zz81kd0"], "ines: the key for the weather feed is mq4t9zz81kd0, free tier"),
    ("mail: license", &["H7KQ2-9XWPL-44TDM"], "Your licence key: H7KQ2-9XWPL-44TDM\nSeats: 25"),
    ("note: door", &["8351"], "Rack 14: door code 8351, alarm off first."),
    ("ticket: user and pin", &["902614"], "SIM card of the LTE router, PIN: 902614, PUK in the safe"),
    ("chat: german", &["Dachs_2019"], "jan: Das Kennwort vom BMC steht jetzt auf Dachs_2019"),
    ("chat: french", &["Moutarde19!"], "kim: nouveau mot de passe root Moutarde19! à changer"),
    ("chat: spanish", &["Pimiento_88"], "luz: nueva contraseña para el switch: Pimiento_88"),
    ("wiki: passphrase", &["otter maple winter drum"], "LUKS passphrase → otter maple winter drum\n"),
    (
        "csv of a console",
        &["pL9vX2mQe7RtZ4uYw1Ks/8NbHc3+JdGf6AoTiV5E"],
        "User,Key,Secret\nci,AKIAV6T3NRW2QPLXZ8KM,pL9vX2mQe7RtZ4uYw1Ks/8NbHc3+JdGf6AoTiV5E\n",
    ),
    (
        "log: invitation",
        &["Qw8ZpT2mLx6VrN4yKb0c"],
        "mail sent: https://wiki.corp.example/invite/Qw8ZpT2mLx6VrN4yKb0c to 1 person",
    ),
    (
        "terraform: list",
        &["s1lkRoad", "sp1ceRoad"],
        "\"passwords\": {\"sensitive\": true, \"type\": [\"list\", \"string\"], \"value\": [\"s1lkRoad\", \"sp1ceRoad\"]}",
    ),
    (
        "log: digest from a client",
        &["0a1b9c8d7e6f50413223140596877869"],
        "auth: digest uri=/x nc=00000001 response=0a1b9c8d7e6f50413223140596877869",
    ),
    (
        "file: obscured with colon",
        &["bK3mQx_9TzLp-W7cVdRy2H"],
        "remote:\n  type: sftp\n  pass: bK3mQx_9TzLp-W7cVdRy2H\n",
    ),
    ("chat: bare", &["Tapir!Night7"], "max: for the jump host it's Tapir!Night7 since this morning"),
];

#[rstest]
#[case("api key: 9f8e7d6c5b4a3f2e1d0c", "9f8e7d6c5b4a3f2e1d0c")]
#[case("apikey 5d41402abc4b2a76b9719d911017c592", "5d41402abc4b2a76b9719d911017c592")]
#[case("access key = qwer1234tyui5678", "qwer1234tyui5678")]
#[case("secret key: foobar12345", "foobar12345")]
#[case("auth key 998877ffeedd", "998877ffeedd")]
#[case("secret key: shark77", "shark77")]
#[case("access key: ünter99x", "ünter99x")]
#[case("secret key: shaüber99", "shaüber99")]
#[case("passphrase foo bar", "foo bar")]
#[case("passphrase is \"granite willow\"", "granite willow")]
#[case("PIN 471199", "471199")]
#[case("PUK: 90471199.", "90471199")]
#[case("pkcs11:token=ops?pin-value=471199", "471199")]
#[case("Passwort Kranich77", "Kranich77")]
#[case("Kennwort „Seeadler 4“ notieren", "Seeadler 4")]
#[case("mot de passe « Hirondelle42 »", "Hirondelle42")]
#[case("contraseña Girasol2031", "Girasol2031")]
#[case("hasło: Zubr_1999", "Zubr_1999")]
#[case("AKIAX2W5LMQRTBVC7N3K  Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B", "Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B")]
#[case(
    "AKIAX2W5LMQRTBVC7N3K\n  Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B\n",
    "Zk4+pQ8vTn2sLx7RbYc1WmE9uGd5HfJ0aKoXiV3B"
)]
#[case("PUT /hook/0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e")]
fn what_stands_in_words_goes(#[case] text: &str, #[case] secret: &str) {
    let redacted = redact_text(text, Names::Keep).text;
    assert!(is_gone(&redacted, secret), "{redacted}");
}

#[rstest]
#[case("api key: v2.14 and later")]
#[case("secret key: 2048-bit RSA")]
#[case("access key: 2026-03-01T00:00Z was its last use")]
#[case("auth key sha256-hashed")]
#[case("passphrase cache timeout")]
#[case("passphrase: ask your lead")]
#[case("passphrase storage guidelines")]
#[case("The factory PIN is 123456, change it.")]
#[case("pin 1024 pages, spin 471199 times, ping 47119 ms")]
#[case("Passwort für root fehlt, Kennwort: unbekannt")]
#[case("mot de passe SHA512, contraseña sha256")]
#[case("AKIAX2W5 is no id: 9fceb02d0ae598e95dc970b74767f19372d61af8")]
#[case("GET /hooks/post-receive-notify and /incoming/customer-reports-daily")]
#[case("response=\"auth-int\" response=1234")]
fn what_only_speaks_of_secrets_stays(#[case] text: &str) {
    assert_eq!(redact_text(text, Names::Keep).text, text);
}
