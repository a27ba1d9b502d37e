//! The objects with the values before.
//!
//! Each has a tag with the number of days for which it is kept, rounded up to one of three: the bucket's
//! lifecycle has a rule for each of them (infra/template.yaml). A rule for every number from 1 to 90
//! would be no truer to a task than its own `undo_until`, after which nothing is undone.

use super::Packed;
use crate::error::StoreError;
use crate::runs::id::RunId;
use crate::runs::round::Round;
use crate::s3::Objects;

/// Key of the tag.
const TAG: &str = "undo-days";
/// End of the keys.
const SUFFIX: &str = ".before";

fn folder(run: &RunId) -> String {
    format!("kept/{run}/")
}

/// Returns the days of the lifecycle rule for a task's days.
const fn lifecycle_days(days: u32) -> u32 {
    match days {
        0..=7 => 7,
        8..=30 => 30,
        _ => 90,
    }
}

impl Objects {
    /// Writes the values before some writes of a chunk, before these are sent. Returns the name of the
    /// object for the row of the chunk.
    ///
    /// # Errors
    /// Returns an error if the request to the bucket fails; the object may have been written, which is
    /// harmless without the writes.
    pub async fn put_chunk_values(
        &self,
        run: &RunId,
        round: Round,
        (chunk, owner): (u32, &str),
        number: u32,
        (values, days): (Packed, u32),
    ) -> Result<String, StoreError> {
        let name = format!("{chunk}-{owner}-{number}");
        self.put_values(run, round, &name, values, days).await?;
        Ok(name)
    }

    /// Writes the values before some writes of a synchronous run. Returns the name of the object.
    pub(super) async fn put_request_values(
        &self,
        run: &RunId,
        number: usize,
        (values, days): (Packed, u32),
    ) -> Result<String, StoreError> {
        let name = format!("request-{number}");
        self.put_values(run, Round::Apply, &name, values, days)
            .await?;
        Ok(name)
    }

    async fn put_values(
        &self,
        run: &RunId,
        round: Round,
        name: &str,
        Packed(values): Packed,
        days: u32,
    ) -> Result<(), StoreError> {
        let key = format!("{}{}/{name}{SUFFIX}", folder(run), round.as_str());
        let tag = format!("{TAG}={}", lifecycle_days(days));
        self.put_tagged(&key, values, &tag).await
    }

    /// Returns the names of the objects that all owners of a chunk have written in a round.
    ///
    /// # Errors
    /// Returns an error if a request to the bucket fails.
    pub async fn chunk_values(
        &self,
        run: &RunId,
        round: Round,
        chunk: u32,
    ) -> Result<Vec<String>, StoreError> {
        let folder = format!("{}{}/", folder(run), round.as_str());
        let keys = self.list(&format!("{folder}{chunk}-")).await?;
        let names = keys.iter().filter_map(|key| {
            let name = key.strip_prefix(&folder)?.strip_suffix(SUFFIX)?;
            Some(name.to_owned())
        });
        Ok(names.collect())
    }

    /// Deletes all values before a run.
    pub(super) async fn delete_values(&self, run: &RunId) -> Result<(), StoreError> {
        for key in self.list(&folder(run)).await? {
            if key.ends_with(SUFFIX) {
                self.delete(&key).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_goes_before_the_days_of_its_task() {
        for days in 1..=muster_core::limits::MAX_UNDO_DAYS {
            assert!(lifecycle_days(days) >= days, "{days}");
        }
        let steps = [1, 7, 8, 30, 31, 90].map(lifecycle_days);
        assert_eq!(steps, [7, 7, 30, 30, 90, 90]);
    }
}
