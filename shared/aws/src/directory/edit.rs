//! Parts of the writes of one user: the user and the slot of a login as they were read, the change,
//! and the claim.

use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::value::Assignment;

use super::claims::Claim;
use super::entry::UserEntry;
use super::row::LoginRow;
use super::stamps::Stamps;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{Attributes, number};
use crate::error::StoreError;

/// A user as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct UserSnapshot {
    /// The user.
    pub entry: UserEntry,
    /// The row, including attributes that this version does not know.
    pub(super) row: Attributes,
}

/// The row of a login as a single-user write finds it.
#[derive(Debug, Clone, PartialEq)]
pub enum LoginSlot {
    /// There is no row.
    Free,
    /// A tombstone of a user who has another login now.
    Tombstone(Tombstone),
    /// A user of any tenant.
    Taken(Box<UserSnapshot>),
}

/// The row that a user has left under an earlier login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    version: u64,
    stamps: Stamps,
}

/// The claim on the external id of the user to write.
#[derive(Debug, Clone, Copy)]
pub struct ClaimWrite<'c> {
    /// The external id.
    pub external_id: &'c str,
    /// The current claim; the write requires that it is unchanged.
    pub seen: Option<&'c Claim>,
    /// Other runs that count on the claim.
    pub runs: &'c [String],
}

/// A change of a user.
#[derive(Debug, Clone, Copy)]
pub struct UserEdit<'c> {
    /// The attributes to set and clear.
    pub difference: &'c [(Attribute, &'c Assignment<'c>)],
    /// The new login, if its spelling differs, and its login slot, if it is another login.
    pub login: Option<(&'c Login<'c>, Option<&'c LoginSlot>)>,
    /// The claim to make or move.
    pub claim: Option<ClaimWrite<'c>>,
    /// The stamps of the login, if the writer leaves one there; otherwise they stay as they are.
    pub stamps: Option<&'c Stamps>,
}

impl LoginSlot {
    pub(super) fn read(row: Option<Attributes>) -> Result<Self, StoreError> {
        let Some(row) = row else {
            return Ok(Self::Free);
        };
        if let Some(entry) = UserEntry::read(row.clone())? {
            return Ok(Self::Taken(Box::new(UserSnapshot { entry, row })));
        }
        let LoginRow {
            version, stamps, ..
        } = LoginRow::read(row)?;
        Ok(Self::Tombstone(Tombstone { version, stamps }))
    }

    /// Returns the slot of a login whose row was read for an import; `None` if it is taken.
    #[must_use]
    pub fn not_taken(row: Option<&LoginRow>) -> Option<Self> {
        match row {
            None => Some(Self::Free),
            Some(LoginRow { user: Some(_), .. }) => None,
            Some(LoginRow {
                version, stamps, ..
            }) => Some(Self::Tombstone(Tombstone {
                version: *version,
                stamps: stamps.clone(),
            })),
        }
    }

    /// Returns the user who has the login.
    #[must_use]
    pub fn into_user(self) -> Option<Box<UserSnapshot>> {
        match self {
            Self::Taken(user) => Some(user),
            Self::Free | Self::Tombstone(_) => None,
        }
    }

    /// Returns the version and the stamps that a user who takes this login continues.
    pub(super) fn inherited(&self) -> (u64, Stamps) {
        match self {
            Self::Tombstone(Tombstone { version, stamps }) => (*version, stamps.clone()),
            Self::Free | Self::Taken(_) => (0, Stamps::new()),
        }
    }

    /// Returns the version of the tombstone; `None` if the login is free or taken.
    #[must_use]
    pub const fn tombstone_version(&self) -> Option<u64> {
        match self {
            Self::Tombstone(Tombstone { version, .. }) => Some(*version),
            Self::Free | Self::Taken(_) => None,
        }
    }

    /// Returns the version of a user of version `version` who is renamed to this login.
    #[must_use]
    pub fn renamed_version(&self, version: u64) -> u64 {
        self.inherited().0.max(version) + 1
    }

    /// Returns the condition that the slot is still as it was read. It never holds for a taken
    /// login, which cannot be claimed.
    pub(super) fn condition(&self) -> Condition {
        match self {
            Self::Free | Self::Taken(_) => Condition::row_absent(),
            Self::Tombstone(Tombstone { version, .. }) => {
                Condition::equals("version", number(*version)).and(Condition::absent("id"))
            }
        }
    }
}
