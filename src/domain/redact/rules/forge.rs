//! Keys of code hosts, package registries, build services and infrastructure tools.

use super::Rule;
use crate::domain::redact::Kind::{ApiKey, Secret, Token};

pub(super) const RULES: &[Rule] = &[
    Rule::key("github-token", Token, &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"gh[pousr]_[A-Za-z0-9_.-]{36,400}"),
    Rule::key("github-pat", Token, &["github_pat_"], r"github_pat_[A-Za-z0-9_]{60,100}"),
    Rule::key(
        "gitlab-token",
        Token,
        &[
            "glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-",
            "gloas-", "glffct-", "glwt-",
        ],
        r"gl(?:pat|dt|rtr?|cbt|ptt|ft|soat|imt|agent|oas|ffct|wt)-[A-Za-z0-9_.-]{20,120}",
    ),
    Rule::key("gitlab-runner-token", Token, &["GR1348941"], r"GR1348941[A-Za-z0-9_-]{20}"),
    Rule::key("bitbucket-token", Token, &["ATBB"], r"ATBB[A-Za-z0-9]{28,36}"),
    Rule::key("atlassian-token", Token, &["ATATT3", "ATCTT3"], r"AT[AC]TT3[A-Za-z0-9_=-]{60,220}"),
    Rule::key("npm-token", Token, &["npm_"], r"npm_[A-Za-z0-9]{36}"),
    Rule::context(
        "npmrc-auth",
        Token,
        &["_authtoken", "_auth", "_password"],
        r#"(?i:_authToken|_auth|_password)\s*=\s*["']?([A-Za-z0-9+/=_.-]{8,})"#,
    ),
    Rule::key("pypi-token", Token, &["pypi-AgE"], r"pypi-AgE[A-Za-z0-9_-]{50,300}"),
    Rule::key("rubygems-key", ApiKey, &["rubygems_"], r"rubygems_[a-f0-9]{48}"),
    Rule::key("crates-token", Token, &["cio"], r"cio[A-Za-z0-9]{32}"),
    Rule::key("nuget-key", ApiKey, &["oy2"], r"oy2[a-z0-9]{43}"),
    Rule::key("docker-token", Token, &["dckr_"], r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,60}"),
    Rule::key("clojars-token", Token, &["CLOJARS_"], r"CLOJARS_[a-z0-9]{60}"),
    Rule::key(
        "artifactory-key",
        ApiKey,
        &["AKCp", "cmVmdGtu"],
        r"(?:AKCp[A-Za-z0-9]{60,80}|cmVmdGtu[A-Za-z0-9]{50,80})",
    ),
    Rule::key("circleci-token", Token, &["CCIPAT_", "CCIPRJ_"], r"CCIP(?:AT|RJ)_[A-Za-z0-9]{20,24}_[a-f0-9]{40}"),
    Rule::key("buildkite-token", Token, &["bkua_", "bkat_", "bkct_"], r"bk(?:ua|at|ct)_[A-Za-z0-9]{30,60}"),
    Rule::key("sonar-token", Token, &["sqp_", "sqa_", "squ_"], r"sq[pau]_[a-f0-9]{40}"),
    Rule::key("snyk-token", Token, &["snyk_"], r"snyk_(?:uat|sat)\.[A-Za-z0-9._-]{20,200}"),
    Rule::key("hashicorp-vault-token", Token, &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{20,300}"),
    Rule::key("vault-legacy-token", Token, &["s."], r"s\.[A-Za-z0-9]{24}").check(mixed),
    Rule::key("terraform-cloud-token", Token, &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}")
        .back(14),
    Rule::key("pulumi-token", Token, &["pul-"], r"pul-[a-f0-9]{40}"),
    Rule::key(
        "doppler-token",
        Token,
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|ct|sa|scim|audit|st\.[a-z0-9_-]{2,35}|st)\.[A-Za-z0-9]{40,44}",
    ),
    Rule::key("infisical-token", Token, &["st."], r"st\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}"),
    Rule::key("1password-token", Token, &["ops_eyJ"], r"ops_eyJ[A-Za-z0-9+/_-]{100,}={0,2}").reach(1000),
    Rule::key(
        "1password-secret-key",
        Secret,
        &["A3-"],
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
    Rule::key("tailscale-key", ApiKey, &["tskey-"], r"tskey-[a-z]+-[A-Za-z0-9]{6,24}-[A-Za-z0-9]{20,48}"),
    Rule::key("openshift-token", Token, &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}"),
    Rule::key("rancher-token", Token, &["token-"], r"token-[a-z0-9]{5}:[a-z0-9]{54}"),
    Rule::key(
        "kubeadm-token",
        Token,
        &["--token", "token:"],
        r#"(?:--token|token:)[ =]+["']?([a-z0-9]{6}\.[a-z0-9]{16})"#,
    ),
    Rule::key(
        "age-key",
        Secret,
        &["AGE-SECRET-KEY-"],
        r"(?i:AGE-SECRET-KEY-1)[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7Lqpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}",
    ),
    Rule::key("postman-key", ApiKey, &["PMAK-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Rule::key(
        "launchdarkly-key",
        ApiKey,
        &["sdk-", "mob-", "api-"],
        r"(?:sdk|mob|api)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}",
    ),
    Rule::key("prefect-key", ApiKey, &["pnu_", "pnb_"], r"pn[ub]_[A-Za-z0-9]{36}"),
    Rule::key(
        "sourcegraph-token",
        Token,
        &["sgp_", "slk_"],
        r"(?:sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}|slk_[a-f0-9]{64})",
    ),
    Rule::key(
        "drone-or-harness-token",
        Token,
        &["pat.", "sat."],
        r"[ps]at\.[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\.[A-Za-z0-9]{20}",
    ),
];

/// The old tokens of Vault have no mark but `s.`: only those that mix everything count.
fn mixed(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value[2..].bytes().filter(test).count() >= 2;
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && super::is_no_sample(value)
}
