//! The fast path: one simd-json parse for a whole chunk of records, then a walk over its tape. All
//! or nothing: if simd-json rejects a chunk, none of its records is passed on.

use std::borrow::Cow;

use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape, fill_tape_padded};

use super::exact::object;
use super::keys::{FoundKey, KeyLog, Nested, OtherValues, reached};
use crate::json::{Json, from_tape};
use crate::limits;
use crate::rules::{KeyTarget, LevelId, Rules};
use crate::short_text::ShortText;
use crate::validate::Element;

/// simd-json rejected the chunk: it was split in a wrong place, is not JSON, or holds a number that
/// only simd-json rejects.
#[derive(Debug)]
pub(super) struct ChunkRejected;

/// A worker's buffers, reused for every chunk.
pub(super) struct Decoder {
    text: Vec<u8>,
    tape: Tape<'static>,
    buffers: Buffers,
    predicted: Vec<PredictedKey>,
    log: KeyLog,
}

/// A key of earlier records, in their order, and its slot. Records of one export have their keys in
/// the same order, most of them the same, so one comparison usually replaces a lookup.
struct PredictedKey {
    key: Box<str>,
    short: Option<ShortText>,
    /// The slot of a key that means nothing else, [`UNMAPPED`] or [`PASSED_OVER`].
    slot: usize,
    target: KeyTarget,
    /// Position of the key that last followed it.
    next: usize,
}

impl PredictedKey {
    #[inline]
    fn is(&self, key: &str) -> bool {
        match &self.short {
            Some(short) => short.is(key),
            None => *self.key == *key,
        }
    }
}

/// Slot of a key that is not mapped as it is written; no mapped key has this slot.
const UNMAPPED: usize = usize::MAX;
/// Slot of a key that needs no attention any more in this chunk: it is not mapped, and noted.
const PASSED_OVER: usize = usize::MAX - 1;
/// Position of a key that is not predicted.
const UNPREDICTED: usize = usize::MAX;

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            text: Vec::new(),
            tape: Tape(Vec::new()),
            // The brackets around the chunk are one level, in place of the array's own.
            buffers: Buffers::with_max_depth(0, limits::MAX_NESTING_LEVELS),
            predicted: Vec::new(),
            log: KeyLog::default(),
        }
    }

    /// Returns the keys noted since the last call.
    pub(super) fn take_keys(&mut self) -> Vec<FoundKey> {
        for expected in &mut self.predicted {
            if expected.slot == PASSED_OVER {
                expected.slot = UNMAPPED;
            }
        }
        self.log.take()
    }

    /// Passes on the elements of `chunk`, which are separated by commas without a trailing one,
    /// with their number within the chunk. Returns their count.
    pub(super) fn decode(
        &mut self,
        rules: &Rules,
        chunk: &[u8],
        mut on_element: impl FnMut(u32, Element<'_>),
    ) -> Result<u32, ChunkRejected> {
        self.text.clear();
        self.text.reserve(chunk.len() + 2 + INPUT_PADDING);
        self.text.push(b'[');
        self.text.extend_from_slice(chunk);
        self.text.push(b']');
        let length = self.text.len();
        self.text.extend_from_slice(&[b' '; INPUT_PADDING]);
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed = fill_tape_padded(&mut self.text, length, &mut self.buffers, &mut tape);
        let walked = match parsed {
            Ok(()) => walk(
                rules,
                &mut self.predicted,
                &mut self.log,
                &tape.0,
                &mut on_element,
            ),
            Err(_) => Err(ChunkRejected),
        };
        self.tape = tape.reset();
        walked
    }
}

fn walk(
    rules: &Rules,
    predicted: &mut Vec<PredictedKey>,
    log: &mut KeyLog,
    tape: &[Node<'_>],
    on_element: &mut impl FnMut(u32, Element<'_>),
) -> Result<u32, ChunkRejected> {
    let Some((Node::Array { .. }, mut nodes)) = tape.split_first() else {
        return Err(ChunkRejected);
    };
    let mut slots = vec![Json::Absent; rules.element_slot() + 1];
    let mut others = Others::default();
    let mut count: u32 = 0;
    while let Some(first) = nodes.first() {
        if let Node::Object { count: size, .. } = first {
            let (members, rest) = nodes
                .get(1..)
                .and_then(|rest| rest.split_at_checked(*size))
                .ok_or(ChunkRejected)?;
            slots.fill(Json::Absent);
            read_members(rules, predicted, members, &mut slots, &mut others.met)?;
            if !others.met.is_empty() {
                others.fill(rules, predicted, log, count, &mut slots);
            }
            on_element(count, object(rules, &slots));
            nodes = rest;
        } else {
            let (json, rest) = from_tape(nodes).ok_or(ChunkRejected)?;
            on_element(count, Element::NotAnObject(json.type_name()));
            nodes = rest;
        }
        count = count.checked_add(1).ok_or(ChunkRejected)?;
    }
    Ok(count)
}

#[inline]
fn read_members<'t>(
    rules: &Rules,
    predicted: &mut Vec<PredictedKey>,
    mut members: &'t [Node<'t>],
    slots: &mut [Json<'t>],
    others: &mut Vec<OtherKey<'t>>,
) -> Result<(), ChunkRejected> {
    let (mut position, mut previous) = (0, UNPREDICTED);
    while let [Node::String(key), value @ ..] = members {
        let (slot, at, next) = match predicted.get(position) {
            Some(expected) if expected.is(key) => (expected.slot, position, expected.next),
            _ => predict(rules, predicted, previous, key),
        };
        let (json, rest) = from_tape(value).ok_or(ChunkRejected)?;
        // The last value of a duplicate key wins.
        if let Some(entry) = slots.get_mut(slot) {
            *entry = json;
        } else if slot != PASSED_OVER {
            others.push(OtherKey { key, at, value });
        }
        members = rest;
        (position, previous) = (next, at);
    }
    if members.is_empty() {
        Ok(())
    } else {
        Err(ChunkRejected)
    }
}

/// A key of a record that is not mapped as it is written, or means more than one value.
struct OtherKey<'t> {
    key: &'t str,
    /// Its position among the predicted ones when it was met.
    at: usize,
    /// The tape from its value on.
    value: &'t [Node<'t>],
}

/// The keys of a record that are not simply those of a slot.
#[derive(Default)]
struct Others<'t> {
    met: Vec<OtherKey<'t>>,
    values: OtherValues<&'t [Node<'t>]>,
}

impl<'t> Others<'t> {
    /// Fills slots of the record with this index that have no value yet, and notes the keys.
    fn fill(
        &mut self,
        rules: &Rules,
        predicted: &mut [PredictedKey],
        log: &mut KeyLog,
        index: u32,
        slots: &mut [Json<'t>],
    ) {
        for OtherKey { key, at, value } in self.met.drain(..) {
            // A later key of the record may have moved it.
            let expected = predicted.get_mut(at).filter(|expected| expected.is(key));
            let target = match &expected {
                Some(expected) if expected.slot == PASSED_OVER => continue,
                Some(expected) => expected.target,
                None => rules.target(LevelId::RECORD, key),
            };
            match expected {
                Some(expected) if target.is_unmapped() => {
                    log.note_new(rules, index, LevelId::RECORD, key, target);
                    expected.slot = PASSED_OVER;
                    continue;
                }
                _ => {
                    let noted = reached(target, value);
                    log.note(rules, index, LevelId::RECORD, key, noted);
                }
            }
            let exact = self.values.add(rules, log, index, target, value);
            if let Some((json, _)) = from_tape(value)
                && let Some(entry) = exact.and_then(|slot| slots.get_mut(slot))
            {
                *entry = json;
            }
        }
        self.values.end_record(|slot, value| {
            if let Some((json, _)) = from_tape(value)
                && let Some(entry @ Json::Absent) = slots.get_mut(slot)
            {
                *entry = json;
            }
        });
        log.end_record(slots);
    }
}

impl<'t> Nested<'t> for &'t [Node<'t>] {
    fn is_array(self) -> bool {
        matches!(self.first(), Some(Node::Array { .. }))
    }

    fn is_scalar(self) -> bool {
        let is_null = |node: &Node<'_>| matches!(node, Node::Static(StaticNode::Null));
        match self.first() {
            None | Some(Node::Array { .. } | Node::Object { .. }) => false,
            Some(node) => !is_null(node),
        }
    }

    fn each(self, mut pass: impl FnMut(Cow<'t, str>, Self)) {
        match self.split_first() {
            Some((Node::Object { count, .. }, nodes)) => {
                let mut members = nodes.get(..*count).unwrap_or_default();
                while let [Node::String(key), value @ ..] = members {
                    pass(Cow::Borrowed(key), value);
                    members = from_tape(value).map_or(&[], |(_, rest)| rest);
                }
            }
            Some((Node::Array { count, .. }, nodes)) => {
                let mut items = nodes.get(..*count).unwrap_or_default();
                let mut index = 0_usize;
                while !items.is_empty() {
                    pass(Cow::Owned(index.to_string()), items);
                    items = from_tape(items).map_or(&[], |(_, rest)| rest);
                    index += 1;
                }
            }
            _ => {}
        }
    }
}

/// Returns the slot of a key that was not expected behind the one at `previous`, its position among the
/// predicted keys, and that of the key expected behind it: some keys before it are absent, or it is new.
#[cold]
fn predict(
    rules: &Rules,
    predicted: &mut Vec<PredictedKey>,
    previous: usize,
    key: &str,
) -> (usize, usize, usize) {
    /// Beyond this many keys, and for keys longer than this, remembering costs more than it saves.
    const MAX_PREDICTED: usize = 128;
    let is_key = |expected: &PredictedKey| expected.is(key);
    // The usual place of a key is behind the previous one.
    let behind = previous.wrapping_add(1);
    let after = predicted.get(behind..).unwrap_or(&[]).iter();
    let known = after
        .clone()
        .position(is_key)
        .map(|distance| behind + distance)
        .or_else(|| predicted.iter().position(is_key));
    let at = known.unwrap_or_else(|| behind.min(predicted.len()));
    if let Some(expected) = known.and_then(|known| predicted.get(known)) {
        let found = (expected.slot, at, expected.next);
        if let Some(previous) = predicted.get_mut(previous) {
            previous.next = at;
        }
        return found;
    }
    let target = rules.target(LevelId::RECORD, key);
    let slot = target.plain_slot().unwrap_or(UNMAPPED);
    if predicted.len() >= MAX_PREDICTED || key.len() >= MAX_PREDICTED {
        return (slot, UNPREDICTED, behind);
    }
    for other in predicted.iter_mut().filter(|other| other.next >= at) {
        other.next += 1;
    }
    let new = PredictedKey {
        key: key.into(),
        short: ShortText::of(key),
        slot,
        target,
        next: at + 1,
    };
    predicted.insert(at, new);
    if let Some(previous) = predicted.get_mut(previous) {
        previous.next = at;
    }
    (slot, at, at + 1)
}
