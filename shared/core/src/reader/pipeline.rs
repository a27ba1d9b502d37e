//! Workers that read: each takes the next chunk of the text, decodes it on its own and delivers
//! it; what is delivered is taken over in the order of the text. A chunk that was cut in a wrong
//! place, or is no JSON, is refused: it and all chunks behind it go back into the text, which is
//! read exactly from there up to where the chunk was to end.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::Scope;

use super::cut::trim_space;
use super::decode::{Decoder, Refused};
use super::exact::{self, Progress};
use super::scan::NotJson;
use super::text::{Chunk, Text};
use super::{Harvest, SyntaxError, Totals, Unread, newlines};
use crate::limits;
use crate::rules::Rules;

pub(super) struct Pipeline<'p, R, H: Harvest, F> {
    rules: &'p Rules,
    harvest: &'p H,
    state: Mutex<State<R, H::Crop, F>>,
}

/// What the workers share. They hold it while they read and deliver, not while they decode.
struct State<R, C, F> {
    text: Text<R>,
    bring_in: F,
    /// Chunks that are being decoded, or wait for one before them, in order.
    out: VecDeque<Out<C>>,
    /// The number of the chunk at the front of `out`.
    front: u64,
    /// Bytes of the chunks that are out, and how many may be.
    out_bytes: usize,
    window: usize,
    /// Elements that were taken over.
    records: u64,
    /// How it ended.
    result: Option<Result<(), Unread>>,
    /// Of workers that had nothing to do and ended; they are started again when there is.
    resting: Vec<Decoder>,
    memory: Vec<Vec<u8>>,
}

struct Out<C> {
    chunk: Arc<Chunk>,
    decoded: Option<Decoded<C>>,
}

type Decoded<C> = Result<(C, u32), Refused>;

impl<'p, R, H, F> Pipeline<'p, R, H, F>
where
    R: Read + Send,
    H: Harvest,
    F: FnMut(u64, H::Crop) -> io::Result<()> + Send,
{
    pub(super) fn new(
        text: Text<R>,
        window: usize,
        rules: &'p Rules,
        harvest: &'p H,
        bring_in: F,
    ) -> Self {
        Self {
            rules,
            harvest,
            state: Mutex::new(State {
                text,
                bring_in,
                out: VecDeque::new(),
                front: 0,
                out_bytes: 0,
                window,
                records: 0,
                result: None,
                resting: Vec::new(),
                memory: Vec::new(),
            }),
        }
    }

    /// Reads everything, in this thread and the rayon pool that it belongs to.
    pub(super) fn run(self) -> Result<Totals, Unread> {
        rayon::in_place_scope(|scope| {
            let alone = self.lock().text.is_complete();
            let others = if alone {
                0
            } else {
                rayon::current_num_threads().saturating_sub(1)
            };
            for _ in 0..others {
                scope.spawn(|scope| self.work(Decoder::new(), scope));
            }
            self.work(Decoder::new(), scope);
        });
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let totals = Totals {
            records: state.records,
            bytes: state.text.offset(),
        };
        state.result.unwrap_or(Ok(())).map(|()| totals)
    }

    fn lock(&self) -> MutexGuard<'_, State<R, H::Crop, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work<'s>(&'s self, mut decoder: Decoder, scope: &Scope<'s>) {
        let mut decoded = None;
        loop {
            let mut state = self.lock();
            if let Some((number, decoded)) = decoded.take() {
                state.deliver(self.rules, self.harvest, number, decoded);
                if let Some(decoder) = state.wake() {
                    scope.spawn(|scope| self.work(decoder, scope));
                }
            }
            let Some((number, chunk)) = state.next_chunk(self.rules, self.harvest) else {
                state.resting.push(decoder);
                return;
            };
            drop(state);
            decoded = Some((number, self.decode(&mut decoder, &chunk)));
        }
    }

    /// One chunk: the fast way, else the exact way within its borders.
    fn decode(&self, decoder: &mut Decoder, chunk: &Chunk) -> Decoded<H::Crop> {
        let mut crop = self.harvest.start(chunk.elements());
        let decoded = if chunk.elements().len() > limits::RECORD_BYTES {
            // It may be one record that is too long.
            Err(Refused)
        } else {
            decoder.decode(self.rules, chunk.elements(), |index, element| {
                self.harvest.gather(&mut crop, index, element);
            })
        };
        match decoded {
            // Only an empty array may have nothing before its bracket.
            Ok(0) if !(chunk.closes && chunk.opens) => return Err(Refused),
            Ok(count) => {
                self.harvest.close(&mut crop, chunk.elements());
                return Ok((crop, count));
            }
            Err(Refused) => {}
        }
        let mut crop = self.harvest.start(chunk.elements());
        let mut count = 0;
        let progress = exact::read(
            self.rules,
            chunk.bytes(),
            chunk.end(),
            chunk.closes,
            chunk.opens,
            |element| {
                self.harvest.gather(&mut crop, count, element);
                count += 1;
            },
        );
        let behind = chunk.end() + 1;
        match progress {
            Ok(Progress::Border { next }) if !chunk.closes && next == behind => {}
            Ok(Progress::Closed { next }) if chunk.closes && next == behind => {}
            Ok(_) | Err(_) => return Err(Refused),
        }
        self.harvest.close(&mut crop, chunk.elements());
        Ok((crop, count))
    }
}

impl<R: Read, C, F: FnMut(u64, C) -> io::Result<()>> State<R, C, F> {
    /// The next chunk to decode and its number. `None`: there is nothing to do, at least until
    /// another worker delivers.
    fn next_chunk<H: Harvest<Crop = C>>(
        &mut self,
        rules: &Rules,
        harvest: &H,
    ) -> Option<(u64, Arc<Chunk>)> {
        while self.has_work() {
            let memory = self.memory.pop().unwrap_or_default();
            if let Some(chunk) = self.text.next_chunk(memory) {
                let number = self.front + self.out.len() as u64;
                let chunk = Arc::new(chunk);
                self.out_bytes += chunk.bytes().len();
                self.out.push_back(Out {
                    chunk: Arc::clone(&chunk),
                    decoded: None,
                });
                return Some((number, chunk));
            }
            // Exact reading has to wait for everything before.
            if !self.out.is_empty() {
                return None;
            }
            self.read_exactly(rules, harvest, usize::MAX);
        }
        None
    }

    fn has_work(&self) -> bool {
        let has_room = self.out.is_empty() || self.out_bytes < self.window;
        let closing = self.out.back().is_some_and(|out| out.chunk.closes);
        self.result.is_none() && has_room && !closing
    }

    /// The decoder of a resting worker that could go on.
    fn wake(&mut self) -> Option<Decoder> {
        if self.has_work() {
            self.resting.pop()
        } else {
            None
        }
    }

    /// Takes a chunk's records, and takes over what has its turn.
    fn deliver<H: Harvest<Crop = C>>(
        &mut self,
        rules: &Rules,
        harvest: &H,
        number: u64,
        decoded: Decoded<C>,
    ) {
        // A chunk that went back into the text is not out any more.
        let out = number
            .checked_sub(self.front)
            .and_then(|index| usize::try_from(index).ok());
        let Some(out) = out.and_then(|index| self.out.get_mut(index)) else {
            return;
        };
        out.decoded = Some(decoded);
        while self.result.is_none()
            && let Some(decoded) = self.out.front_mut().and_then(|out| out.decoded.take())
        {
            match decoded {
                Ok((crop, count)) => self.take_front(crop, count),
                Err(Refused) => {
                    let end = self.put_back();
                    self.read_exactly(rules, harvest, end);
                }
            }
        }
    }

    fn take_front(&mut self, crop: C, count: u32) {
        let offset = self.out.front().map_or(0, |out| out.chunk.offset);
        self.take(offset, crop, count);
        let Some(Out { chunk, .. }) = self.out.pop_front() else {
            return;
        };
        self.front += 1;
        self.out_bytes -= chunk.bytes().len();
        if chunk.closes && self.result.is_none() {
            self.result = Some(Ok(()));
        }
        self.memory
            .extend(Arc::into_inner(chunk).map(Chunk::into_memory));
    }

    /// Puts all chunks that are out back into the text. Where the first of them was to end.
    fn put_back(&mut self) -> usize {
        let end = self.out.front().map_or(0, |out| out.chunk.end());
        self.text.put_back(self.out.iter().map(|out| &*out.chunk));
        self.front += self.out.len() as u64;
        self.out.clear();
        self.out_bytes = 0;
        end
    }

    /// Reads the text without trusting any cut, up to the first comma that is `stop` bytes away or
    /// farther.
    fn read_exactly<H: Harvest<Crop = C>>(&mut self, rules: &Rules, harvest: &H, mut stop: usize) {
        while self.result.is_none() {
            let mut crop = harvest.start(self.text.rest());
            let mut count = 0;
            let progress = exact::read(
                rules,
                self.text.rest(),
                stop,
                self.text.is_complete(),
                self.records == 0,
                |element| {
                    harvest.gather(&mut crop, count, element);
                    count += 1;
                },
            );
            let next = match progress {
                Ok(
                    Progress::Border { next }
                    | Progress::Closed { next }
                    | Progress::Incomplete { next },
                ) => next,
                Err(NotJson { at, reason }) => {
                    self.records += u64::from(count);
                    self.refuse(self.text.offset() + at as u64, reason);
                    return;
                }
            };
            harvest.close(&mut crop, gathered(self.text.rest(), &progress));
            self.take(self.text.offset(), crop, count);
            if self.result.is_some() {
                return;
            }
            self.text.advance(next);
            stop = stop.saturating_sub(next);
            match progress {
                Ok(Progress::Incomplete { .. }) => {
                    if !self.text.read_more() {
                        self.result = self.text.take_failure().map(|error| Err(Unread::Io(error)));
                    }
                }
                Ok(Progress::Closed { .. }) => self.expect_end(),
                Ok(Progress::Border { .. }) | Err(_) => return,
            }
        }
    }

    /// Nothing but white space may follow the array.
    fn expect_end(&mut self) {
        let found = self.text.skip_space();
        if let Some(error) = self.text.take_failure() {
            self.result = Some(Err(Unread::Io(error)));
        } else if found.is_some() {
            self.refuse(
                self.text.offset(),
                "there is more text after the end of the array",
            );
        } else if self.result.is_none() {
            self.result = Some(Ok(()));
        }
    }

    fn take(&mut self, offset: u64, crop: C, count: u32) {
        if self.records + u64::from(count) > u64::from(u32::MAX) {
            self.refuse(offset, "more than 4,294,967,295 records");
            return;
        }
        if let Err(error) = (self.bring_in)(self.records, crop) {
            self.result = Some(Err(Unread::Unwanted(error)));
            return;
        }
        self.records += u64::from(count);
    }

    fn refuse(&mut self, offset: u64, reason: &'static str) {
        let error = SyntaxError {
            offset,
            records: self.records,
            reason: reason.to_owned(),
        };
        let newlines_behind = self.newlines_behind(offset);
        self.result = Some(Err(Unread::Syntax {
            error,
            newlines_behind,
        }));
    }

    /// Newlines among the bytes that were read, from byte `offset` of the text on.
    fn newlines_behind(&self, offset: u64) -> u64 {
        let out = self.out.iter().map(|out| &*out.chunk);
        out.map(|chunk| (chunk.offset, chunk.bytes()))
            .chain([(self.text.offset(), self.text.rest())])
            .map(|(start, bytes)| {
                let before = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
                newlines(bytes.get(before..).unwrap_or(&[]))
            })
            .sum()
    }
}

/// The elements that were read exactly from `bytes`, without what is behind them.
fn gathered<'b>(bytes: &'b [u8], progress: &Result<Progress, NotJson>) -> &'b [u8] {
    let length = match progress {
        Ok(Progress::Border { next } | Progress::Closed { next }) => next.saturating_sub(1),
        Ok(Progress::Incomplete { next }) => *next,
        Err(_) => 0,
    };
    let elements = trim_space(bytes.get(..length).unwrap_or(&[]));
    elements.strip_suffix(b",").unwrap_or(elements)
}
