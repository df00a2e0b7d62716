//! Silences through the API: made and ended.
//!
//! Owns: the requests and what comes back. Does not: decide whether one may be made: whoever calls this has the grant.
//!
//! Invariant: each question is asked once. One that was not answered may have been heard, so its failure says so.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::api::Alertmanager;
use crate::adapters::service::{Answer, Sent};
use crate::domain::action::silence::{MatchOperator, Silence};
use crate::domain::time::Timestamp;
use crate::engine::ports::{BoxFuture, Silencer, SourceError};

/// Characters of a refusal's text that are told.
const REFUSAL_CHARACTERS: usize = 300;

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

impl Alertmanager {
    async fn make(&self, silence: &Silence, by: &str, now: Timestamp) -> Result<String, SourceError> {
        let matchers: Vec<_> = silence
            .matchers
            .iter()
            .map(|matcher| {
                let (is_regex, is_equal) = match matcher.operator {
                    MatchOperator::Equal => (false, true),
                    MatchOperator::NotEqual => (false, false),
                    MatchOperator::Regex => (true, true),
                    MatchOperator::NotRegex => (true, false),
                };
                json!({"name": matcher.name, "value": matcher.value, "isRegex": is_regex, "isEqual": is_equal})
            })
            .collect();
        let body = json!({
            "matchers": matchers,
            "startsAt": now.to_rfc3339(),
            "endsAt": now.plus(silence.span).to_rfc3339(),
            "createdBy": by,
            "comment": silence.comment,
        });
        let body = serde_json::to_vec(&body)
            .map_err(|error| self.service().error(&format!("could not be asked: {error}"), "Report this"))?;
        let answer = self.service().exchange(Method::POST, "api/v2/silences", Sent::Json(body)).await;
        let answer = self.accepted(answer)?;
        let made: Made = serde_json::from_slice(&answer.body).map_err(|_| {
            let remedy = "Look at its list of silences: it may have been made";
            self.service().error("accepted the silence and did not give its number", remedy)
        })?;
        Ok(made.id)
    }

    async fn end(&self, id: &str) -> Result<(), SourceError> {
        let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !plain {
            let what = format!("{id:?} is no number of a silence");
            return Err(SourceError { what, remedy: "Take the one that Alertmanager gave".to_owned() });
        }
        let answer = self.service().exchange(Method::DELETE, &format!("api/v2/silence/{id}"), Sent::Nothing).await;
        self.accepted(answer).map(|_| ())
    }

    /// An answer that says yes; a refusal with its text, cut.
    fn accepted(&self, answer: Result<Answer, SourceError>) -> Result<Answer, SourceError> {
        let answer = answer.map_err(|error| SourceError {
            what: error.what,
            remedy: format!("{}. Look at the list of silences: it may have been heard", error.remedy),
        })?;
        if answer.status.is_client_error() && !answer.body.is_empty() && answer.body.len() < 4_096 {
            let text: String = String::from_utf8_lossy(&answer.body).chars().take(REFUSAL_CHARACTERS).collect();
            let what = format!("answered HTTP {}: {}", answer.status.as_u16(), text.trim());
            return Err(self.service().error(&what, "Correct the silence; nothing was changed"));
        }
        self.service().check_status(answer.status)?;
        Ok(answer)
    }
}

impl Silencer for Alertmanager {
    fn create<'a>(
        &'a self,
        silence: &'a Silence,
        by: &'a str,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<String, SourceError>> {
        Box::pin(self.make(silence, by, now))
    }

    fn expire<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(self.end(id))
    }
}
