//! The status of runs (contract.md#import-status).

use jiff::{Timestamp, ToSpan};
use muster_aws::runs::chunks::Round;
use muster_aws::runs::{Chunked, ReadProgress};
use muster_core::run::State;
use muster_tests::World;
use serde_json::{Value, json};

use super::get;
use crate::support::import_id;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_of_a_finished_run_has_the_members_of_its_reply_and_more() {
    let w = World::start().await;
    let records = json!([w.record("ann"), w.record("ann"), {"Username": ""}, 7]);
    let reply = w.import(0).await.records(&records).send().await;
    let run = import_id(&reply);
    let status = get(&w, run, "").await;
    assert_eq!(
        status.keys(),
        [
            "import_id",
            "task",
            "state",
            "dry_run",
            "size",
            "started_at",
            "ended_at",
            "progress",
            "Status",
            "Total Lines",
            "Empty IDs",
            "Ignored Users",
            "Duplicated Users",
            "Created",
            "Updated",
            "Unchanged",
            "Renamed",
            "Moved",
            "Blocked",
            "Unblocked",
            "Cleared"
        ]
    );
    let status = status.json();
    assert_eq!(status["import_id"], run);
    assert_eq!(status["task"], w.tenants[0].task_id);
    assert_eq!(status["state"], "finished");
    for (key, value) in reply.json().as_object().expect("an object") {
        assert_eq!(&status[key], value, "{key}");
    }
    let counts = ["Created", "Updated", "Unchanged"].map(|key| status[key].clone());
    assert_eq!(counts, [json!(1), json!(0), json!(0)]);
    let size = records.to_string().len();
    assert_eq!(
        status["progress"],
        json!({"bytes": size, "bytes_total": size, "records": 4, "records_total": 4})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_shows_a_dry_run_and_a_refused_body() {
    let w = World::start().await;
    let call = w.import(0).await.query("dryRun").body("[]");
    let reply = call.send().await;
    let run = import_id(&reply);
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["dry_run"], &status["Dry Run"]),
        (&json!(true), &json!(true))
    );

    let reply = w.import(0).await.body("[1,").send().await;
    let run = import_id(&reply);
    let status = get(&w, run, "").await.json();
    assert_eq!(
        (&status["Status"], &status["Errors"]),
        (&json!("FAILURE"), &reply.json()["Errors"])
    );
    assert_eq!(status.get("Total Lines").or(status.get("Created")), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_of_a_running_import_has_progress_and_rate() {
    let w = World::start().await;
    let store = &w.store;
    let task = store.task(&w, 0, |_| ()).await;
    let run = store.queued(&w, 0, task).await;
    let status = get(&w, &run, "").await.json();
    assert_eq!(status["state"], "queued", "{status}");
    assert_eq!(
        (status.get("rate"), status.get("Status")),
        (None, None),
        "{status}"
    );
    assert_eq!(
        status["progress"],
        json!({"bytes": 0, "bytes_total": 1_000, "records": 0})
    );

    let read = ReadProgress {
        bytes: 250,
        records: 10,
    };
    store.begin_checking(&run, read).await;
    let status = get(&w, &run, "").await.json();
    assert_eq!(status["state"], "checking", "{status}");
    assert_eq!(
        status["progress"],
        json!({"bytes": 250, "bytes_total": 1_000, "records": 10})
    );

    for (state, round) in [
        (State::Planning, Round::Plan),
        (State::Applying, Round::Apply),
    ] {
        let chunked = Chunked {
            attempt: "a".to_owned(),
            chunks: 2,
            records: 3_000,
        };
        // Since a minute, so that a minute on a busy machine may pass until the response.
        let since = Timestamp::now() - 1.minutes();
        store
            .advance(&run, state, since, |job| job.chunked = Some(chunked))
            .await;
        store.count_chunk(&run, round, 2_000).await;
        let status = get(&w, &run, "").await.json();
        let expected = json!({"bytes": 1_000, "bytes_total": 1_000, "records": 2_000,
            "records_total": 3_000, "chunks": 1, "chunks_total": 2});
        assert_eq!(status["progress"], expected);
        assert_within(&status["rate"], 16.0, 33.4);
        assert_within(&status["eta_seconds"], 30.0, 60.0);
    }
}

#[track_caller]
fn assert_within(value: &Value, min: f64, max: f64) {
    let value = value.as_f64().expect("a number");
    assert!((min..=max).contains(&value), "{value}");
}
