//! What a chunk leaves for an undo of its run (protocol.md#kept-values).

use muster_aws::StoreError;
use muster_aws::background::ChunkMessage;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::undo::{ChunkUndo, RecordNumbers};

use super::runner::Runner;
use crate::records::kept::{ChunkKeeper, Keeper};
use crate::records::record::RecordOutcomes;

impl Runner {
    /// Returns the keeper of an owner of a chunk, whose task keeps values for `days`.
    pub(super) fn keeper<'k>(
        &'k self,
        message: &ChunkMessage,
        owner: &'k str,
        days: u32,
    ) -> Keeper<'k> {
        if days == 0 || message.round == Round::Plan {
            return Keeper::Nowhere;
        }
        Keeper::Chunk(ChunkKeeper {
            objects: &self.background.objects,
            run: message.run,
            round: message.round,
            chunk: message.chunk,
            owner,
            days,
            names: Vec::new(),
        })
    }

    /// Returns what a chunk leaves for an undo, given the names of this owner's objects. If an earlier
    /// owner may have written one of its records, all objects of the chunk count.
    pub(super) async fn chunk_undo(
        &self,
        message: &ChunkMessage,
        days: u32,
        outcomes: &RecordOutcomes,
        outcome_unknown: bool,
        own: Vec<String>,
    ) -> Result<Option<ChunkUndo>, StoreError> {
        if days == 0 || message.round == Round::Plan || outcomes.applied.is_empty() {
            return Ok(None);
        }
        let objects = if outcome_unknown || outcomes.settled {
            let objects = &self.background.objects;
            let all = objects.chunk_values(&message.run, message.round, message.chunk);
            all.await?
        } else {
            own
        };
        Ok(Some(ChunkUndo {
            days,
            objects,
            applied: RecordNumbers::of(outcomes.applied.clone()),
        }))
    }
}
