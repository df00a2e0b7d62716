//! Secrets that stand in words rather than in assignments, and ordinary sentences with the same words.
//!
//! [`CASES`] and [`SENTENCES`] were written down by hand before the detectors knew of secrets in words; [`FIRST_TRY`] and
//! [`SENTENCES_CHANGED_AT_FIRST`] are what the detectors of then made of them. Values are made up.

use crate::by_hand::Case;

/// So many of [`CASES`] have to be found.
pub(crate) const FOUND_AT_LEAST: usize = 0;

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
    "Enter passphrase for key /root/.ssh/id_ed25519:",
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
