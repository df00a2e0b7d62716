//! Fifty kinds of secrets as they turn up in operations, made from their descriptions and not from any detector.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use crate::draw::{ALNUM, BASE64, Draw, HEX, LOWER, WORDY};
use crate::worded;

/// A text and the secret in it.
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) secret: String,
}

/// `text`, in which `secret` stands.
pub(crate) fn sample(text: String, secret: &str) -> Sample {
    assert!(text.contains(secret), "{text} lacks {secret}");
    Sample { text, secret: secret.to_owned() }
}

/// Makes one sample.
pub(crate) type Make = fn(&mut Draw) -> Sample;

/// So many of 25 samples of each kind have to be found. Before the detectors knew of the last ten kinds it was 1,015: all of
/// the others, and 15 of the 250 of those.
pub(crate) const FOUND_AT_LEAST: usize = 1240;

/// Name and maker of every kind.
pub(crate) const KINDS: [(&str, Make); 50] = [
    ("dsn", dsn),
    ("url userinfo", url_userinfo),
    ("go dsn", go_dsn),
    ("environment password", environment_password),
    ("environment token", environment_token),
    ("mysql -p", mysql_option),
    ("sshpass", sshpass),
    ("curl -u", curl_user),
    ("basic header", basic),
    ("bearer header", bearer),
    ("key header", key_header),
    ("cookie header", cookie),
    ("set-cookie", set_cookie),
    ("truncated pem", truncated_pem),
    ("one-line pem", one_line_pem),
    ("whole pem", whole_pem),
    ("pager routing key", routing_key),
    ("kubernetes secret", kubernetes_secret),
    ("kubernetes env", kubernetes_env),
    ("docker config", docker_config),
    ("kubeconfig", kubeconfig),
    ("prose english", prose_english),
    ("prose german", prose_german),
    ("prose french", prose_french),
    ("prose spanish", prose_spanish),
    ("bcrypt", bcrypt),
    ("shadow", shadow),
    ("pgpass", pgpass),
    ("netrc", netrc),
    ("json password", json_password),
    ("yaml password", yaml_password),
    ("toml and ini password", ini_password),
    ("connection string", connection_string),
    ("ldap bind", ldap_bind),
    ("snmp community", snmp_community),
    ("signed url", signed_url),
    ("totp seed", totp),
    ("redis", redis),
    ("sql password", sql),
    ("log of a tool", tool_log),
    ("key in words", worded::key_in_words),
    ("pair of keys in words", worded::pair_of_keys),
    ("passphrase of words", worded::passphrase_of_words),
    ("pin", worded::pin),
    ("other languages", worded::password_of_other_languages),
    ("aws pair", worded::aws_pair),
    ("keyring and obscured", worded::keyring),
    ("digest response", worded::digest_response),
    ("secret in a path", worded::secret_in_a_path),
    ("terraform output", worded::terraform_output),
];

fn dsn(d: &mut Draw) -> Sample {
    let secret = d.password();
    let scheme = d.of(&["postgres", "postgresql", "mysql", "amqp", "mongodb+srv", "redis", "clickhouse"]);
    let url = format!("{scheme}://{}:{secret}@{}:{}/orders", d.user(), d.host(), 1000 + d.below(9000));
    let text = match d.below(4) {
        0 => format!("2026-01-03T10:00:00Z ERROR cannot connect to {url}?sslmode=require: timeout"),
        1 => format!("DATABASE_URL={url}\nPORT=8080\n"),
        2 => format!("  url: \"{url}\"\n  pool: 5\n"),
        _ => format!("{{\"level\":\"error\",\"msg\":\"dial {url}\"}}"),
    };
    sample(text, &secret)
}

fn url_userinfo(d: &mut Draw) -> Sample {
    let secret = d.text(ALNUM, 20);
    let text = match d.below(4) {
        0 => format!("git clone https://deploy:{secret}@git.corp.local/infra/x.git"),
        1 => format!("proxy=http://{}:{secret}@proxy.corp:3128", d.user()),
        2 => format!("redis://:{secret}@{}:6379/0", d.host()),
        _ => format!("fetching https://{secret}@artifacts.internal/repo failed: 403"),
    };
    sample(text, &secret)
}

fn go_dsn(d: &mut Draw) -> Sample {
    let secret = d.password();
    sample(format!("dsn: \"{}:{secret}@tcp({}:3306)/orders?parseTime=true\"", d.user(), d.host()), &secret)
}

fn environment_password(d: &mut Draw) -> Sample {
    let secret = d.password();
    let name = d.of(&[
        "PGPASSWORD",
        "MYSQL_PWD",
        "DB_PASSWORD",
        "REDIS_PASSWORD",
        "RABBITMQ_DEFAULT_PASS",
        "SMTP_PASSWORD",
        "SSHPASS",
    ]);
    let text = match d.below(4) {
        0 => format!("{name}={secret} psql -h {} -U app", d.host()),
        1 => format!("export {name}='{secret}'"),
        2 => format!("Environment:\n  {name}: {secret}\n  LOG_LEVEL: info\n"),
        _ => format!("HOME=/root\n{name}={secret}\nPATH=/usr/bin\n"),
    };
    sample(text, &secret)
}

fn environment_token(d: &mut Draw) -> Sample {
    let secret = d.text(ALNUM, 32);
    let name = d.of(&[
        "API_TOKEN",
        "APP_SECRET",
        "ENCRYPTION_KEY",
        "CI_JOB_TOKEN",
        "JWT_SECRET",
        "CONSUL_HTTP_TOKEN",
        "WEBHOOK_SECRET",
    ]);
    let text = match d.below(3) {
        0 => format!("docker run -e {name}={secret} app:1.2"),
        1 => format!("{name}=\"{secret}\" ./deploy.sh"),
        _ => format!("ENV {name}={secret}\n"),
    };
    sample(text, &secret)
}

fn mysql_option(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("$ mysql -h {} -u root -p{secret} -e 'show processlist'", d.host()),
        1 => format!("mysqldump -uroot -p'{secret}' orders > dump.sql"),
        2 => format!("+ mysqladmin --host={} -u admin -p{secret} status", d.host()),
        _ => format!("mariadb -uapp --password={secret} shop"),
    };
    sample(text, &secret)
}

fn sshpass(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(3) {
        0 => format!("sshpass -p {secret} ssh root@{} uptime", d.host()),
        1 => format!("sshpass -p '{secret}' scp f {}:/tmp", d.host()),
        _ => format!("run: sshpass -p\"{secret}\" ssh -o StrictHostKeyChecking=no x"),
    };
    sample(text, &secret)
}

fn curl_user(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("curl -u admin:{secret} http://{}:9200/_cat/health", d.host()),
        1 => format!("curl -s --user 'elastic:{secret}' https://es:9200"),
        2 => format!("curl -sku \"{}:{secret}\" https://{}/api", d.user(), d.host()),
        _ => format!("wget --http-user=admin --http-password={secret} http://x/y"),
    };
    sample(text, &secret)
}

fn basic(d: &mut Draw) -> Sample {
    let secret = BASE64_STANDARD.encode(format!("{}:{}", d.user(), d.password()));
    let text = match d.below(3) {
        0 => format!("> GET /x HTTP/1.1\n> Authorization: Basic {secret}\n> Accept: */*"),
        1 => format!("curl -H 'Authorization: Basic {secret}' https://x"),
        _ => format!("{{\"headers\":{{\"authorization\":\"Basic {secret}\"}}}}"),
    };
    sample(text, &secret)
}

fn bearer(d: &mut Draw) -> Sample {
    let length = 20 + d.below(40);
    let secret = d.text(WORDY, length).trim_matches(['-', '_']).to_owned() + "7";
    let text = match d.below(4) {
        0 => format!("Authorization: Bearer {secret}\r\nHost: api"),
        1 => format!("curl -H \"Authorization: Bearer {secret}\" https://prom/api/v1/query"),
        2 => format!("req headers=map[Authorization:[Bearer {secret}] Accept:[*/*]]"),
        _ => format!("{{\"Authorization\": \"Bearer {secret}\"}}"),
    };
    sample(text, &secret)
}

fn key_header(d: &mut Draw) -> Sample {
    let secret = d.text(LOWER, 32);
    let name = d.of(&["X-Api-Key", "X-Auth-Token", "X-Vault-Token", "PRIVATE-TOKEN", "x-api-key", "X-Consul-Token"]);
    let text = match d.below(3) {
        0 => format!("curl -H '{name}: {secret}' https://{}/v1", d.host()),
        1 => format!("> {name}: {secret}\n> User-Agent: x"),
        _ => format!("{{\"{name}\":\"{secret}\",\"Accept\":\"*/*\"}}"),
    };
    sample(text, &secret)
}

fn cookie(d: &mut Draw) -> Sample {
    let secret = d.text(ALNUM, 32);
    let name = d.of(&["JSESSIONID", "session", "grafana_session", "PHPSESSID", "sid", "auth"]);
    let text = match d.below(3) {
        0 => format!("Cookie: theme=dark; {name}={secret}; lang=en\n"),
        1 => format!("curl -b '{name}={secret}' https://grafana/api/health"),
        _ => format!("{{\"cookie\":\"{name}={secret}\",\"status\":200}}"),
    };
    sample(text, &secret)
}

fn set_cookie(d: &mut Draw) -> Sample {
    let secret = d.text(HEX, 40);
    let name = d.of(&["SESSIONID", "connect.sid", "_app_session", "remember_token", "SID"]);
    sample(format!("< HTTP/1.1 200 OK\n< Set-Cookie: {name}={secret}; Path=/; HttpOnly; Secure\n<"), &secret)
}

fn pem_lines(d: &mut Draw, lines: usize) -> Vec<String> {
    (0..lines).map(|_| d.text(BASE64, 64)).collect()
}

fn truncated_pem(d: &mut Draw) -> Sample {
    let kind = d.of(&["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"]);
    let lines = pem_lines(d, 4);
    let text = match d.below(3) {
        0 => format!("-----BEGIN {kind}-----\n{}\n", lines.join("\n")),
        1 => format!("key:\n    -----BEGIN {kind}-----\n    {}\n[output truncated]", lines.join("\n    ")),
        _ => format!("{}\n-----END {kind}-----\n", lines.join("\n")),
    };
    sample(text, &lines[2])
}

fn one_line_pem(d: &mut Draw) -> Sample {
    let lines = pem_lines(d, 5);
    let text = format!(
        "{{\"type\":\"service_account\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n\",\"x\":1}}",
        lines.join("\\n")
    );
    sample(text, &lines[3])
}

fn whole_pem(d: &mut Draw) -> Sample {
    let lines = pem_lines(d, 12);
    let text = format!(
        "tls.key: |\n  -----BEGIN RSA PRIVATE KEY-----\n  {}\n  -----END RSA PRIVATE KEY-----\nnext: 1\n",
        lines.join("\n  ")
    );
    sample(text, &lines[10])
}

fn routing_key(d: &mut Draw) -> Sample {
    let secret = d.text(LOWER, 31) + "4";
    let text = match d.below(4) {
        0 => format!("pagerduty_configs:\n- routing_key: {secret}\n"),
        1 => format!("{{\"routing_key\":\"{secret}\",\"event_action\":\"trigger\"}}"),
        2 => format!("pagerduty_configs:\n  - service_key: '{secret}'\n"),
        _ => format!("The PagerDuty integration key is {secret}, use it for tests."),
    };
    sample(text, &secret)
}

fn kubernetes_secret(d: &mut Draw) -> Sample {
    let secret = BASE64_STANDARD.encode(d.password());
    let text = match d.below(3) {
        0 => format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {secret}\n  user: YXBw\ntype: Opaque\n"
        ),
        1 => format!("apiVersion: v1\ndata:\n  blob: {secret}\nkind: Secret\nmetadata:\n  name: db\n"),
        _ => format!("{{\"apiVersion\":\"v1\",\"data\":{{\"x\":\"{secret}\"}},\"kind\":\"Secret\"}}"),
    };
    sample(text, &secret)
}

fn kubernetes_env(d: &mut Draw) -> Sample {
    let secret = d.password();
    let name = d.of(&["DB_PASSWORD", "ADMIN_PASSWORD", "SMTP_PASSWORD"]);
    let text = match d.below(2) {
        0 => format!("        env:\n        - name: {name}\n          value: {secret}\n        - name: A\n"),
        _ => format!("\"env\":[{{\"name\":\"{name}\",\"value\":\"{secret}\"}}]"),
    };
    sample(text, &secret)
}

fn docker_config(d: &mut Draw) -> Sample {
    let auth = BASE64_STANDARD.encode(format!("robot:{}", d.password()));
    if d.below(2) == 0 {
        return sample(format!("{{\"auths\":{{\"registry.corp\":{{\"auth\":\"{auth}\"}}}}}}"), &auth);
    }
    let secret = BASE64_STANDARD.encode(format!("{{\"auths\":{{\"registry.corp\":{{\"auth\":\"{auth}\"}}}}}}"));
    sample(format!("  .dockerconfigjson: {secret}\n"), &secret)
}

fn kubeconfig(d: &mut Draw) -> Sample {
    let key = BASE64_STANDARD.encode(format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", d.text(BASE64, 120)));
    let token = BASE64_URL_SAFE_NO_PAD.encode(d.text(ALNUM, 30));
    match d.below(2) {
        0 => sample(format!("users:\n- name: admin\n  user:\n    client-key-data: {key}\n"), &key),
        _ => sample(format!("users:\n- name: sa\n  user:\n    token: {token}\n"), &token),
    }
}

fn prose_english(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(6) {
        0 => format!("The root password is {secret}, please change it."),
        1 => format!("fyi the password for the staging db is now {secret}"),
        2 => format!("Log in with admin and password: {secret}\nthen restart."),
        3 => format!("we reset it, new pw is `{secret}`"),
        4 => format!("Use the passphrase \"{secret}\" to open the vault."),
        _ => format!("the password was changed to {secret} yesterday"),
    };
    sample(text, &secret)
}

fn prose_german(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(3) {
        0 => format!("Das Passwort lautet {secret} und gilt bis Montag."),
        1 => format!("Kennwort für den Server: {secret}"),
        _ => format!("Das Root-Passwort ist jetzt {secret}."),
    };
    sample(text, &secret)
}

fn prose_french(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(3) {
        0 => format!("Le mot de passe est {secret}, merci."),
        1 => format!("mot de passe : {secret}"),
        _ => format!("Le mot de passe de la base est « {secret} »."),
    };
    sample(text, &secret)
}

fn prose_spanish(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(3) {
        0 => format!("La contraseña es {secret} hasta el lunes."),
        1 => format!("contraseña: {secret}"),
        _ => format!("La clave del servidor es {secret}"),
    };
    sample(text, &secret)
}

fn bcrypt(d: &mut Draw) -> Sample {
    let secret = format!("$2{}$1{}${}", d.of(&["a", "b", "y"]), d.below(9), d.text(&format!("{ALNUM}./"), 53));
    let text = match d.below(3) {
        0 => format!("admin:{secret}\n"),
        1 => format!("INSERT INTO users VALUES (1,'admin','{secret}');"),
        _ => format!("basic_auth_users:\n  prom: {secret}\n"),
    };
    sample(text, &secret)
}

fn shadow(d: &mut Draw) -> Sample {
    let salt = d.text(ALNUM, 12);
    let hash = d.text(&format!("{ALNUM}./"), 86);
    let secret = match d.below(3) {
        0 => format!("$6${salt}${hash}"),
        1 => format!("$y$j9T${salt}${}", &hash[..43]),
        _ => format!("$5$rounds=5000${salt}${}", &hash[..43]),
    };
    sample(format!("{}:{secret}:19000:0:99999:7:::\n", d.user()), &secret)
}

fn pgpass(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(2) {
        0 => format!("{}:5432:orders:{}:{secret}\n", d.host(), d.user()),
        _ => format!("*:*:*:{}:{secret}\n", d.user()),
    };
    sample(text, &secret)
}

fn netrc(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(2) {
        0 => format!("machine git.corp login {} password {secret}\n", d.user()),
        _ => format!("machine git.corp\n  login {}\n  password {secret}\n", d.user()),
    };
    sample(text, &secret)
}

fn json_password(d: &mut Draw) -> Sample {
    let secret = d.password();
    let name = d.of(&["password", "Password", "dbPassword", "admin_password", "passwd"]);
    let text = match d.below(3) {
        0 => format!("{{\"user\":\"app\",\"{name}\":\"{secret}\",\"port\":5432}}"),
        1 => format!("msg=\"body: {{\\\"user\\\":\\\"app\\\",\\\"{name}\\\":\\\"{secret}\\\"}}\""),
        _ => format!("{{'user': 'app', '{name}': '{secret}'}}"),
    };
    sample(text, &secret)
}

fn yaml_password(d: &mut Draw) -> Sample {
    let secret = d.password();
    let name = d.of(&["password", "adminPassword", "db_password", "smtp_auth_password", "secret_key_passphrase"]);
    let text = match d.below(3) {
        0 => format!("grafana:\n  {name}: {secret}\n  port: 3000\n"),
        1 => format!("  {name}: \"{secret}\"  # rotate\n"),
        _ => format!("- {name}: '{secret}'\n"),
    };
    sample(text, &secret)
}

fn ini_password(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("[database]\npassword = \"{secret}\"\n"),
        1 => format!("[client]\nuser=root\npassword={secret}\n"),
        2 => format!("spring.datasource.password={secret}\n"),
        _ => format!("admin_password = {secret} ; initial\n"),
    };
    sample(text, &secret)
}

fn connection_string(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("Server={};Database=x;User Id=sa;Password={secret};Encrypt=true", d.host()),
        1 => format!("\"Data Source=db;User ID=app;Pwd={secret};\""),
        2 => format!("host={} port=5432 dbname=x user=app password={secret} sslmode=disable", d.host()),
        _ => format!("jdbc:postgresql://{}/x?user=app&password={secret}&ssl=true", d.host()),
    };
    sample(text, &secret)
}

fn ldap_bind(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("ldapsearch -x -D cn=admin,dc=x -w {secret} -b dc=x uid=jdoe"),
        1 => format!("binddn cn=admin,dc=x\nbindpw {secret}\n"),
        2 => format!("olcRootPW: {secret}\n"),
        _ => format!("bind_dn = \"cn=grafana\"\nbind_password = '{secret}'\n"),
    };
    sample(text, &secret)
}

fn snmp_community(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("snmpwalk -v2c -c {secret} {} sysDescr", d.host()),
        1 => format!("rocommunity {secret} 10.0.0.0/8\n"),
        2 => format!("snmp-server community {secret} RO\n"),
        _ => format!("auth:\n  community: {secret}\n"),
    };
    sample(text, &secret)
}

fn signed_url(d: &mut Draw) -> Sample {
    let hex = d.text(HEX, 64);
    let sig = d.text(ALNUM, 42) + "%3D";
    match d.below(3) {
        0 => sample(
            format!(
                "GET https://b.s3.amazonaws.com/k?X-Amz-Date=20260101T000000Z&X-Amz-Signature={hex}&X-Amz-Expires=300"
            ),
            &hex,
        ),
        1 => sample(format!("https://acct.blob.core.windows.net/c/f?sv=2022-11-02&se=2026-01-01&sig={sig}"), &sig),
        _ => sample(
            format!("download https://storage.googleapis.com/b/o?X-Goog-Expires=60&X-Goog-Signature={hex} failed"),
            &hex,
        ),
    }
}

fn totp(d: &mut Draw) -> Sample {
    let secret = d.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32);
    let text = match d.below(3) {
        0 => format!("otpauth://totp/Corp:jdoe@corp.example?secret={secret}&issuer=Corp"),
        1 => format!("totp_secret: {secret}\n"),
        _ => format!("MFA secret key: {secret}"),
    };
    sample(text, &secret)
}

fn redis(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("port 6379\nrequirepass {secret}\nmaxmemory 1gb\n"),
        1 => format!("masterauth \"{secret}\"\n"),
        2 => format!("redis-cli -h {} -a {secret} INFO", d.host()),
        _ => format!("10.0.0.1:6379> AUTH {secret}\nOK\n"),
    };
    sample(text, &secret)
}

fn sql(d: &mut Draw) -> Sample {
    let secret = d.password();
    let text = match d.below(4) {
        0 => format!("CREATE USER 'app'@'%' IDENTIFIED BY '{secret}';"),
        1 => format!("ALTER USER app WITH PASSWORD '{secret}';"),
        2 => format!("ALTER ROLE app ENCRYPTED PASSWORD '{secret}' VALID UNTIL 'infinity'"),
        _ => format!("SET PASSWORD FOR 'app'@'%' = PASSWORD('{secret}');"),
    };
    sample(text, &secret)
}

fn tool_log(d: &mut Draw) -> Sample {
    let secret = d.password();
    let token = d.text(LOWER, 6) + "." + &d.text(LOWER, 16);
    match d.below(7) {
        0 => {
            sample(format!("ansible: changed: [{}] => {{\"cmd\": \"--password {secret} --force\"}}", d.host()), &secret)
        }
        1 => sample(format!("type=EXECVE argc=4 a0=\"backup\" a1=\"--password={secret}\" a2=\"/srv\""), &secret),
        2 => sample(
            format!(
                "kubeadm join {}:6443 --token {token} --discovery-token-ca-cert-hash sha256:{}",
                d.host(),
                d.text(HEX, 64)
            ),
            &token,
        ),
        3 => sample(format!("echo {secret} | docker login -u robot --password-stdin registry.corp"), &secret),
        4 => sample(format!("echo 'root:{secret}' | chpasswd"), &secret),
        5 => sample(format!("kubectl create secret generic db --from-literal=password={secret} -n prod"), &secret),
        _ => sample(format!("openssl rsa -in key.pem -passin pass:{secret} -out out.pem"), &secret),
    }
}
