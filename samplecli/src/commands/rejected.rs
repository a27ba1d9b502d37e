//! `muster rejected`: the records that an import did not take, with the reasons, ready to be put
//! right and sent again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::NamedTempFile;

use crate::commands::{run_async, run_id};
use crate::connection::ConnectionArgs;
use crate::failure::{Exit, Failure};
use crate::imports::{Imports, patiently};
use crate::terminal::{self, counted};

/// Write the records that an import did not take to a file, with the reasons
///
/// A record a line, in the order of the import, as it was sent; `_errors` says what is wrong with
/// it. An import ignores that key, so a file that was put right can be sent as it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster rejected 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f -o rejected.ndjson
  muster rejected 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f -o - | jq -r '._errors[]'
  muster import rejected.ndjson --task 206             # once they are put right")]
pub struct Rejected {
    /// The import's id, as `muster import` shows it
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,

    /// The file, which is replaced once all is there; - for standard output
    #[arg(long = "out", short, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Rejected {
    /// Writes them.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = Imports::new(self.connection.resolve()?)?;
        if self.out == Path::new("-") {
            let mut out = io::stdout().lock();
            let stopped = |error| terminal::unless_closed(Err(error));
            let records = run_async(self.write(&imports, &mut out, stopped))??;
            self.say(records);
            return Ok(Exit::Ok);
        }
        let cannot = |error: &dyn std::fmt::Display| {
            Failure::failed(format!("cannot write {}: {error}", self.out.display()))
        };
        // Beside the file: only there it can take its place in one step.
        let folder = self.out.parent().filter(|folder| *folder != Path::new(""));
        let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| cannot(&error))?;
        let stopped = |error| Err(cannot(&error));
        let records = run_async(self.write(&imports, &mut file, stopped))??;
        file.as_file().sync_all().map_err(|error| cannot(&error))?;
        file.persist(&self.out)
            .map_err(|error| cannot(&error.error))?;
        self.say(records);
        Ok(Exit::Ok)
    }

    /// Writes page after page until there is no more, or nobody reads on, and answers how many
    /// records there were.
    async fn write(
        &self,
        imports: &Imports,
        out: &mut impl Write,
        stopped: impl Fn(io::Error) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let bar = terminal::spinner(format!("reading what import {} did not take", self.run));
        let mut page = imports.rejected(&self.run, None).await?;
        let mut records = 0;
        loop {
            records += page.lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            if let Err(error) = out.write_all(&page.lines).and_then(|()| out.flush()) {
                stopped(error)?;
                break;
            }
            let Some(next) = page.next else {
                break;
            };
            page = patiently(&bar, async || {
                imports.rejected(&self.run, Some(&next)).await
            })
            .await?;
        }
        bar.finish_and_clear();
        Ok(records)
    }

    fn say(&self, records: u64) {
        let (run, out) = (&self.run, self.out.display());
        terminal::say(&match (records, self.out == Path::new("-")) {
            (0, true) => format!("import {run} took every record"),
            (0, false) => format!("import {run} took every record: {out} is empty"),
            (_, true) => format!("wrote {}", counted(records, "record")),
            (_, false) => format!("wrote {} to {out}", counted(records, "record")),
        });
    }
}
