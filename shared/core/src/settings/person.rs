//! How a task finds the person of a record (contract.md#identification).

use serde::{Deserialize, Serialize};

/// What says whom a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IdentifyBy {
    /// The user name: a record is about whoever has it.
    #[default]
    Username,
    /// The external id: a record is about whoever has it, and renames them if they have another user
    /// name.
    ExternalId,
}

/// What happens to a record whose user name and external id belong to two different people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ExternalIdConflicts {
    /// The record is ignored, so that nobody gets the account of another person.
    Ignore,
    /// The record changes the user with its user name. It replaces the external id of that user,
    /// unless another user has the new one.
    // Tasks that were stored before the setting existed have no value.
    #[default]
    Apply,
}

/// How a task finds the person of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonRules {
    /// What says whom a record is about.
    pub identify_by: IdentifyBy,
    /// What happens to a record whose user name and external id belong to two people, if the user
    /// name says whom it is about.
    pub conflicts: ExternalIdConflicts,
}

impl PersonRules {
    /// Returns true if a record is ignored rather than applied to another person.
    #[must_use]
    pub const fn refuses_others(self) -> bool {
        match self.identify_by {
            IdentifyBy::ExternalId => true,
            IdentifyBy::Username => matches!(self.conflicts, ExternalIdConflicts::Ignore),
        }
    }
}
