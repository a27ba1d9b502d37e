//! Flags that commands share: what the queues do otherwise than on an account, and what works in
//! the background.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Subcommand, value_parser};

use crate::services::{QueueOptions, ServiceOptions};
use crate::workers::WorkerOptions;

/// What the queues do otherwise.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Queues, where they are not to be as infra/template.yaml has them")]
pub(crate) struct QueueFlags {
    /// How long a received file stays hidden
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    imports_visibility: Option<Duration>,
    /// How often a file is received before it is a dead letter
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    imports_receives: Option<u32>,
    /// How long a received chunk stays hidden
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    chunks_visibility: Option<Duration>,
    /// How often a chunk is received before it is a dead letter
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

/// What works in the background of a whole stack.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Work in the background")]
pub(crate) struct WorkerFlags {
    /// Files that are read at once
    #[arg(long, value_name = "N", default_value_t = WorkerOptions::default().processors)]
    processors: usize,
    /// Chunks that are written at once
    #[arg(long, value_name = "N", default_value_t = WorkerOptions::default().writers)]
    writers: usize,
    /// How often the sweeper looks after what stands still
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    sweep_every: Duration,
    /// Leave all of it to processes of `muster-local worker`; print the environment that they need
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

/// A function that works in the background.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Function {
    /// Read uploaded files and cut them into chunks
    Processor {
        /// Files that are read at once
        #[arg(long, value_name = "N", default_value = "1")]
        workers: NonZeroUsize,
    },
    /// Plan and write chunks
    Writer {
        /// Chunks that are written at once
        #[arg(long, value_name = "N", default_value = "1")]
        workers: NonZeroUsize,
    },
    /// Look after runs that stand still
    Sweeper {
        /// How often
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
        every: Duration,
    },
}

impl From<Function> for WorkerOptions {
    fn from(function: Function) -> Self {
        match function {
            Function::Processor { workers } => Self {
                processors: workers.get(),
                ..Self::NONE
            },
            Function::Writer { workers } => Self {
                writers: workers.get(),
                ..Self::NONE
            },
            Function::Sweeper { every } => Self {
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
        .ok_or_else(|| "it must be seconds, such as 60 or 0.5".to_owned())
}
