//! The values before an iteration's writes, kept ahead of them so that the run can be undone later
//! (protocol.md#kept-values).

use jiff::Timestamp;
use muster_aws::background::Objects;
use muster_aws::runs::RunId;
use muster_aws::runs::chunks::Round;
use muster_aws::runs::undo::{Entry, Packed, RecordNumbers, RequestValues, RunUndo, pack};
use muster_aws::{Store, StoreError};

/// Where the values before the writes of a worker are kept.
#[derive(Debug)]
pub(crate) enum Keeper<'k> {
    /// Nowhere: the task keeps none.
    Nowhere,
    /// In an object for each iteration on a chunk.
    Chunk(ChunkKeeper<'k>),
    /// In the row of a synchronous run, or in objects if they do not fit.
    Request(RequestKeeper<'k>),
}

/// Keeps the values before the writes of one owner of a chunk.
#[derive(Debug)]
pub(crate) struct ChunkKeeper<'k> {
    pub(crate) objects: &'k Objects,
    pub(crate) run: RunId,
    pub(crate) round: Round,
    pub(crate) chunk: u32,
    pub(crate) owner: &'k str,
    /// Days for which they are kept; not 0.
    pub(crate) days: u32,
    /// Names of the objects so far.
    pub(crate) names: Vec<String>,
}

/// Keeps the values before the writes of a request.
#[derive(Debug)]
pub(crate) struct RequestKeeper<'k> {
    objects: &'k Objects,
    days: u32,
    values: RequestValues,
}

impl<'k> Keeper<'k> {
    /// Returns the keeper of a request whose task keeps values for `days`.
    pub(crate) const fn of_request(objects: &'k Objects, run: RunId, days: u32) -> Self {
        if days == 0 {
            return Self::Nowhere;
        }
        Self::Request(RequestKeeper {
            objects,
            days,
            values: RequestValues::new(run, days),
        })
    }

    /// Returns true if it keeps anything.
    pub(crate) const fn keeps(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Keeps the values before some writes that are to be sent. If that fails, none of them may be.
    pub(crate) async fn keep(
        &mut self,
        store: &Store,
        entries: &[Entry],
    ) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        match self {
            Self::Nowhere => Ok(()),
            Self::Chunk(keeper) => keeper.put(pack(entries)?).await,
            Self::Request(keeper) => keeper.put(store, pack(entries)?).await,
        }
    }

    /// Returns what a request that has written these records leaves for an undo.
    pub(crate) fn request_undo(&self, applied: &[u64]) -> Option<RunUndo> {
        let Self::Request(RequestKeeper { days, .. }) = self else {
            return None;
        };
        (!applied.is_empty()).then(|| RunUndo {
            days: *days,
            applied: RecordNumbers::of(applied.to_vec()),
        })
    }

    /// Returns the names of the objects of a chunk that were written.
    pub(crate) fn into_names(self) -> Vec<String> {
        match self {
            Self::Chunk(ChunkKeeper { names, .. }) => names,
            Self::Nowhere | Self::Request(_) => Vec::new(),
        }
    }
}

impl ChunkKeeper<'_> {
    async fn put(&mut self, values: Packed) -> Result<(), StoreError> {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let put = self.objects.put_chunk_values(
            &self.run,
            self.round,
            (self.chunk, self.owner),
            number,
            (values, self.days),
        );
        self.names.push(put.await?);
        Ok(())
    }
}

impl RequestKeeper<'_> {
    async fn put(&mut self, store: &Store, values: Packed) -> Result<(), StoreError> {
        let now = Timestamp::now();
        self.values.add(store, self.objects, values, now).await
    }
}
