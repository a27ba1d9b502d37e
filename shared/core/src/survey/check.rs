//! The same look at the same records, for files of any size: only hashes, counts and the first
//! warnings are kept. The plan is made against an empty directory.

use std::io::Read;

use super::{Refused, Subject, duplicate, external_id_taken, subject};
use crate::attribute::Attribute;
use crate::item::Item;
use crate::plan::{Plan, plan};
use crate::reader::dedup::{Dedup, HashKey, Repeated, hash};
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
    input: impl Read,
    rules: &Rules,
    sizes: Sizes,
    key: &HashKey,
    most_items: usize,
) -> Result<Checked, ReadError> {
    let mut survey = Checking {
        rules,
        key,
        most_items,
        logins: Dedup::default(),
        external_ids: Dedup::default(),
        troubled: Vec::new(),
        items: Vec::new(),
    };
    let totals = read_array(input, rules, sizes, &mut survey)?;
    Ok(survey.finish(totals))
}

struct Checking<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
    most_items: usize,
    logins: Dedup,
    external_ids: Dedup,
    troubled: Vec<Troubled>,
    items: Vec<Item>,
}

/// A record that has warnings. The others would all be created.
struct Troubled {
    record: u32,
    warnings: u32,
    refused: Option<Refused>,
}

#[derive(Default)]
struct Crop {
    logins: Vec<(u128, u32)>,
    external_ids: Vec<(u128, u32)>,
    troubled: Vec<Troubled>,
    items: Vec<Item>,
    scratch: Changes<'static>,
}

impl Harvest for Checking<'_> {
    type Crop = Crop;

    fn start(&self) -> Crop {
        Crop::default()
    }

    fn gather(&self, crop: &mut Crop, index: u32, element: Element<'_>) {
        let number = u64::from(index) + 1;
        let login = match subject(self.rules, number, &element) {
            Subject::User(login) => login,
            Subject::Refused { kind, canon, item } => {
                if let Some(canon) = canon {
                    crop.logins.push((hash(self.key, &canon), index));
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
        crop.logins.push((hash(self.key, login.canon()), index));
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
        let refused = match plan(&changes, None, "") {
            Plan::Create | Plan::Update(_) | Plan::Unchanged => None,
            Plan::Ignored(refusals) => {
                for refusal in refusals {
                    report(refusal.attribute, refusal.problem);
                }
                Some(Refused::Ignored)
            }
        };
        if let Some(Value::Text(id)) = changes.value(Attribute::ExternalId) {
            crop.external_ids.push((hash(self.key, id), index));
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

    fn bring_in(&mut self, first: u64, _count: u32, crop: Crop) {
        // The reader refuses inputs with more records than a u32 counts.
        let base = u32::try_from(first).unwrap_or(u32::MAX);
        for (hash, index) in crop.logins {
            self.logins.insert(hash, base + index);
        }
        for (hash, index) in crop.external_ids {
            self.external_ids.insert(hash, base + index);
        }
        self.troubled
            .extend(crop.troubled.into_iter().map(|mut troubled| {
                troubled.record += base;
                troubled
            }));
        for mut item in crop.items {
            item.record = item.record.map(|number| number + first);
            keep(self.most_items, &mut self.items, || item);
        }
    }
}

/// Items come in record order, so what is kept are the first ones.
fn keep(most: usize, items: &mut Vec<Item>, make: impl FnOnce() -> Item) {
    if items.len() < most {
        items.push(make());
    }
}

impl Checking<'_> {
    fn finish(self, totals: Totals) -> Checked {
        let repeated = self.logins.repeated(|_| false);
        let is_repeated = |record: u32| find(&repeated, record).is_some();
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

        let late = late_items(self.rules, &repeated, &taken);
        let items = first_items(self.items, late, self.most_items, is_repeated);
        Checked {
            counts,
            warnings,
            items,
            bytes: totals.bytes,
        }
    }
}

fn find(repeated: &[Repeated], record: u32) -> Option<&Repeated> {
    let index = repeated
        .binary_search_by_key(&record, |repeated| repeated.record)
        .ok()?;
    repeated.get(index)
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

/// The first `most` of all items, in record order.
fn first_items(
    early: Vec<Item>,
    late: impl Iterator<Item = Item>,
    most: usize,
    is_repeated: impl Fn(u32) -> bool,
) -> Vec<Item> {
    // What was found early is complete only up to where its room ended.
    let complete_to = match early.last() {
        Some(last) if early.len() == most => last.record,
        _ => None,
    };
    let mut items: Vec<Item> = early
        .into_iter()
        .filter(|item| {
            item.record
                .and_then(|number| u32::try_from(number - 1).ok())
                .is_none_or(|record| !is_repeated(record))
        })
        .chain(late.filter(|item| complete_to.is_none_or(|end| item.record <= Some(end))))
        .collect();
    items.sort_by_key(|item| item.record);
    items.truncate(most);
    items
}
