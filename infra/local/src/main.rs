//! `muster-local`: parses the command line and sets up logging. The library has the rest.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use muster_local::Cli;
use tracing_subscriber::EnvFilter;

/// The emulated DynamoDB parses each request into trees of strings, so allocation dominates (ADR
/// 0013).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(default_filter) = cli.log_filter() {
        let filter = EnvFilter::try_from_default_env();
        tracing_subscriber::fmt()
            .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(default_filter)))
            .with_writer(io::stderr)
            .with_ansi(false)
            .init();
    }
    cli.run()
}
