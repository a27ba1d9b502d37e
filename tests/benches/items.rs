//! Figures of the execution log over HTTP, against a stack of its own in memory: pages of a run
//! with 1,000,000 items, from where nobody looks to where few items match.
//!
//! `cargo bench -p muster-tests --bench items`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a figure that cannot be taken should end the bench"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use muster_aws::runs::{Ending, NewRun, RunId};
use muster_core::item::{Item, Severity};
use muster_core::run::{State, Status};
use muster_local::{Stack, StackOptions};
use serde_json::{Value, json};

const ITEMS: u64 = 1_000_000;
/// One item in so many has the rare code: each is in a segment of its own.
const RARE: u64 = 10_000;
const LIMIT: u64 = 100;
const ROUNDS: usize = 101;

#[tokio::main]
async fn main() {
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    let run = write(&stack).await;
    let client = sign_in(&stack, run).await;
    println!("pages of {LIMIT} items of {ITEMS}, over HTTP on loopback, {ROUNDS} times each");
    println!(
        "{:<36} {:>6} {:>10} {:>10}",
        "page", "items", "median", "p99"
    );
    for (what, query, items) in [
        ("the first", String::new(), Some(LIMIT)),
        ("the last", format!("&after={}", ITEMS - LIMIT), Some(LIMIT)),
        ("first of a common code", "&code=email".into(), Some(LIMIT)),
        ("first of a code of 1 in 10,000", "&code=rare".into(), None),
        (
            "first of a code that never occurs",
            "&code=none".into(),
            Some(0),
        ),
        ("first of a login", "&login=USER.777777".into(), Some(1)),
        ("first of a record", "&record=777778".into(), Some(1)),
        (
            "first of a key and a severity",
            "&key=Role&severity=error".into(),
            Some(1),
        ),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let (took, page) = client.page(&query).await;
            found = page["items"].as_array().expect("a page").len() as u64;
            assert!(items.is_none_or(|items| items == found), "{what}: {found}");
            times.push(took);
        }
        let [median, p99] = [50, 99].map(|percent| percentile(&mut times, percent));
        println!("{what:<36} {found:>6} {median:>7.1} ms {p99:>7.1} ms");
    }
    stack.stop().await.expect("the stack stops");
}

/// Writes the items of a run of the first tenant.
async fn write(stack: &Stack) -> RunId {
    let tenant = stack.tenants.first().expect("a tenant");
    let now = Timestamp::now();
    let run = NewRun {
        id: RunId::generate(now),
        tenant: tenant.name.clone(),
        task: tenant.task_id,
        robot: tenant.robot.username.clone(),
        size: 100_000_000,
        dry_run: false,
        key: None,
    };
    let ending = Ending {
        state: State::Finished,
        status: Status::PartialSuccess,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: Vec::new(),
        answer: None,
    };
    let items: Vec<Item> = (0..ITEMS).map(item).collect();
    let started = Instant::now();
    let written = stack.store.write_items(&run.id, &items, now).await;
    written.expect("the items are written");
    let ended = stack.store.record_ended_run(&run, &ending, now).await;
    ended.expect("the run is written");
    let took = started.elapsed().as_secs_f64();
    println!("{ITEMS} items written in {took:.1} s");
    run.id
}

fn item(number: u64) -> Item {
    let once = number == ITEMS / 2;
    Item {
        record: Some(number + 1),
        login: Some(format!("user.{number}")),
        key: Some(if once { "Role" } else { "E-mail" }.to_owned()),
        code: if number % RARE == RARE - 1 {
            "rare"
        } else {
            "email.malformed"
        }
        .into(),
        severity: if once {
            Severity::Error
        } else {
            Severity::Warning
        },
        message: "\"user at example.com\" is not an e-mail address; expected name@example.com"
            .into(),
    }
}

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

async fn sign_in(stack: &Stack, run: RunId) -> Client {
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let operator = &stack.tenants.first().expect("a tenant").operator;
    let credentials = json!({"name": operator.username, "password": operator.password});
    let reply: Value = http
        .post(format!("{}/admin/v1/sessions", stack.url))
        .json(&credentials)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    Client {
        http,
        url: format!("{}/admin/v1/runs/{run}/items?limit={LIMIT}", stack.url),
        token: reply["token"].as_str().expect("a token").to_owned(),
    }
}

impl Client {
    async fn page(&self, query: &str) -> (Duration, Value) {
        let started = Instant::now();
        let reply = self
            .http
            .get(format!("{}{query}", self.url))
            .bearer_auth(&self.token)
            .send()
            .await
            .expect("an answer");
        let page = reply.json().await.expect("JSON");
        (started.elapsed(), page)
    }
}

/// In milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
