//! The harness of Muster's black-box tests: a `World` is one started stack and a client to it.
//!
//! By default every test starts its own in-memory stack. When `MUSTER_READY_FILE` names the ready
//! file of a running one, the tests run against that instead, one at a time, since each tenant
//! has one task. Nothing here judges an answer by the implementation's own code.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "used by tests alone: what cannot go on has failed"
)]

pub mod background;
pub mod between;
pub mod faults;
pub mod generate;
pub mod http;
pub mod meter;
pub mod numbered;
pub mod store;
pub mod uploads;

use std::sync::LazyLock;
use std::time::Duration;

use muster_aws::{Background, BackgroundConfig};
use muster_import::Times;
use muster_local::{SignIn, Stack, StackOptions, TenantAccess, WorkerOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

pub use http::{Call, Reply, compact};
pub use numbered::Numbered;
pub use store::Access;

/// Tests share the tasks of a running stack, so they take turns there. Whoever has the turn knows the
/// tag of who had it before.
static TURN: LazyLock<Mutex<Option<String>>> = LazyLock::new(Mutex::default);

/// The name of the variable that points the tests at a running stack.
pub const READY_FILE: &str = "MUSTER_READY_FILE";

/// The name of the variable that says that the running stack is behind an API gateway.
pub const GATEWAY: &str = "MUSTER_GATEWAY";

/// A bucket and queues that nobody answers for: of imports that end within their request.
pub async fn no_background() -> Background {
    let nowhere = "http://127.0.0.1:9";
    Background::connect(&BackgroundConfig::local(
        nowhere, nowhere, "none", nowhere, nowhere,
    ))
    .await
}

fn ready_file() -> Option<String> {
    std::env::var(READY_FILE)
        .ok()
        .filter(|path| !path.is_empty())
}

/// Whether the tests run against a running stack; says so of a test that needs one of its own.
pub fn points_elsewhere() -> bool {
    let elsewhere = ready_file().is_some();
    if elsewhere {
        eprintln!("skipped: needs a stack of its own");
    }
    elsewhere
}

/// Ten digits, to be told from other tests' tags by more than luck.
fn tag() -> String {
    rand::random_range(1_000_000_000_u64..10_000_000_000).to_string()
}

/// Returns from a test that cannot do without the store, saying so.
#[macro_export]
macro_rules! store_or_skip {
    ($world:expr) => {
        match $world.store.as_ref() {
            Some(store) => store,
            None => {
                eprintln!("skipped: needs access to the store");
                return;
            }
        }
    };
}

/// One stack, its tenants, and a client.
pub struct World {
    /// Where the HTTP API answers, without a slash at the end.
    pub url: String,
    /// The two tenants.
    pub tenants: Vec<TenantAccess>,
    /// The store behind the API, where the tests can reach it.
    pub store: Option<Access>,
    pub(crate) http: reqwest::Client,
    /// Digits that only this test's logins end in; digits go with every script.
    pub tag: String,
    tokens: [OnceCell<String>; 2],
    sessions: [OnceCell<String>; 2],
    /// Kept alive as long as the test runs.
    _stack: Option<Stack>,
    _turn: Option<MutexGuard<'static, Option<String>>>,
}

impl World {
    /// A stack for this test, or the running one.
    pub async fn start() -> World {
        World::patient(Times::default()).await
    }

    /// The same; a stack for this test keeps these times, a running one its own.
    pub async fn patient(times: Times) -> World {
        match ready_file() {
            Some(path) => World::pointed(&path).await,
            None => World::own(times, WorkerOptions::default()).await,
        }
    }

    /// A stack for this test that is swept all the time, or the running one, which is swept every
    /// minute.
    pub async fn swept() -> World {
        let workers = WorkerOptions {
            sweep_every: Some(Duration::from_millis(100)),
            ..WorkerOptions::default()
        };
        match ready_file() {
            Some(path) => World::pointed(&path).await,
            None => World::own(Times::default(), workers).await,
        }
    }

    /// A stack for this test that keeps these times; none if the tests run against a running one.
    pub async fn with_times(times: Times) -> Option<World> {
        if points_elsewhere() {
            return None;
        }
        Some(World::own(times, WorkerOptions::default()).await)
    }

    /// A stack for this test whose uploads may not have more bytes than these when they are
    /// unpacked; none if the tests run against a running one.
    pub async fn with_most_expanded(bytes: u64) -> Option<World> {
        if points_elsewhere() {
            return None;
        }
        let options = StackOptions {
            most_expanded: Some(bytes),
            ..StackOptions::default()
        };
        Some(World::of(options).await)
    }

    async fn own(times: Times, workers: WorkerOptions) -> World {
        let options = StackOptions {
            times,
            workers,
            ..StackOptions::default()
        };
        World::of(options).await
    }

    async fn of(options: StackOptions) -> World {
        let stack = Stack::start(options)
            .await
            .unwrap_or_else(|error| panic!("the stack does not start: {error}"));
        let store = Some(Access::of(&stack));
        let (url, tenants) = (stack.url.clone(), stack.tenants.clone());
        World::assemble(url, tenants, tag(), store, Some(stack), None)
    }

    async fn pointed(path: &str) -> World {
        let mut turn = TURN.lock().await;
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{READY_FILE}={path}: {error}"));
        let ready: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let url = match std::env::var("MUSTER_BASE_URL") {
            Ok(url) if !url.is_empty() => url,
            _ => ready["url"]
                .as_str()
                .expect("the ready file has no url")
                .to_owned(),
        };
        let tenants =
            serde_json::from_value(ready["tenants"].clone()).expect("the ready file's tenants");
        let tag = tag();
        let store = Access::from_env(&[&tag, "john.foo", "jack.woo"]).await;
        if let (Some(before), Some(store)) = (turn.replace(tag.clone()), &store) {
            store.clear(&before).await;
        }
        World::assemble(url, tenants, tag, store, None, Some(turn))
    }

    fn assemble(
        url: String,
        tenants: Vec<TenantAccess>,
        tag: String,
        store: Option<Access>,
        stack: Option<Stack>,
        turn: Option<MutexGuard<'static, Option<String>>>,
    ) -> World {
        assert_eq!(tenants.len(), 2, "the tests need two tenants");
        World {
            url: url.trim_end_matches('/').to_owned(),
            tenants,
            store,
            http: reqwest::Client::new(),
            tag,
            tokens: [OnceCell::new(), OnceCell::new()],
            sessions: [OnceCell::new(), OnceCell::new()],
            _stack: stack,
            _turn: turn,
        }
    }

    /// Whether requests pass an API gateway, which makes text and paths of what it passes on.
    pub fn behind_gateway(&self) -> bool {
        std::env::var_os(GATEWAY).is_some_and(|value| !value.is_empty())
    }

    /// A login nobody else uses: the name and this test's tag.
    pub fn login(&self, name: &str) -> String {
        format!("{name}.{}", self.tag)
    }

    /// A complete record for a login of this test.
    pub fn record(&self, name: &str) -> Value {
        let login = self.login(name);
        json!({"Username": login, "Name": name, "Role": "catman", "E-mail": "someone@example.com"})
    }

    /// A call without body, token or content type.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            world: self,
            method,
            path: path.to_owned(),
            query: String::new(),
            authorization: None,
            content_type: None,
            idempotency_keys: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Signs in; `body` is sent as it stands.
    pub async fn authenticate(&self, body: impl Into<Vec<u8>>) -> Reply {
        self.call(Method::POST, "/authenticate")
            .content_type(Some("application/json"))
            .body(body)
            .send()
            .await
    }

    /// Signs in as this robot.
    pub async fn sign_in(&self, robot: &SignIn) -> String {
        let body = json!({"username": robot.username, "password": robot.password});
        let reply = self.authenticate(body.to_string()).await;
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["token"].as_str().expect("no token").to_owned()
    }

    /// The token of a tenant's robot, fetched once a test.
    pub async fn token(&self, tenant: usize) -> &str {
        self.tokens[tenant]
            .get_or_init(|| self.sign_in(&self.tenants[tenant].robot))
            .await
    }

    /// Begins a session of this operator.
    pub async fn begin_session(&self, operator: &SignIn) -> String {
        let body = json!({"name": operator.username, "password": operator.password});
        let reply = self
            .call(Method::POST, "/admin/v1/sessions")
            .content_type(Some("application/json"))
            .body(body.to_string())
            .send()
            .await;
        assert_eq!(reply.status, 201, "{reply}");
        reply.json()["token"].as_str().expect("no token").to_owned()
    }

    /// The session of a tenant's operator, who may manage it; begun once a test.
    pub async fn session(&self, tenant: usize) -> &str {
        self.sessions[tenant]
            .get_or_init(|| self.begin_session(&self.tenants[tenant].operator))
            .await
    }

    /// A call of a tenant's operator; `path` is what follows `/admin/v1`.
    pub async fn operator(&self, tenant: usize, method: Method, path: &str) -> Call<'_> {
        self.call(method, &format!("/admin/v1{path}"))
            .token(self.session(tenant).await)
    }

    /// What the first tenant's operator gets there.
    pub async fn get(&self, path: &str) -> Reply {
        self.operator(0, Method::GET, path).await.send().await
    }

    /// What the first tenant's operator gets for sending this.
    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Reply {
        self.operator(0, method, path)
            .await
            .content_type(Some("application/json"))
            .body(body.to_string())
            .send()
            .await
    }

    /// An import into a tenant's own task, right in every part, with an empty body.
    pub async fn import(&self, tenant: usize) -> Call<'_> {
        self.call(Method::POST, "")
            .task(self.tenants[tenant].task_id)
            .token(self.token(tenant).await)
            .content_type(Some("application/json"))
    }

    /// The client, for calls beside this one.
    pub fn client(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Imports records into the first tenant's task, warnings shown.
    pub async fn send(&self, records: &Value) -> Reply {
        self.import(0).await.debug().records(records).send().await
    }

    /// Imports records and asserts that nothing was wrong with any of them.
    pub async fn put(&self, records: &Value) {
        let reply = self.send(records).await;
        reply.assert_success(records.as_array().expect("a list").len() as u64);
    }

    /// All rows of the directory, where the tests can see it: two of these tell whether anything
    /// was written between them.
    pub async fn directory(&self) -> Option<store::Rows> {
        match &self.store {
            Some(store) => Some(store.directory().await),
            None => None,
        }
    }

    /// Asserts that a tenant's task takes an import.
    pub async fn assert_task_is_free(&self, tenant: usize) {
        self.import(tenant)
            .await
            .body("[]")
            .send()
            .await
            .assert_success(0);
    }
}
