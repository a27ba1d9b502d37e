//! The same look at the same records, for files of any size: only hashes, counts and the first
//! warnings are kept. The plan is made against an empty directory.

use std::io::Read;

use super::first::FirstItems;
use super::plain::{PlainUsers, is_unescaped};
use super::{Refused, Subject, duplicate, external_id_taken, subject};
use crate::attribute::Attribute;
use crate::dialect::quant::NEW_USER;
use crate::item::Item;
use crate::login::canon;
use crate::plan::{Plan, plan};
use crate::reader::dedup::{Dedup, Entry, HashKey, Repeated};
use crate::reader::{Harvest, ReadError, Sizes, Totals, read_array};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Changes, Element, item, read_changes};
use crate::value::{Problem, Value};

/// What an import into an empty directory would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What would become of the records.
    pub counts: Counts,
    /// How many warnings there are.
    pub warnings: u64,
    /// The first of them, in record order; not more than were asked for.
    pub items: Vec<Item>,
    /// Bytes of the input.
    pub bytes: u64,
}

/// Checks a whole input. At most `most_items` warnings are kept; all are counted.
///
/// # Errors
/// [`ReadError`]: the input is not a JSON array.
pub fn check(
    input: impl Read + Send,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
    most_items: usize,
) -> Result<Checked, ReadError> {
    let gather = Gather {
        rules,
        key,
        plain_users: PlainUsers::new(rules),
        most_items: FirstItems::of_one_chunk(most_items),
    };
    let mut seen = Seen {
        logins: Dedup::default(),
        external_ids: Dedup::default(),
        troubled: Vec::new(),
        items: FirstItems::new(most_items),
    };
    let totals = read_array(input, rules, sizes, &gather, |first, crop| {
        seen.add(first, crop)
    })?;
    Ok(seen.finish(rules, totals))
}

struct Gather<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
    plain_users: PlainUsers<'r>,
    /// Of one chunk.
    most_items: usize,
}

/// What is kept of the whole input.
struct Seen {
    logins: Dedup,
    external_ids: Dedup,
    troubled: Vec<Troubled>,
    items: FirstItems,
}

/// A record that has warnings. The others would all be created.
struct Troubled {
    record: u32,
    warnings: u32,
    refused: Option<Refused>,
}

/// Bytes of a short record.
const USUAL_RECORD: usize = 128;

#[derive(Default)]
struct Crop {
    unescaped: bool,
    logins: Vec<Entry>,
    external_ids: Vec<Entry>,
    troubled: Vec<Troubled>,
    items: Vec<Item>,
    scratch: Changes<'static>,
}

impl Harvest for Gather<'_> {
    type Crop = Crop;

    fn start(&self, text: &[u8]) -> Crop {
        Crop {
            unescaped: is_unescaped(text),
            logins: Vec::with_capacity(text.len() / USUAL_RECORD),
            ..Crop::default()
        }
    }

    fn gather(&self, crop: &mut Crop, index: u32, element: Element<'_>) {
        if let Some(user) = self.plain_users.recognise(&element, crop.unescaped) {
            crop.logins
                .push(Entry::new(self.key, &canon(user.login), index));
            if let Some(id) = user.external_id {
                crop.external_ids.push(Entry::new(self.key, id, index));
            }
            return;
        }
        self.gather_thoroughly(crop, index, element);
    }
}

impl Gather<'_> {
    fn gather_thoroughly(&self, crop: &mut Crop, index: u32, element: Element<'_>) {
        let number = u64::from(index) + 1;
        let login = match subject(self.rules, number, &element) {
            Subject::User(login) => login,
            Subject::Refused { kind, canon, item } => {
                if let Some(canon) = canon {
                    crop.logins.push(Entry::new(self.key, &canon, index));
                }
                keep(self.most_items, &mut crop.items, || item);
                crop.troubled.push(Troubled {
                    record: index,
                    warnings: 1,
                    refused: Some(kind),
                });
                return;
            }
        };
        crop.logins.push(Entry::new(self.key, login.canon(), index));
        let Element::Object(slots) = element else {
            return;
        };
        let mut warnings = 0;
        let mut changes = std::mem::take(&mut crop.scratch).recycle();
        let items = &mut crop.items;
        let mut report = |attribute: Option<Attribute>, problem: Problem| {
            warnings += 1;
            keep(self.most_items, items, || {
                let login = Some(login.shown().to_owned());
                item(self.rules, number, login, attribute, problem)
            });
        };
        read_changes(self.rules, slots, &mut changes, |attribute, problem| {
            report(Some(attribute), problem);
        });
        // Nothing is stored, so there is no tenant that could matter.
        let refused = match plan(&changes, None, "", NEW_USER) {
            Plan::Create | Plan::Update(_) | Plan::Unchanged => None,
            Plan::Ignored(refusals) => {
                for refusal in refusals {
                    report(refusal.attribute, refusal.problem);
                }
                Some(Refused::Ignored)
            }
        };
        if let Some(Value::Text(id)) = changes.value(Attribute::ExternalId) {
            crop.external_ids.push(Entry::new(self.key, id, index));
        }
        if warnings > 0 {
            crop.troubled.push(Troubled {
                record: index,
                warnings,
                refused,
            });
        }
        crop.scratch = changes.recycle();
    }
}

impl Seen {
    fn add(&mut self, first: u64, crop: Crop) {
        // The reader refuses inputs with more records than a u32 counts.
        let base = u32::try_from(first).unwrap_or(u32::MAX);
        let later = |entry: Entry| entry.later(base);
        self.logins.extend(crop.logins.into_iter().map(later));
        self.external_ids
            .extend(crop.external_ids.into_iter().map(later));
        self.troubled
            .extend(crop.troubled.into_iter().map(|mut troubled| {
                troubled.record += base;
                troubled
            }));
        let mut items = crop.items;
        for item in &mut items {
            item.record = item.record.map(|number| number + first);
        }
        self.items.add(items, || {
            let repeated = self.logins.repeated(|_| false);
            move |item: &Item| is_of(&repeated, item)
        });
    }

    fn finish(mut self, rules: &Rules, totals: Totals) -> Checked {
        let repeated = self.logins.repeated(|_| false);
        let is_repeated = |record: u32| contains(&repeated, record);
        // A repeated record is counted as that and as nothing else.
        let troubled: Vec<Troubled> = self
            .troubled
            .into_iter()
            .filter(|troubled| !is_repeated(troubled.record))
            .collect();
        let refused = |record: u32| {
            troubled
                .binary_search_by_key(&record, |troubled| troubled.record)
                .ok()
                .and_then(|index| troubled.get(index))
                .and_then(|troubled| troubled.refused)
        };
        let taken = self
            .external_ids
            .repeated(|record| is_repeated(record) || refused(record).is_some());

        let mut counts = Counts {
            total: totals.records,
            duplicated: repeated.len() as u64,
            ..Counts::default()
        };
        let mut warnings = (repeated.len() + taken.len()) as u64;
        for troubled in &troubled {
            warnings += u64::from(troubled.warnings);
            match troubled.refused {
                Some(Refused::Empty) => counts.empty += 1,
                Some(Refused::Ignored) => counts.ignored += 1,
                None => {}
            }
        }
        counts.created = counts.total - counts.empty - counts.ignored - counts.duplicated;

        let late = late_items(rules, &repeated, &taken);
        let items = self.items.finish(late, |item| is_of(&repeated, item));
        Checked {
            counts,
            warnings,
            items,
            bytes: totals.bytes,
        }
    }
}

/// Items come in record order, so what is kept are the first ones.
fn keep(most: usize, items: &mut Vec<Item>, make: impl FnOnce() -> Item) {
    if items.len() < most {
        items.push(make());
    }
}

fn contains(repeated: &[Repeated], record: u32) -> bool {
    repeated
        .binary_search_by_key(&record, |repeated| repeated.record)
        .is_ok()
}

/// Whether an item is about one of these records.
fn is_of(repeated: &[Repeated], item: &Item) -> bool {
    let record = item
        .record
        .and_then(|number| u32::try_from(number.checked_sub(1)?).ok());
    record.is_some_and(|record| contains(repeated, record))
}

/// The items that only a look at all records gives.
fn late_items<'a>(
    rules: &'a Rules,
    repeated: &'a [Repeated],
    taken: &'a [Repeated],
) -> impl Iterator<Item = Item> + use<'a> {
    let numbers = |repeated: &Repeated| {
        (
            u64::from(repeated.record) + 1,
            u64::from(repeated.first) + 1,
        )
    };
    let duplicates = repeated.iter().map(move |repeated| {
        let (number, first) = numbers(repeated);
        duplicate(rules, number, first, None)
    });
    let taken = taken.iter().map(move |repeated| {
        let (number, first) = numbers(repeated);
        item(
            rules,
            number,
            None,
            Some(Attribute::ExternalId),
            external_id_taken(&format!("an earlier record, {first}")),
        )
    });
    duplicates.chain(taken)
}
