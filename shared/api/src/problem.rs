//! Errors as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error. `type` is omitted, which means `about:blank`: the status says what kind it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Reason phrase of the status.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "Not Found"))]
    pub title: Cow<'static, str>,
    /// HTTP status.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, example = 404))]
    pub status: u16,
    /// What is wrong with this request, and what to do about it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub detail: String,
    /// The invalid fields, if the error is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errors: Vec<FieldError>,
}

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Path of the field, such as `settings.attribute_mapping.username`.
    pub field: String,
    /// What is wrong with the field, and what is expected.
    pub message: String,
}

impl FieldError {
    /// Creates an error about one field.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}
