//! Text values.

use muster_tests::World;
use serde_json::json;

use super::{Absent, Invalid, Stored, full_mapping_task, verify_values};
use crate::support::assert_partial_success;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_a_string_or_an_integer_and_is_trimmed() {
    let w = World::start().await;
    let store = &w.store;
    let task = full_mapping_task(&w, store).await;
    let mut cases = vec![
        ("Name", json!("Anna Ölmez"), Stored(json!("Anna Ölmez"))),
        ("Name", json!("  Anna \n"), Stored(json!("Anna"))),
        ("Name", json!(42), Stored(json!("42"))),
        ("Name", json!(-7), Stored(json!("-7"))),
        ("Name", json!(100.0), Stored(json!("100"))),
        ("Name", json!(-1.0), Stored(json!("-1"))),
        (
            "Name",
            json!(9_007_199_254_740_991.0),
            Stored(json!("9007199254740991")),
        ),
        ("Name", json!(9_007_199_254_740_992.0), Invalid),
        ("External ID", json!(17.0), Stored(json!("17"))),
        (
            "Name",
            json!(u64::MAX),
            Stored(json!("18446744073709551615")),
        ),
        ("Name", json!(""), Absent),
        ("Name", json!("   "), Absent),
        ("Name", json!(null), Absent),
        (
            "Name",
            json!("x".repeat(1_024)),
            Stored(json!("x".repeat(1_024))),
        ),
        (
            "Name",
            json!("é".repeat(1_024)),
            Stored(json!("é".repeat(1_024))),
        ),
        ("Name", json!("x".repeat(1_025)), Invalid),
        ("Name", json!(true), Invalid),
        ("Name", json!(1.5), Invalid),
        ("Name", json!([]), Invalid),
        ("Name", json!({"a": 1}), Invalid),
        ("Name", json!("a\u{0}b"), Invalid),
        ("Name", json!("a\u{7}b"), Invalid),
        ("Name", json!("a\tb"), Invalid),
        ("Name", json!("a\nb"), Invalid),
        ("Name", json!("a\u{7f}b"), Invalid),
        ("External ID", json!(" e-1 "), Stored(json!("e-1"))),
        ("External ID", json!(4711), Stored(json!("4711"))),
        ("External ID", json!(false), Invalid),
        (
            "Manager UID",
            json!("nobody yet"),
            Stored(json!("nobody yet")),
        ),
    ];
    for key in [
        "First Name",
        "Surname",
        "Middle Name",
        "Position",
        "Department",
        "City",
        "Structure UID",
        "Facebook ID",
        "Google ID",
        "Work Contact",
        "LDAP Login",
    ] {
        cases.push((key, json!(" a, b "), Stored(json!("a, b"))));
        cases.push((key, json!({}), Invalid));
    }
    for key in [
        "User Field 1",
        "User Field 2",
        "User Field 3",
        "User Field 4",
        "User Field 5",
    ] {
        cases.push((key, json!(key), Stored(json!(key))));
    }
    verify_values(&w, store, task, cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_beyond_64_bits_is_stored_as_text_and_a_huge_float_is_invalid() {
    let w = World::start().await;
    let login = |name: &str| w.login(name);
    let body = format!(
        r#"[{{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":18446744073709551616}},
            {{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":1e999}},
            {{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":"plain"}},
            {{"Username":"{}","Role":"catman","E-mail":"a@example.com","Name":12.5e2}}]"#,
        login("a"),
        login("b"),
        login("c"),
        login("d"),
    );
    let reply = w.import(0).await.debug().body(body).send().await;
    assert_partial_success(&reply, [4, 0, 0, 0]);
    assert_eq!(reply.warnings().len(), 1, "{reply}");
    assert!(
        reply.warnings()[0].starts_with(&format!("Record 2 ({}), \"Name\": ", login("b"))),
        "{reply}"
    );
    let store = &w.store;
    for (name, stored) in [
        ("a", Some("18446744073709551616")),
        ("b", None),
        ("c", Some("plain")),
        ("d", Some("1250")),
    ] {
        let user = store.user(&login(name)).await.expect(name);
        assert_eq!(
            user.get("name"),
            stored.map(|text| json!(text)).as_ref(),
            "{name}"
        );
    }
}
