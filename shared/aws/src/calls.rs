//! Every call to DynamoDB in the log, at level DEBUG: what is asked of which table, never data.
//! The line names what a role must grant for the call, so that roles can be compared with what is
//! done under them.

use std::collections::BTreeSet;
use std::fmt;

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_execute_statement::BatchExecuteStatementInput;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::TransactWriteItem;

/// Logs each call once, however often the SDK tries it.
#[derive(Debug)]
pub(crate) struct Calls;

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "muster calls"
    }

    fn read_before_execution(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let grants = Grants::of(context);
            tracing::debug!(%grants, "call");
        }
        Ok(())
    }
}

/// An action of IAM and what it is done to: a table, or `table/index/name`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    action: &'static str,
    resource: String,
}

/// What one call needs: `dynamodb:GetItem muster-control`, a comma between two.
#[derive(Debug, Default)]
struct Grants(BTreeSet<Grant>);

impl Grants {
    fn of(context: &BeforeSerializationInterceptorContextRef<'_>) -> Self {
        let input = context.input();
        let mut grants = Self::default();
        if let Some(get) = input.downcast_ref::<GetItemInput>() {
            grants.add("GetItem", get.table_name());
        } else if let Some(put) = input.downcast_ref::<PutItemInput>() {
            grants.add("PutItem", put.table_name());
        } else if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
            grants.add("UpdateItem", update.table_name());
        } else if let Some(delete) = input.downcast_ref::<DeleteItemInput>() {
            grants.add("DeleteItem", delete.table_name());
        } else if let Some(query) = input.downcast_ref::<QueryInput>() {
            let table = query.table_name().unwrap_or_default();
            let index = query.index_name();
            let resource = index.map(|index| format!("{table}/index/{index}"));
            grants.add("Query", Some(resource.as_deref().unwrap_or(table)));
        } else if let Some(get) = input.downcast_ref::<BatchGetItemInput>() {
            for table in get
                .request_items()
                .into_iter()
                .flat_map(|items| items.keys())
            {
                grants.add("BatchGetItem", Some(table));
            }
        } else if let Some(batch) = input.downcast_ref::<BatchExecuteStatementInput>() {
            for statement in batch.statements() {
                let (action, table) = partiql(statement.statement());
                grants.add(action, table);
            }
        } else if let Some(writes) = input.downcast_ref::<TransactWriteItemsInput>() {
            for write in writes.transact_items() {
                grants.add_write(write);
            }
        } else {
            // To be seen in the comparison with the roles, which knows no such action.
            grants.add("(unknown to muster_aws::calls)", None);
        }
        grants
    }

    fn add(&mut self, action: &'static str, resource: Option<&str>) {
        let resource = resource.unwrap_or_default().to_owned();
        self.0.insert(Grant { action, resource });
    }

    /// A transaction needs the rights of what is in it; there is none for the transaction.
    fn add_write(&mut self, write: &TransactWriteItem) {
        if let Some(put) = write.put() {
            self.add("PutItem", Some(put.table_name()));
        }
        if let Some(update) = write.update() {
            self.add("UpdateItem", Some(update.table_name()));
        }
        if let Some(delete) = write.delete() {
            self.add("DeleteItem", Some(delete.table_name()));
        }
        if let Some(check) = write.condition_check() {
            self.add("ConditionCheckItem", Some(check.table_name()));
        }
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Grant { action, resource }) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}dynamodb:{action} {resource}")?;
        }
        Ok(())
    }
}

/// The action of a PartiQL statement and its table, the first quoted name.
fn partiql(statement: &str) -> (&'static str, Option<&str>) {
    let action = match statement.split_whitespace().next() {
        Some("INSERT") => "PartiQLInsert",
        Some("UPDATE") => "PartiQLUpdate",
        Some("DELETE") => "PartiQLDelete",
        Some("SELECT") => "PartiQLSelect",
        _ => "(unknown PartiQL)",
    };
    (action, statement.split('"').nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_needs_the_right_of_its_verb_on_its_table() {
        for (statement, expected) in [
            (
                r#"INSERT INTO "t-directory" VALUE {'pk': ?}"#,
                "PartiQLInsert",
            ),
            (
                r#"UPDATE "t-directory" SET "name"=? WHERE "pk"=?"#,
                "PartiQLUpdate",
            ),
            (r#"DELETE FROM "t-directory" WHERE "pk"=?"#, "PartiQLDelete"),
        ] {
            assert_eq!(partiql(statement), (expected, Some("t-directory")));
        }
    }

    #[test]
    fn grants_are_listed_once_each() {
        let mut grants = Grants::default();
        for table in ["b", "a", "b"] {
            grants.add("GetItem", Some(table));
        }
        assert_eq!(grants.to_string(), "dynamodb:GetItem a, dynamodb:GetItem b");
    }
}
