//! Records of an input with one e-mail address, which may be meant: a note tells how many there are.

use crate::attribute::Attribute;
use crate::item::{EMAIL_SHARED, Item};
use crate::reader::shared_values::{SharedValues, ValueHasher};
use crate::rules::Rules;

/// Maximum records that the note names.
const MAX_NAMED_RECORDS: usize = 5;

/// Returns the hash of an e-mail address; its case does not matter.
#[inline]
pub(super) fn hash(hasher: &ValueHasher, email: &str) -> u64 {
    if email.bytes().any(|byte| byte.is_ascii_uppercase()) {
        hasher.hash(email.to_ascii_lowercase().as_bytes())
    } else {
        hasher.hash(email.as_bytes())
    }
}

/// Returns the note on records with the e-mail address of an earlier one, if there are any. Records in
/// `skip` are not imported.
pub(super) fn note(
    rules: &Rules,
    emails: &SharedValues,
    skip: impl Fn(u32) -> bool,
) -> Option<Item> {
    let (count, named) = emails.repeated(MAX_NAMED_RECORDS, skip);
    if count == 0 {
        return None;
    }
    let number = |record: u32| u64::from(record) + 1;
    let pairs: Vec<String> = named
        .into_iter()
        .map(|(record, first)| {
            format!("record {} that of record {}", number(record), number(first))
        })
        .collect();
    let more = count - pairs.len() as u64;
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    Some(Item::about_input(
        EMAIL_SHARED,
        rules.key(Attribute::Email),
        format!(
            "records have the e-mail address of an earlier record: {}{more}",
            pairs.join(", ")
        ),
    ))
}
