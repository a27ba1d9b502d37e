//! Names and passwords of operators and robots, their `Location`, and responses that hold a secret.

use std::fmt::Write as _;

use muster_api::FieldError;
use muster_aws::{Creation, name_problem};
use muster_web::ProblemResponse;
use muster_web::http::{HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::app::PREFIX;

/// Maximum characters of a password.
const MAX_PASSWORD_CHARS: usize = 128;

/// Returns the header for responses that hold a secret.
pub(crate) fn no_store() -> [(HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

/// Checks the name of a new operator or robot.
pub(crate) fn name_error(name: &str) -> Option<FieldError> {
    name_problem(name).map(|rule| FieldError::new("name", rule))
}

/// Checks a new password.
pub(crate) fn password_error(field: &str, password: &SecretString) -> Option<FieldError> {
    let chars = password.expose_secret().chars();
    let length = chars.take(MAX_PASSWORD_CHARS + 1).count();
    let valid = (8..=MAX_PASSWORD_CHARS).contains(&length);
    (!valid).then(|| FieldError::new(field, "invalid password: expected 8 to 128 characters"))
}

/// Returns a 422 error if there are any errors.
pub(crate) fn ensure_valid(
    errors: impl IntoIterator<Item = FieldError>,
) -> Result<(), ProblemResponse> {
    let errors: Vec<FieldError> = errors.into_iter().collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ProblemResponse::invalid_fields(errors))
    }
}

/// Returns an error if an operator or a robot was not created. The name may belong to another
/// tenant: the error does not reveal which.
pub(crate) fn ensure_created(creation: Creation) -> Result<(), ProblemResponse> {
    match creation {
        Creation::Created => Ok(()),
        Creation::Taken => Err(ProblemResponse::new(
            StatusCode::CONFLICT,
            "the name is taken: names are unique across all tenants; choose another name",
        )),
        Creation::BadName(rule) => ensure_valid([FieldError::new("name", rule)]),
    }
}

/// Returns the `Location` of a resource of `collection`.
pub(crate) fn location(collection: &str, name: &str) -> [(HeaderName, String); 1] {
    let mut path = format!("{PREFIX}/{collection}/");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(path, "%{byte:02X}").ok();
        }
    }
    [(header::LOCATION, path)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_escapes_the_name() {
        let [(_, location)] = location("robots", "Import Rö.bot~1");
        assert_eq!(location, "/admin/v1/robots/Import%20R%C3%B6.bot~1");
    }

    #[test]
    fn a_password_has_8_to_128_characters() {
        let invalid = |text: &str| password_error("new", &text.into()).is_some();
        assert!(!invalid("8 chars!") && !invalid(&"é".repeat(128)));
        assert!(invalid("7 chars") && invalid(&"x".repeat(129)));
    }
}
