//! A tenant's runs, page by page, by the pointers under `LOG#<tenant>`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{Pointer, Run, RunId, WHAT, key, log};
use crate::row::{self, Attributes, Key};
use crate::{Store, StoreError};

/// Some runs of a tenant, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page begins; absent: this was the last one.
    pub next: Option<RunId>,
}

impl Store {
    /// At most `limit` runs of `tenant` that began before `before`, the newest first. A page may
    /// hold fewer than there are; the last one has no `next`.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list_runs(
        &self,
        tenant: &str,
        before: Option<&RunId>,
        limit: u16,
        now: Timestamp,
    ) -> Result<RunPage, StoreError> {
        let start = before.map(|run| Key::new(log(tenant), run.to_string()).attributes());
        let answer = self
            .client
            .query()
            .table_name(&self.tables.control)
            .key_condition_expression("pk = :log")
            .expression_attribute_values(":log", AttributeValue::S(log(tenant)))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(i32::from(limit.max(1)))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::sdk("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let ids = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(|row| row::decode::<Pointer>("a run's pointer", row).map(|pointer| pointer.run))
            .collect::<Result<Vec<_>, _>>()?;
        let mut found = self.read_runs(&ids, now).await?;
        Ok(RunPage {
            next: ids.last().copied().filter(|_| more),
            // A pointer without its run is one that DynamoDB has not deleted yet.
            runs: ids.iter().filter_map(|id| found.remove(id)).collect(),
        })
    }

    async fn read_runs(
        &self,
        ids: &[RunId],
        now: Timestamp,
    ) -> Result<HashMap<RunId, Run>, StoreError> {
        let keys: Vec<Attributes> = ids.iter().map(|id| key(id).attributes()).collect();
        let rows = self.batch_rows(&self.tables.control, &keys).await?;
        rows.into_iter()
            .filter(|row| row::is_live(row, now))
            .map(|row| row::decode(WHAT, row).map(|run: Run| (run.id, run)))
            .collect()
    }
}
