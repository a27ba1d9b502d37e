//! Sessions of operators.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Extensible, OperatorRole};

/// Name and password of an operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Credentials))]
pub struct CreateSessionRequest {
    /// The operator's name.
    pub name: String,
    /// The operator's password.
    #[serde(serialize_with = "crate::secret::password")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Password))]
    pub password: SecretString,
}

/// A new session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Begun))]
pub struct CreateSessionResponse {
    /// Bearer token of the session. It is not shown again.
    pub token: String,
    /// When the session ends.
    #[serde(serialize_with = "crate::time::millis")]
    pub expires_at: Timestamp,
    /// The operator who signed in.
    pub operator: SessionOperator,
}

/// The operator of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Who))]
pub struct SessionOperator {
    /// The operator's name.
    pub name: String,
    /// The operator's tenant.
    pub tenant: String,
    /// What the operator may do.
    #[cfg_attr(feature = "openapi", schema(value_type = OperatorRole))]
    pub role: Extensible<OperatorRole>,
}

/// The session that a request is made in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Current))]
pub struct SessionResponse {
    /// The operator who signed in.
    #[serde(flatten)]
    pub operator: SessionOperator,
    /// When the session ends.
    #[serde(serialize_with = "crate::time::millis")]
    pub expires_at: Timestamp,
}

/// An operator's current and new password.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Passwords))]
pub struct ChangePasswordRequest {
    /// The current password.
    #[serde(serialize_with = "crate::secret::password")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Password))]
    pub current: SecretString,
    /// The new password: 8 to 128 characters.
    #[serde(serialize_with = "crate::secret::password")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, format = Password, min_length = 8, max_length = 128)
    )]
    pub new: SecretString,
}
