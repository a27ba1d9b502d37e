//! `muster-local`: see the library. This only reads the command line and starts the log.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use muster_local::Cli;
use tracing_subscriber::EnvFilter;

/// The emulated DynamoDB takes each request apart into trees of strings (docs/adr/0013).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(filter) = cli.log_filter() {
        let asked = EnvFilter::try_from_default_env();
        tracing_subscriber::fmt()
            .with_env_filter(asked.unwrap_or_else(|_| EnvFilter::new(filter)))
            .with_writer(io::stderr)
            .with_ansi(false)
            .init();
    }
    cli.run().await
}
