//! The writer: plans or applies one chunk of a run.
//!
//! It leases the chunk, then reads the run, and records the chunk's result only if it still owns
//! the lease (protocol.md#chunk-leases). What it applied and could not report is recognised by the
//! stamps that it left in the users.

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_aws::StoreError;
use muster_aws::background::{ChunkMessage, Work};
use muster_aws::runs::Run;
use muster_aws::runs::chunks::{ChunkResult, LeaseOutcome, Round};
use muster_aws::runs::items::count_codes;
use muster_core::item::Item;
use muster_core::rules::Rules;
use muster_core::run::State;
use muster_core::scan::{ChunkRecords, CollectedChunk, RejectedRecord};
use tracing::Instrument as _;

use super::chunk::{ChunkOutcome, LoadedChunk, invalid_chunk, load};
use super::runner::Runner;
use crate::deadline::Deadline;
use crate::records::apply::apply;
use crate::records::dry_run;
use crate::records::moves::GivenUp;
use crate::records::plan::plan_all;
use crate::records::record::RecordOutcomes;
use crate::records::sender::{RunError, Sender};
use crate::run::chunks::{chunk_key, random_name};
use crate::run::job::{as_new_run, chunked, was_handed_over};
use crate::times::whole_millis;
use crate::{blocking, span};

/// A chunk that this writer has leased.
struct LeasedChunk {
    owner: String,
    work: Work,
    deadline: Deadline,
}

impl Runner {
    /// Works on the chunk that a message names. A late or duplicate message changes nothing.
    ///
    /// # Errors
    /// Returns an error if a request to the tables, the bucket or a queue fails. The message must
    /// be redelivered then.
    pub fn write(&self, message: ChunkMessage) -> BoxFuture<'_, Result<(), StoreError>> {
        let span = span::chunk(&message);
        // Boxed, because the futures of one chunk nest deeply.
        async move { self.write_one(&message).await }
            .instrument(span)
            .boxed()
    }

    async fn write_one(&self, message: &ChunkMessage) -> Result<(), StoreError> {
        let deadline = Deadline::start_chunk(self.times);
        let Some(run) = self.current_run(message).await? else {
            return Ok(());
        };
        span::record_task(run.task);
        let owner = random_name();
        let now = Timestamp::now();
        let overdue = run
            .job
            .as_ref()
            .is_some_and(|job| self.is_overdue(job, now));
        if overdue && run.state != State::Stopping {
            // The sweeper abandons the run. Its stamps must outlive every writer that starts here.
            return Ok(());
        }
        let (lease, round) = (self.times.chunk_lease(), message.round);
        let started = self
            .store
            .chunks()
            .lease(&run.id, round, message.chunk, &owner, lease, now);
        let outcome_unknown = match started.await? {
            LeaseOutcome::Leased {
                attempts,
                outcome_unknown,
            } => {
                tracing::debug!(attempt = attempts, outcome_unknown, "leased a chunk");
                outcome_unknown
            }
            LeaseOutcome::Committed => return self.complete_round(&run).await,
            // If its owner does not finish, the sweeper sends the chunk again.
            LeaseOutcome::Busy => return Ok(()),
        };
        // Read again: whoever stops the run from here on sees that the chunk was started.
        let Some(run) = self.current_run(message).await? else {
            return Ok(());
        };
        let work = if run.state == State::Stopping {
            Work::Reconcile
        } else {
            message.work
        };
        let chunk = self.load_chunk(&run, message).await?;
        let outcome = match work {
            Work::Write => {
                self.write_records(&run, message, deadline, (&owner, outcome_unknown), chunk)
                    .boxed()
                    .await?
            }
            Work::Reconcile => {
                self.reconcile(&run, message, deadline, &owner, chunk)
                    .boxed()
                    .await?
            }
        };
        let leased = LeasedChunk {
            owner,
            work,
            deadline,
        };
        self.conclude(&run, message, &leased, outcome).await
    }

    /// Returns the run of a message, if it is still in the message's round.
    async fn current_run(&self, message: &ChunkMessage) -> Result<Option<Run>, StoreError> {
        let run = self
            .store
            .runs()
            .get(&message.run, Timestamp::now())
            .await?;
        let Some(run) = run else {
            return Ok(None);
        };
        let Some((_, chunked)) = chunked(&run) else {
            return Ok(None);
        };
        let is_current = Round::of(run.state) == Some(message.round)
            && chunked.attempt == message.attempt
            && message.chunk < chunked.chunks;
        // The worker that was to complete the round may have died.
        if !is_current {
            self.complete_round(&run).await?;
        }
        Ok(is_current.then_some(run))
    }

    /// Commits the result of a chunk, or releases the lease.
    async fn conclude(
        &self,
        run: &Run,
        message: &ChunkMessage,
        leased: &LeasedChunk,
        outcome: ChunkOutcome,
    ) -> Result<(), StoreError> {
        let (round, chunk, owner) = (message.round, message.chunk, leased.owner.as_str());
        match outcome {
            ChunkOutcome::Complete(result) => {
                let now = Timestamp::now();
                let records = result.records();
                let committed =
                    self.store
                        .chunks()
                        .commit(&run.id, round, chunk, Some(owner), &result, now);
                if !committed.await? {
                    tracing::info!("discarded the result of a chunk whose lease was lost");
                    return Ok(());
                }
                tracing::info!(
                    round = round.as_str(),
                    work = leased.work.as_str(),
                    records,
                    duration_ms = whole_millis(leased.deadline.elapsed()),
                    "chunk finished"
                );
                let chunks = chunked(run).map_or(0, |(_, chunked)| u64::from(chunked.chunks));
                let progress = self
                    .store
                    .chunks()
                    .count(&run.id, round, records, now)
                    .await?;
                if progress.chunks >= chunks {
                    self.complete_round(run).await?;
                }
                Ok(())
            }
            ChunkOutcome::Partial { cause, wrote_some } => {
                tracing::warn!(wrote_some, %cause, "chunk interrupted");
                if !wrote_some {
                    return Err(cause.into_error());
                }
                let certain = matches!(cause, RunError::OutOfTime { certain: true });
                self.store
                    .chunks()
                    .release(&run.id, round, chunk, owner, certain)
                    .await?;
                if !certain {
                    return Err(cause.into_error());
                }
                self.queue_chunks(run, [chunk], message.work).await
            }
        }
    }

    /// Reads and parses the chunk that a message names.
    async fn load_chunk(
        &self,
        run: &Run,
        message: &ChunkMessage,
    ) -> Result<LoadedChunk, StoreError> {
        let key = chunk_key(&run.id, &message.attempt, message.chunk);
        let (settings, object, repeated) = futures::try_join!(
            self.settings(run),
            self.background.objects.get(&key),
            self.store
                .chunks()
                .repeated(&run.id, &message.attempt, message.chunk),
        )?;
        let object = object.ok_or_else(|| invalid_chunk("it is not in the bucket"))?;
        let (settings, rules) = settings;
        let undo_days = settings.undo_days();
        blocking::run(move || load(&object, &repeated, rules, undo_days)).await
    }

    /// Plans the records of a chunk, and applies them unless this is the planning round.
    async fn write_records(
        &self,
        run: &Run,
        message: &ChunkMessage,
        deadline: Deadline,
        (owner, outcome_unknown): (&str, bool),
        chunk: LoadedChunk,
    ) -> Result<ChunkOutcome, StoreError> {
        let new_run = as_new_run(run);
        let mut context = self.context(run, &new_run);
        context.outcome_unknown = outcome_unknown || was_handed_over(run);
        let mut sender = Sender::new(&self.store, deadline);
        let LoadedChunk {
            first,
            text,
            rules,
            undo_days,
            collected,
        } = chunk;
        sender.keeper = self.keeper(message, owner, undo_days);
        let CollectedChunk {
            collected,
            mut rejected,
        } = collected;
        let (mut outcomes, records) = RecordOutcomes::split(collected);
        // What the records of other chunks give up is not known here.
        let given_up = GivenUp::default();
        let done = async {
            let (records, snapshot) =
                plan_all(&sender, &rules, &context, records, &given_up, &mut outcomes).await?;
            match message.round {
                Round::Plan => {
                    let outcomes = &mut outcomes;
                    dry_run::count(
                        &sender, &rules, &context, records, &snapshot, &given_up, outcomes,
                    )
                    .await
                }
                Round::Apply => {
                    apply(
                        &mut sender,
                        &rules,
                        &context,
                        records,
                        snapshot,
                        &given_up,
                        &mut outcomes,
                    )
                    .await
                }
            }
        };
        if let Err(cause) = done.await {
            let wrote_some = sender.written > 0;
            return Ok(ChunkOutcome::Partial { cause, wrote_some });
        }
        let own = sender.keeper.into_names();
        let outcome_unknown = context.outcome_unknown;
        let undo = self.chunk_undo(message, undo_days, &outcomes, outcome_unknown, own);
        let undo = undo.await?;
        let refused = std::mem::take(&mut outcomes.refused);
        let (counts, items) = outcomes.into_counts_and_items();
        rejected.extend(rejected_by_directory(
            &rules, first, &text, &refused, &items,
        ));
        rejected.sort_by_key(|rejected| rejected.record);
        let lines: Vec<String> = rejected.into_iter().map(|rejected| rejected.line).collect();
        let kept = self.background.objects.put_chunk_outputs(
            &run.id,
            message.round,
            message.chunk,
            owner,
            &items,
            &lines,
        );
        Ok(ChunkOutcome::Complete(ChunkResult {
            counts,
            item_counts: count_codes(&items),
            outputs: kept.await?,
            left_out: 0,
            undo,
        }))
    }
}

/// Returns the records that were ignored because of the directory, as they are returned to the
/// client.
fn rejected_by_directory(
    rules: &Rules,
    first: u64,
    text: &Bytes,
    refused: &[u64],
    items: &[Item],
) -> Vec<RejectedRecord> {
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
