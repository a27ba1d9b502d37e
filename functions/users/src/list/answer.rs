//! The users of an answer, each as soon as it is found, so that memory holds no more of them than
//! can be sent.

use muster_aws::StoreError;
use muster_core::dialect::qvalon::{Fields, UserObject};
use muster_core::plan::User;

use super::refused;
use crate::failure::Failure;

/// Bytes of an answer.
const BYTES: usize = 5_500_000;
/// Bytes of an answer as Lambda takes it: within a JSON string, of 6 MiB with what is around it.
const ESCAPED: usize = 6_200_000;

/// A JSON array in the making.
#[derive(Debug, Default)]
pub(super) struct Answer {
    json: Vec<u8>,
    /// Bytes that an escape comes before where this is within a JSON string.
    escapes: usize,
    users: usize,
}

impl Answer {
    /// Adds a user.
    pub(super) fn add(&mut self, user: &User, fields: &Fields) -> Result<(), Failure> {
        let from = self.json.len();
        self.json.push(if self.users == 0 { b'[' } else { b',' });
        let written = serde_json::to_writer(&mut self.json, &UserObject::new(user, fields));
        written.map_err(|_| StoreError::Row {
            row: "a user",
            reason: "it cannot be shown".to_owned(),
        })?;
        let added = self.json.iter().skip(from);
        self.escapes += added.filter(|byte| matches!(byte, b'"' | b'\\')).count();
        if self.json.len() > BYTES || self.json.len() + self.escapes > ESCAPED {
            let most = self.users.max(1);
            let message = format!(
                "the answer would be larger than about {BYTES} bytes: ask for at most {most} \
                 users at a time with size (and page or after), or for fewer fields"
            );
            return Err(refused("size", &message));
        }
        self.users += 1;
        Ok(())
    }

    /// The whole array.
    pub(super) fn end(mut self) -> Vec<u8> {
        if self.users == 0 {
            self.json.push(b'[');
        }
        self.json.push(b']');
        self.json
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::response::IntoResponse as _;
    use muster_core::attribute::Attribute;
    use muster_core::value::Value;
    use muster_web::http::StatusCode;

    use super::*;

    fn user(position: &str) -> User {
        let text = Value::Text(position.to_owned().into());
        User {
            tenant: "acme".to_owned(),
            id: 7,
            login: "jack".to_owned(),
            version: 1,
            values: BTreeMap::from([(Attribute::Position, text)]),
        }
    }

    /// How many such users fit.
    fn fitting(user: &User) -> usize {
        let mut answer = Answer::default();
        loop {
            if let Err(failure) = answer.add(user, &Fields::default()) {
                let status = failure.into_response().status();
                assert_eq!(status, StatusCode::BAD_REQUEST);
                return answer.users;
            }
        }
    }

    #[test]
    fn users_are_the_items_of_an_array() {
        assert_eq!(Answer::default().end(), b"[]");
        let mut answer = Answer::default();
        for _ in 0..2 {
            assert!(answer.add(&user("Cook"), &Fields::default()).is_ok());
        }
        let one = r#"{"id":7,"active":true,"login":"jack","position":"Cook"}"#;
        assert_eq!(answer.end(), format!("[{one},{one}]").into_bytes());
    }

    #[test]
    fn an_answer_is_refused_before_it_is_larger_than_lambda_takes() {
        let plain = user(&"x".repeat(1_000));
        let mut answer = Answer::default();
        let users = fitting(&plain);
        for _ in 0..users {
            assert!(answer.add(&plain, &Fields::default()).is_ok());
        }
        let json = answer.end();
        assert!((BYTES - 1_100..=BYTES + 1).contains(&json.len()));
        // Each quotation mark takes two bytes, and four within a string.
        let quoted = user(&"\"".repeat(1_000));
        assert!(fitting(&quoted) * 4_000 < ESCAPED);
    }
}
