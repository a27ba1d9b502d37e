//! A writer: plans or applies one chunk of a run. It takes the chunk for a while, reads the run
//! behind that, and writes what came of it only if the chunk is still its own (PROTOCOL §5). What it
//! applied and could not report is found by the stamps it left in the users.

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::background::{ChunkMessage, Work};
use muster_aws::items::count_codes;
use muster_aws::rounds::{ChunkResult, Round, Started};
use muster_aws::runs::{NewRun, Run};
use muster_core::item::Item;
use muster_core::reader::Sizes;
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::survey::{ChunkRecords, CollectedChunk, Rejected, Repeats, collect_chunk};

use crate::apply::apply;
use crate::background::{Runner, chunk_key, chunked, random_name, was_handed_over, writing_as};
use crate::deadline::Deadline;
use crate::foresight::count;
use crate::planning::plan_all;
use crate::processing;
use crate::sending::{Halt, Sender};
use crate::times::whole_millis;
use crate::work::{Ledger, RunContext};

/// A chunk as it was read.
pub(crate) struct Chunk {
    first: u64,
    text: Bytes,
    pub(crate) rules: std::sync::Arc<Rules>,
    pub(crate) collected: CollectedChunk,
}

/// A writer's turn at a chunk.
struct Turn {
    owner: String,
    work: Work,
    deadline: Deadline,
}

/// What a writer came to.
pub(crate) enum Written {
    /// All of the chunk.
    All(ChunkResult),
    /// Its time was over, or the store failed. `some`: something was written before.
    Part { cause: Halt, some: bool },
}

impl Runner {
    /// Works on the chunk that a message names. A message that is late, or there twice, changes
    /// nothing.
    ///
    /// # Errors
    /// What the tables, the bucket or a queue say; the message is to be delivered again then.
    pub fn write(&self, message: ChunkMessage) -> BoxFuture<'_, Result<(), StoreError>> {
        // Boxed, as the futures of one chunk nest deeply.
        async move { self.write_one(&message).await }.boxed()
    }

    async fn write_one(&self, message: &ChunkMessage) -> Result<(), StoreError> {
        let deadline = Deadline::of_chunk(self.times);
        let Some(run) = self.wanted(message).await? else {
            return Ok(());
        };
        let owner = random_name();
        let now = Timestamp::now();
        let over = run.job.as_ref().is_some_and(|job| self.is_over(job, now));
        if over && run.state != State::Stopping {
            // The sweep gives it up; a stamp must outlast whoever is begun with here.
            return Ok(());
        }
        let (held, round) = (self.times.chunk_held(), message.round);
        let started = self
            .store
            .start_chunk(&run.id, round, message.chunk, &owner, held, now);
        let unsure = match started.await? {
            Started::Mine { tries, unsure } => {
                tracing::debug!(import.id = %run.id, chunk = message.chunk, tries, unsure, "a chunk was begun with");
                unsure
            }
            Started::Committed => return self.settle(&run).await,
            // If they do not come to an end, the sweep sends the chunk again.
            Started::Busy => return Ok(()),
        };
        // Whoever stops the run behind this knows that the chunk was begun with.
        let Some(run) = self.wanted(message).await? else {
            return Ok(());
        };
        let work = if run.state == State::Stopping {
            Work::Reconcile
        } else {
            message.work
        };
        let chunk = self.chunk(&run, message).await?;
        let written = match work {
            Work::Write => {
                self.work(&run, message, deadline, (&owner, unsure), chunk)
                    .boxed()
                    .await?
            }
            Work::Reconcile => {
                self.reconcile(&run, message, deadline, &owner, chunk)
                    .boxed()
                    .await?
            }
        };
        let turn = Turn {
            owner,
            work,
            deadline,
        };
        self.conclude(&run, message, &turn, written).await
    }

    /// The run of a message, if it is still in the round that the message is for.
    async fn wanted(&self, message: &ChunkMessage) -> Result<Option<Run>, StoreError> {
        let run = self.store.get_run(&message.run, Timestamp::now()).await?;
        let Some(run) = run else {
            return Ok(None);
        };
        let Some((_, chunked)) = chunked(&run) else {
            return Ok(None);
        };
        let wanted = Round::of(run.state) == Some(message.round)
            && chunked.attempt == message.attempt
            && message.chunk < chunked.chunks;
        // The rest of it may have been lost with somebody.
        if !wanted {
            self.settle(&run).await?;
        }
        Ok(wanted.then_some(run))
    }

    async fn conclude(
        &self,
        run: &Run,
        message: &ChunkMessage,
        turn: &Turn,
        written: Written,
    ) -> Result<(), StoreError> {
        let (round, chunk, owner) = (message.round, message.chunk, turn.owner.as_str());
        match written {
            Written::All(result) => {
                let now = Timestamp::now();
                let records = result.records();
                let committed =
                    self.store
                        .commit_chunk(&run.id, round, chunk, Some(owner), &result, now);
                if !committed.await? {
                    return Ok(());
                }
                let duration_ms = whole_millis(turn.deadline.elapsed());
                let (round_name, work) = (round.as_str(), turn.work.as_str());
                tracing::info!(import.id = %run.id, task.id = run.task, chunk, round = round_name, work, records, duration_ms, "a chunk is done");
                let all = chunked(run).map_or(0, |(_, chunked)| u64::from(chunked.chunks));
                let progress = self.store.count_chunk(&run.id, round, records, now).await?;
                if progress.chunks >= all {
                    self.settle(run).await?;
                }
                Ok(())
            }
            Written::Part { cause, some } => {
                tracing::warn!(import.id = %run.id, chunk, some, %cause, "a chunk was not finished");
                if !some {
                    return Err(cause.into_error());
                }
                let certain = matches!(cause, Halt::OutOfTime { certain: true });
                self.store
                    .release_chunk(&run.id, round, chunk, owner, certain)
                    .await?;
                if !certain {
                    return Err(cause.into_error());
                }
                self.queue(run, [chunk], message.work).await
            }
        }
    }

    /// Reads the chunk that a message names.
    async fn chunk(&self, run: &Run, message: &ChunkMessage) -> Result<Chunk, StoreError> {
        let key = chunk_key(&run.id, &message.attempt, message.chunk);
        let (settings, object, repeated) = futures::try_join!(
            self.settings(run),
            self.background.objects.get(&key),
            self.store
                .repeated(&run.id, &message.attempt, message.chunk),
        )?;
        let object = object.ok_or_else(|| unreadable("it is not in the bucket"))?;
        let (_, rules) = settings;
        // Parsing keeps a core busy, so it stays off the tokio workers.
        let read = tokio::task::spawn_blocking(move || read(&object, &repeated, rules));
        match read.await {
            Ok(chunk) => chunk,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    async fn work(
        &self,
        run: &Run,
        message: &ChunkMessage,
        deadline: Deadline,
        (owner, unsure): (&str, bool),
        chunk: Chunk,
    ) -> Result<Written, StoreError> {
        let new_run = writing_as(run);
        let mut context = self.context(run, &new_run);
        context.unsure = unsure || was_handed_over(run);
        let mut sender = Sender::new(&self.store, deadline);
        let Chunk {
            first,
            text,
            rules,
            collected,
        } = chunk;
        let CollectedChunk {
            collected,
            mut rejected,
        } = collected;
        let (mut ledger, records) = Ledger::open(collected);
        let done = async {
            let (records, standing) =
                plan_all(&sender, &rules, &context, records, &mut ledger).await?;
            match message.round {
                Round::Plan => {
                    count(&sender, &rules, &context, records, &standing, &mut ledger).await
                }
                Round::Apply => {
                    apply(
                        &mut sender,
                        &rules,
                        &context,
                        records,
                        standing,
                        &mut ledger,
                    )
                    .await
                }
            }
        };
        if let Err(cause) = done.await {
            let some = sender.written > 0;
            return Ok(Written::Part { cause, some });
        }
        let refused = std::mem::take(&mut ledger.refused);
        let (counts, items) = ledger.close();
        rejected.extend(refused_later(&rules, first, &text, &refused, &items));
        rejected.sort_by_key(|rejected| rejected.record);
        let lines: Vec<String> = rejected.into_iter().map(|rejected| rejected.line).collect();
        let kept = self.background.objects.keep(
            &run.id,
            message.round,
            message.chunk,
            owner,
            &items,
            &lines,
        );
        Ok(Written::All(ChunkResult {
            counts,
            item_counts: count_codes(&items),
            kept: kept.await?,
            left_out: 0,
        }))
    }

    pub(crate) fn context<'r>(&self, run: &Run, new_run: &'r NewRun) -> RunContext<'r> {
        let now = Timestamp::now();
        let acquired_at = run.job.as_ref().map_or(now, |job| job.acquired_at);
        RunContext::new(new_run, acquired_at, now, self.times)
    }
}

fn unreadable(reason: &str) -> StoreError {
    StoreError::Row {
        row: "a chunk",
        reason: reason.to_owned(),
    }
}

fn read(object: &Bytes, repeated: &Repeats, rules: Rules) -> Result<Chunk, StoreError> {
    let (first, text) =
        processing::decode(object).ok_or_else(|| unreadable("it does not say where it begins"))?;
    let collected = collect_chunk(&text, first, repeated, &rules, Sizes::default())
        .map_err(|_| unreadable("it is not what the processor wrote"))?;
    Ok(Chunk {
        first,
        text,
        rules: rules.into(),
        collected,
    })
}

/// The records that were ignored for what the directory says, to be handed back.
fn refused_later(
    rules: &Rules,
    first: u64,
    text: &Bytes,
    refused: &[u64],
    items: &[Item],
) -> Vec<Rejected> {
    if refused.is_empty() {
        return Vec::new();
    }
    let records = ChunkRecords::new(text, first);
    let rejected = refused.iter().filter_map(|record| {
        let start = items.partition_point(|item| item.record < Some(*record));
        let about = items.get(start..).unwrap_or_default();
        let about = about.iter().take_while(|item| item.record == Some(*record));
        records.rejected(rules, *record, about)
    });
    rejected.collect()
}
