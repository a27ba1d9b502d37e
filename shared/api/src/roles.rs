//! The roles that users of a tenant can have.

use serde::{Deserialize, Serialize};

/// The roles of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Roles))]
pub struct RolesResponse {
    /// Number of times that the roles were changed.
    #[cfg_attr(feature = "openapi", schema(example = 3))]
    pub version: u64,
    /// The roles, sorted.
    #[cfg_attr(
        feature = "openapi",
        schema(example = json!(["Category Manager", "Store Manager"]))
    )]
    pub roles: Vec<String>,
}

/// The new roles of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RolesChange))]
pub struct ReplaceRolesRequest {
    /// The version that the change is based on; 0 if the tenant has no roles yet.
    pub version: u64,
    /// All roles, in any order: at most 500 distinct roles of 1 to 256 characters each. `Robot` is
    /// not allowed.
    #[cfg_attr(
        feature = "openapi",
        schema(max_items = 500, example = json!(["Category Manager", "Store Manager"]))
    )]
    pub roles: Vec<String>,
}
