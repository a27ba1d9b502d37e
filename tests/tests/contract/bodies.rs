//! What is sent in place of JSON gets its own sentence with the next step, and gzip is unpacked on
//! every route with a body (contract.md#bodies).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use muster_tests::{Call, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::import_id;
use crate::uploads::announce;
use crate::uploads::files::assert_failed;

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes.as_ref()).expect("vectors grow");
    packer.finish().expect("vectors grow")
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn utf_32(text: &str) -> Vec<u8> {
    let chars = text.chars();
    chars.flat_map(|c| u32::from(c).to_le_bytes()).collect()
}

/// Bodies that no dialect reads, and what the error says about them: what they are, and what to do.
fn foreign() -> Vec<(Vec<u8>, [&'static str; 2])> {
    vec![
        (utf_16("[{}]"), ["UTF-16", "UTF-8"]),
        (utf_16("\u{feff}[{}]"), ["UTF-16", "UTF-8"]),
        (utf_32("[{}]"), ["UTF-32", "UTF-8"]),
        (utf_32("\u{feff}[{}]"), ["UTF-32", "UTF-8"]),
        (gzip("[{}]"), ["gzip data", "Content-Encoding: gzip"]),
        (b"PK\x03\x04\x14\0".to_vec(), ["XLSX", "JSON"]),
        (b"Username,Name\r\nann,Ann\r\n".to_vec(), ["CSV", "JSON"]),
        (b"\"uid\";\"login\"\n".to_vec(), ["CSV", "JSON"]),
        (b"<?xml version=\"1.0\"?><users/>".to_vec(), ["XML", "JSON"]),
        (
            b"<!doctype html><title>503</title>".to_vec(),
            ["HTML", "JSON"],
        ),
    ]
}

/// Returns the message of an error of any dialect.
#[track_caller]
fn message(reply: &Reply) -> String {
    let json = reply.json();
    let text = ["Errors", "message", "detail", "status", "error"]
        .iter()
        .find_map(|key| match &json[*key] {
            Value::Array(texts) => texts[0].as_str(),
            value => value.as_str(),
        });
    text.unwrap_or_else(|| panic!("no message: {reply}"))
        .to_owned()
}

/// Returns a request of each dialect that reads one object, without a body.
async fn single_object_calls(w: &World) -> Vec<Call<'_>> {
    let token = w.token(0).await;
    let mut calls: Vec<Call<'_>> = vec![announce(w, &json!({})).await];
    for (method, path) in [
        (Method::POST, "/api/v2/users-import/single"),
        (Method::POST, "/v1/orgstruct/users"),
        (Method::PUT, "/v1/orgstruct/users/1"),
        (Method::POST, "/authenticate"),
    ] {
        calls.push(w.call(method, path).token(token));
    }
    let session = w.session(0).await;
    calls.push(w.call(Method::POST, "/admin/v1/tasks").token(session));
    calls
        .into_iter()
        .map(|call| call.content_type(Some("application/json")))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_names_what_was_sent_in_place_of_an_array() {
    let w = World::start().await;
    let before = w.directory().await;
    let record = w.record("ann");
    let mut cases = foreign();
    cases.extend([
        (b"".to_vec(), ["nothing", "[]"]),
        (b" \n".to_vec(), ["nothing", "[]"]),
        (record.to_string().into(), ["an object", "[{…}]"]),
        (
            format!("{record}\n{record}\n").into(),
            ["one after the other", "\"format\":\"ndjson\""],
        ),
        (
            json!({"users": [record]}).to_string().into(),
            ["member \"users\"", "that array alone"],
        ),
        (
            serde_json::to_vec_pretty(&json!({"count": 1, "data": [record]})).expect("JSON"),
            ["member \"data\"", "that array alone"],
        ),
    ]);
    for (body, expected) in cases {
        if w.behind_gateway() && std::str::from_utf8(&body).is_err() {
            continue;
        }
        let reply = w.import(0).await.body(body).send().await;
        reply.assert_failure(400);
        let error = message(&reply);
        for text in expected
            .iter()
            .chain(&["line ", "column ", "nothing was imported"])
        {
            assert!(error.contains(text), "{text}: {error}");
        }
        assert!(reply.header("import-id").is_some(), "{reply}");
    }
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_one_object_names_what_was_sent_instead() {
    let w = World::start().await;
    let before = w.directory().await;
    let mut cases = foreign();
    cases.extend([
        (b"[{\"login\":\"a\"}]".to_vec(), ["an array", "one"]),
        (b"[]".to_vec(), ["an array", "one"]),
        (
            b"{\"a\":1}\n{\"a\":2}\n".to_vec(),
            ["one after the other", "one"],
        ),
    ]);
    for call in single_object_calls(&w).await {
        for (body, expected) in &cases {
            if w.behind_gateway() && std::str::from_utf8(body).is_err() {
                continue;
            }
            let path = call.path.clone();
            let reply = call.clone().body(body.clone()).send().await;
            assert_eq!(reply.status, 400, "{path}: {reply}");
            let error = message(&reply);
            for text in expected {
                assert!(error.contains(text), "{path}: {text}: {error}");
            }
        }
    }
    assert!(w.directory().await == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_of_an_upload_names_what_was_sent_instead() {
    let w = World::start().await;
    let task = w.tenants[0].task_id;
    let record = w.record("ann");
    let (json, lines) = (json!({}), json!({"format": "ndjson"}));
    let mut cases: Vec<(&Value, Vec<u8>, [&str; 2])> = Vec::new();
    for announced in [&json, &lines] {
        for (body, [what, next]) in foreign() {
            let next = match what {
                "gzip data" => "\"compression\":\"gzip\"",
                _ => next,
            };
            cases.push((announced, body, [what, next]));
        }
    }
    let packed = json!({"format": "ndjson", "compression": "gzip"});
    cases.extend([
        (&json, b" ".to_vec(), ["nothing", "check the program"]),
        (
            &lines,
            b"\n\r\n \n".to_vec(),
            ["nothing", "check the program"],
        ),
        (&packed, gzip(""), ["nothing", "check the program"]),
        (&packed, gzip("\n\n"), ["nothing", "check the program"]),
        (
            &json,
            format!("{record}\n{record}\n").into(),
            ["one after the other", "\"format\":\"ndjson\""],
        ),
        (&json, record.to_string().into(), ["an object", "[{…}]"]),
        (
            &json,
            json!({"users": [record]}).to_string().into(),
            ["member \"users\"", "that array alone"],
        ),
        (
            &lines,
            json!([record, record]).to_string().into(),
            ["an array", "\"format\":\"json\""],
        ),
        (
            &lines,
            serde_json::to_vec_pretty(&json!([record])).expect("JSON"),
            ["an array", "\"format\":\"json\""],
        ),
    ]);
    let before = w.directory().await;
    for (announced, file, expected) in cases {
        let run = w.upload(0, task, "", announced.clone(), &file).await;
        assert_failed(&w.wait_until_ended(0, &run).await, &expected);
    }
    // The client of a request that does not wait cannot announce anything. A gateway replaces bytes
    // that are no UTF-8.
    if !w.behind_gateway() {
        let call = w.import(0).await.header("Prefer", "respond-async");
        let reply = call.body(gzip("[{}]")).send().await;
        let status = w.wait_until_ended(0, import_id(&reply)).await;
        assert_failed(&status, &["gzip data", "Content-Encoding: gzip"]);
    }
    assert!(w.directory().await == before);
    w.assert_task_is_free(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_import_is_that_of_its_unpacked_bytes() {
    let w = World::start().await;
    if w.behind_gateway() {
        return;
    }
    let body = json!([w.record("ann"), {}]).to_string();
    let plain = w.import(0).await.debug().body(body.clone()).send().await;
    let padded = [gzip(&body), vec![0; 512]].concat();
    let members = [gzip(&body[..9]), gzip(&body[9..])].concat();
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        for packed in [&gzip(&body), &padded, &members] {
            let call = w.import(0).await.debug().body(packed.clone());
            let reply = call.header("Content-Encoding", coding).send().await;
            assert_eq!(reply.text(), plain.text(), "{coding}");
        }
    }
    let call = w.import(0).await.debug().body(body.clone());
    let reply = call.header("Content-Encoding", "Identity").send().await;
    assert_eq!(reply.text(), plain.text());

    // The same body, packed or not, is the same request under a key.
    let key = w.login("key");
    let first = w.import(0).await.key(&key).body(body.clone()).send().await;
    let call = w.import(0).await.key(&key).body(gzip(&body));
    let second = call.header("Content-Encoding", "gzip").send().await;
    assert_eq!(
        second.header("idempotent-replayed"),
        Some("true"),
        "{second}"
    );
    assert_eq!(second.body, first.body);
    let other = w.import(0).await.key(&key).body(gzip("[]"));
    let other = other.header("Content-Encoding", "gzip").send().await;
    assert_eq!(other.status, 422, "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_with_a_body_unpacks_gzip_and_names_what_it_takes() {
    let w = World::start().await;
    if w.behind_gateway() {
        return;
    }
    let mut calls = single_object_calls(&w).await;
    calls.push(w.import(0).await);
    for call in calls {
        let (path, is_import) = (call.path.clone(), call.path.ends_with(char::is_numeric));
        let is_import = is_import && path.starts_with("/v1/import/");
        let (body, limit) = match path.as_str() {
            _ if is_import => ("[]", "4,000,000"),
            "/authenticate" => ("{}", "10,000"),
            path if path.starts_with("/admin") || path.ends_with("/uploads") => ("{}", "1,000,000"),
            _ => ("{}", "4,000,000"),
        };
        let call = |body: Vec<u8>, coding: &str| {
            call.clone().body(body).header("Content-Encoding", coding)
        };
        // Unpacked, it is read as if it had been sent unpacked.
        let plain = call(body.into(), "identity").send().await;
        let packed = call(gzip(body), "gzip").send().await;
        assert_eq!(
            (packed.status, packed.text()),
            (plain.status, plain.text()),
            "{path}"
        );
        for coding in ["br", "deflate", "gzip, gzip"] {
            let reply = call(gzip(body), coding).send().await;
            assert_eq!(reply.status, 415, "{path}: {reply}");
            assert_eq!(
                reply.header("accept-encoding"),
                Some("gzip"),
                "{path}: {reply}"
            );
            assert!(message(&reply).contains("gzip"), "{path}: {reply}");
        }
        // A bomb: a thousand times the size of what was sent.
        let bomb = gzip(vec![b' '; 8_000_000]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        let status = if path == "/authenticate" { 400 } else { 413 };
        let reply = call(bomb, "gzip").send().await;
        assert_eq!(reply.status, status, "{path}: {reply}");
        assert!(message(&reply).contains(limit), "{path}: {reply}");
        let whole = gzip(format!("{body}{}", " ".repeat(50)));
        for (broken, problem) in [
            (body.as_bytes().to_vec(), "no gzip header"),
            (whole[..whole.len() - 3].to_vec(), "truncated"),
            (
                [&whole[..], b"garbage after it"].concat(),
                "followed by other data",
            ),
            (
                [&b"\x1f\xef\xbf\xbd\x08"[..], b"x"].concat(),
                "took it for text",
            ),
        ] {
            let reply = call(broken, "gzip").send().await;
            assert_eq!(reply.status, 400, "{path}: {reply}");
            assert!(
                message(&reply).contains(problem),
                "{problem}, {path}: {reply}"
            );
        }
    }
    w.assert_task_is_free(0).await;
}
