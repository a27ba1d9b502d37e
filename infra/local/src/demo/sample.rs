//! The sample request of the Quant document and its expected result.

use std::collections::BTreeMap;

use muster_core::attribute::Attribute;
use muster_core::run::Counts;
use muster_core::value::Value;

/// The sample with the comma that is missing in the document, and valid addresses.
pub(super) const SAMPLE: &str = include_str!("sample.json");
/// Logins in the sample.
pub(super) const LOGINS: [&str; 2] = ["john.foo", "jack.woo"];

/// Returns the sample as the document prints it.
pub(super) fn broken_sample() -> String {
    SAMPLE.replacen("\"All Stores\": false,", "\"All Stores\": false", 1)
}

/// Counts of the sample, without created, updated and unchanged users.
pub(super) const TWO_RECORDS: Counts = Counts {
    total: 2,
    empty: 0,
    ignored: 0,
    duplicated: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    renamed: 0,
    moved: 0,
    blocked: 0,
    unblocked: 0,
    cleared: 0,
};

/// Returns the users to be stored for the sample: with mapped roles and a split list.
pub(super) fn expected_users() -> [(&'static str, BTreeMap<Attribute, Value<'static>>); 2] {
    let text = |text: &'static str| Value::Text(text.into());
    let stores = ["store1", "store2", "store3"].map(Into::into).to_vec();
    let john = BTreeMap::from([
        (Attribute::Name, text("John Foo")),
        (Attribute::Role, text("Category Manager")),
        (Attribute::Email, text("john.foo@example.com")),
        (Attribute::AllStores, Value::Flag(true)),
    ]);
    let jack = BTreeMap::from([
        (Attribute::Name, text("Jack Woo")),
        (Attribute::Role, text("Store Manager")),
        (Attribute::Email, text("jack.woo@example.com")),
        (Attribute::AllStores, Value::Flag(false)),
        (Attribute::IndividualStores, Value::Texts(stores)),
    ]);
    [("john.foo", john), ("jack.woo", jack)]
}
