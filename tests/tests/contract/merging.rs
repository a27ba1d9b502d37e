//! Merging a record into a stored user (contract.md#merging-and-missing-values): absent keys,
//! values, `null` and `""`. Nothing is written if nothing changes.

use muster_core::settings::ExternalIdConflicts;
use muster_tests::World;
use serde_json::{Value, json};

use crate::support::{assert_partial_success, put_into, send_to};
use crate::values::{full_mapping, full_mapping_task};

/// Returns a record with a value for an attribute of every type.
fn full_record(login: &str) -> Value {
    json!({
        "Username": login, "External ID": format!("x-{login}"), "Name": "Anna", "First Name": "An", "Role": "catman",
        "E-mail": "anna@example.com", "Phone": "+420602123456", "Active": false, "All Stores": true,
        "Individual Stores": ["a", "b"], "Gender": 1, "Birth Date": "1999-12-31", "Tags": "t,u", "Level": "SHOP",
        "Auth Type": "LDAP", "User Field 1": "f", "Language": "ru", "Time Zone": "Europe/Prague",
    })
}

/// Keys of [`full_record`] and their attributes.
const KEYS: &[(&str, &str)] = &[
    ("External ID", "external_id"),
    ("Name", "name"),
    ("First Name", "first_name"),
    ("Role", "role"),
    ("E-mail", "email"),
    ("Phone", "phone"),
    ("Active", "active"),
    ("All Stores", "all_stores"),
    ("Individual Stores", "individual_stores"),
    ("Gender", "gender"),
    ("Birth Date", "birth_date"),
    ("Tags", "tags"),
    ("Level", "level"),
    ("Auth Type", "auth_type"),
    ("User Field 1", "user_field1"),
    ("Language", "language"),
    ("Time Zone", "time_zone"),
];

/// Stores a full user for each key, imports it again with only `value` under that key, and asserts
/// that the attribute was cleared unless the key is in `kept`, and everything else was kept.
async fn verify_clearing(value: Value, kept: &[&str]) {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let login = |index: usize| w.login(&format!("m{index}"));
    let all: Vec<Value> = (0..KEYS.len())
        .map(|index| full_record(&login(index)))
        .collect();
    put_into(&w, task, &json!(all)).await;
    let before = store.users().await;

    let changes: Vec<Value> = KEYS
        .iter()
        .enumerate()
        .map(|(index, (key, _))| {
            let mut record = json!({"Username": login(index)});
            record[*key] = value.clone();
            record
        })
        .collect();
    let reply = send_to(&w, task, &json!(changes)).await;
    reply.assert_success(KEYS.len() as u64);
    let after = store.users().await;
    let mut mismatches = Vec::new();
    for (index, (key, attribute)) in KEYS.iter().enumerate() {
        let mut expected = before[&login(index)].clone();
        if !kept.contains(key) {
            expected.remove(*attribute);
        }
        for (_, name) in KEYS {
            let (found, expected) = (after[&login(index)].get(*name), expected.get(*name));
            if found != expected {
                mismatches.push(format!(
                    "{key} = {value}: expected {name} {expected:?}, found {found:?}"
                ));
            }
        }
    }
    assert!(mismatches.is_empty(), "\n{}\n", mismatches.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_clears_every_attribute_but_role_and_active() {
    verify_clearing(json!(null), &["Role", "Active"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_string_clears_texts_dates_phones_lists_and_enums_only() {
    verify_clearing(
        json!(""),
        &["Role", "Active", "E-mail", "All Stores", "Gender"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_key_keeps_the_stored_value() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let (anna, bert) = (w.login("anna"), w.login("bert"));
    put_into(&w, task, &json!([full_record(&anna), full_record(&bert)])).await;
    let before = store.users().await;
    let changes = json!([{"Username": anna}, {"Username": bert, "Name": "Bert"}]);
    put_into(&w, task, &changes).await;
    let after = store.users().await;
    for (_, attribute) in KEYS {
        assert_eq!(
            after[&anna].get(*attribute),
            before[&anna].get(*attribute),
            "{attribute}"
        );
        if *attribute != "name" {
            assert_eq!(
                after[&bert].get(*attribute),
                before[&bert].get(*attribute),
                "{attribute}"
            );
        }
    }
    assert_eq!(after[&bert]["name"], "Bert");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_value_keeps_the_stored_one_and_the_rest_of_the_record_is_applied() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping(&w, store, ExternalIdConflicts::Apply).await;
    let login = w.login("anna");
    put_into(&w, task, &json!([full_record(&login)])).await;
    let before = store.user(&login).await.expect("the user");
    let mut record = json!({"Username": login, "Position": "Boss"});
    for (key, value) in [
        ("External ID", json!(true)),
        ("Name", json!([])),
        ("First Name", json!("x".repeat(1_025))),
        ("Role", json!("king")),
        ("E-mail", json!("nobody")),
        ("Phone", json!("12")),
        ("Active", json!("perhaps")),
        ("All Stores", json!(7)),
        ("Individual Stores", json!({})),
        ("Gender", json!(3)),
        ("Birth Date", json!("31.02.2000")),
        ("Tags", json!(false)),
        ("Level", json!("CITY")),
        ("Auth Type", json!("NONE")),
        ("User Field 1", json!(1.5)),
        ("Language", json!("klingon")),
        ("Time Zone", json!("Nowhere")),
    ] {
        record[key] = value;
    }
    let reply = send_to(&w, task, &json!([record])).await;
    assert_partial_success(&reply, [1, 0, 0, 0]);
    let after = store.user(&login).await.expect("the user");
    let warnings = reply.warnings();
    for (key, attribute) in KEYS {
        assert_eq!(after.get(*attribute), before.get(*attribute), "{attribute}");
        let start = format!("Record 1 ({login}), \"{key}\": ");
        assert!(
            warnings.iter().any(|warning| warning.starts_with(&start)),
            "{key} without a warning: {reply}"
        );
    }
    assert_eq!(
        warnings.len(),
        KEYS.len(),
        "one warning for each violation: {reply}"
    );
    assert_eq!(after["position"], "Boss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_changes_nothing_writes_nothing() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let login = w.login("anna");
    let send = async |record: Value| {
        let reply = send_to(&w, task, &json!([record])).await;
        reply.assert_success(1);
        store.directory().await
    };
    let first = send(full_record(&login)).await;
    for (case, record) in [
        ("the same again", full_record(&login)),
        ("the login alone", json!({"Username": login})),
        (
            "another spelling of the login",
            json!({"Username": login.to_uppercase()}),
        ),
        (
            "other spellings of the values",
            json!({"Username": login, "Phone": "+420 602 123 456", "Birth Date": "31.12.1999",
            "Active": "no", "All Stores": 1, "Individual Stores": "a, b,", "Name": " Anna ", "Language": "RU"}),
        ),
        (
            "clearing attributes that are not set",
            json!({"Username": login, "City": null, "Department": "", "Employment Date": ""}),
        ),
        (
            "only values that count as absent",
            json!({"Username": login, "Role": null, "Active": null, "E-mail": ""}),
        ),
    ] {
        assert_eq!(send(record).await, first, "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_is_active_and_no_name_is_derived_from_another() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut other = w.record("bert");
    other.as_object_mut().expect("an object").remove("Name");
    other["First Name"] = json!("Bert");
    other["Surname"] = json!("Novak");
    let records = json!([w.record("anna"), other]);
    put_into(&w, task, &records).await;
    let (anna, bert) = (
        store.user(&w.login("anna")).await.expect("anna"),
        store.user(&w.login("bert")).await.expect("bert"),
    );
    assert_ne!(
        anna.get("active"),
        Some(&json!(false)),
        "true is the default"
    );
    assert_eq!(
        (anna.get("first_name"), anna.get("last_name")),
        (None, None)
    );
    assert_eq!(bert.get("name"), None);
}
