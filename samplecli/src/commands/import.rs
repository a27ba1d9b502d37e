//! `muster import`: sends a file to a task, in one request or as an upload, and says what became
//! of it. How the answers to requests read stands in [`super::reply`], how runs end in
//! [`super::follow`].

mod source;
mod upload;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use reqwest::StatusCode;

use self::source::{Compression, Form, Format, Source};
use self::upload::Upload;
use crate::commands::follow::{Ending, SEND_AGAIN, goes_on, until_it_ends};
use crate::commands::reply::Reply;
use crate::commands::{Output, run_async, run_id};
use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};
use crate::imports::{Announced, Begun, ImportView, Imports, State};
use crate::progress::Progress;
use crate::server::{Answer, Asked, NoAnswer};
use crate::terminal::{self, grouped};

/// The bytes that one request may hold.
const AT_ONCE: usize = muster_core::limits::SYNC_BYTES;

/// Send a file of users to a task and show what became of it
///
/// A file of up to 4,000,000 bytes goes in one request. A larger one is uploaded in parts, and so
/// is one of JSON lines, one that is packed with gzip, and one that the server finds too large for
/// a request; then the import is followed until it ends. An upload that was interrupted is resumed
/// with --resume.
#[derive(Args)]
#[command(after_help = "\
With --output json the answer is one object, the same for every way a file is sent: the reply's
keys, `Created`, `Updated`, `Unchanged`, and `import_id`.

Exit codes: 0 imported, 1 refused or failed, 3 imported with warnings, 4 not signed in.

Examples:
  muster import users.json --task 206
  muster import users.json --task 206 --debug          # with the warnings
  muster import users.json --task 206 --dry-run        # what would change
  muster import users.json --task 206 --idempotency-key 2026-11-21   # again: the same answer
  muster import users.json --task 206 --output json | jq '.\"Ignored Users\"'
  muster import everybody.ndjson.gz --task 206
  muster import everybody.ndjson.gz --task 206 --resume 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f
  run=$(muster import everybody.json --task 206 --no-wait)           # then: muster status $run
  muster generate 100 | muster import - --task 206")]
pub struct Import {
    /// The file, a JSON array of records or a record a line; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The id of the task, a whole number
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: u64,

    /// Ask for the warnings
    #[arg(long)]
    debug: bool,

    /// Say what would be created and updated, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Name the request: sent again under the same name it gets the same answer, for 24 hours
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    idempotency_key: Option<String>,

    /// Print the import's id once all is sent, and do not wait for its end
    #[arg(long)]
    no_wait: bool,

    /// How to show what became of it
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    sending: Sending,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// How a large file is sent.
#[derive(Args)]
#[command(next_help_heading = "Large files")]
struct Sending {
    /// What the file holds; without it by its name: .ndjson and .jsonl have a record a line
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,

    /// How the file is packed; without it by its first bytes
    #[arg(long, value_enum, value_name = "METHOD")]
    compression: Option<Compression>,

    /// How many parts are sent at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32))]
    parallel: u8,

    /// Do not read the file beforehand for a checksum, which the server would compare
    #[arg(long)]
    no_checksum: bool,

    /// Send what has not arrived of this import, and have it begin
    #[arg(
        long,
        value_name = "RUN",
        value_parser = run_id,
        conflicts_with_all = ["format", "compression", "no_checksum", "idempotency_key", "dry_run"]
    )]
    resume: Option<String>,
}

/// How far an import has come.
enum Sent {
    /// The server's answer to the one request.
    Answered(Answer),
    /// It goes on as this run.
    Goes(String),
}

impl Import {
    /// Sends the file.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = Arc::new(Imports::new(self.connection.resolve()?)?);
        let source = Arc::new(Source::open(&self.file)?);
        let Sending {
            format,
            compression,
            ..
        } = self.sending;
        let form = Form::of(&self.file, &source, format, compression)?;
        run_async(self.import(&imports, &source, form))?
    }

    async fn import(
        &self,
        imports: &Arc<Imports>,
        source: &Arc<Source>,
        form: Form,
    ) -> Result<Exit, Failure> {
        let mut progress = Progress::new();
        let sent = match &self.sending.resume {
            Some(run) => self.resume(imports, source, run, &mut progress).await?,
            None => self.send(imports, source, form, &mut progress).await?,
        };
        match sent {
            Sent::Answered(answer) => self.reply(imports, source, answer).await,
            Sent::Goes(run) if self.no_wait => {
                let id = match self.output {
                    Output::Human => run,
                    Output::Json => serde_json::json!({ "import_id": run }).to_string(),
                };
                terminal::print_data(id.as_bytes())?;
                Ok(Exit::Ok)
            }
            Sent::Goes(run) => {
                let ended = tokio::select! {
                    ended = until_it_ends(imports, &run, &mut progress) => ended,
                    _ = tokio::signal::ctrl_c() => {
                        Err(goes_on(imports, &run, Failure::failed("interrupted")))
                    }
                };
                let ending = self.ending(imports, source);
                ending.judge(ended?).await
            }
        }
    }

    fn ending<'a>(&self, imports: &'a Imports, source: &'a Source) -> Ending<'a> {
        Ending {
            imports,
            name: source.name(),
            debug: self.debug,
            output: self.output,
        }
    }

    /// Shows the answer to the one request.
    async fn reply(
        &self,
        imports: &Imports,
        source: &Source,
        answer: Answer,
    ) -> Result<Exit, Failure> {
        let mut reply = Reply::new(answer, self.task);
        reply.complete(imports).await;
        reply.judge(&self.ending(imports, source))
    }

    /// Sends a file in one request if that is possible, else as an upload.
    async fn send(
        &self,
        imports: &Arc<Imports>,
        source: &Arc<Source>,
        form: Form,
        progress: &mut Progress,
    ) -> Result<Sent, Failure> {
        if form.is_plain_json() && source.size() <= AT_ONCE as u64 {
            let answer = self.at_once(imports, source).await?;
            match answer.status {
                StatusCode::PAYLOAD_TOO_LARGE => {}
                StatusCode::ACCEPTED => {
                    return match Reply::new(answer, self.task).run() {
                        Some(run) => {
                            terminal::say(&format!("import {run} goes on by itself"));
                            Ok(Sent::Goes(run))
                        }
                        None => Err(Failure::failed(
                            "the server goes on with the import by itself, but does not name it",
                        )
                        .next("`muster runs`, as an operator, shows it")),
                    };
                }
                _ => return Ok(Sent::Answered(answer)),
            }
        }
        if self.idempotency_key.is_some() {
            return Err(Failure::usage(format!(
                "{} cannot be sent in one request, and --idempotency-key names a request",
                source.name()
            ))
            .next("leave it out: an upload is resumed with --resume, and imported once"));
        }
        let run = self.upload(imports, source, form, progress).await?;
        Ok(Sent::Goes(run))
    }

    async fn at_once(&self, imports: &Imports, source: &Source) -> Result<Answer, Failure> {
        let (name, size) = (source.name(), source.size());
        let asked = Asked {
            debug: self.debug,
            dry_run: self.dry_run,
            idempotency_key: self.idempotency_key.as_deref(),
            respond_async: self.no_wait,
        };
        let users = source.read(0, size)?;
        let progress = terminal::spinner(format!("importing {name} ({} bytes)", grouped(size)));
        let server = imports.server();
        let sent = tokio::select! {
            sent = server.import(imports.token(), self.task, &asked, users) => Some(sent),
            _ = tokio::signal::ctrl_c() => None,
        };
        progress.finish_and_clear();
        match sent {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(NoAnswer::Unreachable(cause))) => Err(server.unreachable(&cause)),
            Some(Err(NoAnswer::Lost(cause))) => Err(Failure::failed(format!(
                "the answer was lost ({cause}): the request may have been applied, in whole or in part"
            ))
            .next(SEND_AGAIN)),
            None => Err(Failure::failed("interrupted before the answer came: the request may have been applied, in whole or in part")
                .next(SEND_AGAIN)),
        }
    }

    /// Sends a file as an upload, and has its import begin.
    async fn upload(
        &self,
        imports: &Arc<Imports>,
        source: &Arc<Source>,
        form: Form,
        progress: &mut Progress,
    ) -> Result<String, Failure> {
        let begun = tokio::select! {
            begun = self.begin(imports, source, form, progress) => begun,
            _ = tokio::signal::ctrl_c() => {
                Err(Failure::failed("interrupted").next("nothing was sent"))
            }
        };
        progress.end();
        let Begun { import_id, window } = begun?;
        let upload = self.known(imports, source, &import_id);
        let parallel = usize::from(self.sending.parallel);
        upload.deliver(window, parallel, progress).await?;
        Ok(import_id)
    }

    async fn begin(
        &self,
        imports: &Imports,
        source: &Arc<Source>,
        form: Form,
        progress: &mut Progress,
    ) -> Result<Begun, Failure> {
        let sha256 = if self.sending.no_checksum {
            None
        } else {
            Some(source.checksum(progress).await?)
        };
        let announced = Announced {
            size: source.size(),
            format: form.format.as_str(),
            compression: form.compression.as_str(),
            sha256,
        };
        let begun = imports.begin(self.task, self.dry_run, &announced).await;
        begun.map_err(|trouble| Failure::from(trouble).then("nothing was sent"))
    }

    /// Sends what has not arrived of an upload, and has its import begin.
    async fn resume(
        &self,
        imports: &Arc<Imports>,
        source: &Arc<Source>,
        run: &str,
        progress: &mut Progress,
    ) -> Result<Sent, Failure> {
        let view: ImportView = imports.run(run).await?.read()?;
        self.fits(&view, source)?;
        let upload = self.known(imports, source, run);
        if view.state != State::Uploading {
            terminal::say(&format!("all of {} has arrived before", source.name()));
            return Ok(Sent::Goes(run.to_owned()));
        }
        let window = imports.parts(run, 1).await?;
        let parallel = usize::from(self.sending.parallel);
        upload.deliver(window, parallel, progress).await?;
        Ok(Sent::Goes(run.to_owned()))
    }

    /// Whether an import can have begun with this command line.
    fn fits(&self, view: &ImportView, source: &Source) -> Result<(), Failure> {
        let run = &view.import_id;
        if view.task != self.task {
            return Err(Failure::failed(format!(
                "import {run} belongs to task {}, not to task {}",
                view.task, self.task
            ))
            .next("check --task and --resume; nothing was sent"));
        }
        match view.size {
            Some(size) if size != source.size() => Err(Failure::failed(format!(
                "{} has {} bytes, and import {run} was begun with a file of {}",
                source.name(),
                grouped(source.size()),
                grouped(size)
            ))
            .next("it is another file, or it has changed: import it without --resume; nothing was sent")),
            _ => Ok(()),
        }
    }

    fn known(&self, imports: &Arc<Imports>, source: &Arc<Source>, run: &str) -> Upload {
        let file = quoted(&self.file.to_string_lossy());
        let words = format!("import {file} --task {} --resume {run}", self.task);
        Upload {
            imports: Arc::clone(imports),
            source: Arc::clone(source),
            run: run.to_owned(),
            task: self.task,
            resume: imports.command(&words),
        }
    }
}

/// The number of a task.
pub fn task_id(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "the id of a task is a whole number, such as 206")
}

fn idempotency_key(text: &str) -> Result<String, &'static str> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.contains(char::is_control);
    let is_trimmed = text.trim() == text;
    (fits && is_trimmed)
        .then(|| text.to_owned())
        .ok_or("a key has 1 to 255 characters, and no spaces around them")
}

/// A word of a command line, as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./+,:@%=".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_file_stands_in_a_command_line_as_a_shell_takes_it() {
        for (word, as_typed) in [
            ("/tmp/users-1.json", "/tmp/users-1.json"),
            ("Jiří.json", "Jiří.json"),
            ("two words.json", "'two words.json'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(word), as_typed);
        }
    }
}
