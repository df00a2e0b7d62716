//! Keys of chat, mail, payment, model and other services, and addresses that are secrets themselves.

use super::Rule;
use crate::domain::redact::Kind::{ApiKey, Secret, Token, Webhook};

pub(super) const RULES: &[Rule] = &[
    Rule::key(
        "slack-token",
        Token,
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe", "xoxc-", "xoxd-"],
        r"xox(?:[bparsocd]-(?:\d-)?[A-Za-z0-9%/+=-]{10,}|e(?:\.xox[bp])?-\d-[A-Za-z0-9-]{20,})",
    ),
    Rule::key("slack-app-token", Token, &["xapp-"], r"xapp-\d-[A-Z0-9]+-\d+-[a-f0-9]{32,80}"),
    Rule::key(
        "slack-webhook",
        Webhook,
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{20,})",
    ),
    Rule::key(
        "discord-webhook",
        Webhook,
        &["discord.com/api/", "discordapp.com/api/"],
        r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d{15,21}/[A-Za-z0-9_-]{40,})",
    ),
    Rule::key(
        "discord-bot-token",
        Token,
        &["MD", "MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT"],
        r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,42}",
    ),
    Rule::context(
        "teams-webhook",
        Webhook,
        &[".webhook.office.com/"],
        r#"\.webhook\.office\.com/(webhookb2/[^\s"'<>]{40,})"#,
    ),
    Rule::context("logic-app-url", Webhook, &["/triggers/"], r#"/triggers/[^\s"']*?[?&]sig=([A-Za-z0-9_%-]{20,})"#),
    Rule::context(
        "google-chat-webhook",
        Webhook,
        &["chat.googleapis.com/"],
        r#"chat\.googleapis\.com/v1/spaces/[^\s"'?]+\?((?:key|token)=[^\s"']{20,})"#,
    ),
    Rule::context(
        "mattermost-webhook",
        Webhook,
        &["/hooks/"],
        r"/hooks/([a-z0-9]{26}|[A-Za-z0-9]{17}/[A-Za-z0-9]{40,50})\b",
    ),
    Rule::context(
        "automation-webhook",
        Webhook,
        &["hooks.zapier.com/", "maker.ifttt.com/", ".make.com/", "/webhooks/incoming/"],
        r#"(?:hooks\.zapier\.com/hooks/catch/(\d+/[a-z0-9]+)|maker\.ifttt\.com/trigger/[\w-]+/(?:json/)?with/key/([\w-]{20,50})|\.make\.com/([a-z0-9]{28,36})\b|/webhooks/incoming/([A-Za-z0-9_-]{20,}))"#,
    ),
    Rule::key("telegram-bot-token", Token, &[":AA"], r":(AA[A-Za-z0-9_-]{32,34})").edge(super::Edge::Any),
    Rule::key("twilio-key", ApiKey, &["SK", "AC"], r"(?:SK|AC)[a-f0-9]{32}"),
    Rule::key("sendgrid-key", ApiKey, &["SG."], r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    Rule::key("mailgun-key", ApiKey, &["key-", "pubkey-"], r"(?:pub)?key-[a-f0-9]{32}"),
    Rule::key(
        "mailgun-signing-key",
        ApiKey,
        &["mailgun"],
        r#"(?i:mailgun[\w. -]{0,24}key)\\*["']?[\s:=]+\\*["']?([a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8})"#,
    ),
    Rule::key("mailchimp-key", ApiKey, &["-us"], r"[a-f0-9]{32}-us\d{1,2}").back(32),
    Rule::key("brevo-key", ApiKey, &["xkeysib-", "xsmtpsib-"], r"x(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Rule::key("resend-key", ApiKey, &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,28}"),
    Rule::key(
        "stripe-key",
        ApiKey,
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "whsec_"],
        r"(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,80})",
    ),
    Rule::key(
        "square-token",
        Token,
        &["sq0", "EAAA"],
        r"(?:sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,50}|EAAA[A-Za-z0-9_-]{60})",
    ),
    Rule::key(
        "paypal-braintree-token",
        Token,
        &["access_token$"],
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    Rule::key(
        "shopify-token",
        Token,
        &["shpat_", "shpca_", "shppa_", "shpss_", "shpua_"],
        r"shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}",
    ),
    Rule::key(
        "plaid-token",
        Token,
        &["access-sandbox-", "access-production-", "access-development-"],
        r"access-(?:sandbox|production|development)-[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}",
    ),
    Rule::key(
        "openai-key",
        ApiKey,
        &["sk-"],
        r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{32,64})",
    ),
    Rule::key(
        "anthropic-key",
        ApiKey,
        &["sk-ant-"],
        r"sk-ant-(?:api|admin|oat|ort|sid)?\d{0,2}-?[A-Za-z0-9_-]{24,200}",
    ),
    Rule::key("openrouter-key", ApiKey, &["sk-or-"], r"sk-or-(?:v1-)?[a-f0-9]{48,64}"),
    Rule::key("huggingface-token", Token, &["hf_", "api_org_"], r"(?:hf|api_org)_[A-Za-z]{34,40}").check(letters_mixed),
    Rule::key("huggingface-new-token", Token, &["hf_"], r"hf_[A-Za-z0-9]{34,44}"),
    Rule::key("groq-key", ApiKey, &["gsk_"], r"gsk_[A-Za-z0-9]{48,56}"),
    Rule::key("xai-key", ApiKey, &["xai-"], r"xai-[A-Za-z0-9]{70,90}"),
    Rule::key("perplexity-key", ApiKey, &["pplx-"], r"pplx-[A-Za-z0-9]{40,60}"),
    Rule::key("replicate-token", Token, &["r8_"], r"r8_[A-Za-z0-9]{37,40}"),
    Rule::key("nvidia-key", ApiKey, &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,80}"),
    Rule::key("pinecone-key", ApiKey, &["pcsk_"], r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{50,70}"),
    Rule::key("langsmith-key", ApiKey, &["lsv2_"], r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    Rule::key("notion-token", Token, &["ntn_", "secret_"], r"(?:ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})"),
    Rule::key("linear-key", ApiKey, &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    Rule::key("airtable-token", Token, &["pat"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Rule::key("figma-token", Token, &["figd_", "figo_"], r"fig[do]_[A-Za-z0-9_-]{36,60}"),
    Rule::key(
        "hubspot-token",
        Token,
        &["pat-na", "pat-eu"],
        r"pat-(?:na|eu)\d-[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}",
    ),
    Rule::key("typeform-token", Token, &["tfp_"], r"tfp_[A-Za-z0-9_.=-]{40,70}"),
    Rule::key("dropbox-token", Token, &["sl."], r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,1300}").reach(1400),
    Rule::key("asana-token", Token, &["0/", "1/", "2/"], r"[012]/\d{13,18}(?:/\d{13,18})?:[a-f0-9]{32}"),
    Rule::key("facebook-token", Token, &["EAA"], r"EAA[A-Za-z0-9]{80,300}"),
    Rule::key(
        "shipping-key",
        ApiKey,
        &["duffel_", "EZAK", "EZTK", "shippo_"],
        r"(?:duffel_(?:live|test)_[A-Za-z0-9_=-]{43}|EZ[AT]K[A-Za-z0-9]{54}|shippo_(?:live|test)_[a-f0-9]{40})",
    ),
    Rule::key("contentful-token", Token, &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{43}"),
    Rule::key("readme-or-frame-key", Token, &["rdme_", "fio-u-"], r"(?:rdme_[a-z0-9]{70}|fio-u-[A-Za-z0-9_=-]{64})"),
    Rule::key("flutterwave-key", Secret, &["FLWSECK"], r"FLWSECK(?:_TEST)?-[a-hA-H0-9]{12,40}(?:-X)?"),
    Rule::key(
        "amazon-seller-key",
        Token,
        &["amzn.mws.", "amzn1.oa2-cs."],
        r"(?:amzn\.mws\.[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}|amzn1\.oa2-cs\.v1\.[a-f0-9]{64})",
    ),
];

/// A token of letters only is random when capitals and small letters alternate.
fn letters_mixed(value: &str) -> bool {
    super::is_no_sample(value) && value.bytes().filter(u8::is_ascii_uppercase).count() >= 4
}
