//! Runs that stand still, take too long, or whose rows cannot be read: what the sweep makes of them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use muster_aws::rounds::Round;
use muster_aws::runs::Stopped;
use muster_core::run::{State, Status};
use muster_import::{Swept, Times};
use muster_tests::faults::{Fault, Faults};

use crate::file::{File, Kind};
use crate::import::{Fate, Import, import_now};
use crate::judge::Others;
use crate::stage::{Letter, Stage, times};

impl Stage {
    /// Looks after all runs without any fault; what that came to.
    async fn look(&self) -> Swept {
        self.runner().sweep().await.expect("the store")
    }
}

impl Import {
    /// Waits until so much time has gone by since the run began.
    async fn wait(&self, time: Duration) {
        let began = self.row().await.job.expect("a job").acquired_at;
        let until = began.checked_add(time).expect("a time");
        let left = Timestamp::now().duration_until(until);
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_begins_nothing_more_and_counts_what_it_did() {
    let run_over = Duration::from_secs(5);
    let stage = Stage::with(
        2,
        Times {
            run_over,
            ..times()
        },
    )
    .await;
    let kinds = [Kind::New, Kind::Stale, Kind::Stale];
    let import = Import::begin(&stage, File::of("over", &kinds)).await;
    let letters = import.checked().await;
    import.deliver_calmly(&letters[0]).await;
    import.wait(run_over).await;
    import.deliver_calmly(&letters[1]).await;
    let chunk = stage.stack.store.chunk(&import.run, Round::Apply, 1).await;
    assert_eq!(chunk.expect("the store"), None, "begun with");

    let run = import.end_well().await;
    let counts = run.counts.expect("figures");
    assert_eq!((counts.created, counts.updated), (1, 1), "{run:?}");
    let stopped = run.job.and_then(|job| job.stopped);
    let ended = (run.state, stopped);
    assert_eq!(ended, (State::Finished, Some(Stopped::GaveUp)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_nobody_reads_in_time_ends_its_run() {
    let run_over = Duration::from_secs(1);
    let stage = Stage::with(
        2,
        Times {
            run_over,
            ..times()
        },
    )
    .await;
    let import = Import::begin(&stage, File::small("unread")).await;
    import.wait(run_over).await;
    stage.look().await;
    let run = import.row().await;
    let ended = (run.state, run.status, run.counts);
    assert_eq!(ended, (State::Finished, Some(Status::Failure), None));
    import.judge(&run, Others::None).await;
    let counts = import_now(&stage, &import.task, &import.file.body()).await;
    assert_eq!(counts, import.file.counts(), "the task is free");
}

/// A writer dies over its first statements.
async fn die(import: &Import, letter: &Letter) {
    let dies = Faults::new(|asked| match asked.operation {
        "BatchExecuteStatement" => Fault::CrashBefore,
        _ => Fault::Passes,
    });
    let (fate, _) = import.deliver(letter, dies).await;
    assert!(matches!(fate, Fate::Died), "{fate:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_tried_in_vain_is_stuck_and_one_that_waits_behind_others_is_not() {
    let stuck_after = Duration::from_secs(2);
    let times = Times {
        stuck_after,
        ..times()
    };
    let stage = Stage::with(1, times).await;
    let vain = Import::begin(&stage, File::of("vain", &[Kind::New])).await;
    let letters = vain.checked().await;
    die(&vain, &letters[0]).await;
    assert_eq!(stage.look().await.stuck, 0, "it may yet come");
    tokio::time::sleep(times.chunk_held()).await;
    die(&vain, &letters[0]).await;
    vain.wait(stuck_after * 2).await;
    assert_eq!(stage.look().await.stuck, 1);

    let waits = Import::begin(&stage, File::of("waits", &[Kind::New; 15])).await;
    let process = waits.fetch().await;
    waits.deliver_calmly(&process[0]).await;
    waits.wait(stuck_after * 2).await;
    assert_eq!(stage.look().await.stuck, 1, "there is a backlog");
    // Whoever fetches its messages does nothing with them.
    drop(waits.fetch().await);
    assert_eq!(stage.look().await.stuck, 2, "there is none");
    vain.end_complete().await;
    waits.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_cannot_be_read_keeps_no_other_from_being_looked_after() {
    let stage = Stage::start().await;
    let (spoilt, other) = (File::small("spoilt"), File::small("other"));
    let spoilt = Import::begin(&stage, spoilt).await;
    let other = Import::begin(&stage, other).await;
    assert_eq!(other.fetch().await.len(), 1, "its message is lost");
    let store = &stage.stack.store;
    let mut found = 0;
    for shard in 0..16 {
        let spoil = store.client.update_item().table_name(&store.tables.control);
        let spoil = spoil
            .key("pk", AttributeValue::S(format!("OPEN#{shard}")))
            .key("sk", AttributeValue::S(spoilt.run.to_string()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #kind = :kind")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":kind", AttributeValue::Null(true));
        found += usize::from(spoil.send().await.is_ok());
    }
    assert_eq!(found, 1, "open rows of a run");
    let again = loop {
        let swept = stage.runner().sweep().await;
        swept.expect_err("it says that a row cannot be read");
        let fetched = other.fetch().await;
        if !fetched.is_empty() {
            break fetched;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    other.deliver_calmly(&again[0]).await;
    other.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_held_by_a_run_that_is_none_gets_free() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("none")).await;
    let store = &stage.stack.store;
    let delete = store.client.delete_item().table_name(&store.tables.control);
    let delete = delete
        .key("pk", AttributeValue::S(format!("RUN#{}", import.run)))
        .key("sk", AttributeValue::S("RUN".to_owned()));
    delete.send().await.expect("the store");
    assert_eq!(stage.look().await.freed, 1);
    let counts = import_now(&stage, &import.task, &import.file.body()).await;
    assert_eq!(counts, import.file.counts());
    assert_eq!(
        stage.look().await,
        Swept::default(),
        "nothing is left of it"
    );
}
