//! The emulator's behaviour as seen through the SDK. Each test pins one thing the store relies on,
//! or one difference from the service. They decide about a new version of the emulator.

mod server;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementOutput;
use aws_sdk_dynamodb::types::{
    AttributeValue as Value, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    KeysAndAttributes, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};

use super::*;
use crate::loopback;
use crate::template::{REGION, TableDefinitions};

type Item = HashMap<String, Value>;

struct DynamoDbHarness {
    server: DynamoDb,
    client: Client,
    tables: TableDefinitions,
}

async fn start(file: Option<&Path>) -> DynamoDbHarness {
    let server = DynamoDb::start(any_port(), file).unwrap();
    let client = client(&server.endpoint());
    let tables = TableDefinitions::embedded().unwrap();
    ensure_tables(&client, &tables).await.unwrap();
    DynamoDbHarness {
        server,
        client,
        tables,
    }
}

fn any_port() -> TcpListener {
    loopback::listen(0).unwrap()
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new("local", "local", None, None, "test"))
        .build();
    Client::from_conf(config)
}

fn text(value: &str) -> Value {
    Value::S(value.to_owned())
}

fn number(value: u64) -> Value {
    Value::N(value.to_string())
}

fn item(pk: &str, version: u64) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(pk)),
        ("version".to_owned(), number(version)),
    ])
}

fn insert(table: &str, pk: &str, name: &str) -> BatchStatementRequest {
    BatchStatementRequest::builder()
        .statement(format!(
            "INSERT INTO \"{table}\" VALUE {{'pk': ?, 'version': ?, 'name': ?}}"
        ))
        .parameters(text(pk))
        .parameters(number(1))
        .parameters(text(name))
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .build()
        .unwrap()
}

fn update(table: &str, pk: &str, version: u64, name: &str) -> BatchStatementRequest {
    BatchStatementRequest::builder()
        .statement(format!(
            "UPDATE \"{table}\" SET \"name\" = ? SET \"version\" = ? REMOVE \"role\" \
             WHERE \"pk\" = ? AND \"version\" = ?"
        ))
        .parameters(text(name))
        .parameters(number(version + 1))
        .parameters(text(pk))
        .parameters(number(version))
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .build()
        .unwrap()
}

impl DynamoDbHarness {
    fn directory(&self) -> &str {
        &self.tables.directory.name
    }

    async fn batch(&self, statements: Vec<BatchStatementRequest>) -> BatchExecuteStatementOutput {
        self.client
            .batch_execute_statement()
            .set_statements(Some(statements))
            .return_consumed_capacity(ReturnConsumedCapacity::Indexes)
            .send()
            .await
            .unwrap()
    }

    async fn get(&self, pk: &str) -> Option<Item> {
        self.client
            .get_item()
            .table_name(self.directory())
            .key("pk", text(pk))
            .consistent_read(true)
            .send()
            .await
            .unwrap()
            .item
    }
}

fn error(output: &BatchExecuteStatementOutput, n: usize) -> Option<(Code, Option<Item>)> {
    let error = output.responses()[n].error()?;
    Some((error.code().unwrap().clone(), error.item().cloned()))
}

#[tokio::test]
async fn each_statement_of_a_batch_has_its_own_condition_and_error() {
    let harness = start(None).await;
    let directory = harness.directory();
    let first = harness.batch(vec![insert(directory, "U#a", "Ann")]).await;
    assert_eq!(error(&first, 0), None);

    let second = harness
        .batch(vec![
            insert(directory, "U#b", "Bea"),
            insert(directory, "U#a", "Other"),
            update(directory, "U#c", 1, "Nobody"),
        ])
        .await;
    assert_eq!(error(&second, 0), None, "the good statement is applied");
    // DuplicateItem returns no item even on request: the user has to be read.
    assert_eq!(error(&second, 1), Some((Code::DuplicateItem, None)));
    // No item has the key, so none is returned.
    assert_eq!(
        error(&second, 2),
        Some((Code::ConditionalCheckFailed, None))
    );
    assert_eq!(harness.get("U#b").await.unwrap()["name"], text("Bea"));
    assert_eq!(harness.get("U#a").await.unwrap()["name"], text("Ann"));
    assert_eq!(harness.get("U#c").await, None, "an UPDATE creates nothing");

    let third = harness
        .batch(vec![
            update(directory, "U#a", 1, "Anne"),
            update(directory, "U#b", 7, "Beate"),
        ])
        .await;
    assert_eq!(error(&third, 0), None);
    let (code, stored) = error(&third, 1).unwrap();
    assert_eq!(code, Code::ConditionalCheckFailed);
    // The item whose version did not match is returned.
    assert_eq!(stored.unwrap()["name"], text("Bea"));
    assert_eq!(harness.get("U#a").await.unwrap()["version"], number(2));
}

#[tokio::test]
async fn a_batch_with_a_duplicate_key_or_26_statements_fails_as_a_whole() {
    let harness = start(None).await;
    let directory = harness.directory();
    let twice = vec![insert(directory, "U#a", "A"), insert(directory, "U#a", "B")];
    let many = (0..26)
        .map(|n| insert(directory, &format!("U#{n}"), "A"))
        .collect::<Vec<_>>();
    for statements in [twice, many] {
        let refused = harness
            .client
            .batch_execute_statement()
            .set_statements(Some(statements))
            .send()
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Some("ValidationException"));
    }
    assert_eq!(harness.get("U#a").await, None);
    assert_eq!(harness.get("U#0").await, None);
}

#[tokio::test]
async fn consumed_capacity_is_reported_per_batch_table_and_index() {
    let harness = start(None).await;
    let statement = BatchStatementRequest::builder()
        .statement(format!(
            "INSERT INTO \"{}\" VALUE {{'pk': ?, 'shard': ?, 'id': ?}}",
            harness.directory()
        ))
        .parameters(text("U#a"))
        .parameters(text("1#1"))
        .parameters(number(1))
        .build()
        .unwrap();
    let output = harness.batch(vec![statement]).await;
    let consumed = &output.consumed_capacity()[0];
    // A create costs two units: one for the table, one for the index.
    assert_eq!(consumed.capacity_units(), Some(2.0));
    assert_eq!(consumed.table().unwrap().capacity_units(), Some(1.0));
    let index = &consumed.global_secondary_indexes().unwrap()["by_tenant"];
    assert_eq!(index.capacity_units(), Some(1.0));

    // A failed condition costs a unit too, in a batch where another statement succeeded.
    let directory = harness.directory();
    let output = harness
        .batch(vec![
            insert(directory, "U#a", "again"),
            insert(directory, "U#b", "new"),
        ])
        .await;
    assert_eq!(output.consumed_capacity()[0].capacity_units(), Some(2.0));
    // If every statement failed, nothing is reported.
    let output = harness.batch(vec![insert(directory, "U#a", "again")]).await;
    assert!(output.consumed_capacity().is_empty());
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_returns_a_reason_for_each_item() {
    let harness = start(None).await;
    let table = &harness.tables.control.name;
    let row = |pk: &str, version: u64| {
        let mut row = item(pk, version);
        row.insert("sk".to_owned(), text("-"));
        row
    };
    let put = |pk: &str| {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(row(pk, 1)))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let bump = |pk: &str, version: u64| {
        let update = Update::builder()
            .table_name(table)
            .key("pk", text(pk))
            .key("sk", text("-"))
            .update_expression("SET version = :next")
            .condition_expression("version = :now")
            .expression_attribute_values(":now", number(version))
            .expression_attribute_values(":next", number(version + 1))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .unwrap();
        TransactWriteItem::builder().update(update).build()
    };
    let transact = |items: Vec<TransactWriteItem>| {
        harness
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
    };
    let output = transact(vec![put("LOCK#1"), put("RUN#1")]).await.unwrap();
    assert_eq!(output.consumed_capacity()[0].capacity_units(), Some(4.0));

    let refused = transact(vec![put("RUN#2"), bump("LOCK#1", 9), put("RUN#1")])
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = refused
    else {
        panic!("{refused:?}");
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons
        .iter()
        .map(|reason| reason.code().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    );
    assert_eq!(reasons[1].item().unwrap()["version"], number(1));
    assert_eq!(reasons[2].item().unwrap()["pk"], text("RUN#1"));

    transact(vec![bump("LOCK#1", 1), bump("RUN#1", 1)])
        .await
        .unwrap();
    let not_written = harness
        .client
        .get_item()
        .table_name(table)
        .key("pk", text("RUN#2"))
        .key("sk", text("-"))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    assert_eq!(not_written.item, None);
}

#[tokio::test]
async fn one_consistent_read_returns_a_hundred_users() {
    let harness = start(None).await;
    let directory = harness.directory();
    for from in (0..100).step_by(25) {
        let statements = (from..from + 25)
            .map(|n| insert(directory, &format!("U#{n}"), "A"))
            .collect();
        harness.batch(statements).await;
    }
    let keys = (0..100)
        .map(|n| HashMap::from([("pk".to_owned(), text(&format!("U#{n}")))]))
        .collect::<Vec<_>>();
    let read = |keys: Vec<Item>| {
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .unwrap();
        harness
            .client
            .batch_get_item()
            .request_items(directory, request)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
    };
    let output = read(keys.clone()).await.unwrap();
    assert_eq!(output.responses().unwrap()[directory].len(), 100);
    assert!(output.unprocessed_keys().unwrap().is_empty());
    assert_eq!(output.consumed_capacity()[0].capacity_units(), Some(100.0));

    let mut more = keys;
    more.push(HashMap::from([("pk".to_owned(), text("U#100"))]));
    let refused = read(more).await.unwrap_err();
    assert_eq!(refused.code(), Some("ValidationException"));
}

#[tokio::test]
async fn one_of_eight_racing_writers_wins() {
    let harness = start(None).await;
    let directory = harness.directory();
    for round in 0..20 {
        let pk = format!("U#{round}");
        let racers = (0..8).map(|n| {
            let endpoint = harness.server.endpoint();
            let statement = insert(directory, &pk, &n.to_string());
            tokio::spawn(async move {
                let client = client(&endpoint);
                let output = client
                    .batch_execute_statement()
                    .statements(statement)
                    .send()
                    .await
                    .unwrap();
                error(&output, 0)
            })
        });
        let mut outcomes = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            outcomes.push(racer.await.unwrap());
        }
        let winners = outcomes.iter().filter(|error| error.is_none()).count();
        let losers = outcomes
            .iter()
            .filter(|error| **error == Some((Code::DuplicateItem, None)))
            .count();
        assert_eq!((winners, losers), (1, 7), "{outcomes:?}");
    }
}
