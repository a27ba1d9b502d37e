//! The JSON array of a response. Users are added as they are found, so that memory holds no more of
//! them than can be sent.

use muster_aws::StoreError;
use muster_core::dialect::qvalon::{Fields, UserObject};
use muster_core::plan::User;

use super::invalid::bad_parameter;
use crate::error::UsersError;

/// Maximum bytes of a response.
const MAX_RESPONSE_BYTES: usize = 5_500_000;
/// Maximum bytes of a response as a JSON string, in which Lambda sends it: 6 MiB including the
/// envelope.
const MAX_ESCAPED_BYTES: usize = 6_200_000;

/// A JSON array of users that is being built.
#[derive(Debug, Default)]
pub(super) struct UserArray {
    json: Vec<u8>,
    /// Number of bytes that are escaped in a JSON string.
    escapes: usize,
    users: usize,
}

impl UserArray {
    /// Adds a user, or returns an error if the response would be too large.
    pub(super) fn add(&mut self, user: &User, fields: &Fields) -> Result<(), UsersError> {
        let from = self.json.len();
        self.json.push(if self.users == 0 { b'[' } else { b',' });
        let written = serde_json::to_writer(&mut self.json, &UserObject::new(user, fields));
        written.map_err(|_| StoreError::Row {
            row: "a user",
            reason: "it cannot be serialized".to_owned(),
        })?;
        let added = self.json.iter().skip(from);
        self.escapes += added.filter(|byte| matches!(byte, b'"' | b'\\')).count();
        if self.json.len() > MAX_RESPONSE_BYTES
            || self.json.len() + self.escapes > MAX_ESCAPED_BYTES
        {
            let size = self.users.max(1);
            let message = format!(
                "the response would be larger than about {MAX_RESPONSE_BYTES} bytes: request at most \
                 {size} users at a time with size (and page or after), or fewer fields"
            );
            return Err(bad_parameter("size", &message));
        }
        self.users += 1;
        Ok(())
    }

    /// Returns the whole array.
    pub(super) fn finish(mut self) -> Vec<u8> {
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

    /// Returns the number of such users that fit.
    fn fitting(user: &User) -> usize {
        let mut array = UserArray::default();
        loop {
            if let Err(failure) = array.add(user, &Fields::default()) {
                let status = failure.into_response().status();
                assert_eq!(status, StatusCode::BAD_REQUEST);
                return array.users;
            }
        }
    }

    #[test]
    fn users_are_the_elements_of_an_array() {
        assert_eq!(UserArray::default().finish(), b"[]");
        let mut array = UserArray::default();
        for _ in 0..2 {
            assert!(array.add(&user("Cook"), &Fields::default()).is_ok());
        }
        let one = r#"{"id":7,"active":true,"login":"jack","position":"Cook"}"#;
        assert_eq!(array.finish(), format!("[{one},{one}]").into_bytes());
    }

    #[test]
    fn a_response_larger_than_lambda_accepts_is_refused() {
        let plain = user(&"x".repeat(1_000));
        let mut array = UserArray::default();
        let users = fitting(&plain);
        for _ in 0..users {
            assert!(array.add(&plain, &Fields::default()).is_ok());
        }
        let json = array.finish();
        assert!((MAX_RESPONSE_BYTES - 1_100..=MAX_RESPONSE_BYTES + 1).contains(&json.len()));
        // A quotation mark takes two bytes in JSON, and four bytes in JSON within a JSON string.
        let quoted = user(&"\"".repeat(1_000));
        assert!(fitting(&quoted) * 4_000 < MAX_ESCAPED_BYTES);
    }
}
