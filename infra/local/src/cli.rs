//! The command line. Data goes to stdout, everything else to stderr; the exit status is 0 for
//! success, 1 for a failure, 2 for an invalid command line.

mod flags;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, value_parser};

use crate::commands::{self, AwsOptions, CommandOutcome, UpOptions};
use crate::demo::demo;
use crate::openapi;
use flags::{QueueFlags, WorkerFlags, WorkerFunction};

/// Exit status that shells report for a program ended by Ctrl-C.
const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Run Muster on one machine; everything listens on 127.0.0.1 only.
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
        /// Number of users in the large import
        #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1_000..=1_000_000))]
        users: u64,
    },
    /// Start everything and keep it running; print how to sign in
    Up {
        /// Port of the HTTP API; 0 selects any free port
        #[arg(long, default_value_t = 9000)]
        port: u16,
        /// Directory for all data; without it, everything is in memory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// JSON file to write once everything accepts requests
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
        #[command(flatten)]
        workers: WorkerFlags,
        #[command(flatten)]
        queues: QueueFlags,
    },
    /// Start the emulated AWS services alone; print the environment for functions
    ///
    /// Stdout gets one NAME=value line for each variable, stderr the sample tenants' passwords.
    Aws {
        /// Port of DynamoDB; S3 and SQS use the next two; 0 selects any free ports
        #[arg(long, default_value_t = 8000, value_parser = value_parser!(u16).range(..=65533))]
        port: u16,
        /// Directory for all data; without it, everything is in memory
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// JSON file to write once everything accepts requests
        #[arg(long, value_name = "PATH")]
        ready_file: Option<PathBuf>,
        /// URL of the functions, for the ready file
        #[arg(long, default_value = "http://127.0.0.1:9000")]
        url: String,
        #[command(flatten)]
        queues: QueueFlags,
    },
    /// Run one background function as a separate process until a signal arrives
    ///
    /// The environment is that of the functions, as printed by `aws` and `up --no-workers`. As for
    /// `up`, MUSTER_TIMES overrides the protocol's times in seconds, as a JSON object such as
    /// {"chunk_give_up_after": 1.5, "chunk_stop_after": 1}.
    Worker {
        #[command(subcommand)]
        function: WorkerFunction,
    },
    /// Create two sample tenants in the tables named by the environment, for tests of a deployment
    ///
    /// The environment is that of the functions (MUSTER_TABLE_DIRECTORY, MUSTER_TABLE_CONTROL) and
    /// of any AWS SDK (region, credentials, endpoint). Robots and operators get new random
    /// passwords, so the tables must not contain these tenants yet.
    Seed {
        /// JSON file to write, with the accounts and the URL
        #[arg(long, value_name = "PATH")]
        ready_file: PathBuf,
        /// URL of the functions, for the ready file
        #[arg(long)]
        url: String,
    },
    /// Write the OpenAPI 3.1 document of the HTTP API, as in docs/openapi.json
    Openapi {
        /// File to write
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

impl Cli {
    /// Returns the default log filter of the command, which `RUST_LOG` overrides; `None` for a
    /// command that sets up the log of a function.
    pub fn log_filter(&self) -> Option<&'static str> {
        match self.command {
            Command::Worker { .. } => None,
            // The emulators warn about every failed condition, which is ordinary traffic here, and
            // log requests with their content.
            Command::Demo { .. } => Some("error,dynoxide=off"),
            Command::Up { .. }
            | Command::Aws { .. }
            | Command::Seed { .. }
            | Command::Openapi { .. } => Some("info,dynoxide=error,s3s=error,s3s_fs=error"),
        }
    }

    /// Runs the command on a runtime of its own and prints any error to stderr.
    ///
    /// The runtime is here, so that the compiler generates the code of all commands in this crate,
    /// and not once more in the binary.
    pub fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(self.execute()),
            Err(error) => failure(&format_args!("the async runtime did not start: {error}")),
        }
    }

    async fn execute(self) -> ExitCode {
        let result = match self.command {
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
                commands::up(UpOptions {
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
                commands::aws(AwsOptions {
                    port,
                    data,
                    ready_file,
                    url,
                    services: queues.into(),
                })
                .await
            }
            Command::Worker { function } => commands::worker(function.into()).await,
            Command::Seed { ready_file, url } => commands::seed(&ready_file, url).await,
            Command::Openapi { path } => openapi::write(&path).map(|()| CommandOutcome::Completed),
        };
        match result {
            Ok(CommandOutcome::Completed) => ExitCode::SUCCESS,
            Ok(CommandOutcome::Interrupted) => ExitCode::from(INTERRUPTED_EXIT_CODE),
            Err(error) => failure(&error),
        }
    }
}

fn failure(error: &impl Display) -> ExitCode {
    let bold = anstyle::AnsiColor::Red.on_default().bold();
    // There is no other output if stderr is closed.
    drop(writeln!(anstream::stderr(), "{bold}error{bold:#}: {error}"));
    ExitCode::FAILURE
}
