//! `muster rejected`: the rejected records of an import, with the reasons.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::NamedTempFile;

use crate::args::import_id;
use crate::failure::{Exit, Failure};
use crate::http::connection::ConnectionArgs;
use crate::http::server::block_on;
use crate::imports::client::ImportsClient;
use crate::imports::retry::retrying;
use crate::output::number::counted;
use crate::output::{progress, stderr, stdout};

/// Write the rejected records of an import to a file, with the reasons
///
/// Writes one record per line, as it was sent and in the same order, with the reasons in `_errors`.
/// Imports ignore that key, so a corrected file can be sent as it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  muster rejected 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f -o rejected.ndjson
  muster rejected 0198c7e2-5a4b-7c3d-9e1f-2a3b4c5d6e7f -o - | jq -r '._errors[]'
  muster import rejected.ndjson --task 206             # after correcting them")]
pub struct Rejected {
    /// Id of the import, as shown by `muster import`
    #[arg(value_name = "RUN", value_parser = import_id)]
    run: String,

    /// File to write, replaced once all records are read; - for standard output
    #[arg(long = "out", short, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Rejected {
    /// Writes the records.
    pub fn run(self) -> Result<Exit, Failure> {
        let imports = ImportsClient::new(self.connection.resolve()?)?;
        let records = if self.out == Path::new("-") {
            let mut out = io::stdout().lock();
            let on_error = |error| stdout::ignore_broken_pipe(Err(error));
            block_on(self.write(&imports, &mut out, on_error))??
        } else {
            self.write_file(&imports)?
        };
        let (run, out) = (&self.run, self.out.display());
        stderr::println(&match (records, self.out == Path::new("-")) {
            (0, true) => format!("no record of import {run} was rejected"),
            (0, false) => format!("no record of import {run} was rejected: {out} is empty"),
            (_, true) => format!("wrote {}", counted(records, "record")),
            (_, false) => format!("wrote {} to {out}", counted(records, "record")),
        });
        Ok(Exit::Ok)
    }

    fn write_file(&self, imports: &ImportsClient) -> Result<u64, Failure> {
        let unwritable = |error: io::Error| {
            Failure::failed(format!("cannot write {}: {error}", self.out.display()))
        };
        // In the same directory, so that the file can be replaced atomically.
        let folder = self.out.parent().filter(|folder| *folder != Path::new(""));
        let mut file =
            NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(unwritable)?;
        let records = block_on(self.write(imports, &mut file, |error| Err(unwritable(error))))??;
        file.as_file().sync_all().map_err(unwritable)?;
        file.persist(&self.out)
            .map_err(|error| unwritable(error.error))?;
        Ok(records)
    }

    /// Writes all pages, or until the reader is gone, and returns the number of records.
    async fn write(
        &self,
        imports: &ImportsClient,
        out: &mut impl Write,
        on_error: impl Fn(io::Error) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let bar = progress::spinner(format!(
            "reading the rejected records of import {}",
            self.run
        ));
        let mut page = imports.rejected(&self.run, None).await?;
        let mut records = 0;
        loop {
            records += page.lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            if let Err(error) = out.write_all(&page.lines).and_then(|()| out.flush()) {
                on_error(error)?;
                break;
            }
            let Some(next) = page.next else {
                break;
            };
            page = retrying(&bar, async || {
                imports.rejected(&self.run, Some(&next)).await
            })
            .await?;
        }
        bar.finish_and_clear();
        Ok(records)
    }
}
