//! The counters of an import against those of a generator that knows what it put in.

use std::time::Duration;

use muster_import::Times;
use muster_tests::World;
use muster_tests::generate::Reckoning;
use serde_json::{Value, json};

/// Imports a generated file, compares every figure, and, unless that takes too long, once more.
async fn check(w: World, total: usize, seed: u64, again: bool) {
    let foreign: Vec<String> = (0..total / 20)
        .map(|n| w.login(&format!("theirs{n}")))
        .collect();
    let theirs: Vec<Value> = foreign
        .iter()
        .map(|login| json!({"Username": login, "Role": "catman", "E-mail": "theirs@example.com"}))
        .collect();
    w.import(1)
        .await
        .records(&json!(theirs))
        .send()
        .await
        .assert_success(theirs.len() as u64);

    let made = Reckoning::new(total, &w.tag, &foreign, seed);
    let body = made.body();
    assert!(body.len() <= 4_000_000, "{} bytes", body.len());
    let expected = (200, made.status().to_owned(), made.counts());
    let reply = w.import(0).await.debug().body(body.clone()).send().await;
    assert_eq!(reply.outcome(), expected, "seed {seed}");
    let warnings = reply.warnings().len() as u64;
    assert!(
        warnings >= made.warnings().min(10_000),
        "{warnings} warnings, {} at least",
        made.warnings()
    );

    if let Some(store) = &w.store {
        let counts = store
            .run(reply.header("import-id").expect("Import-Id"))
            .await
            .counts
            .expect("counts");
        assert_eq!(
            (counts.created, counts.updated, counts.unchanged),
            (made.created.len() as u64, 0, 0),
            "seed {seed}"
        );
        let mut found: Vec<String> = store
            .users()
            .await
            .into_keys()
            .filter(|login| login.starts_with('u'))
            .collect();
        let mut created = made.created.clone();
        found.retain(|login| login.ends_with(&format!(".{}", w.tag)));
        found.sort();
        created.sort();
        assert!(
            found == created,
            "seed {seed}: not the users that should be there"
        );
    }
    if again {
        let before = w.directory().await;
        let reply = w.import(0).await.body(body).send().await;
        assert_eq!(reply.outcome(), expected, "seed {seed}, again");
        assert!(
            w.directory().await == before,
            "seed {seed}: the same file again wrote something"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_agree_at_10_records() {
    for seed in 0..3 {
        check(World::start().await, 10, seed, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_agree_at_1_000_records() {
    check(World::start().await, 1_000, 10, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_agree_at_20_000_records() {
    // This is about figures: an unoptimised build on a busy machine may take its time.
    let long = Duration::from_secs(300);
    let times = Times {
        sync_hold: long,
        stop_after: long,
        give_up_after: long,
        ..Times::default()
    };
    let w = World::patient(times).await;
    // A deployed function keeps its own times, and an emulated account writes a few hundred users
    // a second: not as many as fit into one request.
    let total = if w.behind_gateway() { 5_000 } else { 20_000 };
    check(w, total, 20, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_records_written_otherwise_are_the_same_records() {
    let w = World::start().await;
    let made = Reckoning::new(500, &w.tag, &[], 30);
    let plain = made.body();
    let expected = (200, made.status().to_owned(), made.counts());
    let first = w.import(0).await.debug().body(plain.clone()).send().await;
    assert_eq!(first.outcome(), expected, "{first}");
    let again = w.import(0).await.debug().body(plain.clone()).send().await;
    assert_eq!(again.outcome(), expected, "{again}");
    let before = w.directory().await;

    let text = String::from_utf8(plain).expect("JSON is UTF-8");
    let objects = |value: &str| text.replace("{\"", &format!("{{\"Unmapped\":{value},\""));
    for (what, body) in [
        (
            "over many lines",
            serde_json::to_string_pretty(&made.elements).expect("values serialise"),
        ),
        ("with a byte order mark", format!("\u{feff}{text}")),
        ("with every character escaped", escaped(&text)),
        (
            "with huge numbers in an unmapped key",
            objects("[1e999,18446744073709551616]"),
        ),
        (
            "with what looks like borders of records in an unmapped key",
            objects(r#""},{\"Username\":\"""#),
        ),
        (
            "with one huge number at the end",
            format!("{},{{\"Unmapped\":1e999}}]", &text[..text.len() - 1]),
        ),
    ] {
        let reply = w.import(0).await.debug().body(body).send().await;
        if what.ends_with("at the end") {
            let [total, empty, ignored, duplicated] = made.counts();
            assert_eq!(
                reply.counts(),
                [total + 1, empty + 1, ignored, duplicated],
                "{what}"
            );
            assert_eq!(
                reply.warnings()[..again.warnings().len()],
                again.warnings(),
                "{what}"
            );
        } else {
            assert_eq!(reply.outcome(), expected, "{what}");
            assert_eq!(reply.warnings(), again.warnings(), "{what}");
        }
        assert!(
            w.directory().await == before,
            "{what}: something was written"
        );
    }
}

/// The same JSON, with an escape for every letter in a string.
fn escaped(text: &str) -> String {
    let (mut out, mut quoted, mut chars) = (String::new(), false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                let kind = chars.next().expect("an escape goes on");
                out.push(kind);
                let digits = if kind == 'u' { 4 } else { 0 };
                out.extend(chars.by_ref().take(digits));
                continue;
            }
            '"' => quoted = !quoted,
            _ if quoted && c.is_ascii_alphabetic() => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}
