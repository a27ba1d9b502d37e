//! The keys of a user, and which of them a request must have.

use crate::attribute::Attribute;
use crate::user_request::UserSyntax;
use crate::value::{Flags, ReadContext};

/// Format of users in requests.
pub(super) const USER_SYNTAX: UserSyntax = UserSyntax {
    key: |spec| spec.collaborator,
    values: || ReadContext::without_task(Flags::Digits, LANGUAGES),
    nullable: |_| true,
};

pub(super) const LANGUAGES: &[&str] = &["EN", "UK", "DE", "ES", "ET", "TR", "RU"];

/// Attributes that every request must have, also for an existing user.
pub(super) const REQUIRED: [Attribute; 5] = [
    Attribute::ExternalId,
    Attribute::Username,
    Attribute::Email,
    Attribute::FirstName,
    Attribute::LastName,
];

/// Returns the key of an attribute, or its catalogue name if the dialect has no key for it.
pub(super) fn key(attribute: Attribute) -> &'static str {
    (USER_SYNTAX.key)(attribute.spec()).unwrap_or(attribute.name())
}
