//! Measures the execution log over HTTP, on an in-memory stack of its own: pages of a run with
//! 1,000,000 items, without filters and with filters that few items match.
//!
//! `cargo bench -p muster-tests --bench items`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot measure should end"
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
/// One item in 10,000 has the rare code, and each of these is in a segment of its own.
const RARE_INTERVAL: u64 = 10_000;
const PAGE_ITEMS: u64 = 100;
const ROUNDS: usize = 101;

#[tokio::main]
async fn main() {
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    let run = write(&stack).await;
    let client = sign_in(&stack, run).await;
    println!("pages of {PAGE_ITEMS} items of {ITEMS}, over HTTP on loopback, {ROUNDS} times each");
    println!(
        "{:<36} {:>6} {:>10} {:>10}",
        "page", "items", "median", "p99"
    );
    for (what, query, items) in [
        ("the first", String::new(), Some(PAGE_ITEMS)),
        (
            "the last",
            format!("&after={}", ITEMS - PAGE_ITEMS),
            Some(PAGE_ITEMS),
        ),
        (
            "first of a common code",
            "&code=email".into(),
            Some(PAGE_ITEMS),
        ),
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

/// Writes a run of the first tenant with all items, and returns its id.
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
        threshold_overridden: false,
        key: None,
    };
    let ending = Ending {
        state: State::Finished,
        status: Status::PartialSuccess,
        counts: None,
        item_counts: BTreeMap::new(),
        errors: Vec::new(),
        answer: None,
        unanswered: false,
        undo: None,
    };
    let items: Vec<Item> = (0..ITEMS).map(item).collect();
    let started = Instant::now();
    let written = stack.store.items().write(&run.id, &items, now).await;
    written.expect("writing the items");
    let ended = stack.store.runs().record_ended(&run, &ending, now).await;
    ended.expect("writing the run");
    let took = started.elapsed().as_secs_f64();
    println!("{ITEMS} items written in {took:.1} s");
    run.id
}

fn item(number: u64) -> Item {
    let is_middle = number == ITEMS / 2;
    Item {
        record: Some(number + 1),
        login: Some(format!("user.{number}")),
        key: Some(if is_middle { "Role" } else { "E-mail" }.to_owned()),
        code: if number % RARE_INTERVAL == RARE_INTERVAL - 1 {
            "rare"
        } else {
            "email.malformed"
        }
        .into(),
        severity: if is_middle {
            Severity::Error
        } else {
            Severity::Warning
        },
        message: "\"user at example.com\" is not an e-mail address; expected name@example.com"
            .into(),
        value: None,
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
        .expect("an HTTP client");
    let operator = &stack.tenants.first().expect("a tenant").operator;
    let credentials = json!({"name": operator.username, "password": operator.password});
    let reply: Value = http
        .post(format!("{}/admin/v1/sessions", stack.url))
        .json(&credentials)
        .send()
        .await
        .expect("a response")
        .json()
        .await
        .expect("JSON");
    Client {
        http,
        url: format!("{}/admin/v1/runs/{run}/items?limit={PAGE_ITEMS}", stack.url),
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
            .expect("a response");
        let page = reply.json().await.expect("JSON");
        (started.elapsed(), page)
    }
}

/// Returns a percentile in milliseconds.
fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
