//! A request in no provider's words as a Gemini body.
//!
//! Owns: the mapping, and which models are told how to think in which way. Does not: send.
//!
//! Invariant: nothing stands in the body that a model refuses: no sampling settings, no level of thinking for 2.5, never level
//! and budget together, no empty part, no model's turn at the end (the request sees to the last two).

use super::wire::{GenerationConfig, Request, SystemText, TextPart, ThinkingConfig, TurnText};
use crate::domain::chat::{ModelRequest, Role, Thinking};
use crate::engine::ports::{ModelError, ModelErrorKind};

/// The body of `request` for `model`.
pub(super) fn body(request: &ModelRequest, model: &str) -> Result<Vec<u8>, ModelError> {
    let contents = request.turns().iter().map(|turn| TurnText {
        role: match turn.role {
            Role::User => "user",
            Role::Model => "model",
        },
        parts: [TextPart { text: &turn.text }],
    });
    let system = request.system.trim();
    let body = Request {
        system_instruction: (!system.is_empty()).then_some(SystemText { parts: [TextPart { text: system }] }),
        contents: contents.collect(),
        generation_config: GenerationConfig {
            max_output_tokens: request.max_output_tokens,
            thinking_config: thinking(model, request.thinking),
            response_mime_type: request.schema.as_ref().map(|_| "application/json"),
            response_json_schema: request.schema.as_ref(),
        },
    };
    serde_json::to_vec(&body).map_err(|error| ModelError {
        kind: ModelErrorKind::Refused,
        what: format!("the question could not be written as JSON: {error}"),
        remedy: "Ask again; if it stays so, this is an error of this program".to_owned(),
    })
}

/// How `model` is told how long to think; `None` when nothing is known about it.
fn thinking(model: &str, wish: Thinking) -> Option<ThinkingConfig> {
    let (level, budget) = match family(model)? {
        Family::Levels => (Some(level(wish)), None),
        Family::Budgets => (None, Some(budget(wish))),
    };
    Some(ThinkingConfig { thinking_level: level, thinking_budget: budget, include_thoughts: true })
}

/// What a model understands of thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// From 3 on: a level.
    Levels,
    /// 2.5: a number of tokens.
    Budgets,
}

/// The family that a name such as `gemini-3.8-flash` stands for.
fn family(model: &str) -> Option<Family> {
    let version = model.strip_prefix("gemini-")?.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    match (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?) {
        (3.., _) => Some(Family::Levels),
        (2, 5) => Some(Family::Budgets),
        _ => None,
    }
}

const fn level(wish: Thinking) -> &'static str {
    match wish {
        Thinking::Low => "LOW",
        Thinking::Medium => "MEDIUM",
        Thinking::High => "HIGH",
    }
}

/// Tokens; every model of 2.5 takes from 512 to 24,576.
const fn budget(wish: Thinking) -> u32 {
    match wish {
        Thinking::Low => 1024,
        Thinking::Medium => 4096,
        Thinking::High => 16_384,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::chat::Turn;

    fn encoded(model: &str, system: &str, thinking: Thinking) -> Value {
        let turn = |role, text: &str| Turn { role, text: text.to_owned() };
        let turns = vec![turn(Role::User, "why?"), turn(Role::Model, "so"), turn(Role::User, "é \"x\"\n")];
        let request = ModelRequest::new(system.to_owned(), turns, 900, thinking).unwrap();
        serde_json::from_slice(&body(&request, model).unwrap()).unwrap()
    }

    #[test]
    fn a_body_holds_what_was_asked_and_nothing_else() {
        assert_eq!(
            encoded("gemini-3.8-flash", " be brief ", Thinking::Low),
            json!({
                "systemInstruction": {"parts": [{"text": "be brief"}]},
                "contents": [
                    {"role": "user", "parts": [{"text": "why?"}]},
                    {"role": "model", "parts": [{"text": "so"}]},
                    {"role": "user", "parts": [{"text": "é \"x\"\n"}]},
                ],
                "generationConfig": {
                    "maxOutputTokens": 900,
                    "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": true},
                },
            })
        );
        assert_eq!(encoded("gemini-3.8-flash", "\n", Thinking::Low).get("systemInstruction"), None);
    }

    #[test]
    fn a_schema_is_said_together_with_its_type() {
        let turns = vec![Turn { role: Role::User, text: "what next?".to_owned() }];
        let request = ModelRequest::new(String::new(), turns, 900, Thinking::Low).unwrap();
        let schema = json!({"type": "object"});
        let request = request.answered_as(Some(schema.clone()));
        let encoded: Value = serde_json::from_slice(&body(&request, "gemini-3.8-flash").unwrap()).unwrap();
        let config = &encoded["generationConfig"];
        assert_eq!((&config["responseMimeType"], &config["responseJsonSchema"]), (&json!("application/json"), &schema));
    }

    #[rstest]
    #[case("gemini-3.8-flash", Thinking::High, json!({"thinkingLevel": "HIGH", "includeThoughts": true}))]
    #[case("gemini-3-pro-preview", Thinking::Medium, json!({"thinkingLevel": "MEDIUM", "includeThoughts": true}))]
    #[case("gemini-3.1-flash-lite", Thinking::Low, json!({"thinkingLevel": "LOW", "includeThoughts": true}))]
    #[case("gemini-4-argon", Thinking::Low, json!({"thinkingLevel": "LOW", "includeThoughts": true}))]
    #[case("gemini-2.5-flash-lite", Thinking::Low, json!({"thinkingBudget": 1024, "includeThoughts": true}))]
    #[case("gemini-2.5-pro", Thinking::High, json!({"thinkingBudget": 16384, "includeThoughts": true}))]
    #[case("gemini-2.0-flash", Thinking::High, Value::Null)]
    #[case("gemini-flash-latest", Thinking::High, Value::Null)]
    #[case("gemini-2.x-flash", Thinking::High, Value::Null)]
    #[case("gemma-3-27b", Thinking::High, Value::Null)]
    fn each_family_is_told_to_think_in_its_own_way(
        #[case] model: &str,
        #[case] thinking: Thinking,
        #[case] expected: Value,
    ) {
        assert_eq!(encoded(model, "s", thinking)["generationConfig"]["thinkingConfig"], expected);
    }
}
