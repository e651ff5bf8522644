//! Whether who has shown who they are may connect, and what else is known of them: the operator's SQL is asked, then the
//! operator's backend. Who comes back with a ticket is not asked about, nor are the anonymous.
//!
//! What must stay true: an answer that is not known lets nobody in.

mod build;

use std::sync::Arc;

use hallway_auth::{Attributes, Identity};
use hallway_protocol::{CloseCode, Error, ErrorCode, UserId};
use hallway_store::{AttributeQuery, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::database::Late;
use crate::metrics::Metrics;
use crate::webhook::Webhook;
pub use build::build;

/// Longest reason in bytes: what a close frame holds (RFC 6455 §5.5).
const REASON_LEN: usize = 123;
/// What who is refused without a reason is told.
const REASON: &str = "not admitted";

/// Who is asked.
pub struct Admission {
    sql: Option<Arc<Late<AttributeQuery>>>,
    webhook: Option<Webhook>,
    metrics: Arc<Metrics>,
}

/// Why someone is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// They are not to connect; with the reason that they are told.
    Refused(String),
    /// It cannot be known: whoever is to be asked is away, or says what cannot be understood.
    Unknown,
}

/// What is known of someone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    name: Option<String>,
    attributes: Attributes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'q> {
    r#type: &'static str,
    user_id: &'q UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'q str>,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    claims: &'q Attributes,
}

#[derive(Deserialize)]
struct Answer {
    allowed: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

impl Admission {
    /// Asks everyone who is to be asked, and adds to an identity what they know. May be dropped at any time; ends within the
    /// times of a call of the database and of the webhook.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn ask(&self, identity: &mut Identity) -> Result<(), Refusal> {
        let Some(user) = identity.user.clone() else {
            return Ok(());
        };
        if self.sql.is_none() && self.webhook.is_none() {
            return Ok(());
        }
        let answer = self.ask_all(&user, identity).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(Refusal::Refused(_)) => "refused",
            Err(Refusal::Unknown) => "unavailable",
        };
        self.metrics.auth.admissions.with_label_values(&[outcome]).inc();
        let found = answer?;
        identity.name = found.name;
        identity.attributes = found.attributes;
        Ok(())
    }

    async fn ask_all(&self, user: &UserId, identity: &Identity) -> Result<Found, Refusal> {
        let mut found = Found {
            name: identity.name.clone(),
            attributes: identity.attributes.clone(),
        };
        if let Some(query) = &self.sql {
            found.add(self.ask_sql(query, user).await?);
        }
        if let Some(webhook) = &self.webhook {
            let question = Question {
                r#type: "admission",
                user_id: user,
                name: found.name.as_deref(),
                claims: &identity.attributes,
            };
            let answer = ask_webhook(webhook, &question).await?;
            found.add(answer);
        }
        if !Identity::is_within_bounds(&found.attributes) {
            tracing::error!(%user, "admission gives more than {} bytes of attributes", Identity::ATTRIBUTES_MAX);
            return Err(Refusal::Unknown);
        }
        Ok(found)
    }

    async fn ask_sql(&self, query: &Late<AttributeQuery>, user: &UserId) -> Result<Found, Refusal> {
        let row = match query.get() {
            Ok(query) => query.of(user).await,
            Err(why) => Err(why),
        };
        match row {
            Ok(Some(row)) => read_row(row),
            Ok(None) => Err(Refusal::because(None)),
            Err(why) => {
                log(&why);
                Err(Refusal::Unknown)
            }
        }
    }
}

async fn ask_webhook(webhook: &Webhook, question: &Question<'_>) -> Result<Found, Refusal> {
    let refused = Answer {
        allowed: false,
        reason: None,
        name: None,
        attributes: Attributes::new(),
    };
    let answer = webhook.ask(question, refused).await.map_err(|_| Refusal::Unknown)?;
    if !answer.allowed {
        return Err(Refusal::because(answer.reason.as_deref()));
    }
    Ok(Found {
        name: answer.name,
        attributes: answer.attributes,
    })
}

/// A row's columns: `refused`, `name`, and attributes.
fn read_row(mut row: Attributes) -> Result<Found, Refusal> {
    match row.remove("refused") {
        // Whoever writes `credits <= 0 AS refused` means what it says.
        None | Some(Value::Null | Value::Bool(false)) => {}
        Some(Value::String(reason)) => return Err(Refusal::because(Some(&reason))),
        Some(_) => return Err(Refusal::because(None)),
    }
    let name = match row.remove("name") {
        Some(Value::String(name)) => Some(name),
        _ => None,
    };
    let attributes = row.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Ok(Found { name, attributes })
}

impl Found {
    /// Puts what someone else knows over it.
    fn add(&mut self, other: Self) {
        let name = other.name.filter(|name| !name.is_empty() && Identity::is_name(name));
        self.name = name.or(self.name.take());
        self.attributes.extend(other.attributes);
    }
}

impl Refusal {
    fn because(reason: Option<&str>) -> Self {
        let reason = reason.filter(|reason| !reason.is_empty()).unwrap_or(REASON);
        let end = reason.floor_char_boundary(REASON_LEN);
        Self::Refused(reason[..end].to_owned())
    }

    /// What a connection is closed with, and the outcome that its handshake is counted under.
    #[must_use]
    pub fn close(&self) -> (CloseCode, &str, &'static str) {
        match self {
            Self::Refused(reason) => (CloseCode::Forbidden, reason, "refused"),
            Self::Unknown => (
                CloseCode::OverCapacity,
                "it cannot be known who may connect",
                "unavailable",
            ),
        }
    }
}

impl From<Refusal> for Error {
    fn from(why: Refusal) -> Self {
        let (code, reason, _) = why.close();
        match code {
            CloseCode::Forbidden => Self::new(ErrorCode::Forbidden, reason),
            _ => Self::new(ErrorCode::Unavailable, reason).retry_after(1000),
        }
    }
}

fn log(why: &StoreError) {
    match why {
        StoreError::Unavailable { .. } | StoreError::Busy => tracing::debug!(%why, "admission cannot be asked"),
        why => tracing::error!(%why, "what the database says of a user cannot be used"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Result<Found, Refusal> {
        read_row(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_row_refuses_with_its_reason() {
        for (text, reason) in [
            (r#"{"refused":"no credits left","credits":0}"#, "no credits left"),
            (r#"{"refused":""}"#, REASON),
            (r#"{"refused":true}"#, REASON),
            (r#"{"refused":1}"#, REASON),
        ] {
            assert_eq!(row(text), Err(Refusal::Refused(reason.into())), "{text}");
        }
        let long = format!(r#"{{"refused":"{}"}}"#, "ä".repeat(100));
        assert_eq!(row(&long), Err(Refusal::Refused("ä".repeat(61))));
    }

    #[test]
    fn what_does_not_refuse_is_known_of_the_user() {
        let found = row(r#"{"refused":null,"name":"Alice","credits":7,"team":null}"#).unwrap();
        assert_eq!(found.name.as_deref(), Some("Alice"));
        assert_eq!(Value::Object(found.attributes), serde_json::json!({"credits": 7}));
        assert!(row(r#"{"refused":false}"#).is_ok());
    }

    #[test]
    fn later_answers_go_over_earlier_ones() {
        let mut found = row(r#"{"name":"Alice","credits":7,"plan":"a"}"#).unwrap();
        found.add(row(r#"{"name":"a\nb","plan":"b"}"#).unwrap());
        assert_eq!(found.name.as_deref(), Some("Alice"), "a name has no line breaks");
        assert_eq!(
            Value::Object(found.attributes),
            serde_json::json!({"credits": 7, "plan": "b"})
        );
    }
}
