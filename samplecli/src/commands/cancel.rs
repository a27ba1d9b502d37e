//! `muster cancel`: stops an import.

use clap::Args;

use crate::commands::{Output, run_async, run_id};
use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};
use crate::imports::{Cancelled, Imports, State};
use crate::terminal;
use crate::view::View;

/// Stop an import
///
/// What it has not written yet, it does not write; what it has written stays. One that is still
/// being uploaded, checked or planned has written nothing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster cancel 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f")]
pub struct Cancel {
    /// The import's id, as `muster import` shows it
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,

    /// How to show the answer; json is the server's
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Output::Human)]
    output: Output,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Cancel {
    /// Stops it.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = Imports::new(self.connection.resolve()?)?;
        let object = run_async(imports.cancel(&self.run))??;
        if self.output == Output::Json {
            View::new(self.output).json(object.json())?;
            return Ok(Exit::Ok);
        }
        let Cancelled { state } = object.read()?;
        let run = &self.run;
        if state == State::Cancelled {
            terminal::say(&format!("import {run} is cancelled: nothing was changed"));
        } else {
            terminal::say(&format!(
                "import {run} is stopping; what it has written stays: {} shows how much that is",
                imports.command(&format!("status {run} --watch"))
            ));
        }
        Ok(Exit::Ok)
    }
}
