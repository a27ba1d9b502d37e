//! The fast path: one simd-json parse for a whole chunk of records, then a walk over its tape. All
//! or nothing: if simd-json rejects a chunk, none of its records is passed on.

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use super::exact::object;
use crate::json::{Json, from_tape};
use crate::limits;
use crate::rules::Rules;
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
}

/// A key of earlier records, in their order, and its slot. Records of one export have their keys in
/// the same order, so one comparison usually replaces a lookup.
struct PredictedKey {
    key: Box<str>,
    short: Option<ShortText>,
    slot: usize,
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

/// Slot of a key that is not mapped; no mapped key has this slot.
const UNMAPPED: usize = usize::MAX;

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            text: Vec::new(),
            tape: Tape(Vec::new()),
            // The brackets around the chunk are one level, in place of the array's own.
            buffers: Buffers::with_max_depth(0, limits::MAX_NESTING_LEVELS),
            predicted: Vec::new(),
        }
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
            Ok(()) => walk(rules, &mut self.predicted, &tape.0, &mut on_element),
            Err(_) => Err(ChunkRejected),
        };
        self.tape = tape.reset();
        walked
    }
}

fn walk(
    rules: &Rules,
    predicted: &mut Vec<PredictedKey>,
    tape: &[Node<'_>],
    on_element: &mut impl FnMut(u32, Element<'_>),
) -> Result<u32, ChunkRejected> {
    let Some((Node::Array { .. }, mut nodes)) = tape.split_first() else {
        return Err(ChunkRejected);
    };
    let mut slots = vec![Json::Absent; rules.element_slot() + 1];
    let mut count: u32 = 0;
    while let Some(first) = nodes.first() {
        if let Node::Object { count: size, .. } = first {
            let (members, rest) = nodes
                .get(1..)
                .and_then(|rest| rest.split_at_checked(*size))
                .ok_or(ChunkRejected)?;
            slots.fill(Json::Absent);
            read_members(rules, predicted, members, &mut slots)?;
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
) -> Result<(), ChunkRejected> {
    let mut position = 0;
    while let [Node::String(key), value @ ..] = members {
        let slot = match predicted.get(position) {
            Some(expected) if expected.is(key) => expected.slot,
            _ => predict(rules, predicted, &mut position, key),
        };
        let (json, rest) = from_tape(value).ok_or(ChunkRejected)?;
        // The last value of a duplicate key wins.
        if let Some(entry) = slots.get_mut(slot) {
            *entry = json;
        }
        members = rest;
        position += 1;
    }
    if members.is_empty() {
        Ok(())
    } else {
        Err(ChunkRejected)
    }
}

/// Returns the slot of a key that was not expected at `position`, and sets `position` to where it
/// is expected: some keys before it are absent, or it is new.
#[cold]
fn predict(
    rules: &Rules,
    predicted: &mut Vec<PredictedKey>,
    position: &mut usize,
    key: &str,
) -> usize {
    /// Beyond this many keys, and for keys longer than this, remembering costs more than it saves.
    const MAX_PREDICTED: usize = 128;
    let is_key = |expected: &PredictedKey| expected.is(key);
    let after = predicted
        .get(*position..)
        .unwrap_or(&[])
        .iter()
        .position(is_key);
    let known_position = after
        .map(|distance| *position + distance)
        .or_else(|| predicted.iter().position(is_key));
    if let Some((known_position, expected)) = known_position
        .and_then(|known_position| Some((known_position, predicted.get(known_position)?)))
    {
        *position = known_position;
        return expected.slot;
    }
    let slot = rules.slot(key).unwrap_or(UNMAPPED);
    if predicted.len() < MAX_PREDICTED && key.len() < MAX_PREDICTED {
        *position = (*position).min(predicted.len());
        let new = PredictedKey {
            key: key.into(),
            short: ShortText::of(key),
            slot,
        };
        predicted.insert(*position, new);
    }
    slot
}
