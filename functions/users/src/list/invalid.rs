//! Errors about query parameters of a list.

use muster_core::dialect::qvalon::filter::InvalidParameter;

use crate::error::UsersError;

/// Returns the error about one parameter.
pub(super) fn bad_parameter(name: &'static str, message: &str) -> UsersError {
    let message = message.to_owned();
    bad_parameters(vec![InvalidParameter { name, message }])
}

/// Returns the error about several parameters; `field` is the first one.
pub(super) fn bad_parameters(bad: Vec<InvalidParameter>) -> UsersError {
    let field = bad.first().map_or("", |parameter| parameter.name);
    let each = bad
        .iter()
        .map(|InvalidParameter { name, message }| format!("{name}: {message}"));
    UsersError::bad_field(field, each.collect::<Vec<_>>().join("; "))
}
