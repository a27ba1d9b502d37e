//! Runs that stand still, take too long, or whose rows cannot be read: what the sweep makes of them.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster_aws::rounds::Round;
use muster_aws::runs::Stopped;
use muster_core::run::{State, Status};
use muster_import::Swept;
use muster_tests::faults::{BATCH, Fault, Faults};

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

/// A day and an hour: a run that began so long ago has taken too long.
const OVER: Duration = Duration::from_secs(25 * 3_600);
/// A run of which nothing has come for so long is stuck.
const STILL: Duration = Duration::from_secs(20 * 60);

fn key(name: &str) -> AttributeValue {
    AttributeValue::S(name.to_owned())
}

impl Import {
    /// One of its rows says that something was so much earlier: the time under this path.
    async fn put_back(&self, row: &str, path: &[&str], by: Duration) {
        let store = &self.stage.stack.store;
        let found = store.client().get_item().table_name(&store.tables.control);
        let found = found.key("pk", key(&format!("RUN#{}", self.run)));
        let found = found.key("sk", key(row)).consistent_read(true).send();
        let mut row = found.await.expect("the store").item.expect("the row");
        let (name, outer) = path.split_last().expect("a name");
        let members = outer.iter().fold(&mut row, |members, name| {
            let inner = members.get_mut(*name).expect("a member");
            match inner {
                AttributeValue::M(members) => members,
                other => panic!("{name} has no members: {other:?}"),
            }
        });
        let time = members.get_mut(*name).expect("a time");
        let millis: i64 = time.as_n().expect("a time").parse().expect("a number");
        let earlier = millis - i64::try_from(by.as_millis()).expect("it fits");
        *time = AttributeValue::N(earlier.to_string());
        let put = store.client().put_item().table_name(&store.tables.control);
        let put = put.set_item(Some(row)).send();
        put.await.expect("the store");
    }

    /// It began so much earlier.
    async fn began_before(&self, by: Duration) {
        self.put_back("RUN", &["job", "acquired_at"], by).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_too_long_begins_nothing_more_and_counts_what_it_did() {
    let stage = Stage::with(2, times()).await;
    let kinds = [Kind::New, Kind::Stale, Kind::Stale];
    let import = Import::begin(&stage, File::of("over", &kinds)).await;
    let letters = import.checked().await;
    import.deliver_calmly(&letters[0]).await;
    import.began_before(OVER).await;
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
async fn a_run_that_takes_too_long_and_lacks_nothing_but_its_end_is_whole() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::of("end", &[Kind::New, Kind::Stale])).await;
    let letters = import.checked().await;
    // Its writer dies over the end.
    let dies = Faults::new(|asked| match asked.operation {
        "TransactWriteItems" => Fault::CrashBefore,
        _ => Fault::Passes,
    });
    let (fate, _) = import.deliver(&letters[0], dies.patient()).await;
    assert!(matches!(fate, Fate::Died), "{fate:?}");
    let chunk = stage.stack.store.chunk(&import.run, Round::Apply, 0).await;
    let chunk = chunk.expect("the store").expect("the chunk");
    assert!(chunk.result.is_some(), "{chunk:?}");
    import.began_before(OVER).await;
    let run = import.end_well().await;
    assert_eq!(run.counts, Some(import.file.counts()));
    assert_eq!(run.job.expect("a job").stopped, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_nobody_reads_in_time_ends_its_run() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("unread")).await;
    import.began_before(OVER).await;
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
        BATCH => Fault::CrashBefore,
        _ => Fault::Passes,
    });
    let (fate, _) = import.deliver(letter, dies.patient()).await;
    assert!(matches!(fate, Fate::Died), "{fate:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_tried_in_vain_is_stuck_and_one_that_waits_for_others_is_not() {
    const ROW: &str = "CHUNK#apply#000000000";
    let entered = ["job", "entered_at"];
    let stage = Stage::with(1, times()).await;
    let vain = Import::begin(&stage, File::of("vain", &[Kind::New])).await;
    let letters = vain.checked().await;
    die(&vain, &letters[0]).await;
    assert_eq!(stage.look().await.stuck, 0, "it may yet come");
    vain.put_back(ROW, &["since"], STILL).await;
    die(&vain, &letters[0]).await;
    vain.put_back("RUN", &entered, STILL).await;
    assert_eq!(stage.look().await.stuck, 1, "it was tried twice");

    let waits = Import::begin(&stage, File::of("waits", &[Kind::New; 3])).await;
    drop(waits.checked().await);
    waits.put_back("RUN", &entered, STILL).await;
    assert_eq!(stage.look().await.stuck, 1, "writers are at another run");
    vain.put_back(ROW, &["since"], STILL).await;
    assert_eq!(stage.look().await.stuck, 2, "nobody does anything");
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
        let spoil = store
            .client()
            .update_item()
            .table_name(&store.tables.control);
        let spoil = spoil
            .key("pk", key(&format!("OPEN#{shard}")))
            .key("sk", key(&spoilt.run.to_string()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #kind = :kind")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":kind", AttributeValue::Null(true));
        found += usize::from(spoil.send().await.is_ok());
    }
    assert_eq!(found, 1, "open rows of a run");
    let swept = stage.runner().sweep().await;
    swept.expect_err("it says that a row cannot be read");
    let again = other.sent_again().await;
    other.deliver_calmly(&again[0]).await;
    other.end_complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_held_by_a_run_that_is_none_gets_free() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("none")).await;
    let store = &stage.stack.store;
    let delete = store
        .client()
        .delete_item()
        .table_name(&store.tables.control);
    let delete = delete
        .key("pk", key(&format!("RUN#{}", import.run)))
        .key("sk", key("RUN"));
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
