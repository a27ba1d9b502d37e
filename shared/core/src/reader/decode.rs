//! The fast way: one simd-json parse for a whole chunk of records, then a walk over its tape.
//! All or nothing: a chunk that simd-json refuses has handed out no record.

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};

use crate::json::{Json, from_tape};
use crate::limits;
use crate::rules::Rules;
use crate::short::ShortText;
use crate::validate::Element;

/// simd-json refused the chunk: it was cut in a wrong place, is no JSON, or holds a number that
/// only simd-json minds.
#[derive(Debug)]
pub(super) struct Refused;

/// A worker's buffers, used again for every chunk.
pub(super) struct Decoder {
    text: Vec<u8>,
    tape: Tape<'static>,
    buffers: Buffers,
    predicted: Vec<Predicted>,
}

/// A key that earlier records had, in their order, and its slot. Records of one export have their
/// keys in one order, so that one comparison mostly replaces a look-up.
struct Predicted {
    key: Box<str>,
    short: Option<ShortText>,
    slot: usize,
}

impl Predicted {
    #[inline]
    fn is(&self, key: &str) -> bool {
        match &self.short {
            Some(short) => short.is(key),
            None => *self.key == *key,
        }
    }
}

/// The slot of a key that is not mapped: there is none with this number.
const UNMAPPED: usize = usize::MAX;

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            text: Vec::new(),
            tape: Tape(Vec::new()),
            // One level for the brackets that are put around the chunk: they stand for the
            // array's own.
            buffers: Buffers::with_max_depth(0, limits::NESTING),
            predicted: Vec::new(),
        }
    }

    /// Hands out the elements of `chunk`, which are separated by commas without one at the end,
    /// with their number within the chunk. Returns how many there were.
    pub(super) fn decode(
        &mut self,
        rules: &Rules,
        chunk: &[u8],
        mut on_element: impl FnMut(u32, Element<'_>),
    ) -> Result<u32, Refused> {
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
            Err(_) => Err(Refused),
        };
        self.tape = tape.reset();
        walked
    }
}

fn walk(
    rules: &Rules,
    predicted: &mut Vec<Predicted>,
    tape: &[Node<'_>],
    on_element: &mut impl FnMut(u32, Element<'_>),
) -> Result<u32, Refused> {
    let Some((Node::Array { .. }, mut nodes)) = tape.split_first() else {
        return Err(Refused);
    };
    let mut slots = vec![Json::Absent; rules.keys().len()];
    let mut count: u32 = 0;
    while let Some(first) = nodes.first() {
        if let Node::Object { count: size, .. } = first {
            let (members, rest) = nodes
                .get(1..)
                .and_then(|rest| rest.split_at_checked(*size))
                .ok_or(Refused)?;
            slots.fill(Json::Absent);
            read_members(rules, predicted, members, &mut slots)?;
            on_element(count, Element::Object(&slots));
            nodes = rest;
        } else {
            let (json, rest) = from_tape(nodes).ok_or(Refused)?;
            on_element(count, Element::NotAnObject(json.type_name()));
            nodes = rest;
        }
        count = count.checked_add(1).ok_or(Refused)?;
    }
    Ok(count)
}

#[inline]
fn read_members<'t>(
    rules: &Rules,
    predicted: &mut Vec<Predicted>,
    mut members: &'t [Node<'t>],
    slots: &mut [Json<'t>],
) -> Result<(), Refused> {
    let mut place = 0;
    while let [Node::String(key), value @ ..] = members {
        let slot = match predicted.get(place) {
            Some(expected) if expected.is(key) => expected.slot,
            _ => predict(rules, predicted, &mut place, key),
        };
        let (json, rest) = from_tape(value).ok_or(Refused)?;
        // Of a key that comes twice the last value wins.
        if let Some(entry) = slots.get_mut(slot) {
            *entry = json;
        }
        members = rest;
        place += 1;
    }
    if members.is_empty() {
        Ok(())
    } else {
        Err(Refused)
    }
}

/// The slot of a key that was not expected at `place`, which becomes the place where it is
/// expected: some keys before it were left out, or it is new.
#[cold]
fn predict(rules: &Rules, predicted: &mut Vec<Predicted>, place: &mut usize, key: &str) -> usize {
    /// Beyond this many keys, and for keys longer than this, remembering costs more than it saves.
    const MOST: usize = 128;
    let known = |expected: &Predicted| expected.is(key);
    let behind = predicted
        .get(*place..)
        .unwrap_or(&[])
        .iter()
        .position(known);
    let found = behind
        .map(|distance| *place + distance)
        .or_else(|| predicted.iter().position(known));
    if let Some((found, expected)) = found.and_then(|found| Some((found, predicted.get(found)?))) {
        *place = found;
        return expected.slot;
    }
    let slot = rules.slot(key).unwrap_or(UNMAPPED);
    if predicted.len() < MOST && key.len() < MOST {
        *place = (*place).min(predicted.len());
        let new = Predicted {
            key: key.into(),
            short: ShortText::of(key),
            slot,
        };
        predicted.insert(*place, new);
    }
    slot
}
