//! The first look at an input that is too large to be kept: every record is read and identified,
//! and found out whether its user name or external id came before. What goes on is the text itself,
//! in chunks; see [`super::collect_chunk`].

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::cutter::{Chunk, ChunkSizes, Cutter};
use crate::attribute::Attribute;
use crate::json::Json;
use crate::reader::dedup::{Dedup, Entry, HashKey, Repeated};
use crate::reader::{Harvest, Sizes, Source, SourceError, read_source};
use crate::rules::Rules;
use crate::run::Counts;
use crate::validate::{Element, Identity, identify};
use crate::value::{Assignment, Value, read};

/// What is known of an input when all of it has been read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled {
    /// What is counted already: all records, and the empty, duplicated and ignored ones.
    pub counts: Counts,
    /// Bytes of the unpacked text.
    pub bytes: u64,
    /// How many chunks there are.
    pub chunks: u32,
    /// What came before, for each chunk that has any of it, in order.
    pub repeated: Vec<(u32, Repeats)>,
}

/// Records of a chunk that share something with an earlier record of the input, each with the first
/// that has it. Numbers count from 1 over the whole input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Repeats {
    /// The user name came before: they are not taken.
    pub logins: Vec<(u64, u64)>,
    /// The external id came before, in a record whose user name did not and can be one. The first
    /// record has it, even if the directory turns out to refuse that record.
    pub external_ids: Vec<(u64, u64)>,
}

/// Reads a whole input and gives it to `sink` in chunks, in order. `key` is random and secret:
/// nobody can choose logins that collide.
///
/// Works in this thread and the rayon pool that it belongs to. `sink` is called in any of these
/// threads, in one at a time; while it works, the others go on only with what has been read.
///
/// Takes 16 bytes a user name, 16 an external id, 4 a user name that cannot be one, and besides
/// them what is being read and one chunk.
///
/// # Errors
/// [`SourceError`]: nothing of the chunks may be applied then. An error of `sink` ends the reading.
pub fn spool<R: Read + Send>(
    mut source: Source<R>,
    rules: &Rules,
    reading: Sizes,
    chunks: ChunkSizes,
    key: &HashKey,
    sink: impl FnMut(Chunk) -> io::Result<()> + Send,
) -> Result<Spooled, SourceError> {
    let gather = Gather {
        rules,
        key,
        external_id: rules
            .keys()
            .iter()
            .position(|(attribute, _)| *attribute == Attribute::ExternalId),
    };
    let sent = source.sent();
    let sent = || sent.load(Ordering::Relaxed);
    let mut seen = Seen::default();
    let mut cutter = Cutter::new(chunks, sink);
    let totals = read_source(&mut source, rules, reading, &gather, |first, crop| {
        cutter.add(&crop.elements, crop.records, sent())?;
        seen.add(first, crop);
        Ok(())
    })?;
    let cuts = cutter.finish(sent()).map_err(SourceError::Sink)?;
    Ok(seen.finish(totals.records, totals.bytes, &cuts))
}

struct Gather<'r> {
    rules: &'r Rules,
    key: &'r HashKey,
    /// The slot of the external id, if it is mapped.
    external_id: Option<usize>,
}

#[derive(Default)]
struct Crop {
    elements: Vec<u8>,
    records: u32,
    logins: Vec<Entry>,
    external_ids: Vec<Entry>,
    /// Records whose user name cannot be one.
    unusable: Vec<u32>,
    /// Records without a user name.
    empty: u64,
    /// Records that are not about anybody, and can be no duplicates.
    ignored: u64,
}

impl Harvest for Gather<'_> {
    type Crop = Crop;

    fn start(&self, _text: &[u8]) -> Crop {
        Crop::default()
    }

    fn gather(&self, crop: &mut Crop, index: u32, element: Element<'_>) {
        crop.records = index + 1;
        let identity = identify(&element);
        if let Some(canon) = identity.canon() {
            crop.logins.push(Entry::new(self.key, &canon, index));
        }
        match identity {
            Identity::NotAnObject(_) | Identity::WrongType(_) => crop.ignored += 1,
            Identity::Empty(_) => crop.empty += 1,
            Identity::Unusable { .. } => crop.unusable.push(index),
            Identity::User(_) => {
                if let Element::Object(slots) = element {
                    let id = self.external_id.and_then(|slot| slots.get(slot));
                    crop.external_ids
                        .extend(id.and_then(|id| self.external_id(*id, index)));
                }
            }
        }
    }

    fn close(&self, crop: &mut Crop, elements: &[u8]) {
        crop.elements = elements.to_vec();
    }
}

impl Gather<'_> {
    fn external_id(&self, json: Json<'_>, index: u32) -> Option<Entry> {
        let kind = Attribute::ExternalId.kind();
        match read(kind, json, self.rules.read_context()) {
            Ok(Some(Assignment::Set(Value::Text(id)))) => Some(Entry::new(self.key, &id, index)),
            Ok(_) | Err(_) => None,
        }
    }
}

/// What is kept of the whole input.
#[derive(Default)]
struct Seen {
    logins: Dedup,
    external_ids: Dedup,
    unusable: Vec<u32>,
    empty: u64,
    ignored: u64,
}

impl Seen {
    fn add(&mut self, first: u64, crop: Crop) {
        // The reader refuses inputs with more records than a u32 counts.
        let base = u32::try_from(first).unwrap_or(u32::MAX);
        let later = |entry: Entry| entry.later(base);
        self.logins.extend(crop.logins.into_iter().map(later));
        self.external_ids
            .extend(crop.external_ids.into_iter().map(later));
        self.unusable
            .extend(crop.unusable.iter().map(|index| index + base));
        self.empty += crop.empty;
        self.ignored += crop.ignored;
    }

    fn finish(mut self, total: u64, bytes: u64, cuts: &[u32]) -> Spooled {
        let logins = self.logins.repeated(|_| false);
        let is_repeated = |record: &u32| {
            logins
                .binary_search_by_key(record, |repeated| repeated.record)
                .is_ok()
        };
        // A repeated record is counted as that and as nothing else.
        let unusable = self.unusable.iter().filter(|record| !is_repeated(record));
        let counts = Counts {
            total,
            empty: self.empty,
            ignored: self.ignored + unusable.count() as u64,
            duplicated: logins.len() as u64,
            ..Counts::default()
        };
        let external_ids = self.external_ids.repeated(|record| is_repeated(&record));
        Spooled {
            counts,
            bytes,
            chunks: u32::try_from(cuts.len()).unwrap_or(u32::MAX),
            repeated: by_chunk(cuts, &logins, &external_ids),
        }
    }
}

/// `cuts` are the records before each chunk.
fn by_chunk(cuts: &[u32], logins: &[Repeated], external_ids: &[Repeated]) -> Vec<(u32, Repeats)> {
    let chunk = |repeated: &Repeated| {
        let behind = cuts.partition_point(|before| *before <= repeated.record);
        u32::try_from(behind.saturating_sub(1)).unwrap_or(u32::MAX)
    };
    let mut chunks: BTreeMap<u32, Repeats> = BTreeMap::new();
    for part in logins.chunk_by(|a, b| chunk(a) == chunk(b)) {
        if let Some(first) = part.first() {
            chunks.entry(chunk(first)).or_default().logins = numbers(part);
        }
    }
    for part in external_ids.chunk_by(|a, b| chunk(a) == chunk(b)) {
        if let Some(first) = part.first() {
            chunks.entry(chunk(first)).or_default().external_ids = numbers(part);
        }
    }
    chunks.into_iter().collect()
}

/// The same records, counted from 1.
pub(super) fn numbers(repeated: &[Repeated]) -> Vec<(u64, u64)> {
    let number = |record: u32| u64::from(record) + 1;
    repeated
        .iter()
        .map(|repeated| (number(repeated.record), number(repeated.first)))
        .collect()
}
