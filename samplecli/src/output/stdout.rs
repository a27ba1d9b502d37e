//! Standard output. A closed pipe (`| head`) is not a failure.

use std::io::{self, ErrorKind, Write};

use crate::failure::{Exit, Failure};

/// Writes text to standard output, without colours where they are not supported.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    ignore_broken_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes bytes to standard output as they are.
pub fn write(data: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    ignore_broken_pipe(out.write_all(data).and_then(|()| out.flush()))
}

/// Writes bytes to standard output, with a newline at the end if it is missing.
pub fn print_data(data: &[u8]) -> Result<(), Failure> {
    let end: &[u8] = if data.ends_with(b"\n") { b"" } else { b"\n" };
    write(&[data, end].concat())
}

/// Writes a value as one line of JSON to standard output, and succeeds.
pub fn print_json(value: &impl serde::Serialize) -> Result<Exit, Failure> {
    let json = serde_json::to_vec(value)
        .map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
    print_data(&json)?;
    Ok(Exit::Ok)
}

/// Treats a closed pipe as success.
pub fn ignore_broken_pipe(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}
