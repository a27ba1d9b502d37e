//! The conditions of a user filter.

use std::collections::BTreeSet;

use crate::attribute::Attribute;
use crate::dialect::qvalon::user::flag;
use crate::login::canon;
use crate::plan::User;
use crate::value::Value;

/// A conjunction of conditions on a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter(pub(super) Vec<Condition>);

/// Users that can be looked up directly, because no other user can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserLookup<'f> {
    /// Canonical logins.
    Logins(&'f BTreeSet<String>),
    /// User ids.
    Ids(&'f BTreeSet<u64>),
}

/// One condition. With several values, one match is enough; with no valid value, no user matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Active(bool),
    Ids(BTreeSet<u64>),
    /// At least one of these flags is set.
    Flags(Vec<Attribute>),
    /// The attribute, or one of its items, is one of these numbers.
    Numbers(Attribute, BTreeSet<i64>),
    /// Canonical logins.
    Logins(BTreeSet<String>),
    /// Lower case.
    Emails(BTreeSet<String>),
    Levels(BTreeSet<&'static str>),
    /// Is a director of one of these shops.
    Director(BTreeSet<i64>),
    /// The attribute contains this text, which is case-folded as logins are.
    Like(Attribute, String),
}

impl UserFilter {
    /// Returns `true` if every user matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if the user meets all conditions. The caller restricts the tenant.
    #[must_use]
    pub fn matches(&self, user: &User) -> bool {
        self.0.iter().all(|condition| condition.is_met_by(user))
    }

    /// Returns the users to look up, by the condition that needs fewer reads; `None` if any user
    /// may match.
    #[must_use]
    pub fn lookup(&self) -> Option<UserLookup<'_>> {
        let ids = self.0.iter().find_map(|condition| match condition {
            Condition::Ids(ids) => Some(UserLookup::Ids(ids)),
            _ => None,
        });
        let logins = self.0.iter().find_map(|condition| match condition {
            Condition::Logins(logins) => Some(UserLookup::Logins(logins)),
            _ => None,
        });
        logins.or(ids)
    }
}

impl Condition {
    fn is_met_by(&self, user: &User) -> bool {
        match self {
            Self::Active(active) => flag(user, Attribute::Active) == *active,
            Self::Ids(ids) => ids.contains(&user.id),
            Self::Flags(flags) => flags.iter().any(|attribute| flag(user, *attribute)),
            Self::Numbers(attribute, numbers) => contains_number(user, *attribute, numbers),
            Self::Logins(logins) => logins.contains(canon(&user.login).as_ref()),
            Self::Emails(emails) => text_of(user, Attribute::Email)
                .is_some_and(|email| emails.contains(&email.to_ascii_lowercase())),
            Self::Levels(levels) => {
                text_of(user, Attribute::Level).is_some_and(|level| levels.contains(level))
            }
            Self::Director(shops) => {
                flag(user, Attribute::ShopDirector)
                    && contains_number(user, Attribute::ShopIds, shops)
            }
            Self::Like(attribute, part) => {
                text_of(user, *attribute).is_some_and(|text| canon(text).contains(part))
            }
        }
    }
}

fn text_of(user: &User, attribute: Attribute) -> Option<&str> {
    if attribute == Attribute::Username {
        return Some(&user.login);
    }
    match user.values.get(&attribute) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn contains_number(user: &User, attribute: Attribute, numbers: &BTreeSet<i64>) -> bool {
    match user.values.get(&attribute) {
        Some(Value::Integer(number)) => numbers.contains(number),
        Some(Value::Integers(items)) => items.iter().any(|item| numbers.contains(item)),
        _ => false,
    }
}
