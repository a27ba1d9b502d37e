//! The user of a record, and the items and problems that both passes over an input report.

use std::borrow::Cow;

use crate::attribute::Attribute;
use crate::item::Item;
use crate::login::Login;
use crate::rules::Rules;
use crate::validate::{Element, Identity, identify, item, sent};
use crate::value::{self, Assignment, Problem};

/// Reason why a record never reaches the directory; decides how it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SkipReason {
    Empty,
    Ignored,
}

/// The user of a record, or the reason why it has none.
pub(super) enum Subject<'a> {
    User(Login<'a>),
    Skipped {
        reason: SkipReason,
        canon: Option<String>,
        item: Item,
    },
}

/// Identifies the user of record `number`, counted from 1.
pub(super) fn subject<'a>(rules: &Rules, number: u64, element: &Element<'a>) -> Subject<'a> {
    let identity = identify(element, rules.formats());
    if !matches!(identity, Identity::Empty(_)) && lacks_external_id(rules, element) {
        let external_id = Some(Attribute::ExternalId);
        return Subject::Skipped {
            reason: SkipReason::Empty,
            item: item(
                rules,
                number,
                identity.shown(),
                external_id,
                MISSING_EXTERNAL_ID,
                None,
            ),
            // It is about nobody, so no other record repeats it.
            canon: None,
        };
    }
    let identity = match identity {
        Identity::User(login) => return Subject::User(login),
        other => other,
    };
    let canon = identity.canon().map(Cow::into_owned);
    let shown = identity.shown();
    let username = Some(Attribute::Username);
    let (reason, attribute, problem) = match identity {
        Identity::NotAnObject(problem) | Identity::TooLarge { problem, .. } => {
            (SkipReason::Ignored, None, problem)
        }
        Identity::Empty(problem) => (SkipReason::Empty, username, problem),
        Identity::WrongType(problem) | Identity::InvalidLogin { problem, .. } => {
            (SkipReason::Ignored, username, problem)
        }
        Identity::User(login) => return Subject::User(login),
    };
    let value = attribute.and_then(|attribute| match element {
        Element::Object(slots) => value::shown(attribute, sent(rules, slots, attribute)),
        Element::NotAnObject(_) | Element::TooLarge(_) => None,
    });
    Subject::Skipped {
        reason,
        canon,
        item: item(rules, number, shown, attribute, problem, value),
    }
}

/// Returns true if a record names nobody, because the external id says whom it is about and is absent,
/// `null` or empty. One that cannot be read does not count as absent.
pub(super) fn lacks_external_id(rules: &Rules, element: &Element<'_>) -> bool {
    let Element::Object(slots) = element else {
        return false;
    };
    if !rules.identifies_by_external_id() {
        return false;
    }
    let json = sent(rules, slots, Attribute::ExternalId);
    let reading = value::read(Attribute::ExternalId.kind(), json, rules.read_context());
    reading.is_ok_and(|reading| !matches!(reading.assignment, Some(Assignment::Set(_))))
}

const MISSING_EXTERNAL_ID: Problem = Problem {
    code: "missing",
    message: Cow::Borrowed("the external id is empty: this task identifies people by it"),
};

/// Returns the item of a record with the user name or external id of an earlier record. Both numbers
/// count from 1.
pub(super) fn duplicate_item(
    rules: &Rules,
    attribute: Attribute,
    number: u64,
    first: u64,
    login: Option<String>,
) -> Item {
    let name = match attribute {
        Attribute::ExternalId => "external id",
        _ => "user name",
    };
    let problem = Problem {
        code: "duplicate",
        message: Cow::Owned(format!("duplicate {name}, first used in record {first}")),
    };
    item(rules, number, login, Some(attribute), problem, None)
}

/// Returns the problem of an external id that `holder` already has.
#[must_use]
pub fn external_id_taken(holder: &str) -> Problem {
    Problem {
        code: "taken",
        message: Cow::Owned(format!("the external id is already used by {holder}")),
    }
}
