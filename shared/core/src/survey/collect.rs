//! What an import works on: the changes of every record that is about a user, in record order.

use std::collections::HashMap;
use std::io::Read;

use super::{Refused, Subject, duplicate, subject};
use crate::item::Item;
use crate::login::Login;
use crate::reader::dedup::{Dedup, Entry, HashKey, Repeated};
use crate::reader::{Harvest, ReadError, Sizes, read_array};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Changes, Element, item, read_changes};

/// A record that is about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserChange {
    /// Its number in the input, from 1.
    pub record: u64,
    /// The user.
    pub login: Login<'static>,
    /// What it changes.
    pub changes: Changes<'static>,
}

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// What is counted already: all records, and the empty, duplicated and ignored ones.
    pub counts: Counts,
    /// The records that go on to the directory, in order, no login twice.
    pub changes: Vec<UserChange>,
    /// What is wrong so far, in record order.
    pub items: Vec<Item>,
}

/// Reads a whole input. `key` is random and secret: nobody can choose logins that collide.
///
/// # Errors
/// [`ReadError`]: the input is not a JSON array; nothing of it may be applied then.
pub fn collect(
    input: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
) -> Result<Collected, ReadError> {
    let mut seen = Seen::default();
    let gather = Gather { rules, key };
    let totals = read_array(input, rules, sizes, &gather, |first, crop| {
        seen.add(first, crop)
    })?;
    Ok(seen.finish(rules, totals.records))
}

struct Gather<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
}

#[derive(Default)]
struct Seen {
    logins: Dedup,
    /// In order.
    records: Vec<Record>,
}

struct Record {
    index: u32,
    canon: Option<Entry>,
    outcome: Outcome,
    items: Vec<Item>,
}

enum Outcome {
    User(Login<'static>, Changes<'static>),
    Refused(Refused),
}

impl Harvest for Gather<'_> {
    type Crop = Vec<Record>;

    fn start(&self, _text: &[u8]) -> Self::Crop {
        Vec::new()
    }

    fn gather(&self, crop: &mut Self::Crop, index: u32, element: Element<'_>) {
        // Numbers are within the chunk here; `Seen::add` makes them those of the input.
        let number = u64::from(index) + 1;
        let record = match subject(self.rules, number, &element) {
            Subject::User(login) => {
                let mut items = Vec::new();
                let mut changes = Changes::default();
                if let Element::Object(slots) = element {
                    read_changes(self.rules, slots, &mut changes, |attribute, problem| {
                        let login = Some(login.shown().to_owned());
                        items.push(item(self.rules, number, login, Some(attribute), problem));
                    });
                }
                Record {
                    index,
                    canon: Some(Entry::new(self.key, login.canon(), index)),
                    outcome: Outcome::User(login.into_owned(), changes.to_static()),
                    items,
                }
            }
            Subject::Refused { kind, canon, item } => Record {
                index,
                canon: canon.map(|canon| Entry::new(self.key, &canon, index)),
                outcome: Outcome::Refused(kind),
                items: vec![item],
            },
        };
        crop.push(record);
    }
}

impl Seen {
    fn add(&mut self, first: u64, crop: Vec<Record>) {
        for mut record in crop {
            // The reader refuses inputs with more records than a u32 counts.
            let base = u32::try_from(first).unwrap_or(u32::MAX);
            record.index += base;
            for item in &mut record.items {
                item.record = item.record.map(|number| number + first);
            }
            self.logins
                .extend(record.canon.map(|canon| canon.later(base)));
            self.records.push(record);
        }
    }

    fn finish(mut self, rules: &Rules, total: u64) -> Collected {
        let repeated: HashMap<u32, Repeated> = self
            .logins
            .repeated(|_| false)
            .into_iter()
            .map(|repeated| (repeated.record, repeated))
            .collect();
        let mut collected = Collected::default();
        collected.counts.total = total;
        for record in self.records {
            let number = u64::from(record.index) + 1;
            if let Some(repeated) = repeated.get(&record.index) {
                collected.counts.duplicated += 1;
                let login = match &record.outcome {
                    Outcome::User(login, _) => Some(login.shown().to_owned()),
                    Outcome::Refused(_) => record.items.into_iter().find_map(|item| item.login),
                };
                let first = u64::from(repeated.first) + 1;
                collected.items.push(duplicate(rules, number, first, login));
                continue;
            }
            collected.items.extend(record.items);
            match record.outcome {
                Outcome::User(login, changes) => collected.changes.push(UserChange {
                    record: number,
                    login,
                    changes,
                }),
                Outcome::Refused(Refused::Empty) => collected.counts.empty += 1,
                Outcome::Refused(Refused::Ignored) => collected.counts.ignored += 1,
            }
        }
        collected
    }
}
