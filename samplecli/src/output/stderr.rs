//! Standard error.

use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;
use crate::output::escape::escaped;

/// Writes a line to standard error, without colours where they are not supported. Errors are
/// ignored: there is no place left to report them.
pub fn println(line: &str) {
    writeln!(anstream::stderr(), "{line}").ok();
}

/// Writes the message and the hints of a failure.
pub fn report(failure: &Failure) {
    let red: Style = AnsiColor::Red.on_default().bold();
    let mut lines = failure.lines().map(escaped);
    let first = lines.next().unwrap_or_default();
    println(&format!("{red}error:{red:#} {first}"));
    for line in lines {
        println(&format!("  {line}"));
    }
}
