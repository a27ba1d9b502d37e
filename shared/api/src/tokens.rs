//! API tokens of robots, for systems that do not sign in.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Extensible, Named};

/// A dialect that a token may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    /// Task-based import.
    Quant,
    /// Single-user import.
    Collaborator,
    /// User resource.
    Qvalon,
}

impl Scope {
    /// All dialects.
    pub const ALL: [Self; 3] = [Self::Quant, Self::Collaborator, Self::Qvalon];

    /// Returns the scope's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quant => "quant",
            Self::Collaborator => "collaborator",
            Self::Qvalon => "qvalon",
        }
    }
}

impl Named for Scope {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// State of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenStatus {
    /// Accepted.
    Active,
    /// Its lifetime is over.
    Expired,
    /// An operator has revoked it.
    Revoked,
}

impl TokenStatus {
    /// Returns the status's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Named for TokenStatus {
    fn name(self) -> &'static str {
        self.as_str()
    }
}

/// An API token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Token))]
pub struct TokenResponse {
    /// The token's id.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "019aa8fd-7c5e-7a10-9a3b-0c5d9f6b1e42")
    )]
    pub id: String,
    /// Name of the robot.
    #[cfg_attr(feature = "openapi", schema(example = "acme-robot"))]
    pub robot: String,
    /// Purpose of the token; may be empty.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, example = "Nightly import"))]
    pub title: String,
    /// Dialects that the token may use, within the scopes of its robot.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeSet<Scope>))]
    pub scopes: BTreeSet<Extensible<Scope>>,
    /// When the token was issued.
    #[serde(serialize_with = "crate::time::millis")]
    #[cfg_attr(feature = "openapi", schema(example = "2026-11-22T01:02:03.004Z"))]
    pub created_at: Timestamp,
    /// Name of the operator who issued the token.
    #[cfg_attr(feature = "openapi", schema(example = "anna"))]
    pub created_by: String,
    /// When the token expires; null if never.
    #[serde(serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expires_at: Option<Timestamp>,
    /// When the token was last used, accurate to ten minutes; null if never.
    #[serde(serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub last_used_at: Option<Timestamp>,
    /// When the token was revoked; null if it was not.
    #[serde(serialize_with = "crate::time::millis_option")]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub revoked_at: Option<Timestamp>,
    /// State of the token.
    #[cfg_attr(feature = "openapi", schema(value_type = TokenStatus))]
    pub status: Extensible<TokenStatus>,
    /// The token itself, if this request issued it. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A new API token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NewToken))]
pub struct CreateTokenRequest {
    /// Name of the robot.
    #[cfg_attr(feature = "openapi", schema(example = "acme-robot"))]
    pub robot: String,
    /// Purpose of the token: one line of at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(example = "Nightly import", max_length = 200)
    )]
    pub title: Option<String>,
    /// Dialects that the token may use, out of the scopes of its robot; all of these if absent or
    /// null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<BTreeSet<Scope>>,
    /// Lifetime in seconds. If absent or null, the token is valid until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 60, maximum = 315_360_000))]
    pub lifetime_seconds: Option<u64>,
}
