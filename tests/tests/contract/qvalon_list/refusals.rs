//! Refused queries.

use muster_tests::World;
use reqwest::Method;

use super::{USERS, assert_refused, call, logins, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_value_is_refused_with_its_parameter() {
    let w = World::start().await;
    for (field, values) in [
        ("active", &["", "1", "yes", "TRUE", "true&active=true"][..]),
        ("ids", &["", "x", "1,", "1.5", "9223372036854775808"]),
        ("role", &["", "ROLE_KING", "ROLE_ADMIN,ROLE_SHOPDIR"]),
        ("roles", &["", "ROLE_ADMIN,", "ROLE_ADMIN,admin"]),
        ("businessDirId", &["", "a"]),
        ("divisionId", &["", "a"]),
        ("regionId", &["", "a", "1,,2"]),
        ("login", &["", "a,", "a&login="]),
        ("emails", &["", ","]),
        ("levels", &["", "shop", "SHOP,TOWN"]),
        ("directorForShop", &["", "true"]),
        ("loginLike", &["a&loginLike=b"]),
        ("page", &["", "-1", "x", "0&page=0"]),
        ("size", &["", "0", "1001", "x"]),
        ("after", &["", "-1", "x", "0&page=0"]),
    ] {
        for value in values {
            let query = format!("{field}={value}");
            assert_refused(&request(&w, 0, &query).await, field);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_invalid_parameters_are_reported_at_once_without_their_values() {
    let w = World::start().await;
    let reply = request(&w, 0, "size=0&levels=Xyz123&role=Xyz123&ids=").await;
    let message = assert_refused(&reply, "ids");
    let named: Vec<&str> = message
        .split("; ")
        .filter_map(|part| part.split(": ").next())
        .collect();
    assert_eq!(named, ["ids", "role", "levels", "size"], "{reply}");
    assert!(!message.contains("Xyz123"), "{reply}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_parameters_are_ignored() {
    let w = World::start().await;
    w.put(&serde_json::json!([w.record("anna")])).await;
    let anna = w.login("anna");
    for extra in [
        "id=x",
        "Active=false",
        "ids[]=x",
        "sort=?",
        "=",
        "%FF=%FF",
        "",
    ] {
        let query = format!("login={anna}&{extra}");
        assert_eq!(logins(&w, &query).await, [anna.as_str()], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn method_token_and_query_are_checked_in_this_order() {
    let w = World::start().await;
    let reply = w.call(Method::GET, USERS).query("ids=").send().await;
    assert_eq!(reply.status, 401, "{reply}");
    assert_eq!(reply.keys(), ["status", "error", "message"], "{reply}");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    let reply = w.call(Method::DELETE, USERS).query("ids=").send().await;
    assert_eq!(reply.status, 405, "{reply}");
    assert!(
        reply
            .header("allow")
            .is_some_and(|allow| allow.contains("GET"))
    );
    let head = call(&w, 0, Method::HEAD).await.query("size=1").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
