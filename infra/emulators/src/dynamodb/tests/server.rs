//! The server: tables, files, limits, start and stop.

use super::*;

#[tokio::test]
async fn expired_rows_stay_until_they_are_deleted() {
    let harness = start(None).await;
    let table = &harness.tables.control.name;
    for (sk, expires_at) in [("old", 1_000_000_000), ("young", 9_000_000_000)] {
        harness
            .client
            .put_item()
            .table_name(table)
            .item("pk", text("TOKEN#1"))
            .item("sk", text(sk))
            .item("expires_at", number(expires_at))
            .send()
            .await
            .unwrap();
    }
    let count = || async {
        let query = harness
            .client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text("TOKEN#1"))
            .consistent_read(true);
        query.send().await.unwrap().count()
    };
    assert_eq!(count().await, 2);
    assert_eq!(harness.server.delete_expired_rows().await.unwrap(), 1);
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn tables_and_items_survive_a_restart_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dynamodb.sqlite");
    let first = start(Some(&file)).await;
    first
        .batch(vec![insert(first.directory(), "U#a", "Ann")])
        .await;
    first.server.stop().await.unwrap();

    let second = start(Some(&file)).await;
    assert_eq!(second.get("U#a").await.unwrap()["name"], text("Ann"));
}

#[tokio::test]
async fn a_table_of_another_shape_is_refused_and_the_difference_is_named() {
    let harness = start(None).await;
    let mut tables = TableDefinitions::embedded().unwrap();
    tables.directory.indexes[0].index_name = "by_shard".to_owned();
    let error = ensure_tables(&harness.client, &tables).await.unwrap_err();
    assert!(error.to_string().contains("its indexes differ"), "{error}");

    let mut tables = TableDefinitions::embedded().unwrap();
    tables.control.key.pop();
    let error = ensure_tables(&harness.client, &tables).await.unwrap_err();
    assert!(error.to_string().contains("its keys differ"), "{error}");
}

#[tokio::test]
async fn a_request_above_16_mb_is_refused_and_the_server_keeps_running() {
    let harness = start(None).await;
    let put = |bytes: usize| {
        harness
            .client
            .put_item()
            .table_name(harness.directory())
            .item("pk", text("U#a"))
            .item("blob", text(&"x".repeat(bytes)))
            .send()
    };
    let item_too_large = put(401 * 1024).await.unwrap_err();
    assert_eq!(item_too_large.code(), Some("ValidationException"));
    assert!(put(17 * 1024 * 1024).await.is_err());
    put(300 * 1024).await.unwrap();
    assert!(harness.get("U#a").await.is_some());
}

#[tokio::test]
async fn stopping_frees_the_port_while_clients_keep_connections_open() {
    let harness = start(None).await;
    let port = harness.server.address.port();
    assert!(harness.get("U#a").await.is_none());
    harness.server.stop().await.unwrap();
    let again = DynamoDb::start(loopback::listen(port).unwrap(), None).unwrap();
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dynamodb.sqlite");
    std::fs::write(
        &file,
        "this is a text, and a long one, not a database at all\n".repeat(40),
    )
    .unwrap();
    let error = DynamoDb::start(any_port(), Some(&file))
        .unwrap_err()
        .to_string();
    assert!(error.contains("dynamodb.sqlite"), "{error}");
}
