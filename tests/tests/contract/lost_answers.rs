//! Exact counts though requests and answers get lost (PROTOCOL §6): two tasks import the same
//! users at once, through a proxy that loses requests before, and answers after, their effect,
//! and throttles statements. Every write must be counted by exactly one of them.
//!
//! `MUSTER_SCHEDULES=1000 cargo test -p muster-tests lost_answers` tries more schedules.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use muster_aws::{Config, Store};
use muster_core::run::Counts;
use muster_core::settings::TaskSettings;
use muster_import::{Deadline, Outcome, SyncImport, SyncRequest, Times};
use muster_local::{Stack, StackOptions};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

const USERS: usize = 60;

/// What happens to a request for a batch of statements.
enum Fault {
    None,
    LostBefore,
    LostAfter,
    Throttled,
}

struct Proxy {
    endpoint: String,
    http: reqwest::Client,
    dice: Mutex<SmallRng>,
}

impl Proxy {
    fn roll(&self) -> Fault {
        match self.dice.lock().expect("dice").random_range(0..10) {
            0 => Fault::LostBefore,
            1 | 2 => Fault::LostAfter,
            3 => Fault::Throttled,
            _ => Fault::None,
        }
    }

    async fn forward(&self, headers: HeaderMap, body: Bytes) -> Response {
        let answer = self
            .http
            .post(&self.endpoint)
            .headers(headers)
            .body(body)
            .send()
            .await
            .expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.bytes().await.expect("a body")).into_response()
    }
}

async fn pass(State(proxy): State<Arc<Proxy>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let fault = if target.ends_with("BatchExecuteStatement") {
        proxy.roll()
    } else {
        Fault::None
    };
    match fault {
        Fault::None => proxy.forward(headers, body).await,
        Fault::LostBefore => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::LostAfter => {
            proxy.forward(headers, body).await;
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Fault::Throttled => {
            let request: Value = serde_json::from_slice(&body).expect("a request");
            let count = request["Statements"].as_array().expect("statements").len();
            let error = json!({"Error": {"Code": "ThrottlingError", "Message": "slow down"}});
            let answer = json!({"Responses": vec![error; count]}).to_string();
            ([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
        }
    }
}

/// A store behind a proxy that rolls its dice from `seed`.
async fn unreliable(stack: &Stack, seed: u64) -> Store {
    let proxy = Arc::new(Proxy {
        endpoint: stack.dynamodb_endpoint.clone(),
        http: reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client"),
        dice: Mutex::new(SmallRng::seed_from_u64(seed)),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(pass).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Store::connect(&Config::local(
        format!("http://{address}"),
        stack.store.tables.clone(),
    ))
    .await
}

fn login(schedule: u64, user: usize) -> String {
    format!("user{user}.{schedule}")
}

fn request(schedule: u64, task: u64, name: &str) -> SyncRequest {
    let settings: TaskSettings = serde_json::from_value(json!({
        "id": task, "enabled": true, "permitted_robots": ["robot"],
        "attribute_mapping": {"username": "u", "name": "n", "role": "r", "email": "e", "external_id": "x"},
        "role_mapping": {"user": "User"},
    }))
    .expect("settings");
    let records: Vec<Value> = (0..USERS)
        .map(|user| {
            let login = login(schedule, user);
            json!({"u": login, "n": name, "r": "user", "e": "someone@example.com", "x": login})
        })
        .collect();
    SyncRequest {
        tenant: "acme".to_owned(),
        robot: "robot".to_owned(),
        task: settings,
        body: Value::from(records).to_string().into(),
        debug: false,
        dry_run: false,
        key: None,
    }
}

async fn import(store: &Store, request: SyncRequest) -> Counts {
    let deadline = Deadline::start(Times::default());
    let background = muster_tests::no_background().await;
    let imported = muster_import::import(store, &background, deadline, 1, request).await;
    match imported.expect("the store") {
        SyncImport::Ended {
            outcome: Outcome::Imported { counts, items, .. },
            ..
        } => {
            assert_eq!(items, [], "nothing is wrong with the records");
            counts
        }
        other => panic!("not imported: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_is_counted_once_though_answers_get_lost() {
    if muster_tests::points_elsewhere() {
        return;
    }
    let schedules =
        std::env::var("MUSTER_SCHEDULES").map_or(5, |count| count.parse().expect("a number"));
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    for schedule in 0..schedules {
        let (one, two) = (
            unreliable(&stack, schedule).await,
            unreliable(&stack, schedule + 1_000_000).await,
        );
        let (mut created, mut updated) = (0, 0);
        for round in 0..2 {
            let (ann, bob) = (format!("Ann {round}"), format!("Bob {round}"));
            let (ann, bob) = tokio::join!(
                import(&one, request(schedule, 1_000_001, &ann)),
                import(&two, request(schedule, 1_000_002, &bob)),
            );
            for counts in [ann, bob] {
                assert_eq!(
                    counts.created + counts.updated + counts.unchanged,
                    USERS as u64,
                    "schedule {schedule}"
                );
                created += counts.created;
                updated += counts.updated;
            }
        }
        let logins: Vec<String> = (0..USERS).map(|user| login(schedule, user)).collect();
        let users = stack
            .store
            .users(logins.iter().map(String::as_str))
            .await
            .expect("the store");
        assert_eq!(users.len(), USERS);
        // A user is created in version 1, and every update adds one.
        let versions: u64 = users.values().map(|stored| stored.version).sum();
        assert_eq!(created, USERS as u64, "schedule {schedule}: users created");
        assert_eq!(
            updated,
            versions - USERS as u64,
            "schedule {schedule}: updates"
        );
    }
    stack.stop().await.expect("the stack stops");
}
