//! Robots: the accounts of systems that import users.

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{Extensible, Scope};

/// A robot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Robot))]
pub struct RobotResponse {
    /// The robot's name.
    #[cfg_attr(feature = "openapi", schema(example = "acme-robot"))]
    pub name: String,
    /// True if the robot may sign in and its tokens are accepted.
    pub enabled: bool,
    /// Dialects that its tokens may use at most.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeSet<Scope>))]
    pub scopes: BTreeSet<Extensible<Scope>>,
    /// When the robot was created.
    #[serde(serialize_with = "crate::time::millis")]
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22T01:02:03.004Z"))]
    pub created_at: Timestamp,
    /// When the robot was last changed.
    #[serde(serialize_with = "crate::time::millis")]
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22T01:02:03.004Z"))]
    pub updated_at: Timestamp,
    /// When a token of the robot was last used, accurate to ten minutes; null if never.
    #[serde(serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_used_at: Option<Timestamp>,
    /// Tasks that the robot may run. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = json!([206])))]
    pub tasks: Option<Vec<u64>>,
    /// The password, if this request generated it. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A new robot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewRobot))]
pub struct CreateRobotRequest {
    /// 1 to 128 characters: no control characters, none of `/ \ ? # %`, no leading or trailing
    /// space, not only dots.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "acme-robot", min_length = 1, max_length = 128)
    )]
    pub name: String,
    /// 8 to 128 characters. If absent or null, a password is generated and shown in the response.
    #[serde(
        serialize_with = "crate::secret::password_option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)
    )]
    pub password: Option<SecretString>,
    /// Dialects that its tokens may use; all if absent or null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Scope>>,
}

/// Changes to a robot. Absent or null members keep their value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RobotChange))]
pub struct UpdateRobotRequest {
    /// True if the robot may sign in and its tokens are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Dialects that its tokens may use at most, including tokens that were already issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Scope>>,
    /// New password, 8 to 128 characters. It invalidates the tokens of `/authenticate`.
    #[serde(
        serialize_with = "crate::secret::password_option",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)
    )]
    pub password: Option<SecretString>,
    /// True to generate a new password and show it in the response. Excludes `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_password: Option<bool>,
}
