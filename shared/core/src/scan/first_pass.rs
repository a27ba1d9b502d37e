//! The first pass over an input that is too large to be kept: reads and identifies every record,
//! and finds repeated user names and external ids. Passes on the text itself, in chunks; see
//! [`super::collect_chunk`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::chunker::{Chunk, ChunkSizes, Chunker};
use super::emails;
use super::keys::key_notes;
use super::managers::{Cycle, ManagerGraph};
use super::repeated::{RepeatedRecords, record_numbers};
use super::requested::Requested;
use super::rewrites::Rewrites;
use super::subject::lacks_external_id;
use crate::attribute::Attribute;
use crate::item::Item;
use crate::json::Json;
use crate::reader::dedup::{Dedup, HashKey, RecordKey, RepeatedRecord};
use crate::reader::shared_values::{SharedValues, ValueHasher};
use crate::reader::{RecordSink, Sizes, Source, SourceError, read_source};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Element, Identity, identify};
use crate::value::{Assignment, Value, read};

/// Result of the first pass over an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstPass {
    /// Counts so far: all records, and the empty, duplicated and ignored ones.
    pub counts: Counts,
    /// The same with the largest possible numbers of renamed and blocked users and cleared values: those
    /// that the records ask for, whatever the directory holds.
    pub bounds: Counts,
    /// Bytes of the decompressed text.
    pub bytes: u64,
    /// Number of chunks.
    pub chunks: u32,
    /// Repeated values and too large records of each chunk that has any, in order.
    pub repeated: Vec<(u32, Repeats)>,
}

/// What a chunk cannot tell about its records: those with a value of an earlier record, each with
/// the first record that has it, and those that are too large. Numbers count from 1 over the whole
/// input. The first chunk has what is said about the input as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Repeats {
    /// Records with a repeated user name, which are not imported.
    pub logins: Vec<(u64, u64)>,
    /// Records with an external id of an earlier record that has a valid and unrepeated user name.
    /// The first record keeps the external id, even if the directory later refuses that record. In a
    /// task that identifies people by external id, they are not imported, and the user name of the
    /// earlier record may be a repeated one.
    pub external_ids: Vec<(u64, u64)>,
    /// Records with the external id of a manager that no record of the input has. Their managers are
    /// looked up in the directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers_elsewhere: Vec<u64>,
    /// The cycles of managers that begin in this chunk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Cycle>,
    /// Records that are longer than a record may be. The chunk has what could be kept of them; they
    /// are not imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub too_large: Vec<u64>,
    /// Notes on the keys of the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Item>,
}

/// Reads a whole input and passes it to `on_chunk` in chunks, in order. `key` must be random and
/// secret, so that nobody can choose colliding logins.
///
/// Works in this thread and in the rayon pool that it belongs to. `on_chunk` is called by one of
/// these threads at a time; meanwhile the others continue only with what has been read.
///
/// Uses 16 bytes per user name, 16 per external id, 36 per manager and 4 per invalid user name, in addition to the
/// text in flight and one chunk.
///
/// # Errors
/// Returns a [`SourceError`] if the input cannot be read or `on_chunk` fails, which ends the
/// reading. None of the chunks may be applied then.
pub fn split_into_chunks<R: Read + Send>(
    mut source: Source<R>,
    rules: &Rules,
    reading: Sizes,
    chunks: ChunkSizes,
    key: &HashKey,
    on_chunk: impl FnMut(Chunk) -> io::Result<()> + Send,
) -> Result<FirstPass, SourceError> {
    let sink = FirstPassSink {
        rules,
        key,
        external_id: slot_of(rules, Attribute::ExternalId),
        manager: slot_of(rules, Attribute::ManagerUid),
        email: slot_of(rules, Attribute::Email),
        hasher: ValueHasher::new(key),
    };
    let sent = source.sent();
    let sent = || sent.load(Ordering::Relaxed);
    let mut state = FirstPassState::default();
    let mut chunker = Chunker::new(chunks, on_chunk);
    let totals = read_source(&mut source, rules, reading, &sink, |first, batch| {
        chunker.add(&batch.elements, batch.records, sent())?;
        state.add(first, batch);
        Ok(())
    })?;
    let chunk_starts = chunker.finish(sent()).map_err(SourceError::Consumer)?;
    let rewrites = std::mem::take(&mut state.rewrites);
    let (mut pass, more_notes) = state.finish(rules, totals.records, totals.bytes, &chunk_starts);
    let notes = key_notes(rules, &totals.keys).into_iter();
    let notes = notes.chain(rewrites.note(rules)).chain(more_notes);
    pass.add_notes(notes.collect());
    Ok(pass)
}

impl FirstPass {
    /// Adds notes on the whole input to the first chunk.
    fn add_notes(&mut self, notes: Vec<Item>) {
        if notes.is_empty() {
            return;
        }
        match self.repeated.first_mut() {
            Some((0, repeats)) => repeats.notes = notes,
            _ => {
                let repeats = Repeats {
                    notes,
                    ..Repeats::default()
                };
                self.repeated.insert(0, (0, repeats));
            }
        }
    }
}

struct FirstPassSink<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
    /// Slot of the external id, if it is mapped.
    external_id: Option<usize>,
    /// Slot of the manager's external id, if it is mapped.
    manager: Option<usize>,
    /// Slot of the e-mail address, if it is mapped.
    email: Option<usize>,
    hasher: ValueHasher,
}

fn slot_of(rules: &Rules, attribute: Attribute) -> Option<usize> {
    let mut mapped = rules.keys().iter();
    mapped.position(|(other, _)| *other == attribute)
}

#[derive(Default)]
struct FirstPassBatch {
    elements: Vec<u8>,
    records: u32,
    logins: Vec<RecordKey>,
    external_ids: Vec<RecordKey>,
    /// External ids of managers.
    managers: Vec<RecordKey>,
    emails: SharedValues,
    /// Records with an invalid user name.
    invalid_logins: Vec<u32>,
    /// Records without a user name, or without the external id that would say whom they are about.
    empty: u64,
    /// Records that identify no user and so cannot be duplicates.
    ignored: u64,
    /// Those of them that are too large.
    too_large: Vec<u32>,
    requested: Requested,
    rewrites: Rewrites,
}

impl RecordSink for FirstPassSink<'_> {
    type Batch = FirstPassBatch;

    fn start_batch(&self, _text: &[u8]) -> FirstPassBatch {
        FirstPassBatch::default()
    }

    fn push(&self, batch: &mut FirstPassBatch, index: u32, element: Element<'_>) {
        batch.records = index + 1;
        batch.rewrites.add(self.rules, index, &element);
        let identity = identify(&element, self.rules.formats());
        let is_empty = matches!(identity, Identity::Empty(_));
        if is_empty || lacks_external_id(self.rules, &element) {
            batch.empty += 1;
            return;
        }
        if let Some(canon) = identity.canon() {
            batch.logins.push(RecordKey::new(self.key, &canon, index));
        }
        match identity {
            Identity::NotAnObject(_) | Identity::WrongType(_) => batch.ignored += 1,
            Identity::TooLarge { .. } => {
                batch.ignored += 1;
                batch.too_large.push(index);
            }
            Identity::Empty(_) => {}
            Identity::InvalidLogin { .. } => batch.invalid_logins.push(index),
            Identity::User(_) => {
                if let Element::Object(slots) = element {
                    let key = |slot: Option<usize>| {
                        let json = slots.get(slot?)?;
                        self.external_id(*json, index)
                    };
                    let id = key(self.external_id);
                    batch.external_ids.extend(id);
                    // Nobody is their own manager.
                    let manager = key(self.manager).filter(|manager| Some(*manager) != id);
                    batch.managers.extend(manager);
                    let email = self.email.and_then(|slot| slots.get(slot));
                    let email = email.and_then(|email| self.text(Attribute::Email, *email));
                    if let Some(email) = email {
                        batch.emails.push(index, emails::hash(&self.hasher, &email));
                    }
                    batch.requested.add(self.rules, slots);
                }
            }
        }
    }

    fn finish_batch(&self, batch: &mut FirstPassBatch, elements: &[u8]) {
        batch.elements = elements.to_vec();
    }
}

impl FirstPassSink<'_> {
    /// Returns the key of an external id, of the user or of the manager.
    fn external_id(&self, json: Json<'_>, index: u32) -> Option<RecordKey> {
        let id = self.text(Attribute::ExternalId, json)?;
        Some(RecordKey::new(self.key, &id, index))
    }

    /// Returns the text that a value sets.
    fn text<'a>(&'a self, attribute: Attribute, json: Json<'a>) -> Option<Cow<'a, str>> {
        let reading = read(attribute.kind(), json, self.rules.read_context()).ok()?;
        match reading.assignment {
            Some(Assignment::Set(Value::Text(text))) => Some(text),
            _ => None,
        }
    }
}

/// State kept for the whole input.
#[derive(Default)]
struct FirstPassState {
    logins: Dedup,
    external_ids: Dedup,
    managers: Dedup,
    emails: SharedValues,
    invalid_logins: Vec<u32>,
    empty: u64,
    ignored: u64,
    too_large: Vec<u32>,
    requested: Requested,
    rewrites: Rewrites,
}

impl FirstPassState {
    fn add(&mut self, first: u64, batch: FirstPassBatch) {
        // The reader refuses inputs with more records than a u32 counts.
        let base = u32::try_from(first).unwrap_or(u32::MAX);
        let later = |key: RecordKey| key.later(base);
        self.rewrites.extend(first, batch.rewrites);
        self.logins.extend(batch.logins.into_iter().map(later));
        self.external_ids
            .extend(batch.external_ids.into_iter().map(later));
        self.emails.extend(first, &batch.emails);
        self.managers.extend(batch.managers.into_iter().map(later));
        self.invalid_logins
            .extend(batch.invalid_logins.iter().map(|index| index + base));
        self.empty += batch.empty;
        self.ignored += batch.ignored;
        self.requested.blocked += batch.requested.blocked;
        self.requested.cleared += batch.requested.cleared;
        self.too_large
            .extend(batch.too_large.iter().map(|index| index + base));
    }

    /// Returns the result, and the notes on e-mail addresses and circles of managers.
    fn finish(
        mut self,
        rules: &Rules,
        total: u64,
        bytes: u64,
        chunk_starts: &[u32],
    ) -> (FirstPass, Vec<Item>) {
        let by_external_id = rules.identifies_by_external_id();
        let repeated =
            RepeatedRecords::find(by_external_id, &mut self.logins, &mut self.external_ids);
        let is_repeated = |record: u32| repeated.is_duplicated(record);
        // A repeated record is counted only as repeated.
        let others = |records: &[u32]| {
            let others = records.iter().filter(|record| !is_repeated(**record));
            others.count() as u64
        };
        let counts = Counts {
            total,
            empty: self.empty,
            ignored: self.ignored + others(&self.invalid_logins),
            duplicated: repeated.duplicated(),
            ..Counts::default()
        };
        let bounds = Counts {
            renamed: match by_external_id {
                true => counts.total - counts.empty - counts.ignored - counts.duplicated,
                false => 0,
            },
            blocked: self.requested.blocked,
            cleared: self.requested.cleared,
            ..counts
        };
        let managers = ManagerGraph::new(&mut self.external_ids, &mut self.managers, is_repeated);
        let emails = emails::note(rules, &self.emails, is_repeated);
        let notes = emails.into_iter().chain(managers.more_note(rules));
        let notes = notes.collect();
        let pass = FirstPass {
            counts,
            bounds,
            bytes,
            chunks: u32::try_from(chunk_starts.len()).unwrap_or(u32::MAX),
            repeated: group_by_chunk(chunk_starts, &repeated, &self.too_large, &managers),
        };
        (pass, notes)
    }
}

/// Groups repeated and too large records by chunk. `chunk_starts` are the records before each chunk.
fn group_by_chunk(
    chunk_starts: &[u32],
    repeated: &RepeatedRecords,
    too_large: &[u32],
    managers: &ManagerGraph,
) -> Vec<(u32, Repeats)> {
    let chunk_of = |record: u32| {
        let chunks_up_to_record = chunk_starts.partition_point(|before| *before <= record);
        u32::try_from(chunks_up_to_record.saturating_sub(1)).unwrap_or(u32::MAX)
    };
    let chunk = |repeated: &RepeatedRecord| chunk_of(repeated.record);
    let mut chunks: BTreeMap<u32, Repeats> = BTreeMap::new();
    for part in repeated.logins.chunk_by(|a, b| chunk(a) == chunk(b)) {
        if let Some(first) = part.first() {
            chunks.entry(chunk(first)).or_default().logins = record_numbers(part);
        }
    }
    let external_ids = &repeated.external_ids;
    for part in external_ids.chunk_by(|a, b| chunk(a) == chunk(b)) {
        if let Some(first) = part.first() {
            chunks.entry(chunk(first)).or_default().external_ids = record_numbers(part);
        }
    }
    for record in too_large {
        let repeats = chunks.entry(chunk_of(*record)).or_default();
        repeats.too_large.push(u64::from(*record) + 1);
    }
    for record in &managers.elsewhere {
        let repeats = chunks.entry(chunk_of(*record)).or_default();
        repeats.managers_elsewhere.push(u64::from(*record) + 1);
    }
    for members in &managers.cycles {
        if let Some(first) = members.first() {
            let repeats = chunks.entry(chunk_of(*first)).or_default();
            repeats.cycles.push(Cycle::new(members));
        }
    }
    chunks.into_iter().collect()
}
