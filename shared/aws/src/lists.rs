//! Lists of what a tenant has: one row per thing under `LIST#<tenant>`, without data (a token's says
//! where it is and when it goes), written in the transaction that makes the thing. Who lists reads a page of these, then the things.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;

use crate::row::{self, Attributes, Key};
use crate::{Store, StoreError};

/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By name.
    Operator,
    /// By name.
    Robot,
    /// By number, in [`number`]'s spelling.
    Task,
    /// By id, which begins with the time of its making.
    Token,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "OPERATOR#",
            Self::Robot => "ROBOT#",
            Self::Task => "TASK#",
            Self::Token => "TOKEN#",
        }
    }
}

/// Which end a list is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The smallest name first.
    Ascending,
    /// The largest name first.
    Descending,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// What the things are called.
    pub(crate) names: Vec<String>,
    /// Whether there are more behind the last of them.
    pub(crate) more: bool,
}

/// Some things of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    /// The things; there may be fewer than asked for before the end of the list.
    pub items: Vec<T>,
    /// Behind which the next part begins; absent: this was the last one.
    pub next: Option<String>,
}

impl<T> Part<T> {
    /// The same part of what becomes of the things.
    pub(crate) fn map<U>(self, what: impl FnMut(T) -> U) -> Part<U> {
        Part {
            items: self.items.into_iter().map(what).collect(),
            next: self.next,
        }
    }
}

/// A number so that texts sort as numbers do.
pub(crate) fn number(number: u64) -> String {
    format!("{number:016}")
}

/// Where the entry of a thing is.
pub(crate) fn key(tenant: &str, kind: Kind, name: &str) -> Key {
    Key::new(format!("LIST#{tenant}"), format!("{}{name}", kind.prefix()))
}

/// The row that puts a thing into a list.
pub(crate) fn row(tenant: &str, kind: Kind, name: &str) -> Attributes {
    key(tenant, kind, name).attributes()
}

impl Store {
    /// A write of a transaction: it puts a thing into a list. Repeating it changes nothing.
    pub(crate) fn list_as(
        &self,
        tenant: &str,
        kind: Kind,
        name: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        self.list_with(&key(tenant, kind, name), Attributes::new())
    }

    /// The same for an entry that says more than a name, such as when it goes.
    pub(crate) fn list_with(
        &self,
        key: &Key,
        mut entry: Attributes,
    ) -> Result<TransactWriteItem, StoreError> {
        entry.extend(key.attributes());
        let put = Put::builder()
            .table_name(&self.tables.control)
            .set_item(Some(entry))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// At most `limit` names of a list, those behind `after`.
    pub(crate) async fn listed(
        &self,
        tenant: &str,
        kind: Kind,
        order: Order,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Listed, StoreError> {
        let start = after.map(|name| key(tenant, kind, name).attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :list AND begins_with(sk, :kind)")
            .expression_attribute_values(":list", row::text(format!("LIST#{tenant}")))
            .expression_attribute_values(":kind", row::text(kind.prefix()))
            .set_exclusive_start_key(start)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::from(limit.max(1)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let names = answer
            .items
            .unwrap_or_default()
            .iter()
            .filter_map(|row| row.get("sk")?.as_s().ok()?.strip_prefix(kind.prefix()))
            .map(str::to_owned)
            .collect();
        Ok(Listed { names, more })
    }

    /// The rows at `keys`, in their order, each read consistently; those that are gone or have
    /// expired are left out.
    pub(crate) async fn rows_at(
        &self,
        keys: &[Key],
        now: Timestamp,
    ) -> Result<Vec<Attributes>, StoreError> {
        let rows = self.batch_rows(&self.tables.control, keys).await?;
        let mut rows: HashMap<Key, Attributes> = rows
            .into_iter()
            .filter(|row| row::is_live(row, now))
            .filter_map(|row| Some((Key::of(&row)?, row)))
            .collect();
        Ok(keys.iter().filter_map(|key| rows.remove(key)).collect())
    }
}
