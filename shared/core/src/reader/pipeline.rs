//! Workers that read in parallel: each takes the next chunk of the text, decodes it and delivers
//! it; deliveries are processed in text order. A chunk that was split in a wrong place or is not
//! JSON is rejected: it and all chunks after it go back into the text, which is then read exactly
//! from there to the intended end of the chunk.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::Scope;

use super::decode::{ChunkRejected, Decoder};
use super::error::{ReadFailure, SyntaxError};
use super::exact::{self, Reached};
use super::keys::{FoundKey, FoundKeys, KeyLog};
use super::position::count_newlines;
use super::sink::{RecordSink, Totals};
use super::text::{TextChunk, TextReader};
use crate::limits;
use crate::rules::Rules;

mod exactly;

pub(super) struct Pipeline<'p, R, H: RecordSink, F> {
    rules: &'p Rules,
    sink: &'p H,
    state: Mutex<SharedState<R, H::Batch, F>>,
}

/// State shared by the workers. They lock it while they read and deliver, not while they decode.
struct SharedState<R, C, F> {
    text: TextReader<R>,
    on_batch: F,
    /// Chunks that are being decoded or wait for an earlier one, in order.
    in_flight: VecDeque<InFlight<C>>,
    /// Number of the chunk at the front of `in_flight`.
    front: u64,
    /// Bytes of the chunks in flight, and their maximum.
    in_flight_bytes: usize,
    window: usize,
    /// Elements passed on to the consumer.
    records: u64,
    /// Keys of these elements that are not mapped as they are written.
    keys: FoundKeys,
    /// The result, once reading has ended.
    result: Option<Result<(), ReadFailure>>,
    /// Decoders of workers that ended for lack of work; new workers reuse them.
    idle_decoders: Vec<Decoder>,
    buffers: Vec<Vec<u8>>,
}

struct InFlight<C> {
    chunk: Arc<TextChunk>,
    decoded: Option<Decoded<C>>,
}

type Decoded<C> = Result<(C, u32, Vec<FoundKey>), ChunkRejected>;

impl<'p, R, H, F> Pipeline<'p, R, H, F>
where
    R: Read + Send,
    H: RecordSink,
    F: FnMut(u64, H::Batch) -> io::Result<()> + Send,
{
    pub(super) fn new(
        text: TextReader<R>,
        window: usize,
        rules: &'p Rules,
        sink: &'p H,
        on_batch: F,
    ) -> Self {
        Self {
            rules,
            sink,
            state: Mutex::new(SharedState {
                text,
                on_batch,
                in_flight: VecDeque::new(),
                front: 0,
                in_flight_bytes: 0,
                window,
                records: 0,
                keys: FoundKeys::default(),
                result: None,
                idle_decoders: Vec::new(),
                buffers: Vec::new(),
            }),
        }
    }

    /// Reads the whole text, in this thread and in the rayon pool that it belongs to.
    pub(super) fn run(self) -> Result<Totals, ReadFailure> {
        rayon::in_place_scope(|scope| {
            let is_whole_text = self.lock().text.is_complete();
            let extra_workers = if is_whole_text {
                0
            } else {
                rayon::current_num_threads().saturating_sub(1)
            };
            for _ in 0..extra_workers {
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
            keys: state.keys,
        };
        state.result.unwrap_or(Ok(())).map(|()| totals)
    }

    fn lock(&self) -> MutexGuard<'_, SharedState<R, H::Batch, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work<'s>(&'s self, mut decoder: Decoder, scope: &Scope<'s>) {
        let mut decoded = None;
        loop {
            let mut state = self.lock();
            if let Some((number, decoded)) = decoded.take() {
                state.deliver(self.rules, self.sink, number, decoded);
                if let Some(decoder) = state.wake() {
                    scope.spawn(|scope| self.work(decoder, scope));
                }
            }
            let Some((number, chunk)) = state.next_chunk(self.rules, self.sink) else {
                state.idle_decoders.push(decoder);
                return;
            };
            drop(state);
            decoded = Some((number, self.decode(&mut decoder, &chunk)));
        }
    }

    /// Decodes one chunk: on the fast path, else on the exact path within its boundaries.
    fn decode(&self, decoder: &mut Decoder, chunk: &TextChunk) -> Decoded<H::Batch> {
        let mut batch = self.sink.start_batch(chunk.elements());
        let decoded = if chunk.elements().len() > limits::MAX_RECORD_BYTES {
            // It may be one record that is too long.
            Err(ChunkRejected)
        } else {
            decoder.decode(self.rules, chunk.elements(), |index, element| {
                self.sink.push(&mut batch, index, element);
            })
        };
        match decoded {
            // Only an empty array may have no element before its bracket.
            Ok(0) if !(chunk.closes && chunk.opens) => {
                drop(decoder.take_keys());
                return Err(ChunkRejected);
            }
            Ok(count) => {
                self.sink.finish_batch(&mut batch, chunk.elements());
                return Ok((batch, count, decoder.take_keys()));
            }
            Err(ChunkRejected) => drop(decoder.take_keys()),
        }
        let mut log = KeyLog::default();
        let mut batch = self.sink.start_batch(chunk.elements());
        let mut count = 0;
        let reached = exact::read(
            self.rules,
            chunk.bytes(),
            chunk.end(),
            chunk.closes,
            chunk.opens,
            &mut log,
            |element| {
                self.sink.push(&mut batch, count, element);
                count += 1;
            },
        );
        let after = chunk.end() + 1;
        match reached {
            Ok(Reached::Border { next }) if !chunk.closes && next == after => {}
            Ok(Reached::Closed { next }) if chunk.closes && next == after => {}
            Ok(_) | Err(_) => return Err(ChunkRejected),
        }
        self.sink.finish_batch(&mut batch, chunk.elements());
        Ok((batch, count, log.take()))
    }
}

impl<R: Read, C, F: FnMut(u64, C) -> io::Result<()>> SharedState<R, C, F> {
    /// Returns the next chunk to decode and its number; `None` if there is no work until another
    /// worker delivers.
    fn next_chunk<H: RecordSink<Batch = C>>(
        &mut self,
        rules: &Rules,
        sink: &H,
    ) -> Option<(u64, Arc<TextChunk>)> {
        while self.has_work() {
            let buffer = self.buffers.pop().unwrap_or_default();
            if let Some(chunk) = self.text.next_chunk(buffer) {
                let number = self.front + self.in_flight.len() as u64;
                let chunk = Arc::new(chunk);
                self.in_flight_bytes += chunk.bytes().len();
                self.in_flight.push_back(InFlight {
                    chunk: Arc::clone(&chunk),
                    decoded: None,
                });
                return Some((number, chunk));
            }
            // Exact reading has to wait for all earlier chunks.
            if !self.in_flight.is_empty() {
                return None;
            }
            self.read_exactly(rules, sink, usize::MAX);
        }
        None
    }

    fn has_work(&self) -> bool {
        let has_room = self.in_flight.is_empty() || self.in_flight_bytes < self.window;
        let closing = self
            .in_flight
            .back()
            .is_some_and(|in_flight| in_flight.chunk.closes);
        self.result.is_none() && has_room && !closing
    }

    /// Returns the decoder of an idle worker if there is work.
    fn wake(&mut self) -> Option<Decoder> {
        if self.has_work() {
            self.idle_decoders.pop()
        } else {
            None
        }
    }

    /// Stores the result of a chunk, and processes all results that are next in order.
    fn deliver<H: RecordSink<Batch = C>>(
        &mut self,
        rules: &Rules,
        sink: &H,
        number: u64,
        decoded: Decoded<C>,
    ) {
        // A chunk that went back into the text is not in flight any more.
        let index = number
            .checked_sub(self.front)
            .and_then(|index| usize::try_from(index).ok());
        let Some(in_flight) = index.and_then(|index| self.in_flight.get_mut(index)) else {
            return;
        };
        in_flight.decoded = Some(decoded);
        while self.result.is_none()
            && let Some(decoded) = self
                .in_flight
                .front_mut()
                .and_then(|in_flight| in_flight.decoded.take())
        {
            match decoded {
                Ok((batch, count, keys)) => self.emit_front(batch, count, keys),
                Err(ChunkRejected) => {
                    let end = self.put_back();
                    self.read_exactly(rules, sink, end);
                }
            }
        }
    }

    fn emit_front(&mut self, batch: C, count: u32, keys: Vec<FoundKey>) {
        let offset = self
            .in_flight
            .front()
            .map_or(0, |in_flight| in_flight.chunk.offset);
        self.emit(offset, batch, count, keys);
        let Some(InFlight { chunk, .. }) = self.in_flight.pop_front() else {
            return;
        };
        self.front += 1;
        self.in_flight_bytes -= chunk.bytes().len();
        if chunk.closes && self.result.is_none() {
            self.result = Some(Ok(()));
        }
        self.buffers
            .extend(Arc::into_inner(chunk).map(TextChunk::into_buffer));
    }

    /// Puts all chunks in flight back into the text. Returns the intended end of the first of them.
    fn put_back(&mut self) -> usize {
        let end = self
            .in_flight
            .front()
            .map_or(0, |in_flight| in_flight.chunk.end());
        self.text
            .put_back(self.in_flight.iter().map(|in_flight| &*in_flight.chunk));
        self.front += self.in_flight.len() as u64;
        self.in_flight.clear();
        self.in_flight_bytes = 0;
        end
    }

    fn emit(&mut self, offset: u64, batch: C, count: u32, keys: Vec<FoundKey>) {
        if self.records + u64::from(count) > u64::from(u32::MAX) {
            self.fail(offset, "more than 4,294,967,295 records");
            return;
        }
        if let Err(error) = (self.on_batch)(self.records, batch) {
            self.result = Some(Err(ReadFailure::Consumer(error)));
            return;
        }
        self.keys.add(self.records, keys);
        self.records += u64::from(count);
    }

    fn fail(&mut self, offset: u64, reason: &'static str) {
        let error = SyntaxError {
            offset,
            records: self.records,
            reason: reason.to_owned(),
        };
        let newlines_after = self.newlines_after(offset);
        self.result = Some(Err(ReadFailure::Syntax {
            error,
            newlines_after,
        }));
    }

    /// Returns the newlines among the bytes read so far, from byte `offset` of the text on.
    fn newlines_after(&self, offset: u64) -> u64 {
        let in_flight = self.in_flight.iter().map(|in_flight| &*in_flight.chunk);
        in_flight
            .map(|chunk| (chunk.offset, chunk.bytes()))
            .chain([(self.text.offset(), self.text.rest())])
            .map(|(start, bytes)| {
                let before = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
                count_newlines(bytes.get(before..).unwrap_or(&[]))
            })
            .sum()
    }
}
