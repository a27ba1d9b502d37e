//! A tenant's runs, page by page, by the pointers under `LOG#<tenant>`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use jiff::Timestamp;

use super::{Pointer, Run, RunId, WHAT, key, log};
use crate::row::{self, Attributes, Key};
use crate::transact::pause;
use crate::{Store, StoreError};

/// What `BatchGetItem` takes.
const READ_AT_ONCE: usize = 100;
/// How often a batch is asked for what it left out.
const READ_ROUNDS: u32 = 8;

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
        let mut found = HashMap::new();
        for ids in ids.chunks(READ_AT_ONCE) {
            found.extend(self.read_runs(ids, now).await?);
        }
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
        const OPERATION: &str = "BatchGetItem";
        let mut found = HashMap::new();
        let mut wanted: Vec<Attributes> = ids.iter().map(|id| key(id).attributes()).collect();
        let mut round = 0;
        while !wanted.is_empty() {
            if round == READ_ROUNDS {
                return Err(StoreError::from_code(
                    OPERATION,
                    "ProvisionedThroughputExceeded",
                    Some("runs were left out of every answer"),
                ));
            }
            if round > 0 {
                tokio::time::sleep(pause(round)).await;
            }
            round += 1;
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true)
                .build()?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.tables.control, keys)
                .send()
                .await
                .map_err(StoreError::sdk(OPERATION))?;
            for row in answer.responses.unwrap_or_default().into_values().flatten() {
                if row::is_live(&row, now) {
                    let run: Run = row::decode(WHAT, row)?;
                    found.insert(run.id, run);
                }
            }
            wanted = answer
                .unprocessed_keys
                .unwrap_or_default()
                .into_values()
                .flat_map(|left| left.keys)
                .collect();
        }
        Ok(found)
    }
}
