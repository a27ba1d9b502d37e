//! Permissions of calls to DynamoDB: an action on a table, or on `table/index/name`.

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementInput;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::TransactWriteItem;

use super::grants::Grants;

const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
const UPDATE: &str = "dynamodb:UpdateItem";
const DELETE: &str = "dynamodb:DeleteItem";

/// Adds the permissions that the call needs. Returns false if the operation is unknown here.
pub(super) fn add(
    grants: &mut Grants,
    context: &BeforeSerializationInterceptorContextRef<'_>,
) -> bool {
    let input = context.input();
    if let Some(get) = input.downcast_ref::<GetItemInput>() {
        grants.add(GET, get.table_name());
    } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
        grants.add(PUT, put.table_name());
    } else if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
        grants.add(UPDATE, update.table_name());
    } else if let Some(delete) = input.downcast_ref::<DeleteItemInput>() {
        grants.add(DELETE, delete.table_name());
    } else if let Some(query) = input.downcast_ref::<QueryInput>() {
        let table = query.table_name().unwrap_or_default();
        let index = query.index_name();
        let resource = index.map(|index| format!("{table}/index/{index}"));
        grants.add("dynamodb:Query", Some(resource.as_deref().unwrap_or(table)));
    } else if let Some(get) = input.downcast_ref::<BatchGetItemInput>() {
        let items = get.request_items().into_iter();
        for table in items.flat_map(|items| items.keys()) {
            grants.add("dynamodb:BatchGetItem", Some(table));
        }
    } else if let Some(batch) = input.downcast_ref::<BatchExecuteStatementInput>() {
        for statement in batch.statements() {
            let (action, table) = partiql(statement.statement());
            grants.add(action, table);
        }
    } else if let Some(writes) = input.downcast_ref::<TransactWriteItemsInput>() {
        for write in writes.transact_items() {
            add_write(grants, write);
        }
    } else {
        return false;
    }
    true
}

/// Adds the permission of one write. A transaction needs the permissions of its writes; there is
/// none for the transaction itself.
fn add_write(grants: &mut Grants, write: &TransactWriteItem) {
    if let Some(put) = write.put() {
        grants.add(PUT, Some(put.table_name()));
    }
    if let Some(update) = write.update() {
        grants.add(UPDATE, Some(update.table_name()));
    }
    if let Some(delete) = write.delete() {
        grants.add(DELETE, Some(delete.table_name()));
    }
    if let Some(check) = write.condition_check() {
        grants.add("dynamodb:ConditionCheckItem", Some(check.table_name()));
    }
}

/// Returns the action of a PartiQL statement and its table, the first quoted name.
fn partiql(statement: &str) -> (&'static str, Option<&str>) {
    let action = match statement.split_whitespace().next() {
        Some("INSERT") => "dynamodb:PartiQLInsert",
        Some("UPDATE") => "dynamodb:PartiQLUpdate",
        Some("DELETE") => "dynamodb:PartiQLDelete",
        Some("SELECT") => "dynamodb:PartiQLSelect",
        _ => "dynamodb:(unknown PartiQL)",
    };
    (action, statement.split('"').nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_needs_the_action_of_its_verb_on_its_table() {
        for (statement, expected) in [
            (
                r#"INSERT INTO "t-directory" VALUE {'pk': ?}"#,
                "dynamodb:PartiQLInsert",
            ),
            (
                r#"UPDATE "t-directory" SET "name"=? WHERE "pk"=?"#,
                "dynamodb:PartiQLUpdate",
            ),
            (
                r#"DELETE FROM "t-directory" WHERE "pk"=?"#,
                "dynamodb:PartiQLDelete",
            ),
        ] {
            assert_eq!(partiql(statement), (expected, Some("t-directory")));
        }
    }
}
