//! Ten more kinds of secrets of operations: those that stand in words, and those whose name says little.
//!
//! Made from their descriptions like the others of `operations`, and not from any detector.

use crate::draw::{ALNUM, BASE64, Draw, HEX, LOWER, WORDY};
use crate::operations::{Sample, sample};

/// What a person calls a key that a service gave out.
const SERVICES: [&str; 6] = ["the status page", "statuspage", "the pager", "billing", "our probe", "the CDN"];

/// A key as services give them out, with a digit and a letter at least.
fn drawn_key(d: &mut Draw) -> String {
    let length = 16 + 4 * d.below(5);
    let alphabet = d.of(&[HEX, LOWER, ALNUM]);
    format!("a7{}", d.text(alphabet, length))
}

pub(crate) fn key_in_words(d: &mut Draw) -> Sample {
    let secret = drawn_key(d);
    let name = d.of(&["api key", "API key", "Api-Key", "apikey", "auth key", "access key"]);
    let text = match d.below(5) {
        0 => format!("{name}: {secret}"),
        1 => format!("the {name} {secret} is for {}, please keep it", d.of(&SERVICES)),
        2 => format!("{name} = {secret}"),
        3 => format!("New {name} for {}: {secret}.", d.of(&SERVICES)),
        _ => format!("we got {name} `{secret}` from them"),
    };
    sample(text, &secret)
}

pub(crate) fn pair_of_keys(d: &mut Draw) -> Sample {
    let secret = d.password();
    let id = d.text(LOWER, 12);
    let text = match d.below(3) {
        0 => format!("access key: {id}, secret key: {secret}"),
        1 => format!("Access key = {id}\nSecret key = {secret}\n"),
        _ => format!("minio login: access key {id} and secret key {secret}"),
    };
    sample(text, &secret)
}

pub(crate) fn passphrase_of_words(d: &mut Draw) -> Sample {
    const WORDS: [&str; 10] =
        ["copper", "lantern", "violet", "anchor", "meadow", "granite", "pepper", "harbour", "willow", "saddle"];
    let words: Vec<&str> = (0..4 + d.below(2)).map(|_| d.of(&WORDS)).collect();
    let secret = words.join(" ");
    let text = match d.below(5) {
        0 => format!("passphrase {secret}"),
        1 => format!("The passphrase is \"{secret}\"."),
        2 => format!("passphrase: {secret}\n"),
        3 => format!("Passphrase of the backup key = '{secret}'"),
        _ => format!("unlock it with passphrase `{secret}`, then mount it"),
    };
    sample(text, &secret)
}

pub(crate) fn pin(d: &mut Draw) -> Sample {
    let secret = format!("4{}7", d.text("123456789", 4));
    let text = match d.below(5) {
        0 => format!("PIN {secret}"),
        1 => format!("the PIN is {secret}, three tries"),
        2 => format!("PIN: {secret}"),
        3 => format!("user PIN {secret}\nSO PIN 1{secret}"),
        _ => format!("pkcs11-tool --login --pin {secret} -O"),
    };
    sample(text, &secret)
}

pub(crate) fn password_of_other_languages(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(8) {
        0 => format!("Passwort {secret} für den Zugang"),
        1 => format!("Bitte mit dem Kennwort \"{secret}\" anmelden."),
        2 => format!("avec le mot de passe {secret} ça marche"),
        3 => format!("con la contraseña {secret} funciona"),
        4 => format!("La password è {secret}, grazie."),
        5 => format!("Het wachtwoord is {secret} vandaag."),
        6 => format!("A senha é {secret} até amanhã."),
        _ => format!("Lösenord: {secret}"),
    };
    sample(text, &secret)
}

pub(crate) fn aws_pair(d: &mut Draw) -> Sample {
    let id = format!("AKIA{}", d.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    let secret = format!("{}/x3{}", d.text(ALNUM, 9), d.text(BASE64, 28));
    let text = match d.below(5) {
        0 => format!("{id} {secret}"),
        1 => format!("{id}\n{secret}\n"),
        2 => format!("{id},{secret}\n"),
        3 => format!("key {id} with {secret} works"),
        _ => format!("id: {id}\nsecret: {secret}\n"),
    };
    sample(text, &secret)
}

pub(crate) fn keyring(d: &mut Draw) -> Sample {
    if d.below(2) == 0 {
        let secret = format!("AQ{}==", d.text(BASE64, 36));
        let text = match d.below(2) {
            0 => format!("[client.{}]\n\tkey = {secret}\n\tcaps mgr = \"allow r\"\n", d.user()),
            _ => format!("osd.{}\n\tkey: {secret}\n\tcaps: [mon] allow profile osd\n", d.below(40)),
        };
        return sample(text, &secret);
    }
    let length = 22 + d.below(30);
    let secret = format!("{}x", d.text(WORDY, length));
    sample(format!("[remote]\ntype = webdav\nuser = {}\npass = {secret}\nvendor = other\n", d.user()), &secret)
}

pub(crate) fn digest_response(d: &mut Draw) -> Sample {
    let secret = d.text(HEX, 32);
    let nonce = d.text(HEX, 16);
    let text = match d.below(3) {
        0 => format!(
            "Authorization: Digest username=\"{}\", realm=\"r\", nonce=\"{nonce}\", uri=\"/\", response=\"{secret}\", opaque=\"x\"",
            d.user()
        ),
        1 => format!("> Proxy-Authorization: Digest response={secret}, username=\"u\"\n"),
        _ => format!("{{\"authorization\":\"Digest username=\\\"u\\\", uri=\\\"/a\\\", response=\\\"{secret}\\\"\"}}"),
    };
    sample(text, &secret)
}

pub(crate) fn secret_in_a_path(d: &mut Draw) -> Sample {
    let secret = format!("k4{}T", d.text(ALNUM, 18 + 2));
    let host = d.of(&["chat.corp.example", "hooks.ops.example", "ci.corp.example:8443"]);
    let text = match d.below(4) {
        0 => format!("curl -X POST -d @body https://{host}/hooks/{secret}"),
        1 => format!("webhook_url: https://{host}/webhook/{secret}\n"),
        2 => format!("\"POST /api/webhooks/{secret} HTTP/1.1\" 204 0"),
        _ => format!("dial https://{host}/services/incoming/{secret}: connection refused"),
    };
    sample(text, &secret)
}

pub(crate) fn terraform_output(d: &mut Draw) -> Sample {
    let secret = d.password();
    let name = d.of(&["db_password", "admin", "bootstrap", "connection", "grafana_login"]);
    let text = match d.below(3) {
        0 => format!("{{\"{name}\":{{\"sensitive\":true,\"type\":\"string\",\"value\":\"{secret}\"}}}}"),
        1 => format!(
            "  \"{name}\": {{\n    \"sensitive\": true,\n    \"type\": \"string\",\n    \"value\": \"{secret}\"\n  }}\n"
        ),
        _ => format!("{{\"{name}\":{{\"value\":\"{secret}\",\"type\":\"string\",\"sensitive\":true}}}}"),
    };
    sample(text, &secret)
}
