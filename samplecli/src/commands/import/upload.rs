//! Uploads: a file in parts, several in parallel, each retried until it was received. The server
//! keeps received parts, so an upload can be resumed whatever ends the command.

use std::collections::VecDeque;
use std::sync::Arc;

use indicatif::ProgressBar;
use muster_api::{CreateUploadResponse, SignedPart, UploadPartsResponse};
use tokio::task::JoinSet;

use super::source::{Source, blocking};
use crate::failure::{Exit, Failure};
use crate::http::response::Response;
use crate::imports::client::ImportsClient;
use crate::imports::retry::{RETRY_DELAYS, RequestError, retrying, wait_before_retry};
use crate::output::escape::escaped;
use crate::output::number::counted;
use crate::output::progress::{ProgressReporter, Stage};
use crate::output::stderr;

/// An upload that was started.
#[derive(Clone)]
pub struct Upload {
    pub imports: Arc<ImportsClient>,
    pub source: Arc<Source>,
    /// The id of the import.
    pub id: String,
    /// The task, which may be busy.
    pub task: u64,
    /// The command line that resumes the upload.
    pub resume_command: String,
}

/// The missing parts of an upload, in order.
struct MissingParts {
    part_size: u64,
    /// Parts with a signed URL.
    ready: VecDeque<SignedPart>,
    /// Number of the next part that has no URL yet.
    next: Option<u32>,
    /// Parts up to this number are included in `received_bytes`.
    last_received: u32,
    received_bytes: u64,
}

/// A part that was received.
struct UploadedPart {
    size: u64,
    /// True if it took more than one attempt: the other URLs may have expired, too.
    was_retried: bool,
}

/// Returns the first parts of a new upload.
pub fn first_parts(upload: CreateUploadResponse) -> UploadPartsResponse {
    UploadPartsResponse {
        import_id: upload.import_id,
        part_size: upload.part_size,
        part_count: upload.part_count,
        received: Vec::new(),
        parts: upload.parts,
        next: None,
        expires_at: upload.expires_at,
    }
}

/// Returns the first part after these, if there is one.
fn next_part(parts: &UploadPartsResponse) -> Option<u32> {
    let missing = parts.parts.iter().map(|part| part.number);
    let received = parts.received.iter().map(|part| part.number);
    let last = missing.chain(received).max()?;
    parts
        .next
        .or_else(|| (last < parts.part_count).then_some(last + 1))
        .filter(|next| *next > last)
}

impl Upload {
    /// Sends the missing parts and starts the import. `parts` are the first parts.
    pub async fn send_and_complete(
        &self,
        parts: UploadPartsResponse,
        parallel: usize,
        progress: &mut ProgressReporter,
    ) -> Result<(), Failure> {
        stderr::println(&format!(
            "import {}: {} in {}",
            escaped(&self.id),
            counted(self.source.size(), "byte"),
            counted(u64::from(parts.part_count), "part")
        ));
        let mut missing = MissingParts::new(parts);
        let sent = tokio::select! {
            sent = self.send(&mut missing, parallel, progress) => sent,
            _ = tokio::signal::ctrl_c() => Err(RequestError::Transient(Failure::failed(format!(
                "interrupted: the upload of import {} is incomplete", self.id
            )))),
        };
        progress.end();
        sent.map_err(|error| self.resumable(error))?;
        let completed = tokio::select! {
            completed = self.complete(progress) => completed,
            _ = tokio::signal::ctrl_c() => Err(RequestError::Transient(Failure::failed(format!(
                "interrupted: import {} may have started", self.id
            )))),
        };
        completed.map_err(|error| self.resumable(error))
    }

    async fn send(
        &self,
        missing: &mut MissingParts,
        parallel: usize,
        progress: &mut ProgressReporter,
    ) -> Result<(), RequestError> {
        let name = format!("uploading {}", self.source.name());
        // Requests in flight are aborted when this is dropped.
        let mut requests = JoinSet::new();
        loop {
            let done = missing.received_bytes;
            progress.show(&Stage::bytes(&name, done, self.source.size()));
            while requests.len() < parallel {
                let Some(part) = missing.next(self, progress).await? else {
                    break;
                };
                let (upload, bar) = (self.clone(), progress.bar().clone());
                let part_size = missing.part_size;
                requests.spawn(async move { upload.send_part(part, part_size, &bar).await });
            }
            let Some(joined) = requests.join_next().await else {
                return Ok(());
            };
            let part = joined.unwrap_or_else(|error| {
                Err(RequestError::Transient(Failure::failed(format!(
                    "the upload of a part failed: {error}"
                ))))
            })?;
            missing.received_bytes += part.size;
            if part.was_retried {
                missing.discard_urls();
            }
        }
    }

    /// Sends a part until it was received. Before each further attempt it checks whether the part
    /// was received and only the response was lost; otherwise it gets a new URL.
    async fn send_part(
        &self,
        part: SignedPart,
        part_size: u64,
        bar: &ProgressBar,
    ) -> Result<UploadedPart, RequestError> {
        let SignedPart { number, mut url } = part;
        let offset = u64::from(number.saturating_sub(1)).saturating_mul(part_size);
        let size = part_size.min(self.source.size().saturating_sub(offset));
        let mut delays = RETRY_DELAYS.into_iter();
        let mut was_retried = false;
        loop {
            let source = Arc::clone(&self.source);
            let bytes = blocking(move || source.read(offset, size)).await;
            let bytes = bytes.map_err(RequestError::Permanent)?;
            let failure = match self.imports.put_part(number, &url, bytes).await {
                Ok(()) => return Ok(UploadedPart { size, was_retried }),
                Err(RequestError::Transient(failure)) => failure,
                Err(permanent) => return Err(permanent),
            };
            let Some(delay) = delays.next() else {
                return Err(RequestError::Transient(failure));
            };
            wait_before_retry(bar, delay, &failure).await;
            was_retried = true;
            match self.imports.parts(&self.id, number).await {
                Ok(parts) => {
                    let mut received = parts.received.into_iter();
                    if received.any(|part| part.number == number && part.size == size) {
                        return Ok(UploadedPart { size, was_retried });
                    }
                    let mut missing = parts.parts.into_iter();
                    url = missing
                        .find(|part| part.number == number)
                        .map_or(url, |part| part.url);
                }
                // The failure of the part itself is the one to report.
                Err(RequestError::Transient(_)) => {}
                Err(permanent) => return Err(permanent),
            }
        }
    }

    async fn complete(&self, progress: &ProgressReporter) -> Result<(), RequestError> {
        let busy = |response: &Response| {
            Failure::failed(format!(
                "task {} is running another import; {} was uploaded completely as import {}",
                self.task,
                self.source.name(),
                self.id
            ))
            .hint(format!(
                "{}: {} starts the import without sending anything again",
                response.retry_hint(),
                self.resume_command
            ))
        };
        let attempt = async || self.imports.complete(&self.id, busy).await;
        retrying(progress.bar(), attempt).await
    }

    /// Adds a hint on how to resume the upload, if that is possible.
    fn resumable(&self, error: RequestError) -> Failure {
        let resume = &self.resume_command;
        match error {
            RequestError::Permanent(failure) if failure.exit() != Exit::NotSignedIn => failure,
            RequestError::Permanent(failure) => {
                failure.add_hint(format!("then send the rest with {resume}"))
            }
            RequestError::Transient(failure) => failure.hint(format!(
                "received parts are kept: send the rest with {resume}"
            )),
        }
    }
}

impl MissingParts {
    fn new(parts: UploadPartsResponse) -> Self {
        let mut missing = Self {
            part_size: parts.part_size,
            ready: VecDeque::new(),
            next: None,
            last_received: 0,
            received_bytes: 0,
        };
        missing.add(parts);
        missing
    }

    fn add(&mut self, parts: UploadPartsResponse) {
        self.next = next_part(&parts);
        for part in parts.received {
            if part.number > self.last_received {
                self.received_bytes += part.size;
                self.last_received = part.number;
            }
        }
        self.ready.extend(parts.parts);
    }

    /// Returns the next part to send, with a recently signed URL.
    async fn next(
        &mut self,
        upload: &Upload,
        progress: &ProgressReporter,
    ) -> Result<Option<SignedPart>, RequestError> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(Some(part));
            }
            let Some(from) = self.next else {
                return Ok(None);
            };
            let attempt = async || upload.imports.parts(&upload.id, from).await;
            self.add(retrying(progress.bar(), attempt).await?);
        }
    }

    /// Discards the URLs that are ready, so that new ones are requested.
    fn discard_urls(&mut self) {
        if let Some(first) = self.ready.pop_front() {
            self.next = Some(first.number);
            self.ready.clear();
        }
    }
}
