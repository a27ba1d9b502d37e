//! The outputs of commands: stdout, the ready file and log lines about expired rows.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::LocalError;
use crate::ready_file::{Ready, ReadyFile};

/// Prints to stdout. A closed stdout does not stop the service.
pub(super) fn print(text: &str) {
    let mut out = anstream::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "failed to write to stdout");
    }
}

/// Logs the number of deleted rows, or the error. The next sweep repeats a failed deletion.
pub(super) fn log_deleted_rows(deleted: Result<usize, LocalError>) {
    match deleted {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "deleted expired rows"),
        Err(error) => tracing::warn!(%error, "failed to delete expired rows"),
    }
}

/// The ready file of a command, with errors that name its path.
pub(super) struct ReadyOutput {
    file: ReadyFile,
    path: PathBuf,
}

impl ReadyOutput {
    /// Deletes an old file at `path`.
    pub(super) fn clear(path: PathBuf) -> Result<Self, LocalError> {
        match ReadyFile::clear(path.clone()) {
            Ok(file) => Ok(Self { file, path }),
            Err(cause) => Err(LocalError::ReadyFile { path, cause }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&mut self, ready: &Ready) -> Result<(), LocalError> {
        let written = self.file.write(ready);
        written.map_err(|cause| LocalError::ReadyFile {
            path: self.path.clone(),
            cause,
        })
    }

    pub(super) fn remove(self) -> Result<(), LocalError> {
        let Self { file, path } = self;
        file.remove()
            .map_err(|cause| LocalError::ReadyFile { path, cause })
    }
}
