//! What is refused, in which order, and how it is said.

use muster_import::Times;
use muster_tests::{World, store_or_skip};
use reqwest::Method;
use serde_json::{Value, json};

use super::{USERS, assert_refused, call, get, made, one, post, put, user, with};

/// `{}` and spaces, so many bytes in all.
fn padded(bytes: usize) -> Vec<u8> {
    let mut body = vec![b' '; bytes];
    body[0] = b'{';
    body[bytes - 1] = b'}';
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_which_ones_there_are() {
    let w = World::start().await;
    for (path, allowed) in [(USERS.to_owned(), "POST"), (one(1), "PUT")] {
        for method in [Method::DELETE, Method::PATCH] {
            let reply = w.call(method, &path).send().await;
            assert_refused(&reply, 405, None);
            let allow = reply.header("allow").expect("Allow");
            assert!(allow.split(',').any(|method| method == allowed), "{allow}");
        }
    }
    let reply = w.call(Method::POST, &one(1)).send().await;
    assert_refused(&reply, 405, None);
    let mut allow: Vec<_> = reply.header("allow").expect("Allow").split(',').collect();
    allow.sort_unstable();
    assert_eq!(allow, ["GET", "HEAD", "PUT"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_that_opens_this_dialect_nothing_is_looked_at() {
    let w = World::start().await;
    let issued = json!({"robot": w.tenants[0].robot.username, "scopes": ["quant", "collaborator"]});
    let issued = w.send_json(Method::POST, "/tokens", &issued).await.json();
    let other = issued["token"].as_str().expect("a token").to_owned();
    let id = made(&w, &user(&w, "ann")).await;
    let mut answers = Vec::new();
    for authorization in [
        None,
        Some("Bearer wrong".to_owned()),
        Some(format!("Basic {}", w.token(0).await)),
        Some(format!("Bearer {}", w.session(0).await)),
        Some(format!("Bearer {other}")),
    ] {
        for (method, path) in [
            (Method::POST, USERS.to_owned()),
            (Method::PUT, one(id)),
            (Method::PUT, one("x")),
            (Method::GET, one(id)),
            (Method::GET, one("x")),
        ] {
            let call = w.call(method, &path).content_type(Some("text/plain"));
            let reply = call.authorization(authorization.as_deref()).send().await;
            assert_refused(&reply, 401, None);
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            answers.push(reply.body);
        }
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_refused_for_its_type_its_size_and_its_form_in_this_order() {
    let w = World::start().await;
    let id = made(&w, &user(&w, "ann")).await;
    for (method, path) in [(Method::POST, USERS.to_owned()), (Method::PUT, one(id))] {
        let send = async |path: &str, kind: Option<&str>, body: Vec<u8>| {
            let call = call(&w, 0, method.clone(), path).await;
            call.content_type(kind).body(body).send().await
        };
        let json = Some("application/json; charset=utf-8");
        if method == Method::PUT {
            let reply = send(&one("x"), None, padded(4_000_001)).await;
            assert_refused(&reply, 404, None);
        }
        for kind in [None, Some("text/plain")] {
            assert_refused(&send(&path, kind, padded(4_000_001)).await, 415, None);
        }
        let message = assert_refused(&send(&path, json, padded(4_000_001)).await, 413, None);
        assert!(message.contains("4,000,000 bytes"), "{message}");
        let fits = send(&path, json, padded(4_000_000)).await;
        assert_ne!(fits.status, 413, "{fits}");
        for (body, said) in [
            ("", "line 1, column 1"),
            ("{\n \"login\": }", "line 2, column 11"),
            ("[]", "an array"),
            ("\"x\"", "a string"),
            ("null", "null"),
            ("{} {}", "line 1, column 4"),
        ] {
            let reply = send(&path, json, body.into()).await;
            let message = assert_refused(&reply, 400, None);
            assert!(message.contains(said), "{body}: {message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_value_is_named_and_nothing_is_written() {
    let w = World::start().await;
    let id = made(&w, &user(&w, "ann")).await;
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
            let places = messages.iter().map(|part| message.find(part));
            let places: Vec<usize> = places.map(|place| place.expect(&message)).collect();
            assert!(places.is_sorted() && places[0] == 0, "{message}");
            assert!(!message.contains(&long[..100]), "values are not repeated");
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
async fn the_last_of_equal_keys_counts_and_a_byte_order_mark_is_fine() {
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
async fn a_user_takes_256_kilobytes_and_no_more() {
    let w = World::start().await;
    let half: Vec<String> = (0..140).map(|_| "x".repeat(1_000)).collect();
    let (shops, regions) = (
        json!({"shopExternalIds": half}),
        json!({"regionExternalIds": half}),
    );
    let id = made(&w, &with(user(&w, "ann"), shops.clone())).await;
    let whole = with(with(user(&w, "bob"), shops), regions.clone());
    for reply in [put(&w, 0, id, &regions).await, post(&w, 0, &whole).await] {
        let message = assert_refused(&reply, 400, None);
        assert!(message.contains("256 KB"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_is_said_in_the_dialect_s_own_shape() {
    let Some(w) = World::with_times(Times::default()).await else {
        return;
    };
    let store = store_or_skip!(w);
    let id = made(&w, &user(&w, "ann")).await;
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
