//! Uploads: a file in parts, several at once, each sent until it has arrived. What has arrived
//! stays with the server, so whatever ends the command leaves an upload that can be resumed.

use std::collections::VecDeque;
use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::task::JoinSet;

use super::source::{Source, blocking};
use crate::failure::{Exit, Failure};
use crate::imports::{self, Imports, PAUSES, Part, Trouble, Window, patiently};
use crate::progress::{Progress, Stage, Unit};
use crate::server::Answer;
use crate::terminal::{self, counted, shown};

/// An upload that was begun.
#[derive(Clone)]
pub struct Upload {
    pub imports: Arc<Imports>,
    pub source: Arc<Source>,
    /// The run.
    pub run: String,
    /// The task, which may be busy.
    pub task: u64,
    /// The command line that resumes it.
    pub resume: String,
}

/// The parts that are still to be sent, in order.
struct Feed {
    part_size: u64,
    ready: VecDeque<Part>,
    /// Where the next window begins.
    next: Option<u64>,
    /// The last part of which it is known whether it had arrived before.
    seen: u64,
    /// The bytes that have arrived.
    arrived: u64,
}

/// A part that has arrived.
struct Sent {
    size: u64,
    /// It took more than one try: the URLs at hand may have expired.
    again: bool,
}

impl Upload {
    /// Sends what has not arrived, and has the import begin. `window` is the first one on its
    /// parts.
    pub async fn deliver(
        &self,
        window: Window,
        parallel: usize,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        terminal::say(&format!(
            "import {}: {} in {}",
            shown(&self.run),
            counted(self.source.size(), "byte"),
            counted(window.part_count, "part")
        ));
        let mut feed = Feed::new(window);
        let sent = tokio::select! {
            sent = self.send(&mut feed, parallel, progress) => sent,
            _ = tokio::signal::ctrl_c() => Err(Trouble::Passing(Failure::failed(format!(
                "interrupted: import {} is not complete", self.run
            )))),
        };
        progress.end();
        sent.map_err(|trouble| self.resumable(trouble))?;
        tokio::select! {
            done = self.complete(progress) => done.map_err(|trouble| self.resumable(trouble)),
            _ = tokio::signal::ctrl_c() => Err(self.resumable(Trouble::Passing(Failure::failed(
                format!("interrupted: import {} may have begun", self.run)
            )))),
        }
    }

    async fn send(
        &self,
        feed: &mut Feed,
        parallel: usize,
        progress: &mut Progress,
    ) -> Result<(), Trouble> {
        let name = format!("uploading {}", self.source.name());
        // What is on its way ends with this.
        let mut sending = JoinSet::new();
        loop {
            progress.show(&Stage {
                name: &name,
                unit: Unit::Bytes,
                done: feed.arrived,
                total: Some(self.source.size()),
                note: "",
            });
            while sending.len() < parallel {
                let Some(part) = feed.next(self, progress).await? else {
                    break;
                };
                let (upload, bar) = (self.clone(), progress.bar().clone());
                let part_size = feed.part_size;
                sending.spawn(async move { upload.send_part(part, part_size, &bar).await });
            }
            let Some(ended) = sending.join_next().await else {
                return Ok(());
            };
            let sent = ended.unwrap_or_else(|error| {
                Err(Trouble::Passing(Failure::failed(format!(
                    "a part was given up: {error}"
                ))))
            })?;
            feed.arrived += sent.size;
            if sent.again {
                feed.sign_again();
            }
        }
    }

    /// Sends a part until it has arrived. Each further try begins with the question whether it
    /// has: the answer may be all that was lost. If it has not, there is a new URL for it.
    async fn send_part(
        &self,
        part: Part,
        part_size: u64,
        bar: &ProgressBar,
    ) -> Result<Sent, Trouble> {
        let Part { number, mut url } = part;
        let from = (number.saturating_sub(1)).saturating_mul(part_size);
        let size = part_size.min(self.source.size().saturating_sub(from));
        let mut pauses = PAUSES.into_iter();
        let mut again = false;
        loop {
            let source = Arc::clone(&self.source);
            let bytes = blocking(move || source.read(from, size)).await;
            let bytes = bytes.map_err(Trouble::Lasting)?;
            let failure = match self.imports.put(number, &url, bytes).await {
                Ok(()) => return Ok(Sent { size, again }),
                Err(Trouble::Passing(failure)) => failure,
                Err(lasting) => return Err(lasting),
            };
            let Some(pause) = pauses.next() else {
                return Err(Trouble::Passing(failure));
            };
            imports::wait(bar, pause, &failure).await;
            again = true;
            match self.imports.parts(&self.run, number).await {
                Ok(window) => {
                    let mut received = window.received.into_iter();
                    if received.any(|part| part.number == number && part.size == size) {
                        return Ok(Sent { size, again });
                    }
                    let mut parts = window.parts.into_iter();
                    url = parts
                        .find(|part| part.number == number)
                        .map_or(url, |part| part.url);
                }
                // The part's own failure is what counts.
                Err(Trouble::Passing(_)) => {}
                Err(lasting) => return Err(lasting),
            }
        }
    }

    async fn complete(&self, progress: &Progress) -> Result<(), Trouble> {
        let busy = |answer: &Answer| {
            Failure::failed(format!(
                "task {} runs another import; all of {} has arrived and waits as import {}",
                self.task,
                self.source.name(),
                self.run
            ))
            .next(format!(
                "when that has ended (try {}), {} begins this one; nothing is sent twice",
                answer.retry_after(),
                self.resume
            ))
        };
        let attempt = async || self.imports.complete(&self.run, busy).await;
        patiently(progress.bar(), attempt).await
    }

    /// Says how to go on, where that is of use.
    fn resumable(&self, trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Lasting(failure) if failure.exit() != Exit::NotSignedIn => failure,
            Trouble::Lasting(failure) => {
                failure.then(format!("then {} sends the rest", self.resume))
            }
            Trouble::Passing(failure) => failure.next(format!(
                "what has arrived is kept: {} sends the rest",
                self.resume
            )),
        }
    }
}

impl Feed {
    fn new(window: Window) -> Self {
        let mut feed = Self {
            part_size: window.part_size,
            ready: VecDeque::new(),
            next: None,
            seen: 0,
            arrived: 0,
        };
        feed.take(window);
        feed
    }

    fn take(&mut self, window: Window) {
        self.next = window.next();
        for part in window.received {
            if part.number > self.seen {
                self.arrived += part.size;
                self.seen = part.number;
            }
        }
        self.ready.extend(window.parts);
    }

    /// The next part to send, with a URL that was good a moment ago.
    async fn next(
        &mut self,
        upload: &Upload,
        progress: &Progress,
    ) -> Result<Option<Part>, Trouble> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            let Some(from) = self.next else {
                return Ok(None);
            };
            let attempt = async || upload.imports.parts(&upload.run, from).await;
            self.take(patiently(progress.bar(), attempt).await?);
        }
    }

    /// Has the URLs at hand signed again, before they are used.
    fn sign_again(&mut self) {
        if let Some(first) = self.ready.pop_front() {
            self.next = Some(first.number);
            self.ready.clear();
        }
    }
}
