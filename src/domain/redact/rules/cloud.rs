//! Keys of clouds and hosts. The formats are those that the vendors document for scanners.

use super::Rule;
use crate::domain::redact::Kind::{ApiKey, Secret, Token};

pub(super) const RULES: &[Rule] = &[
    Rule::key(
        "aws-access-key",
        ApiKey,
        &["AKIA", "ASIA", "ABIA", "ACCA", "A3T"],
        r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    ),
    Rule::context(
        "aws-secret-key",
        Secret,
        &["aws_secret", "secret_access_key", "secretaccesskey", "aws_sec"],
        r#"(?i:aws_secret\w*|secret_?access_?key|aws_sec\w*)\\*["']?[\s:=>,]+\\*["']?([A-Za-z0-9/+=]{40})"#,
    )
    .check(super::is_no_sample),
    Rule::context(
        "aws-session-token",
        Token,
        &["aws_session_token", "sessiontoken", "x-amz-security-token"],
        r#"(?i:aws_session_token|session_?token|x-amz-security-token)\\*["']?[\s:=>]+\\*["']?([A-Za-z0-9/+=%]{60,})"#,
    )
    .check(super::is_no_sample)
    .reach(2200),
    Rule::key("aws-bedrock-key", ApiKey, &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,}={0,2}"),
    Rule::key("google-api-key", ApiKey, &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
    Rule::key("google-auth-key", ApiKey, &["AQ.A"], r"AQ\.A[A-Za-z0-9_-]{30,120}"),
    Rule::key("google-oauth-secret", Secret, &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    Rule::key("google-access-token", Token, &["ya29."], r"ya29\.[A-Za-z0-9_.-]{20,500}").reach(600),
    Rule::key("google-refresh-token", Token, &["1//0"], r"1//0[A-Za-z0-9_-]{30,200}"),
    Rule::context(
        "azure-storage-key",
        ApiKey,
        &["accountkey", "account-key", "sharedaccesskey", "storage_key"],
        r#"(?i:account-?key|sharedaccesskey|storage_key)\\*["']?[\s:=]+\\*["']?([A-Za-z0-9+/]{40,88}={0,2})"#,
    )
    .check(super::is_no_sample),
    Rule::key("azure-client-secret", Secret, &["7Q~", "8Q~"], r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_.~-]{31,34}")
        .back(3),
    Rule::key("azure-devops-token", Token, &["AZDO"], r"AZDO[A-Za-z0-9]{4}[A-Za-z0-9]{44,80}"),
    Rule::key("alibaba-access-key", ApiKey, &["LTAI"], r"LTAI[A-Za-z0-9]{12,24}"),
    Rule::key("tencent-secret-id", ApiKey, &["AKID"], r"AKID[A-Za-z0-9]{32}"),
    Rule::key("digitalocean-token", Token, &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[a-f0-9]{64}"),
    Rule::key("heroku-key", ApiKey, &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,64}"),
    Rule::key("scaleway-key", ApiKey, &["SCW"], r"SCW[A-Z0-9]{17}"),
    Rule::key("yandex-key", ApiKey, &["AQVN", "YCAJ"], r"(?:AQVN[A-Za-z0-9_-]{35,38}|YCAJ[A-Za-z0-9_-]{21,36})"),
    Rule::key("yandex-token", Token, &["t1.9"], r"t1\.9[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]{40,120}"),
    Rule::key("ibm-platform-key", ApiKey, &["ibm_"], r"ibm_[A-Za-z0-9_-]{44}"),
    Rule::key("cloudflare-origin-key", ApiKey, &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    Rule::key("cloudflare-token", Token, &["cfut_", "cfat_", "cfk_"], r"cf(?:ut|at|k)_[A-Za-z0-9_-]{36,60}"),
    Rule::context(
        "cloudflare-tunnel",
        Token,
        &["cloudflared"],
        r"cloudflared[^\n]*?--token[ =]([A-Za-z0-9+/=_-]{40,})",
    ),
    Rule::key(
        "fly-token",
        Token,
        &["fo1_", "fm1", "fm2_"],
        r"(?:fo1_[A-Za-z0-9_-]{43}|fm1[ar]_[A-Za-z0-9+/]{60,}={0,2}|fm2_[A-Za-z0-9+/]{60,}={0,2})",
    ),
    Rule::key("render-key", ApiKey, &["rnd_"], r"rnd_[A-Za-z0-9]{28,40}"),
    Rule::key("supabase-key", ApiKey, &["sbp_", "sb_secret_"], r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{22,60})"),
    Rule::key("planetscale-token", Token, &["pscale_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}"),
    Rule::key("neon-key", ApiKey, &["napi_"], r"napi_[a-z0-9]{60,80}"),
    Rule::key("databricks-token", Token, &["dapi"], r"dapi[a-f0-9]{32}(?:-\d{1,2})?"),
    Rule::key("vercel-token", Token, &["vcp_", "vci_", "vca_", "vcr_", "vck_"], r"vc[piark]_[A-Za-z0-9]{24,80}"),
    Rule::key("netlify-token", Token, &["nfp_"], r"nfp_[A-Za-z0-9]{36,60}"),
];
