//! A running stack with two tenants, and a client for it.

use std::sync::LazyLock;
use std::time::Duration;

use muster_aws::{Background, BackgroundConfig};
use muster_import::Times;
use muster_local::{
    Credentials, SeededRows, SeededTenant, Stack, StackOptions, WorkerOptions, loopback_client,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::http::{Call, Reply};
use crate::store::{Access, Rows};

/// Tests share the tasks of a running stack, so they take turns. Holds the tag of the previous
/// test, whose users are deleted.
static TURN: LazyLock<Mutex<Option<String>>> = LazyLock::new(Mutex::default);

/// The sample tenants of all stacks of this process. Their passwords are hashed once.
static SEEDED: OnceCell<SeededRows> = OnceCell::const_new();

/// The environment variable that points the tests at a running stack.
pub const READY_FILE: &str = "MUSTER_READY_FILE";

/// The environment variable that says that the running stack is behind an API gateway.
pub const GATEWAY: &str = "MUSTER_GATEWAY";

/// The interval of sweeps on a stack that is swept all the time.
const FAST_SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// Returns a bucket and queues that nothing listens for, for imports that end within their request.
pub async fn unreachable_background() -> Background {
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

/// Returns ten random digits: enough that two tests never share a tag.
fn tag() -> String {
    rand::random_range(1_000_000_000_u64..10_000_000_000).to_string()
}

async fn start_stack(options: StackOptions) -> Stack {
    let stack = Stack::start(options).await;
    stack.unwrap_or_else(|error| panic!("the stack does not start: {error}"))
}

/// One stack, its tenants, and a client.
pub struct World {
    /// The URL of the HTTP API, without a slash at the end.
    pub url: String,
    /// The two tenants.
    pub tenants: Vec<SeededTenant>,
    /// The store behind the API.
    pub store: Access,
    http: reqwest::Client,
    /// Unique digits that end this test's logins; they are valid in a login of any script.
    pub tag: String,
    tokens: [OnceCell<String>; 2],
    sessions: [OnceCell<String>; 2],
    /// Kept alive as long as the test runs.
    _stack: Option<Stack>,
    _turn: Option<MutexGuard<'static, Option<String>>>,
}

impl World {
    /// Starts a stack for this test, or connects to the running one.
    pub async fn start() -> World {
        World::start_with_times(Times::default()).await
    }

    /// Starts a stack with these times for this test, or connects to the running one, which has its
    /// own.
    pub async fn start_with_times(times: Times) -> World {
        match ready_file() {
            Some(path) => World::connect(&path).await,
            None => World::own_with_times(times).await,
        }
    }

    /// Starts a stack for this test that is swept all the time, or connects to the running one,
    /// which is swept every minute.
    pub async fn start_swept() -> World {
        let workers = WorkerOptions {
            sweep_every: Some(FAST_SWEEP_INTERVAL),
            ..WorkerOptions::default()
        };
        match ready_file() {
            Some(path) => World::connect(&path).await,
            None => {
                World::own(StackOptions {
                    workers,
                    ..StackOptions::default()
                })
                .await
            }
        }
    }

    /// Starts a stack with these times for this test, even if there is a running one.
    pub async fn own_with_times(times: Times) -> World {
        World::own(StackOptions {
            times,
            ..StackOptions::default()
        })
        .await
    }

    /// Starts a stack for this test, even if there is a running one, that refuses uploads of more
    /// than this many unpacked bytes.
    pub async fn own_with_max_unpacked_bytes(bytes: u64) -> World {
        World::own(StackOptions {
            max_expanded_bytes: Some(bytes),
            ..StackOptions::default()
        })
        .await
    }

    async fn own(options: StackOptions) -> World {
        let seeded = SEEDED.get_or_init(async || {
            let stack = start_stack(StackOptions::default()).await;
            let rows = stack.seeded_rows().await;
            rows.unwrap_or_else(|error| panic!("the sample tenants: {error}"))
        });
        let stack = start_stack(StackOptions {
            seeded: Some(seeded.await.clone()),
            ..options
        })
        .await;
        let store = Access::of(&stack);
        let (url, tenants) = (stack.url.clone(), stack.tenants.clone());
        let http = loopback_client().expect("an HTTP client");
        World::assemble(url, tenants, tag(), store, http, Some(stack), None)
    }

    async fn connect(path: &str) -> World {
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
        if let Some(before) = turn.replace(tag.clone()) {
            store.delete_users(&before).await;
        }
        // The stack may be anywhere, with TLS.
        let http = reqwest::Client::new();
        World::assemble(url, tenants, tag, store, http, None, Some(turn))
    }

    fn assemble(
        url: String,
        tenants: Vec<SeededTenant>,
        tag: String,
        store: Access,
        http: reqwest::Client,
        stack: Option<Stack>,
        turn: Option<MutexGuard<'static, Option<String>>>,
    ) -> World {
        assert_eq!(tenants.len(), 2, "the tests need two tenants");
        World {
            url: url.trim_end_matches('/').to_owned(),
            tenants,
            store,
            http,
            tag,
            tokens: [OnceCell::new(), OnceCell::new()],
            sessions: [OnceCell::new(), OnceCell::new()],
            _stack: stack,
            _turn: turn,
        }
    }

    /// Returns true if an API gateway is in front of the stack, which decodes paths and replaces
    /// bytes that are not UTF-8.
    pub fn behind_gateway(&self) -> bool {
        std::env::var_os(GATEWAY).is_some_and(|value| !value.is_empty())
    }

    /// Returns a login that no other test uses: the name and this test's tag.
    pub fn login(&self, name: &str) -> String {
        format!("{name}.{}", self.tag)
    }

    /// Returns a complete record for a login of this test.
    pub fn record(&self, name: &str) -> Value {
        let login = self.login(name);
        json!({"Username": login, "Name": name, "Role": "catman", "E-mail": "someone@example.com"})
    }

    /// Returns a call without body, token or content type.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call::new(&self.http, &self.url, method, path)
    }

    /// Sends `body` as it is to `/authenticate`.
    pub async fn authenticate(&self, body: impl Into<Vec<u8>>) -> Reply {
        self.call(Method::POST, "/authenticate")
            .content_type(Some("application/json"))
            .body(body)
            .send()
            .await
    }

    /// Signs in as this robot and returns the token.
    pub async fn sign_in(&self, robot: &Credentials) -> String {
        let body = json!({"username": robot.username, "password": robot.password});
        let reply = self.authenticate(body.to_string()).await;
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["token"].as_str().expect("no token").to_owned()
    }

    /// Returns the token of a tenant's robot, which signs in once a test.
    pub async fn token(&self, tenant: usize) -> &str {
        self.tokens[tenant]
            .get_or_init(|| self.sign_in(&self.tenants[tenant].robot))
            .await
    }

    /// Begins a session of this operator and returns its token.
    pub async fn begin_session(&self, operator: &Credentials) -> String {
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

    /// Returns the session token of a tenant's operator with the role `manage`, begun once a test.
    pub async fn session(&self, tenant: usize) -> &str {
        self.sessions[tenant]
            .get_or_init(|| self.begin_session(&self.tenants[tenant].operator))
            .await
    }

    /// Returns a call of a tenant's operator; `path` follows `/admin/v1`.
    pub async fn operator(&self, tenant: usize, method: Method, path: &str) -> Call<'_> {
        self.call(method, &format!("/admin/v1{path}"))
            .token(self.session(tenant).await)
    }

    /// Sends a GET request as the first tenant's operator.
    pub async fn get(&self, path: &str) -> Reply {
        self.operator(0, Method::GET, path).await.send().await
    }

    /// Sends a JSON body as the first tenant's operator.
    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Reply {
        self.operator(0, method, path)
            .await
            .content_type(Some("application/json"))
            .body(body.to_string())
            .send()
            .await
    }

    /// Returns a valid import into a tenant's own task, with an empty body.
    pub async fn import(&self, tenant: usize) -> Call<'_> {
        self.call(Method::POST, "")
            .task(self.tenants[tenant].task_id)
            .token(self.token(tenant).await)
            .content_type(Some("application/json"))
    }

    /// Returns the HTTP client, for requests that are not a [`Call`].
    pub fn client(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// Imports records into the first tenant's task, with warnings in the reply.
    pub async fn send(&self, records: &Value) -> Reply {
        self.import(0).await.debug().records(records).send().await
    }

    /// Imports records and asserts that none has a warning or an error.
    pub async fn put(&self, records: &Value) {
        let reply = self.send(records).await;
        reply.assert_success(records.as_array().expect("a list").len() as u64);
    }

    /// Returns all rows of the directory; comparing two of these shows any write between them.
    pub async fn directory(&self) -> Rows {
        self.store.directory().await
    }

    /// Asserts that a tenant's task accepts an import.
    pub async fn assert_task_is_free(&self, tenant: usize) {
        self.import(tenant)
            .await
            .body("[]")
            .send()
            .await
            .assert_success(0);
    }
}
