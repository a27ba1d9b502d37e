//! External ids and their claims in imports (protocol.md#claims).

use std::collections::BTreeSet;

use muster_tests::{Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    applying_task, assert_partial_success, import_id, put_as, put_into, send_to, with_external_id,
};
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_claims_that_name_the_same_user_are_resolved_together() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    // john changes from e1 to e2, so that both claims name him.
    for id in ["e1", "e2"] {
        put_into(&w, task, &json!([with_external_id(&w, "john", id)])).await;
    }
    let file = json!([
        with_external_id(&w, "ann", "e1"),
        with_external_id(&w, "bob", "e2")
    ]);
    let reply = send_to(&w, task, &file).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    // john has e2, and nobody has e1 any more.
    assert_eq!(reply.warnings().len(), 1, "{reply}");
    assert!(has_code(&reply, 2, "external_id.taken"), "{reply}");
    assert_eq!(external_id(&w, "ann").await, Some(w.login("e1").into()));
    assert_eq!(external_id(&w, "bob").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reimporting_a_duplicate_external_id_writes_nothing() {
    let w = World::start().await;
    let store = &w.store;
    let task = applying_task(&w).await;
    let file = json!([
        with_external_id(&w, "john", "e1"),
        with_external_id(&w, "jack", "e1")
    ]);
    let first = send_to(&w, task, &file).await;
    assert_partial_success(&first, [2, 0, 0, 0]);
    let writes = store.directory_writes();
    let second = send_to(&w, task, &file).await;
    assert_eq!(second.text(), first.text());
    assert_eq!(store.directory_writes(), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_id_of_four_byte_characters_is_claimed_like_any_other() {
    let w = World::start().await;
    let store = &w.store;
    let long = format!("{}{}", w.tag, "\u{10348}".repeat(1_000));
    let mut john = w.record("john");
    john["External ID"] = long.as_str().into();
    let mut jack = w.record("jack");
    jack["External ID"] = long.as_str().into();
    w.put(&json!([john])).await;
    let reply = w.send(&json!([jack])).await;
    assert_eq!(reply.warnings().len(), 1, "{reply}");
    assert!(
        reply.warnings()[0].contains("[external_id.taken]"),
        "{reply}"
    );
    assert_eq!(
        store.user(&w.login("john")).await.expect("john")["external_id"],
        long
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_manager_uid_is_pending_and_does_not_contradict_the_manager_id() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let applying = applying_task(&w).await;
    for id in ["e1", "e2"] {
        put_into(&w, applying, &json!([with_external_id(&w, "john", id)])).await;
    }
    w.put(&json!([w.record("jack")])).await;
    let jack = store.user(&w.login("jack")).await.expect("jack")["id"].clone();
    let mut ann = w.record("ann");
    ann["Manager ID"] = jack.clone();
    ann["Manager UID"] = w.login("e1").into();
    put_into(&w, task, &json!([ann])).await;
    let ann = store.user(&w.login("ann")).await.expect("ann");
    assert_eq!(
        (&ann["manager_id"], &ann["manager_uid"]),
        (&jack, &w.login("e1").into())
    );
}

pub async fn external_id(w: &World, name: &str) -> Option<Value> {
    let user = w.store.user(&w.login(name)).await.expect("a user");
    user.get("external_id").cloned()
}

fn has_code(reply: &Reply, record: usize, code: &str) -> bool {
    let (start, end) = (format!("Record {record} ("), format!(" [{code}]"));
    reply
        .warnings()
        .iter()
        .any(|warning| warning.starts_with(&start) && warning.ends_with(&end))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_with_a_taken_external_id_is_applied_without_it() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    w.put(&json!([with_id("holder", "x1"), with_id("other", "x2")]))
        .await;

    // Held by a stored user: a new user gets none, an existing one keeps its own.
    let file = json!([with_id("new", "x1"), with_id("other", "x1")]);
    let reply = send_to(&w, task, &file).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert!(
        has_code(&reply, 1, "external_id.taken") && has_code(&reply, 2, "external_id.taken"),
        "{reply}"
    );

    // Held by an earlier record of the same request.
    let file = json!([with_id("first", "x3"), with_id("second", "x3")]);
    let reply = send_to(&w, task, &file).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert!(
        has_code(&reply, 2, "external_id.taken") && !has_code(&reply, 1, "external_id.taken"),
        "{reply}"
    );

    // The user's own is not taken, and the same id of another tenant does not matter.
    w.put(&json!([with_id("holder", "x1")])).await;
    put_as(&w, 1, &json!([with_id("foreign", "x1")])).await;

    let store = &w.store;
    for (name, id) in [
        ("holder", Some("x1")),
        ("other", Some("x2")),
        ("new", None),
        ("first", Some("x3")),
        ("second", None),
        ("foreign", Some("x1")),
    ] {
        let user = store.user(&w.login(name)).await.expect(name);
        assert_eq!(
            user.get("external_id"),
            id.map(|id| json!(w.login(id))).as_ref(),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_loses_logins_to_another_tenant_keeps_no_claims_for_them() {
    let w = World::start().await;
    let store = &w.store;
    // Both plan and claim before either has written everything.
    for round in 0..3 {
        let names = (0..75).map(|n| format!("user{round}x{n}"));
        let records: Value = names
            .map(|name| with_external_id(&w, &name, &name))
            .collect();
        let (one, two) = (
            w.import(0).await.records(&records),
            w.import(1).await.records(&records),
        );
        let (one, two) = tokio::join!(one.send(), two.send());
        let ignored = one.counts()[2] + two.counts()[2];
        assert_eq!(
            ignored, 75,
            "each login needs exactly one owner: {one} {two}"
        );
    }
    let owners = store.owners().await.into_iter();
    let expected: BTreeSet<String> = owners
        .map(|(login, tenant)| format!("X#{tenant}#{login}"))
        .collect();
    let claims = store.directory().await.into_keys();
    let claims: BTreeSet<String> = claims.filter(|key| key.starts_with("X#")).collect();
    assert_eq!(claims, expected);
}

/// Sends a user in another dialect.
async fn post(w: &World, path: &str, user: &Value) -> Reply {
    let call = w.call(Method::POST, path).token(w.token(0).await);
    let call = call.content_type(Some("application/json"));
    call.body(user.to_string()).send().await
}

/// Returns the warnings with this code.
pub fn with_code(reply: &Reply, code: &str) -> Vec<String> {
    let end = format!(" [{code}]");
    let mut warnings = reply.warnings();
    warnings.retain(|warning| warning.ends_with(&end));
    warnings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reused_login_does_not_hand_over_the_account_of_another_person() {
    let w = World::start().await;
    let task = full_mapping_task(&w, &w.store).await;
    let mut leaver = with_external_id(&w, "smith", "L1");
    leaver["Active"] = json!(false);
    put_into(
        &w,
        task,
        &json!([leaver, with_external_id(&w, "jones", "L3")]),
    )
    .await;
    let before = w.directory().await;

    let mut joiner = with_external_id(&w, "smith", "L2");
    joiner["Active"] = json!(true);
    let mut other = with_external_id(&w, "Jones", "L4");
    other["Name"] = json!("Somebody Else");
    let reply = send_to(&w, task, &json!([joiner, other])).await;
    assert_partial_success(&reply, [2, 0, 2, 0]);
    let refused = with_code(&reply, "external_id.other_user");
    assert_eq!(refused.len(), 2, "{reply}");
    for (warning, id, blocked) in [(&refused[0], "L1", true), (&refused[1], "L3", false)] {
        assert!(warning.contains(&w.login(id)), "{warning}");
        assert_eq!(warning.contains("blocked"), blocked, "{warning}");
    }
    assert!(w.directory().await == before, "an account was handed over");

    // Once the leaver's external id is cleared, a blocked user remains.
    let mut cleared = w.record("smith");
    cleared["External ID"] = Value::Null;
    put_into(&w, task, &json!([cleared])).await;
    let reply = send_to(&w, task, &json!([joiner])).await;
    assert_partial_success(&reply, [1, 0, 1, 0]);
    assert_eq!(
        with_code(&reply, "username.blocked_user").len(),
        1,
        "{reply}"
    );
    // A record that lets nobody in is taken.
    put_into(&w, task, &json!([with_external_id(&w, "smith", "L2")])).await;
    assert_eq!(external_id(&w, "smith").await, Some(w.login("L2").into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_with_the_external_id_of_another_user_is_ignored() {
    let w = World::start().await;
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    w.put(&json!([with_id("holder", "x1"), w.record("other")]))
        .await;
    let holder = w.store.user(&w.login("holder")).await.expect("holder");
    let before = w.directory().await;

    // A new user, and a stored one without an id.
    for name in ["new", "other"] {
        let reply = w.send(&json!([with_id(name, "x1")])).await;
        assert_partial_success(&reply, [1, 0, 1, 0]);
        let taken = with_code(&reply, "external_id.taken");
        let holder = format!("{} with the id {}", w.login("holder"), holder["id"]);
        assert!(taken.len() == 1 && taken[0].contains(&holder), "{reply}");
    }
    assert!(
        w.directory().await == before,
        "an ignored record was written"
    );

    // Of two records of one input, the first gets it; the user's own is not taken.
    let reply = w
        .send(&json!([
            with_id("first", "x3"),
            with_id("second", "x3"),
            with_id("holder", "x1")
        ]))
        .await;
    assert_partial_success(&reply, [3, 0, 1, 0]);
    assert!(has_code(&reply, 2, "external_id.taken"), "{reply}");
    assert!(reply.warnings()[0].contains("record 1"), "{reply}");
    assert_eq!(w.store.user(&w.login("second")).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_released_external_id_is_free_at_once_in_every_dialect() {
    let w = World::start().await;
    let cleared = |name: &str| {
        let mut record = w.record(name);
        record["External ID"] = Value::Null;
        record
    };
    let names = ["quant", "collaborator", "qvalon"];
    let held: Value = names.iter().map(|n| with_external_id(&w, n, n)).collect();
    w.put(&held).await;
    w.put(&names.iter().map(|name| cleared(name)).collect())
        .await;

    w.put(&json!([with_external_id(&w, "quant2", "quant")]))
        .await;
    let user = json!({
        "uid": w.login("collaborator"), "login": w.login("collaborator2"),
        "email": "someone@example.com", "firstname": "Some", "secondname": "One",
    });
    let reply = post(&w, "/api/v2/users-import/single", &user).await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.json()["created_count"], 1, "{reply}");
    let user = json!({
        "login": w.login("qvalon2"), "externalId": w.login("qvalon"),
        "authType": "LDAP", "ldapLogin": "someone",
    });
    let reply = post(&w, "/v1/orgstruct/users", &user).await;
    assert_eq!(reply.status, 200, "{reply}");
    for name in names {
        let user = format!("{name}2");
        assert_eq!(external_id(&w, &user).await, Some(w.login(name).into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_external_id_is_an_item_and_no_warning() {
    let w = World::start().await;
    let task = applying_task(&w).await;
    put_into(&w, task, &json!([with_external_id(&w, "john", "e1")])).await;
    let file = json!([with_external_id(&w, "john", "e2")]);
    let reply = send_to(&w, task, &file).await;
    reply.assert_success(1);
    assert_eq!(reply.keys().len(), 5, "no warnings: {reply}");
    let path = format!("/v1/imports/{}/items", import_id(&reply));
    let robot = async |path: &str| {
        let call = w.call(Method::GET, path).token(w.token(0).await);
        call.send().await.json()["items"].clone()
    };
    let items = robot(&path).await;
    assert_eq!(items.as_array().map(Vec::len), Some(1), "{items}");
    assert_eq!(items[0]["code"], "external_id.replaced");
    assert_eq!(items[0]["severity"], "info");
    let message = items[0]["message"].as_str().expect("a text");
    assert!(message.contains(&w.login("e1")), "{message}");
    let none = robot(&format!("{path}?severity=warning")).await;
    assert_eq!(none, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_record_with_an_external_id_has_it_even_if_it_is_ignored() {
    let w = World::start().await;
    for (conflicts, ignored) in [("ignore", 2), ("apply", 1)] {
        let set = |task: &mut Value| task["external_id_conflicts"] = json!(conflicts);
        let task = w.store.task(&w, 0, set).await;
        let mut first = with_external_id(&w, &format!("{conflicts}1"), conflicts);
        first["Role"] = json!("king");
        let second = with_external_id(&w, &format!("{conflicts}2"), conflicts);
        let file = json!([first, second]);
        let reply = w.import(0).await.task(task).query("debug&dryRun");
        let reply = reply.records(&file).send().await;
        assert_partial_success(&reply, [2, 0, ignored, 0]);
        assert!(has_code(&reply, 2, "external_id.taken"), "{reply}");
        // A request that is handed over goes on as an upload does.
        let body = file.to_string();
        let run = w
            .upload(0, task, "?dryRun", json!({}), body.as_bytes())
            .await;
        let status = w.wait_until_ended(0, &run).await;
        assert_eq!(status["Ignored Users"], ignored, "{status}");
        assert_eq!(send_to(&w, task, &file).await.counts(), [2, 0, ignored, 0]);
    }
}
