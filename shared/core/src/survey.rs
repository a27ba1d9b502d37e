//! Looking through a whole input before anything is written: every record is read, identified,
//! validated and compared with the ones before it. [`collect`] keeps what is to be imported;
//! [`check`] answers what an import into an empty directory would do, in little memory. An input
//! that is too large to be kept is looked at twice: [`spool`] compares all records and cuts them into
//! chunks, [`collect_chunk`] makes of each chunk what [`collect`] would make of its records.

mod check;
mod chunk;
mod collect;
mod cutter;
mod first;
mod plain;
mod rejected;
mod spool;

use std::borrow::Cow;

pub use self::check::{Checked, check};
pub use self::chunk::{CollectedChunk, collect_chunk};
pub use self::collect::{Collected, UserChange, collect};
pub use self::cutter::{Chunk, ChunkSizes};
pub use self::rejected::{ChunkRecords, Rejected};
pub use self::spool::{Repeats, Spooled, spool};
use crate::attribute::Attribute;
use crate::item::Item;
use crate::rules::Rules;
use crate::validate::{Element, Identity, identify, item};
use crate::value::Problem;

/// How a record that never reaches the directory is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    Empty,
    Ignored,
}

/// A record is about a user, or is counted otherwise and says why.
enum Subject<'a> {
    User(crate::login::Login<'a>),
    Refused {
        kind: Refused,
        canon: Option<String>,
        item: Item,
    },
}

/// `number` is the record's, from 1.
fn subject<'a>(rules: &Rules, number: u64, element: &Element<'a>) -> Subject<'a> {
    let identity = match identify(element) {
        Identity::User(login) => return Subject::User(login),
        other => other,
    };
    let canon = identity.canon().map(Cow::into_owned);
    let shown = identity.shown();
    let username = Some(Attribute::Username);
    let (kind, attribute, problem) = match identity {
        Identity::NotAnObject(problem) => (Refused::Ignored, None, problem),
        Identity::Empty(problem) => (Refused::Empty, username, problem),
        Identity::WrongType(problem) | Identity::Unusable { problem, .. } => {
            (Refused::Ignored, username, problem)
        }
        Identity::User(login) => return Subject::User(login),
    };
    Subject::Refused {
        kind,
        canon,
        item: item(rules, number, shown, attribute, problem),
    }
}

/// The item of a record whose user name came before. Both numbers count from 1.
fn duplicate(rules: &Rules, number: u64, first: u64, login: Option<String>) -> Item {
    let problem = Problem {
        code: "duplicate",
        message: Cow::Owned(format!("this user name came before, in record {first}")),
    };
    item(rules, number, login, Some(Attribute::Username), problem)
}

/// The problem of an external id that `holder` has: the record is taken without it.
#[must_use]
pub fn external_id_taken(holder: &str) -> Problem {
    Problem {
        code: "taken",
        message: Cow::Owned(format!("this external id is held by {holder}")),
    }
}
