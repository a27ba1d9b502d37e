//! Items of a run, for operators and robots: the query, and the page that it finds.

use jiff::Timestamp;
use muster_api::{ItemResponse, Page};
use muster_aws::background::Objects;
use muster_aws::runs::Run;
use muster_aws::runs::items::{ItemFilter, NumberedItem};
use muster_aws::{Store, StoreError};
use muster_core::item::Severity;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::page::page;

/// Filter of items.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// Only items with this code, or a code that starts with it and a dot: `email` matches
    /// `email.malformed`.
    code: Option<String>,
    /// Only items of this severity.
    #[param(inline)]
    severity: Option<Severity>,
    /// Only items about the record with this number.
    record: Option<u64>,
    /// Only items about this JSON key.
    key: Option<String>,
    /// Only items about this user name, in any spelling, as it was sent or as items show it.
    login: Option<String>,
}

impl ItemsQuery {
    /// Reads a page of the items of `run` that match, starting at the item number `from`.
    ///
    /// # Errors
    /// Returns an error if the store request fails.
    pub async fn page(
        self,
        store: &Store,
        objects: &Objects,
        run: &Run,
        from: u64,
        limit: u16,
    ) -> Result<Page<ItemResponse>, StoreError> {
        let Self {
            code,
            severity,
            record,
            key,
            login,
        } = self;
        let filter = ItemFilter {
            code,
            severity,
            record,
            key,
            login,
        };
        let (limit, now) = (limit.into(), Timestamp::now());
        let found = store
            .items()
            .list(objects, run, &filter, from, limit, now)
            .await?;
        let response = |NumberedItem { number, item }| ItemResponse::new(number, item);
        Ok(page(found.items, found.next, response))
    }
}
