//! The engine's counters against the generator's, which knows what it put in and shares no code
//! with the engine: for several sizes, thread counts, chunk sizes and windows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::run::Counts;
use muster_core::settings::TaskSettings;
use muster_core::survey::{check, collect};
use muster_sample::{Options, Reckoning, generate};

const TASK: &str = r#"{
    "attribute_mapping": {
        "username": "Username", "name": "Name", "role": "Role", "email": "E-mail",
        "all_stores": "All Stores", "individual_stores": "Individual Stores"
    },
    "role_mapping": {"catman": "Category Manager", "store manager": "Store Manager"}
}"#;

fn sample(users: u64, seed: u64) -> (Vec<u8>, Reckoning) {
    let mut json = Vec::new();
    let options = Options {
        users,
        seed,
        anomalies: true,
    };
    let reckoning = generate(&options, &mut json).unwrap();
    (json, reckoning)
}

fn rules() -> Rules {
    Rules::new(&serde_json::from_str::<TaskSettings>(TASK).unwrap()).unwrap()
}

fn assert_reckoned(counts: Counts, reckoning: &Reckoning, what: &str) {
    assert_eq!(
        (
            counts.total,
            counts.empty,
            counts.ignored,
            counts.duplicated,
            counts.created
        ),
        (
            reckoning.total_lines,
            reckoning.empty_ids,
            reckoning.ignored_users,
            reckoning.duplicated_users,
            reckoning.created()
        ),
        "{what}"
    );
}

#[test]
fn counters_agree_for_every_size_thread_count_and_chunk_size() {
    let rules = rules();
    for (users, chunks) in [
        (10, &[1, 16, 300, 1 << 20][..]),
        (1_000, &[64, 1_000, 50_000, 1 << 20]),
        (20_000, &[4_096, 1 << 16, 1 << 18, 1 << 23]),
    ] {
        let (json, reckoning) = sample(users, users + 1);
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
                let what = format!("{users} users, {threads} threads, chunks of {chunk} bytes");
                let checked = pool
                    .install(|| check(json.as_slice(), &rules, sizes, &[1; 16], usize::MAX))
                    .unwrap();
                assert_reckoned(checked.counts, &reckoning, &what);
                assert_eq!(checked.warnings, checked.items.len() as u64, "{what}");
                assert_eq!(checked.bytes, json.len() as u64, "{what}");
            }
        }
    }
}

#[test]
fn what_is_collected_is_counted_like_what_is_checked() {
    let rules = rules();
    let (json, reckoning) = sample(5_000, 3);
    for chunk in [512, 1 << 18] {
        let sizes = Sizes {
            chunk,
            window: chunk * 4,
        };
        let collected = collect(json.as_slice(), &rules, sizes, &[2; 16]).unwrap();
        let counts = collected.counts;
        assert_eq!(counts.total, reckoning.total_lines);
        assert_eq!(counts.empty, reckoning.empty_ids);
        assert_eq!(counts.duplicated, reckoning.duplicated_users);
        // Who is ignored for role or e-mail is known once the directory has been read.
        let kept = collected.changes.len() as u64;
        assert_eq!(
            counts.total,
            counts.empty + counts.duplicated + counts.ignored + kept
        );
        assert!(collected.items.is_sorted_by_key(|item| item.record));
    }
}
