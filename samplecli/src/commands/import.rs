//! `muster import`: sends a file to a task and says what became of it. How answers read stands
//! in [`super::reply`].

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::commands::reply::Reply;
use crate::commands::{Output, run_async};
use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};
use crate::server::{Asked, NoAnswer, Server};
use crate::terminal::{self, grouped};

/// Far beyond what a server takes in one request; more would only fill the memory.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The bytes that one request may hold.
const MAX_REQUEST: u64 = muster_core::limits::SYNC_BYTES as u64;

/// What to do when nobody knows what became of a request.
pub const SEND_AGAIN: &str =
    "sending the same file again is safe: users who are already as the file says are left alone";

/// Send a file of users to a task and show what became of it
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 imported, 1 refused or failed, 3 imported with warnings, 4 not signed in.

Examples:
  muster import users.json --task 206
  muster import users.json --task 206 --debug          # with the warnings
  muster import users.json --task 206 --dry-run        # what would change
  muster import users.json --task 206 --idempotency-key 2026-11-21   # again: the same answer
  muster import users.json --task 206 --output json | jq '.\"Ignored Users\"'
  muster generate 100 | muster import - --task 206")]
pub struct Import {
    /// The file, a JSON array of records; - for standard input
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

    /// How to show the reply; json is the server's reply as received
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Import {
    /// Sends the file.
    pub fn run(self) -> Result<Exit, Failure> {
        let connection = self.connection.resolve()?;
        let name = if self.is_stdin() {
            "standard input".to_owned()
        } else {
            self.file.display().to_string()
        };
        let users = self.read(&name)?;
        let size = users.len() as u64;
        let server = Server::new(connection.url)?;

        let asked = Asked {
            debug: self.debug,
            dry_run: self.dry_run,
            idempotency_key: self.idempotency_key.as_deref(),
        };
        let progress = terminal::spinner(format!("importing {name} ({} bytes)", grouped(size)));
        let sent = run_async(async {
            tokio::select! {
                sent = server.import(&connection.token, self.task, &asked, users) => Some(sent),
                _ = tokio::signal::ctrl_c() => None,
            }
        });
        progress.finish_and_clear();

        let answer = match sent? {
            Some(Ok(answer)) => answer,
            Some(Err(NoAnswer::Unreachable(cause))) => return Err(server.unreachable(&cause)),
            Some(Err(NoAnswer::Lost(cause))) => return Err(lost(&cause, size)),
            None => {
                return Err(Failure::failed("interrupted before the answer came: the request may have been applied, in whole or in part")
                    .next(SEND_AGAIN));
            }
        };
        let reply = Reply {
            answer: &answer,
            task: self.task,
            name: &name,
            size,
            debug: self.debug,
        };
        if self.output == Output::Json && reply.is_json() {
            terminal::print_data(&answer.body)?;
        }
        reply.judge(self.output == Output::Human, &server, &connection.sign_in)
    }

    fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let mut users = Vec::new();
        let read = if self.is_stdin() {
            if io::stdin().is_terminal() {
                terminal::say("reading the users from the terminal; end them with Ctrl-D");
            }
            io::stdin()
                .lock()
                .take(MAX_FILE + 1)
                .read_to_end(&mut users)
        } else {
            File::open(&self.file).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut users))
        };
        match read {
            Ok(size) if size as u64 > MAX_FILE => Err(Failure::failed(format!(
                "{name} is larger than {} bytes, and one request takes at most {}",
                grouped(MAX_FILE),
                grouped(MAX_REQUEST)
            ))
            .next("split it; `muster check` reads files of any size")),
            Ok(_) => Ok(users),
            Err(error) => Err(Failure::failed(format!("cannot read {name}: {error}"))),
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

/// The connection ended before the answer: of a body that is too large, often because of it.
fn lost(cause: &str, size: u64) -> Failure {
    if size > MAX_REQUEST {
        return Failure::failed(format!(
            "the server hung up while the file was sent ({cause})"
        ))
        .next(format!(
            "the file has {} bytes, and one request takes at most {}: split it",
            grouped(size),
            grouped(MAX_REQUEST)
        ));
    }
    Failure::failed(format!(
        "the answer was lost ({cause}): the request may have been applied, in whole or in part"
    ))
    .next(SEND_AGAIN)
}
