//! A schedule of requests, and the verification of its responses and of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use muster_aws::runs::idempotency::Answer;
use muster_aws::runs::{Run, RunFilter, RunId};
use muster_aws::{Store, StoreError};
use muster_core::run::Status;
use muster_import::{Deadline, IdempotencyKey, ImportRequest, ImportResult, RunOutcome, Times};
use muster_tests::faults::{ConcurrentAction, Faults};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::request::{Body, Event, KEYS, Kind, Request};

/// Number of users in a body.
const USERS: usize = 3;

/// Body, run and response of the first request that a client got a response to, by key.
type FirstResponses = BTreeMap<usize, (Body, RunId, Answer)>;

/// Generates the schedule with this number.
pub fn generate(number: u64, store: Store) -> (Arc<Schedule>, Vec<Event>) {
    let mut rng = SmallRng::seed_from_u64(number);
    let kinds = [0; KEYS].map(|_| match rng.random_range(0..20) {
        0 => Kind::LargeResponse,
        1..5 => Kind::Broken,
        _ => Kind::Users,
    });
    let events = (0..rng.random_range(3..9))
        .map(|_| {
            if rng.random_bool(0.07) {
                Event::Sweep
            } else {
                Event::Request(Request::random(&mut rng, true))
            }
        })
        .collect();
    let schedule = Schedule {
        number,
        store,
        kinds,
        first_responses: Mutex::default(),
    };
    (Arc::new(schedule), events)
}

/// The response to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Response {
    Finished {
        run: RunId,
        answer: Answer,
        replayed: bool,
    },
    KeyReused,
    KeyRunning,
    TaskBusy,
    /// 500
    Failed,
    /// None: the function crashed.
    Lost,
}

impl Response {
    fn of(imported: Result<ImportResult, StoreError>) -> Self {
        let finished = |run, answer, replayed| Self::Finished {
            run,
            answer,
            replayed,
        };
        match imported {
            Err(_) => Self::Failed,
            Ok(ImportResult::Busy { .. }) => Self::TaskBusy,
            Ok(ImportResult::KeyReused) => Self::KeyReused,
            Ok(ImportResult::KeyRunning { .. }) => Self::KeyRunning,
            Ok(ImportResult::Replayed {
                run,
                response: answer,
            }) => finished(run, answer, true),
            Ok(ImportResult::Background {
                run,
                response: answer,
            }) => finished(run, answer, false),
            Ok(ImportResult::Ended { run, outcome }) => match outcome {
                RunOutcome::Imported {
                    response: answer, ..
                }
                | RunOutcome::Refused { response: answer } => finished(run, answer, false),
                RunOutcome::Failed { .. } => Self::Failed,
            },
        }
    }
}

/// A running schedule.
pub struct Schedule {
    number: u64,
    store: Store,
    pub kinds: [Kind; KEYS],
    /// The first response to a client under each key.
    first_responses: Mutex<FirstResponses>,
}

impl Schedule {
    fn lock_first_responses(&self) -> MutexGuard<'_, FirstResponses> {
        self.first_responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn login(&self, key: usize, body: Body, user: usize) -> String {
        let body = if body == Body::Own { "own" } else { "other" };
        format!("u{user}.{key}.{body}.s{}", self.number)
    }

    fn tenant(&self) -> String {
        format!("tenant{}", self.number)
    }

    fn request(&self, request: &Request) -> ImportRequest {
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
        if kind == Kind::LargeResponse {
            records.extend(vec![json!({}); 1_700]);
        }
        let mut body = Value::from(records).to_string();
        if kind == Kind::Broken {
            body.push_str(if request.body == Body::Own { "]" } else { "}" });
        }
        ImportRequest {
            tenant: self.tenant(),
            robot: "robot".to_owned(),
            task: serde_json::from_value(settings).expect("settings"),
            settings_version: 1,
            body: body.into(),
            debug: true,
            dry_run: false,
            override_threshold: false,
            key: Some(IdempotencyKey {
                text: format!("key {}", request.key),
                path: format!("/v1/import/user-data/{task}"),
                query: "debug".to_owned(),
            }),
        }
    }

    /// Sends a request and verifies its response.
    fn send(self: Arc<Self>, request: Request) -> ConcurrentAction {
        Box::pin(async move {
            let interruption = request.interruption.clone();
            let interruption = interruption.map(|(at, other)| (at, Arc::clone(&self).send(*other)));
            let faulty = request.clone();
            let faults = Faults::new(move |sent| faulty.fault(sent)).before_request(interruption);
            let faults = Arc::new(faults);
            // The lock of a crashed run expires at once, as if time had passed before the next
            // request. The crashed call goes on without a caller and must end soon.
            let (lock_seconds, work_seconds) = match request.crash {
                Some(_) => (0, 5),
                None => (600, 300),
            };
            let times = Times {
                sync_hold: Duration::from_secs(lock_seconds),
                stop_after: Duration::from_secs(work_seconds),
                give_up_after: Duration::from_secs(work_seconds),
                ..Times::default()
            };
            let store = faults.store(&self.store);
            let sent = self.request(&request);
            let (background, deadline) = (
                muster_tests::unreachable_background().await,
                Deadline::start(times),
            );
            let imported = muster_import::import(&store, &background, deadline, sent);
            let imported = faults.run_until_crash(imported).await;
            let response = imported.map_or(Response::Lost, Response::of);
            self.compare(&request, response);
        })
    }

    /// Asserts that a response under a key equals the first one under it, and that a request
    /// without faults gets no other response.
    fn compare(&self, request: &Request, response: Response) {
        let number = self.number;
        let mut first_responses = self.lock_first_responses();
        match (first_responses.get(&request.key), response) {
            (None, Response::Finished { run, answer, .. }) => {
                first_responses.insert(request.key, (request.body, run, answer));
            }
            (
                Some(first),
                Response::Finished {
                    run,
                    answer,
                    replayed,
                },
            ) => {
                assert!(replayed, "schedule {number}: executed again: {request:?}");
                let repeated = (request.body, run, answer);
                assert!(
                    *first == repeated,
                    "schedule {number}: another response: {request:?}"
                );
            }
            (Some((body, ..)), response) if request.is_without_faults() => {
                assert!(
                    *body != request.body && response == Response::KeyReused,
                    "schedule {number}: {response:?} instead of the first response: {request:?}"
                );
            }
            (_, _) => {}
        }
    }

    /// Sends the requests, then each body of each key without faults, and verifies everything.
    pub async fn run(self: Arc<Self>, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Request(request) => Arc::clone(&self).send(request).await,
                Event::Sweep => {
                    let swept = self
                        .store
                        .task_locks()
                        .end_expired(Timestamp::now(), Duration::ZERO);
                    swept.await.expect("the store");
                }
            }
        }
        // The rows of a crashed run under a key do not affect a request with the same body; they
        // refuse the other body until they are swept.
        for key in 0..KEYS {
            for body in [Body::Own, Body::Other] {
                Arc::clone(&self)
                    .send(Request::without_faults(key, body))
                    .await;
            }
        }
        self.verify().await;
    }

    /// Asserts the state after all requests.
    async fn verify(&self) {
        let number = self.number;
        let first_responses = self.lock_first_responses().clone();
        assert_eq!(
            first_responses.len(),
            KEYS,
            "schedule {number}: a key without a response"
        );
        let tenant = self.tenant();
        let (all, now) = (RunFilter::default(), Timestamp::now());
        let page = self
            .store
            .runs()
            .list(&tenant, &all, None, 1_000, now)
            .await;
        let runs = page.expect("the store").runs.into_iter();
        let runs: Vec<Run> = runs.map(|listed| listed.run).collect();
        let completed: Vec<RunId> = runs
            .iter()
            .filter(|run| was_completed(run))
            .map(|run| run.id)
            .collect();
        let expected: BTreeSet<RunId> = first_responses.values().map(|(_, run, _)| *run).collect();
        assert_eq!(
            completed.iter().copied().collect::<BTreeSet<_>>(),
            expected,
            "schedule {number}: a run without a response took effect"
        );
        assert_eq!(completed.len(), KEYS, "schedule {number}");
        for run in &runs {
            assert!(run.state.is_terminal(), "schedule {number}: {run:?}");
        }
        for (key, (body, ..)) in &first_responses {
            self.verify_users(*key, *body).await;
        }
    }

    /// Asserts that the users of the accepted body are stored, and that no user was written twice.
    async fn verify_users(&self, key: usize, accepted: Body) {
        let number = self.number;
        for body in [Body::Own, Body::Other] {
            let logins: Vec<String> = (0..USERS).map(|user| self.login(key, body, user)).collect();
            let users = self
                .store
                .directory()
                .users(logins.iter().map(String::as_str));
            let users = users.await.expect("the store");
            let versions: Vec<u64> = users.values().map(|stored| stored.version).collect();
            assert!(
                versions.iter().all(|version| *version == 1),
                "schedule {number}: key {key} was written more than once: {versions:?}"
            );
            if body == accepted && self.kinds[key] != Kind::Broken {
                assert_eq!(
                    versions.len(),
                    USERS,
                    "schedule {number}: users of key {key}"
                );
            }
        }
    }
}

/// Returns true if a run ended with a response, rather than being abandoned or interrupted.
fn was_completed(run: &Run) -> bool {
    match run.status {
        Some(Status::Success | Status::PartialSuccess) => true,
        Some(Status::Failure) => run.errors.iter().any(|error| error.contains("JSON array")),
        None => false,
    }
}
