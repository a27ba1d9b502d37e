//! Passwords in requests. `secrecy` does not serialize secrets by itself; a client has to send
//! them.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serializer;

/// Serializes a password.
pub(crate) fn password<S: Serializer>(
    password: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(password.expose_secret())
}

/// Serializes a password or null.
pub(crate) fn password_option<S: Serializer>(
    password: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match password {
        Some(secret) => self::password(secret, serializer),
        None => serializer.serialize_none(),
    }
}
