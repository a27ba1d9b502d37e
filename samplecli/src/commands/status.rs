//! `muster status`: where an import stands.

use clap::Args;

use crate::commands::follow::{Ending, until_it_ends};
use crate::commands::{Output, run_async, run_id};
use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};
use crate::imports::{ImportView, Imports};
use crate::progress::Progress;
use crate::view::View;

/// Show where an import stands, or follow it to its end
///
/// With --watch it shows how far the import is until it ends, and then what became of it. Ctrl-C
/// ends only the watching.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 shown, 1 failure, 4 not signed in. With --watch those of `muster import`.

Examples:
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f --watch
  muster status 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f --output json | jq .eta_seconds")]
pub struct Status {
    /// The import's id, as `muster import` shows it
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,

    /// Go on until it ends, and show what became of it
    #[arg(long)]
    watch: bool,

    /// How to show it; json is the server's answer, and with --watch as `muster import` shows it
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Status {
    /// Shows it.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = Imports::new(self.connection.resolve()?)?;
        run_async(async {
            // Who mistypes an address wants to know at once: only what follows is patient.
            let shown = imports.run(&self.run).await?;
            if !self.watch {
                View::new(self.output).object::<ImportView>(&shown)?;
                return Ok(Exit::Ok);
            }
            tokio::select! {
                ended = self.watch(&imports, shown.read()?) => ended,
                _ = tokio::signal::ctrl_c() => Ok(Exit::Ok),
            }
        })?
    }

    async fn watch(&self, imports: &Imports, first: ImportView) -> Result<Exit, Failure> {
        let ended = if first.state.is_terminal() {
            first
        } else {
            until_it_ends(imports, &self.run, &mut Progress::new()).await?
        };
        let ending = Ending {
            imports,
            name: "the file",
            debug: false,
            output: self.output,
        };
        ending.judge(ended).await
    }
}
