//! Processors that die, are there twice, or find another object than the one that was sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::runs::Run;
use muster_core::run::{State, Status};
use muster_import::Times;
use muster_import::uploads::{self, Completed, object_key};
use muster_tests::background::uploaded;
use muster_tests::faults::{Fault, Faults, Service, UnderWay};
use muster_tests::uploads::announced_and_sent;

use crate::file::File;
use crate::import::{Fate, Import, at_every_request, import_now};
use crate::stage::{Letter, Stage, times};

async fn process_under(stage: Arc<Stage>, number: usize, faults: Faults) -> bool {
    let import = Import::begin(&stage, File::small(format!("p{number}x"))).await;
    let letters = import.fetch().await;
    let (_, faults) = import.deliver(&letters[0], faults).await;
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_may_die_around_any_of_its_requests() {
    at_every_request(|stage, k| process_under(stage, k, Faults::at_write(k, Fault::CrashBefore)))
        .await;
    at_every_request(|stage, k| process_under(stage, k, Faults::at_write(k, Fault::CrashAfter)))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_may_lose_any_of_its_requests_or_answers() {
    at_every_request(|stage, k| process_under(stage, k, Faults::at(k, Fault::LostRequest))).await;
    at_every_request(|stage, k| process_under(stage, k, Faults::at(k, Fault::LostAnswer))).await;
}

/// An upload whose parts are there, and which is completed: the processor makes one object of them.
async fn upload(stage: &Arc<Stage>, tag: String) -> Import {
    let task = stage.task(0, |_| ()).await;
    let file = File::small(tag);
    import_now(stage, &task, &file.before()).await;
    let (store, background) = (&stage.stack.store, &stage.stack.background);
    let body = file.body().to_string();
    let (run, _) = uploaded(store, background, &task, body.as_bytes(), false).await;
    Import::of(stage, &task, file, run, &UnderWay::default())
}

async fn process_upload_under(stage: Arc<Stage>, tag: String, faults: Faults) -> bool {
    let import = upload(&stage, tag).await;
    let letters = import.fetch().await;
    let (_, faults) = import.deliver(&letters[0], faults).await;
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_of_an_upload_may_die_or_lose_answers_around_any_request() {
    for (tag, fault) in [
        ("before", Fault::CrashBefore),
        ("after", Fault::CrashAfter),
        ("lost", Fault::LostAnswer),
    ] {
        at_every_request(|stage, k| {
            process_upload_under(stage, format!("{tag}{k}x"), Faults::at(k, fault.clone()))
        })
        .await;
    }
}

/// Two processors at once of an upload, of which one is late with a request.
async fn two_at_an_upload(stage: Arc<Stage>, number: usize) -> bool {
    let import = upload(&stage, format!("both{number}x")).await;
    let letters = import.fetch().await;
    let late = Fault::LateRequest(Duration::from_millis(100));
    let ((one, faults), (other, _)) = tokio::join!(
        import.deliver(&letters[0], Faults::at(number, late).patient()),
        import.deliver(&letters[0], Faults::none()),
    );
    let both = (&one, &other);
    assert!(matches!(both, (Fate::Done, Fate::Done)), "{both:?}");
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processors_make_one_object_of_an_upload() {
    at_every_request(two_at_an_upload).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_another_size_than_was_announced_is_refused() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("longer")).await;
    let letters = import.fetch().await;
    let longer = format!("{} ", import.file.body());
    let objects = &stage.stack.background.objects;
    let put = objects.put(&object_key(&import.run), longer.into()).await;
    put.expect("the bucket");
    import.deliver_calmly(&letters[0]).await;
    let run = import.end_well().await;
    assert_refused(&import, &run, "were announced").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_that_reads_slowly_says_that_it_is_at_work() {
    let times = Times {
        heartbeat_over: Duration::from_secs(2),
        ..times()
    };
    let stage = Stage::with(3, times).await;
    let import = Import::begin(&stage, File::small("slow")).await;
    let letters = import.fetch().await;
    let reads = times.heartbeat_over * 2;
    let slow = Faults::new(move |asked| match (asked.service, asked.operation) {
        (Service::S3, "GET") => Fault::LateAnswer(reads),
        _ => Fault::Passes,
    });
    let reading = async {
        let (fate, slow) = import.deliver(&letters[0], slow.patient()).await;
        assert!(matches!(fate, Fate::Done) && slow.were_met(), "{fate:?}");
    };
    let sweeping = async {
        let began = Instant::now();
        while began.elapsed() < reads {
            import.sweep(Faults::none()).await;
            let sent = import.fetch().await;
            let again = sent
                .iter()
                .any(|letter| matches!(letter, Letter::Process(_)));
            assert!(!again, "another processor is sent for");
            tokio::time::sleep(times.heartbeat).await;
        }
    };
    tokio::join!(reading, sweeping);
    import.end_complete().await;
}

/// Two processors at once, of which one dies.
async fn two_processors(stage: Arc<Stage>, number: usize) -> bool {
    let import = Import::begin(&stage, File::small(format!("two{number}x"))).await;
    let letters = import.fetch().await;
    let (one, _) = tokio::join!(
        import.deliver(&letters[0], Faults::at_write(number, Fault::CrashAfter)),
        import.deliver(&letters[0], Faults::none()),
    );
    let chunks = import.fetch().await;
    let attempts = chunks.iter().map(|letter| match letter {
        Letter::Chunk(message) => message.attempt.clone(),
        Letter::Process(_) => panic!("the processor is told again"),
    });
    let attempts: std::collections::BTreeSet<String> = attempts.collect();
    assert_eq!(attempts.len(), 1, "chunks of two attempts");
    for letter in chunks {
        drop(import.deliver(&letter, Faults::none()).await);
    }
    import.end_complete().await;
    one.1.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processors_one_names_the_chunks() {
    at_every_request(two_processors).await;
}

/// Asserts that a run has ended without anything applied, and why.
async fn assert_refused(import: &Import, run: &Run, why: &str) {
    assert_eq!(
        (run.state, run.status, run.counts),
        (State::Finished, Some(Status::Failure), None)
    );
    assert!(run.errors[0].contains(why), "{run:?}");
    assert_eq!(import.applied.effects(), []);
    let counts = import_now(&import.stage, &import.task, &import.file.body()).await;
    assert_eq!(
        counts,
        import.file.counts(),
        "the task is free, and nothing was done"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_is_replaced_while_it_is_read_is_refused() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("replaced")).await;
    let letters = import.fetch().await;
    // It is pinned, and has not been read yet.
    let reading = |operation: &str| operation == "GET";
    let dies = Faults::new(move |asked| match asked.service {
        Service::S3 if reading(asked.operation) => Fault::CrashBefore,
        _ => Fault::Passes,
    });
    let (fate, _) = import.deliver(&letters[0], dies).await;
    assert!(matches!(fate, Fate::Died), "{fate:?}");
    let other = import.file.body().to_string().replace("new", "wen");
    let objects = &stage.stack.background.objects;
    let put = objects.put(&object_key(&import.run), other.into()).await;
    put.expect("the bucket");
    let run = import.end_well().await;
    assert_refused(&import, &run, "replaced while it was read").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_over_which_every_processor_dies_end_the_run() {
    let times = Times {
        process_tries: 2,
        ..times()
    };
    let stage = Stage::with(3, times).await;
    let import = Import::begin(&stage, File::small("poison")).await;
    let letters = import.fetch().await;
    for _ in 0..2 {
        let (fate, _) = import
            .deliver(&letters[0], Faults::at(3, Fault::CrashBefore))
            .await;
        assert!(matches!(fate, Fate::Died), "{fate:?}");
    }
    let run = import.end_well().await;
    assert_refused(&import, &run, "could not be read to its end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_are_edited_in_mid_run_are_those_of_the_next_one() {
    let stage = Stage::start().await;
    let import = Import::begin(&stage, File::small("edited")).await;
    let letters = import.fetch().await;
    let dies = Faults::at(6, Fault::CrashAfter);
    drop(import.deliver(&letters[0], dies).await);
    let mut settings = import.task.settings.clone();
    settings.enabled = false;
    let other = settings
        .role_mapping
        .insert("user".to_owned(), "Other".to_owned());
    assert!(other.is_some());
    stage.put_task(0, settings, Some(import.task.version)).await;
    for letter in import.fetch().await {
        drop(
            import
                .deliver(&letter, Faults::at(14, Fault::CrashAfter))
                .await,
        );
    }
    import.end_complete().await;
}

/// An upload, completed under a fault; whether that was met.
async fn complete_under(stage: Arc<Stage>, faults: Faults) -> bool {
    let task = stage.task(0, |_| ()).await;
    let file = File::small(format!("c{}x", task.settings.id));
    import_now(&stage, &task, &file.before()).await;
    let (store, background) = (&stage.stack.store, &stage.stack.background);
    let body = file.body().to_string();
    let sent = announced_and_sent(store, background, &task, body.as_bytes(), false);
    let (run, _) = sent.await;

    let import = Import::of(&stage, &task, file, run, &UnderWay::default());
    let faults = import.meets(faults);
    let runner = faults.runner(&stage.runner());
    let (row, now) = (import.row().await, Timestamp::now());
    let complete = uploads::complete(&runner.store, &runner.background, row, &task, now);
    drop(faults.alive(complete).await);
    import.under_way.arrived().await;
    // Whoever was not told completes it again.
    let row = import.row().await;
    let again = uploads::complete(store, background, row, &task, Timestamp::now()).await;
    assert!(matches!(again, Ok(Completed::Began(_))), "{again:?}");
    import.end_complete().await;
    faults.were_met()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_around_any_request_that_completes_an_upload_leaves_all_of_it_or_nothing() {
    at_every_request(|stage, k| complete_under(stage, Faults::at_write(k, Fault::CrashBefore)))
        .await;
    at_every_request(|stage, k| complete_under(stage, Faults::at_write(k, Fault::CrashAfter)))
        .await;
    at_every_request(|stage, k| complete_under(stage, Faults::at(k, Fault::LostAnswer))).await;
}
