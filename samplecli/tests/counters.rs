//! The engine's counters are those of the generator, which shares no code with the engine, for
//! several sizes, thread counts, chunk sizes and windows.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::scan::{check, collect};
use muster_core::settings::TaskSettings;
use muster_sample::{ExpectedCounts, Options, generate};

const TASK: &str = r#"{
    "attribute_mapping": {
        "username": "Username", "name": "Name", "role": "Role", "email": "E-mail",
        "all_stores": "All Stores", "individual_stores": "Individual Stores"
    },
    "role_mapping": {"catman": "Category Manager", "store manager": "Store Manager"}
}"#;

fn sample(users: u64, seed: u64) -> (Vec<u8>, ExpectedCounts) {
    let mut json = Vec::new();
    let options = Options {
        users,
        seed,
        anomalies: true,
    };
    let expected = generate(&options, &mut json).unwrap();
    (json, expected)
}

fn rules() -> Rules {
    Rules::new(&serde_json::from_str::<TaskSettings>(TASK).unwrap()).unwrap()
}

fn assert_counts(counts: Counts, expected: &ExpectedCounts, context: &str) {
    assert_eq!(
        (
            counts.total,
            counts.empty,
            counts.ignored,
            counts.duplicated,
            counts.created
        ),
        (
            expected.total_lines,
            expected.empty_ids,
            expected.ignored_users,
            expected.duplicated_users,
            expected.created()
        ),
        "{context}"
    );
}

#[test]
fn counters_are_correct_for_every_size_thread_count_and_chunk_size() {
    let rules = rules();
    for (users, chunks) in [
        (10, &[1, 16, 300, 1 << 20][..]),
        (1_000, &[64, 1_000, 50_000, 1 << 20]),
        (20_000, &[4_096, 1 << 16, 1 << 18, 1 << 23]),
    ] {
        let (json, expected) = sample(users, users + 1);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            for chunk in chunks {
                let sizes = Sizes {
                    chunk: *chunk,
                    window: chunk * 7,
                };
                let context = format!("{users} users, {threads} threads, chunks of {chunk} bytes");
                let checked = pool
                    .install(|| check(json.as_slice(), &rules, sizes, &[1; 16], usize::MAX))
                    .unwrap();
                assert_counts(checked.counts, &expected, &context);
                assert_eq!(checked.warnings, checked.items.len() as u64, "{context}");
                assert_eq!(checked.bytes, json.len() as u64, "{context}");
            }
        }
    }
}

#[test]
fn collected_records_are_counted_like_checked_records() {
    let rules = rules();
    let (json, expected) = sample(5_000, 3);
    for chunk in [512, 1 << 18] {
        let sizes = Sizes {
            chunk,
            window: chunk * 4,
        };
        let collected = collect(json.as_slice(), &rules, sizes, &[2; 16]).unwrap();
        let counts = collected.counts;
        assert_eq!(counts.total, expected.total_lines);
        assert_eq!(counts.empty, expected.empty_ids);
        assert_eq!(counts.duplicated, expected.duplicated_users);
        // Users ignored for role or e-mail are known only after reading the directory.
        let kept = collected.changes.len() as u64;
        assert_eq!(
            counts.total,
            counts.empty + counts.duplicated + counts.ignored + kept
        );
        assert!(collected.items.is_sorted_by_key(|item| item.record));
    }
}
