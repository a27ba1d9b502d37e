//! Requests as a whole: the documented example, tokens and headers, and invalid bodies.

use muster_import::Times;
use muster_tests::World;
use reqwest::Method;
use serde_json::json;

use super::{
    MISSING_FIELDS_BODY, PATH, assert_counts, call, error_text, find_user, send, user_body,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_example_creates_a_user_once() {
    let w = World::start().await;
    let example = r#"{"uid":"cl123456", "secondname":"Smith", "firstname":"John", "patronymic":"", "login":"john.smith", "email":"john.smith@example.com", "password":"123456", "birth_date":"26.07.1988", "gender":0, "is_active":1, "city":"Kyiv", "department":"Main Office", "position":"CEO", "tags":"tag1", "phone":"+380971111111", "user_field1":"Cluster1", "user_field2":"Top Management", "user_field3":"Ukraine", "user_field4":"string", "user_field5":"string" }"#;
    let example = example
        .replace("cl123456", &w.login("cl123456"))
        .replace("\"john.smith\"", &format!("{:?}", w.login("john.smith")));
    let call = call(&w, 0).await.body(example);
    assert_counts(&call.clone().send().await, [1, 0, 0, 0]);
    let query = format!("external_id={}", w.login("cl123456"));
    let user = find_user(&w, 0, &query).await.expect("the user");
    assert_eq!(
        user["attributes"],
        json!({
            "external_id": w.login("cl123456"), "first_name": "John", "last_name": "Smith",
            "email": "john.smith@example.com", "phone": "+380971111111", "active": true,
            "position": "CEO", "department": "Main Office", "city": "Kyiv", "gender": 0,
            "birth_date": "1988-07-26", "tags": ["tag1"], "user_field1": "Cluster1",
            "user_field2": "Top Management", "user_field3": "Ukraine", "user_field4": "string",
            "user_field5": "string",
        })
    );
    let robot = &w.tenants[0].robot.username;
    let by = json!({"dialect": "collaborator", "robot": robot});
    assert_eq!((&user["created_by"], &user["version"]), (&by, &json!(1)));

    let store = &w.store;
    let writes = store.directory_writes();
    assert_counts(&call.send().await, [0, 0, 0, 0]);
    assert_eq!(
        store.directory_writes(),
        writes,
        "a repeated request wrote something"
    );
    assert_eq!(find_user(&w, 0, &query).await, Some(user));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_in_either_header_and_x_cbr_authorization_wins() {
    let w = World::start().await;
    let token = format!("Bearer {}", w.token(0).await);
    let invalid = format!("Bearer {}", "x".repeat(43));
    let body = user_body(&w, "john", json!({})).to_string();
    let mut is_created = false;
    for (own, standard, is_accepted) in [
        (None, Some(&token), true),
        (Some(&token), None, true),
        (Some(&token), Some(&invalid), true),
        (Some(&invalid), Some(&token), false),
        (Some(&String::new()), Some(&token), false),
        (None, Some(&invalid), false),
        (None, None, false),
    ] {
        let mut call = call(&w, 0).await.body(body.clone());
        call.authorization = standard.cloned();
        if let Some(own) = own {
            call = call.header("X-Cbr-Authorization", own);
        }
        let reply = call.send().await;
        if is_accepted {
            assert_counts(&reply, [(!is_created).into(), 0, 0, 0]);
            is_created = true;
        } else {
            let error = error_text(&reply, 401);
            assert!(error.contains("X-Cbr-Authorization"), "{error}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_needs_the_scope_of_the_dialect() {
    let w = World::start().await;
    for (scopes, status) in [
        (json!(["collaborator"]), 400),
        (json!(["quant", "qvalon"]), 401),
    ] {
        let robot = &w.tenants[0].robot.username;
        let new = json!({"robot": robot, "scopes": scopes, "lifetime_seconds": 60});
        let issued = w.send_json(Method::POST, "/tokens", &new).await;
        assert_eq!(issued.status, 201, "{issued}");
        let issued = issued.json();
        let call = call(&w, 0).await.body("{}");
        let token = issued["token"].as_str().expect("a token");
        error_text(&call.token(token).send().await, status);
    }
    let session = w.session(0).await;
    error_text(&call(&w, 0).await.token(session).send().await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_failed_check_decides_the_response() {
    let w = World::start().await;
    let unsigned = |method| w.call(method, PATH).content_type(Some("text/plain"));
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let reply = unsigned(method).body("x").send().await;
        let error = error_text(&reply, 405);
        assert!(error.contains("POST"), "{error}");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
    let large = vec![b' '; 4_000_001];
    error_text(
        &unsigned(Method::POST).body(large.clone()).send().await,
        401,
    );
    for content_type in [None, Some("text/plain"), Some("application/xml")] {
        let call = call(&w, 0).await.content_type(content_type);
        let error = error_text(&call.body(large.clone()).send().await, 415);
        assert!(error.contains("application/json"), "{error}");
    }
    let error = error_text(&call(&w, 0).await.body(large).send().await, 413);
    assert!(error.contains("4,000,000"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_four_million_bytes_is_accepted() {
    let w = World::start().await;
    let mut body = user_body(&w, "john", json!({})).to_string();
    body.push_str(&" ".repeat(4_000_000 - body.len()));
    let reply = call(&w, 0).await.body(body).send().await;
    assert_counts(&reply, [1, 0, 0, 0]);
    let long = user_body(&w, "john", json!({"city": "x".repeat(1_000_000)}));
    let error = error_text(&send(&w, &long).await, 400);
    assert_eq!(error, "city: longer than 1,024 characters");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_an_object_is_refused_with_the_position() {
    const AN_ARRAY: &str = "an array at line 1, column 1: send one user a request, as an object";
    let w = World::start().await;
    for (body, position) in [
        ("", "line 1, column 1"),
        ("x", "line 1, column 1"),
        ("{\n  \"uid\" 1}", "line 2, column 9"),
        ("{\"uid\":\"1\",}", "line 1, column 12"),
        ("{\"uid\":\"1\"", "line 1, column 11"),
        ("{} x", "line 1, column 4"),
    ] {
        let error = error_text(&call(&w, 0).await.body(body).send().await, 400);
        assert!(error.contains("not JSON"), "{body}: {error}");
        assert!(error.contains(position), "{body} at {position}: {error}");
    }
    for (body, what) in [
        (
            "{}\n{}",
            "objects one after the other (NDJSON) at line 2, column 1: send one user a request",
        ),
        ("[]", AN_ARRAY),
        ("[{\"uid\":\"1\"}]", AN_ARRAY),
        ("\"{}\"", "a string"),
        ("7", "a number"),
        ("null", "null"),
        ("true", "a boolean"),
    ] {
        let error = error_text(&call(&w, 0).await.body(body).send().await, 400);
        let expected = format!("the body must be an object, found {what}");
        assert_eq!(error, expected, "{body}");
    }
    let empty = call(&w, 0).await.body("\u{feff}{}").send().await;
    assert_eq!((empty.status, empty.text()), (400, MISSING_FIELDS_BODY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_value_of_a_repeated_key_counts_and_unknown_keys_are_ignored() {
    let w = World::start().await;
    let body = user_body(&w, "john", json!({"unknown": {"a": [null]}})).to_string();
    let body = body.replacen('{', r#"{"uid":null,"odd":1e999,"#, 1);
    let reply = call(&w, 0).await.body(body).send().await;
    assert_counts(&reply, [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_failure_is_reported_with_the_request_id() {
    let w = World::own_with_times(Times::default()).await;
    let call = call(&w, 0).await.body("{}");
    w.store.delete_tables().await;
    let reply = call.send().await;
    let error = error_text(&reply, 500);
    let id = reply.header("x-request-id").expect("an id");
    assert!(error.contains(id), "{error}");
}
