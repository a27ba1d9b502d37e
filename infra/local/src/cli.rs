//! The command line: what can be asked for, and what each command prints. Data goes to stdout,
//! everything else to stderr; the exit status is 0, 1 for a failure, 2 for a wrong command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, value_parser};

use crate::demo::{DemoError, demo};
use crate::flags::{Function, QueueFlags, WorkerFlags};
use crate::openapi;
use crate::up::{self, AwsOptions, UpOptions};
use crate::worker;

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Muster on one machine: everything listens on 127.0.0.1 only.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything in memory, run sample imports, check and print every result
    Demo {
        /// How many users the large import has
        #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1_000..=1_000_000))]
        users: u64,
    },
    /// Start everything and keep it running; print how to sign in
    Up {
        /// Port of the HTTP API; 0 takes any free one
        #[arg(long, default_value_t = 9000)]
        port: u16,
        /// Directory to keep everything in; without it, in memory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// File to write, as JSON, once everything answers
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
        #[command(flatten)]
        workers: WorkerFlags,
        #[command(flatten)]
        queues: QueueFlags,
    },
    /// Start the emulated AWS services alone; print the environment that functions need
    Aws {
        /// Port of DynamoDB; S3 and SQS take the two after it; 0 takes any free ones
        #[arg(long, default_value_t = 8000, value_parser = value_parser!(u16).range(..=65533))]
        port: u16,
        /// Directory to keep everything in; without it, in memory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// File to write, as JSON, once everything answers
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
        /// Where the functions will answer; the ready file says so
        #[arg(long, default_value = "http://127.0.0.1:9000")]
        url: String,
        #[command(flatten)]
        queues: QueueFlags,
    },
    /// Run one function of the background as a process of its own, until a signal comes
    ///
    /// The variables are the functions' own, as `aws` and `up --no-workers` print them. MUSTER_TIMES
    /// changes the times of the protocol, as it does for `up`: a JSON object such as
    /// {"chunk_give_up_after": 1.5, "chunk_stop_after": 1}, in seconds.
    Worker {
        #[command(subcommand)]
        function: Function,
    },
    /// Put two sample tenants into the tables that the environment names, for tests of a deployment
    ///
    /// The variables are the functions' own: MUSTER_TABLE_DIRECTORY, MUSTER_TABLE_CONTROL, and those
    /// of any AWS SDK for region, credentials and endpoint. The robots get new random passwords,
    /// so the tables must not hold these tenants yet.
    Seed {
        /// File to write, as JSON: who can sign in, and where
        #[arg(long, value_name = "PATH")]
        ready_file: PathBuf,
        /// Where the functions answer; the ready file says so
        #[arg(long)]
        url: String,
    },
    /// Write the description of the HTTP API (OpenAPI 3.1), as docs/openapi.json has it
    Openapi {
        /// The file
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

/// How a command ended that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As it should.
    Cleanly,
    /// A second signal did not let it finish.
    CutShort,
}

impl Cli {
    /// The log that this command shows on stderr, unless `RUST_LOG` asks for another. `None`: it
    /// begins one as the functions do.
    pub fn log_filter(&self) -> Option<&'static str> {
        match self.command {
            Command::Worker { .. } => None,
            // The emulators warn of every failed condition, which is ordinary traffic here, and
            // tell of each request with all that is in it.
            Command::Demo { .. } => Some("error,dynoxide=off"),
            Command::Up { .. }
            | Command::Aws { .. }
            | Command::Seed { .. }
            | Command::Openapi { .. } => Some("info,dynoxide=error,s3s=error,s3s_fs=error"),
        }
    }

    /// Runs the command; whatever is wrong is on stderr afterwards.
    pub async fn run(self) -> ExitCode {
        let ended = match self.command {
            Command::Demo { users } => {
                return match demo(users, &mut anstream::stdout()).await {
                    Ok(true) => ExitCode::SUCCESS,
                    Ok(false) => ExitCode::FAILURE,
                    Err(error) => failure(&error),
                };
            }
            Command::Up {
                port,
                data,
                ready_file,
                workers,
                queues,
            } => {
                up::up(UpOptions {
                    port,
                    data,
                    ready_file,
                    services: queues.into(),
                    workers: workers.into(),
                })
                .await
            }
            Command::Aws {
                port,
                data,
                ready_file,
                url,
                queues,
            } => {
                up::aws(AwsOptions {
                    port,
                    data,
                    ready_file,
                    url,
                    services: queues.into(),
                })
                .await
            }
            Command::Worker { function } => worker::work(function.into()).await,
            Command::Seed { ready_file, url } => up::seed(&ready_file, url).await,
            Command::Openapi { path } => openapi::write(&path).map(|()| Ended::Cleanly),
        };
        match ended {
            Ok(Ended::Cleanly) => ExitCode::SUCCESS,
            Ok(Ended::CutShort) => ExitCode::from(INTERRUPTED),
            Err(error) => failure(&DemoError::Local(error)),
        }
    }
}

fn failure(error: &DemoError) -> ExitCode {
    let bold = anstyle::AnsiColor::Red.on_default().bold();
    // Nobody is left to tell where stderr is gone.
    drop(writeln!(anstream::stderr(), "{bold}error{bold:#}: {error}"));
    ExitCode::FAILURE
}
