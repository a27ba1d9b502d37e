//! External ids and their claims in imports (protocol.md#claims).

use std::collections::BTreeSet;

use muster_tests::{Reply, World};
use serde_json::{Value, json};

use crate::support::{assert_partial_success, put_as, put_into, with_external_id};
use crate::values::full_mapping_task;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_claims_that_name_the_same_user_are_resolved_together() {
    let w = World::start().await;
    let store = &w.store;
    // john changes from e1 to e2, so that both claims name him.
    for id in ["e1", "e2"] {
        w.put(&json!([with_external_id(&w, "john", id)])).await;
    }
    let file = json!([
        with_external_id(&w, "ann", "e1"),
        with_external_id(&w, "bob", "e2")
    ]);
    let reply = w.send(&file).await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    // john has e2; the claim on e1 dangles, within its grace period.
    assert_eq!(reply.warnings().len(), 2, "{reply}");
    for name in ["ann", "bob"] {
        assert_eq!(
            store
                .user(&w.login(name))
                .await
                .expect("a user")
                .get("external_id"),
            None
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reimporting_a_duplicate_external_id_writes_nothing() {
    let w = World::start().await;
    let store = &w.store;
    let file = json!([
        with_external_id(&w, "john", "e1"),
        with_external_id(&w, "jack", "e1")
    ]);
    let first = w.send(&file).await;
    assert_partial_success(&first, [2, 0, 0, 0]);
    let writes = store.directory_writes();
    let second = w.send(&file).await;
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
    for id in ["e1", "e2"] {
        w.put(&json!([with_external_id(&w, "john", id)])).await;
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
    let with_id = |name: &str, id: &str| with_external_id(&w, name, id);
    w.put(&json!([with_id("holder", "x1"), with_id("other", "x2")]))
        .await;

    // Held by a stored user: a new user gets none, an existing one keeps its own.
    let reply = w
        .send(&json!([with_id("new", "x1"), with_id("other", "x1")]))
        .await;
    assert_partial_success(&reply, [2, 0, 0, 0]);
    assert!(
        has_code(&reply, 1, "external_id.taken") && has_code(&reply, 2, "external_id.taken"),
        "{reply}"
    );

    // Held by an earlier record of the same request.
    let reply = w
        .send(&json!([with_id("first", "x3"), with_id("second", "x3")]))
        .await;
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
