//! Measures the synchronous import over HTTP, on an in-memory stack of its own: 20,000 new users, the
//! same file again, and the latency of one-record imports.
//!
//! `cargo bench -p muster-tests --bench imports`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot measure should end"
)]

use std::time::{Duration, Instant};

use muster_local::{Stack, StackOptions};
use serde_json::{Value, json};

const USERS: usize = 20_000;
const SINGLE_IMPORTS: usize = 500;
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let mut created = Vec::new();
    let mut unchanged = Vec::new();
    for _ in 0..ROUNDS {
        let (first, second) = whole_file().await;
        created.push(first);
        unchanged.push(second);
    }
    println!(
        "sync import of {USERS} new users: {:.2} s, {:.0} users/s (median of {ROUNDS})",
        median(&mut created).as_secs_f64(),
        USERS as f64 / median(&mut created).as_secs_f64()
    );
    println!(
        "the same file again: {:.2} s, 0 writes to the directory (median of {ROUNDS})",
        median(&mut unchanged).as_secs_f64()
    );
    let mut single = one_by_one().await;
    println!(
        "{SINGLE_IMPORTS} one-record imports in sequence, each a new user: \
         p50 {:.1} ms, p99 {:.1} ms",
        percentile(&mut single, 50).as_secs_f64() * 1e3,
        percentile(&mut single, 99).as_secs_f64() * 1e3
    );
}

/// Imports a file of new users, then the same file again. Panics if a reply has wrong counts.
async fn whole_file() -> (Duration, Duration) {
    let (stack, client) = start().await;
    let body = Value::from((0..USERS).map(user).collect::<Vec<_>>()).to_string();
    let first = client.import(&body, USERS).await;
    let writes = stack.store.directory_writes();
    assert!(writes >= USERS as u64, "{writes} writes for {USERS} users");
    let second = client.import(&body, USERS).await;
    assert_eq!(
        stack.store.directory_writes(),
        writes,
        "unchanged users were written"
    );
    stack.stop().await.expect("the stack stops");
    (first, second)
}

async fn one_by_one() -> Vec<Duration> {
    let (stack, client) = start().await;
    let mut times = Vec::new();
    for index in 0..SINGLE_IMPORTS {
        let body = json!([user(index)]).to_string();
        times.push(client.import(&body, 1).await);
    }
    stack.stop().await.expect("the stack stops");
    times
}

fn user(index: usize) -> Value {
    json!({
        "Username": format!("user.{index}"),
        "Name": format!("User Number {index}"),
        "Role": if index.is_multiple_of(2) { "catman" } else { "store manager" },
        "E-mail": format!("user.{index}@example.com"),
        "All Stores": false,
        "Individual Stores": format!("store{},store{}", index % 90, index % 70),
    })
}

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

async fn start() -> (Stack, Client) {
    let stack = Stack::start(StackOptions::default())
        .await
        .expect("the stack starts");
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let tenant = stack.tenants.first().expect("a tenant");
    let credentials = json!({
        "username": tenant.robot.username,
        "password": tenant.robot.password,
    });
    let reply: Value = http
        .post(format!("{}/authenticate", stack.url))
        .json(&credentials)
        .send()
        .await
        .expect("a response")
        .json()
        .await
        .expect("JSON");
    let client = Client {
        http,
        url: format!("{}/v1/import/user-data/{}", stack.url, tenant.task_id),
        token: reply["token"].as_str().expect("a token").to_owned(),
    };
    (stack, client)
}

impl Client {
    async fn import(&self, body: &str, users: usize) -> Duration {
        let started = Instant::now();
        let reply: Value = self
            .http
            .post(&self.url)
            .bearer_auth(&self.token)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .expect("a response")
            .json()
            .await
            .expect("JSON");
        let took = started.elapsed();
        assert_eq!(reply["Status"], "SUCCESS", "{reply}");
        assert_eq!(reply["Total Lines"], users, "{reply}");
        took
    }
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}
