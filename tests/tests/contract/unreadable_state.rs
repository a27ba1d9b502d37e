//! A new user whose `active` cannot be read is not taken; a stored user keeps the state
//! (contract.md#counters-and-warnings).

use muster_tests::World;
use serde_json::{Value, json};

use crate::catalogue::{COLLABORATOR, QVALON, collaborator_user, qvalon_user, send_single};
use crate::support::{assert_partial_success, import_id, put_into, send_to};
use crate::uploads::get;
use crate::values::full_mapping_task;

/// Values of `active` that Quant cannot read, and the code of each.
fn unreadable() -> Vec<(Value, &'static str)> {
    let malformed = [
        json!("maybe"),
        json!("ja"),
        json!("on"),
        json!("y"),
        json!("-1"),
        json!("1 0"),
        json!(2),
        json!(-1),
        json!(u64::MAX),
    ];
    let wrong_types = [json!(0.5), json!([]), json!([true]), json!({})];
    let malformed = malformed.map(|value| (value, "active.malformed"));
    let wrong_types = wrong_types.map(|value| (value, "active.wrong_type"));
    malformed.into_iter().chain(wrong_types).collect()
}

fn with_state(w: &World, index: usize, state: &Value) -> Value {
    let mut record = w.record(&format!("s{index}"));
    record["Active"] = state.clone();
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_with_an_unreadable_state_is_ignored_once_and_not_stored() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let cases = unreadable();
    let records: Value = cases
        .iter()
        .enumerate()
        .map(|(index, (state, _))| with_state(&w, index, state))
        .collect();
    let before = w.directory().await;
    let total = cases.len() as u64;
    for query in ["debug&dryRun", "debug"] {
        let call = w.import(0).await.task(task).query(query);
        let reply = call.records(&records).send().await;
        assert_partial_success(&reply, [total, 0, total, 0]);
        let warnings = reply.warnings();
        assert_eq!(warnings.len(), cases.len(), "{reply}");
        for (index, ((state, code), warning)) in cases.iter().zip(&warnings).enumerate() {
            let login = w.login(&format!("s{index}"));
            let start = format!("Record {} ({login}), \"Active\": ", index + 1);
            let end = format!(" [{code}]");
            assert!(
                warning.starts_with(&start) && warning.ends_with(&end),
                "{state}: {warning}"
            );
        }
        assert_eq!(w.directory().await, before, "something was written");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_spelling_of_a_state_is_read() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let words = |words: [&str; 10]| words.map(|word| json!(word));
    let active = words([
        "true", "TRUE", "True", "yes", "YES", "yEs", "1", " true ", "\tYes\n", "\u{a0}1 ",
    ]);
    let blocked = words([
        "false", "FALSE", "False", "no", "NO", "nO", "0", " false ", "\tNo\n", "\u{a0}0 ",
    ]);
    let states = active.into_iter().chain([json!(true), json!(1)]);
    let states = states.map(|state| (state, true)).chain(
        blocked
            .into_iter()
            .chain([json!(false), json!(0)])
            .map(|state| (state, false)),
    );
    // Not given: the default.
    let defaults = [json!(null), json!(""), json!(" ")].map(|state| (state, true));
    let states: Vec<(Value, bool)> = states.chain(defaults).collect();
    let records: Value = states
        .iter()
        .enumerate()
        .map(|(index, (state, _))| with_state(&w, index, state))
        .collect();
    put_into(&w, task, &records).await;
    let users = w.store.users().await;
    for (index, (state, active)) in states.iter().enumerate() {
        let stored = users[&w.login(&format!("s{index}"))].get("active");
        let stored = stored.is_none_or(|stored| *stored == json!(true));
        assert_eq!(stored, *active, "{state}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_user_keeps_the_state_and_gets_the_rest_of_the_record() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let state = |index: usize| json!(index.is_multiple_of(2));
    let cases = unreadable();
    let users: Value = (0..cases.len())
        .map(|index| with_state(&w, index, &state(index)))
        .collect();
    put_into(&w, task, &users).await;
    let records: Value = cases
        .iter()
        .enumerate()
        .map(|(index, (state, _))| {
            let mut record = with_state(&w, index, state);
            record["City"] = json!("Lviv");
            record
        })
        .collect();
    let reply = send_to(&w, task, &records).await;
    assert_partial_success(&reply, [cases.len() as u64, 0, 0, 0]);
    assert_eq!(reply.warnings().len(), cases.len(), "{reply}");
    let users = w.store.users().await;
    for index in 0..cases.len() {
        let user = &users[&w.login(&format!("s{index}"))];
        let active = user
            .get("active")
            .is_none_or(|stored| *stored == json!(true));
        assert_eq!(json!(active), state(index), "{}", cases[index].0);
        assert_eq!(user["city"], "Lviv");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_run_rejects_the_record() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let (good, bad) = (w.record("good"), with_state(&w, 0, &json!("maybe")));
    let file = json!([good, bad]).to_string().into_bytes();
    let run = w.upload(0, task, "", json!({}), &file).await;
    let status = w.wait_until_ended(0, &run).await;
    assert_eq!(
        (&status["Ignored Users"], &status["Created"]),
        (&json!(1), &json!(1)),
        "{status}"
    );
    let rejected = get(&w, &run, "/rejected").await;
    let rejected: Value = serde_json::from_str(rejected.text().trim_end()).expect("one line");
    assert_eq!(rejected["Active"], "maybe", "{rejected}");
    let error = rejected["_errors"][0].as_str().expect("an error");
    assert!(error.ends_with("[active.malformed]"), "{error}");
    assert_eq!(w.store.user(&w.login("s0")).await, None);

    // Corrected and sent again, it is taken.
    let mut corrected = rejected;
    corrected["Active"] = json!("no");
    let reply = send_to(&w, task, &json!([corrected])).await;
    reply.assert_success(1);
    assert!(!import_id(&reply).is_empty());
    let user = w.store.user(&w.login("s0")).await.expect("the user");
    assert_eq!(user["active"], json!(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_single_user_dialects_refuse_an_unreadable_state() {
    let w = World::start().await;
    let before = w.directory().await;
    for state in ["maybe", "yes", "true"].map(|word| json!(word)) {
        let mut user = collaborator_user(&w, "ann");
        user.insert("is_active".to_owned(), state.clone());
        let user = Value::Object(user).to_string();
        let refusal = send_single(&w, reqwest::Method::POST, COLLABORATOR, &user).await;
        let (status, body) = refusal.expect_err("a refusal");
        assert_eq!(status, 400, "{state}: {body}");
        assert_eq!(body["error"], "is_active: must be 1 or 0", "{state}");

        let mut user = qvalon_user(&w, "ann");
        user.insert("active".to_owned(), state.clone());
        let user = Value::Object(user).to_string();
        let refusal = send_single(&w, reqwest::Method::POST, QVALON, &user).await;
        let (status, body) = refusal.expect_err("a refusal");
        assert_eq!((status, &body["field"]), (400, &json!("active")), "{body}");
    }
    assert_eq!(w.directory().await, before, "something was written");
}
