//! The tenant index: one row under `LIST#<tenant>` for each robot, operator, task and token of a
//! tenant, without data (the entry of a token holds the key of its row and its expiry). An entry is
//! written in the transaction that creates the object. A list is read in two steps: a page of
//! entries, then the rows of the objects.

use aws_sdk_dynamodb::types::TransactWriteItem;

use crate::client::SendBoxed;
use crate::dynamodb::expression::Condition;
use crate::dynamodb::read::Order;
use crate::dynamodb::row::{Attributes, Key, text};
use crate::dynamodb::write::Write;
use crate::error::StoreError;
use crate::store::Store;

/// The kinds of objects in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// By name.
    Operator,
    /// By name.
    Robot,
    /// By number, formatted by [`sortable_number`].
    Task,
    /// By id, which begins with the time of creation.
    Token,
}

impl IndexKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "OPERATOR#",
            Self::Robot => "ROBOT#",
            Self::Task => "TASK#",
            Self::Token => "TOKEN#",
        }
    }
}

/// A page of names in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexPage {
    /// The names.
    pub(crate) names: Vec<String>,
    /// True if more names follow.
    pub(crate) more: bool,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    /// The items; there may be fewer than requested before the end of the list.
    pub items: Vec<T>,
    /// Cursor of the next page; absent on the last page.
    pub next: Option<String>,
}

impl<T> ListPage<T> {
    /// Converts the items.
    pub(crate) fn map<U>(self, convert: impl FnMut(T) -> U) -> ListPage<U> {
        ListPage {
            items: self.items.into_iter().map(convert).collect(),
            next: self.next,
        }
    }
}

/// Formats a number so that the strings sort in numeric order.
pub(crate) fn sortable_number(number: u64) -> String {
    format!("{number:016}")
}

/// Returns the key of an entry.
pub(crate) fn key(tenant: &str, kind: IndexKind, name: &str) -> Key {
    Key::new(format!("LIST#{tenant}"), format!("{}{name}", kind.prefix()))
}

/// Returns an entry without data.
pub(crate) fn row(tenant: &str, kind: IndexKind, name: &str) -> Attributes {
    key(tenant, kind, name).attributes()
}

impl Store {
    /// Returns a write of an entry. Repeating it changes nothing.
    pub(crate) fn index_entry(
        &self,
        tenant: &str,
        kind: IndexKind,
        name: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        self.index_entry_with(&key(tenant, kind, name), Attributes::new())
    }

    /// Returns a write of an entry with data.
    pub(crate) fn index_entry_with(
        &self,
        key: &Key,
        mut entry: Attributes,
    ) -> Result<TransactWriteItem, StoreError> {
        entry.extend(key.attributes());
        Write::put(&self.tables.control, entry).build()
    }

    /// Reads at most `limit` names that follow `after`.
    pub(crate) async fn index_page(
        &self,
        tenant: &str,
        kind: IndexKind,
        order: Order,
        after: Option<&str>,
        limit: u16,
    ) -> Result<IndexPage, StoreError> {
        let start = after.map(|name| key(tenant, kind, name).attributes());
        let tenant = text(format!("LIST#{tenant}"));
        let entries =
            Condition::equals("pk", tenant).and(Condition::begins_with("sk", text(kind.prefix())));
        let response = self
            .query(entries)
            .set_exclusive_start_key(start)
            .scan_index_forward(order == Order::Ascending)
            .limit(i32::from(limit.max(1)))
            .send_boxed()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = response.last_evaluated_key.is_some();
        let names = response
            .items
            .unwrap_or_default()
            .iter()
            .filter_map(|row| row.get("sk")?.as_s().ok()?.strip_prefix(kind.prefix()))
            .map(str::to_owned)
            .collect();
        Ok(IndexPage { names, more })
    }
}
