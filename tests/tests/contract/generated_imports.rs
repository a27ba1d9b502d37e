//! Imports of generated files, whose counters are known from how the files were generated.

use std::time::Duration;

use muster_import::Times;
use muster_tests::World;
use muster_tests::generate::GeneratedImport;

use crate::support::{import_foreign_users, import_id};

/// Imports a generated file and verifies every counter; if `repeat`, a second import must write
/// nothing.
async fn verify_counters(w: World, total: usize, seed: u64, repeat: bool) {
    let foreign = import_foreign_users(&w, total / 20).await;

    let generated = GeneratedImport::new(total, &w.tag, &foreign, seed);
    let body = generated.body();
    assert!(body.len() <= 4_000_000, "{} bytes", body.len());
    let expected = (200, generated.status().to_owned(), generated.counts());
    let reply = w.import(0).await.debug().body(body.clone()).send().await;
    assert_eq!(reply.outcome(), expected, "seed {seed}");
    let warnings = reply.warnings().len() as u64;
    assert!(
        warnings >= generated.warnings().min(10_000),
        "{warnings} warnings, {} at least",
        generated.warnings()
    );

    {
        let store = &w.store;
        let counts = store.run(import_id(&reply)).await.counts.expect("counts");
        assert_eq!(
            (counts.created, counts.updated, counts.unchanged),
            (generated.created.len() as u64, 0, 0),
            "seed {seed}"
        );
        let mut found: Vec<String> = store
            .users()
            .await
            .into_keys()
            .filter(|login| login.starts_with('u'))
            .collect();
        let mut created = generated.created.clone();
        found.retain(|login| login.ends_with(&format!(".{}", w.tag)));
        found.sort();
        created.sort();
        assert!(found == created, "seed {seed}: the stored users differ");
    }
    if repeat {
        let before = w.directory().await;
        let reply = w.import(0).await.body(body).send().await;
        assert_eq!(reply.outcome(), expected, "seed {seed}, repeated");
        assert!(
            w.directory().await == before,
            "seed {seed}: the same file again wrote something"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_exact_for_10_records() {
    for seed in 0..3 {
        verify_counters(World::start().await, 10, seed, true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_exact_for_1_000_records() {
    verify_counters(World::start().await, 1_000, 10, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_exact_for_20_000_records() {
    // Only the counters matter here: an unoptimised build on a busy machine may take longer than a
    // request is given.
    let long = Duration::from_secs(300);
    let times = Times {
        sync_hold: long,
        stop_after: long,
        give_up_after: long,
        ..Times::default()
    };
    let w = World::start_with_times(times).await;
    // A deployed function has its own time limits, and an emulated account writes only a few
    // hundred users a second, so that 20,000 do not fit into one request.
    let total = if w.behind_gateway() { 5_000 } else { 20_000 };
    verify_counters(w, total, 20, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_spellings_of_the_same_json_give_the_same_result() {
    let w = World::start().await;
    let generated = GeneratedImport::new(500, &w.tag, &[], 30);
    let plain = generated.body();
    let expected = (200, generated.status().to_owned(), generated.counts());
    let first = w.import(0).await.debug().body(plain.clone()).send().await;
    assert_eq!(first.outcome(), expected, "{first}");
    let repeated = w.import(0).await.debug().body(plain.clone()).send().await;
    assert_eq!(repeated.outcome(), expected, "{repeated}");
    let before = w.directory().await;

    let text = String::from_utf8(plain).expect("JSON is UTF-8");
    let objects = |value: &str| text.replace("{\"", &format!("{{\"Unmapped\":{value},\""));
    for (case, body) in [
        (
            "over many lines",
            serde_json::to_string_pretty(&generated.elements).expect("values serialise"),
        ),
        ("with a byte order mark", format!("\u{feff}{text}")),
        ("with every character escaped", escaped(&text)),
        (
            "with huge numbers in an unmapped key",
            objects("[1e999,18446744073709551616]"),
        ),
        (
            "with record boundaries in the text of an unmapped key",
            objects(r#""},{\"Username\":\"""#),
        ),
        (
            "with one huge number at the end",
            format!("{},{{\"Unmapped\":1e999}}]", &text[..text.len() - 1]),
        ),
    ] {
        let reply = w.import(0).await.debug().body(body).send().await;
        if case.ends_with("at the end") {
            let [total, empty, ignored, duplicated] = generated.counts();
            assert_eq!(
                reply.counts(),
                [total + 1, empty + 1, ignored, duplicated],
                "{case}"
            );
            assert_eq!(
                reply.warnings()[..repeated.warnings().len()],
                repeated.warnings(),
                "{case}"
            );
        } else {
            assert_eq!(reply.outcome(), expected, "{case}");
            assert_eq!(reply.warnings(), repeated.warnings(), "{case}");
        }
        assert!(
            w.directory().await == before,
            "{case}: something was written"
        );
    }
}

/// Returns the same JSON with an escape for every ASCII letter in a string.
fn escaped(text: &str) -> String {
    let (mut out, mut quoted, mut chars) = (String::new(), false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(c);
                let kind = chars.next().expect("an escaped character");
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
