//! The rows that writes of one user put: the user's, its claim, and those by which it is found.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use muster_core::attribute::Attribute;
use muster_core::login::canon;
use muster_core::value::Assignment;

use super::attributes::{id_key, login_attribute, to_attribute, user_key};
use super::author::Author;
use super::claims::{Claim, single_write};
use super::edit::{ClaimWrite, LoginSlot, UserEdit, UserSnapshot};
use super::stamps::{Stamps, stamps_attribute};
use super::users::NewUser;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::row::{Attributes, EXPIRES_AT, expiry, later, number, text};
use crate::dynamodb::transaction::refusing_row;
use crate::dynamodb::write::Write;
use crate::error::StoreError;

/// Lifetime of the tombstone under a login that its user has left: as long as stamps count.
const TOMBSTONE_LIFETIME: Duration = Duration::from_secs(72 * 3_600);

/// Returns the row of a new user, and all rows to put; the user's comes first. The stamps are those of
/// the login, unless the writer leaves others.
pub(super) fn created(
    new: &NewUser<'_>,
    slot: &LoginSlot,
    claim: Option<ClaimWrite<'_>>,
    stamps: Option<&Stamps>,
    author: &Author,
) -> (Attributes, Vec<RowPut>) {
    let (version, inherited) = slot.inherited();
    let login = canon(new.login);
    let fields = new.fields(&login, author).into_iter();
    let mut row: Attributes = fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    row.insert("pk".to_owned(), text(user_key(&login)));
    row.insert("version".to_owned(), number(version + 1));
    let stamps = stamps.unwrap_or(&inherited);
    if !stamps.is_empty() {
        row.insert("stamps".to_owned(), stamps_attribute(stamps));
    }
    let mut puts = vec![(row.clone(), Some(slot.condition()))];
    puts.push((id_row(new.tenant, new.id, &login), None));
    if let Some(claim) = claim {
        let write = single_write(new.id, version + 1);
        puts.push(put_claim(new.tenant, &login, claim, write));
    }
    (row, puts)
}

/// Returns the user's row after an edit, and all rows to put; the user's comes first.
pub(super) fn edited(
    seen: &UserSnapshot,
    edit: UserEdit<'_>,
    author: &Author,
) -> (Attributes, Vec<RowPut>) {
    let UserEdit {
        difference,
        login,
        claim,
        stamps,
    } = edit;
    let UserSnapshot { entry, row } = seen;
    let user = &entry.user;
    let mut row = row.clone();
    for (attribute, assignment) in difference {
        match assignment {
            Assignment::Set(value) => {
                row.insert(attribute.name().to_owned(), to_attribute(value));
            }
            Assignment::Clear => {
                row.remove(attribute.name());
            }
        }
    }
    let renamed = login.map(|_| Attribute::Username);
    let changed = difference.iter().map(|(attribute, _)| *attribute);
    let changes = entry
        .changes
        .with(author, renamed.into_iter().chain(changed));
    let mut version = user.version + 1;
    row.insert("changes".to_owned(), changes);
    let unchanged = Condition::equals("id", number(user.id))
        .and(Condition::equals("version", number(user.version)));
    let mut puts = Vec::new();
    let mut current_login = canon(&user.login);
    if let Some((login, _)) = login {
        match login_attribute(login.shown(), login.canon()) {
            Some(shown) => row.insert("login".to_owned(), shown),
            None => row.remove("login"),
        };
    }
    if let Some((login, Some(slot))) = login {
        let (_, slot_stamps) = slot.inherited();
        version = slot.renamed_version(user.version);
        row.insert("pk".to_owned(), text(user_key(login.canon())));
        row.insert("version".to_owned(), number(version));
        // Stamps belong to the login, not to the user.
        let stamps = stamps.unwrap_or(&slot_stamps);
        row.insert("stamps".to_owned(), stamps_attribute(stamps));
        puts.push((row.clone(), Some(slot.condition())));
        puts.push((tombstone(seen, author), Some(unchanged)));
        let id_row = id_row(&user.tenant, user.id, login.canon());
        puts.push((id_row, None));
        current_login = login.canon().into();
    } else {
        row.insert("version".to_owned(), number(version));
        if let Some(stamps) = stamps {
            row.insert("stamps".to_owned(), stamps_attribute(stamps));
        }
        puts.push((row.clone(), Some(unchanged)));
    }
    if let Some(claim) = claim {
        let write = single_write(user.id, version);
        puts.push(put_claim(&user.tenant, &current_login, claim, write));
    }
    (row, puts)
}

/// Returns the writes of a transaction.
pub(super) fn transaction(
    table: &str,
    puts: Vec<RowPut>,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let writes = puts.into_iter().map(|(row, condition)| {
        let put = Write::put(table, row).returning_refusing_row();
        match condition {
            Some(condition) => put.only_if(condition).build(),
            None => put.build(),
        }
    });
    writes.collect()
}

/// Returns true if the first row of a refused transaction is there: an earlier attempt has written it.
pub(super) fn is_written(reasons: &[CancellationReason], row: &Attributes) -> bool {
    refusing_row(reasons, 0).as_ref() == Some(row)
}

fn put_claim(tenant: &str, login: &str, claim: ClaimWrite<'_>, write: String) -> RowPut {
    let ClaimWrite {
        external_id,
        seen,
        runs,
    } = claim;
    let claim = Claim {
        login: login.to_owned(),
        runs: runs.iter().cloned().chain([write]).collect(),
    };
    let condition = match seen {
        None => Condition::row_absent(),
        Some(seen) => {
            let [(login, seen_login), (runs, seen_runs)] = seen.attributes();
            Condition::equals(login, seen_login).and(Condition::equals(runs, seen_runs))
        }
    };
    (claim.row(tenant, external_id), Some(condition))
}

/// A row to put, and the condition on the one that it replaces.
pub(super) type RowPut = (Attributes, Option<Condition>);

/// Returns the row by which a user is found by id (protocol.md#renames).
fn id_row(tenant: &str, id: u64, canon: &str) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), text(id_key(tenant, id))),
        ("login".to_owned(), text(canon)),
    ])
}

/// Returns the tombstone for the login that a user leaves. It has neither tenant nor id, so it is
/// in no index.
fn tombstone(seen: &UserSnapshot, author: &Author) -> Attributes {
    let entry = &seen.entry;
    let until = expiry(later(author.at, TOMBSTONE_LIFETIME));
    HashMap::from([
        ("pk".to_owned(), text(user_key(&canon(&entry.user.login)))),
        ("version".to_owned(), number(entry.user.version + 1)),
        ("stamps".to_owned(), stamps_attribute(&entry.stamps)),
        (EXPIRES_AT.to_owned(), number(until)),
    ])
}
