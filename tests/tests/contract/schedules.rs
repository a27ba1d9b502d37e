//! Random schedules of requests under idempotency keys (PROTOCOL §11): answers and requests get
//! lost, functions crash before or after any call, others come while one is under way. Whatever
//! happens, each key has one effect, every answer under it is the same to the byte, and in the end
//! no task is held.
//!
//! A schedule follows from its number, which a failure names. `MUSTER_SCHEDULES=10000` tries more,
//! `MUSTER_SCHEDULE=17` just that one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use muster_aws::keys::Answer;
use muster_aws::runs::{Run, RunFilter, RunId};
use muster_aws::{Store, StoreError};
use muster_core::run::Status;
use muster_import::{Deadline, IdempotencyKey, Outcome, SyncImport, SyncRequest, Times};
use muster_local::{Stack, StackOptions};
use muster_tests::faults::{Asked, Fault, Faults, Later};
use muster_tests::{Access, Numbered};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// A few seconds of schedules, unless told.
const SCHEDULES: Numbered = Numbered {
    one: "MUSTER_SCHEDULE",
    many: "MUSTER_SCHEDULES",
    short: 200,
    of_a_stack: 100,
    stacks: 8,
};
const KEYS: usize = 2;
const USERS: usize = 3;

/// Bodies of a key: its own, and another that comes under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Body {
    Own,
    Other,
}

/// What the bodies of a key are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Users,
    Broken,
    /// Its answer needs more than one row.
    Talkative,
}

#[derive(Debug, Clone)]
struct Request {
    key: usize,
    body: Body,
    crash: Option<usize>,
    lost_requests: BTreeSet<usize>,
    lost_answers: BTreeSet<usize>,
    meanwhile: Option<(usize, Box<Request>)>,
}

#[derive(Debug, Clone)]
enum Event {
    Request(Request),
    Sweep,
}

impl Request {
    /// One that nothing happens to.
    const fn calm(key: usize, body: Body) -> Self {
        Self {
            key,
            body,
            crash: None,
            lost_requests: BTreeSet::new(),
            lost_answers: BTreeSet::new(),
            meanwhile: None,
        }
    }

    fn random(dice: &mut SmallRng, may_meet_another: bool) -> Self {
        let body = if dice.random_bool(0.15) {
            Body::Other
        } else {
            Body::Own
        };
        let mut request = Self::calm(dice.random_range(0..KEYS), body);
        match dice.random_range(0..10) {
            0..4 => request.crash = Some(dice.random_range(0..20)),
            4..6 => request.lost_answers = (0..2).map(|_| dice.random_range(0..20)).collect(),
            6 => request.lost_requests = (0..2).map(|_| dice.random_range(0..20)).collect(),
            _ => {}
        }
        if may_meet_another && dice.random_bool(0.4) {
            let other = Self::random(dice, false);
            request.meanwhile = Some((dice.random_range(0..12), Box::new(other)));
        }
        request
    }

    fn meets(&self, asked: Asked<'_>) -> Fault {
        let number = asked.number;
        if self.crash == Some(number) {
            Fault::CrashBefore
        } else if self.lost_answers.contains(&number) {
            Fault::LostAnswer
        } else if self.lost_requests.contains(&number) {
            Fault::LostRequest
        } else {
            Fault::Passes
        }
    }

    fn is_calm(&self) -> bool {
        self.crash.is_none()
            && self.lost_requests.is_empty()
            && self.lost_answers.is_empty()
            && self.meanwhile.is_none()
    }
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Answer {
        run: RunId,
        answer: Answer,
        replayed: bool,
    },
    OtherBody,
    Running,
    Busy,
    /// 500
    Failed,
    /// The function died.
    Nothing,
}

impl Told {
    fn by(imported: Result<SyncImport, StoreError>) -> Self {
        let answered = |run, answer, replayed| Self::Answer {
            run,
            answer,
            replayed,
        };
        match imported {
            Err(_) => Self::Failed,
            Ok(SyncImport::Busy { .. }) => Self::Busy,
            Ok(SyncImport::KeyReused) => Self::OtherBody,
            Ok(SyncImport::KeyRunning { .. }) => Self::Running,
            Ok(SyncImport::Replayed { run, answer }) => answered(run, answer, true),
            Ok(SyncImport::Queued { run, answer }) => answered(run, answer, false),
            Ok(SyncImport::Ended { run, outcome }) => match outcome {
                Outcome::Imported { answer, .. } | Outcome::Refused { answer } => {
                    answered(run, answer, false)
                }
                Outcome::Failed { .. } => Self::Failed,
            },
        }
    }
}

/// One schedule under way.
struct Schedule {
    number: u64,
    store: Store,
    kinds: [Kind; KEYS],
    /// The first answer that a client got under each key.
    kept: Mutex<BTreeMap<usize, (Body, RunId, Answer)>>,
}

impl Schedule {
    fn login(&self, key: usize, body: Body, user: usize) -> String {
        let body = if body == Body::Own { "own" } else { "other" };
        format!("u{user}.{key}.{body}.s{}", self.number)
    }

    fn tenant(&self) -> String {
        format!("tenant{}", self.number)
    }

    fn request(&self, request: &Request) -> SyncRequest {
        let task = 1_000_000 + self.number;
        let settings = json!({
            "id": task, "enabled": true, "permitted_robots": ["robot"],
            "attribute_mapping": {"username": "u", "role": "r", "email": "e"},
            "role_mapping": {"user": "User"},
        });
        let mut records: Vec<Value> = (0..USERS)
            .map(|user| self.login(request.key, request.body, user))
            .map(|login| json!({"u": login, "r": "user", "e": "someone@example.com"}))
            .collect();
        let kind = self.kinds[request.key];
        if kind == Kind::Talkative {
            records.extend(vec![json!({}); 1_700]);
        }
        let mut body = Value::from(records).to_string();
        if kind == Kind::Broken {
            body.push_str(if request.body == Body::Own { "]" } else { "}" });
        }
        SyncRequest {
            tenant: self.tenant(),
            robot: "robot".to_owned(),
            task: serde_json::from_value(settings).expect("settings"),
            settings_version: 1,
            body: body.into(),
            debug: true,
            dry_run: false,
            key: Some(IdempotencyKey {
                text: format!("key {}", request.key),
                path: format!("/v1/import/user-data/{task}"),
                query: "debug".to_owned(),
            }),
        }
    }

    /// Sends a request and compares what it is told with what is known.
    fn send(self: Arc<Self>, request: Request) -> Later {
        Box::pin(async move {
            let other = request.meanwhile.clone();
            let other = other.map(|(at, other)| (at, Arc::clone(&self).send(*other)));
            let met = request.clone();
            let faults = Faults::new(move |asked| met.meets(asked)).meanwhile(other);
            let faults = Arc::new(faults);
            // What crashes is held no longer than this moment: time has passed when others come.
            // Its call that never ends must not go on for long, though nobody waits for it.
            let (hold, work) = match request.crash {
                Some(_) => (0, 5),
                None => (600, 300),
            };
            let times = Times {
                sync_hold: Duration::from_secs(hold),
                stop_after: Duration::from_secs(work),
                give_up_after: Duration::from_secs(work),
                ..Times::default()
            };
            let store = faults.store(&self.store);
            let sent = self.request(&request);
            let (background, deadline) =
                (muster_tests::no_background().await, Deadline::start(times));
            let imported = muster_import::import(&store, &background, deadline, sent);
            let told = faults.alive(imported).await.map_or(Told::Nothing, Told::by);
            self.compare(&request, told);
        })
    }

    /// Asserts that an answer under a key is the first one again, and that nothing else is told
    /// where there is one.
    fn compare(&self, request: &Request, told: Told) {
        let number = self.number;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (kept.get(&request.key), told) {
            (None, Told::Answer { run, answer, .. }) => {
                kept.insert(request.key, (request.body, run, answer));
            }
            (
                Some(first),
                Told::Answer {
                    run,
                    answer,
                    replayed,
                },
            ) => {
                assert!(replayed, "schedule {number}: begun again: {request:?}");
                let again = (request.body, run, answer);
                assert!(
                    *first == again,
                    "schedule {number}: another answer: {request:?}"
                );
            }
            (Some((body, ..)), told) if request.is_calm() => {
                assert!(
                    *body != request.body && told == Told::OtherBody,
                    "schedule {number}: {told:?} instead of what is kept: {request:?}"
                );
            }
            (_, _) => {}
        }
    }

    async fn run(self: Arc<Self>, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Request(request) => Arc::clone(&self).send(request).await,
                Event::Sweep => {
                    let swept = self.store.end_expired(Timestamp::now(), Duration::ZERO);
                    swept.await.expect("the store");
                }
            }
        }
        // What a dead run has left under a key does not matter to its own body; to the other one it
        // does until it is swept.
        for key in 0..KEYS {
            for body in [Body::Own, Body::Other] {
                Arc::clone(&self).send(Request::calm(key, body)).await;
            }
        }
        self.judge().await;
    }

    /// Asserts what must be true in the end.
    async fn judge(&self) {
        let number = self.number;
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        assert_eq!(
            kept.len(),
            KEYS,
            "schedule {number}: a key without an answer"
        );
        let tenant = self.tenant();
        let (all, now) = (RunFilter::default(), Timestamp::now());
        let page = self.store.list_runs(&tenant, &all, None, 1_000, now).await;
        let runs = page.expect("the store").runs.into_iter();
        let runs: Vec<Run> = runs.map(|listed| listed.run).collect();
        let answered: Vec<RunId> = runs
            .iter()
            .filter(|run| was_answered(run))
            .map(|run| run.id)
            .collect();
        let expected: BTreeSet<RunId> = kept.values().map(|(_, run, _)| *run).collect();
        assert_eq!(
            answered.iter().copied().collect::<BTreeSet<_>>(),
            expected,
            "schedule {number}: other runs than those that answered took effect"
        );
        assert_eq!(answered.len(), KEYS, "schedule {number}");
        for run in &runs {
            assert!(run.state.is_terminal(), "schedule {number}: {run:?}");
        }
        for (key, (body, ..)) in &kept {
            self.judge_users(*key, *body).await;
        }
    }

    /// Asserts that the users of an answered body are there, and no user was written twice.
    async fn judge_users(&self, key: usize, answered: Body) {
        let number = self.number;
        for body in [Body::Own, Body::Other] {
            let logins: Vec<String> = (0..USERS).map(|user| self.login(key, body, user)).collect();
            let users = self.store.users(logins.iter().map(String::as_str));
            let users = users.await.expect("the store");
            let versions: Vec<u64> = users.values().map(|stored| stored.version).collect();
            assert!(
                versions.iter().all(|version| *version == 1),
                "schedule {number}: key {key} was written more than once: {versions:?}"
            );
            if body == answered && self.kinds[key] != Kind::Broken {
                assert_eq!(
                    versions.len(),
                    USERS,
                    "schedule {number}: users of key {key}"
                );
            }
        }
    }
}

/// Whether a run ended as a client is told, not as one that gave up or was interrupted.
fn was_answered(run: &Run) -> bool {
    match run.status {
        Some(Status::Success | Status::PartialSuccess) => true,
        Some(Status::Failure) => run.errors.iter().any(|error| error.contains("JSON array")),
        None => false,
    }
}

/// The schedule of this number.
fn schedule(number: u64, store: Store) -> (Arc<Schedule>, Vec<Event>) {
    let mut dice = SmallRng::seed_from_u64(number);
    let kinds = [0; KEYS].map(|_| match dice.random_range(0..20) {
        0 => Kind::Talkative,
        1..5 => Kind::Broken,
        _ => Kind::Users,
    });
    let events = (0..dice.random_range(3..9))
        .map(|_| {
            if dice.random_bool(0.07) {
                Event::Sweep
            } else {
                Event::Request(Request::random(&mut dice, true))
            }
        })
        .collect();
    let schedule = Schedule {
        number,
        store,
        kinds,
        kept: Mutex::default(),
    };
    (Arc::new(schedule), events)
}

/// Runs schedules one after the other on a stack of their own.
async fn on_a_stack(numbers: Vec<u64>) {
    let stack = Stack::start(StackOptions::default());
    let stack = stack.await.expect("the stack starts");
    for number in numbers {
        let (schedule, events) = schedule(number, stack.store.clone());
        let story = format!("schedule {number}: {:?} {events:#?}", schedule.kinds);
        if tokio::spawn(schedule.run(events)).await.is_err() {
            panic!("MUSTER_SCHEDULE={number} runs it alone:\n{story}");
        }
    }
    // Long after: whatever was still held would be ended now.
    let later = Timestamp::now() + 1.hour();
    let held = stack.store.end_expired(later, Duration::ZERO);
    assert_eq!(held.await.expect("the store"), [], "held in the end");
    let rows = Access::new(stack.store.clone()).held_rows().await;
    assert!(rows.is_empty(), "held in the end: {rows:?}");
    stack.stop().await.expect("the stack stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_key_has_one_effect_and_one_answer_whatever_happens() {
    if muster_tests::points_elsewhere() {
        return;
    }
    SCHEDULES.spread(on_a_stack).await;
}
