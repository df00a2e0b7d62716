//! Keys in the formats that vendors document: a mark, an alphabet, a length.

use crate::draw::{ALNUM, BASE64, Draw, HEX, LOWER, UPPER, WORDY};

/// A format: its name, and a template in which `{alphabet letter}{count}` between `<` and `>` is drawn.
///
/// Alphabets: `a` letters and digits, `h` hexadecimal, `H` capital hexadecimal, `u` capitals and digits, `l` small letters
/// and digits, `w` as in base64url, `b` as in base64, `d` digits, `c` letters, `q` the letters of bech32 in capitals.
pub(crate) const FORMATS: [(&str, &str); 72] = [
    ("AWS access key", "AKIA<u16>"),
    ("AWS temporary key", "ASIA<u16>"),
    ("Google API key", "AIza<w35>"),
    ("Google OAuth secret", "GOCSPX-<w28>"),
    ("Google access token", "ya29.<w100>"),
    ("GitHub token", "ghp_<a36>"),
    ("GitHub server token", "ghs_<a36>"),
    ("GitHub fine-grained token", "github_pat_<a22>_<a59>"),
    ("GitLab token", "glpat-<a20>"),
    ("GitLab runner token", "glrt-<a20>"),
    ("Slack bot token", "xoxb-<d12>-<d13>-<a24>"),
    ("Slack app token", "xapp-1-A<u10>-<d13>-<h64>"),
    ("Slack webhook", "https://hooks.slack.com/services/T<u10>/B<u10>/<a24>"),
    ("Discord webhook", "https://discord.com/api/webhooks/<d18>/<w68>"),
    (
        "Teams webhook",
        "https://corp.webhook.office.com/webhookb2/<h8>-<h4>-<h4>-<h4>-<h12>@<h8>-<h4>-<h4>-<h4>-<h12>/IncomingWebhook/<h32>/<h8>-<h4>-<h4>-<h4>-<h12>",
    ),
    ("Stripe key", "sk_live_<a24>"),
    ("Stripe restricted key", "rk_live_<a24>"),
    ("Stripe webhook secret", "whsec_<a32>"),
    ("Twilio key", "SK<h32>"),
    ("SendGrid key", "SG.<w22>.<w43>"),
    ("npm token", "npm_<a36>"),
    ("PyPI token", "pypi-AgEIcHlwaS5vcmc<w120>"),
    ("Docker token", "dckr_pat_<w27>"),
    ("DigitalOcean token", "dop_v1_<h64>"),
    ("Heroku key", "HRKU-<w60>"),
    (
        "Azure storage key",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=<b86>==;EndpointSuffix=core.windows.net",
    ),
    ("Azure client secret", "<a3>8Q~<a34>"),
    ("OpenAI key", "sk-<a48>"),
    ("OpenAI project key", "sk-proj-<w74>T3BlbkFJ<w74>"),
    ("Anthropic key", "sk-ant-api03-<w93>AA"),
    ("Hugging Face token", "hf_<c34>"),
    ("Datadog API key", "DD_API_KEY=<h32>"),
    ("Datadog application key", "DD-APPLICATION-KEY: <h40>"),
    ("Grafana service account", "glsa_<a32>_<h8>"),
    ("Grafana cloud token", "glc_<b100>"),
    ("Opsgenie key", "Authorization: GenieKey <h8>-<h4>-<h4>-<h4>-<h12>"),
    ("PagerDuty user token", "Authorization: Token token=u+<a18>"),
    ("New Relic user key", "NRAK-<u27>"),
    ("Vault token", "hvs.<w95>"),
    ("Vault legacy token", "VAULT_TOKEN=s.<a24>"),
    ("Terraform Cloud token", "<a14>.atlasv1.<a67>"),
    ("Shopify token", "shpat_<h32>"),
    ("Mailgun key", "key-<h32>"),
    ("Mailchimp key", "<h32>-us12"),
    ("Telegram bot token", "https://api.telegram.org/bot<d10>:AA<w33>/sendMessage"),
    ("Discord bot token", "MT<a24>.<w6>.<w38>"),
    ("age key", "AGE-SECRET-KEY-1<q58>"),
    ("JWT", "eyJ<a30>.eyJ<a60>.<w43>"),
    ("OpenShift token", "oc login --token=sha256~<w43>"),
    ("Databricks token", "dapi<h32>"),
    ("Atlassian token", "ATATT3<w180>=<H8>"),
    ("Bitbucket app password", "ATBB<a32>"),
    ("CircleCI token", "CCIPAT_<a22>_<h40>"),
    ("SonarQube token", "sqp_<h40>"),
    ("RubyGems key", "rubygems_<h48>"),
    ("crates.io token", "cio<a32>"),
    ("NuGet key", "oy2<l43>"),
    ("Doppler token", "dp.st.prd.<a43>"),
    ("Pulumi token", "pul-<h40>"),
    ("Postman key", "PMAK-<h24>-<h34>"),
    ("Linear key", "lin_api_<a40>"),
    ("Notion token", "ntn_<a46>"),
    ("Figma token", "figd_<w40>"),
    ("Airtable token", "pat<a14>.<h64>"),
    ("Square token", "sq0atp-<w22>"),
    ("Sentry user token", "sntryu_<h64>"),
    ("Dynatrace token", "dt0c01.<u24>.<u64>"),
    ("Tailscale key", "tskey-auth-<a17>-<a32>"),
    ("Groq key", "gsk_<a52>"),
    ("Replicate token", "r8_<a37>"),
    ("Supabase key", "sbp_<h40>"),
    ("Scaleway key", "SCW<u17>"),
];

/// One key in the format of `template`, and its longest drawn part, which may not be seen again.
pub(crate) fn key(template: &str, d: &mut Draw) -> (String, String) {
    let mut text = String::new();
    let mut longest = String::new();
    let mut rest = template;
    while let Some((plain, tail)) = rest.split_once('<') {
        text.push_str(plain);
        let (what, tail) = tail.split_once('>').unwrap();
        let alphabet = match &what[..1] {
            "a" => ALNUM,
            "h" => HEX,
            "H" => "0123456789ABCDEF",
            "u" => UPPER,
            "l" => LOWER,
            "w" => WORDY,
            "b" => BASE64,
            "d" => "0123456789",
            "c" => &ALNUM[..52],
            "q" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
            other => panic!("no alphabet {other}"),
        };
        let drawn = d.text(alphabet, what[1..].parse().unwrap());
        text.push_str(&drawn);
        if drawn.len() > longest.len() {
            longest = drawn;
        }
        rest = tail;
    }
    text.push_str(rest);
    (text, longest)
}

/// Places where keys turn up.
pub(crate) fn place(key: &str, d: &mut Draw) -> String {
    match d.below(7) {
        0 => format!("2026-01-02T03:04:05Z WARN request with {key} was refused"),
        1 => format!("config:\n  value: \"{key}\"\n  other: 1\n"),
        2 => format!("export X='{key}'\n"),
        3 => format!("{{\"a\":\"{key}\",\"b\":2}}"),
        4 => format!("Please use `{key}` until Friday."),
        5 => format!("line one\\nvalue {key}\\nline three"),
        _ => format!("({key})"),
    }
}
