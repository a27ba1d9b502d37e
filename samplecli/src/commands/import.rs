//! `muster import`: sends a file to a task, in one request or as an upload, and reports the
//! outcome.

mod reply;
mod source;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use muster_api::{CreateUploadRequest, CreateUploadResponse};
use muster_core::limits::MAX_SYNC_BYTES;
use muster_core::run::ImportState;
use reqwest::StatusCode;
use serde_json::json;

use self::reply::ImportReply;
use self::source::Source;
use self::upload::{Upload, first_parts};
use crate::args::{import_id, task_id};
use crate::commands::follow::{RESEND_HINT, ResultReporter, still_running, wait_until_ended};
use crate::encoding::{Encoding, EncodingArgs, START_BYTES};
use crate::failure::{Exit, Failure};
use crate::http::connection::ConnectionArgs;
use crate::http::response::{NoResponse, Response};
use crate::http::server::{ImportOptions, block_on};
use crate::imports::client::ImportsClient;
use crate::imports::status::ImportStatus;
use crate::output::number::grouped;
use crate::output::printer::OutputFormat;
use crate::output::progress::ProgressReporter;
use crate::output::{progress, stderr, stdout};

/// Send a file of users to a task and show the outcome
///
/// A JSON file of up to 4,000,000 bytes is sent in one request. Larger files, JSON lines, gzip and
/// files that the server finds too large for one request are uploaded in parts; the import is then
/// followed until it ends. Resume an interrupted upload with --resume.
#[derive(Args)]
#[command(after_help = "\
With --output json, prints one object, in the same form for a single request and for an upload: the
keys of the reply, those of a dry run (`Created`, `Blocked`, `Cleared` …) and `import_id`.

Exit codes: 0 imported, 1 refused or failed, 3 imported with warnings, 4 not signed in.

Examples:
  muster import users.json --task 206
  muster import users.json --task 206 --debug          # with the warnings
  muster import users.json --task 206 --dry-run        # what would change
  muster import leavers.json --task 206 --override-threshold   # after a look at the dry run
  muster import users.json --task 206 --idempotency-key 2026-11-21   # safe to repeat
  muster import users.json --task 206 --output json | jq '.\"Ignored Users\"'
  muster import everybody.ndjson.gz --task 206
  muster import everybody.ndjson.gz --task 206 --resume 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f
  run=$(muster import everybody.json --task 206 --no-wait)           # then: muster status $run
  muster generate 100 | muster import - --task 206")]
pub struct Import {
    /// File with a JSON array of records, or one record per line; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Id of the task
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: u64,

    /// Show the warnings
    #[arg(long)]
    debug: bool,

    /// Show what would be created and updated, without writing
    #[arg(long)]
    dry_run: bool,

    /// Import even if the task's safety threshold is exceeded; the execution log says so
    #[arg(long)]
    override_threshold: bool,

    /// Key of the request: for 24 hours, a request with the same key gets the same response
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    idempotency_key: Option<String>,

    /// Print the id of the import once the file is sent, without waiting for its end
    #[arg(long)]
    no_wait: bool,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,

    #[command(flatten)]
    upload: UploadArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of uploads.
#[derive(Args)]
#[command(next_help_heading = "Large files")]
struct UploadArgs {
    #[command(flatten)]
    encoding: EncodingArgs,

    /// Number of parts sent in parallel
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,

    /// Do not read the file beforehand to compute the checksum that the server verifies
    #[arg(long)]
    no_checksum: bool,

    /// Resume the upload of this import: send the missing parts and start the import
    #[arg(
        long,
        value_name = "RUN",
        value_parser = import_id,
        conflicts_with_all = ["format", "compression", "no_checksum", "idempotency_key", "dry_run", "override_threshold"]
    )]
    resume: Option<String>,
}

/// The state of an import after the file was sent.
enum Submission {
    /// The server responded to the single request.
    Reply(Response),
    /// The import with this id runs in the background.
    Background(String),
}

impl Import {
    /// Imports the file.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = Arc::new(ImportsClient::new(self.connection.resolve()?)?);
        let source = Arc::new(Source::open(&self.file)?);
        let start = source.read(0, source.size().min(START_BYTES as u64))?;
        let encoding = self.upload.encoding;
        let encoding = encoding.resolve(&self.file, source.name(), &start)?;
        block_on(self.import(&imports, &source, encoding))?
    }

    async fn import(
        &self,
        imports: &Arc<ImportsClient>,
        source: &Arc<Source>,
        encoding: Encoding,
    ) -> Result<Exit, Failure> {
        let mut progress = ProgressReporter::new();
        let submission = match &self.upload.resume {
            Some(id) => self.resume(imports, source, id, &mut progress).await?,
            None => self.send(imports, source, encoding, &mut progress).await?,
        };
        match submission {
            Submission::Reply(response) => {
                let mut reply = ImportReply::new(response, self.task);
                reply.complete(imports).await;
                reply.report(&self.reporter(imports, source))
            }
            Submission::Background(id) if self.no_wait => {
                let output = match self.output {
                    OutputFormat::Table => id,
                    OutputFormat::Json => json!({"import_id": id}).to_string(),
                };
                stdout::print_data(output.as_bytes())?;
                Ok(Exit::Ok)
            }
            Submission::Background(id) => {
                let ended = tokio::select! {
                    ended = wait_until_ended(imports, &id, &mut progress) => ended,
                    _ = tokio::signal::ctrl_c() => {
                        Err(still_running(imports, &id, Failure::failed("interrupted")))
                    }
                };
                self.reporter(imports, source).report(ended?).await
            }
        }
    }

    fn reporter<'a>(&self, imports: &'a ImportsClient, source: &'a Source) -> ResultReporter<'a> {
        ResultReporter {
            imports,
            source_name: source.name(),
            debug: self.debug,
            output: self.output,
        }
    }

    /// Sends a file in one request if possible, otherwise as an upload.
    async fn send(
        &self,
        imports: &Arc<ImportsClient>,
        source: &Arc<Source>,
        encoding: Encoding,
        progress: &mut ProgressReporter,
    ) -> Result<Submission, Failure> {
        if encoding.is_plain_json() && source.size() <= MAX_SYNC_BYTES as u64 {
            let response = self.send_in_one_request(imports, source).await?;
            match response.status {
                StatusCode::PAYLOAD_TOO_LARGE => {}
                StatusCode::ACCEPTED => {
                    let id = ImportReply::new(response, self.task)
                        .import_id()
                        .ok_or_else(|| {
                            Failure::failed(
                                "the import continues in the background, but the server did not \
                                 return its id",
                            )
                            .hint("operators find it with `muster runs`")
                        })?;
                    stderr::println(&format!("import {id} continues in the background"));
                    return Ok(Submission::Background(id));
                }
                _ => return Ok(Submission::Reply(response)),
            }
        }
        if self.idempotency_key.is_some() {
            return Err(Failure::usage(format!(
                "{} cannot be sent in one request, as --idempotency-key requires",
                source.name()
            ))
            .hint("omit it: an upload is imported once, and resumed with --resume"));
        }
        let id = self.upload(imports, source, encoding, progress).await?;
        Ok(Submission::Background(id))
    }

    async fn send_in_one_request(
        &self,
        imports: &ImportsClient,
        source: &Source,
    ) -> Result<Response, Failure> {
        let (name, size) = (source.name(), source.size());
        let options = ImportOptions {
            debug: self.debug,
            dry_run: self.dry_run,
            override_threshold: self.override_threshold,
            idempotency_key: self.idempotency_key.as_deref(),
            respond_async: self.no_wait,
        };
        let users = source.read(0, size)?;
        let progress = progress::spinner(format!("importing {name} ({} bytes)", grouped(size)));
        let server = imports.server();
        let sent = tokio::select! {
            sent = server.import(imports.token(), self.task, &options, users) => Some(sent),
            _ = tokio::signal::ctrl_c() => None,
        };
        progress.finish_and_clear();
        let message = match sent {
            Some(Ok(response)) => return Ok(response),
            Some(Err(NoResponse::Unreachable(cause))) => return Err(server.unreachable(&cause)),
            Some(Err(NoResponse::Lost(cause))) => format!("the response was lost ({cause})"),
            None => "interrupted before the response".to_owned(),
        };
        Err(Failure::failed(format!(
            "{message}: the request may have been applied, in whole or in part"
        ))
        .hint(RESEND_HINT))
    }

    /// Uploads a file and starts its import. Returns the id of the import.
    async fn upload(
        &self,
        imports: &Arc<ImportsClient>,
        source: &Arc<Source>,
        encoding: Encoding,
        progress: &mut ProgressReporter,
    ) -> Result<String, Failure> {
        let created = tokio::select! {
            created = self.create_upload(imports, source, encoding, progress) => created,
            _ = tokio::signal::ctrl_c() => {
                Err(Failure::failed("interrupted").hint("nothing was sent"))
            }
        };
        progress.end();
        let parts = first_parts(created?);
        let id = parts.import_id.clone();
        let upload = self.existing_upload(imports, source, &id);
        let parallel = usize::from(self.upload.parallel);
        upload.send_and_complete(parts, parallel, progress).await?;
        Ok(id)
    }

    async fn create_upload(
        &self,
        imports: &ImportsClient,
        source: &Arc<Source>,
        encoding: Encoding,
        progress: &mut ProgressReporter,
    ) -> Result<CreateUploadResponse, Failure> {
        let sha256 = if self.upload.no_checksum {
            None
        } else {
            source.checksum(progress).await?
        };
        let request = CreateUploadRequest {
            size: source.size(),
            format: encoding.format,
            compression: encoding.compression,
            sha256,
        };
        let created =
            imports.create_upload(self.task, self.dry_run, self.override_threshold, &request);
        created
            .await
            .map_err(|error| Failure::from(error).add_hint("nothing was sent"))
    }

    /// Sends the missing parts of an upload and starts its import.
    async fn resume(
        &self,
        imports: &Arc<ImportsClient>,
        source: &Arc<Source>,
        id: &str,
        progress: &mut ProgressReporter,
    ) -> Result<Submission, Failure> {
        let status: ImportStatus = imports.status(id).await?.read()?;
        self.check_resumable(&status, source)?;
        let upload = self.existing_upload(imports, source, id);
        if status.import.state == ImportState::Uploading.into() {
            let parts = imports.parts(id, 1).await?;
            let parallel = usize::from(self.upload.parallel);
            upload.send_and_complete(parts, parallel, progress).await?;
        } else {
            stderr::println(&format!("{} was already uploaded", source.name()));
        }
        Ok(Submission::Background(id.to_owned()))
    }

    /// Checks that the upload belongs to this task and this file.
    fn check_resumable(&self, status: &ImportStatus, source: &Source) -> Result<(), Failure> {
        let import = &status.import;
        let id = &import.import_id;
        if import.task != self.task {
            return Err(Failure::failed(format!(
                "import {id} belongs to task {}, not to task {}",
                import.task, self.task
            ))
            .hint("check --task and --resume; nothing was sent"));
        }
        if import.size != source.size() {
            return Err(Failure::failed(format!(
                "{} has {} bytes, but import {id} was started with a file of {} bytes",
                source.name(),
                grouped(source.size()),
                grouped(import.size)
            ))
            .hint(
                "the file differs or has changed: import it without --resume; nothing was sent",
            ));
        }
        Ok(())
    }

    fn existing_upload(
        &self,
        imports: &Arc<ImportsClient>,
        source: &Arc<Source>,
        id: &str,
    ) -> Upload {
        let file = self.file.to_string_lossy();
        // Only a file name with a NUL byte cannot be quoted, and no file has one.
        let file = shlex::try_quote(&file).unwrap_or_default();
        let arguments = format!("import {file} --task {} --resume {id}", self.task);
        Upload {
            imports: Arc::clone(imports),
            source: Arc::clone(source),
            id: id.to_owned(),
            task: self.task,
            resume_command: imports.command(&arguments),
        }
    }
}

fn idempotency_key(text: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.contains(char::is_control);
    let is_trimmed = text.trim() == text;
    (fits && is_trimmed)
        .then(|| text.to_owned())
        .ok_or("expected 1 to 255 characters, without surrounding spaces")
}
