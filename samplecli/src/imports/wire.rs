//! What travels: uploads with their parts, and pages.

use serde::{Deserialize, Serialize};

use super::State;

/// What an upload will hold.
#[derive(Serialize)]
pub struct Announced<'a> {
    /// The bytes that will be sent.
    pub size: u64,
    /// What they are: `json` or `ndjson`.
    pub format: &'a str,
    /// How they are packed: `none` or `gzip`.
    pub compression: &'a str,
    /// Their SHA-256, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// An upload that was begun.
#[derive(Deserialize)]
pub struct Begun {
    /// The run.
    pub import_id: String,
    /// Its first parts.
    #[serde(flatten)]
    pub window: Window,
}

/// Some parts of an upload: a window on them.
#[derive(Deserialize)]
pub struct Window {
    /// The bytes of every part but the last.
    pub part_size: u64,
    /// How many parts there are.
    pub part_count: u64,
    /// Those of the window that arrived.
    #[serde(default)]
    pub received: Vec<Received>,
    /// The others, and where they go.
    pub parts: Vec<Part>,
    /// Where the next window begins.
    next: Option<u64>,
}

/// A part that arrived.
#[derive(Deserialize)]
pub struct Received {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes.
    pub size: u64,
}

/// A part that is to be sent.
#[derive(Deserialize)]
pub struct Part {
    /// Its number, from 1.
    pub number: u64,
    /// The signed URL that takes it.
    pub url: String,
}

impl Window {
    /// Where the next window begins. The answer to a new upload leaves it to its parts.
    pub fn next(&self) -> Option<u64> {
        let last = self.parts.iter().map(|part| part.number);
        let received = self.received.iter().map(|part| part.number);
        let last = last.chain(received).max()?;
        self.next
            .or_else(|| (last < self.part_count).then_some(last + 1))
            .filter(|next| *next > last)
    }
}

/// One page of the records that were not taken.
pub struct Rejected {
    /// Lines of JSON.
    pub lines: Vec<u8>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What became of a request to cancel.
#[derive(Deserialize)]
pub struct Cancelled {
    /// Where the run stands now.
    pub state: State,
}

/// One page of a run's items.
#[derive(Deserialize)]
pub struct Items<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins.
    pub next: Option<String>,
}
