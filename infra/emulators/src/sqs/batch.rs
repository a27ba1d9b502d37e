//! Batches: the checks of a batch as a whole, and the results of its entries.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::wire::{ErrorCode, SqsError};

/// Maximum number of entries in a batch.
const MAX_BATCH_ENTRIES: usize = 10;
/// Maximum length of a batch entry's id.
const MAX_ENTRY_ID_CHARS: usize = 80;

/// Output of an action, or the error that the client gets.
pub(super) type ActionResult = Result<Value, SqsError>;

/// Checks a batch as a whole; its entries are checked one by one later.
pub(super) fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), SqsError> {
    let refused = |code, message: &str| Err(SqsError::new(code, message));
    let is_valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match ids.len() {
        0 => return refused(ErrorCode::EmptyBatchRequest, "the batch is empty"),
        1..=MAX_BATCH_ENTRIES => {}
        _ => {
            return refused(
                ErrorCode::TooManyEntriesInBatchRequest,
                "a batch must have at most 10 entries",
            );
        }
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        if id.is_empty() || id.len() > MAX_ENTRY_ID_CHARS || !id.bytes().all(is_valid) {
            return refused(
                ErrorCode::InvalidBatchEntryId,
                "an entry's Id must have 1 to 80 letters, digits, hyphens and underscores",
            );
        }
        if !seen.insert(id) {
            return refused(
                ErrorCode::BatchEntryIdsNotDistinct,
                "two entries have the same Id",
            );
        }
    }
    Ok(())
}

/// Runs `action` on each entry of a batch and collects successes and failures.
pub(super) fn run_batch<E>(
    entries: Vec<E>,
    mut action: impl FnMut(E) -> (String, ActionResult),
) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match action(entry) {
            (id, Ok(mut output)) => {
                if let Value::Object(output) = &mut output {
                    output.insert("Id".to_owned(), id.into());
                }
                successful.push(output);
            }
            (id, Err(error)) => failed.push(error.to_batch_entry(&id)),
        }
    }
    json!({"Successful": successful, "Failed": failed})
}
