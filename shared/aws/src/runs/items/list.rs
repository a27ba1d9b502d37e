//! Pages of a run's items. A page without a filter starts with the segment that contains its first
//! item. With a filter, only segments that can match according to the index are read; where there
//! is no index (after its last row, or for the whole run), segments are read one after the other.
//! A page reads a bounded number of rows, and has the position of the next page.

use std::ops::ControlFlow::{self, Break, Continue};

use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::filter::ItemFilter;
use super::index::{IndexRow, Logins};
use super::page::{CONCURRENT_READS, Candidate, ItemPage, PageBuilder, SegmentText};
use super::segment::Segment;
use super::{Items, Span, key};
use crate::dynamodb::row::{self, Key};
use crate::error::StoreError;
use crate::runs::chunk_outputs;
use crate::runs::id::RunId;
use crate::runs::run::Run;
use crate::s3::Objects;

/// Maximum index rows read per page; they summarize up to 1.6 million items.
const MAX_INDEX_ROWS: usize = 8;

/// State of a listing of a run's items.
struct Listing<'w> {
    run: &'w RunId,
    now: Timestamp,
    builder: PageBuilder<'w>,
}

impl<'a> Items<'a> {
    /// Lists at most `limit` items of a run that match `filter`, starting at item `from`. A page
    /// may contain fewer items than match; the last page has no `next`. A background run that has
    /// not ended has the items of its completed chunks.
    ///
    /// # Errors
    /// Returns an error if a request to the store or the bucket fails.
    pub fn list(
        self,
        objects: &'a Objects,
        run: &'a Run,
        filter: &'a ItemFilter,
        from: u64,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<ItemPage, StoreError>> {
        // Boxed, so that its code is generated in this crate, which is optimised.
        Box::pin(self.page(objects, run, filter, from, limit, now))
    }

    async fn page(
        self,
        objects: &Objects,
        run: &Run,
        filter: &ItemFilter,
        from: u64,
        limit: usize,
        now: Timestamp,
    ) -> Result<ItemPage, StoreError> {
        let mut listing = Listing {
            run: &run.id,
            now,
            builder: PageBuilder::new(filter, from, limit),
        };
        match &run.job {
            None => self.walk(&mut listing).await?,
            Some(job) => {
                if let Some(round) = job.shown {
                    chunk_outputs::fill(self.store, objects, &run.id, round, &mut listing.builder)
                        .await?;
                }
            }
        }
        Ok(listing.builder.page)
    }

    async fn walk(self, listing: &mut Listing<'_>) -> Result<(), StoreError> {
        let walked = if listing.builder.query.is_all() {
            Continue(())
        } else {
            self.walk_index(listing).await?
        };
        if walked.is_continue() {
            self.walk_segments(listing).await?;
        }
        Ok(())
    }

    /// Reads the segments that the index covers.
    async fn walk_index(self, listing: &mut Listing<'_>) -> Result<ControlFlow<()>, StoreError> {
        let Listing { run, now, .. } = *listing;
        let Some(first) = self.span_with(run, listing.builder.position, now).await? else {
            return Ok(Continue(()));
        };
        let first: IndexRow = first;
        let following = self.spans_from(run, first.end(), MAX_INDEX_ROWS - 1, now);
        let mut rows = vec![first];
        rows.extend(following.await?);
        let (end, candidates) = self.candidates(listing, &rows).await?;
        let read = |location| async move {
            let segment: Option<Segment> =
                self.store.read_row(Segment::ROW, &location, now).await?;
            Ok(segment.map(SegmentText::from))
        };
        if listing.builder.fill(candidates, read).await?.is_break() {
            return Ok(Break(()));
        }
        listing.builder.position = listing.builder.position.max(end);
        if rows.len() < MAX_INDEX_ROWS {
            return Ok(Continue(()));
        }
        listing.builder.stop(listing.builder.position);
        Ok(Break(()))
    }

    /// Returns the number after the last item that the rows cover without a gap, and the segments
    /// up to there that can match.
    async fn candidates(
        self,
        listing: &Listing<'_>,
        rows: &[IndexRow],
    ) -> Result<(u64, Vec<Candidate<Key>>), StoreError> {
        let logins: Vec<Option<Logins>> = if listing.builder.query.needs_logins() {
            stream::iter(rows.iter().map(IndexRow::first).collect::<Vec<_>>())
                .map(|first| self.logins(listing.run, first, listing.now))
                .buffered(CONCURRENT_READS)
                .try_collect()
                .await?
        } else {
            rows.iter().map(|_| None).collect()
        };
        let mut candidates = Vec::new();
        let mut end = rows
            .first()
            .map_or(listing.builder.position, IndexRow::first);
        for (row, logins) in rows.iter().zip(&logins) {
            if row.first() != end {
                break;
            }
            end = row.end();
            let mut logins = logins.as_ref().map(|Logins(bytes)| bytes.as_slice());
            for entry in row.entries()? {
                let own = logins.and_then(|bytes| bytes.split_at_checked(entry.login_bytes));
                logins = own.map(|(_, others)| others);
                let expected = listing
                    .builder
                    .query
                    .expected(&entry, own.map(|(own, _)| own));
                if entry.end() > listing.builder.position && expected > 0 {
                    candidates.push(Candidate {
                        first: entry.first,
                        expected,
                        location: key(listing.run, Segment::PREFIX, entry.first),
                    });
                }
            }
        }
        Ok((end, candidates))
    }

    async fn logins(
        self,
        run: &RunId,
        first: u64,
        now: Timestamp,
    ) -> Result<Option<Logins>, StoreError> {
        let row = self.store.read_attributes(&Logins::key(run, first)).await?;
        row.filter(|row| row::is_live(row, now))
            .map(Logins::decode)
            .transpose()
    }

    /// Reads segment by segment, starting at the current position.
    async fn walk_segments(self, listing: &mut Listing<'_>) -> Result<(), StoreError> {
        let Listing { run, now, .. } = *listing;
        let first: Option<Segment> = self.span_with(run, listing.builder.position, now).await?;
        let mut segments = Vec::from_iter(first);
        loop {
            for segment in segments {
                if listing.builder.push_segment(&segment.into())?.is_break() {
                    return Ok(());
                }
            }
            if listing.builder.segments_left == 0 {
                listing.builder.stop(listing.builder.position);
                return Ok(());
            }
            let limit = listing.builder.read_ahead();
            segments = self
                .spans_from(run, listing.builder.position, limit, now)
                .await?;
            if segments.is_empty() {
                return Ok(());
            }
        }
    }
}
