//! `muster cancel`: cancels an import.

use clap::Args;
use muster_api::AcceptedImportResponse;
use muster_core::run::ImportState;

use crate::args::import_id;
use crate::failure::{Exit, Failure};
use crate::http::connection::ConnectionArgs;
use crate::http::server::block_on;
use crate::imports::client::ImportsClient;
use crate::output::printer::{OutputFormat, Printer};
use crate::output::stderr;

/// Cancel an import
///
/// Records that were already written are kept; the others are not written. An import that is still
/// being uploaded, checked or planned has written nothing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster cancel 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f")]
pub struct Cancel {
    /// Id of the import, as shown by `muster import`
    #[arg(value_name = "RUN", value_parser = import_id)]
    run: String,

    /// Output format; json is the response of the server
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = OutputFormat::Table)]
    output: OutputFormat,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Cancel {
    /// Cancels the import.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = ImportsClient::new(self.connection.resolve()?)?;
        let object = block_on(imports.cancel(&self.run))??;
        if self.output == OutputFormat::Json {
            Printer::new(self.output).json(&object)?;
            return Ok(Exit::Ok);
        }
        let AcceptedImportResponse { state, .. } = object.read()?;
        let run = &self.run;
        if state == ImportState::Cancelled.into() {
            stderr::println(&format!("import {run} was cancelled: nothing was changed"));
        } else {
            stderr::println(&format!(
                "import {run} is stopping; records already written are kept: see {}",
                imports.command(&format!("status {run} --watch"))
            ));
        }
        Ok(Exit::Ok)
    }
}
