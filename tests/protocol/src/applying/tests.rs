use super::*;
use crate::search::{always_ends, breaks, holds};

/// One chunk of two records, one to be changed and one that stands as it should.
fn one_chunk() -> Applying {
    Applying {
        chunks: vec![vec![0, 1]],
        standing: [Value::Old, Value::Absent],
        managers: false,
        workers: 2,
        tries: 2,
        faults: 2,
        others: 1,
        cancel: false,
        mutant: None,
    }
}

/// Two chunks of one record each, and an operator who may cancel.
fn two_chunks() -> Applying {
    Applying {
        chunks: vec![vec![0], vec![1]],
        cancel: true,
        ..one_chunk()
    }
}

#[test]
fn one_chunk_holds() {
    holds("one chunk of two records", one_chunk());
}

#[test]
fn two_chunks_hold() {
    holds("two chunks of one record", two_chunks());
}
