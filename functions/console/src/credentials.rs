//! What operators and robots have in common: the rules for their names and passwords, where they
//! are found, and answers that hold a secret.

use muster_aws::{Creation, name_problem};
use muster_web::http::{HeaderName, HeaderValue, StatusCode, header};
use muster_web::{FieldError, Problem};
use secrecy::{ExposeSecret as _, SecretString};

use crate::PREFIX;

/// For an answer that holds what is shown only once.
pub(crate) fn no_store() -> [(HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

/// What is wrong with the name of a new operator or robot.
pub(crate) fn check_name(name: &str) -> Option<FieldError> {
    name_problem(name).map(|rule| FieldError::new("name", rule))
}

/// What is wrong with a new password.
pub(crate) fn check_password(field: &str, password: &SecretString) -> Option<FieldError> {
    let length = password.expose_secret().chars().take(129).count();
    let fits = (8..=128).contains(&length);
    (!fits).then(|| FieldError::new(field, "a password has 8 to 128 characters"))
}

/// 422, if anything is wrong.
pub(crate) fn refuse(wrong: impl IntoIterator<Item = FieldError>) -> Result<(), Problem> {
    let wrong: Vec<FieldError> = wrong.into_iter().collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::unacceptable(wrong))
    }
}

/// Whether an operator or a robot was made. A name may be in use by another tenant: the answer
/// says no more than that.
pub(crate) fn made(creation: Creation) -> Result<(), Problem> {
    match creation {
        Creation::Created => Ok(()),
        Creation::Taken => Err(Problem::new(
            StatusCode::CONFLICT,
            "the name is in use: names are unique across all tenants; choose another one",
        )),
        Creation::BadName(rule) => refuse([FieldError::new("name", rule)]),
    }
}

/// The `Location` of what has a name, below `collection`.
pub(crate) fn location(collection: &str, name: &str) -> [(HeaderName, String); 1] {
    use std::fmt::Write;

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
    fn a_location_is_a_path_whatever_the_name() {
        let [(_, location)] = location("robots", "Import Rö.bot~1");
        assert_eq!(location, "/admin/v1/robots/Import%20R%C3%B6.bot~1");
    }

    #[test]
    fn a_password_has_8_to_128_characters() {
        let wrong = |text: &str| check_password("new", &text.into()).is_some();
        assert!(!wrong("8 chars!") && !wrong(&"é".repeat(128)));
        assert!(wrong("7 chars") && wrong(&"x".repeat(129)));
    }
}
