//! Messages for the client about data that cannot be imported.

use muster_core::reader::{FormatError, SentAs, SourceError};

/// Returns the client's message about data that cannot be imported.
pub(super) fn refusal_message(error: &SourceError, sent_as: SentAs) -> String {
    match error {
        SourceError::Syntax(error) => format_error_message(error, sent_as),
        SourceError::Unpack(error) => {
            format!("the file cannot be unpacked: {error}; nothing was imported")
        }
        SourceError::Io(_) | SourceError::Consumer(_) => {
            "the file could not be read in full; nothing was imported".to_owned()
        }
    }
}

fn format_error_message(error: &FormatError, sent_as: SentAs) -> String {
    let FormatError {
        offset,
        line,
        record,
        reason,
        found,
    } = error;
    let place = format!("byte {}, line {line}, record {record}", offset + 1);
    match found {
        None => format!("the file cannot be read: {reason} at {place}; nothing was imported"),
        Some(found) => format!(
            "the file cannot be read: expected records, found {found} at {place}: {}; nothing was \
             imported",
            found.advice(sent_as)
        ),
    }
}
