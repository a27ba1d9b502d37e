//! placeholder until merged
use crate::StoreError;
use crate::background::Objects;
use crate::rounds::Round;
use crate::runs::RunId;
use muster_core::item::Item;

/// Kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// by
    pub by: String,
}

impl Objects {
    /// keep
    /// # Errors
    /// bucket
    pub async fn keep(
        &self,
        _run: &RunId,
        _round: Round,
        _chunk: u32,
        _by: &str,
        _items: &[Item],
        _rejected: &[String],
    ) -> Result<Option<Kept>, StoreError> {
        Ok(None)
    }
}
