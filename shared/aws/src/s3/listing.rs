//! Objects that are found by the beginning of their keys, and deleted.

use bytes::Bytes;

use super::Objects;
use crate::client::SendBoxed;
use crate::error::StoreError;

impl Objects {
    /// Writes an object with a tag, `key=value`.
    pub(crate) async fn put_tagged(
        &self,
        key: &str,
        body: Bytes,
        tag: &str,
    ) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .tagging(tag)
            .body(body.into())
            .send_boxed()
            .await
            .map_err(StoreError::sdk("PutObject"))?;
        Ok(())
    }

    /// Returns the keys that begin with `prefix`, in order.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_continuation_token(next)
                .send_boxed()
                .await
                .map_err(StoreError::sdk("ListObjectsV2"))?;
            let found = page.contents.unwrap_or_default().into_iter();
            keys.extend(found.filter_map(|object| object.key));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Deletes an object, if it exists.
    pub(crate) async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.client
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send_boxed()
            .await
            .map_err(StoreError::sdk("DeleteObject"))?;
        Ok(())
    }
}
