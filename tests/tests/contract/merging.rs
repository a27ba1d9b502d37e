//! The merge rule (CONTRACT §0): what an absent key, a value, `null` and `""` do to what is
//! stored, and that nothing is written where nothing changes.

use muster_tests::{World, store_or_skip};
use serde_json::{Value, json};

use crate::values::wide_task;

/// A user with a value for one attribute of every type.
fn full(login: &str) -> Value {
    json!({
        "Username": login, "External ID": format!("x-{login}"), "Name": "Anna", "First Name": "An", "Role": "catman",
        "E-mail": "anna@example.com", "Phone": "+420602123456", "Active": false, "All Stores": true,
        "Individual Stores": ["a", "b"], "Gender": 1, "Birth Date": "1999-12-31", "Tags": "t,u", "Level": "SHOP",
        "Auth Type": "LDAP", "User Field 1": "f", "Language": "ru", "Time Zone": "Europe/Prague",
    })
}

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

/// Stores a full user for each key, imports it again with `value` under that key alone, and
/// expects the attribute gone unless the key is in `kept`; everything else stays.
async fn check_clearing(value: Value, kept: &[&str]) {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let login = |index: usize| w.login(&format!("m{index}"));
    let all: Vec<Value> = (0..KEYS.len()).map(|index| full(&login(index))).collect();
    w.import(0)
        .await
        .task(task)
        .records(&json!(all))
        .send()
        .await
        .assert_success(KEYS.len() as u64);
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
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&json!(changes))
        .send()
        .await;
    reply.assert_success(KEYS.len() as u64);
    let after = store.users().await;
    let mut wrong = Vec::new();
    for (index, (key, attribute)) in KEYS.iter().enumerate() {
        let mut expected = before[&login(index)].clone();
        if !kept.contains(key) {
            expected.remove(*attribute);
        }
        for (_, name) in KEYS {
            let (is, should) = (after[&login(index)].get(*name), expected.get(*name));
            if is != should {
                wrong.push(format!(
                    "{key} = {value}: {name} is {is:?}, should be {should:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn null_clears_but_is_not_given_for_role_username_and_active() {
    check_clearing(json!(null), &["Role", "Active"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_string_clears_texts_dates_phones_lists_and_enums_only() {
    check_clearing(
        json!(""),
        &["Role", "Active", "E-mail", "All Stores", "Gender"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_absent_keeps_what_is_stored() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let (anna, bert) = (w.login("anna"), w.login("bert"));
    w.import(0)
        .await
        .task(task)
        .records(&json!([full(&anna), full(&bert)]))
        .send()
        .await
        .assert_success(2);
    let before = store.users().await;
    let changes = json!([{"Username": anna}, {"Username": bert, "Name": "Bert"}]);
    w.import(0)
        .await
        .task(task)
        .records(&changes)
        .send()
        .await
        .assert_success(2);
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
async fn a_bad_value_keeps_what_is_stored_and_the_rest_of_the_record_is_applied() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let login = w.login("anna");
    w.import(0)
        .await
        .task(task)
        .records(&json!([full(&login)]))
        .send()
        .await
        .assert_success(1);
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
    let reply = w
        .import(0)
        .await
        .task(task)
        .debug()
        .records(&json!([record]))
        .send()
        .await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [1, 0, 0, 0]),
        "{reply}"
    );
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
    assert_eq!(warnings.len(), KEYS.len(), "every violation, once: {reply}");
    assert_eq!(after["position"], "Boss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_state_would_not_change_is_not_written() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let login = w.login("anna");
    let send = async |record: Value| {
        let reply = w
            .import(0)
            .await
            .task(task)
            .debug()
            .records(&json!([record]))
            .send()
            .await;
        reply.assert_success(1);
        store.directory().await
    };
    let first = send(full(&login)).await;
    for (what, record) in [
        ("the same again", full(&login)),
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
            "clearing what is not there",
            json!({"Username": login, "City": null, "Department": "", "Employment Date": ""}),
        ),
        (
            "nothing given",
            json!({"Username": login, "Role": null, "Active": null, "E-mail": ""}),
        ),
    ] {
        assert_eq!(send(record).await, first, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_is_active_and_names_are_never_derived_from_each_other() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    let mut other = w.record("bert");
    other.as_object_mut().expect("an object").remove("Name");
    other["First Name"] = json!("Bert");
    other["Surname"] = json!("Novak");
    let records = json!([w.record("anna"), other]);
    w.import(0)
        .await
        .task(task)
        .records(&records)
        .send()
        .await
        .assert_success(2);
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
