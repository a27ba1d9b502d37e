//! The records of an input that repeat the user name or the external id of an earlier one.

use crate::attribute::Attribute;
use crate::item::Item;
use crate::reader::dedup::{Dedup, RepeatedRecord};
use crate::rules::Rules;

use super::subject::duplicate_item;

/// The records that repeat a value of an earlier record, ascending.
pub(super) struct RepeatedRecords {
    /// Those with the user name of an earlier record.
    pub(super) logins: Vec<RepeatedRecord>,
    /// Those with the external id of an earlier record. Unless it says whom a record is about, records
    /// in `logins` are not among them and do not count as earlier ones.
    pub(super) external_ids: Vec<RepeatedRecord>,
    /// True if the external id says whom a record is about.
    by_external_id: bool,
}

impl RepeatedRecords {
    /// Compares all records that were added.
    pub(super) fn find(by_external_id: bool, logins: &mut Dedup, external_ids: &mut Dedup) -> Self {
        let logins = logins.repeated(|_| false);
        let mut external_ids =
            external_ids.repeated(|record| !by_external_id && contains(&logins, record));
        // Each record is counted once.
        external_ids.retain(|repeated| !contains(&logins, repeated.record));
        Self {
            logins,
            external_ids,
            by_external_id,
        }
    }

    /// Returns true if a record is counted as duplicated, and is not imported.
    pub(super) fn is_duplicated(&self, record: u32) -> bool {
        contains(&self.logins, record)
            || self.by_external_id && contains(&self.external_ids, record)
    }

    /// Returns true if an item is about a duplicated record.
    pub(super) fn has_item(&self, item: &Item) -> bool {
        let record = item
            .record
            .and_then(|number| u32::try_from(number.checked_sub(1)?).ok());
        record.is_some_and(|record| self.is_duplicated(record))
    }

    /// Returns the number of duplicated records.
    pub(super) fn duplicated(&self) -> u64 {
        let external_ids = match self.by_external_id {
            true => self.external_ids.len(),
            false => 0,
        };
        (self.logins.len() + external_ids) as u64
    }

    /// Returns an item for each duplicated record.
    pub(super) fn items<'a>(&'a self, rules: &'a Rules) -> impl Iterator<Item = Item> + use<'a> {
        let external_ids = match self.by_external_id {
            true => self.external_ids.as_slice(),
            false => &[],
        };
        let items = |attribute, repeated: &'a [RepeatedRecord]| {
            repeated.iter().map(move |repeated| {
                let (number, first) = numbers(*repeated);
                duplicate_item(rules, attribute, number, first, None)
            })
        };
        let logins = items(Attribute::Username, &self.logins);
        logins.chain(items(Attribute::ExternalId, external_ids))
    }
}

fn contains(repeated: &[RepeatedRecord], record: u32) -> bool {
    repeated
        .binary_search_by_key(&record, |repeated| repeated.record)
        .is_ok()
}

/// Returns the numbers of a record and of the first one with its value, counted from 1.
pub(super) fn numbers(repeated: RepeatedRecord) -> (u64, u64) {
    let number = |record: u32| u64::from(record) + 1;
    (number(repeated.record), number(repeated.first))
}

/// Returns the same records, counted from 1.
pub(super) fn record_numbers(repeated: &[RepeatedRecord]) -> Vec<(u64, u64)> {
    repeated.iter().copied().map(numbers).collect()
}
