//! Users of a tenant, as operators see them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use muster_core::attribute::Attribute;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = User))]
pub struct UserResponse {
    /// The user's id. Ids are unique across all tenants and never reused.
    #[cfg_attr(feature = "openapi", schema(example = 4711))]
    pub id: u64,
    /// User name, as it is spelled.
    #[cfg_attr(feature = "openapi", schema(example = "jack.woo"))]
    pub login: String,
    /// Version of the user; it grows with every change.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required, example = 3))]
    pub version: u64,
    /// When the user was created.
    #[serde(serialize_with = "crate::time::millis")]
    pub created_at: Timestamp,
    /// When the user was last changed.
    #[serde(serialize_with = "crate::time::millis")]
    pub updated_at: Timestamp,
    /// Author of the user's creation.
    pub created_by: UserAuthor,
    /// Author of the last change.
    pub updated_by: UserAuthor,
    /// All attributes that are set, by name, in the order of the catalogue. `active` is always
    /// present, the password never.
    #[cfg_attr(
        feature = "openapi",
        schema(
            value_type = Object,
            example = json!({"name": "Jack Woo", "role": "Store Manager", "email": "jack.woo@example.com", "active": true, "individual_stores": ["store1", "store2"]})
        )
    )]
    pub attributes: BTreeMap<Attribute, Value>,
    /// The user that `manager_id`, or else `manager_uid`, refers to; absent if there is none. Not
    /// in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = UserManager))]
    pub manager: Option<UserManager>,
    /// The `manager_uid`, if no user has this external id: whoever gets it becomes the manager. Absent
    /// if the manager exists, or none is given. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = String, example = "E-17"))]
    pub unresolved_manager: Option<String>,
    /// Last changes of the user, newest first: ten, or fewer if they are large. The creation comes
    /// last, unless ten changes followed it. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = Vec<UserHistoryEntry>))]
    pub changes: Option<Vec<UserHistoryEntry>>,
}

/// A user's manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserManager {
    /// The manager's id.
    #[cfg_attr(feature = "openapi", schema(example = 4702))]
    pub id: u64,
    /// The manager's user name, as it is spelled.
    #[cfg_attr(feature = "openapi", schema(example = "ann.lee"))]
    pub login: String,
}

/// Author of a change to a user: a robot, through a dialect, or an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = WrittenBy))]
pub struct UserAuthor {
    /// `quant`, `collaborator` or `qvalon`; `console` for an operator.
    #[cfg_attr(feature = "openapi", schema(example = "quant"))]
    pub dialect: String,
    /// Name of the robot, if the author is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = String))]
    pub robot: Option<String>,
    /// Name of the operator, if the author is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = String))]
    pub operator: Option<String>,
    /// Id of the run in the execution log, if the change is part of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = String))]
    pub run: Option<String>,
}

/// One change of a user. The first one is the creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UserChange))]
pub struct UserHistoryEntry {
    /// When the user was changed.
    #[serde(serialize_with = "crate::time::millis")]
    pub at: Timestamp,
    /// Author of the change.
    pub by: UserAuthor,
    /// Attributes that were set or cleared, in the order of the catalogue.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<String>, example = json!(["email", "active"]))
    )]
    pub attributes: Vec<Attribute>,
}
