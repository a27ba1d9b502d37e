//! Others at the users of a run whose writer has died: what they wrote behind the run's own writes
//! stays, and the run counts what it did.

use std::sync::Arc;

use jiff::Timestamp;
use muster_aws::directory::Writer;
use muster_core::attribute::Attribute;
use muster_core::login::Login;
use muster_core::single::Request;
use muster_core::validate::Changes;
use muster_core::value::{Assignment, Value};
use muster_import::{Directory, Whom, Written};
use muster_tests::faults::{BATCH, Fault, Faults};

use crate::file::{File, Kind};
use crate::import::{Import, import_now};
use crate::judge::Others;
use crate::stage::Stage;

impl Stage {
    /// The id, the version and the name of the user under a login; `None`: there is none.
    pub async fn user(&self, login: &str) -> Option<(u64, u64, String)> {
        let users = self.stack.store.users([login]).await.expect("the store");
        let user = users.get(login)?.user.as_ref()?;
        match user.values.get(&Attribute::Name) {
            Some(Value::Text(name)) => Some((user.id, user.version, name.to_string())),
            other => panic!("{login} has no name: {other:?}"),
        }
    }

    /// Changes one user of a tenant; `None`: somebody else's requests were in the way.
    pub async fn change(&self, tenant: usize, id: u64, request: Request) -> Option<Written> {
        let writer = Writer::Operator("someone".to_owned());
        let tenant = self.tenant(tenant);
        let directory = Directory::new(&self.stack.store, tenant, writer, Timestamp::now());
        directory
            .write(Whom::Id(id), request, |_| Vec::new())
            .await
            .ok()
    }
}

/// Another name.
pub fn named(name: &str) -> Request {
    let value = Value::Text(name.to_owned().into());
    Request {
        changes: Changes {
            assignments: vec![(Attribute::Name, Assignment::Set(value))],
            ..Changes::default()
        },
        ..Request::default()
    }
}

/// Another login.
pub fn renamed(login: &str) -> Request {
    Request {
        login: Some(Login::parse(login).expect("a login").into_owned()),
        ..Request::default()
    }
}

/// Where the writer of the only user dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dies {
    BeforeTheWrite,
    AfterTheWrite,
}

/// A run of one user whose writer died around its write.
async fn died(stage: &Arc<Stage>, tag: &str, kind: Kind, dies: Dies) -> Import {
    let import = Import::begin(
        stage,
        File::of(format!("{tag}{dies:?}x").to_lowercase(), &[kind]),
    )
    .await;
    let letters = import.checked().await;
    // The first batch for a new user is the claim on the external id.
    let mut before = usize::from(kind == Kind::New);
    let faults = Faults::new(move |asked| match (asked.operation, dies) {
        (BATCH, _) if before > 0 => {
            before -= 1;
            Fault::Passes
        }
        (BATCH, Dies::BeforeTheWrite) => Fault::CrashBefore,
        (BATCH, Dies::AfterTheWrite) => Fault::CrashAfter,
        _ => Fault::Passes,
    });
    drop(import.deliver(&letters[0], faults).await);
    import
}

/// The run ends, and says so many created and updated.
async fn ends_with(import: &Import, created: u64, updated: u64) {
    let run = import.end_calmly().await;
    import.judge(&run, Others::Some).await;
    let counts = run.counts.expect("figures");
    assert_eq!(
        [counts.created, counts.updated],
        [created, updated],
        "{run:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_one_user_behind_a_dead_writer_s_write_stays() {
    let stage = Stage::start().await;
    for (dies, name) in [(Dies::AfterTheWrite, "put"), (Dies::BeforeTheWrite, "new")] {
        let import = died(&stage, "put", Kind::Stale, dies).await;
        let login = import.file.login(0);
        let (id, ..) = stage.user(&login).await.expect("the user");
        stage.change(0, id, named("put")).await.expect("the store");
        ends_with(&import, 0, 1).await;
        let (_, version, stored) = stage.user(&login).await.expect("the user");
        assert_eq!((version, stored.as_str()), (3, name), "{dies:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_import_behind_a_dead_writer_s_write_stays() {
    let stage = Stage::start().await;
    let other = stage.task(0, |_| ()).await;
    for (dies, name) in [
        (Dies::AfterTheWrite, "other"),
        (Dies::BeforeTheWrite, "new"),
    ] {
        let import = died(&stage, "other", Kind::Stale, dies).await;
        let mut body = import.file.body();
        body[0]["n"] = "other".into();
        assert_eq!(import_now(&stage, &other, &body).await.updated, 1);
        ends_with(&import, 0, 1).await;
        let (_, version, stored) = stage.user(&import.file.login(0)).await.expect("the user");
        assert_eq!((version, stored.as_str()), (3, name), "{dies:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_was_renamed_behind_a_dead_writer_s_write_is_not_made_again() {
    let stage = Stage::start().await;
    let import = died(&stage, "away", Kind::Stale, Dies::AfterTheWrite).await;
    let (login, new) = (import.file.login(0), "moved.away".to_owned());
    let (id, ..) = stage.user(&login).await.expect("the user");
    stage.change(0, id, renamed(&new)).await.expect("the store");
    ends_with(&import, 0, 1).await;
    assert_eq!(stage.user(&login).await, None);
    let (moved, _, name) = stage.user(&new).await.expect("the user");
    assert_eq!((moved, name.as_str()), (id, "new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_was_renamed_before_a_dead_writer_s_write_leaves_the_login_to_a_new_one() {
    let stage = Stage::start().await;
    let import = died(&stage, "left", Kind::Stale, Dies::BeforeTheWrite).await;
    let (login, new) = (import.file.login(0), "moved.before".to_owned());
    let (id, ..) = stage.user(&login).await.expect("the user");
    stage.change(0, id, renamed(&new)).await.expect("the store");
    ends_with(&import, 1, 0).await;
    let (made, ..) = stage.user(&login).await.expect("the user");
    assert_ne!(made, id);
    let (_, _, name) = stage.user(&new).await.expect("the user");
    assert_eq!(name, "old", "who moved is not written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_was_renamed_away_and_back_is_written_once() {
    let stage = Stage::start().await;
    for (dies, kind) in [
        (Dies::AfterTheWrite, Kind::Stale),
        (Dies::AfterTheWrite, Kind::New),
        (Dies::BeforeTheWrite, Kind::Stale),
    ] {
        let tag = format!("back{kind:?}").to_lowercase();
        let import = died(&stage, &tag, kind, dies).await;
        let login = import.file.login(0);
        let (id, ..) = stage.user(&login).await.expect("the user");
        stage
            .change(0, id, renamed("for.a.while"))
            .await
            .expect("the store");
        stage
            .change(0, id, renamed(&login))
            .await
            .expect("the store");
        stage.change(0, id, named("back")).await.expect("the store");
        let created = u64::from(kind == Kind::New);
        ends_with(&import, created, 1 - created).await;
        let (still, _, name) = stage.user(&login).await.expect("the user");
        let name_then = if dies == Dies::AfterTheWrite {
            "back"
        } else {
            "new"
        };
        assert_eq!((still, name.as_str()), (id, name_then), "{dies:?}");
    }
}

/// Two runs on the same new logins, whose writers die in turns.
async fn both(stage: &Arc<Stage>, tenants: [usize; 2], tag: &str) -> [muster_core::run::Counts; 2] {
    let file = File::of(tag, &[Kind::New; 6]);
    let mut imports = Vec::new();
    for tenant in tenants {
        let task = stage.task(tenant, |_| ()).await;
        imports.push(Import::begin_by(stage, &task, file.clone()).await);
    }
    let letters = [imports[0].checked().await, imports[1].checked().await];
    for number in [9, 11, 13, 15] {
        let (one, two) = (&letters[0][number % 2], &letters[1][(number + 1) % 2]);
        tokio::join!(
            imports[0].deliver(one, Faults::at(number, Fault::CrashAfter)),
            imports[1].deliver(two, Faults::at(number + 1, Fault::CrashBefore)),
        );
    }
    let runs = tokio::join!(imports[0].end_calmly(), imports[1].end_calmly());
    imports[0].judge(&runs.0, Others::Some).await;
    imports[1].judge(&runs.1, Others::Some).await;
    [runs.0, runs.1].map(|run| run.counts.expect("figures"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tenants_on_one_login_one_gets_it() {
    let stage = Stage::start().await;
    let [one, two] = both(&stage, [0, 1], "tenants").await;
    assert_eq!(one.created + two.created, 6);
    assert_eq!(
        [one.created + one.ignored, two.created + two.ignored],
        [6, 6]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tasks_on_one_login_one_creates_it() {
    let stage = Stage::start().await;
    let [one, two] = both(&stage, [0, 0], "tasks").await;
    assert_eq!(one.created + two.created, 6);
    assert_eq!(
        [one.created + one.unchanged, two.created + two.unchanged],
        [6, 6]
    );
}
