//! Access to the store behind the API: setting up what no request can, and seeing what was written.
//! Rows are read as DynamoDB has them, so that a mistake in reading is not shared.

mod stages;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use jiff::{Timestamp, ToSpan};
use muster_aws::background::{BucketConfig, Objects};
use muster_aws::holds::Acquired;
use muster_aws::items::{ItemFilter, list_items};
use muster_aws::operators::{Operator, Role};
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Account, Config, Store};
use muster_core::item::Item;
use muster_core::run::Counts;
use muster_local::{SignIn, Stack};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::World;

/// A row as DynamoDB has it.
pub type Row = HashMap<String, AttributeValue>;
/// All rows of a table, by key.
pub type Rows = BTreeMap<String, Row>;

/// A run as the execution log has it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The task it executed.
    pub task: u64,
    /// The robot that asked for it.
    pub robot: String,
    /// How it ended, if it has.
    pub status: Option<String>,
    /// What became of its records, where that is known.
    pub counts: Option<Counts>,
    /// Whether it only planned.
    pub dry_run: bool,
    /// Why it failed.
    pub errors: Vec<String>,
    /// What it has to say about records.
    pub items: Vec<Item>,
}

/// A store that the tests can reach.
#[derive(Debug, Clone)]
pub struct Access {
    store: Store,
    /// The bucket; absent: no runs are looked at.
    objects: Option<Objects>,
    /// What the keys of rows contain that are looked at; empty: all are.
    ours: Vec<String>,
}

impl Access {
    /// The rows of a store.
    pub fn new(store: Store) -> Access {
        Access {
            store,
            objects: None,
            ours: Vec::new(),
        }
    }

    /// The store of a stack of one's own.
    pub fn of(stack: &Stack) -> Access {
        Access {
            objects: Some(stack.background.objects.clone()),
            ..Access::new(stack.store.clone())
        }
    }

    /// The store that the environment names, if it does. Others have users there, too: only those
    /// whose keys contain one of `ours` are looked at.
    pub async fn from_env(ours: &[&str]) -> Option<Access> {
        std::env::var_os("AWS_ENDPOINT_URL_DYNAMODB")?;
        let configs = Account::from_env().and_then(|account| {
            Ok((
                Config::from_env(&account)?,
                BucketConfig::from_env(&account)?,
            ))
        });
        let (config, bucket) =
            configs.unwrap_or_else(|error| panic!("AWS_ENDPOINT_URL_DYNAMODB is set: {error}"));
        let store = Store::connect(&config).await;
        let objects = Objects::connect(&bucket).await;
        for table in [&store.tables.directory, &store.tables.control] {
            let found = store
                .client()
                .scan()
                .table_name(table)
                .limit(1)
                .send()
                .await;
            if let Err(error) = found {
                let cause = aws_sdk_dynamodb::error::DisplayErrorContext(error);
                panic!("the table {table} is not at AWS_ENDPOINT_URL_DYNAMODB: {cause}");
            }
        }
        Some(Access {
            store,
            objects: Some(objects),
            ours: ours.iter().map(|part| (*part).to_owned()).collect(),
        })
    }

    /// Looks only at users and claims whose keys contain one of these.
    #[must_use]
    pub fn only(mut self, ours: &[&str]) -> Access {
        self.ours = ours.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// All rows of users and claims.
    pub async fn directory(&self) -> Rows {
        self.scan(&self.store.tables.directory, "contains", &self.ours)
            .await
    }

    /// All rows of everything else.
    pub async fn control(&self) -> Rows {
        self.control_rows(&[]).await
    }

    /// Takes out what the users of an earlier test left: a look at the whole table, of which tests
    /// take many, costs time for each row that is there.
    pub async fn clear(&self, tag: &str) {
        let table = &self.store.tables.directory;
        let tagged = |value: Option<&AttributeValue>| {
            value.is_some_and(|value| value.as_s().is_ok_and(|text| text.contains(tag)))
        };
        let rows = self.scan(table, "contains", &[]).await.into_values();
        let deletes: Vec<WriteRequest> = rows
            .filter(|row| tagged(row.get("pk")) || tagged(row.get("login")))
            .map(|row| {
                let delete = DeleteRequest::builder()
                    .key("pk", row["pk"].clone())
                    .build();
                let delete = delete.expect("it has a key");
                WriteRequest::builder().delete_request(delete).build()
            })
            .collect();
        for some in deletes.chunks(25) {
            let mut left = HashMap::from([(table.clone(), some.to_vec())]);
            while !left.is_empty() {
                let sent = self.store.client().batch_write_item();
                let sent = sent.set_request_items(Some(left)).send().await;
                left = sent
                    .expect("the store")
                    .unprocessed_items
                    .unwrap_or_default();
            }
        }
    }

    /// Takes away all there is: whatever is asked of the store is refused from then on.
    pub async fn delete_tables(&self) {
        for table in [&self.store.tables.directory, &self.store.tables.control] {
            let deleted = self.store.client().delete_table().table_name(table).send();
            deleted.await.expect("a table of this test's own");
        }
    }

    /// How many writes the stack has sent to the directory; needs a stack of the test's own.
    pub fn directory_writes(&self) -> u64 {
        self.store.directory_writes()
    }

    /// All users, by the login that is shown: the attributes of the catalogue, and `id`.
    pub async fn users(&self) -> BTreeMap<String, Map<String, Value>> {
        let rows = self.directory().await;
        let users = rows
            .into_iter()
            .filter(|(key, row)| key.starts_with("U#") && row.contains_key("id"));
        users
            .map(|(key, row)| {
                let mut user: Map<String, Value> = row
                    .iter()
                    .map(|(name, value)| (name.clone(), json(value)))
                    .collect();
                // It is stored where it is not shown as it stands in the key.
                let login = user.remove("login").map_or_else(
                    || key.trim_start_matches("U#").to_owned(),
                    |login| login.as_str().expect("a login is text").to_owned(),
                );
                (login, user)
            })
            .collect()
    }

    /// One user, by the login that is shown.
    pub async fn user(&self, login: &str) -> Option<Map<String, Value>> {
        self.users().await.remove(login)
    }

    /// The tenant of every user, by the login that is shown.
    pub async fn owners(&self) -> BTreeMap<String, String> {
        let users = self.users().await.into_iter();
        users
            .map(|(login, user)| {
                (
                    login,
                    user["tenant"]
                        .as_str()
                        .expect("a tenant is text")
                        .to_owned(),
                )
            })
            .collect()
    }

    /// What the store calls a tenant.
    pub async fn tenant(&self, w: &World, tenant: usize) -> String {
        self.settings(w, tenant).await.0
    }

    async fn settings(&self, w: &World, tenant: usize) -> (String, Value) {
        let task = self
            .store
            .get_task(w.tenants[tenant].task_id)
            .await
            .expect("the store")
            .expect("the task");
        (
            task.tenant,
            serde_json::to_value(task.settings).expect("settings are JSON"),
        )
    }

    /// A new task like the tenant's own but for what `change` does to its settings; its id.
    pub async fn task(&self, w: &World, tenant: usize, change: impl FnOnce(&mut Value)) -> u64 {
        let (tenant, mut settings) = self.settings(w, tenant).await;
        change(&mut settings);
        let id = self.store.next_task_id().await.expect("a task id");
        settings["id"] = id.into();
        let settings = serde_json::from_value(settings).expect("settings");
        match self
            .store
            .put_task(&tenant, settings, None, Timestamp::now())
            .await
            .expect("the store")
        {
            muster_aws::tasks::PutTask::Stored(_) => id,
            refused => panic!("the task is not stored: {refused:?}"),
        }
    }

    /// A new robot of a tenant, which no task names.
    pub async fn robot(&self, w: &World, tenant: usize) -> SignIn {
        let robot = SignIn {
            username: w.login("robot"),
            password: w.login("password"),
        };
        let (tenant, password) = (
            self.tenant(w, tenant).await,
            SecretString::from(robot.password.clone()),
        );
        let made = self
            .store
            .create_robot(&tenant, &robot.username, password, Timestamp::now())
            .await
            .expect("the store");
        assert_eq!(made, muster_aws::Creation::Created);
        robot
    }

    /// A new operator of a tenant, who may only look.
    pub async fn reader(&self, w: &World, tenant: usize) -> SignIn {
        let reader = SignIn {
            username: w.login("reader"),
            password: w.login("password"),
        };
        let operator = Operator {
            tenant: self.tenant(w, tenant).await,
            name: reader.username.clone(),
            role: Role::Read,
        };
        let password = SecretString::from(reader.password.clone());
        let made = self
            .store
            .create_operator(operator, password, Timestamp::now())
            .await
            .expect("the store");
        assert_eq!(made, muster_aws::Creation::Created);
        reader
    }

    /// A token of the first tenant's robot that was good until a moment ago.
    pub async fn expired_token(&self, w: &World) -> String {
        let (lifetime, hour_ago) = (Duration::from_secs(3_590), Timestamp::now() - 1.hour());
        let SignIn { username, password } = &w.tenants[0].robot;
        let robot = self
            .store
            .verify_robot(username, password.as_str().into())
            .await
            .expect("the store")
            .expect("the robot");
        let token = self
            .store
            .issue_token(robot, lifetime, hour_ago)
            .await
            .expect("the store");
        token.expose_secret().to_owned()
    }

    /// Takes a token out of the store.
    pub async fn revoke(&self, token: &str) {
        let row = self.token_row(token).await;
        let delete = self
            .store
            .client()
            .delete_item()
            .table_name(&self.store.tables.control);
        delete
            .key("pk", row["pk"].clone())
            .key("sk", row["sk"].clone())
            .send()
            .await
            .expect("the store");
    }

    /// How many seconds a token will still live.
    pub async fn token_seconds(&self, token: &str) -> i64 {
        let end = json(&self.token_row(token).await["expires_at"]);
        end.as_i64().expect("epoch seconds") - Timestamp::now().as_second()
    }

    /// The store knows a token by its SHA-256 alone.
    async fn token_row(&self, token: &str) -> Row {
        let mut digest = String::new();
        for byte in Sha256::digest(token) {
            write!(digest, "{byte:02x}").expect("strings grow");
        }
        let rows = self
            .scan(&self.store.tables.control, "contains", &[digest])
            .await;
        rows.into_values().next().expect("the token's row")
    }

    /// The rows by which a task is held or its run is open.
    pub async fn hold_rows(&self, task: u64) -> Vec<String> {
        self.held(task)
            .await
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }

    async fn held(&self, task: u64) -> Vec<(String, Row)> {
        let number = AttributeValue::N(task.to_string());
        let lock = format!("LOCK#{task}/");
        let rows = self.control_rows(&["LOCK#", "OPEN#"]).await.into_iter();
        rows.filter(|(key, row)| {
            key.starts_with(&lock)
                || key.starts_with("OPEN#") && row.values().any(|value| *value == number)
        })
        .collect()
    }

    /// Holds a task for a run that lives elsewhere; its id.
    pub async fn hold(&self, w: &World, tenant: usize, task: u64) -> String {
        self.held_from(w, tenant, task, Timestamp::now()).await
    }

    /// Holds a task for a run that died some minutes ago; its id.
    pub async fn dead_hold(&self, w: &World, tenant: usize, task: u64) -> String {
        self.held_from(w, tenant, task, Timestamp::now() - 5.minutes())
            .await
    }

    /// Holds a task for a run whose time is just over: nobody has looked after it yet. A sweep does
    /// ten seconds later.
    pub async fn lapsed_hold(&self, w: &World, tenant: usize, task: u64) -> String {
        self.held_from(w, tenant, task, Timestamp::now() - 62.seconds())
            .await
    }

    /// The hold is good for a minute from then.
    async fn held_from(&self, w: &World, tenant: usize, task: u64, at: Timestamp) -> String {
        let run = NewRun {
            id: RunId::generate(at),
            tenant: self.tenant(w, tenant).await,
            task,
            robot: w.tenants[tenant].robot.username.clone(),
            size: 2,
            dry_run: false,
            key: None,
        };
        let acquired = self
            .store
            .acquire(&run, at, Duration::from_secs(60))
            .await
            .expect("the store");
        assert_eq!(acquired, Acquired::Mine);
        run.id.to_string()
    }

    /// The rows by which any task is held or any run is open.
    pub async fn held_rows(&self) -> Vec<String> {
        let rows = self.control_rows(&["LOCK#", "OPEN#"]).await;
        rows.into_keys().collect()
    }

    /// The rows of idempotency keys and their answers.
    pub async fn key_rows(&self) -> Rows {
        self.control_rows(&["KEY#"]).await
    }

    /// Lets every idempotency key run out, as a day would.
    pub async fn expire_keys(&self) {
        for row in self.key_rows().await.into_values() {
            let update = self
                .store
                .client()
                .update_item()
                .table_name(&self.store.tables.control);
            let update = update
                .key("pk", row["pk"].clone())
                .key("sk", row["sk"].clone())
                .update_expression("SET expires_at = :past")
                .expression_attribute_values(":past", AttributeValue::N("1000000000".to_owned()));
            update.send().await.expect("the store");
        }
    }

    /// Makes the hold of a task one of a queued run, whatever its time.
    pub async fn queue(&self, task: u64) {
        for (_, row) in self.held(task).await {
            let update = self
                .store
                .client()
                .update_item()
                .table_name(&self.store.tables.control);
            let update = update
                .key("pk", row["pk"].clone())
                .key("sk", row["sk"].clone());
            // A sweep may end the run at any time: its rows must not come back.
            let update = update
                .condition_expression("attribute_exists(pk)")
                .update_expression("SET kind = :queued");
            let update = update
                .expression_attribute_values(":queued", AttributeValue::S("QUEUED".to_owned()));
            update.send().await.expect("the task is still held");
        }
    }

    /// A run as the execution log has it.
    pub async fn run(&self, id: &str) -> Logged {
        let (id, now) = (RunId::parse(id).expect("a run's id"), Timestamp::now());
        let run = self
            .store
            .get_run(&id, now)
            .await
            .expect("the store")
            .expect("the run");
        let objects = self.objects.as_ref().expect("the bucket");
        let (mut items, mut from) = (Vec::new(), Some(0));
        while let Some(number) = from {
            let all = ItemFilter::default();
            let page = list_items(&self.store, objects, &run, &all, number, 1_000, now)
                .await
                .expect("the store");
            items.extend(page.items.into_iter().map(|it| it.item));
            from = page.next;
        }
        Logged {
            task: run.task,
            robot: run.robot,
            status: run.status.map(|status| status.as_str().to_owned()),
            counts: run.counts,
            dry_run: run.dry_run,
            errors: run.errors,
            items,
        }
    }

    /// The row of a run, by its key.
    pub async fn run_row(&self, id: &str) -> Rows {
        let mut rows = self.control_rows(&[&format!("RUN#{id}")]).await;
        rows.retain(|key, _| key.ends_with("/RUN"));
        rows
    }

    /// How many runs there are.
    pub async fn run_count(&self) -> usize {
        self.control_rows(&["RUN#"])
            .await
            .keys()
            .filter(|key| key.ends_with("/RUN"))
            .count()
    }

    async fn control_rows(&self, starts: &[&str]) -> Rows {
        let starts: Vec<String> = starts.iter().map(|start| (*start).to_owned()).collect();
        self.scan(&self.store.tables.control, "begins_with", &starts)
            .await
    }

    /// The rows of whose key `test` (a function of filter expressions) holds with any of `parts`;
    /// all, if there are none.
    async fn scan(&self, table: &str, test: &str, parts: &[String]) -> Rows {
        let tests: Vec<String> = (0..parts.len())
            .map(|n| format!("{test}(pk, :part{n})"))
            .collect();
        let filter = Some(tests.join(" OR ")).filter(|_| !parts.is_empty());
        let (mut rows, mut from) = (Rows::new(), None);
        loop {
            let page = self
                .store
                .client()
                .scan()
                .table_name(table)
                .consistent_read(true)
                .set_exclusive_start_key(from);
            let page = page.set_filter_expression(filter.clone());
            let page = parts.iter().enumerate().fold(page, |page, (n, part)| {
                page.expression_attribute_values(
                    format!(":part{n}"),
                    AttributeValue::S(part.clone()),
                )
            });
            let page = page.send().await.expect("the store");
            for row in page.items.unwrap_or_default() {
                let part = |name| row.get(name).and_then(|part| part.as_s().ok()).cloned();
                let key = [part("pk"), part("sk")]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("/");
                rows.insert(key, row);
            }
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return rows;
            }
        }
    }
}

/// A stored value as JSON.
fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => text.as_str().into(),
        AttributeValue::N(number) => serde_json::from_str(number).expect("a number is JSON"),
        AttributeValue::Bool(flag) => (*flag).into(),
        AttributeValue::L(list) => list.iter().map(json).collect(),
        AttributeValue::M(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), json(value)))
            .collect(),
        AttributeValue::Ss(set) => set.iter().map(String::as_str).collect(),
        AttributeValue::Null(_) => Value::Null,
        other => panic!("a stored value of an unexpected kind: {other:?}"),
    }
}
