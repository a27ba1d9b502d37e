//! The first pass counts what records ask for. No directory lets an import block more users or clear more
//! values: a file within the limits needs no plan (contract.md#safety-thresholds).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;

use muster_core::attribute::{Attribute, AttributeKind};
use muster_core::plan::{Plan, User, effects, update};
use muster_core::reader::{Compression, Format, Sizes, Source};
use muster_core::scan::{ChunkSizes, collect, split_into_chunks};
use muster_core::value::Value;
use proptest::prelude::*;
use proptest::sample::select;

mod records;

use self::records::{PERSON_RULES, record, rules_with, rules_with_own_formats};

/// Returns an active user with a value for each mapped attribute, so that every record which clears a
/// value changes it.
fn stored_user(attributes: impl Iterator<Item = Attribute>) -> User {
    let value = |attribute: Attribute| match attribute.kind() {
        AttributeKind::Flag { .. } => Value::Flag(true),
        AttributeKind::TextList => Value::Texts(vec!["stored".into()]),
        _ => Value::Text("stored".into()),
    };
    User {
        tenant: "acme".to_owned(),
        id: 7,
        login: "stored".to_owned(),
        version: 1,
        values: attributes
            .filter(|attribute| *attribute != Attribute::Username)
            .map(|attribute| (attribute, value(attribute)))
            .collect::<BTreeMap<_, _>>(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_import_renames_blocks_or_clears_more_than_its_records_ask_for(
        records in proptest::collection::vec(record(), 0..40),
        own_formats in any::<bool>(),
        person in select(&PERSON_RULES[..]),
    ) {
        let rules = if own_formats { rules_with_own_formats(person) } else { rules_with(person) };
        let json = format!("[{}]", records.join(","));
        let source = Source::new(json.as_bytes(), Format::Json, Compression::None, u64::MAX);
        let sizes = Sizes::default();
        let bounds = split_into_chunks(source, &rules, sizes, ChunkSizes::default(), &[5; 16], |_| Ok(()));
        let bounds = bounds.unwrap().bounds;

        let collected = collect(json.as_bytes(), &rules, sizes, &[3; 16]).unwrap();
        let user = stored_user(rules.keys().iter().map(|(attribute, _)| *attribute));
        let (mut blocked, mut cleared) = (0, 0);
        for change in &collected.changes {
            if let Plan::Update(difference) = update(&change.changes, &user) {
                let effects = effects(&difference);
                blocked += u64::from(effects.blocked);
                cleared += effects.cleared;
            }
        }
        let renamed = match rules.identifies_by_external_id() {
            true => collected.changes.len() as u64,
            false => 0,
        };
        prop_assert!(renamed <= bounds.renamed, "{renamed} renamed, {bounds:?}: {json}");
        prop_assert!(blocked <= bounds.blocked, "{blocked} blocked, {bounds:?}: {json}");
        prop_assert!(cleared <= bounds.cleared, "{cleared} cleared, {bounds:?}: {json}");
    }
}
