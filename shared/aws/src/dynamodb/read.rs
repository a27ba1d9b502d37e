//! Consistent reads of rows and queries.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::Timestamp;

use super::expression::{Condition, Expressions};
use super::row::{Attributes, Key, Row, decode, is_live};
use crate::client::SendBoxed;
use crate::error::StoreError;
use crate::store::Store;

/// The index of the directory table that lists the users of a tenant.
const USERS_INDEX: &str = "by_tenant";

/// The order in which the rows of a partition are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The smallest sort key first.
    Ascending,
    /// The largest sort key first.
    Descending,
}

impl Store {
    /// Reads the row at `key`; an expired row counts as absent. `what` is the kind of row, for
    /// errors.
    pub(crate) async fn read_row<T: Row>(
        &self,
        what: &'static str,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        self.read_attributes(key)
            .await?
            .filter(|attributes| is_live(attributes, now))
            .map(|attributes| decode(what, attributes))
            .transpose()
    }

    /// Reads the row at `key` of a kind that never expires. `what` is the kind of row, for errors.
    pub(crate) async fn read_permanent_row<T: Row>(
        &self,
        what: &'static str,
        key: &Key,
    ) -> Result<Option<T>, StoreError> {
        self.read_attributes(key)
            .await?
            .map(|attributes| decode(what, attributes))
            .transpose()
    }

    /// Reads the row at `key` undecoded, expired or not.
    pub(crate) async fn read_attributes(
        &self,
        key: &Key,
    ) -> Result<Option<Attributes>, StoreError> {
        let response = self
            .client()
            .get_item()
            .table_name(&self.tables.control)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("GetItem"))?;
        Ok(response.item)
    }

    /// Reads the rows at `keys`, in their order; absent and expired ones are left out.
    pub(crate) async fn read_rows(
        &self,
        keys: &[Key],
        now: Timestamp,
    ) -> Result<Vec<Attributes>, StoreError> {
        let rows = self.batch_get(&self.tables.control, keys).await?;
        let mut rows: HashMap<Key, Attributes> = rows
            .into_iter()
            .filter(|row| is_live(row, now))
            .filter_map(|row| Some((Key::of(&row)?, row)))
            .collect();
        Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
    }

    /// Returns a consistent query of the control table.
    pub(crate) fn query(&self, key: Condition) -> QueryFluentBuilder {
        self.query_table(&self.tables.control, key)
            .consistent_read(true)
    }

    /// Returns a query of the index of users, which is eventually consistent.
    pub(crate) fn query_users_index(&self, key: Condition) -> QueryFluentBuilder {
        self.query_table(&self.tables.directory, key)
            .index_name(USERS_INDEX)
    }

    fn query_table(&self, table: &str, key: Condition) -> QueryFluentBuilder {
        let expressions = Expressions::new(None, Some(key));
        self.client()
            .query()
            .table_name(table)
            .set_key_condition_expression(expressions.condition)
            .set_expression_attribute_names(expressions.names)
            .set_expression_attribute_values(expressions.values)
    }
}
