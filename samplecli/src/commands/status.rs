//! `muster status`: the status of an import.

use clap::Args;

use crate::args::import_id;
use crate::commands::follow::{ResultReporter, is_terminal, wait_until_ended};
use crate::failure::{Exit, Failure};
use crate::http::connection::ConnectionArgs;
use crate::http::server::block_on;
use crate::imports::client::ImportsClient;
use crate::imports::status::ImportStatus;
use crate::output::printer::{OutputFormat, Printer};
use crate::output::progress::ProgressReporter;

/// Show the status of an import, or follow it until it ends
///
/// With --watch, shows the progress until the import ends, and then its outcome. Ctrl-C stops
/// watching, not the import.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 ok, 1 failure, 4 not signed in. With --watch, those of `muster import`.

Examples:
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f --watch
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f --output json | jq .eta_seconds")]
pub struct Status {
    /// Id of the import, as shown by `muster import`
    #[arg(value_name = "RUN", value_parser = import_id)]
    run: String,

    /// Follow the import until it ends, and show its outcome
    #[arg(long)]
    watch: bool,

    /// Output format; json is the response of the server, or the output of `muster import` with
    /// --watch
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Status {
    /// Shows the status.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = ImportsClient::new(self.connection.resolve()?)?;
        block_on(async {
            // The first request is not retried, so that a mistyped URL fails at once.
            let object = imports.status(&self.run).await?;
            if !self.watch {
                return Printer::new(self.output).object::<ImportStatus>(&object);
            }
            tokio::select! {
                ended = self.watch(&imports, object.read()?) => ended,
                _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
            }
        })?
    }

    async fn watch(&self, imports: &ImportsClient, first: ImportStatus) -> Result<Exit, Failure> {
        let ended = if is_terminal(&first.import.state) {
            first
        } else {
            wait_until_ended(imports, &self.run, &mut ProgressReporter::new()).await?
        };
        let reporter = ResultReporter {
            imports,
            source_name: "the file",
            debug: false,
            output: self.output,
        };
        reporter.report(ended).await
    }
}
