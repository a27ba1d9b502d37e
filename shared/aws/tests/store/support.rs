//! An embedded DynamoDB for the whole process, with fresh tables for each test.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use jiff::Timestamp;
use muster_aws::runs::{NewRun, RunId};
use muster_aws::{Config, Store, Tables};
use tokio::net::TcpSocket;

/// The server's dispatch blocks, so it has a runtime of its own.
static ENDPOINT: LazyLock<String> = LazyLock::new(|| {
    let (port_sender, port) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let socket = TcpSocket::new_v4().unwrap();
            // Connections inherit it. Otherwise, a small response waits 40 ms for the
            // acknowledgement of the previous one.
            socket.set_nodelay(true).unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(1_024).unwrap();
            port_sender
                .send(listener.local_addr().unwrap().port())
                .unwrap();
            dynoxide::server::serve_on(listener, dynoxide::Database::memory().unwrap()).await;
        });
    });
    format!("http://127.0.0.1:{}", port.recv().unwrap())
});

static STORES: AtomicUsize = AtomicUsize::new(0);

/// Returns a store with an empty `control` table.
pub async fn store() -> Store {
    let number = STORES.fetch_add(1, Ordering::Relaxed);
    let tables = Tables {
        directory: format!("directory-{number}"),
        control: format!("control-{number}"),
    };
    let store = Store::connect(&Config::local(ENDPOINT.as_str(), tables)).await;
    let mut create = store
        .client()
        .create_table()
        .table_name(&store.tables.control)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, key) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        create = create
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(name)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .unwrap(),
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(name)
                    .key_type(key)
                    .build()
                    .unwrap(),
            );
    }
    create.send().await.unwrap();
    store
}

/// Returns a store with empty `control` and `directory` tables.
pub async fn directory() -> Store {
    let store = store().await;
    let key = |name: &str, kind: KeyType| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(kind).build().unwrap()
    };
    let keys_only = Projection::builder()
        .projection_type(ProjectionType::KeysOnly)
        .build();
    let by_tenant = GlobalSecondaryIndex::builder()
        .index_name("by_tenant")
        .key_schema(key("shard", KeyType::Hash))
        .key_schema(key("id", KeyType::Range))
        .projection(keys_only)
        .build()
        .unwrap();
    let mut create = store
        .client()
        .create_table()
        .table_name(&store.tables.directory)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .global_secondary_indexes(by_tenant);
    for (name, kind) in [
        ("pk", ScalarAttributeType::S),
        ("shard", ScalarAttributeType::S),
        ("id", ScalarAttributeType::N),
    ] {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build();
        create = create.attribute_definitions(definition.unwrap());
    }
    create.send().await.unwrap();
    store
}

/// Returns the time at which every test starts.
pub fn start() -> Timestamp {
    "2026-11-21T08:00:00.250Z".parse().unwrap()
}

/// Returns the time `seconds` after [`start`].
pub fn at(seconds: u64) -> Timestamp {
    start() + Duration::from_secs(seconds)
}

/// Returns a new run of task 206.
pub fn run(now: Timestamp) -> NewRun {
    NewRun {
        id: RunId::generate(now),
        tenant: "acme".to_owned(),
        task: 206,
        robot: "robot".to_owned(),
        size: 1_234,
        dry_run: false,
        threshold_overridden: false,
        key: None,
    }
}

/// Counts the rows of the `control` table whose partition key has this prefix.
pub async fn rows(store: &Store, prefix: &str) -> usize {
    let response = store
        .client()
        .scan()
        .table_name(&store.tables.control)
        .filter_expression("begins_with(pk, :prefix)")
        .expression_attribute_values(
            ":prefix",
            aws_sdk_dynamodb::types::AttributeValue::S(prefix.to_owned()),
        )
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    response.items().len()
}

/// Returns the raw row of the `control` table.
pub async fn raw(
    store: &Store,
    pk: &str,
    sk: &str,
) -> Option<std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>> {
    use aws_sdk_dynamodb::types::AttributeValue::S;

    store
        .client()
        .get_item()
        .table_name(&store.tables.control)
        .key("pk", S(pk.to_owned()))
        .key("sk", S(sk.to_owned()))
        .consistent_read(true)
        .send()
        .await
        .unwrap()
        .item
}
