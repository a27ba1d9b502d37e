//! Operators: the people who use the operators' API.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Extensible, Named};

/// What an operator may do in the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Role))]
pub enum OperatorRole {
    /// Read everything.
    Read,
    /// Read and change everything.
    Manage,
}

impl OperatorRole {
    /// Returns the role's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Manage => "manage",
        }
    }
}

impl Named for OperatorRole {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Operator))]
pub struct OperatorResponse {
    /// The operator's name.
    #[cfg_attr(feature = "openapi", schema(example = "anna"))]
    pub name: String,
    /// What the operator may do.
    #[cfg_attr(feature = "openapi", schema(value_type = OperatorRole))]
    pub role: Extensible<OperatorRole>,
    /// True if the operator may sign in. Disabling an operator ends all of the operator's sessions.
    pub enabled: bool,
    /// When the operator was created.
    #[serde(serialize_with = "crate::time::millis")]
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22T01:02:03.004Z"))]
    pub created_at: Timestamp,
    /// When the operator was last changed.
    #[serde(serialize_with = "crate::time::millis")]
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22T01:02:03.004Z"))]
    pub updated_at: Timestamp,
}

/// A new operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewOperator))]
pub struct CreateOperatorRequest {
    /// 1 to 128 characters: no control characters, none of `/ \ ? # %`, no leading or trailing
    /// space, not only dots.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "anna", min_length = 1, max_length = 128)
    )]
    pub name: String,
    /// 8 to 128 characters.
    #[serde(serialize_with = "crate::secret::password")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = String, format = Password, min_length = 8, max_length = 128)
    )]
    pub password: SecretString,
    /// What the operator may do.
    pub role: OperatorRole,
}

/// Changes to an operator. Absent or null members keep their value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = OperatorChange))]
pub struct UpdateOperatorRequest {
    /// What the operator may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<OperatorRole>,
    /// True if the operator may sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// New password, 8 to 128 characters. It ends the operator's sessions.
    #[serde(
        serialize_with = "crate::secret::password_option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)
    )]
    pub password: Option<SecretString>,
}
