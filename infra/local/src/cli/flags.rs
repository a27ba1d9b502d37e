//! Flags shared by commands: queue settings and background workers.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};

use crate::services::{QueueOptions, ServiceOptions};
use crate::workers::WorkerOptions;

/// Overrides of the queues' settings.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Queue settings (default: those of infra/template.yaml)")]
pub(crate) struct QueueFlags {
    /// Visibility timeout of a received file message
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    imports_visibility: Option<Duration>,
    /// Receives of a file message before it becomes a dead letter
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    imports_receives: Option<u32>,
    /// Visibility timeout of a received chunk message
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    chunks_visibility: Option<Duration>,
    /// Receives of a chunk message before it becomes a dead letter
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    chunks_receives: Option<u32>,
}

impl From<QueueFlags> for ServiceOptions {
    fn from(flags: QueueFlags) -> Self {
        let QueueFlags {
            imports_visibility,
            imports_receives,
            chunks_visibility,
            chunks_receives,
        } = flags;
        Self {
            imports: QueueOptions {
                visibility: imports_visibility,
                max_receives: imports_receives,
            },
            chunks: QueueOptions {
                visibility: chunks_visibility,
                max_receives: chunks_receives,
            },
        }
    }
}

/// Background workers of a whole stack.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Background workers")]
pub(crate) struct WorkerFlags {
    /// Number of files read concurrently
    #[arg(long, value_name = "N", default_value_t = WorkerOptions::default().processors)]
    processors: usize,
    /// Number of chunks written concurrently
    #[arg(long, value_name = "N", default_value_t = WorkerOptions::default().writers)]
    writers: usize,
    /// Interval of the sweeper, which recovers stalled runs
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    sweep_every: Duration,
    /// Start no workers; print the environment for `muster-local worker`
    #[arg(long, conflicts_with_all = ["processors", "writers", "sweep_every"])]
    no_workers: bool,
}

impl From<WorkerFlags> for WorkerOptions {
    fn from(flags: WorkerFlags) -> Self {
        let WorkerFlags {
            processors,
            writers,
            sweep_every,
            no_workers,
        } = flags;
        if no_workers {
            return Self::NONE;
        }
        Self {
            processors,
            writers,
            sweep_every: Some(sweep_every),
        }
    }
}

/// A background function.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum WorkerFunction {
    /// Read uploaded files and split them into chunks
    Processor {
        /// Number of files read concurrently
        #[arg(long, value_name = "N", default_value = "1")]
        workers: NonZeroUsize,
    },
    /// Plan and write chunks
    Writer {
        /// Number of chunks written concurrently
        #[arg(long, value_name = "N", default_value = "1")]
        workers: NonZeroUsize,
    },
    /// Recover stalled runs
    Sweeper {
        /// Interval between sweeps
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
        every: Duration,
    },
}

impl From<WorkerFunction> for WorkerOptions {
    fn from(function: WorkerFunction) -> Self {
        match function {
            WorkerFunction::Processor { workers } => Self {
                processors: workers.get(),
                ..Self::NONE
            },
            WorkerFunction::Writer { workers } => Self {
                writers: workers.get(),
                ..Self::NONE
            },
            WorkerFunction::Sweeper { every } => Self {
                sweep_every: Some(every),
                ..Self::NONE
            },
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a positive number of seconds, such as 60 or 0.5".to_owned())
}
