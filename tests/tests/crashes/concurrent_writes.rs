//! Others write the users of a run whose writer has crashed: what they wrote after the run's own
//! writes is kept, and the run counts its own writes.

use std::sync::Arc;

use jiff::Timestamp;
use muster_aws::directory::Writer;
use muster_aws::tasks::Task;
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::settings::{ExternalIdConflicts, TaskSettings};
use muster_core::user_request::UserRequest;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Directory, UserSelector, WriteOutcome};
use muster_tests::faults::{BATCH_EXECUTE_STATEMENT, Fault, Faults};

use crate::harness::{Harness, times_without_chunk_deadline};
use crate::import::{DeliveryOutcome, Import, import_synchronously};
use crate::import_file::{ImportFile, RecordKind};
use crate::verifier::ConcurrentWrites;

/// A stored user.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredUser {
    pub id: u64,
    pub version: u64,
    pub name: String,
}

impl Harness {
    /// Returns the user with a login; `None` if there is none.
    pub async fn user(&self, login: &str) -> Option<StoredUser> {
        let users = self.stack.store.directory().users([login]).await;
        let users = users.expect("reading a user");
        let user = users.get(login)?.user.as_ref()?;
        match user.values.get(&Attribute::Name) {
            Some(Value::Text(name)) => Some(StoredUser {
                id: user.id,
                version: user.version,
                name: name.to_string(),
            }),
            other => panic!("{login} has no name: {other:?}"),
        }
    }

    /// Returns the user with a login, which must exist.
    pub async fn existing_user(&self, login: &str) -> StoredUser {
        let user = self.user(login).await;
        user.unwrap_or_else(|| panic!("there is no user with the login {login}"))
    }

    /// Changes a user of a tenant; `None` if other writes got in the way.
    pub async fn change_user(
        &self,
        tenant: usize,
        id: u64,
        request: UserRequest,
    ) -> Option<WriteOutcome> {
        let writer = Writer::Operator("someone".to_owned());
        let tenant = self.tenant(tenant);
        let directory = Directory::new(&self.stack.store, tenant, writer, Timestamp::now());
        directory
            .write(UserSelector::Id(id), request, |_| Vec::new())
            .await
            .ok()
    }

    /// Changes a user of the first tenant, which must succeed.
    async fn must_change_user(&self, id: u64, request: UserRequest) {
        let written = self.change_user(0, id, request).await;
        assert!(written.is_some(), "user {id} was not changed");
    }
}

/// Returns a request that changes the display name.
pub fn set_name(name: &str) -> UserRequest {
    let value = Value::Text(name.to_owned().into());
    UserRequest {
        changes: Changes {
            assignments: vec![(Attribute::Name, Assignment::Set(value))],
            ..Changes::default()
        },
        ..UserRequest::default()
    }
}

/// Returns a request that changes the login.
pub fn set_login(login: &str) -> UserRequest {
    UserRequest {
        login: Some(Login::parse(login).expect("a valid login").into_owned()),
        ..UserRequest::default()
    }
}

/// The point at which the writer of the only user crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CrashPoint {
    BeforeTheWrite,
    AfterTheWrite,
}

/// Begins a run of one user whose writer crashes around its write.
async fn begin_and_crash(
    harness: &Arc<Harness>,
    tag: &str,
    kind: RecordKind,
    crash: CrashPoint,
) -> Import {
    let task = harness.create_task(0, |_| ()).await;
    begin_task_and_crash(harness, &task, tag, kind, crash).await
}

async fn begin_task_and_crash(
    harness: &Arc<Harness>,
    task: &Task,
    tag: &str,
    kind: RecordKind,
    crash: CrashPoint,
) -> Import {
    let tag = format!("{tag}{crash:?}x").to_lowercase();
    let import = Import::begin_for_task(harness, task, ImportFile::new(tag, &[kind])).await;
    let messages = import.run_processor().await;
    // The first batch for a new user is the claim on the external id.
    let mut batches_before = usize::from(kind == RecordKind::New);
    let faults = Faults::new(move |request| match (request.operation, crash) {
        (BATCH_EXECUTE_STATEMENT, _) if batches_before > 0 => {
            batches_before -= 1;
            Fault::None
        }
        (BATCH_EXECUTE_STATEMENT, CrashPoint::BeforeTheWrite) => Fault::CrashBefore,
        (BATCH_EXECUTE_STATEMENT, CrashPoint::AfterTheWrite) => Fault::CrashAfter,
        _ => Fault::None,
    });
    // A retry would count as a batch.
    let faults = faults.without_timeouts();
    let (outcome, _) = import.deliver(&messages[0], faults).await;
    assert!(matches!(outcome, DeliveryOutcome::Crashed), "{outcome:?}");
    import.expire_chunk_lease(0).await;
    import
}

/// Finishes the run and asserts its counts.
async fn assert_finishes_with(import: &Import, created: u64, updated: u64) {
    let run = import.finish_without_faults().await;
    import.verify(&run, ConcurrentWrites::Some).await;
    let counts = run.counts.expect("the run has counts");
    assert_eq!(
        [counts.created, counts.updated],
        [created, updated],
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_to_a_user_after_the_write_of_a_crashed_writer_is_kept() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    for (crash, name) in [
        (CrashPoint::AfterTheWrite, "put"),
        (CrashPoint::BeforeTheWrite, "new"),
    ] {
        let import = begin_and_crash(&harness, "put", RecordKind::Stale, crash).await;
        let login = import.file.login(0);
        let id = harness.existing_user(&login).await.id;
        harness.must_change_user(id, set_name("put")).await;
        assert_finishes_with(&import, 0, 1).await;
        let user = harness.existing_user(&login).await;
        assert_eq!((user.version, user.name.as_str()), (3, name), "{crash:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_import_after_the_write_of_a_crashed_writer_is_kept() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let other = harness.create_task(0, |_| ()).await;
    for (crash, name) in [
        (CrashPoint::AfterTheWrite, "other"),
        (CrashPoint::BeforeTheWrite, "new"),
    ] {
        let import = begin_and_crash(&harness, "other", RecordKind::Stale, crash).await;
        let mut body = import.file.body();
        body[0]["n"] = "other".into();
        let counts = import_synchronously(&harness, &other, &body).await;
        assert_eq!(counts.updated, 1);
        assert_finishes_with(&import, 0, 1).await;
        let user = harness.existing_user(&import.file.login(0)).await;
        assert_eq!((user.version, user.name.as_str()), (3, name), "{crash:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_renamed_after_the_write_of_a_crashed_writer_is_not_created_again() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let crash = CrashPoint::AfterTheWrite;
    let import = begin_and_crash(&harness, "away", RecordKind::Stale, crash).await;
    let (login, new) = (import.file.login(0), "moved.away".to_owned());
    let id = harness.existing_user(&login).await.id;
    harness.must_change_user(id, set_login(&new)).await;
    assert_finishes_with(&import, 0, 1).await;
    assert_eq!(harness.user(&login).await, None);
    let moved = harness.existing_user(&new).await;
    assert_eq!((moved.id, moved.name.as_str()), (id, "new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_of_a_user_renamed_before_the_write_of_a_crashed_writer_goes_to_a_new_user() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let apply = |task: &mut TaskSettings| {
        task.external_id_conflicts = Some(ExternalIdConflicts::Apply);
    };
    let task = harness.create_task(0, apply).await;
    let (kind, crash) = (RecordKind::Stale, CrashPoint::BeforeTheWrite);
    let import = begin_task_and_crash(&harness, &task, "left", kind, crash).await;
    let (login, new) = (import.file.login(0), "moved.before".to_owned());
    let id = harness.existing_user(&login).await.id;
    harness.must_change_user(id, set_login(&new)).await;
    assert_finishes_with(&import, 1, 0).await;
    assert_ne!(harness.existing_user(&login).await.id, id);
    let moved = harness.existing_user(&new).await;
    assert_eq!(moved.name, "old", "the renamed user must not be written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_finds_the_external_id_with_the_renamed_user_ignores_the_record() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    let crash = CrashPoint::BeforeTheWrite;
    let import = begin_and_crash(&harness, "left", RecordKind::Stale, crash).await;
    let (login, new) = (import.file.login(0), "moved.before".to_owned());
    let id = harness.existing_user(&login).await.id;
    harness.must_change_user(id, set_login(&new)).await;
    let run = import.finish_without_faults().await;
    let counts = run.counts.expect("the run has counts");
    assert_eq!((counts.total, counts.ignored), (1, 1), "{run:?}");
    assert_eq!(run.item_counts["external_id.taken"], 1, "{run:?}");
    let moved = harness.existing_user(&new).await;
    assert_eq!(moved.name, "old", "the renamed user must not be written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_renamed_away_and_back_is_written_once() {
    let harness = Harness::start_with(3, times_without_chunk_deadline()).await;
    for (crash, kind) in [
        (CrashPoint::AfterTheWrite, RecordKind::Stale),
        (CrashPoint::AfterTheWrite, RecordKind::New),
        (CrashPoint::BeforeTheWrite, RecordKind::Stale),
    ] {
        let tag = format!("back{kind:?}").to_lowercase();
        let import = begin_and_crash(&harness, &tag, kind, crash).await;
        let login = import.file.login(0);
        let id = harness.existing_user(&login).await.id;
        for request in [
            set_login("for.a.while"),
            set_login(&login),
            set_name("back"),
        ] {
            harness.must_change_user(id, request).await;
        }
        let created = u64::from(kind == RecordKind::New);
        assert_finishes_with(&import, created, 1 - created).await;
        let user = harness.existing_user(&login).await;
        let name = match crash {
            CrashPoint::AfterTheWrite => "back",
            CrashPoint::BeforeTheWrite => "new",
        };
        assert_eq!((user.id, user.name.as_str()), (id, name), "{crash:?}");
    }
}

/// Imports the same new logins in two runs whose writers crash in turns. Returns their counts.
async fn import_twice(
    harness: &Arc<Harness>,
    tenants: [usize; 2],
    tag: &str,
) -> [muster_core::run::Counts; 2] {
    let file = ImportFile::new(tag, &[RecordKind::New; 6]);
    let mut imports = Vec::new();
    for tenant in tenants {
        let task = harness.create_task(tenant, |_| ()).await;
        imports.push(Import::begin_for_task(harness, &task, file.clone()).await);
    }
    let messages = [
        imports[0].run_processor().await,
        imports[1].run_processor().await,
    ];
    for number in [9, 11, 13, 15] {
        let first = &messages[0][number % 2];
        let second = &messages[1][(number + 1) % 2];
        tokio::join!(
            imports[0].deliver(first, Faults::at(number, Fault::CrashAfter)),
            imports[1].deliver(second, Faults::at(number + 1, Fault::CrashBefore)),
        );
    }
    let runs = tokio::join!(
        imports[0].finish_without_faults(),
        imports[1].finish_without_faults()
    );
    imports[0].verify(&runs.0, ConcurrentWrites::Some).await;
    imports[1].verify(&runs.1, ConcurrentWrites::Some).await;
    [runs.0, runs.1].map(|run| run.counts.expect("the run has counts"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_tenants_gets_a_login() {
    let harness = Harness::start().await;
    let [first, second] = import_twice(&harness, [0, 1], "tenants").await;
    assert_eq!(first.created + second.created, 6);
    assert_eq!(
        [
            first.created + first.ignored,
            second.created + second.ignored
        ],
        [6, 6]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_tasks_creates_a_login() {
    let harness = Harness::start().await;
    let [first, second] = import_twice(&harness, [0, 0], "tasks").await;
    assert_eq!(first.created + second.created, 6);
    assert_eq!(
        [
            first.created + first.unchanged,
            second.created + second.unchanged
        ],
        [6, 6]
    );
}
