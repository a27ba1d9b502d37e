//! Refusals: their order and their messages.

use muster_import::Times;
use muster_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use super::{USERS, assert_refused, call, create, get, path_of, post, put, user, with};
use crate::support::assert_all_equal;

/// Returns `{}` padded with spaces to this many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = vec![b' '; bytes];
    body[0] = b'{';
    body[bytes - 1] = b'}';
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_get_405_with_the_allowed_ones() {
    let w = World::start().await;
    for (path, allowed) in [(USERS.to_owned(), "POST"), (path_of(1), "PUT")] {
        for method in [Method::DELETE, Method::PATCH] {
            let reply = w.call(method, &path).send().await;
            assert_refused(&reply, 405, None);
            let allow = reply.header("allow").expect("Allow");
            assert!(allow.split(',').any(|method| method == allowed), "{allow}");
        }
    }
    let reply = w.call(Method::POST, &path_of(1)).send().await;
    assert_refused(&reply, 405, None);
    let mut allow: Vec<_> = reply.header("allow").expect("Allow").split(',').collect();
    allow.sort_unstable();
    assert_eq!(allow, ["GET", "HEAD", "PUT"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_without_the_scope_of_the_dialect_is_refused_first() {
    let w = World::start().await;
    let issued = json!({"robot": w.tenants[0].robot.username, "scopes": ["quant", "collaborator"]});
    let issued = w.send_json(Method::POST, "/tokens", &issued).await.json();
    let other = issued["token"].as_str().expect("a token").to_owned();
    let id = create(&w, &user(&w, "ann")).await;
    let mut responses = Vec::new();
    for authorization in [
        None,
        Some("Bearer wrong".to_owned()),
        Some(format!("Basic {}", w.token(0).await)),
        Some(format!("Bearer {}", w.session(0).await)),
        Some(format!("Bearer {other}")),
    ] {
        for (method, path) in [
            (Method::POST, USERS.to_owned()),
            (Method::PUT, path_of(id)),
            (Method::PUT, path_of("x")),
            (Method::GET, path_of(id)),
            (Method::GET, path_of("x")),
        ] {
            let call = w.call(method, &path).content_type(Some("text/plain"));
            let reply = call.authorization(authorization.as_deref()).send().await;
            assert_refused(&reply, 401, None);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            responses.push(reply.body);
        }
    }
    assert_all_equal(&responses);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_type_size_and_syntax_of_a_body_are_checked_in_this_order() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    for (method, path) in [(Method::POST, USERS.to_owned()), (Method::PUT, path_of(id))] {
        let send = async |path: &str, kind: Option<&str>, body: Vec<u8>| {
            let call = call(&w, 0, method.clone(), path).await;
            call.content_type(kind).body(body).send().await
        };
        let json = Some("application/json; charset=utf-8");
        if method == Method::PUT {
            let reply = send(&path_of("x"), None, padded(4_000_001)).await;
            assert_refused(&reply, 404, None);
        }
        for kind in [None, Some("text/plain")] {
            assert_refused(&send(&path, kind, padded(4_000_001)).await, 415, None);
        }
        let message = assert_refused(&send(&path, json, padded(4_000_001)).await, 413, None);
        assert!(message.contains("4,000,000 bytes"), "{message}");
        let fits = send(&path, json, padded(4_000_000)).await;
        assert_ne!(fits.status, 413, "{fits}");
        for (body, expected) in [
            ("", "line 1, column 1"),
            ("{\n \"login\": }", "line 2, column 11"),
            ("[]", "an array"),
            ("\"x\"", "a string"),
            ("null", "null"),
            ("{} {}", "line 1, column 4"),
        ] {
            let reply = send(&path, json, body.into()).await;
            let message = assert_refused(&reply, 400, None);
            assert!(message.contains(expected), "{body}: {message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invalid_value_is_reported_and_nothing_is_written() {
    let w = World::start().await;
    let id = create(&w, &user(&w, "ann")).await;
    let before = w.directory().await;
    let long = "x".repeat(1_000_000);
    for (members, field, messages) in [
        (json!({"login": "two words"}), "login", vec!["login: "]),
        (json!({"login": 1.5}), "login", vec!["login: "]),
        (
            json!({"email": "nobody"}),
            "email",
            vec!["email: not a valid e-mail address"],
        ),
        (json!({"active": "true"}), "active", vec!["active: "]),
        (json!({"admin": 1}), "admin", vec!["admin: "]),
        (
            json!({"lang": "uk_UA"}),
            "lang",
            vec!["lang: must be one of ru_RU, en_EN"],
        ),
        (
            json!({"level": "shop"}),
            "level",
            vec!["level: must be one of COMPANY, DIVISION, REGION, SHOP"],
        ),
        (
            json!({"authType": "SAML"}),
            "authType",
            vec!["authType: must be one of LOCAL, LDAP"],
        ),
        (
            json!({"timeZoneId": "Moscow"}),
            "timeZoneId",
            vec!["timeZoneId: "],
        ),
        (
            json!({"businessDirId": 9_007_199_254_740_992_i64}),
            "businessDirId",
            vec!["businessDirId: "],
        ),
        (json!({"shopIds": [1, "x"]}), "shopIds", vec!["shopIds: "]),
        (
            json!({"shopExternalIds": ["a", {}]}),
            "shopExternalIds",
            vec!["shopExternalIds: "],
        ),
        (
            json!({"position": long}),
            "position",
            vec!["position: longer than 1,024 characters"],
        ),
        (
            json!({"password": "x".repeat(129)}),
            "password",
            vec!["password: longer than 128 characters"],
        ),
        (
            json!({"password": 1.5, "lang": "de_DE", "email": "x", "firstName": {}, "active": null}),
            "firstName",
            vec![
                "firstName: ",
                "; email: ",
                "; active: must not be null",
                "; lang: ",
                "; password: ",
            ],
        ),
    ] {
        let new = with(user(&w, "new"), members.clone());
        for reply in [post(&w, 0, &new).await, put(&w, 0, id, &members).await] {
            let message = assert_refused(&reply, 400, Some(field));
            let positions = messages.iter().map(|part| message.find(part));
            let positions: Vec<usize> = positions
                .map(|position| position.expect(&message))
                .collect();
            assert!(positions.is_sorted() && positions[0] == 0, "{message}");
            assert!(
                !message.contains(&long[..100]),
                "the message repeats the value"
            );
        }
    }
    let missing = post(&w, 0, &json!({"email": "x"})).await;
    let message = assert_refused(&missing, 400, Some("login"));
    for part in ["login: ", "email: ", "password: "] {
        assert!(message.contains(part), "{message}");
    }
    let password = post(&w, 0, &json!({"login": w.login("new")})).await;
    assert_refused(&password, 400, Some("password"));
    assert_eq!(w.directory().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_value_of_a_repeated_key_counts_and_a_byte_order_mark_is_accepted() {
    let w = World::start().await;
    let login = w.login("ann");
    let body = format!(
        "\u{feff}{{\"login\": 1.5, \"password\": \"x\", \"more\": [[{{}}]], \"login\": \"{login}\"}}"
    );
    let reply = call(&w, 0, Method::POST, USERS)
        .await
        .body(body)
        .send()
        .await;
    assert_eq!(reply.json()["login"], login, "{reply}");
    let id = &reply.json()["id"];
    let shown: Value = get(&w, 0, id, "").await.json();
    assert_eq!(shown["login"], login);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_at_most_256_kilobytes() {
    let w = World::start().await;
    let half: Vec<String> = (0..140)
        .map(|n| format!("{n}{}", "x".repeat(1_000)))
        .collect();
    let (shops, regions) = (
        json!({"shopExternalIds": half}),
        json!({"regionExternalIds": half}),
    );
    let id = create(&w, &with(user(&w, "ann"), shops.clone())).await;
    let too_large = with(with(user(&w, "bob"), shops), regions.clone());
    for reply in [
        put(&w, 0, id, &regions).await,
        post(&w, 0, &too_large).await,
    ] {
        let message = assert_refused(&reply, 400, None);
        assert!(message.contains("256 KB"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_failure_is_reported_in_the_format_of_the_dialect() {
    let w = World::own_with_times(Times::default()).await;
    let store = &w.store;
    let id = create(&w, &user(&w, "ann")).await;
    store.delete_tables().await;
    for reply in [
        post(&w, 0, &user(&w, "bob")).await,
        put(&w, 0, id, &json!({"position": "Cook"})).await,
        get(&w, 0, id, "").await,
    ] {
        assert_refused(&reply, 500, None);
        assert!(reply.header("x-request-id").is_some(), "{reply}");
    }
}
