//! What Gemini's JSON looks like, both ways, as far as this program uses it.
//!
//! Invariants: answers may have more fields than these, and any field may be missing or null; enumerations are open, so
//! they are kept as words. Does not: say what any of it means.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `generateContent` and `streamGenerateContent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system_instruction: Option<SystemText<'a>>,
    pub(super) contents: Vec<TurnText<'a>>,
    pub(super) generation_config: GenerationConfig<'a>,
}

/// A turn of a request; all of them are text here.
#[derive(Serialize)]
pub(super) struct TurnText<'a> {
    pub(super) role: &'static str,
    pub(super) parts: [TextPart<'a>; 1],
}

/// The system instruction: a turn without a role.
#[derive(Serialize)]
pub(super) struct SystemText<'a> {
    pub(super) parts: [TextPart<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct TextPart<'a> {
    pub(super) text: &'a str,
}

/// Never has `temperature`, `topP`, `topK` and `candidateCount`: newer models ignore them and will refuse them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    pub(super) max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_config: Option<ThinkingConfig>,
    /// Set together with the schema, and only with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_json_schema: Option<&'a Value>,
}

/// Has a level or a budget; both together are refused.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking_budget: Option<u32>,
    pub(super) include_thoughts: bool,
}

/// One value of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Chunk {
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    pub(super) usage_metadata: Option<UsageMetadata>,
    pub(super) model_version: Option<String>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Candidate {
    pub(super) index: Option<u32>,
    pub(super) content: Option<Content>,
    pub(super) finish_reason: Option<String>,
    pub(super) continuation_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content {
    pub(super) parts: Option<Vec<Part>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    pub(super) thought: Option<bool>,
    pub(super) function_call: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PromptFeedback {
    pub(super) block_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UsageMetadata {
    pub(super) prompt_token_count: Option<u64>,
    pub(super) cached_content_token_count: Option<u64>,
    pub(super) candidates_token_count: Option<u64>,
    pub(super) thoughts_token_count: Option<u64>,
    pub(super) tool_use_prompt_token_count: Option<u64>,
    pub(super) total_token_count: Option<u64>,
}
