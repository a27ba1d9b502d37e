//! External ids and their claims (PROTOCOL §7): what an import may take, keep and leave behind.

use std::collections::BTreeSet;

use muster_tests::{Reply, World, store_or_skip};
use serde_json::{Value, json};

use crate::values::wide_task;

fn with_id(w: &World, name: &str, id: &str) -> Value {
    let mut record = w.record(name);
    record["External ID"] = w.login(id).into();
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_ids_whose_claims_name_one_user_are_looked_at_together() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    // john gives e1 up for e2, so that both claims name him.
    for id in ["e1", "e2"] {
        w.import(0)
            .await
            .records(&json!([with_id(&w, "john", id)]))
            .send()
            .await
            .assert_success(1);
    }
    let file = json!([with_id(&w, "ann", "e1"), with_id(&w, "bob", "e2")]);
    let reply = w.import(0).await.debug().records(&file).send().await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".to_owned(), [2, 0, 0, 0]),
        "{reply}"
    );
    // john has e2; the claim on e1 dangles, but its runs ended just now.
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
async fn an_id_that_a_file_gives_twice_costs_no_write_the_second_time() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let file = json!([with_id(&w, "john", "e1"), with_id(&w, "jack", "e1")]);
    let first = w.import(0).await.debug().records(&file).send().await;
    assert_eq!(
        first.outcome(),
        (200, "PARTIAL_SUCCESS".to_owned(), [2, 0, 0, 0]),
        "{first}"
    );
    let writes = store.directory_writes();
    let second = w.import(0).await.debug().records(&file).send().await;
    assert_eq!(second.text(), first.text());
    assert_eq!(store.directory_writes(), writes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_four_byte_characters_is_claimed_like_any_other() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let long = format!("{}{}", w.tag, "\u{10348}".repeat(1_000));
    let mut john = w.record("john");
    john["External ID"] = long.as_str().into();
    let mut jack = w.record("jack");
    jack["External ID"] = long.as_str().into();
    w.import(0)
        .await
        .records(&json!([john]))
        .send()
        .await
        .assert_success(1);
    let reply = w
        .import(0)
        .await
        .debug()
        .records(&json!([jack]))
        .send()
        .await;
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
async fn a_manager_s_abandoned_id_is_pending_and_contradicts_nobody() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    let task = wide_task(&w, store).await;
    for id in ["e1", "e2"] {
        w.import(0)
            .await
            .records(&json!([with_id(&w, "john", id)]))
            .send()
            .await
            .assert_success(1);
    }
    w.import(0)
        .await
        .records(&json!([w.record("jack")]))
        .send()
        .await
        .assert_success(1);
    let jack = store.user(&w.login("jack")).await.expect("jack")["id"].clone();
    let mut ann = w.record("ann");
    ann["Manager ID"] = jack.clone();
    ann["Manager UID"] = w.login("e1").into();
    w.import(0)
        .await
        .task(task)
        .records(&json!([ann]))
        .send()
        .await
        .assert_success(1);
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
async fn an_external_id_that_is_taken_is_left_out_of_a_record_that_is_kept() {
    let w = World::start().await;
    let with_id = |name: &str, id: &str| {
        let mut record = w.record(name);
        record["External ID"] = json!(w.login(id));
        record
    };
    w.put(&json!([with_id("holder", "x1"), with_id("other", "x2")]))
        .await;

    // Held by a stored user: a new user goes without, an existing one keeps its own.
    let reply = w
        .send(&json!([with_id("new", "x1"), with_id("other", "x1")]))
        .await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [2, 0, 0, 0]),
        "{reply}"
    );
    assert!(
        has_code(&reply, 1, "external_id.taken") && has_code(&reply, 2, "external_id.taken"),
        "{reply}"
    );

    // Held by an earlier record of the same request.
    let reply = w
        .send(&json!([with_id("first", "x3"), with_id("second", "x3")]))
        .await;
    assert_eq!(
        reply.outcome(),
        (200, "PARTIAL_SUCCESS".into(), [2, 0, 0, 0]),
        "{reply}"
    );
    assert!(
        has_code(&reply, 2, "external_id.taken") && !has_code(&reply, 1, "external_id.taken"),
        "{reply}"
    );

    // One's own is not taken, and another tenant's ids do not count.
    w.put(&json!([with_id("holder", "x1")])).await;
    w.import(1)
        .await
        .records(&json!([with_id("foreign", "x1")]))
        .send()
        .await
        .assert_success(1);

    let store = store_or_skip!(w);
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
async fn who_loses_logins_to_another_tenant_while_importing_keeps_no_claims_for_them() {
    let w = World::start().await;
    let store = store_or_skip!(w);
    // Each time both have planned, and claimed, before either has written all.
    for round in 0..3 {
        let names = (0..75).map(|n| format!("user{round}x{n}"));
        let records: Value = names.map(|name| with_id(&w, &name, &name)).collect();
        let (one, two) = (
            w.import(0).await.records(&records),
            w.import(1).await.records(&records),
        );
        let (one, two) = tokio::join!(one.send(), two.send());
        let ignored = one.counts()[2] + two.counts()[2];
        assert_eq!(ignored, 75, "each login has one owner: {one} {two}");
    }
    let owners = store.owners().await.into_iter();
    let held: BTreeSet<String> = owners
        .map(|(login, tenant)| format!("X#{tenant}#{login}"))
        .collect();
    let claims = store.directory().await.into_keys();
    let claims: BTreeSet<String> = claims.filter(|key| key.starts_with("X#")).collect();
    assert_eq!(claims, held);
}
