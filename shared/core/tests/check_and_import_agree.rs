//! `check` recognises most records without validating them in full. Its result must be that of
//! collecting and planning each record, for any mix of valid and invalid values.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use muster_core::dialect::quant::NEW_USER;
use muster_core::item::Item;
use muster_core::plan::{Plan, plan};
use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::scan::{check, collect};
use proptest::prelude::*;
use proptest::sample::select;

mod records;

use self::records::{PERSON_RULES, record, rules_with, rules_with_own_formats};

/// Returns the counts, the warnings and the notes of collecting and planning an input for an empty
/// directory.
fn collect_and_plan(json: &str, rules: &Rules) -> (Counts, u64, Vec<Item>) {
    let collected = collect(json.as_bytes(), rules, Sizes::default(), &[3; 16]).unwrap();
    let is_note = |item: &Item| item.record.is_none();
    let (notes, items): (Vec<Item>, Vec<Item>) = collected.items.into_iter().partition(is_note);
    let (mut counts, mut warnings) = (collected.counts, items.len() as u64);
    for change in &collected.changes {
        let is_taken = change.external_id_taken_by.is_some();
        match plan(&change.changes, None, "acme", NEW_USER, rules.person()) {
            Plan::Create => {
                warnings += u64::from(is_taken);
                if is_taken && rules.person().refuses_others() {
                    counts.ignored += 1;
                } else {
                    counts.created += 1;
                }
            }
            Plan::Ignored(refusals) => {
                counts.ignored += 1;
                warnings += refusals.len() as u64;
            }
            Plan::Update(_) | Plan::Unchanged => panic!("there is nobody to update"),
        }
    }
    (counts, warnings, notes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn check_agrees_with_collecting_and_planning(
        records in proptest::collection::vec(record(), 0..60),
        chunk in 16_usize..4_000,
        max in 0_usize..80,
        person in select(&PERSON_RULES[..]),
        own_formats in any::<bool>(),
    ) {
        let rules = if own_formats { rules_with_own_formats(person) } else { rules_with(person) };
        let json = format!("[{}]", records.join(","));
        let (counts, warnings, notes) = collect_and_plan(&json, &rules);
        let sizes = Sizes { chunk, window: chunk * 3 };
        let all = check(json.as_bytes(), &rules, sizes, &[9; 16], usize::MAX).unwrap();
        prop_assert_eq!((all.counts, all.warnings), (counts, warnings), "{}", json);
        prop_assert_eq!(all.items.len() as u64, warnings);
        // An import asks the directory for managers, and only an import looks for shared addresses.
        let is_same = |item: &Item| !["manager_uid.unresolved", "email.shared"].contains(&&*item.code);
        let same = |notes: Vec<Item>| notes.into_iter().filter(is_same).collect::<Vec<_>>();
        prop_assert_eq!(same(all.notes), same(notes));
        prop_assert!(all.items.is_sorted_by_key(|item| item.record));
        let first = check(json.as_bytes(), &rules, sizes, &[9; 16], max).unwrap();
        prop_assert_eq!(first.warnings, warnings);
        prop_assert_eq!(&first.items[..], &all.items[..max.min(all.items.len())]);
    }
}
