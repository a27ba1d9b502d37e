//! Access to the store behind the API: reads what was written. The rows are DynamoDB's, not parsed
//! by the implementation, so that its parsing errors do not go unnoticed.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, ReturnValue, WriteRequest};
use jiff::Timestamp;
use muster_aws::background::{BucketConfig, Objects};
use muster_aws::runs::items::ItemFilter;
use muster_aws::runs::{Run, RunId};
use muster_aws::{Account, Config, Store};
use muster_core::item::Item;
use muster_core::run::Counts;
use muster_local::Stack;
use serde_json::{Map, Value};

/// A row as DynamoDB returns it.
pub type Row = HashMap<String, AttributeValue>;
/// All rows of a table, by key.
pub type Rows = BTreeMap<String, Row>;

/// The environment variable that names the store of a running stack.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
/// Maximum writes in a `BatchWriteItem` request.
const MAX_BATCH_WRITES: usize = 25;
/// An expiry time in the past, in epoch seconds.
const PAST: &str = "1000000000";

/// A run in the execution log.
#[derive(Debug, Clone)]
pub struct LoggedRun {
    /// The task of the run.
    pub task: u64,
    /// The robot that requested it.
    pub robot: String,
    /// Its status, if it has ended.
    pub status: Option<String>,
    /// Its counts, if they are known.
    pub counts: Option<Counts>,
    /// True for a dry run.
    pub dry_run: bool,
    /// Why it failed.
    pub errors: Vec<String>,
    /// Its log items.
    pub items: Vec<Item>,
}

/// A store that the tests read and write directly.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) store: Store,
    /// The bucket; `None` if the test reads no runs.
    objects: Option<Objects>,
    /// Only rows whose keys contain one of these are read; if empty, all are.
    key_parts: Vec<String>,
}

impl Access {
    /// Accesses the tables of a store, but no bucket.
    pub fn new(store: Store) -> Access {
        Access {
            store,
            objects: None,
            key_parts: Vec::new(),
        }
    }

    /// Accesses the store of a stack that the test has started.
    pub fn of(stack: &Stack) -> Access {
        Access {
            objects: Some(stack.background.objects.clone()),
            ..Access::new(stack.store.clone())
        }
    }

    /// Accesses the store of the running stack, which the environment names. It has other users as
    /// well: only rows whose keys contain one of `key_parts` are read.
    ///
    /// # Panics
    /// Panics with instructions if the environment names no store.
    pub async fn from_env(key_parts: &[&str]) -> Access {
        assert!(
            std::env::var_os(ENDPOINT).is_some(),
            "the tests need the store of the running stack: set {ENDPOINT}, AWS_ENDPOINT_URL_S3, \
             MUSTER_TABLE_DIRECTORY, MUSTER_TABLE_CONTROL and MUSTER_BUCKET as tests/README.md says"
        );
        let configs = Account::from_env().and_then(|account| {
            Ok((
                Config::from_env(&account)?,
                BucketConfig::from_env(&account)?,
            ))
        });
        let (config, bucket) = configs.unwrap_or_else(|error| panic!("{ENDPOINT} is set: {error}"));
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
                panic!("cannot read the table {table} at {ENDPOINT}: {cause}");
            }
        }
        Access {
            store,
            objects: Some(objects),
            key_parts: key_parts.iter().map(|part| (*part).to_owned()).collect(),
        }
    }

    /// Reads only users and claims whose keys contain one of these.
    #[must_use]
    pub fn with_key_parts(mut self, key_parts: &[&str]) -> Access {
        self.key_parts = key_parts.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// Returns all rows of users and claims.
    pub async fn directory(&self) -> Rows {
        self.scan(&self.store.tables.directory, "contains", &self.key_parts)
            .await
    }

    /// Returns all rows of the control table.
    pub async fn control(&self) -> Rows {
        self.control_rows(&[]).await
    }

    /// Deletes the users of an earlier test. Tests scan the whole table many times, and each row
    /// in it costs time.
    pub async fn delete_users(&self, tag: &str) {
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
                let delete = delete.expect("the request has a key");
                WriteRequest::builder().delete_request(delete).build()
            })
            .collect();
        for batch in deletes.chunks(MAX_BATCH_WRITES) {
            let mut pending = HashMap::from([(table.clone(), batch.to_vec())]);
            while !pending.is_empty() {
                let sent = self.store.client().batch_write_item();
                let sent = sent.set_request_items(Some(pending)).send().await;
                pending = sent
                    .expect("deleting users")
                    .unprocessed_items
                    .unwrap_or_default();
            }
        }
    }

    /// Deletes both tables: every request to the store fails from then on.
    pub async fn delete_tables(&self) {
        for table in [&self.store.tables.directory, &self.store.tables.control] {
            let deleted = self.store.client().delete_table().table_name(table).send();
            deleted.await.expect("deleting a table");
        }
    }

    /// Returns the number of writes to the directory by the stack that the test has started.
    pub fn directory_writes(&self) -> u64 {
        self.store.directory_writes()
    }

    /// Returns all users by display login: the attributes of the catalogue, and `id`.
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
                // Stored only if it differs from the login in the key.
                let login = user.remove("login").map_or_else(
                    || key.trim_start_matches("U#").to_owned(),
                    |login| login.as_str().expect("a login is a string").to_owned(),
                );
                (login, user)
            })
            .collect()
    }

    /// Returns a user by display login.
    pub async fn user(&self, login: &str) -> Option<Map<String, Value>> {
        self.users().await.remove(login)
    }

    /// Stores a text of a user as an earlier version did: without checks, and under the same version.
    pub async fn set_text(&self, login: &str, attribute: &str, text: &str) {
        let client = self.store.client();
        let key = AttributeValue::S(format!("U#{login}"));
        let set = client
            .update_item()
            .table_name(&self.store.tables.directory);
        let set = set.key("pk", key).update_expression("SET #a = :t");
        let set = set.condition_expression("attribute_exists(id)");
        let set = set.expression_attribute_names("#a", attribute);
        let set = set.expression_attribute_values(":t", AttributeValue::S(text.to_owned()));
        set.send().await.expect("storing a text of a user");
    }

    /// Replaces the external id of a user, and its claim, in the same way.
    pub async fn set_external_id(&self, login: &str, before: &str, id: &str) {
        self.set_text(login, "external_id", id).await;
        let tenant = self.user(login).await.expect("a user")["tenant"].clone();
        let tenant = tenant.as_str().expect("a tenant");
        let key = |id: &str| AttributeValue::S(format!("X#{tenant}#{id}"));
        let (client, table) = (self.store.client(), &self.store.tables.directory);
        let claim = client.delete_item().table_name(table);
        let claim = claim.key("pk", key(before));
        let claim = claim.return_values(ReturnValue::AllOld).send().await;
        let mut claim = claim.expect("the claim").attributes.expect("a claim");
        claim.insert("pk".to_owned(), key(id));
        let put = client.put_item().table_name(table).set_item(Some(claim));
        put.send().await.expect("storing a claim");
    }

    /// Returns the tenant of every user by display login.
    pub async fn owners(&self) -> BTreeMap<String, String> {
        let users = self.users().await.into_iter();
        users
            .map(|(login, user)| {
                (
                    login,
                    user["tenant"]
                        .as_str()
                        .expect("a tenant is a string")
                        .to_owned(),
                )
            })
            .collect()
    }

    /// Returns the rows of idempotency keys and their responses.
    pub async fn idempotency_rows(&self) -> Rows {
        self.control_rows(&["KEY#"]).await
    }

    /// Makes all idempotency keys expire, as if a day had passed.
    pub async fn expire_idempotency_keys(&self) {
        for row in self.idempotency_rows().await.into_values() {
            let update = self
                .store
                .client()
                .update_item()
                .table_name(&self.store.tables.control);
            let update = update
                .key("pk", row["pk"].clone())
                .key("sk", row["sk"].clone())
                .update_expression("SET expires_at = :past")
                .expression_attribute_values(":past", AttributeValue::N(PAST.to_owned()));
            update.send().await.expect("expiring a key");
        }
    }

    /// Returns a run with all its log items.
    pub async fn run(&self, id: &str) -> LoggedRun {
        let (run, now) = (self.run_record(id).await, Timestamp::now());
        let objects = self.objects();
        let (mut items, mut from) = (Vec::new(), Some(0));
        while let Some(number) = from {
            let all = ItemFilter::default();
            let page = self
                .store
                .items()
                .list(objects, &run, &all, number, 1_000, now)
                .await
                .expect("listing the items of a run");
            items.extend(page.items.into_iter().map(|it| it.item));
            from = page.next;
        }
        LoggedRun {
            task: run.task,
            robot: run.robot,
            status: run.status.map(|status| status.as_str().to_owned()),
            counts: run.counts,
            dry_run: run.dry_run,
            errors: run.errors,
            items,
        }
    }

    /// Returns the bucket.
    pub(crate) fn objects(&self) -> &Objects {
        let objects = self.objects.as_ref();
        objects.expect("this access has no bucket: create it from a stack")
    }

    /// Returns a run as the store parses it.
    pub async fn run_record(&self, id: &str) -> Run {
        let id = RunId::parse(id).expect("a run id");
        let run = self.store.runs().get(&id, Timestamp::now()).await;
        run.expect("reading a run").expect("the run exists")
    }

    /// Returns the row of a run, by its key.
    pub async fn run_row(&self, id: &str) -> Rows {
        let mut rows = self.control_rows(&[&format!("RUN#{id}")]).await;
        rows.retain(|key, _| key.ends_with("/RUN"));
        rows
    }

    /// Returns the number of runs.
    pub async fn run_count(&self) -> usize {
        self.control_rows(&["RUN#"])
            .await
            .keys()
            .filter(|key| key.ends_with("/RUN"))
            .count()
    }

    /// Returns the rows of the control table whose keys have one of the prefixes.
    pub(crate) async fn control_rows(&self, prefixes: &[&str]) -> Rows {
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
        self.scan(&self.store.tables.control, "begins_with", &prefixes)
            .await
    }

    /// Returns the rows whose key matches any of `parts` by `function`, a function of filter
    /// expressions; all rows if `parts` is empty.
    pub(crate) async fn scan(&self, table: &str, function: &str, parts: &[String]) -> Rows {
        let conditions: Vec<String> = (0..parts.len())
            .map(|n| format!("{function}(pk, :part{n})"))
            .collect();
        let filter = Some(conditions.join(" OR ")).filter(|_| !parts.is_empty());
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
            let page = page.send().await.expect("scanning a table");
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

/// Returns a stored value as JSON.
pub(crate) fn json(value: &AttributeValue) -> Value {
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
        other => panic!("unexpected type of a stored value: {other:?}"),
    }
}
