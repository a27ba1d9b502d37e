//! The table of list parameters.

use crate::attribute::{Attribute, AttributeKind};
use crate::dialect::qvalon::user::{Fields, ROLES};

/// A query parameter of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name in the query.
    pub name: &'static str,
    /// Values that it accepts.
    pub kind: ParameterKind,
    /// Description for the documentation.
    pub description: &'static str,
}

/// Values that a parameter accepts, and what they apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Names of members of the user object.
    Fields,
    /// `true` or `false`.
    Active,
    /// Ids of users.
    Ids,
    /// Name of a role.
    Role,
    /// Names of roles.
    Roles,
    /// Integers, for an attribute with one integer or a list of them.
    Numbers(Attribute),
    /// Logins.
    Logins,
    /// E-mail addresses.
    Emails,
    /// Words of the attribute `level`.
    Levels,
    /// Ids of shops.
    Director,
    /// Part of the attribute's text.
    Like(Attribute),
    /// Number of a page, from 0.
    Page,
    /// Maximum users per page.
    Size,
    /// Id after which a page starts.
    After,
}

use ParameterKind::{
    Active, After, Director, Emails, Ids, Levels, Like, Logins, Numbers, Page, Role, Roles, Size,
};

macro_rules! parameters {
    ($($name:literal $kind:expr, $description:literal;)+) => {
        /// Every parameter, in documentation order.
        pub static PARAMETERS: &[Parameter] = &[
            $(Parameter { name: $name, kind: $kind, description: $description },)+
        ];
    };
}

parameters! {
    "fields" ParameterKind::Fields, "Additional members to return; unknown names are ignored.";
    "active" Active, "`true`: active users; `false`: blocked users.";
    "ids" Ids, "The id is one of these.";
    "role" Role, "Has this role.";
    "roles" Roles, "Has one of these roles.";
    "businessDirId" Numbers(Attribute::BusinessDirId), "The business direction is one of these.";
    "divisionId" Numbers(Attribute::DivisionIds), "Belongs to one of these divisions.";
    "regionId" Numbers(Attribute::RegionIds), "Belongs to one of these regions.";
    "login" Logins, "The login is one of these; case-insensitive.";
    "emails" Emails, "The e-mail address is one of these; case-insensitive.";
    "levels" Levels, "The level is one of these.";
    "directorForShop" Director, "Is a shop director of one of these shops.";
    "loginLike" Like(Attribute::Username), "The login contains this text; case-insensitive.";
    "emailLike" Like(Attribute::Email), "The e-mail address contains this text; case-insensitive.";
    "firstNameLike" Like(Attribute::FirstName), "The first name contains this text; case-insensitive.";
    "lastNameLike" Like(Attribute::LastName), "The last name contains this text; case-insensitive.";
    "positionLike" Like(Attribute::Position), "The position contains this text; case-insensitive.";
    "page" Page, "Page number, from 0. Cannot be combined with `after`.";
    "size" Size, "Maximum users per page.";
    "after" After, "Only users with a greater id: the last id of the previous page, or 0 for the first page. Cannot be combined with `page`.";
}

impl ParameterKind {
    /// Returns `true` if the parameter filters users.
    #[must_use]
    pub const fn is_filter(self) -> bool {
        match self {
            Self::Fields | Page | Size | After => false,
            Active | Ids | Role | Roles | Numbers(_) | Logins | Emails | Levels | Director
            | Like(_) => true,
        }
    }

    /// Returns the accepted words, if the parameter has a fixed set.
    #[must_use]
    pub fn words(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Fields => Some(Fields::names().collect()),
            Role | Roles => Some(ROLES.iter().map(|(name, _)| *name).collect()),
            Levels => Some(levels().to_vec()),
            Active | Ids | Numbers(_) | Logins | Emails | Director | Like(_) | Page | Size
            | After => None,
        }
    }
}

/// Returns the words of the attribute `level`.
pub(super) fn levels() -> &'static [&'static str] {
    match Attribute::Level.kind() {
        AttributeKind::Choice(words) => words,
        _ => &[],
    }
}
