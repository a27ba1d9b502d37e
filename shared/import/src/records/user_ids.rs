//! Ids of new users.

use std::ops::Range;

use super::sender::{RunError, Sender};

/// User ids, reserved from the counter in blocks. Gaps are acceptable.
#[derive(Default)]
pub(super) struct UserIds(Option<Range<u64>>);

impl UserIds {
    /// Reserves as many ids as are needed at once.
    pub(super) async fn reserve(
        &mut self,
        sender: &Sender<'_>,
        count: usize,
    ) -> Result<(), RunError> {
        let left = self.0.as_ref().map_or(0, |range| range.end - range.start);
        let count = count as u64;
        if count > left {
            self.0 = Some(
                sender
                    .read(sender.store.directory().next_user_ids(count))
                    .await?,
            );
        }
        Ok(())
    }

    /// Returns the next id.
    pub(super) async fn take(&mut self, sender: &Sender<'_>) -> Result<u64, RunError> {
        loop {
            if let Some(id) = self.0.as_mut().and_then(Iterator::next) {
                return Ok(id);
            }
            self.reserve(sender, 1).await?;
        }
    }
}
