//! Errors of QVALON's user resource. Its users are defined with the dialect, in `muster-core`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An error of QVALON's user resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QvalonError {
    /// HTTP status.
    #[cfg_attr(feature = "openapi", schema(example = 400))]
    pub status: u16,
    /// Reason phrase of the status.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, value_type = String, example = "Bad Request"))]
    pub error: Cow<'static, str>,
    /// What is wrong, and what to do about it.
    pub message: String,
    /// The invalid member or parameter, if the error is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(required = false, value_type = String, example = "login")
    )]
    pub field: Option<String>,
}
